"""Ids of messages as they arrived: durable before anything is fetched. No text ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from storage.bulk import Bulk
from storage.columns import microseconds
from storage.engine import Tx, insert, insert_for
from storage.model import Arrival
from storage.tables.wire import counters as counters_table
from storage.tables.wire import gaps as gaps_table
from storage.tables.wire import inbox
from storage.tables.wire import unfetchable as unfetchable_table

BUCKET = timedelta(hours=6)
REMEMBER = timedelta(hours=48)  # a second announcement of a message is recognised this long
KEEP_UNFETCHABLE = timedelta(days=30)

_BUCKET_MICROSECONDS = microseconds(datetime.fromisoformat("1970-01-01T06:00:00+00:00"))
_BUCKETS = REMEMBER // BUCKET + 1

_ARRIVAL = (inbox.c.account, inbox.c.message_id, inbox.c.arrived_at)
_KNOWN = sa.select(inbox.c.message_id).where(
    inbox.c.bucket.in_(sa.bindparam("buckets", expanding=True)),
    inbox.c.account == sa.bindparam("of"),
    inbox.c.message_id.in_(sa.bindparam("ids", expanding=True)),
)
_ACCEPT = Bulk(
    lambda _: sa.insert(inbox).values(
        {name: sa.bindparam(name) for name in ("bucket", "account", "message_id", "arrived_at")}
    ),
    *("bucket", "account", "message_id", "arrived_at"),
)


def _finish(where: sa.ColumnElement[bool], *buckets: str) -> Bulk:
    statement = (
        sa.update(inbox)
        .where(where, inbox.c.account == sa.bindparam("of"), inbox.c.message_id == sa.bindparam("id"))
        .where(inbox.c.reason.is_(None))
        .values(reason=sa.bindparam("why"), done_at=sa.bindparam("at"))
    )
    return Bulk(lambda _: statement, "of", "id", "why", "at", *buckets)


def _in(*buckets: str) -> sa.ColumnElement[bool]:
    return inbox.c.bucket.in_([sa.bindparam(bucket, type_=sa.Integer) for bucket in buckets])


# Nearly every id is finished within seconds of its arrival, so the last two buckets are tried alone. Ids that waited
# longer than 48 h because the bot was off are few by then: what is finished is purged.
_NEW = ("b0", "b1")
_RECENT = tuple(f"b{back}" for back in range(_BUCKETS))
_FINISH_NEW = _finish(_in(*_NEW), *_NEW)
_FINISH_RECENT = _finish(_in(*_RECENT), *_RECENT)
_FINISH_OLD = _finish(inbox.c.bucket < sa.bindparam("oldest", type_=sa.Integer), "oldest")

_given = (
    sa.func.unnest(
        *(sa.bindparam(name, type_=ARRAY(sa.Text)) for name in ("of", "id", "why")),
    )
    .table_valued("account", "message_id", "reason", name="given")
    .render_derived()
)
_FINISH_GIVEN_ANY = (
    sa.update(inbox)
    .where(inbox.c.account == _given.c.account, inbox.c.message_id == _given.c.message_id)
    .where(inbox.c.reason.is_(None))
    .values(reason=_given.c.reason, done_at=sa.bindparam("at"))
)
_FINISH_GIVEN = _FINISH_GIVEN_ANY.where(inbox.c.bucket.in_(sa.bindparam("buckets", expanding=True)))
_FINISH_GIVEN_OLD = _FINISH_GIVEN_ANY.where(inbox.c.bucket < sa.bindparam("oldest", type_=sa.Integer))


def bucket_of(at: datetime) -> int:
    """The number of the 6 hours that a moment lies in, counted from 1970 in UTC."""
    return microseconds(at) // _BUCKET_MICROSECONDS


def _buckets(at: datetime) -> tuple[int, ...]:
    """The buckets of the last 48 h, newest first."""
    newest = bucket_of(at)
    return tuple(range(newest, newest - _BUCKETS, -1))


async def accept(tx: Tx, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Insert what is new, looking in every 6 h bucket of the last 48 h; return the new ones in order.

    The account's single owner makes look-then-insert safe."""
    if not arrivals:
        return []
    new: dict[tuple[str, str], Arrival] = {}
    for arrival in arrivals:
        new.setdefault((arrival.account, arrival.message_id), arrival)
    buckets = _buckets(max(arrival.arrived_at for arrival in arrivals))
    for account in {account for account, _ in new}:
        ids = [message_id for of, message_id in new if of == account]
        known = await tx.execute(_KNOWN, {"buckets": buckets, "of": account, "ids": ids})
        for (message_id,) in known.all():
            del new[account, message_id]
    if new:
        rows = [(bucket_of(a.arrived_at), a.account, a.message_id, a.arrived_at) for a in new.values()]
        await _ACCEPT.run(tx, rows)
    return list(new.values())


async def finish(tx: Tx, done: Sequence[tuple[str, str, str]], at: datetime) -> None:
    """(account, message_id, reason) of what had its effect: effect | chat | ad | dormant | …

    The first reason stays; an id that never was accepted is passed over."""
    buckets = _buckets(at)
    if tx.dialect.name == "postgresql":
        await _finish_at_once(tx, done, at, buckets)
        return
    left = len(done)
    for statement, where in ((_FINISH_NEW, buckets[:2]), (_FINISH_RECENT, buckets), (_FINISH_OLD, buckets[-1:])):
        if left:
            left -= await statement.run(tx, [(*row, at, *where) for row in done])


