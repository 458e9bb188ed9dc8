"""What `xiaoge doctor` looks at of the sources of alerts: secrets, categories, grids, who listens at the address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from bot.alerts import trying
from bot.config import Config, ConfigError
from bot.doctor import Finding, State
from bot.settings import AlertSource
from nlp.categories import Category
from storage import grids
from storage.engine import Store, StoreError

_NAMED = 5  # grids


async def of_config(config: Config, known: Mapping[str, Category], now: datetime) -> AsyncIterator[Finding]:
    """Everything about every source; without a database what can be told without one."""
    names = await _grids(config)
    for source in config.alerts.sources:
        yield _source(source, known, names)
    yield await _address(config, now)


async def _grids(config: Config) -> set[str]:
    """The codes that are known: those of the configuration and of the database, if there is one."""
    listed = {grid.code for grid in config.grids}
    try:
        store = await Store.open(config.database.url, key_file=config.key_file, read_only=True)
    except StoreError:
        return listed  # another check says what is wrong with it
    try:
        return listed | set(await store.read(grids.names))
    finally:
        await store.close()


def _source(source: AlertSource, known: Mapping[str, Category], names: set[str]) -> Finding:
    what = f"alerts {source.name}"
    try:
        source.shared_secret()
    except ConfigError as error:
        found, _, cure = str(error).rpartition(", ")
        return Finding(what, State.FAULT, found, cure)
    if known and source.category not in known:
        found, cure = f"there is no category {source.category}", f"mend {source.place} category"
        return Finding(what, State.FAULT, found, cure)
    wanted = [source.grid] if source.grid is not None else []
    wanted += [device.grid for device in source.devices.values()]
    missing = [code for code in dict.fromkeys(wanted) if code not in names]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        found = f"there is no grid {', '.join(missing[:_NAMED])}{more}: such alerts are refused"
        return Finding(what, State.FAULT, found, f"mend {source.place} devices, or import the grids")
    category = known[source.category].name if source.category in known else source.category
    notice = ", a notice is drafted" if source.notice else ""
    return Finding(what, State.OK, f"{len(source.devices)} devices, {category}{notice}")


async def _address(config: Config, now: datetime) -> Finding:
    """Whether the running bot listens there, or nobody, so that it can."""
    what, source = "alerts", config.alerts.sources[0]
    try:
        tried = await trying.drill(config, source, None, now)
    except ConfigError:
        return Finding(what, State.WARNING, "nothing was tried, the first source has no secret", "mend that first")
    if tried.status is None:
        return await _free(str(config.alerts_listen))
    if tried.status == 0:
        found = f"another program listens at {tried.address}"
        return Finding(what, State.FAULT, found, "stop it, or give [alerts] listen another port")
    if tried.status in (401, 404):
        found = f"the running bot does not take {source.name}: {tried.said}"
        return Finding(what, State.FAULT, found, "restart it after a change of the configuration")
    return Finding(what, State.OK, f"the running bot listens at {tried.address}")


async def _free(address: str) -> Finding:
    host, _, port = address.rpartition(":")

    def bind() -> None:
        socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()

    try:
        await asyncio.to_thread(bind)
    except OSError as error:
        found = f"{address} cannot be listened at: {error.strerror or error}"
        return Finding("alerts", State.FAULT, found, "mend [alerts] listen")
    return Finding("alerts", State.OK, f"{address} is free for the bot")


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET
