"""The arithmetic of sending: no window is ever exceeded whatever happens, nothing waits longer than it must."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import DAY, HOUR, MINUTE, Budget, Pacer, broadcast_time
from storage.accounts import Account
from storage.model import Lane

START = datetime(2025, 6, 12, 8, 0, tzinfo=UTC)
SMALL = Budget(per_minute=3, per_hour=10, per_day=30, gap=(6, 12), per_room_gap=8)
STEADY = Budget(gap=(0, 0), per_room_gap=0)
ROOM_GAP = timedelta(seconds=SMALL.per_room_gap)
TICK = timedelta(microseconds=1)


def most_in(sent: Iterable[datetime], span: timedelta) -> int:
    """The largest number of sends in any half-open window of that length."""
    moments = sorted(sent)
    return max((sum(first <= moment < first + span for moment in moments) for first in moments), default=0)


@dataclass
class Rules:
    """What an account may do by the words of design/wechaty.md, worked out in another way than the pacer does: from the
    whole story of its throttles and sends."""

    budget: Budget
    since: datetime | None
    sent: list[tuple[datetime, Lane, str]] = field(default_factory=list)
    stops: list[tuple[datetime, datetime]] = field(default_factory=list)  # from, until
    halved: list[tuple[datetime, float]] = field(default_factory=list)  # until when, and the share after it

    def share(self, at: datetime) -> float:
        share, back = 1.0, None
        for until, left in self.halved:
            share, back = left, until
        for stop_from, until in self.stops:
            if back is not None and stop_from < until and until > back:
                back = until
        while back is not None and share < 1 and at >= back + HOUR:
            share, back = share * 2, back + HOUR
        return share

    def throttle(self, at: datetime) -> None:
        if not any(start <= at < until for start, until in self.stops):
            self.halved.append((at + self.budget.stop, max(self.share(at) / 2, 1 / 8)))
        self.stops.append((at, at + self.budget.stop))

    def limit(self, span: timedelta, at: datetime, lane: Lane) -> int:
        whole = {MINUTE: self.budget.per_minute, HOUR: self.budget.per_hour, DAY: self.budget.per_day}[span]
        part = self.share(at)
        if span != MINUTE:
            if self.since is not None and self.budget.ramp_days:
                days = min((at - self.since).days, self.budget.ramp_days)
                part *= self.budget.ramp_start + (1 - self.budget.ramp_start) / self.budget.ramp_days * days
            part *= {Lane.EMERGENCY: 1, Lane.REPLY: 9 / 10, Lane.NOTICE: 5 / 6}[lane]  # of the notices alone
        return max(1, math.floor(round(whole * part, 6)))

    def may(self, at: datetime, lane: Lane, room: str) -> bool:
        """Leaving aside the gap, whose length is drawn."""
        if any(start <= at < until for start, until in self.stops):
            return False
        if any(at - when < ROOM_GAP for when, _, where in self.sent if where == room):
            return False
        notices = [when for when, kind, _ in self.sent if kind is Lane.NOTICE]
        every = [when for when, _, _ in self.sent], Lane.EMERGENCY if lane is Lane.EMERGENCY else Lane.REPLY
        bounds = [every, (notices, Lane.NOTICE)] if lane is Lane.NOTICE else [every]
        return all(
            sum(at - when < span for when in times) < self.limit(span, at, kind)
            for times, kind in bounds
            for span in (MINUTE, HOUR, DAY)
        )


SENDS = st.tuples(st.sampled_from(list(Lane)), st.sampled_from("abc"), st.floats(0, 1800))
EVENTS = st.lists(
    st.one_of(SENDS, SENDS, SENDS, st.sampled_from(["throttle", "restart", "notice"])), min_size=1, max_size=100
)
AGES = st.one_of(st.none(), st.floats(0, 20).map(lambda days: START - timedelta(days=days)))


@given(EVENTS, AGES, st.integers(0, 99))
def test_no_window_is_ever_exceeded_and_nothing_waits_longer_than_it_must(
    events: Sequence[tuple[Lane, str, float] | str], since: datetime | None, seed: int
) -> None:
    """Lanes, throttles (one or more notices of each), restarts and a new account's age in any order."""
    budget = replace(SMALL, ramp_days=14)
    account = Rules(budget, since)
    pacer = Pacer(budget, account=Account("a", since=since), seed=seed)
    now = START
    for event in events:
        if event == "restart":
            log = [(at, room, lane) for at, lane, room in account.sent if at > now - DAY]
            pacer = Pacer(budget, log, account=pacer.account, seed=seed)
        elif event in ("throttle", "notice"):
            now += timedelta(seconds=1 if event == "notice" else 0)
            pacer.throttled(now)
            account.throttle(now)
        else:
            lane, room, pause = event
            now += timedelta(seconds=pause)
            at = pacer.earliest(now, room, lane)
            assert at >= now
            assert account.may(at, lane, room), "a budget would be exceeded"
            last = account.sent[-1][0] if account.sent else None
            if lane is not Lane.EMERGENCY and last is not None:
                assert at - last >= timedelta(seconds=budget.gap[0]), "the gap"
            held_by_gap = lane is not Lane.EMERGENCY and last is not None and at - last <= timedelta(seconds=12)
            if at > now and not held_by_gap:
                assert not account.may(at - TICK, lane, room), "it could have gone before"
            now = at
            pacer.record(now, room, Lane.REPLY)
            account.sent.append((now, lane, room))
    moments = [at for at, _, _ in account.sent]
    assert most_in(moments, MINUTE) <= budget.per_minute
    assert most_in(moments, HOUR) <= budget.per_hour
    assert most_in(moments, DAY) <= budget.per_day


