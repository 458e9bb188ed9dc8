"""Where: building, unit, floor, room, place, read from the words, else from the group nickname.

Expects normal text (`normalize.normalise`) with phone and ID numbers masked. Digits come out as arabic strings
without their unit. Of several buildings the first is the place, the rest are `others`. The name of a community, a
date, a price, a bus line and a house number in a street are never one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from nlp import counts, tables
from nlp.decision import NOWHERE, Location
from nlp.normalize import DATA

_CN = "一二三四五六七八九十百零〇"
_DIGITS = "一二三四五六七八九零〇幺"
_N = rf"(?:\d{{1,3}}|[{_CN}]{{1,4}})"
_SMALL = rf"(?:\d{{1,2}}|[{_CN}]{{1,3}})"
_ALONE = r"(?<![这那每整有同另某几数多任何])(?<![\d.*])(?<![一二三四五六七八九十百])"
_HOME = r"\d{1,2}(?:0[1-9]|1\d)"  # a flat as people number them: floor, then door
# What makes a number behind an address a count, a price, a time: 3栋300元, 5栋200多户.
_NO_ROOM = r"(?![\d.*:：]|\s?(?:元|块|年|人|米|度|斤|多|万|点|个|次|天(?![天花])|平|分|岁|号楼|栋|幢))"

_BUILDING = re.compile(
    rf"(?:(?<![a-z])(?P<zone>[a-n])\s?[区\-]?\s?)?{_ALONE}(?P<number>{_N})\s?"
    rf"(?:号(?:居民|住宅|公寓)?楼|栋(?!别墅)楼?|幢|座(?=\s?(?:\d|单|{_SMALL}\s?(?:单元|楼|层))|$)|#楼"
    rf"|#(?![汽柴机]?油|电|线|门|柜|桌|机|泵|[\u4e00-\u9fff]?梯)"
    rf"|(?<!层)楼(?=\s?{_SMALL}\s?单元)|号(?=\s?{_SMALL}\s?单元))"
    r"|(?<![a-z])(?P<letter>[a-n])\s?(?:栋|幢|座|号楼)"
)
_LANE = re.compile(
    rf"(?:弄\s?|(?<![\d路街道巷第]))(?P<number>\d{{1,3}})\s?号(?=\s?{_HOME}\s?室)|弄\s?(?P<lane>\d{{1,3}})\s?号"
)
_LISTED = re.compile(rf"(?:(?<!\d){_N}\s?[、,和及与跟到至~\-]\s?)++$")
_LISTED_ITEM = re.compile(rf"({_N})\s?([、,和及与跟到至~\-])")
_RANGE = "到至~-"
_BETWEEN = re.compile(r"\s?[到至~\-]\s?")
_LONGEST = 2000  # who writes more says where at the beginning
_LIST_WINDOW = 24
_MOST_BUILDINGS = 8
_LONGEST_RANGE = 30
_SPEAKER = re.compile(r"我们?家?(?:是|住|在|住在)$")
_PART_OF_BUILDING = re.compile(r"[道下上顶梯门层前后底里内长间]")

_UNIT = re.compile(
    rf"{_ALONE}(?P<unit>\d{{1,2}}|[一二三四五六七八九十]{{1,2}})\s?(?:单元|门洞|梯位)"
    rf"|(?:栋|幢|座|#|号楼)\s?(?P<stair>{_SMALL})\s?(?:梯(?!\s?[\d一二两三四五六]\s?户)|门(?![口面店岗卫禁市]))"
    r"|(?P<side>[东西中甲乙丙丁]|(?<![a-z])[a-f])\s?单元"
)
_UNIT_DASHED = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-n])?(?P<building>\d{1,2})\s?(?:[栋幢#]\s?)?-\s?(?P<unit>\d{1,2})\s?单元"
)
_BASEMENT = re.compile(
    r"(?:负|地下)\s?(?P<down>[1-5一二三四五])\s?(?:楼|层|(?=车库|停车|地库))|(?<![\d-])-(?P<minus>[1-5])\s?(?:楼|层)"
    r"|(?<![a-z])b(?P<b>[1-5])(?=层|楼|车库|停车|地库|车位)"
)
_FLOOR = re.compile(
    rf"{_ALONE}(?<![号共为])(?P<floor>\d{{1,2}}|[{_CN}]{{1,3}})\s?"
    rf"(?:楼(?![栋盘市主顶高]|\s?{_SMALL}\s?单元)|层(?![油灰水泥土皮膜高纱厚楼蛋保]|的?(?:楼房|高楼|建筑|住宅)))"
    r"|(?<![a-z\d.])(?P<f>\d{1,2})\s?f(?![a-z\d])"
)
_HIGH = re.compile(r"(?:高|共有?|有|达|建了?|盖了?|一共|总共)$")
_ROOM = re.compile(
    rf"(?<![\d.\-*路街巷弄道第])(?:(?P<room>\d{{3,4}})\s?(?:室|号房|房间|号(?=[住业门]|$))"
    rf"|(?P<home>{_HOME})\s?(?:房(?![价租东贷款子产屋地])|住户|业主|房东|租户|租客|家的))"
    rf"|(?P<spelt>[{_DIGITS}]{{3,4}})(?=\s?(?:室|号房|房间))"
)
_ROOM_BEHIND = re.compile(
    rf"(?:单元|栋|幢|号楼|座|#|梯|[\d一二三四五六]门|弄\d{{1,3}}号)\s?[,\-]?\s?(?:(?P<unit>\d{{1,2}})\s?-\s?)?"
    rf"(?:(?P<room>\d{{3,4}})(?!\s?[号户]?\s?(?:\*|线|路)){_NO_ROOM}(?!(?<!0[1-6])\s?户)"
    rf"|(?P<spelt>[{_DIGITS}]{{3,4}})(?![{_CN}栋幢单号楼层多年个户天万元块]))"
)
_ROOM_SHORT = re.compile(
    r"(?:(?:楼|层)\s?-?\s?(?P<door>\d{1,2})\s?(?:号(?!楼|线|电|车|岗)|室|房(?![价租东贷款]))"
    r"|单元\s?-?\s?(?P<floor>\d{1,2})\s?-\s?(?P<flat>\d{1,2})(?![\d:：\-]|\s?(?:点|天|人|月|号|日|楼|层|单元))"
    r"|单元\s?(?P<of_unit>\d{1,2})\s?(?:室|号(?=$|[的业住门家房,。 ])))"
)
_ROOM_SPOKEN = re.compile(
    rf"(?:楼上|楼下|隔壁|对门)\D{{0,4}}?(?P<room>\d{{3,4}}){_NO_ROOM}"
    rf"|(?:我家|我们家|我屋头?|我住|住在|我是|家住|门牌号?)[是在的:为]?\s?(?P<own>{_HOME}){_NO_ROOM}(?!\s?[路号线])"
)
_DASHED = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-n])?-?\s?区?(?P<building>\d{1,2})\s?(?:(?:[栋幢#座]|号楼)\s?-?|-)\s?(?P<unit>\d{1,2})\s?(?:单元\s?)?"
    r"-\s?(?P<room>\d{3,4})(?![\d\-*]|\s?(?:元|点))"
)
_DASHED_FOUR = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-n])?(?P<building>\d{1,2})-(?P<unit>\d{1,2})-(?P<floor>\d{1,2})-(?P<room>\d{1,2})(?![\d\-*])"
)
_DASHED_TWO = re.compile(
    rf"(?<![\d.a-z\-/])(?P<zone>[a-n])?(?P<building>\d{{1,2}})\s?-\s?(?P<room>{_HOME}|\d{{1,2}}20)"
    r"(?![\d\-:*]|\s?(?:元|点|人|块|月|号(?!房)|日|年|斤|个|天|路|米|户))"
)
# In a nickname only: what else could be a date or a score there?
_NICK_THREE = re.compile(
    r"(?<![\d.a-z\-/])(?P<zone>[a-n])?(?P<building>\d{1,2})(?P<by>[\-./])(?P<unit>\d{1,2})(?P=by)(?P<room>\d{1,4})(?![\d\-./*])"
)
_NICK_LETTER = re.compile(rf"^(?P<building>[a-n])-?(?P<room>{_HOME})(?!\d)")
_NICK_UNIT = re.compile(r"^(?P<zone>[a-n])?(?P<building>\d{1,2})\s?-\s?(?P<unit>\d)(?![\d\-])")
_SIGN = re.compile(r"[\d栋幢座楼层室房户#弄元洞负]")  # one class of characters: what most messages are told by
# Without one of these no rule for the part can match, and most of the rules look at every character in turn.
_OF_BUILDING = frozenset("栋幢座楼号#")
_OF_UNIT = frozenset("元洞梯门")
_OF_FLOOR = frozenset("楼层库车f")
_MAYBE = re.compile(
    r"[栋幢座楼层室房户#弄]|单元|门洞|\d[-–—―−./]\d|[a-n]-?\d|\d ?f"
    r"|[家住是号壁上下门]\d{3}|业主|[负下][1-5一二三四五]"
)
_NUMBER = re.compile(rf"[\d{_CN}{_DIGITS}a-n]|单元")  # every address holds a number, a letter or, as 东单元, a side
_DASHES = str.maketrans("–—―−", "----")
_INDOORS = frozenset(("厨房", "卫生间", "厕所", "阳台", "客厅", "主卧", "次卧", "楼上", "楼下", "隔壁", "对面", "门口"))

_DIGIT = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "幺": 1}


def locate(text: str, nick: str = "", said: Location | None = None) -> Location:
    """Read a location: what the text says, completed by the nickname where the two agree.

    `located_by` is `nick` where the building came from there, else `text`. `said` are the `numbers` of the text, for
    who has read them already.
    """
    if said is None:
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
        merged = _reached(text, member)
    return _with(merged, said_place, "nick")


def _reached(text: str, home: Location) -> Location:
    """The speaker's home, or as much around it as the words take in: of 整栋楼停水 the flat is not the place."""
    match counts.whole(text):
        case "building":
            return Location(home.building)
        case "unit":
            return Location(home.building, home.unit)
        case _:
            return Location(home.building, home.unit, home.floor, home.room)


