"""What the 台账 needs, read in bulk: filed tickets with their words, reporters, rooms and owners, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import alerts, grids
from storage.engine import Tx, sealer_of
from storage.model import CallbackOutcome, Level, Listing, Place, Role, TicketState, Urgency
from storage.tables.registry import people, rooms
from storage.tables.tickets import reporters, ticket_messages, tickets

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tickets: filed in [since, until), in one of `states`, in a grid that begins with `grid`."""

    states: Collection[TicketState] = ()
    since: datetime | None = None
    until: datetime | None = None
    grid: str | None = None


@dataclass(slots=True)
class RegisterRow:
    """A ticket as the 台账 sees it. `contact` is unsealed: mask it before it goes anywhere."""

    number: int
    state: TicketState
    category: str
    urgency: Urgency
    grid: str | None
    place: Place
    confidential: bool
    reported_at: datetime
    filed_at: datetime
    reporters: int
    reopened: int
    merged_into: int | None
    flagged: bool
    owner_role: Role | None
    owner: str | None
    assigned_at: datetime | None
    due: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    estimate: str | None
    result: str | None
    outcome: CallbackOutcome | None
    rating: int | None
    remark: str | None
    level: Level
    listed: Listing | None
    founded: bool | None
    out_of_remit: bool | None
    contacted: bool | None
    solved: bool | None
    unsolved_reason: str | None
    public_answer: str | None
    room: str  # topic of the room it came from, empty for a private chat
    devices: list[str] = field(default_factory=list)  # the sources of alerts that are part of it
    nick: str = ""  # of the first reporter
    contact: str | None = None
    texts: list[str] = field(default_factory=list)


async def count(tx: Tx, wanted: Filter) -> int:
    """How many tickets the filter lets through. Candidates are never among them."""
    return (await tx.execute(sa.select(sa.func.count()).select_from(tickets).where(*_conditions(wanted)))).scalar_one()


async def register(tx: Tx, wanted: Filter) -> AsyncIterator[list[RegisterRow]]:
    """The tickets by number, in chunks. All of one transaction, so of one moment."""
    last = 0
    while True:
        rows = await _tickets(tx, wanted, after=last)
        if not rows:
            return
        by_number = {row.number: row for row in rows}
        await _add_texts(tx, by_number)
        await _add_reporters(tx, by_number)
        yield rows
        last = rows[-1].number


def _conditions(wanted: Filter) -> list[sa.ColumnElement[bool]]:
    conditions = [tickets.c.state != TicketState.CANDIDATE]
    if wanted.states:
        conditions.append(tickets.c.state.in_(list(wanted.states)))
    if wanted.since is not None:
        conditions.append(tickets.c.filed_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(tickets.c.filed_at < wanted.until)
    if wanted.grid:
        conditions.append(grids.within(tickets.c.grid, wanted.grid))
    return conditions


async def _tickets(tx: Tx, wanted: Filter, *, after: int) -> list[RegisterRow]:
    t = tickets.c
    query = (
        sa.select(tickets, people.c.name.label("owner_name"), rooms.c.topic)
        .select_from(tickets.outerjoin(people, people.c.id == t.owner_id).outerjoin(rooms, rooms.c.id == t.room_id))
        .where(*_conditions(wanted), t.number > after)
        .order_by(t.number)
        .limit(CHUNK)
    )
    return [_row(found) for found in (await tx.execute(query)).mappings()]


def _row(found: sa.RowMapping) -> RegisterRow:
    names = (
        "number state category urgency grid confidential reported_at filed_at reporters reopened merged_into flagged "
        "owner_role assigned_at due handled_at closed_at estimate result outcome rating remark "
        "level listed founded out_of_remit contacted solved unsolved_reason public_answer"
    )
    values: dict[str, Any] = {name: found[name] for name in names.split()}
    place = {name: found[name] for name in ("building", "unit", "floor", "room", "place", "located_by")}
    return RegisterRow(**values, place=Place(**place), owner=found["owner_name"], room=found["topic"] or "")


async def _add_texts(tx: Tx, by_number: dict[int, RegisterRow]) -> None:
    m = ticket_messages.c
    query = (
        sa.select(m.ticket, m.text)
        .where(m.ticket.in_(list(by_number)), m.text != "")
        .order_by(m.ticket, m.sent_at, m.account, m.message_id)
    )
    for number, text in await tx.execute(query):
        texts = by_number[number].texts
        if text not in texts:  # what several people sent word for word is said once
            texts.append(text)
    for alert in await alerts.of_tickets(tx, list(by_number)):
        row = by_number[alert.ticket]
        if alert.source not in row.devices:
            row.devices.append(alert.source)
        if alert.text and alert.text not in row.texts:
            row.texts.append(alert.text)


async def _add_reporters(tx: Tx, by_number: dict[int, RegisterRow]) -> None:
    """The first reporter's nick, and the first contact that anybody gave."""
    r = reporters.c
    query = (
        sa.select(r.ticket, r.nick, r.contact, people.c.name)
        .join(people, people.c.id == r.person_id)
        .where(r.ticket.in_(list(by_number)))
        .order_by(r.ticket, r.joined_at, r.person_id)
    )
    sealer = sealer_of(tx)
    seen = set()
    for number, nick, contact, name in await tx.execute(query):
        row = by_number[number]
        if number not in seen:
            seen.add(number)
            row.nick = nick or name
        if row.contact is None and contact is not None:
            row.contact = sealer.open("reporters.contact", contact)
