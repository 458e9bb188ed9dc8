"""The only caller of `Transport.send_text`: one loop per account, in the order and at the pace the account can bear.

A row is marked SENDING on disk before the call. What happens then decides: an answer makes it SENT; proof that nothing
went out puts it back; anything else leaves it UNKNOWN, never repeated without the account's own echo or a person.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.pacing import DAY, Budget, Pacer
from bot.transports.base import Offline, OutcomeUnknown, Rejected, Throttled, Transport
from storage import outbox
from storage.engine import Store, StoreError, Tx
from storage.leases import Fence, no_fence
from storage.model import Outgoing

log = structlog.get_logger(__name__)

LOOKAHEAD = 50  # rows considered at a time, so that one busy room does not hold up the others
STORE_RETRY = timedelta(seconds=1)
OFFLINE_RETRY = timedelta(seconds=3)
GIVE_UP_AFTER = 5  # tries that provably sent nothing

SentHook = Callable[[Outgoing], None]


class Sender:
    """The voice of one account. `sent` is told of every line that went out."""

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
    ) -> None:
        """`fence` begins every transaction that leads to a send; what became of one is written down in any case."""
        self._store = store
        self._fence = fence
        self._transport = transport
        self._budget = budget
        self._clock = clock
        self._seed = seed
        self._sent = sent
        self._pacer = Pacer(budget, seed=seed)
        self._wake = asyncio.Event()
        self._stopping = False
        self.outcomes: Counter[str] = Counter()  # of the tries to send, since the start
        self.last_failure: tuple[datetime, str] | None = None

    @property
    def budget(self) -> Budget:
        return self._budget

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

    async def start(self) -> int:
        """Take up the send log, so that a restart exceeds no budget, and settle what a crash left: SENDING rows become
        UNKNOWN. Returns how many did."""
        now = self._clock.now()
        left = await self._store.write(self._recover)
        log_rows = await self._store.read(lambda tx: outbox.sent_times(tx, self.account, now - DAY))
        self._pacer = Pacer(self._budget, [(at, conversation) for at, conversation, _ in log_rows], seed=self._seed)
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
            if not self._transport.online:
                return now + OFFLINE_RETRY  # a link that was only slow to answer rings no bell when it does again
            rows = await self._due(now)
            slots = [(self._pacer.earliest(now, row.conversation, row.lane), row) for row in rows]
            ready = next((row for slot, row in slots if slot <= now), None)
            if ready is None:
                moments = [slot for slot, _ in slots]
                later = await self._next_due(now)
                if later is not None:
                    moments.append(later)
                return min(moments, default=None)
            await self._send(ready)
        return None

    async def _due(self, now: datetime) -> list[Outgoing]:
        return await self._store.read(lambda tx: outbox.due(tx, self.account, now, LOOKAHEAD))

    async def _next_due(self, after: datetime) -> datetime | None:
        return await self._store.read(lambda tx: outbox.next_due(tx, self.account, after))

    async def _send(self, row: Outgoing) -> None:
        now = self._clock.now()

        async def mark(tx: Tx) -> bool:
            await self._fence(tx)
            return await outbox.mark_sending(tx, row.id, now)

        if not await self._store.write(mark):
            return
        self._pacer.record(now, row.conversation)
        try:
            message_id = await self._transport.send_text(row.conversation, row.text, row.mentions)
        except Throttled:
            self._pacer.throttled(self._clock.now())
            await self._again(row, self._clock.now(), "throttled")
        except Offline:
            await self._again(row, self._clock.now() + OFFLINE_RETRY, "offline")
        except Rejected as error:
            words = str(error)
            await self._settle(row, lambda tx: outbox.mark_failed(tx, row.id, words), "failed")
        except OutcomeUnknown as error:
            words = str(error)
            await self._settle(row, lambda tx: outbox.mark_unknown(tx, row.id, words), "unknown")
        else:
            at = self._clock.now()
            await self._settle(row, lambda tx: outbox.mark_sent(tx, row.id, at, message_id), "sent")
            if self._sent is not None:
                self._sent(row)

    async def _again(self, row: Outgoing, not_before: datetime, why: str) -> None:
        """Nothing went out: put the line back, or give up on one that never goes."""
        if why != "offline" and row.attempts + 1 >= GIVE_UP_AFTER:
            await self._settle(row, lambda tx: outbox.mark_failed(tx, row.id, why), "failed")
            return
        await self._settle(row, lambda tx: outbox.requeue(tx, row.id, not_before, why), why)

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
