"""The commands about the platforms above: how it stands, send now, send again, compare.

What they write is a few rows beside a running bot (storage/beside.py): its couriers ask the table every few seconds.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import BROKEN, CONFIG, ConfigOption, heading, load, moment, plain, progress, read, short, table, write

if TYPE_CHECKING:
    from bot.config import Config
    from bot.settings import Upstream
    from bot.sync.reconciling import Report
    from storage.answers import Conflict
    from storage.engine import Store, Tx
    from storage.upstreams import Delivery, Link, Waiting

app = typer.Typer(help="Tickets for the platforms above.", no_args_is_help=True, rich_markup_mode=None)

MOST_SHOWN = 20  # parked tickets and differences of one upstream
Names = Annotated[list[str] | None, typer.Argument(help="As under [[upstreams]]; else all.", metavar="[NAME]...")]


@app.command()
def status(names: Names = None, config: ConfigOption = CONFIG) -> None:
    """Show what waits for each upstream and since when, what is parked and why, and the cure. Code 1 for trouble.

    \b
    Examples:
      xiaoge sync status
      xiaoge sync status street
    """
    from bot.sync import cures
    from storage import answers, upstreams

    settings = load(config)
    chosen = _chosen(settings, names)
    known = {upstream.name for upstream in chosen}

    async def look(tx: Tx) -> tuple[list[tuple[Link, Waiting, list[Delivery]]], list[Conflict]]:
        stands = await upstreams.standing(tx, known)
        found = [(*stands[upstream.name], await upstreams.parked(tx, upstream.name)) for upstream in chosen]
        return found, [one for one in await answers.conflicts(tx) if one.upstream in known]

    found, conflicts = read(settings, look)
    now = datetime.now(UTC)
    rows, parked, more = [], [], 0
    for upstream, (link, waiting, aside) in zip(chosen, found, strict=True):
        lag = "" if waiting.since is None else short(now - waiting.since)
        last = "never" if link.succeeded_at is None else f"{short(now - link.succeeded_at)} ago"
        cure = cures.of_upstream(upstream, link.code) if link.code is not None else ""
        cells = (str(waiting.waiting + waiting.behind), lag, str(waiting.parked), last, _breaker(link, now))
        rows.append([plain(cell) for cell in (upstream.name, *cells, cures.trouble(link), cure)])
        more += max(0, len(aside) - MOST_SHOWN)
        for one in aside[:MOST_SHOWN]:
            said = (upstream.name, f"S{one.ticket}", f"{one.code}: {one.message}", cures.of_ticket(upstream, one))
            parked.append([plain(cell) for cell in said])
    table(("upstream", "waiting", "oldest", "parked", "last success", "breaker", "last error", "cure"), rows)
    if parked:
        heading("parked: refused, and not tried again by itself")
        table(("upstream", "ticket", "they say", "cure"), parked)
        if more:
            typer.echo(f"and {more} more")
    if conflicts:
        heading("answers that contradict what happened here: a leader goes on with it, or `xiaoge sync settle`")
        shown = [(one.upstream, one.answer.id, one.answer.state, one.here, short(now - one.since)) for one in conflicts]
        table(("upstream", "ticket", "they say", "here", "since"), [[plain(cell) for cell in row] for row in shown])
    if parked or conflicts or any(link.code is not None for link, _, _ in found):
        raise typer.Exit(BROKEN)


@app.command()
def push(names: Names = None, config: ConfigOption = CONFIG) -> None:
    """Send what waits now, whatever went wrong before. A running bot does it within seconds; else this command does.

    \b
    Examples:
      xiaoge sync push
      xiaoge sync push street
    """
    from bot import logs
    from bot.settings import Log
    from storage import upstreams
    from storage.engine import StoreError

    settings = load(config)
    logs.configure(Log(level="error"))  # what goes wrong stands in the rows, and `status` tells it
    chosen = _chosen(settings, names)
    now = datetime.now(UTC)

    async def hurry(tx: Tx) -> list[int]:
        counts = []
        for upstream in chosen:
            while await upstreams.feed(tx, upstream.name, now):
                pass
            counts.append(await upstreams.hurry(tx, upstream.name, now))
        return counts

    for upstream, count in zip(chosen, write(settings, hurry), strict=True):
        typer.echo(f"{upstream.name}: {count} waiting")
    try:
        left = asyncio.run(_send(settings, chosen))
    except StoreError as error:
        # The bot holds the database; anything else would have shown in the write before.
        typer.echo(f"left to the running bot, which sends them within seconds ({error})", err=True)
        return
    for name, waiting in left.items():
        typer.echo(f"{name}: {waiting.waiting} left, {waiting.parked} parked")
    if any(waiting.waiting or waiting.parked for waiting in left.values()):
        typer.echo("see `xiaoge sync status`", err=True)
        raise typer.Exit(BROKEN)


@app.command()
def replay(
    names: Names = None,
    parked: Annotated[bool, typer.Option("--parked", help="What is parked.")] = False,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="What arrived since a day or a time.")] = None,
    ticket: Annotated[list[str] | None, typer.Option(metavar="ID", help="This ticket, S12; may be repeated.")] = None,
    config: ConfigOption = CONFIG,
) -> None:
    """Queue tickets to be sent once more, as they are now. The bot may be running.

    \b
    Examples:
      xiaoge sync replay --parked
      xiaoge sync replay street --ticket S12 --ticket S13
      xiaoge sync replay --since 2026-11-20T08:00
    """
    from storage import dossiers, upstreams

    settings = load(config)
    chosen = _chosen(settings, names)
    if not (parked or since or ticket):
        raise ConfigError("replay: say what: --parked, --since 2026-11-20 or --ticket S12")
    numbers = [_number(one) for one in ticket or []]
    start = moment("--since", since, settings.timezone, end=False)
    now = datetime.now(UTC)

    async def work(tx: Tx) -> list[int]:
        found = await dossiers.read(tx, numbers)
        missing = [f"S{number}" for number in numbers if number not in found]
        if missing:
            raise ConfigError(f"--ticket: there is no ticket {', '.join(missing)}")
        versions = {number: dossier.ticket.version for number, dossier in found.items()}
        counts = []
        for upstream in chosen:
            count = await upstreams.queue(tx, upstream.name, versions, now)
            if parked:
                count += await upstreams.again(tx, upstream.name, now, upstreams.parked_for())
            if start is not None:
                count += await upstreams.again(tx, upstream.name, now, upstreams.sent_since(start))
            counts.append(count)
        return counts

    for upstream, count in zip(chosen, write(settings, work), strict=True):
        typer.echo(f"{upstream.name}: {count} queued")


@app.command()
def reconcile(
    names: Names = None,
    every_field: Annotated[bool, typer.Option("--every-field", help="Fetch and compare every ticket: slow.")] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Queue what differs to be sent once more.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Compare counts and hashes with each upstream; name the tickets and fields that differ. Code 1 where any do.

    \b
    Examples:
      xiaoge sync reconcile
      xiaoge sync reconcile street --every-field
      xiaoge sync reconcile street --mend
    """
    from bot.sync.client import Fault
    from bot.sync.cures import of_upstream

    settings = load(config)
    chosen = [upstream for upstream in _chosen(settings, names) if upstream.kind == "http"]
    if not chosen:
        raise ConfigError("reconcile: a folder cannot be asked what it holds; name an upstream of kind http")
    equal = True
    for upstream in chosen:
        try:
            report, queued = asyncio.run(_compare(settings, upstream, every_field=every_field, mend=mend))
        except Fault as fault:
            raise ConfigError(f"{upstream.name}: {fault}: {of_upstream(upstream, fault.code)}") from None
        equal &= report.equal
        _show(upstream, report)
        if mend:
            typer.echo(f"{upstream.name}: {queued} queued")
    if not equal:
        raise typer.Exit(BROKEN)


