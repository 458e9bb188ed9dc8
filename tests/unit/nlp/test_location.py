import pytest

from nlp import location
from nlp.decision import Location
from nlp.normalize import normalise


def read(text: str, nick: str = "") -> tuple[str | None, ...]:
    found = location.locate(normalise(text), normalise(nick))
    return found.building, found.unit, found.floor, found.room


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("7-2-1103停水", ("7", "2", None, "1103")),
        ("7栋2单元", ("7", "2", None, None)),
        ("七号楼门口", ("7", None, None, None)),
        ("B区12幢", ("B12", None, None, None)),
        ("b座大厅", ("B", None, None, None)),
        ("3座2单元", ("3", "2", None, None)),
        ("十二栋三单元五楼", ("12", "3", "5", None)),
        ("二十一栋", ("21", None, None, None)),
        ("9#楼", ("9", None, None, None)),
        ("9栋2单元1104", ("9", "2", None, "1104")),
        ("9号楼1104室", ("9", None, None, "1104")),
        ("２栋１单元", ("2", "1", None, None)),
        ("负二楼车库", (None, None, "-2", None)),
        ("-1楼", (None, None, "-1", None)),
        ("b1车库", (None, None, "-1", None)),
        ("地下一层", (None, None, "-1", None)),
        ("6楼到7楼之间", (None, None, "6", None)),
        ("12栋一楼", ("12", None, "1", None)),
        ("楼上1502天天敲", (None, None, None, "1502")),
        # what is no address
        ("买了两栋楼", (None, None, None, None)),
        ("这栋楼", (None, None, None, None)),
        ("地上一层油", (None, None, None, None)),
        ("6-12日停水", (None, None, None, None)),
        ("2025-06-12通知", (None, None, None, None)),
        ("收了1500元", (None, None, None, None)),
        ("热线12345", (None, None, None, None)),
        ("比分3-2", (None, None, None, None)),
        ("山上有一座庙", (None, None, None, None)),
        ("拿了13座奖杯", (None, None, None, None)),
        ("商场共五层", (None, None, None, None)),
    ],
)
def test_from_the_text(text: str, where: tuple[str | None, ...]) -> None:
    assert read(text) == where


@pytest.mark.parametrize(
    ("nick", "where"),
    [
        ("7-2-1103 阿芳", ("7", "2", None, "1103")),
        ("7栋2单元老李", ("7", "2", None, None)),
        ("12栋-小周", ("12", None, None, None)),
        ("A3-1502", ("A3", None, None, "1502")),
        ("5-2 老张", ("5", "2", None, None)),
        ("平安是福", (None, None, None, None)),
        ("1986年的风", (None, None, None, None)),
    ],
)
def test_from_the_nickname(nick: str, where: tuple[str | None, ...]) -> None:
    found = location.of_nick(normalise(nick))
    assert (found.building, found.unit, found.floor, found.room) == where


@pytest.mark.parametrize(
    ("text", "nick", "where"),
    [
        ("又停电了", "7-2-1103", Location("7", "2", None, "1103", None, "nick")),
        ("3单元的灯坏了", "7-2-1103", Location("7", "3", None, None, None, "nick")),
        ("负一楼积水", "7-2-1103", Location("7", "2", "-1", None, None, "nick")),
        ("楼上1203漏水", "7-2-1103", Location("7", "2", None, "1203", "楼上", "nick")),
        ("9栋停水", "7-2-1103", Location("9", None, None, None, None, "text")),
        ("南门路灯坏了", "7-2-1103", Location(None, None, None, None, "南门", "text")),
        ("厨房漏水", "7-2-1103", Location("7", "2", None, "1103", "厨房", "nick")),
        ("没有地址", "阿芳", Location()),
        ("整栋楼都停电了", "7-2-1103", Location("7", None, None, None, None, "nick")),
        ("整个单元没水", "7-2-1103", Location("7", "2", None, None, None, "nick")),
    ],
)
def test_the_nickname_completes_the_text(text: str, nick: str, where: Location) -> None:
    assert location.locate(text, nick) == where


def test_no_location_is_false() -> None:
    assert not location.locate("你好")
    assert location.locate("南门")


@pytest.mark.parametrize(
    ("text", "building", "others"),
    [
        ("3栋到5栋停水", "3", ("4", "5")),
        ("3-5栋停水", "3", ("4", "5")),
        ("3、5、9栋停水", "3", ("5", "9")),
        ("3栋和7栋停水", "3", ("7",)),
        ("我是3栋的,7栋在施工", "7", ("3",)),
        ("三到五号楼", "3", ("4", "5")),
        ("3栋停水，3栋停电", "3", ()),
        ("1到99栋", "1", ("99",)),
    ],
)
def test_several_buildings(text: str, building: str, others: tuple[str, ...]) -> None:
    found = location.numbers(normalise(text))
    assert (found.building, found.others) == (building, others)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2号门的保安", "2号门"),
        ("阳光花园的路灯坏了", None),
        ("小区花园的路灯坏了", "花园"),
        ("星河广场旁边", None),
        ("三号岗亭没人", "三号岗亭"),
    ],
)
def test_the_name_of_a_community_is_no_place(text: str, place: str | None) -> None:
    assert location.locate(normalise(text)).place == place
