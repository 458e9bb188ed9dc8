"""A short write beside a running bot: what an operator's command changes while the bot holds the file lock.

Both databases let one transaction write at a time and the others wait (SQLite's write lock, an advisory lock on
PostgreSQL), so such a write is safe as long as the bot keeps nothing in memory that it would change, or is told to read
it anew (storage/registry.py). The file lock is about two bots, not about two writers.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from storage.engine import Store, _backend


async def open_beside(url: str, *, key_file: Path) -> Store:
    """Open an existing database of the present schema for writing, without the file lock. Raises StoreError."""
    backend = _backend(url)
    await asyncio.to_thread(backend.prepare, read_only=True)
    store = Store(backend, read_only=False)
    try:
        await store._start(key_file, migrate=False, read_only=False)
    except BaseException as error:
        await store._dispose()
        explained = backend.explain(error)
        if explained is not None:
            raise explained from error
        raise
    return store
