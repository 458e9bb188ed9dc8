"""What is taken back: a reporter, the words of a command, a bind code that everybody saw."""

from __future__ import annotations

from storage import binding, dialogs, outbox, people, tickets
from storage.engine import Store, Tx
from storage.model import Dialog, Outgoing, Person, SendState, TicketState
from tests.contract.fill import MINUTE, NOW, draft, new_ticket


async def _reported(store: Store, *nicks: str) -> list[Person]:
    """Ticket 1, with these people as its reporters, each asked about it."""

    async def work(tx: Tx) -> list[Person]:
        await tickets.file(tx, new_ticket(TicketState.FILED))
        found = [await people.ensure(tx, "a", nick, nick=nick, friend=False) for nick in nicks]
        for place, person in enumerate(found):
            await tickets.add_reporter(tx, 1, person.id, None, NOW + place * MINUTE, nick=person.name)
            await dialogs.ask(tx, Dialog(person.id, "callback", 1, None, NOW, NOW + 9 * MINUTE))
        return found

    return await store.write(work)


async def test_a_reporter_who_took_back_everything_is_none_and_is_not_asked(store: Store) -> None:
    first, second = await _reported(store, "李姐", "老周")
    await store.write(lambda tx: tickets.drop_reporter(tx, 1, first.id))
    left = await store.read(lambda tx: tickets.reporters(tx, 1))
    assert [reporter.person_id for reporter in left] == [second.id]
    ticket = await store.read(lambda tx: tickets.get(tx, 1))
    assert ticket is not None
    assert ticket.reporters == 1
    assert await store.read(lambda tx: dialogs.open_for(tx, first.id, "callback", NOW)) == []
    assert len(await store.read(lambda tx: dialogs.open_for(tx, second.id, "callback", NOW))) == 1


async def test_the_last_reporter_stays(store: Store) -> None:
    (only,) = await _reported(store, "李姐")
    await store.write(lambda tx: tickets.drop_reporter(tx, 1, only.id))
    assert len(await store.read(lambda tx: tickets.reporters(tx, 1))) == 1


async def test_recalled_words_leave_every_line_and_what_else_waits_waits_on(store: Store) -> None:
    await _reported(store, "李姐")

    async def work(tx: Tx) -> None:
        gone = await outbox.put(tx, draft("finished:S1:0:7", "张三家的门", ticket=1))
        assert gone is not None
        await outbox.mark_sending(tx, gone, NOW)
        await outbox.mark_sent(tx, gone, NOW, None)
        await outbox.put(tx, draft("finished:S1:0:8", "张三家的门", ticket=1))
        await outbox.put(tx, draft("finished:S11:0:8", "别的单子", ticket=1))
        await outbox.put(tx, draft("callback:S1:0:room1", "请回复", ticket=1))
        await outbox.drop_words(tx, 1, "finished:S1:")

    await store.write(work)

    async def texts(state: SendState) -> list[str]:
        lines: list[Outgoing] = await store.read(lambda tx: outbox.by_state(tx, state))
        return [line.text for line in lines]

    assert await texts(SendState.SENT) == [""]
    assert await texts(SendState.DROPPED) == [""]
    assert sorted(await texts(SendState.QUEUED)) == sorted(["别的单子", "请回复"])


async def test_a_burnt_code_binds_nobody(store: Store) -> None:
    leader = await store.write(lambda tx: people.import_person(tx, "刘姐", [], []))
    code = await store.write(lambda tx: binding.new_code(tx, leader.id, NOW + MINUTE))
    assert await store.write(lambda tx: binding.burn(tx, "WRONG234")) is None
    assert await store.write(lambda tx: binding.burn(tx, f" {code.lower()} ")) == leader.id
    assert await store.write(lambda tx: binding.bind(tx, code, "a", "u1", NOW)) is None
