"""What the platforms above answer about our tickets: how far each was heard, what waits for a person, and what was
replied to their requests."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from storage.engine import Tx, insert, purged
from storage.tables.records import audit, changes
from storage.tables.upward import answer_cursors, answer_replies, answers, deliveries


class AnswerState(StrEnum):
    """What a platform above says of a ticket."""

    RECEIVED = "received"  # it has it
    ASSIGNED = "assigned"  # it gave it to somebody
    IN_PROGRESS = "in_progress"
    DONE = "done"
    RETURNED = "returned"  # it is for the grid to handle after all
    REFUSED = "refused"  # it is not taken up


class Verdict(StrEnum):
    """What an answer did here."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"  # heard before
    STALE = "stale"  # a later one was heard before, or the ticket was taken back
    CONFLICT = "conflict"  # waits for a person
    UNKNOWN = "unknown"  # there is no such ticket for this platform


@dataclass(frozen=True, slots=True)
class Answer:
    """`revision` grows per ticket at the platform, `based_on` is the version of ours that it answers. Words are
    masked."""

    ticket: int
    revision: int
    based_on: int
    state: AnswerState
    at: datetime
    ref: str = ""
    assigned_to: str = ""
    result: str = ""
    public_answer: str = ""
    reason: str = ""

    @property
    def id(self) -> str:
        """The ticket as people write it: `S12`."""
        return f"S{self.ticket}"


@dataclass(frozen=True, slots=True)
class Heard:
    """The last answer of a platform about a ticket: its revision, and whether it waits for a person."""

    revision: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """An answer that contradicts what happened here. `here`: the state that the ticket had come to."""

    upstream: str
    answer: Answer
    here: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a ticket here: the action and the states of an entry of the audit chain. `upstream`:
    the platform whose answer it was, "" for our own."""

    action: str
    before: str | None
    after: str | None
    upstream: str


# --- answers ---


async def heard(tx: Tx, upstream: str, ticket: int) -> Heard | None:
    """How far a platform was heard about a ticket; None: not at all."""
    query = sa.select(answers.c.revision, answers.c.held.is_not(None))
    query = query.where(answers.c.upstream == upstream, answers.c.ticket == ticket)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Heard(row[0], bool(row[1]))


async def keep(tx: Tx, upstream: str, answer: Answer, at: datetime, *, here: str | None = None) -> None:
    """Note that an answer was heard, in place of the one before. With `here`, the state that it contradicts, it waits
    for a person, words and all; without, its words are not kept."""
    held = None if here is None else json.dumps(asdict(answer), default=str, ensure_ascii=False)
    latest = {"revision": answer.revision, "state": answer.state.value, "heard_at": at, "held": held, "here": here}
    statement = insert(tx, answers).values(upstream=upstream, ticket=answer.ticket, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["upstream", "ticket"], set_=latest))


async def conflicts(tx: Tx, ticket: int | None = None) -> list[Conflict]:
    """What waits for a person, the longest first; of one ticket where it is given."""
    query = sa.select(answers.c.upstream, answers.c.held, answers.c.here, answers.c.heard_at)
    query = query.where(answers.c.held.is_not(None)).order_by(answers.c.heard_at, answers.c.ticket, answers.c.upstream)
    if ticket is not None:
        query = query.where(answers.c.ticket == ticket)
    return [Conflict(name, _answer(held), here, since) for name, held, here, since in await tx.execute(query)]


def _answer(held: str) -> Answer:
    values = json.loads(held)
    return Answer(**{**values, "state": AnswerState(values["state"]), "at": datetime.fromisoformat(values["at"])})


async def settled(tx: Tx, ticket: int) -> int:
    """A person has decided: nothing of the ticket waits any more; how many answers did."""
    where = (answers.c.ticket == ticket, answers.c.held.is_not(None))
    found = (await tx.execute(sa.update(answers).where(*where).values(held=None, here=None))).rowcount
    if found:
        purged(tx)
    return found


# --- what an answer is held against ---
async def sent(tx: Tx, upstream: str, ticket: int) -> int | None:
    """The highest version of a ticket that this platform may have; None: it was never sent there."""
    query = sa.select(deliveries.c.tried).where(deliveries.c.upstream == upstream, deliveries.c.ticket == ticket)
    return await tx.scalar(query)


async def steps_since(tx: Tx, ticket: int, version: int) -> list[Step]:
    """What happened to a ticket here after it had that version, oldest first."""
    at = sa.select(sa.func.max(changes.c.at)).where(changes.c.ticket == ticket, changes.c.version <= version)
    query = sa.select(audit.c.action, audit.c.before, audit.c.after, audit.c.detail)
    query = query.where(audit.c.ticket == ticket, audit.c.at > at.scalar_subquery()).order_by(audit.c.seq)
    return [
        Step(action, before, after, json.loads(detail).get("upstream", ""))
        for action, before, after, detail in await tx.execute(query)
    ]


# --- the feed and the listener ---
async def cursor(tx: Tx, upstream: str) -> str:
    """Up to where a platform's feed was read; "" at the beginning."""
    query = sa.select(answer_cursors.c.cursor).where(answer_cursors.c.upstream == upstream)
    return await tx.scalar(query) or ""


async def read_up_to(tx: Tx, upstream: str, cursor: str, at: datetime) -> None:
    """A page of the feed was worked off."""
    latest = {"cursor": cursor, "read_at": at}
    statement = insert(tx, answer_cursors).values(upstream=upstream, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["upstream"], set_=latest))


async def reply(tx: Tx, upstream: str, key: str) -> tuple[str, str] | None:
    """What was replied to a request of a platform: the hash of its body, and the reply."""
    query = sa.select(answer_replies.c.body, answer_replies.c.reply)
    query = query.where(answer_replies.c.upstream == upstream, answer_replies.c.key == key)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def keep_reply(tx: Tx, upstream: str, key: str, body: str, reply: str, at: datetime) -> None:
    """Keep a reply: ids and verdicts, no words. The first one under a key stays."""
    values = {"upstream": upstream, "key": key, "body": body, "reply": reply, "at": at}
    await tx.execute(insert(tx, answer_replies).values(values).on_conflict_do_nothing())


async def standing(tx: Tx, upstreams: Collection[str]) -> dict[str, tuple[int, datetime | None]]:
    """Of each platform how many answers wait for a person, and when its feed was last read to a page's end."""
    kept = answers.c
    held = sa.select(kept.upstream, sa.func.count()).where(kept.held.is_not(None)).group_by(kept.upstream)
    waiting: dict[str, int] = {row[0]: row[1] for row in await tx.execute(held)}
    cursors = await tx.execute(sa.select(answer_cursors.c.upstream, answer_cursors.c.read_at))
    read: dict[str, datetime] = {row[0]: row[1] for row in cursors}
    return {name: (waiting.get(name, 0), read.get(name)) for name in upstreams}


async def purge(tx: Tx, before: datetime) -> int:
    """Forget replies given before then; how many."""
    return (await tx.execute(sa.delete(answer_replies).where(answer_replies.c.at < before))).rowcount
