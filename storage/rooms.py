"""Rooms: which account sits in which group, for which grid."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage import accounts, grids, registry, standbys
from storage import outbox as lines
from storage.engine import Tx, insert
from storage.model import GENERAL_GRID_DIGITS, Origin, Room, RoomKind, RoomState, SendState
from storage.tables import membership, metadata
from storage.tables.registry import ANSWERING, rooms
from storage.tables.wire import counters, outbox

_FIELDS = ("id", "account", "im_id", "topic", "kind", "state", "grid", "silent_until", "noticed_at", "taken_at")
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
    """The room behind an IM id; made DORMANT when new; the topic kept up to date (an empty one changes nothing). A new
    one that is the group of another of our accounts stands by there."""
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
        room = Room(*(await tx.execute(statement)).one())
        await standbys.learn(tx, im_id, at=at)
        return room
    return await update(tx, room.id, topic=topic) if topic and topic != room.topic else room


async def find(tx: Tx, account: str, im_id: str) -> Room | None:
    """The room behind an IM id."""
    return _room((await tx.execute(_FIND, {"of": account, "id": im_id})).one_or_none())


async def get(tx: Tx, room_id: int) -> Room | None:
    """The room with our id."""
    return _room((await tx.execute(_GET, {"id": room_id})).one_or_none())


async def every(tx: Tx, accounts: Collection[str] | None = None) -> list[Room]:
    """All rooms, or those of these accounts, by id."""
    query = _ROOM if accounts is None else _ROOM.where(rooms.c.account.in_(accounts))
    return [Room(*row) for row in await tx.execute(query.order_by(rooms.c.id))]


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
    """The enabled leader room that is nearest to the grid (or to what it is today), of those whose account lives. What
    concerns a part of a community goes to the room of its micro-grid, else of its general grid; what concerns a whole
    community, street or district to the room of exactly that."""
    least = min(len(grid), GENERAL_GRID_DIGITS)
    today = await grids.today(tx, grid)
    codes = {code[:end] for code in today for end in range(least, len(code) + 1)}
    query = (
        _ROOM.where(rooms.c.grid.in_(codes), rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED)
        .where(rooms.c.account.not_in(accounts.DEAD))
        .order_by(sa.func.length(rooms.c.grid).desc(), rooms.c.id)
        .limit(1)
    )
    return _room((await tx.execute(query)).one_or_none())


async def leader_room_of(tx: Tx, code: str) -> Room | None:
    """The enabled leader room of exactly this code: that of a community, a street or a district."""
    query = _ROOM.where(rooms.c.grid == code, rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED)
    return _room((await tx.execute(query.order_by(rooms.c.id).limit(1))).one_or_none())


async def leader_rooms_of(tx: Tx, codes: Collection[str]) -> dict[str, list[Room]]:
    """Those of each of these codes that has any, the oldest first."""
    query = _ROOM.where(rooms.c.grid.in_(codes), rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED)
    found: dict[str, list[Room]] = {}
    for row in await tx.execute(query.order_by(rooms.c.id)):
        found.setdefault(row.grid, []).append(Room(*row))
    return found


async def leader_rooms(tx: Tx, scope: str = "") -> list[Room]:
    """The enabled leader rooms of the grids within a scope, the widest first."""
    query = _ROOM.where(rooms.c.kind == RoomKind.LEADER, rooms.c.state == RoomState.ENABLED, rooms.c.grid >= scope)
    query = query.where(rooms.c.grid < scope + ":").order_by(sa.func.length(rooms.c.grid), rooms.c.grid, rooms.c.id)
    return [Room(*row) for row in await tx.execute(query)]


async def within(tx: Tx, scope: str, kind: RoomKind) -> list[Room]:
    """The rooms of that kind bound to a grid within a scope, whatever their state, by grid; without those in which our
    account only stands by: another row is that group."""
    query = _ROOM.where(rooms.c.grid >= scope, rooms.c.grid < scope + ":", rooms.c.kind == kind)
    query = query.where(sa.not_(standbys.standing_by(rooms)))
    return [Room(*row) for row in await tx.execute(query.order_by(rooms.c.grid, rooms.c.id))]


async def many(tx: Tx, ids: Collection[int]) -> list[Room]:
    """The rooms with these ids, by id."""
    return [Room(*row) for row in await tx.execute(_ROOM.where(rooms.c.id.in_(ids)).order_by(rooms.c.id))]


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
    their messages, labels, who stands by, and what waits to be said. The old row stays as history, GONE. Returns the
    new room as it is then."""
    await tx.execute(sa.update(rooms).where(rooms.c.became == old.id).values(became=new.id))
    await tx.execute(sa.update(rooms).where(rooms.c.id == old.id).values(state=RoomState.GONE, became=new.id))
    await standbys.remove(tx, new.account, new.im_id)
    for table in (membership.room_tags, membership.standbys):  # what was known of the new one meanwhile gives way
        await tx.execute(sa.delete(table).where(table.c.room_id == new.id))
    queued = sa.and_(outbox.c.room_id == old.id, outbox.c.state == SendState.QUEUED)
    await tx.execute(sa.update(outbox).where(queued).values(account=new.account, conversation=new.im_id))
    for column in _MENTIONS:
        await tx.execute(sa.update(column.table).where(column == old.id).values({column: new.id}))
    taken = {name: getattr(old, name) for name in ("kind", "grid", "silent_until", "noticed_at")}
    return await update(tx, new.id, state=RoomState.ENABLED, **taken)


