"""The only caller of `Transport.send_text`, `send_file` and `announce`: one loop per account, in the order and at the
pace the account can bear.

A row is marked SENDING on disk before the call. What happens then decides: an answer makes it SENT; proof that nothing
went out puts it back; anything else leaves it UNKNOWN, never repeated without the account's own echo or a person. So a
line that kills the program, or breaks in the transport, is tried once, and one that never goes GIVE_UP_AFTER times.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.clock import Clock
from bot.pacing import DAY, Budget, Pacer
from bot.transports.base import Offline, OutcomeUnknown, Rejected, Throttled, Transport
from storage import accounts, notice_files, outbox
from storage.accounts import Account
from storage.engine import Store, StoreError, Tx
from storage.leases import Fence, no_fence
from storage.model import Lane, Outgoing, PostKind
from storage.notice_files import File

log = structlog.get_logger(__name__)

FEW = 3  # rows of a lane that are looked at first: nearly always one of them may go
LOOKAHEAD = 50  # rows of a lane considered at a time, so that one busy room does not hold up the others
STORE_RETRY = timedelta(seconds=1)
OFFLINE_RETRY = timedelta(seconds=3)
GIVE_UP_AFTER = 5  # tries that provably sent nothing

SentHook = Callable[[Outgoing], None]
StalledHook = Callable[[str], Awaitable[None]]


class _NotAnnounced(Rejected):
    """The account may not announce anything in this room, so that it is to be said."""


class Sender:
    """The voice of one account. `sent` is told of every line that went out, `stalled` when an emergency comes to wait
    because WeChat has stopped the account: somebody else must say it."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        budget: Budget,
        clock: Clock,
        *,
        fence: Fence = no_fence,
        seed: int | None = None,
        sent: SentHook | None = None,
        stalled: StalledHook | None = None,
    ) -> None:
        """`fence` begins every transaction that leads to a send; what became of one is written down in any case."""
        self._store = store
        self._fence = fence
        self._transport = transport
        self._budget = budget
        self._clock = clock
        self._seed = seed
        self._sent = sent
        self._stalled = stalled
        self._pacer = Pacer(budget, account=Account(transport.account), seed=seed)
        self._known = False  # it stands in the store since when the account speaks
        self._unsaved = False  # a throttle that a message told of
        self._held_up: frozenset[int] = frozenset()  # emergencies of which `stalled` knows
        self._wake = asyncio.Event()
        self._stopping = False
        self.outcomes: Counter[str] = Counter()  # of the tries to send, since the start
        self.last_failure: tuple[datetime, str] | None = None

    @property
    def pacer(self) -> Pacer:
        return self._pacer

    @property
    def account(self) -> str:
        return self._transport.account

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` after the line that is being sent."""
        self._stopping = True
        self._wake.set()

    def throttled(self) -> None:
        """WeChat told the account in a message that it goes too fast."""
        self._pacer.throttled(self._clock.now())
        self._unsaved = True
        self._wake.set()

    async def start(self) -> int:
        """Take up the send log and what the last throttle left, so that a restart exceeds no budget, and settle what a
        crash left: SENDING rows become UNKNOWN. Returns how many did."""
        now = self._clock.now()
        left = await self._store.write(self._recover)
        known = await self._store.read(lambda tx: accounts.get(tx, self.account))
        sends = await self._store.read(lambda tx: outbox.sent_times(tx, self.account, now - DAY))
        self._known = known is not None
        self._pacer = Pacer(self._budget, sends, account=known or Account(self.account), seed=self._seed)
        if left:
            log.warning("sends of unknown outcome", action="recover", account=self.account, count=left)
        return left

    async def _recover(self, tx: Tx) -> int:
        await self._fence(tx)
        return await outbox.recover(tx, self.account)

    async def run(self) -> None:
        """Send until told to stop. Raises LeaseLostError when the account is another process's by now."""
        while not self._stopping:
            try:
                again_at = await self.step()
            except StoreError as error:
                log.error("store unavailable", action="send", account=self.account, error=str(error))
                again_at = self._clock.now() + STORE_RETRY
            if not self._stopping:
                await self._clock.wait(self._wake, again_at)

    async def step(self) -> datetime | None:
        """Send everything that may go now. Returns when to look again, None to wait for a wake-up."""
        while not self._stopping:
            now = self._clock.now()
            if self._unsaved:
                await self._store.write(self._slow_down)
                self._unsaved = False
            if not self._transport.online:
                return now + OFFLINE_RETRY  # a link that was only slow to answer rings no bell when it does again
            if not self._known:
                await self._log_in(now)
            ready, moments, more = await self._next(now)
            if ready is None:
                return min(moments, default=None)
            if not await self._send(ready):
                return self._clock.now() + OFFLINE_RETRY
            free = self._pacer.earliest(self._clock.now(), None, ready.lane)
            if more and free > self._clock.now():
                return min([*moments, free])
        return None

    async def _next(self, now: datetime) -> tuple[Outgoing | None, list[datetime], bool]:
        """The line that may go now, and the moments at which others may. And whether others wait that may not go before
        the account is free again: then there is no need to look before, as what is new rings the bell."""
        moments: list[datetime] = []
        for most in (LOOKAHEAD,) if self._pacer.stopped(now) else (FEW, LOOKAHEAD):
            rows, later = await self._due(now, most)
            await self._report(rows, now)
            free = {row.lane: self._pacer.earliest(now, None, row.lane) for row in rows}
            moments = [] if later is None else [later]
            if all(at > now for at in free.values()):
                return None, [*moments, *free.values()], False  # whichever rooms the other lines are for
            slots = [(self._pacer.earliest(now, row.conversation, row.lane), row) for row in rows]
            ready = next((row for slot, row in slots if slot <= now), None)
            if ready is not None:
                return ready, moments, len(rows) > 1 and Lane.EMERGENCY not in free
            moments += [slot for slot, _ in slots]
        return None, moments, False

    async def _due(self, now: datetime, most: int) -> tuple[list[Outgoing], datetime | None]:
        """Lines whose time has come, so many of each lane, and when that of another comes. A dead account says nothing,
        even where its link is up: somebody took it out of service."""

        async def look(tx: Tx) -> tuple[list[Outgoing], datetime | None]:
            rows = await outbox.due(tx, self.account, now, most)
            if rows and await accounts.is_dead(tx, self.account):
                return [], None
            return rows, await outbox.next_due(tx, self.account, now)

        return await self._store.read(look)

    async def _log_in(self, now: datetime) -> None:
        """A new account begins slowly, and from its first login on."""

        async def note(tx: Tx) -> Account:
            await self._fence(tx)
            return await accounts.seen(tx, self.account, now)

        known = await self._store.write(note)
        self._pacer.account = replace(self._pacer.account, since=known.since)
        self._known = True

    async def _slow_down(self, tx: Tx) -> None:
        """By what a message told. Who serves the account by now heard it, too, and knows better how fast it may go."""
        await self._fence(tx)
        await self._keep(tx)

    async def _keep(self, tx: Tx) -> None:
        await accounts.slow_down(tx, self._pacer.account)

    async def _report(self, rows: list[Outgoing], now: datetime) -> None:
        """Tell of emergencies that have come to wait for the end of a stop."""
        if self._stalled is None or not self._pacer.stopped(now):
            return
        waiting = frozenset(row.id for row in rows if row.lane is Lane.EMERGENCY)
        if waiting - self._held_up:
            await self._stalled(self.account)
        self._held_up = waiting

    async def _send(self, row: Outgoing) -> bool:
        """Try one line. False where the link is gone, so that no other need be tried."""
        now = self._clock.now()

        async def claim(tx: Tx) -> bool:
            await self._fence(tx)
            return await outbox.mark_sending(tx, row.id, now, seen=row)

        file = await self._file(row)
        if not await self._store.write(claim):
            return True
        try:
            message_id = await self._say(row, file)
        except Offline:
            # Where it stood, so that nothing overtakes it in its room; and no try: the line cannot help it.
            work = partial(outbox.requeue, id=row.id, not_before=row.not_before, error="offline", counts=False)
            await self._settle(row, work, "offline")
            return False
        except Throttled:
            self._record(row)
            self._pacer.throttled(self._clock.now())
            await self._settle(row, partial(self._slowed, row), "throttled")
        except _NotAnnounced as error:
            self._record(row)
            work = partial(outbox.say_instead, id=row.id, not_before=row.not_before, error=str(error))
            await self._settle(row, work, "not announced")
        except Rejected as error:
            self._record(row)
            await self._settle(row, partial(outbox.mark_failed, id=row.id, error=str(error)), "failed")
        except OutcomeUnknown as error:
            self._record(row)
            await self._settle(row, partial(outbox.mark_unknown, id=row.id, error=str(error)), "unknown")
        except Exception as error:
            # A defect in the transport, and perhaps of this line alone: the others go on.
            log.exception("send broke", action="send", account=self.account, row=row.id)
            self._record(row)
            why = f"{type(error).__name__}, see the log"
            await self._settle(row, partial(outbox.mark_unknown, id=row.id, error=why), "unknown")
        else:
            at = self._record(row)
            await self._settle(row, partial(outbox.mark_sent, id=row.id, at=at, message_id=message_id), "sent")
            if self._sent is not None:
                self._sent(row)
        return True

    async def _file(self, row: Outgoing) -> File | None:
        number = row.file
        return None if number is None else await self._store.read(lambda tx: notice_files.load(tx, number))

    async def _say(self, row: Outgoing, file: File | None) -> str | None:
        """Returns the message id where there is one. Raises the four errors."""
        if row.file is not None:
            if file is None:
                raise Rejected("its picture or file is deleted by now")
            return await self._transport.send_file(row.conversation, file)
        if row.kind is not PostKind.ANNOUNCEMENT:
            return await self._transport.send_text(row.conversation, row.text, row.mentions)
        try:
            await self._transport.announce(row.conversation, row.text)
        except Rejected as error:
            raise _NotAnnounced(str(error)) from None
        return None

    def _record(self, row: Outgoing) -> datetime:
        """The line left between the call and its answer, which is now: counted from the later moment, no window is ever
        overfull."""
        at = self._clock.now()
        self._pacer.record(at, row.conversation, row.lane)
        return at

    async def _slowed(self, row: Outgoing, tx: Tx) -> None:
        """Nothing went out. A line that is throttled again lets the others go first, and in the end is given up: it may
        be the line."""
        await self._keep(tx)
        if row.attempts + 1 >= GIVE_UP_AFTER:
            await outbox.mark_failed(tx, row.id, "throttled")
            return
        at = self._clock.now() if row.attempts else row.not_before
        await outbox.requeue(tx, row.id, at, "throttled")

    async def _settle(self, row: Outgoing, work: Callable[[Tx], Awaitable[None]], outcome: str) -> None:
        """Write down what became of a send, however long the store takes to be writable again: forgetting it would
        leave the line's fate to a person."""
        while True:
            try:
                await self._store.write(work)
                break
            except StoreError as error:
                if self._stopping:
                    raise
                log.error("store unavailable", action="settle", account=self.account, error=str(error))
                await asyncio.sleep(STORE_RETRY.total_seconds())
        self.outcomes[outcome] += 1
        if outcome != "sent":
            self.last_failure = (self._clock.now(), outcome)
        log.info("sent", action="send", account=self.account, row=row.id, kind=row.kind.value, outcome=outcome)
