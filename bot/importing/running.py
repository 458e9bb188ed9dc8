"""One import, from the file to the store: all of it in one transaction, or nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

from bot.config import Config
from bot.importing import duty, grids, owners, people, rooms
from bot.importing.plans import Kind, Plan, Setting
from bot.importing.tables import read
from storage import audit, registry
from storage.beside import open_beside
from storage.engine import Store, Tx
from storage.model import AuditEntry

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (grids.TABLE, people.TABLE, rooms.TABLE, owners.TABLE, duty.TABLE)
}


async def run(config: Config, kind: Kind, file: Path, setting: Setting, *, dry: bool) -> Plan:
    """Import the table, beside a running bot too, which waits for the one transaction and reads the registry anew
    within a minute. Raises ImportFault, StoreError and OSError; then nothing was changed."""
    rows = await asyncio.to_thread(read, file, kind.columns)
    digest = await asyncio.to_thread(lambda: hashlib.sha256(file.read_bytes()).hexdigest())
    fresh = config.database_file is not None and not config.database_file.exists()
    if fresh:
        store = await Store.open(config.database.url, key_file=config.key_file)
    else:
        store = await open_beside(config.database.url, key_file=config.key_file)

    async def work(tx: Tx) -> Plan:
        plan = await kind.compare(tx, rows, setting)
        assert plan.apply is not None  # noqa: S101 - every kind says how
        await plan.apply(tx)
        await registry.touch(tx)
        detail: dict[str, str | int | bool | None] = {
            "kind": kind.name,
            "new": len(plan.new),
            "changed": len(plan.changed),
            "taken": len(plan.gone) if setting.take_gone else 0,
            "sha256": digest,
        }
        entry = AuditEntry(setting.now, "imported", right="operator", detail=detail)
        await audit.append(tx, entry)
        return plan

    try:
        return await (store.read(lambda tx: kind.compare(tx, rows, setting)) if dry else store.write(work))
    finally:
        await store.close()
