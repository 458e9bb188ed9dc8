"""One account at work: its wire, its ear and its voice, from the moment it is this process's until it is not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from bot.dispatch import Dispatcher
from bot.intake import Intake
from bot.sender import Sender
from bot.transports.base import Rejected, Transport
from storage.engine import StoreError
from storage.errors import LeaseLostError
from storage.leases import Fence, no_fence

log = structlog.get_logger(__name__)

# Seconds that a stop gives to what was accepted, and then to what is being sent.
LISTENED_OUT = 1.5
ONE_SEND = 1.5
STORE_RETRY = 1.0
MENDED_AFTER = 60.0  # seconds until an account that broke down is tried anew

# The ear and the voice of a wire, which write behind this fence.
Furnish = Callable[[Transport, Fence], tuple[Intake, Sender]]


class Seat:
    """What goes wrong with one account, be it a wrong token or a defect of ours, takes down its seat alone; it is made
    anew a minute later."""

    def __init__(
        self,
        account: str,
        dial: Callable[[str], Transport],
        furnish: Furnish,
        dispatcher: Dispatcher,
        *,
        broken: Callable[[str, str], None],
        fence: Fence = no_fence,
    ) -> None:
        """`dial` makes a wire that is not connected yet. Everything that is written for the account begins with
        `fence`. `broken` is told of the account and why it went down."""
        self.account = account
        self.down = False
        self._dial = dial
        self._furnish = furnish
        self._dispatcher = dispatcher
        self._broken = broken
        self._fence = fence
        self._closing = asyncio.Event()
        self._lost = False
        self._started = False
        self._make()

    def _make(self) -> None:
        self.transport = self._dial(self.account)
        self.intake, self.sender = self._furnish(self.transport, self._fence)

    @property
    def online(self) -> bool:
        return not self.down and self.transport.online

    async def start(self) -> None:
        """Read what must be known before the first message, and settle what a crash left. Raises StoreError."""
        await self._dispatcher.add(self.transport, self._fence)
        await self.sender.start()
        self._started = True

    def leave(self) -> None:
        """Serve it no more."""
        self._dispatcher.remove(self.account)

    def close(self, *, lost: bool) -> None:
        """Ask `live` to end: after what was accepted and the line being sent, or, where the account is another
        process's by now (`lost`), after that line alone."""
        self._lost = self._lost or lost
        self._closing.set()
        if lost:
            self.sender.stop()
            self.leave()

    async def live(self, *, refusable: bool = False) -> None:
        """Serve the account until `close`, or until it turns out to be another process's. Raises nothing but, where it
        is `refusable`, Rejected: the gateway refuses the token at the first connection."""
        while not self._closing.is_set():
            pause = MENDED_AFTER
            try:
                if not self._started:
                    await self.start()
                self.down = False
                await self._work()
                return
            except StoreError as error:  # while it was being started: what works waits for the store by itself
                pause = STORE_RETRY
                log.error("store unavailable", action="seat", account=self.account, error=str(error))
            except LeaseLostError:
                log.warning("the account is another process's", action="seat", account=self.account)
                return
            except Rejected as error:
                if refusable:
                    raise
                self._go_down(str(error))
            except Exception as error:
                log.exception("seat failed", action="seat", account=self.account)
                self._go_down(f"a defect, {type(error).__name__}: see the log")
            finally:
                self.leave()
                await self.transport.close()
            refusable = self._started = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
            if not self._closing.is_set():
                self._make()

    def _go_down(self, why: str) -> None:
        self.down = True
        log.error("account down", action="seat", account=self.account, error=why)
        self._broken(self.account, why)

    async def _work(self) -> None:
        """Listen, work off and send. Raises the first thing that ends it before its time."""
        ear = asyncio.create_task(self.intake.run(), name=f"intake:{self.account}")
        middle = asyncio.create_task(self._dispatcher.attend(self.account), name=f"attend:{self.account}")
        voice = asyncio.create_task(self.sender.run(), name=f"send:{self.account}")
        closing = asyncio.create_task(self._closing.wait(), name=f"closing:{self.account}")
        tasks = (ear, middle, voice)
        try:
            await asyncio.wait((*tasks, closing), return_when=asyncio.FIRST_COMPLETED)
            if self._closing.is_set() and not self._lost:
                await self._listen_out()
            ear.cancel()
            middle.cancel()
            self.leave()
            self.sender.stop()
            await asyncio.wait((voice,), timeout=ONE_SEND)
        finally:
            for task in (*tasks, closing):
                task.cancel()
            ended = await asyncio.gather(*tasks, closing, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise _root(error)

    async def _listen_out(self) -> None:
        """Hear no more; what was heard is made durable and worked off, as far as the time goes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTENED_OUT):
                await self.intake.stop()
                await self._dispatcher.idle(self.account)


def _root(error: Exception) -> Exception:
    """The first of a group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
