"""Fictional rows for every table, written through the repositories: for the kept dump of each schema and its test.

python -m tests.contract.fill tests/data/schema_0001.sql
"""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import audit, dialogs, grids, inbox, negatives, outbox, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Arrival,
    AuditEntry,
    Dialog,
    Draft,
    Grant,
    Grid,
    Lane,
    Level,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    PostKind,
    Role,
    RoomKind,
    RoomState,
    SendState,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.testing import url_of

NOW = datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COMMUNITY = "519999001001"
GRID = COMMUNITY + "001"
MICRO = GRID + "001"
PHONE = "13800000001"
BIND_CODE_LINE = "-- bind code: "

# No secret: the key of invented rows.
KEY_FILE = f"# for tests only\n{base64.b64encode(bytes(range(64))).decode()}\n"


def draft(key: str, text: str = "已登记", **changed: object) -> Draft:
    """A line for the room `r1` of account `a`."""
    values: dict[str, object] = {
        "key": key,
        "account": "a",
        "conversation": "r1",
        "text": text,
        "kind": PostKind.ACK,
        "lane": Lane.REPLY,
        "not_before": NOW,
        "created_at": NOW,
    }
    return Draft(**{**values, **changed})  # type: ignore[arg-type]


def new_ticket(state: TicketState = TicketState.FILED, **changed: object) -> NewTicket:
    """A lift out of order in building 3."""
    values: dict[str, object] = {
        "state": state,
        "category": "0503",
        "urgency": Urgency.ROUTINE,
        "nature": Nature.HELP,
        "level": Level.GRID,
        "grid": MICRO,
        "room_id": None,
        "place": Place(building="3", unit="2", located_by="text"),
        "confidential": False,
        "reported_at": NOW,
        "filed_at": NOW,
        "ack_due": NOW + 30 * MINUTE,
        "due": NOW + timedelta(days=1),
        "score": 3.5,
        "rules": ("fault",),
        "terms": ("电梯", "坏"),
        "lexicon": "abc123",
    }
    return NewTicket(**{**values, **changed})  # type: ignore[arg-type]


def message(ticket: int, message_id: str, person_id: int, text: str = "电梯又坏了", **changed: object) -> TicketMessage:
    """What somebody said in a room of account `a`."""
    values: dict[str, object] = {
        "ticket": ticket,
        "account": "a",
        "message_id": message_id,
        "room_id": None,
        "person_id": person_id,
        "kind": MessageKind.TEXT,
        "sent_at": NOW,
        "text": text,
    }
    return TicketMessage(**{**values, **changed})  # type: ignore[arg-type]


async def fill(tx: Tx) -> str:
    """Write at least one row into every table; the code that binds the community worker's second account."""
    await grids.put(tx, [Grid(COMMUNITY, "示例社区"), Grid(GRID, "第一网格"), Grid(MICRO, "一号楼微网格")])
    residents = await rooms.ensure(tx, "a", "r1", "示例小区业主群", at=NOW)
    residents = await rooms.update(tx, residents.id, grid=MICRO, state=RoomState.ENABLED, noticed_at=NOW)
    leaders = await rooms.ensure(tx, "a", "r2", "网格长群", at=NOW)
    await rooms.update(tx, leaders.id, kind=RoomKind.LEADER, grid=GRID, state=RoomState.ENABLED, silent_until=NOW)

    worker = await people.import_person(
        tx, "王示例", [Grant(Role.GRID_WORKER, GRID)], [Alias("a", "u-worker", friend=True, nick="网格员小王")]
    )
    code = await people.new_bind_code(tx, worker.id, NOW + timedelta(days=3650))
    resident = await people.ensure(tx, "a", "u-li", nick="3-2-1502 李姐", friend=False)
    hidden = await people.ensure(tx, "a", "u-zhou", nick="老周", friend=True)
    await people.opt_out(tx, hidden.id, NOW)
    await people.record_bind_failure(tx, "a", "u-zhou", NOW)

    await inbox.accept(tx, [Arrival("a", f"m{number}", NOW + number * MINUTE) for number in range(4)])
    await inbox.finish(tx, [("a", "m0", "ticket"), ("a", "m1", "chat")], NOW + 5 * MINUTE)
    await inbox.unfetchable(tx, "a", "m2", NOW + 6 * MINUTE)
    await inbox.count(tx, NOW.date(), {(residents.id, "chat"): 12, (None, "command"): 1})
    await inbox.record_gap(tx, "a", NOW - 9 * MINUTE, NOW - 7 * MINUTE)

    ticket = await tickets.file(tx, new_ticket(room_id=residents.id))
    await tickets.add_message(tx, message(ticket.number, "m0", resident.id, room_id=residents.id))
    await tickets.add_reporter(tx, ticket.number, resident.id, residents.id, NOW, nick="3-2-1502 李姐", contact=PHONE)
    await tickets.update(
        tx,
        ticket.number,
        expect=[TicketState.FILED],
        at=NOW + MINUTE,
        state=TicketState.ASSIGNED,
        owner_id=worker.id,
        owner_role=Role.GRID_WORKER,
        assigned_at=NOW + MINUTE,
    )
    await tickets.file(tx, new_ticket(TicketState.CANDIDATE, terms=("路灯",), category="0401"))
    await dialogs.ask(tx, Dialog(resident.id, "locate", ticket.number, residents.id, NOW, NOW + 60 * MINUTE))

    sent = await outbox.put(
        tx, draft("ack:S1", room_id=residents.id, counted=True, ticket=ticket.number, mentions=("u-li",))
    )
    assert sent is not None
    await outbox.mark_sending(tx, sent, NOW)
    await outbox.mark_sent(tx, sent, NOW + MINUTE, "x1")
    await outbox.put(tx, draft("told:S1:1", "新诉求 S1", conversation="r2", kind=PostKind.PRIVATE, room_id=leaders.id))

    entry = AuditEntry(NOW, "file", resident.id, None, ticket.number, None, "filed", "a", "m0")
    await audit.append(tx, entry)
    await audit.append(tx, AuditEntry(NOW + MINUTE, "denied", resident.id, detail={"command": "assign", "again": True}))
    await negatives.add(tx, at=NOW, rules=["fault"], terms=["坏"], lexicon="abc123", category="0503", text="手气坏了")
    return code


