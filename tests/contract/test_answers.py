"""What the platforms above answered, on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import answers, audit, tickets, upstreams
from storage.answers import Answer, AnswerState, Conflict, Heard, Step
from storage.engine import Store, Tx
from storage.model import AuditEntry, Ticket, TicketState
from tests.contract.conftest import Database
from tests.contract.fill import MINUTE, NOW, new_ticket

ANSWER = Answer(1, 3, 1, AnswerState.DONE, NOW, ref="A-1", result="已修好", public_answer="好了")


@pytest.fixture
async def ticket(store: Store) -> Ticket:
    return await store.write(lambda tx: tickets.file(tx, new_ticket()))


async def test_the_last_answer_of_each_platform_is_known(store: Store, ticket: Ticket) -> None:
    async def work(tx: Tx) -> None:
        assert await answers.heard(tx, "street", 1) is None
        await answers.keep(tx, "street", ANSWER, NOW)
        assert await answers.heard(tx, "street", 1) == Heard(3, waits=False)
        assert await answers.heard(tx, "city", 1) is None

    await store.write(work)


async def test_what_waits_for_a_person_keeps_its_words_until_it_is_settled(
    store: Store, ticket: Ticket, backend: Database
) -> None:
    await store.write(lambda tx: answers.keep(tx, "street", ANSWER, NOW, here="callback"))
    assert await store.read(answers.conflicts) == [Conflict("street", ANSWER, "callback", NOW)]
    assert await store.read(lambda tx: answers.conflicts(tx, 2)) == []
    assert await store.write(lambda tx: answers.settled(tx, 1)) == 1
    assert await store.write(lambda tx: answers.settled(tx, 1)) == 0
    assert await store.read(answers.conflicts) == []
    assert await store.read(lambda tx: answers.heard(tx, "street", 1)) == Heard(3, waits=False)
    await store.scrub()
    assert "已修好".encode() not in backend.on_disk()


async def test_words_that_wait_go_with_the_ticket(store: Store, ticket: Ticket, backend: Database) -> None:
    await store.write(lambda tx: answers.keep(tx, "street", ANSWER, NOW, here="callback"))
    await store.write(lambda tx: tickets.erase_text(tx, 1))
    assert await store.read(answers.conflicts) == []
    await store.scrub()
    assert "已修好".encode() not in backend.on_disk()


async def test_the_longest_wait_comes_first(store: Store, ticket: Ticket) -> None:
    async def work(tx: Tx) -> None:
        await answers.keep(tx, "street", ANSWER, NOW + MINUTE, here="closed")
        await answers.keep(tx, "city", ANSWER, NOW, here="closed")

    await store.write(work)
    assert [conflict.upstream for conflict in await store.read(answers.conflicts)] == ["city", "street"]


async def test_what_happened_since_a_version(store: Store, ticket: Ticket) -> None:
    """By the chain: after the moment of that version, of versions that were written or skipped alike."""

    async def step(minute: int, action: str, before: TicketState, after: TicketState, **detail: str) -> None:
        at = NOW + minute * MINUTE

        async def work(tx: Tx) -> None:
            await tickets.update(tx, 1, expect={before}, at=at, state=after)
            await audit.append(tx, AuditEntry(at, action, None, None, 1, before.value, after.value, detail={**detail}))

        await store.write(work)

    await step(1, "assigned", TicketState.FILED, TicketState.ASSIGNED)  # version 2
    await step(2, "taken", TicketState.ASSIGNED, TicketState.ACCEPTED)
    await step(3, "in_progress", TicketState.ACCEPTED, TicketState.IN_PROGRESS, upstream="street")

    async def since(version: int) -> list[Step]:
        return await store.read(lambda tx: answers.steps_since(tx, 1, version))

    taken = Step("taken", "assigned", "accepted", "")
    theirs = Step("in_progress", "accepted", "in_progress", "street")
    assert await since(2) == [taken, theirs]
    assert await since(3) == [theirs]
    assert await since(4) == await since(9) == []


async def test_who_was_sent_a_ticket(store: Store, ticket: Ticket) -> None:
    assert await store.read(lambda tx: answers.sent(tx, "street", 1)) is None
    await store.write(lambda tx: upstreams.queue(tx, "street", {1: 1}, NOW))
    assert await store.read(lambda tx: answers.sent(tx, "street", 1)) is None
    await store.write(lambda tx: upstreams.sending(tx, "street", {1: 1}))
    assert await store.read(lambda tx: answers.sent(tx, "street", 1)) == 1


async def test_the_cursor_of_a_feed(store: Store) -> None:
    assert await store.read(lambda tx: answers.cursor(tx, "street")) == ""
    for cursor in ("7", "9"):
        await store.write(lambda tx, to=cursor: answers.read_up_to(tx, "street", to, NOW))
    assert await store.read(lambda tx: answers.cursor(tx, "street")) == "9"
    assert await store.read(lambda tx: answers.cursor(tx, "city")) == ""


async def test_the_first_reply_under_a_key_stays_for_a_day(store: Store) -> None:
    await store.write(lambda tx: answers.keep_reply(tx, "street", "k", "a" * 64, "{}", NOW))
    await store.write(lambda tx: answers.keep_reply(tx, "street", "k", "b" * 64, "[]", NOW))
    assert await store.read(lambda tx: answers.reply(tx, "street", "k")) == ("a" * 64, "{}")
    assert await store.read(lambda tx: answers.reply(tx, "city", "k")) is None
    assert await store.write(lambda tx: answers.purge(tx, NOW)) == 0
    assert await store.write(lambda tx: answers.purge(tx, NOW + timedelta(seconds=1))) == 1


async def test_how_it_stands(store: Store, ticket: Ticket) -> None:
    await store.write(lambda tx: answers.keep(tx, "street", ANSWER, NOW, here="closed"))
    await store.write(lambda tx: answers.keep(tx, "city", ANSWER, NOW))
    await store.write(lambda tx: answers.read_up_to(tx, "city", "3", NOW))
    found = await store.read(lambda tx: answers.standing(tx, ["street", "city", "new"]))
    assert found == {"street": (1, None), "city": (0, NOW), "new": (0, None)}
