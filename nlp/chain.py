"""接龙: a numbered list that a group writes together, made by WeChat or by hand. It is a roster, not an appeal.

`is_chain` tells one (cheap, for every message), `parse` reads it. What people write as a row: `1. 张三 2人`, `1、`,
`1)`, `(1)`, `①`, `1️⃣`, `一、`, `1张三`, `1 张三`; a title of several lines before them, sometimes with numbered
remarks of its own; an example row (`例 姓名+楼栋`); rows of several lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from nlp import contact, normalize, quoting

_NATIVE = re.compile(r"#\s?(?:接龙|接龍|group note)", re.IGNORECASE)
_ROW = re.compile(r"^[ \t]*(?:例[ \t]*)?(\d{1,3})[ \t]*[.、,，。:：)）．][ \t]*(\S.*)?$", re.MULTILINE)
_HEAD = ("接龙", "接龍", "报名", "登记", "统计", "团购", "签到", "拼团", "名单")
_NATIVE_WITHIN = 120  # the tag stands in the title, before the rows
_SHORT_ROW = 24
_FEWEST_NAMES = 3  # rows that show a list of people without a word that says so
_ROW_SIGNS = frozenset("0123456789①②③(（一二")
_MOST_ROWS = 600  # a group holds 500

_CN = "一二三四五六七八九十"
_ROW_START = re.compile(
    r"[ \t]*(?:(?P<marked>\d{1,3})(?!\.\d+\s?(?:斤|公斤|kg|元|块|米|升|折))[\ufe0f\u20e3]*[ \t]*"
    r"(?P<mark>[.、,，。:：)）．])|[(（](?P<bracketed>\d{1,3})[)）]"
    rf"|(?P<ring>[①-⑳㉑-㉟])|(?P<written>[{_CN}]{{1,3}})、"
    r"|(?P<bare>\d{1,3})[\ufe0f\u20e3]*(?P<gap>[ \t]*)(?![\d.:：\-~/栋幢号#单元楼层室人点月日年个份场批时]))[ \t]*"
)
_EXAMPLE = re.compile(r"[ \t]*(?:例|示例|例如|格式)(?:[ \t:：]|(?=\d))[ \t]*(?P<text>.*)")
_ADDRESS = re.compile(
    r"[A-Na-n]?区?\d{1,3}\s?(?:栋|幢|号楼|#|座)\s?-?(?:\d{1,2}\s?(?:单元|梯)\s?-?|\d{1,2}-)?"
    r"(?:\d{3,4}(?!\d)\s?[室号]?|\d{1,2}\s?[室号楼层])?"
    r"|\d{1,2}\s?单元\s?\d{0,4}室?|(?<!\d)[A-Na-n]?\d{1,2}-\d{1,4}(?:-\d{1,4}){0,2}|(?<![\d*])\d{3,4}(?=室|\s|$)室?"
)
_BUILDING = re.compile(r"(?P<number>\d{1,3})\s?(?:栋|幢|号楼|#|座)|(?<![\d-])(?P<first>\d{1,3})-\d")
# Which of several sessions or groups a row is for: 第1场, 上午场, 周六下午, A场, 3组, 9:00-10:00, 9点那场, 儿童场.
_DAY_PART = "上午|下午|中午|早上|早晨|晚上|傍晚"
_SESSION = "场次|场|批次|批|时段|组|班次"
_CLOCK = r"(?:[01]?\d|2[0-4])(?:[:：][0-5]\d(?!\d)|[点时](?:半|[0-5]?\d分?)?)"
_CHOICE = re.compile(
    rf"(?:(?:第\s?(?:\d{{1,2}}|[{_CN}]{{1,2}})|(?<![\d:：.])\d{{1,2}}|(?<![\u4e00-\u9fff])[{_CN}两]{{1,2}}"
    rf"|(?<![A-Za-z\d])[A-Ha-h])\s?(?:{_SESSION})(?!合|长|员|织|地|馆)"
    rf"|场次\s?(?:\d{{1,2}}(?!\d)|[{_CN}])"
    rf"|(?:(?:周|星期|礼拜)[{_CN[:6]}日天]\s?)?"
    rf"(?:(?:{_DAY_PART})(?:\s?{_CLOCK})?|[早午晚夜](?=场|班次|批))(?:那?场|班次|批|时段)?"
    rf"|(?<![\u4e00-\u9fff])(?:周[{_CN[:6]}日天](?=[\s,，、。(（]|那?场|$)|(?:星期|礼拜)[{_CN[:6]}日天])(?:那?场)?"
    rf"|(?<![\d-])(?:\d{{1,2}}\s?[-~—–至到]\s?)?{_CLOCK}(?:\s?[-~—–至到]\s?{_CLOCK})?(?:的?那?场|开始|时段)?"
    r"|(?:成人|儿童|少儿|亲子|老年|老人|长者)(?:场|组))(?:\s?都(?:来|去|参加|要|可以|报))?"
)
_MASKED = re.compile(r"\d{3,6}\*{4,8}[\dX]{4}")
_NUMBER = rf"(?:\d{{1,2}}|[{_CN}两])"
_HEADS = re.compile(
    rf"(?P<family>一家|全家)\s?(?P<family_of>{_NUMBER})\s?口?(?:人)?"
    rf"|(?P<adults>{_NUMBER})\s?(?:个)?大(?:人)?\s?[+和、,]?\s?(?P<children>{_NUMBER})\s?(?:个)?(?:小孩?|娃|孩)"
    rf"|(?:带|携|另带|外带)\s?(?P<more>{_NUMBER})\s?(?:个|名|位)?\s?(?:人|娃娃|娃|小孩子?|孩子|小朋友|宝宝|老人|家属|大人|朋友)?"
    rf"|(?:(?<!\d)(?=\d)|(?<![\u4e00-\u9fff])|(?<=[来共]))(?P<all>{_NUMBER})\s?(?:个|名|位)?\s?人(?!份)|[+＋](?P<plus>\d{{1,2}})(?!\d)|[x×*](?P<times>\d{{1,2}})(?!\d)",
    re.IGNORECASE,
)
_FOR = re.compile(r"(?:代|帮|替|给)(?:替)?\s?(?P<name>[\u4e00-\u9fff·]{2,4}?)(?=\s|报名?|接龙|[,，。(（]|$)")
_PROXY = re.compile(r"[(（][^()（）]{0,8}代[^()（）]{0,4}[)）]|代报名?|(?<=\s)代(?=\s|$)|代接")
_NOT_NAME = re.compile(r"[^\w\u4e00-\u9fff·*]+")
_NAME = re.compile(r"[\u4e00-\u9fff·]{2,}|[A-Za-z][A-Za-z .'·]{0,30}[A-Za-z]|\w+")
_SAID_BEHIND = re.compile(r"(?<=[\u4e00-\u9fff]{2})(?:报名|参加|已报|要去|一起|业主|家里?|收到).*$")
# Lists that nobody signs up with: neighbours who buy together, receipts, games, what an office announces. Of an outing
# that costs something a price says little, so a price alone is none of these words.
_NO_SIGNUP = re.compile(
    r"[团拼][购单]|拼团|团长|自提|下单|秒杀|包邮|特价|现货|代购|预[定订购]|元/?\s?[一每]?\s?(?:斤|箱|盒|份|袋|只|个|瓶|件|包|筐|提)|[一每]\s?(?:斤|箱|盒|袋|件|筐)"
    r"|\d\s?[元块]\s?\d{1,3}\s?[个枚只斤盒箱袋份]|拼车|顺风车|搭车|出租|转让|求购|收到|已阅|知晓|打卡|祝福|祈福|成语|游戏|诗词"
)
_ANNOUNCED = re.compile(r"名单|公示|值班|排班|获奖|中奖|欠费|结果")
# What neighbours think of something; who agrees to a poll goes nowhere. `同意参加` is a sign-up all the same.
_OPINION = re.compile(
    r"(?:不?同意|赞成|反对)(?!参加|报名)|支持[^\n]{0,14}(?:的|业主|住户)[^\n]{0,4}接龙|(?:征求|征集|收集|听取).{0,6}(?:意见|意愿|建议|想法)|(?:意见|意愿)(?:征集|征求|统计|调查|接龙|表)"
    r"|表决|投票|(?:要不要|是否|愿不愿意|想不想)(?:同意|安装|加装|更换|改造|装|建|换|改|加)"
)
_THINKS = re.compile(r"(?:不?同意|赞成|反对|支持|弃权|没意见|无意见)[。.!！]?$")
_LONGEST_CHOICE = 24
_SHORTEST_NAME = 2
_LONGEST_NAME = 3  # family and given name; what is longer is a title with a name, or no name
_SIGNS_UP = ("接龙", "接龍", "报名", "報名", "登记", "登記", "参加", "參加")
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金"
    "石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤小老阿"
)
_CALLED = (
    "妈妈",
    "妈",
    "爸爸",
    "爸",
    "姐",
    "哥",
    "叔",
    "婶",
    "孃",
    "婆",
    "爷",
    "奶奶",
    "阿姨",
    "师傅",
    "老师",
    "先生",
    "女士",
)


class Row(Protocol):
    """One row of `solitaire_info`: who wrote it, when, and where in the text, in UTF-16 units."""

    @property
    def author(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def start(self) -> int: ...
    @property
    def length(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `position` as it is written (two may be equal), `text` all its lines and `name` with phone and ID
    numbers masked, `heads` how many come, `choice` for which of several sessions, '' where it names none, `proxy` that
    somebody else signed up for them, `author` and `at` from the wire where it tells."""

    position: int
    text: str
    name: str
    heads: int = 1
    choice: str = ""
    proxy: bool = False
    author: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """`title` is everything before the rows without the tag and the blank lines, `example` the row that shows how."""

    title: str
    example: str
    entries: tuple[Entry, ...]


