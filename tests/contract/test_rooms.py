"""Rooms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage import dialogs, inbox, outbox, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import Dialog, Room, RoomKind, RoomState
from tests.contract.conftest import Database
from tests.contract.fill import COMMUNITY, GRID, MICRO, NOW, draft, message, new_ticket


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


# --- a group under another id, and two of our accounts in one group ---
async def bound(store: Store, im_id: str, account: str = "a", **fields: object) -> Room:
    """An enabled group named 示例群 for the micro-grid."""
    made = await store.write(lambda tx: rooms.ensure(tx, account, im_id, "示例群", at=NOW))
    return await update(store, made, **{"grid": MICRO, "state": RoomState.ENABLED, **fields})


async def fresh(store: Store, im_id: str = "new", account: str = "a", topic: str = "示例群", days: int = 1) -> Room:
    """The same name under an id that was first seen some days later."""
    at = NOW + timedelta(days=days)
    return await store.write(lambda tx: rooms.ensure(tx, account, im_id, topic, at=at))


async def earlier(store: Store, room: Room) -> str | None:
    found = await store.read(lambda tx: rooms.earlier(tx, room))
    return None if found is None else found.im_id


async def test_a_room_of_the_same_name_is_the_one_under_its_earlier_id(store: Store) -> None:
    await bound(store, "old")
    await ensure(store, "unbound", "另一个群")
    assert await earlier(store, await fresh(store)) == "old"
    assert await earlier(store, await fresh(store, "x", topic="")) is None
    assert await earlier(store, await fresh(store, "y", topic="别的名字")) is None
    assert await earlier(store, await fresh(store, "z", account="b")) is None  # there it is a group of its own


async def test_of_two_rooms_of_one_name_nobody_can_know(store: Store) -> None:
    await bound(store, "old")
    await bound(store, "older")
    assert await earlier(store, await fresh(store)) is None


@pytest.mark.parametrize(("days", "found"), [(0, "old"), (2, "old"), (3, None)])
async def test_a_room_that_goes_on_talking_is_not_gone(store: Store, days: int, found: str | None) -> None:
    old = await bound(store, "old")
    room = await fresh(store)
    day = (NOW + timedelta(days=days)).date()
    await store.write(lambda tx: inbox.count(tx, day, {(old.id, "chat"): 3}))
    assert await earlier(store, room) == found


async def test_another_account_takes_up_where_the_first_was_removed(store: Store) -> None:
    old = await bound(store, "old")
    await update(store, old, state=RoomState.GONE)
    assert await earlier(store, await fresh(store, account="b")) == "old"


async def test_what_hung_on_the_old_id_moves(store: Store, backend: Database) -> None:
    old = await bound(store, "old", silent_until=NOW + timedelta(days=2), noticed_at=NOW)
    new = await fresh(store)
    person = await store.write(lambda tx: people.ensure(tx, "a", "u1", nick="李姐", friend=False))

    async def fill(tx: Tx) -> None:
        ticket = await tickets.file(tx, new_ticket(room_id=old.id))
        await tickets.add_message(tx, replace(message(ticket.number, "m1", person.id), room_id=old.id))
        await tickets.add_reporter(tx, ticket.number, person.id, old.id, NOW)
        await dialogs.ask(tx, Dialog(person.id, "callback", ticket.number, old.id, NOW, NOW + timedelta(days=1)))
        await outbox.put(tx, draft("waits", conversation="old", room_id=old.id))
        sent = await outbox.put(tx, draft("went", conversation="old", room_id=old.id))
        assert sent is not None
        await outbox.mark_sending(tx, sent, NOW)

    await store.write(fill)
    moved = await store.write(lambda tx: rooms.succeed(tx, old, new))
    assert (moved.id, moved.im_id, moved.state, moved.grid) == (new.id, "new", RoomState.ENABLED, MICRO)
    assert (moved.silent_until, moved.noticed_at) == (old.silent_until, NOW)
    left = await store.read(lambda tx: rooms.get(tx, old.id))
    assert left is not None
    assert left.state is RoomState.GONE
    assert await store.read(lambda tx: rooms.successor(tx, old.id)) == new.id
    for table in ("tickets", "ticket_messages", "reporters", "dialogs", "outbox"):
        assert set(backend.rows(f"SELECT room_id FROM {table}")) == {(new.id,)}, table  # noqa: S608
    said = backend.rows("SELECT key, conversation FROM outbox ORDER BY key")
    assert said == [("waits", "new"), ("went", "old")]  # what is on its way went where it went
    assert await earlier(store, await fresh(store, "third")) == "new"


async def test_one_of_our_accounts_answers_a_room(store: Store) -> None:
    first = await bound(store, "r1")
    twin = await store.write(lambda tx: rooms.ensure(tx, "b", "r1", "", at=NOW))
    known_otherwise = await store.write(lambda tx: rooms.ensure(tx, "b", "other-id", "示例群", at=NOW))
    stranger = await store.write(lambda tx: rooms.ensure(tx, "b", "r9", "另一个群", at=NOW))

    async def answering(room: Room, grid: str = MICRO) -> int | None:
        found = await store.read(lambda tx: rooms.answering(tx, room, grid))
        return None if found is None else found.id

    assert await answering(twin) == first.id
    assert await answering(known_otherwise) == first.id
    assert await answering(known_otherwise, GRID) is None
    assert await answering(stranger) is None
    assert await answering(first) is None
    with pytest.raises(Exception, match=r"rooms_answering|rooms\.im_id"):
        await update(store, twin, grid=MICRO, state=RoomState.ENABLED)
