from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import chain


@pytest.mark.parametrize(
    "text",
    [
        "#接龙\n周日义诊\n\n1. 老李 2人\n2. 小周",
        "亲子阅读#接龙\n\n1. 甲",
        "#接龍\n大掃除\n1. 甲",
        "#Group Note\nHiking\n\n1. Ann",
        "周末包饺子接龙\n1、老李\n2，小周\n3。阿芳",
        "体检报名\n1、老李 3栋\n2、小周 5栋",
        "包汤圆接龙\n①老李\n②小周",
        "1. 李建国 3栋\n2. 周小芳 5-1-301 2人\n3. 陈妈妈",
    ],
)
def test_is_a_chain(text: str) -> None:
    assert chain.is_chain(text)


@pytest.mark.parametrize(
    "text",
    [
        "接龙在哪里填",
        "反映几个问题\n1、3栋电梯总是坏，物业一直拖着不修，大家上下楼很不方便\n2、路灯不亮",
        "1. 门禁坏了\n2. 垃圾没人收",
        "1. 灯不亮\n2. 门坏了\n3. 垃圾没收",
        "1. 王姐家漏水\n2. 李哥家停电\n3. 陈家没气",
        "今天19.5度",
        "",
    ],
)
def test_is_none(text: str) -> None:
    assert not chain.is_chain(text)


def read(text: str) -> list[tuple[int, str, int]]:
    found = chain.parse(text)
    assert found is not None
    return [(entry.position, entry.name, entry.heads) for entry in found.entries]


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("#接龙\n周日义诊\n\n1. 李建国 2人\n2. 周小芳", [(1, "李建国", 2), (2, "周小芳", 1)]),
        ("#Group Note\nHiking\n\n1. Ann Lee\n2. Bob", [(1, "Ann Lee", 1), (2, "Bob", 1)]),
        ("亲子阅读#接龙\n\n周六9点\n\n1. 甲乙", [(1, "甲乙", 1)]),
        ("义诊接龙\n1、李建国\n2，周小芳\n3。陈妈妈", [(1, "李建国", 1), (2, "周小芳", 1), (3, "陈妈妈", 1)]),
        ("义诊接龙\n1)李建国\n2）周小芳\n(3)陈妈妈", [(1, "李建国", 1), (2, "周小芳", 1), (3, "陈妈妈", 1)]),
        ("义诊接龙\n①李建国\n②周小芳", [(1, "李建国", 1), (2, "周小芳", 1)]),
        ("义诊接龙\n1\ufe0f\u20e3 李建国\n2\ufe0f\u20e3 周小芳", [(1, "李建国", 1), (2, "周小芳", 1)]),
        ("义诊接龙\n1李建国\n2 周小芳", [(1, "李建国", 1), (2, "周小芳", 1)]),
        ("一、李建国\n二、周小芳\n三、陈妈妈", [(1, "李建国", 1), (2, "周小芳", 1), (3, "陈妈妈", 1)]),
        # rows of several lines, also such that begin with a number
        ("#接龙\n物资\n1. 李建国\n大米2袋\n2.5斤菜\n2. 周小芳", [(1, "李建国", 1), (2, "周小芳", 1)]),
        # two that wrote at once, and a gap
        ("#接龙\n1. 李建国\n3. 周小芳\n3. 陈妈妈", [(1, "李建国", 1), (3, "周小芳", 1), (3, "陈妈妈", 1)]),
        # numbered remarks of the title are nobody
        ("#接龙\n须知\n1. 带水\n2. 穿鞋\n\n1. 李建国", [(1, "李建国", 1)]),
        ("#接龙\n1. 3-1-502李建国 136****5678", [(1, "李建国", 1)]),
        ("#接龙\n1. 3栋2单元1502 周小芳 三个人", [(1, "周小芳", 3)]),
        (
            "#接龙\n1. 周小芳 一家三口\n2. 陈妈妈 2大1小\n3. 李叔+1\n4. 王姐x4",
            [(1, "周小芳", 3), (2, "陈妈妈", 3), (3, "李叔", 2), (4, "王姐", 4)],
        ),
        ("#接龙\n1. 周小芳带2个娃", [(1, "周小芳", 3)]),
        ("#接龙\n1. 1502", [(1, "1502", 1)]),
    ],
)
def test_the_shapes(text: str, entries: list[tuple[int, str, int]]) -> None:
    assert read(text) == entries


