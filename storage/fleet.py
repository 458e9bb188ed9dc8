"""All processes on this database in figures, for the operator."""

from __future__ import annotations

from dataclasses import dataclass

from storage import leases
from storage.engine import Tx


@dataclass(frozen=True, slots=True)
class Fleet:
    """`processes` alive, the number of `accounts` there are, and which of those nobody serves."""

    processes: int
    accounts: int
    unowned: tuple[str, ...]


async def standing(tx: Tx) -> Fleet:
    """As it is now, by the database's clock."""
    at = await leases.now(tx)
    living = {process.holder for process in await leases.alive(tx) if process.expires_at > at}
    found = [lease for lease in await leases.every(tx) if lease.name.startswith(leases.ACCOUNT)]
    unowned = (lease.name.removeprefix(leases.ACCOUNT) for lease in found if lease.holder not in living)
    return Fleet(len(living), len(found), tuple(unowned))
