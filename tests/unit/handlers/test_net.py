"""交办, 问答, 呼叫, 调解 and 未诉先办."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.tasks import leaves
from nlp.decision import Label, Nature
from storage import duty, faq, notes, tasks
from storage.model import DutyKind, Shift, TicketState
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GENERAL, GROUP, MICRO

LIFT = "3栋2单元电梯又坏了"
ASKED = "社保卡补办在哪里办"
NEXT_DOOR = GENERAL + "013"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(ASKED, matter("0901", Label.CANDIDATE, nature=Nature.INQUIRY))
    await stage.cast("王主任", "社区", COMMUNITY)
    await stage.cast("隔壁刘姐", "微网格长", NEXT_DOOR)
    await stage.room("青禾社区13微网格群", NEXT_DOOR)
    yield stage
    await stage.strike()


# --- 交办 ---
async def test_a_task_goes_to_each_grid_and_is_done_by_grid(stage: Judged) -> None:
    await stage.say("王主任", f"交办 @{COMMUNITY} 排查 楼道飞线 3天", room=None)
    for leader in ("刘姐", "隔壁刘姐"):
        assert "J1 排查：楼道飞线" in (await stage.told(leader))[-1]
    await stage.say("刘姐", "完成 J1 清理2处", room=None)
    assert await stage.store.read(lambda tx: tasks.grids_of(tx, 1, open_only=True)) == [NEXT_DOOR]
    await stage.say("隔壁刘姐", "完成J1", room=None)
    assert (await stage.told("王主任"))[-1] == "J1 排查：2个网格，已完成2个。"
    await stage.say("李姐", "查询 J1")
    assert (await stage.said())[-1] == "@李姐 没有 J1 这项任务，请核对。"


async def test_what_is_not_on_the_list_is_refused_and_logged(stage: Judged) -> None:
    await stage.say("王主任", f"交办 @{COMMUNITY} 拉投票 每户10票", room=None)
    assert (await stage.told("王主任"))[-1].startswith("“拉投票”不在事项清单内")
    assert await stage.audited("task_refused") == 1
    assert await stage.store.read(lambda tx: tasks.get(tx, 1)) is None


async def test_only_within_ones_own_scope(stage: Judged) -> None:
    await stage.room("别处", "519999001002001001")
    assert await stage.say("王主任", "交办 @519999001002 排查 飞线", room=None) == "denied"
    assert await stage.say("小张", f"交办 @{COMMUNITY} 排查 飞线", room=None) == "denied"


def test_the_smallest_grids_do_it() -> None:
    assert leaves([COMMUNITY, GENERAL, MICRO, NEXT_DOOR, COMMUNITY + "004"]) == [MICRO, NEXT_DOOR, COMMUNITY + "004"]


# --- 问答 ---
async def test_an_approved_answer_names_its_source_and_makes_no_ticket(stage: Judged) -> None:
    await stage.say("王主任", f"问答 增 {ASKED} => 社区2楼3号窗口 来源：区人社局", room=None)
    assert await stage.say("李姐", ASKED) == "faq"
    assert (await stage.said())[-1] == "@李姐 社区2楼3号窗口（来源：区人社局，2025-06-12）"
    assert not await stage.tickets()
    assert not await stage.candidates()
    # Asked again by the same person: the answer was not what they needed.
    stage.after(hours=2)
    assert await stage.say("李姐", ASKED) == "candidate"


async def test_without_a_source_it_is_the_one_who_approved_it(stage: Judged) -> None:
    await stage.say("王主任", f"问答 增 {ASKED} => 社区2楼", room=None)
    entry = await stage.store.read(lambda tx: faq.get(tx, 1))
    assert entry is not None
    assert entry.source == "社区工作人员王主任"


async def test_where_the_room_is_to_be_quiet_it_is_filed_instead(stage: Judged) -> None:
    await stage.say("王主任", f"问答 增 {ASKED} => 社区2楼", room=None)
    await stage.say("老周", "静音")
    assert await stage.say("李姐", ASKED) == "candidate"


async def test_an_entry_is_its_communitys(stage: Judged) -> None:
    await stage.cast("别的主任", "社区", "519999001002")
    await stage.say("王主任", f"问答 增 {ASKED} => 社区2楼", room=None)
    await stage.say("别的主任", "问答 删 1", room=None)
    assert await stage.store.read(lambda tx: faq.get(tx, 1)) is not None
    await stage.say("王主任", "问答 删 1", room=None)
    assert await stage.say("李姐", ASKED) == "candidate"


# --- 呼叫 ---
async def test_the_first_who_answers_goes(stage: Judged) -> None:
    for member in ("王党员", "李党员"):
        await stage.cast(member, "党员", GENERAL)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "呼叫 S1")
    for member in ("王党员", "李党员"):
        assert LIFT not in (await stage.told(member))[-1]
        await stage.say(member, "应答 S1", room=None)
    assert (await stage.told("王党员"))[-1].startswith("S1 由您先到")
    assert (await stage.told("李党员"))[-1] == "S1 已由 王党员 应答。"
    assert await stage.audited("responded") == 1
    assert "王党员 已出发" in (await stage.told("刘姐"))[-1]


async def test_who_is_on_duty_is_called_before_all_others(stage: Judged) -> None:
    await stage.cast("王党员", "党员", GENERAL)
    on_duty = await stage.cast("李党员", "党员", COMMUNITY)
    hour = stage.now.replace(minute=0)
    shift = Shift(on_duty.id, DutyKind.CALL, COMMUNITY, hour, hour.replace(hour=20))
    await stage.store.write(lambda tx: duty.put(tx, [shift]))
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "呼叫 S1")
    assert await stage.told("李党员")
    assert not await stage.told("王党员")


async def test_residents_neither_call_nor_answer(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    assert await stage.say("老周", "呼叫 S1") == "denied"
    assert await stage.say("老周", "应答 S1") == "denied"


# --- 调解 ---
async def test_mediation_is_told_and_handled_in_private(stage: Judged) -> None:
    await stage.say("李姐", "调解 楼上漏水赔偿谈不拢", room=None)
    ticket = await stage.the_ticket()
    assert (ticket.category, ticket.confidential, ticket.room_id) == ("0801", True, None)
    assert "不公开" in (await stage.told("李姐"))[-1]
    assert "李姐" not in (await stage.told("王主任"))[-1]
    await stage.say("王主任", "办结 S1 双方签了协议", room=None)
    assert "已处理" in (await stage.told("李姐"))[-1]
    assert await stage.said() == []


async def test_in_the_group_nothing_of_it_is_kept(stage: Judged) -> None:
    await stage.say("李姐", "/调解 楼上漏水赔偿谈不拢")
    assert await stage.tickets() == []
    assert (await stage.said(GROUP)) == ["@李姐 调解的事请加我好友后私聊说，不公开。"]


# --- 未诉先办 ---
async def three(stage: Judged, *who: str) -> None:
    for index, person in enumerate(who):
        text = f"{index + 5}栋电梯坏了"
        stage.judge(text, matter("0101", building=str(index + 5), objects=("电梯",)))
        await stage.say(person, text)
        stage.after(days=1)


async def test_three_people_in_a_week_and_the_grid_takes_it_up_once(stage: Judged) -> None:
    await three(stage, "李姐", "老周", "阿芳", "陈伯")
    made = [ticket for ticket in await stage.tickets() if ticket.proactive]
    assert [(ticket.grid, ticket.state) for ticket in made] == [(GENERAL, TicketState.FILED)]
    evidence = await stage.store.read(lambda tx: notes.of_ticket(tx, made[0].number))
    assert [note.text for note in evidence] == ["S1、S2、S3"]
    assert any("【未诉先办】S4" in line for line in await stage.told("王主任"))
    # There is nobody to ask whether it is solved.
    await stage.say("王主任", "办结 S4 三部电梯一起大修", room=None)
    (ticket,) = [ticket for ticket in await stage.tickets() if ticket.proactive]
    assert ticket.state is TicketState.CLOSED


@pytest.mark.parametrize("who", [("李姐", "李姐", "老周"), ("李姐", "老周")])
async def test_fewer_people_are_no_trouble_of_the_grid(stage: Judged, who: tuple[str, ...]) -> None:
    await three(stage, *who)
    assert not [ticket for ticket in await stage.tickets() if ticket.proactive]