def least(lines: int, budget: Budget) -> timedelta:
    """No account can be faster: so many lines after a line, a day, an hour, a minute must have passed."""
    day, hour = budget.per_day * 5 // 6, budget.per_hour * 5 // 6
    days, rest = divmod(lines - 1, day)
    hours, rest = divmod(rest, hour)
    minutes, rest = divmod(rest, budget.per_minute)
    return days * DAY + hours * HOUR + minutes * MINUTE + rest * timedelta(seconds=budget.gap[0])


@given(st.sampled_from([60, 100, 101, 190, 200, 250, 251, 400, 600]), st.integers(0, 9), st.booleans())
def test_a_full_queue_goes_out_in_the_least_time(lines: int, seed: int, restarts: bool) -> None:
    budget = Budget()
    pacer, now = Pacer(budget, seed=seed), START
    log: list[tuple[datetime, str, Lane]] = []
    for line in range(lines):
        if restarts and line % 30 == 29:
            pacer = Pacer(budget, log, seed=line)
        now = pacer.earliest(now, str(line), Lane.NOTICE)
        pacer.record(now, str(line), Lane.NOTICE)
        log.append((now, str(line), Lane.NOTICE))
    assert least(lines, budget) <= now - START <= 1.1 * least(lines, budget) + MINUTE


def test_a_tenth_of_the_hour_and_the_day_is_kept_for_emergencies() -> None:
    pacer = Pacer(SMALL, seed=1)
    now = START
    for _ in range(27):
        now = pacer.earliest(now, "a", Lane.REPLY)
        pacer.record(now, "a", Lane.REPLY)
    assert pacer.earliest(now, "b", Lane.NOTICE) >= START + DAY
    for room in "bcd":
        now = pacer.earliest(now, room, Lane.EMERGENCY)
        pacer.record(now, room, Lane.EMERGENCY)
    assert now < START + 4 * HOUR
    assert pacer.earliest(now, "e", Lane.EMERGENCY) >= START + DAY, "and not more than that"


def test_a_broadcast_leaves_some_of_the_hour_to_replies() -> None:
    pacer, now = Pacer(Budget(), seed=1), START
    for room in range(100):
        now = pacer.earliest(now, str(room), Lane.NOTICE)
        pacer.record(now, str(room), Lane.NOTICE)
    assert pacer.earliest(now, "another", Lane.NOTICE) >= START + HOUR
    for room in range(8):
        now = pacer.earliest(now, f"asker {room}", Lane.REPLY)
        pacer.record(now, f"asker {room}", Lane.REPLY)
    assert now < START + timedelta(minutes=25)
    assert pacer.earliest(now, "asker", Lane.REPLY) >= START + HOUR


def test_an_emergency_skips_the_gap_but_neither_the_minute_nor_the_room() -> None:
    pacer = Pacer(SMALL, seed=1)
    for room in "abc":
        assert pacer.earliest(START, room, Lane.EMERGENCY) == START
        pacer.record(START, room, Lane.EMERGENCY)
    assert pacer.earliest(START, "d", Lane.EMERGENCY) == START + MINUTE
    pacer = Pacer(SMALL, [(START, "a", Lane.REPLY)], seed=1)
    assert pacer.earliest(START, "a", Lane.EMERGENCY) == START + ROOM_GAP


def test_a_throttle_stops_everything_and_halves_the_rate_until_it_recovers() -> None:
    pacer = Pacer(STEADY, seed=1)
    pacer.throttled(START)
    back = pacer.earliest(START, "a", Lane.EMERGENCY)
    assert back == START + timedelta(minutes=10)
    for _ in range(3):
        pacer.record(back, "a", Lane.EMERGENCY)
    assert pacer.earliest(back, "a", Lane.REPLY) == back + MINUTE, "three a minute, not six"
    later = back + HOUR
    for _ in range(3):
        pacer.record(later, "a", Lane.REPLY)
    assert pacer.earliest(later, "a", Lane.REPLY) == later, "six a minute again"


