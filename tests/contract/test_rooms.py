"""Rooms."""

from __future__ import annotations

import pytest

from storage import rooms
from storage.engine import Store
from storage.model import Room, RoomKind, RoomState
from tests.contract.fill import COMMUNITY, GRID, MICRO, NOW


async def ensure(store: Store, im_id: str, topic: str = "") -> Room:
    return await store.write(lambda tx: rooms.ensure(tx, "a", im_id, topic, at=NOW))


async def update(store: Store, room: Room, **fields: object) -> Room:
    return await store.write(lambda tx: rooms.update(tx, room.id, **fields))


async def test_a_new_room_is_dormant_and_its_topic_kept_up_to_date(store: Store) -> None:
    room = await ensure(store, "r1", "示例小区")
    assert room == Room(room.id, "a", "r1", "示例小区", RoomKind.RESIDENT, RoomState.DORMANT)
    assert await ensure(store, "r1") == room
    renamed = await ensure(store, "r1", "示例小区业主群")
    assert (renamed.id, renamed.topic) == (room.id, "示例小区业主群")
    assert await store.read(lambda tx: rooms.find(tx, "a", "r1")) == renamed
    assert await store.read(lambda tx: rooms.find(tx, "b", "r1")) is None
    assert await store.read(lambda tx: rooms.get(tx, room.id)) == renamed
    assert await store.read(lambda tx: rooms.get(tx, 99)) is None


async def test_fields_are_set(store: Store) -> None:
    room = await ensure(store, "r1")
    changed = await update(store, room, state=RoomState.ENABLED, grid=MICRO, silent_until=NOW, noticed_at=NOW)
    assert (changed.state, changed.grid, changed.silent_until, changed.noticed_at) == (
        RoomState.ENABLED,
        MICRO,
        NOW,
        NOW,
    )
    assert (await update(store, room, silent_until=None)).silent_until is None
    with pytest.raises(TypeError, match="colour"):
        await update(store, room, colour="red")
    with pytest.raises(LookupError):
        await store.write(lambda tx: rooms.update(tx, 99, topic="x"))


async def test_the_nearest_leader_room_that_is_open(store: Store) -> None:
    leader = {"kind": RoomKind.LEADER, "state": RoomState.ENABLED}
    general = await update(store, await ensure(store, "r1"), grid=GRID, **leader)
    micro = await update(store, await ensure(store, "r2"), grid=MICRO, **leader)
    await update(store, await ensure(store, "r3"), grid=COMMUNITY, **leader)
    await update(store, await ensure(store, "r4"), grid=MICRO, state=RoomState.ENABLED)

    async def found(grid: str) -> str | None:
        room = await store.read(lambda tx: rooms.leader_room(tx, grid))
        return None if room is None else room.im_id

    assert [await found(grid) for grid in (MICRO, GRID, GRID + "002", COMMUNITY, "")] == ["r2", "r1", "r1", "r3", None]
    await update(store, micro, state=RoomState.DORMANT)
    assert await found(MICRO) == "r1"
    await update(store, general, state=RoomState.GONE)
    assert await found(MICRO) is None


async def test_every_room(store: Store) -> None:
    made = [await ensure(store, f"r{number}") for number in range(3)]
    assert await store.read(rooms.every) == made


async def test_a_room_of_the_config(store: Store) -> None:
    async def bring(grid: str | None, state: RoomState | None = None) -> Room:
        return await store.write(
            lambda tx: rooms.import_room(tx, "a", "r1", kind=RoomKind.LEADER, grid=grid, at=NOW, state=state)
        )

    room = await bring(GRID)
    assert (room.kind, room.state, room.grid) == (RoomKind.LEADER, RoomState.ENABLED, GRID)
    await update(store, room, state=RoomState.DORMANT)
    assert (await bring(GRID)).state is RoomState.DORMANT
    assert (await bring(GRID, RoomState.ENABLED)).state is RoomState.ENABLED
