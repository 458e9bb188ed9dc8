"""What a break or a crash leaves half-way: taken up once, in order, and nothing that was taken back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.dispatch import Dispatcher
from bot.house import House
from bot.intake import LAG, Intake
from bot.transports.base import Event, EventKind, Offline, Rejected
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import inbox, outbox, presence, tickets
from storage.engine import Store, StoreError, Tx
from storage.model import Arrival, Draft, Lane, Message, MessageKind, PostKind, SendState
from tests.unit.test_house import MORNING, QUICK, Town, classifier, town, until

__all__ = ["classifier", "town"]

APPEAL = "3栋2单元电梯又坏了"


async def test_the_ticks_take_up_nothing_that_is_being_worked_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = inbox.pending

    async def stale(tx: Tx, account: str) -> list[Arrival]:
        """What a tick reads is worked off by the time it looks at it."""
        found = await real(tx, account)
        await until(lambda: len(town.heard) == 11)
        return found

    async with town.house() as house:
        town.say(0, "李姐", "早上好", name="linked")
        await until(lambda: len(town.heard) == 1)
        monkeypatch.setattr(inbox, "pending", stale)
        for n in range(10):
            town.say(n, f"p{n}", f"{n + 1}栋1单元电梯又坏了", name=f"a{n}")
        await asyncio.gather(*(house.tick() for _ in range(3)))
        monkeypatch.undo()
    assert len(town.heard) == 11, "each once"
    assert len(await town.tickets()) == 10


@pytest.fixture
async def cut_off(town: Town, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """While it is not set, the link breaks under every fetch."""
    real, whole = Simulator.fetch, asyncio.Event()

    async def fetch(self: Simulator, message_id: str) -> Message:
        if not whole.is_set():
            raise Offline("the link broke")
        return await real(self, message_id)

    town.wire.attach = False
    monkeypatch.setattr(Simulator, "fetch", fetch)
    return whole


async def test_what_a_break_cut_off_comes_before_what_is_said_after_it(town: Town, cut_off: asyncio.Event) -> None:
    async with town.house() as house:
        for n in range(5):
            town.say(1, "李姐", f"老话{n}", name=f"a{n}")
        await until(lambda: house.dispatcher.parked()["sim"] == 5)
        cut_off.set()
        town.wire.drop_link()
        town.wire.restore_link()
        for n in range(5, 10):
            town.say(1, "李姐", f"新话{n}", name=f"a{n}")
    assert [name for name, _ in town.heard] == [f"a{n}" for n in range(10)]


async def test_ids_of_one_batch_are_taken_up_in_the_wires_order(town: Town, cut_off: asyncio.Event) -> None:
    names = [f"a{n * 7 % 20:02}" for n in range(20)]  # not in the order of their names
    async with town.house(settle=False) as house:
        events = [Event(EventKind.MESSAGE, town.clock.now(), message_id=name) for name in names]
        await house.intakes["sim"].receive(events)
        await town.pending_is(lambda ids: len(ids) == 20)
    assert await town.pending() == names


async def test_tries_grow_rarer(tmp_path: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock(MORNING)
    wire = Simulator("sim", clock, attach=False)
    tried = []

    async def fetch(self: Simulator, message_id: str) -> Message:
        tried.append((clock.now() - MORNING) // timedelta(minutes=1))
        raise Rejected("not now")

    monkeypatch.setattr(Simulator, "fetch", fetch)
    monkeypatch.setattr("bot.fetching.FETCH_TRIES", 1)
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as store:
        policy = Policy(categories=categories.load())
        house = House(store=store, classifier=classifier, policy=policy, transports=[wire], budget=QUICK, clock=clock)
        await house.start()
        wire.say(Message("sim", "lost", MessageKind.TEXT, "r1", "李姐", clock.now(), APPEAL))
        await house.hear("sim", wire.take())
        for minute in (*range(190), *range(190, 49 * 60, 30)):
            clock.advance(MORNING + timedelta(minutes=minute))
            await house.tick()
            await house.hear("sim", [])
        assert tried[:8] == [0, 2, 6, 14, 30, 62, 122, 182]
        assert [arrival.message_id for arrival in await store.read(inbox.list_unfetchable)] == ["lost"]
        assert await store.read(lambda tx: inbox.pending(tx, "sim")) == []


async def test_a_message_that_cannot_be_judged_waits_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Dispatcher._analyse

    def analyse(self: Dispatcher, message: Message) -> object:
        if message.id == "poison":
            raise RecursionError("a defect")
        return real(self, message)

    monkeypatch.setattr(Dispatcher, "_analyse", analyse)
    async with town.house(settle=False):
        town.say(1, "李姐", APPEAL, name="poison")
        town.say(1, "周哥", "5栋1单元停电了一上午", name="sound")
        await until(lambda: len(town.heard) == 1)
    assert await town.pending() == ["poison"]
    monkeypatch.undo()
    async with town.house():
        pass
    assert len(await town.tickets()) == 2


async def test_a_message_that_cannot_be_read_waits_alone(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Simulator.fetch

    async def fetch(self: Simulator, message_id: str) -> Message:
        if message_id == "odd":
            raise TypeError("a defect")
        return await real(self, message_id)

    town.wire.attach = False
    monkeypatch.setattr(Simulator, "fetch", fetch)
    async with town.house(settle=False):
        town.say(1, "李姐", APPEAL, name="odd")
        town.say(1, "周哥", "5栋1单元停电了一上午", name="sound")
        await until(lambda: len(town.heard) == 1)
    assert await town.pending() == ["odd"]


async def test_a_photo_that_was_recalled_stays_away_after_a_restart(town: Town) -> None:
    async with town.house():
        town.say(1, "李姐", "", name="photo", kind=MessageKind.IMAGE)
        recall = Message("sim", "recall", MessageKind.RECALL, "r1", "李姐", town.clock.now(), recalls="photo")
        town.said += 1
        town.wire.say(recall)
    async with town.house():
        town.say(1, "李姐", "3栋门口的井盖翘起来了，娃娃差点踩空", name="words")
    (ticket,) = await town.tickets()
    made_of = await town.store.read(lambda tx: tickets.messages(tx, ticket.number))
    assert [message.message_id for message in made_of] == ["words"]


async def gap_of_another_life(town: Town) -> tuple[str, datetime, datetime]:
    async with town.house():
        town.say(1, "李姐", "早上好", name="after")  # it is heard after the gap is on record
    ((account, start, end),) = await town.store.read(inbox.gaps)
    return account, start, end


async def test_the_gap_after_a_stop_is_on_record(town: Town) -> None:
    async with town.house():
        town.say(1, "李姐", "早上好", name="heard")
    assert await town.store.read(inbox.gaps) == [], "nobody was expected before the first life"
    stopped = await town.store.read(lambda tx: presence.last_listened(tx, "sim"))
    assert stopped is not None
    again = town.clock.now()
    account, start, end = await gap_of_another_life(town)
    assert (account, start) == ("sim", stopped - LAG)
    assert again <= end <= town.clock.now()


@pytest.mark.parametrize("every", [0.01, 3600.0], ids=["by the marks", "by what was heard"])
async def test_the_gap_after_a_crash_is_on_record(town: Town, monkeypatch: pytest.MonkeyPatch, every: float) -> None:
    monkeypatch.setattr("bot.intake.MARK_EVERY", every)
    monkeypatch.setattr(Intake, "stop", lambda self: asyncio.sleep(0))  # nobody says goodbye
    async with town.house() as house:

        async def marked_since() -> bool:
            last, heard_at = (
                await town.store.read(lambda tx: presence.last_listened(tx, "sim")),
                house.intakes["sim"].heard_at,
            )
            return last is not None and heard_at is not None and last > heard_at

        town.say(1, "李姐", "早上好", name="heard")
        await until(lambda: len(town.heard) == 1)
        if every < 1:
            await until(marked_since)
    await town.store.write(lambda tx: asyncio.sleep(0))  # behind a mark that was being written at the end
    (heard,) = await town.store.read(lambda tx: inbox.finished_since(tx, "sim", MORNING))
    marked = await town.store.read(lambda tx: presence.last_listened(tx, "sim"))
    assert marked is not None, "that it was linked"
    assert (marked > heard.arrived_at) == (every < 1)
    account, start, _ = await gap_of_another_life(town)
    assert (account, start) == ("sim", max(marked, heard.arrived_at) - LAG)


async def test_no_mark_covers_what_is_still_on_its_way_to_the_disk(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The windows are refilled before anything new is taken in, and that may take long."""
    monkeypatch.setattr("bot.intake.MARK_EVERY", 0.01)
    real, refilled, marks, tried = Dispatcher.resume, asyncio.Event(), 0, 0
    real_mark, real_try = presence.listened, Intake._mark

    async def long(self: Dispatcher, account: str, *, linked: bool = False) -> None:
        await refilled.wait()
        await real(self, account, linked=linked)

    async def counted(tx: Tx, account: str, at: datetime) -> None:
        nonlocal marks
        marks += 1
        await real_mark(tx, account, at)

    async def tries(self: Intake) -> None:
        nonlocal tried
        await real_try(self)
        tried += 1

    monkeypatch.setattr(Dispatcher, "resume", long)
    monkeypatch.setattr(presence, "listened", counted)
    monkeypatch.setattr(Intake, "_mark", tries)
    async with town.house():
        town.say(1, "李姐", "早上好", name="heard")
        await until(lambda: marks >= 1)  # that it is linked
        before = tried
        await until(lambda: tried > before + 2)
        assert marks == 1
        refilled.set()
        await until(lambda: len(town.heard) == 1)
        await until(lambda: marks > 1)


