"""The registry's version: it rises with every import, so that a running bot knows when to read anew what it keeps in
memory."""

from __future__ import annotations

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.tables import sequences

_NAME = "registry"
_VERSION = sa.select(sequences.c.value).where(sequences.c.name == _NAME)


async def touch(tx: Tx) -> None:
    """Somebody else than the bot changed rooms, people or grids."""
    statement = insert(tx, sequences).values(name=_NAME, value=1)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": sequences.c.value + 1}))


async def version(tx: Tx) -> int:
    """How often that was."""
    return await tx.scalar(_VERSION) or 0
