from pathlib import Path

import pytest

from nlp import categories
from nlp.categories import CategoryError, Span
from nlp.decision import Urgency


def test_shipped_file_inherits_limits_from_the_urgency() -> None:
    known = categories.load()
    stuck = known["0503"]
    assert (stuck.urgency, stuck.clock, stuck.bot, stuck.ack) == (
        Urgency.EMERGENCY,
        "natural",
        Span(10, "s"),
        Span(3, "m"),
    )
    water = known["0102"]
    assert (water.clock, water.close, water.ack) == ("natural", Span(24, "h"), Span(2, "h"))
    assert known["0701"].verify == Span(24, "h")
    assert known["0701"].confidential
    assert not known["0101"].confidential


def test_names_and_kin() -> None:
    known = categories.load()
    assert known["0101"].short_name == "电梯故障"
    assert known["0101"].group == "设施维修"
    assert known["0101"].kin == known["0503"].kin
    assert known["0102"].kin != known["0103"].kin
    assert all(category.kin for category in known.values())


MINIMAL = """
[defaults]
"常规" = { ack = "2h", close = "5d", clock = "work" }
[categories]
"9999" = { name = "其他/其他" }
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[categories", "TOML"),
        ("[categories]\n", "[defaults]"),
        (MINIMAL.replace("9999", "0101"), "9999"),
        (MINIMAL.replace('"5d"', '"soon"'), "close"),
        (MINIMAL.replace('"work"', '"lunar"'), "clock"),
        (MINIMAL.replace("常规", "随意"), "随意"),
        (MINIMAL + '"01" = { name = "x/y" }', "four digits"),
        (MINIMAL + '"0101" = { title = "x/y" }', "title"),
        (MINIMAL + '"0101" = { name = "" }', "name"),
        (MINIMAL + '"0101" = { name = "a/b", urgency = "急" }', "urgency"),
        (MINIMAL + '"0101" = { name = "a/b", confidential = "yes" }', "confidential"),
        (MINIMAL + '"0101" = { name = "a/b", kin = "" }', "kin"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CategoryError, match=r"mine\.toml") as error:
        categories.load(path)
    assert said in str(error.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CategoryError, match="no such file"):
        categories.load(tmp_path / "nowhere.toml")


def test_a_deployment_may_add_its_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL + '"0101" = { name = "设施/电梯", kin = "lift", close = "48h" }', encoding="utf-8")
    mine = categories.load(path)["0101"]
    assert (mine.kin, mine.close, str(mine.ack)) == ("lift", Span(48, "h"), "2h")
