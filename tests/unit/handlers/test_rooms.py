"""Rooms: enabled by a leader within his scope, hushed by anybody, lost without a trace of doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers import quiet
from handlers import texts as labels
from handlers.texts import help as help_texts
from handlers.texts import people as people_texts
from handlers.texts import rooms as texts
from storage import outbox, people, rooms
from storage.model import Alias, Draft, Lane, MessageKind, PostKind, RoomKind, RoomState
from tests.unit.handlers.stage import ACCOUNT, COMMUNITY, GENERAL, GROUP, MICRO, Stage

NEW = "一个新群"
OTHER = "519999001001004001"


@pytest.fixture
async def unbound(stage: Stage) -> Stage:
    await stage.room(OTHER, OTHER)  # so that the registry knows another grid
    await stage.room(NEW, None, enabled=False)
    return stage


async def state(stage: Stage, name: str = NEW) -> tuple[RoomState, str | None]:
    room = await stage.read_room(name)
    assert room is not None
    return room.state, room.grid


# --- 启用 ---
async def test_a_leader_binds_and_enables_an_unbound_room_and_the_notice_is_posted_once(unbound: Stage) -> None:
    assert await unbound.say("网格长刘姐", f"启用 {MICRO}", room=NEW) == "command"
    assert await state(unbound) == (RoomState.ENABLED, MICRO)
    confirmed, notice = await unbound.said(NEW)
    assert confirmed == "@网格长刘姐 " + texts.enabled("网格003012")
    assert notice == people_texts.PRIVACY_NOTICE
    await unbound.say("网格长刘姐", "停用", room=NEW)
    await unbound.say("网格长刘姐", "启用", room=NEW)
    assert await state(unbound) == (RoomState.ENABLED, MICRO)
    assert (await unbound.said(NEW)).count(people_texts.PRIVACY_NOTICE) == 1
    assert await unbound.audited("room_enabled") == 2


async def test_the_notice_says_whose_name_goes_upward(unbound: Stage) -> None:
    unbound.policy = replace(unbound.policy, named_to=("区城运平台",))
    await unbound.say("网格长刘姐", f"启用 {MICRO}", room=NEW)
    assert (await unbound.said(NEW))[
        -1
    ] == f"{people_texts.PRIVACY_NOTICE}\n诉求连同称呼、电话报送区城运平台，保密的除外。"


async def test_a_leader_of_one_micro_grid_need_not_type_its_code(unbound: Stage) -> None:
    await unbound.say("网格长刘姐", "启用", room=NEW)
    assert await state(unbound) == (RoomState.ENABLED, MICRO)


async def test_who_leads_more_than_one_grid_is_asked_for_the_code(unbound: Stage) -> None:
    await unbound.cast("社区小周", "社区工作人员", scope=COMMUNITY)
    await unbound.say("社区小周", "启用", room=NEW)
    assert await state(unbound) == (RoomState.DORMANT, None)
    assert await unbound.said(NEW) == [f"@社区小周 {texts.ENABLE_WITH_CODE}"]
    await unbound.say("社区小周", f"启用 {OTHER}", room=NEW)
    assert await state(unbound) == (RoomState.ENABLED, OTHER)


async def test_a_code_that_is_not_in_the_registry_is_refused_with_a_word(unbound: Stage) -> None:
    await unbound.cast("社区小周", "社区工作人员", scope=COMMUNITY)
    await unbound.say("社区小周", f"启用 {COMMUNITY}999999", room=NEW)
    assert await state(unbound) == (RoomState.DORMANT, None)
    assert await unbound.said(NEW) == [f"@社区小周 {texts.no_such_grid(COMMUNITY + '999999')}"]


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("路人甲", f"启用 {MICRO}"),
        ("路人甲", "启用"),
        ("物业小张", f"启用 {MICRO}"),
        ("网格长刘姐", f"启用 {OTHER}"),
        ("网格长刘姐", f"启用 {GENERAL}"),
    ],
)
async def test_who_has_no_right_there_is_not_answered(unbound: Stage, who: str, said: str) -> None:
    assert await unbound.say(who, said, room=NEW) == "denied"
    assert await state(unbound) == (RoomState.DORMANT, None)
    assert await unbound.said(NEW) == []
    assert await unbound.audited("denied") == 1


async def test_a_dormant_room_keeps_nothing_of_a_stranger_who_tries(unbound: Stage) -> None:
    await unbound.say("路人甲", "启用", room=NEW)
    assert await unbound.person("路人甲") is None


async def test_a_room_of_another_grid_is_not_taken_over(unbound: Stage) -> None:
    assert await unbound.say("网格长刘姐", f"启用 {MICRO}", room=OTHER) == "denied"
    assert await state(unbound, OTHER) == (RoomState.ENABLED, OTHER)


async def test_enabling_twice_changes_nothing(stage: Stage) -> None:
    await stage.say("网格长刘姐", "启用")
    assert await stage.said() == [f"@网格长刘姐 {texts.enabled_already('网格003012')}"]
    assert await stage.audited("room_enabled") == 0


async def test_a_room_the_bot_does_not_know_gets_a_row_and_sleeps(stage: Stage) -> None:
    assert await stage.say("李姐", "电梯坏了", room="陌生群") == "dormant"
    assert await state(stage, "陌生群") == (RoomState.DORMANT, None)
    assert await stage.person("李姐") is None


# --- dormant ---
@pytest.mark.parametrize("said", ["3栋电梯坏了", "帮助", "上报 3栋电梯坏了", "静音", "太吵了", "@小格 在吗", "1"])
async def test_in_a_dormant_room_only_enabling_is_looked_at(unbound: Stage, said: str) -> None:
    for who in ("李姐", "网格长刘姐"):
        assert await unbound.say(who, said, room=NEW) == "dormant"
    assert unbound.context is None  # judged without a transaction
    assert await unbound.said(NEW) == []
    assert await unbound.tickets() == []


async def test_disabling_silences_at_once_what_was_still_to_be_said(stage: Stage) -> None:
    await queue(stage, PostKind.ACK, "ack:S1")
    await queue(stage, PostKind.CALLBACK, "callback:S1")
    await stage.say("网格长刘姐", "停用")
    assert await state(stage, GROUP) == (RoomState.DORMANT, MICRO)
    assert await stage.said() == [f"@网格长刘姐 {texts.DISABLED}"]


async def queue(stage: Stage, kind: PostKind, key: str) -> None:
    """A line that waits for its moment."""
    room = await stage.read_room()
    assert room is not None
    moment = stage.now + timedelta(minutes=3)
    draft = Draft(
        key,
        ACCOUNT,
        GROUP,
        f"{key}…",
        kind,
        Lane.REPLY,
        moment,
        stage.now,
        room_id=room.id,
        counted=kind in quiet.COUNTED,
    )
    await stage.store.write(lambda tx: outbox.put(tx, draft))


# --- 静音 ---
@pytest.mark.parametrize("said", ["静音", "静音 24h", "太吵了", "别刷屏", "@小格 太吵了"])
async def test_anybody_may_ask_for_silence_and_the_leader_is_told_at_once(stage: Stage, said: str) -> None:
    assert await stage.say("李姐", said) == "command"
    room = await stage.read_room()
    assert room is not None
    assert room.silent_until == stage.now + timedelta(hours=24)
    assert await stage.said() == [f"@李姐 {texts.hushed(24)}"]
    told = await stage.told("网格长刘姐")
    assert len(told) == 1
    assert GROUP in told[0]
    assert "恢复" in told[0]


async def test_asking_again_is_not_answered_again(stage: Stage) -> None:
    await stage.say("李姐", "静音")
    await stage.after(hours=1).say("老周", "太吵了")
    assert len(await stage.said()) == 1
    assert len(await stage.told("网格长刘姐")) == 1
    room = await stage.read_room()
    assert room is not None
    assert room.silent_until == stage.now + timedelta(hours=24)


async def test_a_shorter_silence(stage: Stage) -> None:
    await stage.say("李姐", "静音2小时")
    room = await stage.read_room()
    assert room is not None
    assert room.silent_until == stage.now + timedelta(hours=2)


async def test_silence_holds_back_what_was_about_to_be_said(stage: Stage) -> None:
    await queue(stage, PostKind.ACK, "ack:S1")
    await queue(stage, PostKind.CALLBACK, "callback:S1")
    await stage.say("李姐", "静音")
    later = [line for line in await stage.lines() if line.counted]
    assert [line.key for line in later] == ["callback:S1"]
    assert later[0].not_before >= stage.now + timedelta(hours=24)


async def test_under_silence_commands_are_answered_and_appeals_are_not(stage: Stage) -> None:
    await stage.say("李姐", "静音")
    await stage.say("老周", "3栋2单元电梯坏了，一直没人修")
    await stage.after(minutes=1).say("老周", "帮助")
    assert len(await stage.tickets()) == 1
    said = await stage.said()
    assert len(said) == 2
    assert said[1].startswith(f"@老周 {help_texts.HELP_ROOM[0]}")


async def test_only_a_leader_ends_the_silence(stage: Stage) -> None:
    await stage.say("李姐", "静音")
    assert await stage.say("李姐", "恢复") == "denied"
    assert await stage.say("网格长刘姐", "恢复") == "command"
    room = await stage.read_room()
    assert room is not None
    assert room.silent_until is None
    assert (await stage.said())[-1] == f"@网格长刘姐 {texts.RESUMED}"
    await stage.say("网格长刘姐", "恢复")
    assert (await stage.said())[-1] == f"@网格长刘姐 {texts.NOT_HUSHED}"


async def test_a_leader_room_cannot_be_silenced(stage: Stage) -> None:
    await stage.room("工作群", GENERAL, kind=RoomKind.LEADER)
    await stage.say("网格长刘姐", "静音", room="工作群")
    assert await stage.said("工作群") == [f"@网格长刘姐 {texts.NO_HUSH_HERE}"]


async def test_old_words_for_silence_count_from_when_they_were_said(stage: Stage) -> None:
    said_at = stage.now - timedelta(hours=20)
    await stage.say("李姐", "静音", sent_at=said_at)
    room = await stage.read_room()
    assert room is not None
    assert room.silent_until == said_at + timedelta(hours=24)
    assert await stage.said() == []  # late: no public reply
    assert len(await stage.told("网格长刘姐")) == 1


@pytest.mark.parametrize("said", ["启用", "停用", "静音", "恢复"])
async def test_in_private_the_leader_is_sent_to_the_room(stage: Stage, said: str) -> None:
    await stage.say("网格长刘姐", said, room=None)
    assert await stage.told("网格长刘姐") == [labels.ONLY_IN_ROOM]


# --- comings and goings ---
async def test_when_the_bot_is_removed_the_leaders_are_told_once(stage: Stage) -> None:
    await queue(stage, PostKind.NOTICE, "notice:T1")
    for _ in range(2):
        assert await stage.say("", kind=MessageKind.LEAVE, mentions_me=True, people=("bot",)) == "removed"
    assert await state(stage, GROUP) == (RoomState.GONE, MICRO)
    assert await stage.told("网格长刘姐") == [texts.room_gone(GROUP)]
    assert await stage.audited("room_gone") == 1
    assert await stage.said() == []  # nothing is tried any more


async def test_taken_in_again_it_sleeps_until_a_leader_wakes_it(stage: Stage) -> None:
    await stage.say("", kind=MessageKind.LEAVE, text="你被移出群聊")
    assert await stage.say("李姐", "电梯坏了") == "dormant"
    assert await state(stage, GROUP) == (RoomState.DORMANT, MICRO)
    await stage.say("网格长刘姐", "启用")
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)


async def test_of_members_comings_and_goings_nothing_is_kept(stage: Stage) -> None:
    for kind in (MessageKind.JOIN, MessageKind.LEAVE):
        assert await stage.say("新邻居", kind=kind, people=("新邻居",)) == kind.value
    assert stage.context is None
    assert await stage.person("新邻居") is None
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)


async def test_a_new_topic_is_kept(stage: Stage) -> None:
    assert await stage.say("李姐", "新名字", kind=MessageKind.TOPIC, topic="青禾12微网格大家庭") == "topic"
    room = await stage.read_room()
    assert room is not None
    assert room.topic == "青禾12微网格大家庭"


# --- a group under another id ---
AGAIN = "new@chatroom"
LIFT = "3栋2单元电梯坏了"


async def test_the_leader_is_told_once_that_a_group_seems_to_have_another_id(stage: Stage) -> None:
    assert await stage.say("李姐", LIFT, room=AGAIN, topic=GROUP) == "dormant"
    assert await stage.told("网格长刘姐") == [texts.room_id_changed(GROUP)]
    for _ in range(2):
        assert await stage.say("李姐", LIFT, room=AGAIN, topic=GROUP) == "dormant"
    assert len(await stage.told("网格长刘姐")) == 1
    assert await state(stage, AGAIN) == (RoomState.DORMANT, None)
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)
    assert await stage.said(AGAIN) == []
    assert await stage.person("李姐") is None


async def test_a_room_that_gets_the_name_later_is_proposed_then(stage: Stage) -> None:
    await stage.say("李姐", "大家好", room=AGAIN, topic="")
    assert await stage.told("网格长刘姐") == []
    await stage.say("李姐", room=AGAIN, kind=MessageKind.TOPIC, topic=GROUP)
    assert await stage.told("网格长刘姐") == [texts.room_id_changed(GROUP)]


@pytest.mark.parametrize("said", ["启用", f"启用 {MICRO}"])
async def test_once_the_leader_says_so_the_group_goes_on_as_it_was(stage: Stage, said: str) -> None:
    await stage.say("李姐", LIFT)
    (ticket,) = await stage.tickets()
    await stage.say("李姐", "在吗", room=AGAIN, topic=GROUP)
    assert await stage.say("网格长刘姐", said, room=AGAIN, topic=GROUP) == "command"
    assert await state(stage, AGAIN) == (RoomState.ENABLED, MICRO)
    assert await state(stage, GROUP) == (RoomState.GONE, MICRO)
    answer, waited = await stage.said(AGAIN)
    assert answer == f"@网格长刘姐 {texts.enabled_again('网格003012')}"
    assert waited.startswith(f"@李姐 已登记 {ticket.id}")  # what had not been said yet is said here
    assert await stage.audited("room_moved") == 1
    (moved,) = await stage.tickets()
    room = await stage.read_room(AGAIN)
    assert room is not None
    assert (moved.number, moved.room_id) == (ticket.number, room.id)
    await stage.say("李姐", "还没修好啊，3栋2单元电梯坏了", room=AGAIN, topic=GROUP)
    assert len(await stage.tickets()) == 1  # the same trouble, the same group


async def test_a_leader_of_several_grids_need_not_type_the_code_of_the_group_that_moved(stage: Stage) -> None:
    await stage.cast("社区小周", "社区工作人员", scope=COMMUNITY)
    await stage.say("社区小周", "启用", room=AGAIN, topic=GROUP)
    assert await state(stage, AGAIN) == (RoomState.ENABLED, MICRO)
    assert await state(stage, GROUP) == (RoomState.GONE, MICRO)


@pytest.mark.parametrize("who", ["路人甲", "物业小张", "别处的"])
async def test_only_who_leads_there_moves_a_group(stage: Stage, who: str) -> None:
    await stage.room("别处", OTHER)
    await stage.cast("别处的", "网格员", scope=OTHER[:15])
    await stage.say(who, "启用", room=AGAIN, topic=GROUP)
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)
    assert (await state(stage, AGAIN))[0] is RoomState.DORMANT


async def test_another_grid_is_another_group(stage: Stage) -> None:
    await stage.room("别处", OTHER)
    await stage.cast("社区小周", "社区工作人员", scope=COMMUNITY)
    await stage.say("社区小周", f"启用 {OTHER}", room=AGAIN, topic=GROUP)
    assert await state(stage, AGAIN) == (RoomState.ENABLED, OTHER)
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)


async def test_where_it_was_another_group_after_all_the_leader_hears_of_it(stage: Stage) -> None:
    await stage.say("网格长刘姐", "启用", room=AGAIN, topic=GROUP)
    assert await stage.say("李姐", LIFT) == "dormant"
    assert await stage.told("网格长刘姐") == [texts.room_not_moved(GROUP)]
    assert await state(stage, GROUP) == (RoomState.DORMANT, MICRO)
    await stage.say("网格长刘姐", "启用")
    assert await state(stage, GROUP) == (RoomState.ENABLED, MICRO)
    assert await state(stage, AGAIN) == (RoomState.ENABLED, MICRO)


async def test_when_the_leader_room_itself_has_another_id_its_people_hear_of_it_in_private(stage: Stage) -> None:
    await stage.room("工作群", GENERAL, kind=RoomKind.LEADER)
    await stage.cast("网格员小赵", "网格员", scope=GENERAL)
    await stage.say("物业小张", "大家好", room=AGAIN, topic="工作群")
    assert await stage.told("网格员小赵") == [texts.room_id_changed("工作群")]
    assert await stage.said("工作群") == []
    await stage.say("网格员小赵", "启用", room=AGAIN, topic="工作群")
    room = await stage.read_room(AGAIN)
    assert room is not None
    assert (room.kind, room.state, room.grid) == (RoomKind.LEADER, RoomState.ENABLED, GENERAL)


# --- two of our accounts in one group ---
async def other_accounts_room(stage: Stage, im_id: str) -> RoomState:
    room = await stage.store.read(lambda tx: rooms.find(tx, "a2", im_id))
    assert room is not None
    return room.state


async def second_account(stage: Stage) -> None:
    """The leader is known to our second account, too."""
    leader = await stage.person("网格长刘姐")
    assert leader is not None
    await stage.store.write(lambda tx: people.give_alias(tx, leader.id, Alias("a2", "网格长刘姐")))


async def test_of_two_accounts_in_a_group_the_first_answers_and_the_other_is_silent(stage: Stage) -> None:
    await second_account(stage)
    before = len(await stage.said())
    assert await stage.say("网格长刘姐", "启用", account="a2") == "command"
    assert await other_accounts_room(stage, GROUP) is RoomState.DORMANT
    assert len(await stage.said()) == before
    assert await stage.audited("room_left_to_other") == 1


async def test_an_account_that_knows_the_group_by_another_id_says_who_answers(stage: Stage) -> None:
    await second_account(stage)
    await stage.say("网格长刘姐", "启用", account="a2", room="gh-2", topic=GROUP)
    assert await other_accounts_room(stage, "gh-2") is RoomState.DORMANT
    assert await stage.said("gh-2") == [f"@网格长刘姐 {texts.OTHER_ACCOUNT_ANSWERS}"]


async def test_where_the_first_was_removed_the_other_takes_over_with_the_tickets(stage: Stage) -> None:
    await second_account(stage)
    await stage.say("李姐", LIFT)
    await stage.say("某人", kind=MessageKind.LEAVE, people=(ACCOUNT,), mentions_me=True)
    await stage.say("网格长刘姐", "启用", account="a2")
    assert await other_accounts_room(stage, GROUP) is RoomState.ENABLED
    (ticket,) = await stage.tickets()
    room = await stage.store.read(lambda tx: rooms.find(tx, "a2", GROUP))
    assert room is not None
    assert ticket.room_id == room.id