def is_chain(text: str) -> bool:
    """Whether the whole message is a sign-up chain. `text` is without quotes, its line breaks kept."""
    if _NATIVE.search(text, 0, _NATIVE_WITHIN):
        return True
    if "\n" not in text:
        return False
    first = _ROW.search(text)
    head = text[: first.start()] if first else text[:_NATIVE_WITHIN]
    if "接龙" in head or "接龍" in head:
        return first is not None or len(_entry_starts(text)) > 0
    if text[0] in _ROW_SIGNS and not (first and head.strip()):
        starts = _entry_starts(text)
        return len(starts) >= _FEWEST_NAMES and all(
            _is_person(text[start.body :].split("\n", 1)[0]) for start in starts
        )
    if first is None or not any(word in head for word in _HEAD):
        return False
    rows = [(int(number), row or "") for number, row in _ROW.findall(text)]
    counted = [number for number, _ in rows] == list(range(1, len(rows) + 1))
    return counted and len(rows) >= 2 and all(len(row) <= _SHORT_ROW for _, row in rows)


def parse(text: str, rows: Sequence[Row] = ()) -> Chain | None:
    """Read a chain; None where there is none: what is quoted is somebody else's copy.

    `text` is the message as it came, since the `rows` of a native one count from its first character in UTF-16 units.
    """
    if text.lstrip()[:1] in ("「", "这", "<") and not rows:
        text = quoting.split(text).reply
    starts = _entry_starts(text)
    if not starts and not _NATIVE.search(text, 0, _NATIVE_WITHIN):
        return None
    example, title = _head(text[: starts[0].at if starts else len(text)])
    ends = [start.at for start in starts[1:]] + [len(text)]
    spans = [(start.body, end) for start, end in zip(starts, ends, strict=False)]
    authors = _authors(text, spans, rows)
    entries = tuple(
        _entry(start.number, text[slice(*span)], authors.get(index))
        for index, (start, span) in enumerate(zip(starts, spans, strict=True))
        if text[slice(*span)].strip()
    )
    return Chain(title, example, entries)


