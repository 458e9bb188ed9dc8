"""What waits, what was given up and what was filed, in figures: for the operator, no text and no ids of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx, insert_for
from storage.model import Lane, SendState, TicketState, Urgency
from storage.tables import QUEUED, UNSETTLED, WORDED, gaps, meta, outbox, tickets, unfetchable

_ALIVE = "monitor.alive"

# Through the partial indexes, one after the other; of the failed lines those that still have their words (48 h).
_FAILED = (WORDED, outbox.c.state == SendState.FAILED)
# Since when a line waits: a queued one since it was due, any other since it was sent.
_SINCE = sa.case(
    (outbox.c.state == SendState.QUEUED, outbox.c.not_before),
    else_=sa.func.coalesce(outbox.c.sending_at, outbox.c.not_before),
)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one account that are alike. `since` is when the oldest was due (queued) or sent (any other)."""

    account: str
    state: SendState
    lane: Lane
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """`lines`: queued, being sent, of unknown fate, and failed in the last 48 h. `gaps`: per account how many times it
    was without a link, and how long in all. `filed`: (candidate or ticket, urgency) of the numbers after the asked."""

    lines: tuple[Lines, ...]
    unfetchable: dict[str, int]
    gaps: dict[str, tuple[int, timedelta]]
    filed: Mapping[tuple[str, Urgency], int]
    last_ticket: int


async def read(tx: Tx, *, after_ticket: int) -> Standing:
    """All figures at once. Reads through indexes, but for the small tables of gaps and of given-up ids."""
    lines = [line for where in ((QUEUED,), (UNSETTLED,), _FAILED) for line in await _lines(tx, *where)]
    given_up = sa.select(unfetchable.c.account, sa.func.count()).group_by(unfetchable.c.account)
    filed, last = await _filed(tx, after_ticket)
    return Standing(
        lines=tuple(lines),
        unfetchable={account: int(count) for account, count in await tx.execute(given_up)},
        gaps=await _gaps(tx),
        filed=filed,
        last_ticket=last,
    )


async def last_ticket(tx: Tx) -> int:
    """The highest number that was given."""
    return await tx.scalar(sa.select(sa.func.max(tickets.c.number))) or 0


async def prove_writable(tx: Tx, at: datetime) -> None:
    """Leave a mark: a store that takes it can be written."""
    values: dict[str, Any] = {"name": _ALIVE, "value": at.isoformat().encode()}
    statement = insert_for(tx.dialect.name, meta).values(values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


async def _lines(tx: Tx, *where: sa.ColumnElement[bool] | sa.TextClause) -> list[Lines]:
    since = sa.type_coerce(sa.func.min(_SINCE), outbox.c.not_before.type)
    query = (
        sa.select(outbox.c.account, outbox.c.state, outbox.c.lane, sa.func.count(), since)
        .where(*where)
        .group_by(outbox.c.account, outbox.c.state, outbox.c.lane)
        .order_by(outbox.c.account, outbox.c.state, outbox.c.lane)
    )
    return [Lines(*row) for row in await tx.execute(query)]


async def _gaps(tx: Tx) -> dict[str, tuple[int, timedelta]]:
    found: dict[str, tuple[int, timedelta]] = {}
    for account, start, end in await tx.execute(sa.select(gaps.c.account, gaps.c.start_at, gaps.c.end_at)):
        count, long = found.get(account, (0, timedelta()))
        found[account] = (count + 1, long + (end - start))
    return found


async def _filed(tx: Tx, after: int) -> tuple[Mapping[tuple[str, Urgency], int], int]:
    query = (
        sa.select(tickets.c.state, tickets.c.urgency, sa.func.count(), sa.func.max(tickets.c.number))
        .where(tickets.c.number > after)
        .group_by(tickets.c.state, tickets.c.urgency)
    )
    filed: Counter[tuple[str, Urgency]] = Counter()
    for state, urgency, count, highest in await tx.execute(query):
        filed["candidate" if state is TicketState.CANDIDATE else "ticket", urgency] += count
        after = max(after, highest)
    return filed, after
