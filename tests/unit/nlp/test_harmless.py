"""Talk of neighbours in which nothing is wrong, and that no row of the lexicon was made from.

A bot that files tickets from small talk is thrown out of the group, so this holds false alarms down while recall grows.
The lines were chosen to tempt: trees, dogs, dancing, kitchens, travel, what broke and was mended. Everyday chat has far
fewer of these words.
Ceilings, not sentences: a change of the tables may mend one and lose another, but not file more on the whole.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nlp.decision import Decision, Label, Urgency

LINES = Path(__file__).parents[2] / "data" / "harmless.csv"
MOST_TICKETS = 0.025
MOST_FOUND = 0.038  # tickets and candidates


@pytest.fixture(scope="module")
def decisions(classifier) -> list[Decision]:
    with LINES.open(encoding="utf-8", newline="") as file:
        return [classifier.analyse(row["text"]).best for row in csv.DictReader(file)]


def test_small_talk_files_few_tickets(decisions: list[Decision]) -> None:
    assert len(decisions) >= 200
    assert sum(decision.label is Label.TICKET for decision in decisions) / len(decisions) <= MOST_TICKETS


def test_small_talk_asks_the_leader_seldom(decisions: list[Decision]) -> None:
    assert sum(decision.label is not Label.DROP for decision in decisions) / len(decisions) <= MOST_FOUND


def test_small_talk_alarms_nobody(decisions: list[Decision]) -> None:
    assert not [decision for decision in decisions if decision.urgency is Urgency.EMERGENCY]
