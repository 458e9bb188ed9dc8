"""The quiet policy: whatever comes in whatever order, the room stays quiet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers import quiet
from handlers.context import Effects, Policy
from nlp import categories
from storage import outbox, rooms
from storage.engine import Tx
from storage.model import PostKind, Room, RoomKind, RoomState
from storage.testing import fresh_store

SHANGHAI = ZoneInfo("Asia/Shanghai")
POLICY = Policy(categories=categories.load())
NOON = datetime(2025, 6, 12, 12, 0, tzinfo=SHANGHAI)
ROOM = Room(1, "a", "r1", "青禾社区12微网格群", RoomKind.RESIDENT, RoomState.ENABLED, "519999001001003012")
WAIT = POLICY.ack_wait
FREE = [PostKind.COMMAND_REPLY, PostKind.EMERGENCY, PostKind.PRIVATE]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The counted lines of the room, in place of the outbox."""
    rows: list[datetime] = []

    async def counted_slots(_tx: object, _room: int, since: datetime, _kind: PostKind | None = None) -> list[datetime]:
        return [at for at in rows if at >= since]

    monkeypatch.setattr(outbox, "counted_slots", counted_slots)
    return rows


async def slot(kind: PostKind, now: datetime = NOON, room: Room = ROOM, policy: Policy = POLICY) -> datetime | None:
    return await quiet.slot(None, room, kind, now, policy)  # type: ignore[arg-type]


def at(text: str, day: int = 12) -> datetime:
    return datetime.combine(datetime(2025, 6, day, tzinfo=SHANGHAI), time.fromisoformat(text), SHANGHAI)


async def test_the_first_acknowledgement_waits_a_moment_to_be_merged(taken: Sequence[datetime]) -> None:
    assert await slot(PostKind.ACK) == NOON + WAIT
    assert timedelta(seconds=20) >= WAIT


async def test_only_the_night_holds_a_notice_back(taken: list[datetime]) -> None:
    taken.extend(at(f"{hour:02}:00") for hour in range(8, 14))
    hushed = replace(ROOM, silent_until=NOON + timedelta(days=1))
    assert await slot(PostKind.NOTICE, room=hushed) == NOON
    assert await slot(PostKind.NOTICE, at("22:00")) == at("07:30", day=13)


async def test_a_second_one_within_half_an_hour_is_dropped(taken: list[datetime]) -> None:
    taken.append(NOON)
    assert await slot(PostKind.ACK, NOON + timedelta(minutes=29)) is None
    assert await slot(PostKind.ACK, NOON + timedelta(minutes=30)) == NOON + timedelta(minutes=30) + WAIT


async def test_a_callback_that_is_on_its_way_counts_too(taken: list[datetime]) -> None:
    taken.append(NOON + timedelta(minutes=10))
    assert await slot(PostKind.ACK) is None


async def test_the_seventh_of_a_day_is_dropped(taken: list[datetime]) -> None:
    taken.extend(at(f"{hour:02}:00") for hour in range(8, 14))
    assert await slot(PostKind.ACK, at("16:00")) is None
    assert await slot(PostKind.ACK, at("08:00", day=13)) == at("08:00", day=13) + WAIT


async def test_a_callback_waits_for_the_next_free_place(taken: list[datetime]) -> None:
    taken.append(NOON)
    assert await slot(PostKind.CALLBACK, NOON + timedelta(minutes=10)) == NOON + timedelta(minutes=30)
    taken.append(NOON + timedelta(minutes=30))
    assert await slot(PostKind.CALLBACK, NOON + timedelta(minutes=10)) == NOON + timedelta(minutes=60)


async def test_a_callback_waits_for_the_next_day_when_the_day_is_full(taken: list[datetime]) -> None:
    taken.extend(at(f"{hour:02}:00") for hour in range(8, 14))
    assert await slot(PostKind.CALLBACK, at("16:00")) == at("07:30", day=13)


async def test_a_wish_waits_like_a_callback_and_leaves_places_for_others(taken: list[datetime]) -> None:
    taken.append(at("08:00"))
    assert await slot(PostKind.WISH, at("08:10")) == at("08:30")
    taken.append(at("08:30"))  # of the room's lines two are wishes now
    assert await slot(PostKind.WISH) == at("07:30", day=13)
    assert await slot(PostKind.CALLBACK) == NOON
    hushed = replace(ROOM, silent_until=at("15:00", day=13))
    assert await slot(PostKind.WISH, room=hushed) == at("15:00", day=13)


