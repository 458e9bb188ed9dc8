"""Asked once whether it is solved; closed, reopened, rated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp.decision import Shape
from storage.model import CallbackOutcome, Level, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import GROUP, Stage

LIFT = "3栋2单元电梯又坏了"
AGAIN = "电梯又坏了 才好两天"
FIGHT = "楼上在打人"
STUCK = "3栋2单元电梯关到人了"
THANKS = "谢谢啦"
ASK = "S1 电梯故障 已处理，请回复：1 已解决 2 未解决"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(AGAIN, matter("0101", objects=("电梯",)))
    stage.judge(FIGHT, matter("0511", building="10"))
    stage.judge(THANKS, shape=Shape.THANKS)
    yield stage
    await stage.strike()


async def done(stage: Judged, *nicks: str) -> None:
    """Reported by these people, done by the leader an hour later, and asked about."""
    for nick in nicks:
        await stage.say(nick, LIFT)
    stage.after(hours=1)
    await stage.say("刘姐", "办结 S1 按了复位")
    stage.after(minutes=40)  # the question has found its place between the other lines
    await stage.tick()


async def asked(stage: Stage, room: str = GROUP) -> list[str]:
    return [line for line in await stage.said(room) if "已解决" in line]


async def test_the_reporter_is_asked_once_without_a_word_of_the_complaint(stage: Judged) -> None:
    await done(stage, "李姐")
    assert await asked(stage) == [f"@李姐 {ASK}"]


async def test_all_reporters_of_a_room_are_asked_in_one_line(stage: Judged) -> None:
    await done(stage, "李姐", "老周")
    assert await asked(stage) == [f"@李姐 @老周 {ASK}"]
    (line,) = [line for line in await stage.lines() if "已解决" in line.text]
    assert line.mentions == ("李姐", "老周")


async def test_each_is_asked_where_they_reported(stage: Judged) -> None:
    await stage.room("13微网格群", "519999001001003013")
    await stage.say("李姐", LIFT)
    await stage.say("老周", LIFT, room="13微网格群")
    await stage.say("刘姐", "办结 S1 按了复位")
    assert await asked(stage) == [f"@李姐 {ASK}"]
    assert await asked(stage, "13微网格群") == [f"@老周 {ASK}"]


async def test_what_is_confidential_is_asked_in_private(stage: Judged) -> None:
    await stage.say("10-2-604", FIGHT, friend=True)
    await stage.say("刘姐", "办结 S1 已到场")
    assert await asked(stage) == []
    assert len(await asked(stage, "10-2-604")) == 1
    # A `1` in the group is about something else.
    assert await stage.say("10-2-604", "1", friend=True) == "ack"
    assert await stage.say("10-2-604", "1", room=None) == "command"
    assert (await stage.the_ticket()).state is TicketState.CLOSED


@pytest.mark.parametrize("answer", ["1", "满意", "已解决", "１"])
async def test_solved_closes(stage: Judged, answer: str) -> None:
    await done(stage, "李姐")
    assert await stage.say("李姐", answer) == "command"
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.outcome, ticket.closed_at) == (TicketState.CLOSED, CallbackOutcome.SOLVED, stage.now)
    assert ticket.rating is None


@pytest.mark.parametrize("answer", ["2", "不满意", "未解决"])
async def test_unsolved_reopens(stage: Judged, answer: str) -> None:
    await done(stage, "李姐")
    assert await stage.say("李姐", answer) == "command"
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.reopened, ticket.outcome) == (TicketState.FILED, 1, CallbackOutcome.UNSOLVED)
    assert (ticket.owner_id, ticket.handled_at, ticket.level) == (None, None, Level.GRID)
    assert ticket.due is not None
    assert ticket.due > stage.now
    assert any(line.startswith("【重办】S1") for line in await stage.told("刘姐"))


@pytest.mark.parametrize("words", ["还是坏的", "没修好啊", "不满意，根本没人来", "还没处理，门都关不上"])
async def test_unsolved_in_words_reopens_and_the_leader_reads_them(stage: Judged, words: str) -> None:
    await done(stage, "李姐")
    assert await stage.say("李姐", words) == "command"
    assert (await stage.the_ticket()).reopened == 1
    assert any(line.startswith("【重办】S1") and words in line for line in await stage.told("刘姐"))


async def test_words_need_not_wait_until_the_question_is_out(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.after(minutes=1)
    await stage.say("刘姐", "办结 S1 按了复位")
    assert await stage.say("李姐", "1") == "ack"
    assert await stage.say("李姐", "不满意，根本没修好") == "command"
    assert (await stage.the_ticket()).state is TicketState.FILED


async def test_words_about_something_else_or_of_whom_nothing_is_asked_reopen_nothing(stage: Judged) -> None:
    stage.judge("还是漏，6栋楼顶的水", matter("0108", building="6", objects=("楼顶",)))
    await done(stage, "李姐")
    await stage.say("老周", "还是坏的")
    await stage.say("李姐", "还是坏的吗")
    await stage.say("李姐", "还是漏，6栋楼顶的水")
    assert (await stage.tickets())[0].state is TicketState.CALLBACK


async def test_the_second_time_it_goes_one_level_up(stage: Judged) -> None:
    await stage.cast("社区小陈", "社区", "519999001001")
    await done(stage, "李姐")
    await stage.say("李姐", "2")
    await stage.say("刘姐", "办结 S1 又按了复位")
    stage.after(minutes=40)
    await stage.tick()
    await stage.say("李姐", "2")
    ticket = await stage.the_ticket()
    assert (ticket.reopened, ticket.level) == (2, Level.COMMUNITY)
    assert any(line.startswith("【重办】S1") for line in await stage.told("社区小陈"))
    assert len(await asked(stage)) == 2


async def test_nobody_else_answers_for_the_reporter(stage: Judged) -> None:
    await done(stage, "李姐")
    assert await stage.say("老周", "1") == "ack"
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_a_number_before_the_question_was_put_is_no_answer(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1 按了复位")  # the question waits for half an hour behind the acknowledgement
    assert await stage.say("李姐", "1") == "ack"
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_one_neighbour_closes_it_and_another_may_still_say_no(stage: Judged) -> None:
    await done(stage, "李姐", "老周")
    await stage.say("李姐", "1")
    assert (await stage.the_ticket()).state is TicketState.CLOSED
    await stage.say("老周", "2")
    assert (await stage.the_ticket()).state is TicketState.FILED


async def test_an_answer_said_twice_counts_once(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "2")
    assert await stage.say("李姐", "2") == "ack"
    assert (await stage.the_ticket()).reopened == 1


# --- thanks ---
async def test_thanks_that_name_the_trouble_close_without_a_word(stage: Judged) -> None:
    await done(stage, "李姐")
    before = await stage.said()
    stage.judge("电梯好了 谢谢小张", shape=Shape.THANKS)
    assert await stage.say("李姐", "电梯好了 谢谢小张") == "solved"
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.outcome) == (TicketState.CLOSED, CallbackOutcome.SOLVED)
    assert await stage.said() == before


async def test_thanks_for_something_else_close_nothing(stage: Judged) -> None:
    await done(stage, "李姐")
    assert await stage.say("李姐", THANKS) == "thanks"
    assert await stage.say("老周", THANKS) == "thanks"
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_word_that_it_is_over_is_passed_on_while_it_is_being_worked_on(stage: Judged) -> None:
    stage.judge("电梯修好了", shape=Shape.DONE)
    await stage.say("李姐", LIFT)
    assert await stage.say("李姐", "电梯修好了") == "done"
    assert (await stage.the_ticket()).state is TicketState.FILED
    assert any(line.startswith("【核实】S1") for line in await stage.told("刘姐"))


# --- the same trouble again ---
async def test_the_same_trouble_again_reopens(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    stage.after(days=2)
    assert await stage.say("李姐", AGAIN) == "reopened"
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.reopened, ticket.closed_at) == (TicketState.FILED, 1, None)
    assert AGAIN in [row.text for row in await stage.rows()]
    assert any("才好两天" in line for line in await stage.told("刘姐"))


async def test_after_a_fortnight_or_elsewhere_or_by_others_it_is_new(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    stage.after(days=2)
    await stage.say("老周", AGAIN)
    stage.judge("5栋电梯坏了", matter("0101", building="5", objects=("电梯",)))
    await stage.say("李姐", "5栋电梯坏了")
    stage.after(days=14)
    await stage.say("李姐", AGAIN)
    assert [ticket.reopened for ticket in await stage.tickets()] == [0, 0, 0, 0]


async def test_doubtful_words_about_another_object_reopen_nothing(stage: Judged) -> None:
    await done(stage, "李姐")
    stage.judge("楼道头啥子响", maybe("0101", objects=("楼道",)))
    assert await stage.say("李姐", "楼道头啥子响") == "candidate"


# --- rating ---
async def test_satisfaction_closes_and_is_kept(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "评价 S1 满意 师傅来得快")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.rating, ticket.remark) == (TicketState.CLOSED, 5, "师傅来得快")


async def test_dissatisfaction_reopens_with_its_reason(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    await stage.say("李姐", "评价 S1 不满意 一个小时又坏了")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.rating, ticket.reopened) == (TicketState.FILED, 1, 1)
    assert any("一个小时又坏了" in line for line in await stage.told("刘姐"))


@pytest.mark.parametrize(("grade", "state"), [("3", TicketState.CLOSED), ("2", TicketState.FILED)])
async def test_grades(stage: Judged, grade: str, state: TicketState) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", f"评价 S1 {grade}")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.rating) == (state, int(grade))


async def test_only_reporters_rate_and_only_what_is_done(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "评价 S1 满意")
    assert "@李姐 S1 还在办（受理），办完会来问您。" in await stage.said()
    await done(stage, "李姐")
    await stage.say("老周", "评价 S1 不满意")
    assert any("不是您反映的" in line for line in await stage.said())
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_a_rating_after_a_fortnight_is_too_late(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    stage.after(days=15)
    await stage.say("李姐", "评价 S1 不满意")
    assert (await stage.the_ticket()).state is TicketState.CLOSED


async def test_a_2_with_a_reason_reopens_and_the_leader_reads_the_reason(stage: Judged) -> None:
    await done(stage, "李姐")
    assert await stage.say("李姐", "2，还是关不上门") == "command"
    assert (await stage.the_ticket()).reopened == 1
    assert "还是关不上门" in (await stage.told("刘姐"))[-1]
    assert [row.text for row in await stage.rows()] == [LIFT, "还是关不上门"]


@pytest.mark.parametrize("text", ["2 还是关不上门", "1 谢谢师傅"])
async def test_without_an_open_question_a_number_with_words_is_talk(stage: Judged, text: str) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.the_ticket()
    await stage.say("老周", text)
    assert (await stage.the_ticket()).state is before.state
    assert await stage.person("老周") is None


async def test_a_1_with_thanks_closes(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1 谢谢师傅")
    assert (await stage.the_ticket()).outcome is CallbackOutcome.SOLVED


async def test_a_slip_can_be_put_right_for_a_day_without_a_second_answer_to_a_second_1(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    assert await stage.say("李姐", "1") == "ack"
    await stage.say("李姐", "2")
    assert (await stage.the_ticket()).state is TicketState.FILED


async def test_a_2_the_week_after_a_1_is_nothing(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    stage.after(days=5)
    assert await stage.say("李姐", "2") == "ack"
    assert (await stage.the_ticket()).state is TicketState.CLOSED


@pytest.mark.parametrize(("days", "state"), [(5, TicketState.FILED), (20, TicketState.CLOSED)])
async def test_who_did_not_answer_in_time_may_still_say_that_it_is_not_solved(
    stage: Judged, days: int, state: TicketState
) -> None:
    await done(stage, "李姐")
    stage.after(hours=80)
    await stage.tick()
    assert (await stage.the_ticket()).outcome is CallbackOutcome.UNREACHED
    stage.after(days=days - 4)
    await stage.tick()
    assert await stage.say("李姐", "1") == "ack"
    await stage.say("李姐", "2")
    assert (await stage.the_ticket()).state is state


async def test_a_question_to_many_stays_short_and_all_may_answer(stage: Judged) -> None:
    nicks = [f"5-{number}-80{number} 邻居先生" for number in range(1, 9)]
    await done(stage, *nicks)
    (line,) = await asked(stage)
    assert line == f"@{nicks[0]} @{nicks[1]} 等8位 {ASK}"
    assert len(line) <= 60
    (post,) = [each for each in await stage.lines() if "已解决" in each.text]
    assert post.mentions == tuple(nicks[:2])
    await stage.say(nicks[6], "1")
    assert (await stage.the_ticket()).state is TicketState.CLOSED


async def test_what_comes_back_in_passing_is_reopened_with_one_quiet_line(stage: Judged) -> None:
    await done(stage, "李姐")
    await stage.say("李姐", "1")
    stage.after(days=2)
    assert await stage.say("李姐", AGAIN) == "reopened"
    assert (await stage.said())[-1] == "@李姐 S1 已重新受理，马上告诉网格长。"


async def test_an_emergency_never_only_comes_back(stage: Judged) -> None:
    stage.judge(STUCK, matter("0503", building="3", unit="2", objects=("电梯",)))
    await stage.say("李姐", STUCK)
    await stage.say("刘姐", "办结 S1 已救出")
    stage.after(days=2)
    assert await stage.say("李姐", STUCK) == "ticket"
    assert "119" in (await stage.said())[-1]
    assert [ticket.state for ticket in await stage.tickets()] == [TicketState.CALLBACK, TicketState.FILED]


async def test_thanks_to_the_one_who_did_it_by_name_closes(stage: Judged) -> None:
    stage.judge("谢谢刘姐", shape=Shape.THANKS)
    await done(stage, "李姐")
    assert await stage.say("李姐", "谢谢刘姐") == "solved"
