"""What each platform above has of each ticket, and what it is still to get. Rows are the queue.

`feed` brings what changed into the deliveries of an upstream, which has one row a ticket: versions in between are never
sent, and none after a newer one. A row says `tried` on disk before its request leaves, so that after a crash nobody
forgets that the upstream may have it; sending the same once more is harmless (the upstream answers `duplicate`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.columns import Instant, Word
from storage.engine import Tx, insert, purged
from storage.tables.records import changes
from storage.tables.upward import (
    PARKED,
    WAITING,
    answer_cursors,
    answer_replies,
    answers,
    deliveries,
    upstreams,
)

MOST_WORDS = 500  # characters that are kept of what an upstream says


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"  # its request has left, or the program ended before the answer was written down
    SENT = "sent"
    PARKED = "parked"  # refused, for a reason that time does not mend


@dataclass(frozen=True, slots=True)
class Delivery:
    """A ticket on its way to one upstream.

    `version` is the latest known, `tried` the last one that left, `sent` the last one that certainly arrived, with
    `hash` and `deleted` (it was a tombstone); `code` and `message` say why it is parked, or why the last try failed."""

    upstream: str
    ticket: int
    version: int
    state: DeliveryState
    since: datetime
    next_at: datetime | None = None
    attempts: int = 0
    replays: int = 0
    tried: int | None = None
    sent: int | None = None
    sent_at: datetime | None = None
    hash: str | None = None
    deleted: bool = False
    ref: str | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """How it stands with an upstream as a whole. `failures`: requests that failed in a row; while `open_until` is to
    come nothing is sent; `code` and `message` are of the last failure, None after a success."""

    name: str
    seq: int = 0
    files: int = 0
    failures: int = 0
    open_until: datetime | None = None
    code: str | None = None
    message: str | None = None
    failed_at: datetime | None = None
    succeeded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the upstream has now: this version of a ticket, or its tombstone."""

    ticket: int
    version: int
    hash: str
    deleted: bool
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is still to go to an upstream. `since`: the moment of the oldest change among it; `behind`: changes that are
    not in the deliveries yet."""

    waiting: int
    since: datetime | None
    parked: int
    behind: int


_STATE = sa.type_coerce(deliveries.c.state, Word(DeliveryState)).label("state")
_DELIVERY = sa.select(*(_STATE if field.name == "state" else deliveries.c[field.name] for field in fields(Delivery)))
_LINK = sa.select(*(upstreams.c[field.name] for field in fields(Link)))
_OF = deliveries.c.upstream == sa.bindparam("of")
_ROW = (_OF, deliveries.c.ticket == sa.bindparam("which"))
_DUE = (
    _DELIVERY.where(WAITING, _OF, deliveries.c.next_at <= sa.bindparam("now"))
    .order_by(deliveries.c.next_at, deliveries.c.ticket)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_LEAST_TRIED = _DUE.order_by(None).order_by(deliveries.c.attempts, deliveries.c.next_at, deliveries.c.ticket)


# --- the upstream as a whole ---


async def link(tx: Tx, name: str) -> Link:
    """How it stands with an upstream; a new one has got nothing yet."""
    row = (await tx.execute(_LINK.where(upstreams.c.name == name))).one_or_none()
    return Link(name) if row is None else Link(*row)


async def put_link(tx: Tx, new: Link) -> None:
    """Keep how it stands; `seq` and `files` only grow."""
    values = {field.name: getattr(new, field.name) for field in fields(Link)}
    statement = insert(tx, upstreams).values(values)
    put: dict[str, sa.ColumnElement[Any]] = {
        name: statement.excluded[name] for name in values if name not in ("name", "seq", "files")
    }
    for name in ("seq", "files"):
        mine, theirs = upstreams.c[name], statement.excluded[name]
        put[name] = sa.case((theirs > mine, theirs), else_=mine)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=put))


async def reopen(tx: Tx, name: str) -> None:
    """It answers, or a person says that it will: the failures are forgotten."""
    statement = sa.update(upstreams).where(upstreams.c.name == name)
    await tx.execute(statement.values(failures=0, open_until=None, code=None, message=None))


# --- what changed becomes due ---


async def feed(tx: Tx, name: str, due: datetime, most: int = 5000) -> int:
    """Bring the next changes into the deliveries, due then unless they waited already; how many changes there were.

    A version that is known changes nothing, a newer one frees what is parked."""
    seq = (await link(tx, name)).seq
    reach = sa.select(changes.c.seq).where(changes.c.seq > seq).order_by(changes.c.seq).limit(most).subquery()
    last, count = (await tx.execute(sa.select(sa.func.max(reach.c.seq), sa.func.count()).select_from(reach))).one()
    if not count:
        return 0
    new = {
        "upstream": sa.literal(name),
        "ticket": changes.c.ticket,
        "version": sa.func.max(changes.c.version),
        "state": sa.literal(DeliveryState.PENDING.value),
        "next_at": sa.literal(due, Instant),
        "attempts": sa.literal(0),
        "replays": sa.literal(0),
        "since": sa.type_coerce(sa.func.min(changes.c.at), Instant),
        "deleted": sa.false(),
    }
    found = sa.select(*new.values()).where(changes.c.seq > seq, changes.c.seq <= last).group_by(changes.c.ticket)
    statement = insert(tx, deliveries).from_select(list(new), found)
    fresh, old = statement.excluded, deliveries.c
    settled = old.next_at.is_(None)
    put = {
        "version": fresh.version,
        "state": sa.case((settled, DeliveryState.PENDING.value), else_=old.state),
        "next_at": sa.case((settled, fresh.next_at), else_=old.next_at),
        "attempts": sa.case((settled, 0), else_=old.attempts),
        "since": sa.case((settled, fresh.since), else_=old.since),
        "code": None,
        "message": None,
    }
    keys = ["upstream", "ticket"]
    await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=put, where=fresh.version > old.version))
    await _reached(tx, name, last)
    return int(count)


async def _reached(tx: Tx, name: str, seq: int) -> None:
    statement = insert(tx, upstreams).values(name=name, seq=seq, files=0, failures=0)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seq": statement.excluded.seq}))


async def due(tx: Tx, name: str, now: datetime, most: int, *, least_tried: bool = False) -> list[Delivery]:
    """What may go now, what waits longest first; or, for a trial, what has failed least."""
    query = _LEAST_TRIED if least_tried else _DUE
    return [Delivery(*row) for row in await tx.execute(query, {"of": name, "now": now, "most": most})]


async def next_due(tx: Tx, name: str) -> datetime | None:
    """When the next one may go."""
    query = sa.select(deliveries.c.next_at).where(WAITING, deliveries.c.upstream == name)
    moment: datetime | None = await tx.scalar(query.order_by(deliveries.c.next_at).limit(1))
    return moment


# --- what becomes of a delivery ---


async def sending(tx: Tx, name: str, versions: dict[int, int]) -> None:
    """A request with these versions of tickets is about to leave."""
    statement = (
        sa.update(deliveries)
        .where(*_ROW)
        .values(
            state=DeliveryState.SENDING.value,
            tried=sa.bindparam("what"),
            version=sa.case(
                (deliveries.c.version < sa.bindparam("what"), sa.bindparam("what")), else_=deliveries.c.version
            ),
        )
    )
    rows = [{"of": name, "which": ticket, "what": version} for ticket, version in sorted(versions.items())]
    if rows:
        await tx.execute(statement, rows)


async def arrived(tx: Tx, name: str, items: Sequence[Arrived], at: datetime) -> None:
    """The upstream has these now. What changed meanwhile stays due."""
    newer = deliveries.c.version > sa.bindparam("what")
    statement = (
        sa.update(deliveries)
        .where(*_ROW)
        .values(
            state=sa.case((newer, DeliveryState.PENDING.value), else_=DeliveryState.SENT.value),
            next_at=sa.case((newer, sa.literal(at, Instant)), else_=sa.null()),
            attempts=0,
            tried=sa.bindparam("what"),
            sent=sa.bindparam("what"),
            sent_at=at,
            hash=sa.bindparam("digest"),
            deleted=sa.bindparam("gone", type_=sa.Boolean),
            ref=sa.func.coalesce(sa.bindparam("number", type_=sa.Text), deliveries.c.ref),
            code=None,
            message=None,
        )
    )
    rows = [
        {
            "of": name,
            "which": item.ticket,
            "what": item.version,
            "digest": item.hash,
            "gone": item.deleted,
            "number": item.ref,
        }
        for item in items
    ]
    if rows:
        await tx.execute(statement, rows)


async def unchanged(tx: Tx, name: str, tickets: Collection[int]) -> None:
    """These need not be sent again: what arrived last still says it all."""
    statement = sa.update(deliveries).where(deliveries.c.upstream == name, deliveries.c.ticket.in_(tickets))
    await tx.execute(
        statement.values(state=DeliveryState.SENT.value, next_at=None, attempts=0, code=None, message=None)
    )


async def drop(tx: Tx, name: str, tickets: Collection[int]) -> None:
    """These are not the upstream's business and never were: nothing is kept of them."""
    never = deliveries.c.tried.is_(None)
    await tx.execute(
        sa.delete(deliveries).where(deliveries.c.upstream == name, deliveries.c.ticket.in_(tickets), never)
    )


