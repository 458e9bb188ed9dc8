import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import counts
from nlp.normalize import normalise


@pytest.mark.parametrize(
    ("text", "unit", "least", "most"),
    [
        ("三户没水", "households", 3, 3),
        ("我们这边12户都停了", "households", 12, 12),
        ("十几户都没水", "households", 11, 19),
        ("五六户人家", "households", 5, 6),
        ("上百户停气", "households", 100, None),
        ("300多户", "households", 301, 399),
        ("二十多户", "households", 21, 29),
        ("两百户", "households", 200, 200),
        ("好几户都漏", "households", 3, 9),
        ("五六个人在打架", "people", 5, 6),
        ("困了3个人", "people", 3, 3),
        ("里面有两个老人", "people", 2, 2),
        ("几十个业主签字", "people", 20, 99),
        ("2-3人", "people", 2, 3),
        ("第三次反映了", "times", 3, 3),
        ("报修5次", "times", 5, 5),
        ("打了七八次电话", "times", 7, 8),
        ("停了三栋楼", "buildings", 3, 3),
        ("爬18层楼", "floors", 18, 18),
        ("不止四户", "households", 4, None),
    ],
)
def test_counts(text: str, unit: str, least: int, most: int | None) -> None:
    (found,) = counts.find(normalise(text))
    assert (found.unit.value, found.least, found.most) == (unit, least, most)


@pytest.mark.parametrize(
    "text",
    [
        "有一点臭",
        "等了半天",
        "一个人在家",
        "每户一份",
        "哪一户的车",
        "三楼没水",
        "3栋2单元1502",
        "302户型",
        "看一次",
        "100人民币",
        "三天了",
        "大家都在",
        "5栋楼下",
        "说一下",
    ],
)
def test_no_count(text: str) -> None:
    assert counts.find(normalise(text)) == ()


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("整栋楼没水", "building"),
        ("3栋全停电了", "building"),
        ("整个单元都黑", "unit"),
        ("全小区停气", "community"),
        ("整层都是烟", "floor"),
        ("整理一下", None),
        ("3栋停电", None),
    ],
)
def test_how_far_it_reaches(text: str, scope: str | None) -> None:
    assert counts.whole(normalise(text)) == scope


def test_households() -> None:
    assert counts.households("3户没水，楼上也有五六户") == 5
    assert counts.households("三个人") is None


@given(st.text(alphabet="一二三十百几两多个户人次第层楼栋0123456789-~上好 ", max_size=40))
def test_anything_is_counted(text: str) -> None:
    for found in counts.find(text):
        assert found.text == text[slice(*found.at)]
        assert found.least >= 1
        assert found.most is None or found.most >= found.least


@pytest.mark.parametrize("text", ["一", "1户", "几", "第三次", "整", "1-"])
def test_hostile_input_is_counted_in_time(spent, text: str) -> None:
    assert spent(lambda: (counts.find(text * 20_000), counts.whole(text * 20_000))) < 0.05
