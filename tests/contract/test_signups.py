"""Rosters: who is in follows from what was said and when, on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import erasure, people, places, signups
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage.engine import Store, Tx
from storage.model import Alias
from storage.places import Step
from storage.signups import EntryState, NewSignup, Slot
from tests.contract.conftest import Database

NOW = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(seconds: int) -> datetime:
    return NOW + seconds * SECOND


# --- the fold, pure ---
said = st.tuples(st.integers(0, 30), st.integers(1, 8), st.integers(0, 4), st.sampled_from([None, 1, 2]))


def steps_of(rows: list[tuple[int, int, int, int | None]], capacity: int) -> list[Step]:
    quotas = [Step(number, at(-1), None, capacity, slot) for number, slot in enumerate((None, 1, 2))]
    return quotas + [Step(9 + i, at(t), seq, heads, slot) for i, (t, seq, heads, slot) in enumerate(rows)]


@given(st.lists(said, max_size=30), st.integers(1, 6), st.randoms())
def test_the_order_of_arrival_changes_nothing_and_no_quota_is_exceeded(
    rows: list[tuple[int, int, int, int | None]], capacity: int, random: object
) -> None:
    steps = steps_of(rows, capacity)
    seats = places.seat(steps)
    shuffled = list(steps)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert places.seat(shuffled) == seats
    for slot in (None, 1, 2):
        taken = sum(seat.granted for seat in seats.values() if seat.slot == slot)
        assert taken <= capacity
        for seat in seats.values():
            if seat.slot == slot and seat.wanted > seat.granted:
                assert seat.wanted - seat.granted > capacity - taken, "who waits does not fit"


@given(st.lists(said, min_size=1, max_size=30), st.integers(1, 6))
def test_nobody_who_is_in_loses_it_by_what_others_say_later(
    rows: list[tuple[int, int, int, int | None]], capacity: int
) -> None:
    steps = steps_of(sorted(rows, key=lambda row: row[0]), capacity)
    last = max(steps[3:], key=lambda step: (step.at, step.id))
    before, after = places.seat([step for step in steps if step is not last]), places.seat(steps)
    for seq, seat in before.items():
        if seq != last.seq:
            assert after[seq].granted >= seat.granted


def test_a_smaller_quota_throws_nobody_out() -> None:
    steps = [Step(1, at(0), None, 4), Step(2, at(1), 1, 2), Step(3, at(2), 2, 2), Step(4, at(3), None, 1)]
    steps += [Step(5, at(4), 3, 1)]
    assert {seq: seat.granted for seq, seat in places.seat(steps).items()} == {1: 2, 2: 2, 3: 0}


def test_a_party_that_grows_keeps_what_it_has_until_there_is_room() -> None:
    steps = [Step(1, at(0), None, 4), Step(2, at(1), 1, 2), Step(3, at(2), 2, 2), Step(4, at(3), 1, 3)]
    assert {seq: (seat.wanted, seat.granted) for seq, seat in places.seat(steps).items()} == {1: (3, 2), 2: (2, 2)}
    steps.append(Step(5, at(4), 2, 0))
    assert places.seat(steps)[1].granted == 3


# --- kept ---
async def _hair(tx: Tx, capacity: int | None = 3) -> int:
    return (await signups.create(tx, NewSignup("理发", capacity=capacity), NOW)).number


async def test_rows_of_a_list_come_in_the_order_of_their_times_and_places(store: Store) -> None:
    """Two copies of one list reach us the wrong way round."""

    async def work(tx: Tx) -> list[tuple[str, EntryState]]:
        number = await _hair(tx)
        for name, seconds, position in (("丁", 60, 4), ("丙", 60, 4), ("甲", 10, 1), ("乙", 20, 2)):
            await rosters.sign(tx, number, name=name, heads=1, at=at(seconds), position=position)
            await rosters.settle(tx, number)
        return [(entry.name, entry.state) for entry in await rosters.entries(tx, number)]

    states = dict(await store.write(work))
    waiting = [name for name, state in states.items() if state is EntryState.WAITING]
    assert waiting == ["丙"]  # of two who signed in the same second and row, by name: on every machine alike


async def test_settling_tells_whom_it_moved_and_nothing_twice(store: Store) -> None:
    async def work(tx: Tx) -> list[list[tuple[str, str, str]]]:
        number = await _hair(tx)
        moves = []

        async def settle() -> None:
            moved = await rosters.settle(tx, number)
            moves.append([(move.after.name, move.before.state.value, move.after.state.value) for move in moved])

        one = await rosters.sign(tx, number, name="甲", heads=2, at=at(1))
        await rosters.sign(tx, number, name="乙", heads=2, at=at(2))
        await settle()
        await settle()
        await steps.change(tx, number, one, 0, at=at(3))
        await settle()
        await steps.change(tx, number, one, 1, at=at(4))
        await settle()
        return moves

    assert await store.write(work) == [
        [("甲", "waiting", "confirmed")],
        [],
        [("甲", "confirmed", "cancelled"), ("乙", "waiting", "confirmed")],
        [("甲", "cancelled", "confirmed")],
    ]


async def test_a_command_that_was_late_takes_no_place_away(store: Store) -> None:
    async def work(tx: Tx) -> list[EntryState]:
        number = await _hair(tx, 1)
        await rosters.sign(tx, number, name="甲", heads=1, at=await steps.said_at(tx, number, at(60)))
        await rosters.settle(tx, number)
        await rosters.sign(tx, number, name="乙", heads=1, at=await steps.said_at(tx, number, at(5)))
        await rosters.settle(tx, number)
        return [entry.state for entry in await rosters.entries(tx, number)]

    assert await store.write(work) == [EntryState.CONFIRMED, EntryState.WAITING]


async def test_moving_to_another_window_frees_the_first(store: Store) -> None:
    async def work(tx: Tx) -> list[tuple[str, EntryState, int | None]]:
        slots = (Slot(1, at(3600), None, 1), Slot(2, at(7200), None, 1))
        number = (await signups.create(tx, NewSignup("疫苗", slots=slots), NOW)).number
        one = await rosters.sign(tx, number, name="甲", heads=1, at=at(1), slot=1)
        await rosters.sign(tx, number, name="乙", heads=1, at=at(2), slot=1)
        await steps.change(tx, number, one, 1, at=at(3), slot=2)
        await rosters.settle(tx, number)
        return [(entry.name, entry.state, entry.slot) for entry in await rosters.entries(tx, number)]

    assert sorted(await store.write(work)) == [("乙", EntryState.CONFIRMED, 1), ("甲", EntryState.CONFIRMED, 2)]


async def test_one_person_with_two_accounts_is_on_a_roster_once(store: Store) -> None:
    async def work(tx: Tx) -> int:
        resident = await people.ensure(tx, "a", "wx1", nick="刘", friend=True)
        leader = await people.import_person(tx, "刘姐", [], [Alias("a", "wx2")])
        number = await _hair(tx)
        for person in (resident, leader):
            await rosters.sign(tx, number, name="刘", heads=1, at=at(person.id), person_id=person.id, by_id=person.id)
        await rosters.settle(tx, number)
        await people.give_alias(tx, leader.id, Alias("a", "wx1"))
        await rosters.settle(tx, number)
        entries = await rosters.entries(tx, number)
        assert [entry.person_id for entry in entries] == [leader.id]
        return len(entries)

    assert await store.write(work) == 1


async def test_a_phone_number_is_sealed_and_goes_with_the_name(store: Store) -> None:
    async def work(tx: Tx) -> tuple[dict[int, str], dict[int, str], list[str]]:
        person = await people.ensure(tx, "a", "wx1", nick="李姐", friend=True)
        number = await _hair(tx)
        seq = await rosters.sign(tx, number, name="李姐", heads=2, at=NOW, person_id=person.id, by_id=person.id)
        await rosters.settle(tx, number)
        await rosters.give_phone(tx, number, seq, "13800000001")
        before = await rosters.phones(tx, number)
        await rosters.forget(tx, person.id)
        return before, await rosters.phones(tx, number), [each.name for each in await rosters.entries(tx, number)]

    assert await store.write(work) == ({1: "13800000001"}, {}, [""])


@pytest.mark.parametrize(("days", "gone"), [(89, False), (91, True)])
async def test_who_came_is_forgotten_so_long_after_the_last_window(store: Store, days: int, gone: bool) -> None:
    async def work(tx: Tx) -> list[tuple[str, int]]:
        slots = (Slot(1, NOW - timedelta(days=200), None, 9), Slot(2, NOW, None, 9))
        number = (await signups.create(tx, NewSignup("疫苗", slots=slots), NOW - timedelta(days=300))).number
        await rosters.sign(tx, number, name="李姐", heads=2, at=NOW, slot=2)
        await rosters.settle(tx, number)
        await rosters.purge(tx, NOW + timedelta(days=days) - timedelta(days=90), NOW)
        return [(entry.name, entry.heads) for entry in await rosters.entries(tx, number)]

    assert await store.write(work) == [("" if gone else "李姐", 2)]


async def test_of_whom_only_a_roster_knew_nothing_is_left_with_it(store: Store, backend: Database) -> None:
    async def work(tx: Tx) -> list[int]:
        person = await people.ensure(tx, "a", "wx1", nick="李姐", friend=True)
        number = await _hair(tx)
        await rosters.sign(tx, number, name="李姐", heads=1, at=NOW, person_id=person.id, by_id=person.id)
        await erasure.let_go(tx, [person.id])
        assert await people.find(tx, "a", "wx1") is not None
        return await rosters.purge(tx, NOW + timedelta(days=100), NOW)

    gone = await store.write(work)
    await store.write(lambda tx: erasure.let_go(tx, gone))
    assert backend.rows("SELECT count(*) FROM aliases") == [(0,)]


@pytest.mark.parametrize("each", [True, False])
async def test_what_was_cancelled_is_kept_as_it_was_last_whenever_it_was_worked_out(store: Store, each: bool) -> None:
    async def work(tx: Tx) -> list[tuple[int, int]]:
        number = await _hair(tx)
        seq = await rosters.sign(tx, number, name="李姐", heads=3, at=NOW)
        for minutes, heads in ((1, 2), (2, 0)):
            if each:
                await rosters.settle(tx, number)
            await steps.change(tx, number, seq, heads, at=NOW + timedelta(minutes=minutes))
        await rosters.settle(tx, number)
        return [(entry.heads, entry.wanted) for entry in await rosters.entries(tx, number)]

    assert await store.write(work) == [(2, 2)]
