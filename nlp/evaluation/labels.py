"""Other people's words for categories → our codes.

Labelled data say 噪音 where we say 0402; `labels.csv` holds, for each word, the codes (or what codes begin with) that
are right for it. A code may be right for several words: 0503 for 电梯 and for 应急.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from nlp import tables
from nlp.categories import Category


@cache
def words() -> Mapping[str, tuple[str, ...]]:
    """The words, each with what its codes begin with. Raises `LexiconError`."""
    rows = tables.read(Path(__file__).with_name("labels.csv"), ("word", "codes"))
    return {row["word"]: tuple(row["codes"].split()) for row in rows}


def said(meant: str, code: str, categories: Mapping[str, Category]) -> str:
    """What the code says in the vocabulary that the label `meant` belongs to: `meant` itself where the code is right.

    Where it is wrong, the word that fits the code best; a code that no word fits stands for itself."""
    known = words()
    beginnings = known.get(meant)
    if beginnings is None:  # a label in our own vocabulary: a code, or a category's name
        category = categories.get(code)
        return meant if category is not None and meant in (code, category.name, category.short_name) else code
    if code.startswith(beginnings):
        return meant
    fits = {word: max((len(one) for one in codes if code.startswith(one)), default=0) for word, codes in known.items()}
    best = max(fits, key=lambda word: fits[word])
    return best if fits[best] else code