def is_signup(text: str) -> bool:
    """Whether a list may be one that people sign up with: no group purchase, no receipts, no opinions, and, unless
    WeChat made it, called so in its head. `text` is as for `parse`."""
    native = _NATIVE.search(text, 0, _NATIVE_WITHIN) is not None
    starts = _entry_starts(text)
    head = text[: starts[0].at] if starts else text
    if _NO_SIGNUP.search(head) or _OPINION.search(head):
        return False
    ends = [start.at for start in starts[1:]] + [len(text)]
    rows = [text[start.body : end].strip() for start, end in zip(starts, ends, strict=False)]
    if rows and 2 * sum(_THINKS.search(row) is not None for row in rows) > len(rows):
        return False
    return native or (any(word in head for word in _SIGNS_UP) and not _ANNOUNCED.search(head))


def resembles(nick: str, name: str, building: str = "") -> bool | None:
    """Whether a nick says that its owner is the one named in a row (True) or somebody else (False); None where it tells
    neither, such as a bare address or 向阳花开. `building` is that of the row, 3栋."""
    own = _name(nick).replace(" ", "") if nick else ""
    other = name.replace(" ", "")
    if not own or not other:
        return None
    home = _building(nick)
    if home and building and home != building.removesuffix("栋"):
        return False
    shorter, longer = sorted((own.casefold(), other.casefold()), key=len)
    if own.casefold() == other.casefold() or (len(shorter) > 1 and len(longer) > _LONGEST_NAME and shorter in longer):
        return True
    if own[0].isdigit():
        return None
    if _is_called(own) and _is_called(other):
        family = own.lstrip("老小阿")[:1] == other.lstrip("老小阿")[:1]
        called = own.endswith(_CALLED) or other.endswith(_CALLED) or own[0] in "老小阿" or other[0] in "老小阿"
        return None if family and called else False
    return None


