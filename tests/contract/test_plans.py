"""What runs for every message or every few seconds reads through an index, never the whole table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage import (
    audit,
    calls,
    changes,
    clocks,
    dialogs,
    duty,
    faq,
    inbox,
    jobs,
    merges,
    modes,
    notes,
    outbox,
    owners,
    people,
    registry,
    rooms,
    tickets,
    upstreams,
    wishes,
)
from storage.engine import Store, Tx
from storage.model import (
    OPEN_STATES,
    Arrival,
    AuditEntry,
    ClockKind,
    Dialog,
    DutyKind,
    Role,
    Room,
    RoomKind,
    RoomState,
    TicketClock,
    TicketState,
)
from storage.tables import metadata
from tests.contract.fill import COMMUNITY, MICRO, MINUTE, NOW, draft, fill, message

ROOM = Room(1, "b", "r1", "示例小区业主群", RoomKind.RESIDENT, RoomState.DORMANT, MICRO)
BUSY: dict[str, Callable[[Tx], Awaitable[Any]]] = {
    "accept": lambda tx: inbox.accept(tx, [Arrival("a", f"n{n}", NOW) for n in range(3)]),
    "finish": lambda tx: inbox.finish(tx, [("a", "m3", "chat")], NOW),
    "count": lambda tx: inbox.count(tx, NOW.date(), {(1, "chat"): 1}),
    "put": lambda tx: outbox.put(tx, draft("new")),
    "find_queued": lambda tx: outbox.find_queued(tx, "told:S1:1"),
    "waiting_in": lambda tx: outbox.waiting_in(tx, ROOM),
    "due": lambda tx: outbox.due(tx, "a", NOW),
    "next_due": lambda tx: outbox.next_due(tx, "a", NOW),
    "held_up": lambda tx: outbox.held_up(tx, ["a", "b"], NOW),
    "mark_sending": lambda tx: outbox.mark_sending(tx, 2, NOW),
    "confirm_echo": lambda tx: outbox.confirm_echo(tx, "a", "r1", "x", "y", NOW),
    "recover": lambda tx: outbox.recover(tx, "a"),
    "blank": lambda tx: outbox.blank(tx, NOW),
    "drop_for_ticket": lambda tx: outbox.drop_for_ticket(tx, 1),
    "sent_times": lambda tx: outbox.sent_times(tx, "a", NOW),
    "counted_slots": lambda tx: outbox.counted_slots(tx, 1, NOW),
    "rooms.find": lambda tx: rooms.find(tx, "a", "r1"),
    "leader_room_of": lambda tx: rooms.leader_room_of(tx, COMMUNITY),
    "leader_rooms_of": lambda tx: rooms.leader_rooms_of(tx, [COMMUNITY, MICRO]),
    "leader_room": lambda tx: rooms.leader_room(tx, MICRO),
    "rooms.earlier": lambda tx: rooms.earlier(tx, replace(ROOM, grid=None)),
    "rooms.answering": lambda tx: rooms.answering(tx, ROOM, MICRO),
    "on_duty": lambda tx: duty.on_duty(tx, DutyKind.CALL, MICRO, NOW),
    "registry.version": registry.version,
    "people.find": lambda tx: people.find(tx, "a", "u-li"),
    "with_role": lambda tx: people.with_role(tx, [Role.GRID_WORKER], MICRO),
    "with_role_in": lambda tx: people.with_role_in(tx, [Role.GRID_WORKER], [COMMUNITY, MICRO]),
    "opted_out": people.opted_out,
    "update": lambda tx: tickets.update(tx, 1, expect=OPEN_STATES, at=NOW, flagged=True),
    "add_message": lambda tx: tickets.add_message(tx, message(1, "m9", 1)),
    "add_reporter": lambda tx: tickets.add_reporter(tx, 1, 1, None, NOW),
    "messages": lambda tx: tickets.messages(tx, 1),
    "by_message": lambda tx: tickets.by_message(tx, "a", "m0"),
    "of_messages": lambda tx: tickets.of_messages(tx, "a", ["m0", "m1"]),
    "recent_of": lambda tx: tickets.recent_of(tx, 1, 1, NOW),
    "latest_in_room": lambda tx: tickets.latest_in_room(tx, 1, NOW),
    "open_in_community": lambda tx: tickets.open_in_community(tx, COMMUNITY, ["0503"], NOW - timedelta(days=3)),
    "in_scope": lambda tx: tickets.in_scope(tx, [MICRO], OPEN_STATES),
    "reached": lambda tx: tickets.reached(tx, 1),
    "alike": lambda tx: tickets.alike(tx, COMMUNITY, ["0503"], NOW - timedelta(days=7)),
    "notes": lambda tx: notes.of_ticket(tx, 1),
    "merges.of": lambda tx: merges.of(tx, 1),
    "merges.within": lambda tx: merges.within(tx, 1),
    "faq.over": lambda tx: faq.over(tx, MICRO),
    "calls.accept": lambda tx: calls.accept(tx, 1, 1, NOW),
    "owners.find": lambda tx: owners.find(tx, "0101", MICRO),
    "of_person": lambda tx: tickets.of_person(tx, 1),
    "in_state_since": lambda tx: tickets.in_state_since(tx, TicketState.CALLBACK, NOW),
    "purge_candidates": lambda tx: tickets.purge_candidates(tx, NOW),
    "ask": lambda tx: dialogs.ask(tx, Dialog(1, "callback", 1, None, NOW, NOW + MINUTE)),
    "open_for": lambda tx: dialogs.open_for(tx, 1, "callback", NOW),
    "changes": lambda tx: changes.since(tx, 0, 10),
    "audit": lambda tx: audit.append(tx, AuditEntry(NOW, "x")),
    "of_ticket": lambda tx: audit.of_ticket(tx, 1),
    "clocks.due": lambda tx: clocks.due(tx, NOW, 10),
    "clocks.next_moment": clocks.next_moment,
    "clocks.of": lambda tx: clocks.of(tx, [1, 2]),
    "clocks.put": lambda tx: clocks.put(tx, [TicketClock(1, ClockKind.ACK, 0, NOW, NOW)]),
    "numbered": lambda tx: tickets.numbered(tx, [1, 2]),
    "modes.in_force": modes.in_force,
    "jobs.fire": lambda tx: jobs.fire(tx, "daily", NOW, NOW),
    "jobs.last": lambda tx: jobs.last(tx, "daily"),
}


# What a table holds of the past grows for ever; the partial index that holds what is still to be done does not.
PAST: dict[str, tuple[tuple[str, ...], Callable[[Tx], Awaitable[Any]]]] = {
    "deliveries": (("deliveries_since", "deliveries_parked"), lambda tx: upstreams.waiting(tx, "u")),
    "wishes": (("wishes_worded",), lambda tx: wishes.purge(tx, NOW)),
}


async def _run(store: Store, work: Callable[[Tx], Awaitable[Any]]) -> list[tuple[str, Any]]:
    """The statements that a work runs, with their parameters."""
    await store.write(fill)
    ran: list[tuple[str, Any]] = []
    assert store._writer is not None

    @sa.event.listens_for(store._writer.sync_engine, "before_cursor_execute")
    def note(_: sa.Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        ran.append((statement, parameters[0] if many else parameters))

    await store.write(work)
    sa.event.remove(store._writer.sync_engine, "before_cursor_execute", note)
    assert ran
    return ran


async def _steps(store: Store, ran: list[tuple[str, Any]]) -> list[str]:
    """What SQLite does for them."""

    async def explain(tx: Tx) -> list[str]:
        plans = [await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values) for sql, values in ran]
        return [row[-1] for plan in plans for row in plan]

    return await store.read(explain)


@pytest.mark.parametrize("table", PAST)
async def test_the_past_of_a_table_is_not_read(store: Store, table: str) -> None:
    index, work = PAST[table]
    ran = await _run(store, work)
    assert store._writer is not None
    if store._writer.dialect.name == "postgresql":
        return  # which looks at how many rows there are
    of_table = [step for step in await _steps(store, ran) if f" {table} " in step]
    assert of_table
    assert all(any(name in step for name in index) for step in of_table), of_table


@pytest.mark.parametrize("name", BUSY)
async def test_no_table_is_read_whole(store: Store, name: str) -> None:
    ran = await _run(store, BUSY[name])
    assert store._writer is not None
    if store._writer.dialect.name == "postgresql":
        whole = [step for sql, values in ran for step in await store.read(_whole_reads(sql, values))]
        assert not whole, ran
        return

    steps = await _steps(store, ran)
    # The head of the chain is a single row; a partial index that holds nothing but what is sought may be walked.
    whole = [step for step in steps if step in {f"SCAN {table}" for table in metadata.tables if table != "audit_head"}]
    assert not whole, steps


def _whole_reads(statement: str, values: Any) -> Callable[[Tx], Awaitable[list[str]]]:
    """What PostgreSQL would read whole for the statement though reading whole is made dear."""

    async def explain(tx: Tx) -> list[str]:
        for kind in ("seqscan", "bitmapscan", "hashjoin"):
            await tx.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
        plan = (await tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)).scalar_one()
        return [node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if _is_whole(node)]

    return explain


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _is_whole(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" and node["Relation Name"] != "audit_head"
