"""Notices: what is broadcast, to which rooms, what became of each line, and how many said 收到.

A line of notice 3 for room 17 has the key `notice:3:17` in the outbox, so queueing it twice queues it once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage import numbers
from storage import outbox as outbox_
from storage import rooms as stored_rooms
from storage.accounts import DEAD
from storage.engine import Tx, insert, purged
from storage.model import PostKind, Room, RoomState, SendState
from storage.tables.fleet import accounts
from storage.tables.registry import rooms
from storage.tables.voice import NoticeState, Skipped, notice_rooms, notices, receipts
from storage.tables.wire import LEFT, QUEUED, outbox

__all__ = ["Notice", "NoticeState", "Skipped", "Standing"]

OPEN = (NoticeState.DRAFT, NoticeState.SCHEDULED, NoticeState.SENDING)
NO_MEMBER = "no living member"  # why a line failed
_SALT_BYTES = 16
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Notice:
    """`wide`: it goes beyond one community, so that a second person must confirm it. `scope` is what was typed behind
    the @, empty where it is simply the author's own."""

    number: int
    text: str
    scope: str
    urgent: bool
    wide: bool
    state: NoticeState
    author_id: int
    created_at: datetime
    approver_id: int | None = None
    corrects: int | None = None
    send_at: datetime | None = None
    ended_at: datetime | None = None
    announce: bool = False

    @property
    def id(self) -> str:
        return f"T{self.number}"


@dataclass(frozen=True, slots=True)
class FileLines:
    """What became of the pictures or files, in rooms."""

    waiting: int = 0
    sent: int = 0
    unknown: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a notice's lines, in rooms. `waiting` is what is still to come, `confirmed` those of `sent` that
    the group itself has shown back to us, `announced` those that stand there as an announcement; `files` are the
    pictures or files behind the words, None where none is queued."""

    rooms: int = 0
    waiting: int = 0
    sent: int = 0
    confirmed: int = 0
    unknown: int = 0
    failed: int = 0
    dropped: int = 0
    skipped: tuple[tuple[Skipped, int], ...] = ()
    receipts: int = 0
    announced: int = 0
    files: FileLines | None = None

    @property
    def through(self) -> bool:
        """Nothing of it waits any more."""
        return not self.waiting and (self.files is None or not self.files.waiting)


@dataclass(frozen=True, slots=True)
class RoomLine:
    """A notice in one room. `state` is None while it has no line; `confirmed`: the group has shown it back to us;
    `announced`: it is to be, or is, the group's announcement; `file`: what became of the picture or file."""

    topic: str
    grid: str | None
    account: str
    skipped: Skipped | None
    state: SendState | None
    at: datetime | None
    confirmed: bool
    announced: bool
    error: str | None
    file: SendState | None
    file_error: str | None


_NOTICE = sa.select(*(notices.c[field.name] for field in fields(Notice)))


def key(number: int, room_id: int) -> str:
    """Of the line in the outbox."""
    return f"notice:{number}:{room_id}"


def file_key(number: int, room_id: int) -> str:
    """Of the line in the outbox that carries the notice's picture or file."""
    return outbox_.behind(key(number, room_id))


def number_of(line: str) -> int | None:
    """The notice whose line has this key in the outbox; None for another line."""
    kind, _, rest = line.partition(":")
    return int(rest.partition(":")[0]) if kind == "notice" else None


async def draft(
    tx: Tx,
    text: str,
    listed: Sequence[Room],
    *,
    author_id: int,
    at: datetime,
    scope: str = "",
    urgent: bool = False,
    wide: bool = False,
    corrects: int | None = None,
    announce: bool = False,
) -> Notice:
    """Keep a notice and the rooms it is for. A room that sleeps or is gone stands in the list as skipped."""
    number = await numbers.next_of(tx, "notices")
    notice = Notice(
        number, text, scope, urgent, wide, NoticeState.DRAFT, author_id, at, corrects=corrects, announce=announce
    )
    values = {field.name: getattr(notice, field.name) for field in fields(Notice)}
    await tx.execute(sa.insert(notices), {**values, "salt": secrets.token_bytes(_SALT_BYTES)})
    why = {RoomState.DORMANT: Skipped.DORMANT, RoomState.GONE: Skipped.GONE}
    await tx.execute(
        sa.insert(notice_rooms),
        [
            {"notice": notice.number, "room_id": room.id, "queued": False, "skipped": why.get(room.state)}
            for room in listed
        ],
    )
    return notice


