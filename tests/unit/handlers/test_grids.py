"""Which grid a private message names, in a district where names repeat."""

from __future__ import annotations

import pytest

from handlers import grids as places
from storage import grids
from storage.model import Grid
from tests.unit.handlers.stage import Stage

A, B = "519999002001", "519999002002"


@pytest.fixture
async def district(stage: Stage) -> Stage:
    """Two communities, a first grid in each."""
    tree = [
        Grid("519999002", "示例街道"),
        Grid(A, "青云社区"),
        Grid(B, "白塔社区"),
        Grid(A + "001", "第一网格"),
        Grid(B + "001", "第一网格"),
        Grid(A + "002", "第二网格"),
        Grid(A + "001001", "锦绣苑"),
        Grid(A + "001002", "锦绣苑北区"),
        Grid(A + "002001", "柳荫苑"),
        Grid(B + "001001", "柳荫苑"),
    ]
    await stage.store.write(lambda tx: grids.put(tx, tree))
    return stage


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("青云社区第一网格的路灯坏了", A + "001"),
        ("白塔社区第一网格的路灯坏了", B + "001"),
        ("第一网格的路灯坏了", None),
        ("第二网格的路灯坏了", A + "002"),
        ("锦绣苑停水了", A + "001001"),
        ("锦绣苑北区停水了", A + "001002"),
        ("柳荫苑停水了", None),
        ("白塔社区柳荫苑停水了", B + "001001"),
        ("青云社区第一网格和第二网格都停水", A),
        ("示例街道停水了", None),
        ("停水了", None),
    ],
)
async def test_the_grid_that_a_message_names(district: Stage, text: str, code: str | None) -> None:
    assert await district.store.read(lambda tx: places.named(tx, text)) == code


async def test_a_grid_that_is_gone_is_not_meant(district: Stage) -> None:
    await district.store.write(lambda tx: grids.retire(tx, [B + "001001"], district.now))
    assert await district.store.read(lambda tx: places.named(tx, "柳荫苑停水了")) == A + "002001"


async def test_the_only_community(stage: Stage, district: Stage) -> None:
    assert await stage.store.read(places.only_community) is None
