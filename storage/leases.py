"""Which process serves which account, and who does what only one of all may do.

Times are the database's: one clock for all machines. A process keeps its leases by renewing its own row; one that has
not done so for `LEASE` is buried by any other, and what it held is free. Whoever takes a lease raises its epoch, and
every write that acts for an account begins with its `Fence`: a process that wakes up too late changes nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.columns import Instant
from storage.engine import Tx, insert
from storage.errors import LeaseLostError
from storage.tables.fleet import leases, processes

LEASE = timedelta(seconds=30)
DUTY = "duty"  # timers, couriers, pullers, listeners: what one process of all does
ACCOUNT = "account:"

# Raises LeaseLostError where the lease is no longer the caller's.
Fence = Callable[[Tx], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that serves, or wants to."""

    holder: str
    host: str
    place: str  # within what its pid means something; empty: nobody can tell
    pid: int
    version: str
    wants: tuple[str, ...] | None  # accounts; None for all
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    holder: str | None
    epoch: int
    since: datetime


def lease_of(account: str) -> str:
    """The name of an account's lease."""
    return ACCOUNT + account


async def no_fence(tx: Tx) -> None:
    """The fence of a process that is alone with its database."""


def fence(name: str, holder: str, epoch: int) -> Fence:
    """What lets a write through as long as this lease is that holder's, in that epoch. Writers take turns, so nobody
    can take the lease between the check and the commit."""
    mine = sa.select(sa.true()).where(leases.c.name == name, leases.c.holder == holder, leases.c.epoch == epoch)

    async def check(tx: Tx) -> None:
        if await tx.scalar(mine) is None:
            raise LeaseLostError(f"{name} is another process's now")

    return check


async def now(tx: Tx) -> datetime:
    """What the database's clock says, at this very statement."""
    if tx.dialect.name == "postgresql":
        reading: sa.ColumnElement[datetime] = sa.func.clock_timestamp(type_=Instant)
    else:
        days: sa.ColumnElement[float] = sa.literal_column("(julianday('now') - 2440587.5) * 86400000000")
        reading = sa.type_coerce(sa.cast(days, sa.BigInteger), Instant)
    moment: datetime | None = await tx.scalar(sa.select(reading))
    assert moment is not None  # noqa: S101
    return moment


async def join(tx: Tx, process: Process) -> None:
    """Enter a process, or renew the one that is there under its holder."""
    values = {column.name: getattr(process, column.name) for column in processes.columns}
    latest = {name: value for name, value in values.items() if name != "holder"}
    statement = insert(tx, processes).values(**values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["holder"], set_=latest))


async def ensure(tx: Tx, names: Collection[str], at: datetime) -> None:
    """Make the leases of these names, free, where there are none."""
    known = set(await tx.scalars(sa.select(leases.c.name)))
    fresh = [{"name": name, "epoch": 0, "since": at} for name in names if name not in known]
    if fresh:
        await tx.execute(insert(tx, leases).on_conflict_do_nothing(), fresh)


async def renew(tx: Tx, holder: str, at: datetime) -> bool:
    """Let all that this holder has be its own for `LEASE` more. False where it has been buried. Needs no turn."""
    statement = sa.update(processes).where(processes.c.holder == holder).values(seen_at=at, expires_at=at + LEASE)
    return (await tx.execute(statement)).rowcount == 1


async def held(tx: Tx, holder: str) -> dict[str, int]:
    """The epochs of what this holder has, by name."""
    query = sa.select(leases.c.name, leases.c.epoch).where(leases.c.holder == holder)
    return dict((await tx.execute(query)).all())


async def free(tx: Tx) -> dict[str, datetime]:
    """What nobody holds, and since when."""
    query = sa.select(leases.c.name, leases.c.since).where(leases.c.holder.is_(None))
    return dict((await tx.execute(query)).all())


async def counts(tx: Tx) -> dict[str, int]:
    """How many accounts each holder has; those with none are left out."""
    query = (
        sa.select(leases.c.holder, sa.func.count())
        .where(leases.c.holder.is_not(None), leases.c.name.startswith(ACCOUNT, autoescape=True))
        .group_by(leases.c.holder)
    )
    found: dict[str, int] = dict((await tx.execute(query)).all())
    return found


async def claim(tx: Tx, names: Collection[str], holder: str, at: datetime) -> dict[str, int]:
    """Take these leases where they are free or this holder's already: the new epochs of those that were."""
    statement = (
        sa.update(leases)
        .where(leases.c.name.in_(names), sa.or_(leases.c.holder.is_(None), leases.c.holder == holder))
        .values(holder=holder, epoch=leases.c.epoch + 1, since=at)
        .returning(leases.c.name, leases.c.epoch)
    )
    return dict((await tx.execute(statement)).all())


async def release(tx: Tx, taken: Mapping[str, int], holder: str, at: datetime) -> None:
    """Give these leases back, each where it is still this holder's in that epoch."""
    present = await held(tx, holder)
    names = [name for name, epoch in taken.items() if present.get(name) == epoch]
    await tx.execute(
        sa.update(leases).where(leases.c.name.in_(names), leases.c.holder == holder).values(holder=None, since=at)
    )


async def bury(tx: Tx, holders: Collection[str], at: datetime, *, expired: bool = False) -> set[str]:
    """Forget these processes, `expired`: as far as their time has run out; what they held is free. Those it was."""
    # Locked: a renewal waits for no turn. One that comes before this counts, one that comes after finds nothing.
    query = sa.select(processes.c.holder).where(processes.c.holder.in_(holders)).with_for_update()
    if expired:
        query = query.where(processes.c.expires_at <= at)
    dead = set(await tx.scalars(query))
    await tx.execute(sa.update(leases).where(leases.c.holder.in_(dead)).values(holder=None, since=at))
    await tx.execute(sa.delete(processes).where(processes.c.holder.in_(dead)))
    return dead


async def resign(tx: Tx, holder: str) -> None:
    """Let this process want nothing more, so that the others share out what it has."""
    await tx.execute(sa.update(processes).where(processes.c.holder == holder).values(wants=()))


async def alive(tx: Tx) -> list[Process]:
    """Every process that nobody has buried yet, also those whose time has run out."""
    query = sa.select(*processes.columns).order_by(processes.c.holder)
    return [Process(**row._asdict()) for row in await tx.execute(query)]


async def every(tx: Tx) -> list[Lease]:
    """All leases by name."""
    query = sa.select(*leases.columns).order_by(leases.c.name)
    return [Lease(**row._asdict()) for row in await tx.execute(query)]
