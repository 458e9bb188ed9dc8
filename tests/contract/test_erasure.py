"""Erasing a person: no byte of them is left, the chain and everybody else's rows stay."""

from __future__ import annotations

from datetime import timedelta

from storage import audit, binding, dialogs, erasure, merges, negatives, notes, outbox, people, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    AuditEntry,
    Dialog,
    Grant,
    Lane,
    Merge,
    Note,
    Person,
    PostKind,
    Role,
    SendState,
    TicketState,
)
from tests.contract.conftest import Database
from tests.contract.fill import MICRO, MINUTE, NOW, PHONE, draft, message, new_ticket

LI, ZHOU = "wxid_li", "wxid_zhou"
NICK = "三栋李姐姐"
SAID = "我屋头的电梯口堆满了垃圾"
REASON = "屋里老人等不起"


async def lived(tx: Tx) -> tuple[Person, Person]:
    """李姐 and 老周 with two tickets, one within the other, and all that hangs on them."""
    li = await people.ensure(tx, "a", LI, nick=NICK, friend=True)
    zhou = await people.ensure(tx, "a", ZHOU, nick="老周", friend=False)
    for number in (1, 2):
        await tickets.file(tx, new_ticket())
        await tickets.add_message(tx, message(number, f"m{number}", li.id, SAID))
        await tickets.add_reporter(tx, number, li.id, None, NOW, nick=NICK, contact=PHONE)
        await dialogs.ask(tx, Dialog(li.id, "callback", number, None, NOW, NOW + 9 * MINUTE))
    await tickets.add_message(tx, message(1, "m3", zhou.id, "我家也是"))
    await tickets.add_reporter(tx, 1, zhou.id, None, NOW + MINUTE, nick="老周")
    await tickets.update(
        tx, 2, expect=[TicketState.FILED], at=NOW, state=TicketState.MERGED, merged_into=1, remark=SAID
    )
    await merges.put(tx, Merge(2, 1, TicketState.FILED, MICRO, NOW))
    await notes.add(tx, Note(1, NOW, li.id, "reopened", REASON))
    await binding.record_failure(tx, "a", LI, NOW)
    await audit.append(tx, AuditEntry(NOW, "filed", li.id, None, 1, None, "filed", "a", "m1"))
    await audit.append(tx, AuditEntry(NOW, "false_alarm", zhou.id, None, 1, "filed", None, "a", "m9"))
    await negatives.add(tx, at=NOW, rules=["fault"], terms=["坏"], lexicon="abc", category="0503", text=SAID)
    await negatives.add(
        tx, at=NOW + MINUTE, rules=["fault"], terms=["坏"], lexicon="abc", category="0503", text="股票坏了"
    )
    return li, zhou


async def spoken(tx: Tx) -> None:
    """Lines to 李姐, lines that mention her, and lines that have nothing to do with her."""
    lines = [
        draft("mine", f"{NICK}：查询", conversation=LI, kind=PostKind.PRIVATE),
        draft(f"idhint:a:{LI}:2026-11-20", "请撤回", conversation=LI, kind=PostKind.PRIVATE),
        draft("ack:S1", f"@{NICK} 已登记", mentions=(LI,)),
        draft("ack:S2", "@老周 已登记", mentions=(ZHOU,)),
        draft("alarm", f"@{NICK} 请打119", mentions=(LI,), lane=Lane.EMERGENCY),
        draft("like", "@别人 已登记", mentions=("wxid-li",)),
    ]
    for line in lines:
        assert await outbox.put(tx, line) is not None


async def erase(tx: Tx, person: Person) -> None:
    await erasure.false_alarms(tx, person.id)
    for number in (await erasure.kept(tx, person.id)).tickets:
        await erasure.from_ticket(tx, number, person.id)
    await erasure.resident(tx, person, silent=False)


async def test_what_is_kept_is_counted(store: Store) -> None:
    li, zhou = await store.write(lived)
    assert await store.read(lambda tx: erasure.kept(tx, li.id)) == erasure.Kept((1, 2), True)
    assert await store.read(lambda tx: erasure.kept(tx, zhou.id)) == erasure.Kept((1,), False)


async def test_no_byte_is_left_and_the_others_keep_theirs(store: Store, backend: Database) -> None:
    li, zhou = await store.write(lived)
    await store.write(lambda tx: erase(tx, li))
    await store.write(lambda tx: erase(tx, li))  # twice does no harm
    left = backend.on_disk()
    for gone in (LI, NICK, SAID, REASON):
        assert gone.encode() not in left, gone

    async def read(tx: Tx) -> None:
        assert await people.find(tx, "a", LI) is None
        nameless = await people.get(tx, li.id)
        assert nameless == Person(li.id, "")
        assert [who.person_id for who in await tickets.reporters(tx, 1)] == [zhou.id]
        assert await tickets.reporters(tx, 2) == []
        assert [said.text for said in await tickets.messages(tx, 1)] == ["我家也是"]
        first, second = await tickets.numbered(tx, [1, 2])
        assert (first.reporters, second.reporters, second.remark) == (1, 1, None)
        assert await dialogs.open_for(tx, li.id, "callback", NOW) == []
        assert [(note.person_id, note.action, note.text) for note in await notes.of_ticket(tx, 1)] == [
            (None, "reopened", "")
        ]
        assert [lesson.text for lesson in await negatives.every(tx)] == ["", "股票坏了"]
        assert await audit.verify(tx) == audit.Verdict(2, True)

    await store.read(read)


