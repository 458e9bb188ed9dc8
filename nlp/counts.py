"""How many: households, people, floors, buildings, times that a text counts. Expects normal text.

A rough number is a range: 十几户 is 11 to 19, 五六个人 5 to 6, 上百户 at least 100. What only sounds like a number is
none: 一点, 半天, 一个人都没有, 整栋楼 (which counts nobody, but tells how far a trouble reaches: `whole`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

_MOST = 20
_LONGEST = 2000
_CN = "零〇一二两三四五六七八九十百千"


class Unit(StrEnum):
    HOUSEHOLDS = "households"
    PEOPLE = "people"
    FLOORS = "floors"
    BUILDINGS = "buildings"
    TIMES = "times"  # 第三次, 报修五次


@dataclass(frozen=True, slots=True)
class Count:
    """From `least` to `most`, both included; `most` is None where the words leave it open (上百户, 不止三户)."""

    unit: Unit
    least: int
    most: int | None
    text: str
    at: tuple[int, int]


_COUNT = re.compile(
    rf"(?P<over>上|好|近|超过|不止|至少|起码)?\s?(?<![\d.\-])"
    rf"(?P<number>(?P<digits>\d{{1,4}})(?:[-~到]\s?(?P<upper>\d{{1,4}}))?|[{_CN}]{{1,5}}|百)(?P<some>几|多|来)?\s?(?:个)?"
    r"(?:(?P<households>户(?![型外口主籍])(?:人家?)?|家(?:人家|住户|业主)|业主)|(?P<people>人(?![民家行防工])|老人|孩子|小孩|居民|业主|住户|邻居|工人)"
    r"|(?P<floors>层楼|楼层)|(?P<buildings>栋楼(?![道下上顶梯门层前后])|幢楼)|(?P<times>[次回遍](?!性|序|数)))"
)
_ORDINAL = re.compile(rf"第(?P<number>\d{{1,3}}|[{_CN}]{{1,3}})\s?(?P<unit>[次回遍])")
_SOME = re.compile(
    r"(?P<number>好几十|几十|十几|好几百|几百|好几|几)(?P<more>多)?\s?(?:个)?(?:(?P<households>户(?![型外口主籍])|家(?:人家|住户|业主))|(?P<people>人(?![民家])|老人|孩子|小孩|居民|业主|住户|邻居)|(?P<times>[次回遍](?!性|序|数)))"
)
_MAYBE = re.compile(r"[户家人层楼次回遍主孩民邻]")
# 一个人在家 counts nobody, 每户 and 哪一户 no number of them.
_NO_COUNT = re.compile(r"(?:每|哪|那|这|某|另|同|第|下|上)$")
_ROUGH = {
    "十几": (11, 19),
    "几十": (20, 99),
    "好几十": (30, 99),
    "几百": (200, 999),
    "好几百": (300, 999),
    "几": (3, 9),
    "好几": (3, 9),
}
_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_WHOLE = re.compile(
    r"(?P<building>[整全]\s?(?:栋|幢|座)(?:楼)?|(?:栋|幢|号楼)(?:楼)?(?:全部|全都|全|都)[停没断])|(?P<unit>[整全]\s?个?单元)"
    r"|(?P<floor>[整全]\s?层)|(?P<community>[整全]\s?个?(?:小区|院子|片区)|小区(?:全部|全都|全|都)[停没断])"
)


def find(text: str) -> tuple[Count, ...]:
    """The counts of a normal text, in order."""
    if _MAYBE.search(text) is None:
        return ()
    text = text[:_LONGEST]
    found = [_some(match) for match in islice(_SOME.finditer(text), _MOST)]
    found += [count for match in islice(_ORDINAL.finditer(text), _MOST) if (count := _ordinal(match)) is not None]
    taken = {index for count in found for index in range(*count.at)}
    found += [
        count
        for match in islice(_COUNT.finditer(text), _MOST)
        if taken.isdisjoint(range(*match.span())) and (count := _count(text, match)) is not None
    ]
    return tuple(sorted(found, key=lambda count: count.at))


def households(text: str) -> int | None:
    """The least number of households that a text speaks of; None where it counts none."""
    return max((count.least for count in find(text) if count.unit is Unit.HOUSEHOLDS), default=None)


def whole(text: str) -> str | None:
    """`community`, `building`, `unit` or `floor` where the text says that all of it is concerned: 整栋楼, 全小区."""
    match = _WHOLE.search(text, 0, _LONGEST)
    return match.lastgroup if match else None


def _unit(match: re.Match[str]) -> Unit:
    return next(unit for unit in Unit if match.groupdict().get(unit.value))


def _some(match: re.Match[str]) -> Count:
    least, most = _ROUGH[match["number"]]
    return Count(_unit(match), least, most, match[0], match.span())


def _ordinal(match: re.Match[str]) -> Count | None:
    times = number(match["number"])
    return Count(Unit.TIMES, times, times, match[0], match.span()) if times else None


def _count(text: str, match: re.Match[str]) -> Count | None:
    written, unit = match["number"], _unit(match)
    if not match["over"] and _NO_COUNT.search(text[max(0, match.start() - 1) : match.start()]):
        return None
    if written == "一" and unit in (Unit.PEOPLE, Unit.TIMES, Unit.BUILDINGS):
        return None  # 一个人在家, 看一次, 一栋楼: no count but an article
    if match["digits"] and match["upper"]:
        least, most = sorted((int(match["digits"]), int(match["upper"])))
    elif len(written) == 2 and all(c in _DIGIT for c in written):
        least, most = _DIGIT[written[0]], _DIGIT[written[1]]
        if most != least + 1:
            return None
    else:
        least = most = number(written)
    if not least:
        return None
    if match["some"]:
        step = 10 if least < 100 else 100
        return Count(unit, least + 1, least + step - 1, match[0], match.span())
    over = match["over"] in ("上", "超过", "不止", "至少", "起码")
    return Count(unit, least, None if over else most, match[0], match.span())


def number(written: str) -> int:
    """`12`, `十二`, `两百三十`; 0 where it is no number."""
    if written.isdigit():
        return int(written)
    total = current = 0
    for character in written:
        if character in "十百千":
            total += (current or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            current = 0
        else:
            current = current * 10 + _DIGIT[character]
    return total + current
