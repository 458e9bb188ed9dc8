"""What a text asks for and how much, in the words of people in a hurry."""

from __future__ import annotations

import pytest

from nlp import goods, tables
from nlp.goods import Goods
from nlp.normalize import DATA, normalise


@pytest.mark.parametrize(
    ("text", "things", "note"),
    [
        ("米 2袋", [("米", 2, "袋")], ""),
        ("两袋大米和一桶调和油，给3栋孤老", [("米", 2, "袋"), ("食用油", 1, "桶")], "给3栋孤老"),
        ("沙袋 20个 2栋地下室入口", [("沙袋", 20, "个")], "2栋地下室入口"),
        ("10斤土豆、3把挂面", [("土豆", 10, "斤"), ("面条", 3, "把")], ""),
        ("白米5公斤", [("米", 10, "斤")], ""),
        ("急需婴儿奶粉一罐 二段", [("奶粉", 1, "罐")], "二段"),
        ("矿泉水五箱", [("饮用水", 5, "箱")], ""),
        ("退烧药一些", [("退烧药", None, "")], ""),
        ("钓鱼竿 2根 5栋", [("钓鱼竿", 2, "根")], "5栋"),
        ("十来袋米 3栋", [("米", 10, "袋")], "米十来袋 3栋"),
        ("矿泉水十几箱，蜡烛百来根", [("饮用水", 10, "箱"), ("蜡烛", 100, "根")], "饮用水十几箱 蜡烛百来根"),
        ("20多瓶水", [("饮用水", 20, "瓶")], "饮用水20多瓶"),
        ("钓鱼竿 二十几根", [("钓鱼竿", 20, "根")], "钓鱼竿二十几根"),
        ("几袋米", [("米", None, "")], ""),
        ("谢谢", [], ""),
        ("", [], ""),
    ],
)
def test_things_amounts_and_the_rest(text: str, things: list[tuple[str, int | None, str]], note: str) -> None:
    request = goods.read(text)
    assert request.goods == tuple(Goods(*thing) for thing in things)
    assert request.note == note


def test_an_amount_alone() -> None:
    assert goods.amount("完了，给了5公斤") == (10, "斤")
    assert goods.amount("收到了") is None


def test_no_word_of_the_table_stands_for_two_things() -> None:
    """Or people who ask for one would be given the other."""
    rows = tables.read(DATA / "goods.csv", ("name", "also", "units"), ("also",))
    words = [normalise(word) for row in rows for word in (row["name"], *tables.several(row["also"]))]
    assert [word for word in words if words.count(word) > 1] == []
    assert len(words) > 100
