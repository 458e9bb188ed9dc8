"""The ticker: what has come due is done at once, in pieces, and at its very moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import Clock, SystemClock, VirtualClock
from bot.jobs import Jobs
from handlers import reminders
from handlers.context import Effects, Policy
from nlp import categories
from storage import clocks, tickets
from storage.engine import Store, Tx
from storage.model import ClockKind, Level, Nature, NewTicket, Place, Ticket, TicketClock, TicketState, Urgency
from storage.testing import fresh_store

NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # ten o'clock in Shanghai, a Wednesday
POLICY = Policy(categories=categories.load())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await fresh_store(tmp_path) as opened:
        yield opened


class Idle:
    """A dispatcher without rooms."""

    def tidy(self) -> None:
        pass

    async def refresh(self) -> None:
        pass


def jobs(store: Store, clock: Clock, woken: list[None] | None = None) -> Jobs:
    heard = woken if woken is not None else []
    return Jobs(store, Idle(), POLICY, list, clock, wake_senders=lambda: heard.append(None))  # type: ignore[arg-type]


async def file(store: Store, amount: int, *, at: datetime = NOW) -> None:
    """Lifts that broke at that moment."""
    new = NewTicket(
        state=TicketState.FILED,
        category="0101",
        urgency=Urgency.ROUTINE,
        nature=Nature.HELP,
        level=Level.GRID,
        grid="519999001001003012",
        room_id=None,
        place=Place(),
        confidential=False,
        reported_at=at,
        filed_at=at,
        ack_due=at + timedelta(hours=2),
        due=at + timedelta(days=7),
    )

    async def work(tx: Tx) -> None:
        for _ in range(amount):
            await tickets.file(tx, new)

    await store.write(work)


async def test_all_that_is_due_is_done_in_one_step_though_in_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "FOLLOWED", 5)
    monkeypatch.setattr(reminders, "FIRED", 2)
    await file(store, 8)
    clock, woken = VirtualClock(NOW), []
    soon = await jobs(store, clock, woken).step()
    assert soon == NOW + timedelta(hours=1)  # half of the time to answer
    groups = store.tally.groups
    clock.advance(NOW + timedelta(hours=2))
    await jobs(store, clock, woken).step()
    assert store.tally.groups - groups > 4
    assert len(woken) == 2
    raised = await store.read(lambda tx: tickets.search(tx, states={TicketState.FILED}))
    assert {ticket.level for ticket in raised} == {Level.COMMUNITY}


async def test_after_three_days_of_rest_once(store: Store) -> None:
    await jobs(store, VirtualClock(NOW)).step()
    await file(store, 1)
    clock = VirtualClock(NOW + timedelta(days=3))
    for _ in range(3):
        await jobs(store, clock).step()
    (ticket,) = await store.read(lambda tx: tickets.search(tx))
    assert ticket.level is Level.COMMUNITY
    held = await store.read(lambda tx: clocks.of(tx, [ticket.number]))
    assert (held[ticket.number, ClockKind.ACK].stage, held[ticket.number, ClockKind.CLOSE].stage) == (3, 1)


async def test_what_ran_out_before_a_store_had_clocks_is_not_raised_all_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "FOLLOWED", 2)
    await file(store, 5, at=NOW - timedelta(days=3))
    await file(store, 1)
    clock = VirtualClock(NOW)
    await jobs(store, clock).step()
    found = await store.read(lambda tx: tickets.search(tx))
    assert {ticket.level for ticket in found} == {Level.GRID}
    clock.advance(NOW + timedelta(hours=2))
    await jobs(store, clock).step()
    levels = {ticket.number: ticket.level for ticket in await store.read(lambda tx: tickets.search(tx))}
    assert [levels[number] for number in range(1, 7)] == [Level.GRID] * 5 + [Level.COMMUNITY]


async def test_one_that_cannot_be_done_holds_up_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock(NOW)
    await jobs(store, clock).step()
    await file(store, 4)
    expired, wanted = reminders._expired, reminders._wanted

    async def breaks(effects: Effects, ticket: Ticket, due: TicketClock) -> Ticket:
        if ticket.number == 2:
            raise ValueError("a defect")
        return await expired(effects, ticket, due)

    def unknown(ticket: Ticket, policy: Policy) -> Iterator[TicketClock]:
        if ticket.number == 3:
            raise ValueError("a defect")
        return wanted(ticket, policy)

    monkeypatch.setattr(reminders, "_expired", breaks)
    monkeypatch.setattr(reminders, "_wanted", unknown)
    await jobs(store, clock).step()
    clock.advance(NOW + timedelta(hours=2))
    await jobs(store, clock).step()
    levels = {ticket.number: ticket.level for ticket in await store.read(lambda tx: tickets.search(tx))}
    assert levels == {1: Level.COMMUNITY, 2: Level.GRID, 3: Level.GRID, 4: Level.COMMUNITY}
    monkeypatch.setattr(reminders, "_expired", expired)
    clock.advance(NOW + timedelta(hours=2) + reminders.PUT_OFF)
    await jobs(store, clock).step()
    second = await store.read(lambda tx: tickets.get(tx, 2))
    assert second is not None
    assert second.level is Level.COMMUNITY


@pytest.mark.parametrize("slow", [False, True])
async def test_it_ticks_at_once_and_at_the_moment_that_a_clock_names(
    store: Store, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    """Also where that moment comes before the step has ended."""
    clock, ticked, enough = SystemClock(start=NOW), [], asyncio.Event()

    async def step() -> datetime:
        ticked.append(clock.now())
        if len(ticked) == 3:
            enough.set()
        soon = clock.now() + timedelta(milliseconds=20)
        while slow and clock.now() <= soon:
            pass
        return soon

    ticker = jobs(store, clock)
    monkeypatch.setattr(ticker, "step", step)
    ticker.start(every=3600)
    try:
        async with asyncio.timeout(60):
            await enough.wait()
    finally:
        ticker.stop()
    assert ticked[1] - ticked[0] >= timedelta(milliseconds=20)


async def test_what_is_due_and_cannot_be_done_is_no_reason_to_tick_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, ticked = SystemClock(start=NOW), asyncio.Event()

    async def step() -> datetime:
        assert not ticked.is_set()
        ticked.set()
        return NOW

    ticker = jobs(store, clock)
    monkeypatch.setattr(ticker, "step", step)
    ticker.start(every=3600)
    try:
        async with asyncio.timeout(60):
            await ticked.wait()
        await asyncio.sleep(0)
        assert ticker._scheduler is not None
        assert ticker._scheduler.get_job("soon") is None
    finally:
        ticker.stop()
