"""Every clock of a ticket in virtual time: over a weekend, a holiday, midnight, a stop of three days, and more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handlers import steps
from storage import clocks
from storage import tickets as rows
from storage.model import ClockKind, Level, TicketState
from tests.unit.handlers.judged import Judged, judged, matter

SHANGHAI = ZoneInfo("Asia/Shanghai")
LIFT, WATER, FIRE, STONES = "3栋2单元电梯又坏了", "3栋停水了", "5栋3单元着火了", "楼上又往下扔东西"
HALF, MOST = "时限过半", "快到时限"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(WATER, matter("0102", building="3", objects=("水",)))
    stage.judge(FIRE, matter("0501", building="5", unit="3", objects=("火",)))
    stage.judge(STONES, matter("0504", building="5", objects=("东西",)))
    await stage.cast("周主任", "社区工作人员", "519999001001")
    await stage.cast("钱科", "街道", "519999001")
    yield stage
    await stage.strike()


async def at(stage: Judged, text: str) -> None:
    """Let it be that moment; what time brings by then happens, minute by minute in the last hour."""
    end = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    assert end >= stage.now
    stage.now = max(stage.now, end - timedelta(hours=1))
    while stage.now < end:
        await stage.tick()
        stage.now = min(end, stage.now + timedelta(minutes=1))
    await stage.tick()


async def begin(stage: Judged, text: str, said: str) -> None:
    stage.now = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI) - timedelta(seconds=1)
    await stage.say("李姐", said)
    await stage.tick()


async def heard(stage: Judged, nick: str, word: str) -> int:
    return sum(word in line for line in await stage.told(nick))


async def test_warned_at_half_and_at_four_fifths_and_raised_once(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", LIFT)  # a Wednesday; to be answered within 2 h
    await at(stage, "2026-11-18 10:59")
    assert await heard(stage, "刘姐", HALF) == 0
    await at(stage, "2026-11-18 11:00")
    assert await heard(stage, "刘姐", HALF) == 1
    await at(stage, "2026-11-18 11:36")
    assert await heard(stage, "刘姐", MOST) == 1
    assert (await stage.the_ticket()).level is Level.GRID
    await at(stage, "2026-11-18 12:00")
    ticket = await stage.the_ticket()
    assert ticket.level is Level.COMMUNITY
    assert await heard(stage, "周主任", "超时无人响应") == 1
    assert await heard(stage, "刘姐", "超过响应时限，已升级到社区") == 1
    await at(stage, "2026-11-18 17:00")
    assert (await stage.the_ticket()).level is Level.COMMUNITY
    assert await stage.audited("expired") == 1
    assert await heard(stage, "刘姐", HALF) == await heard(stage, "刘姐", MOST) == 1


async def test_who_has_answered_is_not_warned(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "接单 S1")
    acknowledged = (await stage.the_ticket()).acknowledged_at
    assert acknowledged == stage.now - timedelta(seconds=1)
    await at(stage, "2026-11-18 18:00")
    assert await heard(stage, "刘姐", "响应") == await heard(stage, "小张", "响应") == 0
    assert (await stage.the_ticket()).level is Level.GRID


async def test_over_a_weekend(stage: Judged) -> None:
    await begin(stage, "2026-11-20 17:00", LIFT)  # a Friday
    await at(stage, "2026-11-23 09:59")
    assert (await stage.the_ticket()).level is Level.GRID
    assert await heard(stage, "刘姐", HALF) == 1  # at 18:00 on Friday, when half of its working time was over
    await at(stage, "2026-11-23 10:00")
    assert (await stage.the_ticket()).level is Level.COMMUNITY


async def test_over_a_holiday_into_a_saturday_that_is_worked(stage: Judged) -> None:
    await begin(stage, "2026-09-30 17:30", LIFT)
    await at(stage, "2026-10-07 12:00")
    assert (await stage.the_ticket()).level is Level.GRID
    await at(stage, "2026-10-08 10:30")
    assert (await stage.the_ticket()).level is Level.COMMUNITY
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "接单 S1")
    # 5 working days from half past five on the 30th: 8, 9, the worked Saturday 10, 12 and 13 October.
    await at(stage, "2026-10-13 17:29")
    assert (await stage.the_ticket()).level is Level.COMMUNITY
    await at(stage, "2026-10-13 17:30")
    assert (await stage.the_ticket()).level is Level.STREET
    assert await heard(stage, "小张", "超过办结时限，已升级到街道") == 1


async def test_over_midnight_a_warning_waits_for_the_morning_and_the_limit_does_not(stage: Judged) -> None:
    await begin(stage, "2026-11-18 23:00", WATER)  # natural: 2 h to answer, 24 h to finish
    await at(stage, "2026-11-19 00:59")
    assert await heard(stage, "刘姐", HALF) == 0
    await at(stage, "2026-11-19 01:00")
    assert (await stage.the_ticket()).level is Level.COMMUNITY
    await at(stage, "2026-11-19 11:00")
    assert await heard(stage, "刘姐", f"【{HALF}】") == 1  # of the 24 h


async def test_an_emergency_reaches_the_street_after_three_minutes(stage: Judged) -> None:
    await begin(stage, "2026-11-21 02:00", FIRE)  # a Saturday night
    assert await heard(stage, "周主任", "【应急】") == 1
    assert await heard(stage, "钱科", "S1") == 0
    await at(stage, "2026-11-21 02:02")
    assert (await heard(stage, "刘姐", HALF), await heard(stage, "刘姐", MOST)) == (0, 1)
    await at(stage, "2026-11-21 02:03")
    assert (await stage.the_ticket()).level is Level.STREET
    assert await heard(stage, "钱科", "超时无人响应") == 1


async def test_each_step_of_three_minutes_is_said_once_to_each(stage: Judged) -> None:
    await stage.cast("小王", "网格员", "519999001001003")
    await begin(stage, "2026-11-21 02:00", FIRE)
    for seconds in range(0, 600, 6):  # a tick comes whenever something is due
        stage.now = datetime(2026, 11, 21, 2, 0, tzinfo=SHANGHAI) + timedelta(seconds=seconds)
        await stage.tick()
    for nick in ("刘姐", "小王", "周主任"):
        told = [line[:6] for line in await stage.told(nick)]
        assert told == ["【应急】S1", "【快到时限】", "【超时】S1"], nick
    assert [line[:6] for line in await stage.told("钱科")] == ["【升级】S1"]


async def test_the_warnings_of_an_hour_stay_two(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", LIFT)
    await stage.say("刘姐", "派单 S1 物业 1h")
    await stage.say("小张", "接单 S1")
    await at(stage, "2026-11-18 10:58")
    assert (await heard(stage, "小张", HALF), await heard(stage, "小张", MOST)) == (1, 1)


async def test_an_emergency_that_somebody_took_stays(stage: Judged) -> None:
    await begin(stage, "2026-11-21 02:00", FIRE)
    await stage.say("刘姐", "接单 S1")
    await at(stage, "2026-11-21 02:30")
    assert (await stage.the_ticket()).level is Level.GRID
    assert await heard(stage, "钱科", "S1") == 0


async def test_who_does_not_accept_in_half_an_hour_is_reported_to_the_leader(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await at(stage, "2026-11-18 10:30")
    assert await heard(stage, "刘姐", "【未接单】") == 0
    await at(stage, "2026-11-18 10:31")
    assert await heard(stage, "刘姐", "【未接单】") == 1
    assert (await stage.the_ticket()).level is Level.GRID
    await at(stage, "2026-11-18 11:00")
    await stage.say("刘姐", "派单 S1 物业")  # once more: again half an hour
    await at(stage, "2026-11-18 11:31")
    assert await heard(stage, "刘姐", "【未接单】") == 2


async def test_the_limit_that_the_leader_set_is_the_leaders_and_raises_nothing(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", WATER)  # 24 h by the category
    await stage.say("刘姐", "派单 S1 物业 2h")
    await stage.say("小张", "接单 S1")
    await at(stage, "2026-11-18 12:01")
    assert await heard(stage, "小张", HALF) == await heard(stage, "小张", MOST) == 1
    assert await heard(stage, "小张", "超过约定的时限") == await heard(stage, "刘姐", "超过约定的时限") == 1
    assert (await stage.the_ticket()).level is Level.GRID
    await at(stage, "2026-11-19 10:00")
    assert (await stage.the_ticket()).level is Level.COMMUNITY


async def test_the_clocks_stop_at_the_callback_and_begin_anew_when_it_is_reopened(stage: Judged) -> None:
    await begin(stage, "2026-11-16 10:00", LIFT)  # a Monday
    await stage.say("刘姐", "办结 S1 换了主板")
    assert (await stage.the_ticket()).state is TicketState.CALLBACK
    await at(stage, "2026-11-18 20:00")
    assert await heard(stage, "刘姐", "【超时】") == await heard(stage, "刘姐", HALF) == 0
    await stage.say("李姐", "评价 S1 不满意 还是坏的", room=None)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.acknowledged_at) == (TicketState.FILED, None)
    await at(stage, "2026-11-19 10:00")
    assert await heard(stage, "刘姐", HALF) == 1
    await at(stage, "2026-11-19 11:01")
    assert (await stage.the_ticket()).level is Level.COMMUNITY


async def test_after_three_days_of_silence_each_fires_once_and_in_order(stage: Judged) -> None:
    await begin(stage, "2026-11-16 10:00", STONES)  # 执法: answered in 2 h, verified in 24 h
    await stage.say("王叔", FIRE)
    stage.now += timedelta(days=3)
    await stage.tick()
    stones, fire = await stage.tickets()
    # S1: 响应 expired, 核实 (24 working hours) too; S2: 响应, 反馈, 办结 expired. Each raised it once.
    assert (stones.level, fire.level) == (Level.STREET, Level.DEPARTMENT)
    trail = [
        (entry.ticket, entry.detail["clock"])
        for n in (1, 2)
        for entry in await stage.trail(n)
        if "clock" in entry.detail
    ]
    assert trail == [(1, "ack"), (1, "verify"), (2, "ack"), (2, "feedback"), (2, "close")]
    assert await heard(stage, "刘姐", HALF) == await heard(stage, "刘姐", MOST) == 0  # it is too late for warnings
    lines = await stage.lines()
    overdue = [line.text for line in lines if line.conversation == "刘姐" and "【超时】" in line.text]
    assert [text.split("】")[1][:2] for text in overdue] == ["S2", "S1", "S2", "S2", "S1"]
    await stage.tick()
    assert len(await stage.lines()) == len(lines)


async def test_another_category_recomputes_what_is_left(stage: Judged) -> None:
    await begin(stage, "2026-11-18 10:00", LIFT)
    await at(stage, "2026-11-18 11:00")
    assert await heard(stage, "刘姐", HALF) == 1
    ticket = await stage.the_ticket()
    clocks_of = await stage.store.read(lambda tx: clocks.of(tx, [1]))
    assert clocks_of[1, ClockKind.CLOSE].due_at == ticket.due

    ack_due, close = steps.deadlines(stage.policy, "0102", ticket.reported_at)  # by the wall clock, 24 h
    await stage.store.write(
        lambda tx: rows.update(
            tx, 1, expect={TicketState.FILED}, at=stage.now, category="0102", ack_due=ack_due, due=close
        )
    )
    await stage.tick()
    clocks_of = await stage.store.read(lambda tx: clocks.of(tx, [1]))
    assert clocks_of[1, ClockKind.CLOSE].due_at == stage.now + timedelta(hours=23)
    assert clocks_of[1, ClockKind.ACK].stage == 1  # half of it is over and was said
    await at(stage, "2026-11-18 11:30")
    assert await heard(stage, "刘姐", HALF) == 1