@pytest.mark.parametrize(
    ("row", "name", "heads", "choice"),
    [
        ("第1场 周小芳 2人", "周小芳", 2, "第1场"),
        ("周小芳第二场", "周小芳", 1, "第二场"),
        ("上午场 李建国+1", "李建国", 2, "上午场"),
        ("陈妈妈\n下午 3人", "陈妈妈", 3, "下午"),
        ("晚上\n陈妈妈", "陈妈妈", 1, "晚上"),
        ("C场 李建国", "李建国", 1, "C场"),
        ("李建国b组", "李建国", 1, "b组"),
        ("9:00-10:00 李建国", "李建国", 1, "9:00-10:00"),
        ("9-10点 3-1-502 李建国", "李建国", 1, "9-10点"),
        ("李建国 10点半那场 一家三口", "李建国", 3, "10点半那场"),
        ("李建国 周日下午", "李建国", 1, "周日下午"),
        ("周六 周一鸣", "周一鸣", 1, "周六"),
        ("第1场、第2场都来 李建国", "李建国", 1, "第1场、第2场都来"),
        ("亲子场 李建国 2大1小", "李建国", 3, "亲子场"),
        ("1502 早场", "1502", 1, "早场"),
        ("午场", "午场", 1, "午场"),
        # no sessions
        ("周一鸣", "周一鸣", 1, ""),
        ("李建国 操场集合", "李建国", 1, ""),
        ("张组长", "张组长", 1, ""),
        ("罗一组", "罗一组", 1, ""),
        ("Ann Lee", "Ann Lee", 1, ""),
        ("李建国 5-2-301 2人", "李建国", 2, ""),
    ],
)
def test_the_session_of_a_row_is_neither_name_nor_number(row: str, name: str, heads: int, choice: str) -> None:
    found = chain.parse(f"#接龙\n体检\n\n1. {row}")
    assert found is not None
    (entry,) = found.entries
    assert (entry.name, entry.heads, entry.choice) == (name, heads, choice)


def test_title_and_example_and_whole_rows() -> None:
    found = chain.parse(
        "@小格 #接龙\n义诊\n\n周六9点 打13612345678\n例 姓名+楼栋\n\n1. 李建国\n13712345678\n\n2. 周小芳"
    )
    assert found is not None
    assert (found.title, found.example) == ("义诊\n周六9点 打136****5678", "姓名+楼栋")
    assert [entry.text for entry in found.entries] == ["李建国\n137****5678", "周小芳"]


@pytest.mark.parametrize(
    ("row", "name", "proxy"),
    [
        ("代张婆婆报名", "张婆婆", True),
        ("李建国 代 周小芳", "周小芳", True),
        ("周小芳（女儿代报）", "周小芳", True),
        ("代小明", "小明", True),
        ("周小芳", "周小芳", False),
    ],
)
def test_somebody_else_signs_up(row: str, name: str, proxy: bool) -> None:
    found = chain.parse(f"#接龙\n1. {row}")
    assert found is not None
    assert (found.entries[0].name, found.entries[0].proxy) == (name, proxy)


@dataclass(frozen=True)
class Row:
    author: str
    start: int
    length: int
    at: datetime | None = None


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_the_wire_names_the_authors() -> None:
    text = "#接龙\n大扫除💪🏻\n\n1. 李建国🎈 2人\n2. 周小芳\n带桶\n3. 陈妈妈"
    moment = datetime(2025, 6, 12, tzinfo=UTC)
    rows = [
        Row(author, units(text[: text.index(words)]), units(words), moment)
        for author, words in (("b", "周小芳\n带桶"), ("a", "李建国🎈 2人"))
    ]
    found = chain.parse(text, [*rows, Row("x", 9000, 3), Row("y", 0, 2)])
    assert found is not None
    assert [(entry.author, entry.at) for entry in found.entries] == [("a", moment), ("b", moment), (None, None)]


def test_a_quoted_copy_is_none() -> None:
    quoted = "「老李：#接龙\n大扫除\n\n1. 李建国」\n- - - - - - - - - - - - - - -\n我也去"
    assert chain.parse(quoted) is None


def test_a_chain_that_nobody_joined_yet() -> None:
    assert chain.parse("#接龙\n领鸡蛋") == chain.Chain("领鸡蛋", "", ())


def test_a_hundred_people() -> None:
    rows = "\n".join(f"{n}. 居民{n} {n % 3 + 1}人" for n in range(1, 101))
    found = chain.parse(f"#接龙\n体检\n\n{rows}")
    assert found is not None
    assert [entry.position for entry in found.entries] == list(range(1, 101))
    assert sum(entry.heads for entry in found.entries) == sum(n % 3 + 1 for n in range(1, 101))


