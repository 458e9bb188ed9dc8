"""Ready messages → handlers: one message, one transaction, order kept per conversation.

Nearly all talk concerns nobody. It is judged without the database, leaves a counter and its id, and is forgotten;
only what may have an effect opens a transaction.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from bot import memory
from bot.clock import Clock
from bot.fetching import FETCHES, Fetcher, Parking, Unfetched
from bot.memory import Conversation, Memory
from bot.receipts import Receipts
from bot.transports.base import Transport, TransportError
from handlers import routing
from handlers.context import Context, Policy
from handlers.window import SPAN
from nlp import contact
from nlp.decision import Analysis
from nlp.pipeline import Classifier
from storage import inbox, notices, outbox, people, registry, rooms, tickets
from storage.engine import Store, StoreError, Tx
from storage.model import Arrival, Message, MessageKind, Room

log = structlog.get_logger(__name__)

CAPACITY = 2_000  # messages in memory; beyond it the wire is held back
FLUSH_AFTER = 256  # finished ids
FLUSH_EVERY = 0.2  # seconds
GIVE_UP_AFTER = timedelta(hours=48)
SHORTEST_NUMBER = 7  # digits of a landline
STORE_RETRY = 1.0  # seconds between tries while the store cannot be written
SPOKEN = frozenset({MessageKind.TEXT, MessageKind.VOICE, MessageKind.QUOTE})

Heard = Callable[[Message, str, tuple[int, ...]], None]


@dataclass(slots=True)
class _Entry:
    arrival: Arrival
    message: Message | None
    fetching: asyncio.Task[Message | Unfetched] | None = None


class Dispatcher:
    """The middle of the house. `throttled` is told of the account that WeChat says sends too fast; `heard` of every
    finished message: (message, reason, ticket numbers)."""

    def __init__(
        self,
        store: Store,
        classifier: Classifier,
        policy: Policy,
        transports: Mapping[str, Transport],
        clock: Clock,
        *,
        wake_senders: Callable[[], None],
        throttled: Callable[[str], None],
        heard: Heard | None = None,
    ) -> None:
        self._store = store
        self._classifier = classifier
        self._policy = policy
        self._transports = transports
        self._clock = clock
        self._wake_senders = wake_senders
        self._throttled = throttled
        self._heard = heard
        self._queues: dict[str, asyncio.Queue[_Entry]] = {account: asyncio.Queue() for account in transports}
        self._lanes: dict[Conversation, deque[Message]] = {}
        self._memory = Memory()
        self.receipts = Receipts()
        # (account, message id) in memory or not yet written down as finished, and when it arrived
        self._here: dict[tuple[str, str], datetime] = {}
        self._busy = 0
        self._fetcher = Fetcher(transports)
        self._parking = Parking()
        self._left: dict[str, deque[Arrival]] = {}  # what an earlier life accepted and did not finish
        self._resuming = {account: asyncio.Lock() for account in transports}
        self._capacity = asyncio.Semaphore(CAPACITY)
        self._finished: list[tuple[str, str, str]] = []
        self._counts: Counter[tuple[date, int | None, str]] = Counter()
        self._flush_now = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._group: asyncio.TaskGroup | None = None
        self._defects = 0
        self.reasons: Counter[str] = Counter()  # finished messages since the start

    # ---------------------------------------------------------------- for the monitor
    @property
    def failures(self) -> int:
        """Messages that could not be read, judged or handled: defects of ours, never a user's fault."""
        return self._fetcher.failures + self._defects

    @property
    def lanes(self) -> int:
        """Conversations at work."""
        return len(self._lanes)

    @property
    def windows(self) -> int:
        """Conversations whose last minutes are in memory."""
        return len(self._memory.windows)

    def pending(self) -> dict[str, list[datetime]]:
        """Per account the arrival of every id that is on its way, in no order; what is parked is not among them."""
        found = {account: [arrival.arrived_at for arrival in self._left.get(account, ())] for account in self._queues}
        for (account, _), arrived_at in self._here.items():
            found[account].append(arrived_at)
        return found

    def parked(self) -> Counter[str]:
        """Per account how many ids could not be fetched or handled and are tried again later."""
        return self._parking.count()

    # ---------------------------------------------------------------- the way in
    async def load(self) -> None:
        """Read what must be known before the first message: see `Memory`, and what an earlier life left undone."""
        await self._store.read(self._memory.load)
        now = self._clock.now()
        for account in self._queues:
            self._left[account] = deque(await self._pending(account))
            await self._store.read(lambda tx, account=account: self.receipts.load(tx, account, now))  # type: ignore[misc]

    async def put(self, arrival: Arrival, message: Message | None) -> None:
        """Take in one durable id; waits while too much is in memory."""
        key = (arrival.account, arrival.message_id)
        if key in self._here:
            return
        self._here[key] = arrival.arrived_at
        await self._capacity.acquire()
        self._busy += 1
        self._quiet.clear()
        entry = _Entry(arrival, message)
        if message is None and self._group is not None:
            entry.fetching = self._group.create_task(self._fetcher.fetch(arrival), name=f"fetch:{arrival.account}")
        self._queues[arrival.account].put_nowait(entry)

    async def resume(self, account: str, *, linked: bool = False) -> None:
        """Take up what was accepted but not finished. The first time: refill the windows with the last minutes (no
        effects), then all that an earlier life left. `linked`, the link has come up: what its break cut off, ahead of
        all that is said from now on. And always what could not be had and has waited long enough.

        Whatever else is pending is in memory or on its way here: taking it up, too, would do it twice."""
        async with self._resuming[account]:
            if linked and self._group is not None:
                await self._queues[account].join()  # what the break cuts off is parked by then
            left = self._left.get(account)
            if left is None:
                left = deque(await self._due_again(account, linked=linked))
            else:
                await self._refill(account)
            while left:
                arrival = left[0]
                if self._clock.now() - arrival.arrived_at > GIVE_UP_AFTER:
                    await self._give_up(arrival)
                else:
                    await self.put(arrival, None)
                left.popleft()
            self._left.pop(account, None)

    async def _due_again(self, account: str, *, linked: bool) -> list[Arrival]:
        due = self._parking.due(account, self._clock.now(), linked=linked)
        if not due:
            return []
        return [arrival for arrival in await self._pending(account) if arrival.message_id in due]

    async def _pending(self, account: str) -> list[Arrival]:
        return await self._store.read(lambda tx: inbox.pending(tx, account))

    async def _refill(self, account: str) -> None:
        since = self._clock.now() - SPAN
        lately = await self._store.read(lambda tx: inbox.finished_since(tx, account, since))
        for first in range(0, len(lately), FETCHES):
            arrivals = lately[first : first + FETCHES]
            messages = await asyncio.gather(*map(self._fetcher.fetch, arrivals))
            for arrival, message in zip(arrivals, messages, strict=True):
                if isinstance(message, Message) and not message.from_me and message.sent_at >= since:
                    await self._remember_again(arrival, _masked(message))
                # The window is a convenience: what cannot be had again is done without.

    async def _remember_again(self, arrival: Arrival, message: Message) -> None:
        if message.recalls is not None:
            self._memory.window(message).remove(message.recalls)
        elif memory.speaker(message) not in self._memory.opted_out:
            joined = await self._tickets_of(arrival)
            try:
                analysis = self._analyse(message)
            except Exception:
                self._defects += 1
                log.exception("not judged", action="refill", account=message.account, message_id=message.id)
            else:
                self._memory.remember(message, analysis, joined, self._clock.now())

    async def _tickets_of(self, arrival: Arrival) -> tuple[int, ...]:
        found = await self._store.read(lambda tx: tickets.by_message(tx, arrival.account, arrival.message_id))
        return tuple(ticket.number for ticket in found)

    async def _give_up(self, arrival: Arrival) -> None:
        log.warning("unfetchable", action="unfetchable", account=arrival.account, message_id=arrival.message_id)
        now = self._clock.now()
        await self._store.write(lambda tx: inbox.unfetchable(tx, arrival.account, arrival.message_id, now))
        self._parking.leave(arrival.account, arrival.message_id)

    # ---------------------------------------------------------------- fetching, in order
    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for account in self._queues:
                group.create_task(self._sequence(account), name=f"sequence:{account}")
            group.create_task(self._flush_often(), name="flush")

    async def _sequence(self, account: str) -> None:
        queue = self._queues[account]
        while True:
            message = await self._message(await queue.get())
            if message is not None:
                self._take(message)
            queue.task_done()

    async def _message(self, entry: _Entry) -> Message | None:
        """The message behind an entry, None where it is not to be had now."""
        message = entry.message or await (entry.fetching or self._fetcher.fetch(entry.arrival))
        if isinstance(message, Unfetched):
            self._park(entry.arrival, broken_off=message is Unfetched.BROKEN_OFF)
            return None
        return _masked(message)

    def _park(self, arrival: Arrival, *, broken_off: bool = False) -> None:
        self._parking.park(arrival, self._clock.now(), broken_off=broken_off)
        self._here.pop((arrival.account, arrival.message_id), None)
        self._release()

    def _release(self) -> None:
        self._capacity.release()
        self._busy -= 1
        if not self._busy:
            self._quiet.set()

    # ---------------------------------------------------------------- one conversation after the other
    def _take(self, message: Message) -> None:
        """Put a message into its conversation's lane; a lane has a task only while it holds something."""
        key = memory.conversation(message)
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(message)
            return
        analysis = self._judge(message)
        if analysis is None:
            return
        assert self._group is not None, "run() makes the group"  # noqa: S101
        self._lanes[key] = deque()
        self._group.create_task(self._work(key, message, analysis), name="lane")

    async def _work(self, key: Conversation, message: Message, analysis: Analysis) -> None:
        lane = self._lanes[key]
        try:
            await self._effect(message, analysis)
            while lane:
                message = lane.popleft()
                judged = self._judge(message)
                if judged is not None:
                    await self._effect(message, judged)
        finally:
            del self._lanes[key]

    async def drain(self) -> None:
        """Work off everything that is here, in order, and make it durable: what virtual time uses in place of
        `run()`."""
        for queue in self._queues.values():
            while not queue.empty():
                message = await self._message(queue.get_nowait())
                if message is None:
                    continue
                analysis = self._judge(message)
                if analysis is not None:
                    await self._effect(message, analysis)
        await self.flush()

    async def idle(self) -> None:
        """Return when everything that was put is finished and durable."""
        await self._quiet.wait()
        await self.flush()

    def _analyse(self, message: Message) -> Analysis:
        text = message.text if message.kind in SPOKEN else ""
        addressed = message.mentions_me or message.room is None
        at = message.sent_at.astimezone(self._policy.timezone)
        return self._classifier.analyse(text, nick=message.nick, names=self._policy.names, addressed=addressed, at=at)

    def _judge(self, message: Message) -> Analysis | None:
        """What a message says; None where it is finished with that, or cannot be judged and waits."""
        try:
            analysis = self._analyse(message)
            return None if self._passes_by(message, analysis) else analysis
        except Exception:  # noqa: BLE001 - a defect of ours, as in `_effect`
            self._defect(message)
            return None

    def _defect(self, message: Message) -> None:
        """A defect of ours: the message stays in the inbox and is tried again, the others go on."""
        self._defects += 1
        log.exception("handler failed", action="handle", account=message.account, message_id=message.id)
        self._park(Arrival(message.account, message.id, self._clock.now()))

    def _passes_by(self, message: Message, analysis: Analysis) -> bool:
        """The hot path: judge without the database whether the message surely has no effect, and if so finish it."""
        if message.from_me:
            return False
        if message.kind is MessageKind.THROTTLED:
            self._throttled(message.account)
        room, window = self._memory.room(message), self._memory.window(message)
        speaker = memory.speaker(message)
        opted_out = speaker in self._memory.opted_out
        reason = routing.idle(
            message,
            analysis,
            room,
            window,
            self._policy,
            known=speaker in self._memory.people,
            opted_out=opted_out,
            noticed=self.receipts.noticed(message),
        )
        if reason is None:
            return False
        if message.recalls is not None:
            window.remove(message.recalls)
        elif not opted_out:
            self._memory.remember(message, analysis, (), self._clock.now(), passed_by=True)
        day = self._clock.now().astimezone(self._policy.timezone).date()
        self._counts[day, room.id if room is not None else None, reason] += 1
        self._finished.append((message.account, message.id, reason))
        if len(self._finished) >= FLUSH_AFTER:
            self._flush_now.set()
        self._done(message, reason, ())
        return True

    async def _effect(self, message: Message, analysis: Analysis) -> None:
        while True:
            try:
                await self._once(message, analysis)
                return
            except StoreError as error:
                if self._group is None:
                    raise
                log.error("store unavailable", action="handle", account=message.account, error=str(error))
                await asyncio.sleep(STORE_RETRY)
            except Exception:  # noqa: BLE001
                self._defect(message)
                return

    async def _once(self, message: Message, analysis: Analysis) -> None:
        now = self._clock.now()
        window = self._memory.window(message)

        async def work(tx: Tx) -> tuple[Context | None, str, Room | None, set[tuple[str, str]] | None]:
            if message.from_me:
                heard_in = message.room or next(iter(message.people), "")
                await outbox.confirm_echo(tx, message.account, heard_in, message.text, message.id, now)
                await inbox.finish(tx, [(message.account, message.id, "own")], now)
                return None, "own", None, None
            room = None
            if message.room is not None:
                room = await rooms.ensure(tx, message.account, message.room, message.topic, at=now)
            actor = await people.find(tx, message.account, message.sender)
            judge = partial(self._classifier.analyse, names=self._policy.names)
            context = Context(tx, now, self._policy, message, analysis, judge, room, actor, window)
            reason = await routing.handle(context)
            await inbox.finish(tx, [(message.account, message.id, reason)], now)
            day = now.astimezone(self._policy.timezone).date()
            await inbox.count(tx, day, {(room.id if room is not None else None, reason): 1})
            fresh = await rooms.get(tx, room.id) if room is not None else None
            opted_out = await people.opted_out(tx) if reason == "command" else None
            return context, reason, fresh, opted_out

        context, reason, room, opted_out = await self._store.write(work)
        if room is not None:
            self._memory.rooms[room.account, room.im_id] = room
        if opted_out is not None:
            self._memory.opted_out = opted_out
        joined = context.tickets if context is not None else ()
        if context is not None:
            if message.kind is not MessageKind.RECALL:
                self._memory.remember(message, analysis, joined, now)
            if context.actor is not None:
                self._memory.people.add(memory.speaker(message))
            if context.accept:
                await self._accept(message)
        self._here.pop((message.account, message.id), None)
        self._done(message, reason, joined)
        self._wake_senders()

    async def _accept(self, message: Message) -> None:
        transport = self._transports[message.account]
        try:
            if message.kind is MessageKind.FRIEND:
                await transport.accept_friend(message)
            else:
                await transport.accept_invite(message)
        except TransportError as error:
            log.warning("not accepted", action=message.kind.value, account=message.account, error=str(error))

    # ---------------------------------------------------------------- afterwards
    def _done(self, message: Message, reason: str, joined: tuple[int, ...]) -> None:
        self._parking.leave(message.account, message.id)
        self._release()
        self.reasons[reason] += 1
        self.receipts.note(message, reason)
        if self._heard is not None:
            self._heard(message, reason, joined)

    async def _flush_often(self) -> None:
        while True:
            try:
                async with asyncio.timeout(FLUSH_EVERY):
                    await self._flush_now.wait()
            except TimeoutError:
                pass
            self._flush_now.clear()
            try:
                await self.flush()
            except StoreError as error:
                log.error("store unavailable", action="finish", error=str(error))
                await asyncio.sleep(STORE_RETRY)

    async def flush(self) -> None:
        """Write down what passed by; durable when this returns. Should it be lost in a crash, those ids are fetched and
        judged once more."""
        async with self._flushing:  # what another flush is writing is not durable yet
            said = self.receipts.take()
            if not self._finished and not said:
                return
            finished, self._finished = self._finished, []
            counts, self._counts = self._counts, Counter()
            now = self._clock.now()

            async def work(tx: Tx) -> None:
                await inbox.finish(tx, finished, now)
                await notices.receive(tx, said)
                for day in {day for day, _, _ in counts}:
                    await inbox.count(tx, day, {(room, why): n for (d, room, why), n in counts.items() if d == day})

            try:
                await self._store.write(work)
            except StoreError:
                self._finished = finished + self._finished
                self._counts.update(counts)
                self.receipts.put_back(said)
                raise
            for account, message_id, _ in finished:
                self._here.pop((account, message_id), None)

    def use(self, classifier: Classifier) -> None:
        """Judge by this one from the next message on."""
        self._classifier = classifier

    async def refresh(self) -> None:
        """Read the registry anew where an import has changed it. Raises StoreError."""
        if await self._store.read(registry.version) != self._memory.registry:
            # In the writer's turn: no room that a message changes meanwhile is overwritten with what it was.
            await self._store.write(self._memory.load)

    def tidy(self) -> None:
        """Forget what has gone still."""
        self._memory.tidy(self._clock.now())
        self.receipts.tidy(self._clock.now())


def _masked(message: Message) -> Message:
    """Numbers in a nickname go no further than this."""
    if len(message.nick) < SHORTEST_NUMBER:
        return message
    nick = contact.mask(message.nick)
    return message if nick == message.nick else replace(message, nick=nick)
