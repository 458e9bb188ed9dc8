"""Who has a place: what a roster follows from, pure.

Every signing, change and cancellation is a step with the time at which it was said; who is in follows from these times,
so the order in which messages arrive does not matter, and nobody who was in loses the place to somebody who came later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """`seq` is the entry, None where the quota itself is set; `heads` how many want a place from then on, 0 for none
    any more, None for no quota. Of steps of one moment the smaller `position` (a row of a 接龙) comes first, then the
    name, where there is a position, then the smaller `id`."""

    id: int
    at: datetime
    seq: int | None
    heads: int | None
    slot: int | None = None
    position: int = 0
    name: str = ""


@dataclass(slots=True)
class Seat:
    """What an entry wants and what it has. A party gets all it asks for or waits; one that grows keeps what it has
    until there is room for the rest."""

    slot: int | None
    wanted: int = 0
    granted: int = 0
    signed_at: datetime | None = None  # when it was signed, for the last time if it was cancelled in between
    left: tuple[int, int] | None = None  # what it came as and wanted when it was cancelled


@dataclass(slots=True)
class _Pool:
    capacity: int | None = None
    taken: int = 0
    queue: list[int] = field(default_factory=list)  # entries that want more than they have, in order

    def fits(self, more: int) -> bool:
        return self.capacity is None or self.taken + more <= self.capacity


def seat(steps: Iterable[Step]) -> dict[int, Seat]:
    """The seats of all entries after these steps, by `seq`. Strictly in the order of signing: a party that does not fit
    waits, a later smaller one that fits is in; what becomes free goes to those who wait, the first one first."""
    seats: dict[int, Seat] = {}
    pools: dict[int | None, _Pool] = {}
    for step in sorted(steps, key=_order):
        pool = pools.setdefault(step.slot, _Pool())
        if step.seq is None:
            pool.capacity = step.heads
            _hand_out(pool, seats)
            continue
        now = seats.setdefault(step.seq, Seat(step.slot))
        wanted = step.heads or 0
        if wanted == 0 or now.slot != step.slot:
            _leave(pools[now.slot], step.seq, now, seats)
        if wanted == 0:
            continue
        if now.wanted == 0:
            now.signed_at = step.at
        now.wanted, now.slot = wanted, step.slot
        if wanted <= now.granted:
            freed = now.granted - wanted
            now.granted, pool.taken = wanted, pool.taken - freed
            if step.seq in pool.queue:
                pool.queue.remove(step.seq)
            if freed:
                _hand_out(pool, seats)
        elif pool.fits(wanted - now.granted):
            pool.taken += wanted - now.granted
            now.granted = wanted
            if step.seq in pool.queue:
                pool.queue.remove(step.seq)
        elif step.seq not in pool.queue:
            pool.queue.append(step.seq)
    return seats


def _order(step: Step) -> tuple[datetime, int, str, int]:
    return step.at, step.position, step.name if step.position else "", step.id


def _leave(pool: _Pool, seq: int, now: Seat, seats: dict[int, Seat]) -> None:
    pool.taken -= now.granted
    freed = now.granted > 0
    if now.wanted:
        now.left = now.granted or now.wanted, now.wanted
    now.wanted = now.granted = 0
    if seq in pool.queue:
        pool.queue.remove(seq)
    if freed:
        _hand_out(pool, seats)


def _hand_out(pool: _Pool, seats: dict[int, Seat]) -> None:
    for seq in list(pool.queue):
        more = seats[seq].wanted - seats[seq].granted
        if pool.fits(more):
            pool.taken += more
            seats[seq].granted = seats[seq].wanted
            pool.queue.remove(seq)
