"""The voice: what becomes of a line on each of the ways a send can end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.pacing import Budget
from bot.sender import Sender
from bot.transports.simulator import Simulator
from storage import outbox
from storage.engine import Store
from storage.model import Draft, Lane, PostKind, SendState

NOON = datetime(2025, 6, 12, 4, 0, tzinfo=UTC)


@dataclass
class Mouth:
    store: Store
    clock: VirtualClock
    wire: Simulator
    sender: Sender

    async def queue(self, key: str, *, to: str = "r1", lane: Lane = Lane.REPLY, after: float = 0) -> None:
        draft = Draft(
            key=key,
            account="sim",
            conversation=to,
            text=f"line {key}",
            kind=PostKind.COMMAND_REPLY,
            lane=lane,
            not_before=self.clock.now() + timedelta(seconds=after),
            created_at=self.clock.now(),
        )
        await self.store.write(lambda tx: outbox.put(tx, draft))

    async def state(self, state: SendState) -> list[str]:
        return [row.key for row in await self.store.read(lambda tx: outbox.by_state(tx, state))]

    async def run_for(self, seconds: float) -> None:
        """Let the sender work whenever it asked to be called again."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while True:
            again_at = await self.sender.step()
            if again_at is None or again_at > end:
                break
            self.clock.advance(again_at)
        self.clock.advance(end)

    def said(self) -> list[str]:
        return [sent.text.removeprefix("line ") for sent in self.wire.sent]


@pytest.fixture
async def mouth(tmp_path: Path) -> AsyncIterator[Mouth]:
    clock = VirtualClock(NOON)
    wire = Simulator("sim", clock, echo=True)
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as store:
        sender = Sender(store, wire, Budget(), clock, seed=1)
        await sender.start()
        yield Mouth(store, clock, wire, sender)


async def test_lines_go_out_at_the_accounts_pace(mouth: Mouth) -> None:
    for n in range(4):
        await mouth.queue(f"a{n}", to=f"r{n}")
    await mouth.run_for(60)
    assert mouth.said() == ["a0", "a1", "a2", "a3"]
    gaps = [b.at - a.at for a, b in pairwise(mouth.wire.sent)]
    assert all(timedelta(seconds=6) <= gap <= timedelta(seconds=12) for gap in gaps)
    assert await mouth.state(SendState.SENT) == ["a0", "a1", "a2", "a3"]


async def test_an_emergency_overtakes(mouth: Mouth) -> None:
    await mouth.queue("first")
    await mouth.queue("waiting")
    await mouth.run_for(1)
    await mouth.queue("fire", lane=Lane.EMERGENCY)
    await mouth.run_for(30)
    assert mouth.said() == ["first", "fire", "waiting"]


async def test_a_line_waits_for_its_moment_and_another_room_goes_ahead(mouth: Mouth) -> None:
    await mouth.queue("later", after=20)
    await mouth.queue("now", to="r2")
    await mouth.run_for(10)
    assert mouth.said() == ["now"]
    await mouth.run_for(15)
    assert mouth.said() == ["now", "later"]


async def test_a_throttle_sends_nothing_twice_and_waits_ten_minutes(mouth: Mouth) -> None:
    mouth.wire.faults.throttle_sends = 1
    await mouth.queue("a")
    await mouth.run_for(9 * 60)
    assert mouth.said() == []
    assert await mouth.state(SendState.QUEUED) == ["a"]
    await mouth.run_for(2 * 60)
    assert mouth.said() == ["a"]


async def test_a_rejected_line_is_failed_and_the_next_goes_on(mouth: Mouth) -> None:
    mouth.wire.faults.fail_sends = 1
    await mouth.queue("bad")
    await mouth.queue("good", to="r2")
    await mouth.run_for(60)
    assert mouth.said() == ["good"]
    assert await mouth.state(SendState.FAILED) == ["bad"]


async def test_an_unknown_outcome_is_never_repeated_and_the_echo_settles_it(mouth: Mouth) -> None:
    mouth.wire.faults.lose_answers = 1
    await mouth.queue("a")
    await mouth.run_for(3600)
    assert mouth.said() == ["a"]
    assert await mouth.state(SendState.UNKNOWN) == ["a"]
    echo = next(event.message for event in mouth.wire.take() if event.message is not None)
    settled = await mouth.store.write(
        lambda tx: outbox.confirm_echo(tx, "sim", "r1", echo.text, echo.id, mouth.clock.now())
    )
    assert settled
    assert await mouth.state(SendState.SENT) == ["a"]


async def test_a_broken_link_keeps_the_line(mouth: Mouth) -> None:
    mouth.wire.drop_link()
    await mouth.queue("a")
    await mouth.run_for(60)
    assert await mouth.state(SendState.QUEUED) == ["a"]
    mouth.wire.restore_link()
    await mouth.run_for(60)
    assert mouth.said() == ["a"]


async def test_a_crash_in_mid_send_leaves_an_unknown_line_and_the_send_log(mouth: Mouth) -> None:
    for n in range(6):
        await mouth.queue(f"a{n}", to=f"r{n}", lane=Lane.EMERGENCY)
    await mouth.run_for(0)
    assert len(mouth.wire.sent) == 6, "the minute is used up"
    await mouth.queue("crash")
    (row,) = await mouth.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    await mouth.store.write(lambda tx: outbox.mark_sending(tx, row.id, mouth.clock.now()))
    again = Sender(mouth.store, mouth.wire, Budget(), mouth.clock, seed=1)
    assert await again.start() == 1
    assert await mouth.state(SendState.UNKNOWN) == ["crash"]
    await mouth.queue("next", lane=Lane.EMERGENCY)
    assert await again.step() == NOON + timedelta(minutes=1), "the restart remembers what was sent"


async def test_a_link_that_was_silent_for_a_while_is_tried_again(mouth: Mouth) -> None:
    await mouth.queue("first")
    mouth.wire.drop_link()
    await mouth.run_for(10)
    assert mouth.said() == []
    assert mouth.sender.outcomes == {}
    mouth.wire.restore_link()
    await mouth.run_for(4)
    assert mouth.said() == ["first"]
