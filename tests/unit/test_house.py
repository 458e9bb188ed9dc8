"""The whole house on the simulator, in real time: order, duplicates, faults, stops and starts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import dispatch, fetching
from bot.channel import Channel
from bot.clock import SystemClock, VirtualClock
from bot.dispatch import Dispatcher
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.base import Offline, Rejected
from bot.transports.simulator import Simulator
from handlers import routing
from handlers.context import Context, Policy
from nlp import categories
from nlp.decision import Analysis
from nlp.pipeline import Classifier
from storage import inbox, tickets
from storage.engine import Store, StoreError
from storage.model import Alias, Grant, Message, MessageKind, Role, RoomKind, Ticket

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
ROOMS = 12
QUICK = Budget(per_minute=60, per_hour=1000, per_day=5000, gap=(0, 0), per_room_gap=0)


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@dataclass
class Town:
    """A store and a wire that outlive any number of houses."""

    store: Store
    wire: Simulator
    clock: SystemClock
    classifier: Classifier
    heard: list[tuple[str, str]] = field(default_factory=list)
    said: int = 0

    def say(
        self, room: int, who: str, text: str, *, name: str, kind: MessageKind = MessageKind.TEXT, back: float = 0
    ) -> None:
        at = self.clock.now() - timedelta(seconds=back)
        self.said += 1
        self.wire.say(Message("sim", name, kind, f"r{room}", who, at, text, nick=who))

    @asynccontextmanager
    async def house(self, *, settle: bool = True) -> AsyncIterator[House]:
        """A house that lives for the block; by default until all that was said is worked off."""
        house = House(
            store=self.store,
            classifier=self.classifier,
            policy=Policy(categories=categories.load(), ack_wait=timedelta()),
            transports=[self.wire],
            budget=QUICK,
            clock=self.clock,
            seed=1,
            heard=lambda message, reason, _: self.heard.append((message.id, reason)),
        )
        living = asyncio.create_task(house.run())
        await until(lambda: self.wire.online and self.wire.next_at() is None)
        try:
            yield house
            if settle:
                await self.settled(house)
        finally:
            house.stop()
            await living

    async def settled(self, house: House) -> None:
        await until(lambda: len(self.heard) >= self.said)
        await house.dispatcher.idle()

    async def tickets(self) -> list[Ticket]:
        """What people reported: a town where so much breaks also has tickets that nobody reported (未诉先办)."""
        return [ticket for ticket in await self.store.read(tickets.search) if not ticket.proactive]

    async def pending_is(self, right: Callable[[list[str]], bool]) -> None:
        async def found() -> bool:
            return right(await self.pending())

        await until(found)

    async def pending(self) -> list[str]:
        return [one.message_id for one in await self.store.read(lambda tx: inbox.pending(tx, "sim"))]


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.005)


@pytest.fixture
async def town(tmp_path: Path, classifier: Classifier, unhurried: None) -> AsyncIterator[Town]:
    clock = SystemClock(start=MORNING)
    registry = Registry(
        people=[
            KnownPerson("刘姐", (Grant(Role.MICRO_LEADER, "519999001001001"),), (Alias("sim", "liu", friend=True),))
        ],
        rooms=[KnownRoom("sim", f"r{n}", f"519999001001001{n:03}", enabled=True) for n in range(ROOMS)],
    )
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as store:
        await store.write(lambda tx: registry.store(tx, clock.now()))
        yield Town(store, Simulator("sim", clock, attach=False), clock, classifier)


async def test_an_appeal_is_answered_once_and_the_leader_is_told(town: Town) -> None:
    async with town.house():
        town.say(1, "李姐", "3栋2单元电梯又坏了", name="a")
        await until(lambda: len(town.wire.sent) == 2)
    (ticket,) = await town.tickets()
    assert (ticket.category, ticket.place.building, ticket.place.unit) == ("0101", "3", "2")
    assert sorted(sent.conversation for sent in town.wire.sent) == ["liu", "r1"]


async def test_duplicates_and_crossing_delays_have_one_effect_each(town: Town) -> None:
    town.wire.faults.delay = (0, 0.05)
    town.wire.faults.duplicate = 1.0
    async with town.house():
        for n in range(ROOMS):
            town.say(n, "李姐", f"{n + 1}栋2单元电梯又坏了", name=f"a{n}")
            town.say(n, "周哥", "今天天气真好啊大家早上好", name=f"b{n}")
        await until(lambda: len(town.heard) == 2 * ROOMS)
    assert len(await town.tickets()) == ROOMS
    assert len({name for name, _ in town.heard}) == len(town.heard) == 2 * ROOMS


async def test_lines_of_one_person_stay_in_order(town: Town) -> None:
    async with town.house():
        town.say(1, "李姐", "又停水了", name="a0")
        for n in range(1, 6):
            town.say(1, "李姐", f"3栋{n}单元也没水", name=f"a{n}")
    assert [name for name, _ in town.heard] == [f"a{n}" for n in range(6)]
    (ticket,) = await town.tickets()
    made_of = await town.store.read(lambda tx: tickets.messages(tx, ticket.number))
    assert [message.message_id for message in made_of] == [f"a{n}" for n in range(6)]


async def test_a_stop_loses_nothing_and_a_start_repeats_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Dispatcher._effect

    async def effect(self: Dispatcher, channel: Channel, message: Message, analysis: Analysis) -> None:
        if message.id >= "a60":
            await asyncio.Event().wait()  # its turn comes in the life after
        await real(self, channel, message, analysis)

    with monkeypatch.context() as first:
        first.setattr("bot.seat.LISTENED_OUT", 0)
        first.setattr(Dispatcher, "_effect", effect)
        async with town.house(settle=False):
            for n in range(100):
                town.say(n % ROOMS, f"p{n}", f"{n + 1}栋1单元电梯又坏了", name=f"a{n:02}")
            await town.pending_is(lambda ids: len(ids) >= 40)
            await until(lambda: len(town.heard) >= 5)
    assert len(await town.pending()) >= 40, "the stop came in mid-work"
    async with town.house(settle=False):
        await town.pending_is(lambda ids: not ids)
    buildings = [ticket.place.building for ticket in await town.tickets()]
    assert len(buildings) == len(set(buildings)) == 100


async def test_a_photo_before_a_restart_still_joins_the_words_after_it(town: Town) -> None:
    async with town.house():
        town.say(1, "李姐", "", name="photo", kind=MessageKind.IMAGE)
    async with town.house():
        town.say(1, "李姐", "3栋门口的井盖翘起来了，娃娃差点踩空", name="words")
    (ticket,) = await town.tickets()
    made_of = await town.store.read(lambda tx: tickets.messages(tx, ticket.number))
    assert {message.message_id for message in made_of} == {"photo", "words"}


async def test_what_cannot_be_fetched_stays_and_the_rest_goes_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real, refused = Simulator.fetch, []

    async def fetch(self: Simulator, message_id: str) -> Message:
        if message_id == "lost":
            refused.append(message_id)
            raise Rejected("no such message")
        return await real(self, message_id)

    monkeypatch.setattr(Simulator, "fetch", fetch)
    async with town.house(settle=False):
        town.say(1, "李姐", "3栋2单元电梯又坏了", name="lost")
        town.say(2, "周哥", "5栋1单元停电了一上午", name="found")
        await until(lambda: len(town.heard) == 1)
    assert len(refused) == fetching.FETCH_TRIES
    assert await town.pending() == ["lost"]
    monkeypatch.undo()
    async with town.house(settle=False):
        await until(lambda: len(town.heard) == 2)
    assert await town.pending() == []
    assert len(await town.tickets()) == 2


async def test_a_gap_is_on_record(town: Town) -> None:
    async with town.house(settle=False):
        town.wire.drop_link()
        town.say(1, "李姐", "3栋2单元电梯又坏了", name="unheard")
        town.wire.restore_link()
        await until(lambda: town.wire.next_at() is None)
    gaps = await town.store.read(lambda tx: inbox.gaps(tx, "sim"))
    assert [(account, start <= end) for account, start, end in gaps] == [("sim", True)]
    assert await town.tickets() == []


async def test_a_defect_in_a_handler_parks_its_message_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = routing.handle

    async def broken(context: Context) -> str:
        if context.message.id == "poison":
            raise RuntimeError("a defect")
        return await real(context)

    monkeypatch.setattr(routing, "handle", broken)
    async with town.house(settle=False) as house:
        town.say(1, "李姐", "3栋2单元电梯又坏了", name="poison")
        town.say(1, "周哥", "5栋1单元停电了一上午", name="sound")
        await until(lambda: len(town.heard) == 1)
        await until(lambda: house.dispatcher.failures >= 1)
    assert await town.pending() == ["poison"]
    monkeypatch.undo()
    async with town.house(settle=False):
        await until(lambda: len(town.heard) == 2)
    assert len(await town.tickets()) == 2


async def test_a_store_that_cannot_be_written_is_waited_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = Store.write, iter(range(3))
    monkeypatch.setattr(dispatch, "STORE_RETRY", 0.01)
    monkeypatch.setattr("bot.intake.STORE_RETRY", 0.01)
    async with town.house(settle=False):

        async def full(self: Store, work: object) -> object:
            if next(failures, None) is not None:
                raise StoreError("no space left on the device: free some")
            return await real(self, work)  # type: ignore[arg-type]

        monkeypatch.setattr(Store, "write", full)
        town.say(1, "李姐", "3栋2单元电梯又坏了", name="a")
        await until(lambda: len(town.heard) == 1)
    assert len(await town.tickets()) == 1


async def test_a_start_without_any_gateway_ends_with_one_line(town: Town) -> None:
    town.wire.take()  # the link never comes up
    house = House(
        store=town.store,
        classifier=town.classifier,
        policy=Policy(categories=categories.load()),
        transports=[town.wire],
        budget=QUICK,
        clock=town.clock,
    )
    with pytest.raises(Offline, match=r"no gateway answered within 0\.05 s"):
        await house.run(link_within=0.05)


async def test_what_a_stopped_account_must_say_at_once_another_tells(tmp_path: Path, classifier: Classifier) -> None:
    clock = VirtualClock(MORNING)
    one, two = Simulator("one", clock), Simulator("two", clock)
    registry = Registry(
        rooms=[
            KnownRoom("one", "r1", "519999001001001", enabled=True),
            KnownRoom("two", "office", "519999001001", kind=RoomKind.LEADER, enabled=True),
        ],
    )
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as store:
        await store.write(lambda tx: registry.store(tx, MORNING))
        house = House(
            store=store,
            classifier=classifier,
            policy=Policy(categories=categories.load()),
            transports=[one, two],
            budget=QUICK,
            clock=clock,
        )
        await house.start()
        one.say(Message("one", "slow", MessageKind.THROTTLED, "r1", "bot", MORNING, "操作过于频繁，可稍后再试。"))
        one.say(Message("one", "fire", MessageKind.TEXT, "r1", "li", MORNING, "3栋2单元着火了，快救火", nick="李姐"))
        for wire in (one, two):
            await house.hear(wire.account, wire.take())
        await house.speak()
        assert one.sent == []
        told = [sent.text for sent in two.sent if sent.conversation == "office"]
        assert sum(text.startswith("【应急转达】账号 one 被微信限速") for text in told) == 1
        clock.advance(MORNING + QUICK.stop)
        await house.speak()
        assert [sent.conversation for sent in one.sent] == ["r1"], "and what waited goes out"
