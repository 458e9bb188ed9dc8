"""接龙: the copies of a list that a group writes together, and the rows that stand in them.

Every edit sends the whole list again, and two people at once fork it. So all copies of one sign-up are kept, as the
numbers of their rows; each row is kept once, as whose it is and how many come. Of its words there is a keyed digest, by
which it is known again, also when its name was erased.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.engine import Tx, purged, sealer_of
from storage.tables.neighbours import chain_copies, chain_lines

_PLACE = "chain_lines.digest"


@dataclass(frozen=True, slots=True)
class NewLine:
    """What a row says. `text` tells equal rows; it is not kept. `author` and `at` are from the wire."""

    text: str
    name: str
    building: str = ""
    heads: int = 1
    proxy: bool = False  # somebody else signed them up
    author: int | None = None
    at: datetime | None = None
    choice: str = ""  # the session it names


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is kept. `digest` is equal for equal words; `seq` the entry of the roster that it belongs to."""

    number: int
    digest: str
    name: str  # '' once it was erased
    building: str = ""
    heads: int = 1
    proxy: bool = False
    author: int | None = None
    at: datetime | None = None
    seq: int | None = None
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """One sending of the list. `rows` are numbers of lines, in order; `title` is a digest; `leads`: its sender answers
    for the group."""

    account: str
    message_id: str
    room_id: int
    sent_at: datetime
    sender: int
    title: str
    rows: tuple[int, ...]
    leads: bool = False


_LINE: sa.Select[Any] = sa.select(
    chain_lines.c.line,
    chain_lines.c.digest,
    chain_lines.c.name,
    chain_lines.c.building,
    chain_lines.c.heads,
    chain_lines.c.proxy,
    chain_lines.c.author_id,
    chain_lines.c.at,
    chain_lines.c.seq,
    chain_lines.c.choice,
)


def digest(tx: Tx, text: str) -> str:
    """The keyed digest of a row or of a title, as it is stored."""
    return sealer_of(tx).digests(_PLACE, text)[0].hex()


async def lines(tx: Tx, signup: int) -> list[Line]:
    """All rows that stood in a copy, by number."""
    query = _LINE.where(chain_lines.c.signup == signup).order_by(chain_lines.c.line)
    return [Line(*row) for row in await tx.execute(query)]


async def copies(tx: Tx, signup: int) -> list[Copy]:
    """All copies, by the time at which they were sent."""
    table = chain_copies.c
    query = sa.select(
        table.account,
        table.message_id,
        table.room_id,
        table.sent_at,
        table.person_id,
        table.title,
        table.rows,
        table.leads,
    )
    query = query.where(table.signup == signup).order_by(table.sent_at, table.account, table.message_id)
    return [Copy(*row[:6], tuple(json.loads(row[6])), row[7]) for row in await tx.execute(query)]


async def add_line(tx: Tx, signup: int, new: NewLine, known: Collection[Line]) -> Line:
    """The line of a row: the known one with these words and this author, else a new one. An erased one stays so."""
    forms = {form.hex() for form in sealer_of(tx).digests(_PLACE, new.text)}
    for line in known:
        if line.digest in forms and (line.author == new.author or not line.name):
            if new.at is not None and (line.at is None or new.at < line.at):
                one = (chain_lines.c.signup == signup, chain_lines.c.line == line.number)
                await tx.execute(sa.update(chain_lines).where(*one).values(at=new.at))
            return line
    number = max((line.number for line in known), default=0) + 1
    words = digest(tx, new.text)
    made = Line(number, words, new.name, new.building, new.heads, new.proxy, new.author, new.at, choice=new.choice)
    row: dict[str, Any] = {"name": made.name, "building": made.building, "heads": made.heads, "proxy": made.proxy}
    row |= {"choice": made.choice, "digest": made.digest, "author_id": made.author, "at": made.at}
    await tx.execute(sa.insert(chain_lines).values(signup=signup, line=number, **row))
    return made


async def add_copy(tx: Tx, signup: int, copy: Copy) -> None:
    """Keep one sending of the list."""
    row: dict[str, Any] = {"account": copy.account, "message_id": copy.message_id, "room_id": copy.room_id}
    row |= {"sent_at": copy.sent_at, "person_id": copy.sender, "title": copy.title}
    row |= {"rows": json.dumps(copy.rows, separators=(",", ":")), "leads": copy.leads}
    await tx.execute(sa.insert(chain_copies).values(signup=signup, **row))


async def take_back(tx: Tx, account: str, message_id: str) -> int | None:
    """Forget the copy that was sent with this message; the number of its sign-up, None where it was no copy."""
    gone = sa.delete(chain_copies).where(chain_copies.c.account == account, chain_copies.c.message_id == message_id)
    number: int | None = await tx.scalar(gone.returning(chain_copies.c.signup))
    if number is not None:
        purged(tx)
    return number


async def link(tx: Tx, signup: int, seq: int | None, numbers: Collection[int]) -> None:
    """These rows belong to that entry of the roster."""
    of = sa.update(chain_lines).where(chain_lines.c.signup == signup, chain_lines.c.line.in_(numbers))
    await tx.execute(of.values(seq=seq))


async def rooms_of(tx: Tx, signup: int) -> list[int]:
    """The rooms in which copies of it were sent."""
    query = sa.select(chain_copies.c.room_id).where(chain_copies.c.signup == signup).distinct()
    return sorted(await tx.scalars(query))


async def titled(tx: Tx, title: str, but: int) -> list[int]:
    """The sign-ups of whose list a copy under this title was sent in another room, by number. `title` is a digest."""
    query = sa.select(chain_copies.c.signup).where(chain_copies.c.title == title, chain_copies.c.room_id != but)
    return sorted(set(await tx.scalars(query)))


async def in_room(tx: Tx, room_id: int) -> list[tuple[int, datetime, set[str]]]:
    """The sign-ups of which copies were sent in a room: number, when the last copy was sent, digests of the titles."""
    query = sa.select(chain_copies.c.signup, chain_copies.c.title, sa.func.max(chain_copies.c.sent_at))
    query = query.where(chain_copies.c.room_id == room_id)
    found: dict[int, tuple[datetime, set[str]]] = {}
    for number, title, last in await tx.execute(query.group_by(chain_copies.c.signup, chain_copies.c.title)):
        before, titles = found.get(number, (last, set()))
        found[number] = (max(before, last), titles | {title})
    return [(number, last, titles) for number, (last, titles) in sorted(found.items())]
