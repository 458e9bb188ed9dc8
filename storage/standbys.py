"""Which other account of ours is in a group besides the one that answers there.

In a group one account answers, the others stand by: each hears everything and does nothing, until the one that answers
dies or is removed. Two accounts are in one group where both know it by the same id, or where somebody said so.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime

import sqlalchemy as sa

from storage.accounts import DEAD
from storage.engine import Tx
from storage.model import RoomState
from storage.tables.membership import standbys
from storage.tables.records import meta
from storage.tables.registry import rooms


@dataclass(frozen=True, slots=True)
class Standby:
    """`im_id`: by which this account knows the group."""

    room_id: int
    account: str
    im_id: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Load:
    """What one account has to do: `assigned` are the groups in which it answers, `mute` those of them that nobody can
    reach now, `joined` all that it is known to be in."""

    account: str
    assigned: int = 0
    standby: int = 0
    joined: int = 0
    mute: int = 0
    dead: bool = False


_STANDBY = sa.select(*(standbys.c[field.name] for field in fields(Standby)))


async def add(tx: Tx, room_id: int, account: str, im_id: str, *, at: datetime) -> None:
    """This account knows the room's group by this id. It knows one group by it, and a group by one id."""
    this = sa.and_(standbys.c.account == account, sa.or_(standbys.c.im_id == im_id, standbys.c.room_id == room_id))
    await tx.execute(sa.delete(standbys).where(this))
    await tx.execute(sa.insert(standbys).values(room_id=room_id, account=account, im_id=im_id, since=at))


async def learn(tx: Tx, im_id: str, *, at: datetime) -> None:
    """Who knows the group of an enabled room by the same id, and was not removed from it, stands by."""
    twin = rooms.alias()
    query = (
        sa.select(rooms.c.id, twin.c.account)
        .join(twin, sa.and_(twin.c.im_id == rooms.c.im_id, twin.c.account != rooms.c.account))
        .where(rooms.c.im_id == im_id, rooms.c.state == RoomState.ENABLED, twin.c.state == RoomState.DORMANT)
        .order_by(twin.c.account)
    )
    for room_id, account in list(await tx.execute(query)):
        if not any(known.account == account and known.im_id == im_id for known in await of_room(tx, room_id)):
            await add(tx, room_id, account, im_id, at=at)


async def remove(tx: Tx, account: str, im_id: str) -> int | None:
    """This account is in that group no more, or answers there. Returns the room for which it stood by."""
    gone = sa.delete(standbys).where(standbys.c.account == account, standbys.c.im_id == im_id)
    room_id: int | None = await tx.scalar(gone.returning(standbys.c.room_id))
    return room_id


async def room_of(tx: Tx, account: str, im_id: str) -> int | None:
    """The room for which this account stands by under that id."""
    query = sa.select(standbys.c.room_id).where(standbys.c.account == account, standbys.c.im_id == im_id)
    room_id: int | None = await tx.scalar(query)
    return room_id


async def of_room(tx: Tx, room_id: int) -> list[Standby]:
    """Who stands by in a room, by name."""
    query = _STANDBY.where(standbys.c.room_id == room_id).order_by(standbys.c.account)
    return [Standby(*row) for row in await tx.execute(query)]


async def every(tx: Tx) -> dict[int, list[Standby]]:
    """Who stands by, by room."""
    found: dict[int, list[Standby]] = {}
    for row in await tx.execute(_STANDBY.order_by(standbys.c.room_id, standbys.c.account)):
        found.setdefault(row.room_id, []).append(Standby(*row))
    return found


def standing_by(room: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a row of that table is a group in which its account only stands by."""
    here = (standbys.c.account == room.c.account, standbys.c.im_id == room.c.im_id)
    return sa.select(standbys.c.room_id).where(*here).correlate(room).exists()


def _able() -> sa.ColumnElement[bool]:
    """Whether a standby of `rooms` could answer there: its account lives and was in the group when last heard of. One
    that was only named by a table must have been linked once; where ids differ, the names of the group must not."""
    twin, linked = rooms.alias(), sa.literal("link.listened:") + standbys.c.account
    here = sa.and_(twin.c.account == standbys.c.account, twin.c.im_id == standbys.c.im_id)
    same = sa.or_(twin.c.im_id == rooms.c.im_id, twin.c.topic == rooms.c.topic, twin.c.topic == "", rooms.c.topic == "")
    heard = sa.select(twin.c.id).where(here, twin.c.state == RoomState.DORMANT, same)
    known = sa.select(twin.c.id).where(here)
    linked_once = sa.select(meta.c.name).where(meta.c.name == linked)
    return sa.and_(
        standbys.c.account.not_in(DEAD),
        sa.or_(
            heard.correlate(rooms, standbys).exists(),
            sa.and_(~known.correlate(standbys).exists(), linked_once.correlate(standbys).exists()),
        ),
    )


async def able(tx: Tx, room_id: int) -> list[Standby]:
    """Those who could answer in the room at once; who answers in the fewest groups comes first."""
    others = rooms.alias()
    load = sa.select(sa.func.count()).select_from(others)
    load = load.where(others.c.account == standbys.c.account, others.c.state == RoomState.ENABLED)
    query = _STANDBY.join(rooms, rooms.c.id == standbys.c.room_id).where(rooms.c.id == room_id, _able())
    query = query.order_by(load.correlate(standbys).scalar_subquery(), standbys.c.account)
    return [Standby(*row) for row in await tx.execute(query)]


async def to_hand_over(tx: Tx, limit: int) -> list[int]:
    """Rooms whose account is dead and where another could answer, by id."""
    other = sa.select(standbys.c.room_id).where(standbys.c.room_id == rooms.c.id, _able()).correlate(rooms).exists()
    query = sa.select(rooms.c.id).where(rooms.c.state == RoomState.ENABLED, rooms.c.account.in_(DEAD), other)
    return list(await tx.scalars(query.order_by(rooms.c.id).limit(limit)))


def left_by(account: str, since: datetime) -> sa.Select[tuple[int]]:
    """The ids of rooms that another account took over from this one since then."""
    query = sa.select(rooms.c.id).join(standbys, standbys.c.room_id == rooms.c.id)
    return query.where(standbys.c.account == account, standbys.c.since >= since, rooms.c.taken_at.is_not(None))


async def loads(tx: Tx) -> dict[str, Load]:
    """What each account has to do, by name. Groups of which nothing was ever heard are not known to us."""
    there = rooms.c.state != RoomState.GONE
    enabled = sa.func.sum(sa.case((rooms.c.state == RoomState.ENABLED, 1), else_=0))
    held = sa.select(rooms.c.account, sa.func.count(), enabled).where(there).group_by(rooms.c.account)
    found = {account: Load(account, int(on), 0, joined) for account, joined, on in await tx.execute(held)}
    dead = set(await tx.scalars(DEAD))
    row = sa.select(rooms.c.id).where(rooms.c.account == standbys.c.account, rooms.c.im_id == standbys.c.im_id, there)
    rowless = sa.case((row.exists(), 0), else_=1)
    stands = sa.select(standbys.c.account, sa.func.count(), sa.func.sum(rowless)).group_by(standbys.c.account)
    for account, count, unheard in await tx.execute(stands):
        load_ = found.get(account, Load(account))
        found[account] = replace(load_, standby=count, joined=load_.joined + int(unheard))
    for account in dead:
        load_ = found.get(account, Load(account))
        found[account] = replace(load_, mute=load_.assigned, dead=True)
    return dict(sorted(found.items()))


async def load(tx: Tx, account: str) -> Load:
    """What this account has to do."""
    return (await loads(tx)).get(account, Load(account))
