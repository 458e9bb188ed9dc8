"""The couriers in the house: started, moved in virtual time, told of in /metrics, stopped with the rest."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from bot import app
from bot.clock import SystemClock
from bot.monitor import Watch
from bot.pacing import Budget
from bot.sync.answers import Answers, Puller
from bot.sync.client import Batch, Failed, Result
from bot.sync.courier import Courier
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from tests.unit.handlers.stage import classifier
from tests.unit.sync.house import LABELS, NOON, SOURCE, Above, House


def inhabited(house: House, clock: Any) -> app.House:
    courier = Courier(house.store, house.upstream, SOURCE, house.above, LABELS, clock, seed=1)
    return app.House(
        store=house.store,
        classifier=classifier(),
        policy=Policy(categories=categories.load()),
        transports=[Simulator("sim", clock)],
        budget=Budget(),
        clock=clock,
        couriers=[courier],
    )


async def metrics(living: app.House) -> dict[str, dict[tuple[str, ...], float]]:
    async with TestClient(TestServer(Watch(living, fresh_for=0).application())) as ask:
        text = await (await ask.get("/metrics")).text()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("xiaoge_sync"):
                found.setdefault(sample.name, {})[
                    tuple(value for _, value in sorted(sample.labels.items(), reverse=True))
                ] = sample.value
    return found


async def test_the_house_syncs_step_by_step_and_tells_of_it(house: House, unhurried: None) -> None:
    living = inhabited(house, house.clock)
    await living.start()
    await house.file(3)
    house.above.answers = [Failed("timeout", "no answer")]
    again_at = await living.sync()
    assert again_at is not None
    house.clock.advance(again_at)
    found = await metrics(living)
    assert found["xiaoge_sync_waiting"] == {("street",): 3}
    assert found["xiaoge_sync_failures"] == {("street",): 1}
    assert found["xiaoge_sync_lag_seconds"][("street",)] > 0
    assert found["xiaoge_sync_breaker_until_seconds"] == {("street",): 0}
    assert await living.sync() is None
    found = await metrics(living)
    assert (found["xiaoge_sync_waiting"], found["xiaoge_sync_lag_seconds"]) == ({("street",): 0}, {("street",): 0})
    assert found["xiaoge_sync_outcomes_total"] == {("street", "timeout"): 1, ("street", "accepted"): 3}
    assert found["xiaoge_sync_success_seconds"] == {("street",): house.clock.now().timestamp()}


async def test_a_request_without_an_answer_holds_up_no_stop(house: House) -> None:
    """It is cut off, and the tickets go again after the next start."""
    asked = asyncio.Event()

    class Silent(Above):
        async def deliver(self, batch: Batch) -> list[Result]:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    await house.file()
    heard, house.above = house.above, Silent()
    clock = SystemClock(start=NOON)
    living = inhabited(house, clock)
    running = asyncio.create_task(living.run(tick_every=3600))
    await asyncio.wait_for(asked.wait(), 60)
    living.stop()
    await asyncio.wait_for(running, 60)
    house.above = heard
    house.clock.advance(clock.now())
    await house.sync()
    assert heard.applied == [("S1", 1)]


async def test_what_they_answer_is_told_of_too(house: House, unhurried: None) -> None:
    living = inhabited(house, house.clock)
    await living.start()
    ticket = await house.file()
    await living.sync()
    answering = Answers(house.store, living.policy, house.clock)
    living.answers = answering
    page = [{"id": ticket.id, "revision": 1, "based_on": 9, "state": "done"}]

    async def get(path: str, query: Any) -> dict[str, Any]:
        return {"answers": page if query["after"] == "" else [], "next": "1"}

    await Puller(house.upstream, get, answering).step()
    found = await metrics(living)
    assert found["xiaoge_sync_answers_total"] == {("conflict", "street"): 1}
    assert found["xiaoge_sync_conflicts"] == {("street",): 1}
    assert found["xiaoge_sync_answers_read_seconds"] == {("street",): house.clock.now().timestamp()}
