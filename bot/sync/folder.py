"""The way to a platform without an interface: files in a folder that somebody, or something, carries on.

A file appears whole or not at all. Its number is counted up once it is written down that it went out; a file that was
written just before a crash is written once more under the same number. Rows say with `id` and `version` what they
replace, so reading one twice does no harm.
"""

from __future__ import annotations

import asyncio
import csv
import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.settings import Upstream
from bot.sheets import BYTE_ORDER_MARK, csv_cell
from bot.sync.client import Batch, Failed, Result, compact
from bot.sync.mapping import columns, flat

_MODE = 0o640  # the program that carries them on may be of the same group


class Folder:
    def __init__(self, upstream: Upstream, source: str) -> None:
        self._folder = Path(str(upstream.folder))
        self._writers: list[tuple[str, Callable[[Batch], bytes]]] = []
        header = columns(upstream)
        if "csv" in upstream.formats:
            self._writers.append(("csv", lambda batch: _table(header, batch)))
        if "json" in upstream.formats:
            self._writers.append(("jsonl", _lines))
        self._source = source

    async def deliver(self, batch: Batch) -> Sequence[Result]:
        """Write the batch's files. Raises Failed."""
        try:
            await asyncio.to_thread(self._write, batch)
        except OSError as error:
            raise Failed("folder", f"{error.filename or self._folder}: {error.strerror or error}") from None
        return [Result("accepted") for _ in batch.items]

    def _write(self, batch: Batch) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for ending, write in self._writers:
            _put(self._folder / f"{self._source}-{batch.number:06d}.{ending}", write(batch))


def _put(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is on the disk before the store says that it went out
    finally:
        os.close(folder)


def _lines(batch: Batch) -> bytes:
    return b"".join(compact(item) + b"\n" for item in batch.items)


def _table(header: Sequence[str], batch: Batch) -> bytes:
    text = io.StringIO(newline="")
    text.write(BYTE_ORDER_MARK)
    rows = csv.writer(text)
    rows.writerow([csv_cell(name) for name in header])
    for item in batch.items:
        cells = flat(item)
        rows.writerow([csv_cell(_cell(cells.get(name))) for name in header])
    return text.getvalue().encode("utf-8")


def _cell(value: Any) -> str | int | None:  # noqa: ANN401 - JSON holds anything
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(value)
    return value if value is None or isinstance(value, str | int) else compact(value).decode()
