"""Time passes: limits, escalation, 急时 and digests through `xiaoge replay`."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from bot.replay import replay
from tests.scenes import score_scenes

FILE = Path(__file__).parent / "clocks.jsonl"


@pytest.fixture(scope="module")
def played() -> dict[str, dict]:
    """Every outcome by scene id."""
    out = io.StringIO()
    asyncio.run(replay(FILE, out))
    return {row["id"]: row for row in map(json.loads, out.getvalue().splitlines())}


@pytest.mark.parametrize("scene", score_scenes.read_jsonl(FILE), ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: dict[str, dict]) -> None:
    diffs, _, _, _ = score_scenes.judge(scene, played.get(scene["id"]), [])
    assert not diffs, scene["title"]


def test_nothing_that_time_brings_is_said_in_a_residents_group(played: dict[str, dict]) -> None:
    """Reminders, escalations and digests are for those who answer for it."""
    for outcome in played.values():
        for reply in outcome["replies"]:
            assert not reply["text"].partition("\u2005")[2].startswith("【"), reply
