"""平急转换: who may declare it, what becomes shorter, how it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from handlers import commands
from handlers.commands import Command, Name
from storage import duty, modes
from storage.model import DutyKind, Level, RoomKind, Shift
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GENERAL, MICRO

SHANGHAI = ZoneInfo("Asia/Shanghai")
LIFT, AGAIN, LAMP, FIRE = "3栋2单元电梯又坏了", "按键也不亮了", "楼道灯不亮", "5栋3单元着火了"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path, datetime(2026, 11, 20, 16, 0, tzinfo=SHANGHAI))  # a Friday
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(AGAIN, matter("0101", objects=("按键",)))
    stage.judge(FIRE, matter("0501", building="5", unit="3", objects=("火",)))
    await stage.cast("周主任", "社区工作人员", COMMUNITY)
    yield stage
    await stage.strike()


async def in_force(stage: Judged) -> list[str]:
    return [mode.scope for mode in await stage.store.read(modes.in_force)]


@pytest.mark.parametrize(
    ("typed", "reason", "span"),
    [
        ("转急 暴雨", "暴雨", None),
        ("/转急 暴雨红色预警 24h", "暴雨红色预警", timedelta(hours=24)),
        ("转急，台风两天。", "台风", timedelta(days=2)),
        ("转急 3栋地下室进水", "3栋地下室进水", None),
    ],
)
def test_how_it_is_written(typed: str, reason: str, span: timedelta | None) -> None:
    command = commands.parse(typed, addressed=False)
    assert isinstance(command, Command)
    assert (command.name, command.text, command.span) == (Name.URGENT, reason, span)


@pytest.mark.parametrize("typed", ["转急", "转急诊了", "转平安城", "要不要转急 暴雨"])
def test_talk_is_no_command(typed: str) -> None:
    assert commands.parse(typed, addressed=False) is None


async def test_the_leader_declares_it_over_the_own_scope_and_ends_it(stage: Judged) -> None:
    await stage.say("刘姐", "转急 暴雨")
    assert await in_force(stage) == [MICRO]
    assert "转急时，到11月22日16:00" in (await stage.said())[-1]
    assert await stage.audited("mode_on") == 1
    await stage.say("刘姐", "转平")
    assert await in_force(stage) == []
    assert await stage.audited("mode_off") == 1
    await stage.say("刘姐", "转平")
    assert (await stage.said())[-1] == "@刘姐 现在是平时。"


async def test_nobody_else_may(stage: Judged) -> None:
    for nick in ("李姐", "小张"):
        await stage.say(nick, "转急 暴雨")
    assert await in_force(stage) == []
    assert await stage.audited("denied") == 2


async def test_what_the_community_declared_a_leader_does_not_end(stage: Judged) -> None:
    await stage.say("周主任", "转急 台风", room=None)
    assert await in_force(stage) == [COMMUNITY]
    await stage.say("刘姐", "转平")
    assert await in_force(stage) == [COMMUNITY]
    assert "由上级转平" in (await stage.said())[-1]
    await stage.say("周主任", "转平", room=None)
    assert await in_force(stage) == []


async def test_it_expires_after_48_hours_at_most_and_says_so_once(stage: Judged) -> None:
    await stage.say("刘姐", "转急 暴雨 7天")
    stage.after(hours=47, minutes=59)
    await stage.tick()
    assert await in_force(stage) == [MICRO]
    stage.after(minutes=2)
    await stage.tick()
    await stage.tick()
    assert await in_force(stage) == []
    assert sum("急时已到期" in line for line in await stage.told("刘姐")) == 1


async def test_said_again_it_lasts_from_then_on(stage: Judged) -> None:
    await stage.say("刘姐", "转急 暴雨 2h")
    stage.after(hours=1)
    await stage.say("刘姐", "转急 暴雨 2h")
    stage.after(hours=1, minutes=30)
    await stage.tick()
    assert await in_force(stage) == [MICRO]
    assert await stage.audited("mode_on") == 2


async def test_the_leader_rooms_of_the_scope_and_the_roster_hear_of_it(stage: Judged) -> None:
    await stage.room("三网格工作群", GENERAL, kind=RoomKind.LEADER)
    await stage.room("别处工作群", f"{COMMUNITY}009", kind=RoomKind.LEADER)
    guard = await stage.cast("老赵", "志愿者", MICRO)
    now = stage.now
    shift = Shift(guard.id, DutyKind.MODE, COMMUNITY, now - timedelta(hours=1), now + timedelta(hours=8))
    await stage.store.write(lambda tx: duty.put(tx, [shift]))
    await stage.say("周主任", "转急 台风", room=None)
    for room in ("三网格工作群", "别处工作群"):
        assert sum("【转急】" in line for line in await stage.said(room)) == 1
    assert sum("【转急】" in line and "值班：老赵" in line for line in await stage.told("老赵")) == 1


async def test_whoever_is_on_duty_hears_of_an_emergency_and_staff_alone_of_a_confidential_one(stage: Judged) -> None:
    stage.judge("隔壁又在打人", matter("0511", building="5"))
    now, shifts = stage.now, []
    for nick, role, kind in (
        ("老赵", "志愿者", DutyKind.EMERGENCY),
        ("小张", "物业", DutyKind.EMERGENCY),
        ("老钱", "党员", DutyKind.MODE),
    ):
        person = await stage.person(nick) or await stage.cast(nick, role, MICRO)
        shifts.append(Shift(person.id, kind, COMMUNITY, now - timedelta(hours=1), now + timedelta(hours=8)))
    await stage.store.write(lambda tx: duty.put(tx, shifts))
    await stage.say("李姐", FIRE)
    assert [sum("【应急】S1" in line for line in await stage.told(nick)) for nick in ("老赵", "小张", "老钱")] == [
        1,
        1,
        0,
    ]
    await stage.say("阿芬", "隔壁又在打人")
    assert [sum("S2" in line for line in await stage.told(nick)) for nick in ("老赵", "小张")] == [0, 1]

    stage.judge("3栋电梯关人了", matter("0503", building="3"))
    await stage.say("刘姐", "转急 暴雨")
    await stage.say("阿芬", "3栋电梯关人了")
    assert [sum("S3" in line for line in await stage.told(nick)) for nick in ("老赵", "老钱")] == [1, 1]


async def test_limits_come_sooner_and_never_later(stage: Judged) -> None:
    await stage.say("李姐", LIFT)  # 5 working days; to be answered in 2 h
    before = await stage.the_ticket()
    stage.after(hours=1)
    await stage.say("刘姐", "转急 暴雨")
    now = stage.now
    ticket = await stage.the_ticket()
    # An hour and a bit of its five times nine has passed.
    assert ticket.due is not None
    assert before.ack_due == datetime(2026, 11, 23, 9, 0, 1, tzinfo=SHANGHAI)
    assert ticket.ack_due == ticket.reported_at + timedelta(hours=2)
    assert timedelta(hours=43, minutes=59) < ticket.due - now < timedelta(hours=44)
    await stage.say("刘姐", "转平")
    assert (await stage.the_ticket()).due == ticket.due


async def test_a_running_clock_runs_out_at_night_once_it_is_urgent(stage: Judged) -> None:
    stage.after(hours=1)
    await stage.say("李姐", LIFT)  # at five on a Friday; to be answered by ten on Monday
    await stage.tick()
    stage.after(minutes=30)
    await stage.say("刘姐", "转急 暴雨")
    for _ in range(90):
        assert (await stage.the_ticket()).level is Level.GRID
        stage.after(minutes=1)
        await stage.tick()
    assert (await stage.the_ticket()).level is Level.COMMUNITY  # at seven
    warned = [line for line in await stage.told("刘姐") if "时限】" in line or "过半】" in line]
    assert [line.partition("】")[0] for line in warned] == ["【时限过半", "【快到时限"]
    assert all("11月20日19:00前要响应" in line for line in warned)


async def test_what_is_filed_meanwhile_counts_day_and_night(stage: Judged) -> None:
    stage.after(hours=1, minutes=30)
    await stage.say("刘姐", "转急 暴雨")
    await stage.say("李姐", LIFT)
    ticket = await stage.the_ticket()
    assert ticket.ack_due == ticket.reported_at + timedelta(hours=2)  # 19:30, after work
    assert ticket.due == ticket.reported_at + timedelta(hours=45)


async def test_a_next_message_joins_for_two_minutes_only(stage: Judged) -> None:
    await stage.say("刘姐", "转急 暴雨")
    await stage.say("李姐", LIFT)
    stage.after(minutes=1)
    await stage.say("李姐", AGAIN)
    assert len(await stage.tickets()) == 1
    stage.after(minutes=5)
    stage.judge(LAMP, matter("0106", objects=("灯",)))
    await stage.say("李姐", LAMP)
    assert len(await stage.tickets()) == 2


async def test_elsewhere_it_is_as_ever(stage: Judged) -> None:
    other = f"{COMMUNITY}009001"
    await stage.room("别处群", other)
    await stage.say("刘姐", "转急 暴雨")
    stage.after(hours=1, minutes=30)
    await stage.say("阿芬", LIFT, room="别处群")
    ticket = await stage.the_ticket()
    monday = datetime(2026, 11, 23, 10, 30, tzinfo=SHANGHAI)
    assert ticket.ack_due is not None
    assert abs(ticket.ack_due - monday) < timedelta(minutes=1)
