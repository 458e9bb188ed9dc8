"""Grids: codes that are right, and what became of those that were split, merged or renumbered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from storage import duty, figures, grids, owners, people, reports, rooms, tickets
from storage.engine import Store, Tx
from storage.grids import CodeFault
from storage.model import (
    Alias,
    DutyKind,
    Grant,
    Grid,
    Origin,
    Owner,
    Person,
    Role,
    RoomKind,
    RoomState,
    Shift,
)
from tests.contract.fill import COMMUNITY, GRID, MICRO, MINUTE, NOW, new_ticket

LEFT, RIGHT, OTHER = GRID + "002", GRID + "003", COMMUNITY + "002001"


# --- codes ---
@pytest.mark.parametrize("code", ["519999", "519999001", COMMUNITY, GRID, MICRO, "110101001001001999"])
def test_a_code_that_is_right(code: str) -> None:
    assert grids.fault(code) is None


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", CodeFault.DIGITS),
        ("51999900100100", CodeFault.DIGITS),
        (MICRO + "001", CodeFault.DIGITS),
        ("51999900100A", CodeFault.DIGITS),
        ("５１９９９９", CodeFault.DIGITS),
        ("199990010010", CodeFault.PROVINCE),
        ("019999001001", CodeFault.PROVINCE),
        ("519999000001", CodeFault.ZERO),
        (GRID + "000", CodeFault.ZERO),
    ],
)
def test_a_code_that_is_not(code: str, fault: CodeFault) -> None:
    assert grids.fault(code) is fault


def test_the_level_above() -> None:
    assert [grids.parent(code) for code in (MICRO, GRID, COMMUNITY, "519999")] == [GRID, COMMUNITY, "519999001", None]


@pytest.mark.parametrize(
    ("taken", "following"),
    [
        ([], GRID + "001"),
        ([GRID + "001", GRID + "007", OTHER, GRID, GRID + "009001"], GRID + "008"),
        ([GRID + "999", GRID + "001"], GRID + "002"),
        ([f"{GRID}{n:03d}" for n in range(1, 1000)], None),
    ],
)
def test_the_next_free_code(taken: list[str], following: str | None) -> None:
    assert grids.next_free(GRID, taken) == following


# --- what is there ---
async def put(store: Store, *codes: str, origin: Origin = Origin.CONFIG) -> None:
    await store.write(lambda tx: grids.put(tx, [Grid(code, f"网格{code[12:]}") for code in codes], origin))


async def move(store: Store, old: str, *new: str) -> list[int]:
    return await store.write(lambda tx: grids.move(tx, old, new, NOW))


async def test_grids_are_named_and_renamed(store: Store) -> None:
    await store.write(lambda tx: grids.put(tx, [Grid(GRID, "第一网格"), Grid(COMMUNITY, "示例社区")]))
    await store.write(lambda tx: grids.put(tx, [Grid(GRID, "一网格")]))
    await store.write(lambda tx: grids.put(tx, []))
    assert await store.read(grids.names) == {COMMUNITY: "示例社区", GRID: "一网格"}
    assert await store.read(lambda tx: grids.get(tx, GRID)) == Grid(GRID, "一网格")
    assert await store.read(lambda tx: grids.get(tx, MICRO)) is None


async def test_the_config_does_not_take_back_what_an_import_said(store: Store) -> None:
    await put(store, GRID)
    await store.write(lambda tx: grids.put(tx, [Grid(GRID, "导入的名字")], Origin.IMPORT))
    await put(store, GRID)
    assert await store.read(grids.every) == {GRID: grids.Known("导入的名字", True, Origin.IMPORT)}


async def test_a_retired_grid_is_found_by_its_name_only_where_history_is_asked_for(store: Store) -> None:
    await put(store, GRID, MICRO)
    await store.write(lambda tx: grids.retire(tx, [MICRO], NOW))
    await put(store, MICRO)  # the config still names it
    assert await store.read(grids.names) == {GRID: "网格001"}
    assert set(await store.read(lambda tx: grids.names(tx, retired=True))) == {GRID, MICRO}
    assert await store.read(lambda tx: grids.get(tx, MICRO)) is None
    await store.write(lambda tx: grids.revive(tx, [MICRO]))
    assert await store.read(lambda tx: grids.get(tx, MICRO)) is not None


# --- split, merged, renumbered ---
async def test_several_steps_are_one(store: Store) -> None:
    await put(store, MICRO, LEFT, RIGHT, OTHER)
    await move(store, MICRO, LEFT)
    await move(store, LEFT, RIGHT, OTHER)
    assert await store.read(grids.moves) == {MICRO: {LEFT, RIGHT, OTHER}, LEFT: {RIGHT, OTHER}}
    assert await store.read(lambda tx: grids.today(tx, MICRO)) == {MICRO, LEFT, RIGHT, OTHER}
    assert await store.read(lambda tx: grids.today(tx, RIGHT)) == {RIGHT}


async def test_a_scope_finds_what_was_there_before(store: Store) -> None:
    await put(store, MICRO, LEFT, OTHER)
    await move(store, MICRO, LEFT, OTHER)
    for code in (MICRO, LEFT, OTHER, RIGHT):
        await store.write(lambda tx, code=code: tickets.file(tx, new_ticket(grid=code)))

    async def found(scope: str) -> list[int]:
        rows: list[int] = []

        async def read(tx: Tx) -> None:
            async for chunk in reports.register(tx, reports.Filter(grid=scope)):
                rows.extend(row.number for row in chunk)

        await store.read(read)
        return rows

    assert await found(OTHER[:15]) == [1, 3]
    assert await found(LEFT) == [1, 2]
    assert await found(RIGHT) == [4]
    assert await found(COMMUNITY) == [1, 2, 3, 4]
    day = NOW - timedelta(days=1), NOW + timedelta(days=1)
    assert (await store.read(lambda tx: figures.total(tx, *day, OTHER))).filed == 2


async def leader(store: Store, name: str, *scopes: str, role: Role = Role.MICRO_LEADER) -> Person:
    grants = [Grant(role, scope) for scope in scopes]
    return await store.write(lambda tx: people.import_person(tx, name, grants, [Alias("a", name)]))


async def grants_of(store: Store, name: str) -> list[tuple[str, bool]]:
    person = await store.read(lambda tx: people.find(tx, "a", name))
    assert person is not None
    return [(grant.scope, grant.derived) for grant in person.grants]


async def test_rights_go_on_over_what_a_grid_became_and_what_it_was(store: Store) -> None:
    await put(store, MICRO, LEFT, RIGHT, OTHER)
    await leader(store, "旧", MICRO)
    await leader(store, "左", LEFT)
    await leader(store, "别处", OTHER)
    await leader(store, "社区", COMMUNITY, role=Role.COMMUNITY)
    await move(store, MICRO, LEFT, RIGHT)
    assert await grants_of(store, "旧") == [(MICRO, False), (LEFT, True), (RIGHT, True)]
    assert await grants_of(store, "左") == [(LEFT, False), (MICRO, True)]
    assert await grants_of(store, "别处") == [(OTHER, False)]
    assert await grants_of(store, "社区") == [(COMMUNITY, False), (MICRO, True)]


async def test_whoever_gets_two_grids_in_one_sees_the_tickets_of_both(store: Store) -> None:
    await put(store, LEFT, RIGHT, OTHER)
    await leader(store, "左", LEFT)
    await move(store, LEFT, OTHER)
    await move(store, RIGHT, OTHER)
    assert sorted(await grants_of(store, "左")) == sorted([(LEFT, False), (OTHER, True), (RIGHT, True)])


async def test_a_right_that_follows_is_not_written_down(store: Store) -> None:
    await put(store, MICRO, LEFT)
    await leader(store, "旧", MICRO)
    await move(store, MICRO, LEFT)
    again = await leader(store, "旧", MICRO)
    assert [grant.scope for grant in again.grants if not grant.derived] == [MICRO]


async def led_by(store: Store, grid: str) -> list[str]:
    found = await store.read(lambda tx: people.with_role(tx, [Role.MICRO_LEADER], grid))
    return [person.name for person in found]


async def test_the_leaders_of_old_and_new_are_found_for_either(store: Store) -> None:
    await put(store, MICRO, LEFT, RIGHT)
    for name, scope in (("旧", MICRO), ("左", LEFT), ("右", RIGHT)):
        await leader(store, name, scope)
    await move(store, MICRO, LEFT, RIGHT)
    assert await led_by(store, MICRO) == ["旧", "左", "右"]
    assert await led_by(store, LEFT) == ["旧", "左"]
    together = await store.read(lambda tx: people.with_role_in(tx, [Role.MICRO_LEADER], [MICRO, RIGHT]))
    assert {grid: [person.name for person in over] for grid, over in together.items()} == {
        MICRO: ["旧", "左", "右"],
        RIGHT: ["旧", "右"],
    }


async def room(store: Store, im_id: str, grid: str, kind: RoomKind = RoomKind.RESIDENT) -> int:
    async def work(tx: Tx) -> int:
        made = await rooms.ensure(tx, "a", im_id, im_id, at=NOW)
        await rooms.update(tx, made.id, grid=grid, kind=kind, state=RoomState.ENABLED)
        return made.id

    return await store.write(work)


async def grid_of(store: Store, room_id: int) -> str | None:
    found = await store.read(lambda tx: rooms.get(tx, room_id))
    assert found is not None
    return found.grid


@pytest.mark.parametrize(("new", "bound"), [([OTHER], OTHER), ([LEFT, RIGHT], MICRO)])
async def test_rooms_go_along_where_it_is_clear_whereto(store: Store, new: Sequence[str], bound: str) -> None:
    await put(store, MICRO, LEFT, RIGHT, OTHER)
    group = await room(store, "群", MICRO)
    assert await move(store, MICRO, *new) == ([] if bound == OTHER else [group])
    assert await grid_of(store, group) == bound


async def test_the_leader_room_of_the_new_grid_hears_of_the_old_one(store: Store) -> None:
    await put(store, MICRO, OTHER)
    there = await room(store, "工作群", OTHER, RoomKind.LEADER)
    await move(store, MICRO, OTHER)
    found = await store.read(lambda tx: rooms.leader_room(tx, MICRO))
    assert found is not None
    assert found.id == there


async def test_owners_and_duty_go_along(store: Store) -> None:
    await put(store, MICRO, LEFT, RIGHT)
    person = await leader(store, "旧", MICRO)
    shift = Shift(person.id, DutyKind.CALL, MICRO, NOW, NOW + MINUTE)

    async def fill(tx: Tx) -> None:
        await owners.put(tx, [Owner("01", MICRO, Role.PROPERTY), Owner("01", LEFT, Role.POLICE)])
        await duty.put(tx, [shift])

    await store.write(fill)
    await move(store, MICRO, LEFT, RIGHT)
    assert await store.read(owners.every) == [
        Owner("01", LEFT, Role.POLICE),  # what was there stays
        Owner("01", RIGHT, Role.PROPERTY),
    ]
    assert [one.scope for one in await store.read(lambda tx: duty.from_then(tx, NOW))] == [LEFT, RIGHT]
