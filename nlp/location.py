"""Where: building, unit, floor, room, place, read from the words, else from the group nickname.

Expects normal text (`normalize.normalise`) with phone and ID numbers masked. Digits come out as arabic strings
without their unit. The name of a community is never a place.
"""

from __future__ import annotations

import re
from functools import cache

from nlp import tables
from nlp.decision import Location
from nlp.normalize import DATA

_CN = "一二三四五六七八九十百零〇"
_N = rf"(?:\d{{1,3}}|[{_CN}]{{1,4}})"
_NOT_COUNTED = r"(?<![这那每整有同另某几数多第任何])(?<!\d)(?<![一二三四五六七八九十百])"

# Building: A区12幢, 12栋, 三号楼, 12#, B座. 两栋, 几栋, 那一栋 count buildings.
_BUILDING = re.compile(
    rf"(?:(?<![a-z])(?P<zone>[a-h])\s?区?\s?)?{_NOT_COUNTED}(?P<number>{_N})\s?(?:号楼|號樓|栋楼|栋|幢|座(?=\s?[\d单一二三四五六七八九]|$)|#楼|#|号(?=\s?(?:{_N})\s?单元))"
    r"|(?<![a-z])(?P<letter>[a-h])\s?(?:栋|幢|座|号楼)"
)
_UNIT = re.compile(rf"{_NOT_COUNTED}(?P<unit>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})\s?(?:单元|门洞|梯位)")
_BASEMENT = re.compile(
    r"(?:负|地下)\s?(?P<down>[1-5一二三四五])\s?(?:楼|层)|(?<![\d-])-(?P<minus>[1-5])\s?(?:楼|层)|(?<![a-z])b(?P<b>[1-5])(?=层|楼|车库|停车)"
)
_FLOOR = re.compile(
    rf"{_NOT_COUNTED}(?<![号共为])(?P<floor>\d{{1,2}}|[{_CN}]{{1,3}})\s?(?:楼(?![栋盘市主顶])|层(?![油灰水泥土皮膜高纱厚高楼]))"
)
_ROOM = re.compile(r"(?<![\d.\-])(?P<room>\d{3,4})\s?(?:室|号房|房间|户(?!外)|号(?=[住业]|$))")
_ROOM_BEHIND = re.compile(
    r"(?:单元|栋|幢|号楼|座|#)\s?-?\s?(?:(?P<unit>\d{1,2})\s?-\s?)?(?P<room>\d{3,4})(?![\d.:：]|\s?(?:元|块|年|人|米|度|斤|户|多|万|点|号楼|栋|个))"
)
_ROOM_SPOKEN = re.compile(
    r"(?:楼上|楼下|隔壁|对门)\D{0,4}?(?P<room>\d{3,4})(?![\d.:]|\s?(?:元|块|年|人|米|度|斤|多|个|天(?!天)|次))"
)
_DASHED = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-h])?\s?区?(?P<building>\d{1,2})\s?(?:[栋幢#]\s?-?|-)\s?(?P<unit>\d{1,2})\s?-\s?(?P<room>\d{3,4})(?![\d\-]|\s?(?:元|点))"
)
_DASHED_TWO = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-h])?(?P<building>\d{1,2})\s?-\s?(?P<room>\d{1,2}0\d|\d{1,2}1\d)(?![\d\-:]|\s?(?:元|点|人|块|月|号|日|年|斤|个|天|路))"
)
_DASHED_UNIT = re.compile(r"^(?P<zone>[a-h])?(?P<building>\d{1,2})\s?-\s?(?P<unit>\d)(?![\d\-])")
_MAYBE = re.compile(r"[栋幢座楼层室房户#]|单元|门洞|\d-\d|[a-h]\d")
_INDOORS = frozenset(("厨房", "卫生间", "厕所", "阳台", "客厅", "主卧", "次卧", "楼上", "楼下", "隔壁", "对面", "门口"))

_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0}


