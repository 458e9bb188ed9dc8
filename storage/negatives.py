"""What 误报 teaches: rule ids, matched terms, lexicon hash, category; the masked text for at most 30 days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, purged
from storage.tables.tickets import negatives


@dataclass(frozen=True, slots=True)
class Negative:
    id: int
    at: datetime
    rules: tuple[str, ...]
    terms: tuple[str, ...]
    lexicon: str
    category: str
    text: str  # masked; empty once its time is over


async def add(
    tx: Tx, *, at: datetime, rules: Sequence[str], terms: Sequence[str], lexicon: str, category: str, text: str
) -> None:
    """Keep a decision that a person called wrong."""
    await tx.execute(
        sa.insert(negatives).values(
            at=at, rules=tuple(rules), terms=tuple(terms), lexicon=lexicon, category=category, text=text
        )
    )


async def every(tx: Tx) -> list[Negative]:
    """All of them, oldest first."""
    table = negatives.c
    query = sa.select(table.id, table.at, table.rules, table.terms, table.lexicon, table.category, table.text)
    return [Negative(*row) for row in await tx.execute(query.order_by(table.id))]


async def purge_text(tx: Tx, before: datetime) -> int:
    """Blank the texts of those noted before then; how many."""
    statement = sa.update(negatives).where(negatives.c.at < before, negatives.c.text != "").values(text="")
    blanked = (await tx.execute(statement)).rowcount
    if blanked:
        purged(tx)
    return blanked
