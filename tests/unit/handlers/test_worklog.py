"""What is a line of somebody's work log, a question about points, an exchange, and what is only talk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.commands import Command, Name, NearMiss, parse
from storage import points, worklog
from storage.engine import Store
from storage.model import MessageKind
from storage.points import PointAction
from storage.testing import url_of
from storage.worklog import Work
from tests.unit.handlers.stage import COMMUNITY, MICRO, Stage

LEADER = "网格长刘姐"


@pytest.mark.parametrize(
    ("typed", "count", "text"),
    [
        ("走访 3户 无异常", 3, "无异常"),
        ("走访3户", 3, ""),
        ("走访了两户，都好", 2, "都好"),
        ("走访 十户人家 无异常。", 10, "无异常"),
        ("走访 独居老人 都好", None, "独居老人 都好"),
        ("/走访 3 户", 3, ""),
    ],
)
def test_a_visit(typed: str, count: int | None, text: str) -> None:
    found = parse(typed, addressed=False)
    assert isinstance(found, Command)
    assert (found.name, found.count, found.text) == (Name.VISIT, count, text)


@pytest.mark.parametrize(
    "typed",
    [
        "走访",
        "走访慰问困难户",
        "走访 什么时候来？",
        "巡查",
        "巡查的人呢",
        "巡查组来了",
        "走访3户型",
        "积分怎么用",
        "兑换",
        "兑换 鸡蛋",
    ],
)
def test_what_is_only_talk(typed: str) -> None:
    assert parse(typed, addressed=False) is None


@pytest.mark.parametrize("typed", ["走访", "巡查", "兑换 李姐", "冲正"])
def test_said_to_the_bot_it_is_asked_how(typed: str) -> None:
    found = parse(typed, addressed=True)
    assert isinstance(found, Command | NearMiss)


@pytest.mark.parametrize(
    "typed", ["兑换 李姐 20 毛巾", "兑换 @李姐 20分 毛巾", "兑换 李姐，20分毛巾", "兑换 李姐 20积分 毛巾"]
)
def test_an_exchange(typed: str) -> None:
    found = parse(typed, addressed=False)
    assert isinstance(found, Command)
    assert (found.code, found.count, found.text) == ("李姐", 20, "毛巾")


@pytest.fixture
async def on(stage: Stage) -> Stage:
    """Both are switched on."""
    stage.policy = replace(stage.policy, work_log=True, points={PointAction.CALL: 5})
    return stage


async def entries(stage: Stage) -> list[Work]:
    return await stage.store.read(worklog.log)


async def balance(stage: Stage, nick: str) -> int:
    person = await stage.person(nick)
    assert person is not None
    return await stage.store.read(lambda tx: points.balance(tx, person.id))


async def earn(stage: Stage, nick: str, item: str = "S1") -> None:
    await stage.say(nick, "上报 3栋2单元电梯坏了")
    person = await stage.person(nick)
    assert person is not None
    give = {"grid": MICRO, "at": stage.now}
    await stage.store.write(lambda tx: points.earn(tx, person.id, PointAction.CALL, item, 50, **give))


async def test_a_leader_elsewhere_notes_nothing_here(on: Stage) -> None:
    await on.cast("网格长老赵", "微网格长", scope="519999001001004001")
    assert await on.say("网格长老赵", "走访 3户 无异常") == "denied"
    assert await entries(on) == []


async def test_the_audit_holds_no_word_of_it(on: Stage, tmp_path: Path) -> None:
    await on.say(LEADER, "走访 3户 无异常")
    assert [one.text for one in await entries(on)] == ["无异常"]
    assert await on.audited("work_noted") == 1
    with closing(sqlite3.connect(tmp_path / "xiaoge.db")) as database:
        rows = database.execute("SELECT right, detail FROM audit WHERE action = 'work_noted'").fetchall()
    assert rows == [(f"micro_leader:{MICRO}", '{"entry":1}')]


async def test_in_office_too_the_typed_lines_go_when_asked(on: Stage) -> None:
    await on.say(LEADER, "走访 3户 无异常", room=None)
    await on.say(LEADER, "我的信息", room=None)
    assert "工作记录1条" in (await on.told(LEADER))[-1]
    await on.say(LEADER, "删除我的信息", room=None)
    await on.say(LEADER, "确认删除", room=None)
    assert await entries(on) == []


async def test_two_of_a_name_are_told_apart_by_their_nick(on: Stage) -> None:
    await on.cast("王主任", "社区工作人员", scope=COMMUNITY)
    for nick in ("3-2-1502 李姐", "5-1-301 李姐"):
        await earn(on, nick)
    await on.say("王主任", "兑换 李姐 20 毛巾", room=None)
    assert "有2位“李姐”" in (await on.told("王主任"))[-1]
    assert [await balance(on, nick) for nick in ("3-2-1502 李姐", "5-1-301 李姐")] == [50, 50]


async def test_who_is_of_another_community_cannot_be_named(on: Stage) -> None:
    await on.cast("李主任", "社区工作人员", scope="519999001002")
    await earn(on, "李姐")
    await on.say("李主任", "兑换 李姐 20 毛巾", room=None)
    assert "没有叫“李姐”的人有积分" in (await on.told("李主任"))[-1]
    await on.say("李主任", "冲正 P1 不是我们的", room=None)
    assert "没有 P1 这条积分记录" in (await on.told("李主任"))[-1]
    assert await balance(on, "李姐") == 50


async def test_what_outlives_a_restart_is_in_the_store(on: Stage, tmp_path: Path) -> None:
    """The photo that may follow is a row, not a memory."""
    await on.say(LEADER, "巡查 楼道无堆物")
    await on.strike()
    on.store = await Store.open(url_of(tmp_path / "xiaoge.db"))
    await on.say(LEADER, "", kind=MessageKind.IMAGE)
    assert [one.photo for one in await entries(on)] == [True]
