"""A crowd: many people say something at once, and two bots beside each other hear it.

Each bot is the whole program (bot.house.House: intake, dispatch, handlers, outbox, sender) in a process of its own,
with an account of its own and its own connections to one database; half of the people speak in a group, half in
private. So they race between the processes, and within each between conversations.

    async with await backend.fresh() as store:
        await store.write(cast)                     # rooms, and what they race for
    heard = await rush(backend, crowd(50, "认领 X1"))
    assert len(heard.told("p7")) == 1
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing as mp
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.house import House
from bot.pacing import Budget
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import grids, outbox, rooms
from storage.beside import open_beside
from storage.engine import Store, Tx
from storage.model import Grid, Message, MessageKind, Room, RoomState, SendState
from tests.contract.conftest import Database

ACCOUNTS = ("a1", "a2")
MICRO = "519999001001003012"
MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)  # ten o'clock in China
PATIENCE = 120.0  # seconds, on a loaded machine
FAST = Budget(per_minute=10**6, per_hour=10**6, per_day=10**6, gap=(0, 0), per_room_gap=0)


@dataclass(frozen=True, slots=True)
class Said:
    account: str
    room: str | None  # None: in private
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What the bots said: (account, conversation, text, who is mentioned)."""

    lines: list[tuple[str, str, str, list[str]]]

    def told(self, person: str) -> list[str]:
        """The lines to one person, in private or with an @ in a group."""
        return [text for _, where, text, mentions in self.lines if where == person or person in mentions]


def group(account: str) -> str:
    """The group in which this account sits."""
    return f"group of {account}"


def crowd(count: int, text: str) -> list[Said]:
    """`count` people p0, p1… who all say the same, spread over the accounts, every other pair of them in private."""
    return [
        Said(account, group(account) if at // 2 % 2 else None, f"p{at}", text)
        for at in range(count)
        for account in [ACCOUNTS[at % 2]]
    ]


async def lay_out(tx: Tx) -> list[Room]:
    """A micro-grid with an enabled group of each account."""
    await grids.put(tx, [Grid(MICRO[:digits], f"网格{digits}") for digits in (12, 15, 18)])
    made = []
    for account in ACCOUNTS:
        room = await rooms.ensure(tx, account, group(account), f"青禾社区12微网格{account}群", at=MORNING)
        made.append(await rooms.update(tx, room.id, grid=MICRO, state=RoomState.ENABLED))
    return made


async def rush(backend: Database, said: Sequence[Said]) -> Heard:
    """Let them all speak at once, and wait until everything that is due has been said. The store must be closed."""
    await asyncio.to_thread(_race, backend.url, backend.home, said)
    lines = []
    for account in ACCOUNTS:
        sent = json.loads((backend.home / f"{account}.json").read_text())
        lines += [(account, where, text, mentions) for where, text, mentions in sent]
    return Heard(lines)


def _race(url: str, home: Path, said: Sequence[Said]) -> None:
    spawn = mp.get_context("spawn")
    barrier = spawn.Barrier(len(ACCOUNTS))
    processes = []
    for account in ACCOUNTS:
        theirs = [one for one in said if one.account == account]
        processes.append(spawn.Process(target=_process, args=(url, home, account, theirs, barrier)))
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join(2 * PATIENCE)
    finally:
        for process in processes:
            process.kill()
    assert [process.exitcode for process in processes] == [0] * len(ACCOUNTS)


def _process(url: str, home: Path, account: str, said: list[Said], barrier: Any) -> None:
    asyncio.run(_live(url, home, account, said, barrier))


async def _live(url: str, home: Path, account: str, said: list[Said], barrier: Any) -> None:
    """One bot, from its start until it has answered everybody."""
    clock = SystemClock(start=MORNING, speed=0.05)  # what waits for the full minute waits, however slow the machine
    wire = Simulator(account, clock)
    finished: list[str] = []
    async with await open_beside(url, key_file=home / "xiaoge.key") as store:
        house = House(
            store=store,
            classifier=Classifier.load(),
            policy=Policy(categories=categories.load(), ack_wait=timedelta(), points={}),
            transports=[wire],
            budget=FAST,
            clock=clock,
            seed=1,
            heard=lambda message, *_: finished.append(message.id),
        )
        living = asyncio.create_task(house.run())
        await _until(lambda: wire.online and wire.next_at() is None)
        await asyncio.to_thread(barrier.wait, PATIENCE)
        for at, one in enumerate(said):
            name = f"{account}.{at}"
            wire.say(
                Message(account, name, MessageKind.TEXT, one.room, one.sender, clock.now(), one.text, nick=one.sender)
            )
        await _until(lambda: len(finished) >= len(said))
        await house.dispatcher.idle()
        await asyncio.to_thread(barrier.wait, PATIENCE)  # the other bot may have queued a line for this account
        while await _waits(store, account, clock.now()):
            house.wake_senders()
            await asyncio.sleep(0.02)
        house.stop()
        await living
    assert len(finished) == len(said)
    assert house.dispatcher.failures == 0
    sent = [(line.conversation, line.text, list(line.mentions)) for line in wire.sent]
    (home / f"{account}.json").write_text(json.dumps(sent, ensure_ascii=False))


async def _waits(store: Store, account: str, now: datetime) -> bool:
    """Whether a line of the account is due or on its way."""

    async def look(tx: Tx) -> bool:
        going = await outbox.by_state(tx, SendState.SENDING)
        return bool(await outbox.due(tx, account, now)) or any(line.account == account for line in going)

    return await store.read(look)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
