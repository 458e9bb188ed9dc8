"""The commands about alerts of devices."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import BROKEN, CONFIG, ConfigOption, load

app = typer.Typer(help="Alerts of devices.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """One command is a group, too."""


@app.command("try")
def try_source(
    name: Annotated[str, typer.Argument(metavar="SOURCE", help="As under [[alerts.sources]].")],
    device: Annotated[str | None, typer.Option(help="A device's id; else the first of the source's table.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Send the running bot a signed alert, marked as a drill: all of it is checked, no ticket is made.

    \b
    Examples:
      xiaoge alerts try gas
      xiaoge alerts try gas --device g-0031
    """
    from bot.alerts.trying import drill

    settings = load(config)
    source = next((source for source in settings.alerts.sources if source.name == name), None)
    if source is None:
        known = ", ".join(source.name for source in settings.alerts.sources) or "none"
        raise ConfigError(f"SOURCE: there is no {name} under [[alerts.sources]], there is: {known}")
    tried = asyncio.run(drill(settings, source, device, datetime.now(UTC)))
    if tried.status == 200:
        typer.echo(f"{tried.address} took it: signature, device and grid are right; no ticket was made")
        return
    if tried.status is None:
        typer.echo(f"xiaoge: nobody listens at {tried.address} ({tried.said}): start the bot", err=True)
    elif tried.status == 0:
        typer.echo(f"xiaoge: at {tried.address} another program listens: mend [alerts] listen", err=True)
    else:
        typer.echo(f"xiaoge: refused with {tried.status}: {tried.said}", err=True)
    raise typer.Exit(BROKEN)
