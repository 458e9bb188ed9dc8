"""合并, 撤并, and the grid that widens with a trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.model import Level, TicketState
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GENERAL, GROUP, MICRO

FIRST, SECOND, THIRD = "3栋2单元电梯又坏了", "5栋电梯坏了", "停水了"
DISPUTE = "楼上漏水泡了我家"
NEXT_DOOR, OTHER_GRID = GENERAL + "013", COMMUNITY + "004001"
GROUP_13, GROUP_4 = "青禾社区13微网格群", "青禾社区4网格群"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(FIRST, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(SECOND, matter("0101", building="5", objects=("电梯",)))
    stage.judge(THIRD, matter("0102", building="3", objects=("停水",)))
    stage.judge(DISPUTE, matter("0801", building="3", objects=("漏水",)))
    await stage.room(GROUP_13, NEXT_DOOR)
    await stage.room(GROUP_4, OTHER_GRID)
    yield stage
    await stage.strike()


async def two(stage: Judged) -> None:
    await stage.say("李姐", FIRST)
    await stage.say("阿芳", SECOND)


async def test_the_reporters_of_both_hear_of_the_one_result(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "合并 S1 S2")
    first, second = await stage.tickets()
    assert (first.reporters, second.state, second.merged_into) == (2, TicketState.MERGED, 1)
    await stage.say("刘姐", "办结 S1 换了控制柜")
    stage.after(hours=1)
    assert (await stage.said())[-1] == "@李姐 @阿芳 S1（含S2） 电梯故障 已处理，请回复：1 已解决 2 未解决"
    await stage.say("阿芳", "2 还是坏的")
    assert (await stage.tickets())[0].reopened == 1


async def test_who_acts_on_the_merged_one_is_told_of_the_other(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("刘姐", "派单 S2 物业")
    assert "@刘姐 S2 现在是“并案”，随 S1 一起办，分开办请发 撤并 S2。" in await stage.said()


async def test_who_rates_the_merged_one_rates_the_other(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("刘姐", "办结 S1 换了控制柜")
    await stage.say("阿芳", "评价 S2 满意")
    first, second = await stage.tickets()
    assert (first.state, first.rating, second.state) == (TicketState.CLOSED, 5, TicketState.MERGED)


async def test_a_neighbour_of_the_merged_one_joins_the_other(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("老周", SECOND)
    first, second = await stage.tickets()
    assert (first.reporters, second.reporters) == (3, 1)


async def test_taking_them_apart_gives_both_back_what_they_had(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "派单 S2 物业")
    before = await stage.tickets()
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("刘姐", "撤并 S2")
    after = await stage.tickets()
    for old, new in zip(before, after, strict=True):
        assert (new.state, new.reporters, new.grid, new.owner_role, new.closed_at, new.merged_into) == (
            old.state,
            old.reporters,
            old.grid,
            old.owner_role,
            None,
            None,
        )
    assert [reporter.nick for reporter in await stage.reporters(1)] == ["李姐"]
    assert [entry.action for entry in await stage.trail(2)][-2:] == ["merged", "unmerged"]


async def test_who_spoke_up_meanwhile_stays(stage: Judged) -> None:
    await two(stage)
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("阿芳", "补充 S1 我家这边也一样")
    await stage.say("刘姐", "撤并 S2")
    assert [reporter.nick for reporter in await stage.reporters(1)] == ["李姐", "阿芳"]


async def test_what_went_into_another_one_comes_out_in_order(stage: Judged) -> None:
    await two(stage)
    stage.judge("8栋电梯坏了", matter("0101", building="8", objects=("电梯",)))
    await stage.say("老周", "8栋电梯坏了")
    stage.after(minutes=1)
    await stage.say("刘姐", "合并 S1 S2")
    await stage.say("刘姐", "合并 S3 S1")
    assert [ticket.reporters for ticket in await stage.tickets()][2] == 3
    await stage.say("刘姐", "撤并 S2")
    assert (await stage.said())[-1].endswith("请先 撤并 S1，再 撤并 S2")
    await stage.say("刘姐", "撤并 S1")
    await stage.say("刘姐", "撤并 S2")
    tickets = await stage.tickets()
    assert [ticket.reporters for ticket in tickets if not ticket.proactive] == [1, 1, 1]


async def test_what_is_confidential_goes_into_nothing_public(stage: Judged) -> None:
    await stage.say("李姐", FIRST)
    await stage.say("阿芳", DISPUTE)
    await stage.say("刘姐", "合并 S1 S2", room=None)
    assert (await stage.told("刘姐"))[-1] == "S1 和 S2 一件保密一件不保密，不能合并。"


async def test_both_grids_must_be_the_speakers(stage: Judged) -> None:
    await stage.say("李姐", FIRST)
    await stage.say("阿芳", SECOND, room=GROUP_4)
    assert await stage.say("刘姐", "合并 S1 S2") == "denied"
    assert await stage.say("刘姐", "合并 S2 S1") == "denied"


async def test_a_trouble_next_door_widens_the_grid_and_both_leaders_keep_it(stage: Judged) -> None:
    await stage.cast("隔壁刘姐", "微网格长", NEXT_DOOR)
    await stage.say("李姐", THIRD)
    await stage.say("阿芳", THIRD, room=GROUP_13)
    ticket = await stage.the_ticket()
    assert (ticket.grid, ticket.level, ticket.reporters) == (GENERAL, Level.GRID, 2)
    assert "【诉求】S1" in (await stage.told("隔壁刘姐"))[-1]
    assert await stage.say("隔壁刘姐", "派单 S1 物业", room=GROUP_13) == "command"
    await stage.say("刘姐", "督办 S1", room=GROUP)
    await stage.say("刘姐", "改址 S1 3栋", room=GROUP)
    assert (await stage.the_ticket()).state is TicketState.ASSIGNED
    stage.after(days=30)
    await stage.say("隔壁刘姐", "待办", room=None)
    assert "S1 供水" in (await stage.told("隔壁刘姐"))[-1]


async def test_all_over_the_community_it_is_the_communitys(stage: Judged) -> None:
    await stage.cast("王主任", "社区", COMMUNITY)
    await stage.say("李姐", THIRD)
    await stage.say("阿芳", THIRD, room=GROUP_4)
    ticket = await stage.the_ticket()
    assert (ticket.grid, ticket.level) == (COMMUNITY, Level.COMMUNITY)
    assert any("已扩散到全社区" in line for line in await stage.told("王主任"))
    assert MICRO.startswith(ticket.grid or "-")
