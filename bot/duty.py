"""What one process of all does: tickets go up, answers come down, devices and platforms are listened to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from storage.engine import StoreError
from storage.errors import LeaseLostError
from storage.leases import Fence, no_fence

if TYPE_CHECKING:
    from bot.listener import Listener
    from bot.sync.answers import Puller
    from bot.sync.courier import Courier

log = structlog.get_logger(__name__)

ONE_REQUEST = 1.5  # seconds that an end gives to the requests under way
STORE_RETRY = 1.0  # seconds


class Duty:
    """Couriers, pullers and listeners, begun and ended together, any number of times."""

    def __init__(self, couriers: Sequence[Courier], pullers: Sequence[Puller], listeners: Sequence[Listener]) -> None:
        self.couriers = couriers
        self._pullers = pullers
        self._listeners = listeners
        self._ended = asyncio.Event()

    async def prepare(self) -> None:
        """Look at what an earlier life left. Raises LeaseLostError, StoreError."""
        for courier in self.couriers:
            await courier.start()

    def begin(self, fence: Fence = no_fence) -> None:
        """Make ready for a `run`. No courier sends any more once another process is on duty."""
        self._ended.clear()
        for courier in self.couriers:
            courier.fence = fence

    def end(self) -> None:
        """Ask `run` to end after the requests under way."""
        self._ended.set()

    async def run(self) -> None:
        """Do it until `end`."""
        async with contextlib.AsyncExitStack() as pages:
            for listener in self._listeners:
                await pages.enter_async_context(listener.listening())
            runners: list[Courier | Puller] = [*self.couriers, *self._pullers]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one.run(), name=f"{type(one).__name__}:{one.name}") for one in runners]
                await self._ended.wait()
                for one in runners:
                    one.stop()
                if tasks:
                    await asyncio.wait(tasks, timeout=ONE_REQUEST)
                for task in tasks:
                    task.cancel()

    async def take_over(self) -> None:
        """`prepare` and `run`, where the store may have to be waited for."""
        while True:
            try:
                await self.prepare()
                break
            except LeaseLostError:
                log.warning("the duty is another process's", action="duty")
                return
            except StoreError as error:
                log.error("store unavailable", action="duty", error=str(error))
                await asyncio.sleep(STORE_RETRY)
        await self.run()