async def test_no_mark_hides_the_gap_since_the_life_before(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway is there, and its word for it is still on the way."""
    async with town.house():
        town.say(1, "李姐", "早上好", name="heard")
    marked = await town.store.read(lambda tx: presence.last_listened(tx, "sim"))
    monkeypatch.setattr("bot.intake.MARK_EVERY", 0)
    real, tried, come = Intake._mark, 0, asyncio.Event()
    real_events = Simulator.events

    async def counted(self: Intake) -> None:
        nonlocal tried
        await real(self)
        tried += 1

    async def late(self: Simulator) -> AsyncIterator[Event]:
        self.online = True
        await come.wait()
        async for event in real_events(self):
            yield event

    monkeypatch.setattr(Intake, "_mark", counted)
    monkeypatch.setattr(Simulator, "events", late)
    house = House(
        store=town.store,
        classifier=town.classifier,
        policy=Policy(categories=categories.load()),
        transports=[town.wire],
        budget=QUICK,
        clock=town.clock,
    )
    living = asyncio.create_task(house.run())
    try:
        await until(lambda: tried > 2)
        assert await town.store.read(lambda tx: presence.last_listened(tx, "sim")) == marked
    finally:
        come.set()
        house.stop()
        await living


async def test_a_gap_that_cannot_be_written_down_is_waited_with(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.intake.STORE_RETRY", 0.01)
    real, failures = inbox.record_gap, iter(range(3))

    async def record_gap(*arguments: object) -> None:
        if next(failures, None) is not None:
            raise StoreError("no space left on the device: free some")
        await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(inbox, "record_gap", record_gap)
    async with town.house():
        town.wire.drop_link()
        town.wire.restore_link()
        town.say(1, "李姐", APPEAL, name="a")
    assert len(await town.store.read(inbox.gaps)) == 1
    assert len(await town.tickets()) == 1


async def test_a_send_that_a_crash_cut_off_is_settled_by_an_echo_heard_before_it(town: Town) -> None:
    now = town.clock.now()
    draft = Draft(
        key="reply:1",
        account="sim",
        conversation="r1",
        text="已登记 S1",
        kind=PostKind.COMMAND_REPLY,
        lane=Lane.REPLY,
        not_before=now,
        created_at=now,
    )
    row = await town.store.write(lambda tx: outbox.put(tx, draft))
    assert row is not None
    await town.store.write(lambda tx: outbox.mark_sending(tx, row, now))
    echo = Message("sim", "echo", MessageKind.TEXT, "r1", "bot", now, "已登记 S1", from_me=True)
    town.wire.say(echo)
    town.wire.take()  # the life before has heard it, and came no further than its id
    await town.store.write(lambda tx: inbox.accept(tx, [Arrival("sim", "echo", now)]))
    town.wire.drop_link()
    town.wire.take()
    town.wire.restore_link()
    async with town.house(settle=False):
        await town.pending_is(lambda ids: not ids)
    (sent,) = await town.store.read(lambda tx: outbox.by_state(tx, SendState.SENT))
    assert (sent.key, sent.message_id) == ("reply:1", "echo")
    assert town.wire.sent == []