async def _finish_at_once(tx: Tx, done: Sequence[tuple[str, str, str]], at: datetime, buckets: tuple[int, ...]) -> None:
    """One statement for all of them: a message to the server costs more than what it does there."""
    reasons: dict[tuple[str, str], str] = {}
    for account, message_id, reason in done:
        reasons.setdefault((account, message_id), reason)
    if not reasons:
        return
    rows = {
        "of": [account for account, _ in reasons],
        "id": [message_id for _, message_id in reasons],
        "why": list(reasons.values()),
        "at": at,
    }
    finished = (await tx.execute(_FINISH_GIVEN, {**rows, "buckets": buckets})).rowcount
    if finished < len(reasons):
        await tx.execute(_FINISH_GIVEN_OLD, {**rows, "oldest": buckets[-1]})


async def unfetchable(tx: Tx, account: str, message_id: str, at: datetime) -> None:
    """Give an id up: it is done, and listed."""
    arrived_at = await tx.scalar(
        sa.select(inbox.c.arrived_at).where(
            inbox.c.account == account, inbox.c.message_id == message_id, inbox.c.reason.is_(None)
        )
    )
    if arrived_at is None:
        return
    row = {"account": account, "message_id": message_id, "arrived_at": arrived_at, "given_up_at": at}
    await tx.execute(insert(tx, unfetchable_table).values(row).on_conflict_do_nothing())
    await finish(tx, [(account, message_id, "unfetchable")], at)


async def pending(tx: Tx, account: str) -> list[Arrival]:
    """Ids accepted but not finished, oldest first (after a crash)."""
    query = (
        sa.select(*_ARRIVAL).where(inbox.c.account == account, inbox.c.reason.is_(None)).order_by(inbox.c.arrived_at)
    )
    return [Arrival(*row) for row in await tx.execute(query)]


async def finished_since(tx: Tx, account: str, since: datetime) -> list[Arrival]:
    """Ids done since then, oldest arrival first: to refill the windows."""
    query = (
        sa.select(*_ARRIVAL)
        .where(inbox.c.bucket > bucket_of(since) - _BUCKETS, inbox.c.account == account, inbox.c.done_at >= since)
        .order_by(inbox.c.arrived_at)
    )
    return [Arrival(*row) for row in await tx.execute(query)]


async def list_unfetchable(tx: Tx) -> list[Arrival]:
    """Ids that were given up in the last 30 days, oldest first."""
    table = unfetchable_table.c
    query = sa.select(table.account, table.message_id, table.arrived_at).order_by(table.arrived_at)
    return [Arrival(*row) for row in await tx.execute(query)]


async def purge(tx: Tx, before: datetime) -> int:
    """Drop whole buckets older than that (finished ids only), and given-up ids 30 days older; how many ids."""
    old = sa.delete(inbox).where(inbox.c.bucket < bucket_of(before), inbox.c.reason.is_not(None))
    dropped = (await tx.execute(old)).rowcount
    table = unfetchable_table
    await tx.execute(sa.delete(table).where(table.c.given_up_at < before - KEEP_UNFETCHABLE))
    return dropped


def _count(dialect: str) -> sa.Insert:
    names = ("day", "room_id", "reason", "count")
    statement = insert_for(dialect, counters_table).values({name: sa.bindparam(name) for name in names})
    sums = {"count": counters_table.c.count + statement.excluded.count}
    return statement.on_conflict_do_update(index_elements=["day", "room_id", "reason"], set_=sums)


_COUNT = Bulk(_count, "day", "room_id", "reason", "count")


async def count(tx: Tx, day: date, counts: Mapping[tuple[int | None, str], int]) -> None:
    """Add to the counters per (room_id, reason) of a day; room None is a private chat."""
    if counts:
        await _COUNT.run(tx, [(day, room_id or 0, reason, number) for (room_id, reason), number in counts.items()])


async def counters(tx: Tx, since: date) -> dict[str, int]:
    """How many messages each reason took since that day, over all rooms."""
    table = counters_table.c
    query = sa.select(table.reason, sa.func.sum(table.count)).where(table.day >= since).group_by(table.reason)
    return {reason: int(number) for reason, number in await tx.execute(query.order_by(table.reason))}


async def record_gap(tx: Tx, account: str, start: datetime, end: datetime) -> None:
    """The account was without a link from `start` to `end`; told again with a later end, the gap grows."""
    statement = insert(tx, gaps_table).values(account=account, start_at=start, end_at=end)
    grown = statement.on_conflict_do_update(
        index_elements=["account", "start_at"],
        set_={"end_at": statement.excluded.end_at},
        where=gaps_table.c.end_at < statement.excluded.end_at,
    )
    await tx.execute(grown)


async def gaps(tx: Tx, account: str | None = None) -> list[tuple[str, datetime, datetime]]:
    """(account, start, end) of every time without a link, oldest first."""
    query = sa.select(gaps_table.c.account, gaps_table.c.start_at, gaps_table.c.end_at).order_by(gaps_table.c.start_at)
    if account is not None:
        query = query.where(gaps_table.c.account == account)
    return [(of, start, end) for of, start, end in await tx.execute(query)]
