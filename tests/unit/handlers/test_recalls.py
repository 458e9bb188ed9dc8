"""A recalled message leaves everything at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp.decision import Location, Shape
from storage.model import MessageKind, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import GROUP

TENANTS = "举报楼上群租 702天天进出十几个人"
LIFT = "3栋2单元电梯又坏了"
MORE = "里头黑黢黢的不敢坐"
HERE = "3栋2单元这边"
STUCK = "5栋电梯关到人了 里头有个娃娃在哭"
DOGS = "天天免费看狗狗办大事"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(TENANTS, matter("0702", building="7", unit="1", by="nick"))
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(MORE, follows=True)
    stage.judge(STUCK, matter("0503", building="5", objects=("电梯",)))
    stage.judge(DOGS, maybe("0208"))
    yield stage
    await stage.strike()


async def say_and_recall(stage: Judged, nick: str, text: str, *, room: str | None = GROUP) -> None:
    await stage.say(nick, text, room=room)
    message = stage.last
    assert message is not None
    stage.after(seconds=70)
    await stage.recall(message)


def bytes_of(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


async def test_the_sole_message_withdraws_the_ticket_and_its_words_are_on_no_disk(
    stage: Judged, tmp_path: Path
) -> None:
    await say_and_recall(stage, "7-1-1004", TENANTS)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.closed_at) == (TicketState.WITHDRAWN, stage.now)
    assert await stage.said() == []
    assert [line for line in await stage.told("刘姐") if "702" in line] == []
    assert (await stage.told("刘姐"))[-1] == "【撤回】S1 群租 7栋1单元：反映人已撤回，不用再办。"
    assert "702天天进出".encode() not in bytes_of(tmp_path)
    actions = [entry.action for entry in await stage.trail()]
    assert (actions[0], actions[-1]) == ("filed", "recalled")


async def test_one_of_several_messages_goes_alone(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await say_and_recall(stage, "李姐", MORE)
    ticket = await stage.the_ticket()
    assert ticket.state is TicketState.FILED
    assert [row.text for row in await stage.rows()] == [LIFT]
    assert (await stage.told("刘姐"))[-1] == "【撤回】S1 电梯故障 3栋2单元：有一条消息被撤回，其余照办。"


async def test_a_photo_alone_does_not_carry_the_ticket(stage: Judged) -> None:
    await stage.say("李姐", kind=MessageKind.IMAGE)
    await say_and_recall(stage, "李姐", LIFT)
    assert (await stage.the_ticket()).state is TicketState.WITHDRAWN


async def test_a_neighbour_who_joined_keeps_it_open(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    first = stage.last
    assert first is not None
    await stage.say("老周", LIFT)
    await stage.recall(first)
    ticket = await stage.the_ticket()
    assert ticket.state is TicketState.FILED
    assert len(await stage.rows()) == 1


async def test_a_neighbours_plus_one_taken_back_is_none(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.judge("+1", shape=Shape.PLUS_ONE)
    await say_and_recall(stage, "老周", "+1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.reporters) == (TicketState.FILED, 1)
    assert [line for line in await stage.told("刘姐") if line.startswith("【撤回】")] == []
    assert len(await stage.said()) == 1  # the acknowledgement that waited goes out all the same


async def test_whoever_takes_back_all_they_said_is_a_reporter_no_longer(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    first = stage.last
    assert first is not None
    await stage.say("老周", LIFT)
    await stage.recall(first)
    assert (await stage.the_ticket()).reporters == 1
    assert [reporter.nick for reporter in await stage.reporters()] == ["老周"]


async def test_a_recalled_result_leaves_the_step_and_may_be_written_anew(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await say_and_recall(stage, "小张", "办结 S1 张三家的门撞坏了", room=None)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result) == (TicketState.CALLBACK, None)
    assert all("张三" not in line.text for line in await stage.lines())
    assert any("请回复：1 已解决 2 未解决" in line for line in await stage.said())
    assert "办结 S1 结果" in (await stage.told("小张"))[-1]

    stage.after(minutes=1)
    await stage.say("小张", "办结 S1 换了门机", room=None)
    assert (await stage.the_ticket()).result == "换了门机"
    assert len([line for line in await stage.said() if "请回复" in line]) == 1
    await stage.say("小张", "办结 S1 又写一遍", room=None)
    assert (await stage.the_ticket()).result == "换了门机"


async def test_a_recalled_remark_goes_and_the_rating_stays(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "办结 S1 换了门机")
    await say_and_recall(stage, "李姐", "评价 S1 满意 多亏了王五")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.rating, ticket.remark) == (TicketState.CLOSED, 5, None)


async def test_a_recalled_emergency_keeps_the_fact_and_goes_to_a_person(stage: Judged) -> None:
    await say_and_recall(stage, "李姐", STUCK)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.category, ticket.place.building) == (TicketState.FILED, "0503", "5")
    assert await stage.rows() == []
    told = (await stage.told("刘姐"))[-1]
    assert told.startswith("【应急】S1 电梯困人 5栋")
    assert "核实" in told
    assert all("娃娃" not in line.text for line in await stage.lines())


async def test_a_recalled_candidate_is_gone(stage: Judged) -> None:
    await say_and_recall(stage, "路人甲", DOGS)
    assert await stage.candidates() == []
    assert all("狗狗" not in line.text for line in await stage.lines())


async def test_a_recalled_line_joins_nothing_later(stage: Judged) -> None:
    await say_and_recall(stage, "李姐", MORE)
    await stage.say("李姐", LIFT)
    assert [row.text for row in await stage.rows()] == [LIFT]


async def test_what_was_recalled_after_the_end_is_blanked_and_stays_closed(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    message = stage.last
    assert message is not None
    await stage.say("刘姐", "办结 S1 按了复位")
    stage.after(hours=80)
    await stage.tick()
    await stage.recall(message)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result) == (TicketState.CLOSED, None)


async def test_recalled_chat_concerns_nobody(stage: Judged) -> None:
    await stage.say("王哥", "今天好热")
    message = stage.last
    assert message is not None
    assert await stage.recall(message) == "recall"
    assert await stage.person("王哥") is None


async def test_an_earlier_half_sentence_that_joined_can_be_recalled_too(stage: Judged) -> None:
    stage.judge(HERE, where=Location("3", "2", located_by="text"), follows=True)
    await stage.say("李姐", HERE)
    earlier = stage.last
    assert earlier is not None
    await stage.say("李姐", LIFT)
    assert [row.text for row in await stage.rows()] == [HERE, LIFT]
    await stage.recall(earlier)
    assert [row.text for row in await stage.rows()] == [LIFT]
