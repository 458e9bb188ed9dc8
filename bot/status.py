"""What a running bot says of itself, for the operator: its page /readyz as two small tables."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.settings import ConfigError
from bot.terminal import plain, short

if TYPE_CHECKING:
    from bot.config import Config

PATIENCE = 10.0  # seconds


def ask(settings: Config) -> dict[str, Any]:
    """The page of the bot that runs with this configuration. Raises ConfigError where none answers."""
    monitor = settings.monitor
    place = f"{settings.source.name}: [monitor]"
    if not monitor.enabled:
        raise ConfigError(f"{place} enabled: it is false, so a running bot tells nothing; set it to true and restart")
    where = f"{monitor.host}:{monitor.port}"
    # Not urllib: a proxy of the environment has no business here.
    connection = http.client.HTTPConnection(monitor.host, monitor.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/readyz")
        page = json.loads(connection.getresponse().read())
    except OSError:
        raise ConfigError(f"{place}: no bot answers at {where}; start it (`xiaoge run`) or see its log") from None
    except (http.client.HTTPException, ValueError):
        page = None
    finally:
        connection.close()
    if not isinstance(page, dict) or not {"ready", "store", "accounts"} <= page.keys():
        raise ConfigError(f"{place} port: what answers at {where} is no xiaoge; choose another port and restart")
    return page


def accounts(page: dict[str, Any], now: datetime) -> Iterator[tuple[str, ...]]:
    """account, link, since, last message, waiting, last error: as rich markup."""
    for name, one in page["accounts"].items():
        link = "[green]online[/]" if one["online"] else "[red]offline[/]"
        if one["stopped_until"]:
            link += f", [yellow]pauses {short(datetime.fromisoformat(one['stopped_until']) - now)}[/]"
        if one.get("emergencies_waiting"):
            link += f", [red]{one['emergencies_waiting']} 应急 wait[/]"
        heard = one["last_message_seconds"]
        error = one["last_error"]
        yield (
            plain(name),
            link,
            _age(one["since"], now),
            "never" if heard is None else f"{short(timedelta(seconds=heard))} ago",
            f"{one['pending']} + {one['parked']} parked",
            plain(f"{error['what']}: {error['why']}, {_age(error['at'], now)}") if error else "",
        )


def rest(page: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """What is not of one account: what, found."""
    store, outbox = page["store"], page["outbox"]
    found = "[green]ok[/]" if store["state"] == "ok" else f"[red]{plain(store['error'] or store['state'])}[/]"
    yield "database", found
    if outbox is not None:
        waits = f"{outbox['queued']} queued, {outbox['sending']} being sent"
        trouble = [f"{outbox[state]} {state}" for state in ("unknown", "failed") if outbox[state]]
        if trouble:
            waits += f", [yellow]{', '.join(trouble)}[/]: see `xiaoge outbox list`"
        yield "lines", waits
    lexicon = page.get("lexicon")
    if lexicon is not None:
        found = f"own rows {lexicon['version']}" if lexicon["version"] else "as shipped"
        refused = lexicon["refused"]
        if refused is not None:
            found += f", [red]{refused['version'] or 'the list of versions'} was refused[/]: {plain(refused['why'])}"
        yield "lexicon", found
    fleet = page.get("fleet")
    if fleet is not None:
        yield "duty", "here" if page["duty"] else "in another process"
        served = f"{fleet['processes']} alive, for {fleet['accounts']} accounts"
        if fleet["unowned"]:
            served += f", [red]nobody serves {plain(', '.join(fleet['unowned']))}[/]"
        yield "processes", served
    yield "ready", "[green]yes[/]" if page["ready"] else "[red]no[/]" + (", it stops" if page.get("stopping") else "")


def _age(at: str | None, now: datetime) -> str:
    return "" if at is None else f"{short(now - datetime.fromisoformat(at))} ago"