def numbers(text: str) -> Location:
    """Building, unit, floor and room that a text names; no place. `NOWHERE` itself where there is none."""
    found = _read(text, in_nick=False)
    return NOWHERE if found is NOWHERE or not found else _with(found, None, "text")


def of_nick(nick: str) -> Location:
    """The home that a group nickname tells, such as `3-2-1502 李姐` or `12栋老周`."""
    found = _read(nick, in_nick=True)
    return _with(found, None, "nick" if found else None)


def _with(location: Location, place: str | None, by: str | None) -> Location:
    return Location(location.building, location.unit, location.floor, location.room, place, by, location.others)


def _read(text: str, *, in_nick: bool) -> Location:
    if _SIGN.search(text) is None or _MAYBE.search(text) is None or _NUMBER.search(text) is None:
        return NOWHERE
    text = text[:_LONGEST].translate(_DASHES)
    dashed = _whole_address(text, in_nick=in_nick)
    if dashed is not None:
        return dashed
    buildings = _buildings(text)
    unit = _unit(text)
    building = buildings[0] if buildings else None
    dashes = "-" in text
    dashed_unit = _UNIT_DASHED.search(text) if dashes and building is None else None
    if dashed_unit and (in_nick or int(dashed_unit["building"]) >= int(dashed_unit["unit"])):  # 1-2单元 are two units
        building, unit = _zoned(dashed_unit), dashed_unit["unit"]
    floor = _floor(text)
    room, room_unit, room_floor = _room(text)
    unit = unit or room_unit
    floor = room_floor or floor
    if building is None and unit is None and (in_nick or room is None):
        if dashes and (match := _DASHED_TWO.search(text)):
            building, room = _zoned(match), match["room"]
        elif in_nick and (match := _NICK_UNIT.search(text)):
            building, unit = _zoned(match), match["unit"]
        elif in_nick and (match := _NICK_LETTER.search(text)):
            building, room = match["building"].upper(), match["room"]
    return Location(building, unit, floor, room, others=tuple(buildings[1:]))


