"""Notices: the list of rooms, what became of each line, and 收到 that nobody can be named for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import erasure, notices, outbox, people, rooms
from storage.engine import Store, Tx
from storage.model import Alias, Lane, PostKind, Room, RoomKind, RoomState, SendState
from storage.notices import OPEN, Notice, NoticeState, Skipped
from tests.contract.conftest import Database
from tests.contract.fill import GRID, MICRO, MINUTE, NOW, draft, fill


@pytest.fixture
async def listed(store: Store) -> list[Room]:
    """Three rooms that are awake and one that sleeps, in one community."""

    async def work(tx: Tx) -> list[Room]:
        await fill(tx)
        made = []
        for number, state in enumerate([RoomState.ENABLED] * 3 + [RoomState.DORMANT]):
            room = await rooms.ensure(tx, "a", f"n{number}", f"{number}号群", at=NOW)
            made.append(await rooms.update(tx, room.id, grid=MICRO, state=state))
        return made

    return await store.write(work)


async def _drafted(store: Store, listed: list[Room]) -> Notice:
    return await store.write(lambda tx: notices.draft(tx, "明天停水", listed, author_id=1, at=NOW))


async def _queue(store: Store, notice: Notice, rooms_: list[Room]) -> list[int]:
    async def work(tx: Tx) -> list[int]:
        lines = []
        for room in rooms_:
            key = notices.key(notice.number, room.id)
            line = draft(key, room_id=room.id, conversation=room.im_id, kind=PostKind.NOTICE, lane=Lane.NOTICE)
            lines.append(await outbox.put(tx, line))
        await notices.set_queued(tx, notice.number, [room.id for room in rooms_])
        return [line for line in lines if line is not None]

    return await store.write(work)


async def test_rooms_within_a_scope_by_kind(store: Store, listed: list[Room]) -> None:
    found = await store.read(lambda tx: rooms.within(tx, GRID, RoomKind.RESIDENT))
    assert {room.id for room in listed} <= {room.id for room in found}
    assert all(room.grid is not None and room.grid.startswith(GRID) for room in found)
    assert await store.read(lambda tx: rooms.within(tx, GRID[:-1] + "9", RoomKind.RESIDENT)) == []


async def test_what_became_of_each_line(store: Store, listed: list[Room]) -> None:
    notice = await _drafted(store, listed)
    assert (await store.read(lambda tx: notices.get(tx, notice.number))) == notice
    assert await store.read(lambda tx: notices.next_rooms(tx, notice.number, 9)) == [room.id for room in listed[:3]]
    lines = await _queue(store, notice, listed[:2])
    assert await store.read(lambda tx: notices.next_rooms(tx, notice.number, 9)) == [listed[2].id]

    await store.write(lambda tx: outbox.mark_sending(tx, lines[0], NOW))
    await store.write(lambda tx: outbox.mark_sent(tx, lines[0], NOW, "echo"))
    await store.write(lambda tx: outbox.mark_sending(tx, lines[1], NOW))
    await store.write(lambda tx: outbox.mark_unknown(tx, lines[1], "no answer"))
    found = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (found.rooms, found.waiting, found.sent, found.confirmed, found.unknown) == (3, 1, 1, 1, 1)
    assert found.skipped == ((Skipped.DORMANT, 1),)


async def test_the_lines_of_ten_are_not_those_of_one(store: Store, listed: list[Room]) -> None:
    drafted = [await _drafted(store, listed[:1]) for _ in range(10)]
    await _queue(store, drafted[9], listed[:1])
    assert (drafted[0].number, drafted[9].number) == (1, 10)
    assert (await store.read(lambda tx: notices.standing(tx, 1))).waiting == 1  # its room, which has no line yet
    assert await store.write(lambda tx: notices.call_back(tx, 1)) == 1
    queued = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    assert [number for line in queued if (number := notices.number_of(line.key)) is not None] == [10]


async def test_called_back_nothing_waits_any_more(store: Store, listed: list[Room]) -> None:
    notice = await _drafted(store, listed)
    lines = await _queue(store, notice, listed[:2])
    await store.write(lambda tx: outbox.mark_sending(tx, lines[0], NOW))
    assert await store.write(lambda tx: notices.call_back(tx, notice.number)) == 2
    found = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (found.waiting, found.dropped) == (1, 1)  # what is being sent is sent
    assert dict(found.skipped) == {Skipped.DORMANT: 1, Skipped.CANCELLED: 1}
    assert await store.write(lambda tx: notices.call_back(tx, notice.number)) == 0


async def test_of_two_who_release_it_one_does(store: Store, listed: list[Room]) -> None:
    notice = await _drafted(store, listed)

    def release(tx: Tx) -> object:
        return notices.move(tx, notice.number, (NoticeState.DRAFT,), NoticeState.SCHEDULED, send_at=NOW)

    assert [await store.write(release), await store.write(release)] == [True, False]
    assert [each.number for each in await store.read(lambda tx: notices.due(tx, NOW))] == [notice.number]
    assert await store.read(lambda tx: notices.due(tx, NOW - MINUTE)) == []


async def test_a_group_under_another_id_stays_in_the_list(store: Store, listed: list[Room]) -> None:
    """One line was sent before its group came under another id, one is queued after it."""
    notice = await _drafted(store, listed)
    first, second, third, _ = listed
    (line,) = await _queue(store, notice, [first])
    await store.write(lambda tx: outbox.mark_sending(tx, line, NOW))
    await store.write(lambda tx: outbox.mark_sent(tx, line, NOW, "m1"))
    anew = []
    for old in (first, second):

        async def renumber(tx: Tx, old: Room = old) -> Room:
            new = await rooms.ensure(tx, "b", f"{old.im_id}-new", old.topic, at=NOW + MINUTE)
            return await rooms.succeed(tx, old, new)

        anew.append(await store.write(renumber))
    key = notices.key(notice.number, second.id)
    await store.write(lambda tx: outbox.put(tx, draft(key, account="b", room_id=anew[1].id, kind=PostKind.NOTICE)))
    await store.write(lambda tx: notices.set_queued(tx, notice.number, [second.id]))
    found = await store.read(lambda tx: notices.by_room(tx, notice.number))
    assert {(one.topic, one.account, one.state) for one in found if one.skipped is None} == {
        (first.topic, "b", SendState.SENT),
        (second.topic, "b", SendState.QUEUED),
        (third.topic, "a", None),
    }
    assert await store.read(lambda tx: notices.named(tx, notice.number, 2)) == ["0号群", "1号群"]
    assert await store.read(lambda tx: notices.named(tx, notice.number, 9)) == ["0号群", "1号群", "2号群"]
    # A correction goes to the groups as they are by now.
    again = await store.read(lambda tx: notices.listed(tx, notice.number))
    assert {room.id for room in again} == {anew[0].id, anew[1].id, third.id}
    assert await store.read(lambda tx: notices.rooms_of(tx, notice.number)) == {"b": 2, "a": 1}


async def test_receipts_count_people_once_and_name_nobody(store: Store, listed: list[Room], backend: Database) -> None:
    notice = await _drafted(store, listed)
    said = [(notice.number, "a", "wxid-li"), (notice.number, "a", "wxid-li"), (notice.number, "a", "wxid-wang")]
    await store.write(lambda tx: notices.receive(tx, said))
    await store.write(lambda tx: notices.receive(tx, said[:1]))
    assert (await store.read(lambda tx: notices.standing(tx, notice.number))).receipts == 2
    assert not any(b"wxid" in digest for (digest,) in backend.rows("SELECT digest FROM receipts"))

    await store.write(lambda tx: notices.move(tx, notice.number, OPEN, NoticeState.SENT, ended_at=NOW))
    await store.write(lambda tx: notices.forget_salts(tx, NOW))
    assert backend.rows("SELECT count(*) FROM notices WHERE salt IS NOT NULL") == [(1,)]
    await store.write(lambda tx: notices.forget_salts(tx, NOW + MINUTE))
    assert backend.rows("SELECT count(*) FROM notices WHERE salt IS NOT NULL") == [(0,)]
    await store.write(lambda tx: notices.receive(tx, [(notice.number, "a", "wxid-zhao")]))
    assert (await store.read(lambda tx: notices.standing(tx, notice.number))).receipts == 2


async def test_a_start_knows_which_room_read_what(store: Store, listed: list[Room]) -> None:
    notice = await _drafted(store, listed)
    for line in await _queue(store, notice, listed[:2]):
        await store.write(lambda tx, line=line: outbox.mark_sending(tx, line, NOW))
        await store.write(lambda tx, line=line: outbox.mark_sent(tx, line, NOW, None))
    account = listed[0].account
    found = await store.read(lambda tx: notices.heard_in(tx, account, NOW - timedelta(hours=1)))
    assert sorted(found) == [(room.im_id, notice.number, NOW) for room in listed[:2]]
    assert await store.read(lambda tx: notices.heard_in(tx, account, NOW + MINUTE)) == []


async def test_who_sent_one_keeps_the_name_after_leaving_office(store: Store, listed: list[Room]) -> None:
    async def work(tx: Tx) -> tuple[str, str]:
        names = []
        for name in ("赵示例", "钱示例"):
            left = await people.import_person(tx, name, (), [Alias("a", name)])
            if name == "赵示例":
                await notices.draft(tx, "明天停水", listed, author_id=left.id, at=NOW)
            await erasure.let_go(tx, [left.id])
            found = await people.get(tx, left.id)
            names.append(found.name if found is not None else "")
        return names[0], names[1]

    assert await store.write(work) == ("赵示例", "")
