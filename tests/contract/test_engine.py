"""The store itself: no lost update, groups whose works fail alone, callers that leave, what is durable when."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import pytest
import sqlalchemy as sa

from storage import inbox, outbox, rooms
from storage.engine import MOST_IN_A_GROUP, Store, StoreError, Tx
from storage.model import Arrival, Room
from storage.tables.records import sequences
from tests.contract.conftest import Database
from tests.contract.fill import NOW, draft

ROOT = Path(__file__).parents[2]


async def _count_up(tx: Tx) -> int:
    """Read, think, write: what loses updates where two tasks may read the same value."""
    value = await tx.scalar(sa.select(sequences.c.value).where(sequences.c.name == "n")) or 0
    await asyncio.sleep(0)
    if value == 0:
        await tx.execute(sa.insert(sequences).values(name="n", value=1))
    else:
        await tx.execute(sa.update(sequences).where(sequences.c.name == "n").values(value=value + 1))
    return int(value) + 1


async def _counted(store: Store) -> int:
    return await store.read(lambda tx: tx.scalar(sa.select(sequences.c.value).where(sequences.c.name == "n"))) or 0


MANY = pytest.mark.parametrize("many", [300, pytest.param(1000, marks=pytest.mark.long)])


@MANY
async def test_concurrent_read_modify_writes_lose_nothing(store: Store, many: int) -> None:
    values = await asyncio.gather(*(store.write(_count_up) for _ in range(many)))
    assert sorted(values) == list(range(1, many + 1))
    assert await _counted(store) == many


@MANY
async def test_cancelled_read_modify_writes_happen_once_or_not_at_all(store: Store, many: int) -> None:
    """Whoever is cancelled does not learn what became of it; nobody else's is lost by that."""
    told: list[int] = []

    async def write() -> None:
        told.append(await store.write(_count_up))

    dice = random.Random(5)
    callers = [asyncio.create_task(write()) for _ in range(many)]
    left = list(callers)
    while left:
        await asyncio.sleep(0)
        left.pop(dice.randrange(len(left))).cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    last = await store.write(_count_up)
    assert await _counted(store) == last <= many + 1
    assert len(told) == len(set(told)) < many
    assert all(1 <= value < last for value in told)


async def test_of_300_claims_one_wins(store: Store) -> None:
    line = await store.write(lambda tx: outbox.put(tx, draft("k")))
    assert line is not None
    claims = await asyncio.gather(*(store.write(lambda tx: outbox.mark_sending(tx, line, NOW)) for _ in range(300)))
    assert sum(claims) == 1


