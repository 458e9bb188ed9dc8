"""Lines that were put since one last looked: what a process learns of the others that share its database."""

from __future__ import annotations

import sqlalchemy as sa

from storage.engine import Tx
from storage.tables.wire import outbox

_NEWEST = sa.select(sa.func.max(outbox.c.id))
_SINCE = (
    sa.select(outbox.c.account, sa.func.max(outbox.c.id))
    .where(outbox.c.id > sa.bindparam("last"))
    .group_by(outbox.c.account)
)


async def newest(tx: Tx) -> int:
    """The number of the newest line; 0 where there is none."""
    return await tx.scalar(_NEWEST) or 0


async def since(tx: Tx, last: int) -> tuple[int, set[str]]:
    """The newest line's number, and the accounts of those that are newer than `last`. Writers take turns, so a line
    that is committed later never has a lower number."""
    found = {account: int(newest) for account, newest in await tx.execute(_SINCE, {"last": last})}
    return max(found.values(), default=last), set(found)
