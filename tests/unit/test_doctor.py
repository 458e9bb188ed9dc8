"""`xiaoge doctor` finds each fault and names its cure; one fault hides no other."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import doctor
from bot.doctor import Finding, State, examine
from storage import accounts, audit, outbox, rooms, roster
from storage.accounts import Account
from storage.engine import Store, Tx
from storage.model import AuditEntry, Draft, Lane, PostKind, Role, Room, RoomKind, RoomState
from storage.testing import fresh_store, url_of
from tests.unit.ports import silent_port

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
GRID = "519999001001003012"
BASE = """
[[grids]]
code = "519999001001003012"
name = "12微网格"
[[people]]
name = "刘姐"
role = "微网格长"
scope = "519999001001003012"
"""


async def examined(tmp_path: Path, text: str = BASE, now: datetime = NOW) -> dict[str, Finding]:
    """The findings by what they are about; a later one of the same thing wins."""
    path = tmp_path / "config.toml"
    await asyncio.to_thread(path.write_text, text, encoding="utf-8")
    return {finding.what: finding async for finding in examine(path, lambda: now)}


async def with_store(tmp_path: Path, entries: int = 0) -> None:
    """A database where the configuration expects it."""
    home = tmp_path / "var"
    await asyncio.to_thread(home.mkdir)
    async with await fresh_store(home) as store:
        for number in range(entries):
            await store.write(lambda tx, n=number: audit.append(tx, AuditEntry(at=NOW, action="enable", actor=n)))


def faults(findings: Mapping[str, Finding]) -> set[str]:
    return {what for what, finding in findings.items() if finding.state is State.FAULT}


async def test_a_new_place_is_well(tmp_path: Path) -> None:
    findings = await examined(tmp_path)
    assert faults(findings) == set()
    assert findings["database"].found.endswith("is made at the first start")
    assert findings["gateway"].state is State.WARNING


async def test_a_running_place_is_well(tmp_path: Path) -> None:
    await with_store(tmp_path, entries=3)
    findings = await examined(tmp_path)
    assert faults(findings) == set()
    assert findings["audit"].found == "3 entries, unbroken"
    assert findings["key file"].found.endswith("mode 600")


async def test_an_account_that_was_stopped_is_told(tmp_path: Path) -> None:
    (home := tmp_path / "var").mkdir()
    stopped = Account("wx1", stopped_until=NOW + timedelta(minutes=7), throttled_at=NOW, share=0.5)
    line = Draft(
        key="advice:S1",
        account="wx1",
        conversation="r1",
        text="请立即撤离",
        kind=PostKind.EMERGENCY,
        lane=Lane.EMERGENCY,
        not_before=NOW,
        created_at=NOW,
    )
    async with await fresh_store(home) as store:
        await store.write(lambda tx: accounts.slow_down(tx, stopped))
        found = (await examined(tmp_path))["account wx1"]
        assert (found.state, found.found) == (State.WARNING, "WeChat stopped it until 12:07: it went too fast")
        await store.write(lambda tx: outbox.put(tx, line))
        found = (await examined(tmp_path))["account wx1"]
        assert found.state is State.FAULT
        assert found.found == "1 应急 lines wait, WeChat stopped the account until 12:07"
        assert "account wx1" not in await examined(tmp_path, now=NOW + timedelta(minutes=7))


async def test_it_works_beside_a_running_bot(tmp_path: Path) -> None:
    (home := tmp_path / "var").mkdir()
    async with await fresh_store(home):
        assert faults(await examined(tmp_path)) == set()


async def test_each_fault_of_the_configuration_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[pacing]\nper_minute = 0\nper_hour = 0\n", encoding="utf-8")
    found = [finding async for finding in examine(path, lambda: NOW)]
    assert [one.state for one in found] == [State.FAULT, State.FAULT]
    assert found[0].found == "config.toml: [pacing] per_minute: must be 1..60, got 0"


async def test_an_open_key_file_is_a_fault(tmp_path: Path) -> None:
    await with_store(tmp_path)
    (tmp_path / "var" / "xiaoge.key").chmod(0o644)
    findings = await examined(tmp_path)
    assert findings["key file"].cure == f"chmod 600 {tmp_path / 'var' / 'xiaoge.key'}"
    assert "key file" in faults(findings)


async def test_a_lost_key_file_is_a_fault(tmp_path: Path) -> None:
    await with_store(tmp_path)
    (tmp_path / "var" / "xiaoge.key").unlink()
    findings = await examined(tmp_path)
    assert {"key file", "database"} <= faults(findings)


async def test_an_edited_audit_trail_is_a_fault(tmp_path: Path) -> None:
    await with_store(tmp_path, entries=5)
    with closing(sqlite3.connect(tmp_path / "var" / "xiaoge.db")) as raw:
        raw.execute("UPDATE audit SET action = 'disable' WHERE seq = 3")
        raw.commit()
    finding = (await examined(tmp_path))["audit"]
    assert finding.state is State.FAULT
    assert finding.found.startswith("broken at entry 3")


async def test_what_is_no_database_is_a_fault(tmp_path: Path) -> None:
    await with_store(tmp_path)
    (tmp_path / "var" / "xiaoge.db").write_bytes(b"hello" * 1000)
    finding = (await examined(tmp_path))["database"]
    assert finding.state is State.FAULT
    assert finding.cure == "move it away or configure another path"


async def test_damage_is_found(tmp_path: Path) -> None:
    await with_store(tmp_path, entries=200)
    path = tmp_path / "var" / "xiaoge.db"
    data = bytearray(path.read_bytes())
    pages = len(data) // 4096
    for page in range(pages * 3 // 4, pages):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(bytes(data))
    findings = await examined(tmp_path)
    assert faults(findings) & {"database", "audit"}


async def test_a_clock_that_runs_behind_is_a_fault(tmp_path: Path) -> None:
    await with_store(tmp_path, entries=1)
    findings = await examined(tmp_path, now=NOW - timedelta(hours=1))
    assert "timedatectl" in findings["clock"].cure
    assert "clock" in faults(findings)
    assert "clock" in faults(await examined(tmp_path, now=datetime(1970, 1, 1, tzinfo=UTC)))


async def test_a_full_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TOO_LITTLE_SPACE", 1 << 60)
    assert "disk" in faults(await examined(tmp_path))


async def test_a_room_that_nobody_leads_is_told(tmp_path: Path) -> None:
    account = '[[accounts]]\nname = "a"\nendpoint = "127.0.0.1:1"\ntoken = "t"\n'
    room = '[[rooms]]\naccount = "a"\nim_id = "r"\ngrid = "519999001001003012"\n'
    led = await examined(tmp_path, BASE + account + room)
    assert "people" not in led
    alone = await examined(tmp_path, (BASE + account + room).replace("微网格长", "物业"))
    assert alone["people"].state is State.WARNING
    assert "its appeals reach no one" in alone["people"].found


async def test_a_gateway_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with silent_port() as port:
        account = f'[[accounts]]\nname = "wx1"\nendpoint = "127.0.0.1:{port}"\ntoken = "t"\n'
        finding = (await examined(tmp_path, BASE + account))["gateway wx1"]
    assert finding.state is State.FAULT
    assert finding.cure == "start the gateway or mend endpoint"


async def test_an_empty_token_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XIAOGE_NO_SUCH", raising=False)
    account = '[[accounts]]\nname = "wx1"\nendpoint = "127.0.0.1:1"\ntoken_env = "XIAOGE_NO_SUCH"\n'
    finding = (await examined(tmp_path, BASE + account))["gateway wx1"]
    assert (finding.state, finding.cure) == (State.FAULT, "the environment variable XIAOGE_NO_SUCH is empty, set it")


async def test_a_broken_lexicon_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    findings = await examined(tmp_path, BASE + '[nlp]\nlexicon = "own"\ncategories = "own.toml"\n')
    assert "lexicon" in faults(findings)
    assert findings["lexicon"].found


async def test_sends_that_nobody_settled_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def two(_tx: object, _state: object) -> list[int]:
        return [1, 2]

    await with_store(tmp_path)
    monkeypatch.setattr("storage.outbox.by_state", two)
    assert "outbox list" in (await examined(tmp_path))["outbox"].cure


def test_the_store_stays_usable(tmp_path: Path) -> None:
    """Examining leaves no lock behind."""

    async def work() -> None:
        await with_store(tmp_path)
        await examined(tmp_path)
        store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'var' / 'xiaoge.db'}")
        await store.close()

    asyncio.run(work())


async def test_a_year_whose_holidays_nobody_knows_is_warned_of(tmp_path: Path) -> None:
    assert "calendar" not in await examined(tmp_path)
    later = datetime(2093, 12, 20, tzinfo=UTC)
    finding = (await examined(tmp_path, now=later))["calendar"]
    assert finding.state is State.WARNING
    assert "2094" in finding.found
    assert "calendar" not in await examined(tmp_path, f"[calendar]\nholidays = [2094-02-05]\n{BASE}", now=later)


async def test_people_of_imported_tables_lead_too(tmp_path: Path) -> None:
    await with_store(tmp_path)

    async def fill(tx: Tx) -> None:
        await rooms.put(tx, [Room(0, "a", "r", "12群", RoomKind.RESIDENT, RoomState.ENABLED, GRID)], [], NOW)

    async with await Store.open(url_of(tmp_path / "var" / "xiaoge.db")) as store:
        await store.write(fill)
    nobody = await examined(tmp_path, BASE.replace("微网格长", "物业"))
    assert f"nobody leads {GRID} (12群)" in nobody["people"].found
    async with await Store.open(url_of(tmp_path / "var" / "xiaoge.db")) as store:
        leader = roster.Entry(None, "李", grants=frozenset({(Role.GRID_WORKER, GRID[:15])}))
        await store.write(lambda tx: roster.put(tx, [leader]))
    assert "people" not in await examined(tmp_path, BASE.replace("微网格长", "物业"))