def locate(text: str, nick: str = "") -> Location:
    """Read a location: what the text says, completed by the nickname where the two agree.

    `located_by` is `nick` where the building came from there, else `text`.
    """
    said = _read(text, in_nick=False)
    said_place = _place(text)
    if said.building or not nick:
        return _with(said, said_place, "text" if said or said_place else None)
    member = _read(nick, in_nick=True)
    if not member or (said_place is not None and said_place not in _INDOORS and not said and _outdoors(said_place)):
        return _with(said, said_place, "text" if said or said_place else None)
    if said.room and said.room != member.room:  # a neighbour's room: the building is shared, the flat is not
        merged = Location(member.building, said.unit or member.unit, said.floor, said.room)
    elif said.unit and said.unit != member.unit:
        merged = Location(member.building, said.unit, said.floor)
    elif said.floor:
        merged = Location(member.building, said.unit or member.unit, said.floor)
    else:
        merged = Location(member.building, member.unit, None, member.room)
    return _with(merged, said_place, "nick")


def numbers(text: str) -> Location:
    """Building, unit, floor and room that a text names; no place. Cheap where there is none."""
    found = _read(text, in_nick=False)
    return _with(found, None, "text" if found else None)


def of_nick(nick: str) -> Location:
    """The home that a group nickname tells, such as `3-2-1502 李姐` or `12栋老周`."""
    found = _read(nick, in_nick=True)
    return _with(found, None, "nick" if found else None)


def _with(location: Location, place: str | None, by: str | None) -> Location:
    return Location(location.building, location.unit, location.floor, location.room, place, by)


def _read(text: str, *, in_nick: bool) -> Location:
    if _MAYBE.search(text) is None:
        return Location()
    dashed = _DASHED.search(text)
    if dashed:
        return Location(_zoned(dashed), _arabic(dashed["unit"]), None, dashed["room"])
    building = unit = room = floor = None
    match = _BUILDING.search(text)
    if match:
        building = match["letter"].upper() if match["letter"] else _zoned(match, "number")
    match = _UNIT.search(text)
    if match:
        unit = _arabic(match["unit"])
    match = _BASEMENT.search(text)
    if match:
        floor = "-" + (_arabic(match["down"] or match["minus"] or match["b"]) or "")
    else:
        match = _FLOOR.search(text)
        floor = _arabic(match["floor"]) if match else None
    match = _ROOM.search(text) or _ROOM_BEHIND.search(text) or _ROOM_SPOKEN.search(text)
    if match:
        room = match["room"]
        unit = unit or (match.groupdict().get("unit") and _arabic(match["unit"]))
    if building is None and unit is None and (in_nick or room is None):
        match = _DASHED_TWO.search(text)
        if match:
            building, room = _zoned(match), match["room"]
        elif in_nick and (match := _DASHED_UNIT.search(text)):
            building, unit = _zoned(match), match["unit"]
    return Location(building, unit, floor, room)


def _zoned(match: re.Match[str], group: str = "building") -> str | None:
    number = _arabic(match[group])
    return number and (match["zone"] or "").upper() + number


def _arabic(written: str) -> str | None:
    """`十二` → `12`, `03` → `3`, `一百零二` → `102`; None for what is no number."""
    if written.isdigit():
        return str(int(written))
    if not any(character in written for character in "十百"):
        digits = "".join(str(_DIGIT[character]) for character in written)
        return str(int(digits))
    total, current = 0, 0
    for character in written:
        if character == "百":
            total += (current or 1) * 100
            current = 0
        elif character == "十":
            total += (current or 1) * 10
            current = 0
        else:
            current = _DIGIT[character]
    return str(total + current)


def _place(text: str) -> str | None:
    match = _places().search(text)
    return match[0] if match else None


def findable(place: str) -> bool:
    """Whether the named place is found without a building: 南门 is, 楼道 and 楼上 are not. What the list does not hold
    (the label of a map pin) is."""
    return place not in _INDOORS and _outdoors(place)


def _outdoors(place: str) -> bool:
    """Whether the place belongs to everybody, so that the speaker's home says nothing about it."""
    return place not in _of_a_building()


@cache
def _places() -> re.Pattern[str]:
    terms = sorted((row["term"] for row in _rows()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, terms)))


@cache
def _of_a_building() -> frozenset[str]:
    return frozenset(row["term"] for row in _rows() if row["scope"] == "building")


@cache
def _rows() -> list[tables.Row]:
    return tables.read(DATA / "places.csv", ("term", "scope"))
