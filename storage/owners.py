"""事项 → 承办: who usually deals with a category in a grid."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.model import Owner
from storage.tables.registry import owners, people

_FIELDS = ("category", "scope", "role", "org", "person_id")
_OWNER = sa.select(*(owners.c[name] for name in _FIELDS))
_NEAREST = (
    _OWNER.where(
        owners.c.category.in_(sa.bindparam("categories", expanding=True)),
        owners.c.scope.in_(sa.bindparam("scopes", expanding=True)),
    )
    .order_by(sa.func.length(owners.c.category).desc(), sa.func.length(owners.c.scope).desc())
    .limit(1)
)


async def find(tx: Tx, category: str, grid: str | None) -> Owner | None:
    """Who deals with the category in that grid: of the rows that fit, the one with the longest category, among those
    the one with the longest grid prefix. A ticket without a grid is for rows that hold everywhere."""
    code = grid or ""
    values = {
        "categories": [category[:end] for end in range(len(category) + 1)],
        "scopes": [code[:end] for end in range(len(code) + 1)],
    }
    row = (await tx.execute(_NEAREST, values)).one_or_none()
    return None if row is None else Owner(*row)


async def every(tx: Tx) -> list[Owner]:
    """All rows, by category and grid."""
    return [Owner(*row) for row in await tx.execute(_OWNER.order_by(owners.c.category, owners.c.scope))]


async def put(tx: Tx, rows: Iterable[Owner]) -> None:
    """Add rows; one for the same category and grid takes the place of the older one."""
    values = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
    if values:
        statement = insert(tx, owners)
        latest = {name: statement.excluded[name] for name in _FIELDS}
        await tx.execute(statement.on_conflict_do_update(index_elements=["category", "scope"], set_=latest), values)


async def drop(tx: Tx, keys: Iterable[tuple[str, str]]) -> None:
    """Remove rows by (category, scope)."""
    for category, scope in keys:
        await tx.execute(sa.delete(owners).where(owners.c.category == category, owners.c.scope == scope))


async def members(tx: Tx, org: str) -> frozenset[int]:
    """The ids of everybody of that 单位."""
    return frozenset(await tx.scalars(sa.select(people.c.id).where(people.c.org == org)))