def test_each_throttle_halves_once_and_each_hour_doubles_whoever_looks() -> None:
    pacer = Pacer(STEADY)
    pacer.throttled(START)
    pacer.throttled(START + timedelta(seconds=2))  # the notice of what went out just before
    assert pacer.account.share == 1 / 2
    assert pacer.stopped_until == START + timedelta(minutes=10, seconds=2)
    for times, left in ((1, 1 / 4), (2, 1 / 8), (3, 1 / 8)):
        pacer.throttled(START + times * timedelta(minutes=20))
        assert pacer.account.share == left, "never less than an eighth"
    back = START + timedelta(minutes=70)
    assert [pacer.share(back + hours * HOUR) for hours in range(5)] == [1 / 8, 1 / 4, 1 / 2, 1, 1]
    again = Pacer(STEADY, account=pacer.account)
    assert again.share(back + 2 * HOUR) == 1 / 2, "a restart forgets nothing of it"
    assert again.earliest(START + HOUR, "a", Lane.EMERGENCY) == back
    again.throttled(back + 2 * HOUR)
    assert again.account.share == 1 / 4, "half of what it had come to"


def test_who_waits_for_a_halved_budget_goes_when_it_is_whole_again() -> None:
    """Not when the day is over: 200 lines are more than half a day's, and less than a day's."""
    log = [(START + number * timedelta(seconds=30), str(number), Lane.REPLY) for number in range(200)]
    pacer = Pacer(STEADY, log)
    end = START + 200 * timedelta(seconds=30)
    pacer.throttled(end)
    assert pacer.earliest(end, "a", Lane.NOTICE) == end + STEADY.stop + HOUR


def test_a_new_account_grows_from_day_to_day() -> None:
    budget = replace(STEADY, ramp_days=14, ramp_start=0.2)
    pacer = Pacer(budget, account=Account("a", since=START))
    assert [pacer.limits(START + days * DAY) for days in (0, 7, 14, 99)] == [
        (6, 24, 60),
        (6, 72, 180),
        (6, 120, 300),
        (6, 120, 300),
    ]
    for number in range(60):
        pacer.record(START, str(number), Lane.REPLY)
    assert pacer.earliest(START, "a", Lane.EMERGENCY) == START + DAY
    assert pacer.ramp(START - HOUR) == 0.2, "a first login that is still to come"
    assert Pacer(budget, account=Account("a")).ramp(START) == 1, "nobody knows how old it is: old"
    assert Pacer(STEADY, account=Account("a", since=START)).ramp(START) == 1, "switched off"


def test_a_restart_forgets_no_send_and_a_clock_set_back_frees_none() -> None:
    log = [(START, "a", Lane.REPLY)] * 3
    assert Pacer(SMALL, log, seed=1).earliest(START, "b", Lane.EMERGENCY) == START + MINUTE
    pacer = Pacer(SMALL, log, seed=1)
    pacer.record(START - HOUR, "b", Lane.EMERGENCY)
    assert pacer.earliest(START, "c", Lane.EMERGENCY) == START + MINUTE


@given(st.integers(1, 90), st.integers(0, 9), st.sampled_from([Lane.NOTICE, Lane.EMERGENCY]))
def test_a_broadcast_takes_as_long_as_was_said(rooms: int, seed: int, lane: Lane) -> None:
    """Nothing else is said, each line goes to another room: the jitter of the gaps is all that differs."""
    pacer, now = Pacer(SMALL, seed=seed), START
    for room in range(rooms):
        now = pacer.earliest(now, str(room), lane)
        pacer.record(now, str(room), lane)
    said, jitter = broadcast_time(rooms, Account("a"), START, lane, budget=SMALL), timedelta(minutes=2)
    assert said - jitter <= now - START <= said + jitter


def said(account: Account | None, lines: int = 190) -> timedelta:
    return broadcast_time(lines, account, START, Lane.NOTICE, budget=Budget(ramp_days=14))


@pytest.mark.parametrize(
    ("account", "takes"),
    [
        (Account("a"), timedelta(hours=1, minutes=13)),
        (Account("a", since=START - 30 * DAY), timedelta(hours=1, minutes=13)),
        (Account("a", since=START - 7 * DAY), timedelta(days=1)),  # 162 of them on the first day
        (None, timedelta(days=2, hours=2)),  # 54, 69 and 67
        (Account("a", stopped_until=START + timedelta(minutes=30), share=0.5), timedelta(hours=2, minutes=30)),
        (Account("a", stopped_until=START - 9 * DAY, share=0.125), timedelta(hours=1, minutes=13)),
    ],
)
def test_a_broadcast_is_foretold_by_what_is_known_of_the_account(account: Account | None, takes: timedelta) -> None:
    assert takes <= said(account) <= takes + timedelta(minutes=10)


def test_gaps_are_drawn() -> None:
    pacer, now = Pacer(Budget(per_minute=60, per_hour=1000, per_day=5000), seed=3), START
    moments: list[datetime] = []
    for room in range(50):
        now = pacer.earliest(now, str(room), Lane.NOTICE)
        pacer.record(now, str(room), Lane.NOTICE)
        moments.append(now)
    gaps = {after - before for before, after in pairwise(moments)}
    assert len(gaps) == 49
    assert all(timedelta(seconds=6) <= gap <= timedelta(seconds=12) for gap in gaps)


def test_an_emergency_is_through_sooner() -> None:
    times = [broadcast_time(190, Account("a"), START, lane, budget=Budget()) for lane in (Lane.EMERGENCY, Lane.NOTICE)]
    assert times[0] < times[1], "more of each hour is for it"
