"""An aiosqlite connection whose cursors need one hop to the database thread a statement instead of four.

SQLAlchemy opens a cursor, executes, fetches and closes: with aiosqlite each of these is a message to a thread and
back. Here one message does all of it, and the rest answers from memory. What only prepares the ground (BEGIN,
SAVEPOINT) travels along with the statement after it.

Inside a transaction statements do not even hop where they are quick: they take microseconds in memory, the hop takes a
hundred. What may wait for a lock or the disk (BEGIN, COMMIT) always hops, and so does a statement that has been slow. A
reader's statement must have been quick a few times before it is trusted: there are some that count all tickets.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import aiosqlite

# At DEBUG it would log every statement with its values, and these are what people wrote.
logging.getLogger("aiosqlite").setLevel(logging.INFO)


_SLOW = 0.005  # seconds of the event loop that a statement may take
_STRIKES = 3  # so many more slow runs than quick ones: the machine itself may stumble once
_MOST_STRIKES = 2 * _STRIKES
_MOST_KNOWN = 500


class _Cursor:
    """What SQLAlchemy's asyncio adapter asks of a cursor, nothing more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> _Cursor:
        return self

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()

    def _run(self, statement: str, parameters: Sequence[Any]) -> None:
        self._connection.catch_up()
        self._take(self._connection._conn.execute(statement, parameters))

    def _run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.catch_up()
        self._take(self._connection._conn.executemany(statement, rows))

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> _Cursor:
        await self._connection.do(self._run, statement, parameters)
        return self

    async def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> _Cursor:
        await self._connection.do(self._run_many, statement, rows)
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []


class Connection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], *, at_once: bool) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._ahead: list[str] = []
        self._unknown = 0 if at_once else _MOST_STRIKES
        self._strikes: dict[str, int] = {}  # statement → strikes, where they are not those of an unknown one
        self._under_way = 0  # statements in the thread
        self._stopped: asyncio.Future[Any] | None = None

    async def do(self, run: Callable[[str, Any], None], statement: str, values: object) -> None:
        """Run a statement here and now where that is quick, else in the database thread."""
        if self._conn.in_transaction and self._strikes.get(statement, self._unknown) < _STRIKES:
            self._timed(run, statement, values)
            return
        self._under_way += 1
        await self._execute(self._in_thread, run, statement, values)  # type: ignore[no-untyped-call]

    def _in_thread(self, run: Callable[[str, Any], None], statement: str, values: object) -> None:
        try:
            self._timed(run, statement, values)
        finally:
            self._under_way -= 1

    def _timed(self, run: Callable[[str, Any], None], statement: str, values: object) -> None:
        started = perf_counter()
        run(statement, values)
        strikes = self._strikes.get(statement, self._unknown)
        strikes = min(strikes + 1, _MOST_STRIKES) if perf_counter() - started > _SLOW else max(strikes - 1, 0)
        if strikes == self._unknown:
            self._strikes.pop(statement, None)
        elif statement in self._strikes or len(self._strikes) < _MOST_KNOWN:
            self._strikes[statement] = strikes

    def first(self, statement: str) -> None:
        """Run this before the next statement, or before the commit. Its error is the error of that one."""
        self._ahead.append(statement)

    def catch_up(self) -> None:
        """In the database thread: run what was to come first."""
        ahead, self._ahead = self._ahead, []
        for statement in ahead:
            self._conn.execute(statement)

    async def commit(self) -> None:
        def commit() -> None:
            self.catch_up()
            self._conn.commit()

        await self._execute(commit)  # type: ignore[no-untyped-call]

    async def rollback(self) -> None:
        def rollback() -> None:
            self._ahead.clear()
            self._conn.rollback()

        if not self._under_way and not self._conn.total_changes:
            rollback()  # what was only read is let go of in no time
            return
        await self._execute(rollback)  # type: ignore[no-untyped-call]

    def stop(self) -> asyncio.Future[Any] | None:
        """The thread ends at the first stop. SQLAlchemy stops what is being closed already where that is cancelled, and
        the answer to a second stop would never come: the close that waits for it would wait for ever."""
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped

    def cursor(self) -> _Cursor:  # type: ignore[override]  # the adapter enters it; it never awaits it
        return _Cursor(self)


async def connect(path: Path, *, patience: float, at_once: bool = False) -> Connection:
    """Open a SQLite file. `patience` (seconds) is how long a statement waits for another process's lock; `at_once`
    takes every statement inside a transaction for quick until it was slow: it runs without the database thread.

    Raises sqlite3.OperationalError where the file cannot be opened."""

    def opened() -> sqlite3.Connection:
        # No isolation level: sqlite3's own begins would come too late (a stale read, then a write).
        return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)

    connection = Connection(opened, at_once=at_once)
    connection._thread.daemon = True  # a forgotten store must not keep the program from ending
    await connection
    return connection
