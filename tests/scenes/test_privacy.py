"""People ask what is kept of them, and have it erased, through `xiaoge replay`."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from bot.replay import replay
from handlers import texts
from tests.scenes import score_scenes

SCENES = score_scenes.read_jsonl(Path(__file__).parent / "privacy.jsonl")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict], Path]:
    """Every outcome by scene id, and the folder in which the scenes left their files."""
    keep = tmp_path_factory.mktemp("privacy")
    out = io.StringIO()
    asyncio.run(replay(Path(__file__).parent / "privacy.jsonl", out, keep=keep))
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    return {row["id"]: row for row in rows}, keep


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: tuple[dict[str, dict], Path]) -> None:
    outcomes, keep = played
    diffs, missed, _, _ = score_scenes.judge(
        scene, outcomes.get(scene["id"]), score_scenes.read_stores([keep / scene["id"]])
    )
    assert not diffs, scene["title"]
    assert not missed


def test_every_public_line_names_whom_it_answers_and_is_short(played: tuple[dict[str, dict], Path]) -> None:
    lines = [reply for outcome in played[0].values() for reply in outcome["replies"]]
    assert len(lines) >= 8
    for reply in lines:
        assert reply["to"] is not None, reply
        assert len(reply["text"].rpartition(texts.MENTION_END)[2]) <= 60, reply
