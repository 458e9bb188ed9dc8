"""Two processes of the bot share eight accounts behind real gateways: one is killed, restarted, frozen, and their
database is killed, each in the middle of a broadcast and while residents talk. What the gateways really sent counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.fleet_town import KEPT_ALIVE, FleetTown
from tests.chaos.program import Kind, reckon, shown
from tests.contract.conftest import Postgresql, postgres, postgresql
from tests.integration.conftest import node

__all__ = ["node", "postgres", "postgresql"]

pytestmark = [pytest.mark.gateway, pytest.mark.usefixtures("node")]

TAKEN_OVER_WITHIN = 60.0  # seconds
SOME_MOMENTS = timedelta(seconds=15)  # the deadline of a call
A_MOMENT = timedelta(seconds=1)  # until a process stands still, or a gateway has said what it was given
SHORT: dict[str, Any] = {"rooms": 12, "members": 160, "gap": (1.0, 1.5)}
FULL: dict[str, Any] = {"rooms": 50, "members": 240, "gap": (0.7, 1.0)}


async def one_is_killed(town: FleetTown) -> str:
    """The other one takes over; when it is back, each has its half again."""
    doomed, other = town.bots
    notice = await town.broadcast("明天上午9点到11点清洗水箱停水，请提前储水")
    await notice.reached(0.5)
    orphans = await town.half_of(doomed)
    killed_at = datetime.now(UTC)
    doomed.kill()
    dead_at = datetime.now(UTC)
    town.bots.remove(doomed)

    async def all_taken() -> bool:
        return await other.linked() >= orphans

    linked_after = await town.wait("the other process hears all accounts", all_taken)
    await town.heard()
    await notice.over()
    signs = await first_signs(town, orphans, killed_at.timestamp())
    doomed.start()
    town.bots.append(doomed)
    balanced_after = await town.shared_out()

    unknown = await notice.unknown()
    assert orphans
    assert max(signs.values()) <= TAKEN_OVER_WITHIN, signs
    assert len(unknown) <= len({account for account, _, _ in unknown}), "an account has one line under way"
    for account, _, tried_at in unknown:
        assert account in orphans
        assert killed_at - SOME_MOMENTS <= tried_at <= dead_at, "it was under way when the process died"
    return (
        f"one killed: its {len(orphans)} accounts are linked after {linked_after:.1f} s and speak after "
        f"{min(signs.values()):.1f} to {max(signs.values()):.1f} s, {len(unknown)} lines unknown; "
        f"halves again {balanced_after:.1f} s after its start"
    )


async def first_signs(town: FleetTown, accounts: set[str], since: float) -> dict[str, float]:
    """After how many seconds each of these accounts said something again. What the dead one had on the wire at that
    moment is none of it."""
    signs = {}
    for one in town.people:
        if one.account in accounts:
            said = [line["at"] / 1000 - since for line in await one.gateway.sent()]
            later = [after for after in said if after > A_MOMENT.total_seconds()]
            signs[one.account] = min(later, default=float("inf"))
    return signs


async def one_after_the_other_restarts(town: FleetTown) -> str:
    notice = await town.broadcast("周六上午9点小区大扫除，欢迎参加")
    await notice.reached(0.2)
    took = []
    for bot in list(town.bots):
        began = time.monotonic()
        assert await bot.stop() == 0, bot.last_words()
        bot.start()
        await town.shared_out()
        took.append(f"{time.monotonic() - began:.1f}")
    await town.heard()
    await notice.over()
    assert await notice.unknown() == []
    return f"restarted one after the other in {' and '.join(took)} s, no line unknown"


async def one_freezes(town: FleetTown) -> str:
    """For longer than its leases last. A gateway that asks its client for signs of life lets the successor in; a stock
    one keeps the event stream for the frozen one, and refuses any other."""
    frozen, other = town.bots
    notice = await town.broadcast("本周日电梯年检，每台停用半小时")
    await notice.reached(0.4)
    orphans = await town.half_of(frozen)
    freezing_at = datetime.now(UTC)
    began = time.monotonic()
    frozen.freeze()
    frozen_at = datetime.now(UTC)
    town.bots.remove(frozen)
    try:

        async def all_leased() -> bool:
            sql = "SELECT holder FROM leases WHERE name LIKE 'account:%'"
            holders = {holder for (holder,) in await asyncio.to_thread(town.query, sql)}
            return len(holders) == 1 and None not in holders

        linked: set[str] = set()

        async def let_in() -> bool:
            linked.clear()
            linked.update(await other.linked())
            return linked >= orphans & KEPT_ALIVE

        leased_after = await town.wait("the other process holds all leases", all_leased)
        await town.wait("the gateways that ask for signs of life let it in", let_in)
        linked_after = time.monotonic() - began
        refused = orphans - linked
    finally:
        frozen.thaw()
    town.bots.append(frozen)
    heard_after = await town.heard()
    await notice.over()
    await town.shared_out()

    unknown = await notice.unknown()
    assert orphans
    assert refused == orphans - KEPT_ALIVE
    assert linked_after <= TAKEN_OVER_WITHIN
    assert len(unknown) <= len({account for account, _, _ in unknown}), "an account has one line under way"
    for account, _, tried_at in unknown:
        assert account in orphans
        assert freezing_at - SOME_MOMENTS <= tried_at <= frozen_at + A_MOMENT, "under way when the process froze"
    return (
        f"one frozen: its {len(orphans)} leases taken after {leased_after:.1f} s, {len(orphans & KEPT_ALIVE)} linked "
        f"after {linked_after:.1f} s, {len(refused)} refused by stock gateways until it thawed; all are heard "
        f"{heard_after:.1f} s after it thawed, {len(unknown)} lines unknown"
    )


async def the_server_is_killed(town: FleetTown) -> str:
    """PostgreSQL's postmaster. Both processes wait, say so, and go on; what is said meanwhile waits on the wire."""
    assert town.on is not None

    async def all_say(status: int) -> bool:
        pages = [await bot.ready() for bot in town.bots]
        return all(code == status and bool(page["store"]["error"]) is (status != 200) for code, page in pages)

    notice = await town.broadcast("明天下午社区医院来小区义诊，地点架空层")
    await notice.reached(0.4)
    killed = time.monotonic()
    await asyncio.to_thread(town.on.server.kill)
    try:
        told_after = await town.wait("/readyz says 503 and why", lambda: all_say(503))
        await town.burst(2, Kind.APPEAL)
        await town.talked(20)
    finally:
        await asyncio.to_thread(town.on.server.start)
    away = time.monotonic() - killed
    back_after = await town.wait("/readyz says 200", lambda: all_say(200))
    await town.heard()
    await notice.over()
    await town.shared_out()
    assert await notice.unknown() == []
    return (
        f"PostgreSQL away for {away:.1f} s: /readyz says so after {told_after:.1f} s and that it is back "
        f"{back_after:.1f} s after its return, no line unknown"
    )


