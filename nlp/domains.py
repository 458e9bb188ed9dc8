"""Which field of government a text is about, by learned words: for mapping upward, not for routing in the grid.

The table is read at first use and the bot's hot path never asks. `category_domains.csv` says the same of our own
categories, for whoever maps those.
"""

from __future__ import annotations

import re
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Self

import ahocorasick_rs

from nlp import normalize, tables
from nlp.categories import OTHER

WORDS = normalize.DATA / "domains.csv"
CATEGORIES = normalize.DATA / "category_domains.csv"
CONSTANT = "(constant)"  # the row of what each domain weighs before a word is read
MOST = 100.0
_BLANK = re.compile(r"\s+")


class Domains:
    """Words with a weight for each domain. The weights of the words in a text add up; the heaviest domain is told."""

    def __init__(self, names: tuple[str, ...], words: dict[str, tuple[float, tuple[float, ...]]]) -> None:
        self._constants = words[CONSTANT][1]
        self._words = [entry for word, entry in words.items() if word != CONSTANT]
        self._automaton = ahocorasick_rs.AhoCorasick([word for word in words if word != CONSTANT])
        self.names = names

    @classmethod
    def load(cls, path: Path = WORDS) -> Self:
        """Read the table: `term`, `rarity`, and a column for each domain. Raises `LexiconError`."""
        rows = tables.read(path, ("term", "rarity"))
        names = tuple(name for name in rows[0] if name not in ("term", "rarity"))
        words = {
            row["term"]: (row.weight("rarity", most=MOST), tuple(row.weight(name, most=MOST) for name in names))
            for row in rows
        }
        if CONSTANT not in words:
            raise tables.fault(path, "no_constant", term=CONSTANT)
        return cls(names, words)

    def of(self, text: str) -> str:
        """The domain of a text, or nothing where no word is known. Text may be cut into words by blanks."""
        text = _BLANK.sub("", normalize.normalise(normalize.strip_invisible(text)))
        held = {number for number, _, _ in self._automaton.find_matches_as_indexes(text, overlapping=True)}
        if not held:
            return ""
        entries = [self._words[number] for number in sorted(held)]
        length = sqrt(sum(rarity * rarity for rarity, _ in entries)) or 1.0
        totals = [
            constant + sum(weights[index] for _, weights in entries) / length
            for index, constant in enumerate(self._constants)
        ]
        return self.names[max(range(len(totals)), key=totals.__getitem__)]


@cache
def shipped() -> Domains:
    """The shipped table. Raises `LexiconError`."""
    return Domains.load()


def of_categories(path: Path = CATEGORIES) -> dict[str, str]:
    """The domain of each of our categories. Raises `LexiconError`."""
    return {row["category"]: row["domain"] for row in tables.read(path, ("category", "domain"))}


def category(text: str) -> str:
    """The category that a matter of public life goes to when its words name none. Raises `LexiconError`."""
    return _defaults().get(shipped().of(text), OTHER)


@cache
def _defaults() -> dict[str, str]:
    rows = tables.read(CATEGORIES, ("category", "domain", "default"), optional=("default",))
    return {row["domain"]: row["category"] for row in rows if row["default"]}
