"""Two processes of the bot share eight accounts behind real gateways: one is killed, stopped, frozen in the middle of a
broadcast, while residents talk. What the gateways really sent is what counts."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGCONT, SIGSTOP
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
A_MOMENT = timedelta(seconds=1)  # until a process is dead
WORDS = "明天上午9点到11点清洗水箱停水，请提前储水"
SHORT: dict[str, Any] = {"rooms": 12, "members": 80, "gap": (1.0, 1.5)}
FULL: dict[str, Any] = {"rooms": 50, "members": 240, "gap": (0.7, 1.0)}
SIZES = [pytest.param(SHORT, id="96 rooms"), pytest.param(FULL, marks=pytest.mark.long, id="400 rooms")]


async def first_signs(town: FleetTown, accounts: set[str], since: float) -> dict[str, float]:
    """After how many seconds each of these accounts said something again. What the dead one had on the wire at that
    moment is none of it."""
    signs = {}
    for one in town.people:
        if one.account in accounts:
            said = [line["at"] / 1000 - since for line in await one.gateway.sent()]
            signs[one.account] = min(
                (after for after in said if after > A_MOMENT.total_seconds()), default=float("inf")
            )
    return signs


async def closed(town: FleetTown) -> dict[str, int]:
    """Stop everything and reckon up. Returns counts."""
    await town.settled()
    codes = [await bot.stop() for bot in town.bots]
    assert codes == [0] * len(codes), "\n".join(bot.last_words() for bot in town.bots)
    await town.count_breaks()
    return await reckon(town)


@pytest.mark.parametrize("size", SIZES)
async def test_a_process_is_killed(
    size: dict[str, Any], tmp_path: Path, postgresql: Postgresql, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FleetTown.opened_for(tmp_path, postgresql, **size) as town:
        doomed, other = town.bots
        for bot in town.bots:
            bot.start()
        started = await town.shared_out()
        async with town.talking():
            notice = await town.broadcast(WORDS)
            await notice.reached(0.5)
            orphans = await doomed.linked()
            killed_at = datetime.now(UTC)
            doomed.kill()
            town.bots.remove(doomed)

            async def all_taken() -> bool:
                return await other.linked() >= orphans

            linked_after = await town.wait("the other process hears all accounts", all_taken)
            await town.heard()
            await notice.over()

            doomed.start()
            town.bots.append(doomed)
            back_after = await town.shared_out()
            await town.heard()
        signs = await first_signs(town, orphans, killed_at.timestamp())
        counts = await closed(town)
        unknown = await notice.unknown()
    assert max(signs.values()) <= TAKEN_OVER_WITHIN, signs
    for account, _, tried_at in unknown:
        assert account in orphans
        assert killed_at - SOME_MOMENTS <= tried_at <= killed_at + A_MOMENT, "it was under way when the process died"
    assert len(unknown) <= len(orphans), "an account has one line under way"
    with capsys.disabled():
        print(
            f"\n  two processes hold their halves {started:.1f} s after the start; one killed: {len(orphans)} accounts "
            f"linked again after {linked_after:.1f} s, and speak after {min(signs.values()):.1f} to "
            f"{max(signs.values()):.1f} s; back in balance {back_after:.1f} s after its start; "
            f"{len(town.rooms)} rooms, {len(unknown)} unknown: {shown(counts)}"
        )


@pytest.mark.parametrize("size", SIZES)
async def test_a_rolling_restart(
    size: dict[str, Any], tmp_path: Path, postgresql: Postgresql, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FleetTown.opened_for(tmp_path, postgresql, **size) as town:
        for bot in town.bots:
            bot.start()
        await town.shared_out()
        took = []
        async with town.talking():
            notice = await town.broadcast(WORDS)
            await notice.reached(0.2)
            for bot in list(town.bots):
                began = time.monotonic()
                assert await bot.stop() == 0, bot.last_words()
                bot.start()
                await town.shared_out()
                took.append(time.monotonic() - began)
            ended_early = len(await notice.sent()) == len(town.rooms)
            await notice.over()
            await town.heard()
        counts = await closed(town)
        unknown = await notice.unknown()
    assert unknown == []
    assert counts["unknown"] == 0
    with capsys.disabled():
        print(
            f"\n  restarted one after the other in {took[0]:.1f} and {took[1]:.1f} s"
            f"{' (the notice was through before)' if ended_early else ''}: {shown(counts)}"
        )


@pytest.mark.parametrize("size", SIZES)
async def test_a_process_freezes(
    size: dict[str, Any], tmp_path: Path, postgresql: Postgresql, capsys: pytest.CaptureFixture[str]
) -> None:
    """For longer than its leases last. A gateway that asks its client for signs of life lets the successor in; a stock
    one keeps the event stream for the frozen one, and refuses any other."""
    async with FleetTown.opened_for(tmp_path, postgresql, **size) as town:
        frozen, other = town.bots
        for bot in town.bots:
            bot.start()
        await town.shared_out()
        async with town.talking():
            notice = await town.broadcast(WORDS)
            await notice.reached(0.4)
            orphans = await frozen.linked()
            frozen_at = datetime.now(UTC)
            frozen.send(SIGSTOP)
            town.bots.remove(frozen)
            try:

                async def all_leased() -> bool:
                    sql = "SELECT holder FROM leases WHERE name LIKE 'account:%'"
                    holders = {holder for (holder,) in await asyncio.to_thread(town.query, sql)}
                    return len(holders) == 1 and None not in holders

                async def let_in() -> bool:
                    return await other.linked() >= orphans & KEPT_ALIVE

                leased_after = await town.wait("the other process holds all leases", all_leased)
                await town.wait("the gateways with keepalive let it in", let_in)
                linked_after = (datetime.now(UTC) - frozen_at).total_seconds()
                refused = orphans - await other.linked()
            finally:
                frozen.send(SIGCONT)
            town.bots.append(frozen)
            heard_after = await town.heard()
            await notice.over()
            await town.shared_out()
        counts = await closed(town)
        unknown = await notice.unknown()
    assert refused == orphans - KEPT_ALIVE
    assert linked_after <= TAKEN_OVER_WITHIN
    assert {account for account, _, _ in unknown} <= orphans
    assert len(unknown) <= len(orphans), "an account has one line under way"
    with capsys.disabled():
        print(
            f"\n  frozen: its {len(orphans)} leases were taken after {leased_after:.1f} s, {len(orphans - refused)} "
            f"accounts linked after {linked_after:.1f} s, {len(refused)} refused by their gateways until it thawed; "
            f"all heard {heard_after:.1f} s after it thawed; {len(unknown)} unknown: {shown(counts)}"
        )


@pytest.mark.parametrize("size", SIZES)
async def test_the_database_server_is_killed(
    size: dict[str, Any], tmp_path: Path, postgresql: Postgresql, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both processes wait, say so, and go on; what is said meanwhile waits on the wire."""
    async with FleetTown.opened_for(tmp_path, postgresql, **size) as town:
        for bot in town.bots:
            bot.start()
        await town.shared_out()

        async def all_say(status: int) -> bool:
            pages = [await bot.ready() for bot in town.bots]
            return all(code == status and bool(page["store"]["error"]) is (status != 200) for code, page in pages)

        async with town.talking():
            notice = await town.broadcast(WORDS)
            await notice.reached(0.4)
            killed = time.monotonic()
            await asyncio.to_thread(postgresql.server.kill)
            try:
                told_after = await town.wait("/readyz says 503 and why", lambda: all_say(503))
                await town.burst(2, Kind.APPEAL)
                await town.talked(20)
            finally:
                await asyncio.to_thread(postgresql.server.start)
            away = time.monotonic() - killed
            back_after = await town.wait("/readyz says 200", lambda: all_say(200))
            await town.heard()
            await notice.over()
            await town.shared_out()
        counts = await closed(town)
        unknown = await notice.unknown()
    assert unknown == []
    assert counts["unknown"] == 0
    with capsys.disabled():
        print(
            f"\n  PostgreSQL away for {away:.1f} s: /readyz says so after {told_after:.1f} s and that it is back "
            f"{back_after:.1f} s after its return: {shown(counts)}"
        )
