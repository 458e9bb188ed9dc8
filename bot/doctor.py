"""`xiaoge doctor`: look at everything that can be wrong before a resident finds out, and name the cure."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot import config as configuration
from bot.config import Config, ConfigError
from bot.errors import explain
from storage.model import Role, RoomKind

if TYPE_CHECKING:
    from nlp.categories import Category
    from storage.standbys import Load

LEADERS = (Role.MICRO_LEADER, Role.GRID_WORKER)
MOST_ALONE = 10  # grids without a leader that are named one by one
LITTLE_SPACE, TOO_LITTLE_SPACE = 2 * 1024**3, 200 * 1024**2  # bytes
SLOW_CLOCK = timedelta(minutes=5)
LONGEST_LIMIT = timedelta(days=31)  # how far ahead the working days matter: 15 of them, over the longest holiday


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `cure` is empty when all is well."""

    what: str
    state: State
    found: str
    cure: str = ""


async def examine(path: Path, now: Callable[[], datetime]) -> AsyncIterator[Finding]:
    """Look at everything, one finding after the other. A fault of one thing does not hide the others."""
    try:
        config = configuration.load(path)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield Finding("config", State.FAULT, line, "mend this line, then run doctor again")
        return
    yield Finding("config", State.OK, f"{path}: {_amounts(config)}")
    if not _stored(config):
        for finding in _staffing(config):
            yield finding
    yield _clock(config, now())
    calendar = _calendar(config, now())
    if calendar is not None:
        yield calendar
    yield _disk(config)
    yield _key(config)
    lexicon = await _guarded("lexicon", _lexicon(config))
    if lexicon is not None:
        yield lexicon
    async for finding in _database(config, now):
        yield finding
    if config.upstreams or _stored(config):
        async for finding in _upstreams(config):
            yield finding
    if config.alerts.sources:
        async for finding in _alerts(config, now()):
            yield finding
    if not config.accounts:
        yield Finding(
            "gateway", State.WARNING, "no account is configured", "add [[accounts]] for the bot to hear anything"
        )
    for finding in await asyncio.gather(*(_gateway(config, index) for index in range(len(config.accounts)))):
        yield finding


async def _guarded(what: str, check: Awaitable[Finding | None]) -> Finding | None:
    """A check whose expected errors are findings; their lines end in ": cure"."""
    try:
        return await check
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        found, _, cure = line.rpartition(": ")
        return Finding(what, State.FAULT, found or line, cure)


def _amounts(config: Config) -> str:
    return (
        f"{len(config.accounts)} accounts, {len(config.grids)} grids, "
        f"{len(config.people)} people, {len(config.rooms)} rooms"
    )


def _staffing(
    config: Config, led: Collection[str] = (), bound: Mapping[str, str] = MappingProxyType({})
) -> list[Finding]:
    """Rooms whose appeals would reach nobody: those of the config and the `bound` ones (grid → a name) of the store.
    `led`: the scopes for which the store knows a leader or a leader room."""
    leading = [*led, *(room.grid for room in config.rooms if room.room_kind is RoomKind.LEADER and room.grid)]
    leading += [one.scope for person in config.people for one in person.all_grants() if one.role in LEADERS]
    rooms = {
        room.grid: room.name or room.im_id
        for room in config.rooms
        if room.grid is not None and room.room_kind is RoomKind.RESIDENT
    }
    alone = [(grid, name) for grid, name in {**bound, **rooms}.items() if not grid.startswith(tuple(leading))]
    findings = [
        Finding(
            "people",
            State.WARNING,
            f"nobody leads {grid} ({name}): its appeals reach no one",
            "add a 微网格长 or 网格员 with that scope (xiaoge import people, or [[people]])",
        )
        for grid, name in alone[:MOST_ALONE]
    ]
    if len(alone) > MOST_ALONE:
        findings.append(Finding("people", State.WARNING, f"and {len(alone) - MOST_ALONE} more grids without a leader"))
    return findings


