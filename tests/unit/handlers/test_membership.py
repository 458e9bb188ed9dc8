"""Several accounts of ours: how many groups each may have, who takes over from one that is gone, who hears of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from handlers import membership
from handlers.texts import notices as notice_texts
from handlers.texts import rooms as said
from storage import accounts, outbox, people, presence, rooms, standbys
from storage.engine import Tx
from storage.model import Alias, MessageKind, RoomKind, RoomState, SendState
from storage.notices import NO_MEMBER
from tests.unit.handlers.stage import ACCOUNT, COMMUNITY, GENERAL, GROUP, MICRO, Stage

OTHER, THIRD = "a2", "a3"
NEIGHBOUR, NEIGHBOUR_GRID = "青禾社区13微网格群", "519999001001003013"
OFFICE = "青禾社区网格长群"


async def seen(stage: Stage, *names: str, at: datetime | None = None) -> None:
    """These accounts are linked now."""

    async def work(tx: Tx) -> None:
        for name in names:
            await accounts.seen(tx, name, at or stage.now)
            await presence.listened(tx, name, at or stage.now)

    await stage.store.write(work)


@pytest.fixture
async def town(stage: Stage) -> Stage:
    """Two of our accounts are in the group, both linked for long."""
    stage.speaking = [ACCOUNT, OTHER, THIRD]
    await stage.tick()
    await seen(stage, ACCOUNT, OTHER)
    await stage.say("李姐", "早上好", account=OTHER)
    return stage


async def pass_time(stage: Stage, minutes: int, *linked: str) -> None:
    """Minute by minute, these accounts linked all the while."""
    for _ in range(minutes):
        stage.after(minutes=1)
        await seen(stage, *linked)
        await stage.tick()


async def answering(stage: Stage, topic: str = GROUP) -> str | None:
    found = [room for room in await stage.store.read(rooms.every) if room.topic == topic]
    (account,) = {room.account for room in found if room.state is RoomState.ENABLED} or {None}
    return account


async def dead(stage: Stage) -> dict[str, str | None]:
    return {one.name: one.dead_why for one in await stage.store.read(accounts.dead)}


async def log_out(stage: Stage, name: str = ACCOUNT) -> None:
    stage.after(seconds=1)
    await stage.store.write(lambda tx: presence.logged_out(tx, name, stage.now))


# --- dead, by the clock ---
async def test_an_account_without_a_link_for_half_an_hour_is_dead_and_its_group_goes_on(town: Stage) -> None:
    await pass_time(town, 29, OTHER)
    assert (await dead(town), await answering(town)) == ({}, ACCOUNT)
    await pass_time(town, 2, OTHER)
    assert (await dead(town), await answering(town)) == ({ACCOUNT: accounts.NO_LINK}, OTHER)
    assert await town.audited("account_died") == 1
    assert await town.audited("room_reassigned") == 1
    await pass_time(town, 3, OTHER)
    assert await town.audited("account_died") == 1


async def test_how_long_is_a_matter_of_the_config(town: Stage) -> None:
    town.policy = replace(town.policy, account_dead_for=timedelta(minutes=3))
    await pass_time(town, 4, OTHER)
    assert await dead(town) == {ACCOUNT: accounts.NO_LINK}


async def test_while_the_program_stands_still_nobody_dies(town: Stage) -> None:
    town.after(hours=3)
    await town.tick()
    assert await dead(town) == {}
    await pass_time(town, 29, OTHER)
    assert await dead(town) == {}
    await pass_time(town, 2, OTHER)
    assert await dead(town) == {ACCOUNT: accounts.NO_LINK}


async def test_one_that_was_logged_out_is_dead_a_minute_later(town: Stage) -> None:
    await pass_time(town, 1, ACCOUNT, OTHER)
    town.after(seconds=10)
    await log_out(town)
    await town.tick()
    assert await dead(town) == {}
    await pass_time(town, 1, OTHER)
    assert (await dead(town), await answering(town)) == ({ACCOUNT: accounts.LOGGED_OUT}, OTHER)


async def test_one_that_logs_in_again_at_once_was_never_away(town: Stage) -> None:
    await log_out(town)
    town.after(seconds=20)
    await pass_time(town, 3, ACCOUNT, OTHER)
    assert (await dead(town), await answering(town)) == ({}, ACCOUNT)


async def test_it_lives_again_once_it_is_linked_and_its_former_group_stays_where_it_is(town: Stage) -> None:
    await log_out(town)
    await pass_time(town, 2, OTHER)
    await pass_time(town, 2, ACCOUNT, OTHER)
    assert (await dead(town), await answering(town)) == ({}, OTHER)
    assert await town.audited("account_revived") == 1
    await log_out(town, OTHER)
    await pass_time(town, 2, ACCOUNT)
    assert await answering(town) == ACCOUNT


async def test_one_that_was_retired_comes_back_only_when_somebody_says_so(town: Stage) -> None:
    await town.store.write(lambda tx: accounts.die(tx, ACCOUNT, town.now, "换手机"))
    await pass_time(town, 3, ACCOUNT, OTHER)
    assert (await dead(town), await answering(town)) == ({ACCOUNT: "换手机"}, OTHER)


async def test_of_two_the_one_that_lives_takes_over(town: Stage) -> None:
    await seen(town, THIRD)
    await town.say("李姐", "早", account=THIRD)
    await log_out(town)
    await log_out(town, OTHER)
    await pass_time(town, 2, THIRD)
    assert await answering(town) == THIRD
    stands_by = await town.store.read(lambda tx: standbys.of_room(tx, 1))
    assert [one.account for one in stands_by] == [ACCOUNT, OTHER]


async def test_with_nobody_left_it_stays_and_goes_on_with_the_first_who_is_back(town: Stage) -> None:
    await log_out(town)
    await log_out(town, OTHER)
    await pass_time(town, 2)
    assert await answering(town) == ACCOUNT
    await pass_time(town, 1, OTHER)
    assert await answering(town) == OTHER


async def test_a_restart_after_it_finds_the_same(town: Stage) -> None:
    await log_out(town)
    await pass_time(town, 2, OTHER)
    before = await town.store.read(rooms.every)
    for _ in range(3):  # everything that is due is done anew
        await town.tick()
    assert await town.store.read(rooms.every) == before


# --- who hears whom ---
async def test_of_one_message_that_both_hear_one_ticket_and_one_answer_comes(town: Stage) -> None:
    text = "3栋2单元电梯又坏了"
    await town.say("3-2-1502 李姐", text)
    assert await town.say("3-2-1502 李姐", text, account=OTHER, sent_at=town.now - timedelta(seconds=1)) == "dormant"
    await town.say("网格长刘姐", "待办", account=OTHER)
    town.after(minutes=1)
    await town.tick()
    assert len(await town.tickets()) == 1
    assert len(await town.said()) == 1


async def test_around_the_change_of_hands_a_message_is_handled_once(town: Stage) -> None:
    text = "5栋一楼水管爆了，水漫到楼道"
    await town.say("5-1-101 老周", text)
    told_at = town.now
    await town.store.write(lambda tx: accounts.die(tx, ACCOUNT, town.now, "换手机"))
    await town.tick()
    assert await answering(town) == OTHER
    # The other one hears it only now, in the very second of the change or earlier.
    for late in (told_at, town.now):
        assert await town.say("5-1-101 老周", text, account=OTHER, sent_at=late) == "standby"
    assert [ticket.reporters for ticket in await town.tickets()] == [1]
    assert await town.say("5-1-101 老周", "6栋天台的门锁坏了，小孩能上去", account=OTHER) == "ticket"


async def test_what_the_former_account_still_says_is_nobodys_appeal(town: Stage) -> None:
    await town.say("3-2-1502 李姐", "3栋2单元电梯又坏了，困住人了")

    async def sending(tx: Tx) -> str:
        (line, *_) = await outbox.due(tx, ACCOUNT, town.now, 1)
        await outbox.mark_sending(tx, line.id, town.now)
        await outbox.mark_unknown(tx, line.id, "no answer")
        return line.text

    words = await town.store.write(sending)
    before = len(await town.tickets())
    await town.store.write(lambda tx: accounts.die(tx, ACCOUNT, town.now, "换手机"))
    await town.tick()
    assert await town.say("小格", words, account=OTHER) == "own"
    assert len(await town.tickets()) == before
    assert await town.store.read(lambda tx: outbox.by_state(tx, SendState.UNKNOWN)) == []


async def test_who_wished_not_to_be_recorded_is_not_recorded_by_the_other_one_either(town: Stage) -> None:
    await town.say("5-1-101 老周", "别记我")
    await log_out(town)
    await pass_time(town, 2, OTHER)
    town.after(minutes=11)
    assert await town.say("5-1-101 老周", "5栋一楼水管漏水，墙都湿了", account=OTHER) == "opted_out"


async def test_a_leader_has_his_rights_and_a_resident_her_tickets_with_the_other_one(town: Stage) -> None:
    await town.say("3-2-1502 李姐", "3栋2单元电梯又坏了")
    await log_out(town)
    await pass_time(town, 2, OTHER)
    assert await town.say("网格长刘姐", "派单 S1 物业", account=OTHER) == "command"
    assert (await town.tickets())[0].owner_id is not None
    await town.say("3-2-1502 李姐", "查询", account=OTHER)
    assert "S1" in (await town.said())[-1]


async def test_where_ids_differ_nobody_is_taken_for_somebody_else(town: Stage) -> None:
    await town.say("路人", "在吗", account=THIRD, room="x-of-a3", topic=GROUP)
    await town.say("网格长刘姐", f"启用 {MICRO}", account=THIRD, room="x-of-a3", topic=GROUP)
    assert await town.person("网格长刘姐") is not None
    assert await town.store.read(lambda tx: people.find(tx, THIRD, "网格长刘姐")) is None


# --- who is told ---
async def test_the_group_never_hears_of_it_and_its_leader_does(town: Stage) -> None:
    town.speaking = [OTHER]
    await log_out(town)
    await pass_time(town, 2, OTHER)
    assert await town.said() == []
    # A friend of the dead account only: the line waits for its return.
    (waiting,) = await town.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert (waiting.account, waiting.conversation) == (ACCOUNT, "网格长刘姐")


async def test_who_answers_for_a_mute_group_is_told_through_an_account_that_lives(town: Stage) -> None:
    leader = await town.person("网格长刘姐")
    assert leader is not None
    await town.store.write(lambda tx: people.give_alias(tx, leader.id, Alias(OTHER, "liu@a2", friend=True)))
    await town.room(NEIGHBOUR, NEIGHBOUR_GRID)
    await town.cast("网格员小陈", "网格员", scope=GENERAL)
    await town.room(OFFICE, GENERAL, kind=RoomKind.LEADER)
    await town.say("网格长刘姐", "大家早", account=OTHER, room=OFFICE)
    await log_out(town)
    await pass_time(town, 2, OTHER)
    assert await answering(town, OFFICE) == OTHER
    assert await town.said(OFFICE) == [said.account_dead(ACCOUNT, [NEIGHBOUR], 2)]
    await pass_time(town, 5, OTHER)
    assert len(await town.said(OFFICE)) == 1
    await pass_time(town, 2, ACCOUNT, OTHER)
    assert (await town.said(OFFICE))[1:] == [said.account_back(ACCOUNT, [NEIGHBOUR])]
    await pass_time(town, 2, ACCOUNT, OTHER)
    assert len(await town.said(OFFICE)) == 2


async def test_bad_news_that_could_not_be_told_is_no_news_once_it_is_over(stage: Stage) -> None:
    await stage.tick()
    await seen(stage, ACCOUNT)
    stage.speaking = []
    await log_out(stage)
    await pass_time(stage, 2)
    waiting = await stage.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert [line.text for line in waiting] == [said.account_dead(ACCOUNT, [GROUP], 0)]
    await pass_time(stage, 2, ACCOUNT)
    assert await stage.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED)) == []


async def test_a_leader_is_told_once_of_all_his_groups_and_not_at_night(town: Stage) -> None:
    leader = await town.person("网格长刘姐")
    assert leader is not None
    await town.store.write(lambda tx: people.give_alias(tx, leader.id, Alias(OTHER, "liu@a2", friend=True)))
    for number in range(5):
        await town.room(f"{NEIGHBOUR}{number}", MICRO)
    town.after(hours=13)  # it is eleven at night
    await pass_time(town, 1, ACCOUNT, OTHER)
    await log_out(town)
    await pass_time(town, 2, OTHER)
    (line,) = await town.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert line.text == said.account_dead(ACCOUNT, [f"{NEIGHBOUR}{number}" for number in range(5)], 1)
    assert line.not_before.astimezone(town.policy.timezone).time() == town.policy.quiet_until


# --- removed ---
async def removed(stage: Stage, account: str = ACCOUNT, room: str = GROUP) -> str:
    return await stage.say("群主", room=room, kind=MessageKind.LEAVE, mentions_me=True, people=("me",), account=account)


async def test_who_stands_by_takes_over_when_the_one_that_answers_is_removed(town: Stage) -> None:
    await town.room(OFFICE, GENERAL, kind=RoomKind.LEADER)
    assert await removed(town) == "removed"
    assert await answering(town) == OTHER
    assert await town.said(OFFICE) == [said.gone_but_heard(GROUP, OTHER)]
    assert await town.said() == []
    assert await town.store.read(lambda tx: standbys.of_room(tx, 1)) == []
    assert await town.say("3-2-1502 李姐", "3栋2单元电梯又坏了", account=OTHER) == "ticket"


async def test_without_one_the_group_is_lost_as_ever(stage: Stage) -> None:
    await stage.room(OFFICE, GENERAL, kind=RoomKind.LEADER)
    await removed(stage)
    assert await answering(stage) is None
    assert await stage.said(OFFICE) == [said.room_gone(GROUP)]


async def test_a_standby_that_is_removed_is_no_alarm(town: Stage) -> None:
    await town.room(OFFICE, GENERAL, kind=RoomKind.LEADER)
    assert await removed(town, OTHER) == "removed"
    assert (await answering(town), await town.said(OFFICE)) == (ACCOUNT, [])
    assert await town.audited("standby_gone") == 1
    await log_out(town)
    await pass_time(town, 2, OTHER)
    assert await answering(town) == ACCOUNT  # nobody else is there
    assert await town.say("李姐", "早", account=OTHER) == "dormant"  # taken in again
    await town.tick()
    assert await answering(town) == OTHER


# --- another account is called to help ---
async def test_a_leader_enables_a_mute_group_by_another_account(town: Stage) -> None:
    await town.room(NEIGHBOUR, NEIGHBOUR_GRID)
    leader = await town.cast("网格长老吴", "微网格长", scope=NEIGHBOUR_GRID)
    await town.store.write(lambda tx: people.give_alias(tx, leader.id, Alias(THIRD, "网格长老吴")))
    await log_out(town)
    await pass_time(town, 2, OTHER)
    assert await town.say("网格长老吴", "启用", account=THIRD, room="x-of-a3", topic=NEIGHBOUR) == "command"
    assert await answering(town, NEIGHBOUR) == THIRD
    assert await town.said("x-of-a3") == [f"@网格长老吴 {said.enabled_again('网格003013')}"]


async def test_the_same_name_in_another_group_is_not_answered_while_the_first_lives(town: Stage) -> None:
    leader = await town.person("网格长刘姐")
    assert leader is not None
    await town.store.write(lambda tx: people.give_alias(tx, leader.id, Alias(THIRD, "网格长刘姐")))
    await town.say("网格长刘姐", "启用", account=THIRD, room="x-of-a3", topic=GROUP)
    assert await town.said("x-of-a3") == [f"@网格长刘姐 {said.OTHER_ACCOUNT_ANSWERS}"]
    stands_by = await town.store.read(lambda tx: standbys.of_room(tx, 1))
    assert [one.account for one in stands_by] == [OTHER, THIRD]
    # It was another group after all: its name is changed, and it is enabled.
    other = "青禾社区12微网格二群"
    await town.say("网格长刘姐", account=THIRD, room="x-of-a3", topic=other, kind=MessageKind.TOPIC)
    await town.say("网格长刘姐", "启用", account=THIRD, room="x-of-a3", topic=other)
    assert await answering(town, other) == THIRD
    stands_by = await town.store.read(lambda tx: standbys.of_room(tx, 1))
    assert [one.account for one in stands_by] == [OTHER]


# --- how many ---
async def test_an_account_that_answers_in_as_many_groups_as_it_may_takes_no_more(stage: Stage) -> None:
    stage.policy = replace(stage.policy, account_rooms={ACCOUNT: 2})
    await stage.cast("社区周主任", "社区工作人员", scope=COMMUNITY)
    await stage.room("二群", None, enabled=False)
    await stage.room("三群", None, enabled=False)
    await stage.say("网格长刘姐", "启用", room="二群")
    await stage.say("网格长刘姐", "启用", room="三群")
    assert await answering(stage, "二群") == ACCOUNT
    assert await answering(stage, "三群") is None
    assert await stage.said("三群") == [f"@网格长刘姐 {said.account_full(ACCOUNT, 2)}"]
    assert await stage.told("社区周主任") == [said.account_full_told(ACCOUNT, 2, "三群")]
    assert await stage.audited("account_full") == 1
    await stage.say("网格长刘姐", "停用", room="二群")
    await stage.say("网格长刘姐", "启用", room="三群")
    assert await answering(stage, "三群") == ACCOUNT


async def test_a_full_account_still_changes_the_grid_of_its_own_groups(stage: Stage) -> None:
    stage.policy = replace(stage.policy, account_rooms={ACCOUNT: 1})
    await stage.cast("社区周主任", "社区工作人员", scope=COMMUNITY)
    await stage.room(NEIGHBOUR, NEIGHBOUR_GRID, enabled=False)
    await stage.say("社区周主任", f"启用 {NEIGHBOUR_GRID}")
    found = await stage.read_room()
    assert found is not None
    assert (found.state, found.grid) == (RoomState.ENABLED, NEIGHBOUR_GRID)


async def test_invitations_beyond_what_the_account_can_bear_are_not_accepted(stage: Stage) -> None:
    async def invite(nick: str) -> bool:
        await stage.say(nick, room=None, kind=MessageKind.INVITE)
        assert stage.context is not None
        return stage.context.accept

    assert await invite("网格长刘姐")
    stage.policy = replace(stage.policy, account_joined={ACCOUNT: 1})
    assert not await invite("网格长刘姐")
    assert await stage.told("网格长刘姐") == [said.invite_full(ACCOUNT, 1)]
    assert not await invite("路人甲")
    assert await stage.told("路人甲") == []
    assert await stage.audited("invite_refused") == 2


# --- notices ---
async def notice(stage: Stage, text: str = "明天9点停水，请储水") -> None:
    await stage.say("社区周主任", f"通知 {text}", room=None)
    await stage.say("社区周主任", "确认 T1", room=None)


async def test_a_notice_passes_over_a_group_where_none_of_ours_lives(town: Stage) -> None:
    await town.cast("社区周主任", "社区工作人员", scope=COMMUNITY)
    await town.room(NEIGHBOUR, NEIGHBOUR_GRID)
    await town.say("李姐", "早", account=OTHER, room=NEIGHBOUR)
    await town.say("李姐", "早", account=THIRD, room="x-of-a3", topic="三群")
    await log_out(town)
    await log_out(town, OTHER)
    await pass_time(town, 2)
    await notice(town)
    await town.tick()
    assert await town.said() == await town.said(NEIGHBOUR) == []
    report = (await town.told("社区周主任"))[-1]
    assert f"{notice_texts.SKIPPED[membership.notices.Skipped.NO_MEMBER]} 2" in report


async def test_what_waits_of_a_notice_fails_when_the_account_dies_and_other_lines_wait(town: Stage) -> None:
    await town.cast("社区周主任", "社区工作人员", scope=COMMUNITY)
    await town.room(NEIGHBOUR, NEIGHBOUR_GRID)
    town.speaking = []
    await notice(town)
    queued = await town.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert {line.key for line in queued} >= {"notice:1:1", "notice:1:3"}
    await log_out(town)
    await pass_time(town, 2, OTHER)
    failed = await town.store.read(lambda tx: outbox.by_state(tx, SendState.FAILED))
    assert [(line.key, line.error) for line in failed] == [("notice:1:3", NO_MEMBER)]
    queued = await town.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert ("notice:1:1", OTHER) in {(line.key, line.account) for line in queued}
    assert "社区周主任" in {line.conversation for line in queued}
