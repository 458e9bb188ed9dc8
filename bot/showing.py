"""What a leader showed to the bot for a notice: fetched from the gateway once it is durable that it is wanted."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.clock import Clock
from bot.transports.base import TooLarge, Transport, TransportError
from handlers import notice_files
from handlers.context import Context, Shown
from storage.engine import Store, StoreError, Tx
from storage.leases import Fence
from storage.notice_files import File

log = structlog.get_logger(__name__)


async def show(store: Store, transport: Transport, fence: Fence, clock: Clock, context: Context, shown: Shown) -> None:
    """Fetch it, and tell the notice's author what came of that. Lost in a crash it is missing, and the notice waits for
    it. Raises LeaseLostError."""
    file: File | None = None
    size = 0
    try:
        file = await transport.fetch_file(shown.message_id, picture=shown.picture)
    except TransportError as error:
        size = error.size if isinstance(error, TooLarge) else 0
        log.warning("file not fetched", action="show", account=transport.account, error=type(error).__name__)

    async def work(tx: Tx) -> None:
        await fence(tx)
        await notice_files.fetched(replace(context, tx=tx, now=clock.now()), shown, file, size=size)

    try:
        await store.write(work)
    except StoreError as error:
        # Raised on, it would have the command done twice.
        log.error("store unavailable", action="show", account=transport.account, error=str(error))
