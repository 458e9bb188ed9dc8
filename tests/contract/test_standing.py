"""The operator's figures: what waits, what was given up, what was filed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from storage import inbox, outbox, standing, tickets
from storage.engine import Store, Tx
from storage.model import Arrival, Lane, SendState, TicketState, Urgency
from storage.standing import Lines
from tests.contract.fill import MINUTE, NOW, draft, fill, new_ticket

HOUR = timedelta(hours=1)


async def lines_of_all_kinds(tx: Tx) -> None:
    for n, at in enumerate((NOW - HOUR, NOW - MINUTE, NOW + HOUR)):
        await outbox.put(tx, draft(f"q{n}", not_before=at))
    await outbox.put(tx, draft("alarm", lane=Lane.EMERGENCY))
    for key in ("sending", "unknown", "failed", "sent", "dropped"):
        line = await outbox.put(tx, draft(key, not_before=NOW - HOUR))
        assert line is not None
        if key != "dropped":
            await outbox.mark_sending(tx, line, NOW - MINUTE)
        if key == "unknown":
            await outbox.mark_unknown(tx, line, "no answer")
        elif key == "failed":
            await outbox.mark_failed(tx, line, "rejected")
        elif key == "sent":
            await outbox.mark_sent(tx, line, NOW, None)
        elif key == "dropped":
            await outbox.drop(tx, key)


async def test_an_empty_store_has_no_figures(store: Store) -> None:
    found = await store.read(lambda tx: standing.read(tx, after_ticket=0))
    assert found == standing.Standing((), {}, {}, {}, 0)
    assert await store.read(standing.last_ticket) == 0


async def test_lines_are_counted_with_what_the_oldest_waits(store: Store) -> None:
    await store.write(lines_of_all_kinds)
    found = await store.read(lambda tx: standing.read(tx, after_ticket=0))
    sent = NOW - MINUTE
    assert sorted(found.lines, key=lambda line: (line.state, line.lane)) == [
        Lines("a", SendState.FAILED, Lane.REPLY, 1, sent),
        Lines("a", SendState.QUEUED, Lane.EMERGENCY, 1, NOW),
        Lines("a", SendState.QUEUED, Lane.REPLY, 3, NOW - HOUR),
        Lines("a", SendState.SENDING, Lane.REPLY, 1, sent),
        Lines("a", SendState.UNKNOWN, Lane.REPLY, 1, sent),
    ]


async def test_a_failed_line_is_forgotten_with_its_words(store: Store) -> None:
    await store.write(lines_of_all_kinds)
    await store.write(lambda tx: outbox.blank(tx, NOW + HOUR))
    found = await store.read(lambda tx: standing.read(tx, after_ticket=0))
    assert {line.state for line in found.lines} == {SendState.QUEUED, SendState.SENDING, SendState.UNKNOWN}


async def test_tickets_gaps_and_given_up_ids(store: Store) -> None:
    async def work(tx: Tx) -> int:
        first = await tickets.file(tx, new_ticket())
        await tickets.file(tx, new_ticket(urgency=Urgency.EMERGENCY))
        await tickets.file(tx, new_ticket(TicketState.ASSIGNED))
        await tickets.file(tx, new_ticket())
        await tickets.file(tx, new_ticket(TicketState.CANDIDATE))
        await inbox.accept(tx, [Arrival("a", "m1", NOW)])
        await inbox.unfetchable(tx, "a", "m1", NOW)
        await inbox.record_gap(tx, "a", NOW, NOW + MINUTE)
        await inbox.record_gap(tx, "a", NOW + HOUR, NOW + HOUR + 2 * MINUTE)
        await inbox.record_gap(tx, "b", NOW, NOW)
        return first.number

    first = await store.write(work)
    found = await store.read(lambda tx: standing.read(tx, after_ticket=first))
    assert found.filed == {
        ("ticket", Urgency.EMERGENCY): 1,
        ("ticket", Urgency.ROUTINE): 2,
        ("candidate", Urgency.ROUTINE): 1,
    }
    assert found.last_ticket == first + 4 == await store.read(standing.last_ticket)
    assert found.unfetchable == {"a": 1}
    assert found.gaps == {"a": (2, 3 * MINUTE), "b": (1, timedelta())}
    again = await store.read(lambda tx: standing.read(tx, after_ticket=found.last_ticket))
    assert (again.filed, again.last_ticket) == ({}, found.last_ticket)


async def test_the_mark_can_be_left_again_and_again(store: Store) -> None:
    for _ in range(2):
        await store.write(lambda tx: standing.prove_writable(tx, NOW))


async def test_the_busy_tables_are_read_through_their_indexes(store: Store) -> None:
    await store.write(fill)
    ran: list[tuple[str, Any]] = []

    @sa.event.listens_for(store._readers.sync_engine, "before_cursor_execute")
    def note(_: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        ran.append((statement, parameters))

    await store.read(lambda tx: standing.read(tx, after_ticket=0))
    sa.event.remove(store._readers.sync_engine, "before_cursor_execute", note)
    asked = [(sql, values) for sql, values in ran if sql.startswith("SELECT")]
    if store._readers.dialect.name != "sqlite":
        return

    async def explain(tx: Tx) -> list[str]:
        plans = [await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values) for sql, values in asked]
        return [row[-1] for plan in plans for row in plan]

    steps = await store.read(explain)
    assert not {"SCAN outbox", "SCAN tickets"}.intersection(steps), steps


async def test_the_writer_tells_what_it_did(store: Store) -> None:
    before = store.tally.groups
    await store.write(lambda tx: standing.prove_writable(tx, NOW))
    assert store.alive
    assert (store.tally.groups, store.tally.failed) == (before + 1, 0)
    assert store.tally.works >= store.tally.groups
    assert store.tally.seconds > 0
    await store.close()
    assert not store.alive
