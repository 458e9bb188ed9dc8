"""Rooms: which account sits in which group, for which grid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import grids
from storage.engine import Tx, insert
from storage.model import GENERAL_GRID_DIGITS, Origin, Room, RoomKind, RoomState, SendState
from storage.tables import ANSWERING, counters, metadata, outbox, rooms

_FIELDS = ("id", "account", "im_id", "topic", "kind", "state", "grid", "silent_until", "noticed_at")
_CHANGEABLE = frozenset(_FIELDS) - {"id"}
_COLUMNS = tuple(rooms.c[name] for name in _FIELDS)
_ROOM = sa.select(*_COLUMNS)
# Built once: every message that is looked at asks for its room.
_FIND = _ROOM.where(rooms.c.account == sa.bindparam("of"), rooms.c.im_id == sa.bindparam("id"))
_GET = _ROOM.where(rooms.c.id == sa.bindparam("id"))

_DAY = timedelta(days=1)
# Every column that names a room, in whatever table.
_MENTIONS = tuple(
    column
    for table in metadata.sorted_tables
    for column in table.c
    for key in column.foreign_keys
    if key.column is rooms.c.id
)


def _room(row: sa.Row[Any] | None) -> Room | None:
    return None if row is None else Room(*tuple(row))


async def ensure(tx: Tx, account: str, im_id: str, topic: str, *, at: datetime) -> Room:
    """The room behind an IM id; made DORMANT when new; the topic kept up to date (an empty one changes nothing)."""
    room = await find(tx, account, im_id)
    if room is None:
        statement = (
            insert(tx, rooms)
            .values(
                account=account,
                im_id=im_id,
                topic=topic,
                kind=RoomKind.RESIDENT,
                state=RoomState.DORMANT,
                created_at=at,
            )
            .returning(*_COLUMNS)
        )
        return Room(*(await tx.execute(statement)).one())
    return await update(tx, room.id, topic=topic) if topic and topic != room.topic else room


async def find(tx: Tx, account: str, im_id: str) -> Room | None:
    """The room behind an IM id."""
    return _room((await tx.execute(_FIND, {"of": account, "id": im_id})).one_or_none())


async def get(tx: Tx, room_id: int) -> Room | None:
    """The room with our id."""
    return _room((await tx.execute(_GET, {"id": room_id})).one_or_none())


async def every(tx: Tx) -> list[Room]:
    """All rooms, by id."""
    return [Room(*row) for row in await tx.execute(_ROOM.order_by(rooms.c.id))]


async def update(tx: Tx, room_id: int, **fields: Any) -> Room:  # noqa: ANN401
    """Set fields of `Room`. Raises TypeError for another name, LookupError where there is no such room."""
    if unknown := fields.keys() - _CHANGEABLE:
        raise TypeError(f"no such field of a room: {', '.join(sorted(unknown))}")
    statement = sa.update(rooms).where(rooms.c.id == room_id).values(fields).returning(*_COLUMNS)
    room = _room((await tx.execute(statement)).one_or_none())
    if room is None:
        raise LookupError(f"no room {room_id}")
    return room


async def leader_room(tx: Tx, grid: str) -> Room | None:
    """The enabled leader room that is nearest to the grid (or to what it is today). What concerns a part of a community
    goes to the room of its micro-grid, else of its general grid; what concerns a whole community, street or district
    to the room of exactly that."""
    least = min(len(grid), GENERAL_GRID_DIGITS)
    today = await grids.today(tx, grid)
    codes = {code[:end] for code in today for end in range(least, len(code) + 1)}
    query = (
        _ROOM.where(rooms.c.grid.in_(codes), rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED)
        .order_by(sa.func.length(rooms.c.grid).desc(), rooms.c.id)
        .limit(1)
    )
    return _room((await tx.execute(query)).one_or_none())


async def leader_room_of(tx: Tx, code: str) -> Room | None:
    """The enabled leader room of exactly this code: that of a community, a street or a district."""
    query = _ROOM.where(rooms.c.grid == code, rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED)
    return _room((await tx.execute(query.order_by(rooms.c.id).limit(1))).one_or_none())


async def leader_rooms(tx: Tx, scope: str = "") -> list[Room]:
    """The enabled leader rooms of the grids within a scope, the widest first."""
    query = _ROOM.where(rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED, rooms.c.grid >= scope)
    query = query.where(rooms.c.grid < scope + ":").order_by(sa.func.length(rooms.c.grid), rooms.c.grid, rooms.c.id)
    return [Room(*row) for row in await tx.execute(query)]


async def within(tx: Tx, scope: str, kind: RoomKind) -> list[Room]:
    """The rooms of that kind bound to a grid within a scope, whatever their state, by grid."""
    query = _ROOM.where(rooms.c.grid >= scope, rooms.c.grid < scope + ":", rooms.c.kind == kind)
    return [Room(*row) for row in await tx.execute(query.order_by(rooms.c.grid, rooms.c.id))]


async def those(tx: Tx, ids: sa.Select[tuple[int]]) -> list[Room]:
    """The rooms that a query of ids finds, by id."""
    return [Room(*row) for row in await tx.execute(_ROOM.where(rooms.c.id.in_(ids)).order_by(rooms.c.id))]


async def answering(tx: Tx, room: Room, grid: str) -> Room | None:
    """The enabled room of another of our accounts that is this very group: the same id or, where accounts know it by
    ids of their own, the same topic for the same grid."""
    same_topic = sa.and_(rooms.c.topic == room.topic, rooms.c.grid == grid, rooms.c.kind == room.kind)
    same = sa.or_(rooms.c.im_id == room.im_id, same_topic) if room.topic else rooms.c.im_id == room.im_id
    query = _ROOM.where(same, rooms.c.account != room.account, ANSWERING)
    found = [Room(*row) for row in await tx.execute(query)]
    return min(found, key=lambda one: one.id, default=None)


async def earlier(tx: Tx, room: Room) -> Room | None:
    """The bound room that this unbound one seems to be under a later id: the one of the same topic and account, or of
    another account that was removed from it. None where there is none or more than one, or where the other was heard
    on a later day than this one was first: then both are there."""
    if room.grid is not None or not room.topic:
        return None
    there = sa.or_(rooms.c.account == room.account, rooms.c.state == RoomState.GONE)
    query = _ROOM.where(rooms.c.topic == room.topic, rooms.c.id != room.id, there)
    found = (await tx.execute(query.where(rooms.c.grid.is_not(None), rooms.c.became.is_(None)).limit(2))).all()
    if len(found) != 1:
        return None
    old = Room(*found[0])
    since = (await tx.execute(sa.select(rooms.c.created_at).where(rooms.c.id == room.id))).scalar_one()
    # A day of the counters is a local one: the day after in UTC is later in every zone.
    heard = sa.select(counters.c.day).where(counters.c.room_id == old.id, counters.c.day > since.date() + _DAY)
    return None if (await tx.execute(heard.limit(1))).first() is not None else old


async def succeed(tx: Tx, old: Room, new: Room) -> Room:
    """`new` is the group that was known as `old`: grid, kind, state and silence move over, and with them tickets,
    their messages and what waits to be said. The old row stays as history, GONE. Returns the new room as it is then."""
    await tx.execute(sa.update(rooms).where(rooms.c.id == old.id).values(state=RoomState.GONE, became=new.id))
    queued = sa.and_(outbox.c.room_id == old.id, outbox.c.state == SendState.QUEUED)
    await tx.execute(sa.update(outbox).where(queued).values(account=new.account, conversation=new.im_id))
    for column in _MENTIONS:
        await tx.execute(sa.update(column.table).where(column == old.id).values({column: new.id}))
    taken = {name: getattr(old, name) for name in ("kind", "grid", "silent_until", "noticed_at")}
    return await update(tx, new.id, state=RoomState.ENABLED, **taken)


async def successor(tx: Tx, room_id: int) -> int | None:
    """The id of the room that this one became."""
    became: int | None = await tx.scalar(sa.select(rooms.c.became).where(rooms.c.id == room_id))
    return became


async def imported(tx: Tx) -> set[int]:
    """The ids of rooms that an import has named."""
    return set(await tx.scalars(sa.select(rooms.c.id).where(rooms.c.origin == Origin.IMPORT)))


async def put(tx: Tx, new: Sequence[Room], changed: Sequence[Room], at: datetime) -> None:
    """What an import says: rooms that are new (their id is not looked at) and rooms that are to be as given here."""
    fields = ("topic", "kind", "state", "grid")
    if new:
        rows = [{name: getattr(room, name) for name in ("account", "im_id", *fields)} for room in new]
        await tx.execute(sa.insert(rooms), [{**row, "created_at": at, "origin": Origin.IMPORT} for row in rows])
    if changed:
        values = {**{name: sa.bindparam(name) for name in fields}, "origin": Origin.IMPORT}
        statement = sa.update(rooms).where(rooms.c.id == sa.bindparam("of")).values(values)
        await tx.execute(
            statement, [{**{name: getattr(room, name) for name in fields}, "of": room.id} for room in changed]
        )
