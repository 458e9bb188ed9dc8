"""Lines to be sent: rows are the queue."""
# ruff: noqa: A002 (the argument is called what the field is called)

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.base import Executable

from storage.engine import Tx, insert_for, purged
from storage.model import Draft, Lane, Outgoing, PostKind, Room, SendState
from storage.tables.registry import rooms
from storage.tables.wire import COUNTED, FAILED, LEFT, QUEUED, UNSETTLED, WORDED, outbox

_FIELDS = tuple(field.name for field in fields(Outgoing))
_DRAFT_FIELDS = tuple(field.name for field in fields(Draft))
_OUTGOING = sa.select(*(outbox.c[name] for name in _FIELDS))
# Built once: the senders ask all the time. Lane by lane, each read in the order of its index and no further than asked:
# a sort of all that waits would cost more the more waits. But for emergencies: those of a notice to all groups, perhaps
# hundreds, go after what concerns somebody in particular: that an account is stopped, or somebody in danger.
_OF_LANE = (QUEUED, outbox.c.account == sa.bindparam("of"))
_OF_NOTICE = sa.and_(outbox.c.key >= "notice:", outbox.c.key < "notice;")  # storage/notices.py
_RANKS: dict[Lane, sa.ColumnElement[int]] = {
    Lane.EMERGENCY: sa.case((_OF_NOTICE, sa.literal_column("1")), else_=sa.literal_column("0")),
    Lane.REPLY: sa.literal_column("2"),
    Lane.NOTICE: sa.literal_column("3"),
}
_DUE = sa.union_all(
    *(
        sa.select(
            sa.select(rank.label("rank"), *(outbox.c[name] for name in _FIELDS))
            .where(*_OF_LANE, outbox.c.lane == lane, outbox.c.not_before <= sa.bindparam("now"))
            .order_by(*([_OF_NOTICE] if lane is Lane.EMERGENCY else []), outbox.c.not_before, outbox.c.id)
            .limit(sa.bindparam("most", type_=sa.Integer))
            .subquery()
        )
        for lane, rank in _RANKS.items()
    )
).order_by("rank", "not_before", "id")
_NEXT_DUE = sa.union_all(
    *(
        sa.select(
            sa.select(outbox.c.not_before)
            .where(*_OF_LANE, outbox.c.lane == lane, outbox.c.not_before > sa.bindparam("after"))
            .order_by(outbox.c.not_before)
            .limit(1)
            .subquery()
        )
        for lane in Lane
    )
)
# SKIP LOCKED (on PostgreSQL; SQLite locks no rows): a line that somebody else is changing is his.
_FREE = sa.select(outbox.c.id).where(outbox.c.id == sa.bindparam("line"), QUEUED).with_for_update(skip_locked=True)
_SENDING = (
    sa.update(outbox)
    .where(outbox.c.id == _FREE.scalar_subquery())
    .values(state=SendState.SENDING, sending_at=sa.bindparam("moment"))
)
_SENDING_AS_SEEN = _SENDING.where(
    outbox.c.account == sa.bindparam("of"),
    outbox.c.conversation == sa.bindparam("there"),
    outbox.c.text == sa.bindparam("words"),
)
_SENT = (
    sa.update(outbox)
    .where(outbox.c.id == sa.bindparam("line"), outbox.c.state.in_([SendState.SENDING, SendState.UNKNOWN]))
    .values(state=SendState.SENT, sent_at=sa.bindparam("moment"), message_id=sa.bindparam("name"), error=None)
)
_LONGEST_CALL = timedelta(minutes=5)  # between a call and its answer
_BEHIND = ":file"
ECHO_WITHIN = timedelta(minutes=10)
_MAYBE_OUT = (SendState.SENDING, SendState.SENT, SendState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A queued line whose account says nothing; of its room the grid."""

    id: int
    key: str
    account: str
    not_before: datetime
    ticket: int | None
    grid: str | None


_HELD_UP: sa.Select[Any] = sa.select(
    *(outbox.c[field.name] for field in fields(HeldUp) if field.name != "grid"),
    sa.select(rooms.c.grid).where(rooms.c.id == outbox.c.room_id).correlate(outbox).scalar_subquery(),
)


def _outgoing(row: sa.Row[Any]) -> Outgoing:
    return Outgoing(*tuple(row))


async def _all(tx: Tx, query: sa.Select[Any]) -> list[Outgoing]:
    return [_outgoing(row) for row in await tx.execute(query)]


@cache
def _put(dialect: str) -> Executable:
    return insert_for(dialect, outbox).on_conflict_do_nothing(index_elements=["key"]).returning(outbox.c.id)


@cache
def _put_all(dialect: str) -> Executable:
    return insert_for(dialect, outbox).on_conflict_do_nothing(index_elements=["key"])


async def put(tx: Tx, draft: Draft) -> int | None:
    """Insert; None when the key is there already, whatever became of that line."""
    line: int | None = await tx.scalar(_put(tx.dialect.name), _new(draft))
    return line


async def put_all(tx: Tx, drafts: Sequence[Draft]) -> None:
    """The same for many, in this order."""
    if drafts:
        await tx.execute(_put_all(tx.dialect.name), [_new(draft) for draft in drafts])


def _new(draft: Draft) -> dict[str, Any]:
    values = {name: getattr(draft, name) for name in _DRAFT_FIELDS}
    return {**values, "state": SendState.QUEUED, "attempts": 0}


async def find_queued(tx: Tx, key: str) -> Outgoing | None:
    """The line with exactly this key, while it is queued."""
    row = (await tx.execute(_OUTGOING.where(outbox.c.key == key, QUEUED))).one_or_none()
    return None if row is None else _outgoing(row)


async def reword(
    tx: Tx,
    id: int,
    text: str,
    *,
    not_before: datetime | None = None,
    mentions: Sequence[str] | None = None,
) -> bool:
    """Change a line that is still queued; False when it has left."""
    values: dict[str, Any] = {"text": text}
    if not_before is not None:
        values["not_before"] = not_before
    if mentions is not None:
        values["mentions"] = tuple(mentions)
    return (await tx.execute(sa.update(outbox).where(outbox.c.id == id, QUEUED).values(values))).rowcount == 1


async def due(tx: Tx, account: str, now: datetime, limit: int = 50) -> list[Outgoing]:
    """Queued lines whose time has come, at most `limit` of each lane: lane, then not_before, then id; emergencies of
    a notice after all others."""
    values = {"of": account, "now": now, "most": limit}
    return [Outgoing(*tuple(row)[1:]) for row in await tx.execute(_DUE, values)]


async def next_due(tx: Tx, account: str, after: datetime) -> datetime | None:
    """The earliest not_before of a queued line, of those later than `after`."""
    return min(await tx.scalars(_NEXT_DUE, {"of": account, "after": after}), default=None)


async def held_up(tx: Tx, accounts: Collection[str], now: datetime) -> list[HeldUp]:
    """Emergencies that these accounts should have said by now, in the order in which they were queued."""
    urgent = (QUEUED, outbox.c.account.in_(accounts), outbox.c.lane == Lane.EMERGENCY, outbox.c.not_before <= now)
    return [HeldUp(*row) for row in await tx.execute(_HELD_UP.where(*urgent).order_by(outbox.c.id))]


async def _move(tx: Tx, id: int, states: Sequence[SendState], **values: Any) -> bool:  # noqa: ANN401
    statement = sa.update(outbox).where(outbox.c.id == id, outbox.c.state.in_(states)).values(**values)
    return (await tx.execute(statement)).rowcount == 1


async def mark_sending(tx: Tx, id: int, at: datetime, *, seen: Outgoing | None = None) -> bool:
    """QUEUED → SENDING; False if it was no longer queued or, since it was `seen`, went to another account or got other
    words."""
    values: dict[str, Any] = {"line": id, "moment": at}
    if seen is None:
        return (await tx.execute(_SENDING, values)).rowcount == 1
    values |= {"of": seen.account, "there": seen.conversation, "words": seen.text}
    return (await tx.execute(_SENDING_AS_SEEN, values)).rowcount == 1


async def mark_sent(tx: Tx, id: int, at: datetime, message_id: str | None) -> None:
    """SENDING or UNKNOWN → SENT. After the echo did so already, only a missing message id is filled in."""
    if not (await tx.execute(_SENT, {"line": id, "moment": at, "name": message_id})).rowcount:
        known = sa.func.coalesce(outbox.c.message_id, message_id)
        await _move(tx, id, [SendState.SENT], message_id=known)


async def mark_failed(tx: Tx, id: int, error: str) -> None:
    """The network refused it for good: QUEUED or SENDING → FAILED. A picture without its words does not go either."""
    if await _move(tx, id, [SendState.QUEUED, SendState.SENDING], state=SendState.FAILED, error=error):
        await _behind_it(tx, id, state=SendState.FAILED, error="the line before it was not sent")


async def mark_unknown(tx: Tx, id: int, error: str) -> None:
    """It may have gone out: SENDING → UNKNOWN, unless the echo has settled it meanwhile."""
    await _move(tx, id, [SendState.SENDING], state=SendState.UNKNOWN, error=error)


async def requeue(tx: Tx, id: int, not_before: datetime, error: str, *, counts: bool = True) -> None:
    """SENDING → QUEUED, attempts + 1 where this `counts` as one: only for errors that prove that nothing was sent.
    Should another account answer in the room meanwhile, the line is its to send."""
    moved = await _move(
        tx,
        id,
        [SendState.SENDING],
        state=SendState.QUEUED,
        not_before=not_before,
        sending_at=None,
        attempts=outbox.c.attempts + int(counts),
        error=error,
        **at_home(),
    )
    if moved:
        await _behind_it(tx, id, not_before=not_before)


async def say_instead(tx: Tx, id: int, not_before: datetime, error: str) -> None:
    """The account may not announce it in this room: SENDING → QUEUED, as a line that is said."""
    await _move(tx, id, [SendState.SENDING], kind=PostKind.NOTICE)
    await requeue(tx, id, not_before, error)


def behind(key: str) -> str:
    """The key of the line that goes after this one and never without it: a picture after its words."""
    return key + _BEHIND


async def _behind_it(tx: Tx, id: int, **values: Any) -> None:  # noqa: ANN401
    """What happens to the line behind this one, while that waits."""
    key = sa.select(outbox.c.key + _BEHIND).where(outbox.c.id == id).scalar_subquery()
    await tx.execute(sa.update(outbox).where(outbox.c.key == key, QUEUED).values(**values))


def at_home() -> dict[str, Any]:
    """For a line that waits again: the account and conversation of its room today; of a private one those it has."""
    here = sa.select(rooms.c.account).where(rooms.c.id == outbox.c.room_id).correlate(outbox).scalar_subquery()
    known_as = sa.select(rooms.c.im_id).where(rooms.c.id == outbox.c.room_id).correlate(outbox).scalar_subquery()
    nobody = sa.literal((), outbox.c.mentions.type)
    return {
        "account": sa.func.coalesce(here, outbox.c.account),
        "conversation": sa.func.coalesce(known_as, outbox.c.conversation),
        "mentions": sa.case((known_as != outbox.c.conversation, nobody), else_=outbox.c.mentions),
    }


async def follow(tx: Tx, before: Room, room: Room) -> int:
    """Another account answers in the room: what waits to be said there goes out through it. Returns how many lines. A
    mention names somebody by an id of the account's own; the text has the name all the same."""
    values: dict[str, Any] = {"account": room.account, "conversation": room.im_id}
    if room.im_id != before.im_id:
        values["mentions"] = ()
    theirs = (outbox.c.account == before.account, outbox.c.room_id == room.id)
    return (await tx.execute(sa.update(outbox).where(QUEUED, *theirs).values(values))).rowcount


async def recover(tx: Tx, account: str) -> int:
    """At start: every SENDING row becomes UNKNOWN; how many."""
    statement = (
        sa.update(outbox)
        .where(outbox.c.account == account, UNSETTLED, outbox.c.state == SendState.SENDING)
        .values(state=SendState.UNKNOWN, error="the program ended while this was being sent")
    )
    return (await tx.execute(statement)).rowcount


async def confirm_echo(
    tx: Tx, account: str, conversation: str, text: str | None, message_id: str, at: datetime
) -> bool:
    """Our own message came back: settle the oldest matching SENDING or UNKNOWN row as SENT; False where none matches.
    `text` is None for a picture or file, which has no words to be known by: only one sent just before is meant.

    A row that was marked sent without an id (many puppets give none) gets the echo's id, and counts as a match."""
    shown = sa.and_(outbox.c.file.is_not(None), outbox.c.sending_at > at - ECHO_WITHIN)
    words = shown if text is None else sa.and_(outbox.c.file.is_(None), outbox.c.text == text)
    same = (outbox.c.account == account, outbox.c.conversation == conversation, words)
    query = sa.select(outbox.c.id).where(UNSETTLED, *same).order_by(outbox.c.sending_at, outbox.c.id).limit(1)
    found = await tx.scalar(query)
    if found is not None:
        return await _move(
            tx,
            found,
            [SendState.SENDING, SendState.UNKNOWN],
            state=SendState.SENT,
            sent_at=at,
            message_id=message_id,
            error=None,
        )
    nameless = (outbox.c.state == SendState.SENT, outbox.c.message_id.is_(None))
    query = sa.select(outbox.c.id).where(LEFT, *same, *nameless).order_by(outbox.c.sending_at.desc()).limit(1)
    found = await tx.scalar(query)
    return found is not None and await _move(tx, found, [SendState.SENT], message_id=message_id)


async def heard(tx: Tx, room: Room, text: str, since: datetime, at: datetime) -> bool:
    """Whether these are the words of a line that another account of ours sent into the room since then; they were seen
    there, so a line of unknown fate has arrived."""
    if not text:
        return False
    theirs = (outbox.c.room_id == room.id, outbox.c.account != room.account, outbox.c.text == text)
    query = sa.select(outbox.c.id).where(LEFT, outbox.c.sending_at >= since, *theirs)
    found: int | None = await tx.scalar(query.order_by(outbox.c.sending_at).limit(1))
    if found is None:
        return False
    await _move(tx, found, [SendState.SENDING, SendState.UNKNOWN], state=SendState.SENT, sent_at=at, error=None)
    return True


async def settle(tx: Tx, id: int, state: SendState) -> None:
    """A person says what became of an UNKNOWN line. QUEUED sends it again. Raises ValueError for SENDING, UNKNOWN."""
    if state in (SendState.SENDING, SendState.UNKNOWN):
        raise ValueError(f"{state} settles nothing")
    values: dict[str, Any] = {"state": state}
    if state is SendState.SENT:
        values["sent_at"] = sa.func.coalesce(outbox.c.sent_at, outbox.c.sending_at)
    elif state is SendState.QUEUED:
        values |= {"sending_at": None, "attempts": outbox.c.attempts + 1, **at_home()}
    elif state is SendState.DROPPED:
        values["text"] = ""
        purged(tx)
    await _move(tx, id, [SendState.UNKNOWN], **values)


async def drop(tx: Tx, key: str) -> bool:
    """QUEUED → DROPPED, text blanked; False when it has left."""
    statement = (
        sa.update(outbox).where(outbox.c.key == key, QUEUED).values(state=SendState.DROPPED, text="", mentions=())
    )
    dropped = (await tx.execute(statement)).rowcount == 1
    if dropped:
        purged(tx)
    return dropped


async def drop_queued(tx: Tx, beginning: str) -> int:
    """QUEUED → DROPPED, texts blanked, for every line whose key begins with such a part (`wish:X5:`); how many."""
    statement = sa.update(outbox).where(_keyed(beginning), QUEUED)
    dropped = (await tx.execute(statement.values(state=SendState.DROPPED, text="", mentions=()))).rowcount
    if dropped:
        purged(tx)
    return dropped


async def forget_keyed(tx: Tx, beginning: str) -> None:
    """The same, and those that have left lose their text, too."""
    await drop_queued(tx, beginning)
    await tx.execute(sa.update(outbox).where(_keyed(beginning), WORDED).values(text="", mentions=()))
    purged(tx)


async def spoken(tx: Tx, beginning: str) -> int:
    """How many lines whose key begins so wait to be said or have been."""
    gone = outbox.c.state.not_in([SendState.DROPPED, SendState.FAILED])
    return await tx.scalar(sa.select(sa.func.count()).select_from(outbox).where(_keyed(beginning), gone)) or 0


def _keyed(beginning: str) -> sa.ColumnElement[bool]:
    # A range, so that the index of the keys serves: ";" follows ":".
    return sa.and_(outbox.c.key >= beginning, outbox.c.key < f"{beginning.removesuffix(':')};")


async def drop_for_ticket(tx: Tx, ticket: int) -> None:
    """Recall or erasure: queued lines of the ticket are dropped and the text of all its lines blanked, at once."""
    of_ticket = outbox.c.ticket == ticket
    await tx.execute(sa.update(outbox).where(of_ticket, QUEUED).values(state=SendState.DROPPED))
    await tx.execute(sa.update(outbox).where(of_ticket).values(text="", mentions=()))
    purged(tx)


async def drop_words(tx: Tx, ticket: int, prefix: str) -> None:
    """What somebody wrote of a ticket was recalled: queued lines whose key starts with `prefix` are dropped, and their
    text and that of every line of the ticket that has left is blanked. What else waits, waits on."""
    of_ticket = outbox.c.ticket == ticket
    theirs = outbox.c.key.startswith(prefix, autoescape=True)
    await tx.execute(
        sa.update(outbox).where(of_ticket, QUEUED, theirs).values(state=SendState.DROPPED, text="", mentions=())
    )
    left = outbox.c.state != SendState.QUEUED
    await tx.execute(sa.update(outbox).where(of_ticket, left).values(text="", mentions=()))
    purged(tx)


async def unsay(tx: Tx, keys: Sequence[str], words: str) -> None:
    """Somebody took these words back: of the lines whose key begins like one of `keys` those with them are blanked,
    and dropped where they wait."""
    place = (sa.func.strpos if tx.dialect.name == "postgresql" else sa.func.instr)(outbox.c.text, words)
    holds = (sa.or_(*(outbox.c.key.startswith(key, autoescape=True) for key in keys)), place > 0)
    await tx.execute(sa.update(outbox).where(*holds, QUEUED).values(state=SendState.DROPPED))
    await tx.execute(sa.update(outbox).where(*holds).values(text=""))
    purged(tx)


async def forget(tx: Tx, account: str, im_id: str) -> None:
    """Somebody is erased: no line to them or that mentions them has words any more, and none holds their IM id. What
    waits is dropped, but for an 应急 line, which others need."""
    to_them = sa.and_(outbox.c.account == account, outbox.c.room_id.is_(None), outbox.c.conversation == im_id)
    spelt = json.dumps(im_id, ensure_ascii=False)
    named = sa.type_coerce(outbox.c.mentions, sa.Text).contains(spelt, autoescape=True)
    theirs = sa.or_(to_them, sa.and_(outbox.c.account == account, WORDED, named))
    others_need = sa.and_(QUEUED, outbox.c.lane == Lane.EMERGENCY, sa.not_(to_them))
    lines = list(await tx.execute(sa.select(outbox.c.id, outbox.c.state, to_them).where(theirs, sa.not_(others_need))))
    for line, state, alone in lines:
        values: dict[str, Any] = {"text": "", "mentions": ()} | ({"conversation": ""} if alone else {})
        dropped = SendState.DROPPED if state is SendState.QUEUED else state
        await tx.execute(sa.update(outbox).where(outbox.c.id == line).values(state=dropped, **values))
    # A line that is said once a day to each person has the person in its key.
    keyed = sa.and_(outbox.c.account == account, outbox.c.key.contains(f":{im_id}:", autoescape=True))
    nameless = sa.literal("erased:") + sa.cast(outbox.c.id, sa.Text)
    await tx.execute(sa.update(outbox).where(keyed).values(key=nameless))
    purged(tx)


async def blank(tx: Tx, before: datetime) -> int:
    """Blank the text of lines sent, failed or of unknown fate since before then (48 h), and whom they went to in
    private; how many."""
    last = sa.func.coalesce(outbox.c.sent_at, outbox.c.sending_at, outbox.c.created_at)
    gone = outbox.c.state.in_([SendState.SENT, SendState.FAILED, SendState.UNKNOWN])
    room = sa.case((outbox.c.room_id.is_(None), ""), else_=outbox.c.conversation)
    statement = sa.update(outbox).where(WORDED, outbox.c.created_at < before, last < before, gone)
    blanked = (await tx.execute(statement.values(text="", mentions=(), conversation=room))).rowcount
    if blanked:
        purged(tx)
    return blanked


async def get(tx: Tx, id: int) -> Outgoing | None:
    """The line with that id."""
    row = (await tx.execute(_OUTGOING.where(outbox.c.id == id))).one_or_none()
    return None if row is None else _outgoing(row)


async def by_state(tx: Tx, state: SendState) -> list[Outgoing]:
    """All lines in that state, oldest first."""
    # Through the partial index of the state, where there is one.
    among = {SendState.QUEUED: QUEUED, SendState.FAILED: FAILED}.get(state, sa.true())
    if state in (SendState.SENDING, SendState.UNKNOWN):
        among = UNSETTLED
    return await _all(tx, _OUTGOING.where(among, outbox.c.state == state).order_by(outbox.c.id))


async def waiting_in(tx: Tx, room: Room) -> list[Outgoing]:
    """Queued lines of a room, oldest first."""
    # By account first, so that the index serves.
    theirs = (QUEUED, outbox.c.account == room.account, outbox.c.room_id == room.id)
    return await _all(tx, _OUTGOING.where(*theirs).order_by(outbox.c.id))


async def sent_times(tx: Tx, account: str, since: datetime) -> list[tuple[datetime, str, Lane]]:
    """(when, conversation, lane) of everything that may have left since then, oldest first: what was refused, or given
    up by a person, as well. When: the moment of the answer, else that of the call."""
    answered = sa.type_coerce(sa.func.coalesce(outbox.c.sent_at, outbox.c.sending_at), outbox.c.sending_at.type)
    query = sa.select(answered.label("at"), outbox.c.conversation, outbox.c.lane).where(
        LEFT, outbox.c.account == account, outbox.c.sending_at >= since - _LONGEST_CALL
    )
    found = await tx.execute(query.order_by("at", outbox.c.id))
    return [(at, conversation, lane) for at, conversation, lane in found if at >= since]


async def keep_try(tx: Tx, line: Outgoing) -> None:
    """A line that may have left is sent again: the send log, by which budgets are kept, does not forget the first time.
    Kept is that it was, and in which group."""
    if line.sending_at is None:
        return
    kept = {
        "key": f"tried:{line.id}:{line.sending_at:%Y%m%d%H%M%S%f}",
        "account": line.account,
        "conversation": line.conversation if line.room_id is not None else "",
        "text": "",
        "kind": line.kind,
        "lane": line.lane,
        "state": SendState.DROPPED,
        "not_before": line.not_before,
        "created_at": line.created_at,
        "attempts": line.attempts,
        "mentions": (),
        "counted": False,
        "sending_at": line.sending_at,
        "sent_at": line.sent_at,
    }
    await tx.execute(insert_for(tx.dialect.name, outbox).values(kept).on_conflict_do_nothing(index_elements=["key"]))


async def counted_slots(tx: Tx, room_id: int, since: datetime, kind: PostKind | None = None) -> list[datetime]:
    """Times (sent_at, else not_before) of the room's counted lines (of that kind) since then, oldest first: queued ones
    included, dropped and failed ones not."""
    slot = sa.type_coerce(sa.func.coalesce(outbox.c.sent_at, outbox.c.not_before), outbox.c.sent_at.type)
    query = (
        sa.select(slot.label("slot"))
        .where(COUNTED, outbox.c.room_id == room_id, slot >= since)
        .where(outbox.c.state.in_([SendState.QUEUED, *_MAYBE_OUT]))
        .order_by(slot)
    )
    return list(await tx.scalars(query if kind is None else query.where(outbox.c.kind == kind)))
