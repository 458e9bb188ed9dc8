"""Points of volunteers: an append-only ledger. A mistake is put right by an entry against it; a balance is never below
zero, which a CHECK and a conditional UPDATE decide. Nobody is compared with anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.grids import within
from storage.tables.worklog import point_accounts, points


class PointAction(StrEnum):
    """For what points come or go. The first three are what the rules of the configuration may name."""

    ATTENDANCE = "attendance"  # 参加活动并签到
    WISH = "wish"  # 完成微心愿
    CALL = "call"  # 应答网格呼叫
    REDEEMED = "redeemed"  # 兑换
    CORRECTED = "corrected"  # 冲正


@dataclass(frozen=True, slots=True)
class PointEntry:
    """A row of the ledger. `item` is the id of what it is about (H3, X5, S12), `note` what it was exchanged for, or why
    it was corrected; `person_id` None once they are erased."""

    number: int
    account: int
    action: PointAction
    delta: int
    item: str
    note: str
    grid: str
    by_id: int | None
    corrects: int | None
    at: datetime
    person_id: int | None = None


# An account that went into another one answers for it.
_HEIR = point_accounts.alias("heir")
_OWNER = sa.func.coalesce(point_accounts.c.into_id, point_accounts.c.id).label("owner")
_ENTRY = (
    sa.select(
        points.c.number,
        _OWNER,
        points.c.action,
        points.c.delta,
        points.c.item,
        points.c.note,
        points.c.grid,
        points.c.by_id,
        points.c.corrects,
        points.c.at,
        _HEIR.c.person_id,
    )
    .join(point_accounts, point_accounts.c.id == points.c.account_id)
    .join(_HEIR, _HEIR.c.id == _OWNER)
    .order_by(points.c.number)
)


async def _entries(tx: Tx, query: sa.Select[Any]) -> list[PointEntry]:
    return [PointEntry(row[0], row[1], PointAction(row[2]), *row[3:]) for row in await tx.execute(query)]


async def earn(
    tx: Tx, person_id: int, action: PointAction, item: str, delta: int, *, grid: str, at: datetime
) -> PointEntry | None:
    """Somebody did something; None where it was counted already and that was not taken back since."""
    # Writing the account's row makes two who count the same thing wait for each other.
    mine = insert(tx, point_accounts).values(person_id=person_id, balance=0)
    here = mine.on_conflict_do_update(index_elements=["person_id"], set_={"person_id": person_id})
    account: int = (await tx.execute(here.returning(point_accounts.c.id))).scalar_one()
    taken_back = points.alias()
    same = (_OWNER.op("=")(account), points.c.action == action.value, points.c.item == item)
    standing = sa.not_(sa.exists().where(taken_back.c.corrects == points.c.number))
    counted = sa.select(points.c.number).join(point_accounts, point_accounts.c.id == points.c.account_id)
    if await tx.scalar(counted.where(*same, standing).limit(1)) is not None:
        return None
    await _move(tx, account, delta)
    return await _append(tx, account, action, delta, item=item, grid=grid, at=at)


async def redeem(
    tx: Tx, account: int, amount: int, note: str, *, grid: str, by_id: int, at: datetime
) -> PointEntry | None:
    """Points go for something; None, and nothing changed, where there are not so many. Of many at once as many succeed
    as there are points for."""
    if not await _move(tx, account, -amount):
        return None
    return await _append(tx, account, PointAction.REDEEMED, -amount, note=note, grid=grid, by_id=by_id, at=at)


async def correct(tx: Tx, number: int, note: str, *, by_id: int | None, at: datetime) -> PointEntry | None:
    """An entry is taken back by one against it; None where that was done already, or the points are gone."""
    entry = await get(tx, number)
    if entry is None or entry.action is PointAction.CORRECTED or not await _move(tx, entry.account, -entry.delta):
        return None
    # After the account's row is ours: of two who correct the same thing one sees the other's.
    if await tx.scalar(sa.select(points.c.number).where(points.c.corrects == number)) is not None:
        await _move(tx, entry.account, entry.delta)
        return None
    return await _append(
        tx,
        entry.account,
        PointAction.CORRECTED,
        -entry.delta,
        item=entry.item,
        note=note,
        grid=entry.grid,
        by_id=by_id,
        corrects=number,
        at=at,
    )


async def _move(tx: Tx, account: int, delta: int) -> bool:
    """False where the balance would fall below zero."""
    enough = (point_accounts.c.id == account, point_accounts.c.balance + delta >= 0)
    moved = sa.update(point_accounts).where(*enough).values(balance=point_accounts.c.balance + delta)
    return (await tx.execute(moved)).rowcount == 1


async def _append(
    tx: Tx,
    account: int,
    action: PointAction,
    delta: int,
    *,
    grid: str,
    at: datetime,
    item: str = "",
    note: str = "",
    by_id: int | None = None,
    corrects: int | None = None,
) -> PointEntry:
    values = {"item": item, "note": note, "grid": grid, "by_id": by_id, "corrects": corrects, "at": at}
    row = sa.insert(points).values(account_id=account, action=action.value, delta=delta, **values)
    number: int = (await tx.execute(row.returning(points.c.number))).scalar_one()
    return PointEntry(number, account, action, delta, item, note, grid, by_id, corrects, at)


# --- looking ---
async def get(tx: Tx, number: int) -> PointEntry | None:
    """The entry with this number."""
    found = await _entries(tx, _ENTRY.where(points.c.number == number))
    return found[0] if found else None


async def balance(tx: Tx, person_id: int) -> int:
    """How many points somebody has."""
    mine = sa.select(point_accounts.c.balance).where(point_accounts.c.person_id == person_id)
    return await tx.scalar(mine) or 0


async def of_person(tx: Tx, person_id: int) -> list[PointEntry]:
    """Somebody's own entries, oldest first."""
    return await _entries(tx, _ENTRY.where(_HEIR.c.person_id == person_id))


