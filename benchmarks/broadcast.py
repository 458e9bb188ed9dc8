"""A broadcast: what each room costs, and what a million lines in the outbox cost in memory.

    python benchmarks/broadcast.py [--rooms 2000] [--rows 1000000] [--times 3] [--quick]

Two costs a room, each beside the same done with plain SQL on the same tables in the same run, on SQLite and on
PostgreSQL. *Enqueuing*: a notice that was confirmed gives each of its rooms a line (handlers → rows of the outbox), 200
rooms in a transaction; plainly: read the rooms, INSERT … executemany, mark them. *Claiming and settling*: find the next
line of an account, mark it as being sent, mark it as sent, each durable before the next; by one account after the
other, and by all at once as the senders do it. The fastest of `--times` runs counts; the ratio is ours to plain, by the
clock and, as a disk may be slow for both, by the processor (of this process: PostgreSQL's own is not in it).

Then a house over an outbox of so many lines, a tenth of them queued, starts, looks at everything once and sends a line
for each account: its resident memory, against the same house over an empty outbox.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

import structlog

from bot.clock import VirtualClock
from bot.house import House
from bot.pacing import Budget
from bot.sender import FEW
from bot.transports.simulator import Simulator
from handlers import notice_sending
from handlers.context import Effects, Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import grids, notices, outbox, people, rooms
from storage.columns import microseconds
from storage.engine import Store, Tx
from storage.model import Grid, Room, RoomKind, RoomState
from storage.notices import NoticeState
from storage.testing import fresh_store
from tests.postgres_server import Server, running

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
ACCOUNTS = [f"a{number:02d}" for number in range(46)]
GRID = "519999001001001001"
WORDS = "明天8点到18点检修供水管道，请提前储水"
AT_ONCE = notice_sending.AT_ONCE
POLICY = Policy(categories=categories.load())
COLUMNS = (
    "key, account, conversation, text, kind, lane, state, not_before, created_at, attempts, room_id, mentions, counted"
)
INSERT = (
    f"INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, 'notice', 'notice', 'queued', $5, $6, 0, $7, '[]', $8) "  # noqa: S608
    "ON CONFLICT (key) DO NOTHING"
)


# ---------------------------------------------------------------- plain SQL
class Plain(Protocol):
    """A connection without anything in between. Statements have `$1`…"""

    def at(self, moment: datetime) -> object: ...
    async def rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]: ...
    async def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None: ...


class PlainSqlite:
    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            self._database.execute(f"PRAGMA {pragma}")

    def at(self, moment: datetime) -> object:
        return microseconds(moment)

    async def rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        return self._database.execute(_numbered(statement), values).fetchall()

    async def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        self._database.executemany(_numbered(statement), rows)

    async def close(self) -> None:
        self._database.close()


def _numbered(statement: str) -> str:
    """For sqlite3: $1 → ?1."""
    return statement.replace("BEGIN", "BEGIN IMMEDIATE").replace("$", "?")


class PlainPostgres:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def at(self, moment: datetime) -> object:
        return moment

    async def rows(self, statement: str, *values: object) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = await self._connection.fetch(statement, *values)
        return found

    async def many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        await self._connection.executemany(statement, rows)

    async def close(self) -> None:
        await self._connection.close()


async def enqueue_plainly(plain: Plain, number: int) -> None:
    body = f"【通知】{WORDS}"
    waiting = "SELECT room_id FROM notice_rooms WHERE notice = $1 AND NOT queued AND skipped IS NULL"
    while True:
        await plain.rows("BEGIN")
        found = await plain.rows(
            "SELECT id, account, im_id FROM rooms "  # noqa: S608
            f"WHERE id IN ({waiting} ORDER BY room_id LIMIT {AT_ONCE}) AND state = 'enabled' ORDER BY id",
            number,
        )
        rows = [
            (f"notice:{number}:{room}", account, im, body, plain.at(NOW), plain.at(NOW), room, False)
            for room, account, im in found
        ]
        await plain.many(INSERT, rows)
        mark = "UPDATE notice_rooms SET queued = $1 WHERE notice = $2 AND room_id = $3"
        await plain.many(mark, [(True, number, room) for room, _, _ in found])
        await plain.rows("COMMIT")
        if len(found) < AT_ONCE:
            return


async def send_plainly(plain: Plain, accounts: Sequence[str]) -> None:
    next_line = (
        f"SELECT id, {COLUMNS} FROM outbox WHERE state = 'queued' AND account = $1 AND lane = 'notice' "  # noqa: S608
        f"AND not_before <= $2 ORDER BY not_before, id LIMIT {FEW}"
    )
    sending = "UPDATE outbox SET state = 'sending', sending_at = $1 WHERE id = $2 AND state = 'queued'"
    sent = "UPDATE outbox SET state = 'sent', sent_at = $1, message_id = $2 WHERE id = $3 AND state = 'sending'"
    for account in accounts:
        while found := await plain.rows(next_line, account, plain.at(NOW)):
            line = found[0][0]
            await plain.rows("BEGIN")
            await plain.rows(sending, plain.at(NOW), line)
            await plain.rows("COMMIT")
            await plain.rows("BEGIN")
            await plain.rows(sent, plain.at(NOW), f"out{line}", line)
            await plain.rows("COMMIT")


# ---------------------------------------------------------------- ours
async def enqueue(store: Store, number: int) -> None:
    async def piece(tx: Tx) -> bool:
        notice = await notices.get(tx, number)
        assert notice is not None
        return await notice_sending.queue(Effects(tx, NOW, POLICY), notice)

    while await store.write(piece):
        pass


async def send(store: Store, account: str) -> None:
    async def look(tx: Tx) -> list[Any]:
        return await outbox.due(tx, account, NOW, FEW)

    while found := await store.read(look):
        line = found[0]
        assert await store.write(lambda tx, line=line: outbox.mark_sending(tx, line.id, NOW))
        await store.write(lambda tx, line=line: outbox.mark_sent(tx, line.id, NOW, f"out{line.id}"))


# ---------------------------------------------------------------- the two beside each other
@dataclass
class Cost:
    """Of one room, in seconds: by the clock, and of the processor."""

    clock: float = float("inf")
    processor: float = float("inf")

    async def take(self, count: int, work: Awaitable[Any]) -> None:
        clock, processor = time.perf_counter(), time.process_time()
        await work
        self.clock = min(self.clock, (time.perf_counter() - clock) / count)
        self.processor = min(self.processor, (time.process_time() - processor) / count)


class Town:
    """A database with enabled rooms, and one notice after the other to all of them."""

    def __init__(self, store: Store, plain: Plain, count_: int) -> None:
        self.store, self.plain, self.rooms = store, plain, count_
        self.author = 0

    async def furnish(self) -> None:
        made = [
            Room(
                0,
                ACCOUNTS[number % len(ACCOUNTS)],
                f"{number}@chatroom",
                "",
                RoomKind.RESIDENT,
                RoomState.ENABLED,
                GRID,
            )
            for number in range(self.rooms)
        ]

        async def work(tx: Tx) -> None:
            await grids.put(tx, [Grid(GRID, "1微网格")])
            await rooms.put(tx, made, [], NOW)
            self.author = (await people.import_person(tx, "周主任", (), ())).id

        await self.store.write(work)

    async def notice(self) -> int:
        """The number of a notice that is being sent; none of its rooms has a line yet."""

        async def work(tx: Tx) -> int:
            made = await notices.draft(tx, WORDS, await rooms.every(tx), author_id=self.author, at=NOW)
            await notices.move(tx, made.number, (NoticeState.DRAFT,), NoticeState.SENDING)
            return made.number

        return await self.store.write(work)

    async def all_at_once(self) -> None:
        await asyncio.gather(*(send(self.store, account) for account in ACCOUNTS))

    async def one_after_the_other(self) -> None:
        for account in ACCOUNTS:
            await send(self.store, account)

    async def compare(self, times: int) -> dict[str, tuple[Cost, Cost]]:
        """What is done → ours, plain."""
        found = {name: (Cost(), Cost()) for name in ("enqueue", "claim and settle", "the same, 46 accounts at once")}
        for _ in range(times):
            (one, plainly), (alone, plain_alone), (together, plain_together) = found.values()
            await one.take(self.rooms, enqueue(self.store, await self.notice()))
            await alone.take(self.rooms, self.one_after_the_other())
            await plainly.take(self.rooms, enqueue_plainly(self.plain, await self.notice()))
            await plain_alone.take(self.rooms, send_plainly(self.plain, ACCOUNTS))
            plain_together.clock, plain_together.processor = plain_alone.clock, plain_alone.processor
            await enqueue(self.store, await self.notice())
            await together.take(self.rooms, self.all_at_once())
        (lines,) = await self.plain.rows("SELECT count(*), min(state), max(state) FROM outbox")
        assert tuple(lines) == (3 * times * self.rooms, "sent", "sent"), tuple(lines)
        return found


@asynccontextmanager
async def on_sqlite(count_: int) -> AsyncIterator[Town]:
    with tempfile.TemporaryDirectory(prefix="xiaoge-broadcast-") as folder:
        async with await fresh_store(Path(folder)) as store:
            plain = PlainSqlite(Path(folder) / "xiaoge.db")
            yield Town(store, plain, count_)
            await plain.close()


@asynccontextmanager
async def on_postgres(server: Server, count_: int) -> AsyncIterator[Town]:
    import asyncpg

    database = server.take()
    with tempfile.TemporaryDirectory(prefix="xiaoge-broadcast-") as folder:
        async with await Store.open(server.url(database), key_file=Path(folder) / "xiaoge.key") as store:
            plain = PlainPostgres(await asyncpg.connect(host=str(server.home), user="postgres", database=database))
            yield Town(store, plain, count_)
            await plain.close()


async def show(name: str, town: Town, times: int) -> None:
    await town.furnish()
    for what, (ours, plain) in (await town.compare(times)).items():
        print(
            f"{name:<11} {what:<30} {ours.clock * 1e6:7.0f} µs a room, plain SQL {plain.clock * 1e6:7.0f} µs   "
            f"ratio {ours.clock / plain.clock:5.2f}   of the processor {ours.processor / plain.processor:5.2f}",
            flush=True,
        )


# ---------------------------------------------------------------- memory
def fill(path: Path, lines: int) -> None:
    """Lines of the last months, as 46 accounts can have said them, and the newest tenth still waiting."""
    plain = sqlite3.connect(path, isolation_level=None)
    plain.execute("PRAGMA synchronous=OFF")
    plain.execute("BEGIN")
    queued, apart = lines // 10, timedelta(days=1) / (len(ACCOUNTS) * 200)
    body = f"【通知】{WORDS}"
    since, now = NOW - (lines - queued) * apart, microseconds(NOW)
    rows = (
        (
            f"notice:{number // 8742 + 1}:{number}",
            ACCOUNTS[number % len(ACCOUNTS)],
            f"{number % 8742}@chatroom",
            body,
            "sent" if number < lines - queued else "queued",
            min(now, microseconds(since + number * apart)),
            number < lines - queued,
        )
        for number in range(lines)
    )
    plain.executemany(
        f"INSERT INTO outbox ({COLUMNS}, sending_at, sent_at, message_id) VALUES "  # noqa: S608
        "(?1, ?2, ?3, ?4, 'notice', 'notice', ?5, ?6, ?6, 0, NULL, '[]', 0, "
        "CASE WHEN ?7 THEN ?6 END, CASE WHEN ?7 THEN ?6 END, CASE WHEN ?7 THEN ?1 END)",
        rows,
    )
    plain.execute("COMMIT")
    plain.close()


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def live(lines: int) -> float:
    """MiB of a house that has started, looked at everything, and said a line with each account."""
    with tempfile.TemporaryDirectory(prefix="xiaoge-broadcast-") as folder:
        path = Path(folder) / "xiaoge.db"
        await (await fresh_store(Path(folder))).close()
        await asyncio.to_thread(fill, path, lines)
        clock = VirtualClock(NOW)
        wires = [Simulator(account, clock) for account in ACCOUNTS]
        async with await Store.open(f"sqlite+aiosqlite:///{path}") as store:
            house = House(
                store=store,
                classifier=Classifier.load(),
                policy=POLICY,
                transports=wires,
                budget=Budget(),
                clock=clock,
                seed=1,
            )
            await house.start()
            for wire in wires:
                await house.hear(wire.account, wire.take())
            for _ in range(3):
                await house.speak()
                await house.tick()
                clock.advance(clock.now() + timedelta(minutes=1))
            assert not lines or all(wire.sent for wire in wires)
            return resident()


def memory(lines: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--live", str(lines)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3, help="each side runs so often; the fastest counts")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, once")
    parser.add_argument("--live", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if args.live is not None:
        print(asyncio.run(live(args.live)))
        return
    if args.quick:
        args.rooms, args.rows, args.times = args.rooms // 10, args.rows // 10, 1

    async def sqlite() -> None:
        async with on_sqlite(args.rooms) as town:
            await show("SQLite", town, args.times)

    async def postgres(server: Server) -> None:
        async with on_postgres(server, args.rooms) as town:
            await show("PostgreSQL", town, args.times)

    asyncio.run(sqlite())
    with running() as server:
        asyncio.run(postgres(server))
    empty, full = memory(0), memory(args.rows)
    print(
        f"memory      {full:.0f} MiB with {args.rows:,} lines, {args.rows // 10:,} of them queued; "
        f"{empty:.0f} MiB with none   ratio {full / empty:.2f}"
    )


if __name__ == "__main__":
    main()
