"""Is the database whole? Read-only checks for the operator."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx
from storage.tables.records import audit

_NOTICED = """
SELECT 'constraint ' || conname || ' was never checked' FROM pg_constraint WHERE NOT convalidated
UNION ALL
SELECT 'index ' || indexrelid::regclass || ' is not valid' FROM pg_index WHERE NOT indisvalid
UNION ALL
SELECT checksum_failures || ' pages are damaged, the last one found at ' || checksum_last_failure
FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0
"""


async def integrity(tx: Tx) -> list[str]:
    """What the database's own check finds: empty when all is well. On SQLite it reads the whole file; PostgreSQL tells
    what it has noticed so far (`pg_amcheck` on the server reads everything)."""
    if tx.dialect.name == "postgresql":
        return [str(row[0]) for row in await tx.exec_driver_sql(_NOTICED)]
    found = [str(row[0]) for row in await tx.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    broken = (await tx.exec_driver_sql("PRAGMA foreign_key_check")).mappings()
    return found + [f"{row['table']} refers to a missing {row['parent']}" for row in broken]


async def size(tx: Tx) -> int:
    """How many bytes the database takes."""
    if tx.dialect.name == "postgresql":
        return int((await tx.exec_driver_sql("SELECT pg_database_size(current_database())")).scalar_one())
    pages = (await tx.exec_driver_sql("PRAGMA page_count")).scalar_one()
    return int(pages * (await tx.exec_driver_sql("PRAGMA page_size")).scalar_one())


async def latest_entry(tx: Tx) -> datetime | None:
    """When the newest audit entry was made: a clock that shows an earlier time is wrong."""
    return (await tx.execute(sa.select(audit.c.at).order_by(audit.c.seq.desc()).limit(1))).scalar()
