"""`xiaoge accounts …`: what each account has to do, beside a running bot; and what doctor says of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from storage import accounts, audit, presence, rooms, standbys
from storage.engine import Store, Tx
from storage.model import RoomState
from storage.testing import fresh_store
from tests.unit.conftest import Invoke

T = TypeVar("T")

NOW = datetime.now(UTC)
MICRO = "519999001001003012"
CONFIG = """
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:8788"
token = "t"
rooms = 1
[[accounts]]
name = "wx2"
endpoint = "127.0.0.1:8789"
token = "t"
[[accounts]]
name = "wx3"
endpoint = "127.0.0.1:8790"
token = "t"
"""


async def some_groups(tx: Tx) -> None:
    """wx1 answers in two groups; wx2 is in one of them, too."""
    for number in (1, 2):
        room = await rooms.ensure(tx, "wx1", f"r{number}", f"青禾[{number}]群", at=NOW)
        await rooms.update(tx, room.id, grid=MICRO, state=RoomState.ENABLED)
    await rooms.ensure(tx, "wx2", "r1", "", at=NOW)
    for name in ("wx1", "wx2"):
        await accounts.seen(tx, name, NOW)
        await presence.listened(tx, name, datetime.now(UTC) - timedelta(minutes=3))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "var").mkdir()

    async def fill() -> None:
        async with await fresh_store(tmp_path / "var") as store:
            await store.write(some_groups)

    asyncio.run(fill())
    return tmp_path


def stored(place: Path, work: Callable[[Tx], Awaitable[T]]) -> T:
    async def opened() -> T:
        url = f"sqlite+aiosqlite:///{place / 'var' / 'xiaoge.db'}"
        async with await Store.open(url, key_file=place / "var" / "xiaoge.key") as store:
            return await store.write(work)

    return asyncio.run(opened())


def row(out: str, name: str) -> list[str]:
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines()]
    (found,) = [cells for cells in rows if cells[0] == name]
    return found


def test_list(place: Path, invoke: Invoke) -> None:
    out = invoke("accounts", "list").out
    assert row(out, "wx1") == ["wx1", "in service", "3 min ago", "2 of 1", "0", "2 of 400", "0"]
    assert row(out, "wx2") == ["wx2", "in service", "3 min ago", "0 of 200", "1", "1 of 400", "0"]
    assert row(out, "wx3") == ["wx3", "never linked", "never", "0 of 200", "0", "0 of 400", "0"]


def test_an_account_that_has_left_the_configuration_is_shown_with_its_groups(place: Path, invoke: Invoke) -> None:
    (place / "config.toml").write_text(CONFIG.replace('"wx1"', '"wx9"'), encoding="utf-8")
    assert row(invoke("accounts", "list").out, "wx1")[1:4] == ["not in the configuration", "3 min ago", "2"]
    found = invoke("doctor").out
    assert "it answers in 2 groups and is not in the configuration" in " ".join(found.split())


def test_rooms(place: Path, invoke: Invoke) -> None:
    out = invoke("accounts", "rooms", "wx1").out
    first = [cell.strip() for cell in out.splitlines()[3].strip("│").split("│")]
    assert first == ["1", MICRO, "青禾[1]群", "wx1", "wx2"]
    assert "青禾[2]群" in out
    of_other = invoke("accounts", "rooms", "wx2").out
    assert "青禾[1]群" in of_other
    assert "青禾[2]群" not in of_other
    assert invoke("accounts", "rooms", "wx3").out == "wx3 answers and stands by in no group\n"
    assert invoke("accounts", "rooms", "wx7").err == "xiaoge: ACCOUNT: there is no wx7, see `xiaoge accounts list`\n"


def test_retire_and_revive(place: Path, invoke: Invoke) -> None:
    done = invoke("accounts", "retire", "wx1", "--why", "换手机[新]")
    assert done.out.startswith("wx1 is retired; a running bot hands its groups over within a minute")
    assert invoke("accounts", "retire", "wx1", "--why", "again").out == "wx1 is dead already: 换手机[新]\n"
    assert re.fullmatch(r"dead for \d+ s: 换手机\[新\]", row(invoke("accounts", "list").out, "wx1")[1])
    shown = invoke("accounts", "rooms", "wx1")
    assert "wx1 (dead)" in shown.out
    assert "nobody reaches 2 of them" in shown.err
    assert "it is dead, 2 groups are reached by nobody" in " ".join(invoke("doctor").out.split())
    assert invoke("accounts", "revive", "wx1").out == "wx1 is in service again\n"
    assert invoke("accounts", "revive", "wx1").out == "wx1 was not dead\n"
    assert stored(place, lambda tx: audit.count(tx, "account_retired")) == 1
    assert stored(place, lambda tx: audit.count(tx, "account_revived")) == 1


def test_faults_of_retire(place: Path, invoke: Invoke) -> None:
    unknown = invoke("accounts", "retire", "wx7", "--why", "x")
    assert (unknown.code, unknown.err) == (2, "xiaoge: ACCOUNT: there is no wx7, see `xiaoge accounts list`\n")
    assert invoke("accounts", "retire", "wx1", "--why", "no link").code == 2
    assert invoke("accounts", "retire", "wx1").code == 2
    never = invoke("accounts", "retire", "wx3", "--why", "x")
    assert never.out == "wx3 is not in use: it was never linked\n"


def test_doctor_says_who_has_more_groups_than_it_may(place: Path, invoke: Invoke) -> None:
    found = " ".join(invoke("doctor").out.split())
    assert "it answers in 2 groups (at most 1) and is in 2" in found
    stored(place, lambda tx: accounts.die(tx, "wx2", NOW, "banned"))
    assert stored(place, standbys.loads)["wx2"].dead
