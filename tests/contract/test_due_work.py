"""What time does by itself, through the handlers, on every database: each thing once, in order, also after a stop."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from handlers import timers
from handlers.context import Effects, Policy
from nlp import categories
from storage import audit, clocks, figures, grids, modes, outbox, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    AuditEntry,
    Grant,
    Grid,
    Level,
    Nature,
    NewTicket,
    Outgoing,
    Place,
    Role,
    RoomKind,
    RoomState,
    SendState,
    TicketState,
    Urgency,
)

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # ten o'clock in Shanghai, a Wednesday
COMMUNITY, MICRO = "519999001001", "519999001001003012"
POLICY = Policy(categories=categories.load())


async def prepare(tx: Tx) -> None:
    """A leader room of the community, its people, a lift that is broken and a fire."""
    await grids.put(tx, [Grid(COMMUNITY, "青禾社区"), Grid(MICRO, "12微网格")])
    room = await rooms.ensure(tx, "a", "office", "社区工作群", at=NOW)
    await rooms.update(tx, room.id, kind=RoomKind.LEADER, state=RoomState.ENABLED, grid=COMMUNITY)
    for name, role, scope in (("刘姐", Role.MICRO_LEADER, MICRO), ("钱科", Role.STREET, COMMUNITY[:9])):
        await people.import_person(tx, name, [Grant(role, scope)], [Alias("a", name, friend=True)])
    for category, urgency, ack in (
        ("0101", Urgency.ROUTINE, timedelta(hours=2)),
        ("0501", Urgency.EMERGENCY, timedelta(minutes=3)),
    ):
        new = NewTicket(
            state=TicketState.FILED,
            category=category,
            urgency=urgency,
            nature=Nature.HELP,
            level=Level.GRID,
            grid=MICRO,
            room_id=None,
            place=Place(building="3"),
            confidential=False,
            reported_at=NOW,
            filed_at=NOW,
            ack_due=NOW + ack,
            due=NOW + timedelta(days=7),
        )
        await tickets.file(tx, new)


async def pass_to(store: Store, now: datetime) -> None:
    while await store.write(lambda tx: timers.run(Effects(tx, now, POLICY))):
        pass


async def queued(store: Store) -> list[Outgoing]:
    return await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))


async def expired(store: Store) -> list[tuple[int | None, object]]:
    entries = [entry for number in (1, 2) for entry in await _trail(store, number) if entry.action == "expired"]
    return [(entry.ticket, entry.detail["clock"]) for entry in entries]


async def test_minute_by_minute(store: Store) -> None:
    await store.write(prepare)
    for minutes in range(6):
        await pass_to(store, NOW + timedelta(minutes=minutes))
    lift, fire = await store.read(tickets.search)
    assert (lift.level, fire.level) == (Level.GRID, Level.STREET)
    assert [line.conversation for line in await queued(store) if "【升级】" in line.text] == ["钱科"]
    assert await expired(store) == [(2, "ack")]


async def test_after_three_days_each_once_and_the_digests_once(store: Store) -> None:
    await store.write(prepare)
    await pass_to(store, NOW)
    for _ in range(3):
        await pass_to(store, NOW + timedelta(days=3, hours=1))
    lift, fire = await store.read(tickets.search)
    assert (lift.level, fire.level) == (Level.COMMUNITY, Level.DEPARTMENT)
    assert await expired(store) == [(1, "ack"), (2, "ack"), (2, "feedback")]
    lines = await queued(store)
    assert sum(line.text.startswith("【日报】青禾社区") for line in lines) == 1
    assert len({line.key for line in lines}) == len(lines)
    assert (await store.read(audit.verify)).ok


async def test_emergency_mode_ends_by_itself(store: Store) -> None:
    await store.write(prepare)
    await store.write(
        lambda tx: modes.declare(tx, COMMUNITY, "暴雨", person_id=None, at=NOW, expires_at=NOW + timedelta(hours=1))
    )
    for _ in range(2):
        await pass_to(store, NOW + timedelta(hours=1))
    assert await store.read(modes.in_force) == []
    assert sum("急时已到期" in line.text for line in await queued(store)) == 1


async def test_the_figures_say_what_happened(store: Store) -> None:
    await store.write(prepare)
    await pass_to(store, NOW + timedelta(hours=3))
    counts = await store.read(lambda tx: figures.total(tx, NOW, NOW + timedelta(hours=3), COMMUNITY))
    assert (counts.filed, counts.emergencies, counts.open, counts.ack_due, counts.ack_met) == (2, 1, 2, 2, 0)


async def test_whatever_happens_to_tickets_each_limit_runs_out_once_a_round(store: Store) -> None:
    """Random steps, corrections, reopenings and stops, with ticks in between as they come."""
    draw = random.Random(11)
    await store.write(prepare)
    now = NOW

    async def happen(tx: Tx) -> None:
        (ticket,) = await tickets.numbered(tx, [draw.choice([1, 2])])
        values: dict[str, object] = draw.choice(
            [
                {
                    "state": TicketState.ASSIGNED,
                    "assigned_at": now,
                    "acknowledged_at": now,
                    "owner_role": Role.PROPERTY,
                },
                {"state": TicketState.IN_PROGRESS},
                {"state": TicketState.CALLBACK, "handled_at": now},
                {"category": draw.choice(["0102", "0504", "0101"]), "due": now + timedelta(hours=draw.randrange(60))},
                {"state": TicketState.FILED, "acknowledged_at": None},
                {
                    "state": TicketState.FILED,
                    "reopened": ticket.reopened + 1,
                    "clock_from": now,
                    "acknowledged_at": None,
                    "handled_at": None,
                    "ack_due": now + timedelta(hours=2),
                    "due": now + timedelta(days=2),
                },
            ]
        )
        await tickets.update(tx, ticket.number, expect={ticket.state}, at=now, **values)

    for _ in range(80):
        now += timedelta(minutes=draw.choice([1, 7, 40, 300, 3000]))
        await store.write(happen)
        if draw.random() < 0.7:
            await pass_to(store, now)
            held = await store.read(lambda tx: clocks.of(tx, [1, 2]))
            states = {ticket.number: ticket for ticket in await store.read(tickets.search)}
            for clock in held.values():
                assert clock.next_at is None or clock.next_at > now
                assert clock.next_at is None or states[clock.ticket].state is not TicketState.CALLBACK
    entries = [entry for number in (1, 2) for entry in await _trail(store, number) if entry.action == "expired"]
    rounds = [(entry.ticket, entry.detail["clock"], entry.detail["round"]) for entry in entries]
    assert len(rounds) == len(set(rounds)) > 10


async def _trail(store: Store, number: int) -> list[AuditEntry]:
    return await store.read(lambda tx: audit.of_ticket(tx, number))
