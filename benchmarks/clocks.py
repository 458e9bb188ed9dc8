"""The clocks of many open tickets: what a minute's tick costs, and the figures of a week.

    python benchmarks/clocks.py [--tickets 20000]

Open tickets are put into the tables, their clocks are set (once, as after an update), and then minutes pass: quiet
ones, one in which a hundred tickets changed, and one in which two hundred limits run out. A quiet minute must not
depend on how many tickets are open: the ratio to that of a small store is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

import sqlalchemy as sa

from handlers import timers
from handlers.context import Effects, Policy
from nlp import categories
from storage import figures, tickets
from storage.engine import Store, Tx
from storage.model import Level, Nature, TicketState, Urgency
from storage.tables.records import changes
from storage.tables.tickets import tickets as table
from storage.testing import fresh_store

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SMALL, CHANGED, EXPIRED, QUIET = 200, 100, 200, 15
POLICY = Policy(categories=categories.load())


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tickets", type=int, default=20_000)
    amount = parser.parse_args().tickets
    small = await measure(SMALL)
    large = await measure(amount)
    print(f"open tickets                        {SMALL:>10,} {amount:>10,}")
    for name in large:
        print(f"{name:<35} {small[name] * 1000:>8.1f}ms {large[name] * 1000:>8.1f}ms")
    print(f"a quiet minute, large to small      {large['a quiet minute'] / small['a quiet minute']:.2f}")


async def measure(amount: int) -> dict[str, float]:
    """Seconds by what was done, in a store with so many open tickets."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="xiaoge-clocks-") as folder:
        async with await fresh_store(Path(folder)) as store:
            await store.write(lambda tx: fill(tx, amount))
            found["their clocks set, each"] = await timed(lambda: tick(store, NOW)) / amount
            quiet = [await timed(lambda n=n: tick(store, NOW + n * MINUTE)) for n in range(1, QUIET)]
            found["a quiet minute"] = min(quiet)  # the machine may be busy otherwise
            await store.write(change)
            found[f"one with {CHANGED} changes"] = await timed(lambda: tick(store, NOW + QUIET * MINUTE))
            await store.write(expire)
            found[f"one in which {EXPIRED} limits run out"] = await timed(
                lambda: tick(store, NOW + (QUIET + 2) * MINUTE)
            )
            week = (NOW - timedelta(days=7), NOW + timedelta(hours=1))
            found["the figures of a week"] = await timed(lambda: store.read(lambda tx: figures.total(tx, *week)))
            found["the same by grid"] = await timed(
                lambda: store.read(lambda tx: figures.by_grid(tx, *week, digits=15))
            )
    return found


async def timed(work: Callable[[], Awaitable[Any]]) -> float:
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def tick(store: Store, now: datetime) -> None:
    while await store.write(lambda tx: timers.run(Effects(tx, now, POLICY))):
        pass


async def fill(tx: Tx, amount: int) -> None:
    """Filed within the last hour, due long after: nothing is said while minutes pass."""
    rows = []
    for number in range(1, amount + 1):
        at = NOW - (number % 60) * MINUTE
        grid = f"519999001001{number % 6 + 1:03d}{number % 100 + 1:03d}"
        rows.append(
            {
                "number": number,
                "state": TicketState.FILED,
                "category": "0101",
                "urgency": Urgency.ROUTINE,
                "nature": Nature.HELP,
                "level": Level.GRID,
                "grid": grid,
                "confidential": False,
                "reported_at": at,
                "filed_at": at,
                "version": 1,
                "reporters": 1,
                "reopened": 0,
                "flagged": False,
                "ack_due": at + timedelta(days=2),
                "due": at + timedelta(days=7),
                "score": 0.0,
                "rules": (),
                "terms": (),
                "lexicon": "",
            }
        )
    await tx.execute(sa.insert(table), rows)
    await tx.execute(sa.insert(changes), [{"ticket": row["number"], "version": 1, "at": NOW} for row in rows])


async def change(tx: Tx) -> None:
    for number in range(1, CHANGED + 1):
        await tickets.update(tx, number, expect={TicketState.FILED}, at=NOW, flagged=True)


async def expire(tx: Tx) -> None:
    for number in range(1, EXPIRED + 1):
        await tickets.update(tx, number, expect={TicketState.FILED}, at=NOW, ack_due=NOW + (QUIET + 1) * MINUTE)


if __name__ == "__main__":
    asyncio.run(main())
