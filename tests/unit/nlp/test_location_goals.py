"""Precision and recall of locations over a labelled set: our own sentences, half of them written before the code."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from nlp import contact, location
from nlp.normalize import normalise

ROWS = list(csv.DictReader((Path(__file__).parents[2] / "data" / "locations.csv").open(encoding="utf-8")))
PRECISION, RECALL = 0.97, 0.90


@pytest.mark.parametrize("field", ["building", "unit", "floor", "room"])
@pytest.mark.parametrize("written", ["before", "after"])
def test_the_goals(field: str, written: str) -> None:
    counted: Counter[str] = Counter()
    for row in ROWS:
        if row["written"] != written:
            continue
        found = location.locate(normalise(contact.mask(row["text"])), normalise(contact.mask(row["nick"])))
        got, want = getattr(found, field) or "", row[field]
        counted["got"] += bool(got)
        counted["wanted"] += bool(want)
        counted["right"] += bool(got) and got == want
    precision, recall = counted["right"] / counted["got"], counted["right"] / counted["wanted"]
    print(f"{field} {written}: precision {precision:.3f}, recall {recall:.3f}, {counted['wanted']} labelled")
    assert precision >= PRECISION
    assert recall >= RECALL


def test_the_set_is_large() -> None:
    assert len(ROWS) >= 300
