"""One trouble, one ticket: who joins what, and what joining changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp.decision import Location, Shape
from storage import changes
from storage.model import MessageKind, TicketState, Urgency
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import START

WATER = "又停水了"
LIFT = "3栋2单元电梯又坏了"
STUCK = "电梯关到人了"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(WATER, matter("0102", building="3", unit="1", room="602", by="nick", objects=("停水",)))
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(STUCK, matter("0503", building="3", unit="2", by="nick", objects=("电梯",)))
    yield stage
    await stage.strike()


# --- the same sender ---
async def test_four_lines_of_one_person_are_one_ticket(stage: Judged) -> None:
    stage.judge("从早上六点过就莫得水", matter("0102", building="3", unit="1", by="nick", objects=("水",)))
    stage.judge("@物业 啷个回事嘛", follows=True)
    for text in (WATER, "从早上六点过就莫得水", "@物业 啷个回事嘛", "娃娃脸都没洗成就去读书了"):
        stage.after(seconds=10)
        await stage.say("3-1-602", text)
    ticket = await stage.the_ticket()
    assert ticket.reporters == 1
    assert (ticket.place.room, ticket.place.located_by) == ("602", "nick")
    # The last one says nothing of the trouble: it counts, but its words are not kept.
    assert [row.text for row in await stage.rows()] == [WATER, "从早上六点过就莫得水", "@物业 啷个回事嘛", ""]
    assert len(await stage.said()) == 1


async def test_what_joins_is_a_change_for_the_platforms_above(stage: Judged) -> None:
    stage.judge("从早上六点过就莫得水", matter("0102", building="3", unit="1", by="nick", objects=("水",)))
    await stage.say("3-1-602", WATER)
    before = (await stage.the_ticket()).version
    stage.after(seconds=10)
    await stage.say("3-1-602", "从早上六点过就莫得水")
    ticket = await stage.the_ticket()
    assert ticket.version > before
    found = await stage.store.read(lambda tx: changes.since(tx, 0))
    assert [change.version for change in found] == list(range(1, ticket.version + 1))


async def test_a_plain_line_joins_only_at_once_and_undisturbed(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.after(minutes=2)
    assert await stage.say("阿芬", "晚上吃火锅不") == "chat"
    await stage.say("老周", LIFT)
    await stage.say("王哥", "今天好热")
    assert await stage.say("老周", "是热哦") == "chat"
    assert len(await stage.rows(2)) == 1


@pytest.mark.parametrize("shape", [Shape.ACK, Shape.THANKS, Shape.DONE])
async def test_courtesies_are_no_part_of_a_ticket(stage: Judged, shape: Shape) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("要得", shape=shape)
    await stage.say("阿芬", "要得")
    assert len(await stage.rows()) == 1


async def test_ten_minutes_later_it_is_told_anew_and_joins_by_its_place(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.after(minutes=30)
    await stage.say("阿芬", WATER)
    ticket = await stage.the_ticket()
    assert ticket.reporters == 1
    assert len(await stage.rows()) == 2


async def test_another_category_and_another_object_is_another_ticket(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("还有西门垃圾没人收", matter("0201", place="西门", objects=("垃圾",)))
    await stage.say("阿芬", "还有西门垃圾没人收")
    assert [ticket.category for ticket in await stage.tickets()] == ["0102", "0201"]
    assert await stage.said() == ["@阿芬 已登记 S1 供水 3栋1单元、S2 垃圾清运 西门，办好了会来问您。"]


async def test_another_category_of_the_same_object_joins(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.judge("这个电梯从来没人打扫", matter("0202", objects=("电梯",)))
    await stage.say("阿芬", "这个电梯从来没人打扫")
    assert (await stage.the_ticket()).category == "0101"


@pytest.mark.parametrize("first", [0, 1])
async def test_that_nobody_acts_is_said_of_the_trouble_and_names_none_of_its_own(stage: Judged, first: int) -> None:
    stage.judge("物业管一下嘛", matter("0601", objects=("物业",)))
    said = [LIFT, "物业管一下嘛"]
    await stage.say("阿芬", said[first])
    await stage.say("阿芬", said[1 - first])
    assert (await stage.the_ticket()).category == "0101"


async def test_the_lift_of_another_building_is_another_lift(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.judge("5栋电梯也坏了", matter("0101", building="5", objects=("电梯",)))
    await stage.say("阿芬", "5栋电梯也坏了")
    assert [ticket.place.building for ticket in await stage.tickets()] == ["3", "5"]


async def test_ones_own_words_beat_the_nick(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("是5栋2单元", where=Location("5", "2", located_by="text"), follows=True)
    await stage.say("阿芬", "是5栋2单元")
    place = (await stage.the_ticket()).place
    assert (place.building, place.unit, place.room, place.located_by) == ("5", "2", None, "text")


async def test_who_misspoke_puts_the_building_right_and_those_who_go_there_hear_it(stage: Judged) -> None:
    stage.judge("3栋电梯坏了", matter("0101", building="3", objects=("电梯",)))
    stage.judge("说错了，是5栋2单元", where=Location("5", "2", located_by="text"), follows=True)
    await stage.say("李姐", "3栋电梯坏了")
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("李姐", "说错了，是5栋2单元")
    assert (await stage.the_ticket()).place.building == "5"
    for who in ("刘姐", "小张"):
        assert (await stage.told(who))[-1].startswith("【补充】S1 电梯故障 5栋2单元")


async def test_an_address_said_in_passing_moves_nothing(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("我在5栋楼下等你", where=Location("5", located_by="text"), follows=True)
    await stage.say("阿芬", "我在5栋楼下等你")
    assert (await stage.the_ticket()).place.building == "3"


async def test_in_another_room_it_is_not_the_same_talk(stage: Judged) -> None:
    await stage.room("13微网格群", "519999001001003013")
    stage.judge("路灯不亮", matter("0106", objects=("路灯",)))
    await stage.say("阿芬", "路灯不亮")
    await stage.say("阿芬", "路灯不亮", room="13微网格群")
    assert len(await stage.tickets()) == 2


# --- worse, clearer ---
async def test_a_candidate_joined_by_clear_words_becomes_a_ticket(stage: Judged) -> None:
    stage.judge("物业费交得值", maybe("9999"))
    stage.judge("3栋门口狗屎没人管", matter("0208", building="3", objects=("狗屎",)))
    await stage.say("阿芬", "物业费交得值")
    await stage.say("阿芬", "3栋门口狗屎没人管")
    assert await stage.candidates() == []
    ticket = await stage.the_ticket()
    assert (ticket.category, ticket.state, ticket.place.building) == ("0208", TicketState.FILED, "3")
    assert ticket.due is not None
    assert await stage.said() == ["@阿芬 已登记 S1 宠物粪便 3栋，办好了会来问您。"]
    assert [line[:5] for line in await stage.told("刘姐")] == ["【待确认】", "【诉求】S"]


async def test_doubtful_words_do_not_lift_a_candidate(stage: Judged) -> None:
    stage.judge("物业费交得值", maybe("0208", objects=("狗",)))
    stage.judge("天天有狗", maybe("0208", objects=("狗",)))
    await stage.say("阿芬", "物业费交得值")
    await stage.say("阿芬", "天天有狗")
    assert await stage.tickets() == []
    assert len(await stage.candidates()) == 1
    assert await stage.said() == []


async def test_an_emergency_raises_the_ticket_it_joins(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    await stage.say("老周", STUCK)
    ticket = await stage.the_ticket()
    assert (ticket.category, ticket.urgency, ticket.reporters) == ("0503", Urgency.EMERGENCY, 2)
    lines = await stage.said()
    assert any("119" in line for line in lines)
    assert any(line.startswith("【应急】") for line in await stage.told("刘姐"))


async def test_an_emergency_in_ones_own_words_replaces_the_waiting_line(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    await stage.say("阿芬", STUCK)
    (line,) = await stage.said()
    assert "119" in line


async def test_milder_words_do_not_lower_an_emergency(stage: Judged) -> None:
    await stage.say("老周", STUCK)
    await stage.say("阿芬", LIFT)
    ticket = await stage.the_ticket()
    assert (ticket.category, ticket.urgency) == ("0503", Urgency.EMERGENCY)
    assert len(await stage.said()) == 1
    assert len(await stage.told("刘姐")) == 2  # the leader hears what the second one saw


async def test_what_joins_can_make_it_confidential(stage: Judged) -> None:
    stage.judge("堵到我车位", matter("0301", objects=("车位",)))
    stage.judge("这个车位的事来评哈理", matter("0802", objects=("车位",)))
    await stage.say("阿芬", "堵到我车位")
    await stage.say("阿芬", "这个车位的事来评哈理")
    assert (await stage.the_ticket()).confidential
    assert await stage.said() == []


# --- neighbours ---
async def test_a_neighbour_with_the_same_trouble_joins_in_silence(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.after(hours=5)
    stage.judge("3栋2单元电梯坏起的", matter("0101", building="3", unit="2", objects=("电梯",)))
    assert await stage.say("老周", "3栋2单元电梯坏起的") == "joined"
    assert (await stage.the_ticket()).reporters == 2
    assert len(await stage.said()) == 1


async def test_the_lift_of_another_unit_is_another_lift_but_an_outage_is_one(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.judge("3栋1单元电梯坏了", matter("0101", building="3", unit="1", objects=("电梯",)))
    await stage.say("老周", "3栋1单元电梯坏了")
    await stage.say("王哥", WATER)
    stage.judge("3栋3单元也停水了", matter("0102", building="3", unit="3", objects=("停水",)))
    await stage.say("小陈", "3栋3单元也停水了")
    tickets = await stage.tickets()
    assert [(ticket.category, ticket.reporters) for ticket in tickets] == [("0101", 1), ("0101", 1), ("0102", 2)]
    assert tickets[2].place.unit == "1"


async def test_neighbours_join_across_the_rooms_of_a_community_only(stage: Judged) -> None:
    await stage.room("13微网格群", "519999001001003013")
    await stage.room("别的社区群", "519999001002001001")
    await stage.say("阿芬", WATER)
    await stage.say("老周", WATER, room="13微网格群")
    assert (await stage.the_ticket()).reporters == 2
    await stage.say("王哥", WATER, room="别的社区群")
    assert len(await stage.tickets()) == 2


async def test_without_a_place_it_is_proposed_to_a_person_and_not_merged(stage: Judged) -> None:
    stage.judge("停水了嗦", matter("0102", objects=("停水",)))
    await stage.say("阿芬", WATER)
    await stage.say("老周", "停水了嗦")
    assert len(await stage.tickets()) == 2
    assert "可能与 S1 是同一件" in (await stage.told("刘姐"))[1]


async def test_after_72_hours_it_is_a_new_trouble(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.after(hours=73)
    await stage.say("老周", LIFT)
    assert len(await stage.tickets()) == 2


async def test_another_fire_two_days_later_has_its_own_alarm(stage: Judged) -> None:
    stage.judge("3栋着火了", matter("0501", building="3"))
    await stage.say("阿芬", "3栋着火了")
    stage.after(days=2)
    await stage.say("老周", "3栋着火了")
    assert len(await stage.tickets()) == 2
    assert len(await stage.said()) == 2


async def test_what_is_personal_is_never_a_neighbours_too(stage: Judged) -> None:
    stage.judge("我要办养老认证", matter("0901", building="3", unit="1", by="nick"))
    await stage.say("张婆婆", "我要办养老认证")
    await stage.say("李爷爷", "我要办养老认证")
    assert len(await stage.tickets()) == 2


# --- +1 ---
async def test_plus_one_joins_the_rooms_latest(stage: Judged) -> None:
    stage.judge("+1", shape=Shape.PLUS_ONE)
    await stage.say("阿芬", WATER)
    assert await stage.say("老周", "+1") == "joined"
    assert await stage.say("老周", "+1") == "joined"
    assert (await stage.the_ticket()).reporters == 2
    assert [row.text for row in await stage.rows()] == [WATER, "", ""]
    assert len(await stage.said()) == 1


async def test_plus_one_joins_what_it_quotes(stage: Judged) -> None:
    stage.judge("我家也是", shape=Shape.PLUS_ONE)
    await stage.say("阿芬", WATER)
    quoted = stage.last
    assert quoted is not None
    await stage.say("王哥", LIFT)
    await stage.say("老周", "我家也是", kind=MessageKind.QUOTE, quoted_id=quoted.id)
    assert [ticket.reporters for ticket in await stage.tickets()] == [2, 1]


async def test_plus_one_with_words_of_its_own_keeps_them(stage: Judged) -> None:
    text = "+1 3栋也没得水"
    stage.judge(text, matter("0102", building="3", objects=("水",)), shape=Shape.PLUS_ONE)
    await stage.say("阿芬", WATER)
    await stage.say("老周", text)
    assert (await stage.the_ticket()).reporters == 2
    assert (await stage.rows())[1].text == text


async def test_plus_one_about_something_else_is_an_appeal(stage: Judged) -> None:
    text = "+1 5栋电梯也坏了"
    stage.judge(text, matter("0101", building="5", objects=("电梯",)), shape=Shape.PLUS_ONE)
    await stage.say("阿芬", LIFT)
    assert await stage.say("老周", text) == "ticket"
    assert len(await stage.tickets()) == 2


async def test_plus_one_joins_a_candidate_where_there_is_no_ticket(stage: Judged) -> None:
    stage.judge("停电了", maybe("0103", building="3", by="nick"))
    stage.judge("我家也停了", shape=Shape.PLUS_ONE)
    await stage.say("3-1-602", "停电了")
    assert await stage.say("3-1-701", "我家也停了") == "joined"
    (candidate,) = await stage.candidates()
    assert candidate.reporters == 2
    assert await stage.said() == []


async def test_plus_one_half_an_hour_later_means_something_else(stage: Judged) -> None:
    stage.judge("+1", shape=Shape.PLUS_ONE)
    await stage.say("阿芬", WATER)
    stage.after(minutes=31)
    assert await stage.say("老周", "+1") == "chat"
    assert (await stage.the_ticket()).reporters == 1


async def test_a_late_plus_one_does_not_join_what_was_said_after_it(stage: Judged) -> None:
    stage.judge("+1", shape=Shape.PLUS_ONE)
    stage.after(minutes=20)
    await stage.say("阿芬", WATER)
    assert await stage.say("老周", "+1", sent_at=START) == "chat"


# --- calls for help ---
async def test_a_call_for_help_is_part_of_the_emergency_that_is_going_on(stage: Judged) -> None:
    call = "@物业 快点来人啊"
    stage.judge(call, maybe("9999"))
    await stage.say("3栋李姐", STUCK)
    assert await stage.say("5-1-301", call) == "call"
    assert await stage.candidates() == []


async def test_a_bare_call_for_an_ambulance_is_no_second_emergency_but_another_trouble_is(stage: Judged) -> None:
    stage.judge("快打120啊", matter("0507"))
    stage.judge("着火了快打119", matter("0501"))
    await stage.say("3栋李姐", STUCK)
    assert await stage.say("5-1-301", "快打120啊") == "call"
    assert await stage.say("5-1-301", "着火了快打119") == "ticket"


async def test_without_an_emergency_a_call_for_help_is_for_the_leader_to_judge(stage: Judged) -> None:
    call = "@物业 快点来人啊"
    stage.judge(call, maybe("9999"))
    await stage.say("3栋李姐", LIFT)
    assert await stage.say("5-1-301", call) == "candidate"


# --- late ---
async def test_late_lines_join_by_when_they_were_said(stage: Judged) -> None:
    stage.after(hours=2)
    await stage.say("2-2-501", WATER, sent_at=START)
    await stage.say("2-2-501", WATER, sent_at=START.replace(minute=5))
    stage.judge("灯不亮", matter("0106", objects=("灯",)))
    await stage.say("2-2-501", "灯不亮")
    assert [len(await stage.rows(number)) for number in (1, 2)] == [2, 1]
    assert [line for line in await stage.said() if "S1" in line] == []
