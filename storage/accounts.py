"""What is known of each of our accounts: since when it speaks, whether WeChat slowed it down, whether it is dead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.tables.fleet import accounts


@dataclass(frozen=True, slots=True)
class Account:
    """`since`: its first login that we saw, None for one that spoke before that was noted. `stopped_until`,
    `throttled_at`, `share`: what the last throttle left; of the share, what the account came back with (1 is all).
    `dead_at`: nothing can be said through it any more, for the reason `dead_why`."""

    name: str
    since: datetime | None = None
    stopped_until: datetime | None = None
    throttled_at: datetime | None = None
    share: float = 1.0
    dead_at: datetime | None = None
    dead_why: str | None = None


# Why an account is dead by its link: it lives again once it is linked. For any other reason somebody must say so.
LOGGED_OUT, NO_LINK = "logged out", "no link"

# Those that nothing can be said through.
DEAD = sa.select(accounts.c.name).where(accounts.c.dead_at.is_not(None))

# Built once: a sender asks before each line.
_IS_DEAD = sa.select(accounts.c.name).where(accounts.c.name == sa.bindparam("of"), accounts.c.dead_at.is_not(None))

_ACCOUNT = sa.select(*(accounts.c[field.name] for field in fields(Account)))


async def get(tx: Tx, name: str) -> Account | None:
    """What is known of it; None for one that never logged in."""
    row = (await tx.execute(_ACCOUNT.where(accounts.c.name == name))).one_or_none()
    return None if row is None else Account(*row)


async def every(tx: Tx) -> dict[str, Account]:
    """All that ever logged in, by name."""
    return {row.name: Account(*row) for row in await tx.execute(_ACCOUNT.order_by(accounts.c.name))}


async def seen(tx: Tx, name: str, at: datetime) -> Account:
    """It is logged in: where that is the first time, it is noted. Returns what is known of it then."""
    statement = insert(tx, accounts).values(name=name, since=at, share=1.0).on_conflict_do_nothing()
    await tx.execute(statement)
    return Account(*(await tx.execute(_ACCOUNT.where(accounts.c.name == name))).one())


async def begin(tx: Tx, name: str, since: datetime) -> None:
    """Somebody says since when it speaks."""
    statement = insert(tx, accounts).values(name=name, since=since, share=1.0)
    changed = statement.on_conflict_do_update(index_elements=["name"], set_={"since": statement.excluded.since})
    await tx.execute(changed)


async def slow_down(tx: Tx, account: Account) -> None:
    """Keep what a throttle left of it."""
    values: dict[str, Any] = {name: getattr(account, name) for name in ("stopped_until", "throttled_at", "share")}
    statement = insert(tx, accounts).values(name=account.name, since=account.since, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def stopped(tx: Tx, now: datetime) -> list[Account]:
    """Those that WeChat has stopped for now, by name."""
    query = _ACCOUNT.where(accounts.c.stopped_until > now).order_by(accounts.c.name)
    return [Account(*row) for row in await tx.execute(query)]


async def die(tx: Tx, name: str, at: datetime, why: str) -> bool:
    """It is dead from then on; False where it was already, or never lived."""
    living = sa.update(accounts).where(accounts.c.name == name, accounts.c.dead_at.is_(None))
    return (await tx.execute(living.values(dead_at=at, dead_why=why))).rowcount == 1


async def revive(tx: Tx, name: str) -> bool:
    """It lives again; False where it was not dead."""
    dead = sa.update(accounts).where(accounts.c.name == name, accounts.c.dead_at.is_not(None))
    return (await tx.execute(dead.values(dead_at=None, dead_why=None))).rowcount == 1


async def is_dead(tx: Tx, name: str) -> bool:
    """Whether nothing can be said through it."""
    return await tx.scalar(_IS_DEAD, {"of": name}) is not None


async def dead(tx: Tx, names: Collection[str] | None = None) -> list[Account]:
    """The dead ones (of these), by name."""
    query = _ACCOUNT.where(accounts.c.dead_at.is_not(None)).order_by(accounts.c.name)
    if names is not None:
        query = query.where(accounts.c.name.in_(names))
    return [Account(*row) for row in await tx.execute(query)]
