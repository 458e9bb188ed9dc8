"""One account's way in: ids → messages, in the wire's order, and what a break or an earlier life left undone."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import structlog

from bot.clock import Clock
from bot.fetching import FETCHES, Fetcher, Parking, Unfetched
from bot.memory import Conversation
from bot.transports.base import Transport
from handlers.window import SPAN
from nlp import contact
from storage import inbox, tickets
from storage.engine import Store, Tx
from storage.errors import LeaseLostError
from storage.leases import Fence
from storage.model import Arrival, Message

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(hours=48)
SHORTEST_NUMBER = 7  # digits of a landline

Remember = Callable[[Message, tuple[int, ...]], None]  # a message, and the numbers of its tickets


@dataclass(slots=True)
class Passed:
    """What passed by without an effect and is not written down yet."""

    finished: list[tuple[str, str, str]] = field(default_factory=list)  # account, message id, reason
    counts: Counter[tuple[date, int | None, str]] = field(default_factory=Counter)  # by day, room, reason


@dataclass(slots=True)
class _Entry:
    arrival: Arrival
    message: Message | None
    fetching: asyncio.Task[Message | Unfetched] | None = None


class Channel:
    """What the dispatcher holds of one account. It goes with the account: nothing of it is left for a later owner to
    trip over."""

    def __init__(
        self, store: Store, transport: Transport, fence: Fence, fetcher: Fetcher, room: asyncio.Semaphore, clock: Clock
    ) -> None:
        """`room`: for messages in memory, over all accounts. Every write begins with `fence`."""
        self.account = transport.account
        self.transport = transport
        self.fence = fence
        self.lanes: dict[Conversation, deque[Message]] = {}
        self.passed = Passed()
        self.group: asyncio.TaskGroup | None = None  # while `run` works it off
        self._store = store
        self._fetcher = fetcher
        self._room = room
        self._clock = clock
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue()
        # in memory or not yet written down as finished, and when it arrived
        self._here: dict[str, datetime] = {}
        self._parking = Parking()
        self._left: deque[Arrival] | None = None  # what an earlier life accepted and did not finish
        self._resuming = asyncio.Lock()
        self._busy = 0
        self._closed = False
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._lost: asyncio.Future[None] | None = None

    def pending(self) -> list[datetime]:
        """The arrival of every id that is on its way, in no order; what is parked is not among them."""
        return [arrival.arrived_at for arrival in self._left or ()] + list(self._here.values())

    @property
    def parked(self) -> int:
        """How many ids could not be fetched or handled and are tried again later."""
        return len(self._parking)

    @property
    def quiet(self) -> bool:
        """Is everything that was put finished, or parked?"""
        return not self._busy

    async def still(self) -> None:
        """Wait until it is."""
        await self._quiet.wait()

    # ---------------------------------------------------------------- the way in
    async def load(self) -> None:
        """Read what an earlier life left undone."""
        self._left = deque(await self._pending())

    async def put(self, arrival: Arrival, message: Message | None) -> None:
        """Take in one durable id; waits while too much is in memory."""
        if arrival.message_id in self._here:
            return
        self._here[arrival.message_id] = arrival.arrived_at
        await self._room.acquire()
        if self._closed:
            self._room.release()
            return
        self._busy += 1
        self._quiet.clear()
        entry = _Entry(arrival, message)
        if message is None and self.group is not None:
            fetch = self._fetcher.fetch(self.transport, arrival)
            entry.fetching = self.group.create_task(fetch, name=f"fetch:{self.account}")
        self._queue.put_nowait(entry)

    async def resume(self, remember: Remember, *, linked: bool = False) -> None:
        """Take up what was accepted but not finished. The first time: refill the windows with the last minutes (no
        effects), by `remember`, then all that an earlier life left. `linked`, the link has come up: what its break cut
        off, ahead of all that is said from now on. And always what could not be had and has waited long enough.

        Whatever else is pending is in memory or on its way here: taking it up, too, would do it twice."""
        async with self._resuming:
            if linked and self.group is not None:
                await self._queue.join()  # what the break cuts off is parked by then
            left = self._left
            if left is None:
                left = deque(await self._due_again(linked=linked))
            else:
                await self._refill(remember)
            while left:
                arrival = left[0]
                if self._clock.now() - arrival.arrived_at > GIVE_UP_AFTER:
                    await self._give_up(arrival)
                else:
                    await self.put(arrival, None)
                left.popleft()
            self._left = None

    async def _due_again(self, *, linked: bool) -> list[Arrival]:
        due = self._parking.due(self._clock.now(), linked=linked)
        if not due:
            return []
        return [arrival for arrival in await self._pending() if arrival.message_id in due]

    async def _pending(self) -> list[Arrival]:
        return await self._store.read(lambda tx: inbox.pending(tx, self.account))

    async def _refill(self, remember: Remember) -> None:
        since = self._clock.now() - SPAN
        lately = await self._store.read(lambda tx: inbox.finished_since(tx, self.account, since))
        for first in range(0, len(lately), FETCHES):
            arrivals = lately[first : first + FETCHES]
            fetches = (self._fetcher.fetch(self.transport, arrival) for arrival in arrivals)
            messages = await asyncio.gather(*fetches)
            ids = [arrival.message_id for arrival in arrivals]
            joined = await self._store.read(lambda tx, ids=ids: tickets.of_messages(tx, self.account, ids))  # type: ignore[misc]
            for message_id, message in zip(ids, messages, strict=True):
                if isinstance(message, Message) and not message.from_me and message.sent_at >= since:
                    remember(_masked(message), joined.get(message_id, ()))
                # The window is a convenience: what cannot be had again is done without.

    async def _give_up(self, arrival: Arrival) -> None:
        log.warning("unfetchable", action="unfetchable", account=self.account, message_id=arrival.message_id)
        now = self._clock.now()

        async def work(tx: Tx) -> None:
            await self.fence(tx)
            await inbox.unfetchable(tx, self.account, arrival.message_id, now)

        await self._store.write(work)
        self._parking.leave(arrival.message_id)

    # ---------------------------------------------------------------- one after the other
    async def run(self, take: Callable[[Message], None]) -> None:
        """Hand every message to `take`, until cancelled. Raises LeaseLostError, in a group, after `lose`."""
        self._lost = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as group:
                self.group = group
                group.create_task(self._sequence(take), name=f"sequence:{self.account}")
                await self._lost
        finally:
            self.group = None

    async def _sequence(self, take: Callable[[Message], None]) -> None:
        while True:
            message = await self._message(await self._queue.get())
            if message is not None:
                take(message)
            self._queue.task_done()

    async def waiting(self) -> AsyncIterator[Message]:
        """Everything that is here, in order: what virtual time uses in place of `run`."""
        while not self._queue.empty():
            message = await self._message(self._queue.get_nowait())
            if message is not None:
                yield message

    async def _message(self, entry: _Entry) -> Message | None:
        """The message behind an entry, None where it is not to be had now."""
        fetched = entry.message or await (entry.fetching or self._fetcher.fetch(self.transport, entry.arrival))
        if isinstance(fetched, Unfetched):
            self.park(entry.arrival.message_id, broken_off=fetched is Unfetched.BROKEN_OFF)
            return None
        return _masked(fetched)

    def park(self, message_id: str, *, broken_off: bool = False) -> None:
        """It cannot be had or handled now."""
        self._parking.park(message_id, self._clock.now(), broken_off=broken_off)
        self._here.pop(message_id, None)
        self._release()

    def done(self, message_id: str) -> None:
        """A message has left memory."""
        self._parking.leave(message_id)
        self._release()

    def written(self, message_id: str) -> None:
        """It is on record as finished."""
        self._here.pop(message_id, None)

    def take_passed(self) -> Passed:
        """What is to be written down now."""
        passed, self.passed = self.passed, Passed()
        return passed

    def put_back(self, passed: Passed) -> None:
        """It could not be written down."""
        self.passed.finished[:0] = passed.finished
        self.passed.counts.update(passed.counts)

    def _release(self) -> None:
        if self._closed:
            return
        self._room.release()
        self._busy -= 1
        if not self._busy:
            self._quiet.set()

    # ---------------------------------------------------------------- the end
    def lose(self, error: LeaseLostError) -> None:
        """The account is another process's: end `run` with that."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(error)

    def close(self) -> None:
        """Let go of what is still in memory; it is pending on disk, for whoever serves the account next."""
        if not self._closed:
            self._closed = True
            for _ in range(self._busy):
                self._room.release()
            self._busy = 0
            self._quiet.set()


def _masked(message: Message) -> Message:
    """Numbers in a nickname go no further than this."""
    if len(message.nick) < SHORTEST_NUMBER:
        return message
    nick = contact.mask(message.nick)
    return message if nick == message.nick else replace(message, nick=nick)
