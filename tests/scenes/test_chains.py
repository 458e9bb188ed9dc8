"""接龙 as people write them, edit them and get in each other's way, through `xiaoge replay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "chains.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("chains"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_there_are_enough() -> None:
    assert len(SCENES) >= 20
    assert len({scene["id"] for scene in SCENES}) == len(SCENES)
