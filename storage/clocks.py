"""Due work of the clocks: when the next thing is to be said of a ticket's time limits.

What became of the tickets since is read from `changes`; a cursor remembers how far.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.model import ClockKind, TicketClock
from storage.tables.records import changes, meta
from storage.tables.tickets import clocks

_CURSOR, _BEGUN = "clocks.seq", "clocks.begun"
_FIELDS = tuple(field.name for field in fields(TicketClock))
_CLOCK = sa.select(*(clocks.c[name] for name in _FIELDS))
_DUE = (
    _CLOCK.where(clocks.c.next_at <= sa.bindparam("now"))
    .order_by(clocks.c.due_at, clocks.c.ticket, clocks.c.kind)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


async def cursor(tx: Tx) -> int:
    """The last change that is in the due work."""
    at = await tx.scalar(sa.select(meta.c.value).where(meta.c.name == _CURSOR))
    return 0 if at is None else int(at)


async def followed(tx: Tx, seq: int) -> None:
    """What changed up to here is in the due work."""
    statement = insert(tx, meta).values(name=_CURSOR, value=str(seq).encode())
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


async def begun(tx: Tx) -> int:
    """The last change before anybody followed them: what a store holds from the time before it had clocks. Settled by
    the first call."""
    at = await tx.scalar(sa.select(meta.c.value).where(meta.c.name == _BEGUN))
    if at is not None:
        return int(at)
    seq = await tx.scalar(sa.select(sa.func.max(changes.c.seq))) or 0
    await tx.execute(sa.insert(meta).values(name=_BEGUN, value=str(seq).encode()))
    return int(seq)


async def of(tx: Tx, tickets: Collection[int]) -> dict[tuple[int, ClockKind], TicketClock]:
    """The clocks of these tickets, by ticket and kind."""
    rows = await tx.execute(_CLOCK.where(clocks.c.ticket.in_(tickets)))
    return {(row.ticket, row.kind): TicketClock(*row) for row in rows}


async def put(tx: Tx, new: Sequence[TicketClock]) -> None:
    """Set clocks, in place of those of the same ticket and kind."""
    if not new:
        return
    statement = insert(tx, clocks)
    latest = {name: statement.excluded[name] for name in _FIELDS if name not in ("ticket", "kind")}
    statement = statement.on_conflict_do_update(index_elements=["ticket", "kind"], set_=latest)
    await tx.execute(statement, [{name: getattr(clock, name) for name in _FIELDS} for clock in new])


async def due(tx: Tx, now: datetime, most: int) -> list[TicketClock]:
    """At most so many clocks of which something is to be said, what runs out first before the rest."""
    return [TicketClock(*row) for row in await tx.execute(_DUE, {"now": now, "most": most})]


async def next_moment(tx: Tx) -> datetime | None:
    """When something is to be said next."""
    earliest = sa.select(clocks.c.next_at).where(clocks.c.next_at.is_not(None)).order_by(clocks.c.next_at).limit(1)
    moment: datetime | None = await tx.scalar(earliest)
    return moment