async def test_her_number_never_becomes_somebody_elses(store: Store) -> None:
    li = await store.write(lambda tx: people.ensure(tx, "a", LI, nick=NICK, friend=True))
    await store.write(lambda tx: erase(tx, li))
    again = await store.write(lambda tx: people.ensure(tx, "a", LI, nick=NICK, friend=True))
    assert again.id > li.id
    assert again.roles == {Role.RESIDENT}


async def test_who_said_not_to_be_heard_stays_unheard(store: Store, backend: Database) -> None:
    li = await store.write(lambda tx: people.ensure(tx, "a", LI, nick=NICK, friend=True))
    await store.write(lambda tx: people.opt_out(tx, li.id, NOW))
    await store.write(lambda tx: erasure.resident(tx, li, silent=True))
    assert await store.read(people.opted_out) == {("a", LI)}
    assert NICK.encode() not in backend.on_disk()


async def test_lines_to_her_and_that_name_her_go_but_not_an_alarm(store: Store) -> None:
    li = await store.write(lambda tx: people.ensure(tx, "a", LI, nick=NICK, friend=True))
    await store.write(spoken)
    await store.write(lambda tx: erasure.resident(tx, li, silent=False))
    dropped = await store.read(lambda tx: outbox.by_state(tx, SendState.DROPPED))
    assert [(line.text, line.mentions) for line in dropped] == [("", ())] * 3
    assert [line.conversation for line in dropped] == ["", "", "r1"]
    assert not [line for line in dropped if LI in line.key]
    waiting = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert [line.key for line in waiting] == ["ack:S2", "alarm", "like"]


async def test_after_two_days_nobody_knows_to_whom_a_line_went(store: Store, backend: Database) -> None:
    await store.write(spoken)

    async def sent(tx: Tx) -> None:
        for line in await outbox.due(tx, "a", NOW):
            await outbox.mark_sending(tx, line.id, NOW)
            await outbox.mark_sent(tx, line.id, NOW, None)

    await store.write(sent)
    await store.write(lambda tx: outbox.blank(tx, NOW + timedelta(seconds=1)))
    addressed = {line.conversation for line in await store.read(lambda tx: outbox.by_state(tx, SendState.SENT))}
    assert LI not in addressed
    assert NICK.encode() not in backend.on_disk()


async def test_wrong_bind_codes_are_forgotten(store: Store, backend: Database) -> None:
    for at in (NOW - timedelta(days=2), NOW):
        await store.write(lambda tx, at=at: binding.record_failure(tx, "a", LI, at))
    await store.write(lambda tx: binding.purge_failures(tx, NOW - timedelta(days=1)))
    assert backend.rows("SELECT count(*) FROM bind_failures") == [(1,)]


async def test_with_their_last_candidate_goes_who_said_it(store: Store, backend: Database) -> None:
    """Of 李姐 there is nothing else; 老周 reported a ticket, too, and the leader holds an office."""

    async def work(tx: Tx) -> None:
        li = await people.ensure(tx, "a", LI, nick=NICK, friend=True)
        zhou = await people.ensure(tx, "a", ZHOU, nick="老周", friend=False)
        leader = await people.import_person(
            tx, "刘示例", [Grant(Role.MICRO_LEADER, MICRO)], [Alias("a", "wxid_liu", nick="刘姐")]
        )
        for number, person in enumerate((li, zhou, leader), 1):
            await tickets.file(tx, new_ticket(TicketState.CANDIDATE))
            await tickets.add_message(tx, message(number, f"m{number}", person.id, SAID))
            await tickets.add_reporter(tx, number, person.id, None, NOW, nick=person.name)
        await tickets.file(tx, new_ticket())
        await tickets.add_reporter(tx, 4, zhou.id, None, NOW, nick="老周")
        assert await erasure.expired(tx, NOW) == 0
        assert await erasure.expired(tx, NOW + MINUTE) == 3

    await store.write(work)
    found = [await store.read(lambda tx, who=who: people.find(tx, "a", who)) for who in (LI, ZHOU, "wxid_liu")]
    assert [person and person.name for person in found] == [None, "老周", "刘示例"]
    left = backend.on_disk()
    assert NICK.encode() not in left
    assert SAID.encode() not in left
