"""The rosters of sign-ups: who comes, with how many; one for 接龙 and 报名.

What is said of a roster is a step with its time (signup_steps.py); `settle` works out from all of them who is in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import places
from storage import signup_steps as steps
from storage.engine import Tx, purged, sealer_of
from storage.signups import EntryState, Source
from storage.tables.neighbours import chain_copies, chain_lines, signup_entries, signup_slots, signup_steps, signups

_PHONE = "signup_entries.phone"
_PURGED = 500  # activities at a time


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
    choice: str = ""  # the session that their row of a 接龙 names: 上午场, 第2场

    @property
    def active(self) -> bool:
        return self.state is not EntryState.CANCELLED


@dataclass(frozen=True, slots=True)
class Moved:
    """What settling changed of an entry that was there before."""

    before: Entry
    after: Entry


_ENTRY = sa.select(*(column for column in signup_entries.c if column.name != "phone"))


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
    choice: str = "",
    message: steps.Said | None = None,
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
        "choice": choice,
    }
    await tx.execute(sa.insert(signup_entries).values(row))
    await steps.add(tx, number, seq, at, heads, slot=slot, position=position, message=message)
    return seq


async def discard(tx: Tx, number: int, seq: int, into: int | None = None) -> None:
    """An entry of a 接龙 is none any more, or the same as another one, to which goes what commands said of it. With
    nothing left that was said of it, it goes. To be settled."""
    await steps.restate(tx, number, seq, ())
    said = (signup_steps.c.signup == number, signup_steps.c.seq == seq)
    if into is not None:
        await tx.execute(sa.update(signup_steps).where(*said).values(seq=into))
    if not await tx.scalar(sa.select(sa.func.count()).select_from(signup_steps).where(*said)):
        one = (signup_entries.c.signup == number, signup_entries.c.seq == seq)
        await tx.execute(sa.delete(signup_entries).where(*one))


async def note(tx: Tx, number: int, seq: int, **fields: str | int | datetime | None) -> None:
    """Change name, building, choice, person_id, by_id or attended_at of an entry: what no place depends on but the
    order of rows of one 接龙 that were signed at the same moment."""
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
    """Somebody's entries stay as heads without name, building, session and phone; so do those of whom they signed up,
    but for whoever has a record of their own."""
    own = signup_entries.c.person_id == person_id
    alone = sa.and_(signup_entries.c.by_id == person_id, signup_entries.c.person_id.is_(None))
    row_of = (signup_entries.c.signup == chain_lines.c.signup, signup_entries.c.seq == chain_lines.c.seq)
    written = sa.or_(sa.exists().where(*row_of, sa.or_(own, alone)), chain_lines.c.author_id == person_id)
    await tx.execute(sa.update(chain_lines).where(written).values(name="", building="", choice="", author_id=None))
    nameless = {"name": "", "building": "", "choice": "", "phone": None}
    step_of = (signup_entries.c.signup == signup_steps.c.signup, signup_entries.c.seq == signup_steps.c.seq)
    said = sa.exists().where(*step_of, sa.or_(own, signup_entries.c.by_id == person_id))
    await tx.execute(sa.update(signup_steps).where(said).values(account=None, message_id=None))
    await tx.execute(sa.update(signup_entries).where(sa.or_(own, alone)).values(**nameless))
    await tx.execute(sa.update(signup_entries).where(own).values(person_id=None))
    await tx.execute(sa.update(signup_entries).where(signup_entries.c.by_id == person_id).values(by_id=None))
    purged(tx)


async def blank(tx: Tx, number: int, seq: int) -> None:
    """An entry stays without name, building, session and phone."""
    await _keep(tx, number, seq, {"name": "", "building": "", "choice": "", "phone": None})
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
    values = {"name": "", "building": "", "choice": "", "phone": None, "person_id": None, "by_id": None}
    await tx.execute(sa.update(signup_entries).where(signup_entries.c.signup.in_(old)).values(**values))
    unsaid = sa.update(signup_steps).where(signup_steps.c.signup.in_(old))
    await tx.execute(unsaid.values(account=None, message_id=None))
    for table in (chain_copies, chain_lines):
        await tx.execute(sa.delete(table).where(table.c.signup.in_(old)))
    await tx.execute(sa.update(signups).where(signups.c.number.in_(old)).values(heading="", forgotten_at=at))
    purged(tx)
    return stood
