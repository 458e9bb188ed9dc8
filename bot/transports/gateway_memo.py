"""A bounded memory of answers from the gateway: names and topics, each asked for once and forgotten in time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Least recently used entries go first; entries older than `ttl` seconds are asked for again.

    Callers who ask for the same key at once share one call. `time` is a monotonic clock in seconds.
    """

    def __init__(self, size: int, ttl: float, time: Callable[[], float]) -> None:
        self._size = size
        self._ttl = ttl
        self._time = time
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def peek(self, key: K) -> V | None:
        """What is known now, without asking; None where nothing is."""
        entry = self._kept.get(key)
        if entry is None or entry[1] < self._time():
            return None
        self._kept.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, ttl: float | None = None) -> None:
        self._kept[key] = (value, self._time() + (self._ttl if ttl is None else ttl))
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    async def get(self, key: K, ask: Callable[[], Awaitable[tuple[V, float | None]]]) -> V:
        """The value of `key`, from `ask` where it is not known: (value, seconds it holds or None for the usual).

        Raises what `ask` raises, to everybody who waits for it; a failure is not remembered.
        """
        value = self.peek(key)
        if value is not None:
            return value
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, ask), name="memo")
            self._asking[key] = task
            task.add_done_callback(_retrieve)
        # One caller's cancellation must not fail the others.
        return await asyncio.shield(task)

    async def _ask(self, key: K, ask: Callable[[], Awaitable[tuple[V, float | None]]]) -> V:
        me = asyncio.current_task()
        try:
            value, ttl = await ask()
            if self._asking.get(key) is me:  # else it was dropped meanwhile, and the answer may be the old one
                self.put(key, value, ttl)
            return value
        finally:
            if self._asking.get(key) is me:
                del self._asking[key]

    def drop(self, key: K) -> None:
        """Forget a key, also the answer that is on its way."""
        self._kept.pop(key, None)
        self._asking.pop(key, None)

    def drop_where(self, matches: Callable[[K], bool]) -> None:
        """Forget all keys that match; it looks at every key, so this is for rare events."""
        for key in [key for key in (*self._kept, *self._asking) if matches(key)]:
            self.drop(key)


def _retrieve(task: asyncio.Task[V]) -> None:
    """An error that nobody waits for any more is nobody's."""
    if not task.cancelled():
        task.exception()
