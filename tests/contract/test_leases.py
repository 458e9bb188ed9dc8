"""Leases in the database, and whole processes that share them: on SQLite as a check of the rules, on PostgreSQL with
connections of their own."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing as mp
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count, groupby
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.leasing import BEAT, POLL, Leasing
from storage import leases
from storage.beside import open_beside
from storage.engine import Store, StoreError, Tx
from storage.errors import LeaseLostError
from storage.leases import DUTY, LEASE, Fence, lease_of
from storage.tables.fleet import leases as lease_rows
from storage.tables.fleet import processes as process_rows
from storage.tables.records import sequences
from tests.contract.conftest import Postgresql
from tests.leasing import START, Fleet, Hall, Member, accounts, passes, process

NAMES = [lease_of("wx0"), lease_of("wx1"), DUTY]


async def _enter(tx: Tx) -> None:
    for holder in ("a", "b"):
        await leases.join(tx, process(holder))
    await leases.ensure(tx, NAMES, START)


async def test_a_lease_has_one_holder_until_it_is_given_back(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await _enter(tx)
        await leases.ensure(tx, NAMES, START + LEASE)  # what is there stays
        assert await leases.free(tx) == dict.fromkeys(NAMES, START)
        taken = await leases.claim(tx, NAMES[:2], "a", START)
        assert taken == {NAMES[0]: 1, NAMES[1]: 1}
        assert await leases.claim(tx, NAMES, "b", START) == {DUTY: 1}
        assert await leases.counts(tx) == {"a": 2}  # duty is no account
        await leases.release(tx, {NAMES[0]: 7, NAMES[1]: 1}, "a", START + LEASE)  # one of another epoch
        await leases.release(tx, {NAMES[0]: 1}, "b", START)
        assert await leases.held(tx, "a") == {NAMES[0]: 1}
        assert await leases.free(tx) == {NAMES[1]: START + LEASE}
        assert await leases.claim(tx, [NAMES[1]], "b", START) == {NAMES[1]: 2}
        assert await leases.claim(tx, [NAMES[1]], "b", START) == {NAMES[1]: 3}  # one's own, anew

    await store.write(work)


async def test_the_fence_lets_only_the_present_holder_and_epoch_through(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await _enter(tx)
        await leases.claim(tx, [NAMES[0]], "a", START)
        old = leases.fence(NAMES[0], "a", 1)
        assert await passes(tx, old)
        assert not await passes(tx, leases.fence(NAMES[0], "b", 1))
        assert not await passes(tx, leases.fence("account:nobody", "a", 1))
        await leases.claim(tx, [NAMES[0]], "a", START)
        assert not await passes(tx, old)
        await leases.bury(tx, ["a"], START)
        assert not await passes(tx, leases.fence(NAMES[0], "a", 2))
        await leases.no_fence(tx)

    await store.write(work)


async def test_a_broken_fence_undoes_its_own_work_alone(store: Store) -> None:
    await store.write(_enter)
    late = leases.fence(NAMES[0], "a", 1)

    async def act(tx: Tx, *, fenced: bool) -> None:
        await leases.ensure(tx, ["late" if fenced else "in time"], START)
        if fenced:
            await late(tx)

    works = [store.write(lambda tx, fenced=fenced: act(tx, fenced=fenced)) for fenced in (False, True, False)]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), LeaseLostError, type(None)]
    assert {lease.name for lease in await store.read(leases.every)} == {*NAMES, "in time"}


async def test_the_dead_are_forgotten_and_what_they_held_is_free(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await _enter(tx)
        await leases.claim(tx, NAMES, "a", START)
        assert await leases.renew(tx, "a", START + LEASE)
        await leases.resign(tx, "b")
        a, b = process("a", at=START + LEASE), replace(process("b"), wants=())
        assert await leases.alive(tx) == [a, b]
        await leases.bury(tx, ["a"], START + 2 * LEASE)
        assert await leases.alive(tx) == [b]
        assert not await leases.renew(tx, "a", START)
        assert await leases.free(tx) == dict.fromkeys(NAMES, START + 2 * LEASE)
        await leases.join(tx, b)
        await leases.join(tx, process("b", wants=["wx0"]))
        assert (await leases.alive(tx))[0].wants == ("wx0",)

    await store.write(work)


async def test_the_database_has_a_clock_that_runs_within_a_transaction(store: Store) -> None:
    async def work(tx: Tx) -> None:
        before = await leases.now(tx)
        await asyncio.sleep(0.01)
        assert timedelta() < await leases.now(tx) - before < timedelta(seconds=10)

    await store.write(work)
    assert await store.read(leases.now) > START - timedelta(days=3650)


# --- whole processes ---


@contextlib.asynccontextmanager
async def _fleet(postgresql: Postgresql, size: int, count: int) -> AsyncIterator[Fleet]:
    """So many processes with connections of their own, which share `count` accounts."""
    async with contextlib.AsyncExitStack() as stack:
        fleet = Fleet(accounts(count))
        for _ in range(size):
            fleet.join(await stack.enter_async_context(await postgresql.again()))
        yield fleet


async def test_processes_on_a_server_share_move_and_die(postgresql: Postgresql) -> None:
    async with await postgresql.fresh() as store, _fleet(postgresql, 2, 12) as fleet:
        await fleet.live(60)
        assert fleet.counts() == [6, 6]
        third = fleet.join(store)
        await fleet.live(60)
        assert fleet.counts() == [4, 4, 4]
        first, second, _ = fleet.members
        first.dead = True
        await fleet.live(LEASE.total_seconds() + 2 * POLL)
        assert fleet.counts() == [6, 6]
        await second.leasing.leave()
        second.dead = True
        await fleet.live(POLL)
        assert third.hall.accounts == set(accounts(12))
        assert set((await fleet.passing(store)).values()) == {1}


async def test_the_server_was_away_for_forty_seconds(postgresql: Postgresql) -> None:
    """The real one, killed: every seat is closed before its lease could be another's, and opened again afterwards."""
    async with _fleet(postgresql, 2, 6) as fleet:
        await fleet.live(60)
        had = [member.hall.accounts for member in fleet.members]
        await asyncio.to_thread(postgresql.server.kill)
        await fleet.live(25)
        assert fleet.counts() == [0, 0]
        await fleet.live(15)
        await asyncio.to_thread(postgresql.server.start)
        await fleet.live(10)
        assert [member.hall.accounts for member in fleet.members] == had
        assert all(said.split()[0] in ("open", "drop") for member in fleet.members for said in member.hall.said[-6:])