async def get(tx: Tx, number: int) -> Notice | None:
    """The notice with that number."""
    row = (await tx.execute(_NOTICE.where(notices.c.number == number))).one_or_none()
    return None if row is None else Notice(*row)


async def of_author(tx: Tx, person_id: int, states: Collection[NoticeState]) -> list[Notice]:
    """The notices of a person in one of these states, newest first."""
    query = _NOTICE.where(notices.c.author_id == person_id, notices.c.state.in_(states))
    return [Notice(*row) for row in await tx.execute(query.order_by(notices.c.number.desc()))]


async def every(tx: Tx, states: Collection[NoticeState] = tuple(NoticeState)) -> list[Notice]:
    """All notices in one of these states, in order."""
    query = _NOTICE.where(notices.c.state.in_(states)).order_by(notices.c.number)
    return [Notice(*row) for row in await tx.execute(query)]


async def due(tx: Tx, now: datetime) -> list[Notice]:
    """Those that were confirmed and whose time has come, urgent ones first."""
    query = _NOTICE.where(notices.c.state == NoticeState.SCHEDULED, notices.c.send_at <= now)
    return [Notice(*row) for row in await tx.execute(query.order_by(notices.c.urgent.desc(), notices.c.number))]


async def move(tx: Tx, number: int, expect: Collection[NoticeState], state: NoticeState, **values: Any) -> bool:  # noqa: ANN401
    """Into another state, where it is in one of the expected ones; False where somebody was faster."""
    statement = sa.update(notices).where(notices.c.number == number, notices.c.state.in_(expect))
    return (await tx.execute(statement.values(state=state, **values))).rowcount == 1


# ---------------------------------------------------------------- rooms
async def rooms_of(tx: Tx, number: int) -> Counter[str]:
    """How many rooms that are not skipped each account has in the list."""
    query = (
        sa.select(rooms.c.account, sa.func.count())
        .select_from(rooms)
        .join(notice_rooms, rooms.c.id == _today())
        .where(notice_rooms.c.notice == number, notice_rooms.c.skipped.is_(None))
        .group_by(rooms.c.account)
    )
    found: Counter[str] = Counter()
    for account, count in await tx.execute(query):
        found[account] = count
    return found


async def named(tx: Tx, number: int, most: int) -> list[str]:
    """What the first of the rooms that are not skipped are called, as many as `most`."""
    query = (
        sa.select(rooms.c.topic)
        .select_from(notice_rooms)
        .join(rooms, rooms.c.id == _today())
        .where(notice_rooms.c.notice == number, notice_rooms.c.skipped.is_(None), rooms.c.topic != "")
        .order_by(notice_rooms.c.room_id)
        .limit(most)
    )
    return list(await tx.scalars(query))


async def listed(tx: Tx, number: int) -> list[Room]:
    """The rooms it is for as they are now, but for those that were skipped."""
    ids = sa.select(_today()).where(notice_rooms.c.notice == number, notice_rooms.c.skipped.is_(None))
    return await stored_rooms.those(tx, ids)


def _today() -> sa.ScalarSelect[Any]:
    """Of a row of the list the room that its group is by now, should it have come under another id since."""
    before = rooms.alias()
    became = sa.select(sa.func.coalesce(before.c.became, before.c.id)).where(before.c.id == notice_rooms.c.room_id)
    return became.correlate(notice_rooms).scalar_subquery()


async def grids_of(tx: Tx, number: int) -> set[str | None]:
    """The grids of all rooms in the list."""
    query = sa.select(rooms.c.grid).join(notice_rooms, notice_rooms.c.room_id == rooms.c.id)
    return set(await tx.scalars(query.where(notice_rooms.c.notice == number).distinct()))


async def next_rooms(tx: Tx, number: int, limit: int) -> list[int]:
    """Ids of rooms that have no line yet, in order."""
    waiting = (notice_rooms.c.notice == number, sa.text("NOT queued AND skipped IS NULL"))
    query = sa.select(notice_rooms.c.room_id).where(*waiting).order_by(notice_rooms.c.room_id).limit(limit)
    return list(await tx.scalars(query))


