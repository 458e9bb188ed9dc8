"""Questions about an item outlive the program, and of two answers one counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from storage import people, questions
from storage.engine import Store
from storage.questions import Question

NOW = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)


async def test_a_question_is_asked_replaced_answered_once_and_forgotten(store: Store) -> None:
    person = await store.write(lambda tx: people.ensure(tx, "a1", "u1", nick="李姐", friend=False))

    def question(item: str, minutes: int, heads: int) -> Question:
        at = NOW + timedelta(minutes=minutes)
        return Question(person.id, "heads", item, None, at, at + timedelta(hours=1), {"heads": heads, "name": "李姐"})

    for asked in (question("H1", 0, 1), question("H2", 1, 2), question("H1", 2, 3)):
        await store.write(lambda tx, asked=asked: questions.ask(tx, asked))
    found = await store.read(lambda tx: questions.open_for(tx, person.id, "heads", NOW))
    assert found == [question("H1", 2, 3), question("H2", 1, 2)]
    assert await store.read(lambda tx: questions.open_for(tx, person.id, "other", NOW)) == []
    assert await store.read(lambda tx: questions.open_for(tx, person.id, "heads", NOW + timedelta(hours=2))) == []

    assert await store.write(lambda tx: questions.close(tx, person.id, "heads", "H1"))
    assert not await store.write(lambda tx: questions.close(tx, person.id, "heads", "H1"))
    await store.write(lambda tx: questions.close_item(tx, "H2"))
    assert await store.read(lambda tx: questions.open_for(tx, person.id, "heads", NOW)) == []

    await store.write(lambda tx: questions.ask(tx, question("H3", 0, 1)))
    assert await store.write(lambda tx: questions.purge(tx, NOW + timedelta(hours=2))) == 1
