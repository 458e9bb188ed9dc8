"""What was said of a sign-up: from a moment on an entry wants so many places, or the quota is another one.

Who is in follows from these steps (storage/places.py), whatever the order in which they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx
from storage.tables.neighbours import signup_steps

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


async def add(
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
    """A step, as `Step` of storage/places.py has it; `message`: the one that said so. To be settled."""
    account, message_id = message if message is not None else (None, None)
    row: dict[str, Any] = {"seq": seq, "at": at, "heads": heads, "slot": slot, "position": position}
    row |= {"account": account, "message_id": message_id}
    await tx.execute(sa.insert(signup_steps).values(signup=number, **row))


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
    await add(tx, number, seq, at, heads, slot=slot, position=position, message=message)


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
        await add(tx, number, seq, at, heads, position=position)
