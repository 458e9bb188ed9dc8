"""Time limits on working days and by the wall clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import clocks
from handlers.context import Policy
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
    assert local.weekday() < 5
    assert time(9) < local.time() <= time(18)
