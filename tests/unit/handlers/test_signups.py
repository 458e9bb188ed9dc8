"""Activities in a group whose people are no friends of the account: what the group reads, by itself and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from handlers import signup_timers
from handlers import signups as signup_rules
from handlers.texts import signups as words
from storage import questions, signups
from storage import signup_entries as rosters
from storage.engine import Store
from storage.signup_entries import Entry
from storage.signups import EntryState, Signup, SignupState
from storage.testing import url_of
from tests.unit.handlers.stage import START, Stage

HAIR = "发活动 助老理发 6月15日15:00 社区活动室 限2人"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.set(tmp_path)
    stage.thorough = True
    await stage.cast("刘姐", "微网格长")
    yield stage
    await stage.strike()


async def one(stage: Stage, number: int = 1) -> tuple[Signup, list[Entry]]:
    signup = await stage.store.read(lambda tx: signups.get(tx, number))
    assert signup is not None
    return signup, await stage.store.read(lambda tx: rosters.entries(tx, number))


async def run_to(stage: Stage, at: datetime) -> list[tuple[str, str]]:
    """Let the clock tick, every ten minutes. Returns the reminders in the group, each with its day and hour; a sent
    line loses its words after two days."""
    found: dict[int, tuple[str, str]] = {}
    while stage.now < at:
        stage.after(minutes=10)
        await stage.tick()
        for line in await stage.lines():
            if "提醒" in line.text:
                found[line.id] = (f"{line.not_before.astimezone(START.tzinfo):%d %H:%M}"[:4], line.text.split("在")[0])
    return list(found.values())


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


# --- the group is told where nobody can be told in private ---
async def test_who_is_promoted_is_told_once_in_the_group(stage: Stage) -> None:
    for nick, text in (("刘姐", HAIR), ("3-1-101 老周", "报名 2人"), ("小吴", "报名"), ("小郑", "报名")):
        await stage.say(nick, text)
    await stage.say("3-1-101 老周", "取消报名")
    await stage.again()
    told = [line for line in await stage.said() if "有空位" in line and "候补" in line and "排" not in line]
    assert told == ["@小吴 @小郑 H1 助老理发有空位，候补已报上。去不了请发“取消报名 H1”。"]
    assert await stage.audited("promoted") == 2


async def test_reminders_are_one_line_each_and_never_at_night(stage: Stage) -> None:
    await stage.say("刘姐", "发活动 晨练 6月15日8:30 中心广场")
    await stage.say("小吴", "报名")
    await stage.say("小郑", "报名")
    reminders = await run_to(stage, START + timedelta(days=4))
    assert reminders == [("14 0", "提醒：H1 晨练明天8:30"), ("15 0", "提醒：H1 晨练今天8:30")]
    signup, _ = await one(stage)
    assert (signup.state, signup.next_at) == (SignupState.CLOSED, None)


async def test_after_a_long_stop_only_what_still_helps_is_said(stage: Stage) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名")
    stage.now = START.replace(day=15, hour=13, minute=30)  # the day before has been slept through
    await stage.tick()
    await stage.tick()
    assert [line for line in await stage.said() if "提醒" in line] == [
        "提醒：H1 助老理发今天15:00在社区活动室。去不了请发“取消报名 H1”。"
    ]
    stage.now = START.replace(day=15, hour=22)
    await stage.tick()
    assert (await one(stage))[0].state is SignupState.CLOSED


async def test_a_bot_that_wakes_at_night_waits_for_the_morning(stage: Stage) -> None:
    await stage.say("刘姐", "发活动 义诊 6月14日9:00 小区门口")
    await stage.say("小吴", "报名")
    stage.now = START.replace(day=13, hour=23)
    await stage.tick()
    assert not [line for line in await stage.said() if "提醒" in line]
    ((at, _),) = await run_to(stage, START.replace(day=14, hour=8))
    assert at == "14 0"


async def test_a_called_off_activity_reminds_nobody(stage: Stage) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名")
    await stage.say("刘姐", "取消活动 H1 师傅病了", room=None)
    assert sum("师傅病了" in line for line in await stage.said()) == 1
    assert await run_to(stage, START + timedelta(days=4)) == []


async def test_a_new_day_is_reminded_of_anew(stage: Stage) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名")
    before = await run_to(stage, START.replace(day=14, hour=18))
    await stage.say("刘姐", "改活动 H1 6月17日15:00")
    after = await run_to(stage, START.replace(day=17, hour=16))
    assert [line for _, line in (*before, *after[1:])] == [
        "提醒：H1 助老理发明天15:00",
        "提醒：H1 助老理发明天15:00",
        "提醒：H1 助老理发今天15:00",
    ]


# --- dialogs outlive the program ---
async def test_the_question_when_goes_on_after_a_restart(stage: Stage, tmp_path: Path) -> None:
    await stage.say("刘姐", "发活动 包粽子 社区活动室 限20人")
    await stage.store.close()
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))
    await stage.after(minutes=5).say("小吴", "周六上午10点")  # somebody else's Saturday is no answer
    await stage.say("刘姐", "周六我要回老家")  # neither is this
    await stage.say("刘姐", "就周六上午9点吧")
    signup, _ = await one(stage)
    assert signup.starts == START.replace(day=14, hour=9)
    assert signup.place == "社区活动室"
    assert await stage.store.read(lambda tx: questions.open_for(tx, 1, "when", stage.now)) == []


async def test_the_question_when_is_put_once_and_lapses(stage: Stage) -> None:
    await stage.say("刘姐", "发活动 包粽子 社区活动室")
    await stage.after(hours=2).say("刘姐", "周六9点")
    assert await stage.store.read(signups.every) == []
    await stage.say("刘姐", "发活动 包粽子 社区活动室")
    await stage.say("刘姐", "周六下午")  # which is all they can say
    signup, _ = await one(stage)
    assert signup.starts == START.replace(day=14, hour=0)
    assert "6月14日(周六)\n" in (await stage.said())[-1]


async def test_the_phone_is_asked_in_private_only_and_survives_a_restart(stage: Stage, tmp_path: Path) -> None:
    await stage.say("刘姐", "发活动 疫苗接种 6月20日8:30 卫生站 需登记电话")
    await stage.say("小吴", "报名")
    assert words.PHONE_IN_PRIVATE in (await stage.said())[-1]
    assert await stage.told("小吴") == []
    await stage.store.close()
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))
    await stage.after(hours=3).say("小吴", "我的号码13800000001", room=None)
    assert await stage.told("小吴") == ["H1 疫苗接种的联系电话已登记。"]
    assert await stage.store.read(lambda tx: rosters.phones(tx, 1)) == {1: "13800000001"}
    assert await stage.tickets() == await stage.candidates() == []


async def test_an_id_number_is_never_kept(stage: Stage, tmp_path: Path) -> None:
    await stage.say("刘姐", "发活动 疫苗接种 6月20日8:30 卫生站 需登记身份证")
    assert words.BRING_CARD in (await stage.said())[-1]
    await stage.say("小吴", "报名 代 张三 519999199003071234")
    await stage.store.close()
    assert b"519999199003071234" not in on_disk(tmp_path)
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


# --- erasing and forgetting ---
async def test_who_is_erased_comes_to_nothing_and_the_next_has_the_place(stage: Stage, tmp_path: Path) -> None:
    await stage.say("刘姐", "发活动 疫苗接种 6月20日8:30 卫生站 限2人 需登记电话")
    await stage.say("王孃孃", "报名 13800000001")
    await stage.say("王孃孃", "报名 代 古力娜扎")
    await stage.say("小吴", "报名")
    await stage.say("王孃孃", "我的信息", room=None)
    assert "您的报名：1 个活动" in (await stage.told("王孃孃"))[0]
    await stage.say("王孃孃", "删除我的信息", room=None)
    await stage.say("王孃孃", "确认删除", room=None)
    _, entries = await one(stage)
    assert [(entry.name, entry.state, entry.person_id) for entry in entries[:2]] == [
        ("", EntryState.CANCELLED, None),
        ("", EntryState.CANCELLED, None),
    ]
    assert entries[2].state is EntryState.CONFIRMED
    await stage.store.close()
    left = on_disk(tmp_path)
    assert "古力娜扎".encode() not in left
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_names_are_forgotten_after_ninety_days(stage: Stage) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名 2人")
    for days, name in ((80, "小吴"), (14, "")):
        stage.after(days=days)
        await stage.tick()
        await stage.tick()
        _, (entry,) = await one(stage)
        assert (entry.name, entry.heads) == (name, 2)


async def test_a_recalled_message_signs_nobody_up(stage: Stage, tmp_path: Path) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名 2人")
    first = stage.last
    await stage.say("小郑", "报名 代 古力娜扎")
    proxy = stage.last
    await stage.say("小吴", "报名 1人")
    change = stage.last
    assert first is not None
    assert proxy is not None
    assert change is not None
    await stage.recall(proxy)
    await stage.recall(change)
    _, entries = await one(stage)
    assert [(entry.name, entry.heads, entry.state) for entry in entries] == [
        ("小吴", 2, EntryState.CONFIRMED),
        ("", 1, EntryState.CANCELLED),
    ]
    await stage.recall(first)
    await stage.say("小吴", "报名 H1")
    _, entries = await one(stage)
    assert ("小吴", 1, EntryState.CONFIRMED) in [(entry.name, entry.heads, entry.state) for entry in entries]


# --- who may ---
@pytest.mark.parametrize("text", ["结束 H1", "取消活动 H1", "改活动 H1 限9人", "签到 H1 小吴"])
async def test_what_is_not_theirs_is_audited_and_answered_by_nobody(stage: Stage, text: str) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("小吴", "报名")
    before = await stage.said()
    stage.now = START.replace(day=15, hour=15)
    await stage.say("小郑", text)
    assert [line for line in await stage.said() if "提醒" not in line] == before
    assert await stage.audited("denied") == 1
    signup, (entry,) = await one(stage)
    assert (signup.state, signup.capacity, entry.attended_at) == (SignupState.OPEN, 2, None)


async def test_the_organiser_manages_it_without_a_right_of_their_own(stage: Stage) -> None:
    """Who began a 接龙 is a resident like any other."""
    await stage.say("小吴", "上报 路灯坏了")
    person = await stage.person("小吴")
    room = await stage.read_room()
    assert person is not None
    assert room is not None
    new = signups.NewSignup("跳舞", room_id=room.id, organiser_id=person.id)
    await stage.store.write(lambda tx: signups.create(tx, new, stage.now))
    assert await stage.say("小吴", "结束 H1") == "command"
    assert (await one(stage))[0].state is SignupState.CLOSED


def test_moments_lie_outside_the_night(stage: Stage) -> None:
    for hour in range(24):
        starts = START.replace(day=20, hour=hour, minute=5)
        signup = Signup("理发", starts=starts, number=1)
        due = signup_timers.moments(signup, stage.policy)
        assert due[-1].kind is signup_timers.Kind.END
        for moment in due[:-1]:
            local = moment.at.astimezone(START.tzinfo)
            assert (7, 30) <= (local.hour, local.minute) < (21, 30), (hour, moment)
            assert moment.at < starts


async def test_a_rush_is_answered_in_one_line_a_minute(stage: Stage) -> None:
    """The first at once, the others together, also where the bot is started anew in between; nobody twice."""
    await stage.say("刘姐", HAIR)
    for nick in ("小吴", "小郑", "小冯"):
        await stage.say(nick, "报名")
    await stage.say("小陈", "报名 2人")
    await stage.again()
    for nick, text in (("小蒋", "报名 代 我妈"), ("小蒋", "报名 代 我妈"), ("小韩", "报名")):
        await stage.say(nick, text)
    lines = [line for line in await stage.lines() if line.key.startswith("signed:")]
    alone, (merged,) = lines[:3], lines[3:]
    assert ["（1/2）" in alone[0].text, "（2/2，已满）" in alone[1].text, "候补第1位" in alone[2].text] == [True] * 3
    minute = (stage.now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    assert stage.now < merged.not_before <= minute
    assert merged.text.replace("\u2005", " ").split("\n") == [
        "H1 助老理发已报2/2人，已满，候补5人。",
        "候补：@小陈 2人、@小蒋 代我妈1人、@小韩 1人",
    ]
    assert len(set(merged.mentions)) == 3
    # The rush goes on: it stays one line a minute, and then everybody is answered at once again.
    await stage.after(minutes=1).say("小杨", "报名")
    assert next(line.text for line in await stage.lines() if "@小杨" in line.text).startswith("H1 助老理发已报2/2人")
    await stage.after(minutes=5).say("小朱", "报名")
    assert [line for line in await stage.said() if "小朱" in line and "候补第" in line]


async def test_silence_leaves_nobody_unanswered(stage: Stage) -> None:
    await stage.say("刘姐", HAIR)
    await stage.say("刘姐", "静音")
    people = [f"居民{at}" for at in range(70)]
    for nick in people:
        await stage.say(nick, "报名")
    lines = [line for line in await stage.lines() if line.key.startswith("signed:")]
    assert sum(len(line.mentions) for line in lines) == len({im_id for line in lines for im_id in line.mentions}) == 70
    assert max(len(line.mentions) for line in lines) <= signup_rules.MOST_MERGED
    assert len(lines) <= signup_rules.AT_ONCE + 3
