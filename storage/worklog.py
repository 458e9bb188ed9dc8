"""The work log: 走访 and 巡查 as they were typed, and what follows by itself from what somebody did.

A ticket that was taken or handled, a call that was answered and a task that was done stand on the audit trail or in
their own rows, and are read from there: nothing is written down twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from storage.doings import Wanted
from storage.engine import Tx, purged
from storage.tables.records import audit
from storage.tables.registry import people
from storage.tables.tickets import calls, task_grids, tasks, tickets
from storage.tables.worklog import work_entries


class WorkKind(StrEnum):
    VISIT = "visit"  # 走访
    PATROL = "patrol"  # 巡查
    TAKEN = "taken"  # 接单
    HANDLED = "handled"  # 办结
    CALL = "call"  # 应答
    TASK = "task"  # 完成交办


TYPED = frozenset({WorkKind.VISIT, WorkKind.PATROL})
_STEPS = {"taken": WorkKind.TAKEN, "finished": WorkKind.HANDLED}  # by the action they are audited under


@dataclass(frozen=True, slots=True)
class Work:
    """One entry. `item` is the id of what it is about, '' for what was typed, of which `text` is the words, masked, as
    it is the 事项 of a task."""

    person_id: int
    name: str
    kind: WorkKind
    at: datetime
    grid: str
    item: str = ""
    text: str = ""
    households: int | None = None
    photo: bool = False


async def note(
    tx: Tx,
    *,
    kind: WorkKind,
    person_id: int,
    grid: str,
    households: int | None,
    text: str,
    account: str,
    message_id: str,
    at: datetime,
) -> int:
    """A line that somebody typed, masked by then; its id."""
    said = {"households": households, "text": text, "account": account, "message_id": message_id}
    row = sa.insert(work_entries).values(kind=kind.value, person_id=person_id, grid=grid, at=at, **said)
    entry: int = (await tx.execute(row.returning(work_entries.c.id))).scalar_one()
    return entry


async def show(tx: Tx, entry: int, photo_id: str) -> bool:
    """The message with this id shows it; False where the entry is gone."""
    one = sa.update(work_entries).where(work_entries.c.id == entry).values(photo_id=photo_id)
    return (await tx.execute(one)).rowcount == 1


async def log(
    tx: Tx,
    *,
    person_id: int | None = None,
    grid: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Work]:
    """What people in office did, or this one of them, oldest first."""
    who, none, empty = (people.c.id, people.c.name), sa.null(), sa.literal("")
    typed = sa.select(
        *who,
        work_entries.c.kind,
        work_entries.c.at,
        work_entries.c.grid,
        none,
        work_entries.c.text,
        work_entries.c.households,
        work_entries.c.photo_id,
    ).join(work_entries, work_entries.c.person_id == people.c.id)
    # A step that passed over others stands on the trail once for each of them.
    stepped = (
        sa.select(*who, audit.c.action, audit.c.at, tickets.c.grid, tickets.c.number, empty, none, none)
        .join(audit, audit.c.actor == people.c.id)
        .join(tickets, tickets.c.number == audit.c.ticket)
        .where(audit.c.action.in_(_STEPS), tickets.c.grid.is_not(None))
        .distinct()
    )
    called = (
        sa.select(*who, sa.literal("call"), calls.c.accepted_at, tickets.c.grid, calls.c.ticket, empty, none, none)
        .join(calls, calls.c.accepted_by == people.c.id)
        .join(tickets, tickets.c.number == calls.c.ticket)
        .where(tickets.c.grid.is_not(None))
    )
    tasked = (
        sa.select(
            *who,
            sa.literal("task"),
            task_grids.c.done_at,
            task_grids.c.grid,
            tasks.c.number,
            tasks.c.matter,
            none,
            none,
        )
        .join(task_grids, task_grids.c.person_id == people.c.id)
        .join(tasks, tasks.c.number == task_grids.c.task)
    )
    wanted = Wanted(person_id, since, until, grid)
    found: list[Work] = []
    for query, letter, at, where in (
        (typed, "", work_entries.c.at, work_entries.c.grid),
        (stepped, "S", audit.c.at, tickets.c.grid),
        (called, "S", calls.c.accepted_at, tickets.c.grid),
        (tasked, "J", task_grids.c.done_at, task_grids.c.grid),
    ):
        for id_, name, kind, moment, code, number, text, households, photo in await tx.execute(
            wanted.of(query, at, where)
        ):
            item = f"{letter}{number}" if number is not None else ""
            step = _STEPS.get(kind) or WorkKind(kind)
            found.append(Work(id_, name, step, moment, code, item, text, households, photo is not None))
    return sorted(found, key=lambda one: (one.at, one.person_id, one.item, one.text))


async def noted(tx: Tx, person_id: int) -> int:
    """How many lines somebody typed."""
    mine = sa.select(sa.func.count()).select_from(work_entries).where(work_entries.c.person_id == person_id)
    return await tx.scalar(mine) or 0


async def recall(tx: Tx, account: str, message_id: str) -> int:
    """The message was taken back: so is what it noted; of a photo that it was one. How many entries."""
    shown = sa.update(work_entries).where(work_entries.c.account == account, work_entries.c.photo_id == message_id)
    count = (await tx.execute(shown.values(photo_id=None))).rowcount
    typed = (work_entries.c.account == account, work_entries.c.message_id == message_id)
    return count + await _drop(tx, *typed)


async def forget(tx: Tx, person_id: int) -> int:
    """Somebody is erased: what they typed goes; how many lines."""
    return await _drop(tx, work_entries.c.person_id == person_id)


async def purge(tx: Tx, before: datetime) -> int:
    """Forget what was typed before then; how many lines."""
    return await _drop(tx, work_entries.c.at < before)


async def _drop(tx: Tx, *which: sa.ColumnElement[bool]) -> int:
    gone = (await tx.execute(sa.delete(work_entries).where(*which))).rowcount
    if gone:
        purged(tx)
    return gone
