"""三张清单: what stands on the lists of demands, resources and projects beside the tickets that do."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx
from storage.model import Listing
from storage.tables.tickets import list_items


async def add(tx: Tx, listing: Listing, grid: str, text: str, *, person_id: int, at: datetime) -> None:
    """Something that is no ticket: a room that can be used, a project that is planned."""
    values = {"listing": listing, "grid": grid, "text": text, "person_id": person_id, "at": at}
    await tx.execute(sa.insert(list_items).values(values))


async def items(tx: Tx, listing: Listing, scope: str) -> list[str]:
    """The texts of a list within a scope, the newest first."""
    query = sa.select(list_items.c.text).where(
        list_items.c.listing == listing, list_items.c.grid >= scope, list_items.c.grid < scope + ":"
    )
    return list(await tx.scalars(query.order_by(list_items.c.id.desc())))
