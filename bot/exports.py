"""`xiaoge export`: what the bot has gathered, as files. All of them work beside a running bot."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import CONFIG, ConfigOption, GridOption, check_grid, load, moment, progress, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.config import Config
    from bot.giving import Build, Sheet
    from storage.engine import Tx
    from storage.model import TicketState

app = typer.Typer(help="Export what the bot has gathered.", no_args_is_help=True, rich_markup_mode=None)

Since = Annotated[str | None, typer.Option(help="On or after that day, 2026-11-01, or time.")]
Until = Annotated[str | None, typer.Option(help="Up to and on that day, or before that time.")]


@app.command("tickets")
def export_tickets(
    kind: Annotated[str | None, typer.Option("--format", "-f", help="xlsx, csv or json; else as -o ends.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; else standard output.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only that state, 受理 or filed; may be repeated.")] = None,
    since: Since = None,
    until: Until = None,
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the 台账: every ticket a row, names and phone numbers masked. The bot may be running.

    \b
    Examples:
      xiaoge export tickets -o 台账.xlsx
      xiaoge export tickets --format csv --since 2026-11-01 --until 2026-11-30 -o november.csv
      xiaoge export tickets --format json --state 受理 --state 已派 --grid 519999001001
    """
    import tempfile

    from bot.exporting import export
    from bot.sheets import Format
    from nlp import categories
    from storage.reports import Filter

    settings = load(config)
    wanted_kind = kind or (output.suffix.removeprefix(".").lower() if output is not None else "xlsx")
    if wanted_kind not in {str(one) for one in Format}:
        raise ConfigError(f"--format: must be xlsx, csv or json, got {wanted_kind}")
    chosen = Format(wanted_kind)
    if output is None and chosen is Format.XLSX and sys.stdout.isatty():
        raise ConfigError("an XLSX file is nothing for a terminal: name a file with -o 台账.xlsx")
    check_grid(grid)
    wanted = Filter(
        states=_states(state or []),
        since=moment("--since", since, settings.timezone, end=False),
        until=moment("--until", until, settings.timezone, end=True),
        grid=grid or None,
    )
    known = categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None)

    async def work(target: Path) -> int:
        from storage.engine import Store

        store = await Store.open(settings.database.url, key_file=settings.key_file, read_only=True)
        try:
            with progress("exporting") as step:
                return await export(
                    store,
                    target,
                    chosen,
                    wanted,
                    categories=known,
                    timezone=settings.timezone,
                    now=datetime.now(UTC),
                    progress=step,
                )
        finally:
            await store.close()

    if output is not None:
        count = asyncio.run(work(output))
        typer.echo(f"{count} tickets in {output}", err=True)
        return
    with tempfile.TemporaryDirectory(prefix="xiaoge-export-") as folder:
        target = Path(folder) / f"tickets.{chosen}"
        asyncio.run(work(target))
        with target.open("rb") as file:
            while block := file.read(1 << 20):
                sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()


