"""Until when an account surely listened: what a new life needs to know of the gap before it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert_for
from storage.tables import meta

_NAME = "link.listened:"


async def listened(tx: Tx, account: str, at: datetime) -> None:
    """The account was linked at that moment."""
    statement = insert_for(tx.dialect.name, meta).values(name=_NAME + account, value=at.isoformat().encode())
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


async def last_listened(tx: Tx, account: str) -> datetime | None:
    """The last such moment; None where there was none yet."""
    value = await tx.scalar(sa.select(meta.c.value).where(meta.c.name == _NAME + account))
    return None if value is None else datetime.fromisoformat(bytes(value).decode())
