"""What time does by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import dialogs, negatives
from storage.model import CallbackOutcome, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe

LIFT = "3栋2单元电梯又坏了"
DOGS = "天天免费看狗狗办大事"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(DOGS, maybe("0208", objects=("狗",)))
    yield stage
    await stage.strike()


async def test_silence_closes_after_72_hours_and_is_no_satisfaction(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1 按了复位")
    stage.after(hours=71)
    await stage.tick()
    assert (await stage.the_ticket()).state is TicketState.CALLBACK
    stage.after(hours=2)
    await stage.tick()
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.outcome, ticket.rating) == (TicketState.CLOSED, CallbackOutcome.UNREACHED, None)
    assert ticket.closed_at == stage.now
    version = ticket.version
    await stage.tick()
    assert (await stage.the_ticket()).version == version
    assert await stage.audited("unreached") == 1


async def test_candidates_go_after_thirty_days_and_tickets_stay(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    await stage.say("李姐", LIFT)
    stage.after(days=29)
    await stage.tick()
    assert len(await stage.candidates()) == 1
    stage.after(days=2)
    await stage.tick()
    assert await stage.candidates() == []
    assert len(await stage.tickets()) == 1


async def test_the_text_of_sent_lines_goes_after_48_hours(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.after(minutes=1)
    await stage.tick()
    assert any("又坏了" in line.text for line in await stage.lines())
    sent = {line.id for line in await stage.lines()}
    stage.after(hours=49)
    await stage.tick()
    assert {line.text for line in await stage.lines() if line.id in sent} == {""}


async def test_the_text_of_a_lesson_goes_after_thirty_days_and_the_lesson_stays(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    stage.after(minutes=10)
    await stage.say("刘姐", "误报 S1")
    stage.after(days=31)
    await stage.tick()
    (lesson,) = await stage.store.read(negatives.every)
    assert (lesson.text, lesson.terms) == ("", ("狗",))


async def test_questions_expire(stage: Judged) -> None:
    stage.judge("停水了", matter("0102", objects=("水",)))
    await stage.say("阿芬", "停水了")
    person = await stage.person("阿芬")
    assert person is not None
    asked_at = stage.now
    stage.after(minutes=11)
    await stage.tick()
    assert await stage.store.read(lambda tx: dialogs.open_for(tx, person.id, "locate", asked_at)) == []


async def test_who_took_back_the_last_that_was_kept_is_forgotten_within_a_day(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.tick()
    for nick in ("李姐", "路人甲", "路人乙"):
        await stage.say(nick, "投票 1")
    await stage.say("老周", "别记我")
    for nick in ("李姐", "路人甲"):
        await stage.say(nick, "撤回 V1")
    await stage.tick()
    assert await stage.person("路人甲") is not None  # once a day is enough
    stage.after(hours=24)
    await stage.tick()
    assert await stage.person("路人甲") is None
    for nick in ("李姐", "路人乙", "老周", "刘姐"):
        assert await stage.person(nick) is not None, nick
