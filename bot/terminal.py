"""What the commands share: progress for people, tables, times as they are typed."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.settings import ConfigError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from bot.config import Config
    from storage.engine import Tx

T = TypeVar("T")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", envvar="XIAOGE_CONFIG", help="The configuration file.", show_default=True)
]
CONFIG = Path("config.toml")
GridOption = Annotated[
    str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.", show_default=False)
]
BROKEN = 1  # exit code: the command worked and found something wrong


def load(path: Path) -> Config:
    """The settings. Raises ConfigError."""
    from bot.config import load as read

    return read(path)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, for people only: it appears where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; cells are rich markup, so escape what comes from elsewhere with `plain`."""
    from rich.console import Console
    from rich.table import Table

    made = Table(pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(made)


def heading(text: str) -> None:
    """A line over what follows."""
    typer.echo(f"\n{text}")


def plain(text: str) -> str:
    """Text that is not markup."""
    from rich.markup import escape

    return escape(text)


def read(settings: Config, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Do a read-only work on the store, beside a running bot. Raises StoreError."""
    from storage.engine import Store

    async def opened() -> T:
        store = await Store.open(settings.database.url, key_file=settings.key_file, read_only=True)
        try:
            return await store.read(work)
        finally:
            await store.close()

    return asyncio.run(opened())


def write(settings: Config, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Do one short write, beside a running bot. Raises StoreError."""
    from storage.beside import open_beside

    async def opened() -> T:
        store = await open_beside(settings.database.url, key_file=settings.key_file)
        try:
            return await store.write(work)
        finally:
            await store.close()

    return asyncio.run(opened())


def short(span: timedelta) -> str:
    """How long, in one unit: `45 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < until:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def duration(text: str) -> timedelta:
    """`20s`, `30m`, `24h`, `3d`; a bare number is seconds."""
    found = re.fullmatch(r"([0-9]{1,6})(s|m|h|d)?", text.strip())
    if not found:
        raise typer.BadParameter(f"write a time like 20s, 30m, 24h or 3d, not {text!r}")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2] or "s"]
    return timedelta(**{unit: int(found[1])})


def moment(option: str, text: str | None, zone: ZoneInfo, *, end: bool) -> datetime | None:
    """A day (its beginning, or with `end` the beginning of the next) or a time, in the deployment's zone. Raises
    ConfigError."""
    if text is None:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            return datetime.combine(day, time(), zone)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{option}: write a day like 2026-11-01 or a time like 2026-11-01T18:00, got {text}"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def check_grid(typed: str) -> None:
    """Raise ConfigError unless `--grid` was left out or is the beginning of a grid code."""
    if typed and not re.fullmatch(r"[0-9]{1,18}", typed):
        raise ConfigError(f"--grid: must be the first digits of a grid code, got {typed}")
