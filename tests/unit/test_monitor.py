"""The monitor over a whole house on the simulator: what it says while links and stores come and go."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import CapturedCall, CapturingLogger

from bot.clock import SystemClock
from bot.house import House
from bot.monitor import Monitor, Watch
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import accounts, inbox, outbox, rooms, standing
from storage.engine import Store, StoreError, Tx
from storage.model import Alias, Arrival, Draft, Grant, Lane, Message, MessageKind, PostKind, Role, RoomState
from storage.testing import fresh_store
from tests.unit.ports import free_port
from tests.unit.test_house import until

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
APPEAL = "3栋2单元电梯又坏了，我电话13812345678"
CHAT = "今天天气真好啊大家早上好"
NICK = "李淑芬"
QUICK = Budget(per_minute=60, per_hour=1000, per_day=5000, gap=(0, 0), per_room_gap=0)

Sample = dict[tuple[tuple[str, str], ...], float]


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@dataclass
class Town:
    """A house with two accounts, and somebody who asks it how it is."""

    store: Store
    house: House
    wires: dict[str, Simulator]
    ask: TestClient[Any, Any]
    said: int = 0

    def say(self, text: str, *, account: str = "one") -> None:
        self.said += 1
        self.wires[account].say(
            Message(account, f"m{self.said}", MessageKind.TEXT, "r1", "wxid_li", self.house.clock.now(), text, NICK)
        )

    async def page(self, path: str) -> tuple[int, Any]:
        async with self.ask.get(path) as answer:
            return answer.status, await answer.json()

    async def ready(self) -> tuple[int, Any]:
        return await self.page("/readyz")

    async def metrics(self) -> dict[str, Sample]:
        """Samples by name."""
        async with self.ask.get("/metrics") as answer:
            assert answer.status == 200
            return samples(await answer.text())

    async def settled(self) -> None:
        await until(lambda: sum(self.house.dispatcher.reasons.values()) >= self.said)
        await self.house.dispatcher.idle()


def samples(text: str) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def make_house(
    store: Store,
    wires: dict[str, Simulator],
    clock: SystemClock,
    classifier: Classifier,
    monitor: Monitor | None = None,
) -> House:
    return House(
        store=store,
        classifier=classifier,
        policy=Policy(categories=categories.load(), ack_wait=timedelta()),
        transports=list(wires.values()),
        budget=QUICK,
        clock=clock,
        seed=1,
        monitor=monitor,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    registry = Registry(
        people=[
            KnownPerson("刘姐", (Grant(Role.MICRO_LEADER, "519999001001"),), (Alias("one", "wxid_liu", friend=True),))
        ],
        rooms=[KnownRoom("one", "r1", "519999001001001001", enabled=True)],
    )
    async with await fresh_store(tmp_path) as opened:
        await opened.write(lambda tx: registry.store(tx, MORNING))
        yield opened


@asynccontextmanager
async def living(house: House) -> AsyncIterator[None]:
    """What was due at the start is done when the block begins; the next tick comes a minute later."""
    ticked, step = asyncio.Event(), house._jobs.step

    async def stepped() -> datetime | None:
        soon = await step()
        ticked.set()
        return soon

    house._jobs.step = stepped  # type: ignore[method-assign]
    life = asyncio.create_task(house.run())
    try:
        await until(lambda: ticked.is_set() or life.done())
        yield
    finally:
        house.stop()
        await life


@pytest.fixture
async def town(store: Store, classifier: Classifier, unhurried: None) -> AsyncIterator[Town]:
    clock = SystemClock(start=MORNING)
    wires = {name: Simulator(name, clock) for name in ("one", "two")}
    house = make_house(store, wires, clock, classifier)
    async with living(house), TestClient(TestServer(Watch(house, fresh_for=0).application())) as ask:
        await until(lambda: all(intake.changed_at is not None for intake in house.intakes.values()))
        yield Town(store, house, wires, ask)


# --- ready ---
async def test_ready_with_a_link_and_a_store(town: Town) -> None:
    status, found = await town.ready()
    assert status == 200
    assert found["ready"] is True
    assert found["store"] == {"state": "ok", "error": None}
    assert found["outbox"] == {"queued": 0, "sending": 0, "unknown": 0, "failed": 0}
    assert set(found["accounts"]) == {"one", "two"}
    account = found["accounts"]["one"]
    assert account["online"] is True
    assert account["since"].startswith("2025-06-12T02:0")
    assert (account["gap_since"], account["last_message_seconds"], account["last_error"]) == (None, None, None)


async def test_a_lost_link_is_told_and_one_link_is_enough(town: Town) -> None:
    town.wires["one"].drop_link()
    await until(lambda: town.house.intakes["one"].down_since is not None)
    status, found = await town.ready()
    assert status == 200
    lost = found["accounts"]["one"]
    assert lost["online"] is False
    assert lost["gap_since"] == lost["since"] == lost["last_error"]["at"]
    assert (lost["last_error"]["what"], lost["last_error"]["why"]) == ("link", "simulated")
    assert found["accounts"]["two"]["gap_since"] is None
    assert (await town.metrics())["xiaoge_gap_open"] == {(("account", "one"),): 1, (("account", "two"),): 0}

    town.wires["two"].drop_link()
    assert (await town.ready())[0] == 503

    town.wires["one"].restore_link()
    await until(lambda: town.house.intakes["one"].down_since is None)
    status, found = await town.ready()
    assert status == 200
    assert found["accounts"]["one"]["gap_since"] is None
    assert found["accounts"]["one"]["last_error"]["what"] == "link"
    found = await town.metrics()
    assert found["xiaoge_account_online"] == {(("account", "one"),): 1, (("account", "two"),): 0}
    assert found["xiaoge_gaps_total"][("account", "one"),] == 1


async def test_the_groups_of_each_account_and_those_that_nobody_reaches(town: Town) -> None:
    async def share(tx: Tx) -> None:
        room = await rooms.ensure(tx, "one", "r-shared", "", at=town.house.clock.now())
        await rooms.update(tx, room.id, state=RoomState.ENABLED)
        await rooms.ensure(tx, "two", "r-shared", "", at=town.house.clock.now())
        await accounts.seen(tx, "one", town.house.clock.now())

    async def die(tx: Tx) -> None:
        assert await accounts.die(tx, "one", town.house.clock.now(), "换手机")

    await town.store.write(share)
    found = await town.metrics()
    assert found["xiaoge_rooms"][("account", "two"), ("role", "stands_by")] == 1
    assert set(found["xiaoge_rooms_mute"].values()) <= {0}
    await town.store.write(die)  # the shared group may be handed over with the next tick
    found = await town.metrics()
    assert found["xiaoge_account_dead"] == {(("account", "one"),): 1, (("account", "two"),): 0}
    assert found["xiaoge_rooms_mute"][("account", "one"),] >= 1


async def test_a_store_that_takes_no_write_is_told(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise StoreError("disk full: free some space")

    with monkeypatch.context() as broken:
        broken.setattr(town.store, "write", full)
        status, found = await town.ready()
        assert (status, found["ready"]) == (503, False)
        assert found["store"] == {"state": "unavailable", "error": "disk full: free some space"}
        assert found["accounts"]["one"]["online"] is True
        assert (await town.metrics())["xiaoge_store_up"] == {(): 0}
    assert (await town.ready())[0] == 200
    assert (await town.metrics())["xiaoge_store_up"] == {(): 1}


async def test_a_store_that_cannot_be_read_leaves_out_its_figures(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(town.store, "read", broken)
    status, found = await town.ready()
    assert (status, found["store"]["error"], found["outbox"]) == (503, "gone", None)
    metrics = await town.metrics()
    assert "xiaoge_outbox" not in metrics
    assert metrics["xiaoge_account_online"]


@pytest.mark.parametrize("work", ["read", "prove_writable"])
async def test_an_error_that_nobody_foresaw_is_told_without_its_words(
    town: Town, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    async def odd(*_: object, **__: object) -> None:
        raise ZeroDivisionError(APPEAL)

    monkeypatch.setattr(standing, work, odd)
    status, found = await town.ready()
    assert (status, found["store"]["error"]) == (503, "ZeroDivisionError")


async def test_a_store_that_hangs_is_asked_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    again, hanging, asked = asyncio.Event(), asyncio.Event(), 0
    real = Watch._leave_mark

    async def counted(self: Watch) -> None:
        nonlocal asked
        asked += 1
        await real(self)

    async def hang(tx: object) -> None:
        hanging.set()
        await again.wait()

    monkeypatch.setattr(Watch, "_leave_mark", counted)
    held = asyncio.create_task(town.store.write(hang))
    await hanging.wait()
    try:
        with monkeypatch.context() as impatient:
            impatient.setattr("bot.monitor.PATIENCE", 0.02)
            for _ in range(3):
                status, found = await town.ready()
                assert (status, found["store"]["error"]) == (503, "the database has taken no write for 0.02 s")
        assert asked == 1
    finally:
        again.set()
        await held
    assert (await town.ready())[0] == 200
    assert (await town.ready())[0] == 200
    assert asked == 2


async def test_a_house_that_stops_is_not_ready(store: Store, classifier: Classifier) -> None:
    clock = SystemClock(start=MORNING)
    house = make_house(store, {"one": Simulator("one", clock)}, clock, classifier)
    async with TestClient(TestServer(Watch(house).application())) as ask:
        house.stop()
        async with ask.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["stopping"] is True


# --- health ---
async def test_healthy_as_long_as_the_writer_lives(town: Town) -> None:
    status, found = await town.page("/healthz")
    assert (status, found["ok"], found["writer"]) == (200, True, True)
    for wire in town.wires.values():
        wire.drop_link()
    assert (await town.page("/healthz"))[0] == 200  # a restart would not bring the gateway back
    await town.store.close()
    status, found = await town.page("/healthz")
    assert (status, found["ok"]) == (503, False)


async def test_the_lag_of_the_loop_is_measured(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.monitor.LAG_EVERY", 0.01)
    watch = Watch(town.house)
    measuring = asyncio.create_task(watch._measure_lag())
    await until(lambda: len(watch._lags) > 2)
    before = len(watch._lags)
    hold = asyncio.get_running_loop().time() + 0.2
    while asyncio.get_running_loop().time() < hold:
        pass
    await until(lambda: len(watch._lags) > before)
    measuring.cancel()
    assert max(watch._lags) > 0.1


# --- metrics ---
async def test_metrics_count_what_happens_and_hold_no_words(town: Town) -> None:
    await town.metrics()
    town.say(APPEAL)
    town.say(CHAT)
    await town.settled()
    await until(lambda: len(town.wires["one"].sent) == 2)
    await until(lambda: town.house.senders[0].outcomes["sent"] == 2)
    found = await town.metrics()
    assert found["xiaoge_messages_total"] == {
        ((("reason", reason),)): count for reason, count in town.house.dispatcher.reasons.items()
    }
    assert sum(found["xiaoge_messages_total"].values()) == 2
    assert found["xiaoge_tickets_total"] == {(("label", "ticket"), ("urgency", "routine")): 1}
    assert found["xiaoge_sends_total"] == {(("account", "one"), ("outcome", "sent")): 2}
    assert found["xiaoge_pacing_used"][("account", "one"), ("span", "day")] == 2
    assert found["xiaoge_pacing_limit"][("account", "one"), ("span", "minute")] == 60
    assert found["xiaoge_inbox_pending"] == {(("account", "one"),): 0, (("account", "two"),): 0}
    assert found["xiaoge_store_works_total"][()] >= found["xiaoge_store_groups_total"][()] > 0
    assert found["xiaoge_last_message_seconds"][("account", "one"),] >= 0
    assert found["xiaoge_build_info"]
    assert found["xiaoge_loop_lag_seconds"][()] >= 0
    assert found["process_resident_memory_bytes"][()] > 0

    async with town.ask.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    async with town.ask.get("/readyz") as answer:
        text += await answer.text()
    assert text.isascii()
    for word in ("13812345678", "wxid", "r1", "m1", "519999001001"):
        assert f'"{word}' not in text


async def test_metrics_show_what_does_not_go_out(town: Town) -> None:
    """An account without a link keeps its lines; a lost answer leaves one whose fate nobody knows."""
    wire = town.wires["one"]
    wire.faults.lose_answers = 1
    town.say(APPEAL)
    await until(lambda: town.house.senders[0].outcomes["unknown"] == 1)
    await town.settled()
    await until(lambda: town.house.senders[0].outcomes["sent"] == 1)
    found = await town.metrics()
    assert found["xiaoge_outbox"] == {(("account", "one"), ("lane", "reply"), ("state", "unknown")): 1}
    assert 0 <= found["xiaoge_outbox_oldest_seconds"][("account", "one"), ("lane", "reply"), ("state", "unknown")] < 60
    status, ready = await town.ready()
    assert (status, ready["outbox"]["unknown"]) == (200, 1)
    assert ready["accounts"]["one"]["last_error"]["why"] == "unknown"


async def test_the_operator_is_told_to_watch_figures_that_exist(town: Town) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    async with town.ask.get("/metrics") as answer:
        served = set(re.findall(r"^# TYPE (\w+)", await answer.text(), re.MULTILINE))
    told = set(re.findall(r"`(xiaoge_\w+)", page))
    assert len(told) > 10
    assert told <= served


async def test_a_throttled_account_shows_its_pause(town: Town) -> None:
    town.house.senders[0].throttled()
    found = await town.metrics()
    assert found["xiaoge_pacing_share"] == {(("account", "one"),): 0.5, (("account", "two"),): 1}
    until_one = found["xiaoge_pacing_stopped_until_seconds"][("account", "one"),]
    assert until_one == pytest.approx((MORNING + QUICK.stop).timestamp(), abs=60)
    assert found["xiaoge_pacing_stopped_until_seconds"][("account", "two"),] == 0
    assert found["xiaoge_pacing_limit"][("account", "one"), ("span", "minute")] == QUICK.per_minute // 2
    assert found["xiaoge_pacing_ramp"] == {(("account", "one"),): 1, (("account", "two"),): 1}
    one = (await town.ready())[1]["accounts"]["one"]
    assert one["stopped_until"].startswith("2025-06-12T02:1")
    assert one["emergencies_waiting"] == 0
    draft = Draft("fire", "one", "r1", "快撤", PostKind.EMERGENCY, Lane.EMERGENCY, MORNING, MORNING)
    await town.store.write(lambda tx: outbox.put(tx, draft))
    assert (await town.ready())[1]["accounts"]["one"]["emergencies_waiting"] == 1


async def test_what_cannot_be_fetched_is_parked_and_then_given_up(town: Town) -> None:
    wire = town.wires["two"]
    wire.attach = False
    wire.faults.unfetchable = 1
    wire.say(Message("two", "lost", MessageKind.TEXT, "r9", "wxid_x", town.house.clock.now(), CHAT))
    await until(lambda: town.house.dispatcher.parked()["two"] == 1)
    found = await town.metrics()
    assert found["xiaoge_inbox_parked"] == {(("account", "one"),): 0, (("account", "two"),): 1}
    assert found["xiaoge_unfetchable"][("account", "two"),] == 0
    await town.store.write(lambda tx: inbox.unfetchable(tx, "two", "lost", MORNING))
    assert (await town.metrics())["xiaoge_unfetchable"] == {(("account", "one"),): 0, (("account", "two"),): 1}


async def test_what_an_earlier_life_left_is_pending_until_its_account_is_linked(
    store: Store, classifier: Classifier
) -> None:
    clock = SystemClock(start=MORNING)
    wire = Simulator("one", clock)
    house = make_house(store, {"one": wire}, clock, classifier)
    left = [Arrival("one", f"old{n}", MORNING - timedelta(minutes=n)) for n in range(3)]
    await store.write(lambda tx: inbox.accept(tx, left))
    await house.start()
    async with TestClient(TestServer(Watch(house).application())) as ask, ask.get("/metrics") as answer:
        found = samples(await answer.text())
    assert found["xiaoge_inbox_pending"] == {(("account", "one"),): 3}
    assert found["xiaoge_inbox_oldest_seconds"][("account", "one"),] == pytest.approx(120, abs=30)


async def test_however_many_ask_the_database_is_asked_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    real = standing.read

    async def counted(tx: Any, *, after_ticket: int) -> Any:
        nonlocal asked
        asked += 1
        return await real(tx, after_ticket=after_ticket)

    monkeypatch.setattr("storage.standing.read", counted)
    async with TestClient(TestServer(Watch(town.house, fresh_for=60).application())) as ask:

        async def get(path: str) -> int:
            async with ask.get(path) as answer:
                return answer.status

        assert set(await asyncio.gather(*(get(path) for path in ("/metrics", "/readyz") * 10))) == {200}
        await get("/healthz")
    assert asked == 1


async def test_only_reading_is_offered(town: Town) -> None:
    async with town.ask.post("/readyz") as answer:
        assert answer.status == 405
    async with town.ask.get("/") as answer:
        assert answer.status == 404


# --- the server ---
async def test_the_house_starts_and_stops_its_monitor(store: Store, classifier: Classifier) -> None:
    clock = SystemClock(start=MORNING)
    monitor = Monitor(port=free_port())
    house = make_house(store, {"one": Simulator("one", clock)}, clock, classifier, monitor)
    async with living(house), ClientSession() as ask:
        await until(lambda: bool(monitor.addresses))
        host, port = monitor.addresses[0]
        assert host == "127.0.0.1"
        async with ask.get(f"http://{host}:{port}/healthz") as answer:
            assert answer.status == 200
    assert not monitor.addresses
    with socket.socket() as free:
        assert free.connect_ex((host, port)) != 0


async def test_a_taken_port_is_one_line_and_the_house_lives_on(
    store: Store, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = CapturingLogger()
    monkeypatch.setattr("bot.monitor.log", lines)
    clock = SystemClock(start=MORNING)
    wire = Simulator("one", clock)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        house = make_house(store, {"one": wire}, clock, classifier, Monitor(port=port))
        async with living(house):
            await until(lambda: house.intakes["one"].changed_at is not None)
    what = {"action": "monitor", "address": f"127.0.0.1:{port}", "error": "address already in use"}
    assert lines.calls == [CapturedCall("warning", ("no monitor",), what)]
