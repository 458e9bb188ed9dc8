"""Tickets and candidates: numbers that are never reused, changes by who was first, what is found, what is erased."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage import changes, dialogs, outbox, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    OPEN_STATES,
    CallbackOutcome,
    Dialog,
    Level,
    MessageKind,
    Person,
    Place,
    Role,
    Room,
    Ticket,
    TicketState,
)
from tests.contract.conftest import Database
from tests.contract.fill import COMMUNITY, GRID, MICRO, MINUTE, NOW, PHONE, draft, message, new_ticket

CANDIDATE, FILED, ASSIGNED = TicketState.CANDIDATE, TicketState.FILED, TicketState.ASSIGNED


async def file(store: Store, state: TicketState = FILED, **changed: object) -> Ticket:
    return await store.write(lambda tx: tickets.file(tx, new_ticket(state, **changed)))


@pytest.fixture
async def li(store: Store) -> Person:
    return await store.write(lambda tx: people.ensure(tx, "a", "u-li", nick="李姐", friend=False))


@pytest.fixture
async def zhou(store: Store) -> Person:
    return await store.write(lambda tx: people.ensure(tx, "a", "u-zhou", nick="老周", friend=False))


@pytest.fixture
async def room(store: Store) -> Room:
    return await store.write(lambda tx: rooms.ensure(tx, "a", "r1", "示例小区", at=NOW))


def numbers(found: list[Ticket]) -> list[int]:
    return [ticket.number for ticket in found]


async def test_a_ticket_comes_back_as_it_was_filed(store: Store, room: Room) -> None:
    ticket = await file(store, room_id=room.id, confidential=True, level=Level.STREET)
    assert (ticket.id, ticket.version, ticket.reporters, ticket.state) == ("S1", 1, 1, FILED)
    assert await store.read(lambda tx: tickets.get(tx, 1)) == ticket
    assert await store.read(lambda tx: tickets.get(tx, 2)) is None


async def test_numbers_are_never_used_again(store: Store, backend: Database) -> None:
    await file(store)
    candidate = await file(store, CANDIDATE)
    await store.write(lambda tx: tickets.delete_candidate(tx, candidate.number))
    assert (await file(store, CANDIDATE)).number == 3
    await store.close()
    async with await backend.again() as reopened:
        await reopened.write(lambda tx: tickets.delete_candidate(tx, 3))
        assert (await file(reopened)).number == 4


async def test_many_are_filed_at_once(store: Store) -> None:
    filed = await asyncio.gather(*(file(store) for _ in range(50)))
    assert sorted(numbers(filed)) == list(range(1, 51))


async def test_a_change_is_noted_for_tickets_and_not_for_candidates(store: Store) -> None:
    await file(store, CANDIDATE)
    await file(store)
    at = NOW + MINUTE
    await store.write(lambda tx: tickets.update(tx, 1, expect=[CANDIDATE], at=at, place=Place(building="4")))
    await store.write(lambda tx: tickets.update(tx, 1, expect=[CANDIDATE], at=at, state=FILED))
    noted = await store.read(lambda tx: changes.since(tx, 0, 10))
    assert [(change.ticket, change.version, change.at) for change in noted] == [(2, 1, NOW), (1, 3, at)]
    assert await store.read(lambda tx: changes.since(tx, noted[0].seq, 1)) == noted[1:]


async def test_fields_are_set_and_a_place_is_spread(store: Store, zhou: Person) -> None:
    ticket = await file(store)
    fields: dict[str, object] = {
        "state": ASSIGNED,
        "place": Place(building="5", floor="-1", place="车库"),
        "owner_role": Role.PROPERTY,
        "owner_id": zhou.id,
        "assigned_at": NOW,
        "flagged": True,
        "outcome": CallbackOutcome.SOLVED,
        "rating": 5,
        "remark": "谢谢",
        "rules": ("a", "b"),
    }
    updated = await store.write(lambda tx: tickets.update(tx, 1, expect=[FILED], at=NOW, **fields))
    assert updated == replace(ticket, version=2, **fields)  # type: ignore[arg-type]
    assert await store.read(lambda tx: tickets.get(tx, 1)) == updated


async def test_the_first_of_two_changes_wins(store: Store) -> None:
    await file(store)

    async def assign(number: int) -> Ticket | None:
        return await store.write(
            lambda tx: tickets.update(tx, 1, expect=[FILED], at=NOW, state=ASSIGNED, estimate=str(number))
        )

    results = await asyncio.gather(*(assign(number) for number in range(20)))
    assert [result is not None for result in results].count(True) == 1
    assert (await store.read(lambda tx: changes.since(tx, 0, 10)))[-1].version == 2


@pytest.mark.parametrize("name", ["number", "version", "building", "nonsense"])
async def test_only_fields_that_can_be_set_are_taken(store: Store, name: str) -> None:
    await file(store)
    with pytest.raises(TypeError, match=name):
        await store.write(lambda tx: tickets.update(tx, 1, expect=[FILED], at=NOW, **{name: 1}))


async def test_what_must_not_be_is_refused_by_the_table(store: Store) -> None:
    await file(store)
    for wrong in ({"rating": 6}, {"state": TicketState.MERGED}, {"merged_into": 1}, {"owner_id": 99}):
        with pytest.raises(Exception, match="constraint"):
            await store.write(lambda tx, wrong=wrong: tickets.update(tx, 1, expect=[FILED], at=NOW, **wrong))
    ticket = await store.read(lambda tx: tickets.get(tx, 1))
    assert ticket is not None
    assert ticket.version == 1


async def test_a_merge_and_its_undoing(store: Store) -> None:
    await file(store)
    await file(store)
    merged = await store.write(
        lambda tx: tickets.update(tx, 2, expect=OPEN_STATES, at=NOW, state=TicketState.MERGED, merged_into=1)
    )
    assert merged is not None
    undone = await store.write(
        lambda tx: tickets.update(tx, 2, expect=[TicketState.MERGED], at=NOW, state=FILED, merged_into=None)
    )
    assert undone is not None
    assert (undone.state, undone.merged_into, undone.version) == (FILED, None, 3)


# --- messages and reporters ---


async def test_a_message_is_part_of_a_ticket_once(store: Store, li: Person, room: Room) -> None:
    await file(store)
    await file(store)
    said = message(1, "m1", li.id, room_id=room.id)
    photo = message(1, "m0", li.id, "", room_id=room.id, kind=MessageKind.IMAGE, sent_at=NOW + MINUTE)
    added = [await store.write(lambda tx, one=one: tickets.add_message(tx, one)) for one in (photo, said, said)]
    assert added == [True, True, False]
    assert await store.write(lambda tx: tickets.add_message(tx, replace(said, ticket=2)))
    assert await store.read(lambda tx: tickets.messages(tx, 1)) == [said, photo]
    assert numbers(await store.read(lambda tx: tickets.by_message(tx, "a", "m1"))) == [1, 2]
    assert await store.read(lambda tx: tickets.by_message(tx, "b", "m1")) == []
    joined = await store.read(lambda tx: tickets.of_messages(tx, "a", ["m0", "m1", "m2"]))
    assert joined == {"m0": (1,), "m1": (1, 2)}


async def test_a_dropped_message_is_gone(store: Store, li: Person, backend: Database) -> None:
    await file(store)
    await store.write(lambda tx: tickets.add_message(tx, message(1, "m1", li.id, "三楼王家总是吵")))
    await store.write(lambda tx: tickets.drop_message(tx, 1, "a", "m1"))
    assert await store.read(lambda tx: tickets.messages(tx, 1)) == []
    assert "三楼王家总是吵".encode() not in backend.on_disk()


async def test_reporters_are_counted_once_each(store: Store, li: Person, zhou: Person, room: Room) -> None:
    await file(store)

    async def join(person: Person, **more: str) -> bool:
        return await store.write(
            lambda tx: tickets.add_reporter(tx, 1, person.id, room.id, NOW, nick=person.name, **more)  # type: ignore[arg-type]
        )

    assert [await join(li), await join(zhou), await join(li)] == [True, True, False]
    ticket = await store.read(lambda tx: tickets.get(tx, 1))
    assert ticket is not None
    assert ticket.reporters == 2
    assert not await join(zhou, contact=PHONE)
    assert not await join(zhou, contact="13900000000")
    first, second = await store.read(lambda tx: tickets.reporters(tx, 1))
    assert (first.nick, first.contact, first.room_id) == ("李姐", None, room.id)
    assert (second.nick, second.contact) == ("老周", PHONE)


async def test_a_contact_is_sealed_in_the_table(store: Store, li: Person, backend: Database) -> None:
    await file(store)
    await store.write(lambda tx: tickets.add_reporter(tx, 1, li.id, None, NOW, contact=PHONE))
    ((sealed,),) = backend.rows("SELECT contact FROM reporters")
    assert PHONE.encode() not in sealed
    assert store.sealer.open("reporters.contact", sealed) == PHONE


# --- erasing ---


async def test_erasing_leaves_the_fact_and_no_words(store: Store, li: Person, backend: Database) -> None:
    await file(store)
    words = ("楼上漏水滴到床上", "李某某昵称", "已经修好水管了", "态度很好谢谢师傅")

    async def fill(tx: Tx) -> None:
        await tickets.add_message(tx, message(1, "m1", li.id, words[0]))
        await tickets.add_reporter(tx, 1, li.id, None, NOW, nick=words[1], contact=PHONE)
        await tickets.update(tx, 1, expect=[FILED], at=NOW, result=words[2], remark=words[3], estimate=words[3])

    await store.write(fill)
    await store.write(lambda tx: tickets.erase_text(tx, 1))
    kept = await store.read(lambda tx: tickets.get(tx, 1))
    assert kept is not None
    assert (kept.category, kept.result, kept.remark, kept.estimate) == ("0503", None, None, None)
    (reporter,) = await store.read(lambda tx: tickets.reporters(tx, 1))
    assert (reporter.person_id, reporter.nick, reporter.contact) == (li.id, "", None)
    assert [said.text for said in await store.read(lambda tx: tickets.messages(tx, 1))] == [""]
    disk = backend.on_disk()
    assert not [word for word in words if word.encode() in disk]


async def test_a_deleted_candidate_takes_everything_with_it(store: Store, li: Person, backend: Database) -> None:
    words = "这个路灯是不是该换了"

    async def fill(tx: Tx) -> None:
        candidate = await tickets.file(tx, new_ticket(CANDIDATE))
        await tickets.add_message(tx, message(candidate.number, "m1", li.id, words))
        await tickets.add_reporter(tx, candidate.number, li.id, None, NOW)
        await dialogs.ask(tx, Dialog(li.id, "locate", candidate.number, None, NOW, NOW + MINUTE))
        await outbox.put(tx, draft("k", words, ticket=candidate.number))

    await store.write(fill)
    await store.write(lambda tx: tickets.delete_candidate(tx, 1))
    for table in ("tickets", "ticket_messages", "reporters", "dialogs"):
        assert backend.rows(f"SELECT * FROM {table}") == []  # noqa: S608
    assert words.encode() not in backend.on_disk()


async def test_a_ticket_is_not_deleted_as_a_candidate(store: Store) -> None:
    await file(store)
    await store.write(lambda tx: tickets.delete_candidate(tx, 1))
    assert await store.read(lambda tx: tickets.get(tx, 1)) is not None


async def test_old_candidates_are_purged(store: Store) -> None:
    month = timedelta(days=30)
    await file(store, CANDIDATE, filed_at=NOW - month - MINUTE)
    await file(store, CANDIDATE, filed_at=NOW - month + MINUTE)
    await file(store, filed_at=NOW - 2 * month)
    assert await store.write(lambda tx: tickets.purge_candidates(tx, NOW - month)) == 1
    assert numbers(await store.read(lambda tx: tickets.search(tx, states=list(TicketState)))) == [2, 3]


# --- finding ---


async def say(store: Store, ticket: int, person: Person, room: Room | None, at: datetime) -> None:
    said = message(ticket, f"{ticket}-{at}", person.id, room_id=None if room is None else room.id, sent_at=at)
    await store.write(lambda tx: tickets.add_message(tx, said))


async def test_what_a_person_said_lately_in_a_room(store: Store, li: Person, zhou: Person, room: Room) -> None:
    other = await store.write(lambda tx: rooms.ensure(tx, "a", "r2", "", at=NOW))
    for state in (FILED, CANDIDATE, FILED, FILED, FILED, FILED):
        await file(store, state)
    await say(store, 1, li, room, NOW - 2 * MINUTE)
    await say(store, 2, li, room, NOW - MINUTE)
    await say(store, 1, li, room, NOW)
    await say(store, 3, li, room, NOW - 11 * MINUTE)
    await say(store, 4, zhou, room, NOW)
    await say(store, 5, li, other, NOW)
    await say(store, 6, li, None, NOW)
    since = NOW - 10 * MINUTE
    assert numbers(await store.read(lambda tx: tickets.recent_of(tx, room.id, li.id, since))) == [1, 2]
    assert numbers(await store.read(lambda tx: tickets.recent_of(tx, None, li.id, since))) == [6]


async def test_the_latest_ticket_of_a_room(store: Store, li: Person, room: Room) -> None:
    for state in (FILED, FILED, CANDIDATE):
        await file(store, state)
    await say(store, 2, li, room, NOW - 2 * MINUTE)
    await say(store, 1, li, room, NOW - MINUTE)
    await say(store, 3, li, room, NOW)
    latest = await store.read(lambda tx: tickets.latest_in_room(tx, room.id, NOW - 30 * MINUTE))
    assert latest is not None
    assert latest.number == 1
    assert await store.read(lambda tx: tickets.latest_in_room(tx, room.id, NOW - MINUTE / 2)) is None


async def test_open_ones_of_a_community(store: Store) -> None:
    await file(store, reported_at=NOW - MINUTE)
    await file(store, CANDIDATE, grid=GRID, reported_at=NOW)
    await file(store, grid=COMMUNITY, category="0101")
    await file(store, grid="519999001002001", reported_at=NOW)
    await file(store, reported_at=NOW - timedelta(hours=73))
    await file(store)
    await store.write(lambda tx: tickets.update(tx, 6, expect=[FILED], at=NOW, state=TicketState.CLOSED))
    await file(store, grid=None)
    since = NOW - timedelta(hours=72)

    async def found(*categories: str) -> list[int]:
        return numbers(await store.read(lambda tx: tickets.open_in_community(tx, COMMUNITY, categories, since)))

    assert await found("0503") == [2, 1]
    assert sorted(await found("0503", "0101")) == [1, 2, 3]
    assert await found() == []


async def test_tickets_of_a_person(store: Store, li: Person, zhou: Person) -> None:
    for state in (FILED, FILED, CANDIDATE, FILED):
        await file(store, state)
    for number in (1, 2, 3):
        await store.write(lambda tx, number=number: tickets.add_reporter(tx, number, li.id, None, NOW))
    await store.write(lambda tx: tickets.add_reporter(tx, 4, zhou.id, None, NOW))
    await store.write(lambda tx: tickets.update(tx, 1, expect=[FILED], at=NOW, state=TicketState.CLOSED))
    assert numbers(await store.read(lambda tx: tickets.of_person(tx, li.id))) == [2]
    assert numbers(await store.read(lambda tx: tickets.of_person(tx, li.id, open_only=False))) == [3, 2, 1]


async def test_what_lies_in_a_scope_flagged_first_then_due(store: Store) -> None:
    await file(store, due=NOW + 3 * MINUTE)
    await file(store, due=None)
    await file(store, due=NOW + MINUTE, grid=GRID)
    await file(store, due=NOW + 9 * MINUTE)
    await file(store, due=NOW, grid="519999001001002001")
    await file(store, CANDIDATE)
    await file(store, grid=None)
    await store.write(lambda tx: tickets.update(tx, 4, expect=[FILED], at=NOW, flagged=True))

    async def found(*scopes: str) -> list[int]:
        return numbers(await store.read(lambda tx: tickets.in_scope(tx, scopes, OPEN_STATES)))

    assert await found(GRID) == [4, 3, 1, 2]
    assert await found(GRID, GRID + "001") == [4, 3, 1, 2]
    assert await found(COMMUNITY) == [4, 5, 3, 1, 2]
    assert await found(MICRO) == [4, 1, 2]
    assert await found("") == [4, 5, 3, 1, 7, 2]
    assert await found() == []


async def test_the_search_of_the_export(store: Store) -> None:
    day = timedelta(days=1)
    await file(store, filed_at=NOW)
    await file(store, filed_at=NOW + day, grid=GRID + "002")
    await file(store, CANDIDATE, filed_at=NOW + day)
    await file(store, filed_at=NOW + 2 * day, grid="519999001002001")

    async def found(**what: object) -> list[int]:
        return numbers(await store.read(lambda tx: tickets.search(tx, **what)))  # type: ignore[arg-type]

    assert await found() == [1, 2, 4]
    assert await found(states=[CANDIDATE]) == [3]
    assert await found(since=NOW + day) == [2, 4]
    assert await found(until=NOW + day) == [1]
    assert await found(grid=GRID) == [1, 2]
    assert await found(since=NOW, until=NOW + 2 * day, grid=COMMUNITY, states=OPEN_STATES) == [1, 2]


async def test_callbacks_that_nobody_answered(store: Store) -> None:
    for minutes in (5, 9, 1):
        ticket = await file(store)
        handled = NOW - minutes * MINUTE
        await store.write(
            lambda tx, number=ticket.number, handled=handled: tickets.update(
                tx, number, expect=[FILED], at=NOW, state=TicketState.CALLBACK, handled_at=handled
            )
        )
    before = NOW - 2 * MINUTE
    assert numbers(await store.read(lambda tx: tickets.in_state_since(tx, TicketState.CALLBACK, before))) == [2, 1]
