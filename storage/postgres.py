"""PostgreSQL behind the store: engines, any number of processes on one database, and its errors in words.

Writers take turns as they do on SQLite: each transaction begins with an advisory lock. So a work may look and then
write, and a claim never meets a claim; SKIP LOCKED (storage/outbox.py) only keeps one from waiting for a person's
psql. Whoever writes also shares a lock that a migration takes alone: no program meets a schema that is not its own.
Which process serves which account is a matter of leases (storage/leases.py).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.errors import StoreError
from storage.migrations import HEAD

if TYPE_CHECKING:
    import asyncpg

READERS = 4
CONNECT_TIMEOUT = 10.0  # seconds

_LOCKS = 0x78696F67  # "xiog": the class of our advisory locks, which are counted per database
_SCHEMA, _WRITE = 1, 2
_LOCK_PATIENCE = 5  # seconds that a process just killed may take to be gone

# In `meta`, one row a writer: which group it committed last, and when.
_MARK = "store.committed:"
_PUT_MARK = (
    "INSERT INTO meta (name, value)"
    " VALUES ('{name}', '\\x{mark}'::bytea || int8send(extract(epoch FROM now())::bigint)) "
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_MARK_BYTES = 16
_KEEP_MARKS = 30 * 86400  # seconds; a killed process leaves its own, and none asks for one after so long
_SWEEP_MARKS = f"""
DELETE FROM meta WHERE name LIKE '{_MARK}%'
  AND substr(value, {_MARK_BYTES + 1}) < int8send(extract(epoch FROM now())::bigint - {_KEEP_MARKS})
"""  # noqa: S608  # of constants

# A statement of ours takes milliseconds.
_SETTINGS = {
    "statement_timeout": "60000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "120000",
    "timezone": "UTC",
    "synchronous_commit": "on",
    # A process whose machine fell silent must not hold its locks for hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}
# A writer's transaction idles while a handler thinks; only a frozen process does it long. It loses its turn before
# those who wait for theirs give up.
_THINK = 8  # seconds
_LOST = "see that PostgreSQL runs and can be reached; the bot then goes on by itself"
_SESSION = {  # what an engine may set for its sessions
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_isolation",
    "default_transaction_read_only",
}
_GONE = ("08", "57P", "25P03")  # kinds of errors after which the connection is no more

_HOLDERS = """
SELECT a.pid, a.application_name, a.client_addr::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY a.backend_start
"""
_END_OWN = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND pid <> pg_backend_pid() AND datname = current_database()
"""


class MigratedError(StoreError):
    """A newer program has migrated the database while this one's connection was gone."""


