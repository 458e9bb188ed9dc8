"""日报 and 周报: to whom, when, how often; and that their figures are those of the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage import figures
from storage.model import AuditEntry, RoomKind, TicketState
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GENERAL

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = "三网格工作群"
LIFT, WATER, FIRE = "3栋2单元电梯又坏了", "3栋停水了", "5栋3单元着火了"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path, moment("2026-11-19 07:40"))  # a Thursday
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(WATER, matter("0102", building="3", objects=("水",)))
    stage.judge(FIRE, matter("0501", building="5", unit="3", objects=("火",)))
    await stage.room(OFFICE, GENERAL, kind=RoomKind.LEADER)
    await stage.tick()
    yield stage
    await stage.strike()


async def digests(stage: Judged, word: str = "【日报】", room: str = OFFICE) -> list[str]:
    return [line for line in await stage.said(room) if line.startswith(word)]


async def at(stage: Judged, text: str) -> None:
    stage.now = moment(text)
    await stage.tick()


async def test_at_noon_and_at_six_into_the_leader_room(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await at(stage, "2026-11-19 11:59")
    assert await digests(stage) == []
    await at(stage, "2026-11-19 12:00")
    await at(stage, "2026-11-19 12:01")
    (noon,) = await digests(stage)
    assert noon.splitlines()[:3] == [
        "【日报】网格003",
        "11月18日18:00—11月19日12:00",
        "新增1，办结0，在办1，超期0",
    ]
    assert "多发：电梯故障1" in noon
    await at(stage, "2026-11-19 18:00")
    assert len(await digests(stage)) == 2


async def test_what_came_in_late_in_the_evening_is_in_the_next_days(stage: Judged) -> None:
    await at(stage, "2026-11-18 18:01")
    await at(stage, "2026-11-18 21:00")
    await stage.say("李姐", LIFT)
    await at(stage, "2026-11-19 12:00")
    assert "新增1，" in (await digests(stage))[-1]
    await at(stage, "2026-11-19 18:00")
    assert "新增1，" in (await digests(stage))[-1]
    await at(stage, "2026-11-20 12:00")
    assert "新增0，" in (await digests(stage))[-1]


async def test_a_digest_has_twelve_lines_at_most(stage: Judged) -> None:
    for number, code in enumerate(["0101", "0102", "0103", "0201", "0301", "0401"], 1):
        stage.judge(f"{number}栋的事", matter(code, building=str(number)))
        await stage.say(f"住户{number}", f"{number}栋的事")
    await stage.say("刘姐", "办结 S1 好了")
    await stage.say("住户1", "1")
    await at(stage, "2026-12-01 12:00")
    (text,) = await digests(stage)
    assert "超期" in text.splitlines()[2]
    assert len(text.splitlines()) <= 12


async def test_about_nothing_nothing_is_sent(stage: Judged) -> None:
    await stage.room("别处工作群", f"{COMMUNITY}009", kind=RoomKind.LEADER)
    await stage.say("李姐", LIFT)
    await at(stage, "2026-11-19 12:00")
    assert await digests(stage, room="别处工作群") == []


async def test_after_three_days_away_the_last_one_is_sent_once_and_not_at_night(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await at(stage, "2026-11-22 23:00")
    assert await digests(stage) == []
    await at(stage, "2026-11-23 07:31")
    (late,) = await digests(stage)
    assert late.splitlines()[1] == "11月21日18:00—11月22日18:00"
    await at(stage, "2026-11-23 08:00")
    assert len(await digests(stage)) == 1


async def test_on_monday_of_the_week_before(stage: Judged) -> None:
    await at(stage, "2026-11-19 09:00")
    await stage.say("李姐", LIFT)
    await at(stage, "2026-11-20 12:00")
    assert await digests(stage, "【周报】") == []
    await at(stage, "2026-11-23 08:30")
    await at(stage, "2026-11-23 09:30")
    (week,) = await digests(stage, "【周报】")
    assert week.splitlines()[1:3] == ["11月16日00:00—11月23日00:00", "新增1，办结0，在办1，超期0"]
    assert "此前四周每周平均新增0" in week.splitlines()
    for code in ("0105", "0106", "0201"):
        stage.judge(code, matter(code, building="9"))
        await stage.say("阿芬", code)
    await at(stage, "2026-11-30 08:30")
    assert "此前四周每周平均新增0.2，本周+1100%" in (await digests(stage, "【周报】"))[-1].splitlines()


async def test_a_new_store_does_not_begin_with_yesterdays(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.tick()
    assert await digests(stage) == []


async def test_whoever_leads_may_ask(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    stage.after(minutes=5)
    await stage.say("刘姐", "日报", room=OFFICE)
    assert "新增1" in (await stage.said(OFFICE))[-1]
    await stage.say("刘姐", "周报", room=None)
    assert (await stage.told("刘姐"))[-1].startswith("【周报】")


async def test_where_residents_read_along_it_is_told_in_private(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "日报")
    assert "@刘姐 已私下发您。" in await stage.said()
    assert any(line.startswith("【日报】") for line in await stage.told("刘姐"))
    before = len(await stage.said())
    await stage.say("李姐", "日报")
    assert len(await stage.said()) == before
    assert await stage.audited("denied") == 1


# --- the rates, told again from the audit trail ---
ANSWERS = {"assigned", "taken", "in_progress", "finished", "answered"}


def recount(trails: list[list[AuditEntry]]) -> dict[str, int]:
    """What the chain says: who was answered, what was finished, what became of the callbacks."""
    counted = dict.fromkeys(("filed", "acknowledged", "finished", "solved", "unsolved", "unreached"), 0)
    for trail in trails:
        counted["filed"] += any(entry.action == "filed" for entry in trail)
        state, outcome, answered = None, None, False
        for entry in trail:
            if entry.after in set(TicketState):
                state = entry.after
            answered |= entry.action in ANSWERS
            if entry.action == "reopened":
                outcome, answered = "unsolved", False
            elif entry.action in ("closed", "unreached"):
                outcome = "solved" if entry.action == "closed" else "unreached"
            elif entry.action == "finished":
                outcome = None
        counted["acknowledged"] += answered
        counted["finished"] += state in (TicketState.CALLBACK, TicketState.CLOSED)
        if outcome is not None:
            counted[outcome] += 1
    return counted


async def test_the_rates_equal_a_recount_from_the_audit_trail(stage: Judged) -> None:
    since = stage.now - timedelta(hours=1)
    for number, code in enumerate(["0101", "0105", "0106", "0201", "0301", "0401"], 1):
        stage.judge(f"{number}栋的事", matter(code, building=str(number)))
        await stage.say(f"住户{number}", f"{number}栋的事")
    stage.after(minutes=1)
    for number in (1, 2, 3, 4):
        await stage.say("刘姐", f"派单 S{number} 物业")
    for number in (1, 2, 3):
        await stage.say("小张", f"办结 S{number} 好了")
    stage.after(minutes=1)
    await stage.say("住户1", "评价 S1 满意", room=None)
    await stage.say("住户2", "评价 S2 不满意 还是坏的", room=None)
    stage.after(days=4)
    await stage.tick()
    trails = [await stage.trail(number) for number in range(1, 7)]
    told = recount(trails)
    found = await stage.store.read(lambda tx: figures.total(tx, since, stage.now + timedelta(minutes=1)))
    assert told == {"filed": 6, "acknowledged": 3, "finished": 2, "solved": 1, "unsolved": 1, "unreached": 1}
    assert {
        "filed": found.filed,
        "acknowledged": found.ack_met,
        "finished": found.finished,
        "solved": found.solved,
        "unsolved": found.unsolved,
        "unreached": found.unreached,
    } == told
    assert (found.ack_due, found.rated, found.satisfied) == (6, 2, 1)
