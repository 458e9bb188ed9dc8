"""物资 and 平安 in 急时: needs, offers, what was handed over, who is safe.

A handover is proposed when a need and an offer fit, and done when it has happened; both count against the amounts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import numbers
from storage.engine import Tx, insert, purged
from storage.grids import within
from storage.tables.supplies import checkins, handovers, supplies


class SupplyKind(StrEnum):
    NEED = "need"  # 求
    OFFER = "offer"  # 供


class SupplyState(StrEnum):
    OPEN = "open"
    DONE = "done"  # handed over
    WITHDRAWN = "withdrawn"
    OVER = "over"  # 急时 ended first


@dataclass(frozen=True, slots=True)
class Supply:
    """`amount` is None where nobody said how much; `left` what is neither proposed nor handed over of it."""

    number: int
    kind: SupplyKind
    grid: str
    room_id: int | None
    person_id: int | None
    thing: str
    amount: int | None
    unit: str
    building: str | None
    note: str
    state: SupplyState
    at: datetime
    closed_at: datetime | None = None
    promised: int = 0
    handed: int = 0

    @property
    def id(self) -> str:
        """The id people type: `W3`."""
        return f"W{self.number}"

    @property
    def left(self) -> int | None:
        return None if self.amount is None else max(self.amount - self.promised - self.handed, 0)


@dataclass(frozen=True, slots=True)
class Handover:
    """What goes from an offer to a need; one of the two is None where it is not on the list."""

    id: int
    need: int | None
    offer: int | None
    amount: int | None
    proposed_at: datetime | None
    done_at: datetime | None
    person_id: int | None  # who said that it is done


@dataclass(frozen=True, slots=True)
class CheckIn:
    person_id: int
    grid: str
    building: str | None
    heads: int
    needs_help: bool
    note: str
    at: datetime
    household: str | None = None


_OPEN = supplies.c.state == SupplyState.OPEN.value
_FIELDS = (
    "number", "kind", "grid", "room_id", "person_id", "thing", "amount", "unit", "building", "note", "state", "at",
    "closed_at",
)  # fmt: skip


def _sum(done: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    ours = sa.or_(handovers.c.need == supplies.c.number, handovers.c.offer == supplies.c.number)
    return sa.select(sa.func.coalesce(sa.func.sum(handovers.c.amount), 0)).where(ours, done).scalar_subquery()


_SUPPLY: sa.Select[Any] = sa.select(
    *(supplies.c[name] for name in _FIELDS),
    _sum(handovers.c.done_at.is_(None)).label("promised"),
    _sum(handovers.c.done_at.is_not(None)).label("handed"),
)
_HANDOVER = sa.select(handovers).order_by(handovers.c.id)


def _supply(row: sa.Row[Any]) -> Supply:
    values = row._asdict()
    kind, state = SupplyKind(values.pop("kind")), SupplyState(values.pop("state"))
    return Supply(kind=kind, state=state, **values)


# --- needs and offers ---
async def register(
    tx: Tx,
    *,
    kind: SupplyKind,
    grid: str,
    room_id: int | None,
    person_id: int,
    thing: str,
    amount: int | None,
    unit: str,
    building: str | None,
    note: str,
    account: str,
    message_id: str,
    at: datetime,
) -> Supply:
    """A new need or offer."""
    number = await numbers.next_of(tx, "supply")
    supply = Supply(number, kind, grid, room_id, person_id, thing, amount, unit, building, note, SupplyState.OPEN, at)
    values = {name: getattr(supply, name) for name in _FIELDS} | {"kind": kind.value, "state": supply.state.value}
    await tx.execute(sa.insert(supplies).values(**values, account=account, message_id=message_id))
    return supply


async def get(tx: Tx, number: int) -> Supply | None:
    """The need or offer with this number."""
    row = (await tx.execute(_SUPPLY.where(supplies.c.number == number))).one_or_none()
    return None if row is None else _supply(row)


async def search(tx: Tx, scope: str, *, open_only: bool = True) -> list[Supply]:
    """Those of the grids that begin with `scope`, the oldest first."""
    query = _SUPPLY.where(within(supplies.c.grid, scope)).order_by(supplies.c.number)
    return [_supply(row) for row in await tx.execute(query.where(_OPEN) if open_only else query)]


async def of_thing(tx: Tx, scope: str, kind: SupplyKind, thing: str) -> list[Supply]:
    """The open needs or offers of that thing, the oldest first."""
    query = _SUPPLY.where(within(supplies.c.grid, scope), _OPEN).order_by(supplies.c.number)
    fitting = query.where(supplies.c.kind == kind.value, supplies.c.thing == thing)
    return [_supply(row) for row in await tx.execute(fitting)]


async def of_person(tx: Tx, person_id: int) -> list[Supply]:
    """Everything that somebody needs or offers, open or not, the newest first."""
    query = _SUPPLY.where(supplies.c.person_id == person_id).order_by(supplies.c.number.desc())
    return [_supply(row) for row in await tx.execute(query)]


async def count_of(tx: Tx, person_id: int) -> int:
    """How many needs, offers and check-ins are somebody's."""
    tables = (supplies, checkins)
    counts = [sa.select(sa.func.count()).select_from(table).where(table.c.person_id == person_id) for table in tables]
    return sum([await tx.scalar(count) or 0 for count in counts])


