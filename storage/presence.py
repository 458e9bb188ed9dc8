"""When an account surely listened, when it was logged out, and since when somebody looks at these marks.

A new life needs them to know of the gap before it, the clock to know when an account is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.engine import Tx, insert_for
from storage.tables.records import meta

LISTENED, LOGGED_OUT, TOLD, WATCH = "link.listened:", "link.logged_out:", "link.told:", "link.watch:"
# Between two looks at the marks: after a longer one nobody was there to make any, which is no account's fault.
PAUSE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Marks:
    """What is on record of an account's link."""

    listened: datetime | None = None
    logged_out: datetime | None = None
    told: datetime | None = None  # of which death its people know


async def _mark(tx: Tx, name: str, at: datetime) -> None:
    statement = insert_for(tx.dialect.name, meta).values(name=name, value=at.isoformat().encode())
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


async def _marks(tx: Tx, beginning: str) -> dict[str, datetime]:
    query = sa.select(meta.c.name, meta.c.value).where(meta.c.name >= beginning, meta.c.name < f"{beginning[:-1]};")
    return {
        name.removeprefix(beginning): datetime.fromisoformat(bytes(value).decode())
        for name, value in await tx.execute(query)
    }


async def listened(tx: Tx, account: str, at: datetime) -> None:
    """The account was linked at that moment."""
    await _mark(tx, LISTENED + account, at)


async def logged_out(tx: Tx, account: str, at: datetime) -> None:
    """The network logged the account out at that moment."""
    await _mark(tx, LOGGED_OUT + account, at)


async def told(tx: Tx, account: str, died_at: datetime | None) -> None:
    """Its people know that the account died at that moment; None: that it lives."""
    if died_at is not None:
        await _mark(tx, TOLD + account, died_at)
    else:
        await tx.execute(sa.delete(meta).where(meta.c.name == TOLD + account))


async def last_listened(tx: Tx, account: str) -> datetime | None:
    """The last moment at which it was linked; None where there was none yet."""
    value = await tx.scalar(sa.select(meta.c.value).where(meta.c.name == LISTENED + account))
    return None if value is None else datetime.fromisoformat(bytes(value).decode())


async def marks(tx: Tx) -> dict[str, Marks]:
    """What is on record of each account."""
    linked, out, known = await _marks(tx, LISTENED), await _marks(tx, LOGGED_OUT), await _marks(tx, TOLD)
    return {name: Marks(linked.get(name), out.get(name), known.get(name)) for name in sorted({*linked, *out, *known})}


async def watched_since(tx: Tx, now: datetime) -> datetime:
    """Since when the marks are looked at without a pause, by this look too."""
    seen = await _marks(tx, WATCH)
    last, since = seen.get("last"), seen.get("since")
    if last is None or since is None or now - last > PAUSE:
        since = now
        await _mark(tx, WATCH + "since", now)
    await _mark(tx, WATCH + "last", now)
    return since