async def test_writes_that_wait_together_share_commits_of_a_bounded_size(store: Store) -> None:
    commits = 0
    assert store._writer is not None

    @sa.event.listens_for(store._writer.sync_engine, "commit")
    def committed(_: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    await asyncio.gather(*(store.write(_count_up) for _ in range(2 * MOST_IN_A_GROUP + 10)))
    assert commits == 3


class _OfItsOwn(Exception):
    pass


async def _write_then_fail(tx: Tx) -> NoReturn:
    await rooms.ensure(tx, "a", "half", "", at=NOW)
    raise _OfItsOwn


async def test_a_failing_work_does_not_hurt_its_neighbours(store: Store) -> None:
    results = await asyncio.gather(
        *(store.write(_write_then_fail if number % 3 == 1 else _count_up) for number in range(9)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [int, _OfItsOwn, int] * 3
    assert await _counted(store) == 6
    assert await store.read(rooms.every) == []


async def test_a_work_that_fails_alone_leaves_nothing(store: Store) -> None:
    with pytest.raises(_OfItsOwn):
        await store.write(_write_then_fail)
    assert await store.read(rooms.every) == []
    assert await store.write(_count_up) == 1


async def test_a_broken_constraint_is_its_own_works_fault(store: Store) -> None:
    async def twice(tx: Tx) -> None:
        await tx.execute(sa.insert(sequences).values(name="once", value=1))
        await tx.execute(sa.insert(sequences).values(name="once", value=2))

    results = await asyncio.gather(
        *(store.write(work) for work in (_count_up, twice, _count_up)), return_exceptions=True
    )
    assert isinstance(results[1], sa.exc.IntegrityError)
    assert (results[0], results[2]) == (1, 2)
    assert await store.read(lambda tx: tx.scalar(sa.select(sa.func.count()).select_from(sequences))) == 1


async def test_cancelled_callers_do_not_cancel_their_work(store: Store) -> None:
    writers = [asyncio.create_task(store.write(_count_up)) for _ in range(100)]
    await asyncio.sleep(0)  # every one has handed in its work
    for writer in writers[::2]:
        writer.cancel()
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 50
    assert await store.write(_count_up) == 101


async def test_the_loop_has_its_turn_between_the_works_of_a_group(store: Store) -> None:
    turns = 0

    async def note_line(tx: Tx) -> int:
        await outbox.find_queued(tx, "k")
        return turns

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    seen = await asyncio.gather(*(store.write(note_line) for _ in range(50)))
    beside.cancel()
    assert len(set(seen)) == 50


async def test_a_caller_that_leaves_in_the_middle_of_its_work(store: Store) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        begun.set()
        await go_on.wait()
        await _count_up(tx)

    caller = asyncio.create_task(store.write(slow))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    assert await store.write(_count_up) == 2


async def test_a_cancelled_wait_inside_a_work_is_no_order_to_the_writer(store: Store) -> None:
    async def waits(tx: Tx) -> None:
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    outcomes = await asyncio.gather(store.write(waits), store.write(_count_up), return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1] == 1
    assert await store.write(_count_up) == 2


async def test_a_work_cannot_wait_for_another(store: Store) -> None:
    async def nested(tx: Tx) -> int:
        return await store.write(_count_up)

    with pytest.raises(RuntimeError, match="pass the tx on"):
        await store.write(nested)


async def test_closing_finishes_what_was_handed_in(backend: Database) -> None:
    store = await backend.fresh()
    writers = [asyncio.create_task(store.write(_count_up)) for _ in range(300)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert sorted(await asyncio.gather(*writers)) == list(range(1, 301))
    for use in (store.write, store.read):
        with pytest.raises(StoreError, match="closed"):
            await use(_count_up)
    async with await backend.again() as reopened:
        assert await _counted(reopened) == 300


async def test_a_writer_whose_loop_ends_answers_everyone(backend: Database) -> None:
    store = await backend.fresh()
    never = asyncio.Event()

    async def stuck(tx: Tx) -> None:
        await never.wait()

    callers = [asyncio.create_task(store.write(work)) for work in (stuck, _count_up)]
    await asyncio.sleep(0)
    assert store._task is not None
    store._task.cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(outcome, StoreError) for outcome in outcomes)
    await store.close()


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_cancelled_readers_leave_no_reader_behind(store: Store, steps: int) -> None:
    readers = [asyncio.create_task(_counted(store)) for _ in range(8)]
    for _ in range(steps):
        await asyncio.sleep(0)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await store.write(_count_up)
    await store.scrub()
    assert not store._unscrubbed
    assert [await _counted(store) for _ in range(8)] == [1] * 8


async def test_a_reader_sees_one_moment(store: Store) -> None:
    await store.write(_count_up)

    async def twice(tx: Tx) -> tuple[int | None, int | None]:
        query = sa.select(sequences.c.value).where(sequences.c.name == "n")
        before = await tx.scalar(query)
        await store.write(_count_up)
        return before, await tx.scalar(query)

    assert await store.read(twice) == (1, 1)
    assert await _counted(store) == 2


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read-only"):
        await store.read(_count_up)
    assert await _counted(store) == 0


async def test_instants_come_back_aware_and_in_utc(store: Store) -> None:
    chengdu = timezone(timedelta(hours=8))
    at = datetime(2026, 11, 20, 16, 30, 0, 123456, tzinfo=chengdu)

    async def keep(tx: Tx) -> list[Arrival]:
        await inbox.accept(tx, [Arrival("a", "m", at)])
        return await inbox.pending(tx, "a")

    ((_, _, back),) = [(a.account, a.message_id, a.arrived_at) for a in await store.write(keep)]
    assert back == at
    assert back.tzinfo is UTC


async def test_a_naive_datetime_is_refused(store: Store) -> None:
    async def keep(tx: Tx) -> Room:
        return await rooms.ensure(tx, "a", "r", "", at=datetime(2026, 11, 20))  # noqa: DTZ001

    with pytest.raises((ValueError, sa.exc.StatementError), match="time zone"):
        await store.write(keep)


# --- kills ---

_WRITE_FOREVER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from storage import inbox
from storage.engine import Store
from storage.model import Arrival

async def producer(store, name):
    number = 0
    while True:
        arrival = Arrival("a", f"{name}-{number}", datetime.now(UTC))
        await store.write(lambda tx: inbox.accept(tx, [arrival]))
        print(arrival.message_id, flush=True)
        number += 1

async def main():
    store = await Store.open(sys.argv[1], key_file=Path(sys.argv[2]))
    await asyncio.gather(*(producer(store, name) for name in range(20)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_a_kill(backend: Database) -> None:
    await (await backend.fresh()).close()

    def run() -> set[str]:
        command = [sys.executable, "-c", _WRITE_FOREVER, backend.url, str(backend.home / "xiaoge.key")]
        child = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)  # noqa: S603
        assert child.stdout is not None
        acknowledged = {child.stdout.readline().strip() for _ in range(300)}
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        # A line that the kill cut in two was no acknowledgement.
        return acknowledged | {line.strip() for line in rest.splitlines(keepends=True) if line.endswith("\n")}

    acknowledged = await asyncio.to_thread(run)
    async with await backend.again() as store:  # at once: what the dead one held is free by then
        there = {arrival.message_id for arrival in await store.read(lambda tx: inbox.pending(tx, "a"))}
    assert len(acknowledged) >= 300
    assert acknowledged <= there
