"""接龙 through the handlers: one roster whatever the order of arrival, who is told, and what is not kept."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.texts import chains as texts
from storage import people, signups
from storage import signup_entries as rosters
from storage.model import ChainRow, Message, MessageKind
from storage.signup_entries import Entry
from storage.signups import EntryState
from tests.unit.handlers import test_copies
from tests.unit.handlers.stage import ACCOUNT, GROUP, START, Stage

HEAD = "#接龙\n端午包粽子 6月14日9:30 党群服务中心"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.set(tmp_path)
    yield stage
    await stage.strike()


def listed(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, "", *(f"{number}. {row}" for number, row in enumerate(rows, 1))])


async def write(stage: Stage, nick: str, *rows: str, head: str = HEAD, **fields: object) -> str:
    return await stage.say(nick, listed(*rows, head=head), kind=MessageKind.CHAIN, **fields)


async def roster(stage: Stage, number: int = 1) -> list[tuple[str, int]]:
    return [(entry.name, entry.heads) for entry in await entries(stage, number) if entry.active]


async def entries(stage: Stage, number: int = 1) -> list[Entry]:
    return await stage.store.read(lambda tx: rosters.entries(tx, number))


async def test_the_leader_hears_once_what_was_understood_and_the_group_nothing(stage: Stage) -> None:
    await stage.cast("刘姐", "微网格长")
    for rows in (["王孃孃"], ["王孃孃", "张三 2人"]):
        assert await write(stage, rows[-1][:3].strip(), *rows) == "signup"
    (signup,) = await stage.store.read(signups.every)
    assert await stage.told("刘姐") == [texts.taken(signup, stage.policy.timezone)]
    assert await stage.said() == []
    assert await stage.audited("chain") == 1
    assert await stage.audited("chain_copy") == 2


async def test_who_started_it_is_told_of_meddling_in_private_else_the_leader_once(stage: Stage) -> None:
    await stage.cast("刘姐", "微网格长")
    await write(stage, "王孃孃", "王孃孃", friend=True)
    await write(stage, "张三", "王孃孃", "张三")
    for _ in range(2):
        await write(stage, "孙八", "王孃孃", "孙八")
        await stage.say("孙八", listed("王孃孃", "孙八", "张三"))
    assert len([line for line in await stage.told("王孃孃") if "少了张三" in line]) == 0, "a stale copy is no meddling"
    await write(stage, "李四", "王孃孃", "张三", "孙八", "李四")
    for _ in range(2):
        await write(stage, "赵六", "王孃孃", "孙八", "李四", "赵六")
        await write(stage, "李四", "王孃孃", "张三", "孙八", "李四")
    assert len([line for line in await stage.told("王孃孃") if "少了张三" in line]) == 1
    assert ("张三", 1) in await roster(stage)
    assert len(await stage.told("刘姐")) == 1


async def test_a_leader_room_and_a_private_chat_are_no_place_for_it(stage: Stage) -> None:
    assert await write(stage, "王孃孃", "王孃孃", room=None) == "chain"
    assert await stage.store.read(signups.every) == []


async def test_a_hundred_people(stage: Stage) -> None:
    names = [f"{family}{given}" for family in "张王李赵刘陈杨黄周吴" for given in "建国秀英德明小芳玉兰"]
    rows = [f"{name} {n % 9 + 1}栋 {n % 3 + 1}人" for n, name in enumerate(names)]
    for many in range(4, 101, 4):
        await write(stage, f"{many}号", *rows[:many])
    found = await roster(stage)
    assert len(found) == 100
    assert sum(heads for _, heads in found) == sum(n % 3 + 1 for n in range(100))


def _kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("xiaoge.db*"))


async def test_phones_and_remarks_are_nowhere(tmp_path: Path) -> None:
    stage = await Stage.set(tmp_path)
    await write(stage, "王孃孃", "王孃孃 4栋 13912345678\n血糖高", "罗老师 028-85551234 510104199001011234")
    assert [entry.building for entry in await entries(stage)] == ["4栋", ""]
    await stage.strike()
    kept = _kept(tmp_path)
    assert "罗老师".encode() in kept
    for words in ("13912345678", "85551234", "510104199001011234", "139****5678", "血糖高"):
        assert words.encode() not in kept


@pytest.mark.parametrize("native", [False, True])
async def test_of_the_row_of_somebody_who_wants_no_record_a_copy_keeps_the_heads_alone(
    tmp_path: Path, *, native: bool
) -> None:
    stage = await Stage.set(tmp_path)
    await stage.say("6-1-402 苏婉清", "别记我", room=None)
    row = "6-1-402 苏婉清 下午场 3人"
    assert await write(stage, "6-1-402 苏婉清", row) == "opted_out"
    wire = _written_by("6-1-402 苏婉清", row) if native else ()
    assert await write(stage, "张三", row, "张三", chain=wire) == "signup"
    await write(stage, "李四", row, "张三", "李四", chain=wire)
    assert sorted(await roster(stage)) == [("", 3), ("张三", 1), ("李四", 1)]
    (silent,) = [entry for entry in await entries(stage) if not entry.name]
    assert (silent.building, silent.choice, silent.person_id) == ("", "", None)
    # Who speaks for somebody else says so themselves.
    await write(stage, "李四", row, "张三", "李四", "代 苏婉清")
    assert ("苏婉清", 1) in await roster(stage)
    await stage.strike()
    kept = _kept(tmp_path)
    for words in ("下午场", "6栋", row):
        assert words.encode() not in kept


async def test_what_was_recorded_before_they_said_so_stays_as_it_was(stage: Stage) -> None:
    await write(stage, "6-1-402 苏婉清", "6-1-402 苏婉清")
    await stage.say("6-1-402 苏婉清", "别记我", room=None)
    await write(stage, "张三", "6-1-402 苏婉清 4人", "张三")
    assert sorted(await roster(stage)) == [("张三", 1), ("苏婉清", 1)]


async def test_a_namesake_of_somebody_who_wants_no_record_keeps_the_name(stage: Stage) -> None:
    await stage.say("6-1-402 李姐", "别记我", room=None)
    await write(stage, "3-2-1502 李姐", "李姐 3栋 2人")
    await write(stage, "张三", "李姐 3栋 2人", "张三", "李姐")
    assert sorted(await roster(stage)) == [("张三", 1), ("李姐", 1), ("李姐", 2)]


def _written_by(author: str, row: str) -> tuple[ChainRow, ...]:
    return (ChainRow(author, None, len(f"{HEAD}\n\n1. "), len(row)),)


async def test_who_signs_up_by_command_means_the_row_with_their_name(stage: Stage) -> None:
    await write(stage, "王孃孃", "王孃孃", "李四", "周婆婆")
    await stage.say("5栋李四", "报名 3人")
    assert await roster(stage) == [("王孃孃", 1), ("李四", 3), ("周婆婆", 1)]
    await write(stage, "孙八", "王孃孃", "李四", "周婆婆", "孙八")
    assert await roster(stage) == [("王孃孃", 1), ("李四", 3), ("周婆婆", 1), ("孙八", 1)]


async def test_who_did_both_is_in_once_with_what_they_said_later(stage: Stage) -> None:
    await stage.cast("刘姐", "微网格长")
    await stage.say("刘姐", "发活动 助老理发 6月15日9:00 社区活动室")
    head = "#接龙\n助老理发 6月15日9:00"
    await stage.say("张三", "报名 2人")
    await write(stage, "李四", "李四", head=head)
    await write(stage, "张三", "李四", "张三 4人", head=head)
    assert await roster(stage) == [("张三", 4), ("李四", 1)]
    await stage.say("张三", "报名 3人")
    await write(stage, "孙八", "李四", "张三 4人", "孙八", head=head)
    assert await roster(stage) == [("张三", 3), ("李四", 1), ("孙八", 1)]


async def test_the_session_of_a_row_stands_in_the_roster(stage: Stage) -> None:
    await stage.cast("刘姐", "微网格长")
    await write(stage, "王孃孃", "上午场 王孃孃 2人")
    await write(stage, "张三", "上午场 王孃孃 2人", "张三 第2场")
    assert [(entry.name, entry.heads, entry.choice) for entry in await entries(stage)] == [
        ("王孃孃", 2, "上午场"),
        ("张三", 1, "第2场"),
    ]
    await write(stage, "张三", "上午场 王孃孃 2人", "张三 第3场")
    await stage.say("刘姐", "名单 H1", room=None)
    assert (await stage.told("刘姐"))[-1].endswith("1. 王孃孃 2人 上午场\n2. 张三 1人 第3场")


async def test_whom_wechat_names_as_who_started_it_organises_it_and_nobody_else(stage: Stage) -> None:
    """Their own copy, without a row, never reached us."""
    await write(stage, "王孃孃", "王孃孃", starter="u刘")
    await write(stage, "张三", "王孃孃", "张三", starter="u刘")
    await write(stage, "孙八", "王孃孃", "张三", "孙八", starter="u刘")
    await write(stage, "王孃孃", "王孃孃", "孙八", starter="u刘")
    assert ("张三", 1) in await roster(stage), "the first in the list is not its organiser"
    (signup,) = await stage.store.read(signups.every)
    starter = await stage.store.read(lambda tx: people.find(tx, ACCOUNT, "u刘"))
    assert starter is not None
    assert signup.organiser_id == starter.id
    await write(stage, "李四", "王孃孃", "张三", "孙八", "李四", starter="u刘")
    await write(stage, "刘姐", "王孃孃", "孙八", "李四", sender="u刘", starter="u刘")
    assert await roster(stage) == [("王孃孃", 1), ("孙八", 1), ("李四", 1)]
    await write(stage, "赵六", "王孃孃", "孙八", "李四", "赵六")  # pasted as text, which names nobody
    (signup,) = await stage.store.read(signups.every)
    assert signup.organiser_id == starter.id


async def test_what_is_said_of_a_full_list_is_said_once(stage: Stage) -> None:
    head = f"{HEAD} 限2人"
    people = ["王孃孃", "张三", "李四", "孙八"]
    for many in range(1, 5):
        await write(stage, people[many - 1], *people[:many], head=head)
    (signup,) = await stage.store.read(signups.every)
    assert await stage.said() == [f"@李四 {texts.full(signup)}"]
    states = [entry.state for entry in await entries(stage)]
    assert states == [EntryState.CONFIRMED] * 2 + [EntryState.WAITING] * 2


async def test_an_activity_that_was_called_off_does_not_come_back(stage: Stage) -> None:
    await stage.cast("刘姐", "微网格长")
    await write(stage, "王孃孃", "王孃孃")
    await stage.say("刘姐", "取消活动 H1")
    assert await write(stage, "张三", "王孃孃", "张三") == "chain"
    assert len(await stage.store.read(signups.every)) == 1


async def test_the_same_title_next_week_is_another_one(stage: Stage) -> None:
    head = "#接龙\n楼道清扫"
    await write(stage, "王孃孃", "王孃孃", head=head)
    stage.after(days=9)
    await write(stage, "张三", "张三", head=head)
    first, second = await stage.store.read(signups.every)
    assert (first.open, second.open) == (False, True)
    assert await roster(stage, 2) == [("张三", 1)]


async def test_a_copy_of_one_activity_in_another_group_deletes_nobody(stage: Stage) -> None:
    other = "青禾社区13微网格群"
    await stage.room(other)
    await stage.cast("陈书记", "社区工作人员", "519999001001")
    await stage.say("陈书记", "发活动 义诊 6月15日9:00 广场", room=None)
    head = "#接龙\n义诊 6月15日9:00"
    await write(stage, "陈书记", head=head)
    await write(stage, "张三", "张三", head=head)
    await write(stage, "陈书记", head=head, room=other)
    await write(stage, "李四", "李四", head=head, room=other)
    assert sorted(await roster(stage)) == [("张三", 1), ("李四", 1)]


OTHER = "青禾社区13微网格群"


async def test_a_list_that_its_author_carries_into_another_group_is_one_roster(stage: Stage) -> None:
    await stage.room(OTHER, grid="519999001001003013")
    await stage.cast("刘姐", "微网格长")
    await stage.cast("陈哥", "微网格长", "519999001001003013")
    await write(stage, "王孃孃", "王孃孃 2人")
    await write(stage, "张三", "王孃孃 2人", "张三")
    await write(stage, "王孃孃", "王孃孃 2人", "张三", room=OTHER)
    assert len(await stage.told("陈哥")) == 1
    await write(stage, "李四", "王孃孃 2人", "张三", "李四", room=OTHER)
    await write(stage, "孙八", "王孃孃 2人", "张三", "孙八")
    assert sorted(await roster(stage)) == [("孙八", 1), ("张三", 1), ("李四", 1), ("王孃孃", 2)]
    assert len(await stage.store.read(signups.every)) == 1
    # The same account and contact id is the same person in both; nobody is lost to a copy of the other group.
    await stage.say("张三", "报名 3人", room=OTHER)
    await write(stage, "周婆婆", "王孃孃 2人", "张三", "孙八", "周婆婆")
    assert sorted(await roster(stage)) == [("周婆婆", 1), ("孙八", 1), ("张三", 3), ("李四", 1), ("王孃孃", 2)]
    rooms = {entry.name: entry.room_id for entry in await entries(stage)}
    assert rooms["李四"] != rooms["孙八"] == rooms["张三"]
    # Who leads either group may manage it.
    await stage.say("陈哥", "取消报名 H1 代 孙八", room=OTHER)
    assert ("孙八", 1) not in await roster(stage)


async def test_both_groups_of_one_list_are_reminded_once(stage: Stage) -> None:
    await stage.room(OTHER, grid="519999001001003013")
    await write(stage, "王孃孃", "王孃孃")
    await write(stage, "王孃孃", "王孃孃", room=OTHER)
    await write(stage, "李四", "王孃孃", "李四", room=OTHER)
    stage.now = START.replace(day=13, hour=9, minute=31)
    for _ in range(3):
        await stage.tick()
    assert sum(line.startswith("提醒：H1") for line in await stage.said()) == 1
    assert sum(line.startswith("提醒：H1") for line in await stage.said(OTHER)) == 1


async def test_two_of_one_name_in_two_groups_are_two(stage: Stage) -> None:
    await stage.room(OTHER, grid="519999001001003013")
    await stage.cast("陈书记", "社区工作人员", "519999001001")
    for room in (GROUP, OTHER):
        await write(stage, "陈书记", room=room)
    await write(stage, "李四", "李四 2人")
    await write(stage, "5栋李四", "李四 2人", room=OTHER)
    assert await roster(stage) == [("李四", 2), ("李四", 2)]
    assert len(await stage.store.read(signups.every)) == 1


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (HEAD, "李四"),  # somebody else announces the same
        ("#接龙\n楼道大扫除", "王孃孃"),  # each group's own, for all that is said
        (f"{HEAD} 二组", "王孃孃"),  # other words
    ],
)
async def test_what_may_be_another_activity_stays_one(stage: Stage, head: str, sender: str) -> None:
    await stage.room(OTHER, grid="519999001001003013")
    await write(stage, "王孃孃", "王孃孃", head=HEAD if "二组" in head else head)
    await write(stage, sender, sender if sender != "王孃孃" else "周婆婆", head=head, room=OTHER)
    assert len(await stage.store.read(signups.every)) == 2


# --- in any order ---
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(test_copies.edits, min_size=3, max_size=12), st.randoms(use_true_random=False))
async def test_the_order_of_arrival_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, doings: list[test_copies.Edit], order: random.Random
) -> None:
    """Through parser, store and waiting list: the same names, heads and places, in whatever order the copies come."""
    chat = test_copies.play(doings)
    messages = [_message(copy.sender, number, chat.rows[number]) for number, copy in enumerate(chat.copies)]
    shuffled = messages[:1] + order.sample(messages[1:], len(messages) - 1)
    found = [await _played(tmp_path_factory.mktemp("order"), each) for each in (messages, shuffled)]
    assert found[0] == found[1]
    told = [(name, building, heads) for name, building, heads, state in found[0] if state is not EntryState.CANCELLED]
    assert sorted(told) == sorted((*who, heads) for who, heads in chat.seated().items())


def _message(sender: int, number: int, rows: Sequence[test_copies.Row]) -> Message:
    name, building, known = test_copies.PEOPLE[sender]
    text = listed(*(f"{name} {building} {heads}人" for name, building, heads in rows), head=f"{HEAD} 限9人")
    return Message(
        account=ACCOUNT,
        id=f"c{number}",
        kind=MessageKind.CHAIN,
        room=GROUP,
        sender=f"u{sender}",
        sent_at=START + timedelta(minutes=number),
        text=text,
        nick=f"{building}{name}" if known else "",
        topic=GROUP,
    )


async def _played(folder: Path, messages: Sequence[Message]) -> list[tuple[str, str, int, EntryState]]:
    stage = await Stage.set(folder)
    try:
        stage.after(minutes=30)
        for message in messages:
            assert await stage.deliver(message) == "signup"
        return sorted((entry.name, entry.building, entry.wanted, entry.state) for entry in await entries(stage))
    finally:
        await stage.strike()
