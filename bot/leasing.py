"""Which accounts this process serves, where several share one database.

A loop renews the process's row (waiting for nobody's turn to write), takes what is free up to a fair share, gives back
what is too much, and buries who has not been heard of. It counts by its own monotonic clock from before it asked: when
a renewal may have failed to arrive, everything is closed before anybody else can have it. The fence (storage/leases.py)
is for who could not even count."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import structlog

from bot.shares import Choice, View, choose
from storage import leases
from storage.engine import Store, Tx
from storage.errors import LeaseLostError, StoreError
from storage.leases import ACCOUNT, DUTY, LEASE, Fence, Process

log = structlog.get_logger(__name__)

# Seconds of the monotonic clock.
BEAT = 5.0  # between renewals
POLL = 1.0  # between looks at what came free; until then nobody hears what is said there
SURE = 25.0  # after a renewal was asked for, a lease is held for certain; less than LEASE
WATCH = 1.0  # between looks at whether it still is
GRACE = 10.0  # that the others have to come back when the database was away for all
BENCH = 60.0  # before a seat that broke is tried again here
ANSWER = 10.0  # that the database may take for an answer; what comes later is not counted upon
LEAVE = 5.0  # the same for the last words


class Seats(Protocol):
    """What opens and closes as leases come and go. Calls for one account never overlap, but for `close` with `lost`,
    before which an `open` that is still at work has been cancelled. An `open` that raises is followed by a `close`."""

    async def open(self, account: str, fence: Fence) -> None:
        """Connect, recover, listen, send; return when that goes by itself. Every write that acts for the account begins
        with `fence`."""

    async def close(self, account: str, *, lost: bool) -> None:
        """Finish what was accepted and the line being sent, in 3 s at most; `lost`: at once, with no more writes."""

    async def take_duty(self, fence: Fence) -> None:
        """Begin what one process of all does."""

    async def leave_duty(self) -> None:
        """End it."""


@dataclass(slots=True, eq=False)
class _Seat:
    name: str  # of the lease
    epoch: int
    opening: asyncio.Task[None] | None = None
    closing: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What stood in the database, and what was changed there."""

    now: datetime
    present: dict[str, int]  # what was ours before
    claimed: dict[str, int]
    give: list[str]
    buried: list[Process]


