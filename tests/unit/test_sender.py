"""The voice: what becomes of a line on each of the ways a send can end."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.clock import VirtualClock
from bot.pacing import DAY, HOUR, Budget
from bot.sender import GIVE_UP_AFTER, Sender
from bot.transports.base import Offline, Throttled
from bot.transports.simulator import Simulator
from storage import accounts, outbox
from storage.accounts import Account
from storage.engine import Store, Tx
from storage.errors import LeaseLostError
from storage.model import Draft, Lane, Outgoing, PostKind, SendState
from storage.tables.wire import outbox as outbox_table

NOON = datetime(2025, 6, 12, 4, 0, tzinfo=UTC)


@dataclass
class Mouth:
    store: Store
    clock: VirtualClock
    wire: Simulator
    sender: Sender
    budget: Budget = field(default_factory=Budget)

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

    async def restart(self, budget: Budget | None = None) -> None:
        """The program ends here, whatever it was doing, and another begins."""
        self.budget = budget or self.budget
        self.sender = Sender(self.store, self.wire, self.budget, self.clock, seed=1)
        await self.sender.start()

    async def line(self, key: str) -> Outgoing:
        every = [row for state in SendState for row in await by_state(self, state)]
        (line,) = (row for row in every if row.key == key)
        return line

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


async def test_an_alarm_overtakes_an_urgent_notice_to_all_groups(mouth: Mouth) -> None:
    for n in range(60):
        await mouth.queue(f"notice:1:{n}", to=f"r{n}", lane=Lane.EMERGENCY)
    await mouth.run_for(15)
    said_before = len(mouth.said())
    assert 0 < said_before < 10
    await mouth.queue("detour:b:T1", to="office", lane=Lane.EMERGENCY)
    await mouth.run_for(3600)
    assert mouth.said()[said_before] == "detour:b:T1"
    assert len(mouth.said()) == 61


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


# ---------------------------------------------------------------- what outlives the program
async def test_a_stop_and_a_halved_rate_outlive_the_program(mouth: Mouth) -> None:
    mouth.wire.faults.throttle_sends = 1
    await mouth.queue("a")
    await mouth.run_for(60)
    await mouth.restart()
    stopped = await mouth.store.read(lambda tx: accounts.stopped(tx, mouth.clock.now()))
    assert [(one.name, one.stopped_until, one.throttled_at, one.share) for one in stopped] == [
        ("sim", NOON + timedelta(minutes=10), NOON, 0.5)
    ]
    assert await mouth.sender.step() == NOON + timedelta(minutes=10)
    for n in range(8):
        await mouth.queue(f"b{n}", to=f"b{n}", lane=Lane.EMERGENCY)
    await mouth.run_for(9.5 * 60)
    assert len(mouth.wire.sent) == 3, "a minute at half the rate, also for emergencies"
    await mouth.restart()
    await mouth.run_for(60)
    assert len(mouth.wire.sent) == 6
    await mouth.run_for(2 * 3600)
    await mouth.restart()
    assert mouth.sender.pacer.share(mouth.clock.now()) == 1


async def test_a_throttle_that_a_message_told_of_outlives_the_program(mouth: Mouth) -> None:
    mouth.sender.throttled()
    await mouth.queue("a")
    mouth.wire.drop_link()
    await mouth.sender.step()
    mouth.wire.restore_link()
    await mouth.restart()
    assert await mouth.sender.step() == NOON + timedelta(minutes=10)
    assert mouth.said() == []


async def test_a_new_account_begins_slowly_from_its_first_login(mouth: Mouth) -> None:
    budget = Budget(ramp_days=14)
    mouth.wire.drop_link()
    await mouth.restart(budget)
    await mouth.run_for(3600)
    assert await mouth.store.read(lambda tx: accounts.get(tx, "sim")) is None, "it has not been there yet"
    mouth.wire.restore_link()
    for n in range(70):
        await mouth.queue(f"a{n}", to=f"r{n}", lane=Lane.NOTICE)
    first = mouth.clock.now()
    await mouth.run_for(3599)
    assert len(mouth.said()) == 20, "five sixths of a fifth of 120"
    await mouth.restart(budget)
    assert await mouth.store.read(lambda tx: accounts.get(tx, "sim")) == Account("sim", since=first)
    await mouth.run_for(20 * 3600)
    assert len(mouth.said()) == 50
    await mouth.run_for(4 * 3600)
    assert len(mouth.said()) == 70, "the second day"


async def test_somebody_says_that_the_account_is_old(mouth: Mouth) -> None:
    await mouth.store.write(lambda tx: accounts.begin(tx, "sim", NOON - 30 * DAY))
    await mouth.restart(Budget(ramp_days=14))
    for n in range(70):
        await mouth.queue(f"a{n}", to=f"r{n}", lane=Lane.NOTICE)
    await mouth.run_for(3600)
    assert len(mouth.said()) == 70


# ---------------------------------------------------------------- lines that break things
@dataclass
class Poisoned(Simulator):
    """A wire on which one text always ends in this error."""

    poison: str = ""
    error: Exception | None = None
    tries: int = 0

    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        if text == self.poison and self.error is not None:
            self.tries += 1
            raise self.error
        return await super().send_text(conversation, text, mentions)


@pytest.fixture
async def poisoned(mouth: Mouth) -> Mouth:
    mouth.wire = Poisoned("sim", mouth.clock, poison="line bad")
    await mouth.restart()
    return mouth


async def test_a_line_that_breaks_the_transport_is_left_to_a_person(poisoned: Mouth) -> None:
    wire = poisoned.wire
    assert isinstance(wire, Poisoned)
    wire.error = TypeError("a defect")
    await poisoned.queue("bad")
    for n in range(3):
        await poisoned.queue(f"a{n}", to=f"r{n}")
    await poisoned.run_for(3600)
    await poisoned.restart()
    await poisoned.run_for(3600)
    assert poisoned.said() == ["a0", "a1", "a2"]
    line = await poisoned.line("bad")
    assert (wire.tries, line.state, line.error) == (1, SendState.UNKNOWN, "TypeError, see the log")


async def test_a_line_that_kills_the_program_is_tried_once(poisoned: Mouth) -> None:
    wire = poisoned.wire
    assert isinstance(wire, Poisoned)
    wire.error = asyncio.CancelledError()  # type: ignore[assignment]  # nothing is written down after that
    await poisoned.queue("bad")
    await poisoned.queue("good", to="r2")
    for _ in range(4):
        try:
            await poisoned.run_for(60)
        except asyncio.CancelledError:
            await poisoned.restart()
    assert wire.tries == 1
    assert poisoned.said() == ["good"]
    assert await poisoned.state(SendState.UNKNOWN) == ["bad"]


async def test_a_line_that_is_always_throttled_is_given_up_and_the_others_go_on(poisoned: Mouth) -> None:
    wire = poisoned.wire
    assert isinstance(wire, Poisoned)
    wire.error = Throttled("simulated")
    await poisoned.queue("bad")
    for n in range(3):
        await poisoned.queue(f"a{n}", to=f"r{n}")
    for _ in range(8):
        await poisoned.run_for(11 * 60)
        await poisoned.restart()
    assert wire.tries == GIVE_UP_AFTER
    assert poisoned.said() == ["a0", "a1", "a2"]
    line = await poisoned.line("bad")
    assert (line.state, line.error) == (SendState.FAILED, "throttled")


async def test_a_link_that_breaks_at_each_call_counts_no_tries_and_turns_no_order(poisoned: Mouth) -> None:
    wire = poisoned.wire
    assert isinstance(wire, Poisoned)
    wire.error = Offline("gone")
    await poisoned.queue("bad")
    await poisoned.queue("next")
    await poisoned.run_for(60)
    line = await poisoned.line("bad")
    assert (wire.tries, line.state, line.attempts) == (21, SendState.QUEUED, 0)
    assert poisoned.sender.pacer.used(poisoned.clock.now()) == (0, 0, 0), "nothing left"
    wire.error = None
    await poisoned.run_for(30)
    assert poisoned.said() == ["bad", "next"]


# ---------------------------------------------------------------- a broadcast
def least(lines: int) -> timedelta:
    """As in test_pacing: 100 notices an hour, 6 a minute, 6 s between two."""
    hours, rest = divmod(lines - 1, 100)
    minutes, rest = divmod(rest, 6)
    return timedelta(hours=hours, minutes=minutes, seconds=rest * 6)


async def test_a_broadcast_goes_out_in_the_least_time_and_answers_go_first(mouth: Mouth) -> None:
    """190 groups, a crash every five minutes, answers and an emergency in between."""
    for n in range(190):
        await mouth.queue(f"n{n}", to=f"r{n}", lane=Lane.NOTICE)
    asked = {}
    for minute in range(0, 90, 5):
        if minute in (0, 10):
            for n in range(3):
                await mouth.queue(f"answer{minute}-{n}", to=f"r{100 + n}")
                asked[f"answer{minute}-{n}"] = mouth.clock.now()
        if minute == 30:
            await mouth.queue("fire", to="r3", lane=Lane.EMERGENCY)
            asked["fire"] = mouth.clock.now()
        await mouth.run_for(300)
        await mouth.restart()
    heard = {sent.text.removeprefix("line "): sent.at for sent in mouth.wire.sent}
    assert len(mouth.wire.sent) == len(heard) == 197
    for key, at in asked.items():
        assert heard[key] - at <= timedelta(seconds=0 if key == "fire" else 60), key
    took = max(heard.values()) - NOON
    assert least(190) <= took <= 1.1 * least(190)


def most_in(moments: Sequence[datetime], span: timedelta) -> int:
    """The largest number of sends in any half-open window of that length."""
    return max(sum(first <= at < first + span for at in moments) for first in moments)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_no_budget_is_exceeded_and_no_line_doubled(mouth: Mouth, seed: int) -> None:
    """Lanes, throttles, refusals, lost answers, lost links, crashes, also in mid-send, a new account: in any order."""
    chance = random.Random(seed)
    tight = Budget(per_minute=3, per_hour=15, per_day=60, ramp_days=2, ramp_start=0.5)
    await mouth.restart(tight)
    lines = 0
    for _ in range(40):
        for _ in range(chance.randrange(4)):
            lane = chance.choice(list(Lane))
            await mouth.queue(f"a{lines}", to=f"r{chance.randrange(5)}", lane=lane, after=chance.uniform(0, 900))
            lines += 1
        match chance.randrange(8):
            case 0:
                mouth.wire.faults.throttle_sends = 1
            case 1:
                mouth.wire.faults.fail_sends = 1
            case 2:
                mouth.wire.faults.lose_answers = 1
            case 3:
                mouth.wire.drop_link()
            case 4:
                mouth.wire.restore_link()
            case 5:
                await mouth.restart()
            case 6:
                now = mouth.clock.now()
                waiting = await mouth.store.read(lambda tx: outbox.due(tx, "sim", now))  # noqa: B023
                if waiting:  # killed between the mark and the call: nobody knows whether it left
                    await mouth.store.write(lambda tx: outbox.mark_sending(tx, waiting[0].id, now))  # noqa: B023
                await mouth.restart()
        await mouth.run_for(chance.uniform(0, 1800))
    mouth.wire.restore_link()
    await mouth.run_for(3 * DAY.total_seconds())
    assert await mouth.state(SendState.QUEUED) == await mouth.state(SendState.SENDING) == []
    assert len(mouth.said()) == len(set(mouth.said())) > lines / 2
    moments = [sent.at for sent in mouth.wire.sent]
    assert most_in(moments, timedelta(minutes=1)) <= 3
    assert most_in(moments, HOUR) <= 15
    assert most_in([at for at in moments if at < NOON + DAY], DAY) <= 30, "half of it on the first day"
    assert most_in(moments, DAY) <= 60
    for room in {sent.conversation for sent in mouth.wire.sent}:
        there = [sent.at for sent in mouth.wire.sent if sent.conversation == room]
        assert all(after - before >= timedelta(seconds=8) for before, after in pairwise(there))
    urgent = {line.key for state in SendState for line in await by_state(mouth, state) if line.lane is Lane.EMERGENCY}
    for before, after in pairwise(mouth.wire.sent):
        if after.text.removeprefix("line ") not in urgent:
            assert after.at - before.at >= timedelta(seconds=6)


async def by_state(mouth: Mouth, state: SendState) -> list[Outgoing]:
    return await mouth.store.read(lambda tx: outbox.by_state(tx, state))


async def test_a_claim_costs_the_same_however_much_waits(mouth: Mouth) -> None:
    statements: list[str] = []
    engines = (mouth.store._writer, mouth.store._readers)
    for engine in engines:
        assert engine is not None
        sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    costs = []
    for waiting in (3, 300):
        for n in range(waiting):
            await mouth.queue(f"n{waiting}-{n}", to=f"r{n}", lane=Lane.NOTICE)
        mouth.clock.advance(mouth.clock.now() + HOUR)
        statements.clear()
        await mouth.sender.step()
        costs.append(len([one for one in statements if "outbox" in one]))
    assert costs[0] == costs[1] <= 6, "look, claim, settle; then look, and when the next is due"


async def test_who_else_can_say_it_is_told_of_an_emergency_that_waits(mouth: Mouth) -> None:
    told: list[str] = []

    async def stalled(account: str) -> None:
        told.append(account)

    mouth.sender = Sender(mouth.store, mouth.wire, Budget(), mouth.clock, stalled=stalled)
    await mouth.sender.start()
    mouth.wire.faults.throttle_sends = 1
    await mouth.queue("a")
    await mouth.run_for(60)
    assert told == [], "nothing urgent waits"
    await mouth.queue("fire", lane=Lane.EMERGENCY)
    await mouth.run_for(60)
    assert told == ["sim"]
    await mouth.run_for(60)
    assert told == ["sim"], "once"
    await mouth.queue("flood", lane=Lane.EMERGENCY)
    await mouth.run_for(60)
    assert told == ["sim", "sim"]
    await mouth.run_for(3600)
    assert mouth.said() == ["fire", "flood", "a"]


async def test_figures_are_those_of_the_moment(mouth: Mouth) -> None:
    budget = replace(Budget(), ramp_days=14)
    await mouth.restart(budget)
    await mouth.queue("a")
    await mouth.run_for(1)
    pacer, now = mouth.sender.pacer, mouth.clock.now()
    assert (pacer.used(now), pacer.limits(now), pacer.ramp(now)) == ((1, 1, 1), (6, 24, 60), 0.2)


async def test_a_line_that_changed_while_its_turn_came_is_looked_at_again(mouth: Mouth) -> None:
    """Between the look at what waits and the claim another message is joined to it, or another account takes its group
    over: the old words are not said, and not through the old account."""
    changes: dict[str, dict[str, str]] = {}

    async def meanwhile(tx: Tx) -> None:
        for key, values in changes.items():
            await tx.execute(sa.update(outbox_table).where(outbox_table.c.key == key).values(values))
        changes.clear()

    mouth.sender = Sender(mouth.store, mouth.wire, Budget(), mouth.clock, fence=meanwhile, seed=1)
    await mouth.run_for(1)  # it logs in
    await mouth.queue("merged")
    await mouth.queue("moved", to="r2")
    changes |= {"merged": {"text": "both"}, "moved": {"account": "other", "conversation": "theirs"}}
    await mouth.run_for(60)
    assert [(sent.conversation, sent.text) for sent in mouth.wire.sent] == [("r1", "both")]
    assert await mouth.state(SendState.QUEUED) == ["moved"]


async def test_a_throttle_told_to_a_process_that_lost_the_account_slows_nobody_down(mouth: Mouth) -> None:
    lost = False

    async def fence(tx: Tx) -> None:
        if lost:
            raise LeaseLostError("sim is another process's now")

    mouth.sender = Sender(mouth.store, mouth.wire, Budget(), mouth.clock, fence=fence, seed=1)
    await mouth.run_for(1)  # it logs in
    before = await mouth.store.read(lambda tx: accounts.get(tx, "sim"))
    lost = True
    mouth.sender.throttled()
    with pytest.raises(LeaseLostError):
        await mouth.sender.step()
    assert await mouth.store.read(lambda tx: accounts.get(tx, "sim")) == before
    lost = False
    await mouth.sender.step()
    after = await mouth.store.read(lambda tx: accounts.get(tx, "sim"))
    assert after is not None
    assert after.stopped_until is not None
