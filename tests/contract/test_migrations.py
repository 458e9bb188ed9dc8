"""The revisions make what storage/tables/ says, and the first schema can still be read."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from storage import tables, tickets
from storage.engine import Store, StoreError
from storage.migrations import HEAD, REVISIONS, upgrade
from storage.testing import fresh_store, url_of
from tests.contract.fill import (
    BIND_CODE_LINE,
    KEY_FILE,
    fill,
    fill_fleet,
    fill_neighbours,
    fill_net,
    fill_sessions,
    read_back,
    read_fleet,
    read_neighbours,
    read_net,
    read_sessions,
)

DATA = Path(__file__).parents[1] / "data"


def test_the_list_of_revisions_is_that_of_the_files() -> None:
    scripts = ScriptDirectory.from_config(upgrade.config())
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == list(REVISIONS)
    assert scripts.get_heads() == [HEAD]


def _schema(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: _clauses(sql) for name, sql in found if name not in ("alembic_version", "sqlite_sequence")}


def _clauses(sql: str) -> list[str]:
    """Columns and constraints in any order, without the accidents of quoting and spacing."""
    plain = re.sub(r"\s+", " ", sql.replace('"', "")).strip()
    head, _, rest = plain.partition("(")
    body, _, tail = rest.rpartition(")")
    clauses = re.split(r",\s(?=[a-z_]+ [A-Z]|CONSTRAINT)", body)
    return [head.strip(), tail.strip(), *sorted(clause.strip() for clause in clauses)]


async def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store:
        del store
    declared = tmp_path / "declared.db"
    with closing(sqlite3.connect(declared)) as database:
        for table in tables.metadata.sorted_tables:
            database.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
            for index in table.indexes:
                database.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
    migrated, wanted = _schema(tmp_path / "xiaoge.db"), _schema(declared)
    assert migrated.keys() == wanted.keys()
    for name, clauses in wanted.items():
        assert migrated[name] == clauses, name


def test_the_tables_are_also_those_of_postgresql() -> None:
    """Another database will join: nothing here may be said in SQLite's words alone."""
    said = {
        table.name: str(CreateTable(table).compile(dialect=postgresql.dialect()))
        + "".join(str(CreateIndex(index).compile(dialect=postgresql.dialect())) for index in table.indexes)
        for table in tables.metadata.sorted_tables
    }
    assert "TIMESTAMP WITH TIME ZONE" in said["tickets"]
    assert "BIGSERIAL" in said["outbox"]
    assert "WHERE state = 'queued'" in said["outbox"]
    assert "BIGSERIAL" not in said["tickets"] + said["audit"]


def _load(dump: Path, home: Path) -> tuple[Path, str]:
    """A database from the text of a dump, its key beside it, and the bind code it holds."""
    text = dump.read_text(encoding="utf-8")
    path = home / "xiaoge.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(text)
    key = home / "xiaoge.key"
    key.write_text(KEY_FILE)
    key.chmod(0o600)
    return path, text.splitlines()[0].removeprefix(BIND_CODE_LINE)


@pytest.mark.parametrize("dump", sorted(DATA.glob("schema_*.sql")), ids=lambda path: path.stem)
async def test_a_filled_database_of_every_schema_is_read(dump: Path, tmp_path: Path) -> None:
    path, code = _load(dump, tmp_path)
    async with await Store.open(url_of(path)) as store:
        if dump.stem == "schema_0001":
            await store.write(fill_net)  # what came later is there and can be written
        if dump.stem < "schema_0003":
            await store.write(fill_neighbours)
        if dump.stem < "schema_0004":
            await store.write(fill_fleet)
        if dump.stem < "schema_0005":
            await store.write(fill_sessions)
        await read_sessions(store)
        await read_fleet(store)
        await read_neighbours(store)
        await read_net(store)
        await read_back(store, code)


async def test_where_two_accounts_answered_a_room_one_goes_on(tmp_path: Path) -> None:
    path, _ = _load(DATA / "schema_0001.sql", tmp_path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO rooms (account, im_id, topic, kind, state, created_at)"
            " SELECT 'second', im_id, topic, kind, state, created_at FROM rooms WHERE state = 'enabled'"
        )
    async with await Store.open(url_of(path)):
        pass
    with closing(sqlite3.connect(path)) as database:
        states = set(database.execute("SELECT account, state FROM rooms"))
        origins = set(database.execute("SELECT origin FROM grants"))
    assert states == {("a", "enabled"), ("second", "dormant")}
    assert origins == {("config",)}


async def test_what_was_answered_before_answers_were_counted_is_not_overdue(tmp_path: Path) -> None:
    path, _ = _load(DATA / "schema_0001.sql", tmp_path)
    async with await Store.open(url_of(path)) as store:
        answered, candidate = await store.read(lambda tx: tickets.numbered(tx, [1, 2]))
    assert answered.acknowledged_at == answered.assigned_at
    assert answered.assigned_at is not None
    assert candidate.acknowledged_at is None


@pytest.mark.parametrize("dump", sorted(DATA.glob("schema_*.sql")), ids=lambda path: path.stem)
def test_the_dump_of_a_schema_fills_every_table(dump: Path, tmp_path: Path) -> None:
    path, _ = _load(dump, tmp_path)
    with closing(sqlite3.connect(path)) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        empty = [name for name in names if not database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]]  # noqa: S608
    assert len(names) > 20
    assert not empty


async def test_what_is_filled_today_is_read_today(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store:
        await read_back(store, await store.write(fill))


def test_there_is_a_dump_of_every_schema() -> None:
    assert [path.stem for path in sorted(DATA.glob("schema_*.sql"))] == [f"schema_{each}" for each in REVISIONS]


async def test_an_old_schema_is_refused_where_migrating_is_not_wanted(tmp_path: Path) -> None:
    path = tmp_path / "xiaoge.db"
    path.touch()
    with pytest.raises(StoreError, match="start the bot once to migrate"):
        await Store.open(url_of(path), migrate=False)


async def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise RuntimeError("stopped in the middle")

    path = tmp_path / "xiaoge.db"
    with monkeypatch.context() as patched:
        patched.setattr(upgrade, "to_head", half)
        with pytest.raises(RuntimeError):
            await Store.open(url_of(path))
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []
    async with await Store.open(url_of(path)) as store:
        await store.write(fill)
