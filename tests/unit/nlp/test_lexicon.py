import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp import categories, lexicon, normalize
from nlp.lexicon import Exclusions, LexiconError
from nlp.pipeline import Classifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    shutil.copytree(normalize.DATA, copy)
    return copy


@pytest.fixture
def append(folder: Path) -> Callable[[str, str], int]:
    def to(name: str, row: str) -> int:
        path = folder / name
        text = path.read_text(encoding="utf-8") + row + "\n"
        path.write_text(text, encoding="utf-8")
        return len(text.splitlines())

    return to


def test_shipped_tables_cover_every_category_that_can_be_told_by_words() -> None:
    known = categories.load()
    tables = lexicon.load(codes=known)
    told = {pair.category for pair in tables.pairs.values()} | {event.category for event in tables.events}
    told |= {topic.category for topic in tables.topics} | {event.demoted for event in tables.events}
    assert set(known) - told <= {"0302", "1201", "9999"} | told
    assert {code for code in known if code not in told} <= {"1201"}


@pytest.mark.parametrize(
    ("name", "row", "column", "cure"),
    [
        ("objects.csv", "電梯間,lift,", "term", "永远匹配不到"),
        ("objects.csv", "电梯,lift,", "term", "已经有了"),
        ("pairs.csv", "spaceship,broken,0101,3", "object", "“事物”表里没有"),
        ("pairs.csv", "lift,haunted,0101,3", "problem", "“毛病”表里没有"),
        ("pairs.csv", "network,plant,7777,3", "category", "没有这个类别"),
        ("pairs.csv", "network,plant,0111,99", "weight", "0 到 6"),
        ("events.csv", "漏,0108,3,", "term", "单个字"),
        ("events.csv", "甲…乙…丙…丁…戊,0108,3,", "term", "最多 4 段"),
        ("events.csv", "喷泉…,0108,3,", "term", "词与词之间"),
        ("events.csv", "喷泉停了,0108,heavy,", "weight", "写成数字"),
        ("emergencies.csv", "喷泉爆炸,0501,0000,3,", "demoted", "没有这个类别"),
        ("requests.csv", "拜托啦,beg,1,", "kind", "写其中一个"),
        ("vetoes.csv", "喷泉展,ad,2,any,", "weight", "0 到 1 "),
        ("vetoes.csv", "喷泉展,ad,1,sometimes,", "scope", "写其中一个"),
        ("settings.csv", "喷泉边,1,~", "exclude", "~ 后面"),
    ],
)
def test_a_broken_row_is_named(folder: Path, append, name: str, row: str, column: str, cure: str) -> None:
    number = append(name, row)
    with pytest.raises(LexiconError) as error:
        lexicon.load(folder, codes=categories.load())
    said = str(error.value)
    assert f"{folder / name}：第 {number} 行，列“" in said
    assert f" {column}”：" in said
    assert cure in said


def test_reach_is_a_small_number(folder: Path) -> None:
    path = folder / "problems.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines.append("很旧很旧,broken,,99")
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(LexiconError, match=rf"第 {len(lines)} 行，列“距离 reach”"):
        lexicon.load(folder)


def test_version_is_a_hash_of_the_tables(folder: Path, append) -> None:
    before = lexicon.load(folder).version
    assert lexicon.load(folder).version == before
    append("objects.csv", "旋转门,gate,")
    assert lexicon.load(folder).version != before


def test_a_row_that_staff_add_is_heard(folder: Path, append) -> None:
    append("objects.csv", "智能旋转门,gate,")
    classifier = Classifier.load(data=folder)
    decision = classifier.analyse("智能旋转门卡住").best
    assert (decision.label.value, decision.category) == ("ticket", "0107")
    assert "智能旋转门" in decision.objects


def test_exclusions() -> None:
    exclude = Exclusions(("水管家",), ("游戏",))
    assert exclude.cancel("智能水管家", 2, 4)
    assert not exclude.cancel("水管坏了", 0, 2)
    assert exclude.cancel("水管工游戏", 0, 2)
