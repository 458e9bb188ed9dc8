"""Wiping the unused middle of pages: nothing that SQLite reads is touched, nothing that was deleted is left."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.wiping import wipe

WORDS = "王大爷说楼道里的灯又坏了"


@contextmanager
def opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR)
    try:
        yield handle
    finally:
        os.close(handle)


def busy_life(database: sqlite3.Connection, seed: int) -> None:
    """Rows in tables and indexes that come, grow over several pages, shrink and go."""
    dice = random.Random(seed)
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT UNIQUE, text TEXT)")
    database.execute("CREATE TABLE w (k TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")

    def text() -> str:
        return WORDS * dice.choice([0, 1, 3, 10, 30, 300])

    for number in range(600):
        row = dice.randrange(1, 400)
        match dice.randrange(5):
            case 0 | 1:
                database.execute("INSERT INTO t (k, text) VALUES (?, ?)", (f"{WORDS}{dice.random()}", text()))
                database.execute("INSERT INTO w VALUES (?, ?)", (f"{dice.random()}", text()))
            case 2 | 3:
                database.execute("UPDATE t SET text = ? WHERE id = ?", (text(), row))
                database.execute("UPDATE w SET text = ? WHERE k IN (SELECT k FROM w LIMIT 1 OFFSET ?)", (text(), row))
            case _:
                database.execute("DELETE FROM t WHERE id = ?", (row,))
        if number % 50 == 0:
            database.commit()
    database.commit()


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
@pytest.mark.parametrize("seed", range(3))
def test_rows_stay_and_copies_go(tmp_path: Path, page_size: int, seed: int) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA page_size={page_size}")
        database.execute("PRAGMA secure_delete=ON")
        busy_life(database, seed)
        before = list(database.iterdump())
    with opened(path) as handle:
        wipe(handle)
        assert wipe(handle) == 0
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert list(database.iterdump()) == before
        database.execute("PRAGMA secure_delete=ON")
        database.execute("DELETE FROM w")
        database.execute("UPDATE t SET k = id, text = ''")
        database.commit()
    with opened(path) as handle:
        wipe(handle)
    assert WORDS.encode() not in path.read_bytes()


def test_a_file_with_pages_that_could_be_mistaken_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")
        busy_life(database, 0)
    before = path.read_bytes()
    with opened(path) as handle:
        assert wipe(handle) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0"])
def test_an_empty_file_holds_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with opened(path) as handle:
        assert wipe(handle) == 0