async def by_message(tx: Tx, account: str, message_id: str) -> list[Supply]:
    """What that message asked for or offered."""
    query = _SUPPLY.where(supplies.c.account == account, supplies.c.message_id == message_id)
    return [_supply(row) for row in await tx.execute(query.order_by(supplies.c.number))]


async def reword(tx: Tx, number: int, amount: int | None, unit: str, note: str) -> None:
    """The same person says anew how much of it."""
    statement = sa.update(supplies).where(supplies.c.number == number, _OPEN)
    await tx.execute(statement.values(amount=amount, unit=unit, note=note))


async def close(tx: Tx, number: int, state: SupplyState, at: datetime) -> bool:
    """It is done with; what was only proposed for it is no more. False where it was closed already."""
    statement = sa.update(supplies).where(supplies.c.number == number, _OPEN).values(state=state.value, closed_at=at)
    if (await tx.execute(statement)).rowcount != 1:
        return False
    ours = sa.or_(handovers.c.need == number, handovers.c.offer == number)
    await tx.execute(sa.delete(handovers).where(ours, handovers.c.done_at.is_(None)))
    return True


# --- handing over ---
async def propose(tx: Tx, need: int, offer: int, amount: int | None, at: datetime) -> None:
    """The offer fits the need."""
    await tx.execute(sa.insert(handovers).values(need=need, offer=offer, amount=amount, proposed_at=at))


async def handovers_of(tx: Tx, number: int) -> list[Handover]:
    """What was proposed or handed over of a need or offer, in order."""
    ours = sa.or_(handovers.c.need == number, handovers.c.offer == number)
    return [Handover(*row) for row in await tx.execute(_HANDOVER.where(ours))]


async def hand_over(tx: Tx, handover: int, amount: int | None, *, person_id: int, at: datetime) -> None:
    """What was proposed has happened."""
    statement = sa.update(handovers).where(handovers.c.id == handover, handovers.c.done_at.is_(None))
    await tx.execute(statement.values(amount=amount, done_at=at, person_id=person_id))


async def handed_over(tx: Tx, supply: Supply, amount: int | None, *, person_id: int, at: datetime) -> None:
    """It was handed over without having been proposed: from or to somebody who is not on the list."""
    side = {"need" if supply.kind is SupplyKind.NEED else "offer": supply.number}
    await tx.execute(sa.insert(handovers).values(**side, amount=amount, done_at=at, person_id=person_id))


