"""People ask what is kept of them, and have it erased, through `xiaoge replay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers import texts
from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "privacy.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("privacy"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_every_public_line_names_whom_it_answers_and_is_short(played: Played) -> None:
    lines = [reply for outcome in played.outcomes.values() for reply in outcome["replies"]]
    assert len(lines) >= 8
    for reply in lines:
        assert reply["to"] is not None, reply
        assert len(reply["text"].rpartition(texts.MENTION_END)[2]) <= 60, reply
