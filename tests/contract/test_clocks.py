"""Due work, jobs that fire once, and 急时: the same on every database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from storage import clocks, jobs, modes, tickets
from storage.engine import Store, Tx
from storage.model import ClockKind, TicketClock
from tests.contract.fill import fill

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def clock(kind: ClockKind, due: datetime, next_at: datetime | None, stage: int = 0) -> TicketClock:
    return TicketClock(1, kind, 0, NOW - 9 * HOUR, due, stage, next_at)


async def test_what_has_come_due_is_handed_out_what_ends_first_before_the_rest(store: Store) -> None:
    await store.write(fill)
    ack = clock(ClockKind.ACK, NOW, NOW)
    close = clock(ClockKind.CLOSE, NOW - HOUR, NOW - HOUR)
    later = clock(ClockKind.VERIFY, NOW + 2 * HOUR, NOW + HOUR)
    standing = clock(ClockKind.FEEDBACK, NOW - HOUR, None)
    await store.write(lambda tx: clocks.put(tx, [ack, close, later, standing]))
    assert await store.read(lambda tx: clocks.due(tx, NOW, 10)) == [close, ack]
    assert await store.read(lambda tx: clocks.due(tx, NOW, 1)) == [close]
    assert await store.read(clocks.next_moment) == NOW - HOUR

    done = replace(close, stage=3, next_at=None)
    await store.write(lambda tx: clocks.put(tx, [done, replace(ack, stage=3, next_at=None)]))
    assert await store.read(lambda tx: clocks.due(tx, NOW, 10)) == []
    assert await store.read(clocks.next_moment) == NOW + HOUR
    assert (await store.read(lambda tx: clocks.of(tx, [1])))[1, ClockKind.CLOSE] == done


async def test_the_cursor_stays_where_it_was_put(store: Store) -> None:
    assert await store.read(clocks.cursor) == 0
    for seq in (7, 12):
        await store.write(lambda tx, seq=seq: clocks.followed(tx, seq))
        assert await store.read(clocks.cursor) == seq


async def test_a_job_of_a_moment_is_taken_once(store: Store) -> None:
    taken = await asyncio.gather(*(store.write(lambda tx: jobs.fire(tx, "daily", NOW, NOW)) for _ in range(20)))
    assert sum(taken) == 1
    assert await store.write(lambda tx: jobs.fire(tx, "weekly", NOW, NOW))
    assert await store.write(lambda tx: jobs.fire(tx, "daily", NOW + HOUR, NOW + HOUR))
    assert await store.read(lambda tx: jobs.last(tx, "daily")) == NOW + HOUR
    assert await store.read(lambda tx: jobs.last(tx, "monthly")) is None
    assert await store.read(lambda tx: jobs.taken(tx, ["daily", "weekly", "monthly"], NOW)) == {"daily", "weekly"}


async def test_old_moments_are_forgotten_but_the_latest_of_each_job(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for hours in range(4):
            await jobs.fire(tx, "daily", NOW + hours * HOUR, NOW)
        await jobs.fire(tx, "weekly", NOW, NOW)
        await jobs.purge(tx, NOW + 2 * HOUR)

    await store.write(work)
    for job, hours, there in (("daily", 0, False), ("daily", 1, False), ("daily", 2, True), ("weekly", 0, True)):
        found = await store.read(lambda tx, job=job, at=NOW + hours * HOUR: jobs.taken(tx, [job], at))
        assert bool(found) is there, (job, hours)


async def test_one_emergency_mode_over_a_scope(store: Store) -> None:
    async def declare(tx: Tx, reason: str, hours: int) -> tuple[int, bool]:
        made, new = await modes.declare(
            tx, "519999001001", reason, person_id=None, at=NOW, expires_at=NOW + hours * HOUR
        )
        return made.id, new

    first, new = await store.write(lambda tx: declare(tx, "暴雨", 24))
    again, extended = await store.write(lambda tx: declare(tx, "暴雨加大", 48))
    assert (first, new, extended) == (again, True, False)
    (mode,) = await store.read(modes.in_force)
    assert (mode.reason, mode.started_at, mode.expires_at) == ("暴雨加大", NOW, NOW + 48 * HOUR)
    assert await store.write(lambda tx: modes.end(tx, first, NOW))
    assert not await store.write(lambda tx: modes.end(tx, first, NOW))
    assert await store.read(modes.in_force) == []
    other, new = await store.write(lambda tx: declare(tx, "地震", 1))
    assert new
    assert other != first


async def test_numbered_keeps_the_order_and_leaves_out_what_is_gone(store: Store) -> None:
    await store.write(fill)
    found = await store.read(lambda tx: tickets.numbered(tx, [2, 99, 1]))
    assert [ticket.number for ticket in found] == [1, 2]
