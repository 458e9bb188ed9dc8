"""The operator's question whether the database is whole."""

from __future__ import annotations

from storage import audit, health
from storage.engine import Store
from storage.model import AuditEntry
from tests.contract.conftest import Postgresql, Sqlite
from tests.contract.fill import MINUTE, NOW, fill


async def test_a_whole_database_has_no_complaint(store: Store) -> None:
    await store.write(fill)
    assert await store.read(health.integrity) == []


async def test_a_lost_row_is_found(sqlite: Sqlite) -> None:
    """PostgreSQL would not let it go."""
    async with await sqlite.fresh() as store:
        await store.write(fill)
        sqlite.tamper("DELETE FROM people WHERE name = '王示例'")
        found = await store.read(health.integrity)
    assert "grants refers to a missing people" in found
    assert "tickets refers to a missing people" in found


async def test_what_postgresql_did_not_check_is_found(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store:
        postgresql.tamper("ALTER TABLE people ADD CONSTRAINT later CHECK (name <> '') NOT VALID")
        assert await store.read(health.integrity) == ["constraint later was never checked"]


async def test_the_latest_entry(store: Store) -> None:
    assert await store.read(health.latest_entry) is None
    for minutes in (0, 2):
        entry = AuditEntry(NOW + minutes * MINUTE, "start")
        await store.write(lambda tx, entry=entry: audit.append(tx, entry))
    assert await store.read(health.latest_entry) == NOW + 2 * MINUTE
