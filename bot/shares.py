"""How many accounts each process should have: arithmetic over what the database says of the fleet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from storage.leases import DUTY, Process, lease_of

PATIENCE = timedelta(seconds=15)  # so long an account waits for one whose share it fits
LATELY = timedelta(seconds=10)  # who has not renewed for so long may be dead
GIVEN_AT_ONCE = 10  # a tenth of what is too much


def shares(accounts: Collection[str], processes: Sequence[Process]) -> dict[str, Fraction]:
    """What each process should have: every account in equal parts among those that want it."""
    listed = Counter(account for process in processes for account in set(process.wants or ()))
    everything = sum(process.wants is None for process in processes)
    wanting = {account: everything + listed[account] for account in accounts}
    # Counted first, so that thousands of accounts are a handful of fractions.
    all_of_them = _sum(Counter(wanting.values())) if everything else Fraction(0)
    return {
        process.holder: all_of_them
        if process.wants is None
        else _sum(Counter(wanting[account] for account in set(process.wants) if account in wanting))
        for process in processes
    }


def _sum(parts: Mapping[int, int]) -> Fraction:
    return sum((Fraction(count, part) for part, count in parts.items() if part), Fraction(0))


@dataclass(frozen=True, slots=True)
class View:
    """What the database says, by its own clock. `own`: leases of the process that looks, which it does not use."""

    now: datetime
    processes: Sequence[Process]
    free: Mapping[str, datetime]
    counts: Mapping[str, int]
    own: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """Names of leases."""

    claim: Sequence[str] = ()
    give: Sequence[str] = ()


def choose(
    view: View,
    me: Process,
    accounts: Collection[str],
    *,
    held: Collection[str],
    closing: int,
    benched: Collection[str],
    back: datetime,
) -> Choice:
    """What the process `me` should take and give back. `held`: the leases it uses, without the `closing` ones that it
    is about to give back; `benched`: those that it cannot take now; `back`: since when it has been at work without a
    break, before which nothing waited for it in vain."""
    share = shares(accounts, view.processes)
    mine = [name for name in held if name != DUTY]
    others = [
        process
        for process in view.processes
        if process.holder != me.holder and view.now - process.seen_at <= LATELY  # who may be dead is given nothing
    ]

    def lacking(rounded: Callable[[Fraction], int]) -> dict[str, int]:
        lacks = {other.holder: rounded(share[other.holder]) - view.counts.get(other.holder, 0) for other in others}
        return {holder: lack for holder, lack in lacks.items() if lack > 0}

    # Everybody has a right to the whole part of a share; the rest is for later, when all have that.
    poor = lacking(math.floor)
    limit = (math.floor if poor else math.ceil)(share[me.holder])

    wanted = {lease_of(account) for account in accounts if me.wants is None or account in me.wants}
    found = sorted((view.free.keys() | view.own) & wanted - set(benched), key=lambda name: (name not in view.own, name))
    fits = max(0, limit - len(mine))
    waited = [name for name in found[fits:] if view.now - max(view.free.get(name, view.now), back) >= PATIENCE]
    claim = found[:fits] + waited
    if DUTY in (view.free.keys() | view.own) - set(benched):
        claim.append(DUTY)

    needy = poor or lacking(math.ceil)
    excess = len(mine) - limit
    missing = sum(needy.values()) - len(view.free.keys() & wanted) - closing
    number = min(excess, missing, -(-excess // GIVEN_AT_ONCE))
    if number <= 0:
        return Choice(claim)
    theirs = [other.wants for other in others if other.holder in needy]
    anything = any(wants is None for wants in theirs)
    asked = {lease_of(account) for wants in theirs for account in wants or ()}
    return Choice(claim, [name for name in sorted(mine, reverse=True) if anything or name in asked][:number])
