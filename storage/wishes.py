"""Micro-wishes `X`: wish → review → published → claimed by the first → done; those after the first stand in line.

Who was first is decided by a conditional UPDATE, so that of many at once exactly one is it. Texts are masked by then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import grids, numbers
from storage.engine import Tx, insert, purged
from storage.tables.neighbours import WORDED, wish_line, wishes


class WishState(StrEnum):
    PENDING = "pending"  # 待审核
    PUBLISHED = "published"  # 已发布
    CLAIMED = "claimed"  # 已认领
    DONE = "done"  # 已完成
    REJECTED = "rejected"  # 已驳回
    WITHDRAWN = "withdrawn"  # 已撤回


OPEN = frozenset({WishState.PUBLISHED, WishState.CLAIMED})
UNFINISHED = OPEN | {WishState.PENDING}


@dataclass(frozen=True, slots=True)
class Wish:
    number: int
    state: WishState
    text: str  # as it was wished for, masked; '' once it is erased
    public: str  # as it is published, '' before
    grid: str
    scope: str | None  # published in the groups of this grid prefix; None: in `room_id` alone
    room_id: int | None  # the group it was wished in; None in private
    person_id: int | None  # who wished it; None once they are erased
    account: str
    message_id: str
    filed_at: datetime
    reviewer_id: int | None = None
    reviewed_at: datetime | None = None
    review_id: str | None = None  # the message that published it
    reason: str = ""  # why it was rejected
    claimed_by: int | None = None
    claimed_at: datetime | None = None
    claim_room_id: int | None = None  # where it was claimed; None in private
    anonymous: bool = False  # the giver is not to be named
    release_at: datetime | None = None  # when the claim ends by itself
    rounds: int = 0  # how often it went from one to the next
    done_at: datetime | None = None
    photo_id: str | None = None  # the id of the message that shows it done
    claim_account: str | None = None  # the message that claimed it
    claim_id: str | None = None

    @property
    def id(self) -> str:
        """The id people type: `X5`."""
        return f"X{self.number}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody in line for a wish."""

    wish: int
    person_id: int
    room_id: int | None
    anonymous: bool
    joined_at: datetime
    account: str | None = None  # the message by which they do
    message_id: str | None = None


_FIELDS = tuple(Wish.__dataclass_fields__)
_COLUMNS = tuple(wishes.c[name] for name in _FIELDS)
_WISH = sa.select(*_COLUMNS)
_LINE = sa.select(*(wish_line.c[name] for name in Waiting.__dataclass_fields__))
_CHANGEABLE = frozenset(_FIELDS) - {"number", "state", "filed_at"}
_FREE: dict[str, Any] = {
    "claimed_by": None,
    "claimed_at": None,
    "claim_room_id": None,
    "anonymous": False,
    "release_at": None,
    "claim_account": None,
    "claim_id": None,
}


def _made(row: sa.Row[Any]) -> Wish:
    number, state, *rest = tuple(row)
    return Wish(number, WishState(state), *rest)


def _wish(row: sa.Row[Any] | None) -> Wish | None:
    return None if row is None else _made(row)


async def file(
    tx: Tx,
    *,
    text: str,
    grid: str,
    room_id: int | None,
    person_id: int,
    account: str,
    message_id: str,
    at: datetime,
) -> Wish:
    """A new wish with the next number, waiting for its review."""
    row = {
        "number": await numbers.next_of(tx, "wishes"),
        "state": WishState.PENDING,
        "text": text,
        "public": "",
        "grid": grid,
        "room_id": room_id,
        "person_id": person_id,
        "account": account,
        "message_id": message_id,
        "filed_at": at,
        "reason": "",
        "anonymous": False,
        "rounds": 0,
    }
    return _made((await tx.execute(sa.insert(wishes).values(row).returning(*_COLUMNS))).one())


async def get(tx: Tx, number: int) -> Wish | None:
    """The wish with this number."""
    return _wish((await tx.execute(_WISH.where(wishes.c.number == number))).one_or_none())


async def move(tx: Tx, number: int, expect: Collection[WishState], to: WishState, **fields: Any) -> Wish | None:  # noqa: ANN401
    """Change its state and fields of `Wish`; None, and nothing changed, where it is in none of the expected states:
    somebody was faster. Raises TypeError for a field that there is not."""
    if unknown := fields.keys() - _CHANGEABLE:
        raise TypeError(f"no such field of a wish: {', '.join(sorted(unknown))}")
    here = (wishes.c.number == number, wishes.c.state.in_(expect))
    statement = sa.update(wishes).where(*here).values(state=to, **fields).returning(*_COLUMNS)
    return _wish((await tx.execute(statement)).one_or_none())


