"""A gateway that dies, one that freezes, an upstream error and nonsense on the wire, in the midst of a crowd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.config import load
from bot.house import House
from bot.pacing import Budget
from bot.registry import Registry
from bot.transports.gateway_link import Timing
from bot.transports.wechaty import WechatyTransport
from nlp import categories
from nlp.pipeline import Classifier
from storage.engine import Store
from tests.chaos.program import Kind, People, Town, crowd, reckon, shown, until
from tests.integration.conftest import MakeGateway

pytestmark = pytest.mark.gateway

ROOMS, MEMBERS = 200, 100
BATCHES, LINES, APPEALS = 40, 50, 60  # of each account: 40 batches of 50 lines, 60 appeals among these
BACK_WITHIN = 5.0  # seconds after a gateway's return
QUICK = Timing(deadline=5.0, connect=10.0, quiet=1.0, idle=6.0, backoff=0.1, backoff_cap=0.5)
FAST = Budget(per_minute=6000, per_hour=6000, per_day=6000, gap=(0, 0), per_room_gap=0)


@asynccontextmanager
async def living(town: Town, timing: Timing) -> AsyncIterator[dict[str, WechatyTransport]]:
    """The house that the town's configuration describes, in this process; its wires."""
    config, clock = load(town.config), SystemClock()
    wires = {
        entry.name: WechatyTransport(entry.name, entry.endpoint, entry.secret(), timing=timing)
        for entry in config.accounts
    }
    async with await Store.open(config.database.url, key_file=config.key_file) as store:
        await store.write(lambda tx: Registry.of(config).store(tx, clock.now()))
        house = House(
            store=store,
            classifier=Classifier.load(),
            policy=config.policy(categories.load()),
            transports=list(wires.values()),
            budget=FAST,
            clock=clock,
        )
        task = asyncio.create_task(house.run())
        try:
            await online(*wires.values())
            yield wires
        finally:
            house.stop()
            await task
        assert house.dispatcher.failures == 0


async def online(*wires: WechatyTransport) -> float:
    """Returns after how many seconds they were."""
    began = time.monotonic()

    async def linked() -> bool:
        return all(wire.online for wire in wires)

    await until(linked, 60, every=0.01)
    return time.monotonic() - began


async def offline(wire: WechatyTransport, seconds: float) -> None:
    async def lost() -> bool:
        return not wire.online

    await until(lost, seconds, every=0.01)


async def speak(one: People, wire: WechatyTransport, batches: range) -> None:
    """A part of the day. What is said while the gateway is away is lost with the call."""
    for batch in batches:
        appeals = 1 + batch % 2
        try:
            await one.talk(LINES - appeals, *[Kind.APPEAL] * appeals)
        except OSError:
            await asyncio.sleep(0.1)
            await online(wire)


@pytest.mark.parametrize(
    ("timing", "frozen"),
    [(QUICK, 0.0), pytest.param(Timing(), 60.0, marks=pytest.mark.long)],
    ids=["quick timing", "60 s at the real timing"],
)
async def test_a_day_of_troubles(
    timing: Timing, frozen: float, tmp_path: Path, make_gateway: MakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """2 accounts, 200 rooms each, 2,000 lines each with 60 appeals. `frozen`: seconds, longer where it takes longer to
    be noticed."""
    town = await Town.build(tmp_path, make_gateway, 1, rooms=ROOMS, members=MEMBERS, slow_sends=5)
    first, second = town.people
    async with living(town, timing) as wires:
        troubled, other = wires["wx1"], wires["wx2"]

        await asyncio.gather(speak(first, troubled, range(13)), speak(second, other, range(13)))
        await first.gateway.do("error")
        await first.gateway.do("malformed")
        await second.gateway.do("error")
        await second.gateway.do("malformed")

        talks = asyncio.gather(speak(first, troubled, range(13, 26)), speak(second, other, range(13, 26)))
        await accepted(town, first, len(first.said) + LINES)
        town.breaks["wx1"] += 1
        await first.gateway.kill()
        await offline(troubled, 30)
        assert other.online
        await first.gateway.start()
        back = await online(troubled)
        assert back <= BACK_WITHIN * crowd()
        await talks

        talks = asyncio.gather(speak(first, troubled, range(26, 40)), speak(second, other, range(26, 40)))
        town.breaks["wx1"] += 1
        began = time.monotonic()
        first.gateway.freeze()
        try:
            await offline(troubled, 60)
            noticed = time.monotonic() - began
            await asyncio.sleep(frozen - noticed)
        finally:
            first.gateway.thaw()
        thawed = await online(troubled)
        await talks
        await town.settled()
    counts = await reckon(town)

    assert [len(one.said) for one in town.people] == [BATCHES * LINES] * 2
    assert [sum(said.kind is Kind.APPEAL for said in one.said) for one in town.people] == [APPEALS] * 2
    heard = dict(town.query("SELECT account, count(*) FROM inbox WHERE message_id LIKE 'wx%' GROUP BY 1"))
    assert counts["held back"] == 0
    assert heard["wx2"] == BATCHES * LINES, "the other account has lost nothing"
    assert {of for (of,) in town.query("SELECT DISTINCT account FROM gaps")} == {"wx1"}
    with capsys.disabled():
        times = f"back {back:.2f} s after a death, frozen noticed after {noticed:.1f} s, back {thawed:.2f} s after it"
        print(f"\n  {times}: {shown(counts)}")


async def accepted(town: Town, one: People, number: int) -> None:
    """So many of its lines are on disk."""

    async def there() -> bool:
        sql = f"SELECT count(*) FROM inbox WHERE account = '{one.account}' AND message_id LIKE 'wx%'"  # noqa: S608
        ((count,),) = await asyncio.to_thread(town.query, sql)
        return count >= number

    await until(there, 60, every=0.01)
