"""What fires at fixed moments, once: the key (job, moment) is unique, so nobody fires it a second time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.tables.records import job_runs


async def fire(tx: Tx, job: str, due_at: datetime, at: datetime) -> bool:
    """Take the job of that moment; False where it has been taken."""
    statement = insert(tx, job_runs).values(job=job, due_at=due_at, fired_at=at).on_conflict_do_nothing()
    return (await tx.execute(statement)).rowcount == 1


async def taken(tx: Tx, names: Collection[str], due_at: datetime) -> set[str]:
    """Which of the jobs of that moment were taken."""
    query = sa.select(job_runs.c.job).where(job_runs.c.job.in_(names), job_runs.c.due_at == due_at)
    return set(await tx.scalars(query))


async def last(tx: Tx, job: str) -> datetime | None:
    """The latest moment of which the job was taken."""
    query = sa.select(job_runs.c.due_at).where(job_runs.c.job == job).order_by(job_runs.c.due_at.desc()).limit(1)
    moment: datetime | None = await tx.scalar(query)
    return moment


async def purge(tx: Tx, before: datetime) -> None:
    """Forget the moments before then, but for each job's latest."""
    other = job_runs.alias()
    later = sa.exists().where(other.c.job == job_runs.c.job, other.c.due_at > job_runs.c.due_at)
    await tx.execute(sa.delete(job_runs).where(job_runs.c.due_at < before, later))