class Backend:
    """One database of a PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        if not url.database:
            raise StoreError(f"{url}: name a database, for example postgresql+asyncpg://xiaoge@localhost/xiaoge")
        try:
            import asyncpg as _  # noqa: F401
        except ImportError:
            raise StoreError("PostgreSQL needs a driver: pip install 'xiaoge[postgres]'") from None
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name for it
            query["ssl"] = query.pop("sslmode")
        self._url = url.set(query=query)
        server = query.get("host", url.host) or "localhost"
        self.name = f"{url.database} on {server}" + (f":{url.port}" if url.port else "")
        self.shared: dict[str, Any] = {}  # seen by every connection as info["store"]
        # The token tells our own lost connections from those of others.
        token = secrets.token_hex(8)
        self._sign = f"{token} pid {os.getpid()} on {socket.gethostname()}"
        self._mark = _MARK + token
        self._wrote = False  # the writer was connected before

    @property
    def key_file(self) -> Path:
        """There is no directory in which it could lie by itself. Raises StoreError."""
        raise StoreError(f"database {self.name} needs a key file: configure key_file")

    def prepare(self, *, read_only: bool) -> None:
        """What is locked is locked by connections, so nothing is to be done ahead."""

    def release(self) -> None:
        """Locks go with the connections that hold them."""

    # hide_parameters: an error tells its statement, never the texts that people wrote.

    def writer(self) -> AsyncEngine:
        """The engine of this process's one writer. Its connection shares the lock of the schema, so that no write can
        outlive it."""
        engine = self._engine(
            "writer",
            pool_size=1,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            own=self._share_schema,
            idle_in_transaction_session_timeout=f"{_THINK}s",
            # Each statement sees what was committed before the turn came, whatever the server's default is.
            default_transaction_isolation="read committed",
        )
        sync = engine.sync_engine

        # AUTOCOMMIT makes SQLAlchemy leave transactions to these: what prepares the ground (BEGIN, SAVEPOINT) waits for
        # the first statement and travels as one message.
        @sa.event.listens_for(sync, "begin")
        def begin(connection: sa.Connection) -> None:
            mark = secrets.token_hex(_MARK_BYTES)
            connection.info["mark"] = mark
            connection.info["begun"] = False
            connection.info["ahead"] = [
                "BEGIN",
                f"SELECT pg_advisory_xact_lock({_LOCKS}, {_WRITE})",
                _PUT_MARK.format(name=self._mark, mark=mark),
            ]

        @sa.event.listens_for(sync, "before_cursor_execute")
        def catch_up(connection: sa.Connection, *_: object) -> None:
            ahead = connection.info.get("ahead")
            if ahead:
                connection.info["ahead"] = []
                connection.info["begun"] = True
                _run(connection, *ahead)

        @sa.event.listens_for(sync, "commit")
        def commit(connection: sa.Connection) -> None:
            begun, ahead = connection.info.pop("begun", False), connection.info.pop("ahead", [])
            if begun and _run(connection, *ahead, "COMMIT") != "COMMIT":
                raise RuntimeError("a work hid an error of the database: its transaction could not be committed")

        @sa.event.listens_for(sync, "rollback")
        def rollback(connection: sa.Connection) -> None:
            if connection.closed or connection.invalidated:
                return
            begun, _ = connection.info.pop("begun", False), connection.info.pop("ahead", None)
            if begun:
                _run(connection, "ROLLBACK")

        return engine

    def asides(self) -> AsyncEngine:
        """The engine of what waits for no turn. It connects when it is needed first."""
        return self._engine("aside", pool_size=1, max_overflow=0, isolation_level="AUTOCOMMIT")

    def readers(self) -> AsyncEngine:
        """The engine of the readers: each transaction is one snapshot, and none can write."""
        return self._engine(
            "reader",
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=60,
            isolation_level="REPEATABLE READ",
            default_transaction_read_only="on",
        )

    def migrator(self) -> AsyncEngine:
        """An engine for migrations, all of one in a transaction. To connect raises StoreError while others write."""
        return self._engine("migration", poolclass=NullPool, own=self._take_schema, statement_timeout="0")

    def _engine(self, role: str, *, own: Any = None, **options: Any) -> AsyncEngine:  # noqa: ANN401
        settings = {**_SETTINGS, "default_transaction_read_only": "off", "application_name": self._sign_of(role)}
        settings |= {name: options.pop(name) for name in _SESSION & options.keys()}
        try:
            engine = create_async_engine(
                self._url,
                hide_parameters=True,
                connect_args={"server_settings": settings, "timeout": CONNECT_TIMEOUT},
                **options,
            )
        except ArgumentError as error:
            raise StoreError(f"the URL of database {self.name} cannot be used ({error})") from None

        @sa.event.listens_for(engine.sync_engine, "do_connect")
        def connect(dialect: Any, _: object, args: Any, values: Any) -> Any:  # noqa: ANN401
            try:
                made = dialect.connect(*args, **values)
            except (OSError, ValueError, TypeError) as error:  # TimeoutError is an OSError
                raise self._unreachable(error) from error
            except Exception as error:
                raise self.explain(error) or self._unreachable(error) from error
            try:
                _keep_alive(made.driver_connection)
                if own is not None:
                    made.run_async(own)
            except BaseException as error:
                made.terminate()
                explained = self.explain(error)
                if explained is not None:
                    raise explained from error
                raise
            return made

        @sa.event.listens_for(engine.sync_engine, "connect")
        def connected(_: object, record: Any) -> None:  # noqa: ANN401  # a pool record; its protocol is private
            record.info["store"] = self.shared

        @sa.event.listens_for(engine.sync_engine, "checkout")
        def check_out(connection: Any, *_: object) -> None:  # noqa: ANN401
            if connection.driver_connection.is_closed():
                raise DisconnectionError  # the pool makes a new one

        return engine

    def _sign_of(self, role: str) -> str:
        return f"xiaoge {role} {self._sign}"[:63]

    async def _share_schema(self, connection: asyncpg.Connection[Any]) -> None:
        """Hold the schema as it is, together with all who write."""
        # Of a lost connection the server may not have heard yet: what it was in the middle of would block the next.
        if self._wrote:
            await connection.execute(_END_OWN, self._sign_of("writer"))
        holders = await self._lock(connection, "pg_advisory_lock_shared")
        if holders is not None:
            raise StoreError(f"database {self.name} is being migrated by {holders}: start again when that is done")
        if self._wrote:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
            if revision != HEAD:
                raise MigratedError(
                    f"database {self.name} was migrated to schema {revision} while it was out of reach: "
                    "stop this program and start the newer xiaoge"
                )
        elif await connection.fetchval("SELECT to_regclass('meta')"):
            await connection.execute(_SWEEP_MARKS)

    async def _take_schema(self, connection: asyncpg.Connection[Any]) -> None:
        """Hold the schema alone, to change it."""
        holders = await self._lock(connection, "pg_advisory_lock")
        if holders is not None:
            raise StoreError(
                f"database {self.name} has to be migrated to schema {HEAD} and is in use by {holders}: "
                "stop all of them, then start again"
            )

    async def _lock(self, connection: asyncpg.Connection[Any], how: str) -> str | None:
        """Take the lock of the schema; who is in the way, in words, where it does not come free."""
        # Waiting a little: the server takes a moment to see that a process is dead.
        await connection.execute(f"SET lock_timeout = '{_LOCK_PATIENCE}s'")
        try:
            await connection.execute(f"SELECT {how}({_LOCKS}, {_SCHEMA})")
        except Exception as error:
            if getattr(error, "sqlstate", "") != "55P03":
                raise
            holders = [
                f"{name} ({address or 'local'}, backend {pid})"
                for pid, name, address in await connection.fetch(_HOLDERS, _LOCKS, _SCHEMA)
            ]
            return ", ".join(holders) or "another process"
        await connection.execute(f"SET lock_timeout = {_SETTINGS['lock_timeout']}")
        return None

    async def joined(self, connection: AsyncConnection) -> None:  # noqa: ARG002
        """The schema has been found to be this program's: from now on another one is none of its."""
        self._wrote = True

    async def part(self, connection: AsyncConnection) -> None:
        """The writer's last word, outside of a transaction: no mark of its is asked for any more."""
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101
        await raw.execute("DELETE FROM meta WHERE name = $1", self._mark)

    async def raw(self, connection: AsyncConnection) -> _Ahead:
        """What takes statements that need no answer."""
        return _Ahead(connection.sync_connection)

    async def healthy(self, connection: AsyncConnection) -> bool:
        """Is the connection that was kept still one? Asks nobody."""
        if connection.closed or connection.invalidated:
            return False
        raw = (await connection.get_raw_connection()).driver_connection
        return raw is not None and not raw.is_closed()

    async def committed(self, connection: AsyncConnection, mark: str) -> bool:
        """Was the group with this mark committed, though no answer came? To be asked before the next group."""
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None  # noqa: S101
        # In our turn: a transaction that was cut has by then ended, this way or that.
        async with raw.transaction():
            await raw.execute(f"SELECT pg_advisory_xact_lock({_LOCKS}, {_WRITE})")
            query = f"SELECT substr(value, 1, {_MARK_BYTES}) = $1 FROM meta WHERE name = $2"  # noqa: S608
            return bool(await raw.fetchval(query, bytes.fromhex(mark), self._mark))

    async def check_migrated(self, connection: AsyncConnection) -> None:
        """PostgreSQL checks references itself."""

    async def scrub(self, connection: AsyncConnection, *, patient: bool) -> bool:  # noqa: ARG002
        """Nothing to do: dead rows are the server's (VACUUM), its log too. docs/operations.md says what that means."""
        return True

    def backup(self, target: Path) -> None:  # noqa: ARG002
        """Raises StoreError: the server has its own means."""
        raise StoreError(
            f"database {self.name} is on a server: copy it with pg_dump -Fc {self._url.database}, and the key file"
        )

    def _unreachable(self, error: Exception) -> StoreError:
        why = str(error) or type(error).__name__
        return StoreError(f"database {self.name} cannot be reached ({' '.join(why.split())}): {_LOST}")

    def explain(self, error: BaseException) -> StoreError | None:
        """The StoreError for a fault of the database itself; None for any other one (a broken constraint, a bug)."""
        if isinstance(error, PoolTimeout):
            return StoreError(f"database {self.name} is too slow: no reader came free in time")
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, ConnectionError):
            return StoreError(f"the connection to database {self.name} was lost: {_LOST}")
        state = str(getattr(cause, "sqlstate", None) or "")
        if not state:
            # The driver's own words for a connection that goes while it is used.
            kind = type(cause).__name__
            closed = kind == "InternalClientError" or (kind == "InterfaceError" and "clos" in str(cause))
            return StoreError(f"the connection to database {self.name} was lost: {_LOST}") if closed else None
        if state.startswith(_GONE):
            return StoreError(f"the connection to database {self.name} was lost: {_LOST}")
        user = self._url.username or "the configured user"
        match state:
            case "53100":
                return StoreError(f"disk full: the server of {self.name} needs space; the bot then goes on by itself")
            case "53300":
                return StoreError(
                    f"database {self.name} has no connection left: raise max_connections (each process takes 7)"
                )
            case "53200" | "53000" | "53400":
                return StoreError(f"the server of {self.name} is out of memory or another resource: see its log")
            case "25006":
                return StoreError(f"database {self.name} is read-only: name the primary server, not a standby")
            case "28P01" | "28000":
                return StoreError(f"database {self.name} refuses {user}: check user and password in the URL")
            case "3D000":
                return StoreError(f"database {self.name} does not exist: createdb {self._url.database}")
            case "42501":
                return StoreError(f"{user} has too few rights in {self.name}: make it the owner of the database")
            case "58030" | "XX001" | "XX002":
                return StoreError(f"database {self.name} is damaged or its disk is: see the server's log")
            case "55P03" | "57014" | "40P01" | "40001":
                return StoreError(f"database {self.name} is held up by another program: pg_stat_activity names it")
        return None


class _Ahead:
    """Statements for the next message to the server, as storage/driver.py has them for SQLite."""

    def __init__(self, connection: sa.Connection | None) -> None:
        assert connection is not None  # noqa: S101
        self._info = connection.info

    def first(self, statement: str) -> None:
        self._info.setdefault("ahead", []).append(statement)


def _run(connection: sa.Connection, *statements: str) -> str:
    """Send them as one message; what the server says of the last one."""
    text = "; ".join(statements)
    adapted: Any = connection.connection.dbapi_connection
    return str(adapted.run_async(lambda driver: driver.execute(text)))


def _keep_alive(connection: Any) -> None:  # noqa: ANN401  # the driver tells nobody its socket otherwise
    """A server that fell silent is noticed within half a minute."""
    transport = getattr(connection, "_transport", None)
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
