"""Copy the database while the bot runs, with its key, and prove that the copy can be used."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.config import Config
from bot.settings import SQLITE
from storage import audit, health
from storage.engine import Store
from storage.errors import StoreError


@dataclass(frozen=True, slots=True)
class Copy:
    """What a backup made."""

    database: Path
    key: Path
    size: int  # bytes
    audit: audit.Verdict  # a broken chain is told, and the copy kept: it is evidence


async def backup(config: Config, target: Path, now: datetime) -> Copy:
    """Copy database and key file; `target` is a new file, or a directory in which one is named by the time.

    Raises StoreError: nothing to copy, target there already, no space, or a copy that does not stand up to a check."""
    file, key = _places(target, now)
    store = await Store.open(config.database.url, key_file=config.key_file, read_only=True)
    try:
        await store.backup(file)
    finally:
        await store.close()
    try:
        _copy_key(config.key_file, key)
        verdict = await _proven(file, key)
    except BaseException:
        # Half a backup looks like one: it goes.
        file.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        raise
    return Copy(file, key, file.stat().st_size, verdict)


def _places(target: Path, now: datetime) -> tuple[Path, Path]:
    file = (target / f"xiaoge-{now:%Y%m%dT%H%M%S}.db" if target.is_dir() else target).absolute()
    key = file.with_name(file.name + ".key")
    if key.exists():
        raise StoreError(f"{key} is there already: name another file or remove it")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file, key


def _copy_key(source: Path, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as origin, os.fdopen(handle, "wb") as copy:
        shutil.copyfileobj(origin, copy)
        copy.flush()
        os.fsync(copy.fileno())


async def _proven(file: Path, key: Path) -> audit.Verdict:
    """Open the copy with the copied key and check it; what its audit chain says."""
    store = await Store.open(f"{SQLITE}{file}", key_file=key, read_only=True)
    try:
        faults = await store.read(health.integrity)
        if faults:
            raise StoreError(f"the copy {file} is damaged ({faults[0]}): check the disk, then repeat")
        return await store.read(audit.verify)
    finally:
        await store.close()
