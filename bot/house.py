"""The life of the program: seats that open and close while it runs, and what is shared between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from bot.clock import Clock
from bot.dispatch import Dispatcher, Heard
from bot.duty import ONE_REQUEST, Duty
from bot.intake import Intake
from bot.jobs import Jobs
from bot.lexicons import Keeper
from bot.neighbours import Neighbours
from bot.pacing import Budget
from bot.seat import LISTENED_OUT, ONE_SEND, Seat
from bot.sender import Sender, SentHook
from bot.transports.base import Event, Offline, Transport
from handlers import detours
from handlers.context import Effects, Policy
from nlp.pipeline import Classifier
from storage.engine import Store, StoreError
from storage.leases import Fence, no_fence
from storage.model import Outgoing

if TYPE_CHECKING:
    from bot.alerts.receiving import Receiver
    from bot.leasing import Seats
    from bot.listener import Listener
    from bot.monitor import Monitor
    from bot.sync.answers import Answers, Puller
    from bot.sync.courier import Courier

log = structlog.get_logger(__name__)

SLACK = 0.5  # seconds that a seat may take longer to close than its parts
LEFT_WITHIN = 4.0  # seconds until a fleet is left without a word


class Fleet(Protocol):
    """Tells one of many processes which accounts it serves, and whether it is on duty."""

    async def run(self) -> None:
        """Open and close seats until `stop`; then close all, and return when others may have them."""
        ...

    def stop(self) -> None: ...

    def give_up(self, account: str) -> None:
        """Its seat broke down here: let another process try."""
        ...


class House:
    """Intake → dispatch → sender over one store, for any number of accounts. Alone with its database (no `fleet`) it
    serves all of its `transports` from the start to the end and is always on duty; else what the fleet says.

    It runs in real time (`run`) or is moved step by step in virtual time (`start`, `hear`, `speak`, `tick`)."""

    def __init__(
        self,
        *,
        store: Store,
        classifier: Classifier,
        policy: Policy,
        transports: Sequence[Transport] = (),
        budget: Budget,
        clock: Clock,
        dial: Callable[[str], Transport] | None = None,
        fleet: Callable[[Seats], Fleet] | None = None,
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
        """`dial` makes the wire of an account by its name, for seats that open later or anew; without it those of
        `transports` serve again. `seed` fixes the jitter; `heard` and `sent` are told of every finished message and
        every line sent; `monitor` serves while the house runs; `lexicon` is where another classifier comes from when
        staff change their words; `couriers` carry tickets to the platforms above, whose `answers` come by `pullers`; at
        `listeners` they, and devices with their `alerts`, send what they have."""
        self.store = store
        self.clock = clock
        self.policy = policy
        self.lexicon = lexicon
        self.answers = answers
        self.alerts = alerts
        self._monitor = monitor
        self._budget = budget
        self._seed = seed
        self._sent = sent
        self._fleet = None if fleet is None else fleet(self)
        self.dispatcher = Dispatcher(
            store, classifier, policy, clock, wake_senders=self.wake_senders, throttled=self._throttled, heard=heard
        )
        given = {transport.account: transport for transport in transports}
        self._seats = {account: self._seat(account, given.__getitem__) for account in given}
        self._dial = dial or given.__getitem__
        self._jobs = Jobs(
            store,
            self.dispatcher,
            policy,
            self._online,
            clock,
            wake_senders=self.wake_senders,
            lexicon=lexicon,
            duty=no_fence if fleet is None else None,
        )
        self._duty = Duty(couriers, pullers, listeners)
        self._neighbours = Neighbours(store, self.dispatcher, self._wake)
        self.faults: dict[str, tuple[datetime, str]] = {}  # why an account went down here last
        self._stop = asyncio.Event()
        self._seated = asyncio.Event()
        self._linked = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None  # while it runs in real time
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._on_duty: asyncio.Task[None] | None = None

    # ---------------------------------------------------------------- what the monitor and the tests look at
    @property
    def seats(self) -> Mapping[str, Seat]:
        return self._seats

    @property
    def intakes(self) -> Mapping[str, Intake]:
        return {account: seat.intake for account, seat in self._seats.items()}

    @property
    def senders(self) -> Sequence[Sender]:
        return [seat.sender for seat in self._seats.values()]

    @property
    def transports(self) -> Mapping[str, Transport]:
        return {account: seat.transport for account, seat in self._seats.items()}

    @property
    def couriers(self) -> Sequence[Courier]:
        return self._duty.couriers

    @property
    def alone(self) -> bool:
        """Is no other process to serve accounts of the same database?"""
        return self._fleet is None

    @property
    def on_duty(self) -> bool:
        return self._jobs.duty is not None

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def _online(self) -> list[str]:
        return [account for account, seat in self._seats.items() if seat.online]

    # ---------------------------------------------------------------- between the seats
    def wake_senders(self) -> None:
        """Lines may be waiting."""
        for seat in self._seats.values():
            seat.sender.wake()

    def _wake(self, account: str) -> None:
        if account in self._seats:
            self._seats[account].sender.wake()

    def _line_sent(self, line: Outgoing) -> None:
        self.dispatcher.receipts.sent(line, self.clock.now())
        if self._sent is not None:
            self._sent(line)

    def _link_up(self, account: str) -> None:
        self._linked.set()
        self.faults.pop(account, None)
        self._wake(account)

    def _broken(self, account: str, why: str) -> None:
        self.faults[account] = self.clock.now(), why
        if self._fleet is not None:
            self._fleet.give_up(account)

    def _throttled(self, account: str) -> None:
        if account in self._seats:
            self._seats[account].sender.throttled()

    async def _stalled(self, account: str) -> None:
        """An emergency waits because WeChat stopped the account: another account tells those who must know, now and not
        with the next tick. Raises StoreError."""
        now = self.clock.now()
        log.warning("an emergency waits", action="stalled", account=account)
        try:
            await self.store.write(lambda tx: detours.send(Effects(tx, now, self.policy)))
        except StoreError:
            raise
        except Exception:
            log.exception("nobody was told", action="stalled", account=account)  # a defect: the account itself is well
        self.wake_senders()

    # ---------------------------------------------------------------- seats and duty come and go (bot/leasing.py)
    def _seat(self, account: str, dial: Callable[[str], Transport], fence: Fence = no_fence) -> Seat:
        return Seat(account, dial, self._furnished, self.dispatcher, fence=fence, broken=self._broken)

    def _furnished(self, transport: Transport, fence: Fence) -> tuple[Intake, Sender]:
        linked = partial(self._link_up, transport.account)
        intake = Intake(self.store, transport, self.dispatcher, self.clock, linked, fence=fence)
        sender = Sender(
            self.store,
            transport,
            self._budget,
            self.clock,
            fence=fence,
            seed=self._seed,
            sent=self._line_sent,
            stalled=self._stalled,
        )
        return intake, sender

    async def open(self, account: str, fence: Fence = no_fence) -> None:
        """Begin to serve an account. In real time the seat starts by itself, also where the store or the gateway cannot
        be reached now; step by step it raises StoreError and LeaseLostError."""
        seat = self._seats[account] = self._seat(account, self._dial, fence)
        if self._group is None:
            await seat.start()
        else:
            self._serve(seat)
        self._seated.set()

    def _serve(self, seat: Seat, *, refusable: bool = False) -> None:
        assert self._group is not None, "_live makes the group"  # noqa: S101
        life = self._group.create_task(seat.live(refusable=refusable), name=f"seat:{seat.account}")
        self._serving[seat.account] = life

    async def close(self, account: str, *, lost: bool) -> None:
        """Serve an account no more, once what was accepted and the line being sent are done with; `lost`, it is another
        process's by now: at once, but for that line. Ends within 3.5 s. Of an account without a seat nothing."""
        seat = self._seats.get(account)
        if seat is None:
            return
        life = self._serving.get(account)
        if life is None:
            await self._close_by_step(seat, lost=lost)
        else:
            seat.close(lost=lost)
            _, late = await asyncio.wait((life,), timeout=LISTENED_OUT + ONE_SEND + SLACK)
            if late:
                life.cancel()
                await asyncio.wait((life,))
        self._serving.pop(account, None)
        self._seats.pop(account, None)

    async def _close_by_step(self, seat: Seat, *, lost: bool) -> None:
        if not lost:
            await self.dispatcher.drain()
        seat.close(lost=lost)
        seat.leave()
        await seat.transport.close()

    async def take_duty(self, fence: Fence) -> None:
        """Do from now on what one process of all does: what is due by the clock, and all that `Duty` has."""
        self._jobs.duty = fence
        self._duty.begin(fence)
        if self._group is not None:
            self._begin_duty(self._duty.take_over())
            self._jobs.hurry()

    def _begin_duty(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._group is not None, "_live makes the group"  # noqa: S101
        self._on_duty = self._group.create_task(work, name="duty")

    async def leave_duty(self) -> None:
        """Leave that to another process, after the requests under way. Ends within 3 s."""
        self._jobs.duty = None
        duty = self._on_duty
        if duty is not None:
            self._duty.end()
            _, late = await asyncio.wait((duty,), timeout=2 * ONE_REQUEST)
            if late:
                duty.cancel()
                await asyncio.wait((duty,))
            self._on_duty = None

    # ---------------------------------------------------------------- step by step
    async def start(self) -> None:
        """Read what must be known before the first message, and settle what a crash left. Raises StoreError."""
        await asyncio.gather(*(seat.start() for seat in self._seats.values()))  # their writes share commits
        if self._fleet is None:
            await self._duty.prepare()

    async def hear(self, account: str, events: Sequence[Event]) -> None:
        """Take in events and work them off."""
        await self._seats[account].intake.receive(events)
        await self.dispatcher.drain()

    async def speak(self) -> datetime | None:
        """Send what may go now. Returns when something may go next, None when nothing is waiting."""
        moments = [await seat.sender.step() for seat in self._seats.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    async def sync(self) -> datetime | None:
        """Send upward what may go now. Returns when something may go next, None when nothing is waiting."""
        moments = [await courier.step() for courier in self.couriers]
        return min((moment for moment in moments if moment is not None), default=None)

    async def tick(self) -> datetime | None:
        """Do what is due by the clock. Returns when something of a ticket comes due next."""
        return await self._jobs.step()

    async def look(self) -> None:
        """Take notice of what other processes did. Raises StoreError."""
        await self._neighbours.step()

    # ---------------------------------------------------------------- in real time
    def stop(self) -> None:
        """Ask `run` to end: listen no more, finish what was accepted, finish the line being sent."""
        self._stop.set()

    async def run(self, *, tick_every: float = 60.0, link_within: float = 0.0) -> None:
        """Live until `stop()`. `tick_every` and `link_within` are seconds of the machine's clock; 0 waits for a gateway
        for ever. Raises `Offline` when there was an account to serve and none was linked in time, and, where it is
        alone, `Rejected` when a gateway refuses its token at the first connection."""
        async with contextlib.AsyncExitStack() as pages:
            if self._monitor is not None:
                await pages.enter_async_context(self._monitor.watching(self))
            await self._live(tick_every, link_within)

    async def _live(self, tick_every: float, link_within: float) -> None:
        await self.start()
        self._jobs.start(tick_every)
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                shared = [group.create_task(self.dispatcher.run(), name="flush")]
                end = self._serve_alone() if self._fleet is None else self._serve_with(self._fleet, shared)
                offline = await self._first_link(link_within) if link_within else None
                if offline is None:
                    await self._stop.wait()
                self._stop.set()
                log.info("stopping", action="stop")
                await end()
                for task in shared:
                    task.cancel()
            if offline is not None:
                raise offline
        finally:
            self._group = None
            self._jobs.stop()
            for transport in self.transports.values():
                await transport.close()

    def _serve_alone(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """Begin; returns how to end."""
        for seat in self._seats.values():
            self._serve(seat, refusable=True)
        self._seated.set()
        self._duty.begin()
        self._begin_duty(self._duty.run())

        return self._close_all

    def _serve_with(self, fleet: Fleet, shared: list[asyncio.Task[None]]) -> Callable[[], Coroutine[Any, Any, None]]:
        """Begin; returns how to end."""
        assert self._group is not None, "_live makes the group"  # noqa: S101
        leasing = self._group.create_task(fleet.run(), name="leasing")
        shared.append(self._group.create_task(self._neighbours.run(), name="neighbours"))

        async def end() -> None:
            fleet.stop()
            await asyncio.gather(asyncio.wait((leasing,), timeout=LEFT_WITHIN), self._close_all())
            if not leasing.done():  # the database does not answer: the leases run out by themselves
                leasing.cancel()
                await asyncio.wait((leasing,))
                await self._close_all()

        return end

    async def _close_all(self) -> None:
        """Every seat, and the duty, at once and without waiting to be told."""
        closing = [self.close(account, lost=False) for account in list(self._seats)]
        await asyncio.gather(self.leave_duty(), *closing)

    async def _first_link(self, within: float) -> Offline | None:
        """Wait until an account is linked; the time counts while there is one to link. What to say where it ran out."""
        stopped = asyncio.create_task(self._stop.wait())
        try:
            while not self._stop.is_set():
                await _first(stopped, self._seated)
                if await _first(stopped, self._linked, within=within):
                    return None
                silent = [account for account in self._seats if account not in self.faults]
                if silent or self.alone:
                    return Offline(
                        f"no gateway answered within {within:g} s (accounts: {', '.join(silent)}); "
                        "start it or mend [[accounts]] endpoint, `xiaoge doctor` tells which"
                    )
                self._seated.clear()  # given to another process meanwhile, or refused by its gateway
            return None
        finally:
            stopped.cancel()


async def _first(stopped: asyncio.Task[Any], event: asyncio.Event, *, within: float | None = None) -> bool:
    """Did the event, or the stop, come in time?"""
    waiting = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait((stopped, waiting), timeout=within, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return bool(done)
