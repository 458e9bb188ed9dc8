"""The composition root: the only file that names the concrete classes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.clock import Clock, SystemClock
from bot.config import Config, ConfigError
from bot.house import House
from bot.leasing import Leasing, Seats
from bot.lexicons import Keeper, Shelf
from bot.pacing import Budget, broadcast_time
from bot.registry import Registry
from bot.transports.base import Transport, TransportError
from bot.version import version
from handlers.context import Policy
from nlp import categories
from storage.engine import Store

if TYPE_CHECKING:
    import aiohttp

    from bot.alerts.receiving import Receiver
    from bot.listener import Listener, Taker
    from bot.monitor import Monitor
    from bot.settings import Upstream
    from bot.sync.answers import Answers, Puller
    from bot.sync.courier import Courier


def budget_of(config: Config) -> Budget:
    pacing = config.pacing
    return Budget(
        per_minute=pacing.per_minute,
        per_hour=pacing.per_hour,
        per_day=pacing.per_day,
        gap=pacing.gap,
        per_room_gap=pacing.per_room_gap,
        stop=timedelta(minutes=pacing.stop_minutes),
        ramp_days=pacing.ramp_days,
        ramp_start=pacing.ramp_start,
    )


async def run(config: Config, accounts: Collection[str] | None = None) -> None:
    """The bot, from the config until SIGTERM or SIGINT, for these accounts or for all: alone on SQLite, one of any
    number of processes on PostgreSQL.

    Raises ConfigError, StoreError, LexiconError and Rejected, each with one line that names the place and the cure."""
    from bot.sync.answers import Answers
    from bot.transports.wechaty import WechatyTransport  # slow to import, and only needed here

    known = categories.load(_path(config.nlp.categories))
    clock = SystemClock()
    lexicon = Keeper(Shelf(Path(config.nlp.lexicon)), known, fast=config.nlp.fast)
    classifier = lexicon.load(clock.now())
    gc.freeze()  # what is loaded stays: looking through it for garbage stops everything for a quarter of a second
    store = await Store.open(config.database.url, key_file=config.key_file)
    try:
        registry = Registry.of(config)
        await store.write(lambda tx: registry.store(tx, clock.now()))
        async with upward_session() as session:
            policy = replace(config.policy(known), broadcast_time=partial(broadcast_time, budget=budget_of(config)))
            wires = {
                entry.name: (entry.endpoint, entry.secret(), _path(entry.tls_ca))
                for entry in config.accounts
                if accounts is None or entry.name in accounts
            }

            def dial(account: str) -> Transport:
                endpoint, token, ca = wires[account]
                return WechatyTransport(account, endpoint, token, tls_ca=ca, clock=clock)

            def leasing(seats: Seats) -> Leasing:
                configured = [entry.name for entry in config.accounts]
                return Leasing(store, seats, configured, version=version(), wants=accounts)

            alone = config.database_file is not None
            answers = Answers(store, policy, clock, wake=lambda: house.wake_senders())
            alerts = receiver_of(config, store, policy, clock, wake=lambda: house.wake_senders())
            house = House(
                store=store,
                classifier=classifier,
                policy=policy,
                transports=[dial(account) for account in wires] if alone else (),
                dial=dial,
                budget=budget_of(config),
                clock=clock,
                monitor=_monitor(config),
                lexicon=lexicon,
                couriers=[courier_of(config, upstream, store, known, session, clock) for upstream in config.upstreams],
                answers=answers,
                pullers=pullers_of(config, answers, session),
                alerts=alerts,
                listeners=listeners_of(config, answers, alerts),
                fleet=None if alone else leasing,
            )
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, house.stop)
            await house.run(link_within=config.bot.gateway_wait_seconds)
    except* TransportError as group:
        raise _first(group) from None
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def upward_session() -> AsyncIterator[aiohttp.ClientSession]:
    """What requests to the platforms above share: their connections, no cookies, no proxy of the environment."""
    import aiohttp

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as session:
        yield session


def courier_of(
    config: Config,
    upstream: Upstream,
    store: Store,
    known: Mapping[str, categories.Category],
    session: aiohttp.ClientSession,
    clock: Clock,
) -> Courier:
    """Who carries tickets to a platform above. Raises ConfigError where its secret cannot be read."""
    from bot.sync.client import Client
    from bot.sync.courier import Courier
    from bot.sync.folder import Folder
    from bot.sync.rendering import Labels

    source = str(config.sync.source)
    folder = upstream.kind == "folder"
    carrier = Folder(upstream, source) if folder else Client(upstream, source, session, clock.now)
    return Courier(store, upstream, source, carrier, Labels(known, config.timezone), clock)


def pullers_of(config: Config, answers: Answers, session: aiohttp.ClientSession) -> list[Puller]:
    """Who asks the platforms above for their answers. Raises ConfigError as `courier_of`."""
    from bot.sync.answers import Puller
    from bot.sync.client import Client

    asked = [upstream for upstream in config.upstreams if upstream.kind == "http" and upstream.answers_seconds]
    source = str(config.sync.source)
    return [Puller(upstream, Client(upstream, source, session, answers.clock.now).get, answers) for upstream in asked]


def receiver_of(
    config: Config, store: Store, policy: Policy, clock: Clock, *, wake: Callable[[], None]
) -> Receiver | None:
    """Who takes the alerts of devices, if there are any. Raises ConfigError where a secret cannot be read."""
    from bot.alerts.receiving import Receiver

    sources = {source.name: (source, source.shared_secret()) for source in config.alerts.sources}
    for source, _ in sources.values():
        if source.category not in policy.categories:
            raise ConfigError(f"{source.place} category: there is no category {source.category}, see [nlp] categories")
    return Receiver(store, policy, clock, sources, wake=wake) if sources else None


def listeners_of(config: Config, answers: Answers, alerts: Receiver | None) -> list[Listener]:
    """Where the platforms above and devices send what they have: one listener for each address. Raises ConfigError as
    `courier_of`."""
    from bot.listener import Listener
    from bot.sync.webhook import Pushed

    takers: dict[str, list[Taker]] = {}
    if config.sync.listen is not None:
        http = [upstream for upstream in config.upstreams if upstream.kind == "http"]
        partners = {upstream.name: (upstream, upstream.shared_secret()) for upstream in http}
        takers.setdefault(config.sync.listen, []).append(Pushed(partners, answers))
    if alerts is not None:
        takers.setdefault(str(config.alerts_listen), []).append(alerts)
    return [
        Listener(host, int(port), there, answers.clock)
        for (host, _, port), there in ((address.rpartition(":"), there) for address, there in takers.items())
    ]


def _first(group: BaseExceptionGroup[TransportError]) -> TransportError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, TransportError)  # noqa: S101
    return error


def _monitor(config: Config) -> Monitor | None:
    if not config.monitor.enabled:
        return None
    from bot.monitor import Monitor

    return Monitor(config.monitor.host, config.monitor.port)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
