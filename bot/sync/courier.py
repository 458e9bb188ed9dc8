"""What changed goes to one upstream: rows become batches, batches become requests, answers become rows again.

A row is marked on disk before its request leaves. After a crash it is rendered and sent once more; the upstream knows
the item by (id, version, hash) and answers `duplicate`. One request at a time, and a row holds only the latest version,
so no older version leaves after a newer one.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.settings import Upstream
from bot.sync import mapping, rendering
from bot.sync.client import ARRIVED, Batch, Carrier, Closed, Fault, Refused, Throttled, TooLarge
from bot.sync.filters import kept_back
from bot.sync.mapping import Item
from bot.sync.rendering import Labels, Reason
from storage import changes, dossiers, upstreams
from storage.dossiers import Dossier
from storage.engine import Store, StoreError, Tx
from storage.errors import LeaseLostError
from storage.leases import Fence, no_fence
from storage.upstreams import Arrived, Delivery, Link

log = structlog.get_logger(__name__)

POLL = timedelta(seconds=5)
STORE_RETRY = timedelta(seconds=1)
DEFECT_RETRY = timedelta(minutes=1)
FED = 2000  # changes at a time, so that the writer is not held for long
WHOLE_FOR = 2  # failures after which a batch is halved with each more
CHOKED = ("server_error", "aborted", "bad_answer", "timeout")  # what a single ticket may bring about
ALONE_FOR = 8  # failures after which a ticket that fails alone, between others that arrive, is set aside
RETRY_FIRST, RETRY_MOST = timedelta(seconds=2), timedelta(minutes=15)
LEAST_PAUSE = timedelta(seconds=1)  # after a 429, whatever they say
OPEN_AFTER = 5  # requests that failed in a row open the breaker
OPEN_FIRST, OPEN_MOST = timedelta(seconds=30), timedelta(minutes=10)
REFUSED_ALL = 20  # tickets refused, one after the other, and nothing arrived between: it is not the tickets
CLOSED_FOR = timedelta(minutes=15)  # between two looks whether a person has mended the secret or the address
# Reasons for parking that are ours: a restart may have brought the cure.
UNMAPPED, DEFECT = "unmapped_category", "defect"
OURS = (UNMAPPED, DEFECT)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A ticket about to leave."""

    row: Delivery
    item: Item  # in the upstream's words
    version: int
    deleted: bool

    def arrived(self, ref: str | None) -> Arrived:
        return Arrived(self.row.ticket, self.version, self.item["hash"], self.deleted, ref)


@dataclass(slots=True)
class Plan:
    """What is to happen to the rows that are due."""

    send: list[Outgoing] = field(default_factory=list)
    drop: list[int] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    park: list[tuple[int, int, str, str]] = field(default_factory=list)  # ticket, version, code, words


