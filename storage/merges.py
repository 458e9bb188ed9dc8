"""Two tickets that are one: which went into which, and what is needed to take them apart again."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from storage import alerts
from storage.engine import Tx, insert, purged
from storage.model import Merge
from storage.tables.tickets import merges, reporters, tickets

_MERGE = sa.select(merges.c.ticket, merges.c.target, merges.c.state, merges.c.grid, merges.c.at)


async def put(tx: Tx, merge: Merge) -> None:
    """Note the merge, and let the reporters of the one be reporters of the other, where they are not already."""
    await tx.execute(sa.insert(merges).values(asdict(merge)))
    theirs = sa.select(
        sa.literal(merge.target, reporters.c.ticket.type),
        reporters.c.person_id,
        reporters.c.room_id,
        reporters.c.joined_at,
        reporters.c.nick,
        reporters.c.contact,
        sa.literal(merge.ticket, reporters.c.from_ticket.type),
    ).where(reporters.c.ticket == merge.ticket)
    columns = ["ticket", "person_id", "room_id", "joined_at", "nick", "contact", "from_ticket"]
    await tx.execute(insert(tx, reporters).from_select(columns, theirs).on_conflict_do_nothing())
    await _recount(tx, merge.target)


async def of(tx: Tx, number: int) -> Merge | None:
    """The merge by which the ticket is within another one."""
    row = (await tx.execute(_MERGE.where(merges.c.ticket == number))).one_or_none()
    return None if row is None else Merge(*row)


async def within(tx: Tx, number: int) -> list[int]:
    """The numbers of the tickets that went into this one."""
    query = sa.select(merges.c.ticket).where(merges.c.target == number).order_by(merges.c.ticket)
    return list(await tx.scalars(query))


async def undo(tx: Tx, merge: Merge) -> None:
    """Take the reporters that came with it out of the other ticket again. Its last one stays: a ticket has one."""
    brought = (reporters.c.ticket == merge.target, reporters.c.from_ticket == merge.ticket)
    others = sa.select(sa.func.count()).select_from(reporters)
    others = others.where(reporters.c.ticket == merge.target, reporters.c.from_ticket.is_distinct_from(merge.ticket))
    if await tx.scalar(others):
        await tx.execute(sa.delete(reporters).where(*brought))
        purged(tx)
    else:
        await tx.execute(sa.update(reporters).where(*brought).values(from_ticket=None))
    await tx.execute(sa.delete(merges).where(merges.c.ticket == merge.ticket))
    await _recount(tx, merge.target)


async def _recount(tx: Tx, number: int) -> None:
    row = sa.update(tickets).where(tickets.c.number == number)
    await tx.execute(row.values(reporters=alerts.affected(number)))