def wrote(nick: str, entry: Entry, building: str = "") -> bool:
    """Whether a row of which the wire names no author is that of whoever has this nick: WeChat has put the whole nick
    there, or it has their full name, or what they are called at that house. `building` is that of the row, 3栋.
    What somebody else wrote for them is not."""
    bare = "".join(nick.split())
    if entry.author is not None or entry.proxy or len(bare) < _SHORTEST_NAME:
        return False
    same = resembles(nick, entry.name, building)
    if bare in "".join(entry.text.split()):
        return same is not False
    general = entry.name.endswith(_CALLED) or entry.name[0] in "老小阿"
    return same is True and (not general or bool(building and _building(nick)))


def _is_called(name: str) -> bool:
    return _is_person(name) and (len(name) <= _LONGEST_NAME or name.endswith(_CALLED))


def _building(nick: str) -> str:
    match = _BUILDING.search(nick)
    return (match["number"] or match["first"]) if match is not None else ""


@dataclass(frozen=True, slots=True)
class _Start:
    number: int
    at: int  # where the line begins
    body: int  # where the words behind the number begin


def _entry_starts(text: str) -> list[_Start]:
    """Where rows begin. A line counts up, or is marked as a row beyond doubt: 2.5斤 is none, a second `4.` is one.
    Where the count begins anew behind a blank line, what came before were remarks of the title."""
    result: list[_Start] = []
    at, blank_before = 0, False
    for line in text.split("\n")[: 4 * _MOST_ROWS]:
        match = None if _EXAMPLE.match(line) else _ROW_START.match(line)
        if match is not None and match.end() < len(line):
            start = _Start(_number(match), at, at + match.end())
            expected = (result[-1].number if result else 0) + 1
            doubtful = match["bare"] or (match["mark"] and line[match.end("mark")].isdigit())
            anew = start.number == 1 and blank_before and len(result) > 1
            if anew:
                result = []
            if anew or start.number == expected or (not doubtful and result and start.number > 0):
                result.append(start)
            elif not result and not doubtful:
                result.append(start)  # a copy that lost its first rows
        blank_before = not line.strip()
        at += len(line) + 1
    return result[:_MOST_ROWS]


def _number(match: re.Match[str]) -> int:
    if match["ring"]:
        return int(unicodedata.numeric(match["ring"]))
    written = match["marked"] or match["bracketed"] or match["bare"]
    if written:
        return int(written)
    tens, ten, ones = match["written"].partition("十")
    digits = {"": 0} | {character: value for value, character in enumerate(_CN, 1)}
    if not ten:
        return digits.get(tens, 0)
    return digits.get(tens or "一", 0) * 10 + digits.get(ones, 0)


