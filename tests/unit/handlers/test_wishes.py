"""Wishes where people cannot be reached in private, and what commands of theirs may look like."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.commands import Command, Name, NearMiss, parse
from storage import wishes
from storage.wishes import WishState
from tests.unit.handlers.stage import GROUP, MICRO, Stage

LEADER = "网格长刘姐"


async def wish(stage: Stage, number: int = 1) -> wishes.Wish:
    found = await stage.store.read(lambda tx: wishes.get(tx, number))
    assert found is not None
    return found


async def open_wish(stage: Stage) -> None:
    """Wished in the group by somebody whom no private line reaches, and published."""
    await stage.say("老周", "心愿 想请人修一下收音机")
    await stage.say(LEADER, "审核 X1 通过", room=None)


async def test_the_leader_passes_on_what_the_wisher_cannot_be_told(stage: Stage) -> None:
    await open_wish(stage)
    assert (await stage.told(LEADER))[-1].endswith("许愿人没加我好友，请转告。")
    assert await stage.told("老周") == []
    said = await stage.said()
    assert "X1" not in said[0], "the answer in the group does not say whose number it is"
    assert [line for line in said if "老周" in line] == said[:1]


async def test_who_is_next_and_cannot_be_told_in_private_reads_it_in_the_group(stage: Stage) -> None:
    await open_wish(stage)
    for nick in ("小吴", "小唐"):
        await stage.say(nick, "认领 X1")
    await stage.after(hours=1).say("小吴", "放弃 X1")
    turns = [line for line in await stage.said() if "轮到您了" in line]
    assert turns == ["@小唐 微心愿 X1 轮到您了。由网格长转达，7天内做不了发“放弃 X1”。"]


async def test_who_stays_unnamed_is_not_called_in_the_group(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小唐", "认领 X1 匿名")
    await stage.after(hours=1).say("小吴", "放弃 X1")
    assert not [line for line in await stage.said() if "轮到您了" in line]
    assert "转给候补：小唐" in (await stage.told(LEADER))[-1]
    await stage.after(hours=1).say("小唐", "完成 X1", room=None)
    assert "谢谢帮忙的好心邻居" in (await stage.said())[-1]


async def test_thanks_that_were_not_said_are_said_later_and_never_twice(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.after(minutes=1).say("小吴", "完成 X1")  # the leader has time to object before the thanks
    await stage.say(LEADER, "审核 X1 未完成", room=None)
    await stage.after(hours=3).say("早起的人", "早上好")
    assert not [line for line in await stage.said() if "谢谢您" in line and "X1 由您认领" not in line]
    for _ in range(2):
        await stage.after(hours=1).say("小吴", "完成 X1")
        await stage.after(hours=3).say(LEADER, "审核 X1 未完成", room=None)
    assert [line for line in await stage.said() if "圆满" in line] == ["@小吴 微心愿 X1 圆满了，谢谢您！"]


async def test_a_claim_that_is_recalled_is_none(stage: Stage) -> None:
    await open_wish(stage)
    await stage.after(hours=1).say("小吴", "认领")
    first = stage.last
    await stage.say("小唐", "认领 X1")
    second = stage.last
    assert first is not None
    assert second is not None
    stage.reborn()
    await stage.after(minutes=1).recall(second)
    await stage.recall(first)
    assert (await wish(stage)).state is WishState.PUBLISHED
    assert "重新开放认领" in (await stage.told(LEADER))[-1]


async def test_a_group_that_has_not_read_of_it_cannot_claim_it(stage: Stage) -> None:
    await stage.room("别的群", f"{MICRO[:12]}009001")
    await open_wish(stage)
    await stage.say("小吴", "认领 X1", room="别的群")
    assert (await wish(stage)).state is WishState.PUBLISHED
    assert "没有公布过 X1" in (await stage.said("别的群"))[-1]
    await stage.say("小吴", "认领 X1")
    assert (await wish(stage)).state is WishState.CLAIMED


async def test_a_claim_that_came_by_the_line_is_recalled_with_the_message_that_stood_there(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小唐", "认领 X1")
    mine = stage.last
    await stage.say("小吴", "放弃 X1")
    stage.reborn()
    assert mine is not None
    await stage.recall(mine)
    assert (await wish(stage)).state is WishState.PUBLISHED


async def test_a_bare_word_of_whoever_has_it_means_it_and_else_is_talk(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    before = await stage.said()
    assert await stage.say("小唐", "完成") != "command"
    assert await stage.said() == before
    await stage.say("小吴", "完成！")
    assert (await wish(stage)).state is WishState.DONE


async def test_who_came_too_late_keeps_the_place_when_it_is_not_done_after_all(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小唐", "认领 X1", room=None)
    await stage.after(hours=1).say("小吴", "完成 X1")
    assert (await stage.told("小唐"))[-1] == "X1 已经完成，谢谢您的心意。"
    await stage.say(LEADER, "审核 X1 未完成", room=None)
    await stage.after(hours=1).say("小吴", "放弃 X1")
    assert (await wish(stage)).state is WishState.CLAIMED
    assert "轮到您了" in (await stage.told("小唐"))[-1]


async def test_a_rush_reads_one_line_a_minute(stage: Stage) -> None:
    await open_wish(stage)
    for nick in ("小吴", "小唐", "老何", "小马", "小田", "老金"):
        await stage.say(nick, "认领 X1")
    await stage.after(minutes=2).tick()
    late = [line for line in await stage.said() if "已有人先认领" in line]
    assert late == ["@小唐 @老何 @小马 X1 已有人先认领，候补已有5位，轮到会告诉您。"]


async def test_the_wisher_is_told_of_the_second_review_too(stage: Stage) -> None:
    await stage.say("老周", "心愿 想请人修一下收音机", room=None)
    await stage.say(LEADER, "审核 X1 通过", room=None)
    assert stage.last is not None
    await stage.recall(stage.last)
    await stage.say(LEADER, "审核 X1 通过", room=None)
    assert "没加我好友" not in (await stage.told(LEADER))[-1]


async def test_what_was_given_is_told_and_asked_about_before_it_is_erased(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小吴", "完成 X1")
    await stage.say("小吴", "我的信息", room=None)
    assert "心愿认领1个" in (await stage.told("小吴"))[-1]


async def test_whoever_erases_themselves_is_not_named_to_the_leader_once_more(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小吴", "删除我的信息", room=None)
    await stage.say("小吴", "确认删除", room=None)
    assert (await stage.told(LEADER))[-1] == "【认领人注销】X1 想请人修一下收音机\n原来的人不再认领，重新开放认领。"
    assert not [line for line in await stage.lines() if "小吴" in line.text]


async def test_what_is_recalled_of_a_review_is_published_no_more(stage: Stage) -> None:
    await stage.say("老周", "心愿 想请人修一下收音机")
    stage.after(hours=12)  # at night
    await stage.say(LEADER, "审核 X1 通过 => 5栋一位老人想修收音机", room=None)
    assert stage.last is not None
    await stage.recall(stage.last)
    assert (await wish(stage)).state is WishState.PENDING
    assert (await wish(stage)).public == ""
    assert not [line for line in await stage.lines() if "5栋一位老人" in line.text]
    await stage.say(LEADER, "审核 X1 通过 => 一位邻居想修收音机", room=None)
    assert (await wish(stage)).state is WishState.PUBLISHED


async def test_what_was_noted_is_told_and_erased(stage: Stage) -> None:
    await open_wish(stage)
    await stage.say("小吴", "认领 X1")
    await stage.say("小吴", "我的信息", room=None)
    assert "心愿认领1个" in (await stage.told("小吴"))[-1]
    await stage.say("老周", "删除我的信息")
    await stage.say("老周", "确认删除")
    gone = await wish(stage)
    assert (gone.state, gone.text, gone.public, gone.person_id) == (WishState.WITHDRAWN, "", "", None)
    assert not [line for line in await stage.lines() if "收音机" in line.text]
    assert await stage.audited("wish_filed") == 1


async def test_a_claim_between_withdrawal_and_review_comes_to_nothing(stage: Stage) -> None:
    await stage.say("老周", "心愿 想请人修一下收音机", room=None)
    await stage.say("老周", "撤回X1", room=None)
    await stage.say(LEADER, "审核 X1 通过", room=None)
    assert (await stage.told(LEADER))[-1] == "X1 现在是“已撤回”，不用再审。"
    await stage.say("小吴", "认领 X1")
    assert (await wish(stage)).claimed_by is None


async def test_only_those_over_its_grid_review_it(stage: Stage) -> None:
    await stage.cast("隔壁刘姐", "微网格长", scope="519999001001003013")
    await stage.say("老周", "心愿 想请人修一下收音机")
    before = await stage.said()
    await stage.say("隔壁刘姐", "审核 X1 通过", room=None)
    await stage.say("隔壁刘姐", "审核 X1 通过", room=GROUP)
    assert (await wish(stage)).state is WishState.PENDING
    assert await stage.said() == before
    assert await stage.audited("denied") == 2


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("心愿 想要一个台灯", {"name": Name.WISH, "text": "想要一个台灯"}),
        ("微心愿：想要一个台灯", {"name": Name.WISH, "text": "想要一个台灯"}),
        ("心愿", {"name": Name.WISH, "text": ""}),
        ("认领x5", {"name": Name.CLAIM, "item": 5}),
        ("认领", {"name": Name.CLAIM, "item": None}),
        ("我来认领 我是电工", {"name": Name.CLAIM, "item": None, "text": "我是电工"}),
        ("我认领X12，匿名", {"name": Name.CLAIM, "item": 12, "anonymous": True, "text": ""}),
        ("认领 X5 我会修，不具名", {"name": Name.CLAIM, "item": 5, "anonymous": True, "text": "我会修"}),
        ("放弃 X5", {"name": Name.GIVE_UP, "item": 5}),
        ("放弃X5 最近太忙", {"name": Name.GIVE_UP, "item": 5}),
        ("完成 X5 换好了", {"name": Name.COMPLETE, "item": 5, "letter": "X", "text": "换好了"}),
        ("撤回 X5", {"name": Name.WITHDRAW, "item": 5, "letter": "X"}),
        ("审核 X5 通过", {"name": Name.REVIEW, "items": (5,), "verdict": "通过"}),
        ("审核X5、X6和X7同意", {"name": Name.REVIEW, "items": (5, 6, 7), "verdict": "通过"}),
        ("审核 X5 通过 @第三网格", {"items": (5,), "code": "第三网格", "remark": ""}),
        ("审核 X5 通过 @第三网格 => 想要 @台灯", {"items": (5,), "code": "第三网格", "remark": "想要 @台灯"}),
        ("审核 X5 通过→想要台灯", {"items": (5,), "remark": "想要台灯"}),
        ("审核 X5 不通过 办不到", {"verdict": "驳回", "text": "办不到"}),
        ("审核 X5 未完成", {"verdict": "未完成", "text": ""}),
    ],
)
def test_what_is_a_command(text: str, fields: dict[str, Any]) -> None:
    command = parse(text, addressed=False)
    assert isinstance(command, Command)
    assert {name: getattr(command, name) for name in fields} == fields


@pytest.mark.parametrize(
    "text",
    [
        "心愿墙在哪里",
        "心愿 好",
        "认领了没有",
        "认领 X5 了吗？",
        "认领 钥匙在保安亭",
        "我来认领一下快递可以吗",
        "放弃吧",
        "放弃治疗",
        "审核 X5 通过了吗",
        "审核通过了",
        "实事求是地讲",
        "实事 杨建军 帮忙修灯",
    ],
)
def test_what_is_talk(text: str) -> None:
    assert parse(text, addressed=False) is None


def test_a_near_miss_said_to_the_bot_is_told_how_it_is_written() -> None:
    miss = parse("/认灵 X5", addressed=False)
    assert isinstance(miss, NearMiss)
    assert miss.usage == "认领 X5"
