"""What people's decisions teach, read from tickets and the audit trail."""

from __future__ import annotations

from storage import audit, lessons, people, tickets
from storage.engine import Store, Tx
from storage.lessons import Judged
from storage.model import AuditEntry, TicketState
from tests.contract.fill import MINUTE, NOW, message, new_ticket


async def every(store: Store) -> list[list[Judged]]:
    async def work(tx: Tx) -> list[list[Judged]]:
        return [chunk async for chunk in lessons.judged(tx)]

    return await store.read(work)


def entry(action: str, ticket: int, **detail: str | int | bool | None) -> AuditEntry:
    return AuditEntry(at=NOW, action=action, actor=1, ticket=ticket, detail=detail)


async def test_an_empty_store_teaches_nothing(store: Store) -> None:
    assert await every(store) == []


async def test_what_was_accepted_and_corrected_is_told(store: Store) -> None:
    async def work(tx: Tx) -> None:
        person = await people.ensure(tx, "a", "u1", nick="李姐", friend=False)
        for state in (TicketState.CANDIDATE, TicketState.FILED, TicketState.FILED):
            made = await tickets.file(tx, new_ticket(state, category="0101", confidential=state.value == "filed"))
            for number, text in enumerate(("电梯又坏了", "", "电梯又坏了", "电梯又坏了！")):
                said = message(made.number, f"m{made.number}.{number}", person.id, text, sent_at=NOW + number * MINUTE)
                await tickets.add_message(tx, said)
        await tickets.update(tx, 2, expect=[TicketState.FILED], at=NOW, category="0107")
        for number, was, now in ((2, "0101", "0103"), (2, "0103", "0107")):
            await audit.append(tx, entry("recategorized", number, was=was, now=now))
        await audit.append(tx, entry("accepted", 3))
        await audit.append(tx, entry("false_alarm", 1))

    await store.write(work)
    ((candidate, corrected, accepted),) = await every(store)
    assert (candidate.id, candidate.state, candidate.accepted) == ("S1", TicketState.CANDIDATE, False)
    assert candidate.texts == ("电梯又坏了", "电梯又坏了！"), "once, in order, without the empty one"
    assert (candidate.rules, candidate.terms, candidate.lexicon, candidate.score) == (
        ("fault",),
        ("电梯", "坏"),
        "abc123",
        3.5,
    )
    assert (corrected.was, corrected.category, corrected.accepted) == ("0101", "0107", False), "the first one"
    assert (accepted.was, accepted.category, accepted.accepted) == ("0101", "0101", True)
    assert [one.false_alarm for one in (candidate, corrected, accepted)] == [True, False, False]
    assert (candidate.confidential, accepted.confidential) == (False, True)


async def test_many_come_in_chunks(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(lessons, "CHUNK", 2)

    async def work(tx: Tx) -> None:
        for _ in range(5):
            await tickets.file(tx, new_ticket())

    await store.write(work)
    found = await every(store)
    assert [[one.number for one in chunk] for chunk in found] == [[1, 2], [3, 4], [5]]
    assert found[0][0].texts == ()
