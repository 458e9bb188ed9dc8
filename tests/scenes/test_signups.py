"""Activities in the words of those who announce them and of those who come, their mistakes too, through `xiaoge
replay`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handlers import quiet, texts
from handlers.context import Policy
from nlp import categories
from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "signups.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("signups"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_there_are_enough() -> None:
    assert len(SCENES) >= 22
    assert len({scene["id"] for scene in SCENES}) == len(SCENES)


def test_every_answer_is_short_and_names_whom_it_answers(played: Played) -> None:
    """≤ 60 characters where the content allows: what is announced, and a choice of windows, have more to say."""
    count = 0
    for outcome in played.outcomes.values():
        for reply in outcome["replies"]:
            line = reply["text"].rpartition(texts.MENTION_END)[2]
            assert len(line) <= 60 or "\n" in line, line
            assert reply["to"] is not None or line.startswith(("【活动】", "提醒")) or "已撤回" in line, reply
            count += 1
    assert count > 100


def test_nobody_is_told_at_night_what_they_did_not_ask_for(played: Played) -> None:
    policy = Policy(categories=categories.load())
    seen = 0
    for scene in SCENES:
        with closing(sqlite3.connect(played.keep / scene["id"] / "xiaoge.db")) as database:
            keys = ("promoted", "demoted", "remind", "deadline")
            rows = database.execute("SELECT key, not_before FROM outbox").fetchall()
        for key, at in rows:
            if key.startswith(keys):
                seen += 1
                assert not quiet.in_quiet_hours(datetime.fromtimestamp(at / 1e6, UTC), policy), (scene["id"], key)
    assert seen > 15
