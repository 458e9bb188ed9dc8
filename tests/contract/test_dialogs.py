"""Open questions to people."""

from __future__ import annotations

import pytest

from storage import dialogs, people, tickets
from storage.engine import Store, Tx
from storage.model import Dialog
from tests.contract.fill import MINUTE, NOW, new_ticket


@pytest.fixture
async def person(store: Store) -> int:
    async def prepare(tx: Tx) -> int:
        for _ in range(3):
            await tickets.file(tx, new_ticket())
        return (await people.ensure(tx, "a", "u", nick="", friend=False)).id

    return await store.write(prepare)


async def ask(store: Store, person: int, ticket: int, minutes: int, step: str = "callback") -> Dialog:
    dialog = Dialog(person, step, ticket, None, NOW + minutes * MINUTE, NOW + (minutes + 60) * MINUTE)
    await store.write(lambda tx: dialogs.ask(tx, dialog))
    return dialog


async def open_for(store: Store, person: int, minutes: int = 5, step: str = "callback") -> list[Dialog]:
    return await store.read(lambda tx: dialogs.open_for(tx, person, step, NOW + minutes * MINUTE))


async def test_questions_newest_first_and_the_last_one_counts(store: Store, person: int) -> None:
    await ask(store, person, 1, 0)
    second = await ask(store, person, 2, 1)
    first = await ask(store, person, 1, 2)
    place = await ask(store, person, 1, 3, "locate")
    assert await open_for(store, person) == [first, second]
    assert await open_for(store, person, step="locate") == [place]
    assert await open_for(store, person + 1) == []


async def test_an_expired_question_is_not_open_and_then_forgotten(store: Store, person: int) -> None:
    await ask(store, person, 1, 0)
    young = await ask(store, person, 2, 9)
    assert await open_for(store, person, 60) == [young]
    assert await store.write(lambda tx: dialogs.purge(tx, NOW + 61 * MINUTE)) == 1
    assert await open_for(store, person, 0) == [young]


async def test_closing_one_question_or_all_of_a_ticket(store: Store, person: int) -> None:
    for ticket in (1, 2, 3):
        await ask(store, person, ticket, ticket)
    await store.write(lambda tx: dialogs.close(tx, person, "callback", 2))
    assert [dialog.ticket for dialog in await open_for(store, person)] == [3, 1]
    await store.write(lambda tx: dialogs.close_ticket(tx, 3))
    assert [dialog.ticket for dialog in await open_for(store, person)] == [1]
