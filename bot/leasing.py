"""Which accounts this process serves, where several share one database."""

from __future__ import annotations

from typing import Protocol

from storage.leases import Fence


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
