"""Upward through everything that goes wrong: in the end the platform holds what the bot holds, field by field."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.settings import Upstream as Settings
from bot.sync import mapping, rendering
from bot.sync.client import Client
from bot.sync.courier import rendered
from bot.sync.filters import kept_back
from bot.sync.reconciling import Report, compare
from bot.sync.rendering import Labels
from handlers.context import Policy
from nlp import categories
from storage import dossiers, tickets, upstreams
from storage.engine import Store, Tx
from storage.testing import fresh_store, url_of
from tests.chaos.program import ROOT, until
from tests.chaos.test_kill import any_seed
from tests.chaos.upward import IM_ID, NAME, NICK, PHONE, SECRET, SOURCE, WHISPER, LeapingClock, furnish, platform
from tests.upstream.faults import Faults
from tests.upstream.server import Upstream
from tests.upstream.store import Store as PlatformStore

DAY = timedelta(hours=24)
ANSWERED = 12  # one ticket in so many is answered while it lives


@dataclass
class Run:
    """One run of the bot against the platform."""

    home: Path
    count: int
    upstream: Upstream
    moments: random.Random
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    answers: int = 0
    absence: timedelta = timedelta()
    found: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        with (self.home / "bot.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.chaos.upward", str(self.home), self.upstream.url, str(self.count)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "bot.log").read_text()[-3000:]
        self.process.kill()
        self.process.wait()
        self.kills += 1

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.home / 'xiaoge.db'}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(sql).fetchall()

    def steps(self) -> int:
        """How many of the tickets' steps are done."""
        found = self.query("SELECT value FROM sequences WHERE name = 'life'")
        return min(found[0][0], 3 * self.count) if found else 0

    async def reaches(self, share: float) -> None:
        async def there() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "bot.log").read_text()[-3000:]
            return await asyncio.to_thread(self.steps) >= share * 3 * self.count

        await until(there, 600, every=0.1)

    async def answer(self) -> None:
        """The platform answers now and then, about what it holds."""
        to_answer = [f"S{number}" for number in range(ANSWERED, self.count + 1, ANSWERED)]
        while True:
            await asyncio.sleep(0.1)
            for name in [name for name in to_answer[:100] if self.upstream.store.item(SOURCE, name) is not None]:
                to_answer.remove(name)
                for said in ({"state": "received"}, {"state": "in_progress"}, {"state": "done", "result": "已修好"}):
                    self.upstream.store.answer(SOURCE, name, at=None, **said)
                    self.answers += 1

    async def be_away(self, clock: LeapingClock) -> None:
        """Nobody answers at the platform for a day."""
        left = clock.now()
        self.upstream.faults.away = True

        async def a_day_later() -> bool:
            return clock.now() - left >= DAY

        await until(a_day_later, 300, every=0.01)
        self.upstream.faults.away = False
        self.absence = clock.now() - left


async def live_through(run: Run, kills: int) -> None:
    """Die `kills` times, with the platform away for a day halfway, and settle in the end."""
    clock = LeapingClock(run.home / "clock")
    answering = asyncio.create_task(run.answer())
    run.start()
    try:
        for number in range(1, kills + 1):
            await run.reaches(number / (kills + 1))
            if number == kills // 2 + 1:
                await run.be_away(clock)
            await asyncio.sleep(run.moments.uniform(0, 0.3))
            run.kill()
            run.start()
        await run.reaches(1)
        answering.cancel()
        (run.home / "finish").touch()
        assert run.process is not None
        code = await asyncio.to_thread(run.process.wait, 600)
        assert code == 0, (run.home / "bot.log").read_text()[-3000:]
    finally:
        answering.cancel()
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()


# ---------------------------------------------------------------- what must hold
async def expected(store: Store, upstream: Settings) -> dict[str, dict[str, Any]]:
    """Every ticket as the platform must hold it: rendered from what the bot holds now, tombstones where it is none of
    the platform's business any more; those that never went up left out."""
    labels = Labels(categories.load(), Policy(categories={}).timezone)

    async def read(tx: Tx) -> dict[str, dict[str, Any]]:
        found = {}
        numbers = [ticket.number for ticket in await tickets.search(tx)]
        for number, dossier in (await dossiers.read(tx, numbers)).items():
            delivery = await upstreams.delivery(tx, upstream.name, number)
            reason = kept_back(upstream, dossier)
            if reason is None:
                found[f"S{number}"] = rendered(upstream, dossier, labels)
            elif delivery is not None and delivery.tried is not None:
                gone = rendering.tombstone(number, dossier.ticket.version, reason, dossier.ticket.merged_into)
                found[f"S{number}"] = rendering.sealed(mapping.mapped(upstream, gone))
        return found

    return await store.read(read)


