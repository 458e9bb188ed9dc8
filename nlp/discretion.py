"""What of a text is nobody else's business: children, illness, a home, a name. And how much money it names.

For what is published about somebody. It would rather find too much: a person then finds other words.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from nlp import counts, location, tables
from nlp.normalize import DATA, normalise

ADULT = 18


class Private(StrEnum):
    MINOR = "minor"
    ILLNESS = "illness"
    HOME = "home"  # a floor or a door: a building says nothing of whose it is
    NAME = "name"  # a surname with what people call somebody by


_AGE = re.compile(r"(\d{1,3}|[零一二两三四五六七八九十]{1,3})\s?(?:周?岁(?!月)|个?月大)")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖"
    "贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_NAME = re.compile(
    rf"(?:老|小)?[{_SURNAMES}](?:大爷|大妈|大娘|大叔|大婶|大姐|大哥|奶奶|爷爷|婆婆|公公|阿姨|叔叔|伯伯|嬢嬢|孃孃|嬢|孃|叔|婶|伯|姨"
    r"|婆(?!娑)|姐|哥|老师|师傅|先生|女士|老太|老汉|老伯|老爷子|家(?:婆婆|奶奶|爷爷|大爷|老人|姑娘)|某)"
    rf"|(?<![\u4e00-\u9fff])[老小][{_SURNAMES}](?=[家想要的得有，,、。\s]|$)|(?:名叫|姓名是?|名字是?|名字叫)\s?[\u4e00-\u9fff]{{2,3}}"
)
_THINGS = "(?!玻璃|木|板|布|地|牌|砖|石|肥皂|香皂|毛巾|抹布|手表|表|电池|海绵|窗帘)"  # 两块毛巾 cost nothing
_YUAN = re.compile(
    rf"(?:(?P<sign>[¥￥$])\s?)?(?P<digits>\d{{1,7}}(?:[.,]\d{{1,3}})?)\s?(?P<unit>万|千|百)?(?:多|来)?\s?(?P<yuan>元|块{_THINGS}|圆|rmb)?"
    rf"|(?P<words>[一两二三四五六七八九十百千]{{1,7}})(?P<more>万)?(?:多|来)?(?:元|块{_THINGS}|圆)"
)
_UNIT = {"万": 10_000, "千": 1_000, "百": 100}


def find(text: str) -> dict[Private, str]:
    """What is private in a text as somebody typed it, each kind with the first words that show it."""
    found: dict[Private, str] = {}
    normal = normalise(text)
    for said in (text, normal):  # normal text knows other spellings, but no longer what 奶奶 was
        for kind, word, longer in _words():
            if kind not in found and (word in longer.sub("", said) if longer is not None else word in said):
                found[kind] = word
        for age in _AGE.finditer(said):
            if age[0].endswith("大") or counts.number(age[1]) < ADULT:
                found.setdefault(Private.MINOR, age[0])
    name = _NAME.search(text)
    if name is not None:
        found[Private.NAME] = name[0]
    home = location.numbers(normal)
    if home.room or home.floor:
        found[Private.HOME] = home.room or home.floor or ""
    return found


def yuan(text: str) -> int | None:
    """The largest sum of money that a text names, in yuan; None where it names none."""
    return max((sum_ for match in _YUAN.finditer(normalise(text)) if (sum_ := _sum(match)) is not None), default=None)


def _sum(match: re.Match[str]) -> int | None:
    if match["words"]:
        return counts.number(match["words"]) * (10_000 if match["more"] else 1)
    if not (match["sign"] or match["yuan"]):
        return None
    digits = match["digits"]
    whole = digits.replace(",", "") if re.fullmatch(r"\d{1,4},\d{3}", digits) else digits.replace(",", ".")
    return round(float(whole) * _UNIT.get(match["unit"] or "", 1))


@cache
def _words() -> list[tuple[Private, str, re.Pattern[str] | None]]:
    """For each word: its kind, the word, and the longer ones that it does not count in."""
    rows = tables.read(DATA / "discreet.csv", ("kind", "term"), ("exclude",))
    return [(Private(row["kind"]), row["term"], _any(row["exclude"].split("|"))) for row in rows]


def _any(words: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(re.escape, words))) if any(words) else None
