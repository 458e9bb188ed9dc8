"""What somebody announces: title, time, place, quota, deadline of an activity, in whatever order they are written.

The words that tell a time or a number are taken out one by one; of what is left the words that end like a place are the
place, the first others are the title, the rest is kept as a note. Nothing is guessed: what is not said stays empty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from nlp import counts, dates, timeexpr
from nlp.timeexpr import Kind, TimeExpression

LONGEST_TITLE = 30
LONGEST_NOTE = 80
_LIST_GAP = 3  # characters between two days that are listed: 周六、周日
_LONGEST_PLACE = 30


@dataclass(frozen=True, slots=True)
class Window:
    """A time window with a quota of its own (疫苗接种)."""

    starts: datetime
    ends: datetime | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """`starts` is exact where `sharp`, else the first moment of the day or part of the day that was named. `unlimited`
    and `undated` tell that it was said so (不限人数, 时间待定). `deadline` of a day is the last minute of it."""

    title: str = ""
    place: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    sharp: bool = False
    undated: bool = False
    capacity: int | None = None
    unlimited: bool = False
    deadline: datetime | None = None
    windows: tuple[Window, ...] = ()
    asks_phone: bool = False
    brings_card: bool = False
    note: str = ""
    doubt: str = ""  # what was said of the day that cannot be told for sure: 腊月初八; then there is no `starts`


_NUM = r"(?:\d{1,6}|[零〇一二两三四五六七八九十百千]{1,5})"
_UNIT = r"(?:个人|个名额|人|名|位|户|组|对)"
_CEILING = r"(?:限额?|限定|限报|限招|名额|人数|上限|定员|最多|至多|不超过|不得超过)"
_QUOTA = re.compile(
    rf"(?P<each>每[场个]?(?:时段|次|组)?|各)?{_CEILING}(?:人数|名额)?\s?(?:为|是|:|在|共|约)?\s?(?:{_NUM}\s?[-~到至]\s?)?"
    rf"(?P<limit>{_NUM})\s?(?:{_UNIT}|个)?(?:以内|之内|封顶|为限|左右|名额)?"
    rf"|(?P<each_of>每[场个]?(?:时段|次|组)?|各)\s?(?P<each_limit>{_NUM})\s?(?:{_UNIT}|个)(?:名额)?"
    rf"|(?:招募?|只收|只要|只有|总共|一共|共)\s?(?P<called>{_NUM})\s?(?:{_UNIT}|个)(?:名额|志愿者)?"
    rf"|(?:(?<![\u4e00-\u9fffA-Za-z\d])|(?<=[点时分半]))(?:{_NUM}\s?[-~到至]\s?)?(?P<bare>{_NUM})\s?{_UNIT}(?:名额|以内|之内|封顶|为限|满员)?(?=$|[\s,。;|/()])"
)
_UNLIMITED = re.compile(r"(?:人数|名额|人员)不限|不限(?:人数|名额|人员|额|人)?|来者不拒")
_UNDATED = re.compile(r"(?:具体)?(?:时间|日期)[:是为]?\s?(?:待定|另行通知|另定|待通知|未定|还没定|没定)")
_WITH = r"(?:需要?|请|须|要|记得)?\s?(?:登记|携带|带上?|自带|留下?|填写?|提供|出示|凭)"
_THING = r"(?:本人)?(?P<{}>身份证(?:号码?|原件)?)|(?P<{}>(?:联系)?(?:电话|手机)(?:号码?)?)"
_NEEDS = re.compile(
    rf"{_WITH}\s?(?:{_THING.format('card', 'phone')})(?:\s?[/、和及与]\s?(?:{_THING.format('card2', 'phone2')}))?"
)
_DUE_BEFORE = re.compile(r"(?:(?:报名)?(?:截止|截至)(?:时间|日期|报名)?[为是到至于:在\s]{0,3}|报名(?:时间)?[到至])$")
_DUE_BEHIND = re.compile(r"\s?(?:之前|以前|前)?\s?(?:报名)?(?:截止|为止|止)(?:报名)?")
_DUE_WORDS = re.compile(r"(?:报名)?(?:截止|截至)(?:时间|日期|报名)?[为是到至于:在\s]{0,3}")
_DUE_AHEAD = re.compile(
    rf"(?P<said>(?:报名)?截止\S{{0,3}}?)?(?:活动|开始)?(?:提前|前)\s?(?P<ahead>{_NUM})\s?个?(?P<unit>天|小时)(?(said)|(?:报名)?截止)"
)
_CLOCK = re.compile(r"(?:\d|[零〇一二两三四五六七八九十])\s?[点时]|\d:\d\d")
_DATE = re.compile(dates.NAMED)
# How announcements are written, and talk, for which `timeexpr` was made, is not.
_CN = "零一二三四五六七八九十"
_SPELT = (
    (re.compile(r"(?<=\d)\s+(?=[点时](?!间))|(?<=\d[点:：])\s+(?=[0-5]\d(?!\d))"), ""),  # 9 点
    (re.compile(r"(?<![\d/.])(0?[1-9]|1[0-2])/([0-3]?\d)(?=[\s日号(（]|[上中下]午|[早晚]|$)[日号]?"), r"\1月\2日 "),
    (
        re.compile(
            rf"(?<![农阴]历)([一二三四五六七八九十]{{1,2}}月[{_CN}]{{1,3}})(?=[上中下]午|[早晚]|\s?\d{{1,2}}[点:：])"
        ),
        r"\1日",
    ),
    (re.compile(rf"(?<=[\d{_CN}][日号])(?=\d)"), " "),  # 20日9点
    (re.compile(rf"([早晚])(?=[{_CN}]{{1,3}}[点时])"), r"\1上"),
    (re.compile(rf"(?<=[午日号早晚上])([{_CN}]{{1,3}})时(?!间|候)"), r"\1点"),
    (re.compile(r"(?<=[一二三四五六日天号午早晚上])(\d{1,2})\.([0-5]\d)(?![\d元块])"), r"\1:\2"),  # 周六9.30
)
_LUNAR = re.compile(r"(?:农历|阴历|老历|旧历)\S{0,2}$")
# Words of a day that are not read: who names none but such one does not mean today.
_UNREAD_DAY = re.compile(
    r"(?:(?:农历|阴历|老历|旧历)\S{0,6}|[腊冬正]月\S{0,4}|(?:大年)?初[一二三四五六七八九十](?!中)|[廿卅]\S?|大年\S{0,2})"
    r"|(?:端午|中秋|国庆|重阳|元旦|清明|元宵|七夕|除夕|冬至|腊八|春节|五一|六一|七一|八一|十一|三八|教师|儿童|妇女|劳动|青年|母亲|父亲)节?(?:当天|那天)?"
    rf"|(?<![\d.])\d{{1,2}}[/.]\d{{1,2}}(?![\d元块])|(?<!\d)(?:0[1-9]|1[0-2])[0-3]\d(?!\d)|(?:\d{{1,2}}|[{_CN}]{{1,3}})月(?:\d{{1,2}}|[{_CN}]{{1,3}})|\S?月?[上中下]旬"
    rf"|(?:\d{{1,3}}|[{_CN}两]{{1,3}})(?:个?星期|个?礼拜|周|天|个?月)[之以]?后|(?:\d{{1,2}}|[{_CN}]{{1,3}})[日号](?!楼)|(?:过|这)[几两]天|近期|改天"
)
_WEEKDAY = re.compile(r"(?:周|星期|礼拜)(?P<day>[一二三四五六日天1-7])")
_ORDINAL = re.compile(r"第\s?[一二三四五六七八九十\d]{1,2}\s?[场批组]次?:?")
_LABEL = re.compile(
    r"(?:活动)?(?:(?P<title>名称|主题|标题|内容)|(?P<place>地点|地址|位置)|(?P<none>时间|日期|名额|人数|限额|对象|费用|说明|备注|要求))\s?:\s?"
)
_CUT = re.compile(r"(?:[,;|/。!]|(?<![A-Za-z])\s|\s(?![A-Za-z]))+")  # English words stay together
PLACE_WORDS = (
    r"(?:中心|[室厅馆站院坝亭店所园]|坝子|广场(?!舞)|架空层|门口|[大正后前侧东南西北]门|楼[下上顶]|天台|学校|[小中]学|操场|球场|食堂"
    r"|中庭|大堂|空地|路口|平台|长廊|社区|小区|[居村]委会?|物业|办公室|岗亭|地下室|负一楼|[路街巷]\s?\d{1,4}号|\d{1,3}\s?(?:栋|号楼|幢|楼|层)"
    r"|[一二三四五六七八九]楼)(?:头|里|边|内)?"
)
_PLACE = re.compile(
    rf"(?:在|于|到|去|集合)?(?P<place>\S{{0,20}}?{PLACE_WORDS}(?:[\dA-Za-z一二三四五六七八九]{{1,4}}[楼层号室])?(?:集合)?)"
)
_IN_PLACE = re.compile(rf"(?:在|地点在?|于)(?P<place>[^\s,;。]{{0,14}}{PLACE_WORDS}(?:[一二三四五\d]楼)?)")
_TELLS = re.compile(
    r"^(?:大家好|各位(?:居民|邻居|业主)(?:朋友)?(?:们)?|通知|我们|咱们|社区|将|要|准备|打算|定于|拟)*"
    r"(?:(?:搞|办|来|做|有|开|组织|举办|举行|开展|安排)一?[个场次期]|举办|举行|开展|组织)"
)
_CALLS = re.compile(
    r"^(?:欢迎|请|有意|想参加|感兴趣|需要的|大家|踊跃|积极|快来|可以)\S{0,12}(?:报名|参加|接龙|参与)\S{0,4}$|^(?:报名|时间|地点|参加|接龙|活动)$"
)
_EDGE = " \t\n,;:、。!|/()[]-~在于为是的"


def read(text: str, at: datetime) -> Activity:
    """Read an announcement, phone and ID numbers masked. `at` is the moment of the message, aware, in its zone."""
    typed = _spelt(text.replace("\r", "\n"))
    plain = "".join(_folded(character) for character in typed)
    board = _Board(typed, plain)
    undated = board.take(_UNDATED) is not None
    unlimited = board.take(_UNLIMITED) is not None
    phone, card = _needs(board)
    ahead = board.take(_DUE_AHEAD)
    times, deadline = _times(board, at)
    quotas = list(_quotas(board))
    windows = _windows(plain, times, quotas, at)
    first = _first(times, at)
    doubt = "" if windows else _doubt(board, times, first)
    if doubt:
        first = None
        for expression in times:
            board.mark(*expression.at)
    for expression in times if windows else [] if first is None else first.parts:
        board.mark(*expression.at)
    for quota in quotas if windows else quotas[:1]:
        board.mark(*quota.at)
    while windows and board.take(_ORDINAL) is not None:
        pass
    starts = windows[0].starts if windows else first.starts if first is not None else None
    if ahead is not None and starts is not None and deadline is None:
        deadline = _ahead(starts, ahead)
    place, title, note = _words(board)
    return Activity(
        title=title[:LONGEST_TITLE],
        place=place[:_LONGEST_PLACE],
        starts=starts,
        ends=max((window.ends or window.starts for window in windows), default=None)
        if windows
        else first.ends
        if first is not None
        else None,
        sharp=bool(windows) or (first is not None and first.sharp),
        undated=undated and starts is None,
        capacity=None if windows or not quotas else quotas[0].heads,
        unlimited=unlimited,
        deadline=deadline,
        windows=windows,
        asks_phone=phone,
        brings_card=card,
        note=f"{_again(first)} {note}".strip()[:LONGEST_NOTE],
        doubt="" if undated else doubt,
    )


def _spelt(text: str) -> str:
    for pattern, written in _SPELT:
        text = pattern.sub(written, text)
    return text


def _folded(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


class _Board:
    """The text with what has been understood crossed out."""

    def __init__(self, typed: str, plain: str) -> None:
        self.typed, self.plain = typed, plain
        self.taken = [False] * len(plain)

    def mark(self, start: int, end: int) -> None:
        self.taken[start:end] = [True] * (end - start)

    def free(self, start: int, end: int) -> bool:
        return not any(self.taken[start:end])

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = next((found for found in pattern.finditer(self.plain) if self.free(*found.span())), None)
        if match is not None:
            self.mark(*match.span())
        return match

    def rest(self) -> str:
        """What is left, folded; a blank bar where something was understood."""
        return "".join("|" if taken else character for character, taken in zip(self.plain, self.taken, strict=True))


def _needs(board: _Board) -> tuple[bool, bool]:
    phone = card = False
    while (match := board.take(_NEEDS)) is not None:
        phone |= bool(match["phone"] or match["phone2"])
        card |= bool(match["card"] or match["card2"])
    return phone, card


# --- when ---
@dataclass(frozen=True, slots=True)
class _When:
    starts: datetime
    ends: datetime | None
    sharp: bool
    parts: tuple[TimeExpression, ...]


def _times(board: _Board, at: datetime) -> tuple[list[TimeExpression], datetime | None]:
    """The expressions that may tell when it takes place, and the deadline, which is crossed out."""
    deadline: datetime | None = None
    times: list[TimeExpression] = []
    for found in timeexpr.find(board.plain, at, prefer="future"):
        start, end = found.at
        if not board.free(start, end) or _LUNAR.search(board.plain[:start]):
            continue
        due = _DUE_BEFORE.search(board.plain[:start])
        behind = _DUE_BEHIND.match(board.plain, end)
        if due or behind or (found.kind is Kind.UNTIL and "截止" in found.text) or _before(board.plain, found):
            moment = found.end if found.kind is Kind.UNTIL else found.start if _CLOCK.search(found.text) else found.end
            if moment is None:
                continue
            deadline = moment if moment.time() != moment.min.time() else moment - timedelta(minutes=1)
            board.mark(due.start() if due else start, behind.end() if behind else end)
        elif found.start is not None or (found.kind is Kind.DURATION and times and found.length is not None):
            times.append(found)
    board.take(_DUE_WORDS)
    return times, deadline


def _before(plain: str, found: TimeExpression) -> bool:
    """周五前报名, 6月14日之前报."""
    return found.kind is Kind.UNTIL and re.match(r"\s?(?:报名?|接龙|登记)", plain[found.at[1] :]) is not None


def _first(times: Sequence[TimeExpression], at: datetime) -> _When | None:
    """When it begins: the first expression, completed by one that names the day, the hour or how long it lasts."""
    told = [each for each in times if each.kind is not Kind.DURATION]
    if not told:
        return None
    whole = (each for each in told if _DATE.search(each.text) and _CLOCK.search(each.text))
    day = next(whole, None) or next((each for each in told if _DATE.search(each.text)), None)
    clock = next((each for each in told if _CLOCK.search(each.text)), None)
    parts = [day or clock or told[0]]
    if day is not None and clock is not None and clock is not day and not _CLOCK.search(day.text):
        parts = [day, clock]
    both = " ".join(part.text for part in parts)
    known = parts[0] if len(parts) == 1 else next(iter(timeexpr.find(both, at, prefer="future")), parts[0])
    start = known.start
    if start is None:
        return None
    sharp = _CLOCK.search(both) is not None
    ends = known.end if sharp and known.kind in (Kind.SPAN, Kind.REPEATED) else None
    length = next((each for each in times if each.kind is Kind.DURATION and each.at[0] > parts[-1].at[0]), None)
    if ends is None and sharp and length is not None and length.length is not None:
        ends, parts = start + length.length, [*parts, length]
    return _When(start, ends, sharp, tuple(parts))


def _doubt(board: _Board, times: Sequence[TimeExpression], first: _When | None) -> str:
    """What was said of the day that is not understood, or may mean several days; '' where it is plain."""
    told = [each for each in times if each.kind is not Kind.DURATION and (match := _DATE.search(each.text))]
    if first is None or not told:
        unread = (match[0].strip(_EDGE) for match in _UNREAD_DAY.finditer(board.rest()))
        return max(unread, key=len, default="")
    for each in told:
        match = _DATE.search(each.text)
        if match is None or each.start is None:
            continue
        part = match["whole_week"] or match["which_month"] or match["bare_month"] or match["this_part"]
        if match["whole_year"] or match["year_end"] or (part and not match["its_day"]):
            return each.text  # 下周, 月底
        said = _WEEKDAY.search(each.text, match.end()) or _WEEKDAY.match(each.text)
        evening = each.start - timedelta(hours=5 if "晚" in each.text or "夜" in each.text else 0)  # 周六晚上12点
        if said is not None and _weekday(said) != evening.weekday():
            return each.text  # 6月15日(周六), which is a Sunday
        if each.start.date() != first.starts.date() and first.parts[0] in told:
            one, other = sorted((first.parts[0].at, each.at))
            if other[0] - one[1] <= _LIST_GAP:
                return board.plain[one[0] : other[1]]  # 周六、周日
    return ""


def _weekday(match: re.Match[str]) -> int:
    day = match["day"]
    return int(day) - 1 if day.isdigit() else 6 if day == "天" else "一二三四五六日".index(day)


def _again(first: _When | None) -> str:
    """每周三: said with the note, as `starts` is but the next one."""
    return next((part.text for part in first.parts if part.kind is Kind.REPEATED), "") if first is not None else ""


def _ahead(starts: datetime, match: re.Match[str]) -> datetime:
    number = counts.number(match["ahead"])
    if match["unit"] == "小时":
        return starts - timedelta(hours=number)
    return starts.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=number - 1, minutes=1)


# --- how many ---
@dataclass(frozen=True, slots=True)
class _Quota:
    heads: int
    at: tuple[int, int]
    each: bool


def _quotas(board: _Board) -> Iterator[_Quota]:
    for match in _QUOTA.finditer(board.plain):
        written = match["limit"] or match["each_limit"] or match["called"] or match["bare"]
        zero = not written.strip("0零〇")
        heads = 0 if zero else counts.number(written)
        if board.free(*match.span()) and (heads or zero):
            yield _Quota(heads, match.span(), bool(match["each"] or match["each_of"]))


def _windows(plain: str, times: Sequence[TimeExpression], quotas: Sequence[_Quota], at: datetime) -> tuple[Window, ...]:
    """Two or more times of the clock, each with its quota or set apart by a stroke, are windows."""
    clocked = [each for each in times if each.kind is not Kind.DURATION and _CLOCK.search(each.text)]
    if len(clocked) < 2:
        return ()
    gaps = [plain[one.at[1] : other.at[0]] for one, other in pairwise(clocked)]
    listed = all(
        re.search(r"[/;\n、]", gap)
        or _ORDINAL.search(gap)
        or any(one.at[1] <= quota.at[0] < other.at[0] for quota in quotas)
        for gap, (one, other) in zip(gaps, pairwise(clocked), strict=True)
    )
    if not listed:
        return ()
    of_all = next((quota.heads for quota in quotas if quota.each), None)
    result, day = [], ""
    for index, each in enumerate(clocked):
        named = _DATE.search(each.text)
        day = named[0] if named else day or _day_of(times, each)
        said = each if named or not day else next(iter(timeexpr.find(f"{day}{each.text}", at, prefer="future")), each)
        until = clocked[index + 1].at[0] if index + 1 < len(clocked) else len(plain)
        own = next((quota.heads for quota in quotas if each.at[1] <= quota.at[0] < until and not quota.each), of_all)
        if said.start is None:
            return ()
        result.append(Window(said.start, said.end, own))
    return tuple(result)


def _day_of(times: Sequence[TimeExpression], clock: TimeExpression) -> str:
    """The day that was named by itself, before the first clock: 6月20日（周五）疫苗接种 8:00-9:00."""
    found = (_DATE.search(each.text) for each in times if each.at[0] < clock.at[0])
    return next((match[0] for match in found if match), "")


# --- what and where ---
def _words(board: _Board) -> tuple[str, str, str]:
    """Place, title and note out of what is left."""
    rest = board.rest()
    place = title = ""
    labels = list(_LABEL.finditer(rest))
    for index, label in enumerate(labels):
        end = labels[index + 1].start() if index + 1 < len(labels) else len(rest)
        value = re.match(r"[^,;|。!\n]*", rest[label.end() : end])
        words = value[0] if value else ""
        if label["place"] and not place:
            place = _typed(board, label.end(), label.end() + len(words))
        elif label["title"] and not title:
            title = _typed(board, label.end(), label.end() + len(words))
        else:
            words = ""
        board.mark(label.start(), label.end() + len(words))
    rest = board.rest()
    if not place and (inside := _IN_PLACE.search(rest)):
        place = _typed(board, *inside.span("place"))
        board.mark(*inside.span())
        rest = board.rest()
    pieces = list(_pieces(board, rest))
    if not place and len(pieces) > 1 - bool(title):
        where = [piece for piece in pieces if _PLACE.fullmatch(piece)]
        if where and (len(where) < len(pieces) or title):
            place = where[-1]
        elif where:
            place = pieces[-1]
        if place:
            pieces.remove(place)
            place = re.sub(r"^(?:在|于|到|去|集合)|集合$", "", place)
    if not title and pieces:
        title = pieces.pop(0)
    title = _TELLS.sub("", title).strip(_EDGE) or title
    note = " ".join(piece for piece in pieces if not _CALLS.match(piece))
    return place.strip(_EDGE), title, note


def _typed(board: _Board, start: int, end: int) -> str:
    return board.typed[start:end].strip(_EDGE)


def _pieces(board: _Board, rest: str) -> Iterator[str]:
    at = 0
    for cut in [*_CUT.finditer(rest), None]:
        end = cut.start() if cut is not None else len(rest)
        piece = board.typed[at:end].strip(_EDGE)
        if piece and re.search(r"\w", piece):
            yield piece
        at = cut.end() if cut is not None else end
