"""Upward: tickets/s of the sync (rows, rendering, marks on disk before and after each request) as a ratio to a bare
aiohttp POST loop that has no outbox.

    python benchmarks/sync.py [--tickets 5000] [--rounds 3]

One reference platform (tests/upstream, a process of its own, without faults), one run, the best round of each. The bare
loops post items that were rendered beforehand, signed, one request after the other: with as many items a request as
the sync, and one by one, which is what a handler does that calls the platform where it changes a ticket. They read
no database and forget everything when they are killed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # in its own folder nlp.py would hide the package

import aiohttp
import structlog

from bot.clock import SystemClock
from bot.settings import Upstream
from bot.sync import signing
from bot.sync.client import Client
from bot.sync.courier import Courier, rendered
from bot.sync.rendering import Labels
from handlers.context import Policy
from nlp import categories
from storage import dossiers, grids, people, tickets, upstreams
from storage.engine import Store, Tx
from storage.model import (
    Grid,
    Level,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.testing import fresh_store

SECRET, GRID = "s3cret", "519999001001003012"
BATCH = 100
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
OURS, BARE, ONE = "the sync", f"bare loop, {BATCH} a request", "bare loop, one a request"


def platform(url: str, name: str) -> Upstream:
    return Upstream(name=name, url=url, secret=SECRET, wait_seconds=0, batch=BATCH)


async def fill(store: Store, count: int) -> None:
    """So many tickets, each with what was said and who said it."""

    async def work(tx: Tx) -> None:
        now = datetime.now(UTC)
        await grids.put(tx, [Grid(GRID, "12微网格")])
        person = await people.ensure(tx, "a", "wxid_li", nick="李示例", friend=False)
        place = Place("3", "2", "15", "1502", None, "text")
        new = NewTicket(
            TicketState.FILED,
            "0101",
            Urgency.ROUTINE,
            Nature.HELP,
            Level.STREET,
            GRID,
            None,
            place,
            False,
            now,
            now,
            None,
            now + timedelta(days=1),
        )
        for _ in range(count):
            number = (await tickets.file(tx, new)).number
            said = TicketMessage(number, "a", f"m{number}", None, person.id, MessageKind.TEXT, now, "电梯又坏了")
            await tickets.add_message(tx, said)
            await tickets.add_reporter(tx, number, person.id, None, now, nick="李示例")

    await store.write(work)


async def ours(store: Store, url: str, labels: Labels, session: aiohttp.ClientSession, name: str) -> float:
    """Seconds until everything has arrived, from rows nobody has looked at yet."""
    clock, upstream = SystemClock(), platform(url, name)
    courier = Courier(store, upstream, name, Client(upstream, name, session, clock.now), labels, clock)
    began = time.perf_counter()
    await courier.step()
    seconds = time.perf_counter() - began
    left = await store.read(lambda tx: upstreams.waiting(tx, name))
    assert (left.waiting, left.parked, left.behind) == (0, 0, 0), left
    return seconds


async def bare(
    items: Sequence[dict[str, Any]], url: str, session: aiohttp.ClientSession, name: str, *, together: int
) -> float:
    """Seconds until everything has been posted."""
    began = time.perf_counter()
    for start in range(0, len(items), together):
        part = list(items[start : start + together])
        body = json.dumps({"schema": "xiaoge.ticket/1", "source": name, "items": part}, ensure_ascii=False).encode()
        signed = signing.headers(SECRET, "POST", "/tickets", body, key=f"{name}-{start}", now=datetime.now(UTC))
        async with session.post(url + "/tickets", data=body, headers=signed) as response:
            assert response.status == 200, await response.text()
            results = (await response.json())["results"]
        assert all(result["status"] == "accepted" for result in results), results[0]
    return time.perf_counter() - began


async def run(count: int, rounds: int, url: str) -> None:
    known = categories.load()
    labels = Labels(known, Policy(categories=known).timezone)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        async with await fresh_store(Path(scratch)) as store, aiohttp.ClientSession() as session:
            await fill(store, count)
            found = await store.read(lambda tx: dossiers.read(tx, range(1, count + 1)))
            items = [rendered(platform(url, "bare"), dossier, labels) for dossier in found.values()]
            for number in range(rounds):
                seconds = {
                    OURS: await ours(store, url, labels, session, f"ours{number}"),
                    BARE: await bare(items, url, session, f"bare{number}", together=BATCH),
                    ONE: await bare(items, url, session, f"one{number}", together=1),
                }
                best = {name: min(best.get(name, one), one) for name, one in seconds.items()}
    for name, seconds in best.items():
        ratios = ", ".join(f"{best[other] / seconds:.2f} of {other}" for other in (BARE, ONE) if other != name)
        print(f"{name:<28} {count / seconds:8.0f} tickets/s   {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    command = [sys.executable, "-m", "tests.upstream", "--port", "0", "--secret", SECRET]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        asyncio.run(run(given.tickets, given.rounds, url))
    finally:
        server.terminate()
        server.wait()


main()
