"""What the config says of rooms comes into the store at start, and a running bot learns of imports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import registry, rooms, standbys, tickets
from storage.engine import Store, Tx
from storage.model import Message, MessageKind, Room, RoomKind, RoomState
from storage.testing import fresh_store

NOW = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
GRID = "519999001001003012"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await fresh_store(tmp_path) as opened:
        yield opened


async def bring(store: Store, *known: KnownRoom) -> list[RoomState]:
    await store.write(lambda tx: Registry(rooms=known).store(tx, NOW))
    return [room.state for room in await store.read(rooms.every)]


async def test_of_two_accounts_in_a_room_the_config_opens_one(store: Store) -> None:
    one, two = (KnownRoom(account, "r1", GRID, enabled=True) for account in ("a", "b"))
    assert await bring(store, one, two) == [RoomState.ENABLED, RoomState.DORMANT]
    assert await bring(store, two, one) == [RoomState.ENABLED, RoomState.DORMANT]


async def test_a_running_bot_hears_a_room_that_an_import_enabled(store: Store) -> None:
    clock = VirtualClock(NOW)
    wire = Simulator("a", clock)
    await bring(store, KnownRoom("a", "r1", None))
    house = House(
        store=store,
        classifier=Classifier.load(),
        policy=Policy(categories=categories.load()),
        transports=[wire],
        budget=Budget(),
        clock=clock,
        seed=1,
    )
    await house.start()

    async def say(name: str) -> int:
        clock.advance(clock.now() + timedelta(minutes=1))
        wire.say(Message("a", name, MessageKind.TEXT, "r1", "李姐", clock.now(), "3栋2单元电梯坏了", nick="李姐"))
        await house.hear("a", wire.take())
        return len(await store.read(tickets.search))

    async def imported(tx: Tx) -> None:
        (room,) = await rooms.every(tx)
        await rooms.put(tx, [], [Room(room.id, "a", "r1", "", RoomKind.RESIDENT, RoomState.ENABLED, GRID)], NOW)
        await registry.touch(tx)

    assert await say("m1") == 0
    await store.write(imported)
    await house.tick()
    assert await say("m2") == 1


# --- a config that was written before another account took over ---
@pytest.mark.parametrize("known_as", ["r1", "id-of-b"])
async def test_a_start_leaves_a_group_with_the_account_that_took_over(store: Store, known_as: str) -> None:
    entry = KnownRoom("a", "r1", GRID, enabled=True, standby=(("b", known_as),), tags=("沿河",))
    await bring(store, entry)

    async def hand_over(tx: Tx) -> Room:
        room = await rooms.get(tx, 1)
        assert room is not None
        (to,) = await standbys.of_room(tx, room.id)
        taken = await rooms.hand_over(tx, room, to, at=NOW, stays=True)
        await rooms.ensure(tx, "a", "r1", "", at=NOW)  # it is back, and hears
        return taken

    taken = await store.write(hand_over)
    for _ in range(2):
        assert await bring(store, entry) == [RoomState.ENABLED, RoomState.DORMANT]
    assert await store.read(lambda tx: rooms.get(tx, taken.id)) == taken
    assert await store.read(rooms.tags) == {taken.id: {"沿河"}}
    assert [one.account for one in await store.read(lambda tx: standbys.of_room(tx, taken.id))] == ["a"]


async def test_a_label_that_leaves_the_config_is_gone(store: Store) -> None:
    await bring(store, KnownRoom("a", "r1", GRID, tags=("沿河", "独居老人")))
    await bring(store, KnownRoom("a", "r1", GRID, tags=("沿河",)))
    assert await store.read(rooms.tags) == {1: {"沿河"}}
