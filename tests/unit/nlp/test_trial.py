"""One text before two lexicons."""

from __future__ import annotations

import pytest

from nlp import categories, editing
from nlp.editing import Own
from nlp.tokens import Tokens
from nlp.trial import Change, compare

KNOWN = categories.load()
TOKENS = Tokens(())


def own(weight: str, category: str = "0199") -> Own:
    return Own().laying("events", {"term": "喷泉罢演", "category": category, "weight": weight})


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        (Own(), own("3.5"), Change.HEARD),
        (own("3.5"), Own(), Change.UNHEARD),
        (own("2.2"), own("3.5"), Change.RAISED),
        (own("3.5"), own("2.2"), Change.LOWERED),
        (own("3.5"), own("3.5", "0110"), Change.CATEGORY),
        (own("3.5"), own("3.5", "0701"), Change.URGENCY),
        (own("3.5"), own("4"), None),
        (Own(), own("1"), None),
    ],
)
def test_what_changes_is_named(old: Own, new: Own, change: Change | None) -> None:
    before, after = editing.make(old, KNOWN, tokens=TOKENS), editing.make(new, KNOWN, tokens=TOKENS)
    assert compare(before, after, "中庭喷泉罢演").change is change
    assert compare(before, after, "恭喜恭喜").change is None
