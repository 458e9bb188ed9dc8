"""Time passes: limits, escalation, 急时 and digests through `xiaoge replay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "clocks.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("clocks"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_of_three_minutes_each_hears_each_step_once(played: Played) -> None:
    """`private.min` is a floor: here more would be noise."""
    told = [line["text"][:6] for line in played.outcomes["C23"]["private"] if line["to"] == "liu"]
    assert told == ["【应急】S1", "【快到时限】", "【超时】S1"]


def test_nothing_that_time_brings_is_said_in_a_residents_group(played: Played) -> None:
    """Reminders, escalations and digests are for those who answer for it."""
    for outcome in played.outcomes.values():
        for reply in outcome["replies"]:
            assert not reply["text"].partition("\u2005")[2].startswith("【"), reply