async def test_a_long_transaction_costs_nobody_an_account(
    postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A big import beside the fleet: all writers wait for it, for minutes."""
    monkeypatch.setattr("storage.postgres._THINK", 120)  # what only waits here is not to lose its turn by it
    async with await postgresql.fresh() as importing, _fleet(postgresql, 2, 6) as fleet:
        await fleet.live(60)
        said = [list(member.hall.said) for member in fleet.members]
        begun, done = asyncio.Event(), asyncio.Event()

        async def long(tx: Tx) -> None:
            await leases.ensure(tx, ["a row"], START)
            begun.set()
            await done.wait()

        writing = asyncio.create_task(importing.write(long))
        await begun.wait()
        await fleet.live(200)
        assert [member.hall.said for member in fleet.members] == said
        done.set()
        await writing


async def test_a_renewal_and_a_burial_at_once(postgresql: Postgresql) -> None:
    """What came first counts."""
    async with await postgresql.fresh() as store:
        await store.write(_enter)
        late, met = START + 2 * LEASE, asyncio.Event()

        async def bury(tx: Tx) -> set[str]:
            seen = await leases.alive(tx)
            assert all(one.expires_at <= late for one in seen)
            assert await store.aside(lambda aside: leases.renew(aside, "a", late))  # since we looked
            buried = await leases.bury(tx, ["a", "b"], late, expired=True)
            met.set()
            return buried

        burying = asyncio.create_task(store.write(bury))
        await met.wait()
        assert not await store.aside(lambda aside: leases.renew(aside, "b", late))
        assert await burying == {"b"}
        assert [one.holder for one in await store.read(leases.alive)] == ["a"]


async def test_with_clocks_of_their_own_two_loops_share_and_one_leaves(postgresql: Postgresql) -> None:
    """Nothing virtual: the loops, the server's clock."""
    async with await postgresql.fresh() as one, await postgresql.again() as two:
        halls = [Hall(), Hall()]
        loops = [Leasing(store, hall, accounts(2), version="0") for store, hall in zip((one, two), halls, strict=True)]
        first = asyncio.create_task(loops[0].run())
        async with asyncio.timeout(30):
            while halls[0].accounts != set(accounts(2)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            loops[0].stop()
            await first
            second = asyncio.create_task(loops[1].run())
            while halls[1].accounts != set(accounts(2)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            loops[1].stop()
            await second
        assert await one.read(leases.alive) == []


@pytest.mark.long
async def test_a_stopped_process_that_goes_on_writes_nothing_more(postgresql: Postgresql) -> None:
    """Real processes, real clocks, SIGSTOP: whoever writes for an account is the only one to do so from then on."""
    spawn = mp.get_context("spawn")

    def writers() -> list[str]:
        found = postgresql.rows("SELECT split_part(name, ' ', 1) FROM sequences ORDER BY value")
        return [name for name, _ in groupby(name for (name,) in found)]

    async def until(count: int, seconds: float) -> float:
        begun = time.monotonic()
        async with asyncio.timeout(seconds):
            while len(writers()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        return time.monotonic() - begun

    async with await postgresql.fresh():
        one, two = (spawn.Process(target=_serve, args=(postgresql.url, postgresql.home), daemon=True) for _ in "ab")
        try:
            one.start()
            await until(1, 30)
            two.start()
            await asyncio.sleep(3)
            os.kill(one.pid, signal.SIGSTOP)
            taken_over = await until(2, 60)
            os.kill(one.pid, signal.SIGCONT)
            await asyncio.sleep(5)
            assert len(writers()) == 2
            assert one.is_alive()
        finally:
            for each in (one, two):
                each.kill()
    print(f"taken over {taken_over:.0f} s after SIGSTOP")


def _serve(url: str, home: Path) -> None:
    asyncio.run(_write_for_one(url, home))


async def _write_for_one(url: str, home: Path) -> None:
    """A process that writes for an account as fast as it can, whenever it believes to have it."""
    hall = Hall()
    async with await open_beside(url, key_file=home / "xiaoge.key") as store:
        leasing = Leasing(store, hall, accounts(1), version="0")
        living = asyncio.create_task(leasing.run())
        for number in count():
            fence = hall.open_now.get("wx0")
            if fence is not None:
                with contextlib.suppress(LeaseLostError, StoreError):
                    await store.write(partial(_note, name=f"{leasing.holder} {number}", fence=fence))
            await asyncio.sleep(0.01)
        await living


async def _note(tx: Tx, name: str, fence: Fence) -> None:
    await fence(tx)
    at = int((await leases.now(tx)).timestamp() * 1_000_000)
    await tx.execute(sa.insert(sequences).values(name=name, value=at))


# What may happen to a fleet of up to four: time goes on, somebody starts, dies, leaves, freezes, is cut off.
_ACTIONS = st.lists(
    st.tuples(st.sampled_from(["wait", "start", "kill", "leave", "freeze", "cut"]), st.integers(0, 35)), max_size=15
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_ACTIONS)
async def test_never_do_two_serve_an_account(store: Store, actions: list[tuple[str, int]]) -> None:
    """Of all fences ever given out at most one lets a write through, at no moment are two seats open that could act,
    and when all is well again every account is served, in fair shares."""
    await store.write(_forget)
    fleet = Fleet(accounts(5))
    fleet.join(store)
    for what, number in actions:
        if what == "wait":
            for _ in range(number):
                await fleet.live(1)
                assert max(fleet.served().values(), default=0) <= 1
        elif what == "start":
            if sum(not member.dead for member in fleet.members) < 4:
                fleet.join(store)
        else:
            await _befall(fleet.members[number % len(fleet.members)], what)
        assert max((await fleet.passing(store)).values(), default=0) <= 1
    for member in fleet.members:
        member.frozen, member.line.up = False, True
    await fleet.live(90)
    living = len(fleet.living)
    assert set(fleet.served().values()) == {1 if living else 0}
    assert not living or set(fleet.counts()) <= {5 // living, -(-5 // living)}
    assert sum(member.hall.on_duty for member in fleet.living) == min(1, living)


async def _befall(member: Member, what: str) -> None:
    if what == "kill":
        member.dead = True
    elif what == "leave" and not member.dead and not member.frozen:
        await member.leasing.leave()
        member.dead = True
    elif what == "freeze":
        member.frozen = not member.frozen
    elif what == "cut":
        member.line.up = not member.line.up


async def _forget(tx: Tx) -> None:
    await tx.execute(sa.delete(lease_rows))
    await tx.execute(sa.delete(process_rows))


async def test_a_renewal_costs_the_same_whatever_it_holds(postgresql: Postgresql) -> None:
    """One statement a beat, one row changed, no turn taken: with 5,000 accounts as well as with 50."""
    took = {}
    for size in (50, 5000):
        async with await postgresql.fresh() as store:
            await store.write(_forget)
            fleet = Fleet(accounts(size))
            one = fleet.join(store)
            await fleet.live(POLL)
            assert len(one.hall.accounts) == size
            rows = await store.read(leases.every)
            asked, renewed, spent = one.line.asked, one.line.renewed, []
            for _ in range(10):
                fleet.time.seconds += BEAT
                begun = time.perf_counter()
                await one.leasing._renew()
                spent.append(time.perf_counter() - begun)
                await one.leasing.step()
            took[size] = min(spent)
            assert (one.line.asked - asked, one.line.renewed - renewed) == (0, 10)
            assert await store.read(leases.every) == rows
    print(f"a renewal with 50 accounts {took[50] * 1000:.1f} ms, with 5,000 {took[5000] * 1000:.1f} ms")
