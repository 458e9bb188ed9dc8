"""The composition root: the only file that names the concrete classes, and the life of the program."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.clock import Clock, SystemClock
from bot.config import Config, ConfigError
from bot.dispatch import Dispatcher, Heard
from bot.intake import Intake
from bot.jobs import Jobs
from bot.lexicons import Keeper, Shelf
from bot.pacing import Budget, broadcast_time
from bot.registry import Registry
from bot.sender import Sender, SentHook
from bot.transports.base import Event, Offline, Transport, TransportError
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage.engine import Store
from storage.model import Outgoing

if TYPE_CHECKING:
    import aiohttp

    from bot.alerts.receiving import Receiver
    from bot.listener import Listener, Taker
    from bot.monitor import Monitor
    from bot.settings import Upstream
    from bot.sync.answers import Answers, Puller
    from bot.sync.courier import Courier

log = structlog.get_logger(__name__)

# Seconds that a stop gives to what was accepted, and then to what is being sent; with the closing it ends within 5.
LISTENED_OUT = 1.5
ONE_SEND = 1.5


class House:
    """Intake → dispatch → sender over one store, for any number of accounts. It runs in real time (`run`) or is moved
    step by step in virtual time (`start`, `hear`, `speak`, `tick`)."""

    def __init__(
        self,
        *,
        store: Store,
        classifier: Classifier,
        policy: Policy,
        transports: Sequence[Transport],
        budget: Budget,
        clock: Clock,
        seed: int | None = None,
        heard: Heard | None = None,
        sent: SentHook | None = None,
        monitor: Monitor | None = None,
        lexicon: Keeper | None = None,
        couriers: Sequence[Courier] = (),
        answers: Answers | None = None,
        pullers: Sequence[Puller] = (),
        alerts: Receiver | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        """`seed` fixes the jitter; `heard` and `sent` are told of every finished message and every line sent; `monitor`
        serves while the house runs; `lexicon` is where another classifier comes from when staff change their words;
        `couriers` carry tickets to the platforms above, whose `answers` come by `pullers`; at `listeners` they, and
        devices with their `alerts`, send what they have."""
        self._monitor = monitor
        self.store = store
        self.clock = clock
        self.policy = policy
        self.lexicon = lexicon
        by_account = {transport.account: transport for transport in transports}
        self._transports = by_account
        self.dispatcher = Dispatcher(
            store,
            classifier,
            policy,
            by_account,
            clock,
            wake_senders=self.wake_senders,
            throttled=self._throttled,
            heard=heard,
        )
        self._intakes = {
            account: Intake(store, transport, self.dispatcher, clock, self._link_up)
            for account, transport in by_account.items()
        }
        self._senders = [
            Sender(store, transport, budget, clock, seed=seed, sent=self._line_sent)
            for transport in by_account.values()
        ]
        self._sent = sent
        self._jobs = Jobs(
            store, self.dispatcher, policy, by_account, clock, wake_senders=self.wake_senders, lexicon=lexicon
        )
        self._couriers = couriers
        self.answers = answers
        self._pullers = pullers
        self.alerts = alerts
        self._listeners = listeners
        self._stop = asyncio.Event()
        self._linked = asyncio.Event()

    @property
    def intakes(self) -> Mapping[str, Intake]:
        return self._intakes

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def senders(self) -> Sequence[Sender]:
        return self._senders

    @property
    def couriers(self) -> Sequence[Courier]:
        return self._couriers

    @property
    def transports(self) -> Mapping[str, Transport]:
        return self._transports

    def wake_senders(self) -> None:
        """Lines may be waiting."""
        for sender in self._senders:
            sender.wake()

    def _line_sent(self, line: Outgoing) -> None:
        self.dispatcher.receipts.sent(line, self.clock.now())
        if self._sent is not None:
            self._sent(line)

    def _link_up(self) -> None:
        self._linked.set()
        self.wake_senders()

    def _throttled(self, account: str) -> None:
        for sender in self._senders:
            if sender.account == account:
                sender.throttled()

    # ---------------------------------------------------------------- step by step
    async def start(self) -> None:
        """Read what must be known before the first message, and settle what a crash left."""
        await self.dispatcher.load()
        for sender in self._senders:
            await sender.start()
        for courier in self._couriers:
            await courier.start()

    async def hear(self, account: str, events: Sequence[Event]) -> None:
        """Take in events and work them off."""
        await self._intakes[account].receive(events)
        await self.dispatcher.drain()

    async def speak(self) -> datetime | None:
        """Send what may go now. Returns when something may go next, None when nothing is waiting."""
        moments = [await sender.step() for sender in self._senders]
        return min((moment for moment in moments if moment is not None), default=None)

    async def sync(self) -> datetime | None:
        """Send upward what may go now. Returns when something may go next, None when nothing is waiting."""
        moments = [await courier.step() for courier in self._couriers]
        return min((moment for moment in moments if moment is not None), default=None)

    async def tick(self) -> datetime | None:
        """Do what is due by the clock. Returns when something of a ticket comes due next."""
        return await self._jobs.step()

    # ---------------------------------------------------------------- in real time
    def stop(self) -> None:
        """Ask `run` to end: listen no more, finish what was accepted, finish the line being sent."""
        self._stop.set()

    async def run(self, *, tick_every: float = 60.0, link_within: float = 0.0) -> None:
        """Live until `stop()`. `tick_every` and `link_within` are seconds of the machine's clock; 0 waits for a gateway
        for ever. Raises `Rejected` when a gateway refuses its token at the first connection, `Offline` when no account
        was linked in time."""
        async with contextlib.AsyncExitStack() as pages:
            if self._monitor is not None:
                await pages.enter_async_context(self._monitor.watching(self))
            for listener in self._listeners:
                await pages.enter_async_context(listener.listening())
            await self._live(tick_every, link_within)

    async def _live(self, tick_every: float, link_within: float) -> None:
        await self.start()
        self._jobs.start(tick_every)
        try:
            async with asyncio.TaskGroup() as group:
                ears = [
                    group.create_task(intake.run(), name=f"intake:{account}")
                    for account, intake in self._intakes.items()
                ]
                middle = group.create_task(self.dispatcher.run(), name="dispatch")
                voices = [group.create_task(sender.run(), name=f"send:{sender.account}") for sender in self._senders]
                voices += [group.create_task(courier.run(), name=f"sync:{courier.name}") for courier in self._couriers]
                voices += [group.create_task(puller.run(), name=f"answers:{puller.name}") for puller in self._pullers]
                if link_within:
                    await self._first_link(link_within)
                await self._stop.wait()
                log.info("stopping", action="stop")
                for courier in self._couriers:
                    courier.stop()
                for puller in self._pullers:
                    puller.stop()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LISTENED_OUT):
                        await asyncio.gather(*(intake.stop() for intake in self._intakes.values()))
                        await self.dispatcher.idle()
                for sender in self._senders:
                    sender.stop()
                if voices:
                    await asyncio.wait(voices, timeout=ONE_SEND)
                for task in (*ears, middle, *voices):
                    task.cancel()
        finally:
            self._jobs.stop()
            for transport in self._transports.values():
                await transport.close()

    async def _first_link(self, within: float) -> None:
        waits = [asyncio.create_task(self._linked.wait()), asyncio.create_task(self._stop.wait())]
        done, _ = await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not done:
            accounts = ", ".join(self._transports)
            raise Offline(
                f"no gateway answered within {within:g} s (accounts: {accounts}); "
                "start it or mend [[accounts]] endpoint, `xiaoge doctor` tells which"
            )


def budget_of(config: Config) -> Budget:
    pacing = config.pacing
    return Budget(
        per_minute=pacing.per_minute,
        per_hour=pacing.per_hour,
        per_day=pacing.per_day,
        gap=pacing.gap,
        per_room_gap=pacing.per_room_gap,
        stop=timedelta(minutes=pacing.stop_minutes),
    )


async def run(config: Config) -> None:
    """The bot, from the config until SIGTERM or SIGINT.

    Raises ConfigError, StoreError, LexiconError and Rejected, each with one line that names the place and the cure."""
    from bot.sync.answers import Answers
    from bot.transports.wechaty import WechatyTransport  # slow to import, and only needed here

    known = categories.load(_path(config.nlp.categories))
    clock = SystemClock()
    lexicon = Keeper(Shelf(Path(config.nlp.lexicon)), known, fast=config.nlp.fast)
    classifier = lexicon.load(clock.now())
    store = await Store.open(config.database.url, key_file=config.key_file)
    try:
        registry = Registry.of(config)
        await store.write(lambda tx: registry.store(tx, clock.now()))
        async with upward_session() as session:
            policy = replace(config.policy(known), broadcast_time=partial(broadcast_time, budget=budget_of(config)))
            answers = Answers(store, policy, clock, wake=lambda: house.wake_senders())
            alerts = receiver_of(config, store, policy, clock, wake=lambda: house.wake_senders())
            house = House(
                store=store,
                classifier=classifier,
                policy=policy,
                transports=[
                    WechatyTransport(
                        entry.name, entry.endpoint, entry.secret(), tls_ca=_path(entry.tls_ca), clock=clock
                    )
                    for entry in config.accounts
                ],
                budget=budget_of(config),
                clock=clock,
                monitor=_monitor(config),
                lexicon=lexicon,
                couriers=[courier_of(config, upstream, store, known, session, clock) for upstream in config.upstreams],
                answers=answers,
                pullers=pullers_of(config, answers, session),
                alerts=alerts,
                listeners=listeners_of(config, answers, alerts),
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
