"""From talk to a ticket, and what is said about it to whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nlp.decision import Location, Nature, Shape
from storage import grids, outbox
from storage.model import Grid, MessageKind, SendState, TicketState, Urgency
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import GROUP, START

LIFT = "3栋2单元电梯又坏了"
FIRE = "5栋着火了"
GAS = "好大一股燃气味"
FIGHT = "楼上在打人 喊救命"
WATER = "又停水了"
DOGS = "天天免费看狗狗办大事"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(FIRE, matter("0501", building="5", objects=("火",)))
    stage.judge(GAS, matter("0502", objects=("燃气",)))
    stage.judge(FIGHT, matter("0511", building="10", unit="2", floor="7"))
    stage.judge(WATER, matter("0102", objects=("停水",)))
    stage.judge(DOGS, maybe("0208", objects=("狗",)))
    yield stage
    await stage.strike()


async def test_an_appeal_becomes_a_ticket_with_one_quiet_line_and_a_line_to_the_leader(stage: Judged) -> None:
    assert await stage.say("3-2-1502 李姐", LIFT) == "ticket"

    ticket = await stage.the_ticket()
    assert (ticket.category, ticket.urgency, ticket.state) == ("0101", Urgency.ROUTINE, TicketState.FILED)
    assert (ticket.place.building, ticket.place.unit, ticket.place.located_by) == ("3", "2", "text")
    assert ticket.grid == "519999001001003012"
    assert ticket.due is not None
    assert [row.text for row in await stage.rows()] == [LIFT]
    (line,) = await stage.said()
    assert line == "@3-2-1502 李姐 已登记 S1 电梯故障 3栋2单元，办好了会来问您。"
    assert len(line) <= 60
    (told,) = await stage.told("刘姐")
    assert told == f"【诉求】S1 电梯故障 3栋2单元 3-2-1502 李姐：“{LIFT}” 已受理，回复 派单 S1 物业"
    assert await stage.audited("filed") == 1


async def test_only_the_leader_hears_since_when_and_how_many(stage: Judged) -> None:
    said = "停水三天了 十几户都没水"
    stage.judge(said, replace(matter("0102", building="3"), since=START - timedelta(days=3), households=11))
    await stage.say("李姐", said)
    (told,) = await stage.told("刘姐")
    assert told.startswith("【诉求】S1 供水 3栋（6月9日起，至少11户） 李姐：")
    assert "起" not in (await stage.said())[0]


async def test_the_acknowledgement_waits_to_be_merged_and_never_quotes(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    (line,) = [line for line in await stage.lines() if line.conversation == GROUP]
    assert timedelta(0) < line.not_before - stage.now <= timedelta(seconds=20)
    assert "又坏了" not in line.text


async def test_two_matters_of_one_message_share_one_line(stage: Judged) -> None:
    both = "13栋电梯咔咔响 还有西门垃圾两天没收"
    stage.judge(both, matter("0101", building="13", objects=("电梯",)), matter("0201", place="西门", objects=("垃圾",)))
    await stage.say("王哥", both)
    assert [ticket.category for ticket in await stage.tickets()] == ["0101", "0201"]
    assert await stage.said() == ["@王哥 已登记 S1 电梯故障 13栋、S2 垃圾清运 西门，办好了会来问您。"]


async def test_a_doubtful_one_goes_to_the_leader_alone(stage: Judged) -> None:
    text = f"{DOGS}13812345678"
    stage.judge(text, maybe("0208"), phones=("13812345678",))
    assert await stage.say("路人甲", text) == "candidate"
    assert await stage.tickets() == []
    (candidate,) = await stage.candidates()
    assert candidate.due is None
    assert await stage.said() == []
    (told,) = await stage.told("刘姐")
    assert told.startswith("【待确认】S1 宠物粪便")
    assert "受理 S1" in told
    assert "误报 S1" in told
    assert "13812345678" not in told
    (reporter,) = await stage.reporters()
    assert reporter.contact is None  # no contact is kept of what only may be an appeal


async def test_a_ticket_keeps_the_phone_number_apart_and_the_mask_in_the_text(stage: Judged) -> None:
    text = "我爸走丢了 打我电话13800005678"
    stage.judge(text, matter("0506", building="4"), phones=("13800005678",))
    await stage.say("4-3-702", text)
    (row,) = await stage.rows()
    assert "13800005678" not in row.text
    (reporter,) = await stage.reporters()
    assert reporter.contact == "13800005678"
    assert all("13800005678" not in line.text for line in await stage.lines())


async def test_chat_leaves_nothing_but_its_reason(stage: Judged) -> None:
    assert await stage.say("王哥", "今天太阳好大") == "chat"
    assert await stage.tickets() == []
    assert await stage.person("王哥") is None


async def test_an_emergency_speaks_at_once_with_advice_even_at_night(stage: Judged) -> None:
    stage.after(hours=13)  # 23:00
    await stage.cast("社区小陈", "社区", "519999001001")
    await stage.say("老周", FIRE)
    (line,) = [line for line in await stage.lines() if line.conversation == GROUP]
    assert line.not_before == stage.now
    assert line.text.startswith("@老周\u2005S1 火情烟雾 5栋 已登记。")
    assert "119" in line.text
    for nick in ("刘姐", "社区小陈"):
        (told,) = await stage.told(nick)
        assert told.startswith("【应急】S1 火情烟雾 5栋 老周：")
        assert "接单 S1" in told
    # Public first: who is in danger reads it before anybody is called.
    order = [line.conversation for line in sorted(await stage.lines(), key=lambda line: line.id)]
    assert order[0] == GROUP


@pytest.mark.parametrize(
    ("category", "number"),
    [
        ("0501", "119"),
        ("0502", "119"),
        ("0503", "119"),
        ("0505", "120"),
        ("0506", "110"),
        ("0507", "120"),
        ("0510", "119"),
    ],
)
async def test_the_advice_fits_the_emergency(stage: Judged, category: str, number: str) -> None:
    stage.judge("出事了", matter(category, building="3"))
    await stage.say("老周", "出事了")
    (line,) = await stage.said()
    assert number in line
    assert len(line) <= 60


async def test_an_emergency_without_a_place_asks_for_it_in_the_same_line(stage: Judged) -> None:
    await stage.say("老周", GAS)
    (line,) = await stage.said()
    assert "几栋几单元" in line


async def test_what_is_confidential_is_answered_in_private_only(stage: Judged) -> None:
    await stage.say("10-2-604", FIGHT, friend=True)
    ticket = await stage.the_ticket()
    assert ticket.confidential
    assert await stage.said() == []
    (receipt,) = await stage.told("10-2-604")
    assert "110" in receipt
    (told,) = await stage.told("刘姐")
    assert told.startswith("【应急·保密】")
    assert "10-2-604" not in told


async def test_a_confidential_reporter_who_is_no_friend_is_not_pointed_at_in_the_group(stage: Judged) -> None:
    stage.judge("楼上搭棚棚", matter("0701", building="8"))
    await stage.say("8-1-1701", "楼上搭棚棚")
    assert await stage.said() == []
    assert await stage.audited("unreachable") == 1


async def test_what_is_said_as_a_report_of_wrongdoing_is_confidential_whatever_its_category(stage: Judged) -> None:
    stage.judge("举报7栋乱停车", matter("0301", building="7", nature=Nature.REPORT))
    await stage.say("王哥", "举报7栋乱停车", friend=True)
    assert await stage.said() == []
    assert len(await stage.told("王哥")) == 1


async def test_late_messages_file_tickets_but_say_nothing_in_public(stage: Judged) -> None:
    stage.after(hours=2)
    await stage.say("2-2-501", LIFT, sent_at=START)
    ticket = await stage.the_ticket()
    assert ticket.reported_at == START
    assert await stage.said() == []
    assert len(await stage.told("刘姐")) == 1


async def test_a_late_emergency_still_reaches_the_leader(stage: Judged) -> None:
    stage.after(hours=2)
    await stage.say("2-2-501", FIRE, sent_at=START)
    assert await stage.said() == []
    assert (await stage.told("刘姐"))[0].startswith("【应急】")


async def test_without_a_place_it_is_asked_once_and_the_answer_fills_it(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    assert await stage.said() == ["@阿芬 已登记 S1 供水，请补充几栋几单元。"]
    stage.after(seconds=30)
    stage.judge("3栋1单元", where=Location("3", "1", located_by="text"))
    assert await stage.say("阿芬", "3栋1单元") == "joined"
    ticket = await stage.the_ticket()
    assert (ticket.place.building, ticket.place.unit, ticket.place.located_by) == ("3", "1", "asked")
    assert len(await stage.said()) == 1
    assert any("3栋1单元" in line for line in await stage.told("刘姐"))


async def test_a_place_that_comes_before_the_question_rewords_it(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("3栋1单元", where=Location("3", "1", located_by="text"))
    await stage.say("阿芬", "3栋1单元")
    ticket = await stage.the_ticket()
    assert ticket.place.located_by == "text"
    assert await stage.said() == ["@阿芬 已登记 S1 供水 3栋1单元，办好了会来问您。"]


async def test_an_address_that_comes_too_late_or_from_others_fills_nothing(stage: Judged) -> None:
    await stage.say("阿芬", WATER)
    stage.judge("3栋1单元", where=Location("3", "1", located_by="text"))
    await stage.say("老周", "3栋1单元")
    stage.after(minutes=11)
    await stage.say("阿芬", "3栋1单元")
    assert not (await stage.the_ticket()).place


async def test_a_place_inside_some_building_is_no_place_yet(stage: Judged) -> None:
    stage.judge("楼道灯不亮", matter("0106", place="楼道"))
    await stage.say("阿芬", "楼道灯不亮")
    assert await stage.said() == ["@阿芬 已登记 S1 路灯照明 楼道，请补充几栋几单元。"]
    stage.after(minutes=1)
    stage.judge("8栋2单元", where=Location("8", "2", located_by="text"))
    await stage.say("阿芬", "8栋2单元")
    ticket = await stage.the_ticket()
    assert (ticket.place.building, ticket.place.place, ticket.place.located_by) == ("8", "楼道", "asked")
    assert any("【补充】S1 路灯照明 8栋2单元 楼道" in line for line in await stage.told("刘姐"))


async def test_what_happens_nowhere_in_particular_is_not_asked_for(stage: Judged) -> None:
    stage.judge("建议多搞点活动", matter("1101", nature=Nature.SUGGESTION))
    await stage.say("阿芬", "建议多搞点活动")
    assert "几栋" not in (await stage.said())[0]


async def test_a_photo_just_before_joins(stage: Judged) -> None:
    assert await stage.say("老周", kind=MessageKind.IMAGE) == "media"
    stage.after(seconds=25)
    await stage.say("老周", LIFT)
    assert [row.kind for row in await stage.rows()] == [MessageKind.IMAGE, MessageKind.TEXT]


async def test_a_photo_of_somebody_else_does_not(stage: Judged) -> None:
    await stage.say("王哥", kind=MessageKind.IMAGE)
    await stage.say("老周", LIFT)
    assert [row.kind for row in await stage.rows()] == [MessageKind.TEXT]


async def test_an_older_photo_joins_only_when_nothing_else_was_said_since(stage: Judged) -> None:
    await stage.say("老周", kind=MessageKind.IMAGE)
    stage.after(minutes=5)
    await stage.say("老周", LIFT)
    assert len(await stage.rows(1)) == 2

    await stage.say("王哥", kind=MessageKind.IMAGE)
    stage.after(minutes=3)
    await stage.say("王哥", "吃了没")
    stage.after(minutes=2)
    await stage.say("王哥", FIRE)
    assert len(await stage.rows(2)) == 1


async def test_photos_after_the_appeal_join_without_a_word(stage: Judged) -> None:
    await stage.say("老周", LIFT)
    assert await stage.say("老周", kind=MessageKind.IMAGE) == "joined"
    stage.after(minutes=11)
    assert await stage.say("老周", kind=MessageKind.IMAGE) == "media"
    assert len(await stage.rows()) == 2


async def test_a_position_fills_the_place(stage: Judged) -> None:
    await stage.say("老周", WATER)
    await stage.say("老周", "青禾路南门", kind=MessageKind.LOCATION)
    assert (await stage.the_ticket()).place.place == "青禾路南门"


async def test_an_address_just_before_the_trouble_belongs_to_it(stage: Judged) -> None:
    stage.judge("3栋2单元", where=Location("3", "2", located_by="text"), follows=True)
    await stage.say("老周", "3栋2单元")
    await stage.say("老周", WATER)
    ticket = await stage.the_ticket()
    assert (ticket.place.building, ticket.place.unit) == ("3", "2")
    assert [row.text for row in await stage.rows()] == ["3栋2单元", WATER]
    assert await stage.said() == ["@老周 已登记 S1 供水 3栋2单元，办好了会来问您。"]


async def test_report_is_never_dropped_and_answered_at_once(stage: Judged) -> None:
    assert await stage.say("阿芬", "上报 楼道里有人发传单") == "command"
    ticket = await stage.the_ticket()
    assert ticket.category == "9999"
    assert [row.text for row in await stage.rows()] == ["楼道里有人发传单"]
    (line,) = [line for line in await stage.lines() if line.conversation == GROUP]
    assert line.not_before == stage.now
    assert "S1" in line.text


async def test_report_of_what_was_just_said_names_the_same_number(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    again = f"上报 {LIFT}"
    stage.judge(again, matter("0101", building="3", unit="2", objects=("电梯",)))
    await stage.say("阿芬", again)
    assert len(await stage.tickets()) == 1
    assert [line for line in await stage.said() if "S1" in line] == [
        "@阿芬 已登记 S1 电梯故障 3栋2单元，办好了会来问您。"
    ]


async def test_report_of_another_matter_is_another_ticket(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    await stage.say("阿芬", "上报 楼道里有人发传单")
    assert [ticket.category for ticket in await stage.tickets()] == ["0101", "9999"]


async def test_report_makes_a_ticket_of_ones_own_candidate(stage: Judged) -> None:
    await stage.say("路人甲", DOGS)
    again = f"上报 {DOGS}"
    stage.judge(again, maybe("0208", objects=("狗",)))
    await stage.say("路人甲", again)
    assert await stage.candidates() == []
    ticket = await stage.the_ticket()
    assert ticket.due is not None


async def test_a_confidential_report_gets_no_public_answer(stage: Judged) -> None:
    text = "上报 8栋群租"
    stage.judge(text, matter("0702", building="8"))
    await stage.say("阿芬", text, friend=True)
    assert await stage.said() == []
    assert len(await stage.told("阿芬")) == 1


async def test_in_private_the_only_community_there_is_hears_of_it(stage: Judged) -> None:
    await stage.cast("社区小陈", "社区", "519999001001")
    stage.judge("路灯黑了", matter("0106", objects=("路灯",)))
    await stage.say("阿芬", "路灯黑了", room=None)
    assert (await stage.the_ticket()).grid == "519999001001"
    assert await stage.told("阿芬") == ["已登记 S1 路灯照明，请补充几栋几单元。"]
    assert len(await stage.told("社区小陈")) == 1


async def test_in_private_the_number_comes_back_and_the_community_is_asked_for(stage: Judged) -> None:
    await stage.cast("社区小王", "社区", "519999001002")
    await stage.room("红光社区1群", "519999001002001001")
    await stage.store.write(lambda tx: grids.put(tx, [Grid("519999001002", "红光社区")]))
    stage.judge("路灯黑了", matter("0106", objects=("路灯",)))
    await stage.say("阿芬", "路灯黑了", room=None)
    ticket = await stage.the_ticket()
    assert ticket.grid is None
    assert await stage.told("阿芬") == ["已登记 S1 路灯照明，请告诉我是哪个小区、几栋几单元。"]
    assert await stage.audited("untold") == 0  # those who see the whole know of it, though nobody can send anybody yet
    assert "还不知道是哪个小区" in (await stage.told("社区小王"))[0]
    assert await stage.told("刘姐") == []

    stage.judge("红光社区3栋", where=Location("3", located_by="text"), follows=True)
    assert await stage.say("阿芬", "红光社区3栋", room=None) == "joined"
    ticket = await stage.the_ticket()
    assert (ticket.grid, ticket.place.building) == ("519999001002", "3")
    assert (await stage.told("社区小王"))[1].startswith("【诉求】S1 路灯照明 3栋")


async def test_what_nobody_can_place_goes_to_those_who_lead_where_no_community_can_be_reached(stage: Judged) -> None:
    await stage.room("红光社区1群", "519999001002001001")
    stage.judge("路灯黑了", matter("0106", objects=("路灯",)))
    await stage.say("阿芬", "上报 路灯黑了", room=None)
    (line,) = await stage.told("刘姐")
    assert line.startswith("【诉求】S1")
    assert "派单" not in line  # of a ticket without a grid that would be refused


async def test_in_private_the_grid_that_is_named_narrows_the_community_down(stage: Judged) -> None:
    await stage.cast("社区小陈", "社区", "519999001001")
    await stage.store.write(lambda tx: grids.put(tx, [Grid("519999001001003012", "青禾苑")]))
    stage.judge("路灯黑了", matter("0106", objects=("路灯",)))
    await stage.say("阿芬", "路灯黑了", room=None)
    assert (await stage.the_ticket()).grid == "519999001001"
    assert await stage.told("刘姐") == []
    stage.judge("青禾苑3栋", where=Location("3", located_by="text"), follows=True)
    await stage.say("阿芬", "青禾苑3栋", room=None)
    assert (await stage.the_ticket()).grid == "519999001001003012"
    assert (await stage.told("刘姐"))[0].startswith("【诉求】S1 路灯照明 3栋")


@pytest.mark.parametrize(
    ("chat", "where"),
    [
        ("恭喜3栋的周晓梅家闺女考上大学", Location("3", located_by="text")),
        ("老人家今天过生日 八十大寿", None),
    ],
)
async def test_chat_before_an_appeal_is_not_kept(stage: Judged, chat: str, where: Location | None) -> None:
    stage.judge(chat, where=where, follows=True)
    await stage.say("老周", chat)
    await stage.say("老周", WATER)
    assert [row.text for row in await stage.rows()] == [WATER]
    assert (await stage.the_ticket()).place.building is None


async def test_chat_behind_an_appeal_names_no_place_and_leaves_no_word(stage: Judged) -> None:
    stage.judge("明天去5栋王姐家打麻将", where=Location("5", located_by="text"), follows=True)
    stage.judge("老人家今天过生日", follows=True)
    await stage.say("老周", WATER)
    await stage.say("阿芬", "吃了没")
    await stage.say("老周", "明天去5栋王姐家打麻将")
    stage.after(minutes=5)
    await stage.say("老周", "老人家今天过生日")
    assert {row.text for row in await stage.rows()} == {WATER, ""}
    assert (await stage.the_ticket()).place.building is None


async def test_an_answer_to_the_question_where_may_be_a_whole_sentence(stage: Judged) -> None:
    stage.judge("我们是3栋2单元靠大门的那家人", where=Location("3", "2", located_by="text"), follows=True)
    await stage.say("老周", WATER)
    stage.after(seconds=30)
    await stage.say("阿芬", "吃了没")
    await stage.say("老周", "我们是3栋2单元靠大门的那家人")
    place = (await stage.the_ticket()).place
    assert (place.building, place.unit, place.located_by) == ("3", "2", "asked")


async def test_in_private_the_last_ticket_tells_the_grid(stage: Judged) -> None:
    await stage.say("阿芬", LIFT)
    stage.after(days=1)
    stage.judge("路灯黑了", matter("0106", building="3", objects=("路灯",)))
    await stage.say("阿芬", "路灯黑了", room=None)
    assert [ticket.grid for ticket in await stage.tickets()] == ["519999001001003012"] * 2
    assert len(await stage.told("刘姐")) == 2


async def test_an_id_number_in_the_group_earns_one_private_hint_and_no_record(stage: Judged) -> None:
    text = "疫苗报名 张小明 519999199001011234"
    stage.judge(text, id_number=True, follows=True)
    stage.judge("再发一次 519999199001011234", id_number=True)
    await stage.say("6-2-301", text, friend=True)
    await stage.say("6-2-301", "再发一次 519999199001011234", friend=True)
    assert await stage.said() == []
    assert len(await stage.told("6-2-301")) == 1
    assert await stage.person("6-2-301") is None


async def test_a_dropped_acknowledgement_asks_nothing_and_keeps_the_ticket(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.after(minutes=5)
    await stage.say("阿芬", WATER)
    assert len(await stage.tickets()) == 2
    assert len(await stage.said()) == 1
    dropped = await stage.store.read(lambda tx: outbox.by_state(tx, SendState.DROPPED))
    assert dropped == []


async def test_a_phone_number_in_the_nick_is_masked_wherever_it_is_kept(stage: Judged) -> None:
    await stage.say("王哥13812345678", LIFT)
    (reporter,) = await stage.reporters()
    assert "13812345678" not in reporter.nick
    assert all("13812345678" not in line for line in await stage.told("刘姐"))


async def test_thanks_is_not_an_appeal_and_is_not_answered(stage: Judged) -> None:
    stage.judge("谢谢啦", shape=Shape.THANKS)
    await stage.say("王哥", "谢谢啦")
    assert await stage.said() == []
