"""Residents, leaders and staff as they really talk and err, through `xiaoge replay`: what a good human would want."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handlers import texts as labels
from handlers.texts import people as texts
from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "house.jsonl"
SCENES = score_scenes.read_jsonl(FILE)
ID_NUMBER = re.compile(rb"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")
MOBILE = re.compile(rb"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("house"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_no_store_holds_a_number_in_clear(played: Played) -> None:
    """Grid codes have 18 digits, too: what is searched for are the numbers that somebody said."""
    said = {
        found
        for scene in SCENES
        for message in scene["messages"]
        for pattern in (ID_NUMBER, MOBILE)
        for found in pattern.findall(re.sub(r"[ -]", "", message.get("text", "") + message["nick"]).encode())
    }
    assert len(said) >= 3
    for name, blob in score_scenes.read_stores([played.keep]):
        assert not [number for number in said if number in blob], name


def test_every_public_line_names_whom_it_answers_and_is_short(played: Played) -> None:
    """≤ 60 characters where the content allows: the number, the place and the advice of an 应急, lists and the hint
    for those who opt out do not always."""
    for outcome in played.outcomes.values():
        for reply in outcome["replies"]:
            if reply["text"] == texts.PRIVACY_NOTICE:
                continue
            assert reply["to"] is not None, reply
            line = reply["text"].rpartition(labels.MENTION_END)[2]
            assert len(line) <= 60 or "\n" in line, line
