"""How sign-ups are typed: `报名 H3 2人 代 张三 第2场` and what people write for it, pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import time

from handlers import forms
from handlers.forms import Command, Form, Name, Rest
from nlp import counts, timeexpr

_CN = "一二两三四五六七八九十百"
_N = rf"(?:\d{{1,6}}|[{_CN}]{{1,4}})"
_END = r"(?=$|[\s,、:;。.!~()/]|[代帮替给]|第|报名)"
_ID = re.compile(r"[\s,、:;]*#?\s?[hH]\s?([0-9]{1,9})(?![0-9])")
_SKIP = re.compile(
    r"[\s,、:;。.!~()/]+|(?:谢谢|多谢|麻烦了?|好的|(?:我们?)?[要想]?(?:参加|报名)|一起|人数|一共)"
    r"|(?:我们?|[想要去共就嘛哈哟哦啊呀了吧喽咯])(?![\u4e00-\u9fff]{2})"
)
_HEADS = re.compile(
    rf"(?P<adults>{_N})\s?(?:个)?大(?:人)?\s?[+和、,]?\s?(?P<children>{_N})\s?(?:个)?(?:小孩?|娃|孩)(?:儿|子)?"
    rf"|(?:我们?)?(?:一家|全家|屋头|家里|家)\s?(?P<family>{_N})\s?(?:口|个)?(?:人)?"
    rf"|(?:我)?(?:再|还|另外?)?(?:带|携|加)\s?(?P<more>{_N})\s?(?:个|名|位)?\s?(?:人|娃娃?儿?|小孩子?|孩子|小朋友|宝宝|老人|家属|大人|朋友)?"
    rf"|(?P<couple>我(?:和|跟|同)(?:我)?(?:老伴儿?|老婆|老公|爱人|媳妇|老头|婆娘|孩子|娃儿?|儿子|女儿|孙[子女])|(?:我们)?两口子|两娘母|两爷子|娘俩|爷俩)(?:两个|俩)?(?:人)?"
    rf"|(?:我们?|就|共|一共|算我)?\s?[+＋]?(?P<all>{_N})\s?(?:(?:个|位|名)?(?:大)?(?:人|个|位|名|口){_END}|{_END})"
)
_SLOT = re.compile(rf"第\s?(?P<slot>{_N})\s?[场批组个](?:次|时段)?|(?P<slot2>\d{{1,2}})\s?号?场")
_CLOCK_SLOT = re.compile(
    rf"(?:[上下]午)?\s?(?:\d{{1,2}}[:：]\d\d|{_N}点半?(?:\d\d分?)?)(?:\s?[-~到至]\s?(?:\d{{1,2}}[:：]\d\d|{_N}点半?))?(?:的?(?:那|这)?一?场|那[场批]|的)?{_END}"
)
_PERSON = r"[\u4e00-\u9fff·*]{2,5}?|[A-Za-z][A-Za-z ]{0,20}[A-Za-z]"
_FOR = re.compile(
    rf"(?:代|帮|替|给|为)(?:替)?\s?(?P<names>(?:{_PERSON})(?:[、,和跟与]\s?(?:{_PERSON}))*?)(?:也|一起)?(?:报个?名|报)?(?=$|[\s。.!~()/;]|[,、]\s?(?:{_N})|{_N}\s?(?:人|个|位)|第)"
)
_HOME = re.compile(
    rf"(?P<home>\d{{1,2}}\s?(?:栋|幢|号楼|#)(?:\s?\d{{1,2}}\s?单元)?(?:\s?\d{{3,4}}室?)?(?={_END}|[\u4e00-\u9fff])"
    rf"|(?:\d{{1,2}}-\d{{1,2}}-\d{{3,4}}|\d{{1,2}}-\d{{3,4}}){_END})"
)
_PHONE = re.compile(r"1[3-9][\d*]{9}(?!\d)")
_OWN_NAME = re.compile(r"(?:我是|姓名[:：]?)?\s?(?P<name>[\u4e00-\u9fff·]{2,4})(?=$|[\s,、。.!~()/]|\d)")
_NO_NAME = re.compile(
    r"怎|吗|么|哪|啥|几|没|不|呢|多少|可以|还|都|谁|费|时间|地点|名单|截止|链接|活动|结束|开始|成功|人数|名额|咋|嘞"
)
_ASKS_FAVOUR = re.compile(r"[看问说填弄搞办登转]|一下|^(?:我们?|大家|你们?)$")  # 帮我看下
_FOR_ME = re.compile(r"(?:帮|给|替)(?:我|俺|咱们?)(?:也)?报(?:上|个?名|一个名?)?")
_LONGEST_TITLED = 24
_NO_TITLE = re.compile(r"怎|吗|么|哪|啥|几|没|不|呢|多少|费|截止|名单|链接|成功|谁|[?？]")
_TALK = frozenset("了的吗过")  # 报名了: somebody tells that they have
_SPLIT = re.compile(r"[、,和跟与]\s?")
_GLUED_ACTIVITY = re.compile(r"[?？]|^(?:通知|了|的|吗|没|过|哪|啥|要|就|那|时)")


@dataclass(frozen=True, slots=True)
class Party:
    """Who is signed up: `names` of others where somebody does it for them, else the speaker. `heads` is None where no
    number was said; `slot` counts from 1; `clock` is the hour of a window, in either half of the day."""

    heads: int | None = None
    names: tuple[str, ...] = ()
    slot: int | None = None
    clock: time | None = None
    home: str = ""
    own_name: str = ""


def party(text: str, *, free: bool) -> Party | None:
    """Read what stands behind `报名 H3`; None where there is something that is no part of it. `free`: it was said to
    the bot or with an id, so that a name may stand there too."""
    text = unicodedata.normalize("NFKC", text)
    if text[:1] in _TALK:
        return None
    said: dict[str, str] = {}
    heads, more, zero = 0, 0, False
    names: tuple[str, ...] = ()
    slot: int | None = None
    clock: time | None = None
    at = 0
    while at < len(text):
        if match := _PHONE.match(text, at):
            pass
        elif match := _HOME.match(text, at):
            said["home"] = match["home"]
        elif match := _SLOT.match(text, at):
            slot = counts.number(match["slot"] or match["slot2"])
        elif match := _CLOCK_SLOT.match(text, at):
            clock = _time(match[0])
        elif match := _FOR.match(text, at):
            found = tuple(name.strip() for name in _SPLIT.split(match["names"]) if name.strip())
            if any(_NO_NAME.search(name) or _ASKS_FAVOUR.search(name) for name in found):
                return None
            names += found
        elif match := _HEADS.match(text, at):
            told, also = _heads_of(match)
            zero |= told == 0 and also == 0
            heads, more = heads or told, more + also
        elif match := _SKIP.match(text, at):
            pass
        elif free and (match := _OWN_NAME.match(text, at)) and not _NO_NAME.search(match["name"]):
            said["name"] = match["name"]
        else:
            return None
        at = match.end()
    total = 0 if zero else (heads or 1) + more if heads or more else None
    return Party(total, names, slot, clock, said.get("home", ""), said.get("name", ""))


def _heads_of(match: re.Match[str]) -> tuple[int, int]:
    """How many, and how many beside the speaker."""
    if match["adults"]:
        return counts.number(match["adults"]) + counts.number(match["children"]), 0
    if match["family"]:
        return counts.number(match["family"]), 0
    if match["more"]:
        return 0, counts.number(match["more"])
    if match["couple"]:
        return 2, 0
    return counts.number(match["all"]), 0


def _time(words: str) -> time | None:
    """The hour that a window is called by."""
    found = re.search(rf"(?P<hour>{_N})(?:[:：](?P<minute>\d\d)|点(?P<half>半)?)", words)
    if found is None:
        return None
    hour = counts.number(found["hour"])
    hour += 12 if "下午" in words and hour < 12 else 0
    return time(hour, 30 if found["half"] else int(found["minute"] or 0)) if hour < 24 else None


# --- forms ---
def sign(rest: Rest) -> Command | None:
    """`报名 [H3] [n人] [代 姓名] [第2场]`; `text` is what stands behind the id. `in_words`: it is one only where
    it names an activity by its title: 报名包粽子 2人."""
    match = _ID.match(rest.folded)
    start = match.end() if match is not None else 0
    known = rest.explicit or match is not None
    text = rest.folded[start:]
    said = party(text, free=known or _apart(rest))
    if said is None or (said.own_name and not known and said.heads is None and not said.home):
        # A word alone is a name only where it is sure what is spoken of.
        titled = match is None and text[:1] not in _TALK and len(text) <= _LONGEST_TITLED
        return replace(_command(rest, match, start), in_words=True) if titled and not _NO_TITLE.search(text) else None
    return _command(rest, match, start)


def sign_plainly(rest: Rest) -> Command | None:
    """`我报一个`: never with a title."""
    said = sign(rest)
    return said if said is not None and not said.in_words else None


def without_title(text: str, title: str) -> str | None:
    """What stands behind a title, or the beginning of some part of it, that a text begins with; None where it does
    not."""
    text, title = (unicodedata.normalize("NFKC", each).lstrip(" ,、:") for each in (text, title))
    for end in range(min(len(text), len(title)), 1, -1):
        if text[:end] in title:
            return re.sub(r"^的?(?:活动|那个)?", "", text[end:])
    return None


def sign_for(word: str) -> Form:
    """`帮我妈报一个`, `给张三报名 2人`, `帮我报个名`: the whole message, which begins with that word."""

    def form(rest: Rest) -> Command | None:
        text = f"{word}{rest.folded}"
        if match := _FOR_ME.match(text):
            text = text[match.end() :]
        elif (
            "报" not in text
            or not text.startswith(("帮", "给", "替"))
            or not (party(text, free=False) or Party()).names
        ):
            return None
        return Command(rest.name, text=text.strip(), explicit=rest.explicit) if party(text, free=False) else None

    return form


def cancel(rest: Rest) -> Command | None:
    """`取消 T3`; `取消 H3` is what people type for `取消报名 H3`."""
    match = _ID.match(rest.folded)
    if match is not None and not rest.folded[match.end() :].strip(" \t\n。.!~了"):
        return replace(_command(rest, match, match.end()), name=Name.UNSIGN, text="")
    return forms.only_item("T")(rest)


def leave(rest: Rest) -> Command | None:
    """`退出 H3`: never without the id."""
    return named(rest) if _ID.match(rest.folded) else None


def named(rest: Rest) -> Command | None:
    """`取消报名 [H3] [代 张三]`, `签到 [H3] [张三]`: at most names behind the id; `取消报名 H3 1人`, too."""
    match = _ID.match(rest.folded)
    start = match.end() if match is not None else 0
    read = party(rest.folded[start:], free=True)
    apart = match is not None or rest.explicit or _apart(rest)
    counted = read is not None and read.heads is not None and rest.name is not Name.UNSIGN
    if read is None or counted or (read.own_name and not apart):
        return None
    return _command(rest, match, start)


def _apart(rest: Rest) -> bool:
    """Whether something stands between the command word and what follows."""
    return rest.folded[:1] in tuple(" \t\n,:、")


def roster(rest: Rest) -> Command | None:
    """`名单 [H3]`."""
    match = _ID.match(rest.folded)
    start = match.end() if match is not None else 0
    return _command(rest, match, start) if not rest.folded[start:].strip(" \t\n。.!~?") else None


def announce(rest: Rest) -> Command | None:
    """`发活动 …`; without a blank behind the word only where what follows names a time."""
    text = rest.typed.strip(" \t\n,，:：、")
    if not text:
        return Command(rest.name, explicit=True) if rest.explicit else None
    apart = _apart(rest)
    if not (apart or rest.explicit) and (_GLUED_ACTIVITY.search(rest.folded) or not timeexpr.may_tell(rest.folded)):
        return None
    return Command(rest.name, text=text, explicit=rest.explicit)


def with_text(rest: Rest) -> Command | None:
    """`改活动 H3 …`, `取消活动 H3 [理由]`."""
    match = _ID.match(rest.folded)
    if match is None and not rest.explicit and rest.folded[:1] not in ("", " "):
        return None
    return _command(rest, match, match.end() if match is not None else 0)


def _command(rest: Rest, match: re.Match[str] | None, start: int) -> Command:
    text = rest.typed[start:].strip(" \t\n,，:：、。.!！~")
    number = int(match[1]) if match is not None else None
    return Command(rest.name, item=number, letter="H" if number is not None else "", text=text, explicit=rest.explicit)