@app.command("roster")
def export_roster(
    item: Annotated[str, typer.Argument(metavar="ID", help="The activity: H3.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 名单.xlsx.")],
    phones: Annotated[bool, typer.Option("--phones", help="With the phone numbers that were given for it.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Write who comes to an activity as XLSX: names, buildings, heads, who attended. The bot may be running.

    \b
    Examples:
      xiaoge export roster H3 -o 名单.xlsx
    """
    from bot import rosters
    from storage import signups

    settings = load(config)
    match = re.fullmatch(r"[hH]?([0-9]{1,9})", item)
    if match is None:
        raise ConfigError(f"ID: must be that of an activity, like H3, got {item}")
    number = int(match[1])

    async def work(tx: Tx) -> Sheet:
        signup = await signups.get(tx, number)
        if signup is None:
            raise ConfigError(f"ID: there is no activity H{number}")
        return f"{signup.id}名单", *await rosters.of_signup(tx, signup, settings.timezone, phones=phones)

    _write(settings, work, "entries", output)


@app.command("wishes")
def export_wishes(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 微心愿.xlsx.")],
    since: Since = None,
    until: Until = None,
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the micro-wishes as XLSX, a row each, names masked. The bot may be running.

    \b
    Examples:
      xiaoge export wishes -o 微心愿.xlsx
      xiaoge export wishes --since 2026-11-01 --grid 519999001001 -o 微心愿.xlsx
    """
    from bot import giving

    _period(load(config), giving.wishes_sheet, "wishes", output, since, until, grid)


@app.command("contributions")
def export_contributions(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 四个一.xlsx.")],
    since: Since = None,
    until: Until = None,
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write 四个一 as XLSX: what 双报到党员 did, with their unit, in order of time. The bot may be running.

    \b
    Examples:
      xiaoge export contributions --since 2026-11-01 -o 四个一.xlsx
    """
    from bot import giving

    _period(load(config), giving.contributions_sheet, "contributions", output, since, until, grid)


@app.command("worklog")
def export_worklog(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 工作记录.xlsx.")],
    since: Since = None,
    until: Until = None,
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the work log as XLSX: walks, and what people in office did, in order of time. The bot may be running.

    \b
    Examples:
      xiaoge export worklog --since 2026-11-01 --until 2026-11-30 -o 工作记录.xlsx
    """
    from bot import efforts

    settings = load(config)
    if not settings.work_log.enabled:
        raise ConfigError("[work_log] enabled: is false, and nobody's work is gathered then; set it to true first")
    _period(settings, efforts.worklog_sheet, "entries", output, since, until, grid)


@app.command("points")
def export_points(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 积分台账.xlsx.")],
    since: Since = None,
    until: Until = None,
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the ledger of points as XLSX, an entry a row by number, names masked. The bot may be running.

    \b
    Examples:
      xiaoge export points -o 积分台账.xlsx
    """
    from bot import efforts

    _period(load(config), efforts.points_sheet, "entries", output, since, until, grid)


@app.command("supplies")
def export_supplies(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 物资.xlsx.")],
    grid: GridOption = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write what was needed, offered and handed over in 急时 as XLSX, names masked. The bot may be running.

    \b
    Examples:
      xiaoge export supplies -o 物资.xlsx
      xiaoge export supplies --grid 519999001001 -o 物资.xlsx
    """
    from bot import rosters
    from handlers.texts.supplies import TITLE

    settings = load(config)
    check_grid(grid)

    async def work(tx: Tx) -> Sheet:
        return TITLE, *await rosters.of_supplies(tx, grid, settings.timezone)

    _write(settings, work, "needs and offers", output)


def _period(
    settings: Config, build: Build, what: str, output: Path, since: str | None, until: str | None, grid: str
) -> None:
    """Write the sheet of a period and a grid."""
    check_grid(grid)
    start = moment("--since", since, settings.timezone, end=False)
    end = moment("--until", until, settings.timezone, end=True)

    async def work(tx: Tx) -> Sheet:
        return await build(tx, grid, start, end, settings.timezone)

    _write(settings, work, what, output)


def _write(settings: Config, work: Callable[[Tx], Awaitable[Sheet]], what: str, output: Path) -> None:
    """Read a sheet, write it, and say how many rows it has."""
    from bot import rosters

    title, columns, rows = read(settings, work)
    asyncio.run(rosters.write(output, title, columns, rows))
    typer.echo(f"{len(rows)} {what} in {output}", err=True)


def _states(words: list[str]) -> tuple[TicketState, ...]:
    from handlers.texts import STATE_BY_LABEL
    from storage.model import TicketState

    known = {**{str(state): state for state in TicketState}, **STATE_BY_LABEL}
    for word in words:
        if word not in known:
            raise ConfigError(f"--state: must be one of {'、'.join(STATE_BY_LABEL)}, got {word}")
    return tuple(known[word] for word in words)
