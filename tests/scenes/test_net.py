"""The whole life of a ticket in the words of those who handle it, their mistakes too, through `xiaoge replay`."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handlers import quiet, texts
from handlers.context import Policy
from nlp import categories
from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "net.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("net"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_there_are_enough() -> None:
    assert len(SCENES) >= 40
    assert len({scene["id"] for scene in SCENES}) == len(SCENES)


def test_every_public_line_names_whom_it_answers_and_is_short(played: Played) -> None:
    """≤ 60 characters where the content allows: lists and approved answers do not always."""
    for outcome in played.outcomes.values():
        for reply in outcome["replies"]:
            assert reply["to"] is not None, reply
            line = reply["text"].rpartition(texts.MENTION_END)[2]
            assert len(line) <= 60 or "\n" in line or "来源：" in line, line


def test_what_nobody_asked_for_keeps_its_distance(played: Played) -> None:
    """In each room at most one unasked line in 30 min, six a day, none in the quiet hours; an 应急 is not counted."""
    policy = Policy(categories=categories.load())
    zone = ZoneInfo("Asia/Shanghai")
    counted = 0
    for scene in SCENES:
        with closing(sqlite3.connect(played.keep / scene["id"] / "xiaoge.db")) as database:
            rows = database.execute("SELECT room_id, not_before FROM outbox WHERE counted ORDER BY room_id, not_before")
            lines = [(room, datetime.fromtimestamp(at / 1e6, UTC)) for room, at in rows]
        counted += len(lines)
        for (room, at), (next_room, next_at) in itertools.pairwise(lines):
            assert room != next_room or next_at - at >= timedelta(minutes=30), scene["id"]
        days = [(room, at.astimezone(zone).date()) for room, at in lines]
        assert all(days.count(day) <= 6 for day in days), scene["id"]
        assert not [at for _, at in lines if quiet.in_quiet_hours(at, policy)], scene["id"]
    assert counted > 20
