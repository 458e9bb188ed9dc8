"""Time limits on working days and by the wall clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import clocks
from handlers.context import Policy
from handlers.workdays import Day, Workdays
from nlp import categories
from nlp.categories import Span

SHANGHAI = ZoneInfo("Asia/Shanghai")
POLICY = Policy(categories=categories.load())


def at(text: str) -> datetime:
    """`12 Thu`-like: a day of June 2025 (the 12th is a Thursday) and a time."""
    day, clock = text.split()
    return datetime.combine(datetime(2025, 6, int(day), tzinfo=SHANGHAI), time.fromisoformat(clock), SHANGHAI)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("12 10:00", Span(2, "h"), "12 12:00"),
        ("12 17:00", Span(2, "h"), "13 10:00"),  # over the evening
        ("13 17:00", Span(2, "h"), "16 10:00"),  # over the weekend
        ("12 07:30", Span(2, "h"), "12 11:00"),  # before work
        ("12 22:00", Span(30, "m"), "13 09:30"),  # after work
        ("14 12:00", Span(2, "h"), "16 11:00"),  # on Saturday
        ("12 16:00", Span(2, "h"), "12 18:00"),  # to the last minute
        ("12 10:00", Span(1, "d"), "13 10:00"),
        ("12 10:00", Span(5, "d"), "19 10:00"),
        ("14 12:00", Span(5, "d"), "20 18:00"),
        ("12 10:00", timedelta(days=1), "13 10:00"),
        ("12 10:00", timedelta(days=1, hours=2), "13 12:00"),
        ("12 10:00", Span(24, "h"), "16 16:00"),  # 24 working hours, not a day
        ("12 10:00", timedelta(0), "12 10:00"),
    ],
)
def test_working_time(start: str, span: Span | timedelta, end: str) -> None:
    assert clocks.due(at(start), span, "work", POLICY) == at(end)


@pytest.mark.parametrize("span", [Span(24, "h"), Span(1, "d"), timedelta(days=1)])
def test_natural_time_knows_no_weekend(span: Span | timedelta) -> None:
    assert clocks.due(at("13 20:00"), span, "natural", POLICY) == at("14 20:00")


def test_the_categories_set_the_deadlines() -> None:
    reported = at("13 17:30")  # a Friday evening
    lift, water, trapped = (POLICY.categories[code] for code in ("0101", "0102", "0503"))
    assert clocks.deadlines(lift, reported, POLICY) == (at("16 10:30"), at("20 17:30"))
    assert clocks.deadlines(water, reported, POLICY) == (at("13 19:30"), at("14 17:30"))
    assert clocks.deadlines(trapped, reported, POLICY) == (at("13 17:33"), at("14 17:30"))
    assert clocks.deadlines(replace(lift, ack=None, close=None), reported, POLICY) == (None, None)


def test_other_hours_and_zones() -> None:
    policy = replace(POLICY, work_from=time(8, 30), work_until=time(20, 0))
    assert clocks.due(at("12 19:00"), Span(2, "h"), "work", policy) == at("13 09:30")
    late = clocks.due(datetime(2025, 6, 12, 9, 0, tzinfo=UTC), Span(2, "h"), "work", POLICY)  # 17:00 in Shanghai
    assert late == at("13 10:00")


def test_working_hours_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="work_until"):
        clocks.due(at("12 10:00"), Span(1, "h"), "work", replace(POLICY, work_from=time(18), work_until=time(9)))


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 4000),
    st.integers(1, 4000),
)
def test_one_span_after_the_other_is_the_sum_and_ends_in_working_time(start: datetime, first: int, second: int) -> None:
    halfway = clocks.due(start, Span(first, "m"), "work", POLICY)
    end = clocks.due(halfway, Span(second, "m"), "work", POLICY)
    assert end == clocks.due(start, Span(first + second, "m"), "work", POLICY)
    local = end.astimezone(SHANGHAI)
    assert POLICY.workdays.kind(local.date()) is Day.WORKING
    assert time(9) < local.time() <= time(18)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        # National Day 2026: off from Thursday the 1st to Wednesday the 7th; Sunday 20 September and Saturday 10
        # October are worked in exchange.
        ("2026-09-30 17:00", Span(2, "h"), "2026-10-08 10:00"),
        ("2026-10-01 10:00", Span(2, "h"), "2026-10-08 11:00"),
        ("2026-10-08 10:00", Span(2, "d"), "2026-10-10 10:00"),  # Thursday, Friday, and the worked Saturday
        ("2026-10-09 17:00", Span(2, "h"), "2026-10-10 10:00"),
        ("2026-10-10 17:00", Span(2, "h"), "2026-10-12 10:00"),
        ("2026-09-18 17:00", Span(2, "h"), "2026-09-20 10:00"),  # over the Saturday into the worked Sunday
        ("2026-02-13 10:00", Span(5, "d"), "2026-02-27 10:00"),  # the Spring Festival, with the Saturday before it
    ],
)
def test_holidays_and_the_weekends_worked_for_them(start: str, span: Span, end: str) -> None:
    assert clocks.due(moment(start), span, "work", POLICY) == moment(end)


def test_a_year_that_nobody_knows_has_weekends_only() -> None:
    far = date(2093, 10, 1)  # a Thursday
    assert Workdays().kind(far) is Day.WORKING
    assert Workdays().kind(date(2093, 10, 3)) is Day.WEEKEND
    assert clocks.due(moment("2093-10-02 17:00"), Span(2, "h"), "work", POLICY) == moment("2093-10-05 10:00")


def test_the_deployment_overrules_the_library() -> None:
    policy = replace(POLICY, workdays=Workdays({date(2026, 10, 10), date(2026, 10, 12)}, {date(2026, 10, 11)}))
    assert clocks.due(moment("2026-10-09 17:00"), Span(2, "h"), "work", policy) == moment("2026-10-11 10:00")
    assert clocks.due(moment("2026-10-11 17:00"), Span(2, "h"), "work", policy) == moment("2026-10-13 10:00")


EXTENDED = replace(POLICY, extended_until=time(20), weekend_hours=(time(9), time(17)))


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        ("2026-11-20 17:00", Span(2, "h"), "2026-11-20 19:00"),  # Friday, 延时服务
        ("2026-11-20 19:00", Span(2, "h"), "2026-11-21 10:00"),  # into the weekend's duty
        ("2026-11-22 16:00", Span(2, "h"), "2026-11-23 10:00"),
        ("2026-10-01 16:00", Span(2, "h"), "2026-10-08 11:00"),  # nobody is on duty on a public holiday
        ("2026-11-20 17:00", Span(1, "d"), "2026-11-23 17:00"),  # a day is a plain working day all the same
        ("2026-11-20 19:00", Span(1, "d"), "2026-11-23 18:00"),
        ("2026-11-20 17:00", timedelta(days=1, hours=2), "2026-11-23 19:00"),
    ],
)
def test_service_beyond_office_hours(start: str, span: Span | timedelta, end: str) -> None:
    assert clocks.due(moment(start), span, "work", EXTENDED) == moment(end)


def test_in_emergency_mode_working_time_runs_day_and_night() -> None:
    start = moment("2026-11-20 17:00")  # a Friday
    policy = replace(POLICY, urgent_since=start)
    assert clocks.due(start, Span(2, "h"), "work", policy) == moment("2026-11-20 19:00")
    assert clocks.due(start, Span(2, "d"), "work", policy) == moment("2026-11-21 11:00")
    assert clocks.due(start, Span(24, "h"), "natural", policy) == moment("2026-11-21 17:00")


def test_what_passed_before_the_emergency_mode_has_passed_at_the_usual_pace() -> None:
    start = moment("2026-11-20 15:00")  # a Friday
    policy = replace(POLICY, urgent_since=moment("2026-11-21 12:00"))
    assert clocks.due(start, Span(5, "h"), "work", policy) == moment("2026-11-21 14:00")  # 3 h of 5 had passed
    assert clocks.due(start, Span(2, "h"), "work", policy) == moment("2026-11-20 17:00")  # all of it had


@given(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-5000, 5000),
    st.integers(1, 3000),
)
def test_emergency_mode_lengthens_nothing(start: datetime, later: int, minutes: int) -> None:
    policy = replace(EXTENDED, urgent_since=start + timedelta(minutes=later))
    usual = clocks.due(start, Span(minutes, "m"), "work", EXTENDED)
    assert start < clocks.due(start, Span(minutes, "m"), "work", policy) <= usual


@pytest.mark.parametrize(
    ("share", "end"), [(0.5, "2026-11-23 11:00"), (0.8, "2026-11-23 14:00"), (1.0, "2026-11-23 16:00")]
)
def test_half_of_a_limit_is_half_of_its_working_time(share: float, end: str) -> None:
    start, over = moment("2026-11-20 15:00"), moment("2026-11-23 16:00")  # 3 h on Friday, 7 h on Monday
    assert clocks.part(start, over, share, "work", POLICY) == moment(end)


def test_half_of_a_limit_at_night_is_half_by_the_wall_clock() -> None:
    start, over = moment("2026-11-20 20:00"), moment("2026-11-20 22:00")
    assert clocks.part(start, over, 0.5, "work", POLICY) == moment("2026-11-20 21:00")
    assert clocks.part(start, over, 0.5, "natural", POLICY) == moment("2026-11-20 21:00")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 3000),
)
def test_working_time_measures_what_due_has_added(start: datetime, minutes: int) -> None:
    end = clocks.due(start, Span(minutes, "m"), "work", EXTENDED)
    assert clocks.working_time(start, end, EXTENDED) == timedelta(minutes=minutes)
