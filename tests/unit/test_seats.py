"""Seats that open and close while houses run on one store: nothing is lost, nothing is done twice, order is kept."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot import house as housing
from bot.channel import Channel
from bot.clock import Clock, SystemClock, VirtualClock
from bot.dispatch import Dispatcher
from bot.house import Fleet, House
from bot.intake import Intake
from bot.leasing import Seats
from bot.monitor import Watch
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.base import Event, Offline, Rejected, Transport
from bot.transports.simulator import Simulator
from handlers import timers
from handlers.context import Effects, Policy
from nlp import categories
from nlp.decision import Analysis
from nlp.pipeline import Classifier
from storage import inbox, leases, outbox, rooms, tickets
from storage.engine import Store, Tx
from storage.errors import LeaseLostError
from storage.leases import Fence, Process
from storage.model import Alias, Draft, Grant, Lane, Message, MessageKind, PostKind, Role, SendState
from storage.standbys import Standby
from storage.testing import fresh_store
from tests.unit.test_house import until

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
QUICK = Budget(per_minute=10_000, per_hour=10_000, per_day=10_000, gap=(0, 0), per_room_gap=0)
ACCOUNTS = ("wx1", "wx2", "wx3")
ROOMS = 4


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@dataclass
class Told:
    """Somebody who tells a house what to serve, in place of the leases."""

    seats: Seats
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: list[str] = field(default_factory=list)

    async def run(self) -> None:
        await self.ended.wait()
        for account in ACCOUNTS:
            await self.seats.close(account, lost=False)
        await self.seats.leave_duty()

    def stop(self) -> None:
        self.ended.set()

    def give_up(self, account: str) -> None:
        self.given_up.append(account)


@dataclass
class Town:
    """One store and one wire for each account, which any house may dial."""

    store: Store
    clock: Clock
    classifier: Classifier
    wires: dict[str, Simulator]
    heard: list[tuple[str, str, str]] = field(default_factory=list)  # account, id, reason
    epochs: Counter[str] = field(default_factory=Counter)

    def house(
        self, dial: Callable[[str], Transport] | None = None, fleet: Callable[[Seats], Fleet] | None = None
    ) -> House:
        return House(
            store=self.store,
            classifier=self.classifier,
            policy=Policy(categories=categories.load(), ack_wait=timedelta(), reply_gap=timedelta(), replies_a_day=99),
            dial=dial or self.dial,
            budget=QUICK,
            clock=self.clock,
            fleet=fleet or Told,
            seed=1,
            heard=lambda message, reason, _: self.heard.append((message.account, message.id, reason)),
        )

    def dial(self, account: str) -> Simulator:
        wire = self.wires[account]
        wire.restore_link()
        return wire

    async def lease(self, account: str, holder: str) -> Fence:
        """Give the account to that process, whoever has it."""
        name = leases.lease_of(account)

        async def work(tx: Tx) -> int:
            at = await leases.now(tx)
            process = Process(holder, "here", "", 1, "0", None, at, at + leases.LEASE)
            await leases.join(tx, process)
            await leases.ensure(tx, [name], at)
            for lease in await leases.every(tx):
                if lease.name == name and lease.holder is not None:
                    await leases.release(tx, {name: lease.epoch}, lease.holder, at)
            return (await leases.claim(tx, [name], holder, at))[name]

        return leases.fence(name, holder, await self.store.write(work))

    def say(self, account: str, room: int, text: str, name: str, *, who: str = "") -> None:
        who = who or f"p{name}"
        self.wires[account].say(
            Message(account, name, MessageKind.TEXT, f"{account}-{room}", who, self.clock.now(), text, nick=who)
        )

    async def put(self, account: str, key: str) -> None:
        """A line to be said, by whomever."""
        draft = Draft(
            account=account,
            conversation=f"{account}-0",
            text=key,
            key=key,
            kind=PostKind.COMMAND_REPLY,
            lane=Lane.REPLY,
            not_before=self.clock.now(),
            created_at=self.clock.now(),
        )
        await self.store.write(lambda tx: outbox.put(tx, draft))


@asynccontextmanager
async def opened(tmp_path: Path, clock: Clock, classifier: Classifier) -> AsyncIterator[Town]:
    registry = Registry(
        people=[KnownPerson("刘姐", (Grant(Role.MICRO_LEADER, "5199"),), (Alias("wx1", "liu", friend=True),))],
        rooms=[
            KnownRoom(account, f"{account}-{room}", f"5199990010{number}1{room:03}001", enabled=True)
            for number, account in enumerate(ACCOUNTS)
            for room in range(ROOMS)
        ],
    )
    async with await fresh_store(tmp_path) as store:
        await store.write(lambda tx: registry.store(tx, clock.now()))
        yield Town(store, clock, classifier, {name: Simulator(name, clock) for name in ACCOUNTS})


@pytest.fixture
async def town(tmp_path: Path, classifier: Classifier) -> AsyncIterator[Town]:
    async with opened(tmp_path, VirtualClock(MORNING), classifier) as found:
        yield found


@pytest.fixture
async def street(tmp_path: Path, classifier: Classifier, unhurried: None) -> AsyncIterator[Town]:
    """In real time."""
    async with opened(tmp_path, SystemClock(start=MORNING), classifier) as found:
        yield found


@asynccontextmanager
async def living(house: House, *, link_within: float = 0) -> AsyncIterator[asyncio.Task[None]]:
    life = asyncio.create_task(house.run(link_within=link_within))
    try:
        await until(lambda: house._group is not None or life.done())
        yield life
    finally:
        house.stop()
        await asyncio.wait([life])


# --- in virtual time ---
@pytest.mark.parametrize("seed", range(4))
async def test_accounts_move_between_two_houses_mid_traffic(town: Town, seed: int) -> None:
    """Appeals all the time; now and then an account moves, in good order or because its house froze: what it had
    accepted, judged or put is done by the other one, and what the frozen one tries afterwards is refused."""
    moments = random.Random(seed)
    clock = town.clock
    assert isinstance(clock, VirtualClock)
    houses = {"a": town.house(), "b": town.house()}
    holder = dict.fromkeys(ACCOUNTS, "a")
    said: dict[str, list[str]] = {f"{account}-{room}": [] for account in ACCOUNTS for room in range(ROOMS)}
    for account in ACCOUNTS:
        await houses["a"].open(account, await town.lease(account, "a"))
    refused = moved = 0
    for step in range(150):
        clock.advance(clock.now() + timedelta(seconds=moments.randrange(1, 20)))
        account, room = moments.choice(ACCOUNTS), moments.randrange(ROOMS)
        here = houses[holder[account]]
        name = f"m{step:03}"
        said[f"{account}-{room}"].append(name)
        number = len(said[f"{account}-{room}"])
        town.say(account, room, f"{number}栋{1 + room}单元电梯坏了" if step % 3 else "晚上吃火锅不", name)
        match moments.choice(("hear", "hear", "accept", "speak", "move", "freeze")):
            case "hear":
                await here.hear(account, town.wires[account].take())
            case "accept":  # durable, and not looked at
                await here.intakes[account].receive(town.wires[account].take())
            case "speak":
                await here.hear(account, town.wires[account].take())
                await here.speak()
            case way:
                other = "b" if holder[account] == "a" else "a"
                fence = None
                if way == "freeze":
                    await here.intakes[account].receive(town.wires[account].take())
                    fence = await town.lease(account, other)
                    with suppress(LeaseLostError):  # talk is judged without the store
                        await here.hear(account, [])
                    with pytest.raises(LeaseLostError):
                        await here.seats[account].sender.start()
                    refused += 1
                await here.close(account, lost=way == "freeze")
                await houses[other].open(account, fence or await town.lease(account, other))
                await houses[other].dispatcher.resume(account, linked=True)
                holder[account] = other
                moved += 1
    for account in ACCOUNTS:
        await houses[holder[account]].hear(account, town.wires[account].take())
        await houses[holder[account]].dispatcher.resume(account)
        await houses[holder[account]].hear(account, [])
    for house in houses.values():
        await house.speak()
        assert house.dispatcher.failures == 0

    assert refused > 3
    assert moved > 10
    every = sorted(name for names in said.values() for name in names)
    assert sorted({name for _, name, _ in town.heard}) == every
    worked = [name for _, name, reason in town.heard if reason != "chat"]
    assert len(worked) == len(set(worked)), "what had an effect had it once"
    counted = await town.store.read(lambda tx: inbox.counters(tx, MORNING.date()))
    assert sum(counted.values()) == len(every), "talk that a frozen house had judged counts once, too"
    for account in ACCOUNTS:
        assert await town.store.read(partial(inbox.pending, account=account)) == []
        for room in range(ROOMS):
            mine = [name for name in said[f"{account}-{room}"] if name in worked]
            assert [name for name in worked if name in mine] == mine, "in order"
    filed = await town.store.read(tickets.search)
    made_of = [
        message.message_id
        for one in filed
        for message in await town.store.read(partial(tickets.messages, number=one.number))
    ]
    assert sorted(made_of) == sorted(name for _, name, reason in town.heard if reason in {"ticket", "joined"})
    lines = Counter((wire.account, one.conversation, one.text) for wire in town.wires.values() for one in wire.sent)
    assert max(lines.values()) == 1, "nothing is said twice"


async def test_what_a_frozen_house_holds_is_of_no_effect(town: Town) -> None:
    frozen, other = town.house(), town.house()
    await frozen.open("wx1", await town.lease("wx1", "a"))
    town.say("wx1", 0, "3栋2单元电梯坏了", "m1")
    await frozen.intakes["wx1"].receive(town.wires["wx1"].take())
    await town.put("wx1", "line")
    fence = await town.lease("wx1", "b")

    with pytest.raises(LeaseLostError):
        await frozen.dispatcher.drain()
    with pytest.raises(LeaseLostError):
        await frozen.speak()
    town.say("wx1", 0, "5栋1单元停电了一上午", "m2")
    events = town.wires["wx1"].take()
    with pytest.raises(LeaseLostError):
        await frozen.intakes["wx1"].receive(events)
    assert await town.store.read(tickets.search) == []
    assert town.wires["wx1"].sent == []

    await frozen.close("wx1", lost=True)
    await other.open("wx1", fence)
    await other.dispatcher.resume("wx1", linked=True)
    await other.hear("wx1", events)
    await other.speak()
    assert len(await town.store.read(tickets.search)) == 2
    assert [line.text for line in town.wires["wx1"].sent].count("line") == 1


async def test_only_the_house_on_duty_does_what_is_due(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    houses = {"a": town.house(), "b": town.house()}

    async def part(effects: Effects) -> bool:
        done.append(effects.now)
        return False

    monkeypatch.setattr(timers, "PARTS", (part,))
    for house in houses.values():
        await house.tick()
    assert done == []
    name = leases.DUTY

    async def take(holder: str) -> None:
        async def work(tx: Tx) -> int:
            at = await leases.now(tx)
            await leases.join(tx, Process(holder, "here", "", 1, "0", None, at, at + leases.LEASE))
            await leases.ensure(tx, [name], at)
            held = {lease.name: lease for lease in await leases.every(tx)}[name]
            if held.holder is not None:
                await leases.release(tx, {name: held.epoch}, held.holder, at)
            return (await leases.claim(tx, [name], holder, at))[name]

        await houses[holder].take_duty(leases.fence(name, holder, await town.store.write(work)))

    await take("a")
    await houses["a"].tick()
    await houses["b"].tick()
    assert len(done) == 1
    await take("b")  # while a is frozen: it has not left its duty
    await houses["a"].tick()
    assert len(done) == 1
    assert not houses["a"].on_duty
    await houses["b"].tick()
    assert len(done) == 2
    await houses["b"].leave_duty()
    await houses["b"].tick()
    assert len(done) == 2


async def test_what_another_process_changed_is_known_within_a_look(town: Town) -> None:
    here, there = town.house(), town.house()
    await here.open("wx1", await town.lease("wx1", "a"))
    await there.open("wx2", await town.lease("wx2", "b"))
    await here.look()
    async with asyncio.timeout(60):
        await town.put("wx1", "for one")
        await here.look()
        await here.seats["wx1"].sender._wake.wait()
    assert not there.seats["wx2"].sender._wake.is_set()

    registry = Registry(people=[KnownPerson("周哥", (), (Alias("wx1", "zhou"), Alias("wx2", "zhou")))], rooms=[])
    await town.store.write(lambda tx: registry.store(tx, town.clock.now()))
    town.say("wx1", 0, "别记我", "m1", who="zhou")
    town.wires["wx1"].sent.clear()
    await here.hear("wx1", town.wires["wx1"].take())
    await there.look()
    town.say("wx2", 0, "晚上吃火锅不", "m2", who="zhou")
    await there.hear("wx2", town.wires["wx2"].take())
    assert ("wx2", "m2", "opted_out") in town.heard


async def test_who_takes_a_group_over_says_at_once_what_waits_there(town: Town) -> None:
    """Another process handed it over: no new line rings."""
    house = town.house()
    await house.open("wx2", await town.lease("wx2", "a"))
    await house.look()
    await house.look()
    sender = house.seats["wx2"].sender
    sender._wake.clear()

    async def hand_over(tx: Tx) -> None:
        room = await rooms.find(tx, "wx1", "wx1-0")
        assert room is not None
        to = Standby(room.id, "wx2", "wx1-0", town.clock.now())
        await rooms.hand_over(tx, room, to, at=town.clock.now(), stays=True)

    await town.store.write(hand_over)
    await house.look()
    assert sender._wake.is_set()


# --- in real time ---
@dataclass
class Held(Simulator):
    """A wire on which a line takes until somebody lets it go."""

    saying: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        self.saying.set()
        await self.let_go.wait()
        return await super().send_text(conversation, text, mentions)


async def test_a_seat_that_closes_finishes_what_it_has(street: Town) -> None:
    wire = street.wires["wx1"] = Held("wx1", street.clock)
    house = street.house()
    async with living(house):
        for account in ACCOUNTS:
            await house.open(account, await street.lease(account, "a"))
        await until(lambda: all(intake.changed_at is not None for intake in house.intakes.values()))
        for n in range(30):
            street.say("wx1", n % ROOMS, f"{n + 1}栋1单元电梯坏了", f"m{n:02}")
        await until(wire.saying.is_set)
        closing = asyncio.create_task(house.close("wx1", lost=False))
        await until(lambda: "wx1" not in house.dispatcher.pending())
        wire.let_go.set()
        await closing
        assert set(house.seats) == {"wx2", "wx3"}
        assert len(wire.sent) == 1, "the line that it was saying"
        assert await street.store.write(lambda tx: outbox.recover(tx, "wx1")) == 0
        assert await street.store.read(lambda tx: inbox.pending(tx, "wx1")) == []
        await house.open("wx1", await street.lease("wx1", "a"))
        await until(lambda: everything_is_said(street))
    assert len([one for one in await street.store.read(tickets.search) if not one.proactive]) == 30
    assert max(Counter((line.conversation, line.text) for line in wire.sent).values()) == 1


async def test_what_a_closing_seat_has_no_time_for_waits(street: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Dispatcher._effect

    async def effect(self: Dispatcher, channel: Channel, message: Message, analysis: Analysis) -> None:
        if message.id >= "m15" and stuck:
            await asyncio.Event().wait()
        await real(self, channel, message, analysis)

    async def accepted() -> bool:
        return len(await street.store.read(left)) + len(await street.store.read(done)) == 30

    left, done = partial(inbox.pending, account="wx1"), partial(inbox.finished_since, account="wx1", since=MORNING)
    stuck = [True]
    monkeypatch.setattr(Dispatcher, "_effect", effect)
    monkeypatch.setattr("bot.seat.LISTENED_OUT", 0.2)
    house = street.house()
    async with living(house):
        await house.open("wx1", await street.lease("wx1", "a"))
        for n in range(30):
            street.say("wx1", n % ROOMS, f"{n + 1}栋1单元电梯坏了", f"m{n:02}")
        await until(accepted)
        async with asyncio.timeout(60):
            await house.close("wx1", lost=False)
        await street.store.write(lambda tx: asyncio.sleep(0))  # behind what was being written as it closed
        assert await accepted(), "what there was no time for waits"
        assert len(await street.store.read(left)) >= 15
        stuck.clear()
        await house.open("wx1", await street.lease("wx1", "a"))
        await until(lambda: everything_is_said(street))
    assert await street.store.read(left) == []
    assert len([one for one in await street.store.read(tickets.search) if not one.proactive]) == 30
    lines = Counter((line.conversation, line.text) for line in street.wires["wx1"].sent)
    assert max(lines.values()) == 1


async def everything_is_said(street: Town) -> bool:
    """And all that was heard is worked off."""
    pending = await street.store.read(partial(inbox.pending, account="wx1"))
    return not pending and not await street.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))


async def test_a_lost_seat_closes_at_once_but_for_the_line_that_it_says(street: Town) -> None:
    wire = street.wires["wx1"] = Held("wx1", street.clock)
    house = street.house()
    async with living(house):
        await house.open("wx1", await street.lease("wx1", "a"))
        await until(lambda: house.intakes["wx1"].changed_at is not None)
        await street.put("wx1", "first")
        await street.put("wx1", "second")
        house.wake_senders()

        await until(wire.saying.is_set)
        fence = await street.lease("wx1", "b")
        closing = asyncio.create_task(house.close("wx1", lost=True))
        await until(lambda: not house.dispatcher.pending())
        assert not closing.done()
        wire.let_go.set()
        await closing
        assert [line.text for line in wire.sent] == ["first"]
        await house.open("wx1", fence)
        await until(lambda: len(wire.sent) == 2)
    assert [line.text for line in wire.sent] == ["first", "second"]


async def test_a_defect_takes_down_its_account_alone(street: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Intake.receive

    async def receive(self: Intake, events: list[object]) -> None:
        if self._transport.account == "wx1" and broken.is_set():
            raise RuntimeError("a defect")
        await real(self, events)  # type: ignore[arg-type]

    broken = asyncio.Event()
    broken.set()
    monkeypatch.setattr(Intake, "receive", receive)
    monkeypatch.setattr("bot.seat.MENDED_AFTER", 0.05)
    house = street.house()
    async with living(house):
        for account in ACCOUNTS:
            await house.open(account, await street.lease(account, "a"))
        await until(lambda: "wx1" in house.faults)
        street.say("wx2", 0, "3栋2单元电梯坏了", "m1")
        await until(lambda: len(street.heard) == 1)
        broken.clear()
        await until(lambda: "wx1" not in house.faults)
        street.say("wx1", 0, "3栋2单元电梯坏了", "m2")
        await until(lambda: len(street.heard) == 2)


@dataclass
class Refusing(Simulator):
    """A gateway that does not know the token."""

    async def events(self) -> AsyncIterator[Event]:
        raise Rejected("the gateway refuses the token")
        yield


async def test_a_wrong_token_takes_down_its_account_alone(street: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real, run_out = housing._first, asyncio.Event()

    async def first(stopped: asyncio.Task[Any], event: asyncio.Event, *, within: float | None = None) -> bool:
        """The time for a link runs out as soon as the gateway has answered, and afterwards not."""
        if within is None or run_out.is_set():
            return await real(stopped, event)
        await until(lambda: "wx1" in house.faults)
        run_out.set()
        return await real(stopped, event, within=0)

    monkeypatch.setattr(housing, "_first", first)
    wires: dict[str, Simulator] = {**street.wires, "wx1": Refusing("wx1", street.clock)}
    house = street.house(wires.__getitem__)
    async with living(house, link_within=0.3) as life:
        await house.open("wx1", await street.lease("wx1", "a"))
        await until(lambda: run_out.is_set() and not house._seated.is_set())
        assert not life.done(), "a gateway that refuses has answered"
        await house.open("wx2", await street.lease("wx2", "a"))
        street.say("wx2", 0, "3栋2单元电梯坏了", "m1")
        await until(lambda: len(street.heard) == 1)
    await life


async def test_alone_a_wrong_token_ends_the_start(street: Town) -> None:
    house = House(
        store=street.store,
        classifier=street.classifier,
        policy=Policy(categories=categories.load()),
        transports=[street.wires["wx2"], Refusing("wx1", street.clock)],
        budget=QUICK,
        clock=street.clock,
    )
    with pytest.RaisesGroup(pytest.RaisesExc(Rejected)):
        await house.run()


async def test_a_house_without_an_account_waits_and_one_without_a_link_does_not(street: Town) -> None:
    house = street.house()
    async with living(house, link_within=0.1) as life:
        await asyncio.sleep(0.3)
        assert not life.done()
        street.wires["wx1"].take()  # its link never comes up
        await house.open("wx1", await street.lease("wx1", "a"))
        await until(life.done)
    with pytest.raises(Offline, match="wx1"):
        await life


async def test_a_stop_does_not_wait_for_a_database_that_says_nothing(
    street: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leases run out by themselves."""

    class Deaf(Told):
        async def run(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("bot.house.LEFT_WITHIN", 0.3)
    house = street.house(fleet=Deaf)
    async with living(house) as life:
        for account in ACCOUNTS:
            await house.open(account, await street.lease(account, "a"))
        await until(lambda: all(intake.changed_at is not None for intake in house.intakes.values()))
        house.stop()
        await until(life.done)
    await life
    assert not house.seats
    assert not any(wire.online for wire in street.wires.values())


async def test_the_page_tells_of_all_processes_and_of_what_went_wrong_here(street: Town) -> None:
    wires: dict[str, Simulator] = {**street.wires, "wx1": Refusing("wx1", street.clock)}
    house = street.house(wires.__getitem__)
    watch = Watch(house, fresh_for=0)
    async with living(house), TestClient(TestServer(watch.application())) as ask:

        async def page() -> tuple[int, dict[str, Any]]:
            async with ask.get("/readyz") as answer:
                return answer.status, await answer.json()

        status, found = await page()
        assert (status, found["duty"], found["accounts"]) == (200, False, {}), "it stands by"
        for account in ("wx1", "wx2"):
            await house.open(account, await street.lease(account, "a"))
        await house.take_duty(leases.no_fence)
        await until(lambda: "wx1" in house.faults and house.seats["wx2"].online)
        status, found = await page()
        assert (status, found["duty"]) == (200, True)
        assert found["fleet"] == {"processes": 1, "accounts": 2, "unowned": []}
        assert found["accounts"]["wx1"]["last_error"]["why"] == "the gateway refuses the token"

        await house.close("wx1", lost=False)  # given up

        async def give_back(tx: Tx) -> None:
            await leases.release(tx, {leases.lease_of("wx1"): 1}, "a", await leases.now(tx))

        await street.store.write(give_back)
        status, found = await page()
        assert found["fleet"]["unowned"] == ["wx1"]
        assert found["accounts"]["wx1"]["last_error"]["why"] == "the gateway refuses the token"
        async with ask.get("/metrics") as answer:
            figures = await answer.text()
        assert "xiaoge_fleet_unowned 1.0" in figures
        assert "xiaoge_duty 1.0" in figures


async def test_a_seat_that_opens_again_knows_nothing_of_before(town: Town) -> None:
    """Meanwhile another process served the account."""
    house = town.house()
    await house.open("wx1", await town.lease("wx1", "a"))
    await house.open("wx2", await town.lease("wx2", "a"))
    for account in ("wx1", "wx2"):
        town.say(account, 0, "晚上吃火锅不", f"{account}-m1")
        await house.hear(account, town.wires[account].take())
    assert house.dispatcher.windows == 2
    await house.close("wx1", lost=True)
    await house.open("wx1", await town.lease("wx1", "a"))
    assert house.dispatcher.windows == 1
    for account in ("wx1", "wx2"):
        await house.close(account, lost=True)
    await house.tick()
    assert house.dispatcher.windows == 0


async def test_an_id_that_became_durable_as_the_seat_closed_is_the_next_owners(town: Town) -> None:
    house = town.house()

    async def fence(tx: Tx) -> None:
        if leaving:
            house.dispatcher.remove("wx1")

    leaving: list[bool] = []
    await house.open("wx1", fence)
    town.say("wx1", 0, "3栋2单元电梯坏了", "m1")
    leaving.append(True)
    await house.intakes["wx1"].receive(town.wires["wx1"].take())
    assert len(await town.store.read(lambda tx: inbox.pending(tx, "wx1"))) == 1
    await house.open("wx1")
    await house.dispatcher.resume("wx1")
    await house.hear("wx1", [])
    assert len(await town.store.read(tickets.search)) == 1