async def claim(
    tx: Tx,
    number: int,
    person_id: int,
    *,
    room_id: int | None,
    anonymous: bool,
    at: datetime,
    release_at: datetime,
    said: tuple[str | None, str | None] = (None, None),
) -> Wish | None:
    """The wish, now this person's; None for everybody but the first. `said` is the account and id of the message."""
    first = (wishes.c.number == number, wishes.c.state == WishState.PUBLISHED, wishes.c.claimed_by.is_(None))
    values = {
        "state": WishState.CLAIMED,
        "claimed_by": person_id,
        "claimed_at": at,
        "claim_room_id": room_id,
        "anonymous": anonymous,
        "release_at": release_at,
        "claim_account": said[0],
        "claim_id": said[1],
    }
    return _wish((await tx.execute(sa.update(wishes).where(*first).values(values).returning(*_COLUMNS))).one_or_none())


async def release(tx: Tx, number: int, person_id: int) -> Wish | None:
    """The claim of this person ends: the wish is published again, one round later. None where it is not theirs."""
    here = (wishes.c.number == number, wishes.c.state == WishState.CLAIMED, wishes.c.claimed_by == person_id)
    free = {**_FREE, "state": WishState.PUBLISHED, "rounds": wishes.c.rounds + 1}
    return _wish((await tx.execute(sa.update(wishes).where(*here).values(free).returning(*_COLUMNS))).one_or_none())


# --- the line ---
async def line_up(
    tx: Tx,
    number: int,
    person_id: int,
    *,
    room_id: int | None,
    anonymous: bool,
    at: datetime,
    said: tuple[str | None, str | None] = (None, None),
) -> tuple[int, bool]:
    """Their place behind whoever has it, from 1, and whether it is a new one."""
    row = {"wish": number, "person_id": person_id, "room_id": room_id, "anonymous": anonymous, "joined_at": at}
    count = sa.select(sa.func.coalesce(sa.func.max(wish_line.c.place), 0) + 1).where(wish_line.c.wish == number)
    statement = insert(tx, wish_line).values(**row, place=count.scalar_subquery())
    statement = statement.values(account=said[0], message_id=said[1])
    new = await tx.execute(statement.on_conflict_do_nothing(index_elements=["wish", "person_id"]))
    line = [one.person_id for one in await waiting(tx, number)]
    return line.index(person_id) + 1, new.rowcount == 1


async def waiting(tx: Tx, number: int) -> list[Waiting]:
    """Who stands in line, the next one first."""
    query = _LINE.where(wish_line.c.wish == number).order_by(wish_line.c.place)
    return [Waiting(*row) for row in await tx.execute(query)]


async def leave_line(tx: Tx, number: int, person_id: int) -> bool:
    """They stand in line no more; False where they did not."""
    mine = (wish_line.c.wish == number, wish_line.c.person_id == person_id)
    return (await tx.execute(sa.delete(wish_line).where(*mine))).rowcount == 1


async def recall_place(tx: Tx, person_id: int, said: tuple[str, str]) -> list[int]:
    """They stand in line no more where this message put them; the numbers of the wishes."""
    mine = (wish_line.c.person_id == person_id, wish_line.c.account == said[0], wish_line.c.message_id == said[1])
    return list(await tx.scalars(sa.delete(wish_line).where(*mine).returning(wish_line.c.wish)))


async def clear_line(tx: Tx, number: int) -> None:
    """Nobody can have it any more."""
    await tx.execute(sa.delete(wish_line).where(wish_line.c.wish == number))


# --- looking ---
async def open_in(tx: Tx, room_id: int, grid: str | None) -> list[Wish]:
    """What is published in this group and not done, oldest first."""
    here = sa.and_(wishes.c.scope.is_(None), wishes.c.room_id == room_id)
    wide = wishes.c.scope.in_(grids.prefixes(grid or ""))
    query = _WISH.where(wishes.c.state.in_(OPEN), sa.or_(here, wide)).order_by(wishes.c.number)
    return [_made(row) for row in await tx.execute(query)]