class Courier:
    """The loop of one upstream."""

    def __init__(
        self,
        store: Store,
        upstream: Upstream,
        source: str,
        carrier: Carrier,
        labels: Labels,
        clock: Clock,
        *,
        seed: int | None = None,
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._source = source
        self._carrier = carrier
        self._labels = labels
        self._clock = clock
        self._random = random.Random(seed)
        self._most = upstream.batch
        self._refused_in_a_row = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self.fence: Fence = no_fence  # of the duty: it begins all that leads to a request
        self.outcomes: Counter[str] = Counter()  # of items and of whole requests, since the start

    @property
    def name(self) -> str:
        return self._upstream.name

    def stop(self) -> None:
        """End `run` after the request that is under way."""
        self._stopping = True
        self._wake.set()

    async def start(self) -> None:
        """The config may have been mended, or the clock: what was parked for our own reasons, a closed door, and what
        waits for a moment that is years away, are tried anew. Raises LeaseLostError, StoreError."""
        now = self._clock.now()
        latest = now + max(timedelta(seconds=self._upstream.wait_seconds), RETRY_MOST)

        async def work(tx: Tx) -> None:
            await self.fence(tx)
            await upstreams.again(tx, self.name, now, upstreams.parked_for(OURS))
            await upstreams.bring_forward(tx, self.name, latest, now)
            await upstreams.reopen(tx, self.name)

        await self._store.write(work)

    async def run(self) -> None:
        """Send until told to stop, or until another process is on duty; it can be begun again."""
        self._stopping = False
        while not self._stopping:
            now = self._clock.now()
            try:
                again_at = await self.step()
            except StoreError as error:
                log.error("store unavailable", action="sync", upstream=self.name, error=str(error))
                again_at = now + STORE_RETRY
            except LeaseLostError:
                log.warning("the duty is another process's", action="sync", upstream=self.name)
                return
            except Exception:
                log.exception("sync failed", action="sync", upstream=self.name)
                self.outcomes[DEFECT] += 1
                again_at = now + DEFECT_RETRY
            else:
                poll = self._clock.now() + POLL
                again_at = poll if again_at is None else min(again_at, poll)
            if not self._stopping:
                await self._clock.wait(self._wake, again_at)

    async def step(self) -> datetime | None:
        """Send everything that may go now. Returns when to look again, None to wait for a change. Raises LeaseLostError
        when another process does this by now."""
        while not self._stopping:
            now = self._clock.now()
            link, behind = await self._store.read(self._look)
            if behind:
                await self._feed(now)
                continue
            if link.open_until is not None and link.open_until > now:
                return link.open_until
            probing = link.failures >= OPEN_AFTER
            plan = await self._planned(now, probing=probing)
            if plan is None:
                return await self._store.read(lambda tx: upstreams.next_due(tx, self.name))
            if plan.send and await self._deliver(plan.send) and probing:
                await self._catch_up(now)
        return None

    async def _feed(self, now: datetime) -> None:
        due = now + timedelta(seconds=self._upstream.wait_seconds)

        async def work(tx: Tx) -> None:
            await self.fence(tx)
            await upstreams.feed(tx, self.name, due, FED)

        await self._store.write(work)

    async def _catch_up(self, now: datetime) -> None:
        """They are back: what was put off meanwhile need not wait any longer."""
        await self._store.write(lambda tx: upstreams.hurry(tx, self.name, now))

    async def _look(self, tx: Tx) -> tuple[Link, bool]:
        link = await upstreams.link(tx, self.name)
        return link, bool(await changes.since(tx, link.seq, 1))

    # ---------------------------------------------------------------- what is due
    async def _planned(self, now: datetime, *, probing: bool) -> Plan | None:
        """What is to happen to the next rows, written down already; None where none is due."""
        plan = await self._store.read(lambda tx: self._plan(tx, now, probing=probing))
        if plan is not None:
            await self._store.write(lambda tx: self._note(tx, plan, now))
        return plan

    async def _plan(self, tx: Tx, now: datetime, *, probing: bool) -> Plan | None:
        """On one snapshot. What has failed again and again goes in ever smaller batches, so that one ticket that they
        cannot digest holds up nobody; nor is it what tries whether they are back."""
        rows = await upstreams.due(tx, self.name, now, 1 if probing else self._most, least_tried=probing)
        if not rows:
            return None
        rows = rows[: max(1, self._most >> max(0, rows[0].attempts - WHOLE_FOR))]
        numbers = [row.ticket for row in rows]
        found = await dossiers.read(tx, numbers, with_reporter=self._upstream.reporter)
        plan = Plan()
        for row in rows:
            self._consider(row, found.get(row.ticket), plan)
        return plan

    def _consider(self, row: Delivery, dossier: Dossier | None, plan: Plan) -> None:
        version = row.version if dossier is None else dossier.ticket.version
        try:
            reason = Reason.ERASED if dossier is None else kept_back(self._upstream, dossier)
            if reason is None and dossier is not None:
                if row.tried is None and rendering.undecided(dossier.ticket):
                    plan.drop.append(row.ticket)  # its next change brings it back
                    return
                item = rendered(self._upstream, dossier, self._labels)
            elif row.tried is None:
                plan.drop.append(row.ticket)
                return
            elif row.deleted and row.sent == row.tried:
                plan.settled.append(row.ticket)
                return
            else:
                into = dossier.ticket.merged_into if dossier is not None else None
                gone = rendering.tombstone(row.ticket, version, reason or Reason.ERASED, into)
                item = rendering.sealed(mapping.mapped(self._upstream, gone))
        except mapping.Unmapped as error:
            plan.park.append((row.ticket, version, UNMAPPED, str(error)))
        except Exception as error:
            log.exception("a ticket cannot be rendered", action="sync", upstream=self.name, ticket=row.ticket)
            plan.park.append((row.ticket, version, DEFECT, f"{type(error).__name__}, see the log"))
        else:
            plan.send.append(Outgoing(row, item, version, deleted=reason is not None))

    async def _note(self, tx: Tx, plan: Plan, now: datetime) -> None:
        await self.fence(tx)
        await upstreams.sending(tx, self.name, {one.row.ticket: one.version for one in plan.send})
        await upstreams.drop(tx, self.name, plan.drop)
        await upstreams.unchanged(tx, self.name, plan.settled)
        for ticket, version, code, words in plan.park:
            await upstreams.park(tx, self.name, ticket, version, code, words, now)
            self._count("parked")

    # ---------------------------------------------------------------- requests
    async def _deliver(self, items: Sequence[Outgoing]) -> bool:
        """Send these, in smaller batches where they are refused together. False where the upstream as a whole fails:
        what is left stays due."""

        async def look(tx: Tx) -> Link:
            await self.fence(tx)  # a process may have stood still since it made its plan
            return await upstreams.link(tx, self.name)

        link = await self._store.read(look)
        batch = Batch.of(
            self._source,
            [one.item for one in items],
            replays=[one.row.replays for one in items],
            number=link.files + 1,
        )
        try:
            results = await self._carrier.deliver(batch)
        except Refused as fault:
            return await self._refused(items, fault)
        except TooLarge as fault:
            if len(items) == 1:
                return await self._refused(items, fault)
            self._most = max(1, len(items) // 2)
            return await self._halves(items)
        except Fault as fault:
            await self._failed(items, fault, link)
            return False
        now = self._clock.now()
        self._refused_in_a_row = 0
        arrived: list[Arrived] = []
        refused: list[tuple[Outgoing, str, str]] = []
        for one, result in zip(items, results, strict=True):
            self._count(result.status)
            if result.status in ARRIVED:
                arrived.append(one.arrived(result.ref))
            else:
                code = "stale" if result.status == "stale" else str(result.code)
                refused.append((one, code, result.message or ""))

        async def settle(tx: Tx) -> None:
            await upstreams.arrived(tx, self.name, arrived, now)
            for one, code, words in refused:
                await upstreams.park(tx, self.name, one.row.ticket, one.version, code, words, now)
            fresh = Link(self.name, seq=link.seq, files=batch.number, failed_at=link.failed_at, succeeded_at=now)
            await upstreams.put_link(tx, fresh)

        await self._settle(settle)
        log.info("sent", action="sync", upstream=self.name, items=len(items), refused=len(refused))
        return True

    async def _refused(self, items: Sequence[Outgoing], fault: Refused | TooLarge) -> bool:
        """Find the one that the whole batch was refused for, set it aside, send the others."""
        named = fault.culprit if isinstance(fault, Refused) else None
        culprits = [one for one in items if one.item["id"] == named] or (items if len(items) == 1 else [])
        if not culprits:
            return await self._halves(items)
        await self._settle(self._parking(culprits, fault, self._clock.now()))
        self._count("rejected")
        log.warning("parked", action="sync", upstream=self.name, ticket=culprits[0].row.ticket, code=fault.code)
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= REFUSED_ALL:
            self._refused_in_a_row = 0
            link = await self._store.read(lambda tx: upstreams.link(tx, self.name))
            await self._failed(items, Closed("refused_all", fault.words), link)  # due again: the next probe
            return False
        return await self._halves([one for one in items if one not in culprits])

    def _parking(self, items: Sequence[Outgoing], fault: Fault, now: datetime) -> Callable[[Tx], Awaitable[None]]:
        """They answer, but these they do not take."""

        async def settle(tx: Tx) -> None:
            for one in items:
                await upstreams.park(tx, self.name, one.row.ticket, one.version, fault.code, fault.words, now)
            await upstreams.reopen(tx, self.name)

        return settle

    async def _halves(self, items: Sequence[Outgoing]) -> bool:
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            if half and not await self._deliver(half):
                return False
        return True

    async def _failed(self, items: Sequence[Outgoing], fault: Fault, link: Link) -> None:
        """The whole request came to nothing, as far as is known: later once more; the breaker counts."""
        now = self._clock.now()
        alone = len(items) == 1 and items[0].row.attempts >= ALONE_FOR
        if alone and fault.code in CHOKED and not link.failures:
            # Others arrived since it was tried last: it is this ticket that they cannot digest.
            await self._settle(self._parking(items, fault, now))
            self._count("parked")
            return
        failures, open_until = link.failures, None
        again_at = now + self._jitter(RETRY_FIRST, RETRY_MOST, max(one.row.attempts for one in items))
        if isinstance(fault, Throttled):
            open_until = now + max(fault.pause if fault.pause is not None else again_at - now, LEAST_PAUSE)
        elif isinstance(fault, Closed):
            failures, open_until = max(failures + 1, OPEN_AFTER), now + CLOSED_FOR
        else:
            failures += 1
            if failures >= OPEN_AFTER:
                least = self._jitter(OPEN_FIRST, OPEN_MOST, failures - OPEN_AFTER)
                open_until = now + max(OPEN_FIRST / 2, least)
        after = replace(
            link, failures=failures, open_until=open_until, code=fault.code, message=fault.words, failed_at=now
        )

        async def settle(tx: Tx) -> None:
            tickets = [one.row.ticket for one in items]
            await upstreams.retry(tx, self.name, tickets, again_at, fault.code, fault.words)
            await upstreams.put_link(tx, after)

        await self._settle(settle)
        self._count(fault.code)
        log.warning("request failed", action="sync", upstream=self.name, code=fault.code, failures=failures)

    def _jitter(self, first: timedelta, most: timedelta, attempt: int) -> timedelta:
        """Full jitter: anything up to a span that doubles with every attempt."""
        return min(most, first * (1 << min(attempt, 20))) * self._random.random()

    async def _settle(self, work: Callable[[Tx], Awaitable[None]]) -> None:
        """Write down what became of a request, however long the store takes to be writable again."""
        while True:
            try:
                await self._store.write(work)
                return
            except StoreError as error:
                if self._stopping:
                    raise
                log.error("store unavailable", action="settle", upstream=self.name, error=str(error))
                await asyncio.sleep(STORE_RETRY.total_seconds())

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1


def rendered(upstream: Upstream, dossier: Dossier, labels: Labels) -> Item:
    """The ticket as this upstream gets it, with its hash. Raises Unmapped."""
    item = rendering.render(dossier, labels, reporter=upstream.reporter)
    return rendering.sealed(mapping.mapped(upstream, item))
