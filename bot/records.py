"""The commands of `xiaoge` that read or copy what the bot has gathered. All of them work beside a running bot."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot import exports, lines
from bot.settings import ConfigError
from bot.terminal import (
    BROKEN,
    CONFIG,
    ConfigOption,
    GridOption,
    check_grid,
    duration,
    load,
    moment,
    progress,
    read,
    write,
)

if TYPE_CHECKING:
    from storage.engine import Tx
    from storage.roster import Entry

_YEARS = 2000, 2199  # of which there may be a report

app = typer.Typer(rich_markup_mode=None)
audit_app = typer.Typer(help="The audit trail.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(exports.app, name="export")
app.add_typer(audit_app, name="audit")
app.add_typer(lines.app, name="outbox")


@app.command()
def report(
    kind: Annotated[str, typer.Argument(metavar="PERIOD", help="day, week or month.")],
    grid: GridOption = "",
    day: Annotated[str | None, typer.Option("--date", help="Any day of the period, 2026-11-20; else today.")] = None,
    wanted: Annotated[str | None, typer.Option("--format", "-f", help="md, xlsx or json; else as -o ends.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", "-o", help="The file; else standard output.")
    ] = None,
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
        raise ConfigError("an XLSX file is nothing for a terminal: name a file with -o 周报.xlsx")
    check_grid(grid)
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
    """Copy the database, its key and the words of your own while the bot runs, and check the copy.

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
    beside = [path.name for path in (made.key, made.lexicon) if path is not None]
    copied = f"{made.database} ({made.size / 1024**2:.1f} MB) and {', '.join(beside)}"
    typer.echo(f"{copied}: checked, {made.audit.count} audit entries")
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
    from storage import binding, people, roster

    settings = load(config)
    entry = next((one for one in settings.people if one.name == name), None)
    expires = datetime.now(UTC) + duration(valid)

    async def make(tx: Tx) -> str:
        if entry is not None:
            person_id = (await people.import_person(tx, entry.name, entry.all_grants(), ())).id
        else:
            person_id = _named(await roster.every(tx), name, [one.name for one in settings.people])
        return await binding.new_code(tx, person_id, expires, only=only)

    code = write(settings, make)
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