class Leasing:
    """The leases of one process. `run` in real time; tests take its steps one by one."""

    def __init__(
        self,
        store: Store,
        seats: Seats,
        accounts: Collection[str],
        *,
        version: str,
        wants: Collection[str] | None = None,
        monotonic: Callable[[], float] | None = None,
        clock: Callable[[Tx], Awaitable[datetime]] = leases.now,
        gone: Callable[[Process], bool] | None = None,
    ) -> None:
        """`accounts`: all that are configured, on every machine the same; `wants`: those that this process may serve,
        None for all. `monotonic` counts seconds, also while the machine sleeps; `gone` knows of a process that it is
        dead for certain."""
        self._store = store
        self._seats_of = seats
        self._accounts = frozenset(accounts)
        self.holder = secrets.token_hex(8)
        self._wants = None if wants is None else tuple(sorted(wants))
        self._version = version
        self._monotonic = monotonic or _seconds
        self._clock = clock
        self._place = _place()
        self._gone = gone or self._is_gone
        self._seats: dict[str, _Seat] = {}
        self._returned: dict[str, int] = {}  # closed, and still ours in the database
        self._benched: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._renewed: float | None = None  # when the last renewal that arrived was asked for
        self._steady = 0.0  # since when renewals arrive without a break
        self._back: datetime | None = None  # the same by the database's clock
        self._failing = False

    @property
    def sure(self) -> bool:
        """Whether the leases are ours for certain."""
        return self._renewed is not None and self._monotonic() < self._renewed + SURE

    # ---------------------------------------------------------------- in real time
    async def run(self) -> None:
        """Hold leases until `stop()`, then close every seat and give its lease back."""
        watch = asyncio.create_task(self._watch(), name="lease-watch")
        try:
            while not self._stopping:
                await self.step()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await self._wake.wait()
                self._wake.clear()
            await self.leave()
        finally:
            watch.cancel()
            for task in self._tasks:
                task.cancel()

    def stop(self) -> None:
        """Ask `run` to give everything back and end."""
        self._stopping = True
        self._wake.set()

    def give_up(self, account: str) -> None:
        """A seat broke: close it, let others try, and do not take it again for a while."""
        seat = self._seats.get(leases.lease_of(account))
        if seat is not None:
            self._bench(seat)

    async def _watch(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(WATCH)

    # ---------------------------------------------------------------- step by step
    def check(self) -> None:
        """Close everything where it may not be ours any more."""
        if self.sure:
            return
        open_ones = [seat for seat in self._seats.values() if seat.closing is None]
        if open_ones:
            log.warning("leases could not be renewed: closing", action="lease", seats=len(open_ones))
        for seat in open_ones:
            self._close(seat, lost=True)

    async def step(self) -> None:
        """Renew when it is time to, and do what there is to do. A database that is away is asked again next time."""
        self.check()
        try:
            async with asyncio.timeout(ANSWER):
                known = self._renewed is not None and (self._monotonic() < self._renewed + BEAT or await self._renew())
                if not known or self._returned or await self._store.read(self._has_something_to_do):
                    await self._settle()
        except (StoreError, TimeoutError) as error:
            if not self._failing:
                log.warning("no lease can be renewed: %s", error or "no answer", action="lease")
            self._failing = True
        else:
            self._failing = False

    async def leave(self) -> None:
        """Close every seat; each lease is free as soon as its seat is closed."""
        for seat in list(self._seats.values()):
            self._close(seat, lost=False)
        try:
            async with asyncio.timeout(LEAVE):
                await self._store.write(lambda tx: leases.resign(tx, self.holder))
                while self._seats:
                    await self._wake.wait()
                    self._wake.clear()
                    await self._give_back()
                await self._store.write(self._sign_off)
        except (StoreError, TimeoutError) as error:
            log.warning("leases are left to run out: %s", error or "no answer", action="lease")
            await asyncio.gather(*self._tasks)

    async def _give_back(self) -> None:
        returned = dict(self._returned)

        async def work(tx: Tx) -> None:
            await leases.release(tx, returned, self.holder, await self._clock(tx))

        await self._store.write(work)
        for name in returned:
            del self._returned[name]

    async def _sign_off(self, tx: Tx) -> None:
        await leases.bury(tx, [self.holder], await self._clock(tx))

    # ---------------------------------------------------------------- with the database
    def _ask(self) -> float:
        """The moment from which a renewal counts that is about to be asked for."""
        asked = self._monotonic()
        if self._renewed is None or asked > self._renewed + 2 * BEAT:
            self._steady, self._back = asked, None
        return asked

    def _arrived(self, asked: float, now: datetime) -> None:
        self._renewed = asked
        self._back = self._back or now

    async def _renew(self) -> bool:
        """Keep what we have. False where we were buried. Waits for no turn: a long import must not cost an account."""

        async def work(tx: Tx) -> datetime | None:
            now = await self._clock(tx)
            return now if await leases.renew(tx, self.holder, now) else None

        asked = self._ask()
        now = await self._store.aside(work)
        if now is not None:
            self._arrived(asked, now)
        return now is not None

    async def _settle(self) -> None:
        """Give back, take, bury, in one transaction that is a renewal too."""
        asked = self._ask()
        seats, returned = dict(self._seats), dict(self._returned)
        found = await self._store.write(lambda tx: self._deal(tx, seats, returned))
        self._arrived(asked, found.now)
        for name in returned:
            self._returned.pop(name, None)
        for process in found.buried:
            log.warning("a process is gone", action="lease", host=process.host, pid=process.pid)
        for name, seat in seats.items():
            if seat.closing is None and found.present.get(name) != seat.epoch:
                self._lose(seat)
            elif name in found.give:
                self._close(seat, lost=False)
        self.check()
        if self.sure:  # else they are claimed anew next time
            for name, epoch in found.claimed.items():
                self._open(_Seat(name, epoch))

    async def _deal(self, tx: Tx, seats: dict[str, _Seat], returned: dict[str, int]) -> _Found:
        now = await self._clock(tx)
        me = self._process(now)
        if not await leases.renew(tx, self.holder, now):
            await leases.join(tx, me)
            await leases.ensure(tx, [DUTY, *map(leases.lease_of, self._accounts)], now)
        await leases.release(tx, returned, self.holder, now)
        present = await leases.held(tx, self.holder)
        dead = self._dead(await leases.alive(tx), now)
        gone = [process.holder for process in dead if self._gone(process)]
        buried = await leases.bury(tx, gone, now) if gone else set()
        if len(gone) < len(dead):
            buried |= await leases.bury(tx, [process.holder for process in dead], now, expired=True)
        # What we hold without using it: a claim whose answer came too late, or a seat that had to close.
        stray = present.keys() - seats.keys()
        view = await self._view(tx, now)
        if self._is_to_list(view):
            # The others must know which these are: else they would give back for us what we have never heard of.
            self._wants = tuple(sorted(self._accounts))
            me = self._process(now)
            await leases.join(tx, me)
            view = await self._view(tx, now)
        choice = self._choose(replace(view, own=frozenset(stray)), me, seats)
        claimed = await leases.claim(tx, choice.claim, self.holder, now) if choice.claim else {}
        left = {name: present[name] for name in stray - claimed.keys()}
        if left:
            await leases.release(tx, left, self.holder, now)
        return _Found(now, present, claimed, list(choice.give), [one for one in dead if one.holder in buried])

    async def _has_something_to_do(self, tx: Tx) -> bool:
        now = await self._clock(tx)
        view = await self._view(tx, now)
        present = await leases.held(tx, self.holder)
        stray = present.keys() - self._seats.keys()
        lost = any(seat.closing is None and present.get(name) != seat.epoch for name, seat in self._seats.items())
        if stray or lost or self._dead(view.processes, now) or self._is_to_list(view):
            return True
        choice = self._choose(view, self._process(now), self._seats)
        return bool(choice.claim or choice.give)

    def _is_to_list(self, view: View) -> bool:
        """Are we on record as one that serves all accounts, where there are some that our configuration has not, as
        while it is being changed on one machine after the other?"""
        strange = any(name != DUTY and name.removeprefix(ACCOUNT) not in self._accounts for name in view.free)
        listed = {process.holder: process.wants is not None for process in view.processes}
        return not listed.get(self.holder, True) and (strange or self._wants is not None)

    async def _view(self, tx: Tx, now: datetime) -> View:
        return View(now, await leases.alive(tx), await leases.free(tx), await leases.counts(tx))

    def _choose(self, view: View, me: Process, seats: dict[str, _Seat]) -> Choice:
        moment = self._monotonic()
        closing = [name for name, seat in seats.items() if seat.closing is not None]
        return choose(
            view,
            me,
            self._accounts,
            held=seats.keys() - set(closing),
            closing=len(closing),
            benched=[*seats, *(name for name, until in self._benched.items() if moment < until)],
            back=self._back or view.now,
        )

    def _dead(self, processes: Collection[Process], now: datetime) -> list[Process]:
        """Who will not come back. Of those whose time ran out some may only have waited for the database, as we did."""
        settled = self._monotonic() >= self._steady + GRACE
        return [
            process
            for process in processes
            if process.holder != self.holder and ((settled and process.expires_at <= now) or self._gone(process))
        ]

    def _is_gone(self, process: Process) -> bool:
        if not process.place or process.place != self._place:
            return False
        try:
            os.kill(process.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def _process(self, now: datetime) -> Process:
        host, pid = socket.gethostname(), os.getpid()
        return Process(self.holder, host, self._place, pid, self._version, self._wants, now, now + LEASE)

    # ---------------------------------------------------------------- seats
    def _open(self, seat: _Seat) -> None:
        log.info("lease taken", action="lease", name=seat.name, epoch=seat.epoch)
        self._seats[seat.name] = seat
        seat.opening = self._begin(self._occupy(seat))

    async def _occupy(self, seat: _Seat) -> None:
        try:
            if seat.name == DUTY:
                await self._seats_of.take_duty(self._fence(seat))
            else:
                await self._seats_of.open(seat.name.removeprefix(ACCOUNT), self._fence(seat))
        except Exception:
            log.exception("a seat did not open", action="lease", name=seat.name)
            self._bench(seat)

    def _fence(self, seat: _Seat) -> Fence:
        check = leases.fence(seat.name, self.holder, seat.epoch)

        async def fence(tx: Tx) -> None:
            try:
                await check(tx)
            except LeaseLostError:
                self._lose(seat)
                raise

        return fence

    def _bench(self, seat: _Seat) -> None:
        self._benched[seat.name] = self._monotonic() + BENCH
        self._close(seat, lost=False)

    def _lose(self, seat: _Seat) -> None:
        if seat.closing is None:
            log.warning("lease lost", action="lease", name=seat.name, epoch=seat.epoch)
            self._close(seat, lost=True)

    def _close(self, seat: _Seat, *, lost: bool) -> None:
        if seat.closing is None:
            seat.closing = self._begin(self._vacate(seat, lost=lost))

    async def _vacate(self, seat: _Seat, *, lost: bool) -> None:
        if seat.opening is not None and not seat.opening.done():
            if lost:
                seat.opening.cancel()
            await asyncio.wait([seat.opening])
        try:
            if seat.name == DUTY:
                await self._seats_of.leave_duty()
            else:
                await self._seats_of.close(seat.name.removeprefix(ACCOUNT), lost=lost)
        except Exception:
            log.exception("a seat did not close well", action="lease", name=seat.name)
        del self._seats[seat.name]
        if not lost:
            self._returned[seat.name] = seat.epoch
        log.info("seat closed", action="lease", name=seat.name, lost=lost)
        self._wake.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _seconds() -> float:
    """Monotonic, and not standing still while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _place() -> str:
    """Within what a pid names one process: the life of a kernel and a namespace of it. Empty where nobody can tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
