"""Seats open and close as leases come and go: virtual time, real databases, seats that only write down."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from bot.leasing import BEAT, BENCH, GRACE, POLL, SURE, _place
from storage import leases
from storage.engine import Store, Tx
from storage.errors import LeaseLostError
from tests.leasing import Fleet, accounts, passes, process


async def test_one_alone_has_everything_at_once(store: Store) -> None:
    fleet = Fleet(accounts(5))
    one = fleet.join(store)
    await fleet.live(POLL)
    assert one.hall.accounts == set(accounts(5))
    assert one.hall.on_duty
    asked, renewed = one.line.asked, one.line.renewed
    await fleet.live(60)
    assert sorted(one.hall.said) == [f"open {name}" for name in accounts(5)]
    assert (one.line.asked - asked, one.line.renewed - renewed) == (0, 60 / BEAT)


async def test_who_joins_is_given_a_fair_share_and_nothing_moves_after_that(store: Store) -> None:
    fleet = Fleet(accounts(11))
    fleet.join(store)
    await fleet.live(10)
    fleet.join(store)
    await fleet.live(60)
    assert fleet.counts() == [5, 6]
    fleet.join(store)
    await fleet.live(60)
    assert fleet.counts() == [3, 4, 4]
    assert set(fleet.served().values()) == {1}
    said = [list(member.hall.said) for member in fleet.members]
    await fleet.live(200)
    assert [member.hall.said for member in fleet.members] == said
    assert sum(member.hall.on_duty for member in fleet.members) == 1


async def test_what_a_stopped_process_had_is_served_within_seconds(store: Store) -> None:
    fleet = Fleet(accounts(6))
    one, two = fleet.join(store), fleet.join(store)
    await fleet.live(60)
    assert fleet.counts() == [3, 3]
    await one.leasing.leave()
    one.dead = True
    assert one.hall.open_now == {}
    assert not any(said.startswith("drop") for said in one.hall.said)
    await fleet.live(POLL)
    assert two.hall.open_now.keys() == {*accounts(6), "duty"}
    assert [row.holder for row in await store.read(leases.alive)] == [two.leasing.holder]


async def test_while_one_leaves_the_others_take_what_is_closed_already(store: Store) -> None:
    fleet = Fleet(accounts(4))
    one = fleet.join(store)
    await fleet.live(10)
    two = fleet.join(store)
    await fleet.live(30)
    assert fleet.counts() == [2, 2]
    one.hall.hold = asyncio.Event()  # its seats take their time
    leaving = asyncio.create_task(one.leasing.leave())
    one.dead = True
    while not any(row.wants == () for row in await store.read(leases.alive)):  # noqa: ASYNC110
        await asyncio.sleep(0)
    await fleet.live(POLL)
    assert len(two.hall.accounts) == 2  # nothing that is still open elsewhere
    one.hall.hold.set()
    await leaving
    await fleet.live(POLL)
    assert two.hall.accounts == set(accounts(4))


async def test_a_dead_process_is_buried_and_its_accounts_taken_within_a_minute(store: Store) -> None:
    fleet = Fleet(accounts(6))
    one, two = fleet.join(store), fleet.join(store)
    await fleet.live(60)
    one.dead = True
    await fleet.live(24)
    assert len(two.hall.accounts) == 3
    await fleet.live(8 + POLL)
    assert two.hall.accounts == set(accounts(6))
    assert two.hall.on_duty


async def test_who_is_known_to_be_dead_is_waited_for_by_nobody(store: Store) -> None:
    fleet = Fleet(accounts(2))
    fleet.join(store)
    await fleet.live(POLL)
    fleet.members[0].dead = True
    after = fleet.join(store, gone=lambda other: other.holder == fleet.members[0].leasing.holder)
    await fleet.live(POLL)
    assert after.hall.accounts == set(accounts(2))


async def test_a_pid_is_believed_only_where_it_means_something(store: Store) -> None:
    fleet = Fleet([])
    leasing = fleet.join(store).leasing
    ended = await asyncio.create_subprocess_exec("true")
    await ended.wait()
    assert _place()
    dead = replace(process("x"), pid=ended.pid, place=_place())
    assert leasing._is_gone(dead)
    assert not leasing._is_gone(replace(dead, place=""))
    assert not leasing._is_gone(replace(dead, place="another kernel"))
    assert not leasing._is_gone(replace(dead, pid=os.getpid()))


async def test_seats_close_before_anybody_else_can_have_them(store: Store) -> None:
    fleet = Fleet(accounts(4))
    one, two = fleet.join(store), fleet.join(store)
    await fleet.live(60)
    one.hall.said.clear()
    one.line.up = False
    for _ in range(40):
        await fleet.live(1)
        assert max(fleet.served().values()) <= 1
    assert one.hall.open_now == {}
    assert all(said.startswith("drop") for said in one.hall.said)
    assert not one.leasing.sure
    assert two.hall.accounts == set(accounts(4))
    one.line.up = True
    await fleet.live(30)
    assert fleet.counts() == [2, 2]


async def test_where_the_database_was_away_for_all_everybody_has_their_own_again(store: Store) -> None:
    fleet = Fleet(accounts(9))
    for _ in range(3):
        fleet.join(store)
    await fleet.live(60)
    had = [member.hall.accounts for member in fleet.members]
    for member in fleet.members:
        member.line.up = False
    await fleet.live(SURE)
    assert fleet.counts() == [0, 0, 0]
    await fleet.live(40 - SURE)
    for member in fleet.members:  # not all at the same moment
        member.line.up = True
        await fleet.live(3)
    assert [member.hall.accounts for member in fleet.members] == had
    said = [list(member.hall.said) for member in fleet.members]
    await fleet.live(120)
    assert [member.hall.said for member in fleet.members] == said


async def test_after_an_outage_who_does_not_come_back_is_buried_all_the_same(store: Store) -> None:
    fleet = Fleet(accounts(4))
    one, two = fleet.join(store), fleet.join(store)
    await fleet.live(60)
    one.line.up = two.line.up = False
    await fleet.live(40)
    one.dead, two.line.up = True, True
    await fleet.live(POLL + GRACE + POLL)
    assert two.hall.accounts == set(accounts(4))


async def test_a_frozen_process_that_wakes_up_finds_its_fence_broken(store: Store) -> None:
    fleet = Fleet(accounts(1))
    one = fleet.join(store)
    await fleet.live(10)
    two = fleet.join(store)
    one.frozen = True
    await fleet.live(40)
    assert two.hall.accounts == {"wx0"}
    one.frozen = False  # and writes before it looks at any clock
    with pytest.raises(LeaseLostError):
        await store.write(one.hall.open_now["wx0"])
    await fleet.settle()
    assert one.hall.said[-1] == "drop wx0"
    assert await fleet.passing(store) == {"wx0": 1, "duty": 1}
    await fleet.live(10)
    assert (one.hall.accounts, two.hall.accounts) == (set(), {"wx0"})


async def test_a_renewal_whose_answer_came_too_late_opens_nothing(store: Store) -> None:
    fleet = Fleet(accounts(1))
    one = fleet.join(store)
    write = one.line.write

    async def slow(work):  # type: ignore[no-untyped-def]
        answer = await write(work)
        fleet.time.seconds += SURE
        return answer

    one.line.write = slow  # type: ignore[method-assign]
    await one.leasing.step()
    await fleet.settle()
    assert one.hall.said == []
    one.line.write = write  # type: ignore[method-assign]
    await one.leasing.step()
    await fleet.settle()
    assert one.hall.accounts == {"wx0"}
    assert await fleet.passing(store) == {"wx0": 1, "duty": 1}


async def test_a_lost_seat_that_was_still_opening_is_cut_short(store: Store) -> None:
    fleet = Fleet(accounts(1))
    one = fleet.join(store)
    one.hall.hold = asyncio.Event()
    await fleet.live(POLL)
    one.line.up = False
    await fleet.live(SURE + 1)
    assert one.hall.said == ["open wx0", "drop wx0"]
    one.hall.hold.set()
    one.line.up = True
    await fleet.live(POLL)
    assert one.hall.accounts == {"wx0"}


async def test_a_seat_that_does_not_open_is_left_to_others_for_a_while(store: Store) -> None:
    fleet = Fleet(accounts(3))
    one = fleet.join(store)
    one.hall.broken.add("wx1")
    await fleet.live(30)
    assert one.hall.accounts == {"wx0", "wx2"}
    assert one.hall.said.count("open wx1") == 1
    fleet.join(store)
    await fleet.live(30)
    assert set(fleet.served().values()) == {1}
    assert "wx1" in fleet.members[1].hall.accounts
    one.leasing.give_up("wx0")  # one that breaks later
    one.hall.broken.clear()
    await fleet.live(30)
    assert set(fleet.served().values()) == {1}
    await fleet.live(BENCH)
    assert fleet.counts() == [1, 2]


async def test_who_wants_few_serves_no_other(store: Store) -> None:
    fleet = Fleet(accounts(6))
    few = fleet.join(store, wants=["wx0", "wx1"])
    await fleet.live(60)
    assert few.hall.accounts == {"wx0", "wx1"}
    everything = fleet.join(store)
    await fleet.live(60)
    assert everything.hall.accounts >= {"wx2", "wx3", "wx4", "wx5"}
    everything.dead = True
    await fleet.live(60)
    assert few.hall.accounts == {"wx0", "wx1"}
    assert few.hall.on_duty


async def test_what_only_some_configurations_have_is_not_given_to_the_others(store: Store) -> None:
    """Accounts are added on one machine after the other."""
    fleet = Fleet(accounts(4))
    for _ in range(2):
        fleet.join(store)
    await fleet.live(60)
    fleet.names = accounts(10)
    newer = fleet.join(store)
    await fleet.live(60)
    said = list(newer.hall.said)
    for _ in range(120):
        await fleet.live(1)
        assert set(fleet.served().values()) == {1}
    assert newer.hall.said == said
    fleet.members[0].dead = True
    await fleet.members[0].leasing.leave()
    newest = fleet.join(store)
    await fleet.live(60)
    assert set(fleet.served().values()) == {1}
    assert min(len(member.hall.accounts) for member in (newer, newest)) == 4


async def test_the_loop_lives_and_ends_by_itself(store: Store) -> None:
    """In real time, which is not waited for: the first step and the last come at once."""
    fleet = Fleet(accounts(2))
    one = fleet.join(store)
    living = asyncio.create_task(one.leasing.run())
    async with asyncio.timeout(10):
        while one.hall.accounts != set(accounts(2)):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        one.leasing.stop()
        await living
    assert one.hall.open_now == {}

    async def left(tx: Tx) -> tuple[int, set[str | None]]:
        return len(await leases.alive(tx)), {lease.holder for lease in await leases.every(tx)}

    assert await store.read(left) == (0, {None})


async def test_a_stop_without_a_database_closes_the_seats_all_the_same(store: Store) -> None:
    fleet = Fleet(accounts(2))
    one = fleet.join(store)
    await fleet.live(POLL)
    one.line.up = False
    await one.leasing.leave()
    assert one.hall.open_now == {}
    assert await store.write(lambda tx: passes(tx, one.hall.fences[0][1]))  # they run out by themselves
