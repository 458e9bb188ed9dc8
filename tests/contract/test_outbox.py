"""Lines to be sent: said once, in order, never sent twice, blank when their time is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import outbox, rooms
from storage.engine import Store, Tx
from storage.model import Lane, Outgoing, SendState
from tests.contract.conftest import Database
from tests.contract.fill import MINUTE, NOW, draft


async def put(store: Store, key: str, text: str = "已登记", **changed: object) -> int:
    line = await store.write(lambda tx: outbox.put(tx, draft(key, text, **changed)))
    assert line is not None
    return line


async def sending(store: Store, key: str, text: str = "已登记", **changed: object) -> int:
    line = await put(store, key, text, **changed)
    assert await store.write(lambda tx: outbox.mark_sending(tx, line, NOW))
    return line


async def only(store: Store, state: SendState) -> Outgoing:
    (line,) = await store.read(lambda tx: outbox.by_state(tx, state))
    return line


async def test_a_key_is_said_once_whatever_became_of_it(store: Store) -> None:
    line = await put(store, "ack:S1")
    assert await store.write(lambda tx: outbox.put(tx, draft("ack:S1", "别的话"))) is None
    await store.write(lambda tx: outbox.mark_sending(tx, line, NOW))
    await store.write(lambda tx: outbox.mark_sent(tx, line, NOW, "x"))
    assert await store.write(lambda tx: outbox.put(tx, draft("ack:S1"))) is None
    assert (await only(store, SendState.SENT)).text == "已登记"


async def test_a_line_comes_back_as_it_was_put(store: Store) -> None:
    room = await store.write(lambda tx: rooms.ensure(tx, "a", "r1", "", at=NOW))
    new = draft("k", "@李姐 已登记", mentions=("u1", "u2"), room_id=room.id, counted=True, ticket=7, lane=Lane.NOTICE)
    await store.write(lambda tx: outbox.put(tx, new))
    line = await store.read(lambda tx: outbox.find_queued(tx, "k"))
    assert line is not None
    assert {name: getattr(line, name) for name in new.__slots__} == {name: getattr(new, name) for name in new.__slots__}
    assert (line.state, line.attempts, line.sending_at) == (SendState.QUEUED, 0, None)


async def test_due_lines_by_lane_then_time_then_id(store: Store) -> None:
    await put(store, "notice", lane=Lane.NOTICE, not_before=NOW - 9 * MINUTE)
    await put(store, "second", not_before=NOW)
    await put(store, "first", not_before=NOW - MINUTE)
    await put(store, "third", not_before=NOW)
    await put(store, "fire", lane=Lane.EMERGENCY, not_before=NOW)
    await put(store, "later", not_before=NOW + MINUTE)
    await put(store, "elsewhere", account="b")
    due = await store.read(lambda tx: outbox.due(tx, "a", NOW))
    assert [line.key for line in due] == ["fire", "first", "second", "third", "notice"]
    two_of_each = await store.read(lambda tx: outbox.due(tx, "a", NOW, 2))
    assert [line.key for line in two_of_each] == ["fire", "first", "second", "notice"]


async def test_what_is_urgent_for_somebody_goes_before_an_urgent_notice_to_all(store: Store) -> None:
    for key in ("notice:3:1", "notice:3:1:file", "notice:3:2"):
        await put(store, key, lane=Lane.EMERGENCY, not_before=NOW - 9 * MINUTE)
    await put(store, "reply", not_before=NOW - 9 * MINUTE)
    for key in ("detour:b:T3", "advice:S1", "noticed:3", "told:S1:1"):
        await put(store, key, lane=Lane.EMERGENCY, not_before=NOW)
    due = await store.read(lambda tx: outbox.due(tx, "a", NOW))
    alarms = ["detour:b:T3", "advice:S1", "noticed:3", "told:S1:1"]
    assert [line.key for line in due] == [*alarms, "notice:3:1", "notice:3:1:file", "notice:3:2", "reply"]
    one_of_each = await store.read(lambda tx: outbox.due(tx, "a", NOW, 1))
    assert [line.key for line in one_of_each] == ["detour:b:T3", "reply"]


async def test_the_next_due_moment(store: Store) -> None:
    assert await store.read(lambda tx: outbox.next_due(tx, "a", NOW - MINUTE)) is None
    await put(store, "later", lane=Lane.NOTICE, not_before=NOW + MINUTE)
    line = await put(store, "soon", not_before=NOW)
    await put(store, "elsewhere", account="b", not_before=NOW - MINUTE)
    assert await store.read(lambda tx: outbox.next_due(tx, "a", NOW - MINUTE)) == NOW
    assert await store.read(lambda tx: outbox.next_due(tx, "a", NOW)) == NOW + MINUTE
    await store.write(lambda tx: outbox.mark_sending(tx, line, NOW))
    assert await store.read(lambda tx: outbox.next_due(tx, "a", NOW - MINUTE)) == NOW + MINUTE


async def test_a_line_is_reworded_only_while_it_is_queued(store: Store) -> None:
    line = await put(store, "ack:S1", "已登记 S1", mentions=("u1",))
    assert await store.write(
        lambda tx: outbox.reword(tx, line, "已登记 S1、S2", not_before=NOW + MINUTE, mentions=("u1", "u2"))
    )
    changed = await only(store, SendState.QUEUED)
    assert (changed.text, changed.not_before, changed.mentions) == ("已登记 S1、S2", NOW + MINUTE, ("u1", "u2"))
    assert await store.write(lambda tx: outbox.reword(tx, line, "已登记 S1、S2、S3"))
    assert (await only(store, SendState.QUEUED)).mentions == ("u1", "u2")
    await store.write(lambda tx: outbox.mark_sending(tx, line, NOW))
    assert not await store.write(lambda tx: outbox.reword(tx, line, "太晚了"))
    assert await store.read(lambda tx: outbox.find_queued(tx, "ack:S1")) is None


async def test_a_line_is_claimed_once(store: Store) -> None:
    line = await sending(store, "k")
    assert not await store.write(lambda tx: outbox.mark_sending(tx, line, NOW + MINUTE))
    assert (await only(store, SendState.SENDING)).sending_at == NOW


async def test_a_line_that_surely_did_not_leave_is_queued_again(store: Store) -> None:
    line = await sending(store, "k")
    await store.write(lambda tx: outbox.requeue(tx, line, NOW + MINUTE, "throttled"))
    again = await only(store, SendState.QUEUED)
    assert (again.attempts, again.not_before, again.error, again.sending_at) == (1, NOW + MINUTE, "throttled", None)
    await store.write(lambda tx: outbox.requeue(tx, line, NOW, "twice"))
    assert (await only(store, SendState.QUEUED)).attempts == 1


async def test_a_crash_while_sending_leaves_an_unknown_line(store: Store) -> None:
    await sending(store, "k")
    await sending(store, "elsewhere", account="b")
    await put(store, "queued")
    assert await store.write(lambda tx: outbox.recover(tx, "a")) == 1
    assert (await only(store, SendState.UNKNOWN)).key == "k"
    assert (await only(store, SendState.SENDING)).key == "elsewhere"
    assert [line.key for line in await store.read(lambda tx: outbox.due(tx, "a", NOW))] == ["queued"]


@pytest.mark.parametrize("settled", [SendState.SENT, SendState.QUEUED, SendState.DROPPED, SendState.FAILED])
async def test_a_person_settles_an_unknown_line(store: Store, settled: SendState) -> None:
    line = await sending(store, "k")
    await store.write(lambda tx: outbox.mark_unknown(tx, line, "no answer"))
    await store.write(lambda tx: outbox.settle(tx, line, settled))
    after = await only(store, settled)
    assert after.sent_at == (NOW if settled is SendState.SENT else None)
    assert after.text == ("" if settled is SendState.DROPPED else "已登记")


async def test_only_unknown_lines_are_settled(store: Store) -> None:
    line = await put(store, "k")
    await store.write(lambda tx: outbox.settle(tx, line, SendState.SENT))
    assert (await only(store, SendState.QUEUED)).id == line
    with pytest.raises(ValueError, match="settles nothing"):
        await store.write(lambda tx: outbox.settle(tx, line, SendState.SENDING))


@pytest.mark.parametrize("unknown", [False, True])
async def test_the_echo_settles_the_oldest_line_with_its_text(store: Store, unknown: bool) -> None:
    first = await put(store, "first")
    second = await put(store, "second")
    for line, at in ((second, NOW + MINUTE), (first, NOW)):
        await store.write(lambda tx, line=line, at=at: outbox.mark_sending(tx, line, at))
    if unknown:
        await store.write(lambda tx: outbox.recover(tx, "a"))

    async def echo(tx: Tx) -> list[bool]:
        return [
            await outbox.confirm_echo(tx, "a", "r1", "别的", "x0", NOW),
            await outbox.confirm_echo(tx, "a", "r2", "已登记", "x0", NOW),
            await outbox.confirm_echo(tx, "b", "r1", "已登记", "x0", NOW),
            await outbox.confirm_echo(tx, "a", "r1", "已登记", "x1", NOW + MINUTE),
        ]

    assert await store.write(echo) == [False, False, False, True]
    sent = await only(store, SendState.SENT)
    assert (sent.id, sent.message_id, sent.sent_at, sent.error) == (first, "x1", NOW + MINUTE, None)


async def test_an_answer_after_the_echo_changes_nothing(store: Store) -> None:
    line = await sending(store, "k")
    await store.write(lambda tx: outbox.confirm_echo(tx, "a", "r1", "已登记", "x1", NOW))
    await store.write(lambda tx: outbox.mark_unknown(tx, line, "deadline"))
    await store.write(lambda tx: outbox.mark_failed(tx, line, "no"))
    await store.write(lambda tx: outbox.mark_sent(tx, line, NOW + MINUTE, None))
    sent = await only(store, SendState.SENT)
    assert (sent.message_id, sent.sent_at) == ("x1", NOW)


async def test_an_echo_after_the_answer_brings_the_id(store: Store) -> None:
    line = await sending(store, "k")
    await store.write(lambda tx: outbox.mark_sent(tx, line, NOW, None))
    assert await store.write(lambda tx: outbox.confirm_echo(tx, "a", "r1", "已登记", "x1", NOW + MINUTE))
    assert not await store.write(lambda tx: outbox.confirm_echo(tx, "a", "r1", "已登记", "x2", NOW + MINUTE))
    assert (await only(store, SendState.SENT)).message_id == "x1"


async def test_a_dropped_line_has_no_text(store: Store, backend: Database) -> None:
    await put(store, "k", "三栋二单元漏水了")
    assert await store.write(lambda tx: outbox.drop(tx, "k"))
    assert not await store.write(lambda tx: outbox.drop(tx, "k"))
    assert (await only(store, SendState.DROPPED)).text == ""
    assert "三栋二单元漏水了".encode() not in backend.on_disk()


async def test_a_line_that_left_is_not_dropped(store: Store) -> None:
    await sending(store, "k")
    assert not await store.write(lambda tx: outbox.drop(tx, "k"))


async def test_a_recall_drops_what_is_queued_and_blanks_all_of_the_ticket(store: Store, backend: Database) -> None:
    words = "王大爷家暖气漏水"
    await sending(store, "left", words, ticket=1, mentions=("u1",))
    await put(store, "queued", words, ticket=1)
    await put(store, "other", "别的", ticket=2)
    await store.write(lambda tx: outbox.drop_for_ticket(tx, 1))
    assert (await only(store, SendState.SENDING)).text == ""
    assert (await only(store, SendState.DROPPED)).key == "queued"
    assert (await only(store, SendState.QUEUED)).text == "别的"
    assert words.encode() not in backend.on_disk()


async def test_texts_are_blank_48_hours_after_sending(store: Store, backend: Database) -> None:
    words = "门禁坏了请尽快来"
    old = NOW - timedelta(days=4)

    async def write(tx: Tx) -> None:
        for key, sent in (("old", NOW - timedelta(hours=49)), ("young", NOW - timedelta(hours=47))):
            line = await outbox.put(tx, draft(key, words, created_at=old))
            assert line is not None
            await outbox.mark_sending(tx, line, sent)
            await outbox.mark_sent(tx, line, sent, None)
        for key, state in (("failed", "failed"), ("unknown", "unknown")):
            line = await outbox.put(tx, draft(key, words, created_at=old))
            assert line is not None
            await outbox.mark_sending(tx, line, old)
            await (outbox.mark_failed if state == "failed" else outbox.mark_unknown)(tx, line, "x")
        await outbox.put(tx, draft("waiting", words, created_at=old))

    await store.write(write)
    assert await store.write(lambda tx: outbox.blank(tx, NOW - timedelta(hours=48))) == 3
    assert sorted(backend.rows("SELECT key FROM outbox WHERE text <> ''")) == [("waiting",), ("young",)]
    assert await store.write(lambda tx: outbox.blank(tx, NOW - timedelta(hours=46))) == 1
    assert await store.write(lambda tx: outbox.blank(tx, NOW)) == 0


async def test_the_send_log_counts_all_that_may_have_left(store: Store) -> None:
    for number, key in enumerate(("sent", "unknown", "sending", "failed", "again", "queued")):
        line = await put(store, key, conversation=f"r{number}")
        if key != "queued":
            at = NOW + number * MINUTE
            await store.write(lambda tx, line=line, at=at: outbox.mark_sending(tx, line, at))
        match key:
            case "sent":
                await store.write(lambda tx, line=line: outbox.mark_sent(tx, line, NOW + 4 * MINUTE, None))
            case "unknown":
                await store.write(lambda tx, line=line: outbox.mark_unknown(tx, line, "x"))
            case "failed":
                await store.write(lambda tx, line=line: outbox.mark_failed(tx, line, "x"))
            case "again":
                await store.write(lambda tx, line=line: outbox.requeue(tx, line, NOW, "offline"))
    assert await store.read(lambda tx: outbox.sent_times(tx, "a", NOW)) == [
        (NOW + MINUTE, "r1", Lane.REPLY),
        (NOW + 2 * MINUTE, "r2", Lane.REPLY),
        (NOW + 3 * MINUTE, "r3", Lane.REPLY),
        (NOW + 4 * MINUTE, "r0", Lane.REPLY),
    ], "by the answer, which is later than what it answers"
    later = await store.read(lambda tx: outbox.sent_times(tx, "a", NOW + 3 * MINUTE))
    assert [conversation for _, conversation, _ in later] == ["r3", "r0"]


async def test_the_slots_a_room_has_spent(store: Store) -> None:
    room = await store.write(lambda tx: rooms.ensure(tx, "a", "r1", "", at=NOW))
    of_room = {"room_id": room.id, "counted": True}
    sent = await sending(store, "sent", **of_room)
    await store.write(lambda tx: outbox.mark_sent(tx, sent, NOW + 3 * MINUTE, None))
    await put(store, "queued", **of_room, not_before=NOW + 8 * MINUTE)
    await put(store, "command", room_id=room.id)
    await put(store, "dropped", **of_room)
    await store.write(lambda tx: outbox.drop(tx, "dropped"))
    failed = await sending(store, "failed", **of_room)
    await store.write(lambda tx: outbox.mark_failed(tx, failed, "x"))
    await put(store, "old", **of_room, not_before=NOW - timedelta(days=1))
    slots = await store.read(lambda tx: outbox.counted_slots(tx, room.id, NOW))
    assert slots == [NOW + 3 * MINUTE, NOW + 8 * MINUTE]
