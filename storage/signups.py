"""Sign-ups `H`: activities, their time windows and their rosters; one roster for 接龙 and 报名.

What is said of a roster is a step with its time; `settle` works out from all of them who is in (storage/places.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import grids, numbers, places
from storage.engine import Tx, purged, sealer_of
from storage.tables.neighbours import chain_copies, chain_lines, signup_entries, signup_slots, signup_steps, signups

_PHONE = "signup_entries.phone"
_PURGED = 500  # activities at a time
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
    forgotten_at: datetime | None = None  # nobody knows any more who came

    @property
    def id(self) -> str:
        """The id people type: `H12`."""
        return f"H{self.number}"

    @property
    def open(self) -> bool:
        return self.state is SignupState.OPEN


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a roster. `heads` are those that are in, or for one who waits or cancelled those that it wanted;
    `wanted` may be more where a party has grown beyond the quota."""

    signup: int
    seq: int
    person_id: int | None  # who comes; None for somebody known by a name only
    by_id: int | None  # who signed them up
    name: str
    building: str  # 3栋, or ''
    source: Source
    room_id: int | None
    position: int  # the row of a 接龙; 0 for a command
    signed_at: datetime
    heads: int
    wanted: int
    state: EntryState
    slot: int | None = None
    attended_at: datetime | None = None

    @property
    def active(self) -> bool:
        return self.state is not EntryState.CANCELLED


Said = tuple[str, str]  # account and message id


@dataclass(frozen=True, slots=True)
class Undo:
    """What an entry was before a message changed it: `heads` and `slot`, 0 where it was cancelled; `new` where there
    was none."""

    signup: int
    seq: int
    heads: int
    slot: int | None
    new: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """What settling changed of an entry that was there before."""

    before: Entry
    after: Entry


_SIGNUP = sa.select(signups)
_ENTRY = sa.select(*(column for column in signup_entries.c if column.name != "phone"))