@pytest.mark.parametrize("now", ["21:30", "23:59", "00:00", "07:29"])
async def test_at_night_nobody_is_asked_and_nothing_is_acknowledged(now: str, taken: list[datetime]) -> None:
    morning = at("07:30", day=13 if now > "12" else 12)
    assert await slot(PostKind.CALLBACK, at(now)) == morning
    assert await slot(PostKind.ACK, at(now)) is None


@pytest.mark.parametrize("now", ["07:30", "21:29"])
async def test_by_day_it_speaks(now: str, taken: list[datetime]) -> None:
    assert await slot(PostKind.CALLBACK, at(now)) == at(now)
    assert await slot(PostKind.ACK, at(now)) == at(now) + WAIT


@pytest.mark.parametrize("kind", FREE)
async def test_what_was_asked_for_or_saves_lives_is_never_held_back(kind: PostKind, taken: list[datetime]) -> None:
    night = at("02:00")
    taken.extend(night - timedelta(minutes=minutes) for minutes in range(10))
    hushed = replace(ROOM, silent_until=night + timedelta(hours=5))
    assert await slot(kind, night, hushed) == night


async def test_a_hushed_room_gets_no_acknowledgement_and_its_callback_later(taken: list[datetime]) -> None:
    until = NOON + timedelta(hours=3)
    hushed = replace(ROOM, silent_until=until)
    assert await slot(PostKind.ACK, NOON, hushed) is None
    assert await slot(PostKind.TALLY, NOON, hushed) is None
    assert await slot(PostKind.CALLBACK, NOON, hushed) == until
    assert await slot(PostKind.ACK, until, hushed) == until + WAIT


async def test_tallies_of_one_minute_share_one_moment(taken: list[datetime]) -> None:
    first = await slot(PostKind.TALLY, NOON + timedelta(seconds=5))
    assert first == await slot(PostKind.TALLY, NOON + timedelta(seconds=55)) == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("kind", list(PostKind))
async def test_a_room_that_sleeps_or_is_gone_hears_nothing(kind: PostKind, taken: list[datetime]) -> None:
    assert await slot(kind, NOON, replace(ROOM, state=RoomState.GONE)) is None
    dormant = await slot(kind, NOON, replace(ROOM, state=RoomState.DORMANT))
    assert dormant == (NOON if kind is PostKind.COMMAND_REPLY else None)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from([PostKind.ACK, PostKind.ACK, PostKind.CALLBACK, PostKind.COMMAND_REPLY, PostKind.EMERGENCY]),
        st.integers(0, 40),  # minutes until the next one wants to speak
        st.integers(0, 19).map(lambda dice: dice == 19),  # now and then somebody asks for silence in between
    ),
    min_size=20,
    max_size=90,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=_STEPS, start=st.integers(0, 24 * 60))
async def test_never_more_than_one_in_half_an_hour_or_six_a_day(
    taken: list[datetime], steps: list[tuple[PostKind, int, bool]], start: int
) -> None:
    taken.clear()
    now, room = at("00:00") + timedelta(minutes=start), ROOM
    for kind, minutes, hush in steps:
        now += timedelta(minutes=minutes)
        room = replace(room, silent_until=now + timedelta(hours=2)) if hush else room
        moment = await slot(kind, now, room)
        if kind is PostKind.CALLBACK:
            assert moment is not None
        if moment is not None and kind in quiet.COUNTED:
            assert moment >= now
            assert not quiet.in_quiet_hours(moment, POLICY)
            assert room.silent_until is None or moment >= room.silent_until or now >= room.silent_until
            taken.append(moment)
    taken.sort()
    assert all(later - earlier >= POLICY.reply_gap for earlier, later in itertools.pairwise(taken))
    days = [moment.astimezone(SHANGHAI).date() for moment in taken]
    assert all(days.count(day) <= POLICY.replies_a_day for day in days)


async def test_the_outbox_itself_is_what_counts(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store:

        async def talk(tx: Tx) -> list[bool]:
            room = await rooms.ensure(tx, "a", "r1", "群", at=NOON)
            room = await rooms.update(tx, room.id, state=RoomState.ENABLED, grid="519999001001003012")
            said = []
            for minute, kind in [(0, "ACK"), (5, "ACK"), (6, "CALLBACK"), (7, "EMERGENCY"), (31, "ACK"), (61, "ACK")]:
                effects = Effects(tx, NOON + timedelta(minutes=minute), POLICY)
                said.append(await effects.post(room, "…", PostKind[kind], key=f"{kind}:{minute}"))
            return said

        # The callback of 12:06 has taken 12:30, so 12:31 is dropped and 13:01 is free again.
        assert await store.write(talk) == [True, False, True, True, False, True]
