"""网格呼叫: members were called to a ticket; the first one who answers goes."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.model import Call
from storage.tables.tickets import calls

_CALL = sa.select(calls.c.ticket, calls.c.at, calls.c.called, calls.c.accepted_by, calls.c.accepted_at)


async def put(tx: Tx, ticket: int, called: int, at: datetime) -> None:
    """So many were called; a later call of the same ticket takes the place of the earlier one."""
    latest = {"at": at, "called": called, "accepted_by": None, "accepted_at": None}
    statement = insert(tx, calls).values(ticket=ticket, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["ticket"], set_=latest))


async def get(tx: Tx, ticket: int) -> Call | None:
    """The call of a ticket."""
    row = (await tx.execute(_CALL.where(calls.c.ticket == ticket))).one_or_none()
    return None if row is None else Call(*row)


async def accept(tx: Tx, ticket: int, person_id: int, at: datetime) -> bool:
    """True for the first one, False for everybody after them."""
    first = sa.update(calls).where(calls.c.ticket == ticket, calls.c.accepted_by.is_(None))
    return (await tx.execute(first.values(accepted_by=person_id, accepted_at=at))).rowcount == 1
