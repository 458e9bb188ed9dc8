"""Rows and copies of 接龙 on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import chains, people, rooms, signups
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage.chains import Copy, NewLine
from storage.engine import Store, Tx

NOW = datetime(2025, 6, 12, 9, tzinfo=UTC)


async def _list(tx: Tx) -> tuple[int, int]:
    """A sign-up with two rows in one copy; its number, and who wrote the first row."""
    room = await rooms.ensure(tx, "a", "r1", "群", at=NOW)
    person = await people.ensure(tx, "a", "u1", nick="张三", friend=False)
    new = signups.NewSignup("义诊", room_id=room.id, origin=signups.Source.CHAIN, heading="义诊")
    number = (await signups.create(tx, new, NOW)).number
    first = await chains.add_line(tx, number, NewLine("张三3栋", "张三", "3栋", author=person.id, at=NOW), ())
    second = await chains.add_line(tx, number, NewLine("李四", "李四"), [first])
    title = chains.digest(tx, "义诊")
    await chains.add_copy(tx, number, Copy("a", "m1", room.id, NOW, person.id, title, (first.number, second.number)))
    seq = await rosters.sign(tx, number, name="张三", heads=1, at=NOW, person_id=person.id, position=1)
    await chains.link(tx, number, seq, [first.number])
    return number, person.id


async def test_a_row_is_known_again_by_its_words_and_keeps_its_earliest_time(store: Store) -> None:
    number, person = await store.write(_list)

    async def again(tx: Tx) -> None:
        known = await chains.lines(tx, number)
        early = NewLine("张三3栋", "张三", "3栋", author=person, at=NOW - timedelta(minutes=5))
        assert (await chains.add_line(tx, number, early, known)).number == 1
        assert (await chains.add_line(tx, number, NewLine("张三3栋", "张三"), known)).number == 3, "another author"

    await store.write(again)
    lines = await store.read(lambda tx: chains.lines(tx, number))
    assert [(line.name, line.at, line.seq) for line in lines] == [
        ("张三", NOW - timedelta(minutes=5), 1),
        ("李四", None, None),
        ("张三", None, None),
    ]


async def test_an_erased_row_stays_without_a_name_whoever_sends_it_again(store: Store) -> None:
    number, person = await store.write(_list)
    await store.write(lambda tx: rosters.forget(tx, person))

    async def again(tx: Tx) -> None:
        known = await chains.lines(tx, number)
        assert (known[0].name, known[0].building, known[0].author) == ("", "", None)
        assert await chains.add_line(tx, number, NewLine("张三3栋", "张三", "3栋"), known) == known[0]

    await store.write(again)


async def test_a_copy_is_taken_back_once_and_all_go_with_the_roster(store: Store) -> None:
    number, _ = await store.write(_list)
    (found,) = await store.read(lambda tx: chains.in_room(tx, 1))
    assert found[:2] == (number, NOW)
    assert await store.write(lambda tx: chains.take_back(tx, "a", "m1")) == number
    assert await store.write(lambda tx: chains.take_back(tx, "a", "m1")) is None
    await store.write(lambda tx: rosters.purge(tx, NOW + timedelta(days=1), NOW + timedelta(days=91)))
    assert await store.read(lambda tx: chains.lines(tx, number)) == []


async def test_what_a_list_says_of_an_entry_is_said_anew_beside_what_commands_said(store: Store) -> None:
    number, _ = await store.write(_list)

    async def say(tx: Tx) -> None:
        await steps.change(tx, number, 1, 3, at=NOW + timedelta(minutes=2))
        await steps.restate(tx, number, 1, [(NOW, 1, 1), (NOW + timedelta(minutes=1), 2, 1)])
        assert await steps.stated(tx, number) == {1: [(NOW, 1, 1), (NOW + timedelta(minutes=1), 2, 1)]}
        await rosters.settle(tx, number)
        assert [entry.heads for entry in await rosters.entries(tx, number)] == [3]
        await steps.restate(tx, number, 1, [(NOW, 1, 1), (NOW + timedelta(minutes=9), 2, 1)])
        await rosters.settle(tx, number)
        assert [entry.heads for entry in await rosters.entries(tx, number)] == [2]

    await store.write(say)


async def test_an_entry_that_is_the_same_as_another_hands_on_what_commands_said(store: Store) -> None:
    number, _ = await store.write(_list)

    async def join(tx: Tx) -> None:
        other = await rosters.sign(tx, number, name="张三", heads=4, at=NOW + timedelta(minutes=1))
        await rosters.discard(tx, number, other, into=1)
        await rosters.settle(tx, number)
        assert [(entry.seq, entry.heads) for entry in await rosters.entries(tx, number)] == [(1, 4)]

    await store.write(join)
