"""What hangs on tickets and beside them: reasons, merges, tasks, approved answers, calls, lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import calls, faq, listed, merges, notes, numbers, people, tasks, tickets
from storage.engine import Store, Tx
from storage.model import Level, Listing, Merge, Note, Person, Place, TicketState
from tests.contract.fill import new_ticket

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRID = "519999001001003"


async def someone(tx: Tx, nick: str) -> Person:
    return await people.ensure(tx, "a", nick, nick=nick, friend=False)


async def ticket(tx: Tx, *nicks: str) -> int:
    new = new_ticket(category="0101", grid=GRID, place=Place(), reported_at=NOW, filed_at=NOW, ack_due=None, due=None)
    made = await tickets.file(tx, new)
    for nick in nicks:
        person = await someone(tx, nick)
        await tickets.add_reporter(tx, made.number, person.id, None, NOW, nick=nick, contact="13800000001")
    return made.number


async def merged(tx: Tx, other: int, target: int) -> Merge:
    merge = Merge(other, target, TicketState.FILED, GRID, NOW)
    fields = {"state": TicketState.MERGED, "merged_into": target}
    await tickets.update(tx, other, expect={TicketState.FILED}, at=NOW, **fields)
    await merges.put(tx, merge)
    return merge


async def names(tx: Tx, number: int) -> list[str]:
    return [reporter.nick for reporter in await tickets.reporters(tx, number)]


async def test_reporters_come_along_and_go_again(store: Store) -> None:
    async def work(tx: Tx) -> None:
        first, second = await ticket(tx, "李姐", "老周"), await ticket(tx, "老周", "阿芳")
        merge = await merged(tx, second, first)
        assert sorted(await names(tx, first)) == sorted(["李姐", "老周", "阿芳"])
        assert await merges.of(tx, second) == merge
        assert await merges.within(tx, first) == [second]
        found = await tickets.get(tx, first)
        assert found is not None
        assert found.reporters == 3
        assert {reporter.contact for reporter in await tickets.reporters(tx, first)} == {"13800000001"}

        await merges.undo(tx, merge)
        assert sorted(await names(tx, first)) == sorted(["李姐", "老周"])
        assert sorted(await names(tx, second)) == sorted(["老周", "阿芳"])
        assert await merges.of(tx, second) is None
        found = await tickets.get(tx, first)
        assert found is not None
        assert found.reporters == 2

    await store.write(work)


async def test_who_speaks_up_stays_and_the_last_one_too(store: Store) -> None:
    async def work(tx: Tx) -> None:
        first, second = await ticket(tx, "李姐"), await ticket(tx, "阿芳")
        merge = await merged(tx, second, first)
        lee = await someone(tx, "李姐")
        await tickets.drop_reporter(tx, first, lee.id)
        await merges.undo(tx, merge)
        assert await names(tx, first) == ["阿芳"]
        third = await ticket(tx, "老周")
        fourth = await ticket(tx, "陈伯")
        merge = await merged(tx, fourth, third)
        chen = await someone(tx, "陈伯")
        await tickets.add_reporter(tx, third, chen.id, None, NOW)
        await merges.undo(tx, merge)
        assert sorted(await names(tx, third)) == sorted(["老周", "陈伯"])

    await store.write(work)


async def test_words_go_with_the_ticket_wherever_they_went(store: Store) -> None:
    async def work(tx: Tx) -> None:
        first, second = await ticket(tx, "李姐"), await ticket(tx, "阿芳")
        await merged(tx, second, first)
        await notes.add(tx, Note(second, NOW, None, "returned", "不归我们"))
        await tickets.erase_text(tx, second)
        assert [note.text for note in await notes.of_ticket(tx, second)] == [""]
        came = [each for each in await tickets.reporters(tx, first) if each.from_ticket == second]
        assert [(each.nick, each.contact) for each in came] == [("", None)]

    await store.write(work)


async def test_a_reason_leaves_with_the_message_that_gave_it(store: Store) -> None:
    async def work(tx: Tx) -> None:
        number = await ticket(tx, "李姐")
        await notes.add(tx, Note(number, NOW, None, "returned", "甲", None))
        await notes.add(tx, Note(number, NOW + MINUTE, None, "raised", "乙", Level.STREET))
        assert await notes.blank(tx, number, NOW) == 1
        assert await notes.blank(tx, number, NOW) == 0
        kept = [(note.text, note.level) for note in await notes.of_ticket(tx, number)]
        assert kept == [("", None), ("乙", Level.STREET)]

    await store.write(work)


async def test_each_grid_does_a_task_once(store: Store) -> None:
    async def work(tx: Tx) -> None:
        giver = await someone(tx, "王主任")
        codes = [GRID + "001", GRID + "002"]
        task = await tasks.hand_out(
            tx, scope=GRID, matter="排查", text="飞线", person_id=giver.id, at=NOW, due=NOW + MINUTE, grids=codes
        )
        assert task.id == "J1"
        assert await tasks.get(tx, 1) == task
        done = {"person_id": giver.id, "result": "好", "at": NOW}
        assert await tasks.complete(tx, 1, codes[:1], **done) == codes[:1]
        assert await tasks.complete(tx, 1, codes, **done) == codes[1:]
        assert await tasks.grids_of(tx, 1) == codes
        assert await tasks.grids_of(tx, 1, open_only=True) == []

    await store.write(work)


async def test_entries_of_the_nearest_scope_come_first_and_removed_ones_never(store: Store) -> None:
    async def work(tx: Tx) -> None:
        person = await someone(tx, "王主任")
        for scope in (GRID[:12], GRID, GRID + "001"):
            await faq.add(tx, scope=scope, question="几点", answer="九点", source="社区", person_id=person.id, at=NOW)
        assert [entry.number for entry in await faq.over(tx, GRID)] == [2, 1]
        await faq.remove(tx, 2, NOW)
        assert [entry.number for entry in await faq.over(tx, GRID)] == [1]
        assert await faq.get(tx, 2) is None
        for _ in range(2):
            await faq.count(tx, 1, GRID, NOW.date())

    await store.write(work)


async def test_one_who_answers_a_call_wins(store: Store) -> None:
    async def work(tx: Tx) -> None:
        number = await ticket(tx, "李姐")
        first, second = await someone(tx, "王党员"), await someone(tx, "李党员")
        assert not await calls.accept(tx, number, first.id, NOW)
        await calls.put(tx, number, 2, NOW)
        assert await calls.accept(tx, number, first.id, NOW)
        assert not await calls.accept(tx, number, second.id, NOW)
        call = await calls.get(tx, number)
        assert call is not None
        assert (call.called, call.accepted_by) == (2, first.id)

    await store.write(work)


async def test_lists_by_grid(store: Store) -> None:
    async def work(tx: Tx) -> None:
        person = await someone(tx, "王主任")
        for grid, text in ((GRID, "会议室"), (GRID + "001", "凉亭"), ("519999001002", "别处")):
            await listed.add(tx, Listing.RESOURCE, grid, text, person_id=person.id, at=NOW)
        assert await listed.items(tx, Listing.RESOURCE, GRID) == ["凉亭", "会议室"]
        assert await listed.items(tx, Listing.PROJECT, GRID) == []
        number = await ticket(tx, "李姐")
        await tickets.update(tx, number, expect={TicketState.FILED}, at=NOW, listed=Listing.PROJECT)
        assert [each.number for each in await tickets.listed(tx, Listing.PROJECT, GRID[:12])] == [number]

    await store.write(work)


async def test_numbers_are_never_given_twice(store: Store) -> None:
    async def work(tx: Tx) -> None:
        assert [await numbers.next_of(tx, "x") for _ in range(3)] == [1, 2, 3]
        assert await numbers.next_of(tx, "y") == 1

    await store.write(work)
