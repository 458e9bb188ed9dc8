"""Walks, points, and help by role, their mistakes too, switched on and off, through `xiaoge replay`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.scenes import score_scenes
from tests.scenes.played import Played

FILE = Path(__file__).parent / "worklog.jsonl"
SCENES = score_scenes.read_jsonl(FILE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played.of(FILE, tmp_path_factory.mktemp("worklog"))


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["id"])
def test_scene(scene: dict, played: Played) -> None:
    played.check(scene)


def test_there_are_enough() -> None:
    assert len(SCENES) >= 12
    assert len({scene["id"] for scene in SCENES}) == len(SCENES)


def rows(played: Played, scene: str, query: str) -> list[tuple]:
    with closing(sqlite3.connect(played.keep / scene / "xiaoge.db")) as database:
        return database.execute(query).fetchall()


def test_what_is_off_writes_nothing_down(played: Played) -> None:
    for scene in SCENES:
        config = scene.get("config", {})
        if "work_log" not in config:
            assert rows(played, scene["id"], "SELECT count(*) FROM work_entries") == [(0,)], scene["id"]
        if "points" not in config:
            assert rows(played, scene["id"], "SELECT count(*) FROM points") == [(0,)], scene["id"]


def test_a_photo_is_noted_by_its_message_once(played: Played) -> None:
    assert rows(played, "L01", "SELECT kind, households, photo_id FROM work_entries ORDER BY id") == [
        ("visit", 3, "m1"),
        ("patrol", None, None),
    ]
    assert rows(played, "L11", "SELECT households, text, photo_id FROM work_entries") == [(3, "都好", "m1")]


def test_what_was_done_stands_nowhere_twice(played: Played) -> None:
    """接单, 办结 and 交办 are in the log without an entry of their own."""
    assert rows(played, "L07", "SELECT count(*) FROM work_entries") == [(0,)]


def test_every_balance_is_the_sum_of_its_ledger(played: Played) -> None:
    for scene in SCENES:
        held = dict(rows(played, scene["id"], "SELECT id, balance FROM point_accounts"))
        summed = dict(rows(played, scene["id"], "SELECT account_id, sum(delta) FROM points GROUP BY account_id"))
        assert held == summed, scene["id"]


def test_erasing_keeps_the_sums_and_takes_the_person_away(played: Played) -> None:
    assert rows(played, "P10", "SELECT person_id, balance FROM point_accounts") == [(None, 10)]
    assert rows(played, "P10", "SELECT action, delta, item FROM points") == [("attendance", 10, "H1")]


def test_nobody_reads_of_anybody_else_s_points(played: Played) -> None:
    """A balance goes to whose it is, or to the staff who were asked for it by name."""
    for scene in SCENES:
        outcome = played.outcomes[scene["id"]]
        assert not [one for one in outcome["replies"] if "还剩" in one["text"] or "您有 " in one["text"]], scene["id"]
