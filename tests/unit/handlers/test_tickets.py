"""The state table, as people type it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from storage import negatives
from storage.model import Level, RoomKind, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import GROUP

LIFT = "3栋2单元电梯又坏了"
STUCK = "5栋电梯关到人了"
DOGS = "天天免费看狗狗办大事"
FIGHT = "楼上在打人"
DESK = "工作群"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(STUCK, matter("0503", building="5", objects=("电梯",)))
    stage.judge(DOGS, maybe("0208", objects=("狗",)))
    stage.judge(FIGHT, matter("0511", building="10"))
    yield stage
    await stage.strike()


async def states(stage: Judged) -> list[TicketState]:
    return [ticket.state for ticket in await stage.tickets()]


async def last(stage: Judged) -> str:
    """The line that answers the last command."""
    assert stage.last is not None
    key = f"reply:{stage.last.account}:{stage.last.id}"
    return next((line.text.partition("\u2005")[2] or line.text for line in await stage.lines() if line.key == key), "")


# --- the loop ---
async def test_the_whole_loop_and_its_trail(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业 2h")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.due) == (TicketState.ASSIGNED, stage.now + timedelta(hours=2))
    assert (await last(stage)).startswith("S1 已派物业 小张，6月12日12:00前办完")
    (told,) = await stage.told("小张")
    assert told.startswith(f"【派单】S1 电梯故障 3栋2单元 李姐：“{LIFT}”")
    assert "接单 S1" in told
    assert "办结 S1" in told

    await stage.say("小张", "接单 S1")
    await stage.say("小张", "处置中 S1 下午修好")
    assert (await stage.the_ticket()).estimate == "下午修好"
    await stage.say("小张", "办结 S1 换了钢缆")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result, ticket.handled_at) == (TicketState.CALLBACK, "换了钢缆", stage.now)
    assert [(entry.action, entry.before, entry.after) for entry in await stage.trail()] == [
        ("filed", None, "filed"),
        ("assigned", "filed", "assigned"),
        ("taken", "assigned", "accepted"),
        ("in_progress", "accepted", "in_progress"),
        ("finished", "in_progress", "handled"),
        ("finished", "handled", "callback"),
    ]
    assert {entry.right for entry in await stage.trail()} == {
        None,
        "micro_leader:519999001001003012",
        "property:519999001001003",
    }


async def test_a_leader_who_dealt_with_it_skips_the_steps_and_they_are_recorded(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1 我去按了复位")
    ticket = await stage.the_ticket()
    assert ticket.state is TicketState.CALLBACK
    assert ticket.owner_id is not None
    assert ticket.accepted_at == ticket.assigned_at == ticket.handled_at
    skipped = [(entry.after, entry.detail) for entry in await stage.trail() if entry.detail.get("skipped")]
    assert [after for after, _ in skipped] == ["assigned", "accepted", "handled"]


async def test_an_owner_who_never_took_it_may_finish_it(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "办结 S1 修好了")
    assert await states(stage) == [TicketState.CALLBACK]


async def test_what_was_not_assigned_is_nobodys_to_take_or_finish(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    for command in ("接单 S1", "办结 S1 修好了"):
        await stage.say("小张", command)
        assert await last(stage) == "S1 还没派单，请网格长先 派单 S1。".rstrip("。")
    assert await states(stage) == [TicketState.FILED]


async def test_what_was_assigned_to_others_stays_theirs(stage: Judged) -> None:
    await stage.cast("王警官", "民警", "519999001001")
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("王警官", "接单 S1")
    assert await last(stage) == "S1 已派小张，由对方来办。"
    assert await states(stage) == [TicketState.ASSIGNED]


async def test_in_an_emergency_whoever_comes_first_takes_it(stage: Judged) -> None:
    await stage.say("李姐", STUCK)
    await stage.say("小张", "接单 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.level) == (TicketState.ACCEPTED, Level.GRID)
    assert [entry.detail.get("skipped") for entry in await stage.trail() if entry.action == "taken"] == [True, None]
    assert any("【接单】" in line and "小张" in line for line in await stage.told("刘姐"))


async def test_a_command_said_twice_has_one_effect_and_a_true_answer(stage: Judged) -> None:
    await stage.cast("小李", "物业", "519999001001003")
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业 小张")
    await stage.say("小张", "接单 S1")
    version = (await stage.the_ticket()).version
    await stage.say("小张", "接单 S1")
    assert await last(stage) == "S1 已接单，办完请回复 办结 S1 结果"
    await stage.say("小李", "接单 S1")
    assert await last(stage) == "S1 已由 小张 接单。"
    assert (await stage.the_ticket()).version == version


@pytest.mark.parametrize("command", ["派单 S1 物业", "接单 S1", "处置中 S1", "办结 S1 又修了", "误报 S1", "受理 S1"])
async def test_an_impossible_step_changes_nothing_and_says_what_is_possible(stage: Judged, command: str) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1 修好了")
    before = await stage.the_ticket()
    await stage.say("刘姐", command)
    assert await last(stage) == "S1 现在是“待回访”，在等反映人答复。"
    assert await stage.the_ticket() == before


async def test_progress_comes_after_taking(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "处置中 S1")
    assert await last(stage) == "S1 现在是“已派”，可以 接单 S1，退回 S1 理由，或 办结 S1 结果。"


async def test_a_result_is_asked_for(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1")
    assert await last(stage) == "请写上结果，如：办结 S1 已更换水泵"
    assert await states(stage) == [TicketState.FILED]


# --- who it is assigned to ---
async def test_the_narrowest_owner_is_chosen_and_a_named_one_before_all(stage: Judged) -> None:
    await stage.cast("老何", "物业", "519999001001")
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    assert len(await stage.told("小张")) == 1
    assert await stage.told("老何") == []
    await stage.say("刘姐", "派单 S1 物业 老何")
    assert len(await stage.told("老何")) == 1


async def test_two_of_one_company_are_both_told_and_the_first_takes_it(stage: Judged) -> None:
    await stage.cast("小李", "物业", "519999001001003")
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    assert (await stage.the_ticket()).owner_id is None
    assert len(await stage.told("小张")) == len(await stage.told("小李")) == 1
    await stage.say("小李", "接单 S1")
    person = await stage.person("小李")
    assert person is not None
    assert (await stage.the_ticket()).owner_id == person.id


async def test_an_owner_who_cannot_be_reached_is_said_to_be_so(stage: Judged) -> None:
    await stage.cast("王警官", "民警", "519999001001", friend=False)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 民警")
    assert await last(stage) == "S1 已派民警 王警官，但我联系不上，请转告：接单 S1"


async def test_an_owner_without_a_private_chat_reads_it_in_the_leader_room(stage: Judged) -> None:
    await stage.room(DESK, "519999001001003", kind=RoomKind.LEADER)
    await stage.cast("王警官", "民警", "519999001001", friend=False)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 民警", room=DESK)
    assert any(line.startswith("【派单】S1") for line in await stage.said(DESK))


async def test_a_limit_beyond_the_categorys_own_is_not_the_assigners_to_give(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    due = (await stage.the_ticket()).due
    await stage.say("刘姐", "派单 S1 物业 90天")
    assert (await stage.the_ticket()).due == due


async def test_a_confidential_ticket_is_assigned_without_its_reporter(stage: Judged) -> None:
    await stage.say("10-2-604", FIGHT)
    await stage.say("刘姐", "派单 S1 物业")
    assert all("10-2-604" not in line for line in await stage.told("小张"))


# --- candidates ---
async def test_an_accepted_candidate_is_a_ticket_from_now_on(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    stage.after(hours=1)
    await stage.say("刘姐", "受理 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.filed_at) == (TicketState.FILED, stage.now)
    assert ticket.ack_due is not None
    assert ticket.ack_due > stage.now
    assert await last(stage) == "S1 已受理，派单请回复 派单 S1 物业"


async def test_accepted_in_the_leader_room_the_reporter_hears_the_number_in_the_group(stage: Judged) -> None:
    await stage.room(DESK, "519999001001003", kind=RoomKind.LEADER)
    await stage.say("路人甲", DOGS)
    await stage.say("刘姐", "受理 S1", room=DESK)
    assert await stage.said() == ["@路人甲 已登记 S1 宠物粪便，办好了会来问您。"]


async def test_a_false_alarm_is_gone_and_learnt_from(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    stage.after(minutes=10)
    await stage.say("刘姐", "误报 S1")
    assert await stage.candidates() == []
    (lesson,) = await stage.store.read(negatives.every)
    assert (lesson.category, lesson.terms, lesson.rules, lesson.lexicon) == ("0208", ("狗",), ("r1",), "test")
    assert lesson.text == DOGS
    assert [entry.action for entry in await stage.trail()] == ["candidate", "false_alarm"]
    await stage.say("刘姐", "受理 S1")
    assert await last(stage) == "没有 S1 这个编号，请核对。"


async def test_words_that_can_still_be_recalled_are_not_kept_as_a_lesson(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    await stage.say("刘姐", "误报 S1")
    (lesson,) = await stage.store.read(negatives.every)
    assert lesson.text == ""


async def test_a_ticket_wrongly_filed_is_refused_as_a_false_alarm(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "误报 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result) == (TicketState.REFUSED, "误报")
    assert len(await stage.store.read(negatives.every)) == 1


async def test_whose_ticket_was_none_hears_so_in_private_or_not_at_all(stage: Judged) -> None:
    await stage.say("李姐", LIFT, friend=True)
    await stage.say("老周", "我家也是")
    before = await stage.said()
    await stage.say("刘姐", "误报 S1", room=None)
    (told,) = await stage.told("李姐")
    assert told.startswith("S1 电梯故障 核对后没有按诉求办理，编号已撤销。")
    assert await stage.said() == before
    await stage.say("李姐", "评价 S1 不满意", room=None)
    assert await states(stage) == [TicketState.FILED]


async def test_what_a_reporter_insisted_on_is_no_false_alarm(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "误报 S1")
    await stage.say("李姐", "评价 S1 不满意")
    await stage.say("刘姐", "误报 S1")
    assert await states(stage) == [TicketState.FILED]


async def test_what_was_reported_in_so_many_words_is_no_false_alarm(stage: Judged) -> None:
    await stage.say("李姐", "上报 楼道灯坏了")
    await stage.say("刘姐", "误报 S1")
    assert await states(stage) == [TicketState.FILED]


# --- rights ---
@pytest.mark.parametrize("command", ["/办结 S1 修好了", "派单 S1 物业", "接单 S1", "受理 S1", "误报 S1", "处置中 S1"])
async def test_a_resident_may_do_none_of_this_and_hears_nothing(stage: Judged, command: str) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.said()
    assert await stage.say("键盘侠", command) == "denied"
    assert await stage.said() == before
    assert await states(stage) == [TicketState.FILED]
    assert await stage.audited("denied") == 1


async def test_the_leader_of_another_grid_may_not_either(stage: Judged) -> None:
    await stage.cast("陈姐", "微网格长", "519999001001003013")
    await stage.say("李姐", LIFT)
    assert await stage.say("陈姐", "办结 S1 修好了") == "denied"


async def test_the_number_may_be_left_out_where_one_can_be_meant(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "/派单 物业")
    assert await states(stage) == [TicketState.ASSIGNED]
    await stage.say("老周", STUCK)
    await stage.say("刘姐", "/办结 修好了")
    assert await last(stage) == "请写上编号，如：办结 S12 已更换水泵"


# --- residents ---
async def test_query_lists_ones_own(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "查询")
    assert await last(stage) == "S1 电梯故障 3栋2单元：受理"
    await stage.say("老周", "查询")
    assert await last(stage) == "群里没有您在办的诉求。私聊我发“查询”可看全部。"


async def test_query_of_anothers_tells_the_state_only(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("老周", "查询 S1")
    assert await last(stage) == "S1：已派"
    await stage.say("李姐", "查询S1")
    assert "承办 物业 小张" in await last(stage)


async def test_query_hides_what_is_confidential_and_what_is_doubtful(stage: Judged) -> None:
    await stage.say("10-2-604", FIGHT, friend=True)
    await stage.say("10-2-604", "查询", friend=True)
    assert "疑似暴力" not in await last(stage)
    assert any("疑似暴力" in line for line in await stage.told("10-2-604"))
    await stage.say("路人甲", DOGS)
    await stage.say("老周", "查询 S2")
    assert await last(stage) == "没有 S2 这个编号，请核对。"


async def test_a_supplement_is_kept_and_told(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("李姐", "补充 S1 左边那部 打13812345678找我")
    row = (await stage.rows())[-1]
    assert row.text == "左边那部 打138****5678找我"
    assert await last(stage) == "S1 已补充。"
    assert any("左边那部" in line for line in await stage.told("刘姐"))
    assert any("左边那部" in line for line in await stage.told("小张"))


async def test_a_neighbour_who_names_the_number_reports_too_but_not_what_is_confidential(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("老周", "补充 S1 我也被关过")
    assert (await stage.the_ticket()).reporters == 2
    await stage.say("10-2-604", FIGHT)
    await stage.say("老周", "补充 S2 我也听到了")
    assert await last(stage) == "S2 不是您反映的，有事请直接说。"
    await stage.say("刘姐", "补充 S1 已联系维保")
    assert (await stage.tickets())[0].reporters == 2


async def test_the_only_reporter_withdraws_and_the_text_is_gone(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.after(minutes=1)
    await stage.say("李姐", "撤回 S1")
    ticket = await stage.the_ticket()
    assert ticket.state is TicketState.WITHDRAWN
    assert [row.text for row in await stage.rows()] == [""]
    assert all("又坏了" not in line.text for line in await stage.lines())
    assert any(line.startswith("【撤回】S1") for line in await stage.told("刘姐"))


async def test_nobody_withdraws_what_others_reported(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("老周", "撤回 S1")
    assert await last(stage) == "S1 不是您反映的，有事请直接说。"
    await stage.say("老周", LIFT)
    await stage.say("李姐", "撤回 S1")
    assert await last(stage) == "您说的内容已删除。S1 还有1人反映，继续办。"
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.reporters) == (TicketState.FILED, 1)
    assert [reporter.nick for reporter in await stage.reporters()] == ["老周"]
    assert len(await stage.rows()) == 1
    assert await states(stage) == [TicketState.FILED]


async def test_an_emergency_is_withdrawn_by_a_person_only(stage: Judged) -> None:
    await stage.say("李姐", STUCK)
    stage.after(minutes=1)
    await stage.say("李姐", "撤回 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.category, ticket.place.building) == (TicketState.FILED, "0503", "5")
    assert [row.text for row in await stage.rows()] == [""]
    assert any("请联系或上门核实" in line for line in await stage.told("刘姐"))


async def test_a_withdrawn_candidate_is_gone(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    await stage.say("路人甲", "撤回 S1")
    assert await stage.candidates() == []
    assert await stage.tickets() == []


async def test_late_commands_act_but_do_not_answer_in_public(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.said(GROUP)
    await stage.say("刘姐", "派单 S1 物业", sent_at=stage.now - timedelta(minutes=15))
    assert await states(stage) == [TicketState.ASSIGNED]
    assert await stage.said(GROUP) == before
