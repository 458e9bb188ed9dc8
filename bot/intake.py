"""Transport events → inbox. An id is durable before anything is fetched; only then the dispatcher hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.dispatch import STORE_RETRY, Dispatcher
from bot.transports.base import Event, EventKind, Transport
from storage import inbox, presence
from storage.engine import Store, StoreError, Tx
from storage.leases import Fence, no_fence
from storage.model import Arrival

log = structlog.get_logger(__name__)

BATCH = 256
# What the wire had brought but nobody had taken in when a life ended: its gap began that much before the last sign.
LAG = timedelta(seconds=5)
LATELY = timedelta(minutes=10)
MARK_EVERY = 30.0  # seconds between two marks that the account is linked

T = TypeVar("T")


class Intake:
    """The ear of one account."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        dispatcher: Dispatcher,
        clock: Clock,
        linked: Callable[[], None],
        *,
        fence: Fence = no_fence,
    ) -> None:
        """`linked` is called each time the link comes up: sending may go on. Every write begins with `fence`."""
        self._store = store
        self._fence = fence
        self._transport = transport
        self._dispatcher = dispatcher
        self._clock = clock
        self._linked = linked
        self._down_since: datetime | None = None
        self.changed_at: datetime | None = None  # when the link last came or went
        self.heard_at: datetime | None = None  # the last message
        self.last_failure: tuple[datetime, str] | None = None
        self._first_change = True
        self._last_at = clock.now() - LAG  # the latest arrival: no two have the same moment
        self._taking = False
        self._queue: asyncio.Queue[Event] = asyncio.Queue(BATCH)
        self._tasks: tuple[asyncio.Task[None], asyncio.Task[None]] | None = None

    @property
    def down_since(self) -> datetime | None:
        """Since when nothing is heard, while that lasts."""
        return self._down_since

    async def run(self) -> None:
        """Listen until stopped. Raises, in a group, `Rejected` when the gateway refuses the token at the first
        connection, LeaseLostError when the account is another process's by now."""
        account = self._transport.account
        async with asyncio.TaskGroup() as group:
            marking = group.create_task(self._mark_often(), name=f"mark:{account}")
            self._tasks = (
                group.create_task(self._listen(), name=f"listen:{account}"),
                group.create_task(self._receive_batches(), name=f"receive:{account}"),
            )
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            marking.cancel()

    async def stop(self) -> None:
        """Listen no more, and return when what was heard is durable."""
        if self._tasks is not None:
            listening, receiving = self._tasks
            listening.cancel()
            await self._queue.join()
            receiving.cancel()
            await self._mark()

    async def _mark_often(self) -> None:
        while True:
            await asyncio.sleep(MARK_EVERY)
            await self._mark()

    async def _mark(self) -> None:
        """Leave on record that the account is linked: what is said from now on is lost if nobody listens."""
        if self._first_change or not self._transport.online or self._down_since is not None:
            return  # before the first change the gap since the life before is not known yet: a mark would hide it
        if self._taking:  # what has come may not be on disk yet; once it is, it is the sign
            return
        account, now = self._transport.account, self._clock.now()
        try:
            await self._store.write(self._fenced(lambda tx: presence.listened(tx, account, now)))
        except StoreError as error:
            log.error("store unavailable", action="mark", account=account, error=str(error))

    async def _listen(self) -> None:
        async for event in self._transport.events():
            await self._queue.put(event)  # a full queue holds back the wire

    async def _receive_batches(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            self._taking = True
            await self.receive(batch)
            self._taking = False
            for _ in batch:
                self._queue.task_done()

    async def receive(self, events: Sequence[Event]) -> None:
        """Make the ids durable and hand the new ones on, in the wire's order. A store that cannot be written is
        waited for: nothing is taken further that is not on disk."""
        run: list[Event] = []
        for event in events:
            if event.kind is EventKind.MESSAGE:
                run.append(event)
                continue
            await self._accept(run)
            run = []
            await self._link_changed(event)
        await self._accept(run)

    async def _accept(self, events: list[Event]) -> None:
        if not events:
            return
        account = self._transport.account
        arrivals = [Arrival(account, event.message_id, self._next_moment()) for event in events]
        brought = {event.message_id: event.message for event in events if event.message is not None}
        for arrival in await self._durable(lambda tx: inbox.accept(tx, arrivals), "accept"):
            await self._dispatcher.put(arrival, brought.get(arrival.message_id))

    def _next_moment(self) -> datetime:
        """Now, and later than every arrival before: after a crash the wire's order is known by it."""
        self._last_at = max(self._clock.now(), self._last_at + timedelta(microseconds=1))
        self.heard_at = self._last_at
        return self._last_at

    async def _link_changed(self, event: Event) -> None:
        account = self._transport.account
        log.info("link", action=event.kind.value, account=account, detail=event.detail)
        self.changed_at = event.at
        if event.kind is not EventKind.UP:
            # What a logout brings along is a contact's id: that goes no further.
            self.last_failure = (event.at, "logged out" if event.kind is EventKind.LOGOUT else event.detail)
        if self._first_change:
            self._down_since = await self._durable(self._unheard_since, "gap")
            self._first_change = False
        if event.kind is EventKind.LOGOUT:
            await self._durable(lambda tx: presence.logged_out(tx, account, event.at), "logout")
        if event.kind is not EventKind.UP:
            self._down_since = self._down_since or event.at
            return
        await self._durable(lambda tx: presence.listened(tx, account, event.at), "mark")
        if self._down_since is not None:
            start, end = self._down_since, max(self._down_since, event.at)
            await self._durable(lambda tx: inbox.record_gap(tx, account, start, end), "gap")
            self._down_since = None
        self._linked()
        await self._again(lambda: self._dispatcher.resume(account, linked=True), "resume")

    async def _unheard_since(self, tx: Tx) -> datetime | None:
        """Since when nobody has listened, by what earlier lives left; None where there was none."""
        account, now = self._transport.account, self._clock.now()
        heard = await inbox.pending(tx, account)
        heard += await inbox.finished_since(tx, account, now - LATELY)
        signs = [arrival.arrived_at for arrival in heard]
        marked = await presence.last_listened(tx, account)
        if marked is not None:
            signs.append(marked)
        last = max(signs, default=None)
        gaps = await inbox.gaps(tx, account)
        if gaps and (last is None or last <= gaps[-1][2]):
            return gaps[-1][1]
        return None if last is None else last - LAG

    async def _durable(self, work: Callable[[Tx], Awaitable[T]], what: str) -> T:
        return await self._again(lambda: self._store.write(self._fenced(work)), what)

    def _fenced(self, work: Callable[[Tx], Awaitable[T]]) -> Callable[[Tx], Awaitable[T]]:
        async def fenced(tx: Tx) -> T:
            await self._fence(tx)
            return await work(tx)

        return fenced

    async def _again(self, call: Callable[[], Awaitable[T]], what: str) -> T:
        """Wait for a store that cannot be written or read: nothing is taken further that is not on disk."""
        while True:
            try:
                return await call()
            except StoreError as error:
                log.error("store unavailable", action=what, account=self._transport.account, error=str(error))
                await asyncio.sleep(STORE_RETRY)
