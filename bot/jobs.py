"""Due work: APScheduler only ticks; what is due stands in our tables, so after a pause each thing fires once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from bot.dispatch import Dispatcher
from bot.transports.base import Transport
from handlers import timers
from handlers.context import Effects, Policy
from storage.engine import Store, StoreError, Tx

log = structlog.get_logger(__name__)


class Jobs:
    """What happens by the clock: callbacks that nobody answered, retention, ids still to be fetched."""

    def __init__(
        self,
        store: Store,
        dispatcher: Dispatcher,
        policy: Policy,
        transports: Mapping[str, Transport],
        clock: Clock,
        *,
        wake_senders: Callable[[], None],
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._policy = policy
        self._transports = transports
        self._clock = clock
        self._wake_senders = wake_senders
        self._scheduler: AsyncIOScheduler | None = None

    async def step(self) -> None:
        """Do what is due now."""
        now = self._clock.now()

        async def work(tx: Tx) -> None:
            await timers.run(Effects(tx, now, self._policy))

        try:
            await self._store.write(work)
        except StoreError as error:
            log.error("store unavailable", action="timers", error=str(error))
            return
        self._dispatcher.tidy()
        for account, transport in self._transports.items():
            if transport.online:
                await self._dispatcher.resume(account)
        self._wake_senders()

    def start(self, every: float = 60.0) -> None:
        """Tick every so many seconds of the machine's clock; a tick that is still at work swallows the next."""
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(self.step, "interval", seconds=every, coalesce=True, misfire_grace_time=None, max_instances=1)
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