async def retry(tx: Tx, name: str, tickets: Collection[int], at: datetime, code: str, message: str) -> None:
    """Their request failed: again then."""
    statement = sa.update(deliveries).where(deliveries.c.upstream == name, deliveries.c.ticket.in_(tickets))
    await tx.execute(
        statement.values(
            state=DeliveryState.PENDING.value,
            next_at=at,
            attempts=deliveries.c.attempts + 1,
            code=code,
            message=message[:MOST_WORDS],
        )
    )


async def park(tx: Tx, name: str, ticket: int, version: int, code: str, message: str, at: datetime) -> None:
    """This version is refused for good: set aside, unless a newer one is known already."""
    newer = deliveries.c.version > version
    statement = sa.update(deliveries).where(deliveries.c.upstream == name, deliveries.c.ticket == ticket)
    await tx.execute(
        statement.values(
            state=sa.case((newer, DeliveryState.PENDING.value), else_=DeliveryState.PARKED.value),
            next_at=sa.case((newer, sa.literal(at, Instant)), else_=sa.null()),
            attempts=0,
            version=sa.case((newer, deliveries.c.version), else_=version),
            code=code,
            message=message[:MOST_WORDS],
        )
    )


# --- by hand ---


async def again(tx: Tx, name: str, at: datetime, *where: sa.ColumnElement[bool]) -> int:
    """Send what is settled or parked once more, under a new key, so that the upstream looks at it anew; how many."""
    settled = deliveries.c.next_at.is_(None)
    statement = sa.update(deliveries).where(deliveries.c.upstream == name, settled, *where)
    return (
        await tx.execute(
            statement.values(
                state=DeliveryState.PENDING.value,
                next_at=at,
                attempts=0,
                replays=deliveries.c.replays + 1,
                since=at,
                sent=None,  # for certain no more
                sent_at=None,
                hash=None,
                code=None,
                message=None,
            )
        )
    ).rowcount