# --- 平安 ---
async def check_in(tx: Tx, mine: CheckIn, said: tuple[str, str] | None = None) -> bool:
    """How somebody is now, in place of what they said before; whether they had said nothing in this 急时. `said` is
    the account and id of the message."""
    known = sa.select(checkins.c.closed_at.is_(None)).where(checkins.c.person_id == mine.person_id)
    fresh = not await tx.scalar(known)
    latest = {
        "grid": mine.grid,
        "building": mine.building,
        "heads": mine.heads,
        "needs_help": mine.needs_help,
        "note": mine.note,
        "at": mine.at,
        "household": mine.household,
        "closed_at": None,
        "account": said[0] if said is not None else None,
        "message_id": said[1] if said is not None else None,
    }
    statement = insert(tx, checkins).values(person_id=mine.person_id, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=latest))
    return fresh


_CHECK_IN = tuple(checkins.c[name] for name in CheckIn.__dataclass_fields__)


async def checked_in(tx: Tx, scope: str) -> list[CheckIn]:
    """How those are who have said so within the scope while 急时 lasts, by when they said it."""
    query = sa.select(*_CHECK_IN).where(within(checkins.c.grid, scope), checkins.c.closed_at.is_(None))
    return [CheckIn(*row) for row in await tx.execute(query.order_by(checkins.c.at, checkins.c.person_id))]


async def take_back_check_in(tx: Tx, person_id: int, said: tuple[str, str]) -> CheckIn | None:
    """Somebody takes back the message that said how they are; None where none did, or a later one does."""
    mine = (checkins.c.person_id == person_id, checkins.c.account == said[0], checkins.c.message_id == said[1])
    row = (await tx.execute(sa.delete(checkins).where(*mine).returning(*_CHECK_IN))).one_or_none()
    if row is None:
        return None
    purged(tx)
    return CheckIn(*row)


# --- the end of it ---
async def end(tx: Tx, scope: str, still: Sequence[str], at: datetime) -> tuple[list[Supply], list[CheckIn]]:
    """急时 ended over the scope: what is open is over, but for the grids that begin with one of `still`. Returns what
    was open, and who had checked in."""

    def over(grid: str) -> bool:
        return not any(grid.startswith(one) for one in still)

    left = [supply for supply in await search(tx, scope) if over(supply.grid)]
    for supply in left:
        await close(tx, supply.number, SupplyState.OVER, at)
    said = [mine for mine in await checked_in(tx, scope) if over(mine.grid)]
    gone = sa.update(checkins).where(checkins.c.person_id.in_([mine.person_id for mine in said]))
    await tx.execute(gone.values(closed_at=at))
    return left, said


async def purge(tx: Tx, before: datetime) -> list[int]:
    """Forget needs, offers and check-ins that were closed before then; the ids of the people they were of."""
    people: list[int] = []
    for table in (supplies, checkins):
        gone = sa.delete(table).where(table.c.closed_at < before).returning(table.c.person_id)
        people += [person_id for person_id in await tx.scalars(gone) if person_id is not None]
    if people:
        purged(tx)
    return people


async def forget(tx: Tx, person_id: int, at: datetime) -> None:
    """Somebody is erased: what they still need or offer is withdrawn, their words and check-in go. What was handed over
    stays as numbers."""
    for supply in await of_person(tx, person_id):
        await close(tx, supply.number, SupplyState.WITHDRAWN, at)
    own = sa.update(supplies).where(supplies.c.person_id == person_id)
    await tx.execute(own.values(person_id=None, note="", building=None))
    await tx.execute(sa.update(handovers).where(handovers.c.person_id == person_id).values(person_id=None))
    await tx.execute(sa.delete(checkins).where(checkins.c.person_id == person_id))
    purged(tx)


async def forget_words(tx: Tx, numbers_: Collection[int]) -> None:
    """The message was recalled: its words go, what it asked for among them."""
    await tx.execute(sa.update(supplies).where(supplies.c.number.in_(numbers_)).values(thing="", note=""))
    purged(tx)