@given(
    st.text(alphabet="#接龙例1234567890.、)①一 李建国人代+带大小\n「」-13612345678", max_size=80),
    st.integers(0, 90),
    st.integers(0, 90),
)
def test_anything_is_read(text: str, start: int, length: int) -> None:
    found = chain.parse(text, [Row("a", start, length)])
    if found is not None:
        assert all(entry.heads >= 1 and entry.name for entry in found.entries)
        assert "13612345678" not in f"{found.title}{found.example}{found.entries}"


@pytest.mark.parametrize(
    "line", ["1. 李建国\n", "1.\n", "①", "例\n", "代", "第1场", "9:", "周一上午", "1. 3栋2单元1502-", "\n", "12人"]
)
def test_hostile_input_is_read_in_time(spent, line: str) -> None:
    text = ("#接龙\n" + line * 20_000)[:20_000]
    rows = [Row("a", n, 5) for n in range(200)]
    assert spent(lambda: (chain.is_chain(text[4:]), chain.parse(text, rows))) < 0.1


@pytest.mark.parametrize(
    ("text", "signs_up"),
    [
        ("#接龙\n周六爬山 AA 30元一人\n\n1. 张三", True),
        ("#接龙\n包粽子活动 自带一份馅料\n1. 张三", True),
        ("#Group Note\nHiking\n\n1. Ann", True),
        ("体检报名\n1、老李 3栋\n2、小周 5栋", True),
        ("#接龙\n樱桃团购 99元/箱\n\n1. 张三 1箱", False),
        ("#接龙\n土豆2元一斤 要的接\n1. 张三 2斤", False),
        ("#接龙\n周五拼车去机场\n1. 张三", False),
        ("#接龙\n停水通知 收到请接龙\n1. 张三", False),
        ("志愿者报名名单公示\n1、张三\n2、李四", False),
        ("1. 李建国 3栋\n2. 周小芳 5栋\n3. 陈妈妈", False),
        ("#接龙\n同意加装电梯的业主请接龙\n1. 张三 3-2-301\n2. 李四", False),
        ("#接龙\n3栋加装电梯意愿征集\n1. 张三 301\n2. 李四 302", False),
        ("#接龙\n道闸要不要装\n1. 张三 同意\n2. 李四 反对\n3. 王五 同意", False),
        ("#接龙\n关于更换物业\n1. 张三 同意\n2. 李四 同意", False),
        ("反对建充电桩接龙\n1. 张三\n2. 李四", False),
        ("#接龙\n周六大扫除，同意参加的接龙\n1. 张三\n2. 李四", True),
        ("#接龙\n征集志愿者：周日清理楼道\n1. 张三\n2. 李四", True),
        ("#接龙\n支持消费扶贫义卖报名\n1. 张三\n2. 李四", True),
        ("支持门口装减速带的业主请接龙\n1. 张三\n2. 李四", False),
    ],
)
def test_which_lists_people_sign_up_with(text: str, signs_up: bool) -> None:
    assert chain.is_signup(text) is signs_up


@pytest.mark.parametrize(
    ("nick", "row", "building", "theirs"),
    [
        ("3-2-1502 李姐", "3-2-1502李姐 2人", "3栋", True),
        ("李姐", "李姐+1", "", True),
        ("3-2-1502 李姐", "李姐", "", False),
        ("3-2-1502 李姐", "3栋李姐", "3栋", True),
        ("5栋 李建国", "李建国 2人", "", True),
        ("5栋 李建国", "代李建国", "", False),
        ("小雨", "何小雨", "", False),
        ("张三", "张三丰", "", False),
        ("向阳花开", "向阳花开", "", True),
        ("雨", "小雨", "", False),
        ("", "李建国", "", False),
    ],
)
def test_whose_row_it_is_beyond_doubt(nick: str, row: str, building: str, theirs: bool) -> None:
    found = chain.parse(f"#接龙\n1. {row}")
    assert found is not None
    assert chain.wrote(nick, found.entries[0], building) is theirs


@pytest.mark.parametrize(
    ("nick", "name", "building", "same"),
    [
        ("3-2-1502 李姐", "李姐", "", True),
        ("网格长刘姐", "刘姐", "", True),
        ("3栋2单元老周", "老周", "3栋", True),
        ("Ann", "Ann Lee", "", True),
        ("5栋张三", "张三", "3栋", False),
        ("赵六", "张婆婆", "", False),
        ("张三丰", "张三", "", False),
        ("3-2-1502", "赵六", "", None),
        ("向阳花开", "张三", "", None),
        ("3-2-1502 李姐", "李建国", "", None),
        ("", "张三", "", None),
    ],
)
def test_what_a_nick_tells_of_a_row(nick: str, name: str, building: str, same: bool | None) -> None:
    assert chain.resembles(nick, name, building) is same
