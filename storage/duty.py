"""The duty roster: who is on duty when and where, for emergencies, for 急时, or to be called to a place near by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from storage import grids, people
from storage.engine import Tx, insert
from storage.model import DutyKind, Person, Shift
from storage.tables.registry import duty

_FIELDS = ("person_id", "kind", "scope", "start_at", "end_at")
_SHIFT = sa.select(*(duty.c[name] for name in _FIELDS))


async def on_duty(tx: Tx, kind: DutyKind, grid: str, at: datetime) -> list[Person]:
    """Who is on duty for that over the grid at that moment, the nearest scope first."""
    scopes = {beginning for code in await grids.today(tx, grid) for beginning in grids.prefixes(code)}
    query = sa.select(duty.c.person_id, sa.func.max(sa.func.length(duty.c.scope))).group_by(duty.c.person_id)
    query = query.where(duty.c.kind == kind, duty.c.scope.in_(scopes), duty.c.start_at <= at, duty.c.end_at > at)
    near = {row[0]: row[1] for row in await tx.execute(query)}
    found = await people.many(tx, near)
    return sorted(found, key=lambda person: (-near[person.id], person.id))


async def from_then(tx: Tx, at: datetime) -> list[Shift]:
    """The shifts that end after that moment, in order."""
    query = _SHIFT.where(duty.c.end_at > at).order_by(duty.c.start_at, duty.c.person_id, duty.c.kind, duty.c.scope)
    return [Shift(*row) for row in await tx.execute(query)]


async def put(tx: Tx, shifts: Iterable[Shift]) -> None:
    """Add shifts; one of the same person, kind, place and beginning gets the new end."""
    values = [{name: getattr(shift, name) for name in _FIELDS} for shift in shifts]
    if values:
        statement = insert(tx, duty)
        key = ["person_id", "kind", "scope", "start_at"]
        await tx.execute(
            statement.on_conflict_do_update(index_elements=key, set_={"end_at": statement.excluded.end_at}), values
        )


async def drop(tx: Tx, shifts: Iterable[Shift]) -> None:
    """Remove shifts."""
    for shift in shifts:
        same = (duty.c[name] == getattr(shift, name) for name in _FIELDS)
        await tx.execute(sa.delete(duty).where(*same))
