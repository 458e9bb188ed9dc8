"""Several accounts of ours in the same groups, one of them dying, removed, full or back, through `xiaoge replay`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "accounts.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("accounts"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)
