"""Several processes that share accounts, in virtual time: their seats are lists, their database is a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from bot.leasing import POLL, Leasing
from storage.engine import Store, Tx
from storage.errors import LeaseLostError, StoreError
from storage.leases import Fence, Process

T = TypeVar("T")
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


class Time:
    """The database's clock and everybody's monotonic one."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    async def clock(self, tx: Tx) -> datetime:
        return START + timedelta(seconds=self.seconds)


class Line:
    """A way to the store that can be cut. `asked` counts what was written over it in turn, `renewed` what was aside."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.up = True
        self.asked = self.renewed = 0

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        self._alive()
        self.asked += 1
        return await self.store.write(work)

    async def aside(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        self._alive()
        self.renewed += 1
        return await self.store.aside(work)

    async def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        self._alive()
        return await self.store.read(work)

    def _alive(self) -> None:
        if not self.up:
            raise StoreError("the database is away")


@dataclass
class Hall:
    """The seats of one process: what is open, and all that was asked."""

    open_now: dict[str, Fence] = field(default_factory=dict)
    fences: list[tuple[str, Fence]] = field(default_factory=list)  # every one that was ever given out
    said: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # accounts that do not open
    hold: asyncio.Event | None = None  # while it is not set, nothing opens and nothing closes gracefully

    async def open(self, account: str, fence: Fence) -> None:
        assert account not in self.open_now
        self.said.append(f"open {account}")
        if self.hold is not None:
            await self.hold.wait()
        if account in self.broken:
            raise RuntimeError("a wrong token")
        self.open_now[account] = fence
        self.fences.append((account, fence))

    async def close(self, account: str, *, lost: bool) -> None:
        self.said.append(f"{'drop' if lost else 'close'} {account}")
        if self.hold is not None and not lost:
            await self.hold.wait()
        self.open_now.pop(account, None)

    async def take_duty(self, fence: Fence) -> None:
        assert "duty" not in self.open_now
        self.open_now["duty"] = fence
        self.fences.append(("duty", fence))

    async def leave_duty(self) -> None:
        self.open_now.pop("duty", None)

    @property
    def accounts(self) -> set[str]:
        return self.open_now.keys() - {"duty"}

    @property
    def on_duty(self) -> bool:
        return "duty" in self.open_now


@dataclass
class Member:
    """One process of the fleet."""

    leasing: Leasing
    hall: Hall
    line: Line
    frozen: bool = False  # does nothing at all, and comes back as it was
    dead: bool = False


class Fleet:
    """Processes that step as the clock is moved."""

    def __init__(self, accounts: Collection[str]) -> None:
        self.time = Time()
        self.names = list(accounts)
        self.members: list[Member] = []

    def join(self, store: Store, **options: Any) -> Member:
        """Start a process; it takes its first step when time goes on."""
        line, hall = Line(store), Hall()
        options = {"gone": lambda process: False, "clock": self.time.clock} | options
        leasing = Leasing(
            line,  # type: ignore[arg-type]
            hall,
            self.names,
            version="0",
            monotonic=self.time.monotonic,
            **options,
        )
        self.members.append(Member(leasing, hall, line))
        return self.members[-1]

    @property
    def living(self) -> list[Member]:
        return [member for member in self.members if not member.frozen and not member.dead]

    async def live(self, seconds: float) -> None:
        """Let time go on, second by second; everybody looks as often as a process does."""
        for _ in range(round(seconds)):
            self.time.seconds += 1
            for member in self.living:
                member.leasing.check()
                if self.time.seconds % POLL == 0:
                    await member.leasing.step()
            await self.settle()

    async def settle(self) -> None:
        """Let what opens and closes do so."""
        for _ in range(6):
            await asyncio.sleep(0)

    def served(self) -> dict[str, int]:
        """How many of the living serve each account."""
        return {name: sum(name in member.hall.open_now for member in self.living) for name in self.names}

    def counts(self) -> list[int]:
        """How many accounts each of the living has, fewest first."""
        return sorted(len(member.hall.accounts) for member in self.living)

    async def passing(self, store: Store) -> dict[str, int]:
        """How many of all the fences that were ever given out would let a write through, by account."""

        async def ask(tx: Tx) -> dict[str, int]:
            through: dict[str, int] = {}
            for member in self.members:
                for account, fence in member.hall.fences:
                    if await passes(tx, fence):
                        through[account] = through.get(account, 0) + 1
            return through

        return await store.write(ask)


async def passes(tx: Tx, fence: Fence) -> bool:
    try:
        await fence(tx)
    except LeaseLostError:
        return False
    return True


def accounts(count: int) -> list[str]:
    return [f"wx{number}" for number in range(count)]


def process(holder: str, *, wants: Sequence[str] | None = None, at: datetime = START) -> Process:
    """A row of a process."""
    return Process(holder, "n1", "", 1, "0", None if wants is None else tuple(wants), at, at + timedelta(seconds=30))
