"""People: bound by a one-time code, recorded or not, let in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from handlers.texts import help as help_texts
from handlers.texts import people as texts
from storage import binding, people
from storage.engine import Tx
from storage.model import Alias, Grant, MessageKind, Role
from tests.unit.handlers.stage import ACCOUNT, GROUP, MICRO, Stage


async def code(stage: Stage, expires_at: datetime | None = None) -> str:
    """A fresh one-time code for 王书记, who has no account yet."""

    async def work(tx: Tx) -> str:
        person = await people.import_person(tx, "王书记", [Grant(Role.COMMUNITY, MICRO[:12])], [])
        return await binding.new_code(tx, person.id, expires_at or stage.now + timedelta(days=1))

    return await stage.store.write(work)


# --- 绑定 ---
async def test_a_code_binds_the_account_that_sends_it_in_private(stage: Stage) -> None:
    assert await stage.say("王", f"绑定 {await code(stage)}", room=None) == "command"
    assert await stage.told("王") == [texts.bound("王书记", {Role.COMMUNITY})]
    person = await stage.person("王")
    assert person is not None
    assert (person.name, person.grants) == ("王书记", (Grant(Role.COMMUNITY, MICRO[:12]),))
    assert person.aliases == (Alias(ACCOUNT, "王", friend=True, nick="王"),)
    assert await stage.say("王", "待办", room=None) == "command"  # with the rights, from now on


async def test_a_code_works_once(stage: Stage) -> None:
    once = await code(stage)
    await stage.say("王", f"绑定 {once.lower()}", room=None)
    await stage.say("键盘侠", f"绑定 {once}", room=None)
    assert await stage.told("键盘侠") == [texts.BIND_WRONG]
    assert await stage.person("键盘侠") is None


async def test_a_code_expires(stage: Stage) -> None:
    expired = await code(stage, stage.now)
    await stage.say("王", f"绑定 {expired}", room=None)
    assert await stage.told("王") == [texts.BIND_WRONG]


async def test_a_code_in_a_group_is_not_taken_and_said_to_be_burnt(stage: Stage) -> None:
    await stage.say("王", f"绑定 {await code(stage)}")
    assert await stage.said() == [f"@王 {texts.BIND_IN_PRIVATE}"]
    assert await stage.person("王") is None


async def test_a_code_that_was_shown_to_a_group_binds_nobody_any_more(stage: Stage) -> None:
    shown = await code(stage)
    await stage.say("王", f"绑定 {shown}")
    assert await stage.audited("bind_code_burnt") == 1
    await stage.say("调皮鬼", f"绑定 {shown}", room=None)
    assert await stage.told("调皮鬼") == [texts.BIND_WRONG]


async def test_an_id_number_in_a_chain_earns_its_owner_a_hint_and_of_a_purchase_nothing_is_kept(stage: Stage) -> None:
    chain = "#接龙\n土鸡团购登记\n1. 张三 510104199001011234"
    for kind in (MessageKind.CHAIN, MessageKind.TEXT):
        stage.after(days=1)
        assert await stage.say("张三", chain, kind=kind, friend=True) == "chain"
    assert await stage.told("张三") == [texts.ID_NUMBER_HINT] * 2
    assert await stage.person("张三") is None


async def test_after_five_wrong_codes_even_the_right_one_waits_an_hour(stage: Stage) -> None:
    right = await code(stage)
    for number in range(5):
        await stage.say("王", f"绑定 WRNG{number}", room=None)
    await stage.say("王", f"绑定 {right}", room=None)
    assert await stage.told("王") == [texts.BIND_WRONG] * 5 + [texts.BIND_TOO_OFTEN]
    await stage.say("李", "绑定 WRNG9", room=None)  # somebody else is not held up
    assert await stage.told("李") == [texts.BIND_WRONG]
    await stage.after(hours=1).say("王", f"绑定 {right}", room=None)
    assert (await stage.told("王"))[-1] == texts.bound("王书记", {Role.COMMUNITY})
    assert await stage.audited("bind_failed") == 6


# --- 别记我 ---
async def test_the_answer_to_opting_out_says_what_stops_and_whom_to_call(stage: Stage) -> None:
    assert await stage.say("李姐", "别记我") == "command"
    (answer,) = await stage.said()
    for named in ("险情", "119", "110", "120", "上报", "恢复记录"):
        assert named in answer


async def test_who_opted_out_is_not_captured_not_even_in_an_emergency(stage: Stage) -> None:
    await stage.say("李姐", "别记我")
    assert await stage.say("李姐", "3栋2单元电梯坏了，一直没人修") == "opted_out"
    assert await stage.say("李姐", "电梯困人了！3栋2单元，快来人") == "opted_out"
    assert await stage.say("李姐", "@小格 3栋2单元电梯坏了") == "opted_out"
    assert await stage.say("李姐", kind=MessageKind.IMAGE) == "opted_out"
    assert await stage.tickets() == []
    assert await stage.candidates() == []


async def test_what_they_ask_for_in_so_many_words_still_works(stage: Stage) -> None:
    await stage.say("李姐", "别记我")
    await stage.say("李姐", "上报 3栋2单元电梯坏了")
    assert len(await stage.tickets()) == 1
    await stage.say("李姐", "帮助")
    assert help_texts.HELP_ROOM[0] in (await stage.said())[-1]


async def test_opting_in_again(stage: Stage) -> None:
    await stage.say("李姐", "别记我")
    await stage.say("李姐", "别记我")
    await stage.say("李姐", "恢复记录")
    await stage.say("李姐", "恢复记录")
    answers = [line.removeprefix("@李姐 ") for line in await stage.said()]
    assert answers == [texts.FORGOTTEN, texts.FORGOTTEN_ALREADY, texts.REMEMBERED, texts.REMEMBERED_ALREADY]
    await stage.say("李姐", "3栋2单元电梯坏了，一直没人修")
    assert len(await stage.tickets()) == 1
    assert (await stage.audited("opted_out"), await stage.audited("opted_in")) == (1, 1)


# --- friends and invitations ---
async def test_a_friend_request_is_accepted(stage: Stage) -> None:
    assert await stage.say("李姐", kind=MessageKind.FRIEND, room=None) == "friend"
    assert stage.context is not None
    assert stage.context.accept
    assert await stage.person("李姐") is None  # nothing was done that is kept


@pytest.mark.parametrize(
    ("role", "accepted"),
    [
        ("微网格长", True),
        ("网格员", True),
        ("社区工作人员", True),
        ("物业", True),
        ("志愿者", False),
        ("党员", False),
        ("楼栋长", False),
    ],
)
async def test_an_invitation_is_accepted_from_bound_staff_only(stage: Stage, role: str, accepted: bool) -> None:
    await stage.cast("某人", role)
    assert await stage.say("某人", kind=MessageKind.INVITE, room=None) == "invite"
    assert stage.context is not None
    assert stage.context.accept is accepted


async def test_an_invitation_from_a_stranger_is_not_accepted(stage: Stage) -> None:
    await stage.say("路人甲", kind=MessageKind.INVITE, room=None)
    assert stage.context is not None
    assert not stage.context.accept
    assert await stage.audited("invite_refused") == 1
    assert await stage.person("路人甲") is None


async def test_who_adds_the_bot_later_is_reached_in_private_from_then_on(stage: Stage) -> None:
    await stage.cast("网格员小赵", "网格员", friend=False)
    await stage.say("李姐", "静音", room=GROUP)
    assert await stage.told("网格员小赵") == []
    await stage.say("网格员小赵", "帮助", room=None)
    await stage.say("网格长刘姐", "恢复")
    await stage.say("李姐", "静音")
    assert len(await stage.told("网格员小赵")) == 2  # the help and the news
