"""Two leaders, two processes, the same command at once: one of them wins, and the other is told.

Each process runs the real handlers over a connection of its own, as two bots beside each other would.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handlers import routing
from handlers.context import Context, Policy
from handlers.window import Window
from nlp import categories
from nlp.decision import Analysis, Decision, Label, Shape
from storage import audit, calls, grids, outbox, people, rooms, tickets
from storage.beside import open_beside
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Grant,
    Grid,
    Level,
    Message,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    Role,
    RoomKind,
    RoomState,
    SendState,
    TicketState,
    Urgency,
)
from tests.contract.conftest import Database

ACCOUNT, GROUP, MICRO = "a1", "g1", "519999001001003012"
NOW = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
PATIENCE = 60.0  # seconds, on a loaded machine
LEADERS, OWNERS, HELPERS = ("刘姐", "王姐"), ("小张", "小赵"), ("王党员", "李党员")


@dataclass(frozen=True, slots=True)
class Round:
    """What both say at once; `action` is the entry that only the winner leaves, of the ticket `number`."""

    text: str
    people: tuple[str, str]
    number: int
    action: str
    told: str  # a part of what the other reads


async def _write_cast(tx: Tx) -> None:
    await grids.put(tx, [Grid(MICRO[:digits], "") for digits in (12, 15, 18)])
    room = await rooms.ensure(tx, ACCOUNT, GROUP, "青禾社区12微网格群", at=NOW)
    await rooms.update(tx, room.id, kind=RoomKind.RESIDENT, grid=MICRO, state=RoomState.ENABLED)
    for nick in LEADERS:
        await people.import_person(tx, nick, [Grant(Role.MICRO_LEADER, MICRO)], [Alias(ACCOUNT, nick, nick=nick)])
    for nick in HELPERS:
        await people.import_person(tx, nick, [Grant(Role.PARTY_MEMBER, MICRO)], [Alias(ACCOUNT, nick, nick=nick)])
    for nick in OWNERS:
        await people.import_person(tx, nick, [Grant(Role.PROPERTY, MICRO[:15])], [Alias(ACCOUNT, nick, nick=nick)])


async def _call(tx: Tx) -> int:
    """A ticket to which both helpers were called."""
    number = await _file(tx, TicketState.FILED)
    await calls.put(tx, number, len(HELPERS), NOW)
    return number


async def _file(tx: Tx, state: TicketState) -> int:
    """A ticket of a resident, given to the property in general where it is 已派."""
    new = NewTicket(
        state=TicketState.FILED if state is TicketState.ASSIGNED else state,
        category="0106",
        urgency=Urgency.ROUTINE,
        nature=Nature.HELP,
        level=Level.GRID,
        grid=MICRO,
        room_id=None,
        place=Place(),
        confidential=False,
        reported_at=NOW,
        filed_at=NOW,
        ack_due=None,
        due=None,
    )
    ticket = await tickets.file(tx, new)
    resident = await people.ensure(tx, ACCOUNT, "李姐", nick="李姐", friend=False)
    await tickets.add_reporter(tx, ticket.number, resident.id, None, NOW)
    if state is TicketState.ASSIGNED:
        fields: dict[str, Any] = {"state": state, "owner_role": Role.PROPERTY, "assigned_at": NOW}
        await tickets.update(tx, ticket.number, expect={TicketState.FILED}, at=NOW, **fields)
    return ticket.number


async def _lay_out(store: Store, count: int) -> list[Round]:
    """So many rounds, of each command in turn."""
    await store.write(_write_cast)
    rounds = []
    for index in range(count):
        if index % 4 == 3:
            number = await store.write(_call)
            rounds.append(Round(f"应答 S{number}", HELPERS, number, "responded", "应答"))
        elif index % 4 == 0:
            number = await store.write(lambda tx: _file(tx, TicketState.ASSIGNED))
            rounds.append(Round(f"接单 S{number}", OWNERS, number, "taken", "接单"))
        elif index % 4 == 1:
            number = await store.write(lambda tx: _file(tx, TicketState.CANDIDATE))
            rounds.append(Round(f"受理 S{number}", LEADERS, number, "accepted", "现在是“受理”"))
        else:
            target = await store.write(lambda tx: _file(tx, TicketState.FILED))
            number = await store.write(lambda tx: _file(tx, TicketState.FILED))
            rounds.append(Round(f"合并 S{target} S{number}", LEADERS, number, "merged", "现在是“并案”"))
    return rounds


def _process(url: str, key_file: Path, rounds: list[Round], side: int, barrier: Any) -> None:
    asyncio.run(_play(url, key_file, rounds, side, barrier))


async def _play(url: str, key_file: Path, rounds: list[Round], side: int, barrier: Any) -> None:
    policy = Policy(categories=categories.load())
    async with await open_beside(url, key_file=key_file) as store:
        for index, each in enumerate(rounds):
            who = each.people[side]
            message = Message(
                ACCOUNT, f"m{index}.{side}", MessageKind.TEXT, GROUP, who, NOW, each.text, nick=who, topic=GROUP
            )
            analysis = Analysis(each.text, Shape.TALK, (Decision(Label.DROP, "chat"),))

            async def work(tx: Tx, message: Message = message, analysis: Analysis = analysis) -> str:
                room = await rooms.find(tx, ACCOUNT, GROUP)
                actor = await people.find(tx, ACCOUNT, message.sender)
                return await routing.handle(
                    Context(tx, NOW, policy, message, analysis, lambda _: analysis, room, actor, Window())
                )

            barrier.wait(PATIENCE)
            await store.write(work)


def _race(url: str, key_file: Path, rounds: list[Round]) -> None:
    spawn = mp.get_context("spawn")
    barrier = spawn.Barrier(2)
    both = [spawn.Process(target=_process, args=(url, key_file, rounds, side, barrier)) for side in (0, 1)]
    try:
        for process in both:
            process.start()
        for process in both:
            process.join(PATIENCE + len(rounds))
    finally:
        for process in both:
            process.kill()
    assert [process.exitcode for process in both] == [0, 0]


async def _winners(store: Store, rounds: list[Round]) -> list[int]:
    """How many rounds each side won; each round has one winner and one who was told."""
    lines = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    replies = {line.key: line.text for line in lines}
    ids = {
        nick: await store.read(lambda tx, nick=nick: people.find(tx, ACCOUNT, nick))
        for nick in LEADERS + OWNERS + HELPERS
    }
    won = [0, 0]
    for index, each in enumerate(rounds):
        trail = await store.read(lambda tx, number=each.number: audit.of_ticket(tx, number))
        (entry,) = [entry for entry in trail if entry.action == each.action]
        winner = next(side for side in (0, 1) if ids[each.people[side]].id == entry.actor)  # type: ignore[union-attr]
        won[winner] += 1
        assert each.told in replies[f"reply:{ACCOUNT}:m{index}.{1 - winner}"], each.text
        assert replies[f"reply:{ACCOUNT}:m{index}.{winner}"] != replies[f"reply:{ACCOUNT}:m{index}.{1 - winner}"]
    return won


async def _run(backend: Database, count: int) -> list[int]:
    async with await backend.fresh() as store:
        rounds = await _lay_out(store, count)
    await asyncio.to_thread(_race, backend.url, backend.home / "xiaoge.key", rounds)
    async with await backend.again() as store:
        assert (await store.read(audit.verify)).ok
        return await _winners(store, rounds)


async def test_two_leaders_at_once(backend: Database) -> None:
    won = await _run(backend, 50)
    assert sum(won) == 50


@pytest.mark.long
async def test_two_leaders_at_once_a_thousand_times(backend: Database) -> None:
    won = await _run(backend, 1000)
    print("won by each side:", won)
    assert sum(won) == 1000
    assert min(won) > 0, "they did not meet"
