"""`xiaoge import grids|people|rooms|owners|duty`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import CONFIG, ConfigOption, load, progress

if TYPE_CHECKING:
    from bot.importing.plans import Plan

SHOWN = 50  # lines of each sort

app = typer.Typer(
    help="Bring the registry in from tables: all of a table or, with a fault in it, nothing.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _command(kind: str, what: str) -> Callable[..., None]:
    def command(
        file: Annotated[Path, typer.Argument(help="An .xlsx or .csv file.")],
        template: Annotated[bool, typer.Option("--template", help="Write an empty table to FILE instead.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
        take_gone: Annotated[
            bool, typer.Option("--take-gone", help="Also take away what the table no longer names.")
        ] = False,
        grid: Annotated[str, typer.Option(metavar="DIGITS", help="The table speaks only of grids that begin so.")] = "",
        config: ConfigOption = CONFIG,
    ) -> None:
        from bot.importing import templates
        from bot.importing.plans import Setting
        from bot.importing.running import KINDS, run
        from nlp import categories

        if template:
            templates.write(KINDS[kind], file)
            typer.echo(f"{file}: fill it in, then xiaoge import {kind} {file} --dry-run", err=True)
            return
        if not re.fullmatch(r"[0-9]{0,18}", grid):
            raise ConfigError(f"--grid: must be the first digits of a grid code, got {grid}")
        settings = load(config)
        setting = Setting(
            now=datetime.now(UTC),
            timezone=settings.timezone,
            accounts={account.name: account.rooms for account in settings.accounts},
            categories=categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None),
            scope=grid,
            take_gone=take_gone,
        )
        with progress("importing"):
            plan = asyncio.run(run(settings, KINDS[kind], file, setting, dry=dry_run))
        _show(plan, KINDS[kind].title, KINDS[kind].gone, dry=dry_run, taken=take_gone)

    command.__doc__ = f"""Import {what}. The bot may be running: it reads the registry anew within a minute.

    \b
    Examples:
      xiaoge import {kind} {kind}.xlsx --template
      xiaoge import {kind} {kind}.xlsx --dry-run
      xiaoge import {kind} {kind}.xlsx
    """
    return command


for _kind, _what in {
    "grids": "the tree of grids: 区划, 街道, 社区, 一般网格, 微网格; splits, mergers and new numbers too",
    "people": "people, their roles and the grids that these hold for",
    "rooms": "the groups and the grids that they belong to",
    "owners": "who deals with which category where (事项 → 承办)",
    "duty": "the duty roster",
}.items():
    app.command(_kind)(_command(_kind, _what))


def _show(plan: Plan, title: str, gone: str, *, dry: bool, taken: bool) -> None:
    from bot.importing import texts

    for word, changes in ((texts.NEW, plan.new), (texts.CHANGED, plan.changed), (texts.GONE, plan.gone)):
        for label, what in changes[:SHOWN]:
            typer.echo(f"{word} {label}{f'：{what}' if what else ''}")
        if len(changes) > SHOWN:
            typer.echo(texts.and_more(word, len(changes) - SHOWN))
    counts = (len(plan.new), len(plan.changed), plan.same, len(plan.gone))
    typer.echo(texts.summary(title, *counts, dry=dry))
    if plan.gone and not taken:
        typer.echo(gone)
