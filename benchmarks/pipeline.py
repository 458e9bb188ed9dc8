"""The whole path of a message, event → decision → durable, against what it is made of.

    python benchmarks/pipeline.py [--messages 20000]

Prints, from one run on one machine: messages/s of the house on mixed chat, as a ratio to raw executemany of the same
rows (what SQLite could do alone) and to `jieba.lcut` of the same texts (what segmenting everything would cost alone).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

import structlog

from bot.clock import SystemClock
from bot.demo.crowd import Said, day
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import inbox, tickets
from storage.engine import Store
from storage.model import Message

ROOMS = 200
GROUP = 256


def message(said: Said, now: datetime) -> Message:
    return Message(
        account="sim",
        id=f"d{said.number}",
        kind=said.kind,
        room=said.room,
        sender=said.sender,
        sent_at=now,
        text=said.text,
        nick=said.nick,
        recalls=None if said.recalls is None else f"d{said.recalls}",
    )


async def whole_path(said: list[Said], home: Path, classifier: Classifier) -> tuple[float, int]:
    """Seconds from the first event to the last message durable, and tickets and candidates filed."""
    clock = SystemClock()
    wire = Simulator("sim", clock)
    async with await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}") as store:
        rooms = [
            KnownRoom("sim", f"r{n + 1:04}", f"519999001001{n // 20 + 1:03}{n % 20 + 1:03}", enabled=True)
            for n in range(ROOMS)
        ]
        await store.write(lambda tx: Registry(rooms=rooms).store(tx, clock.now()))
        left = asyncio.Semaphore(0)
        house = House(
            store=store,
            classifier=classifier,
            policy=Policy(categories=categories.load()),
            transports=[wire],
            budget=Budget(),
            clock=clock,
            heard=lambda *_: left.release(),
        )
        living = asyncio.create_task(house.run())
        messages = [message(one, clock.now()) for one in said]
        started = time.perf_counter()
        for one in messages:
            wire.say(one)
        for _ in messages:
            await left.acquire()
        await house.dispatcher.idle()
        seconds = time.perf_counter() - started
        counted = await store.read(lambda tx: inbox.counters(tx, datetime(2020, 1, 1, tzinfo=UTC).date()))
        durable = sum(counted.values())
        assert durable == len(said), f"{durable} of {len(said)} are durable"
        filed = len(await store.read(tickets.search))
        house.stop()
        await living
    return seconds, filed


def raw_rows(said: list[Said], home: Path) -> float:
    """Seconds for SQLite alone: the same ids in and then marked done, in groups of the same size, synchronous=FULL."""
    database = sqlite3.connect(home / "raw.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute(
        "CREATE TABLE inbox (bucket INT, account TEXT, message_id TEXT, arrived_at INT, state TEXT, reason TEXT, "
        "done_at INT, PRIMARY KEY (bucket, account, message_id)) WITHOUT ROWID"
    )
    started = time.perf_counter()
    for first in range(0, len(said), GROUP):
        group = said[first : first + GROUP]
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO inbox VALUES (?, ?, ?, ?, 'pending', NULL, NULL)",
            [(80_000, "sim", f"d{one.number}", 1_750_000_000) for one in group],
        )
        database.execute("COMMIT")
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "UPDATE inbox SET state = 'done', reason = 'chat', done_at = 1750000001 "
            "WHERE bucket = ? AND account = ? AND message_id = ?",
            [(80_000, "sim", f"d{one.number}") for one in group],
        )
        database.execute("COMMIT")
    seconds = time.perf_counter() - started
    database.close()
    return seconds


def segmenting(said: list[Said]) -> float:
    """Seconds for jieba to cut every text, hidden Markov model off."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    started = time.perf_counter()
    for one in said:
        jieba.lcut(one.text, HMM=False)
    return time.perf_counter() - started


def best(times: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3, help="each side runs so often; the fastest counts")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    said = list(day(3, ROOMS, args.messages))
    classifier = Classifier.load()
    filed = 0

    def house() -> float:
        nonlocal filed
        with tempfile.TemporaryDirectory() as folder:
            seconds, filed = asyncio.run(whole_path(said, Path(folder), classifier))
        return seconds

    def rows() -> float:
        with tempfile.TemporaryDirectory() as folder:
            return raw_rows(said, Path(folder))

    ours, raw, cut = best(args.times, house), best(args.times, rows), best(args.times, lambda: segmenting(said))
    n = len(said)
    print(f"messages                    {n}, of them {filed} tickets and candidates")
    print(f"whole path                  {n / ours:10,.0f} messages/s")
    print(f"raw executemany, same rows  {n / raw:10,.0f} messages/s   whole path : raw   = {raw / ours:.3f}")
    print(f"jieba.lcut, same texts      {n / cut:10,.0f} messages/s   whole path : jieba = {cut / ours:.3f}")


if __name__ == "__main__":
    main()
