"""The whole bot: a device posts to its listener, the leader hears it, a neighbour joins, the notice goes out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.app import listeners_of, receiver_of
from bot.clock import SystemClock
from bot.house import House
from bot.metrics import Figures, render
from bot.pacing import Budget
from bot.sync.answers import Answers
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage.engine import Store
from storage.model import Message, MessageKind
from storage.testing import fresh_store
from tests.unit.alerts.bench import CONFIG, Bench, configured, furnish
from tests.unit.ports import free_port

QUICK = Budget(per_minute=60, per_hour=1000, per_day=5000, gap=(0, 0), per_room_gap=0)
PUSHED = """
[sync]
source = "here"
listen = "127.0.0.1:{port}"
[[upstreams]]
name = "district"
url = "http://127.0.0.1:1"
secret = "s"
"""


class Village:
    """A house that lives, its wire, and devices that post to it."""

    def __init__(self, house: House, wire: Simulator, bench: Bench) -> None:
        self.house = house
        self.wire = wire
        self.bench = bench
        self._said = count(1)

    def say(self, who: str, text: str, room: str | None) -> None:
        name, at = f"m{next(self._said)}", self.house.clock.now()
        self.wire.say(Message("sim", name, MessageKind.TEXT, room, who, at, text, nick=who, friend=room is None))

    async def heard(self, conversation: str, words: str) -> str:
        """The line with these words, once it has gone out."""
        async with asyncio.timeout(60):
            while True:
                for sent in self.wire.sent:
                    if sent.conversation == conversation and words in sent.text:
                        return sent.text
                await asyncio.sleep(0.01)


@asynccontextmanager
async def living(store: Store, folder: Path, text: str, port: int) -> AsyncIterator[Village]:
    config, clock = configured(folder, text), SystemClock()
    policy = Policy(categories=categories.load(), ack_wait=timedelta())
    wire = Simulator("sim", clock, attach=False)
    receiver = receiver_of(config, store, policy, clock, wake=lambda: house.wake_senders())
    assert receiver is not None
    answers = Answers(store, policy, clock)
    listeners = listeners_of(config, answers, receiver)
    house = House(
        store=store,
        classifier=Classifier.load(),
        policy=policy,
        transports=[wire],
        budget=QUICK,
        clock=clock,
        seed=1,
        answers=answers,
        alerts=receiver,
        listeners=listeners,
    )
    running = asyncio.create_task(house.run())
    try:
        async with asyncio.timeout(60):
            while not (wire.online and all(one.addresses for one in listeners)):  # noqa: ASYNC110 - no bell rings
                await asyncio.sleep(0.01)
        yield Village(house, wire, Bench(store, clock, receiver, f"http://127.0.0.1:{port}"))
    finally:
        house.stop()
        await running


async def test_from_the_device_to_the_group(tmp_path: Path) -> None:
    port = free_port()
    async with await fresh_store(tmp_path) as store:
        await furnish(store)
        async with living(store, tmp_path, CONFIG.replace("127.0.0.1:1", f"127.0.0.1:{port}"), port) as village:
            status, reply = await village.bench.post(value=9.5, unit="%LEL")
            assert (status, reply["ticket"]) == (200, "S1")
            await village.heard("liu", "【应急】S1 燃气泄漏 3栋2单元 燃气监测橙色预警：“甲烷超限（9.5%LEL）”")
            await village.heard("liu", "拟好的通知 T1，未发出")
            village.say("3-2-1502 李姐", "3栋2单元煤气味好重", "r1")
            await village.heard("liu", "【补充】S1")
            (ticket,) = await village.bench.tickets()
            assert ticket.reporters == 2
            assert not [sent for sent in village.wire.sent if "甲烷超限" in sent.text and sent.conversation == "r1"]
            village.say("liu", "确认 T1", None)
            assert (await village.heard("r1", "甲烷超限")).startswith("【紧急通知】3栋2单元：甲烷超限（9.5%LEL）")
            page = render(village.house, Figures(datetime.now(UTC))).decode()
            found = {
                tuple(sample.labels.values()): sample.value
                for family in text_string_to_metric_families(page)
                for sample in family.samples
                if sample.name == "xiaoge_alerts_total"
            }
            assert found == {("gas", "filed"): 1}


@pytest.mark.parametrize("own", [False, True])
async def test_one_address_serves_platforms_and_devices(tmp_path: Path, own: bool) -> None:
    port = free_port()
    own_port = free_port() if own else port
    text = PUSHED.format(port=port) + CONFIG.replace(
        'listen = "127.0.0.1:1"\n', f'listen = "127.0.0.1:{own_port}"\n' if own else ""
    )
    async with await fresh_store(tmp_path) as store:
        await furnish(store)
        async with living(store, tmp_path, text, own_port) as village:
            assert (await village.bench.post(drill=True))[0] == 200
            village.bench.url = f"http://127.0.0.1:{port}/sync/district/answers?"
            status, reply = await village.bench.send(json.dumps({"answers": []}).encode())
            assert (status, "signature does not fit" in reply["message"]) == (401, True)