def sent_since(at: datetime) -> sa.ColumnElement[bool]:
    """For `again`: what arrived since then."""
    return deliveries.c.sent_at >= at


def parked_for(codes: Collection[str] | None = None) -> sa.ColumnElement[bool]:
    """For `again`: what is parked, for one of these reasons where some are named."""
    parked = deliveries.c.state == DeliveryState.PARKED.value
    return parked if codes is None else sa.and_(parked, deliveries.c.code.in_(codes))


async def queue(tx: Tx, name: str, versions: dict[int, int], at: datetime, *, tried: bool = False) -> int:
    """Send these tickets once more, also those that the upstream was never to have; how many were not waiting already.
    `tried`: it may have them, whatever the rows say."""
    queued = await again(tx, name, at, deliveries.c.ticket.in_(list(versions)))
    for ticket, version in versions.items():
        statement = insert(tx, deliveries).values(
            upstream=name,
            ticket=ticket,
            version=version,
            state=DeliveryState.PENDING.value,
            next_at=at,
            attempts=0,
            replays=0,
            since=at,
            tried=version if tried else None,
            deleted=False,
        )
        queued += (await tx.execute(statement.on_conflict_do_nothing())).rowcount
    return queued


async def hurry(tx: Tx, name: str, now: datetime) -> int:
    """Let everything that waits go now, whatever went wrong before; how much there is."""
    waiting = (WAITING, deliveries.c.upstream == name)
    count = (await tx.execute(sa.update(deliveries).where(*waiting).values(next_at=now))).rowcount
    await reopen(tx, name)
    return count


