import csv
from pathlib import Path

import pytest

from nlp import splitting
from nlp.decision import Label, Urgency

ROWS = list(csv.DictReader((Path(__file__).parents[2] / "data" / "matters.csv").open(encoding="utf-8")))


def test_two_matters_are_told_from_one(classifier) -> None:
    found = [(row["matters"], str(len(classifier.analyse(row["text"]).decisions))) for row in ROWS]
    of_two = [got for wanted, got in found if wanted == "2"]
    of_one = [got for wanted, got in found if wanted == "1"]
    print(f"two matters: recall {of_two.count('2') / len(of_two):.2f}, one parted {of_one.count('2')} of {len(of_one)}")
    assert of_two.count("2") / len(of_two) >= 0.75
    assert of_one.count("2") <= 1


def test_each_matter_is_a_ticket_with_its_place(classifier) -> None:
    first, second = classifier.analyse("3栋电梯坏了，5栋下水道堵了").decisions
    assert (first.label, second.label) == (Label.TICKET, Label.TICKET)
    assert {first.location.building, second.location.building} == {"3", "5"}


def test_three_matters_of_a_list(classifier) -> None:
    decisions = classifier.analyse("反映几个问题：1、楼道灯不亮 2、垃圾三天没人收 3、3栋门禁坏了").decisions
    assert {decision.category for decision in decisions} == {"0106", "0201", "0107"}


def test_the_emergency_comes_first(classifier) -> None:
    first, _ = classifier.analyse("路灯坏了好几盏，另外5栋煤气泄漏味道很大").decisions
    assert first.urgency is Urgency.EMERGENCY


@pytest.mark.parametrize("text", ["还有" * 300, "，" * 600, "南门，东门" * 100, "\n" * 600, "2、" * 200])
def test_hostile_input_is_parted_in_time(spent, text: str) -> None:
    assert len(list(splitting.halves(text))) <= 9
    assert spent(lambda: list(splitting.halves(text))) < 0.05
