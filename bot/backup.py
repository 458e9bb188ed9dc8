"""Copy the database while the bot runs, its key and the own words beside it, and prove that the copy can be used."""

from __future__ import annotations

import asyncio
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
    lexicon: Path | None  # where there are words of one's own
    size: int  # bytes
    audit: audit.Verdict  # a broken chain is told, and the copy kept: it is evidence


async def backup(config: Config, target: Path, now: datetime) -> Copy:
    """Copy database, key file and the lexicon's folder; `target` is a new file, or a directory in which one is named by
    the time.

    Raises StoreError: nothing to copy, target there already, no space, or a copy that does not stand up to a check."""
    file, key, folder = _places(target, now)
    store = await Store.open(config.database.url, key_file=config.key_file, read_only=True)
    try:
        await store.backup(file)
    finally:
        await store.close()
    try:
        _copy_key(config.key_file, key)
        verdict = await _proven(file, key)
        lexicon = await asyncio.to_thread(_copy_lexicon, Path(config.nlp.lexicon), folder)
    except BaseException as error:
        # Half a backup looks like one: it goes.
        file.unlink(missing_ok=True)
        key.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise StoreError(
                f"{folder} cannot be written ({error.strerror}): free some space or name another"
            ) from None
        raise
    return Copy(file, key, lexicon, file.stat().st_size, verdict)


def _places(target: Path, now: datetime) -> tuple[Path, Path, Path]:
    file = (target / f"xiaoge-{now:%Y%m%dT%H%M%S}.db" if target.is_dir() else target).absolute()
    key, folder = file.with_name(file.name + ".key"), file.with_name(file.name + ".lexicon")
    for beside in (key, folder):
        if beside.exists():
            raise StoreError(f"{beside} is there already: name another file or remove it")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file, key, folder


def _copy_lexicon(source: Path, target: Path) -> Path | None:
    """The versions of one's own words, with the one that is in force; None where there are none."""
    if not source.is_dir():
        return None
    shutil.copytree(source, target, symlinks=True)
    return target


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