# --- activities ---
async def create(
    tx: Tx, new: NewSignup, at: datetime, next_at: datetime | None = None, *, message: Said | None = None
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
        await _step(tx, number, None, _FROM_THE_START, new.capacity, message=message)
    return await _get(tx, number)


async def _set_slots(tx: Tx, number: int, slots: Sequence[Slot], message: Said | None) -> None:
    for slot in slots:
        row = {"slot": slot.slot, "starts": slot.starts, "ends": slot.ends, "capacity": slot.capacity}
        await tx.execute(sa.insert(signup_slots).values(signup=number, **row))
        await _step(tx, number, None, _FROM_THE_START, slot.capacity, slot=slot.slot, message=message)


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
    """Those that were announced in a room, or for all groups of a scope that its grid lies in, by number."""
    wide = sa.and_(signups.c.room_id.is_(None), signups.c.grid.in_(grids.prefixes(grid))) if grid else sa.false()
    query = _SIGNUP.where(sa.or_(signups.c.room_id == room_id, wide))
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
    """Change title, place, starts, ends, deadline, state, closed_at, stage or next_at."""
    values = {name: value.value if isinstance(value, StrEnum) else value for name, value in fields.items()}
    await tx.execute(sa.update(signups).where(signups.c.number == number).values(**values))
    return await _get(tx, number)


async def set_capacity(tx: Tx, number: int, capacity: int | None, at: datetime) -> None:
    """From then on the quota is this one. Nobody who is in loses a place by it. To be settled."""
    await tx.execute(sa.update(signups).where(signups.c.number == number).values(capacity=capacity))
    await _step(tx, number, None, at, capacity)


# --- rosters ---
async def entries(tx: Tx, number: int) -> list[Entry]:
    """The roster, cancelled entries too, in the order of signing."""
    order = (signup_entries.c.signed_at, signup_entries.c.position, signup_entries.c.seq)
    return await _entries(tx, _ENTRY.where(signup_entries.c.signup == number).order_by(*order))


async def of(tx: Tx, number: int, person_id: int) -> Entry | None:
    """Somebody's own entry, a cancelled one too."""
    query = _ENTRY.where(signup_entries.c.signup == number, signup_entries.c.person_id == person_id)
    found = await _entries(tx, query)
    return found[0] if found else None


async def _entries(tx: Tx, query: sa.Select[Any]) -> list[Entry]:
    return [
        Entry(**{**row, "source": Source(row["source"]), "state": EntryState(row["state"])})
        for row in (await tx.execute(query)).mappings()
    ]


async def phones(tx: Tx, number: int) -> dict[int, str]:
    """The phone numbers that were given for a roster, opened, by `seq`: for those who may see them."""
    query = sa.select(signup_entries.c.seq, signup_entries.c.phone)
    given = query.where(signup_entries.c.signup == number, signup_entries.c.phone.is_not(None))
    return {seq: sealer_of(tx).open(_PHONE, phone) for seq, phone in await tx.execute(given)}


async def sign(
    tx: Tx,
    number: int,
    *,
    name: str,
    heads: int,
    at: datetime,
    person_id: int | None = None,
    by_id: int | None = None,
    building: str = "",
    slot: int | None = None,
    source: Source = Source.COMMAND,
    room_id: int | None = None,
    position: int = 0,
    message: Said | None = None,
) -> int:
    """A new entry, said at that time; its `seq`. To be settled. A person who has one already is `change`d instead."""
    of_this = signup_entries.c.signup == number
    seq = (await tx.scalar(sa.select(sa.func.coalesce(sa.func.max(signup_entries.c.seq), 0)).where(of_this)) or 0) + 1
    row = {
        "signup": number,
        "seq": seq,
        "person_id": person_id,
        "by_id": by_id,
        "name": name,
        "building": building,
        "source": source.value,
        "room_id": room_id,
        "position": position,
        "signed_at": at,
        "heads": heads,
        "wanted": heads,
        "state": EntryState.WAITING.value,
        "slot": slot,
    }
    await tx.execute(sa.insert(signup_entries).values(row))
    await _step(tx, number, seq, at, heads, slot=slot, position=position, message=message)
    return seq


async def said_at(tx: Tx, number: int, at: datetime) -> datetime:
    """The time that a command counts from: its own, but never before what has been settled already, so that nobody who
    was told that they are in loses the place to a message that was late."""
    latest = await tx.scalar(sa.select(sa.func.max(signup_steps.c.at)).where(signup_steps.c.signup == number))
    return at if latest is None else max(at, latest)


async def change(
    tx: Tx,
    number: int,
    seq: int,
    heads: int,
    *,
    at: datetime,
    slot: int | None = None,
    position: int = 0,
    message: Said | None = None,
) -> None:
    """From then on the entry wants so many places (0: it is cancelled; more than 0 after that: it is signed anew), in
    that slot. To be settled."""
    await _step(tx, number, seq, at, heads, slot=slot, position=position, message=message)


async def said_by(tx: Tx, message: Said) -> list[Undo]:
    """The entries that a message signed or changed; what it cancelled is not among them."""
    table = signup_steps.c
    query = sa.select(table.signup, table.seq, table.id).where(
        table.account == message[0], table.message_id == message[1], table.seq.is_not(None), table.heads > 0
    )
    found = []
    for number, seq, id_ in (await tx.execute(query.order_by(table.id))).all():
        earlier = sa.select(table.heads, table.slot).where(table.signup == number, table.seq == seq, table.id < id_)
        before = (await tx.execute(earlier.order_by(table.id.desc()).limit(1))).one_or_none()
        heads, slot = (0, None) if before is None else before
        found.append(Undo(number, seq, heads or 0, slot, new=before is None))
    return found


async def announced_by(tx: Tx, message: Said) -> Signup | None:
    """The sign-up that a message announced."""
    table = signup_steps.c
    said = (table.account == message[0], table.message_id == message[1], table.seq.is_(None))
    number = await tx.scalar(sa.select(table.signup).where(*said).limit(1))
    return await get(tx, number) if number is not None else None


async def stated(tx: Tx, number: int) -> dict[int, list[tuple[datetime, int, int]]]:
    """What the 接龙 of a sign-up says of each entry by now, as `restate` writes it, by `seq`."""
    table = signup_steps.c
    query = sa.select(table.seq, table.at, table.heads, table.position)
    query = query.where(table.signup == number, table.seq.is_not(None), table.position > 0).order_by(table.id)
    found: dict[int, list[tuple[datetime, int, int]]] = {}
    for seq, at, heads, position in await tx.execute(query):
        found.setdefault(seq, []).append((at, heads, position))
    return found


async def restate(tx: Tx, number: int, seq: int, said: Sequence[tuple[datetime, int, int]]) -> None:
    """What a 接龙 says of an entry, in place of what it said before: when, how many places, in which row (from 1). What
    commands said stays. To be settled."""
    table = signup_steps.c
    mine = (table.signup == number, table.seq == seq, table.position > 0)
    await tx.execute(sa.delete(signup_steps).where(*mine))
    for at, heads, position in said:
        await _step(tx, number, seq, at, heads, position=position)


async def discard(tx: Tx, number: int, seq: int, into: int | None = None) -> None:
    """An entry of a 接龙 is none any more, or the same as another one, to which goes what commands said of it. With
    nothing left that was said of it, it goes. To be settled."""
    await restate(tx, number, seq, ())
    said = (signup_steps.c.signup == number, signup_steps.c.seq == seq)
    if into is not None:
        await tx.execute(sa.update(signup_steps).where(*said).values(seq=into))
    if not await tx.scalar(sa.select(sa.func.count()).select_from(signup_steps).where(*said)):
        one = (signup_entries.c.signup == number, signup_entries.c.seq == seq)
        await tx.execute(sa.delete(signup_entries).where(*one))


async def _step(
    tx: Tx,
    number: int,
    seq: int | None,
    at: datetime,
    heads: int | None,
    *,
    slot: int | None = None,
    position: int = 0,
    message: Said | None = None,
) -> None:
    account, message_id = message if message is not None else (None, None)
    row: dict[str, Any] = {"seq": seq, "at": at, "heads": heads, "slot": slot, "position": position}
    row |= {"account": account, "message_id": message_id}
    await tx.execute(sa.insert(signup_steps).values(signup=number, **row))


async def note(tx: Tx, number: int, seq: int, **fields: str | int | datetime | None) -> None:
    """Change name, building, person_id, by_id or attended_at of an entry: what no place depends on but the order of
    rows of one 接龙 that were signed at the same moment."""
    await _keep(tx, number, seq, fields)


async def give_phone(tx: Tx, number: int, seq: int, phone: str) -> None:
    """Keep the phone number of an entry, sealed."""
    await _keep(tx, number, seq, {"phone": sealer_of(tx).seal(_PHONE, phone)})


async def _keep(tx: Tx, number: int, seq: int, fields: Mapping[str, Any]) -> None:
    one = (signup_entries.c.signup == number, signup_entries.c.seq == seq)
    await tx.execute(sa.update(signup_entries).where(*one).values(**fields))


async def settle(tx: Tx, number: int) -> list[Moved]:
    """Work out who is in from all that was said so far, and keep it. Returns the entries whose state, heads or slot it
    changed, in the order of signing; of an entry that is new `before` is as `sign` wrote it, waiting."""
    before = {entry.seq: entry for entry in await entries(tx, number)}
    table = signup_steps.c
    query = sa.select(table.id, table.at, table.seq, table.heads, table.slot, table.position)
    said = [
        places.Step(*row, name=before[row.seq].name if row.seq is not None else "")
        for row in await tx.execute(query.where(table.signup == number))
    ]
    moved = []
    for seq, seat in places.seat(said).items():
        entry = before[seq]
        state, (heads, wanted) = EntryState.CANCELLED, seat.left or (entry.heads, entry.wanted)
        if seat.wanted:
            state = EntryState.CONFIRMED if seat.granted else EntryState.WAITING
            heads, wanted = seat.granted or seat.wanted, seat.wanted
        signed_at = seat.signed_at or entry.signed_at
        after = replace(entry, state=state, heads=heads, wanted=wanted, slot=seat.slot, signed_at=signed_at)
        if after != entry:
            values = {"heads": heads, "wanted": wanted, "slot": seat.slot, "signed_at": signed_at}
            await _keep(tx, number, seq, {"state": state.value, **values})
            moved.append(Moved(entry, after))
    return moved


# --- what goes again ---
async def numbers_of(tx: Tx, person_ids: Collection[int]) -> list[int]:
    """The sign-ups in which these people are, or have signed somebody up, by number."""
    query = sa.select(signup_entries.c.signup).where(
        sa.or_(signup_entries.c.person_id.in_(person_ids), signup_entries.c.by_id.in_(person_ids))
    )
    return sorted(set(await tx.scalars(query)))


async def forget(tx: Tx, person_id: int) -> None:
    """Somebody's entries stay as heads without name, building and phone; so do those of whom they signed up, but for
    whoever has a record of their own."""
    own = signup_entries.c.person_id == person_id
    alone = sa.and_(signup_entries.c.by_id == person_id, signup_entries.c.person_id.is_(None))
    row_of = (signup_entries.c.signup == chain_lines.c.signup, signup_entries.c.seq == chain_lines.c.seq)
    written = sa.or_(sa.exists().where(*row_of, sa.or_(own, alone)), chain_lines.c.author_id == person_id)
    await tx.execute(sa.update(chain_lines).where(written).values(name="", building="", author_id=None))
    nameless = {"name": "", "building": "", "phone": None}
    step_of = (signup_entries.c.signup == signup_steps.c.signup, signup_entries.c.seq == signup_steps.c.seq)
    said = sa.exists().where(*step_of, sa.or_(own, signup_entries.c.by_id == person_id))
    await tx.execute(sa.update(signup_steps).where(said).values(account=None, message_id=None))
    await tx.execute(sa.update(signup_entries).where(sa.or_(own, alone)).values(**nameless))
    await tx.execute(sa.update(signup_entries).where(own).values(person_id=None))
    await tx.execute(sa.update(signup_entries).where(signup_entries.c.by_id == person_id).values(by_id=None))
    purged(tx)


async def blank(tx: Tx, number: int, seq: int) -> None:
    """An entry stays without name, building and phone."""
    await _keep(tx, number, seq, {"name": "", "building": "", "phone": None})
    purged(tx)


async def purge(tx: Tx, before: datetime, at: datetime) -> list[int]:
    """Forget who came to activities that ended before then, and the copies of their 接龙; the ids of whoever stood in
    them. The number of heads stays."""
    over = sa.func.coalesce(signups.c.ends, signups.c.starts, signups.c.closed_at, signups.c.created_at)
    last = sa.select(sa.func.max(sa.func.coalesce(signup_slots.c.ends, signup_slots.c.starts)))
    last_slot = last.where(signup_slots.c.signup == signups.c.number).scalar_subquery()
    ended = sa.func.coalesce(last_slot, over) < before
    old = list(
        await tx.scalars(sa.select(signups.c.number).where(signups.c.forgotten_at.is_(None), ended).limit(_PURGED))
    )
    if not old:
        return []
    named = (
        (signups.c.number, signups.c.organiser_id),
        (signup_entries.c.signup, signup_entries.c.person_id),
        (signup_entries.c.signup, signup_entries.c.by_id),
        (chain_copies.c.signup, chain_copies.c.person_id),
        (chain_lines.c.signup, chain_lines.c.author_id),
    )
    who = sa.union(*(sa.select(person).where(of.in_(old), person.is_not(None)) for of, person in named))
    stood = list(await tx.scalars(who))
    values = {"name": "", "building": "", "phone": None, "person_id": None, "by_id": None}
    await tx.execute(sa.update(signup_entries).where(signup_entries.c.signup.in_(old)).values(**values))
    unsaid = sa.update(signup_steps).where(signup_steps.c.signup.in_(old))
    await tx.execute(unsaid.values(account=None, message_id=None))
    for table in (chain_copies, chain_lines):
        await tx.execute(sa.delete(table).where(table.c.signup.in_(old)))
    await tx.execute(sa.update(signups).where(signups.c.number.in_(old)).values(heading="", forgotten_at=at))
    purged(tx)
    return stood