def _whole_address(text: str, *, in_nick: bool) -> Location | None:
    """`3-2-1502`, `6#2-1801`, `6-4-12-3`; in a nickname also `15-2-3` and `3.2.1502`."""
    if "-" in text:
        if match := _DASHED.search(text):
            return Location(_zoned(match), _arabic(match["unit"]), None, match["room"])
        if match := _DASHED_FOUR.search(text):
            return Location(_zoned(match), _arabic(match["unit"]), match["floor"], match["room"])
    if in_nick and (match := _NICK_THREE.search(text)):
        return Location(_zoned(match), _arabic(match["unit"]), None, match["room"])
    return None


def _buildings(text: str) -> list[str]:
    """The buildings that a text names, each once, in order: of a range all. Whose only business is to say where the
    speaker lives comes last: 我是8栋的，6栋在施工."""
    if _OF_BUILDING.isdisjoint(text):
        return []
    found: list[str] = []
    homes: list[str] = []
    end_before, is_number_before = -1, False
    for match in islice(_BUILDING.finditer(text), _MOST_BUILDINGS):
        if _counted(text, match):
            continue
        last = match["letter"].upper() if match["letter"] else _zoned(match, "number")
        if last is None:
            continue
        named = [*_listed(text, match), last]
        between = text[end_before : match.start()] if end_before >= 0 else ""
        if found and is_number_before and last.isdigit() and _BETWEEN.fullmatch(between):
            named = [*_range(found[-1], last), last]
        whose = homes if _SPEAKER.search(text[max(0, match.start() - 6) : match.start()]) else found
        whose += named
        end_before, is_number_before = match.end(), last.isdigit()
    if not found and not homes and (lane := _LANE.search(text)):
        found.append(lane["number"] or lane["lane"])
    return list(dict.fromkeys(found + homes))


