"""What the dispatcher does about a picture that a notice is to have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from bot.clock import VirtualClock
from bot.showing import show
from bot.transports.simulator import Simulator
from handlers.context import Context, Shown
from storage.engine import Store, StoreError
from storage.leases import no_fence

NOW = datetime(2025, 6, 12, 4, 0, tzinfo=UTC)


class Full:
    """A store that cannot be written."""

    tried = 0

    async def write(self, _: Any) -> None:
        self.tried += 1
        raise StoreError("the disk is full")


async def test_a_store_that_cannot_be_written_does_not_have_the_command_done_twice() -> None:
    clock, store = VirtualClock(NOW), Full()
    wire = Simulator("wx1", clock)
    await show(cast(Store, store), wire, no_fence, clock, cast(Context, None), Shown(1, "m1", picture=True))
    assert store.tried == 1
