"""Why something was done to a ticket: the reasons that people gave. The audit chain holds no words, so these stand here
and go with the ticket's text (tickets.erase_text)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx
from storage.model import Note
from storage.tables.tickets import ticket_notes

_NOTE = sa.select(
    ticket_notes.c.ticket,
    ticket_notes.c.at,
    ticket_notes.c.person_id,
    ticket_notes.c.action,
    ticket_notes.c.text,
    ticket_notes.c.level,
)


async def add(tx: Tx, note: Note) -> None:
    """Keep a reason; its text is masked by then."""
    await tx.execute(sa.insert(ticket_notes).values(asdict(note)))


async def of_ticket(tx: Tx, number: int) -> list[Note]:
    """What was given as reasons, oldest first."""
    query = _NOTE.where(ticket_notes.c.ticket == number).order_by(ticket_notes.c.id)
    return [Note(*row) for row in await tx.execute(query)]


async def blank(tx: Tx, number: int, at: datetime) -> int:
    """Take the words out of what was noted at that moment; how many notes had any."""
    noted = (ticket_notes.c.ticket == number, ticket_notes.c.at == at, ticket_notes.c.text != "")
    return (await tx.execute(sa.update(ticket_notes).where(*noted).values(text=""))).rowcount
