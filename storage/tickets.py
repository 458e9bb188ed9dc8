"""Tickets and candidates: one table, one number sequence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from storage import alerts, changes, numbers, outbox
from storage.engine import Tx, insert, purged, sealer_of
from storage.model import (
    OPEN_STATES,
    Listing,
    NewTicket,
    Place,
    Reporter,
    Ticket,
    TicketMessage,
    TicketState,
)
from storage.tables.registry import rooms
from storage.tables.tickets import dialogs, ticket_messages, ticket_notes, tickets
from storage.tables.tickets import reporters as reporters_table
from storage.tables.upward import answers

_CONTACT = "reporters.contact"

_PLACE = tuple(field.name for field in fields(Place))
_FIELDS = tuple(field.name for field in fields(Ticket) if field.name != "place")
_COLUMNS = tuple(tickets.c[name] for name in (*_FIELDS, *_PLACE))
_TICKET = sa.select(*_COLUMNS)
_GET = _TICKET.where(tickets.c.number == sa.bindparam("id"))
_FILE = sa.insert(tickets)
_CHANGEABLE = (frozenset(_FIELDS) | {"place"}) - {"number", "version"}

_MESSAGE_FIELDS = tuple(field.name for field in fields(TicketMessage))
_MESSAGE = sa.select(*(ticket_messages.c[name] for name in _MESSAGE_FIELDS))


def _ticket(row: sa.Row[Any]) -> Ticket:
    values = tuple(row)
    place = Place(*values[len(_FIELDS) :])
    return Ticket(place=place, **dict(zip(_FIELDS, values, strict=False)))


async def _all(tx: Tx, query: sa.Select[Any]) -> list[Ticket]:
    return [_ticket(row) for row in await tx.execute(query)]


def _within(column: sa.Column[Any], prefix: str) -> sa.ColumnElement[bool]:
    """Codes that start with `prefix`, as a range that the index serves (":" follows "9")."""
    return sa.and_(column >= prefix, column < prefix + ":") if prefix else sa.true()


# Built once: every appeal looks for the ticket that it may belong to.
def _recent(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    part = (
        sa.select(ticket_messages.c.ticket, sa.func.max(ticket_messages.c.sent_at).label("latest"))
        .where(ticket_messages.c.person_id == sa.bindparam("person"), where)
        .where(ticket_messages.c.sent_at >= sa.bindparam("since"))
        .group_by(ticket_messages.c.ticket)
        .subquery()
    )
    query = _TICKET.join(part, part.c.ticket == tickets.c.number)
    return query.order_by(part.c.latest.desc(), tickets.c.number.desc())


_RECENT_IN_ROOM = _recent(ticket_messages.c.room_id == sa.bindparam("room"))
_RECENT_IN_PRIVATE = _recent(ticket_messages.c.room_id.is_(None))
_OPEN_IN_COMMUNITY = (
    _TICKET.where(tickets.c.grid >= sa.bindparam("low"), tickets.c.grid < sa.bindparam("high"))
    .where(tickets.c.reported_at >= sa.bindparam("since"))
    .where(tickets.c.category.in_(sa.bindparam("of", expanding=True)))
    .where(tickets.c.state.in_([*OPEN_STATES, TicketState.CANDIDATE, TicketState.MERGED]))
    .order_by(tickets.c.reported_at.desc(), tickets.c.number.desc())
)


# --- writing ---


async def file(tx: Tx, new: NewTicket) -> Ticket:
    """Give it a number and keep it. Also writes the change (changes.py) for tickets, not for candidates."""
    number = await numbers.next_of(tx, "ticket")
    values = {field.name: getattr(new, field.name) for field in fields(new)}
    place = values.pop("place")
    ticket = Ticket(number=number, place=place, **values)
    row = {name: getattr(ticket, name) for name in _FIELDS}
    await tx.execute(_FILE, {**row, **asdict(place)})
    if ticket.state is not TicketState.CANDIDATE:
        await changes.append(tx, number, ticket.version, new.filed_at)
    return ticket


async def update(
    tx: Tx,
    number: int,
    *,
    expect: Collection[TicketState],
    at: datetime,
    **values: Any,  # noqa: ANN401
) -> Ticket | None:
    """Set columns (names of Ticket's fields; `place=Place(...)` is spread) where the state is one of `expect`,
    version + 1, change written (not for what stays a candidate).

    None when the state was another (somebody was faster). Raises TypeError for a name that cannot be set."""
    if unknown := values.keys() - _CHANGEABLE:
        raise TypeError(f"no such field of a ticket: {', '.join(sorted(unknown))}")
    place: Place | None = values.pop("place", None)
    if place is not None:
        values |= asdict(place)
    statement = (
        sa.update(tickets)
        .where(tickets.c.number == number, tickets.c.state.in_(expect))
        .values(version=tickets.c.version + 1, **values)
        .returning(*_COLUMNS)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        return None
    ticket = _ticket(row)
    if ticket.state is not TicketState.CANDIDATE:
        await changes.append(tx, number, ticket.version, at)
    return ticket


async def add_message(tx: Tx, message: TicketMessage) -> bool:
    """False when that message is part of the ticket already."""
    row = {name: getattr(message, name) for name in _MESSAGE_FIELDS}
    return (await tx.execute(insert(tx, ticket_messages).values(row).on_conflict_do_nothing())).rowcount == 1


async def drop_message(tx: Tx, number: int, account: str, message_id: str) -> None:
    """Its text is gone; the row goes too."""
    await tx.execute(
        sa.delete(ticket_messages).where(
            ticket_messages.c.ticket == number,
            ticket_messages.c.account == account,
            ticket_messages.c.message_id == message_id,
        )
    )
    purged(tx)


async def add_reporter(
    tx: Tx,
    number: int,
    person_id: int,
    room_id: int | None,
    at: datetime,
    *,
    nick: str = "",
    contact: str | None = None,
) -> bool:
    """True when new: `reporters` is counted anew.

    A contact is sealed, and added to an existing reporter without one."""
    sealed = None if contact is None else sealer_of(tx).seal(_CONTACT, contact)
    table = reporters_table
    row = {
        "ticket": number,
        "person_id": person_id,
        "room_id": room_id,
        "joined_at": at,
        "nick": nick,
        "contact": sealed,
    }
    if (await tx.execute(insert(tx, table).values(row).on_conflict_do_nothing())).rowcount == 1:
        counted = sa.update(tickets).where(tickets.c.number == number)
        await tx.execute(counted.values(reporters=alerts.affected(number)))
        return True
    who = (table.c.ticket == number, table.c.person_id == person_id)
    # Who came along with a merged ticket and now speaks up is a reporter in their own right.
    await tx.execute(sa.update(table).where(*who, table.c.from_ticket.is_not(None)).values(from_ticket=None))
    if sealed is not None:
        await tx.execute(sa.update(table).where(*who, table.c.contact.is_(None)).values(contact=sealed))
    return False


async def drop_reporter(tx: Tx, number: int, person_id: int) -> None:
    """They took back all they had said of it: they are none of its reporters any more, with nick, contact and question.
    The last one stays, unless a device told of it too: a ticket comes from somewhere."""
    table = reporters_table
    if (await tx.scalar(sa.select(alerts.affected(number))) or 0) < 2:
        return
    await tx.execute(sa.delete(table).where(table.c.ticket == number, table.c.person_id == person_id))
    await tx.execute(sa.delete(dialogs).where(dialogs.c.ticket == number, dialogs.c.person_id == person_id))
    await tx.execute(sa.update(tickets).where(tickets.c.number == number).values(reporters=alerts.affected(number)))
    purged(tx)


async def erase_text(tx: Tx, number: int) -> None:
    """Text of all messages, contacts and nicks, remark, estimate and result are gone. The fact stays: number, category,
    place, times, states. What is queued about it: outbox.drop_for_ticket."""
    await tx.execute(sa.update(ticket_messages).where(ticket_messages.c.ticket == number).values(text=""))
    # Also where they came along into another ticket.
    theirs = sa.or_(reporters_table.c.ticket == number, reporters_table.c.from_ticket == number)
    await tx.execute(sa.update(reporters_table).where(theirs).values(nick="", contact=None))
    await tx.execute(sa.update(ticket_notes).where(ticket_notes.c.ticket == number).values(text=""))
    await tx.execute(sa.update(answers).where(answers.c.ticket == number).values(held=None, here=None))
    await alerts.blank(tx, number)
    words = ("remark", "result", "estimate", "unsolved_reason", "public_answer")
    await tx.execute(sa.update(tickets).where(tickets.c.number == number).values(**dict.fromkeys(words), erased=True))
    purged(tx)


async def delete_candidate(tx: Tx, number: int) -> None:
    """误报, or its time is over: the row and all that hangs on it. A ticket is never deleted by this."""
    await _delete_candidates(tx, tickets.c.number == number)


async def purge_candidates(tx: Tx, before: datetime) -> int:
    """Delete candidates that were filed before then; how many."""
    return await _delete_candidates(tx, tickets.c.filed_at < before)


async def _delete_candidates(tx: Tx, which: sa.ColumnElement[bool]) -> int:
    query = sa.select(tickets.c.number).where(tickets.c.state == TicketState.CANDIDATE, which)
    numbers = list(await tx.scalars(query))
    for number in numbers:
        await outbox.drop_for_ticket(tx, number)
    if numbers:
        # Messages, reporters and dialogs go with it: ON DELETE CASCADE.
        await tx.execute(sa.delete(tickets).where(tickets.c.number.in_(numbers)))
        purged(tx)
    return len(numbers)


# --- one ticket ---


async def get(tx: Tx, number: int) -> Ticket | None:
    """The ticket or candidate with this number."""
    row = (await tx.execute(_GET, {"id": number})).one_or_none()
    return None if row is None else _ticket(row)


async def numbered(tx: Tx, numbers: Collection[int]) -> list[Ticket]:
    """The tickets and candidates with these numbers, in their order; those that are gone are left out."""
    return await _all(tx, _TICKET.where(tickets.c.number.in_(numbers)).order_by(tickets.c.number))


async def reached(tx: Tx, number: int) -> list[str]:
    """The grids of the rooms that its reporters spoke in, and of the devices that told of it, in order."""
    query = sa.select(rooms.c.grid).join(reporters_table, reporters_table.c.room_id == rooms.c.id).distinct()
    query = query.where(reporters_table.c.ticket == number, rooms.c.grid.is_not(None))
    told = {alert.grid for alert in await alerts.of_tickets(tx, [number])}
    return sorted(told.union(await tx.scalars(query)))


async def messages(tx: Tx, number: int) -> list[TicketMessage]:
    """What made the ticket, in the order it was said."""
    query = _MESSAGE.where(ticket_messages.c.ticket == number)
    query = query.order_by(ticket_messages.c.sent_at, ticket_messages.c.message_id)
    return [TicketMessage(*row) for row in await tx.execute(query)]


async def reporters(tx: Tx, number: int) -> list[Reporter]:
    """Who reported it, the first one first; contacts are opened."""
    table = reporters_table.c
    query = sa.select(
        table.ticket, table.person_id, table.room_id, table.joined_at, table.nick, table.contact, table.from_ticket
    )
    query = query.where(table.ticket == number).order_by(table.joined_at, table.person_id)
    found = []
    for ticket, person_id, room_id, joined_at, nick, sealed, from_ticket in await tx.execute(query):
        contact = None if sealed is None else sealer_of(tx).open(_CONTACT, sealed)
        found.append(Reporter(ticket, person_id, room_id, joined_at, nick, contact, from_ticket))
    return found


# --- many tickets ---


async def by_message(tx: Tx, account: str, message_id: str) -> list[Ticket]:
    """Tickets and candidates that the message is part of, by number."""
    part = sa.select(ticket_messages.c.ticket).where(
        ticket_messages.c.account == account, ticket_messages.c.message_id == message_id
    )
    return await _all(tx, _TICKET.where(tickets.c.number.in_(part)).order_by(tickets.c.number))


async def of_messages(tx: Tx, account: str, message_ids: Collection[str]) -> dict[str, tuple[int, ...]]:
    """The numbers of the tickets and candidates that each of these messages is part of; those of none are left out."""
    part = ticket_messages.c
    query = sa.select(part.message_id, part.ticket).where(part.account == account, part.message_id.in_(message_ids))
    found: dict[str, tuple[int, ...]] = {}
    for message_id, number in await tx.execute(query.order_by(part.ticket)):
        found[message_id] = (*found.get(message_id, ()), number)
    return found


async def recent_of(tx: Tx, room_id: int | None, person_id: int, since: datetime) -> list[Ticket]:
    """Tickets and candidates this person added a message to in this room (None: in private) since then, by the
    message's time, the latest message first."""
    query = _RECENT_IN_PRIVATE if room_id is None else _RECENT_IN_ROOM
    values = {"person": person_id, "since": since} | ({} if room_id is None else {"room": room_id})
    return [_ticket(row) for row in await tx.execute(query, values)]


async def latest_in_room(tx: Tx, room_id: int, since: datetime) -> Ticket | None:
    """The ticket (not candidate) with the latest message in the room since then."""
    query = (
        _TICKET.join(ticket_messages, ticket_messages.c.ticket == tickets.c.number)
        .where(ticket_messages.c.room_id == room_id, ticket_messages.c.sent_at >= since)
        .where(tickets.c.state != TicketState.CANDIDATE)
        .order_by(ticket_messages.c.sent_at.desc(), tickets.c.number.desc())
        .limit(1)
    )
    found = await _all(tx, query)
    return found[0] if found else None


async def open_in_community(tx: Tx, community: str, categories: Collection[str], since: datetime) -> list[Ticket]:
    """Open tickets (and candidates, and what went into another one) reported since then whose grid starts with that,
    newest first."""
    values = {"low": community, "high": community + ":", "since": since, "of": list(categories)}
    return [_ticket(row) for row in await tx.execute(_OPEN_IN_COMMUNITY, values)]


async def of_person(tx: Tx, person_id: int, *, open_only: bool = True) -> list[Ticket]:
    """Tickets (and, with `open_only` off, candidates and closed ones too) that the person reported, newest first."""
    reported = sa.select(reporters_table.c.ticket).where(reporters_table.c.person_id == person_id)
    query = _TICKET.where(tickets.c.number.in_(reported)).order_by(tickets.c.number.desc())
    return await _all(tx, query.where(tickets.c.state.in_(OPEN_STATES)) if open_only else query)


async def in_scope(tx: Tx, scopes: Sequence[str], states: Collection[TicketState]) -> list[Ticket]:
    """Tickets in these states whose grid lies in one of the scopes, or that have spread to it from next door: flagged
    first, then by due (none last)."""
    if not scopes:
        return []
    query = _TICKET.where(sa.or_(*(_within(tickets.c.grid, scope) for scope in scopes)), tickets.c.state.in_(states))
    found = {ticket.number: ticket for ticket in [*await _all(tx, query), *await _spread_to(tx, scopes, states)]}
    far = datetime.max.replace(tzinfo=UTC)
    return sorted(found.values(), key=lambda each: (not each.flagged, each.due or far, each.number))


async def _spread_to(tx: Tx, scopes: Sequence[str], states: Collection[TicketState]) -> list[Ticket]:
    """What is the general grid's or the community's by now and was reported from a room in one of the scopes."""
    wider = sorted({scope[:digits] for scope in scopes for digits in (12, 15) if digits < len(scope)})
    if not wider:
        return []
    query = (
        _TICKET.join(reporters_table, reporters_table.c.ticket == tickets.c.number)
        .join(rooms, rooms.c.id == reporters_table.c.room_id)
        .where(tickets.c.grid.in_(wider), tickets.c.state.in_(states))
        .where(sa.or_(*(_within(rooms.c.grid, scope) for scope in scopes)))
    )
    return await _all(tx, query)


async def alike(tx: Tx, scope: str, categories: Collection[str], since: datetime) -> list[Ticket]:
    """What was reported, or filed ahead of reports, of these categories in a grid prefix since then, by number. What
    was refused, withdrawn or is part of another one is not among it."""
    gone = (TicketState.CANDIDATE, TicketState.REFUSED, TicketState.WITHDRAWN, TicketState.MERGED)
    query = _TICKET.where(
        _within(tickets.c.grid, scope),
        tickets.c.reported_at >= since,
        tickets.c.category.in_(categories),
        tickets.c.state.not_in(gone),
    )
    return await _all(tx, query.order_by(tickets.c.number))


async def listed(tx: Tx, listing: Listing, scope: str) -> list[Ticket]:
    """The tickets on one of the three lists in a grid prefix, the newest first."""
    query = _TICKET.where(tickets.c.listed == listing, _within(tickets.c.grid, scope))
    return await _all(tx, query.order_by(tickets.c.number.desc()))


async def search(
    tx: Tx,
    *,
    states: Collection[TicketState] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    grid: str | None = None,
) -> list[Ticket]:
    """For the export: filed from `since` to before `until`, by grid prefix, ordered by number. Without `states`:
    all but candidates."""
    query = _TICKET.where(tickets.c.state != TicketState.CANDIDATE if states is None else tickets.c.state.in_(states))
    if since is not None:
        query = query.where(tickets.c.filed_at >= since)
    if until is not None:
        query = query.where(tickets.c.filed_at < until)
    if grid is not None:
        query = query.where(_within(tickets.c.grid, grid))
    return await _all(tx, query.order_by(tickets.c.number))


async def in_state_since(tx: Tx, state: TicketState, before: datetime) -> list[Ticket]:
    """For callbacks that nobody answered: tickets in that state, handled earlier than `before`, oldest first."""
    query = _TICKET.where(tickets.c.state == state, tickets.c.handled_at < before)
    return await _all(tx, query.order_by(tickets.c.handled_at, tickets.c.number))
