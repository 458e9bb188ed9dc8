"""What a supervisor asks the running bot, on loopback: /healthz, /readyz, /metrics. It only tells; nothing is changed.

Asking is cheap: the database is asked at most every few seconds, however many ask here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from bot.metrics import Figures, render
from storage import answers, fleet, standbys, standing, upstreams
from storage.engine import StoreError
from storage.model import Lane, SendState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.house import House
    from bot.seat import Seat

log = structlog.get_logger(__name__)

FRESH_FOR = 5.0  # seconds that figures of the database serve
PATIENCE = 2.0  # seconds until a database that does not answer counts as unavailable
LAG_EVERY = 0.5  # seconds
LAGS = 120  # a minute of them
PAGE = "text/plain; version=0.0.4; charset=utf-8"


class Monitor:
    """The server. `House.run` starts and stops it."""

    def __init__(self, host: str = "127.0.0.1", port: int = 9464, *, fresh_for: float = FRESH_FOR) -> None:
        self._host = host
        self._port = port
        self._fresh_for = fresh_for
        self.addresses: Sequence[Any] = ()  # where it listens

    @contextlib.asynccontextmanager
    async def watching(self, house: House) -> AsyncIterator[None]:
        """Serve while the block runs. Where the port is taken the bot goes without: one line in the log tells."""
        watch = Watch(house, fresh_for=self._fresh_for)
        runner = web.AppRunner(watch.application(), handle_signals=False, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._host, self._port).start()
                self.addresses = runner.addresses
                log.info("monitor", action="monitor", address=f"{self._host}:{self._port}")
            except OSError as error:
                why = os.strerror(error.errno).lower() if error.errno else type(error).__name__
                log.warning("no monitor", action="monitor", address=f"{self._host}:{self._port}", error=why)
            yield
        finally:
            self.addresses = ()
            await runner.cleanup()


class Watch:
    """What is asked of one house."""

    def __init__(self, house: House, *, fresh_for: float = FRESH_FOR) -> None:
        self._house = house
        self._fresh_for = fresh_for
        self._figures = Figures(started=house.clock.now())
        self._store_error = ""
        self._last_ticket: int | None = None
        self._asked_at: float | None = None  # by the loop's clock
        self._asking = asyncio.Lock()
        self._probe: asyncio.Task[None] | None = None
        self._lags: deque[float] = deque(maxlen=LAGS)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.cleanup_ctx.append(self._at_work)
        return app

    async def _at_work(self, _: web.Application) -> AsyncIterator[None]:
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                self._last_ticket = await self._house.store.read(standing.last_ticket)
        measuring = asyncio.create_task(self._measure_lag(), name="monitor:lag")
        yield
        for task in (measuring, self._probe):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _measure_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            await asyncio.sleep(LAG_EVERY)
            self._lags.append(max(0.0, loop.time() - begun - LAG_EVERY))

    # ---------------------------------------------------------------- the pages
    async def _healthz(self, _: web.Request) -> web.Response:
        """Is the process worth keeping? What restarting cannot mend is no matter of this page."""
        alive = self._house.store.alive
        lag = self._lags[-1] if self._lags else 0.0
        found = {"ok": alive, "writer": alive, "loop_lag_seconds": round(lag, 4)}
        return web.json_response(found, status=200 if alive else 503)

    async def _readyz(self, _: web.Request) -> web.Response:
        """Does it do its work? Only with a database that takes writes and an account that is linked."""
        await self._ask_store()
        house, figures = self._house, self._figures
        # A process that was given no account stands by for the others, and does that well.
        linked = any(seat.online for seat in house.seats.values()) or not (house.alone or house.seats)
        ready = figures.store_up and not house.stopping and linked
        found = {
            "ready": ready,
            "stopping": house.stopping,
            "duty": house.on_duty,
            "fleet": self._fleet(),
            "store": {"state": "ok" if figures.store_up else "unavailable", "error": self._store_error or None},
            "accounts": self._accounts(),
            "outbox": self._outbox(),
            "lexicon": self._lexicon(),
        }
        return web.json_response(found, status=200 if ready else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        await self._ask_store()
        self._figures.lag = self._lags[-1] if self._lags else 0.0
        self._figures.worst_lag = max(self._lags, default=0.0)
        return web.Response(body=render(self._house, self._figures), headers={"Content-Type": PAGE})

    def _accounts(self) -> dict[str, dict[str, object]]:
        dispatcher = self._house.dispatcher
        pending, parked = dispatcher.pending(), dispatcher.parked()
        return {
            account: {**self._account(seat), "pending": len(pending.get(account, ())), "parked": parked[account]}
            for account, seat in self._house.seats.items()
        } | {account: self._given_up(*fault) for account, fault in self._house.faults.items() if self._nobodys(account)}

    def _nobodys(self, account: str) -> bool:
        """Whether neither this nor another process serves it, so that what went wrong here matters."""
        fleet = self._figures.fleet
        return account not in self._house.seats and fleet is not None and account in fleet.unowned

    def _given_up(self, at: datetime, why: str) -> dict[str, object]:
        missing = ("since", "last_message_seconds", "gap_since", "stopped_until")
        error = {"at": _iso(at), "what": "seat", "why": why}
        return {"online": False, **dict.fromkeys(missing), "last_error": error, "pending": 0, "parked": 0}

    def _account(self, seat: Seat) -> dict[str, object]:
        now = self._house.clock.now()
        intake, sender, fault = seat.intake, seat.sender, self._house.faults.get(seat.account)
        failures = [
            {"at": _iso(found[0]), "what": what, "why": found[1]}
            for what, found in (("link", intake.last_failure), ("send", sender.last_failure), ("seat", fault))
            if found is not None
        ]
        stopped = sender.pacer.stopped_until
        return {
            "online": seat.online,
            "since": _iso(intake.changed_at),
            "last_message_seconds": None if intake.heard_at is None else (now - intake.heard_at).total_seconds(),
            "gap_since": _iso(intake.down_since),
            "stopped_until": _iso(stopped) if stopped is not None and stopped > now else None,
            "emergencies_waiting": self._emergencies(sender.account),
            "last_error": max(failures, key=lambda one: str(one["at"]), default=None),
        }

    def _fleet(self) -> dict[str, object] | None:
        """Of all processes on this database; None where this one is alone with it."""
        fleet = self._figures.fleet
        if fleet is None:
            return None
        return {"processes": fleet.processes, "accounts": fleet.accounts, "unowned": list(fleet.unowned)}

    def _emergencies(self, account: str) -> int | None:
        """Lines of life and limb that have not gone out yet; None where the database does not tell."""
        found = self._figures.standing
        if found is None:
            return None
        waiting = (one for one in found.lines if one.state is SendState.QUEUED and one.lane is Lane.EMERGENCY)
        return sum(one.count for one in waiting if one.account == account)

    def _lexicon(self) -> dict[str, object] | None:
        keeper = self._house.lexicon
        if keeper is None:
            return None
        refused = keeper.refused
        why = None if refused is None else {"version": refused.version, "at": _iso(refused.at), "why": refused.why}
        return {"version": keeper.version, "since": _iso(keeper.since), "refused": why}

    def _outbox(self) -> dict[str, int] | None:
        found = self._figures.standing
        if found is None:
            return None
        counts: dict[str, int] = {"queued": 0, "sending": 0, "unknown": 0, "failed": 0}
        for line in found.lines:
            counts[line.state] += line.count
        return counts

    # ---------------------------------------------------------------- the database
    async def _ask_store(self) -> None:
        """Bring the figures up to date, at most every `fresh_for` seconds."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if self._asked_at is not None and now - self._asked_at < self._fresh_for:
                return
            self._store_error = await self._trouble_writing() or await self._trouble_reading()
            self._figures.store_up = not self._store_error
            self._asked_at = asyncio.get_running_loop().time()

    async def _trouble_writing(self) -> str:
        """Why the store cannot be written; empty when it can. There is never more than one such write on its way."""
        if self._probe is None:
            self._probe = asyncio.create_task(self._leave_mark(), name="monitor:probe")
        done, _ = await asyncio.wait([self._probe], timeout=PATIENCE)
        if not done:
            return f"the database has taken no write for {PATIENCE:g} s"
        probe, self._probe = self._probe, None
        error = probe.exception()
        return "" if error is None else _told(error)

    async def _leave_mark(self) -> None:
        now = self._house.clock.now()
        await self._house.store.write(lambda tx: standing.prove_writable(tx, now))

    async def _trouble_reading(self) -> str:
        store, figures = self._house.store, self._figures
        try:
            async with asyncio.timeout(PATIENCE):
                last = self._last_ticket
                if last is None:
                    last = await store.read(standing.last_ticket)
                found = await store.read(lambda tx: standing.read(tx, after_ticket=last))
                figures.loads = await store.read(standbys.loads)
                names = [courier.name for courier in self._house.couriers]
                figures.upward = await store.read(lambda tx: upstreams.standing(tx, names)) if names else {}
                figures.answers = await store.read(lambda tx: answers.standing(tx, names)) if names else {}
                figures.fleet = None if self._house.alone else await store.read(fleet.standing)
        except TimeoutError:
            figures.standing = figures.fleet = None
            return f"the database has answered nothing for {PATIENCE:g} s"
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
            figures.standing = figures.fleet = None
            return _told(error)
        figures.standing = found
        figures.filed.update(found.filed)
        self._last_ticket = found.last_ticket
        return ""


def _told(error: BaseException) -> str:
    """An error for the page: the words of one that nobody foresaw may be anybody's."""
    return str(error) if isinstance(error, StoreError) else type(error).__name__


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
