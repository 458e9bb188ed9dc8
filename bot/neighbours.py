"""What other processes on the same database did that this one must know at once: lines for its accounts, and changes of
what it keeps in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.dispatch import Dispatcher
from storage import news
from storage.engine import Store, StoreError

log = structlog.get_logger(__name__)

EVERY = 1.0  # seconds


class Neighbours:
    """`wake` is told of each account for which a line was put."""

    def __init__(self, store: Store, dispatcher: Dispatcher, wake: Callable[[str], None]) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._wake = wake
        self._newest: int | None = None  # the last line that was looked at

    async def run(self) -> None:
        """Look every second, until cancelled."""
        while True:
            try:
                await self.step()
            except StoreError as error:
                log.error("store unavailable", action="neighbours", error=str(error))
            await asyncio.sleep(EVERY)

    async def step(self) -> None:
        """Look now. Raises StoreError."""
        last = self._newest
        if last is None:  # who begins to serve an account looks for itself at what waits
            self._newest = await self._store.read(news.newest)
        else:
            self._newest, accounts = await self._store.read(lambda tx: news.since(tx, last))
            for account in accounts:
                self._wake(account)
        await self._dispatcher.refresh()
