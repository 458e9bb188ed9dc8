"""When a time limit runs out: natural time, or the working hours of the deployment.

Working hours are Monday to Friday, `policy.work_from` to `policy.work_until`, in the deployment's time zone. Public
holidays and 延时服务 hours are not in it yet. One day on a work clock is one day's working hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from nlp.categories import Category, Span

if TYPE_CHECKING:
    from handlers.context import Policy

DAY = timedelta(days=1)
SATURDAY = 5
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": DAY}


def due(start: datetime, span: timedelta | Span, clock: Literal["work", "natural"], policy: Policy) -> datetime:
    """The moment at which `span` after `start` has passed on that clock, in UTC.

    On a work clock whole days of a timedelta count as working days and the rest as working time; a `Span` says by
    its unit which it is (`24h` are 24 working hours, `1d` is one working day)."""
    if clock == "natural":
        return start.astimezone(UTC) + (_natural(span) if isinstance(span, Span) else span)
    left = _working(span, policy)
    if left <= timedelta(0):
        return start.astimezone(UTC)
    for opens, closes in _shifts(start, policy):
        begins = max(opens, start.astimezone(UTC))
        if begins + left <= closes:
            return begins + left
        left -= max(closes - begins, timedelta(0))
    raise AssertionError("working days never end")


def deadlines(category: Category, reported_at: datetime, policy: Policy) -> tuple[datetime | None, datetime | None]:
    """When a person must have answered, and when the matter must be closed; None where the category sets no limit."""
    ack = due(reported_at, category.ack, category.clock, policy) if category.ack is not None else None
    close = due(reported_at, category.close, category.clock, policy) if category.close is not None else None
    return ack, close


def _natural(span: Span) -> timedelta:
    return span.amount * _UNITS[span.unit]


def _working(span: timedelta | Span, policy: Policy) -> timedelta:
    """The working time in a span."""
    one_day = timedelta(hours=policy.work_until.hour - policy.work_from.hour) + timedelta(
        minutes=policy.work_until.minute - policy.work_from.minute
    )
    if one_day <= timedelta(0):
        raise ValueError("work_until must be later than work_from")
    if isinstance(span, Span):
        return span.amount * one_day if span.unit == "d" else _natural(span)
    return span.days * one_day + (span - span.days * DAY)


def _shifts(start: datetime, policy: Policy) -> Iterator[tuple[datetime, datetime]]:
    """The working hours from the day of `start` on, day by day, in UTC."""
    day = start.astimezone(policy.timezone).date()
    while True:
        if day.weekday() < SATURDAY:
            opens = datetime.combine(day, policy.work_from, policy.timezone)
            closes = datetime.combine(day, policy.work_until, policy.timezone)
            yield opens.astimezone(UTC), closes.astimezone(UTC)
        day += DAY