def _counted(text: str, match: re.Match[str]) -> bool:
    """Whether it says how many buildings there are, or which in a row, not its number: 三栋楼, 五六栋, 下一栋."""
    number = match["number"]
    if number is None:
        return False
    before, after = text[max(0, match.start() - 2) : match.start()], text[match.end() : match.end() + 1]
    if _about(number):
        return True
    if before.endswith(("共", "共有")) or text.endswith(("全小区", "整个小区"), 0, match.start()):
        return True
    if number == "一" and before[-1:] and before[-1] in "下前后面边壁哪头上":
        return True
    if match[0].endswith("栋楼") and not _PART_OF_BUILDING.match(after):
        return not number.isdigit() or before.endswith("有")
    return False


def _about(number: str) -> bool:
    """Whether two neighbouring digits say a rough number: 五六, 二三十."""
    bare = number.rstrip("十")
    return len(bare) == 2 and all(c in _DIGIT for c in bare) and _DIGIT[bare[1]] - _DIGIT[bare[0]] == 1


def _listed(text: str, match: re.Match[str]) -> list[str]:
    """The numbers in front of the last one of a list or a range: 15、16栋, 5-7号楼."""
    if match["number"] is None or match["zone"]:
        return []
    front = _LISTED.search(text[max(0, match.start() - _LIST_WINDOW) : match.start()])
    if front is None:
        return []
    result: list[str] = []
    following = [*(_arabic(number) for number, _ in _LISTED_ITEM.findall(front[0])[1:]), _arabic(match["number"])]
    for (written, sign), after in zip(_LISTED_ITEM.findall(front[0]), following, strict=True):
        number = _arabic(written)
        if number is not None and after is not None:
            result += _range(number, after, single=sign not in _RANGE)
            result = result if number in result else [*result, number]
    return result


def _range(first: str, last: str, *, single: bool = False) -> list[str]:
    """From the first to the one before the last; only the first where they are no range."""
    if single or not first.isdigit() or not 0 < int(last) - int(first) <= _LONGEST_RANGE:
        return [first]
    return [str(number) for number in range(int(first), int(last))]


def _unit(text: str) -> str | None:
    if _OF_UNIT.isdisjoint(text):
        return None
    for match in _UNIT.finditer(text):
        if match["side"]:
            return match["side"].upper()
        written = match["unit"] or match["stair"]
        if match["unit"]:
            front = _LISTED.search(text[max(0, match.start() - _LIST_WINDOW) : match.start()])
            if front and (first := _LISTED_ITEM.search(front[0])):
                return _arabic(first[1])
            if _about(written):
                return _arabic(written[0])
        return _arabic(written)
    return None


