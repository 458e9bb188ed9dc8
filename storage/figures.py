"""What a period came to, in counts: by grid, by category, by day. All of a call is of one moment of the store.

Each rate is kept as its two counts, so that nobody shows one without its denominator (design/tickets.md, "The three
rates"). Figures are those of the tickets as they stand: what is reopened counts again when it is finished again.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage import grids
from storage.engine import Tx
from storage.model import CallbackOutcome, TicketState, Urgency
from storage.tables.tickets import faq_answers, tickets

SATISFIED = 4  # a rating from here on: 满意, 基本满意

_t = tickets.c
_WORKED_ON = (TicketState.FILED, TicketState.ASSIGNED, TicketState.ACCEPTED, TicketState.IN_PROGRESS)
_DONE = (TicketState.CALLBACK, TicketState.CLOSED)
_VOID = (TicketState.WITHDRAWN, TicketState.REFUSED, TicketState.MERGED)  # nobody owes anything
_finished_at = sa.type_coerce(sa.func.coalesce(_t.handled_at, _t.closed_at), _t.closed_at.type)
# When the callback had its answer: 未解决 is one at the reopening, from which the limits count anew.
_answered_at = sa.type_coerce(
    sa.case((_t.outcome == CallbackOutcome.UNSOLVED, sa.func.coalesce(_t.clock_from, _t.filed_at)), else_=_t.closed_at),
    _t.closed_at.type,
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the tickets of a period [since, until); `open` and `overdue` as it was at its end."""

    filed: int = 0
    emergencies: int = 0
    finished: int = 0
    reopened: int = 0
    open: int = 0
    overdue: int = 0
    ack_due: int = 0  # a person had to answer by a moment of the period …
    ack_met: int = 0  # … and did in time: 响应率
    close_due: int = 0  # had to be finished by a moment of the period …
    closed: int = 0  # … and was finished before its end: 办结率
    solved: int = 0  # reached at callback: solved and unsolved: 解决率
    unsolved: int = 0
    unreached: int = 0
    rated: int = 0
    satisfied: int = 0  # 满意率

    @property
    def reached(self) -> int:
        return self.solved + self.unsolved

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


async def total(tx: Tx, since: datetime, until: datetime, grid: str = "") -> Counts:
    """Of a period, within the grids whose code begins so."""
    row = (await tx.execute(_select(since, until, grid))).one()
    return Counts(*(int(value or 0) for value in row))


async def by_grid(tx: Tx, since: datetime, until: datetime, grid: str = "", *, digits: int) -> dict[str, Counts]:
    """The same by the first `digits` of the grid's code; what has no grid, or a shorter code, stands under what it
    has."""
    return await _grouped(tx, sa.func.coalesce(sa.func.substr(_t.grid, 1, digits), ""), since, until, grid)


async def by_category(tx: Tx, since: datetime, until: datetime, grid: str = "") -> dict[str, Counts]:
    """The same by category."""
    return await _grouped(tx, _t.category, since, until, grid)


async def by_day(tx: Tx, bounds: Sequence[datetime], grid: str = "") -> list[tuple[int, int]]:
    """(filed, finished) from each of the moments to the next one."""
    columns = []
    for since, until in itertools.pairwise(bounds):
        columns += [_count(*_within(_t.filed_at, since, until)), _count(*_finished(since, until))]
    row = (await tx.execute(sa.select(*columns).where(*_where(grid)))).one()
    values = [int(value or 0) for value in row]
    return list(zip(values[::2], values[1::2], strict=True))


async def overdue(tx: Tx, at: datetime, grid: str, most: int) -> list[int]:
    """The numbers of what is worked on and past its limit, the longest first."""
    query = sa.select(_t.number).where(*_where(grid), _t.state.in_(_WORKED_ON), _t.due < at)
    return list(await tx.scalars(query.order_by(_t.due, _t.number).limit(most)))


async def answered_by_faq(tx: Tx, since: date, until: date, grid: str = "") -> int:
    """Inquiries that an approved entry answered, by day [since, until): they are no tickets and count apart."""
    f = faq_answers.c
    query = sa.select(sa.func.sum(f.count)).where(f.day >= since, f.day < until)
    return int(await tx.scalar(query.where(f.grid >= grid, f.grid < grid + ":")) or 0)


async def _grouped(
    tx: Tx, key: sa.ColumnElement[Any], since: datetime, until: datetime, grid: str
) -> dict[str, Counts]:
    # By position: a group by an expression with a parameter is not recognised as that of the selected column.
    query = _select(since, until, grid).add_columns(key.label("key"))
    position: sa.ColumnElement[Any] = sa.literal_column(str(len(fields(Counts)) + 1))
    found = {}
    for *values, name in await tx.execute(query.group_by(position)):
        counts = Counts(*(int(value or 0) for value in values))
        if counts != Counts():
            found[str(name)] = counts
    return dict(sorted(found.items()))


def _select(since: datetime, until: datetime, grid: str) -> sa.Select[Any]:
    """One column for each field of `Counts`, in its order."""
    filed = _within(_t.filed_at, since, until)
    valid = _t.state.not_in(_VOID)
    finished_before = sa.and_(_t.state.in_(_DONE), _finished_at < until)
    still_open = sa.and_(
        _t.filed_at < until,
        sa.or_(
            _t.state.in_(_WORKED_ON),
            sa.and_(_t.state.in_(_DONE), _finished_at >= until),
            sa.and_(_t.state.in_(_VOID), _t.closed_at >= until),
        ),
    )
    ack_due = (valid, *_within(_t.ack_due, since, until))
    close_due = (valid, *_within(_t.due, since, until))
    answered = _within(_answered_at, since, until)
    columns = (
        _count(*filed),
        _count(*filed, _t.urgency == Urgency.EMERGENCY),
        _count(*_finished(since, until)),
        _count(_t.reopened > 0, *_within(_t.clock_from, since, until)),
        _count(still_open),
        _count(still_open, _t.due < until),
        _count(*ack_due),
        _count(*ack_due, _t.acknowledged_at <= _t.ack_due),
        _count(*close_due),
        _count(*close_due, finished_before),
        _count(*answered, _t.outcome == CallbackOutcome.SOLVED),
        _count(*answered, _t.outcome == CallbackOutcome.UNSOLVED),
        _count(*answered, _t.outcome == CallbackOutcome.UNREACHED),
        _count(*answered, _t.rating.is_not(None)),
        _count(*answered, _t.rating >= SATISFIED),
    )
    return sa.select().add_columns(*columns).where(*_where(grid))


def _where(grid: str) -> list[sa.ColumnElement[bool]]:
    conditions = [_t.state != TicketState.CANDIDATE]
    return [*conditions, grids.within(_t.grid, grid)] if grid else conditions


def _within(column: sa.ColumnElement[Any], since: datetime, until: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (column >= since, column < until)


def _finished(since: datetime, until: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (_t.state.in_(_DONE), *_within(_finished_at, since, until))


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((sa.and_(*conditions), 1), else_=0))