def _head(head: str) -> tuple[str, str]:
    """The example and the title that stand before the rows."""
    example, lines = "", []
    for line in head.split("\n"):
        if (match := _EXAMPLE.match(line)) and not example:
            example = match["text"].strip()
        else:
            lines.append(line)
    said, _ = normalize.strip_mentions(_NATIVE.sub(" ", "\n".join(lines), count=1), ())
    kept = (" ".join(line.split()) for line in said.split("\n"))
    return contact.mask(example), contact.mask("\n".join(line for line in kept if line))


def _entry(number: int, body: str, row: Row | None) -> Entry:
    text = contact.mask("\n".join(line.strip() for line in body.strip().split("\n") if line.strip()))
    choices = list(dict.fromkeys("".join(match[0].split()) for match in _CHOICE.finditer(text)))
    without = _CHOICE.sub(" ", text)
    telling = (line for line in without.split("\n") if _HEADS.sub("", line).strip())
    first = next(telling, text.split("\n", 1)[0])  # where there is but a session, it is all that tells one from another
    return Entry(
        position=number,
        text=text,
        name=_name(first),
        heads=_heads(without),
        choice="、".join(choices)[:_LONGEST_CHOICE],
        proxy=_FOR.search(first) is not None or _PROXY.search(first) is not None,
        author=row.author if row else None,
        at=row.at if row else None,
    )


def _name(line: str) -> str:
    """Who comes: the words of a row without address, number of heads, phone and remarks; all of it where nothing is
    left."""
    if match := _FOR.search(line):
        return match["name"]
    rest = _PROXY.sub(" ", normalize.strip_emoji(normalize.strip_invisible(line)))
    for pattern in (_MASKED, _ADDRESS, _HEADS):
        rest = pattern.sub(" ", rest)
    names = _NAME.findall(_NOT_NAME.sub(" ", rest))
    if not names:
        return line.strip()[:_SHORT_ROW]
    name = max(names, key=lambda word: word[0] in _SURNAMES) if names[0].isdigit() else names[0]
    return _SAID_BEHIND.sub("", name).strip() or name


def _heads(text: str) -> int:
    """How many come: `2人` is two, `带1个娃娃` and `+1` are one more, `2大1小` and `一家三口` are three."""
    total, more = 0, 0
    for match in _HEADS.finditer(_MASKED.sub(" ", text)):
        if match["family_of"]:
            total = total or _small(match["family_of"])
        elif match["adults"]:
            total = total or _small(match["adults"]) + _small(match["children"])
        elif match["all"]:
            total = total or _small(match["all"])
        elif match["times"]:
            total = total or int(match["times"])
        else:
            more += _small(match["more"] or match["plus"])
    return max(1, total or 1 + more)


def _small(written: str) -> int:
    return int(written) if written.isdigit() else 2 if written == "两" else _CN.index(written) + 1


def _authors(text: str, spans: Sequence[tuple[int, int]], rows: Sequence[Row]) -> dict[int, Row]:
    """Which row of the wire speaks of which entry: the one it covers most of. Ranges that fit nowhere name nobody."""
    if not rows:
        return {}
    units = [0]
    for character in text:
        units.append(units[-1] + (2 if ord(character) > 0xFFFF else 1))
    found: dict[int, Row] = {}
    index = 0
    for row in sorted(rows, key=lambda row: row.start):
        end = row.start + row.length
        while index < len(spans) and units[spans[index][1]] <= row.start:
            index += 1
        overlaps = {
            at: min(end, units[spans[at][1]]) - max(row.start, units[spans[at][0]])
            for at in range(index, min(index + 2, len(spans)))
        }
        best = max(overlaps, key=lambda at: overlaps[at], default=None)
        if best is not None and overlaps[best] > 0:
            found.setdefault(best, row)
    return found


def _is_person(row: str) -> bool:
    """Whether a row is somebody's name with at most an address, a phone and a number of heads: 张三 3栋 2人."""
    rest = row
    for pattern in (_MASKED, _CHOICE, _ADDRESS, _HEADS):
        rest = pattern.sub(" ", rest)
    words = _NOT_NAME.sub(" ", re.sub(r"\d+", " ", rest)).split()
    if len(row) > _SHORT_ROW or len(words) != 1 or not 2 <= len(words[0]) <= 4:
        return False
    return words[0][0] in _SURNAMES or words[0].endswith(_CALLED)
