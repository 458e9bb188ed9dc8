"""Which handler takes a message, who may, and what is passed by without the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers import routes, routing, texts
from handlers.commands import Name
from handlers.texts.commands import ONE_AT_A_TIME, suggest
from handlers.window import Window
from storage.model import MessageKind, RoomKind, RoomState, TicketState
from tests.unit.handlers.stage import ACCOUNT, GENERAL, GROUP, MICRO, START, Stage, classifier

LIFT = "3栋2单元电梯坏了，一直没人修"
TRAPPED = "电梯困人了！3栋2单元，快来人"


def test_every_command_has_one_route() -> None:
    rows = [(route.name, route.letter) for route in routes.ROUTES]
    assert len(set(rows)) == len(rows)
    assert {name for name, _ in rows} == set(Name)


# --- rights ---
@pytest.mark.parametrize(
    "said",
    ["/办结 S1 修好了", "派单 S1 物业 2h", "受理 S1", "误报 S1", "接单 S1", "处置中 S1 快了", "待办", "恢复", "停用"],
)
async def test_a_resident_who_types_a_leaders_command_is_not_answered(stage: Stage, said: str) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.tickets()
    assert await stage.say("键盘侠", said) == "denied"
    assert await stage.tickets() == before
    assert all("键盘侠" not in line for line in await stage.said())
    assert await stage.audited("denied") == 1


async def test_the_tickets_grid_decides_wherever_the_command_is_typed(stage: Stage) -> None:
    await stage.say("李姐", LIFT)
    await stage.cast("隔壁网格长", "微网格长", scope="519999001001003013")
    assert await stage.say("隔壁网格长", "派单 S1 物业") == "denied"
    assert await stage.say("网格长刘姐", "派单 S1 物业", room=None) == "command"
    (ticket,) = await stage.tickets()
    assert ticket.state is TicketState.ASSIGNED


async def test_the_property_handles_but_does_not_assign(stage: Stage) -> None:
    await stage.say("李姐", LIFT)
    assert await stage.say("物业小张", "派单 S1 物业") == "denied"
    await stage.say("网格长刘姐", "派单 S1 物业 2h")
    assert await stage.say("物业小张", "接单 S1") == "command"
    assert await stage.say("物业小张", "办结 S1 换了门机") == "command"
    (ticket,) = await stage.tickets()
    assert ticket.state is TicketState.CALLBACK


async def test_a_ticket_that_does_not_exist_is_told_to_those_who_might_handle_it_only(stage: Stage) -> None:
    assert await stage.say("网格长刘姐", "办结 S99 修好了") == "command"
    assert "S99" in (await stage.said())[-1]
    assert await stage.say("李姐", "办结 S99 修好了") == "denied"


async def test_the_same_refused_command_in_private_is_silent_too(stage: Stage) -> None:
    assert await stage.say("键盘侠", "待办", room=None) == "denied"
    assert await stage.told("键盘侠") == []


async def test_staff_hear_in_private_that_it_is_beyond_their_scope(stage: Stage) -> None:
    await stage.say("李姐", LIFT)
    await stage.cast("隔壁网格长", "微网格长", scope="519999001001003013")
    assert await stage.say("隔壁网格长", "派单 S1 物业", room=None) == "denied"
    assert await stage.told("隔壁网格长") == [texts.BEYOND_SCOPE]
    assert await stage.say("隔壁网格长", "派单 S1 物业") == "denied"
    assert all(texts.BEYOND_SCOPE not in line for line in await stage.said())
    assert await stage.audited("denied") == 2


# --- near misses ---
async def test_a_near_miss_said_to_the_bot_gets_one_short_suggestion(stage: Stage) -> None:
    assert await stage.say("李姐", "/查寻 S12") == "near_miss"
    assert await stage.said() == [f"@李姐 {suggest('查询 S12')}"]
    assert len(suggest("查询 S12")) <= 60


async def test_two_commands_in_one_message_are_asked_for_one_by_one(stage: Stage) -> None:
    await stage.say("李姐", LIFT)
    assert await stage.say("网格长刘姐", "派单 S1 物业\n接单 S2 电梯坏了") == "near_miss"
    assert f"@网格长刘姐 {ONE_AT_A_TIME}" in await stage.said()
    assert [ticket.state for ticket in await stage.tickets()] == [TicketState.FILED]
    assert await stage.say("李姐", "派单 S1 物业 派单 S2 物业") != "near_miss"


async def test_a_near_miss_said_to_the_bot_by_name_is_no_candidate(stage: Stage) -> None:
    assert await stage.say("李姐", "@小格\u2005查讯 S12") == "near_miss"
    assert await stage.candidates() == []


async def test_a_near_miss_of_what_one_may_not_do_gets_none(stage: Stage) -> None:
    await stage.say("键盘侠", "/办洁 S12")
    await stage.say("键盘侠", "/派单")
    assert await stage.said() == []
    assert await stage.audited("denied") == 0


async def test_an_appeal_that_looks_like_a_near_miss_is_an_appeal(stage: Stage) -> None:
    await stage.say("李姐", f"/停用的{LIFT}")
    assert len(await stage.tickets()) == 1
    assert not any(suggest("") in line for line in await stage.said())


# --- who is heard where ---
async def test_what_the_leaders_announce_is_no_appeal(stage: Stage) -> None:
    for who in ("网格长刘姐", "物业小张"):
        assert await stage.say(who, "3栋2单元电梯坏了，正在联系维修") == "staff"
    assert await stage.tickets() == []
    assert await stage.candidates() == []


async def test_an_emergency_counts_whoever_says_it(stage: Stage) -> None:
    await stage.say("物业小张", TRAPPED)
    assert len(await stage.tickets()) == 1


async def test_staff_of_another_grid_live_here_like_anybody(stage: Stage) -> None:
    await stage.cast("外区物业", "物业", scope="519999001002")
    await stage.cast("楼栋长老王", "楼栋长")
    await stage.say("外区物业", LIFT)
    await stage.after(minutes=30).say("楼栋长老王", "5栋1单元门口路灯坏了，一直不亮")
    assert len(await stage.tickets()) == 2


async def test_talk_among_leaders_is_not_captured_but_their_commands_work(stage: Stage) -> None:
    await stage.room("工作群", GENERAL, kind=RoomKind.LEADER)
    await stage.say("李姐", LIFT)
    assert await stage.say("网格长刘姐", LIFT, room="工作群") == "leader_room"
    assert await stage.say("网格长刘姐", kind=MessageKind.IMAGE, room="工作群") == "leader_room"
    assert await stage.say("网格长刘姐", "待办", room="工作群") == "command"
    assert await stage.say("网格长刘姐", "派单 S1 物业", room="工作群") == "command"
    (ticket,) = await stage.tickets()
    assert ticket.state is TicketState.ASSIGNED


async def test_without_a_number_a_leader_room_means_the_one_open_in_the_scope(stage: Stage) -> None:
    await stage.room("工作群", GENERAL, kind=RoomKind.LEADER)
    await stage.say("李姐", LIFT)
    assert await stage.say("网格长刘姐", "/派单 物业", room="工作群") == "command"
    (ticket,) = await stage.tickets()
    assert ticket.state is TicketState.ASSIGNED


async def test_in_private_whatever_is_said_is_said_to_the_bot(stage: Stage) -> None:
    await stage.say("李姐", LIFT, room=None)
    assert len(await stage.tickets()) + len(await stage.candidates()) == 1
    assert await stage.said() == []


# --- late, twice, quoted ---
async def test_the_backlog_files_tickets_but_says_nothing_in_public(stage: Stage) -> None:
    await stage.say("李姐", LIFT, sent_at=stage.now - timedelta(hours=2))
    assert len(await stage.tickets()) == 1
    assert await stage.said() == []
    assert await stage.say("李姐", "帮助", sent_at=stage.now - timedelta(hours=2)) == "command"
    assert await stage.said() == []


async def test_a_command_that_arrives_twice_has_one_effect(stage: Stage) -> None:
    await stage.say("李姐", "静音")
    await stage.again()
    assert len(await stage.said()) == 1
    assert await stage.audited("room_hushed") == 1


async def test_a_quoted_command_is_somebody_elses_what_stands_below_counts(stage: Stage) -> None:
    ruler = "\n- - - - - - - - - - - - - - -\n"
    await stage.say("李姐", f"「网格长刘姐：停用」{ruler}为啥子哦", kind=MessageKind.QUOTE)
    assert await stage.audited("denied") == 0
    await stage.say("网格长刘姐", f"「李姐：好吵」{ruler}停用", kind=MessageKind.QUOTE)
    room = await stage.read_room()
    assert room is not None
    assert room.state is RoomState.DORMANT


async def test_a_phone_number_in_a_command_is_masked_before_it_is_kept(stage: Stage) -> None:
    await stage.say("李姐", f"上报 {LIFT} 电话13800001234")
    assert stage.context is not None
    assert await stage.store.read(lambda tx: _texts(tx)) == [f"{LIFT} 电话138****1234"]


async def _texts(tx: object) -> list[str]:
    from storage import tickets

    return [message.text for message in await tickets.messages(tx, 1)]  # type: ignore[arg-type]


# --- without the database ---
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("收到", "ack"),
        ("[微笑][微笑]", "empty"),
        ("晚上吃火锅不", None),
        ("帮助一下嘛谁有梯子", None),
        ("#接龙\n车厘子团购 99元一箱\n\n1. 张三", "chain"),
    ],
)
async def test_chat_is_passed_by_and_leaves_nothing(stage: Stage, said: str, reason: str | None) -> None:
    counted = await stage.say("李姐", said)
    assert stage.context is None, "no transaction was needed"
    assert reason in (None, counted)
    assert await stage.person("李姐") is None


@pytest.mark.parametrize("kind", [MessageKind.PAT, MessageKind.TODO, MessageKind.LINK, MessageKind.RED_PACKET,
                                  MessageKind.EMOTICON, MessageKind.FORWARD, MessageKind.CHAIN])  # fmt: skip
async def test_native_messages_are_counted_by_their_kind(stage: Stage, kind: MessageKind) -> None:
    assert await stage.say("李姐", kind=kind) == kind.value
    assert stage.context is None


async def test_a_photo_matters_only_behind_a_trouble(stage: Stage) -> None:
    assert await stage.say("李姐", kind=MessageKind.IMAGE) == "media"
    assert stage.context is None
    await stage.say("老周", LIFT)
    await stage.say("老周", kind=MessageKind.IMAGE)
    assert stage.context is not None
    assert stage.context.tickets == (1,)


async def test_our_own_words_are_passed_by(stage: Stage) -> None:
    assert await stage.say("小格", LIFT, from_me=True) == "own"


WORDS = [
    "早啊",
    "晚上吃火锅不",
    "哪个有车位出租",
    "收到",
    "好的",
    "谢谢刘姐",
    "1",
    "哈哈哈哈",
    "出个九成新电瓶车 带充电器 300 自提",
    "明早7点 犀浦到天府三街 拼车差2个",
    "帮助一下嘛谁有梯子",
    "恢复供水了",
    "@李姐 你家娃娃好乖",
    "太阳出来了",
    "3栋的快递到了",
    "[微笑]",
    "#接龙\n1. 张三",
]


@pytest.mark.parametrize("where", [GROUP, "睡着的群", "工作群", None])
async def test_what_is_passed_by_would_have_had_no_effect(stage: Stage, where: str | None) -> None:
    """The short way and the long way agree: handling what `idle` passes by writes nothing and says nothing."""
    await stage.room("睡着的群", MICRO, enabled=False)
    await stage.room("工作群", GENERAL, kind=RoomKind.LEADER)
    stage.thorough = True
    for number, words in enumerate(WORDS):
        for kind in (MessageKind.TEXT, MessageKind.IMAGE, MessageKind.LINK):
            await stage.say(f"邻居{number}", words, room=where, kind=kind)
    if where is None:
        return  # what is said to the bot alone may well be a candidate
    assert await stage.lines() == []
    assert await stage.tickets() == []
    assert await stage.candidates() == []
    assert all([await stage.person(f"邻居{number}") is None for number in range(len(WORDS))])


def test_an_unknown_room_and_one_that_was_lost_need_their_row() -> None:
    from handlers.context import Policy
    from nlp import categories
    from storage.model import Message, Room

    policy = Policy(categories=categories.load())
    message = Message(ACCOUNT, "m1", MessageKind.TEXT, "r9", "u1", START, "早啊")
    analysis = classifier().analyse("早啊")

    def idle(room: Room | None) -> str | None:
        return routing.idle(message, analysis, room, Window(), policy, known=False, opted_out=False)

    assert idle(None) is None
    room = Room(1, ACCOUNT, "r9", "", RoomKind.RESIDENT, RoomState.GONE)
    assert idle(room) is None
    assert idle(replace(room, state=RoomState.DORMANT)) == "dormant"