async def reconciled(run: Run, clock: LeapingClock) -> Report:
    """What `xiaoge sync reconcile` says."""
    known, settings = categories.load(), platform(run.upstream.url, run.count)
    labels = Labels(known, Policy(categories=known).timezone)
    async with (
        await Store.open(url_of(run.home / "xiaoge.db"), read_only=True) as store,
        aiohttp.ClientSession() as session,
    ):
        return await compare(store, settings, labels, Client(settings, SOURCE, session, clock.now))


def check_log(applied: list[tuple[str, int, str]]) -> None:
    """None twice, and the versions of each ticket in order."""
    assert len(set(applied)) == len(applied), "applied twice"
    versions: dict[str, list[int]] = defaultdict(list)
    for name, version, _ in applied:
        versions[name].append(version)
    assert [name for name, seen in versions.items() if seen != sorted(seen)] == []


def check_privacy(file: Path) -> None:
    """Every byte that the platform keeps."""
    kept = b"".join(path.read_bytes() for path in file.parent.glob(file.name + "*"))
    assert "井盖坏了".encode() in kept  # the words themselves are there
    told = [word for word in (PHONE, NICK, NAME, IM_ID, WHISPER, "李四光", "sealed") if word.encode() in kept]
    assert told == []


@pytest.mark.parametrize(
    ("count", "kills"), [(1_000, 5), pytest.param(20_000, 5, marks=pytest.mark.long)], ids=["1000", "20000"]
)
async def test_everything_arrives_once_and_in_order(
    count: int, kills: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed, began = any_seed(), time.monotonic()
    await (await fresh_store(tmp_path)).close()
    await furnish(tmp_path)
    clock = LeapingClock(tmp_path / "clock")
    file = tmp_path / "platform.db"
    faults = Faults(0.25, seed, silence=0.02, hang=1.2)
    upstream = Upstream(PlatformStore(file), SECRET, faults=faults, clock=lambda: time.time() + clock.offset())
    await upstream.start()
    run = Run(tmp_path, count, upstream, random.Random(seed))
    try:
        await live_through(run, kills)
        drawn, failed = sum(faults.drawn.values()), sum(faults.drawn.values()) - faults.drawn["none"]
        faults.rate = 0.0
        report = await reconciled(run, clock)
    finally:
        await upstream.stop()
    seconds = time.monotonic() - began

    applied, held = upstream.store.applied(), upstream.store.held(SOURCE)
    check_log(applied)
    async with await Store.open(url_of(tmp_path / "xiaoge.db"), read_only=True) as store:
        wanted = await expected(store, platform(upstream.url, count))
        left = await store.read(lambda tx: upstreams.waiting(tx, "district"))
    assert (left.waiting, left.parked, left.behind) == (0, 0, 0)
    assert held.keys() == wanted.keys()
    assert [name for name, item in held.items() if item != wanted[name]] == []
    check_privacy(file)
    assert run.absence >= DAY
    ((changes,),) = run.query("SELECT count(*) FROM changes")
    assert changes >= 3 * count
    assert report.equal, report.differences[:5]
    assert 0.15 < failed / drawn < 0.35
    gone = sum(item["deleted"] for item in held.values())
    with capsys.disabled():
        print(
            f"\n  upward, seed {seed}: {count} tickets, {changes} changes, {run.answers} answers; "
            f"{len(applied)} versions applied, none twice, in order; "
            f"{upstream.requests} requests, {failed} of {drawn} that got through failed ({failed / drawn:.0%}); "
            f"{run.kills} SIGKILLs, away {run.absence / timedelta(hours=1):.1f} h; "
            f"reconcile: equal, {report.ours} tickets and {gone} tombstones, field by field; {seconds:.0f} s"
        )