async def standing(tx: Tx, person_id: int, action: PointAction, item: str) -> PointEntry | None:
    """What somebody got for this thing, where it was not taken back."""
    own = [one for one in await of_person(tx, person_id) if one.item == item]
    gone = {one.corrects for one in own}
    return next((one for one in own if one.action is action and one.number not in gone), None)


async def holders(tx: Tx, scopes: Collection[str]) -> dict[int, int]:
    """Who earned something within the scopes: their account by person."""
    inside = sa.or_(sa.false(), *(within(points.c.grid, scope) for scope in scopes))
    query = _ENTRY.with_only_columns(_HEIR.c.person_id, _OWNER).order_by(None).distinct()
    found = await tx.execute(query.where(inside, _HEIR.c.person_id.is_not(None)))
    return {row.person_id: row.owner for row in found}


async def every(
    tx: Tx, *, grid: str = "", since: datetime | None = None, until: datetime | None = None
) -> list[PointEntry]:
    """The ledger of the grids and the time, by number."""
    query = _ENTRY.where(within(points.c.grid, grid)) if grid else _ENTRY
    query = query.where(points.c.at >= since) if since is not None else query
    return await _entries(tx, query.where(points.c.at < until) if until is not None else query)


# --- whose they are ---
async def absorb(tx: Tx, old: int, person_id: int) -> None:
    """A resident's record turns out to be this person: where both have an account, the one goes into the other."""
    found = sa.select(point_accounts.c.id, point_accounts.c.balance).where(point_accounts.c.person_id == old)
    own = sa.select(point_accounts.c.id).where(point_accounts.c.person_id == person_id)
    theirs, into = (await tx.execute(found)).one_or_none(), await tx.scalar(own)
    if theirs is None or into is None:
        return
    await tx.execute(sa.update(point_accounts).where(point_accounts.c.into_id == theirs.id).values(into_id=into))
    emptied = {"person_id": None, "balance": 0, "into_id": into}
    await tx.execute(sa.update(point_accounts).where(point_accounts.c.id == theirs.id).values(**emptied))
    await _move(tx, into, theirs.balance)


async def forget(tx: Tx, person_id: int) -> None:
    """Somebody is erased: the sums stay, nobody's."""
    await tx.execute(sa.update(point_accounts).where(point_accounts.c.person_id == person_id).values(person_id=None))
