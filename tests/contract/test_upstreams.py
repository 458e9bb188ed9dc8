"""What each platform above has of each ticket: versions only grow, nothing that waits is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.sync.client import Failed
from storage import dossiers, tickets, upstreams
from storage.engine import Store, Tx
from storage.model import TicketState
from storage.tables.upward import WAITING, deliveries
from storage.upstreams import Arrived, Delivery, DeliveryState, Link
from tests.contract.fill import MINUTE, NOW, fill, new_ticket
from tests.unit.sync.house import House, upstream

UP = "street"
HASH = "0" * 64


async def file(store: Store, many: int = 1) -> None:
    async def work(tx: Tx) -> None:
        for _ in range(many):
            await tickets.file(tx, new_ticket())

    await store.write(work)


async def change(store: Store, number: int) -> int:
    async def work(tx: Tx) -> int:
        changed = await tickets.update(tx, number, expect=list(TicketState), at=NOW + MINUTE, flagged=True)
        assert changed is not None
        return changed.version

    return await store.write(work)


async def feed(store: Store, at: int = 0, most: int = 5000) -> int:
    return await store.write(lambda tx: upstreams.feed(tx, UP, NOW + at * MINUTE, most))


async def due(store: Store, at: int = 0, most: int = 100) -> Sequence[tuple[int, int]]:
    rows = await store.read(lambda tx: upstreams.due(tx, UP, NOW + at * MINUTE, most))
    return [(row.ticket, row.version) for row in rows]


async def row_of(store: Store, number: int) -> Delivery:
    found = await store.read(lambda tx: upstreams.delivery(tx, UP, number))
    assert found is not None
    return found


async def arrive(store: Store, number: int, version: int, *, deleted: bool = False, ref: str | None = None) -> None:
    item = Arrived(number, version, HASH, deleted, ref)
    await store.write(lambda tx: upstreams.sending(tx, UP, {number: version}))
    await store.write(lambda tx: upstreams.arrived(tx, UP, [item], NOW))


async def test_changes_become_one_row_a_ticket(store: Store) -> None:
    await file(store, 3)
    await change(store, 2)
    assert await feed(store) == 4
    assert await feed(store) == 0
    assert await due(store) == [(1, 1), (2, 2), (3, 1)]
    assert await due(store, most=2) == [(1, 1), (2, 2)]
    assert await store.read(lambda tx: upstreams.next_due(tx, UP)) == NOW
    assert (await store.read(lambda tx: upstreams.link(tx, UP))).seq == 4


async def test_they_are_fed_in_pieces(store: Store) -> None:
    await file(store, 5)
    await change(store, 1)
    assert [await feed(store, most=4), await feed(store, most=4), await feed(store, most=4)] == [4, 2, 0]
    assert await due(store) == [(number, 1 + (number == 1)) for number in range(1, 6)]


async def test_a_change_while_it_waits_puts_nothing_off(store: Store) -> None:
    await file(store)
    await feed(store)
    await change(store, 1)
    await feed(store, at=10)
    row = await row_of(store, 1)
    assert (row.version, row.next_at, row.since) == (2, NOW, NOW)


async def test_what_arrived_is_settled_until_it_changes(store: Store) -> None:
    await file(store)
    await feed(store)
    await arrive(store, 1, 1, ref="A-1")
    row = await row_of(store, 1)
    assert (row.state, row.sent, row.tried, row.ref, row.hash, row.next_at) == (
        DeliveryState.SENT, 1, 1, "A-1", HASH, None,
    )  # fmt: skip
    assert await due(store, at=99) == []
    await change(store, 1)
    await feed(store, at=5)
    assert await due(store, at=4) == []
    assert await due(store, at=5) == [(1, 2)]
    await arrive(store, 1, 2)
    assert (await row_of(store, 1)).ref == "A-1"  # kept where an answer names none


async def test_what_changed_on_the_way_stays_due(store: Store) -> None:
    await file(store)
    await feed(store)
    await store.write(lambda tx: upstreams.sending(tx, UP, {1: 1}))
    await change(store, 1)
    await feed(store)
    assert (await row_of(store, 1)).state is DeliveryState.SENDING
    await store.write(lambda tx: upstreams.arrived(tx, UP, [Arrived(1, 1, HASH, False)], NOW))
    row = await row_of(store, 1)
    assert (row.state, row.sent, row.version) == (DeliveryState.PENDING, 1, 2)


async def test_a_version_that_left_ahead_of_its_change_is_not_sent_twice(store: Store) -> None:
    await file(store)
    await feed(store)
    await change(store, 1)
    await arrive(store, 1, 2)  # rendered when it was sent
    assert await feed(store) == 1
    assert (await row_of(store, 1)).state is DeliveryState.SENT


async def test_a_retry_waits_and_counts(store: Store) -> None:
    await file(store, 2)
    await feed(store)
    await store.write(lambda tx: upstreams.sending(tx, UP, {1: 1}))
    await store.write(lambda tx: upstreams.retry(tx, UP, [1], NOW + MINUTE, "timeout", "x" * 900))
    row = await row_of(store, 1)
    assert (row.state, row.attempts, row.tried, row.sent, row.code) == (DeliveryState.PENDING, 1, 1, None, "timeout")
    assert len(row.message or "") == upstreams.MOST_WORDS
    assert await due(store) == [(2, 1)]
    assert await due(store, at=1) == [(2, 1), (1, 1)]


async def test_what_is_parked_waits_for_a_person_or_a_newer_version(store: Store) -> None:
    await file(store, 2)
    await feed(store)
    for number in (1, 2):
        await store.write(lambda tx, n=number: upstreams.park(tx, UP, n, 1, "rejected", "no such area", NOW))
    assert await due(store, at=99) == []
    assert [row.ticket for row in await store.read(lambda tx: upstreams.parked(tx, UP))] == [1, 2]
    await change(store, 1)
    await feed(store)
    assert await due(store) == [(1, 2)]
    assert (await row_of(store, 1)).code is None
    other = ("unmapped_category",)
    assert await store.write(lambda tx: upstreams.again(tx, UP, NOW, upstreams.parked_for(other))) == 0
    assert await store.write(lambda tx: upstreams.again(tx, UP, NOW, upstreams.parked_for())) == 1
    assert (await row_of(store, 2)).replays == 1


async def test_a_newer_version_is_not_parked_with_an_older_one(store: Store) -> None:
    await file(store)
    await change(store, 1)
    await feed(store)
    await store.write(lambda tx: upstreams.park(tx, UP, 1, 1, "rejected", "", NOW))
    assert await due(store) == [(1, 2)]


async def test_a_replay_is_certain_of_nothing(store: Store) -> None:
    await file(store, 2)
    await feed(store)
    await arrive(store, 1, 1)
    at = NOW + MINUTE
    assert await store.write(lambda tx: upstreams.again(tx, UP, at, upstreams.sent_since(at))) == 0
    assert await store.write(lambda tx: upstreams.again(tx, UP, at, upstreams.sent_since(NOW))) == 1
    row = await row_of(store, 1)
    assert (row.tried, row.sent, row.hash, row.replays) == (1, None, None, 1)


async def test_tickets_can_be_queued_by_hand(store: Store) -> None:
    await file(store, 3)
    await feed(store)
    await arrive(store, 1, 1)
    await store.write(lambda tx: upstreams.drop(tx, UP, [2]))
    assert await store.write(lambda tx: upstreams.queue(tx, UP, {1: 1, 2: 1, 3: 1}, NOW, tried=True)) == 2
    assert await due(store) == [(1, 1), (2, 1), (3, 1)]
    assert ((await row_of(store, 2)).tried, (await row_of(store, 3)).tried) == (1, None)


async def test_only_what_never_left_is_dropped(store: Store) -> None:
    await file(store, 2)
    await feed(store)
    await store.write(lambda tx: upstreams.sending(tx, UP, {1: 1}))
    await store.write(lambda tx: upstreams.drop(tx, UP, [1, 2]))
    assert await due(store) == [(1, 1)]


async def test_what_need_not_be_said_again_is_settled(store: Store) -> None:
    await file(store)
    await feed(store)
    await arrive(store, 1, 1, deleted=True)
    await change(store, 1)
    await feed(store)
    await store.write(lambda tx: upstreams.unchanged(tx, UP, [1]))
    row = await row_of(store, 1)
    assert (row.state, row.sent, row.deleted) == (DeliveryState.SENT, 1, True)


async def test_upstreams_do_not_touch_each_other(store: Store) -> None:
    await file(store, 2)
    await feed(store)
    await store.write(lambda tx: upstreams.feed(tx, "city", NOW))
    await arrive(store, 1, 1)
    await store.write(lambda tx: upstreams.park(tx, UP, 2, 1, "rejected", "", NOW))
    found = await store.read(lambda tx: upstreams.standing(tx, [UP, "city", "none"]))
    assert {name: (one.waiting, one.parked, one.behind) for name, (_, one) in found.items()} == {
        UP: (0, 1, 0),
        "city": (2, 0, 0),
        "none": (0, 0, 2),
    }
    assert found["city"][1].since == NOW


async def test_lag_counts_what_was_not_even_read(store: Store) -> None:
    await file(store)
    assert await store.read(lambda tx: upstreams.waiting(tx, UP)) == upstreams.Waiting(0, NOW, 0, 1)
    await feed(store)
    await arrive(store, 1, 1)
    assert await store.read(lambda tx: upstreams.waiting(tx, UP)) == upstreams.Waiting(0, None, 0, 0)


async def test_the_link_is_kept_and_its_counters_only_grow(store: Store) -> None:
    assert await store.read(lambda tx: upstreams.link(tx, UP)) == Link(UP)
    down = Link(UP, 0, 3, 5, NOW + MINUTE, "timeout", "no answer", NOW)
    await store.write(lambda tx: upstreams.put_link(tx, down))
    assert await store.read(lambda tx: upstreams.link(tx, UP)) == down
    await file(store, 2)
    await feed(store)
    await store.write(lambda tx: upstreams.put_link(tx, Link(UP, succeeded_at=NOW)))
    assert await store.read(lambda tx: upstreams.link(tx, UP)) == Link(UP, 2, 3, succeeded_at=NOW)
    await store.write(lambda tx: upstreams.put_link(tx, down))
    await store.write(lambda tx: upstreams.retry(tx, UP, [1], NOW + timedelta(days=1), "timeout", ""))
    assert await store.write(lambda tx: upstreams.hurry(tx, UP, NOW)) == 2
    after = await store.read(lambda tx: upstreams.link(tx, UP))
    assert (after.failures, after.open_until, after.code) == (0, None, None)
    assert len(await due(store)) == 2


async def test_states_that_make_no_sense_are_refused(store: Store) -> None:
    await file(store)
    await feed(store)
    for values in ({"state": "lost"}, {"state": "sent"}, {"sent": 1}):
        with pytest.raises(sa.exc.IntegrityError):
            await store.write(lambda tx, values=values: tx.execute(sa.update(deliveries).values(values)))


async def test_dossiers_hold_what_may_be_told(store: Store) -> None:
    await store.write(fill)
    plain = await store.read(lambda tx: dossiers.read(tx, [1, 2, 77]))
    assert plain.keys() == {1, 2}
    assert (plain[1].reporter, plain[1].contact) == (None, None)
    assert plain[1].texts
    named = await store.read(lambda tx: dossiers.read(tx, [1], with_reporter=True))
    assert named[1].reporter
    assert named[1].contact
    assert await store.read(lambda tx: dossiers.numbers_after(tx, 0)) == [1]  # 2 is a candidate
    assert await store.read(lambda tx: dossiers.numbers_after(tx, 1)) == []


async def test_a_courier_over_every_database(store: Store) -> None:
    """Failures, a restart, a withdrawal: each arrives once, as it is."""
    house = House(store)
    await house.furnish()
    await house.file(7)
    house.upstream = upstream(batch=3)
    house.above.answers = [Failed("timeout", "")] * 6
    await house.sync()
    await house.change(2, state=TicketState.WITHDRAWN)
    await house.change(3, state=TicketState.ASSIGNED)
    await house.sync_until_quiet(house.courier(seed=5))
    await house.change(4, state=TicketState.WITHDRAWN)
    await house.sync_until_quiet()
    held = {name: (item["version"], item["deleted"]) for name, item in house.above.held.items()}
    live = {f"S{number}": (1, False) for number in (1, 5, 6, 7)}
    assert held == {**live, "S2": (2, True), "S3": (2, False), "S4": (2, True)}
    assert len(set(house.above.applied)) == len(house.above.applied)


async def test_what_is_due_is_found_by_its_index(store: Store) -> None:
    """100,000 tickets are not looked through every few seconds."""
    query = sa.select(deliveries.c.ticket).where(WAITING, deliveries.c.upstream == "x").order_by(deliveries.c.next_at)
    word = "EXPLAIN QUERY PLAN" if (await store.read(_dialect)) == "sqlite" else "EXPLAIN"

    async def plan(tx: Tx) -> str:
        if word == "EXPLAIN":
            await tx.execute(sa.text("SET enable_seqscan = off"))
        compiled = query.compile(dialect=tx.dialect, compile_kwargs={"literal_binds": True})
        return str([tuple(row) for row in await tx.execute(sa.text(f"{word} {compiled}"))])

    assert "deliveries_waiting" in await store.read(plan)


async def _dialect(tx: Tx) -> str:
    return str(tx.dialect.name)
