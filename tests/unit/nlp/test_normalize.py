import time

import pytest

from nlp import normalize


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("３号楼　ＷＩＦＩ", "3号楼 wifi"),
        ("電梯壞了,請派人維修", "电梯坏了,请派人维修"),
        ("厨房有然气味", "厨房有燃气味"),
        ("屋头莫得电", "家里没有电"),
        ("下水到堵了", "下水道堵了"),
        ("垃圾下水到处流", "垃圾下水到处流"),  # the typo table spares what is no typo
        ("电\u200b梯\u202e坏\ufeff了", "电梯坏了"),
        ("娃娃菜好甜", "娃娃菜好甜"),
        ("门口  有\t\t个坑", "门口 有 个坑"),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert normalize.normalise(normalize.strip_invisible(written)) == normal


@pytest.mark.parametrize(
    ("text", "rest", "who"),
    [
        ("@小格\u2005单元门坏了", "单元门坏了", ("小格",)),
        ("@王 大姐\u2005单元门坏了", "单元门坏了", ("王 大姐",)),
        ("门坏了 @管家小李 来看下", "门坏了 来看下", ("管家小李",)),
        ("@物业快来", "快来", ("物业",)),
        ("@3栋(李\u2005在不在", "在不在", ("3栋(李",)),
        ("@所有人\u00a0明天体检", "明天体检", ("所有人",)),
        ("写信到 a.b@example.org 就行", "写信到 a.b@example.org 就行", ()),
        ("没有提到谁", "没有提到谁", ()),
    ],
)
def test_mentions_are_taken_off(text: str, rest: str, who: tuple[str, ...]) -> None:
    found, names = normalize.strip_mentions(text, ("小格",))
    assert (" ".join(found.split()), names) == (rest, who)


def test_emoji_codes_go_and_brackets_with_words_stay() -> None:
    assert normalize.strip_emoji("路灯坏了[捂脸][求助]").split() == ["路灯坏了", "[求助]"]
    assert normalize.strip_emoji("灯坏了😭💡").strip() == "灯坏了"


def test_text_is_capped() -> None:
    assert len(normalize.strip_invisible("水" * 50_000)) == normalize.CAP
    assert len(normalize.normalise("\ufdfa" * normalize.CAP)) <= normalize.CAP  # one character becomes eighteen


@pytest.mark.parametrize("unit", ["\u200b", "a\u0301\u0323", "\u202e水", "[微笑]", "@", "\U000e0041", "\ud800"])
def test_cost_is_linear(unit: str) -> None:
    normalize.normalise("先热身")
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    normalize.normalise(normalize.strip_emoji(normalize.strip_mentions(normalize.strip_invisible(text), ())[0]))
    assert time.process_time() - start < 0.05