def _floor(text: str) -> str | None:
    if _OF_FLOOR.isdisjoint(text):
        return None
    if match := _BASEMENT.search(text):
        return "-" + (_arabic(match["down"] or match["minus"] or match["b"]) or "")
    for match in _FLOOR.finditer(text):
        if match["f"]:
            return _arabic(match["f"])
        if match[0].endswith("层") and _HIGH.search(text[max(0, match.start() - 3) : match.start()]):
            continue  # 楼高33层 tells how high the house is
        front = _LISTED.search(text[max(0, match.start() - _LIST_WINDOW) : match.start()])
        if front and (first := _LISTED_ITEM.search(front[0])) and _near(first[1]):
            return _arabic(first[1])
        if not _about(match["floor"]):
            return _arabic(match["floor"])
    return None


def _near(written: str) -> bool:
    return len(_arabic(written) or "000") <= 2


def _room(text: str) -> tuple[str | None, str | None, str | None]:
    """Room, and the unit and the floor that were named with it."""
    if match := _ROOM.search(text):
        return match["room"] or match["home"] or _spelt(match["spelt"]), None, None
    if match := _ROOM_BEHIND.search(text):
        return match["room"] or _spelt(match["spelt"]), match["unit"] and _arabic(match["unit"]), None
    if match := _ROOM_SHORT.search(text):
        return match["door"] or match["flat"] or match["of_unit"], None, match["floor"]
    if match := _ROOM_SPOKEN.search(text):
        return match["room"] or match["own"], None, None
    return None, None, None


def _spelt(written: str) -> str:
    """`一五零二` → `1502`."""
    return "".join(str(_DIGIT[character]) for character in written)


def _zoned(match: re.Match[str], group: str = "building") -> str | None:
    number = _arabic(match[group])
    return number and (match["zone"] or "").upper() + number


def _arabic(written: str) -> str | None:
    """`十二` → `12`, `03` → `3`, `一百零二` → `102`."""
    if written.isdigit():
        return str(int(written))
    if not any(character in written for character in "十百"):
        return str(int(_spelt(written)))
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


_NUMBERED_PLACE = (
    rf"(?<![\d一二三四五六七八九十]){_SMALL}号(?:门岗|门|岗亭|岗|出口|入口|出入口|车库|地库|停车场|垃圾房|广场|口)"
)
# 花园 and 广场 end the names of communities and of malls: a place only where nothing is put before it.
_NAMED = frozenset(("花园", "广场"))
_UNNAMED = re.compile(
    r"(?:^|[^\u4e00-\u9fff]|小区|社区|院|楼下|楼前|楼后|中心|中央|文化|健身|空中|屋顶|里|在|到|去|的|个|下沉|我们|门口)$"
)


def _place(text: str) -> str | None:
    return next(places(text), None)


def places(text: str) -> Iterator[str]:
    """The places without a number that a text names, in order: 南门, 楼道, 2号门."""
    for match in _place_names().finditer(text, 0, _LONGEST):
        if match[0] in _NAMED and not _UNNAMED.search(text[max(0, match.start() - 2) : match.start()]):
            continue
        yield match[0]


def findable(place: str) -> bool:
    """Whether the named place is found without a building: 南门 is, 楼道 and 楼上 are not. What the list does not hold
    (the label of a map pin) is."""
    return place not in _INDOORS and _outdoors(place)


def _outdoors(place: str) -> bool:
    """Whether the place belongs to everybody, so that the speaker's home says nothing about it."""
    return place not in _of_a_building()


@cache
def _place_names() -> re.Pattern[str]:
    terms = sorted((row["term"] for row in _rows()), key=len, reverse=True)
    # What a place can begin with, first: at most characters of a text the many choices need not be tried.
    first = "".join(sorted({re.escape(term[0]) for term in terms}))
    return re.compile(rf"(?=[\d{_CN}{first}])(?:{'|'.join((_NUMBERED_PLACE, *map(re.escape, terms)))})")


@cache
def _of_a_building() -> frozenset[str]:
    return frozenset(row["term"] for row in _rows() if row["scope"] == "building")


@cache
def _rows() -> list[tables.Row]:
    return tables.read(DATA / "places.csv", ("term", "scope"))