def _reach(config: Config, loads: Mapping[str, Load]) -> list[Finding]:
    """Accounts that are dead, the groups that nobody reaches for that, and accounts that have more than they may."""
    findings = []
    entries = {account.name: account for account in config.accounts}
    for name, load in loads.items():
        if load.dead:
            found = f"it is dead, {load.mute} groups are reached by nobody" if load.mute else "it is dead"
            cure = f"see `xiaoge accounts rooms {name}`; mend its link, or take another account into these groups"
            findings.append(Finding(f"account {name}", State.FAULT if load.mute else State.WARNING, found, cure))
        elif load.assigned and name not in entries:
            found = f"it answers in {load.assigned} groups and is not in the configuration"
            cure = "add it to [[accounts]], or take another account into these groups"
            findings.append(Finding(f"account {name}", State.FAULT, found, cure))
        entry = entries.get(name)
        if entry is not None and (load.assigned > entry.rooms or load.joined > max(entry.joined, entry.rooms)):
            found = f"it answers in {load.assigned} groups (at most {entry.rooms}) and is in {load.joined}"
            cure = "take another account into some of them and say 停用 to this one there, 启用 to the other"
            findings.append(Finding(f"account {name}", State.WARNING, found, cure))
    return findings


def _clock(config: Config, now: datetime) -> Finding:
    local = now.astimezone(config.timezone)
    shown = f"{local:%Y-%m-%d %H:%M} {config.bot.timezone}"
    if now.year < 2026:
        return Finding("clock", State.FAULT, f"it shows {shown}", "set the machine's clock (timedatectl set-ntp true)")
    machine = time.localtime(now.timestamp()).tm_gmtoff or 0
    offset = local.utcoffset() or timedelta()
    if timedelta(seconds=machine) != offset:
        return Finding("clock", State.OK, f"{shown}; the machine's own zone differs, the configured one counts")
    return Finding("clock", State.OK, shown)


def _calendar(config: Config, now: datetime) -> Finding | None:
    """Whether the public holidays of the weeks to come are known; the days of the config will do."""
    from handlers import workdays

    year = (now.astimezone(config.timezone) + LONGEST_LIMIT).year
    days = (*config.calendar.holidays, *config.calendar.workdays)
    if year <= workdays.known_until() or any(day.year == year for day in days):
        return None
    return Finding(
        "calendar",
        State.WARNING,
        f"the public holidays of {year} are not known: Monday to Friday count as working days",
        f"update xiaoge, or list the days of {year} under [calendar]",
    )


def _disk(config: Config) -> Finding:
    # Of a database on a server only the key is here; the space is the server's.
    file = config.database_file or config.key_file
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    found = f"{free / 1024**3:.1f} GB free for {file}"
    if not os.access(folder, os.W_OK):
        return Finding("disk", State.FAULT, f"{folder} cannot be written", "give it to the user who runs xiaoge")
    if free < TOO_LITTLE_SPACE:
        return Finding("disk", State.FAULT, found, "free some space now: the bot cannot accept messages without it")
    if free < LITTLE_SPACE:
        return Finding("disk", State.WARNING, found, "free some space soon")
    return Finding("disk", State.OK, found)


def _key(config: Config) -> Finding:
    path = config.key_file
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        if config.database_file is not None and config.database_file.exists():
            return Finding("key file", State.FAULT, f"{path} is missing", "put back its copy: phone numbers need it")
        return Finding("key file", State.OK, f"{path} is made at the first start")
    except OSError as error:
        return Finding("key file", State.FAULT, f"{path}: {error.strerror}", "give it to the user who runs xiaoge")
    if mode & 0o077:
        return Finding("key file", State.FAULT, f"{path} is open to others (mode {mode:o})", f"chmod 600 {path}")
    return Finding("key file", State.OK, f"{path}, mode {mode:o}")


async def _lexicon(config: Config) -> Finding:
    from bot.lexicons import Shelf
    from nlp import categories, editing

    def load() -> str:
        known = categories.load(Path(config.nlp.categories) if config.nlp.categories else None)
        shelf = Shelf(Path(config.nlp.lexicon))
        own = shelf.own(shelf.present())
        editing.proven(own, known, fast=config.nlp.fast)
        rows = sum(len(rows) for rows in own.rows.values())
        return f"{len(known)} categories, {f'{rows} own rows, ' if rows else ''}every golden sentence is understood"

    return Finding("lexicon", State.OK, await asyncio.to_thread(load))


def _stored(config: Config) -> bool:
    """Is there a database, as far as can be told without asking a server?"""
    return config.database_file is None or config.database_file.exists()


