"""The commands of `xiaoge` that read or copy what the bot has gathered. All of them work beside a running bot."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot import lines
from bot.settings import ConfigError
from bot.terminal import BROKEN, CONFIG, ConfigOption, duration, load, progress, read

if TYPE_CHECKING:
    from bot.config import Config
    from bot.giving import Build, Sheet
    from storage.engine import Tx
    from storage.model import TicketState
    from storage.roster import Entry

_YEARS = 2000, 2199  # of which there may be a report

app = typer.Typer(rich_markup_mode=None)
export_app = typer.Typer(help="Export what the bot has gathered.", no_args_is_help=True, rich_markup_mode=None)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(export_app, name="export")
app.add_typer(audit_app, name="audit")
app.add_typer(lines.app, name="outbox")


@export_app.command("tickets")
def export_tickets(
    kind: Annotated[str | None, typer.Option("--format", "-f", help="xlsx, csv or json; else as -o ends.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; else standard output.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only that state, 受理 or filed; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Filed on or after that day, 2026-11-01, or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Filed up to and on that day, or before that time.")] = None,
    grid: Annotated[str | None, typer.Option(help="Only grids whose code begins with these digits.")] = None,
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
    if grid is not None and not re.fullmatch(r"[0-9]{1,18}", grid):
        raise ConfigError(f"--grid: must be the first digits of a grid code, got {grid}")
    wanted = Filter(
        states=_states(state or []),
        since=moment("--since", since, settings.timezone, end=False),
        until=moment("--until", until, settings.timezone, end=True),
        grid=grid,
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


@export_app.command("roster")
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

    async def work(tx: Tx) -> tuple[str, dict[str, int], rosters.Rows]:
        signup = await signups.get(tx, number)
        if signup is None:
            raise ConfigError(f"ID: there is no activity H{number}")
        return f"{signup.id}名单", *await rosters.of_signup(tx, signup, settings.timezone, phones=phones)

    title, columns, rows = read(settings, work)
    asyncio.run(rosters.write(output, title, columns, rows))
    typer.echo(f"{len(rows)} entries in {output}", err=True)


@export_app.command("wishes")
def export_wishes(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 微心愿.xlsx.")],
    since: Annotated[str | None, typer.Option(help="Wished on or after that day, 2026-11-01, or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Wished up to and on that day, or before that time.")] = None,
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the micro-wishes as XLSX, a row each, names masked. The bot may be running.

    \b
    Examples:
      xiaoge export wishes -o 微心愿.xlsx
      xiaoge export wishes --since 2026-11-01 --grid 519999001001 -o 微心愿.xlsx
    """
    from bot import giving

    _sheet(load(config), giving.wishes_sheet, "wishes", output, since, until, grid)