async def bring_forward(tx: Tx, name: str, latest: datetime, now: datetime) -> int:
    """Let what waits for longer than that go now: no pause is so long, the clock was wrong; how much there is."""
    late = (WAITING, deliveries.c.upstream == name, deliveries.c.next_at > latest)
    return (await tx.execute(sa.update(deliveries).where(*late).values(next_at=now))).rowcount


# --- looking ---


async def delivery(tx: Tx, name: str, ticket: int) -> Delivery | None:
    """What an upstream has of a ticket; None for one that it never got or was to get."""
    row = (await tx.execute(_DELIVERY.where(*_ROW), {"of": name, "which": ticket})).one_or_none()
    return None if row is None else Delivery(*row)


async def parked(tx: Tx, name: str) -> list[Delivery]:
    """What is set aside, by number."""
    query = _DELIVERY.where(PARKED, deliveries.c.upstream == name).order_by(deliveries.c.ticket)
    return [Delivery(*row) for row in await tx.execute(query)]


async def of_tickets(tx: Tx, name: str, tickets: Collection[int]) -> dict[int, Delivery]:
    """The deliveries of these tickets to an upstream."""
    query = _DELIVERY.where(deliveries.c.upstream == name, deliveries.c.ticket.in_(tickets))
    return {row.ticket: Delivery(*row) for row in await tx.execute(query)}


async def waiting(tx: Tx, name: str) -> Waiting:
    """How much is still to go, through the partial indexes."""
    mine, since = deliveries.c.upstream == name, deliveries.c.since
    count = await tx.scalar(sa.select(sa.func.count()).select_from(deliveries).where(WAITING, mine))
    oldest = await tx.scalar(sa.select(since).where(WAITING, mine).order_by(since).limit(1))
    aside = await tx.scalar(sa.select(sa.func.count()).select_from(deliveries).where(PARKED, mine))
    later = changes.c.seq > (await link(tx, name)).seq
    unread = await tx.scalar(sa.select(sa.func.count()).select_from(changes).where(later))
    first = await tx.scalar(sa.select(changes.c.at).where(later).order_by(changes.c.seq).limit(1))
    moments = [moment for moment in (oldest, first) if moment is not None]
    return Waiting(count or 0, min(moments, default=None), aside or 0, unread or 0)


async def standing(tx: Tx, names: Collection[str]) -> dict[str, tuple[Link, Waiting]]:
    """How it stands with these upstreams."""
    return {name: (await link(tx, name), await waiting(tx, name)) for name in names}


# --- what is left of one that is not configured any more ---


async def left(tx: Tx, known: Collection[str]) -> dict[str, int]:
    """The upstreams of which there are rows though they are not among these, with how many tickets still wait for
    each."""
    named = sa.union(sa.select(upstreams.c.name), *(sa.select(table.c.upstream) for table in (answers, answer_cursors)))
    gone = sorted(set(await tx.scalars(named)) - set(known))
    return {name: (await waiting(tx, name)).waiting for name in gone}


async def forget(tx: Tx, name: str) -> int:
    """Nothing is kept of what this upstream has, is to get or said; of how many tickets."""
    gone = (await tx.execute(sa.delete(deliveries).where(deliveries.c.upstream == name))).rowcount
    for table in (answers, answer_cursors, answer_replies):
        await tx.execute(sa.delete(table).where(table.c.upstream == name))
    await tx.execute(sa.delete(upstreams).where(upstreams.c.name == name))
    purged(tx)
    return gone
