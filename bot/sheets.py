"""Tables as files: XLSX, CSV or JSON, row by row, the same bytes for the same rows.

Every file appears whole or not at all: it is written beside its place and renamed.
"""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

Cell = str | int | datetime | None
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # what a spreadsheet may take for a formula
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as GBK


class Format(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Head:
    """A sheet's title, and its columns with their widths in characters."""

    title: str
    columns: Mapping[str, int]


class Sink(Protocol):
    async def row(self, cells: Sequence[Cell]) -> None: ...
    async def end(self) -> None: ...
    async def abort(self) -> None: ...


async def write(target: Path, kind: Format, head: Head, rows: Iterable[Sequence[Cell]]) -> int:
    """Write a table to `target`, readable by its owner only, and return how many rows there are. Times are local ones.

    Raises OSError where the file cannot be written: then nothing is left of it."""
    count = 0

    async def fill(part: Path) -> None:
        nonlocal count
        async with opened(part, kind, head) as sink:
            for cells in rows:
                await sink.row(cells)
                count += 1

    await whole(target, fill)
    return count


async def whole(target: Path, fill: Callable[[Path], Awaitable[None]]) -> None:
    """Let `fill` write a file beside the target, then rename it. Raises OSError naming the target."""
    try:
        part = _beside(target)
        try:
            await fill(part)
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        # Whoever asked knows the target, not what lay beside it for a while.
        raise OSError(error.errno, error.strerror, str(target)) from None


def _beside(target: Path) -> Path:
    """A new file next to the target, mode 600: the rows are about people."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    return Path(name)


@asynccontextmanager
async def opened(part: Path, kind: Format, head: Head) -> AsyncIterator[Sink]:
    """A sink that is ended when all went well, and aborted when not."""
    sink = await _sink(part, kind, head)
    try:
        yield sink
        await sink.end()
    except BaseException:
        await sink.abort()
        raise


async def _sink(part: Path, kind: Format, head: Head) -> Sink:
    if kind is Format.XLSX:
        return await XlsxSink.open(part, head)
    return CsvSink(part, head) if kind is Format.CSV else JsonSink(part, head)


class CsvSink:
    """UTF-8 with a mark for Excel; a cell that a spreadsheet would run as a formula gets a leading apostrophe."""

    def __init__(self, part: Path, head: Head) -> None:
        self._file = part.open("w", encoding="utf-8", newline="")
        self._file.write(BYTE_ORDER_MARK)
        self._csv = csv.writer(self._file)
        self._csv.writerow(head.columns)

    async def row(self, cells: Sequence[Cell]) -> None:
        self._csv.writerow([csv_cell(cell) for cell in cells])

    async def end(self) -> None:
        _finish(self._file)

    async def abort(self) -> None:
        with suppress(OSError):
            self._file.close()


class JsonSink:
    """A list of objects with the columns as keys, a row a line; times are ISO 8601 with their offset."""

    def __init__(self, part: Path, head: Head) -> None:
        self._names = list(head.columns)
        self._file = part.open("w", encoding="utf-8", newline="\n")
        self._before = "[\n"

    async def row(self, cells: Sequence[Cell]) -> None:
        values = [cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else cell for cell in cells]
        self._file.write(self._before + json.dumps(dict(zip(self._names, values, strict=True)), ensure_ascii=False))
        self._before = ",\n"

    async def end(self) -> None:
        self._file.write("[]\n" if self._before == "[\n" else "\n]\n")
        _finish(self._file)

    async def abort(self) -> None:
        with suppress(OSError):
            self._file.close()


class XlsxSink:
    """Rows go to a process of its own (bot/spreadsheet.py)."""

    def __init__(self, process: asyncio.subprocess.Process, part: Path) -> None:
        self._process = process
        self._part = part

    @classmethod
    async def open(cls, part: Path, head: Head) -> XlsxSink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.spreadsheet",
            str(part),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(),
        )
        sink = cls(process, part)
        await sink._send({"title": head.title, "columns": dict(head.columns)})
        return sink

    async def row(self, cells: Sequence[Cell]) -> None:
        await self._send([{"t": _sheet_time(cell)} if isinstance(cell, datetime) else cell for cell in cells])

    async def _send(self, value: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            self._process.stdin.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            await self.end()

    async def end(self) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()  # the child then writes the file and ends
        _, said = await self._process.communicate()
        if self._process.returncode == 0:
            return
        raise child_error(said.decode(errors="replace"), self._process.returncode, self._part)

    async def abort(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


def child_environment() -> dict[str, str]:
    """For a process of ours: wherever the program was started from, it finds this package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *_python_path()])}


def child_error(said: str, code: int | None, part: Path) -> OSError:
    """What such a process reported; around its line the interpreter may complain about files it could not close."""
    for line in said.splitlines():
        if line.startswith("["):
            number, words = json.loads(line)
            return OSError(number or errno.EIO, words, str(part))
    return OSError(errno.EIO, f"the spreadsheet process ended with {code}", str(part))


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _sheet_time(at: datetime) -> str:
    """A sheet knows no time zone: local time to the second."""
    return at.replace(tzinfo=None, microsecond=0).isoformat()


def csv_cell(cell: Cell) -> str | int:
    """The cell as CSV holds it: nothing that a spreadsheet would run as a formula."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    if isinstance(cell, int):
        return cell
    return f"'{cell}" if cell.lstrip(" \n\u00a0\u3000").startswith(DANGEROUS) or cell.startswith(DANGEROUS) else cell


def _finish(file: io.TextIOWrapper) -> None:
    """To the disk before it is renamed, so that a full disk is told here and not found later."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