@export_app.command("contributions")
def export_contributions(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 四个一.xlsx.")],
    since: Annotated[str | None, typer.Option(help="Done on or after that day, 2026-11-01, or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Done up to and on that day, or before that time.")] = None,
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write 四个一 as XLSX: what 双报到党员 did, with their unit, in order of time. The bot may be running.

    \b
    Examples:
      xiaoge export contributions --since 2026-11-01 -o 四个一.xlsx
    """
    from bot import giving

    _sheet(load(config), giving.contributions_sheet, "contributions", output, since, until, grid)


@export_app.command("worklog")
def export_worklog(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 工作记录.xlsx.")],
    since: Annotated[str | None, typer.Option(help="Done on or after that day, 2026-11-01, or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Done up to and on that day, or before that time.")] = None,
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
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
    _sheet(settings, efforts.worklog_sheet, "entries", output, since, until, grid)


@export_app.command("points")
def export_points(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 积分台账.xlsx.")],
    since: Annotated[str | None, typer.Option(help="Written on or after that day, 2026-11-01, or time.")] = None,
    until: Annotated[str | None, typer.Option(help="Written up to and on that day, or before that time.")] = None,
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Write the ledger of points as XLSX, an entry a row by number, names masked. The bot may be running.

    \b
    Examples:
      xiaoge export points -o 积分台账.xlsx
    """
    from bot import efforts

    _sheet(load(config), efforts.points_sheet, "entries", output, since, until, grid)


def _sheet(
    settings: Config, build: Build, what: str, output: Path, since: str | None, until: str | None, grid: str
) -> None:
    """Read a period of a grid and write it as a sheet."""
    from bot import rosters

    if grid and not re.fullmatch(r"[0-9]{1,18}", grid):
        raise ConfigError(f"--grid: must be the first digits of a grid code, got {grid}")
    start = moment("--since", since, settings.timezone, end=False)
    end = moment("--until", until, settings.timezone, end=True)

    async def work(tx: Tx) -> Sheet:
        return await build(tx, grid, start, end, settings.timezone)

    title, columns, rows = read(settings, work)
    asyncio.run(rosters.write(output, title, columns, rows))
    typer.echo(f"{len(rows)} {what} in {output}", err=True)


@export_app.command("supplies")
def export_supplies(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file: 物资.xlsx.")],
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
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
    if grid and not re.fullmatch(r"[0-9]{1,18}", grid):
        raise ConfigError(f"--grid: must be the first digits of a grid code, got {grid}")

    async def work(tx: Tx) -> tuple[dict[str, int], rosters.Rows]:
        return await rosters.of_supplies(tx, grid, settings.timezone)

    columns, rows = read(settings, work)
    asyncio.run(rosters.write(output, TITLE, columns, rows))
    typer.echo(f"{len(rows)} needs and offers in {output}", err=True)


@app.command()
def report(
    kind: Annotated[str, typer.Argument(metavar="PERIOD", help="day, week or month.")],
    grid: Annotated[str, typer.Option(metavar="CODE", help="Only grids whose code begins with these digits.")] = "",
    day: Annotated[str | None, typer.Option("--date", help="Any day of the period, 2026-11-20; else today.")] = None,
    wanted: Annotated[str | None, typer.Option("--format", "-f", help="md, xlsx or json; else as --out ends.")] = None,
    output: Annotated[Path | None, typer.Option("--out", "-o", help="The file; else standard output.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Show numbers under three, too: not for handing on.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Write what a period came to: the rates with their denominators, by grid and category, and the trend.

    A period that is not over is counted up to now. The bot may be running.

    \b
    Examples:
      xiaoge report week
      xiaoge report month --date 2026-10-01 -o 10月.xlsx
      xiaoge report day --grid 519999001001 --format json
    """
    import tempfile

    from bot import reporting
    from nlp import categories
    from storage.engine import Store

    settings = load(config)
    if kind not in {str(one) for one in reporting.Kind}:
        raise ConfigError(f"PERIOD: must be day, week or month, got {kind}")
    ending = wanted or (output.suffix.removeprefix(".").lower() if output is not None else "md")
    if ending not in {str(one) for one in reporting.Format}:
        raise ConfigError(f"--format: must be md, xlsx or json, got {ending}")
    chosen = reporting.Format(ending)
    if output is None and chosen is reporting.Format.XLSX and sys.stdout.isatty():
        raise ConfigError("an XLSX file is nothing for a terminal: name a file with --out 周报.xlsx")
    if grid and not re.fullmatch(r"[0-9]{1,18}", grid):
        raise ConfigError(f"--grid: must be the first digits of a grid code, got {grid}")
    now = datetime.now(settings.timezone)
    at = moment("--date", day, settings.timezone, end=False) or now
    if not _YEARS[0] <= at.year <= _YEARS[1]:
        raise ConfigError(f"--date: must be of the years {_YEARS[0]}..{_YEARS[1]}, got {day}")
    known = categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None)

    async def work(target: Path) -> None:
        async def build(tx: Tx) -> reporting.Report:
            return await reporting.build(
                tx,
                reporting.Kind(kind),
                at.astimezone(settings.timezone).date(),
                grid,
                categories=known,
                timezone=settings.timezone,
                now=now,
                exact=exact,
            )

        store = await Store.open(settings.database.url, key_file=settings.key_file, read_only=True)
        try:
            made = await store.read(build)
        finally:
            await store.close()
        await reporting.write(made, chosen, target)

    if output is not None:
        asyncio.run(work(output))
        typer.echo(f"the {kind}'s report is in {output}", err=True)
        return
    with tempfile.TemporaryDirectory(prefix="xiaoge-report-") as folder:
        target = Path(folder) / f"report.{chosen}"
        asyncio.run(work(target))
        sys.stdout.buffer.write(target.read_bytes())
        sys.stdout.buffer.flush()


@audit_app.command("verify")
def audit_verify(config: ConfigOption = CONFIG) -> None:
    """Check the audit chain: was an entry changed, removed or put in between? The bot may be running.

    \b
    Examples:
      xiaoge audit verify
    """
    from storage import audit

    verdict = read(load(config), audit.verify)
    if not verdict.ok:
        typer.echo(
            f"audit: broken at entry {verdict.broken_at}: {verdict.reason}; "
            "keep a copy as evidence and compare it with a backup",
            err=True,
        )
        raise typer.Exit(BROKEN)
    typer.echo(f"audit: {verdict.count} entries, unbroken")


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new file, or a directory.")], config: ConfigOption = CONFIG
) -> None:
    """Copy the database and its key while the bot runs, and check the copy.

    The key opens the phone numbers in the copy: keep the two apart once they are off this machine.

    \b
    Examples:
      xiaoge backup /mnt/backup/
      xiaoge backup var/before-update.db
    """
    from bot.backup import backup as copy

    settings = load(config)
    with progress("copying"):
        made = asyncio.run(copy(settings, target, datetime.now(settings.timezone)))
    typer.echo(
        f"{made.database} ({made.size / 1024**2:.1f} MB) and {made.key.name}: checked, {made.audit.count} audit entries"
    )
    if not made.audit.ok:
        typer.echo(f"but its audit chain is broken at entry {made.audit.broken_at}: {made.audit.reason}", err=True)
        raise typer.Exit(BROKEN)


@app.command("bind-code")
def bind_code(
    name: Annotated[str, typer.Argument(help="A name under [[people]], or a name or 编号 of an imported table.")],
    valid: Annotated[str, typer.Option(metavar="TIME", help="How long it works: 30m, 24h, 3d.")] = "24h",
    only: Annotated[
        bool, typer.Option("--only", help="Their other accounts are let go: a lost phone, a changed id.")
    ] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Make a one-time code with which a person of the registry binds their WeChat account. The bot may be running.

    They add the bot as a friend and send it, in private: 绑定 CODE. A new code ends the older one.

    \b
    Examples:
      xiaoge bind-code 刘姐
      xiaoge bind-code 刘姐 --valid 30m
    """
    from storage import people, roster
    from storage.beside import open_beside

    settings = load(config)
    entry = next((one for one in settings.people if one.name == name), None)
    expires = datetime.now(UTC) + duration(valid)

    async def work() -> str:
        store = await open_beside(settings.database.url, key_file=settings.key_file)

        async def make(tx: Tx) -> str:
            if entry is not None:
                person_id = (await people.import_person(tx, entry.name, entry.all_grants(), ())).id
            else:
                person_id = _named(await roster.every(tx), name, [one.name for one in settings.people])
            return await people.new_bind_code(tx, person_id, expires, only=only)

        try:
            return await store.write(make)
        finally:
            await store.close()

    code = asyncio.run(work())
    typer.echo(f"绑定 {code}")
    typer.echo(f"works once, until {expires.astimezone(settings.timezone):%Y-%m-%d %H:%M}; only in private", err=True)


def _named(entries: list[Entry], name: str, configured: list[str]) -> int:
    """The one of the registry with that name or number."""
    fitting = [entry.id for entry in entries if name in (entry.name, entry.ref) and entry.id is not None]
    if len(fitting) > 1:
        raise ConfigError(f"{len(fitting)} people of the registry are named {name}: give the 编号 of one")
    if not fitting:
        known = list(dict.fromkeys([*configured, *(entry.name for entry in entries)]))
        more = f" and {len(known) - 20} more" if len(known) > 20 else ""
        shown = "、".join(known[:20]) or "nobody"
        raise ConfigError(f"nobody under [[people]] or in an imported table is named {name}; known are {shown}{more}")
    return fitting[0]


def _states(words: list[str]) -> tuple[TicketState, ...]:
    from handlers.texts import STATE_BY_LABEL
    from storage.model import TicketState

    known = {**{str(state): state for state in TicketState}, **STATE_BY_LABEL}
    for word in words:
        if word not in known:
            raise ConfigError(f"--state: must be one of {'、'.join(STATE_BY_LABEL)}, got {word}")
    return tuple(known[word] for word in words)


def moment(option: str, text: str | None, zone: ZoneInfo, *, end: bool) -> datetime | None:
    """A day (its beginning, or with `end` the beginning of the next) or a time, in the deployment's zone."""
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
