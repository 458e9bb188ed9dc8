"""The commands about our accounts: what each has to do, which groups it is in, whether it is in service. The bot may be
running."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.settings import ConfigError
from bot.terminal import CONFIG, ConfigOption, load, plain, read, short, table, write

if TYPE_CHECKING:
    from bot.config import Config
    from storage.accounts import Account
    from storage.engine import Tx
    from storage.model import Room
    from storage.presence import Marks
    from storage.standbys import Load, Standby

app = typer.Typer(help="Our accounts and the groups they are in.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="As in the configuration: wx1.", metavar="ACCOUNT")]


@app.command("list")
def list_accounts(config: ConfigOption = CONFIG) -> None:
    """Show each account: whether it lives, in how many groups it answers and stands by, and how many nobody reaches.

    \b
    Examples:
      xiaoge accounts list
    """
    from storage import accounts, presence, standbys

    settings = load(config)

    async def look(tx: Tx) -> tuple[dict[str, Account], dict[str, Load], dict[str, Marks]]:
        return await accounts.every(tx), await standbys.loads(tx), await presence.marks(tx)

    known, loads, marks = read(settings, look)
    now = datetime.now(UTC)
    configured = {account.name: account for account in settings.accounts}
    rows = []
    for name in sorted({*configured, *loads}):
        load_, entry = loads.get(name), configured.get(name)
        assigned, joined = (load_.assigned, load_.joined) if load_ is not None else (0, 0)
        mute = load_.mute if load_ is not None else 0
        mark = marks.get(name)
        linked = mark.listened if mark is not None else None
        rows.append(
            (
                plain(name),
                _state(known.get(name), now, configured=entry is not None),
                f"{short(now - linked)} ago" if linked is not None else "never",
                _of(assigned, entry.rooms if entry is not None else None),
                str(load_.standby if load_ is not None else 0),
                _of(joined, max(entry.joined, entry.rooms) if entry is not None else None),
                f"[red]{mute}[/]" if mute else "0",
            )
        )
    if not rows:
        typer.echo("no account yet: add [[accounts]] to the configuration")
        return
    table(("account", "state", "last linked", "answers in", "stands by in", "is in", "groups nobody reaches"), rows)


@app.command("rooms")
def list_rooms(account: Name, config: ConfigOption = CONFIG) -> None:
    """Show the groups that an account is in: where it answers and who stands by there, and where it stands by.

    \b
    Examples:
      xiaoge accounts rooms wx1
    """
    from storage import accounts, rooms, standbys
    from storage.model import RoomState

    settings = load(config)

    async def look(tx: Tx) -> tuple[list[Room], dict[int, list[Standby]], dict[str, Account]]:
        return await rooms.every(tx), await standbys.every(tx), await accounts.every(tx)

    every, beside, known = read(settings, look)
    _check(settings, account, {room.account for room in every})
    dead = {name for name, one in known.items() if one.dead_at is not None}
    rows = []
    for room in sorted(every, key=lambda one: (one.grid or "~", one.id)):
        others = [one.account for one in beside.get(room.id, ())]
        if room.state is not RoomState.ENABLED or account not in (room.account, *others):
            continue
        shown = [f"[red]{plain(name)} (dead)[/]" if name in dead else plain(name) for name in others]
        answers = plain(room.account)
        if room.account in dead:
            answers = f"[red]{answers} (dead)[/]"
        rows.append((str(room.id), room.grid or "", plain(room.topic or room.im_id), answers, ", ".join(shown) or "-"))
    if not rows:
        typer.echo(f"{account} answers and stands by in no group")
        return
    table(("id", "grid", "group", "answers", "stands by"), rows)
    mute = sum(1 for room in every if room.account == account and room.state is RoomState.ENABLED)
    if account in dead and mute:
        typer.echo(
            f"nobody reaches {mute} of them: take another account into these groups and say 启用 there", err=True
        )


@app.command()
def retire(
    account: Name,
    why: Annotated[str, typer.Option(help="For the record: a new phone, a warning of WeChat.", show_default=False)],
    config: ConfigOption = CONFIG,
) -> None:
    """Take an account out of service until `revive`: its groups go to who stands by there, notices pass over the rest.

    \b
    Examples:
      xiaoge accounts retire wx1 --why "WeChat warned it"
    """
    from storage import accounts

    settings = load(config)
    reason = why.strip()
    if not reason or reason in (accounts.LOGGED_OUT, accounts.NO_LINK):
        raise ConfigError("--why: say it in words of your own, like a new phone")

    async def work(tx: Tx) -> str | None:
        now = datetime.now(UTC)
        _check(settings, account, set())
        if await accounts.die(tx, account, now, reason):
            await _audit(tx, "account_retired", account, now)
            return None
        found = await accounts.get(tx, account)
        return f"dead already: {found.dead_why}" if found is not None else "not in use: it was never linked"

    before = write(settings, work)
    if before is not None:
        typer.echo(f"{account} is {before}")
        return
    typer.echo(
        f"{account} is retired; a running bot hands its groups over within a minute: xiaoge accounts rooms {account}"
    )


@app.command()
def revive(account: Name, config: ConfigOption = CONFIG) -> None:
    """Put an account back into service. Groups that another one took over stay with that one.

    \b
    Examples:
      xiaoge accounts revive wx1
    """
    from storage import accounts

    settings = load(config)

    async def work(tx: Tx) -> bool:
        _check(settings, account, set())
        revived = await accounts.revive(tx, account)
        if revived:
            await _audit(tx, "account_revived", account, datetime.now(UTC))
        return revived

    revived = write(settings, work)
    typer.echo(f"{account} is in service again" if revived else f"{account} was not dead")


async def _audit(tx: Tx, action: str, account: str, at: datetime) -> None:
    from storage import audit
    from storage.model import AuditEntry

    await audit.append(tx, AuditEntry(at=at, action=action, right="operator", detail={"of": account}))


def _check(settings: Config, account: str, stored: set[str]) -> None:
    known = {entry.name for entry in settings.accounts} | stored
    if account not in known:
        raise ConfigError(f"ACCOUNT: there is no {account}, see `xiaoge accounts list`")


def _state(account: Account | None, now: datetime, *, configured: bool) -> str:
    if account is not None and account.dead_at is not None:
        return f"[red]dead[/] for {short(now - account.dead_at)}: {plain(account.dead_why or '')}"
    if not configured:
        return "[yellow]not in the configuration[/]"
    return "[green]in service[/]" if account is not None else "never linked"


def _of(count: int, most: int | None) -> str:
    if most is None:
        return str(count)
    return f"[yellow]{count} of {most}[/]" if count > most else f"{count} of {most}"
