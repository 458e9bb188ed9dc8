"""Time as the program sees it: nothing else reads the machine's clock, so tests, replay and demo bring their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware."""
        ...

    async def wait(self, wake: asyncio.Event, until: datetime | None) -> None:
        """Return when `wake` is set (and clear it) or the moment has come; None waits for `wake` alone."""
        ...


class SystemClock:
    """The machine's clock; `speed` makes it run faster from the moment of its making, for the demo."""

    def __init__(self, *, start: datetime | None = None, speed: float = 1.0) -> None:
        self._start = start or datetime.now(UTC)
        self._zero = time.monotonic()
        self._shown = start is not None or speed != 1.0
        self.speed = speed

    def now(self) -> datetime:
        if not self._shown:
            return datetime.now(UTC)
        return self._start + timedelta(seconds=(time.monotonic() - self._zero) * self.speed)

    async def wait(self, wake: asyncio.Event, until: datetime | None) -> None:
        seconds = None if until is None else max(0.0, (until - self.now()).total_seconds() / self.speed)
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
        except TimeoutError:
            return
        wake.clear()


class VirtualClock:
    """A clock that stands still until somebody moves it; it never runs back."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, to: datetime) -> None:
        """Move to a moment; one that is already past leaves the clock where it is."""
        self._now = max(self._now, to)

    async def wait(self, wake: asyncio.Event, until: datetime | None) -> None:  # noqa: ARG002
        """Virtual time is moved from outside, step by step, so only `wake` ends a wait."""
        await wake.wait()
        wake.clear()
