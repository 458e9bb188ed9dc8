"""When a time limit runs out: natural time, or the working time of the deployment.

Working time is counted in two ways. A limit in hours counts the hours of service: working days from `work_from` to
`work_until`, longer where 延时服务 is configured, and the duty hours of weekends. A limit in days counts plain working
days, whatever the service beyond them: one day is one day's `work_from` to `work_until`. In 急时 the service hours that
are left run day and night.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from handlers.workdays import Day
from nlp.categories import Category, Span

if TYPE_CHECKING:
    from handlers.context import Policy

DAY = timedelta(days=1)
_NONE = timedelta(0)
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": DAY}


def due(start: datetime, span: timedelta | Span, clock: Literal["work", "natural"], policy: Policy) -> datetime:
    """The moment at which `span` after `start` has passed on that clock, in UTC.

    On a work clock whole days of a timedelta count as working days and the rest as working time; a `Span` says by
    its unit which it is (`24h` are 24 working hours, `1d` is one working day)."""
    start = start.astimezone(UTC)
    if clock == "natural":
        return start + (_natural(span) if isinstance(span, Span) else span)
    days, rest = _parts(span, policy)
    usual = _after(_after(start, days, policy, service=False), rest, policy, service=True)
    return usual if policy.urgent_since is None else sooner(usual, max(start, policy.urgent_since), policy)


def sooner(usual: datetime, since: datetime, policy: Policy) -> datetime:
    """When a limit runs out of which the service hours after `since` run day and night: never later than usual."""
    if usual <= since:
        return usual
    return min(usual, since.astimezone(UTC) + working_time(since, usual, policy))


def deadlines(category: Category, start: datetime, policy: Policy) -> tuple[datetime | None, datetime | None]:
    """When a person must have answered, and when the matter must be closed; None where the category sets no limit."""
    ack = due(start, category.ack, category.clock, policy) if category.ack is not None else None
    close = due(start, category.close, category.clock, policy) if category.close is not None else None
    return ack, close


def part(start: datetime, end: datetime, share: float, clock: Literal["work", "natural"], policy: Policy) -> datetime:
    """The moment at which that share (0..1) of the time from `start` to `end` has passed. On a work clock that of the
    service hours between them; by the wall clock where there are none."""
    between = working_time(start, end, policy) if clock == "work" else _NONE
    if between <= _NONE:
        return start.astimezone(UTC) + (end - start) * share
    return min(_after(start.astimezone(UTC), between * share, policy, service=True), end.astimezone(UTC))


def working_time(start: datetime, end: datetime, policy: Policy) -> timedelta:
    """How many service hours lie between two moments."""
    total = _NONE
    for opens, closes in _shifts(start, policy, service=True):
        if opens >= end:
            return total
        total += max(min(closes, end) - max(opens, start), _NONE)
    return total


def _natural(span: Span) -> timedelta:
    return span.amount * _UNITS[span.unit]


def _parts(span: timedelta | Span, policy: Policy) -> tuple[timedelta, timedelta]:
    """The time in a span that passes on working days, and that which passes in service hours."""
    one_day = _length(policy.work_from, policy.work_until)
    if one_day <= _NONE:
        raise ValueError("work_until must be later than work_from")
    if isinstance(span, Span):
        return (span.amount * one_day, _NONE) if span.unit == "d" else (_NONE, _natural(span))
    return span.days * one_day, span - span.days * DAY


def _length(opens: time, closes: time) -> timedelta:
    return timedelta(hours=closes.hour - opens.hour, minutes=closes.minute - opens.minute)


def _after(start: datetime, left: timedelta, policy: Policy, *, service: bool) -> datetime:
    if left <= _NONE:
        return start
    for opens, closes in _shifts(start, policy, service=service):
        begins = max(opens, start)
        if begins + left <= closes:
            return begins + left
        left -= max(closes - begins, _NONE)
    raise AssertionError("working days never end")


def _shifts(start: datetime, policy: Policy, *, service: bool) -> Iterator[tuple[datetime, datetime]]:
    """The working hours from the day of `start` on, day by day, in UTC; with `service` those of 延时服务 and of
    weekends too."""
    day = start.astimezone(policy.timezone).date()
    while True:
        hours = _hours(day, policy, service=service)
        if hours is not None:
            opens, closes = (datetime.combine(day, clock, policy.timezone).astimezone(UTC) for clock in hours)
            yield opens, closes
        day += DAY


def _hours(day: date, policy: Policy, *, service: bool) -> tuple[time, time] | None:
    kind = policy.workdays.kind(day)
    if kind is Day.WORKING:
        extended = policy.extended_until if service else None
        return policy.work_from, max(policy.work_until, extended) if extended else policy.work_until
    return policy.weekend_hours if kind is Day.WEEKEND and service else None
