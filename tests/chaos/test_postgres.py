"""The house on PostgreSQL while the server is killed under it: it waits, says so, goes on, and does everything once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot import config, doctor
from bot.clock import SystemClock
from bot.house import House
from bot.monitor import Monitor
from bot.pacing import Budget
from bot.registry import KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import audit, inbox, tickets
from storage.engine import Store, Tx
from storage.model import Message, MessageKind
from tests.chaos.program import ProgramTown
from tests.chaos.test_kill import any_seed, outlive, pace
from tests.contract.conftest import Postgresql, postgres, postgresql
from tests.integration.conftest import MakeGateway

__all__ = ["postgres", "postgresql"]

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
APPEALS = 120
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
QUICK = Budget(per_minute=10_000, per_hour=10_000, per_day=10_000, gap=(0, 0), per_room_gap=0)


async def until(true: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - most of what is waited for has no event
            await asyncio.sleep(0.005)


async def ready(monitor: Monitor) -> tuple[int, str | None]:
    """What the page for the orchestra says: its status, and what is wrong with the store."""
    port = monitor.addresses[0][1]
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/readyz") as reply,
    ):
        return reply.status, json.loads(await reply.text())["store"]["error"]


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
async def test_every_appeal_has_one_ticket_though_the_server_was_killed(postgresql: Postgresql, kills: int) -> None:
    clock = SystemClock(start=MORNING)
    wire = Simulator("sim", clock, attach=False)
    monitor = Monitor(port=0, fresh_for=0.0)
    heard: Counter[str] = Counter()
    rooms = [f"r{n}" for n in range(APPEALS)]
    # Each room in a community of its own, so that no two appeals are about the same thing.
    registry = Registry(
        people=[], rooms=[KnownRoom("sim", room, f"5199{n:08}001001", enabled=True) for n, room in enumerate(rooms)]
    )
    async with await postgresql.fresh() as store:
        await store.write(lambda tx: registry.store(tx, clock.now()))
        house = House(
            store=store,
            classifier=Classifier.load(),
            policy=Policy(categories=categories.load()),
            transports=[wire],
            budget=QUICK,
            clock=clock,
            seed=1,
            heard=lambda message, *_: heard.update([message.id]),
            monitor=monitor,
        )
        living = asyncio.create_task(house.run())
        await until(lambda: wire.online and wire.next_at() is None and bool(monitor.addresses))
        assert await ready(monitor) == (200, None)

        said = 0
        for kill in range(kills + 1):
            for n in range(kill * APPEALS // (kills + 1), (kill + 1) * APPEALS // (kills + 1)):
                for name, text in ((f"a{n}", "3栋2单元电梯又坏了"), (f"c{n}", "今天天气真好啊大家早上好")):
                    wire.say(Message("sim", name, MessageKind.TEXT, rooms[n], f"p{n}", clock.now(), text, nick="李姐"))
                    said += 1
            if kill == kills:
                break
            half = said - APPEALS // (kills + 1)
            await until(lambda half=half: len(heard) >= half)  # type: ignore[misc]
            await asyncio.to_thread(postgresql.server.kill)
            async with asyncio.timeout(60):
                while (told := await ready(monitor)) == (200, None):  # a child of the server may answer once more
                    pass
            assert told[0] == 503
            assert told[1]
            await asyncio.to_thread(postgresql.server.start)

        await until(lambda: len(heard) >= said)
        await until(lambda: len(wire.sent) >= APPEALS)
        await house.dispatcher.idle()
        house.stop()
        await living
        assert await store.read(lambda tx: inbox.pending(tx, "sim")) == []

        async def filed(tx: Tx) -> dict[str, int]:
            return {f"a{n}": len(await tickets.by_message(tx, "sim", f"a{n}")) for n in range(APPEALS)}

        assert set((await store.read(filed)).values()) == {1}
        assert len(await store.read(tickets.search)) == APPEALS
        assert (await store.read(audit.verify)).ok
    lines = Counter((sent.conversation, sent.text) for sent in wire.sent)
    assert set(lines) == {(room, text) for room, text in lines if room in rooms}
    assert max(lines.values()) == 1
    print(f"{kills} kills of the server, {APPEALS} appeals, {len(lines)} replies: each once")


@dataclass
class ServerTown(ProgramTown):
    """A town whose database is on a server."""

    on: Postgresql | None = None

    def move_to(self, database: Postgresql) -> None:
        self.on = database
        settings = self.config.read_text(encoding="utf-8")
        moved = settings.replace("sqlite+aiosqlite:///xiaoge.db", database.url)
        assert moved != settings
        self.config.write_text(moved, encoding="utf-8")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        assert self.on is not None
        return self.on.rows(sql)

    async def opened(self) -> Store:
        assert self.on is not None
        return await Store.open(self.on.url, key_file=self.home / "xiaoge.key", read_only=True)


@pytest.mark.gateway
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_the_bot_is_killed_at_random_moments(
    kills: int,
    tmp_path: Path,
    make_gateway: MakeGateway,
    postgresql: Postgresql,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As tests/chaos/test_kill.py has it over SQLite."""
    seed = any_seed()
    town = await ServerTown.build(tmp_path, make_gateway, seed, **pace(kills))
    town.move_to(postgresql)
    story = await outlive(town, kills, seed)
    with capsys.disabled():
        print(f"\n  PostgreSQL: {story}")


async def test_the_operators_commands_work_beside_the_bot(postgresql: Postgresql, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[database]\nurl = "{postgresql.url}"\nkey_file = "xiaoge.key"\n', encoding="utf-8")
    settings = config.load(file)
    assert settings.database_file is None
    async with await postgresql.fresh():
        findings = [one async for one in doctor.examine(file, now=lambda: MORNING.replace(year=2026))]
        async with await Store.open(settings.database.url, key_file=settings.key_file, read_only=True) as guest:
            assert (await guest.read(audit.verify)).ok
        for arguments, code, words in (
            (("audit", "verify"), 0, "0 entries"),
            (("export", "tickets", "-o", "tickets.csv"), 0, "0"),
            (("outbox", "list"), 0, ""),
            (("backup", "copy.db"), 2, "pg_dump"),
        ):
            command = [sys.executable, "-m", "bot", *arguments, "-c", str(file)]
            ended = await asyncio.to_thread(
                subprocess.run, command, cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT, check=False
            )
            assert (ended.returncode, words in ended.stdout + ended.stderr) == (code, True), ended
    (found,) = [one for one in findings if one.what == "database"]
    assert found.state is doctor.State.OK
    assert found.found.startswith(postgresql.database)