async def latest_in(tx: Tx, room_id: int, since: datetime) -> Notice | None:
    """The last notice that went out to a room since then."""
    lines = sa.select(outbox.c.key).where(LEFT, outbox.c.room_id == room_id, outbox.c.sending_at >= since)
    numbers_ = [number_of(key) for key in await tx.scalars(lines.order_by(outbox.c.sending_at.desc()))]
    number = next((number for number in numbers_ if number is not None), None)
    return None if number is None else await get(tx, number)


async def set_queued(tx: Tx, number: int, room_ids: Collection[int]) -> None:
    """These rooms have their line."""
    await _mark(tx, number, room_ids, queued=True)


async def skip(tx: Tx, number: int, room_ids: Collection[int], why: Skipped) -> None:
    """These rooms get none."""
    await _mark(tx, number, room_ids, skipped=why)


async def strand(tx: Tx) -> int:
    """Lines that wait for a group whose account is dead, with no other of ours in it, have failed; how many."""
    theirs = (outbox.c.key >= "notice:", outbox.c.key < "notice;", outbox.c.account.in_(DEAD))
    failed = sa.update(outbox).where(QUEUED, *theirs).values(state=SendState.FAILED, error=NO_MEMBER)
    return (await tx.execute(failed)).rowcount


async def _mark(tx: Tx, number: int, room_ids: Collection[int], **values: Any) -> None:  # noqa: ANN401
    these = (notice_rooms.c.notice == number, notice_rooms.c.room_id.in_(room_ids))
    if room_ids:
        await tx.execute(sa.update(notice_rooms).where(*these).values(**values))


async def call_back(tx: Tx, number: int) -> int:
    """Nothing more of it goes out: lines that wait are dropped, rooms without a line skipped; how many rooms that
    concerns."""
    lines = sa.update(outbox).where(QUEUED, *_lines(number)).values(state=SendState.DROPPED, text="", mentions=())
    dropped = (await tx.execute(lines.where(outbox.c.file.is_(None)))).rowcount
    if (await tx.execute(lines)).rowcount or dropped:
        purged(tx)
    waiting = (notice_rooms.c.notice == number, sa.text("NOT queued AND skipped IS NULL"))
    left = await tx.execute(sa.update(notice_rooms).where(*waiting).values(skipped=Skipped.CANCELLED))
    return dropped + left.rowcount


async def call_back_files(tx: Tx, number: int) -> int:
    """Its picture or file goes out no more; how many groups have it by now."""
    lines = (*_lines(number), outbox.c.file.is_not(None))
    dropped = sa.update(outbox).where(QUEUED, *lines).values(state=SendState.DROPPED, text="")
    if (await tx.execute(dropped)).rowcount:
        purged(tx)
    out = sa.select(sa.func.count()).where(*lines, outbox.c.state.in_([SendState.SENT, SendState.UNKNOWN]))
    return (await tx.execute(out)).scalar_one()


async def standing(tx: Tx, number: int) -> Standing:
    """What became of it up to now."""
    listed = sa.select(notice_rooms.c.queued, notice_rooms.c.skipped, sa.func.count())
    of_list = listed.where(notice_rooms.c.notice == number).group_by(notice_rooms.c.queued, notice_rooms.c.skipped)
    waiting, skipped, every_room = 0, Counter[Skipped](), 0
    for queued, why, count in await tx.execute(of_list):
        every_room += count
        if why is not None:
            skipped[why] += count
        elif not queued:
            waiting += count
    seen = outbox.c.message_id.is_not(None)
    groups = (outbox.c.state, seen, outbox.c.file.is_not(None), outbox.c.kind)
    lines = sa.select(*groups, sa.func.count()).where(*_lines(number)).group_by(*groups)
    states, files, confirmed, announced = Counter[SendState](), Counter[SendState](), 0, 0
    for state, echoed, is_file, kind, count in await tx.execute(lines):
        if is_file:
            files[state] += count
            continue
        states[state] += count
        confirmed += count if state is SendState.SENT and echoed else 0
        announced += count if state is SendState.SENT and kind is PostKind.ANNOUNCEMENT else 0
    said = sa.select(sa.func.count()).select_from(receipts).where(receipts.c.notice == number)
    return Standing(
        rooms=every_room - skipped.total(),
        waiting=waiting + states[SendState.QUEUED] + states[SendState.SENDING],
        sent=states[SendState.SENT],
        confirmed=confirmed,
        unknown=states[SendState.UNKNOWN],
        failed=states[SendState.FAILED],
        dropped=states[SendState.DROPPED],
        skipped=tuple(sorted(skipped.items())),
        receipts=(await tx.execute(said)).scalar_one(),
        announced=announced,
        files=_files(files) if files else None,
    )


