"""Due work: APScheduler only ticks; what is due stands in our tables, so after a pause each thing fires once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from bot.dispatch import Dispatcher
from bot.lexicons import Keeper
from handlers import timers
from handlers.context import Effects, Policy
from storage import clocks, signups
from storage.engine import Store, StoreError, Tx
from storage.errors import LeaseLostError
from storage.leases import Fence, no_fence

log = structlog.get_logger(__name__)


async def _next_moment(tx: Tx) -> datetime | None:
    moments = [await clocks.next_moment(tx), await signups.next_moment(tx)]
    return min((moment for moment in moments if moment is not None), default=None)


class Jobs:
    """What happens by the clock: callbacks that nobody answered, retention, ids still to be fetched."""

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        policy: Policy,
        online: Callable[[], Sequence[str]],
        clock: Clock,
        *,
        wake_senders: Callable[[], None],
        lexicon: Keeper | None = None,
        duty: Fence | None = no_fence,
    ) -> None:
        """`online`: the accounts with a link. `duty`: what every write of the due work begins with; None while another
        process of those that share the database does that work."""
        self.duty = duty
        self._store = store
        self._dispatcher = dispatcher
        self._policy = policy
        self._online = online
        self._clock = clock
        self._wake_senders = wake_senders
        self._lexicon = lexicon
        self._scheduler: AsyncIOScheduler | None = None
        self._tick: Callable[[], Awaitable[None]] | None = None

    async def step(self) -> datetime | None:
        """Do what is due now. Returns when the next clock of a ticket has something to say; None for no time soon."""
        now = self._clock.now()
        if self._lexicon is not None:
            await self._change_lexicon(self._lexicon)
        try:
            soon = await self._work_off(now)
            await self._dispatcher.refresh()
            self._dispatcher.tidy()
            for account in self._online():
                await self._resume(account)
        except StoreError as error:
            log.error("store unavailable", action="timers", error=str(error))
            return None
        self._wake_senders()
        return soon

    async def _work_off(self, now: datetime) -> datetime | None:
        """What one process of all does."""
        try:
            for part in timers.PARTS:
                await self._do(part, now)
        except LeaseLostError:
            self.duty = None
        return await self._store.read(_next_moment) if self.duty is not None else None

    async def _resume(self, account: str) -> None:
        """Take up what of this account had to wait."""
        try:
            await self._dispatcher.resume(account)
        except LeaseLostError:
            log.info("not taken up", action="resume", account=account)  # whoever serves it now does that

    async def _do(self, part: timers.Part, now: datetime) -> None:
        """One kind of due work, in pieces, so that messages get their turn. A defect of ours stays with the piece that
        it is in; the rest is done."""
        try:
            while await self._piece(part, now):
                pass
        except (StoreError, LeaseLostError):
            raise
        except Exception:
            name = getattr(part, "__name__", "timers")
            log.exception("due work failed", action=name)
            if part not in timers.ONE_BY_ONE:
                return
            one, skip = timers.ONE_BY_ONE[part]
            more = True
            while more:
                try:
                    more = await self._piece(one, now)
                except (StoreError, LeaseLostError):
                    raise
                except Exception as error:  # noqa: BLE001 - its traceback is above
                    log.error("due work set aside", action=name, error=type(error).__name__)
                    more = await self._piece(skip, now)

    async def _piece(self, part: timers.Part, now: datetime) -> bool:
        fence = self.duty
        if fence is None:
            return False

        async def work(tx: Tx) -> bool:
            await fence(tx)
            return await part(Effects(tx, now, self._policy))

        return await self._store.write(work)

    async def _change_lexicon(self, keeper: Keeper) -> None:
        """Take up the version that staff brought into force. A broken one changes nothing; the monitor tells of it."""
        before = keeper.version
        classifier = await keeper.step(self._clock.now())
        if classifier is None:
            return
        self._dispatcher.use(classifier)
        if self.duty is None:
            return  # one of all says it
        now = self._clock.now()

        async def record(tx: Tx) -> None:
            effects = Effects(tx, now, self._policy)
            await effects.audit("lexicon", actor=None, was=before, now=keeper.version, hash=classifier.version)

        try:
            await self._store.write(record)
        except StoreError as error:
            log.error("store unavailable", action="lexicon", error=str(error))

    def start(self, every: float = 60.0) -> None:
        """Tick now, every so many seconds of the machine's clock, and in between when a clock runs out: three minutes
        are three minutes. A tick that is still at work swallows the next."""
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )

        turn = asyncio.Lock()  # all jobs are one clock

        async def tick() -> None:
            try:
                async with turn:
                    begun = self._clock.now()
                    soon = await self.step()
            except asyncio.CancelledError:
                return  # the end of the program is no failure, which APScheduler would log it as
            # One that has run out since the step began is due; what was due before it and is still, nobody can do now.
            if soon is not None and begun < soon < begun + timedelta(seconds=every):
                run_date = datetime.now(UTC) + (soon - self._clock.now())
                again = {"id": "soon", "replace_existing": True, "max_instances": 2}  # this one still counts as running
                scheduler.add_job(tick, "date", run_date=run_date, **again)

        scheduler.add_job(tick, "interval", seconds=every, next_run_time=datetime.now(UTC))
        scheduler.start()
        self._scheduler = scheduler
        self._tick = tick

    def hurry(self) -> None:
        """Tick now: what came due while nobody was on duty is not to wait for the next minute."""
        if self._scheduler is not None:
            self._scheduler.add_job(self._tick, "date", run_date=datetime.now(UTC), id="now", replace_existing=True)

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
