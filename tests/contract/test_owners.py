"""事项 → 承办: the most exact row wins."""

from __future__ import annotations

import pytest

from storage import owners
from storage.engine import Store
from storage.model import Owner, Role
from tests.contract.fill import COMMUNITY, GRID, MICRO

ROWS = [
    Owner("", "", Role.GRID_WORKER),
    Owner("01", "", Role.PROPERTY),
    Owner("01", COMMUNITY, Role.PROPERTY, "示例物业"),
    Owner("0101", "", Role.DEPARTMENT, "示例局"),
    Owner("0101", MICRO, Role.MICRO_LEADER),
]


@pytest.mark.parametrize(
    ("category", "grid", "row"),
    [
        ("0901", MICRO, 0),
        ("0102", "519999009", 1),
        ("0102", MICRO, 2),
        ("0101", GRID, 3),  # the category is more exact than the community's row for its group
        ("0101", MICRO, 4),
        ("0101", None, 3),
        ("0102", None, 1),
    ],
)
async def test_the_longest_category_wins_then_the_longest_grid(
    store: Store, category: str, grid: str | None, row: int
) -> None:
    await store.write(lambda tx: owners.put(tx, ROWS))
    assert await store.read(lambda tx: owners.find(tx, category, grid)) == ROWS[row]


async def test_nobody_is_named(store: Store) -> None:
    await store.write(lambda tx: owners.put(tx, [Owner("01", COMMUNITY, Role.PROPERTY)]))
    assert await store.read(lambda tx: owners.find(tx, "0201", MICRO)) is None
    assert await store.read(lambda tx: owners.find(tx, "0101", None)) is None


async def test_a_row_takes_the_place_of_the_older_one_and_can_go(store: Store) -> None:
    await store.write(lambda tx: owners.put(tx, ROWS[:2]))
    await store.write(lambda tx: owners.put(tx, [Owner("01", "", Role.POLICE)]))
    assert await store.read(owners.every) == [ROWS[0], Owner("01", "", Role.POLICE)]
    await store.write(lambda tx: owners.drop(tx, [("", "")]))
    assert await store.read(owners.every) == [Owner("01", "", Role.POLICE)]
