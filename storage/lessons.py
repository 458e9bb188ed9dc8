"""What people's decisions teach about the lexicon, read from what is kept anyway: no chat is stored for it.

误报 leaves a row in `negatives` (its words go after 30 days). What a leader accepted or put into another category is a
ticket still; the audit trail says so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import sqlalchemy as sa

from storage.engine import Tx
from storage.model import TicketState
from storage.tables.records import audit
from storage.tables.tickets import ticket_messages, tickets

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """A ticket or candidate, with the evidence of the day it was filed. `texts` are masked; empty once erased.

    `was` is the category that the lexicon gave where a person corrected it."""

    number: int
    state: TicketState
    category: str
    was: str
    confidential: bool
    accepted: bool  # it was a candidate, and a person said 受理
    false_alarm: bool  # it was filed, and a person said 误报: `negatives` has it, too
    score: float
    rules: tuple[str, ...]
    terms: tuple[str, ...]
    lexicon: str
    texts: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"S{self.number}"


async def judged(tx: Tx) -> AsyncIterator[list[Judged]]:
    """All tickets and candidates by number, in chunks."""
    accepted, false_alarms = await _said_of(tx, "accepted"), await _said_of(tx, "false_alarm")
    first = await _corrected(tx)
    last = 0
    t = tickets.c
    while True:
        query = sa.select(t.number, t.state, t.category, t.confidential, t.score, t.rules, t.terms, t.lexicon)
        rows = (await tx.execute(query.where(t.number > last).order_by(t.number).limit(CHUNK))).all()
        if not rows:
            return
        last = rows[-1].number
        texts = await _texts(tx, rows[0].number, last)
        yield [
            Judged(
                number=row.number,
                state=row.state,
                category=row.category,
                was=first.get(row.number, row.category),
                confidential=row.confidential,
                accepted=row.number in accepted,
                false_alarm=row.number in false_alarms,
                score=row.score,
                rules=row.rules,
                terms=row.terms,
                lexicon=row.lexicon,
                texts=tuple(texts.get(row.number, ())),
            )
            for row in rows
        ]


async def _said_of(tx: Tx, action: str) -> set[int]:
    return set(await tx.scalars(sa.select(audit.c.ticket).where(audit.c.action == action)))


async def _corrected(tx: Tx) -> dict[int, str]:
    """The first category of every ticket that was put into another one."""
    query = sa.select(audit.c.ticket, audit.c.detail).where(audit.c.action == "recategorized").order_by(audit.c.seq)
    first: dict[int, str] = {}
    for number, detail in await tx.execute(query):
        first.setdefault(number, str(json.loads(detail).get("was", "")))
    return first


async def _texts(tx: Tx, low: int, high: int) -> dict[int, list[str]]:
    """What was said of tickets from `low` to `high`; what several people sent word for word once."""
    m = ticket_messages.c
    query = (
        sa.select(m.ticket, m.text)
        .where(m.ticket.between(low, high), m.text != "")
        .order_by(m.ticket, m.sent_at, m.account, m.message_id)
    )
    found: dict[int, list[str]] = {}
    for number, text in await tx.execute(query):
        texts = found.setdefault(number, [])
        if text not in texts:
            texts.append(text)
    return found
