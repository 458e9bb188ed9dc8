"""The grid tree 区划 → 街道 → 社区 → 一般网格 → 微网格: codes, names, and what became of a grid that was changed.

A code says where it stands: 6 digits (GB/T 2260), 9 (GB/T 10114, 街道 or 镇), 12 (社区 or 村), 15 (一般网格),
18 (微网格). A code is never given out twice, also when its grid is gone: tickets keep the code of their day.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.model import COMMUNITY_DIGITS, Grid, Origin
from storage.tables.registry import duty, grid_moves, grids, owners, rooms

LENGTHS = (6, 9, 12, 15, 18)
STEP = 3  # digits of each level below the 区划

# GB/T 2260: the first two digits of every province; a code that lost its first digit is noticed by them.
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a code."""

    name: str
    living: bool
    origin: Origin | None


class CodeFault(StrEnum):
    """Why something is no grid code."""

    DIGITS = "digits"  # not 6, 9, 12, 15 or 18 digits
    PROVINCE = "province"  # no province begins like that
    ZERO = "zero"  # a level is numbered 000


def fault(code: str) -> CodeFault | None:
    """Why `code` is no grid code; None where it is one."""
    if len(code) not in LENGTHS or not re.fullmatch(r"[0-9]+", code):
        return CodeFault.DIGITS
    if not _PROVINCE.match(code):
        return CodeFault.PROVINCE
    levels = [code[start : start + STEP] for start in range(LENGTHS[0], len(code), STEP)]
    return CodeFault.ZERO if "000" in levels else None


def parent(code: str) -> str | None:
    """The code one level up; None for a 区划."""
    return code[:-STEP] if len(code) > LENGTHS[0] else None


def next_free(above: str, taken: Collection[str]) -> str | None:
    """The next code under `above` that none of `taken` (codes of every level, the retired ones too) has: after the
    highest, else the first gap; None where all 999 are used up."""
    used = {int(code[len(above) :]) for code in taken if len(code) == len(above) + STEP and code.startswith(above)}
    following = max(used, default=0) + 1
    if following > 999:
        following = next((number for number in range(1, 1000) if number not in used), 1000)
    return f"{above}{following:03d}" if following < 1000 else None


async def put(tx: Tx, new: Iterable[Grid], origin: Origin = Origin.CONFIG) -> None:
    """Add grids; a code that is there already gets the new name. What an import has said of a grid the config does not
    take back, and a grid that is retired stays so."""
    rows = [{"code": grid.code, "name": grid.name, "origin": origin} for grid in new]
    if rows:
        statement = insert(tx, grids)
        latest = {"name": statement.excluded.name, "origin": statement.excluded.origin}
        weaker = sa.or_(grids.c.origin.is_distinct_from(Origin.IMPORT), statement.excluded.origin == Origin.IMPORT)
        await tx.execute(statement.on_conflict_do_update(index_elements=["code"], set_=latest, where=weaker), rows)


async def revive(tx: Tx, codes: Collection[str]) -> None:
    """Grids that were retired, and became nothing else, are there again."""
    await tx.execute(sa.update(grids).where(grids.c.code.in_(codes)).values(retired_at=None))


async def every(tx: Tx) -> dict[str, Known]:
    """All grids that ever were, by code."""
    query = sa.select(grids.c.code, grids.c.name, grids.c.retired_at, grids.c.origin).order_by(grids.c.code)
    return {row.code: Known(row.name, row.retired_at is None, row.origin) for row in await tx.execute(query)}


async def get(tx: Tx, code: str) -> Grid | None:
    """The living grid with exactly this code."""
    query = sa.select(grids.c.code, grids.c.name).where(grids.c.code == code, grids.c.retired_at.is_(None))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Grid(*row)


async def names(tx: Tx, *, retired: bool = False) -> dict[str, str]:
    """Code → name of the living grids, by code; with `retired` of all that ever were."""
    query = sa.select(grids.c.code, grids.c.name).order_by(grids.c.code)
    if not retired:
        query = query.where(grids.c.retired_at.is_(None))
    return {row.code: row.name for row in await tx.execute(query)}


