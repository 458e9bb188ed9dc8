"""The field of government: by learned words for a text, by a table for a category."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlp import categories, domains
from nlp.domains import Domains
from nlp.tables import LexiconError

TABLE = "term,rarity,劳动,环保\n(constant),0,0.1,0\n工资,2,3,0\n污水,2,0,3\n拖欠,1,1,0\n"


@pytest.fixture
def small(tmp_path: Path) -> Domains:
    path = tmp_path / "domains.csv"
    path.write_text(TABLE, encoding="utf-8")
    return Domains.load(path)


@pytest.mark.parametrize(
    ("text", "domain"),
    [("拖欠工资", "劳动"), ("偷排污水", "环保"), ("拖 欠 工 资", "劳动"), ("今天天气", ""), ("", "")],
)
def test_the_words_tell_the_domain(small, text: str, domain: str) -> None:
    assert small.of(text) == domain


def test_a_table_without_the_constants_is_refused(tmp_path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("term,rarity,劳动\n工资,2,3\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="constant"):
        Domains.load(path)


def test_every_category_has_a_domain() -> None:
    told = domains.of_categories()
    assert set(told) == set(categories.load())
    assert set(told.values()) <= set(domains.shipped().names)


def test_a_domain_may_have_a_category_for_what_names_none() -> None:
    assert domains.category("农民工讨要工资和工伤赔偿") == "0904"
    assert domains.category("开发商迟迟不办房产证") == "9999", "no category is better than a wrong one"


def test_hostile_text_is_read() -> None:
    for text in ("\ud800" * 50, "\u200b", "工" * 100_000):
        domains.shipped().of(text)
