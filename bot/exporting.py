"""Export tickets as XLSX, CSV or JSON: streamed, of one moment of the store, the same bytes for the same data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import sheets
from bot.register import COLUMNS, Labels, cells
from bot.sheets import Cell, Format, Head
from nlp.categories import Category
from storage import grids, reports
from storage.engine import Store, Tx
from storage.reports import Filter

HEAD = Head("诉求台账", COLUMNS)

Progress = Callable[[int, int], None]  # rows done, rows in all


async def export(
    store: Store,
    target: Path,
    kind: Format,
    wanted: Filter,
    *,
    categories: Mapping[str, Category],
    timezone: ZoneInfo,
    now: datetime,
    progress: Progress = lambda *_: None,
) -> int:
    """Write the tickets to `target`, readable by its owner only, and return how many there are.

    Raises StoreError, and OSError where the file cannot be written: then nothing is left of it."""
    done = 0

    async def fill(part: Path) -> None:
        nonlocal done

        async def work(tx: Tx) -> int:
            labels = Labels(categories, await grids.names(tx, retired=True), timezone, now)
            return await _write(tx, part, kind, wanted, labels, progress)

        done = await store.read(work)

    await sheets.whole(target, fill)
    return done


async def _write(tx: Tx, part: Path, kind: Format, wanted: Filter, labels: Labels, progress: Progress) -> int:
    total, done = await reports.count(tx, wanted), 0
    async with sheets.opened(part, kind, HEAD) as sink:
        async for row in _rows(tx, wanted, labels):
            await sink.row(row)
            done += 1
            if done % 500 == 0:
                progress(done, total)
    progress(done, total)
    return done


async def _rows(tx: Tx, wanted: Filter, labels: Labels) -> AsyncIterator[list[Cell]]:
    order = 0
    async for chunk in reports.register(tx, wanted):
        for row in chunk:
            order += 1
            yield cells(order, row, labels)
