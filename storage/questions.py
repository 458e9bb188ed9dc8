"""Open questions to people about an item that is no ticket: rows, never coroutines.

Those about tickets are in dialogs.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.tables.neighbours import questions


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one person. `item` is the id as people write it, H12; `data` what the step must remember: words
    and numbers that JSON can hold, never a phone or ID number."""

    person_id: int
    step: str
    item: str
    room_id: int | None  # where it was asked; None in private
    asked_at: datetime
    expires_at: datetime
    data: Mapping[str, str | int | None] = field(default_factory=dict)


_QUESTION = sa.select(
    questions.c.person_id,
    questions.c.step,
    questions.c.item,
    questions.c.room_id,
    questions.c.asked_at,
    questions.c.expires_at,
    questions.c.data,
)


async def ask(tx: Tx, question: Question) -> None:
    """Open a question. Replaces this person's older question of the same step and item."""
    latest = {
        "room_id": question.room_id,
        "asked_at": question.asked_at,
        "expires_at": question.expires_at,
        "data": json.dumps(dict(question.data), ensure_ascii=False, sort_keys=True),
    }
    statement = insert(tx, questions).values(
        person_id=question.person_id, step=question.step, item=question.item, **latest
    )
    await tx.execute(statement.on_conflict_do_update(index_elements=["person_id", "step", "item"], set_=latest))


async def open_for(tx: Tx, person_id: int, step: str, now: datetime) -> list[Question]:
    """The person's questions of this step that have not expired, newest first."""
    query = _QUESTION.where(
        questions.c.person_id == person_id, questions.c.step == step, questions.c.expires_at > now
    ).order_by(questions.c.asked_at.desc(), questions.c.item.desc())
    return [Question(*row[:-1], json.loads(row[-1])) for row in await tx.execute(query)]


async def close(tx: Tx, person_id: int, step: str, item: str) -> bool:
    """The question is answered; False where it was not open, so that of two answers one counts."""
    one = (questions.c.person_id == person_id, questions.c.step == step, questions.c.item == item)
    return (await tx.execute(sa.delete(questions).where(*one))).rowcount == 1


async def close_item(tx: Tx, item: str) -> None:
    """Nobody is asked about this item any more."""
    await tx.execute(sa.delete(questions).where(questions.c.item == item))


async def purge(tx: Tx, before: datetime) -> int:
    """Forget questions that expired before then; how many."""
    return (await tx.execute(sa.delete(questions).where(questions.c.expires_at < before))).rowcount
