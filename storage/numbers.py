"""Numbers that are handed out once and never again."""

from __future__ import annotations

from storage.engine import Tx, insert
from storage.tables.records import sequences


async def next_of(tx: Tx, name: str) -> int:
    """The next number of a sequence, from 1 on."""
    statement = insert(tx, sequences).values(name=name, value=1)
    counted = statement.on_conflict_do_update(index_elements=["name"], set_={"value": sequences.c.value + 1})
    number: int = (await tx.execute(counted.returning(sequences.c.value))).scalar_one()
    return number
