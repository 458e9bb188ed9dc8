"""答复即办: answered in the group, the asker content, closed a day later unless somebody objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp.decision import Shape
from storage.model import CallbackOutcome, TicketState
from tests.unit.handlers.judged import Judged, judged, matter

POWER = "停电一上午了 几点来电哦"
STILL = "15点都过了还没来电"
STUCK = "5栋电梯关到人了"
ANSWER = "@3-2-502 供电局抢修 预计15点前恢复"
THANKS = "要得 谢谢"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(POWER, matter("0103", building="3", unit="2", by="nick", objects=("停电",)))
    stage.judge(STILL, matter("0103", building="3", unit="2", by="nick", objects=("停电",)))
    stage.judge(STUCK, matter("0503", building="5"))
    stage.judge(THANKS, shape=Shape.THANKS)
    yield stage
    await stage.strike()


async def answered(stage: Judged, appeal: str = POWER) -> None:
    await stage.say("3-2-502", appeal)
    stage.after(minutes=3)
    await stage.say("小张", ANSWER)
    await stage.say("3-2-502", THANKS)


async def test_it_is_proposed_to_the_leader_and_closes_a_day_later(stage: Judged) -> None:
    await answered(stage)
    assert (await stage.the_ticket()).state is TicketState.FILED
    assert any(line.startswith("【答复】S1") for line in await stage.told("刘姐"))
    stage.after(hours=23)
    await stage.tick()
    assert (await stage.the_ticket()).state is TicketState.FILED
    stage.after(hours=2)
    await stage.tick()
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result, ticket.outcome) == (TicketState.CLOSED, "答复即办", CallbackOutcome.SOLVED)
    assert len(await stage.said()) == 1  # the acknowledgement, and no question


async def test_the_leader_confirms_it_at_once(stage: Judged) -> None:
    await answered(stage)
    await stage.say("小张", "办结 S1")
    assert (await stage.the_ticket()).state is TicketState.FILED  # it is the leader's to confirm
    await stage.say("刘姐", "办结 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result, ticket.outcome) == (TicketState.CLOSED, "答复即办", CallbackOutcome.SOLVED)
    stage.after(hours=1)
    assert not any("请回复：1" in line for line in await stage.said())


async def test_an_answer_that_comes_an_hour_later_is_one_too(stage: Judged) -> None:
    await stage.say("3-2-502", POWER)
    stage.after(hours=1)
    await stage.say("小张", ANSWER)
    await stage.say("3-2-502", THANKS)
    assert any(line.startswith("【答复】S1") for line in await stage.told("刘姐"))


async def test_the_answer_itself_is_kept_nowhere(stage: Judged) -> None:
    await answered(stage)
    assert len(await stage.rows()) == 1


@pytest.mark.parametrize(("who", "what"), [("刘姐", "派单 S1 物业"), ("小张", "接单 S1"), ("3-2-502", STILL)])
async def test_a_step_or_a_further_word_takes_the_proposal_back(stage: Judged, who: str, what: str) -> None:
    await answered(stage)
    if what.startswith("接单"):
        await stage.say("刘姐", "派单 S1 物业")
    stage.after(minutes=5)
    await stage.say(who, what)
    stage.after(hours=25)
    await stage.tick()
    assert (await stage.the_ticket()).state is not TicketState.CLOSED


async def test_thanks_without_an_answer_or_after_a_neighbours_are_just_thanks(stage: Judged) -> None:
    await stage.say("3-2-502", POWER)
    assert await stage.say("3-2-502", THANKS) == "thanks"
    await stage.say("老周", "听说要到三点")
    assert await stage.say("3-2-502", THANKS) == "thanks"


async def test_going_on_about_it_after_the_answer_is_no_content(stage: Judged) -> None:
    await stage.say("3-2-502", POWER)
    await stage.say("小张", ANSWER)
    await stage.say("3-2-502", STILL)
    assert await stage.say("3-2-502", THANKS) == "thanks"


async def test_an_emergency_is_never_closed_by_words(stage: Judged) -> None:
    await answered(stage, STUCK)
    stage.after(hours=30)
    await stage.tick()
    assert (await stage.the_ticket()).state is TicketState.FILED
