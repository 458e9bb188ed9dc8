"""The arithmetic of sending: no window is ever exceeded, gaps are kept, emergencies go first."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import DAY, HOUR, MINUTE, Budget, Pacer, broadcast_time
from storage.accounts import Account
from storage.model import Lane

START = datetime(2025, 6, 12, 8, 0, tzinfo=UTC)
SMALL = Budget(per_minute=3, per_hour=10, per_day=30, gap=(6, 12), per_room_gap=8)


def most_in(sent: Iterable[datetime], span: timedelta) -> int:
    """The largest number of sends in any half-open window of that length."""
    moments = sorted(sent)
    return max(sum(first <= moment < first + span for moment in moments) for first in moments)


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Lane)), st.sampled_from("abc"), st.floats(0, 900)), min_size=1, max_size=120
    ),
    st.integers(0, 99),
)
def test_no_window_is_ever_exceeded(asked: list[tuple[Lane, str, float]], seed: int) -> None:
    pacer = Pacer(SMALL, seed=seed)
    now = START
    sent: list[tuple[datetime, Lane, str]] = []
    for lane, room, pause in asked:
        now += timedelta(seconds=pause)
        now = pacer.earliest(now, room, lane)
        pacer.record(now, room)
        sent.append((now, lane, room))
    moments = [at for at, _, _ in sent]
    assert most_in(moments, MINUTE) <= SMALL.per_minute
    assert most_in(moments, HOUR) <= SMALL.per_hour
    assert most_in(moments, DAY) <= SMALL.per_day
    for (before, _, _), (after, lane, _) in pairwise(sent):
        assert lane is Lane.EMERGENCY or after - before >= timedelta(seconds=SMALL.gap[0])


def test_a_tenth_of_the_day_is_kept_for_emergencies() -> None:
    pacer = Pacer(SMALL, seed=1)
    now = START
    for _ in range(27):
        now = pacer.earliest(now, "a", Lane.REPLY)
        pacer.record(now, "a")
    assert pacer.earliest(now, "b", Lane.REPLY) >= START + DAY
    urgent = pacer.earliest(now, "b", Lane.EMERGENCY)
    assert urgent < now + HOUR


def test_an_emergency_skips_the_gap_but_not_the_minute() -> None:
    pacer = Pacer(SMALL, seed=1)
    for room in "abc":
        assert pacer.earliest(START, room, Lane.EMERGENCY) == START
        pacer.record(START, room)
    assert pacer.earliest(START, "d", Lane.EMERGENCY) == START + MINUTE


def test_a_throttle_stops_everything_and_halves_the_rate_until_it_recovers() -> None:
    pacer = Pacer(Budget(per_minute=6, gap=(0, 0), per_room_gap=0), seed=1)
    pacer.throttled(START)
    back = pacer.earliest(START, "a", Lane.EMERGENCY)
    assert back == START + timedelta(minutes=10)
    for _ in range(3):
        pacer.record(back, "a")
    assert pacer.earliest(back, "a", Lane.REPLY) == back + MINUTE, "three a minute, not six"
    later = back + 2 * HOUR
    for _ in range(3):
        pacer.record(later, "a")
    assert pacer.earliest(later, "a", Lane.REPLY) == later, "six a minute again"


def test_a_restart_forgets_no_send() -> None:
    log = [(START, "a")] * 3
    assert Pacer(SMALL, log, seed=1).earliest(START, "b", Lane.EMERGENCY) == START + MINUTE


@given(st.integers(1, 90), st.integers(0, 9))
def test_a_broadcast_takes_as_long_as_was_said(rooms: int, seed: int) -> None:
    """Nothing else is said, each line goes to another room: the jitter of the gaps is all that differs."""
    pacer, now = Pacer(SMALL, seed=seed), START
    for room in range(rooms):
        now = pacer.earliest(now, str(room), Lane.NOTICE)
        pacer.record(now, str(room))
    said, jitter = broadcast_time(rooms, Account("a"), START, budget=SMALL), timedelta(minutes=2)
    assert said - jitter <= now - START <= said + jitter