async def _database(config: Config, now: Callable[[], datetime]) -> AsyncIterator[Finding]:
    if not _stored(config):
        yield Finding("database", State.OK, f"{config.database_file} is made at the first start")
        return
    from storage import accounts, audit, health, outbox, rooms, roster, standbys
    from storage.engine import Store, Tx
    from storage.model import RoomState, SendState

    async def whole() -> Finding:
        faults = await store.read(health.integrity)
        if faults:
            cure = "stop the bot and restore the last backup"
            return Finding("database", State.FAULT, f"{len(faults)} faults, first: {faults[0]}", cure)
        size = await store.read(health.size) / 1024**2
        return Finding("database", State.OK, f"{store.name}, {size:.1f} MB, whole")

    async def unbroken() -> Finding:
        verdict = await store.read(audit.verify)
        if verdict.ok:
            return Finding("audit", State.OK, f"{verdict.count} entries, unbroken")
        found = f"broken at entry {verdict.broken_at}: {verdict.reason}"
        return Finding("audit", State.FAULT, found, "keep a copy as evidence, then compare it with a backup")

    async def in_time() -> Finding | None:
        latest = await store.read(health.latest_entry)
        if latest is None or latest - now() <= SLOW_CLOCK:
            return None
        found = f"the newest audit entry is of {latest.astimezone(config.timezone):%Y-%m-%d %H:%M}, after now"
        return Finding("clock", State.FAULT, found, "set the machine's clock (timedatectl set-ntp true)")

    async def settled() -> Finding | None:
        unsettled = len(await store.read(lambda tx: outbox.by_state(tx, SendState.UNKNOWN)))
        if not unsettled:
            return None
        found = f"{unsettled} sends whose outcome nobody knows"
        return Finding("outbox", State.WARNING, found, "see `xiaoge outbox list`, look into the rooms")

    async def reached(tx: Tx) -> list[Finding]:
        return _reach(config, await standbys.loads(tx))

    async def unhindered(tx: Tx) -> list[Finding]:
        found = []
        for account in await accounts.stopped(tx, now()):
            assert account.stopped_until is not None  # noqa: S101
            until = f"until {account.stopped_until.astimezone(config.timezone):%H:%M}"
            waiting = len(await outbox.held_up(tx, [account.name], now()))
            if waiting:
                cure = "telephone those whom they are for; another account has told who leads there"
                said = f"{waiting} 应急 lines wait, WeChat stopped the account {until}"
                found.append(Finding(f"account {account.name}", State.FAULT, said, cure))
            else:
                cure = "do nothing by hand with it; should this happen often, lower [pacing] or add an account"
                said = f"WeChat stopped it {until}: it went too fast"
                found.append(Finding(f"account {account.name}", State.WARNING, said, cure))
        return found

    async def staffed(tx: Tx) -> list[Finding]:
        led = {
            scope for entry in await roster.every(tx) for role, scope in entry.grants | entry.others if role in LEADERS
        }
        enabled = [room for room in await rooms.every(tx) if room.state is RoomState.ENABLED and room.grid]
        led |= {str(room.grid) for room in enabled if room.kind is RoomKind.LEADER}
        bound = {str(room.grid): room.topic or room.im_id for room in enabled if room.kind is RoomKind.RESIDENT}
        return _staffing(config, led, bound)

    opened: list[Store] = []

    async def readable() -> None:
        opened.append(await Store.open(config.database.url, key_file=config.key_file, read_only=True))

    fault = await _guarded("database", readable())
    if fault is not None:
        yield fault
        return
    store = opened[0]
    try:
        for what, check in (("database", whole), ("audit", unbroken), ("clock", in_time), ("outbox", settled)):
            finding = await _guarded(what, check())
            if finding is not None:
                yield finding
        for look in (reached, unhindered, staffed):
            for finding in await store.read(look):
                yield finding
    finally:
        await store.close()


async def _upstreams(config: Config) -> AsyncIterator[Finding]:
    from bot.sync import checks

    async for finding in checks.of_config(config, _categories(config)):
        yield finding


async def _alerts(config: Config, now: datetime) -> AsyncIterator[Finding]:
    from bot.alerts import checks

    async for finding in checks.of_config(config, _categories(config), now):
        yield finding


def _categories(config: Config) -> dict[str, Category]:
    from nlp import categories

    try:
        return categories.load(Path(config.nlp.categories) if config.nlp.categories else None)
    except categories.CategoryError:
        return {}  # the lexicon's check has said what is wrong with them


async def _gateway(config: Config, index: int) -> Finding:
    from bot.transports.base import TransportError
    from bot.transports.gateway_probe import probe

    account = config.accounts[index]
    what = f"gateway {account.name}"
    try:
        ca = Path(account.tls_ca) if account.tls_ca else None
        version = await probe(account.endpoint, account.secret(), tls_ca=ca)
    except (ConfigError, TransportError, OSError) as error:
        found, _, cure = (explain(error) or str(error)).rpartition(": ")
        return Finding(what, State.FAULT, found, cure)
    return Finding(what, State.OK, f"{account.endpoint} answers, version {version}, token accepted")
