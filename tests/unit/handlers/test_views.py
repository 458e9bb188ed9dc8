"""待办: what waits in one's scope."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.model import RoomKind
from tests.unit.handlers.judged import Judged, judged, matter, maybe

DESK = "工作群"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    await stage.room(DESK, "519999001001003", kind=RoomKind.LEADER)
    for building in range(1, 13):
        stage.judge(f"{building}栋电梯坏了", matter("0101", building=str(building), objects=("电梯",)))
    stage.judge("免费看狗狗", maybe("0208"))
    yield stage
    await stage.strike()


async def test_candidates_unassigned_and_overdue(stage: Judged) -> None:
    await stage.say("a", "1栋电梯坏了")
    stage.after(days=10)
    await stage.say("b", "2栋电梯坏了")
    await stage.say("c", "3栋电梯坏了")
    await stage.say("刘姐", "派单 S3 物业")
    await stage.say("路人甲", "免费看狗狗")
    await stage.say("刘姐", "待办", room=DESK)
    lines = (await stage.said(DESK))[-1].removeprefix("@刘姐 ").split("\n")
    assert lines[0] == "待办：候选 1，未派 1，超期 1"
    assert [line.partition("，限")[0] for line in lines[1:]] == [
        "[超期] S1 电梯故障 1栋",
        "[候选] S4 宠物粪便",
        "[未派] S2 电梯故障 2栋",
    ]


async def test_never_more_than_eight_lines(stage: Judged) -> None:
    for building in range(1, 13):
        await stage.say(f"u{building}", f"{building}栋电梯坏了")
    await stage.say("刘姐", "待办", room=DESK)
    lines = (await stage.said(DESK))[-1].split("\n")
    assert len(lines) == 8
    assert lines[-1] == "另有 6 件"


async def test_in_a_residents_group_only_how_much(stage: Judged) -> None:
    await stage.say("a", "1栋电梯坏了")
    await stage.say("刘姐", "待办")
    assert "@刘姐 待办：候选 0，未派 1，超期 0，详情已私下发您。" in await stage.said()
    assert all("S1" not in line for line in await stage.said() if "待办" in line)
    assert any("[未派] S1 电梯故障 1栋" in line for line in await stage.told("刘姐"))


async def test_an_owner_sees_what_is_theirs(stage: Judged) -> None:
    await stage.say("a", "1栋电梯坏了")
    await stage.say("b", "2栋电梯坏了")
    await stage.say("刘姐", "派单 S2 物业", room=DESK)
    await stage.say("小张", "待办", room=None)
    lines = (await stage.told("小张"))[-1].split("\n")
    assert [line.partition("，限")[0] for line in lines[1:]] == ["[在办] S2 电梯故障 2栋"]


async def test_another_grid_is_not_shown(stage: Judged) -> None:
    await stage.cast("陈姐", "微网格长", "519999001001004001")
    await stage.say("a", "1栋电梯坏了")
    await stage.say("陈姐", "待办", room=None)
    assert await stage.told("陈姐") == ["没有待办。"]


async def test_a_resident_has_none(stage: Judged) -> None:
    assert await stage.say("a", "待办") == "denied"
