"""What devices say: one row for each alert by its device's own id, the ticket that it is part of, how often it came.

The words stand here and not among the ticket's messages, because nobody said them; they go with the ticket's text
(tickets.erase_text).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx
from storage.tables.tickets import merges, reporters, tickets
from storage.tables.voice import AlertLevel, alerts

__all__ = ["AlertLevel", "Known"]


@dataclass(frozen=True, slots=True)
class Known:
    """An alert that was heard. `level` is the highest it had, `text` is masked, `at` when the device last said
    something of it, `count` how often it did. `told_cleared`: those who answer for the ticket believe it to be over;
    `told_at`: when they were last told so."""

    source: str
    alert_id: str
    device: str
    kind: str
    level: AlertLevel
    text: str
    grid: str
    ticket: int
    at: datetime
    count: int = 1
    cleared: bool = False
    told_cleared: bool = False
    told_at: datetime | None = None
    notice: int | None = None


_ALERT = sa.select(*(alerts.c[field.name] for field in fields(Known)))


async def put(tx: Tx, known: Known) -> None:
    """Keep a new alert, or one that begins anew, in the place of the old one; its ticket's reporters are counted."""
    await tx.execute(sa.delete(alerts).where(*_is(known.source, known.alert_id)))
    await tx.execute(sa.insert(alerts).values(asdict(known)))
    row = sa.update(tickets).where(tickets.c.number == known.ticket)
    await tx.execute(row.values(reporters=affected(known.ticket)))


async def change(tx: Tx, known: Known, **values: Any) -> None:  # noqa: ANN401
    """Set columns of an alert that is known."""
    await tx.execute(sa.update(alerts).where(*_is(known.source, known.alert_id)).values(**values))


async def get(tx: Tx, source: str, alert_id: str) -> Known | None:
    """The alert of that id."""
    row = (await tx.execute(_ALERT.where(*_is(source, alert_id)))).one_or_none()
    return None if row is None else Known(*row)


async def latest_of(tx: Tx, source: str, device: str, kind: str) -> Known | None:
    """What a device last said of that kind, under whatever id."""
    where = (alerts.c.source == source, alerts.c.device == device, alerts.c.kind == kind)
    query = _ALERT.where(*where).order_by(alerts.c.at.desc(), alerts.c.alert_id.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Known(*row)


async def of_tickets(tx: Tx, numbers: Collection[int]) -> list[Known]:
    """The alerts that are part of these tickets, in the order they were last heard."""
    query = _ALERT.where(alerts.c.ticket.in_(numbers)).order_by(alerts.c.ticket, alerts.c.at, alerts.c.alert_id)
    return [Known(*row) for row in await tx.execute(query)]


async def told(tx: Tx, number: int) -> bool:
    """Whether a device told of the ticket."""
    query = sa.select(sa.exists().where(alerts.c.ticket == number))
    return bool(await tx.scalar(query))


async def blank(tx: Tx, number: int) -> None:
    """Take the words out of a ticket's alerts."""
    await tx.execute(sa.update(alerts).where(alerts.c.ticket == number).values(text=""))


def affected(number: int) -> sa.ColumnElement[int]:
    """How many told of a ticket, for its column `reporters`: people, and one more where a device did; at least 1. Of a
    ticket that others went into theirs count along."""
    within = sa.select(merges.c.ticket).where(merges.c.target == number)
    heard = sa.exists().where(sa.or_(alerts.c.ticket == number, alerts.c.ticket.in_(within)))
    people = sa.select(sa.func.count()).select_from(reporters).where(reporters.c.ticket == number).scalar_subquery()
    count = people + sa.case((heard, 1), else_=0)
    return sa.case((count > 0, count), else_=1)


def _is(source: str, alert_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return alerts.c.source == source, alerts.c.alert_id == alert_id
