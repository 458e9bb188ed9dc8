"""Micro-wishes in the words of those who wish, review, claim and change their minds, through `xiaoge replay`."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from handlers import texts
from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "wishes.jsonl"
SCENES = score_scenes.read_jsonl(FILE)
NUMBERED = re.compile(r"X[0-9]+")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("wishes"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_there_are_enough() -> None:
    assert len(SCENES) >= 16
    assert len({scene["id"] for scene in SCENES}) == len(SCENES)


def test_a_group_never_reads_who_wished_in_private(played: Played) -> None:
    """Neither a name nor a mention of them stands in a line about a wish of theirs."""
    for scene in SCENES:
        outcome = played.outcomes[scene["id"]]
        said = [one for one in scene["messages"] if one["room"] is None and one["text"].startswith("心愿 ")]
        wishers = {one["from"]: one["nick"] for one in said if one["from"] not in scene["people"]}
        claimers = {one["from"] for one in scene["messages"] if one["room"] and "认领" in one["text"]}
        for reply in outcome["replies"]:
            assert not [nick for who, nick in wishers.items() if who not in claimers and nick in reply["text"]]


def test_what_is_said_in_public_is_short(played: Played) -> None:
    """≤ 60 characters beside the words of the wish itself; a list has a line for each."""
    for scene in SCENES:
        outcome = played.outcomes[scene["id"]]
        own = [wish["text"] for wish in outcome["wishes"] if wish["text"]]
        for reply in outcome["replies"]:
            line = reply["text"].rpartition(texts.MENTION_END)[2]
            for words in own:
                line = line.replace(words, "")
            assert len(line) <= 60 or "\n" in line, line


def test_the_photo_is_noted_and_not_shown(played: Played) -> None:
    with closing(sqlite3.connect(played.keep / "X01" / "xiaoge.db")) as database:
        assert database.execute("SELECT photo_id FROM wishes").fetchall() == [("m4",)]
    assert played.outcomes["X01"]["dropped"]["photo"] == 1


def test_giver_and_wisher_never_read_of_each_other(played: Played) -> None:
    for scene in SCENES:
        among_leaders = {name for name, room in scene["rooms"].items() if room.get("kind") == "leader"}
        staff = set(scene["people"]) | among_leaders
        nicks = {one["from"]: one["nick"] for one in scene["messages"] if one["from"] not in staff}
        for line in played.outcomes[scene["id"]]["private"]:
            if line["to"] in staff:
                continue
            others = [nick for who, nick in nicks.items() if who != line["to"] and nick in line["text"]]
            assert not others, (scene["id"], line)


def test_what_carries_words_of_a_wish_can_be_found_again(played: Played) -> None:
    """Every queued or sent line with words of a wish has a key by which they are taken out of the store."""
    for scene in SCENES:
        with closing(sqlite3.connect(played.keep / scene["id"] / "xiaoge.db")) as database:
            texts = [text for (text,) in database.execute("SELECT text FROM wishes WHERE text <> ''")]
            texts += [text for (text,) in database.execute("SELECT public FROM wishes WHERE public <> ''")]
            lines = database.execute("SELECT key, text FROM outbox WHERE text <> ''").fetchall()
        carrying = [key for key, line in lines if any(text in line for text in texts)]
        assert not [key for key in carrying if not key.startswith("wish:")], scene["id"]
