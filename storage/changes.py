"""Append-only (ticket, version) pairs for the upward sync; rendered when sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx
from storage.tables.records import changes


@dataclass(frozen=True, slots=True)
class Change:
    """`seq` only grows and is never reused: a reader asks for what came after the last one it saw."""

    seq: int
    ticket: int
    version: int
    at: datetime


_APPEND = sa.insert(changes)


async def append(tx: Tx, ticket: int, version: int, at: datetime) -> None:
    """Note that the ticket has this version now."""
    await tx.execute(_APPEND, {"ticket": ticket, "version": version, "at": at})


async def since(tx: Tx, seq: int, limit: int = 1000) -> list[Change]:
    """What came after `seq`, in order."""
    query = sa.select(changes.c.seq, changes.c.ticket, changes.c.version, changes.c.at)
    return [
        Change(*row) for row in await tx.execute(query.where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit))
    ]
