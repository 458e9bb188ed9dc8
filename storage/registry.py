"""The registry's version: it rises with every import, so that a running bot knows when to read anew what it keeps in
memory."""

from __future__ import annotations

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.tables.records import sequences

_NAME, _OPT_OUTS = "registry", "registry.opt_outs"
_VERSION = sa.select(sequences.c.value).where(sequences.c.name == sa.bindparam("of"))


async def touch(tx: Tx) -> None:
    """Somebody else than who serves their accounts changed rooms, people or grids."""
    await _raise(tx, _NAME)


async def version(tx: Tx) -> int:
    """How often that was."""
    return await tx.scalar(_VERSION, {"of": _NAME}) or 0


async def touch_opt_outs(tx: Tx) -> None:
    """Somebody asked not to be recorded, or to be recorded again: at all accounts, whoever serves these. Counted apart,
    so that no more than that need be read anew."""
    await _raise(tx, _OPT_OUTS)


async def opt_outs(tx: Tx) -> int:
    """How often that was."""
    return await tx.scalar(_VERSION, {"of": _OPT_OUTS}) or 0


async def _raise(tx: Tx, name: str) -> None:
    statement = insert(tx, sequences).values(name=name, value=1)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": sequences.c.value + 1}))