async def pending(tx: Tx, scopes: Collection[str]) -> list[Wish]:
    """What waits for review within the scopes, or around them where it is not known more exactly; oldest first."""
    inside = [grids.within(wishes.c.grid, scope) for scope in scopes]
    inside += [wishes.c.grid.in_(grids.prefixes(scope)) for scope in scopes]
    query = _WISH.where(wishes.c.state == WishState.PENDING, sa.or_(sa.false(), *inside))
    return [_made(row) for row in await tx.execute(query.order_by(wishes.c.number))]


async def held(tx: Tx, person_id: int) -> list[Wish]:
    """What this person has claimed and not done yet, oldest first."""
    query = _WISH.where(wishes.c.claimed_by == person_id, wishes.c.state == WishState.CLAIMED)
    return [_made(row) for row in await tx.execute(query.order_by(wishes.c.number))]


async def given(tx: Tx, person_id: int) -> list[Wish]:
    """What this person has claimed or fulfilled, oldest first."""
    return [
        _made(row) for row in await tx.execute(_WISH.where(wishes.c.claimed_by == person_id).order_by(wishes.c.number))
    ]


async def wished(tx: Tx, person_id: int) -> list[Wish]:
    """What this person has wished for, oldest first."""
    query = _WISH.where(wishes.c.person_id == person_id).order_by(wishes.c.number)
    return [_made(row) for row in await tx.execute(query)]


async def in_line(tx: Tx, person_id: int) -> list[int]:
    """The numbers of the open wishes for which this person stands in line."""
    mine = sa.select(wish_line.c.wish).join(wishes, wishes.c.number == wish_line.c.wish)
    query = mine.where(wish_line.c.person_id == person_id, wishes.c.state.in_(OPEN)).order_by(wish_line.c.wish)
    return list(await tx.scalars(query))


async def by_message(tx: Tx, account: str, message_id: str) -> list[Wish]:
    """What this message wished for, or published."""
    made = sa.or_(wishes.c.message_id == message_id, wishes.c.review_id == message_id)
    query = _WISH.where(wishes.c.account == account, made).order_by(wishes.c.number)
    return [_made(row) for row in await tx.execute(query)]


async def run_out(tx: Tx, now: datetime, most: int) -> list[Wish]:
    """Claims that have lasted their time, the longest first."""
    query = _WISH.where(wishes.c.state == WishState.CLAIMED, wishes.c.release_at <= now)
    return [_made(row) for row in await tx.execute(query.order_by(wishes.c.release_at).limit(most))]


async def every(tx: Tx, *, grid: str = "", since: datetime | None = None, until: datetime | None = None) -> list[Wish]:
    """All wishes of the grids that begin so, wished for within the time, by number."""
    query = _WISH.where(grids.within(wishes.c.grid, grid)) if grid else _WISH
    if since is not None:
        query = query.where(wishes.c.filed_at >= since)
    if until is not None:
        query = query.where(wishes.c.filed_at < until)
    return [_made(row) for row in await tx.execute(query.order_by(wishes.c.number))]


# --- forgetting ---
async def blank(tx: Tx, number: int) -> None:
    """Its words go: what was wished for, what was published, why it was rejected."""
    await tx.execute(sa.update(wishes).where(wishes.c.number == number).values(text="", public="", reason=""))
    purged(tx)


async def forget_person(tx: Tx, person_id: int) -> None:
    """Nothing tells any more that they wished for something, and they stand in no line."""
    await tx.execute(sa.update(wishes).where(wishes.c.person_id == person_id).values(person_id=None))
    await tx.execute(sa.delete(wish_line).where(wish_line.c.person_id == person_id))


async def purge(tx: Tx, before: datetime) -> int:
    """Take the words of those that were rejected before then, and of those that were done the words that were never
    public and who stood in line; of how many."""
    rejected = (wishes.c.state == WishState.REJECTED, wishes.c.reviewed_at < before, WORDED)
    gone = (await tx.execute(sa.update(wishes).where(*rejected).values(text="", reason=""))).rowcount
    done = (wishes.c.state == WishState.DONE, wishes.c.done_at < before, WORDED)
    over = sa.select(wishes.c.number).where(*done)
    await tx.execute(sa.delete(wish_line).where(wish_line.c.wish.in_(over)))
    gone += (await tx.execute(sa.update(wishes).where(*done).values(text=""))).rowcount
    if gone:
        purged(tx)
    return gone