def _files(states: Counter[SendState]) -> FileLines:
    return FileLines(
        waiting=states[SendState.QUEUED] + states[SendState.SENDING],
        sent=states[SendState.SENT],
        unknown=states[SendState.UNKNOWN],
        failed=states[SendState.FAILED],
        dropped=states[SendState.DROPPED],
    )


def _lines(number: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Its lines in the outbox, as a range of keys: `;` comes next after `:`."""
    return outbox.c.key >= f"notice:{number}:", outbox.c.key < f"notice:{number};"


async def by_room(tx: Tx, number: int) -> list[RoomLine]:
    """What became of it room by room, by grid."""
    line = sa.literal(f"notice:{number}:") + sa.cast(notice_rooms.c.room_id, sa.Text)
    files = outbox.alias("files")
    columns = (
        rooms.c.topic,
        rooms.c.grid,
        rooms.c.account,
        notice_rooms.c.skipped,
        outbox.c.state,
        outbox.c.sending_at,
        outbox.c.message_id.is_not(None),
        sa.func.coalesce(outbox.c.kind == PostKind.ANNOUNCEMENT, False),
        outbox.c.error,
        files.c.state,
        files.c.error,
    )
    query = (
        sa.select(*columns)
        .select_from(notice_rooms)
        .join(rooms, rooms.c.id == _today())
        .outerjoin(outbox, outbox.c.key == line)
        .outerjoin(files, files.c.key == line + outbox_.behind(""))
        .where(notice_rooms.c.notice == number)
        .order_by(rooms.c.grid, rooms.c.id)
    )
    return [RoomLine(*row) for row in await tx.execute(query)]


# ---------------------------------------------------------------- receipts
async def heard_in(tx: Tx, account: str, since: datetime) -> list[tuple[str, int, datetime]]:
    """(conversation, notice, when) of the lines that its groups have read since then, oldest first: those that the
    account sent and, in groups that it took over from another one, those that the other one sent."""
    sent = (LEFT, outbox.c.sending_at >= since, outbox.c.state == SendState.SENT)
    own = sa.select(outbox.c.conversation, outbox.c.key, outbox.c.sending_at).where(*sent, outbox.c.account == account)
    taken = sa.and_(rooms.c.id == outbox.c.room_id, rooms.c.account == account, rooms.c.taken_at.is_not(None))
    others = sa.select(accounts.c.name).where(accounts.c.name != account)  # so that the index of the sent lines serves
    before = sa.select(rooms.c.im_id, outbox.c.key, outbox.c.sending_at).join(rooms, taken)
    lines = [*await tx.execute(own), *await tx.execute(before.where(*sent, outbox.c.account.in_(others)))]
    found = [(where, number_of(line), at) for where, line, at in sorted(lines, key=lambda line: line[2])]
    return [(where, number, at) for where, number, at in found if number is not None]


async def receive(tx: Tx, said: Iterable[tuple[int, str, str]]) -> None:
    """Count who said 收到: (notice, account, IM id). Kept is a salted digest, so that one person counts once and nobody
    can be named; a notice whose salt is gone counts no more."""
    by_notice: dict[int, set[bytes]] = {}
    salts: dict[int, bytes | None] = {}
    for number, account, im_id in said:
        if number not in salts:
            salts[number] = await tx.scalar(sa.select(notices.c.salt).where(notices.c.number == number))
        salt = salts[number]
        if salt is not None:
            digest = hashlib.blake2b(f"{account}\n{im_id}".encode(), key=salt, digest_size=_DIGEST_BYTES).digest()
            by_notice.setdefault(number, set()).add(digest)
    for number, digests in by_notice.items():
        statement = insert(tx, receipts).on_conflict_do_nothing()
        await tx.execute(statement, [{"notice": number, "digest": digest} for digest in sorted(digests)])


async def forget_salts(tx: Tx, before: datetime) -> None:
    """The receipts of what ended before then are final."""
    over = (notices.c.salt.is_not(None), notices.c.ended_at < before)
    await tx.execute(sa.update(notices).where(*over).values(salt=None))