async def hand_over(
    tx: Tx, room: Room, to: standbys.Standby, *, at: datetime, stays: bool, heard_until: datetime | None = None
) -> Room:
    """Another account of ours, which is in the group as well, answers there from now on. The row stays, and with it all
    that hangs on it; what waits to be said goes with it, what is being sent or perhaps was stays with the account that
    sent it. `stays`: the account that answered until now is still in the group, as far as we know, and stands by;
    `heard_until`: what was said later it cannot have heard."""
    twin = await find(tx, to.account, to.im_id)
    if twin is not None:  # they change places, and no two rows may have one id meanwhile
        await update(tx, twin.id, im_id=f"{twin.im_id} → {room.id}")
    taken = await update(tx, room.id, account=to.account, im_id=to.im_id, taken_at=heard_until or at)
    if twin is not None:
        state = RoomState.DORMANT if stays else RoomState.GONE
        await update(tx, twin.id, account=room.account, im_id=room.im_id, state=state)
    await standbys.remove(tx, to.account, to.im_id)
    if stays:
        await standbys.add(tx, room.id, room.account, room.im_id, at=at)
    await lines.follow(tx, room, taken)
    await registry.touch(tx)
    return taken


async def successor(tx: Tx, room_id: int) -> int | None:
    """The id of the room that this one became."""
    became: int | None = await tx.scalar(sa.select(rooms.c.became).where(rooms.c.id == room_id))
    return became


async def tag(tx: Tx, room_id: int, tags: Collection[str], origin: Origin) -> None:
    """These are the labels of a room by that source, and no others."""
    table = membership.room_tags
    await tx.execute(sa.delete(table).where(table.c.room_id == room_id, table.c.origin == origin))
    if tags:
        await tx.execute(sa.insert(table), [{"room_id": room_id, "tag": one, "origin": origin} for one in sorted(tags)])


async def tags(tx: Tx, origin: Origin | None = None) -> dict[int, set[str]]:
    """The labels of rooms, by that source or by any, by room."""
    query = sa.select(membership.room_tags.c.room_id, membership.room_tags.c.tag)
    if origin is not None:
        query = query.where(membership.room_tags.c.origin == origin)
    found: dict[int, set[str]] = {}
    for room_id, one in await tx.execute(query):
        found.setdefault(room_id, set()).add(one)
    return found


async def tagged(tx: Tx, word: str, scope: str, kind: RoomKind) -> list[Room]:
    """The rooms of that kind within a scope that have this label, by grid."""
    ids = set(await tx.scalars(sa.select(membership.room_tags.c.room_id).where(membership.room_tags.c.tag == word)))
    return [room for room in await within(tx, scope, kind) if room.id in ids] if ids else []


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
