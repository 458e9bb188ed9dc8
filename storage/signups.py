"""Sign-ups `H`: activities and their time windows. Who comes stands in signup_entries.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import grids, numbers
from storage import signup_steps as steps
from storage.engine import Tx
from storage.tables.neighbours import chain_copies, signup_entries, signup_slots, signup_steps, signups

_FROM_THE_START = datetime(1970, 1, 1, tzinfo=UTC)  # a 接龙 was signed before it reached us: its quota holds from then


class SignupState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"  # nobody can sign up any more; it takes place, or took place
    CANCELLED = "cancelled"


class Source(StrEnum):
    """Where a sign-up or an entry comes from."""

    COMMAND = "command"
    CHAIN = "chain"  # native 接龙, or one written by hand


class EntryState(StrEnum):
    CONFIRMED = "confirmed"
    WAITING = "waiting"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Slot:
    """A time window of an activity, counted from 1, with a quota of heads of its own."""

    slot: int
    starts: datetime
    ends: datetime | None = None
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class NewSignup:
    title: str
    place: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    capacity: int | None = None  # in heads; None: no quota, or each slot has its own
    deadline: datetime | None = None
    room_id: int | None = None  # the group it was announced in
    grid: str | None = None
    organiser_id: int | None = None
    origin: Source = Source.COMMAND
    heading: str = ""  # all that stands above the rows of a 接龙
    note: str = ""  # what else was announced: 自带围裙
    asks_phone: bool = False  # 需登记电话: asked in private only
    brings_card: bool = False  # 需身份证: to be brought along, the number is never kept
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Signup(NewSignup):
    number: int = 0
    state: SignupState = SignupState.OPEN
    created_at: datetime = _FROM_THE_START
    closed_at: datetime | None = None
    stage: int = 0  # how many of the reminders are over
    next_at: datetime | None = None  # when there is something to do by itself
    organiser_named: bool = False  # by WeChat, as who started the 接龙
    forgotten_at: datetime | None = None  # nobody knows any more who came

    @property
    def id(self) -> str:
        """The id people type: `H12`."""
        return f"H{self.number}"

    @property
    def open(self) -> bool:
        return self.state is SignupState.OPEN


_SIGNUP = sa.select(signups)


async def create(
    tx: Tx, new: NewSignup, at: datetime, next_at: datetime | None = None, *, message: steps.Said | None = None
) -> Signup:
    """A new sign-up with the next number, open. `message`: the one that announced it."""
    number = await numbers.next_of(tx, "signups")
    values: dict[str, Any] = {
        "title": new.title,
        "place": new.place,
        "starts": new.starts,
        "ends": new.ends,
        "capacity": new.capacity,
        "deadline": new.deadline,
        "room_id": new.room_id,
        "grid": new.grid,
        "organiser_id": new.organiser_id,
        "origin": new.origin.value,
        "heading": new.heading,
        "note": new.note,
        "asks_phone": new.asks_phone,
        "brings_card": new.brings_card,
    }
    row = {"number": number, "state": SignupState.OPEN.value, "created_at": at, "stage": 0, "next_at": next_at}
    await tx.execute(sa.insert(signups).values(**values, **row))
    await _set_slots(tx, number, new.slots, message)
    if not new.slots:
        await steps.add(tx, number, None, _FROM_THE_START, new.capacity, message=message)
    return await _get(tx, number)


async def _set_slots(tx: Tx, number: int, slots: Sequence[Slot], message: steps.Said | None) -> None:
    for slot in slots:
        row = {"slot": slot.slot, "starts": slot.starts, "ends": slot.ends, "capacity": slot.capacity}
        await tx.execute(sa.insert(signup_slots).values(signup=number, **row))
        await steps.add(tx, number, None, _FROM_THE_START, slot.capacity, slot=slot.slot, message=message)


async def get(tx: Tx, number: int) -> Signup | None:
    """The sign-up with this number."""
    found = await _load(tx, _SIGNUP.where(signups.c.number == number))
    return found[0] if found else None


async def _get(tx: Tx, number: int) -> Signup:
    signup = await get(tx, number)
    if signup is None:
        raise LookupError(f"no sign-up {number}")
    return signup


async def every(tx: Tx) -> list[Signup]:
    """All sign-ups, by number."""
    return await _load(tx, _SIGNUP)


async def in_room(tx: Tx, room_id: int, grid: str | None = None, *, open_only: bool = True) -> list[Signup]:
    """Those that were announced in a room, or whose 接龙 it writes together with another one, or for all groups of a
    scope that its grid lies in, by number."""
    wide = sa.and_(signups.c.room_id.is_(None), signups.c.grid.in_(grids.prefixes(grid))) if grid else sa.false()
    shared = signups.c.number.in_(sa.select(chain_copies.c.signup).where(chain_copies.c.room_id == room_id))
    query = _SIGNUP.where(sa.or_(signups.c.room_id == room_id, shared, wide))
    return await _load(tx, query.where(signups.c.state == SignupState.OPEN.value) if open_only else query)


async def within(tx: Tx, scopes: Sequence[str]) -> list[Signup]:
    """The open ones of the grids within these scopes, by number."""
    inside = sa.or_(sa.false(), *(signups.c.grid.startswith(scope) for scope in scopes))
    return await _load(tx, _SIGNUP.where(signups.c.state == SignupState.OPEN.value, inside))


async def of_organiser(tx: Tx, person_id: int) -> list[Signup]:
    """The open ones that somebody organises, by number."""
    return await _load(
        tx, _SIGNUP.where(signups.c.organiser_id == person_id, signups.c.state == SignupState.OPEN.value)
    )


async def of_person(tx: Tx, person_id: int) -> list[Signup]:
    """The open ones in which somebody is, or has signed somebody up, by number."""
    theirs = sa.select(signup_entries.c.signup).where(
        sa.or_(signup_entries.c.person_id == person_id, signup_entries.c.by_id == person_id),
        signup_entries.c.state != EntryState.CANCELLED.value,
    )
    return await _load(tx, _SIGNUP.where(signups.c.number.in_(theirs), signups.c.state == SignupState.OPEN.value))


async def due(tx: Tx, now: datetime, most: int) -> list[Signup]:
    """Those for which there is something to do by now, the longest due first."""
    query = _SIGNUP.where(signups.c.next_at.is_not(None), signups.c.next_at <= now)
    return await _load(tx, query.limit(most), order=(signups.c.next_at, signups.c.number))


async def next_moment(tx: Tx) -> datetime | None:
    """When there is something to do next."""
    moment: datetime | None = await tx.scalar(
        sa.select(sa.func.min(signups.c.next_at)).where(signups.c.next_at.is_not(None))
    )
    return moment


async def _load(tx: Tx, query: sa.Select[Any], order: Sequence[sa.Column[Any]] = (signups.c.number,)) -> list[Signup]:
    rows = (await tx.execute(query.order_by(*order))).mappings().all()
    ids = [row["number"] for row in rows]
    slots: dict[int, list[Slot]] = {number: [] for number in ids}
    if ids:
        windows = sa.select(signup_slots).where(signup_slots.c.signup.in_(ids))
        for number, *slot in await tx.execute(windows.order_by(signup_slots.c.signup, signup_slots.c.slot)):
            slots[number].append(Slot(*slot))
    return [
        Signup(
            **{**row, "state": SignupState(row["state"]), "origin": Source(row["origin"])},
            slots=tuple(slots[row["number"]]),
        )
        for row in rows
    ]


async def update(tx: Tx, number: int, **fields: str | int | datetime | None) -> Signup:
    """Change title, place, starts, ends, deadline, state, closed_at, stage, next_at or who organises it."""
    values = {name: value.value if isinstance(value, StrEnum) else value for name, value in fields.items()}
    await tx.execute(sa.update(signups).where(signups.c.number == number).values(**values))
    return await _get(tx, number)


async def set_capacity(tx: Tx, number: int, capacity: int | None, at: datetime) -> None:
    """From then on the quota is this one. Nobody who is in loses a place by it. To be settled."""
    await tx.execute(sa.update(signups).where(signups.c.number == number).values(capacity=capacity))
    await steps.add(tx, number, None, at, capacity)


async def announced_by(tx: Tx, message: steps.Said) -> Signup | None:
    """The sign-up that a message announced."""
    table = signup_steps.c
    said = (table.account == message[0], table.message_id == message[1], table.seq.is_(None))
    number = await tx.scalar(sa.select(table.signup).where(*said).limit(1))
    return await get(tx, number) if number is not None else None
