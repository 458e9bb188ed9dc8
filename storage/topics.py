"""议题: what neighbours want to talk about at the monthly meeting, and who wants it.

A topic goes by the words of the oldest supporter who put it in words; of one that nobody's words tell any more nothing
is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import numbers
from storage.engine import Tx, insert, purged
from storage.grids import within
from storage.tables.deliberation import topic_supporters, topics

SEQUENCE = "deliberation"  # topics and polls share it: both are V


class TopicState(StrEnum):
    OPEN = "open"
    DISCUSSED = "discussed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Topic:
    """`supporters` counts its first proposer too; `text` is empty where nobody's words are left."""

    number: int
    grid: str | None
    room_id: int | None
    state: TopicState
    at: datetime
    supporters: int
    text: str
    closed_at: datetime | None = None

    @property
    def id(self) -> str:
        """The id people type: `V3`."""
        return f"V{self.number}"


def _topics() -> sa.Select[Any]:
    own = topic_supporters.c.topic == topics.c.number
    counted = sa.select(sa.func.count()).select_from(topic_supporters).where(own).scalar_subquery()
    said = (
        sa.select(topic_supporters.c.text)
        .where(own, topic_supporters.c.text != "")
        .order_by(topic_supporters.c.at, topic_supporters.c.person_id)
        .limit(1)
        .scalar_subquery()
    )
    return sa.select(
        topics.c.number,
        topics.c.grid,
        topics.c.room_id,
        topics.c.state,
        topics.c.at,
        sa.case((topics.c.state == TopicState.OPEN.value, counted), else_=topics.c.supporters),
        sa.func.coalesce(said, ""),
        topics.c.closed_at,
    )


_TOPIC = _topics()


def _topic(row: sa.Row[Any]) -> Topic:
    number, grid, room_id, state, *rest = tuple(row)
    return Topic(number, grid, room_id, TopicState(state), *rest)


async def propose(
    tx: Tx,
    *,
    grid: str | None,
    room_id: int | None,
    person_id: int,
    text: str,
    account: str,
    message_id: str,
    at: datetime,
) -> Topic:
    """A new topic with its first supporter."""
    number = await numbers.next_of(tx, SEQUENCE)
    values = {"number": number, "grid": grid, "room_id": room_id, "at": at}
    await tx.execute(sa.insert(topics).values(**values, state=TopicState.OPEN.value, supporters=0))
    await support(tx, number, person_id, text=text, account=account, message_id=message_id, at=at)
    return Topic(number, grid, room_id, TopicState.OPEN, at, 1, text)


async def support(
    tx: Tx, number: int, person_id: int, *, text: str, account: str, message_id: str, at: datetime
) -> bool:
    """One more supporter; False for somebody who is one already."""
    row = {"topic": number, "person_id": person_id, "text": text, "account": account, "message_id": message_id}
    statement = insert(tx, topic_supporters).values(**row, at=at).on_conflict_do_nothing()
    return (await tx.execute(statement)).rowcount == 1


async def get(tx: Tx, number: int) -> Topic | None:
    """The topic with this number."""
    row = (await tx.execute(_TOPIC.where(topics.c.number == number))).one_or_none()
    return None if row is None else _topic(row)


async def open_in(tx: Tx, scope: str) -> list[Topic]:
    """The open topics of the grids that begin with `scope`, what most people support first."""
    query = _TOPIC.where(topics.c.state == TopicState.OPEN.value, within(topics.c.grid, scope))
    found = [_topic(row) for row in await tx.execute(query)]
    return sorted((topic for topic in found if topic.text), key=lambda topic: (-topic.supporters, topic.number))


async def grids(tx: Tx) -> list[str]:
    """The grids that have open topics, in order."""
    query = sa.select(topics.c.grid).where(topics.c.state == TopicState.OPEN.value, topics.c.grid.is_not(None))
    return list(await tx.scalars(query.distinct().order_by(topics.c.grid)))


async def latest_in(tx: Tx, room_id: int, since: datetime) -> tuple[Topic, datetime] | None:
    """The open topic that was proposed or seconded last in that room since then, and when."""
    query = (
        sa.select(topics.c.number, topic_supporters.c.at)
        .join(topic_supporters, topic_supporters.c.topic == topics.c.number)
        .where(topics.c.room_id == room_id, topics.c.state == TopicState.OPEN.value, topic_supporters.c.at >= since)
        .order_by(topic_supporters.c.at.desc(), topics.c.number.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    topic = await get(tx, row.number) if row is not None else None
    return None if row is None or topic is None else (topic, row.at)


async def by_message(tx: Tx, account: str, message_id: str) -> Topic | None:
    """The topic that this message proposed or seconded."""
    query = sa.select(topic_supporters.c.topic).where(
        topic_supporters.c.account == account, topic_supporters.c.message_id == message_id
    )
    number = await tx.scalar(query.limit(1))
    return None if number is None else await get(tx, number)


async def leave(tx: Tx, number: int, person_id: int, at: datetime) -> bool:
    """Somebody supports it no longer, and their words of it go; False where they did not. An open topic that nobody's
    words tell any more is dropped."""
    own = (topic_supporters.c.topic == number, topic_supporters.c.person_id == person_id)
    gone = (await tx.execute(sa.delete(topic_supporters).where(*own))).rowcount == 1
    if gone:
        purged(tx)
        topic = await get(tx, number)
        if topic is not None and topic.state is TopicState.OPEN and not topic.text:
            await close(tx, number, TopicState.DROPPED, at)
    return gone


async def close(tx: Tx, number: int, state: TopicState, at: datetime) -> bool:
    """The topic is done with; False where it was closed already."""
    counted = sa.select(sa.func.count()).select_from(topic_supporters).where(topic_supporters.c.topic == number)
    statement = (
        sa.update(topics)
        .where(topics.c.number == number, topics.c.state == TopicState.OPEN.value)
        .values(state=state.value, closed_at=at, supporters=counted.scalar_subquery())
    )
    return (await tx.execute(statement)).rowcount == 1


async def supported_by(tx: Tx, person_id: int) -> list[int]:
    """The numbers of the topics that somebody supports, in order."""
    query = sa.select(topic_supporters.c.topic).where(topic_supporters.c.person_id == person_id)
    return list(await tx.scalars(query.order_by(topic_supporters.c.topic)))


async def purge(tx: Tx, before: datetime) -> list[int]:
    """Forget who supported the topics that were closed before then, and their words; the ids of these people."""
    old = sa.select(topics.c.number).where(topics.c.closed_at < before)
    gone = sa.delete(topic_supporters).where(topic_supporters.c.topic.in_(old)).returning(topic_supporters.c.person_id)
    people = list(await tx.scalars(gone))
    if people:
        purged(tx)
    return people
