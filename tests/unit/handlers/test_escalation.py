"""吹哨, 督办, 延期 and 不受理: what goes beyond the usual course."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from handlers import escalation
from handlers.context import Effects
from handlers.escalation import Why
from storage import notes
from storage import tickets as rows
from storage.engine import Tx
from storage.model import Level, RoomKind, Ticket, TicketState
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, MICRO

LIFT, FIRE = "3栋2单元电梯又坏了", "6栋起火了"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(FIRE, matter("0501", building="6", objects=("起火",)))
    await stage.cast("王主任", "社区", COMMUNITY)
    await stage.cast("陈科长", "街道", COMMUNITY[:9])
    await stage.cast("住建局", "部门", COMMUNITY[:6])
    yield stage
    await stage.strike()


async def raise_by_the_clock(stage: Judged, why: Why) -> Ticket | None:
    async def work(tx: Tx) -> Ticket | None:
        ticket = await rows.get(tx, 1)
        assert ticket is not None
        return await escalation.raise_level(Effects(tx, stage.now, stage.policy), ticket, why, None)

    return await stage.store.write(work)


async def test_the_clock_raises_it_step_by_step_and_each_is_stamped(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    levels = []
    for _ in range(4):
        raised = await raise_by_the_clock(stage, Why.ACK)
        levels.append(raised.level if raised is not None else None)
    assert levels == [Level.COMMUNITY, Level.STREET, Level.DEPARTMENT, None]
    for person, line in (("王主任", "到社区"), ("陈科长", "到街道"), ("住建局", "到部门")):
        assert line in (await stage.told(person))[-1]
    stamped = await stage.store.read(lambda tx: notes.of_ticket(tx, 1))
    assert [(note.level, note.person_id) for note in stamped] == [(level, None) for level in levels[:3]]
    assert [entry.detail["why"] for entry in await stage.trail() if entry.action == "raised"] == ["ack"] * 3


async def test_who_is_told_of_one_that_is_being_worked_on_is_offered_what_can_be_done(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "接单 S1")
    for _ in range(3):
        await raise_by_the_clock(stage, Why.CLOSE)
    for person in ("王主任", "陈科长", "住建局"):
        line = (await stage.told(person))[-1]
        assert "小张已接单" in line
        assert "派单 S1" not in line
        assert "回复 接单 S1" not in line
    await stage.say("王主任", "办结 S1 换了门机", room=None)
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_an_emergency_skips_the_community_which_knows(stage: Judged) -> None:
    await stage.say("李姐", FIRE)
    raised = await raise_by_the_clock(stage, Why.ACK)
    assert raised is not None
    assert raised.level is Level.STREET


async def test_what_is_over_does_not_rise(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "撤回 S1")
    assert await raise_by_the_clock(stage, Why.CLOSE) is None


async def test_the_leader_room_of_the_level_hears_of_it(stage: Judged) -> None:
    await stage.room("青禾社区工作群", COMMUNITY, kind=RoomKind.LEADER)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "吹哨 S1 要社区协调")
    assert "【吹哨】S1" in (await stage.said("青禾社区工作群"))[-1]
    assert "要社区协调（刘姐）" in (await stage.said("青禾社区工作群"))[-1]


async def test_a_department_takes_what_has_risen_to_it(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("住建局", "接单 S1")
    assert (await stage.the_ticket()).state is TicketState.FILED
    for who in ("刘姐", "王主任", "陈科长"):
        await stage.say(who, "吹哨 S1")
    await stage.say("住建局", "接单 S1")
    assert (await stage.the_ticket()).state is TicketState.ACCEPTED


async def test_extensions_add_up_to_the_limit_and_no_further(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    limit = (await stage.the_ticket()).due
    await stage.say("刘姐", "派单 S1 物业 1h")
    await stage.say("小张", "接单 S1")
    first = (await stage.the_ticket()).due
    assert first is not None
    await stage.say("小张", "延期 S1 2小时 等师傅")
    assert (await stage.the_ticket()).due == first + timedelta(hours=2)
    await stage.say("小张", "延期 S1 9天 等配件")
    assert (await stage.the_ticket()).due == first + timedelta(hours=2)
    assert "同意请回复 延期 S1 9天 同意" in (await stage.told("王主任"))[-1]
    await stage.say("王主任", "延期 S1 9天 同意", room=None)
    due = (await stage.the_ticket()).due
    assert due is not None
    assert limit is not None
    assert due > limit


async def test_a_second_refusal_needs_another_person(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "不受理 S1 不属实")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.founded, ticket.result) == (TicketState.REFUSED, False, "不属实")
    await stage.say("李姐", "评价 S1 不满意")
    await stage.say("刘姐", "不受理 S1 不属实")
    assert (await stage.the_ticket()).state is TicketState.FILED
    await stage.say("王主任", "不受理 S1 超职责")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.out_of_remit) == (TicketState.REFUSED, True)


async def test_the_reporter_reads_the_word_of_the_list_and_not_the_remark(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "不受理 S1 重复，这家人天天来闹")
    stage.after(hours=1)
    assert (await stage.said())[-1] == "@李姐 S1 电梯故障 不予受理：重复。不同意请回复 评价 S1 不满意"


async def test_watched_from_above_it_stands_first(stage: Judged) -> None:
    stage.judge("5栋门禁坏了", matter("0107", building="5", objects=("门禁",)))
    await stage.say("李姐", LIFT)
    await stage.say("阿芳", "5栋门禁坏了")
    await stage.say("王主任", "督办 S2 抓紧", room=None)
    await stage.say("刘姐", "待办", room=None)
    assert (await stage.told("刘姐"))[-1].splitlines()[1].startswith("[督办·未派] S2")


async def test_who_has_no_grid_there_is_not_heard(stage: Judged) -> None:
    await stage.cast("隔壁主任", "社区", "519999001002")
    await stage.say("李姐", LIFT)
    for said in ("督办 S1", "吹哨 S1", "不受理 S1 重复", "合并 S1 S1"):
        assert await stage.say("隔壁主任", said) == "denied"
    assert await stage.audited("denied") == 4
    assert MICRO.startswith(COMMUNITY)
