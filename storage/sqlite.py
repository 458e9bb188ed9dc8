"""SQLite behind the store: engines with the measured settings, the file lock, checkpoints, and its errors in words.

storage/postgres.py has the same functions on a class of its own; engine.py picks by URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage import driver, wiping
from storage.errors import StoreError

BUSY_TIMEOUT = 10.0  # seconds
READERS = 4

_HASTY = 50  # milliseconds that a scrub waits for readers; it is tried again when they have ended

_MAGIC = b"SQLite format 3\0"

# secure_delete: deleted text is overwritten, not only unlinked (storage/wiping.py does the rest).
# synchronous FULL: costs nothing once commits are grouped.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA wal_autocheckpoint=20000",
    "PRAGMA temp_store=MEMORY",
)


class Backend:
    """One SQLite file."""

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise StoreError(f"{url}: name a file, for example sqlite+aiosqlite:///var/xiaoge.db")
        self.path = Path(url.database).absolute()
        self.name = str(self.path)
        self._lock: int | None = None
        self._file: int | None = None
        self.shared: dict[str, Any] = {}  # seen by every connection as info["store"]

    @property
    def key_file(self) -> Path:
        """Where the key lies unless it is configured."""
        return self.path.parent / "xiaoge.key"

    def prepare(self, *, read_only: bool) -> None:
        """Take the lock and look at the file before SQLite does. Raises StoreError."""
        if read_only:
            if not self.path.exists():
                raise StoreError(
                    f"database {self.path} does not exist: check the path, or start the bot once to make it"
                )
        else:
            self._take_lock()
            self._open_file()

    def _open_file(self) -> None:
        """Make the file where there is none: empty and never readable by others; SQLite gives its side files the same
        mode. It stays open until `release`, because closing any handle of it would drop SQLite's own locks."""
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            start = os.pread(self._file, len(_MAGIC), 0)
        except OSError as error:
            self.release()
            raise StoreError(
                f"database {self.path} cannot be opened ({error.strerror}): give it to the user who runs xiaoge"
            ) from None
        if start not in (b"", _MAGIC):
            self.release()
            raise StoreError(f"{self.path} is not a database of xiaoge: move it away or configure another path")

    def _take_lock(self) -> None:
        lock = self.path.with_name(self.path.name + ".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"directory {self.path.parent} cannot be written ({error.strerror}): "
                "make it and give it to the user who runs xiaoge"
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise StoreError(f"database {self.path} is in use by process {holder}: stop that one first") from None
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same, only without a name
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._lock = handle

    def release(self) -> None:
        """Let another process have the file. The lock file stays: without it two processes could each lock one."""
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        self._file = self._lock = None

    async def _connect(self, *pragmas: str, at_once: bool = False) -> driver.Connection:
        connection = await driver.connect(self.path, patience=BUSY_TIMEOUT, at_once=at_once)
        try:
            for pragma in pragmas:
                await connection.execute_fetchall(pragma)
        except BaseException:
            await connection.close()
            raise
        return connection

    # hide_parameters: an error tells its statement, never the texts that people wrote.

    def writer(self) -> AsyncEngine:
        """The engine of the one writer."""

        async def connect() -> driver.Connection:
            return await self._connect(*_PRAGMAS, "PRAGMA foreign_keys=ON", at_once=True)

        engine = create_async_engine(
            "sqlite+aiosqlite://",
            async_creator=connect,
            pool_size=1,
            max_overflow=0,
            poolclass=sa.AsyncAdaptedQueuePool,
            hide_parameters=True,
        )
        return self._with_begin(engine, "BEGIN IMMEDIATE")

    def asides(self) -> None:
        """There is no other way to write than the writer's."""

    def readers(self) -> AsyncEngine:
        """The engine of the readers: each transaction is one snapshot, and none can write."""

        async def connect() -> driver.Connection:
            return await self._connect("PRAGMA query_only=ON", "PRAGMA temp_store=MEMORY")

        engine = create_async_engine(
            "sqlite+aiosqlite://",
            async_creator=connect,
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=60,
            poolclass=sa.AsyncAdaptedQueuePool,
            hide_parameters=True,
        )
        return self._with_begin(engine, "BEGIN")

    def migrator(self) -> AsyncEngine:
        """An engine for migrations: batch mode copies and drops tables, which foreign keys would not survive."""

        async def connect() -> driver.Connection:
            return await self._connect(*_PRAGMAS, "PRAGMA foreign_keys=OFF")

        return self._with_begin(
            create_async_engine("sqlite+aiosqlite://", async_creator=connect, poolclass=NullPool, hide_parameters=True),
            "BEGIN IMMEDIATE",
        )

    def _with_begin(self, engine: AsyncEngine, statement: str) -> AsyncEngine:
        @sa.event.listens_for(engine.sync_engine, "connect")
        def connected(_: object, record: Any) -> None:  # noqa: ANN401  # a pool record; its protocol is private
            record.info["store"] = self.shared

        @sa.event.listens_for(engine.sync_engine, "begin")
        def begin(connection: sa.Connection) -> None:
            raw = connection.connection.driver_connection
            assert isinstance(raw, driver.Connection)  # noqa: S101
            raw.first(statement)

        return engine

    async def raw(self, connection: AsyncConnection) -> driver.Connection:
        """The driver's connection; its `first` takes statements that need no answer."""
        raw = (await connection.get_raw_connection()).driver_connection
        assert isinstance(raw, driver.Connection)  # noqa: S101
        return raw

    async def healthy(self, connection: AsyncConnection) -> bool:  # noqa: ARG002
        """Is the connection that was kept still one? A file does not go away."""
        return True

    async def joined(self, connection: AsyncConnection) -> None:
        """The schema has been found to be this program's; nobody else changes it."""

    async def part(self, connection: AsyncConnection) -> None:
        """The writer's last word: none."""

    async def committed(self, connection: AsyncConnection, mark: str) -> bool:  # noqa: ARG002
        """A COMMIT that failed here did not happen."""
        return False

    async def check_migrated(self, connection: AsyncConnection) -> None:
        """After a migration, inside its transaction: rows that foreign keys would have refused undo it."""
        broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all()
        if broken:
            raise StoreError(
                f"{self.path}: the migration would break {len(broken)} references: restore a backup and report this"
            )

    async def scrub(self, connection: AsyncConnection, *, patient: bool) -> bool:
        """Move the WAL into the database, cut it to nothing, and wipe what moved rows left in their old pages. False
        when a reader was in the way; `patient` waits for it up to the busy timeout. `connection`: the writer's, outside
        of a transaction."""
        raw = await self.raw(connection)
        if not patient:
            await raw.execute_fetchall(f"PRAGMA busy_timeout={_HASTY}")
        try:
            ((busy, _, _),) = await raw.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            if not patient:
                await raw.execute_fetchall(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT * 1000)}")
        if busy:
            return False
        if self._file is None:
            return True  # a guest beside a running bot (storage/beside.py): the bot wipes after its own next purge
        await raw.execute_fetchall("BEGIN IMMEDIATE")
        try:
            wiped = await asyncio.to_thread(wiping.wipe, self._file)
        finally:
            await raw.rollback()
        if wiped:
            await raw.execute_fetchall("PRAGMA shrink_memory")  # or the cached old pages would be written back
        return True

    def backup(self, target: Path) -> None:
        """Write a compact copy of one moment to `target`, which must not exist. Blocking. Raises StoreError."""
        part = target.with_name(target.name + ".part")
        try:
            if target.exists():
                raise StoreError(f"{target} is there already: name another file or remove it")
            part.unlink(missing_ok=True)
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT)) as source:
                source.execute("VACUUM INTO ?", (str(part),))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.rename(target)
        except sqlite3.Error as error:
            part.unlink(missing_ok=True)
            raise self.explain(error, target) or StoreError(f"backup to {target} failed ({error})") from None
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StoreError(
                f"backup to {target} failed ({error.strerror}): choose a directory that can be written"
            ) from None

    def explain(self, error: BaseException, place: Path | None = None) -> StoreError | None:
        """The StoreError for a fault of the database itself; None for any other one (a broken constraint, a bug)."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, sqlite3.Error):
            return None
        # The low byte is the kind of error, the rest its details; the driver's own faults have no code.
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        place = place or self.path
        name = getattr(cause, "sqlite_errorname", "")
        match code:
            case sqlite3.SQLITE_FULL:
                return StoreError(f"disk full: {place} cannot grow; free some space, the bot then goes on by itself")
            case sqlite3.SQLITE_IOERR:
                return StoreError(f"{place} cannot be read or written ({name}): check the disk and its free space")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return StoreError(f"database {place} is locked by another program: close it (lsof {place} names it)")
            case sqlite3.SQLITE_NOTADB:
                return StoreError(f"{place} is not a database of xiaoge: move it away or configure another path")
            case sqlite3.SQLITE_CORRUPT:
                return StoreError(f"database {place} is damaged: restore the last backup")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return StoreError(
                    f"database {place} is read-only: give it and its directory to the user who runs xiaoge"
                )
            case sqlite3.SQLITE_CANTOPEN:
                return StoreError(
                    f"database {place} cannot be opened: make its directory and give it to the user who runs xiaoge"
                )
        return None
