"""For tests: a store in a moment. The migrations run once a process; every further file is a copy of the result."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import sqlalchemy as sa

from storage.engine import Store
from storage.tables.records import meta

_empty: bytes | None = None


def url_of(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


async def fresh_store(directory: Path, name: str = "xiaoge.db") -> Store:
    """An empty, migrated store in `directory` (its key lies beside it). Close it, or use it with `async with`."""
    path = directory / name
    await asyncio.to_thread(path.write_bytes, await _migrated())
    path.chmod(0o600)
    return await Store.open(url_of(path))


async def _migrated() -> bytes:
    global _empty
    if _empty is None:
        with tempfile.TemporaryDirectory() as scratch:
            store = await Store.open(url_of(Path(scratch) / "empty.db"))
            # Each copy gets a key of its own, and leaves its own proof of it.
            await store.write(lambda tx: tx.execute(sa.delete(meta)))
            await store.backup(Path(scratch) / "copy.db")
            await store.close()
            _empty = await asyncio.to_thread((Path(scratch) / "copy.db").read_bytes)
    return _empty
