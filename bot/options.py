"""What one of several processes is told on its command line over the configuration that all of them share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from bot.checking import shown
from bot.config import monitor_faults
from bot.settings import ConfigError

if TYPE_CHECKING:
    from bot.config import Config

ALL = "all"
_ADDRESS = re.compile(r"(?P<host>.+):(?P<port>[0-9]{1,5})")


def accounts(settings: Config, told: str) -> tuple[str, ...] | None:
    """The accounts of `wx1,wx2` in the configuration's order; None for `all`. Raises ConfigError for a name that it has
    not."""
    if told.strip() == ALL:
        return None
    names = {name.strip() for name in told.split(",") if name.strip()}
    known = [account.name for account in settings.accounts]
    unknown = sorted(names.difference(known))
    if unknown or not names:
        what = f"no account is named {shown(unknown[0])}" if unknown else "names no account"
        there = f"give {ALL}, or some of {', '.join(known)}" if known else "it has no [[accounts]] yet"
        raise ConfigError(f"--accounts: {what} in {settings.source.name}: {there}")
    return tuple(name for name in known if name in names)


def monitored(settings: Config, address: str | None) -> Config:
    """The settings with the monitor at that `host:port`; as they are without one. Raises ConfigError."""
    if address is None:
        return settings
    found = _ADDRESS.fullmatch(address)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(f"--monitor: must be like 127.0.0.1:9465, got {shown(address)}")
    monitor = msgspec.structs.replace(settings.monitor, enabled=True, host=found["host"], port=int(found["port"]))
    for _, what in monitor_faults(monitor):
        raise ConfigError(f"--monitor: {what}")
    return msgspec.structs.replace(settings, monitor=monitor)
