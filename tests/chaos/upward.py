"""The half of the bot that talks to a platform above, as a process that is killed; while it runs, tickets live.

    python -m tests.chaos.upward HOME URL TICKETS

What a ticket goes through follows from the number of the step, and the number is drawn in the transaction of the step:
killed at any moment, each happens once. Time leaps over every wait, so that pauses and a day without the platform
cost nothing; the platform reads the same clock from the file `clock`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot.settings import Upstream
from bot.sync.answers import Answers, Puller
from bot.sync.client import Client
from bot.sync.courier import Courier
from bot.sync.rendering import Labels
from handlers.context import Policy
from nlp import categories
from storage import grids, numbers, people, rooms, tickets, upstreams
from storage.engine import Store, Tx
from storage.model import (
    Grid,
    Level,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    Role,
    RoomState,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.testing import url_of

SOURCE, SECRET = "519999001001", "the secret of both"
GRID = "519999001001003012"
# What must never go up: a nick, a name, an IM id, a phone number, what is confidential, and who said that.
NICK, NAME, IM_ID, PHONE, WHISPER = "3-2-1502 李四光", "王大锤", "wxid_lisiguang", "13912345678", "楼上夜里打人"
BLOCK = 500  # tickets that live at the same time
TOGETHER = 50  # steps in one commit
BACKLOG = 150
STRIDE = 120.0  # seconds
CODES = ("0101", "0501", "0302", "0701")
_ANY = list(TicketState)


class LeapingClock:
    """A clock that leaps to the next moment that anybody waits for, as soon as all `sleepers` wait, and never by less
    than `STRIDE`, or a day would be many small steps. It goes on where it stood when the process was killed."""

    def __init__(self, file: Path, sleepers: int = 0) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT)
        self.sleepers = sleepers
        self._waits: dict[asyncio.Task[object] | None, datetime] = {}

    def offset(self) -> float:
        """How many seconds it is ahead of the machine's clock."""
        return float(os.pread(self._file, 32, 0) or 0)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.offset(), UTC)

    async def wait(self, wake: asyncio.Event, until: datetime | None) -> None:
        task = asyncio.current_task()
        self._waits[task] = until or datetime.max.replace(tzinfo=UTC)
        while not wake.is_set() and self.now() < self._waits[task]:
            await asyncio.sleep(0.002)
            if len(self._waits) == self.sleepers:
                ahead = (min(self._waits.values()) - self.now()).total_seconds()
                if ahead > 0:
                    ahead = max(ahead, STRIDE)
                    os.pwrite(self._file, f"{self.offset() + ahead:<32.6f}".encode(), 0)
        del self._waits[task]
        wake.clear()


def platform(url: str, count: int) -> Upstream:
    """Batches so small that there are requests enough to fail."""
    settings = {"wait_seconds": 0, "timeout_seconds": 1, "answers_seconds": 600, "batch": max(10, count // 200)}
    return Upstream(name="district", title="区平台", url=url, secret=SECRET, **settings)


async def furnish(home: Path) -> None:
    """A group whose people speak."""
    async with await Store.open(url_of(home / "xiaoge.db")) as store:

        async def work(tx: Tx) -> None:
            await grids.put(tx, [Grid(GRID, "12微网格")])
            room = await rooms.ensure(tx, "a", "r1", "三号楼业主群", at=datetime.now(UTC))
            await rooms.update(tx, room.id, grid=GRID, state=RoomState.ENABLED)
            await people.ensure(tx, "a", IM_ID, nick=NICK, friend=False)
            await people.import_person(tx, NAME, (), ())

        await store.write(work)


class Life:
    """Three steps for each ticket: filed, assigned, and its end; none while more than `BACKLOG` wait to go up, or what
    a ticket goes through would be over before the platform hears of it."""

    def __init__(self, store: Store, clock: LeapingClock, count: int) -> None:
        self._store = store
        self._clock = clock
        self._count = count

    async def run(self) -> None:
        """All steps that are left."""
        left = True
        while left:
            left = all(await asyncio.gather(*(self._store.write(self._step) for _ in range(TOGETHER))))
            while await self._behind() > BACKLOG:  # noqa: ASYNC110 - rows ring no bell
                await asyncio.sleep(0.01)

    async def _behind(self) -> int:
        left = await self._store.read(lambda tx: upstreams.waiting(tx, "district"))
        return left.waiting + left.behind

    async def _step(self, tx: Tx) -> bool:
        step = await numbers.next_of(tx, "life") - 1
        block, place = divmod(step, 3 * min(BLOCK, self._count))
        stage, offset = divmod(place, min(BLOCK, self._count))
        number = block * min(BLOCK, self._count) + offset + 1
        if number > self._count:
            return False
        now = self._clock.now()
        if stage == 0:
            await self._file(tx, number, now)
        elif stage == 1:
            fields = {"owner_role": Role.PROPERTY, "owner_id": 2, "assigned_at": now}
            await tickets.update(tx, number, expect=_ANY, at=now, state=TicketState.ASSIGNED, **fields)
        else:
            await self._end(tx, number, now)
        return True

    async def _file(self, tx: Tx, number: int, now: datetime) -> None:
        confidential = number % 17 == 0
        ticket = await tickets.file(
            tx,
            NewTicket(
                TicketState.FILED,
                CODES[number % len(CODES)],
                Urgency.ROUTINE,
                Nature.REPORT if confidential else Nature.HELP,
                Level.STREET if number % 3 else Level.GRID,
                GRID,
                1,
                Place(str(number % 40), "2", "15", "1502", "南门", "text"),
                confidential,
                now,
                now,
                None,
                now + timedelta(days=1),
            ),
        )
        assert ticket.number == number
        words = WHISPER if confidential else f"{number}号井盖坏了，打我电话{PHONE}"
        message = TicketMessage(number, "a", f"m{number}", 1, 1, MessageKind.TEXT, now, words)
        await tickets.add_message(tx, message)
        await tickets.add_reporter(tx, number, 1, 1, now, nick=NICK, contact=PHONE)

    async def _end(self, tx: Tx, number: int, now: datetime) -> None:
        """Most are closed; some are taken back, refused, merged, or answered in the group."""
        kind = number % 20
        if kind == 1:
            await tickets.erase_text(tx, number)
            await tickets.update(tx, number, expect=_ANY, at=now, state=TicketState.WITHDRAWN, closed_at=now)
        elif kind == 2:
            fields = {"state": TicketState.REFUSED, "result": "超职责", "closed_at": now}
            await tickets.update(tx, number, expect=_ANY, at=now, **fields)
        elif kind == 3:
            fields = {"state": TicketState.MERGED, "merged_into": number - 1}
            await tickets.update(tx, number, expect=_ANY, at=now, **fields)
        elif kind == 4:
            fields = {"state": TicketState.CLOSED, "result": "答复即办", "closed_at": now}
            await tickets.update(tx, number, expect=_ANY, at=now, **fields)
        else:
            fields = {"state": TicketState.CLOSED, "result": f"已修好，回电{PHONE}", "closed_at": now}
            await tickets.update(tx, number, expect=_ANY, at=now, **fields)


async def settled(store: Store, home: Path) -> None:
    """Nobody changes anything any more (the parent says so), and all of it has arrived."""
    while True:
        await asyncio.sleep(0.05)
        left = await store.read(lambda tx: upstreams.waiting(tx, "district"))
        if (home / "finish").exists() and not left.waiting and not left.behind:
            return


async def main(home: Path, url: str, count: int) -> None:
    known = categories.load()
    policy = Policy(categories=known)
    clock = LeapingClock(home / "clock", sleepers=2)
    upstream = platform(url, count)
    async with await Store.open(url_of(home / "xiaoge.db")) as store, aiohttp.ClientSession() as session:
        client = Client(upstream, SOURCE, session, clock.now)
        courier = Courier(store, upstream, SOURCE, client, Labels(known, policy.timezone), clock)
        puller = Puller(upstream, client.get, Answers(store, policy, clock))
        await courier.start()
        async with asyncio.TaskGroup() as group:
            carrying, pulling = group.create_task(courier.run()), group.create_task(puller.run())
            await Life(store, clock, count).run()
            await settled(store, home)
            puller.stop()  # what it was told in the meantime goes up, too
            await pulling
            clock.sleepers = 1
            await settled(store, home)
            carrying.cancel()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
