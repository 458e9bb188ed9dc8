"""A ticket with all that a platform above may be told of it, read in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

import sqlalchemy as sa

from storage import alerts
from storage import tickets as rows
from storage.engine import Tx, sealer_of
from storage.model import Ticket, TicketState
from storage.tables.registry import grids, people
from storage.tables.tickets import reporters, ticket_messages, tickets

CHUNK = 500


@dataclass(slots=True)
class Dossier:
    """`erased`: its words were taken out of the store and nobody is left who reported it. `reporter` and `contact` (of
    the first who reported it; unsealed) are only read where they are asked for."""

    ticket: Ticket
    grid_name: str | None = None
    owner_org: str | None = None
    erased: bool = False
    texts: list[str] = field(default_factory=list)  # each said once, in order
    reporter: str | None = None
    contact: str | None = None


async def read(tx: Tx, numbers: Collection[int], *, with_reporter: bool = False) -> dict[int, Dossier]:
    """The dossiers of these tickets; those that are gone are left out."""
    found: dict[int, Dossier] = {}
    for chunk in _chunks(sorted(numbers)):
        part = {ticket.number: Dossier(ticket) for ticket in await rows.numbered(tx, chunk)}
        await _add_names(tx, part)
        await _add_texts(tx, part)
        if with_reporter:
            await _add_reporters(tx, part)
        found |= part
    return found


async def numbers_after(tx: Tx, number: int, most: int = CHUNK) -> list[int]:
    """The next numbers that were given to tickets; candidates are none."""
    query = sa.select(tickets.c.number).where(tickets.c.number > number, tickets.c.state != TicketState.CANDIDATE)
    return list(await tx.scalars(query.order_by(tickets.c.number).limit(most)))


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


async def _add_names(tx: Tx, part: dict[int, Dossier]) -> None:
    t = tickets.c
    reported = sa.exists().where(reporters.c.ticket == t.number)
    query = (
        sa.select(t.number, grids.c.name, people.c.org, sa.and_(t.erased, sa.not_(reported)))
        .select_from(tickets.outerjoin(grids, grids.c.code == t.grid).outerjoin(people, people.c.id == t.owner_id))
        .where(t.number.in_(list(part)))
    )
    for number, grid_name, org, erased in await tx.execute(query):
        dossier = part[number]
        dossier.grid_name, dossier.owner_org, dossier.erased = grid_name, org, bool(erased)


async def _add_texts(tx: Tx, part: dict[int, Dossier]) -> None:
    m = ticket_messages.c
    query = (
        sa.select(m.ticket, m.text)
        .where(m.ticket.in_(list(part)), m.text != "")
        .order_by(m.ticket, m.sent_at, m.account, m.message_id)
    )
    for number, text in await tx.execute(query):
        texts = part[number].texts
        if text not in texts:
            texts.append(text)
    for alert in await alerts.of_tickets(tx, list(part)):
        texts = part[alert.ticket].texts
        if alert.text and alert.text not in texts:
            texts.append(alert.text)


async def _add_reporters(tx: Tx, part: dict[int, Dossier]) -> None:
    r = reporters.c
    query = (
        sa.select(r.ticket, r.nick, r.contact, people.c.name)
        .join(people, people.c.id == r.person_id)
        .where(r.ticket.in_(list(part)))
        .order_by(r.ticket, r.joined_at, r.person_id)
    )
    sealer = sealer_of(tx)
    seen = set()
    for number, nick, contact, name in await tx.execute(query):
        if number in seen:
            continue
        seen.add(number)
        dossier = part[number]
        dossier.reporter = name or nick or None
        dossier.contact = None if contact is None else sealer.open("reporters.contact", contact)
