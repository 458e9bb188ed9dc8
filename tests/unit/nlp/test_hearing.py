"""Chat of neighbours that no row of the lexicon was made from, over all categories, and talk that must stay talk.

Floors, not sentences: a change of the tables may lose one and win another, but not hear less on the whole.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nlp.decision import Decision, Label, Urgency

SENTENCES = Path(__file__).parents[2] / "data" / "hearing.csv"


@pytest.fixture(scope="module")
def heard(classifier) -> list[tuple[dict[str, str], Decision]]:
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        return [(row, classifier.analyse(row["text"]).best) for row in csv.DictReader(file)]


def share(parts: list[bool]) -> float:
    return sum(parts) / len(parts)


def test_appeals_are_heard(heard) -> None:
    labels = [decision.label for row, decision in heard if row["label"] == "appeal"]
    assert share([label is not Label.DROP for label in labels]) >= 0.95
    assert share([label is Label.TICKET for label in labels]) >= 0.90


def test_what_is_heard_goes_to_its_category(heard) -> None:
    right = [
        decision.category == row["category"]
        for row, decision in heard
        if row["label"] == "appeal" and decision.label is not Label.DROP
    ]
    assert share(right) >= 0.93


def test_talk_stays_talk(heard) -> None:
    labels = [decision.label for row, decision in heard if row["label"] == "chat"]
    assert share([label is not Label.DROP for label in labels]) <= 0.07
    assert share([label is Label.TICKET for label in labels]) <= 0.02


def test_no_emergency_is_missed_and_none_invented(heard, classifier) -> None:
    for row, decision in heard:
        known = classifier.categories.get(row["category"])
        urgent = known is not None and known.urgency is Urgency.EMERGENCY
        assert (decision.urgency is Urgency.EMERGENCY) == urgent, row["text"]
