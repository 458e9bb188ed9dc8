"""急时 over a grid prefix: declared, ended, expired."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx
from storage.model import Mode
from storage.tables.tickets import IN_FORCE, modes

_MODE = sa.select(*(modes.c[field.name] for field in fields(Mode)))
_IN_FORCE = _MODE.where(IN_FORCE).order_by(modes.c.scope)


async def in_force(tx: Tx) -> list[Mode]:
    """All that have neither been ended nor been found expired, the widest scope first; there are few."""
    return [Mode(*row) for row in await tx.execute(_IN_FORCE)]


async def declare(
    tx: Tx, scope: str, reason: str, *, person_id: int | None, at: datetime, expires_at: datetime
) -> tuple[Mode, bool]:
    """急时 over the scope until then. Where it is so already, reason and expiry are replaced and False is returned."""
    values = {"reason": reason, "expires_at": expires_at, "person_id": person_id}
    columns = [modes.c[field.name] for field in fields(Mode)]
    longer = sa.update(modes).where(modes.c.scope == scope, IN_FORCE).values(values).returning(*columns)
    row = (await tx.execute(longer)).one_or_none()
    if row is not None:
        return Mode(*row), False
    statement = sa.insert(modes).values(scope=scope, started_at=at, **values).returning(*columns)
    return Mode(*(await tx.execute(statement)).one()), True


async def end(tx: Tx, mode_id: int, at: datetime) -> bool:
    """平时 again; False where it was already."""
    statement = sa.update(modes).where(modes.c.id == mode_id, IN_FORCE).values(ended_at=at)
    return (await tx.execute(statement)).rowcount == 1
