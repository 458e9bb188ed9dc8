"""Topics, polls, minutes, the monthly meeting: how they are written, what outlives a restart, who hears what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handlers import commands, monthly, polls
from handlers.commands import Command, Name
from handlers.monthly import Monthly
from storage import topics
from storage.engine import Store
from storage.model import RoomKind
from storage.polls import CountedIn, Poll
from storage.testing import url_of
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GROUP, MICRO

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)  # a Friday
LAMP, LIFT = "5栋楼道灯不亮", "2栋1单元电梯坏了"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path, NOW)
    stage.judge(LAMP, matter("0106", building="5", objects=("灯",)))
    stage.judge(LIFT, matter("0101", building="2", unit="1", objects=("电梯",)))
    stage.judge("302天天打老婆", matter("0511"))
    await stage.cast("周主任", "社区工作人员", COMMUNITY)
    yield stage
    await stage.strike()


async def restart(stage: Judged, directory: Path) -> None:
    """Another life of the program on the same file: nothing but rows is left."""
    await stage.store.close()
    stage.store = await Store.open(url_of(directory / "xiaoge.db"))


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


# --- how it is written ---
@pytest.mark.parametrize(
    ("typed", "title", "options", "entitled"),
    [
        ("议事 大门装不装道闸 装/不装", "大门装不装道闸", "装\n不装", ""),
        ("议事：周末几点开会？上午/下午/晚上 共86户", "周末几点开会?", "上午\n下午\n晚上", "86户"),
        ("議事 花台改车位 同意 / 不同意 / 弃权 应到120人", "花台改车位", "同意\n不同意\n弃权", "120人"),
        ("议事 选哪家物业\n1. 青禾\n2、惠民\n3）都不要", "选哪家物业", "青禾\n惠民\n都不要", ""),
    ],
)
def test_a_poll_as_people_type_it(typed: str, title: str, options: str, entitled: str) -> None:
    command = commands.parse(typed, addressed=False)
    assert isinstance(command, Command)
    assert (command.name, command.remark, command.code) == (Name.POLL, options, entitled)
    assert command.text.replace("？", "?") == title


@pytest.mark.parametrize(
    ("typed", "name", "fields"),
    [
        ("议题 停车位不够", Name.TOPIC, {"text": "停车位不够"}),
        ("議題：停车位不够", Name.TOPIC, {"text": "停车位不够"}),
        ("议题 有哪些？", Name.TOPIC, {}),
        ("议题", Name.TOPIC, {}),
        ("支持V3", Name.SUPPORT, {"item": 3, "letter": "V"}),
        ("+1 v3", Name.SUPPORT, {"item": 3, "letter": "V"}),
        ("投票 V2 1", Name.VOTE, {"item": 2, "letter": "V", "text": "1"}),
        ("投票V2不装", Name.VOTE, {"item": 2, "letter": "V", "text": "不装"}),
        ("投票 2号", Name.VOTE, {"text": "2"}),
        ("结束V2", Name.END, {"item": 2, "letter": "V"}),
        ("撤回 V2", Name.WITHDRAW, {"item": 2, "letter": "V"}),
        ("纪要 V2 路灯要修", Name.MINUTES, {"item": 2, "letter": "V", "text": "路灯要修"}),
        ("纪要：路灯要修", Name.MINUTES, {"text": "路灯要修"}),
    ],
)
def test_the_others_as_people_type_them(typed: str, name: Name, fields: dict[str, object]) -> None:
    assert commands.parse(typed, addressed=False) == Command(name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    ["投票了没", "支持", "支持支持", "+1", "结束了", "议事厅在二楼", "议事 今晚开会", "议题材料发了"],
)
def test_talk_is_no_command(typed: str) -> None:
    assert commands.parse(typed, addressed=False) is None


@pytest.mark.parametrize(
    ("rule", "meant", "days"),
    [
        ("last Friday 19:00", Monthly(time(19, 0), 0, 4), ["2026-10-30", "2026-11-27", "2026-12-25"]),
        ("second Saturday 09:30", Monthly(time(9, 30), 2, 5), ["2026-10-10", "2026-11-14", "2026-12-12"]),
        ("day 15 19:00", Monthly(time(19, 0), day=15), ["2026-10-15", "2026-11-15", "2026-12-15"]),
    ],
)
def test_a_day_of_the_month(rule: str, meant: Monthly, days: list[str]) -> None:
    assert monthly.parse(rule) == meant
    assert [f"{at:%Y-%m-%d}" for at in meant.around(NOW, SHANGHAI)] == days


@pytest.mark.parametrize("rule", ["Friday 19:00", "last friday 19:00", "day 31 19:00", "last Friday 25:00", ""])
def test_anything_else_is_none(rule: str) -> None:
    with pytest.raises(ValueError, match="no day of a month"):
        monthly.parse(rule)


# --- what is shown to whom ---
@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ((5, 4, 1), ["5票", "不公开", "不公开"]),  # alone, the one could be worked out
        ((5, 2, 1), ["5票", "不公开", "不公开"]),
        ((5, 4, 0), ["5票", "4票", "0票"]),
        ((3, 3, 3), ["3票", "3票", "3票"]),
        ((1, 0, 0), ["不公开", "0票", "0票"]),
    ],
)
def test_small_counts_are_not_handed_upward(counts: tuple[int, ...], shown: list[str]) -> None:
    poll = Poll(2, MICRO, 1, 1, "装道闸", ("装", "不装", "弃权"), None, CountedIn.PEOPLE, NOW, NOW)
    lines = polls.result(poll, counts, exact=False).splitlines()
    assert [line.partition("：")[2] for line in lines[1:-1]] == shown
    assert lines[-1].startswith("不足3人投票" if sum(counts) < 3 else f"{sum(counts)}人投票")
    assert f"1 装：{counts[0]}票" in polls.result(poll, counts)


@pytest.mark.parametrize(
    ("entitled", "counted_in", "turnout"),
    [
        (None, CountedIn.PEOPLE, "15人投票。"),
        (120, CountedIn.PEOPLE, "15人投票，参与率12%（15/120）。"),
        (86, CountedIn.HOUSEHOLDS, "15人投票（共86户，按人计票）。"),
    ],
)
def test_a_rate_has_the_denominator_that_was_given_or_none(
    entitled: int | None, counted_in: CountedIn, turnout: str
) -> None:
    poll = Poll(2, MICRO, 1, 1, "装道闸", ("装", "不装"), entitled, counted_in, NOW, NOW)
    assert polls.result(poll, (10, 5)).splitlines()[-1] == f"{turnout}仅为意见征集，不是表决。"


# --- in the middle of it the program starts anew ---
async def test_polls_and_topics_outlive_a_restart(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐", "议题 停车位紧张")
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.say("李姐", "投票 1")
    await restart(stage, tmp_path)
    await stage.after(minutes=2).say("李姐", "投票 2")
    await stage.say("老周", "投票 V2 装")
    await stage.after(minutes=2).say("老周", "支持 V1")
    await restart(stage, tmp_path)
    await stage.after(minutes=2).say("刘姐", "结束 V2")
    last = (await stage.said())[-1]
    assert "1 装：1票\n2 不装：1票\n2人投票" in last
    assert [topic.supporters for topic in await stage.store.read(lambda tx: topics.open_in(tx, MICRO))] == [2]


async def test_a_poll_closes_by_itself_once_and_not_at_night(stage: Judged, tmp_path: Path) -> None:
    stage.now = NOW.replace(hour=22)
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.say("李姐", "投票 1")
    stage.now = NOW.replace(hour=22, minute=1) + timedelta(days=7)
    await stage.tick()
    await restart(stage, tmp_path)
    await stage.tick()
    (line,) = [line for line in await stage.lines() if line.key == "result:V1"]
    assert line.not_before.astimezone(SHANGHAI).time() == time(7, 30)
    assert await stage.audited("poll_closed") == 1
    assert ["【意见征集】" in line for line in await stage.told("周主任")] == [True]
    await stage.say("老周", "投票 V1 1")
    assert any("V1 已结束" in line for line in await stage.said())


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("停车位紧张", "建议讨论一下小区停车位太紧张了", True),
        ("加装电梯", "希望能不能加装电梯", True),
        ("加装电梯", "加装充电桩", False),
        ("3栋楼道堆物", "5栋楼道堆物", False),
        ("换物业", "物业费太高", False),
    ],
)
async def test_what_is_much_alike_and_not_elsewhere_is_one(stage: Judged, one: str, other: str, joined: bool) -> None:
    await stage.say("李姐", f"议题 {one}")
    await stage.say("老周", f"议题 {other}")
    found = await stage.store.read(lambda tx: topics.open_in(tx, MICRO))
    assert [topic.supporters for topic in found] == ([2] if joined else [1, 1])


# --- minutes ---
async def test_each_line_that_names_a_matter_is_filed_by_the_leader(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("老周", "议题 公共设施")
    stage.judge(f"纪要 V1 1. {LAMP}\n2. {LIFT}\n3. 302天天打老婆\n4. 大家很热情")
    await stage.after(hours=10).say("刘姐", f"纪要 V1 1. {LAMP}\n2. {LIFT}\n3. 302天天打老婆\n4. 大家很热情")
    assert "纪要立单1件：S2" in (await stage.said())[-1]
    assert "已在办：S1；1行未立单，要立请逐条 上报；1行涉及个人" in (await stage.said())[-1]
    assert [reporter.nick for reporter in await stage.reporters(2)] == ["刘姐"]
    assert [row.text for row in await stage.rows(2)] == [LAMP]
    topic = await stage.store.read(lambda tx: topics.get(tx, 1))
    assert topic is not None
    assert topic.state is topics.TopicState.DISCUSSED


async def test_in_private_minutes_are_of_the_own_grid_wherever_the_leader_reported_before(stage: Judged) -> None:
    await stage.room("别处的群", "519999001001004001")
    stage.judge("电梯坏了", matter("0101", building="9"))
    await stage.say("刘姐", "/上报 电梯坏了", room="别处的群")
    await stage.say("刘姐", f"纪要 {LAMP}", room=None)
    assert "纪要立单1件：S2" in (await stage.told("刘姐"))[-1]
    assert [ticket.grid for ticket in await stage.tickets()] == ["519999001001004001", MICRO]


# --- the monthly meeting ---
async def test_leaders_and_groups_are_reminded_once(stage: Judged, tmp_path: Path) -> None:
    stage.policy = replace(stage.policy, meeting=monthly.parse("last Friday 19:00"))
    await stage.room("青禾社区工作群", COMMUNITY, kind=RoomKind.LEADER)
    await stage.say("李姐", "议题 停车位紧张")
    await stage.say("老周", "议题 广场舞音量")
    await stage.say("阿芳", "支持 V2")
    await stage.tick()
    assert not [line for line in await stage.lines() if line.key.startswith("meeting")]
    stage.now = NOW.replace(hour=19, minute=5) + timedelta(days=4)  # three days before the 27th
    for _ in range(2):
        await stage.tick()
        await restart(stage, tmp_path)
    told = "【恳谈会】11月27日19:00，议题2个：\nV2 广场舞音量（2人）\nV1 停车位紧张（1人）"
    assert [told in line for line in await stage.told("刘姐")][-1]
    assert [told in line for line in await stage.said("青禾社区工作群")] == [True]
    (line,) = [line for line in await stage.said() if "民情恳谈会" in line]
    assert line == "民情恳谈会11月27日19:00，议题2个，呼声最高：广场舞音量。发“议题”看全部。"


async def test_at_night_nobody_is_reminded_and_a_meeting_that_began_is_past(stage: Judged) -> None:
    stage.policy = replace(stage.policy, meeting=monthly.parse("last Friday 23:00"))
    await stage.say("李姐", "议题 停车位紧张")
    stage.now = NOW.replace(hour=23, minute=5) + timedelta(days=4)
    await stage.tick()
    assert not [line for line in await stage.lines() if line.key.startswith("meeting")]
    stage.now = NOW.replace(hour=23, minute=5) + timedelta(days=7)
    await stage.tick()
    assert not [line for line in await stage.lines() if line.key.startswith("meeting")]


async def test_a_month_without_topics_is_silent(stage: Judged) -> None:
    stage.policy = replace(stage.policy, meeting=monthly.parse("day 21 19:00"))
    await stage.tick()
    assert await stage.lines() == []


# --- what is kept ---
async def test_erasing_takes_words_voice_and_vote(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐", "议题 楼顶种菜都清掉")
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.say("李姐", "投票 V2 1")
    await stage.say("李姐", "我的信息", room=None)
    assert "议题 1 件，投票 1 件" in (await stage.told("李姐"))[-1]
    await stage.say("李姐", "删除我的信息", room=None)
    await stage.say("李姐", "确认删除", room=None)
    await stage.say("刘姐", "结束 V2")
    assert "0人投票" in (await stage.said())[-1]
    assert await stage.audited("erased") == 1
    await stage.store.close()
    assert "楼顶种菜".encode() not in on_disk(tmp_path)
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_in_private_somebody_of_the_group_may_vote_and_a_stranger_not(stage: Judged) -> None:
    await stage.say("刘姐", "议事 装道闸 装/不装", room=GROUP)
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "投票 V1 装", room=None)
    await stage.say("路人", "投票 V1 装", room=None)
    await stage.say("李姐", "投票 不装", room=None)
    assert (await stage.told("李姐"))[-1] == "V1 已记您投“不装”，截止前可改。"
    assert (await stage.told("路人"))[-1] == "请在征集意见的群里投票。"


async def test_a_vote_that_is_recalled_is_none(stage: Judged) -> None:
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.say("李姐", "投票 装")
    mine = stage.last
    await stage.after(minutes=1).say("老周", "投票 1")
    assert mine is not None
    stage.reborn()
    await stage.recall(mine)
    await stage.say("刘姐", "结束 V1")
    assert "1人投票" in (await stage.said())[-1]
    assert await stage.audited("unvoted") == 1


async def test_a_vote_that_took_the_place_of_one_that_is_recalled_stands(stage: Judged) -> None:
    await stage.say("刘姐", "议事 装道闸 装/不装")
    await stage.say("李姐", "投票 装")
    first = stage.last
    await stage.say("李姐", "投票 不装")
    assert first is not None
    await stage.recall(first)
    await stage.say("刘姐", "结束 V1")
    assert "1人投票" in (await stage.said())[-1]