async def read_back(store: Store, code: str | None) -> None:
    """Assert through the repositories that everything that `fill` wrote is there, whatever schema it began in."""

    async def read(tx: Tx) -> None:
        assert await grids.names(tx) == {COMMUNITY: "示例社区", GRID: "第一网格", MICRO: "一号楼微网格"}
        residents, leaders = await rooms.every(tx)
        assert (residents.topic, residents.state, residents.noticed_at) == ("示例小区业主群", RoomState.ENABLED, NOW)
        assert await rooms.leader_room(tx, MICRO) == leaders

        resident = await people.find(tx, "a", "u-li")
        worker = await people.find(tx, "a", "u-worker")
        assert resident is not None
        assert worker is not None
        assert (resident.roles, resident.aliases[0].nick) == ({Role.RESIDENT}, "3-2-1502 李姐")
        assert (worker.name, worker.grants) == ("王示例", (Grant(Role.GRID_WORKER, GRID),))
        assert await people.opted_out(tx) == {("a", "u-zhou")}
        assert await people.bind_failures(tx, "a", "u-zhou", NOW) == 1

        assert await inbox.pending(tx, "a") == [Arrival("a", "m3", NOW + 3 * MINUTE)]
        done = await inbox.finished_since(tx, "a", NOW)
        assert [arrival.message_id for arrival in done] == ["m0", "m1", "m2"]
        assert await inbox.list_unfetchable(tx) == [Arrival("a", "m2", NOW + 2 * MINUTE)]
        assert await inbox.counters(tx, NOW.date()) == {"chat": 12, "command": 1}
        assert await inbox.gaps(tx) == [("a", NOW - 9 * MINUTE, NOW - 7 * MINUTE)]

        ticket = await tickets.get(tx, 1)
        assert ticket is not None
        assert (ticket.state, ticket.owner_id, ticket.version) == (TicketState.ASSIGNED, worker.id, 2)
        assert (ticket.place, ticket.terms) == (Place(building="3", unit="2", located_by="text"), ("电梯", "坏"))
        assert [said.text for said in await tickets.messages(tx, 1)] == ["电梯又坏了"]
        assert [who.contact for who in await tickets.reporters(tx, 1)] == [PHONE]
        candidate = await tickets.get(tx, 2)
        assert candidate is not None
        assert candidate.state is TicketState.CANDIDATE
        assert [dialog.ticket for dialog in await dialogs.open_for(tx, resident.id, "locate", NOW)] == [1]

        (sent,) = await outbox.by_state(tx, SendState.SENT)
        assert (sent.key, sent.mentions, sent.sent_at, sent.message_id) == ("ack:S1", ("u-li",), NOW + MINUTE, "x1")
        assert [line.key for line in await outbox.due(tx, "a", NOW)] == ["told:S1:1"]

        assert await audit.verify(tx) == audit.Verdict(2, True)
        assert [entry.message_id for entry in await audit.of_ticket(tx, 1)] == ["m0"]
        assert await audit.count(tx, "denied") == 1
        assert [negative.text for negative in await negatives.every(tx)] == ["手气坏了"]

    await store.read(read)

    async def write(tx: Tx) -> None:
        # Numbers go on where they stopped, and the code that was given out still binds.
        assert (await tickets.file(tx, new_ticket())).number == 3
        if code is not None:
            bound = await people.bind(tx, code, "b", "u-second", NOW)
            assert bound is not None
            assert bound.name == "王示例"

    await store.write(write)


async def dump() -> str:
    """The filled database as SQL text, with the bind code in its first line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filled.db"
        (Path(folder) / "xiaoge.key").write_text(KEY_FILE)
        (Path(folder) / "xiaoge.key").chmod(0o600)
        async with await Store.open(url_of(path)) as store:
            code = await store.write(fill)
        with closing(sqlite3.connect(path)) as database:
            lines = list(database.iterdump())
    return "\n".join([f"{BIND_CODE_LINE}{code}", *lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(dump()), encoding="utf-8")
