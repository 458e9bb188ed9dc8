"""Approved answers to what people keep asking, each with its source; and how often each was given."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from storage import numbers
from storage.engine import Tx, insert
from storage.model import FaqEntry
from storage.tables.tickets import faq, faq_answers

_ENTRY = sa.select(
    faq.c.number, faq.c.scope, faq.c.question, faq.c.answer, faq.c.source, faq.c.person_id, faq.c.at
).where(faq.c.removed_at.is_(None))


async def add(tx: Tx, *, scope: str, question: str, answer: str, source: str, person_id: int, at: datetime) -> FaqEntry:
    """A new entry for the grids within `scope`."""
    entry = FaqEntry(await numbers.next_of(tx, "faq"), scope, question, answer, source, person_id, at)
    values = {"scope": scope, "question": question, "answer": answer, "source": source}
    await tx.execute(sa.insert(faq).values(number=entry.number, **values, person_id=person_id, at=at))
    return entry


async def get(tx: Tx, number: int) -> FaqEntry | None:
    """The entry with this number, unless it was removed."""
    row = (await tx.execute(_ENTRY.where(faq.c.number == number))).one_or_none()
    return None if row is None else FaqEntry(*row)


async def over(tx: Tx, grid: str) -> list[FaqEntry]:
    """The entries that hold in a grid, the nearest scope first, of those the newest."""
    scopes = [grid[:end] for end in range(len(grid) + 1)]
    query = _ENTRY.where(faq.c.scope.in_(scopes))
    query = query.order_by(sa.func.length(faq.c.scope).desc(), faq.c.number.desc())
    return [FaqEntry(*row) for row in await tx.execute(query)]


async def remove(tx: Tx, number: int, at: datetime) -> None:
    """It is given no more, and stays for the record."""
    await tx.execute(sa.update(faq).where(faq.c.number == number, faq.c.removed_at.is_(None)).values(removed_at=at))


async def count(tx: Tx, entry: int, grid: str, day: date) -> None:
    """It was given in a grid once more."""
    statement = insert(tx, faq_answers).values(day=day, grid=grid, entry=entry, count=1)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "grid", "entry"], set_={"count": faq_answers.c.count + 1}
        )
    )
