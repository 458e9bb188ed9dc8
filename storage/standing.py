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
from storage.tables.records import meta
from storage.tables.tickets import tickets
from storage.tables.wire import FAILED, QUEUED, UNSETTLED, WORDED, gaps, outbox, unfetchable

_ALIVE = "monitor.alive"
_AT = outbox.c.not_before.type

# Through the partial indexes, one after the other; of the failed lines those that still have their words (48 h). Since
# when a line waits: a queued one since it was due, which its index alone tells of however many there are; any other
# since it was sent.
_SENT = sa.func.coalesce(outbox.c.sending_at, outbox.c.not_before)
_LINES = tuple(
    (
        state,
        sa.select(outbox.c.account, outbox.c.lane, sa.func.count(), sa.type_coerce(sa.func.min(since), _AT))
        .where(*where)
        .group_by(outbox.c.account, outbox.c.lane)
        .order_by(outbox.c.account, outbox.c.lane),
    )
    for state, since, where in (
        (SendState.QUEUED, outbox.c.not_before, (QUEUED,)),
        (SendState.SENDING, _SENT, (UNSETTLED, outbox.c.state == SendState.SENDING)),
        (SendState.UNKNOWN, _SENT, (UNSETTLED, outbox.c.state == SendState.UNKNOWN)),
        (SendState.FAILED, _SENT, (FAILED, WORDED)),
    )
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
    lines = [
        Lines(account, state, lane, count, since)
        for state, query in _LINES
        for account, lane, count, since in await tx.execute(query)
    ]
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
