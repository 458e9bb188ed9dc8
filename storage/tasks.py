"""交办: tasks and the grids that are asked to do them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from storage import numbers
from storage.engine import Tx
from storage.model import Task
from storage.tables.tickets import task_grids, tasks

_TASK = sa.select(
    tasks.c.number, tasks.c.scope, tasks.c.matter, tasks.c.text, tasks.c.person_id, tasks.c.at, tasks.c.due
)


async def hand_out(
    tx: Tx,
    *,
    scope: str,
    matter: str,
    text: str,
    person_id: int,
    at: datetime,
    due: datetime | None,
    grids: Sequence[str],
) -> Task:
    """A new task for these grids."""
    task = Task(await numbers.next_of(tx, "task"), scope, matter, text, person_id, at, due)
    values = {"number": task.number, "scope": scope, "matter": matter, "text": text}
    await tx.execute(sa.insert(tasks).values(**values, person_id=person_id, at=at, due=due))
    await tx.execute(sa.insert(task_grids), [{"task": task.number, "grid": grid, "result": ""} for grid in grids])
    return task


async def get(tx: Tx, number: int) -> Task | None:
    """The task with this number."""
    row = (await tx.execute(_TASK.where(tasks.c.number == number))).one_or_none()
    return None if row is None else Task(*row)


async def grids_of(tx: Tx, number: int, *, open_only: bool = False) -> list[str]:
    """The grids that are asked, in order; with `open_only` those that have not done it."""
    query = sa.select(task_grids.c.grid).where(task_grids.c.task == number).order_by(task_grids.c.grid)
    return list(await tx.scalars(query.where(task_grids.c.done_at.is_(None)) if open_only else query))


async def complete(
    tx: Tx, number: int, grids: Collection[str], *, person_id: int, result: str, at: datetime
) -> list[str]:
    """Those of the grids that had not done it have now; which they were, in order."""
    done = (
        sa.update(task_grids)
        .where(task_grids.c.task == number, task_grids.c.grid.in_(grids), task_grids.c.done_at.is_(None))
        .values(done_at=at, person_id=person_id, result=result)
        .returning(task_grids.c.grid)
    )
    return sorted(await tx.scalars(done))
