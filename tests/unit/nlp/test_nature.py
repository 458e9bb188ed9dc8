"""What people want, over a labelled set of our own: half of it was written after the rules."""

import csv
from pathlib import Path

import pytest

from nlp import nature
from nlp.decision import Nature, Urgency

ROWS = list(csv.DictReader((Path(__file__).parents[2] / "data" / "natures.csv").open(encoding="utf-8")))
ACCURACY = 0.9


@pytest.mark.parametrize("written", ["before", "after"])
def test_the_goal(classifier, written: str) -> None:
    rows = [row for row in ROWS if row["written"] == written]
    right = [classifier.analyse(row["text"], addressed=True).best.nature == row["nature"] for row in rows]
    print(f"nature {written}: {sum(right) / len(right):.3f} of {len(right)}")
    assert sum(right) / len(right) >= ACCURACY


def test_an_emergency_is_always_a_cry_for_help() -> None:
    assert nature.of((), "0501", Urgency.EMERGENCY, "举报，着火了", reason="emergency") is Nature.HELP


def test_who_blames_does_not_praise() -> None:
    assert nature.praises("表扬保洁阿姨")
    assert not nature.praises("点赞？物业不作为")
