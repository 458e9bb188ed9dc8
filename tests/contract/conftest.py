"""Every database behind the store passes this suite. Another one joins by a class like those here."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from storage.columns import microseconds
from storage.engine import Store
from storage.tables import metadata
from storage.testing import fresh_store, url_of
from tests.postgres_server import Server, running


class Database(Protocol):
    """What a test may do to a database besides using the store. Of its own for each test."""

    home: Path
    url: str
    moment: str  # a microsecond, to be added to an instant in SQL

    async def fresh(self) -> Store:
        """An empty store."""

    async def again(self) -> Store:
        """The same store, opened once more after it was closed."""

    def tamper(self, *statements: str) -> None:
        """Edit rows behind the store's back."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What is really in the tables."""

    def instant(self, at: datetime) -> str:
        """A moment in SQL."""

    def on_disk(self) -> bytes:
        """Every byte that the database keeps as far as xiaoge answers for it. SQLite: the files, the log included.
        PostgreSQL: every row that a query can see; what lies in dead rows until VACUUM is the server's."""


class Sqlite:
    """A SQLite file."""

    moment = "1"

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "xiaoge.db"
        self.url = url_of(self.path)

    async def fresh(self) -> Store:
        return await fresh_store(self.home)

    async def again(self) -> Store:
        return await Store.open(self.url)

    def tamper(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as database, database:
            for statement in statements:
                database.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            return database.execute(query).fetchall()

    def instant(self, at: datetime) -> str:
        return str(microseconds(at))

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.home.glob("xiaoge.db*")))


class Postgresql:
    """A database on the server of this test run, copied from one that is migrated."""

    moment = "interval '1 microsecond'"

    def __init__(self, home: Path, server: Server) -> None:
        self.home, self.server = home, server
        self.database = server.take()
        self._altered = False
        self.url = server.url(self.database)

    async def fresh(self) -> Store:
        return await self.again()

    async def again(self) -> Store:
        return await Store.open(self.url, key_file=self.home / "xiaoge.key")

    def tamper(self, *statements: str) -> None:
        self._altered |= any("ALTER" in statement or "alembic" in statement for statement in statements)
        self.server.execute(self.database, *statements)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.server.fetch(self.database, query)

    def instant(self, at: datetime) -> str:
        return f"timestamptz '{at.isoformat()}'"

    def on_disk(self) -> bytes:
        return "".join(
            text
            for table in metadata.tables
            # Bytes that are text would show as such.
            for (text,) in self.server.fetch(
                self.database,
                f"SELECT t::text FROM (SELECT set_config('bytea_output', 'escape', false)) o, {table} t",  # noqa: S608
            )
        ).encode()

    def close(self) -> None:
        (self.server.drop if self._altered else self.server.give_back)(self.database)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this test run."""
    with running() as server:
        yield server


@pytest.fixture
def postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Postgresql]:
    """A fresh database on it."""
    database = Postgresql(tmp_path, request.getfixturevalue("postgres"))
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Sqlite:
    return Sqlite(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Database:
    database: Database = request.getfixturevalue(request.param)
    return database


@pytest.fixture
async def store(backend: Database) -> AsyncIterator[Store]:
    async with await backend.fresh() as opened:
        yield opened
