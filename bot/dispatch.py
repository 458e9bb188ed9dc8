"""Messages → handlers: one message, one transaction, order kept per conversation.

Nearly all talk concerns nobody. It is judged without the database, leaves a counter and its id, and is forgotten;
only what may have an effect opens a transaction.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

import structlog

from bot import memory
from bot.channel import Channel
from bot.clock import Clock
from bot.fetching import Fetcher
from bot.memory import Conversation, Memory
from bot.receipts import Receipts
from bot.showing import show
from bot.transports.base import Transport, TransportError
from handlers import routing
from handlers.context import Context, Policy
from nlp.decision import Analysis
from nlp.pipeline import Classifier
from storage import inbox, notices, outbox, people, registry, rooms
from storage.engine import Store, StoreError, Tx
from storage.errors import LeaseLostError
from storage.leases import Fence, no_fence
from storage.model import Arrival, Message, MessageKind, Room

log = structlog.get_logger(__name__)

CAPACITY = 2_000  # messages in memory; beyond it the wire is held back
FLUSH_AFTER = 256  # finished ids
FLUSH_EVERY = 0.2  # seconds
STORE_RETRY = 1.0  # seconds between tries while the store cannot be written
SHOWING = frozenset({MessageKind.IMAGE, MessageKind.FILE, MessageKind.VIDEO})
SPOKEN = frozenset({MessageKind.TEXT, MessageKind.VOICE, MessageKind.QUOTE})

Heard = Callable[[Message, str, tuple[int, ...]], None]


class Dispatcher:
    """The middle of the house. `throttled` is told of the account that WeChat says sends too fast; `heard` of every
    finished message: (message, reason, ticket numbers)."""

    def __init__(
        self,
        store: Store,
        classifier: Classifier,
        policy: Policy,
        clock: Clock,
        *,
        wake_senders: Callable[[], None],
        throttled: Callable[[str], None],
        heard: Heard | None = None,
    ) -> None:
        self._store = store
        self._classifier = classifier
        self._policy = policy
        self._clock = clock
        self._wake_senders = wake_senders
        self._throttled = throttled
        self._heard = heard
        self._channels: dict[str, Channel] = {}
        self._memory = Memory()
        self.receipts = Receipts()
        self._fetcher = Fetcher()
        self._capacity = asyncio.Semaphore(CAPACITY)
        self._flush_now = asyncio.Event()
        self._flushing = asyncio.Lock()
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
        return sum(len(channel.lanes) for channel in self._channels.values())

    @property
    def windows(self) -> int:
        """Conversations whose last minutes are in memory."""
        return len(self._memory.windows)

    def pending(self) -> dict[str, list[datetime]]:
        """Per account the arrival of every id that is on its way, in no order; what is parked is not among them."""
        return {account: channel.pending() for account, channel in self._channels.items()}

    def parked(self) -> Counter[str]:
        """Per account how many ids could not be fetched or handled and are tried again later."""
        return Counter({account: channel.parked for account, channel in self._channels.items()})

    # ---------------------------------------------------------------- accounts come and go
    async def add(self, transport: Transport, fence: Fence = no_fence) -> None:
        """Serve this account, too: read what must be known before its first message (see `Memory`) and what an earlier
        life left undone. Everything that is written for it begins with `fence`. Raises StoreError."""
        channel = Channel(self._store, transport, fence, self._fetcher, self._capacity, self._clock)
        account, now = transport.account, self._clock.now()
        self._channels[account] = channel  # from now on a `refresh` reads it, too
        await self._store.write(lambda tx: self._memory.enter(tx, account))
        await channel.load()
        await self._store.read(lambda tx: self.receipts.load(tx, account, now))

    async def attend(self, account: str) -> None:
        """Work off what comes by this account until cancelled. Raises LeaseLostError, in a group, once a write was
        refused because the account is another process's."""
        channel = self._channels[account]
        await channel.run(partial(self._take, channel))

    def remove(self, account: str) -> None:
        """Serve this account no more: what is unfinished stays in the inbox."""
        channel = self._channels.pop(account, None)
        if channel is not None:
            channel.close()
            self._memory.forget(account)
            self.receipts.forget(account)

    # ---------------------------------------------------------------- the way in
    async def put(self, arrival: Arrival, message: Message | None) -> None:
        """Take in one durable id; waits while too much is in memory. For an account that has just left nothing: it is
        pending for whoever serves it next."""
        channel = self._channels.get(arrival.account)
        if channel is not None:
            await channel.put(arrival, message)

    async def resume(self, account: str, *, linked: bool = False) -> None:
        """Take up what was accepted but not finished: see `Channel.resume`."""
        channel = self._channels.get(account)
        if channel is not None:
            await channel.resume(self._remember_again, linked=linked)

    def _remember_again(self, message: Message, joined: tuple[int, ...]) -> None:
        if message.recalls is not None:
            self._memory.window(message).remove(message.recalls)
        elif memory.speaker(message) not in self._memory.opted_out:
            try:
                analysis = self._analyse(message)
            except Exception:
                self._defects += 1
                log.exception("not judged", action="refill", account=message.account, message_id=message.id)
            else:
                self._memory.remember(message, analysis, joined, self._clock.now())

    # ---------------------------------------------------------------- one conversation after the other
    def _take(self, channel: Channel, message: Message) -> None:
        """Put a message into its conversation's lane; a lane has a task only while it holds something."""
        key = memory.conversation(message)
        lane = channel.lanes.get(key)
        if lane is not None:
            lane.append(message)
            return
        analysis = self._judge(channel, message)
        if analysis is None:
            return
        assert channel.group is not None, "its run makes the group"  # noqa: S101
        channel.lanes[key] = deque()
        channel.group.create_task(self._work(channel, key, message, analysis), name="lane")

    async def _work(self, channel: Channel, key: Conversation, message: Message, analysis: Analysis) -> None:
        lane = channel.lanes[key]
        try:
            await self._effect(channel, message, analysis)
            while lane:
                message = lane.popleft()
                judged = self._judge(channel, message)
                if judged is not None:
                    await self._effect(channel, message, judged)
        finally:
            del channel.lanes[key]

    async def drain(self) -> None:
        """Work off everything that is here, in order, and make it durable: what virtual time uses in place of
        `attend` and `run`."""
        for channel in list(self._channels.values()):
            async for message in channel.waiting():
                analysis = self._judge(channel, message)
                if analysis is not None:
                    await self._effect(channel, message, analysis)
        await self.flush()

    async def idle(self, account: str | None = None) -> None:
        """Return when everything that was put, for this account or for all, is finished and durable."""
        while busy := [one for name, one in self._channels.items() if account in {None, name} and not one.quiet]:
            await busy[0].still()
        await self.flush()

    def _analyse(self, message: Message) -> Analysis:
        text = message.text if message.kind in SPOKEN else ""
        addressed = message.mentions_me or message.room is None
        at = message.sent_at.astimezone(self._policy.timezone)
        return self._classifier.analyse(text, nick=message.nick, names=self._policy.names, addressed=addressed, at=at)

    def _judge(self, channel: Channel, message: Message) -> Analysis | None:
        """What a message says; None where it is finished with that, or cannot be judged and waits."""
        try:
            analysis = self._analyse(message)
            return None if self._passes_by(channel, message, analysis) else analysis
        except Exception:  # noqa: BLE001 - a defect of ours, as in `_effect`
            self._defect(channel, message)
            return None

    def _defect(self, channel: Channel, message: Message) -> None:
        """A defect of ours: the message stays in the inbox and is tried again, the others go on."""
        self._defects += 1
        log.exception("handler failed", action="handle", account=message.account, message_id=message.id)
        channel.park(message.id)

    def _passes_by(self, channel: Channel, message: Message, analysis: Analysis) -> bool:
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
        passed = channel.passed
        passed.counts[day, room.id if room is not None else None, reason] += 1
        passed.finished.append((message.account, message.id, reason))
        if len(passed.finished) >= FLUSH_AFTER:
            self._flush_now.set()
        self._done(channel, message, analysis, reason, ())
        return True

    async def _effect(self, channel: Channel, message: Message, analysis: Analysis) -> None:
        while True:
            try:
                await self._once(channel, message, analysis)
                return
            except LeaseLostError:
                raise  # it is for the account's new owner to do
            except StoreError as error:
                if channel.group is None:
                    raise
                log.error("store unavailable", action="handle", account=message.account, error=str(error))
                await asyncio.sleep(STORE_RETRY)
            except Exception:  # noqa: BLE001
                self._defect(channel, message)
                return

    async def _once(self, channel: Channel, message: Message, analysis: Analysis) -> None:
        now = self._clock.now()
        window = self._memory.window(message)

        async def work(tx: Tx) -> tuple[Context | None, str, Room | None, set[tuple[str, str]] | None]:
            await channel.fence(tx)
            if message.from_me:
                heard_in = message.room or next(iter(message.people), "")
                words = None if message.kind in SHOWING else message.text
                await outbox.confirm_echo(tx, message.account, heard_in, words, message.id, now)
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
            opted_out = await people.opted_out(tx, [*self._channels]) if reason == "command" else None
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
                await self._accept(channel.transport, message)
            if context.shown is not None:
                await show(self._store, channel.transport, channel.fence, self._clock, context, context.shown)
        channel.written(message.id)
        self._done(channel, message, analysis, reason, joined)
        if context is not None:  # the echo of our own line queues none
            self._wake_senders()

    async def _accept(self, transport: Transport, message: Message) -> None:
        try:
            if message.kind is MessageKind.FRIEND:
                await transport.accept_friend(message)
            else:
                await transport.accept_invite(message)
        except TransportError as error:
            log.warning("not accepted", action=message.kind.value, account=message.account, error=str(error))

    # ---------------------------------------------------------------- afterwards
    def _done(
        self, channel: Channel, message: Message, analysis: Analysis, reason: str, joined: tuple[int, ...]
    ) -> None:
        channel.done(message.id)
        self.reasons[reason] += 1
        self.receipts.note(message, reason, analysis.text)
        if self._heard is not None:
            self._heard(message, reason, joined)

    async def run(self) -> None:
        """Write down every moment what passed by, until cancelled."""
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
            taken = [(one, one.take_passed()) for one in self._channels.values() if one.passed.finished]
            if not taken and not said:
                return
            now = self._clock.now()

            async def work(tx: Tx) -> list[tuple[Channel, LeaseLostError]]:
                lost: list[tuple[Channel, LeaseLostError]] = []
                finished: list[tuple[str, str, str]] = []
                counts: Counter[tuple[date, int | None, str]] = Counter()
                for channel, passed in taken:
                    try:
                        await channel.fence(tx)
                    except LeaseLostError as error:
                        lost.append((channel, error))
                    else:
                        finished += passed.finished
                        counts += passed.counts
                await inbox.finish(tx, finished, now)
                await notices.receive(tx, said)
                for day in {day for day, _, _ in counts}:
                    await inbox.count(tx, day, {(room, why): n for (d, room, why), n in counts.items() if d == day})
                return lost

            try:
                lost = await self._store.write(work)
            except StoreError:
                for channel, passed in taken:
                    channel.put_back(passed)
                self.receipts.put_back(said)
                raise
            for channel, passed in taken:
                for _, message_id, _ in passed.finished:
                    channel.written(message_id)
            for channel, error in lost:
                channel.lose(error)

    def use(self, classifier: Classifier) -> None:
        """Judge by this one from the next message on."""
        self._classifier = classifier

    async def refresh(self) -> None:
        """Read the registry anew where an import, or another process, has changed it. Raises StoreError."""
        # In the writer's turn: no room that a message changes meanwhile is overwritten with what it was.
        if await self._store.read(registry.version) != self._memory.registry:
            before = self._memory.rooms
            await self._store.write(lambda tx: self._memory.load(tx, [*self._channels]))
            await self._follow(before)
        elif await self._store.read(registry.opt_outs) != self._memory.opt_outs:
            await self._store.write(lambda tx: self._memory.load_opt_outs(tx, [*self._channels]))

    async def _follow(self, before: Mapping[Conversation, Room]) -> None:
        """Groups that an account took over have read what another one sent, and wait for what it was to say."""
        now = self._clock.now()
        known = {key: room.taken_at for key, room in before.items()}
        taken = {
            key[0]
            for key, room in self._memory.rooms.items()
            if room.taken_at is not None and known.get(key) != room.taken_at
        }
        for account in taken:
            await self._store.read(lambda tx, account=account: self.receipts.load(tx, account, now))  # type: ignore[misc]
        if taken:
            self._wake_senders()  # what waited to be said there came along, and is no new line

    def tidy(self) -> None:
        """Forget what has gone still."""
        self._memory.tidy(self._clock.now())
        self.receipts.tidy(self._clock.now())