Trouble = Callable[[FleetTown], Awaitable[str]]
A_DAY: tuple[Trouble, ...] = (one_is_killed, one_after_the_other_restarts, the_server_is_killed)


@pytest.mark.parametrize(
    ("size", "troubles"),
    [
        pytest.param(SHORT, A_DAY, id="a day of troubles"),
        *(
            pytest.param(FULL, (trouble,), id=f"400 rooms, {trouble.__name__}", marks=pytest.mark.long)
            for trouble in (one_is_killed, one_freezes)
        ),
    ],
)
async def test_nothing_is_lost_or_doubled(
    size: dict[str, Any],
    troubles: tuple[Trouble, ...],
    tmp_path: Path,
    postgresql: Postgresql,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each room has each notice once or it is listed as unknown, each appeal one ticket, and what nobody could hear
    lies in a gap on record."""
    async with FleetTown.opened_for(tmp_path, postgresql, **size) as town:
        for bot in town.bots:
            bot.start()
        stories = [f"halves {await town.shared_out():.1f} s after the start"]
        async with town.talking():
            stories += [await trouble(town) for trouble in troubles]
        await town.settled()
        codes = [await bot.stop() for bot in town.bots]
        assert codes == [0] * len(codes), "\n".join(bot.last_words() for bot in town.bots)
        await town.count_breaks()
        counts = await reckon(town)
        deaf = town.deaf()
    with capsys.disabled():
        print("", *stories, f"deaf for {deaf:.1f} s at most; {shown(counts)}", sep="\n  ")
