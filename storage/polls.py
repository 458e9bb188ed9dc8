"""议事: opinion polls. One vote a person, changed until the poll is closed; then only the counts are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import numbers
from storage.engine import Tx, insert, purged
from storage.tables.deliberation import polls, votes
from storage.topics import SEQUENCE


class CountedIn(StrEnum):
    """In what the leader counted who may vote."""

    PEOPLE = "people"
    HOUSEHOLDS = "households"


@dataclass(frozen=True, slots=True)
class Poll:
    """`entitled` is None where nobody said how many may vote; `result` counts each option once the poll is closed."""

    number: int
    grid: str
    room_id: int
    person_id: int
    title: str
    options: tuple[str, ...]
    entitled: int | None
    counted_in: CountedIn
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None = None
    result: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The id people type: `V2`."""
        return f"V{self.number}"


_FIELDS = (
    "number", "grid", "room_id", "person_id", "title", "options", "entitled", "counted_in", "opened_at", "closes_at",
    "closed_at", "result",
)  # fmt: skip
_POLL = sa.select(*(polls.c[name] for name in _FIELDS))
_OPEN = polls.c.closed_at.is_(None)


def _poll(row: sa.Row[Any]) -> Poll:
    values = row._asdict()
    counts = tuple(json.loads(values.pop("result") or "[]"))
    return Poll(**{**values, "counted_in": CountedIn(values["counted_in"])}, result=counts)


async def start(
    tx: Tx,
    *,
    grid: str,
    room_id: int,
    person_id: int,
    title: str,
    options: Sequence[str],
    entitled: int | None,
    counted_in: CountedIn,
    at: datetime,
    closes_at: datetime,
) -> Poll:
    """A new poll of one room."""
    number = await numbers.next_of(tx, SEQUENCE)
    poll = Poll(number, grid, room_id, person_id, title, tuple(options), entitled, counted_in, at, closes_at)
    values = {name: getattr(poll, name) for name in _FIELDS} | {"result": "", "counted_in": counted_in.value}
    await tx.execute(sa.insert(polls).values(values))
    return poll


async def get(tx: Tx, number: int) -> Poll | None:
    """The poll with this number."""
    row = (await tx.execute(_POLL.where(polls.c.number == number))).one_or_none()
    return None if row is None else _poll(row)


async def open_in_room(tx: Tx, room_id: int) -> list[Poll]:
    """The open polls of a room, the oldest first."""
    return [_poll(row) for row in await tx.execute(_POLL.where(polls.c.room_id == room_id, _OPEN).order_by("number"))]


async def due(tx: Tx, now: datetime) -> list[Poll]:
    """The open polls whose time is over."""
    return [_poll(row) for row in await tx.execute(_POLL.where(polls.c.closes_at <= now, _OPEN).order_by("number"))]


async def vote(
    tx: Tx, number: int, person_id: int, choice: int, at: datetime, said: tuple[str, str] | None = None
) -> int | None:
    """The person's vote is this one from now on; `said` is the account and id of the message. Returns the one it was
    before, 0 for a first vote, None and no vote where the poll is closed."""
    still = sa.select(polls.c.number).where(polls.c.number == number, _OPEN).with_for_update()
    if await tx.scalar(still) is None:
        return None
    mine = (votes.c.poll == number, votes.c.person_id == person_id)
    before: int | None = await tx.scalar(sa.select(votes.c.choice).where(*mine))
    account, message_id = said or (None, None)
    latest = {"choice": choice, "at": at, "account": account, "message_id": message_id}
    cast = insert(tx, votes).values(poll=number, person_id=person_id, **latest)
    await tx.execute(cast.on_conflict_do_update(index_elements=["poll", "person_id"], set_=latest))
    return before or 0


async def unvote(tx: Tx, number: int, person_id: int) -> bool:
    """The person's vote goes; False where there was none."""
    mine = (votes.c.poll == number, votes.c.person_id == person_id)
    return (await tx.execute(sa.delete(votes).where(*mine))).rowcount == 1


async def recall(tx: Tx, person_id: int, said: tuple[str, str]) -> list[int]:
    """What the person voted by this message goes; the numbers of the polls. A later vote of theirs stands."""
    mine = (votes.c.person_id == person_id, votes.c.account == said[0], votes.c.message_id == said[1])
    return list(await tx.scalars(sa.delete(votes).where(*mine).returning(votes.c.poll)))


async def take_back(tx: Tx, person_id: int) -> None:
    """Somebody is erased: their votes in open polls go."""
    await tx.execute(sa.delete(votes).where(votes.c.person_id == person_id))
    purged(tx)


async def counts(tx: Tx, poll: Poll) -> tuple[int, ...]:
    """How many chose each option, in their order."""
    if poll.closed_at is not None:
        return poll.result
    query = sa.select(votes.c.choice, sa.func.count().label("cast")).where(votes.c.poll == poll.number)
    found = {row.choice: row.cast for row in await tx.execute(query.group_by(votes.c.choice))}
    return tuple(found.get(choice, 0) for choice in range(1, len(poll.options) + 1))


async def close(tx: Tx, poll: Poll, at: datetime) -> tuple[tuple[int, ...], list[int]] | None:
    """Count and close; who voted what is forgotten. The counts of its options, and the ids of those who voted; None
    where it was closed already."""
    counted = await counts(tx, poll)
    statement = sa.update(polls).where(polls.c.number == poll.number, _OPEN)
    statement = statement.values(closed_at=at, result=json.dumps(counted))
    if (await tx.execute(statement)).rowcount != 1:
        return None
    voters = await tx.scalars(sa.delete(votes).where(votes.c.poll == poll.number).returning(votes.c.person_id))
    purged(tx)
    return counted, list(voters)


async def voted_in(tx: Tx, person_id: int) -> list[int]:
    """The numbers of the open polls in which somebody has voted, in order."""
    return list(await tx.scalars(sa.select(votes.c.poll).where(votes.c.person_id == person_id).order_by(votes.c.poll)))