async def named_in(tx: Tx, text: str) -> dict[str, str]:
    """Code → name of the living grids whose name stands in the text."""
    place = (sa.func.strpos if tx.dialect.name == "postgresql" else sa.func.instr)(text, grids.c.name)
    query = sa.select(grids.c.code, grids.c.name).where(grids.c.retired_at.is_(None), grids.c.name != "", place > 0)
    return {row.code: row.name for row in await tx.execute(query.order_by(grids.c.code))}


async def communities(tx: Tx, *, most: int) -> list[str]:
    """The codes of the communities that have living grids, at most so many."""
    code = sa.func.substr(grids.c.code, 1, COMMUNITY_DIGITS)
    living = (grids.c.retired_at.is_(None), sa.func.length(grids.c.code) >= COMMUNITY_DIGITS)
    return list(await tx.scalars(sa.select(code).where(*living).distinct().order_by(code).limit(most)))


# --- what becomes of a grid ---


async def retire(tx: Tx, codes: Collection[str], at: datetime) -> None:
    """These grids are no more; their codes stay taken."""
    await tx.execute(sa.update(grids).where(grids.c.code.in_(codes)).values(retired_at=at))


async def move(tx: Tx, old: str, new: Sequence[str], at: datetime) -> list[int]:
    """`old` is retired and is `new` from now on: one code where it was renumbered or merged, several where it was
    split. Its tickets keep their code. Owners and duty follow; so do its rooms where there is one new code. Where
    there are several nobody can know which: their ids are returned, and they go on under the old code, whose tickets
    the people of every new one may handle, until each is bound anew."""
    await retire(tx, [old], at)
    older = set(await tx.scalars(sa.select(grid_moves.c.old).where(grid_moves.c.new == old)))
    pairs = [{"old": source, "new": code, "at": at} for source in (old, *older) for code in new if code != source]
    await tx.execute(insert(tx, grid_moves).on_conflict_do_nothing(), pairs)
    for table in (owners, duty):
        rows = [row._asdict() for row in await tx.execute(sa.select(table).where(table.c.scope == old))]
        copies = [{**row, "scope": code} for row in rows for code in new]
        if copies:
            await tx.execute(insert(tx, table).on_conflict_do_nothing(), copies)
            await tx.execute(sa.delete(table).where(table.c.scope == old))
    here = sa.select(rooms.c.id).where(rooms.c.grid == old).order_by(rooms.c.id)
    if len(new) > 1:
        return list(await tx.scalars(here))
    await tx.execute(sa.update(rooms).where(rooms.c.grid == old).values(grid=new[0]))
    return []


async def moves(tx: Tx) -> dict[str, set[str]]:
    """Old code → every code that it became, also over several steps."""
    found: dict[str, set[str]] = {}
    for old, new in await tx.execute(sa.select(grid_moves.c.old, grid_moves.c.new)):
        found.setdefault(old, set()).add(new)
    return found


async def today(tx: Tx, code: str) -> set[str]:
    """The code itself and what it is today: where a grid moved, the codes it became."""
    return (await today_of(tx, [code]))[code]


async def today_of(tx: Tx, codes: Collection[str]) -> dict[str, set[str]]:
    """The same for each of many, which are looked up together."""
    beginnings = {code: prefixes(code) for code in codes}
    moved = grid_moves.c.old.in_(set().union(*beginnings.values()))
    became: dict[str, set[str]] = {}
    for old, new in await tx.execute(sa.select(grid_moves.c.old, grid_moves.c.new).where(moved)):
        became.setdefault(old, set()).add(new)
    nearest = {code: next(filter(became.__contains__, reversed(parts)), "") for code, parts in beginnings.items()}
    return {code: {code} | became.get(old, set()) for code, old in nearest.items()}


def within(column: sa.Column[Any], scope: str) -> sa.ColumnElement[bool]:
    """Whether a code begins with `scope`, or is that of an earlier day whose grid became one that does. For lists and
    figures; what was filed in a grid before it was split counts in each of its parts."""
    # A range instead of LIKE, so that an index serves; codes hold digits only, and ":" follows "9".
    past = sa.select(grid_moves.c.old).where(grid_moves.c.new >= scope, grid_moves.c.new < scope + ":")
    return sa.or_(sa.and_(column >= scope, column < scope + ":"), column.in_(past))


def prefixes(code: str) -> list[str]:
    """Every beginning of a code, itself included, the empty one not."""
    return [code[:end] for end in range(1, len(code) + 1)]
