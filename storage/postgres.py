"""PostgreSQL behind the store: engines, one bot a database by an advisory lock, and its errors in words.

Writers take turns as they do on SQLite: each transaction begins with an advisory lock. So a work may look and then
write, and a claim never meets a claim; SKIP LOCKED (storage/outbox.py) only keeps one from waiting for a person's
psql. NOTIFY would tell nobody anything while one process owns the database: its own tasks wake one another, and poll.
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

if TYPE_CHECKING:
    import asyncpg

READERS = 4
CONNECT_TIMEOUT = 10.0  # seconds

_LOCKS = 0x78696F67  # "xiog": the class of our advisory locks, which are counted per database
_BOT, _WRITE = 1, 2
_MARK = "store.committed"  # in `meta`: which group was committed last
_PUT_MARK = (
    f"INSERT INTO meta (name, value) VALUES ('{_MARK}', '\\x{{}}') "  # noqa: S608  # of hexadecimal digits
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_LOCK_PATIENCE = 5  # seconds that a bot just killed may take to be gone

# A statement of ours takes milliseconds. A transaction idles while a handler thinks; only a frozen bot does it long.
_SETTINGS = {
    "statement_timeout": "60000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "120000",
    "timezone": "UTC",
    "synchronous_commit": "on",
    # A bot whose machine fell silent must not hold its lock for hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}
_LOST = "see that PostgreSQL runs and can be reached; the bot then goes on by itself"
_GONE = ("08", "57P", "25P03")  # kinds of errors after which the connection is no more

_HOLDER = """
SELECT a.pid, a.application_name, a.client_addr::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_END_OWN = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = $1 AND pid <> pg_backend_pid() AND datname = current_database()
"""


class TakenOverError(StoreError):
    """Another process holds this database now; what this one remembers of it is no longer true."""


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
        self._sign = f"{secrets.token_hex(4)} pid {os.getpid()} on {socket.gethostname()}"
        self._alone = False
        self._held = False  # the bot's lock was ours once: without it, somebody else may have written

    @property
    def key_file(self) -> Path:
        """There is no directory in which it could lie by itself. Raises StoreError."""
        raise StoreError(f"database {self.name} needs a key file: configure key_file")

    def prepare(self, *, read_only: bool) -> None:
        """The lock is taken by the writer's connection (`writer`), so nothing is to be done ahead."""
        self._alone = not read_only

    def release(self) -> None:
        """The lock goes with the connection that holds it."""

    # hide_parameters: an error tells its statement, never the texts that people wrote.

    def writer(self) -> AsyncEngine:
        """The engine of the one writer. The bot's lock lives on its connection, so that no write can outlive it."""
        engine = self._engine("writer", pool_size=1, max_overflow=0, isolation_level="AUTOCOMMIT", own=self._take_lock)
        sync = engine.sync_engine

        # AUTOCOMMIT makes SQLAlchemy leave transactions to these: what prepares the ground (BEGIN, SAVEPOINT) waits for
        # the first statement and travels as one message.
        @sa.event.listens_for(sync, "begin")
        def begin(connection: sa.Connection) -> None:
            mark = secrets.token_hex(16)
            connection.info["mark"] = mark
            connection.info["begun"] = False
            connection.info["ahead"] = [
                "BEGIN",
                f"SELECT pg_advisory_xact_lock({_LOCKS}, {_WRITE})",
                _PUT_MARK.format(mark),
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

    def readers(self) -> AsyncEngine:
        """The engine of the readers: each transaction is one snapshot, and none can write."""
        return self._engine(
            "reader",
            pool_size=READERS,
            max_overflow=0,
            pool_timeout=60,
            isolation_level="REPEATABLE READ",
            read_only="on",
        )

    def migrator(self) -> AsyncEngine:
        """An engine for migrations, all of one in a transaction."""
        return self._engine("migration", poolclass=NullPool, statement_timeout="0")

    def _engine(self, role: str, *, own: Any = None, **options: Any) -> AsyncEngine:  # noqa: ANN401
        settings = {
            **_SETTINGS,
            "application_name": self._sign_of(role),
            "statement_timeout": options.pop("statement_timeout", _SETTINGS["statement_timeout"]),
            "default_transaction_read_only": options.pop("read_only", "off"),
        }
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

    async def _take_lock(self, connection: asyncpg.Connection[Any]) -> None:
        if not self._alone:
            return
        # Waiting a little: the server takes a moment to see that a process is dead, also that our own connection is.
        await connection.execute(f"SET lock_timeout = '{_LOCK_PATIENCE}s'")
        if self._held:  # the server may not have seen yet that our connection is no more
            await connection.execute(_END_OWN, self._sign_of("writer"))
        try:
            await connection.execute(f"SELECT pg_advisory_lock({_LOCKS}, {_BOT})")
        except Exception as error:
            if getattr(error, "sqlstate", "") != "55P03":
                raise
            holder = await connection.fetchrow(_HOLDER, _LOCKS, _BOT)
            who = "another process" if holder is None else f"{holder[1]} ({holder[2] or 'local'}, backend {holder[0]})"
            if self._held:
                raise TakenOverError(f"database {self.name} was taken over by {who}: stop one of the two") from None
            raise StoreError(f"database {self.name} is in use by {who}: stop that one first") from None
        await connection.execute(f"SET lock_timeout = {_SETTINGS['lock_timeout']}")
        self._held = True

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
        return bool(await raw.fetchval("SELECT value = $1 FROM meta WHERE name = $2", bytes.fromhex(mark), _MARK))

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
                    f"database {self.name} has no connection left: raise max_connections (xiaoge takes 6)"
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