class Side(StrEnum):
    """Whose word counts."""

    OURS = "ours"
    THEIRS = "theirs"


@app.command()
def settle(
    ticket: Annotated[str, typer.Argument(help="As `xiaoge sync status` shows it.", metavar="ID")],
    side: Annotated[Side, typer.Argument(help="ours leaves it as it is here, theirs does what they said.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Decide about an answer that contradicts what happened here. The bot may be running.

    \b
    Examples:
      xiaoge sync settle S12 ours
      xiaoge sync settle S12 theirs
    """
    from handlers import upstream as handling
    from handlers.context import Effects
    from nlp import categories

    settings = load(config)
    number = _number(ticket, "ID")
    policy = settings.policy(categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None))
    labels = {upstream.name: upstream.label for upstream in settings.upstreams}

    async def work(tx: Tx) -> list[Conflict]:
        effects = Effects(tx, datetime.now(UTC), policy)
        return await handling.settle(effects, number, theirs=side is Side.THEIRS, labels=labels)

    try:
        settled = write(settings, work)
    except handling.Merged as error:
        raise ConfigError(str(error)) from None
    if not settled:
        raise ConfigError(f"no answer about S{number} waits for anybody, see `xiaoge sync status`")
    done = "what they said is done" if side is Side.THEIRS else "it stays as it is here, and goes to them once more"
    typer.echo(f"S{number}: {done}")


@app.command()
def forget(
    name: Annotated[str, typer.Argument(help="An upstream that is no longer configured.", metavar="NAME")],
    config: ConfigOption = CONFIG,
) -> None:
    """Delete what is kept of an upstream that was taken out of the config. What it got stays with it.

    \b
    Examples:
      xiaoge sync forget street
    """
    from storage import upstreams

    settings = load(config)
    known = [upstream.name for upstream in settings.upstreams]
    if name in known:
        raise ConfigError(f"{name} is under [[upstreams]] and still served: take it out of the config first")

    async def work(tx: Tx) -> int | None:
        return await upstreams.forget(tx, name) if name in await upstreams.left(tx, known) else None

    count = write(settings, work)
    if count is None:
        raise ConfigError(f"nothing is kept of an upstream {name}")
    typer.echo(f"{name}: forgotten, with what {count} tickets had there")


def _show(upstream: Upstream, report: Report) -> None:
    verdict = "equal" if report.equal else f"not equal, {len(report.differences)} differences"
    typer.echo(f"{upstream.name}: {report.ours} tickets here, {report.theirs} there: {verdict}")
    if report.differences:
        rows = [
            [plain(one.ticket), plain(one.what), plain(", ".join(one.fields))]
            for one in report.differences[:MOST_SHOWN]
        ]
        table(("ticket", "what", "fields"), rows)
        if len(report.differences) > MOST_SHOWN:
            names = [one.ticket for one in report.differences[MOST_SHOWN:]]
            typer.echo(f"and {', '.join(names[:500])}{' …' if len(names) > 500 else ''}")


def _breaker(link: Link, now: datetime) -> str:
    if link.open_until is not None and link.open_until > now:
        return f"open, next try in {short(link.open_until - now)}"
    return f"{link.failures} failures" if link.failures else "closed"


def _chosen(settings: Config, names: list[str] | None) -> list[Upstream]:
    """The upstreams of these names, all without any. Raises ConfigError."""
    known = {upstream.name: upstream for upstream in settings.upstreams}
    if not known:
        raise ConfigError(f"{settings.source.name}: there are no [[upstreams]]; docs/sync.md tells how to add one")
    for name in names or []:
        if name not in known:
            raise ConfigError(f"no upstream is named {name}; known are {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names or known)]


def _number(text: str, place: str = "--ticket") -> int:
    if not re.fullmatch(r"[Ss]?[1-9][0-9]{0,8}", text):
        raise ConfigError(f"{place}: write it like S12, got {text}")
    return int(text.lstrip("Ss"))


async def _send(settings: Config, chosen: list[Upstream]) -> dict[str, Waiting]:
    """Send as the bot would, until nothing more can go now; what is left. Raises StoreError where the bot runs."""
    from bot.app import courier_of, upward_session
    from bot.clock import SystemClock
    from nlp import categories
    from storage import upstreams
    from storage.engine import Store

    clock = SystemClock()
    known = categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None)
    store = await Store.open(settings.database.url, key_file=settings.key_file)
    try:
        async with upward_session() as session:
            for upstream in chosen:
                courier = courier_of(settings, upstream, store, known, session, clock)
                await courier.start()
                with progress(f"sending to {upstream.name}"):
                    await courier.step()
        return {one.name: await store.read(lambda tx, one=one: upstreams.waiting(tx, one.name)) for one in chosen}  # type: ignore[misc]
    finally:
        await store.close()


async def _compare(settings: Config, upstream: Upstream, *, every_field: bool, mend: bool) -> tuple[Report, int]:
    from bot.app import upward_session
    from bot.sync import reconciling
    from bot.sync.client import Client
    from bot.sync.rendering import Labels
    from nlp import categories
    from storage.beside import open_beside
    from storage.engine import Store

    known = categories.load(Path(settings.nlp.categories) if settings.nlp.categories else None)
    labels = Labels(known, settings.timezone)
    store: Store
    if mend:
        store = await open_beside(settings.database.url, key_file=settings.key_file)
    else:
        store = await Store.open(settings.database.url, key_file=settings.key_file, read_only=True)
    try:
        async with upward_session() as session:
            client = Client(upstream, str(settings.sync.source), session, lambda: datetime.now(UTC))
            with progress(f"comparing with {upstream.name}") as step:
                report = await reconciling.compare(
                    store, upstream, labels, client, every_field=every_field, progress=step
                )
        return report, await reconciling.mend(store, upstream, report, datetime.now(UTC)) if mend else 0
    finally:
        await store.close()
