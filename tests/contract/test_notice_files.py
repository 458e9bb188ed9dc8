"""A notice's picture or file: kept while it is needed, behind its words, and known again when it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage import notice_files, notices, outbox, rooms
from storage.engine import Store, Tx
from storage.model import Lane, PostKind, Room, RoomState, SendState
from storage.notice_files import File
from storage.notices import OPEN, FileLines, Notice, NoticeState
from tests.contract.conftest import Database
from tests.contract.fill import MICRO, MINUTE, NOW, PICTURE, draft, fill

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def group(store: Store) -> Room:
    async def work(tx: Tx) -> Room:
        await fill(tx)
        room = await rooms.ensure(tx, "n", "n1", "1号群", at=NOW)
        return await rooms.update(tx, room.id, grid=MICRO, state=RoomState.ENABLED)

    return await store.write(work)


@pytest.fixture
async def notice(store: Store, group: Room) -> Notice:
    return await store.write(lambda tx: notices.draft(tx, "安排见图", [group], author_id=1, at=NOW, announce=True))


async def _queue(store: Store, notice: Notice, group: Room) -> tuple[int, int]:
    """Its words, as an announcement, and its file."""

    async def work(tx: Tx) -> tuple[int, int]:
        line = draft(
            notices.key(notice.number, group.id),
            account="n",
            conversation="n1",
            room_id=group.id,
            kind=PostKind.ANNOUNCEMENT,
            lane=Lane.NOTICE,
        )
        words = await outbox.put(tx, line)
        key = notices.file_key(notice.number, group.id)
        file = await outbox.put(tx, replace(line, key=key, kind=PostKind.NOTICE, file=notice.number))
        await notices.set_queued(tx, notice.number, [group.id])
        assert words is not None
        assert file is not None
        return words, file

    return await store.write(work)


async def _due(store: Store, at: int = 0) -> list[int]:
    return [line.id for line in await store.read(lambda tx: outbox.due(tx, "n", NOW + at * MINUTE))]


async def test_expected_kept_replaced_dropped(store: Store, notice: Notice) -> None:
    number = notice.number
    assert await store.read(lambda tx: notice_files.of(tx, number)) is None
    await store.write(lambda tx: notice_files.expect(tx, number, "n", "m1", mime="image/*"))
    awaited = await store.read(lambda tx: notice_files.of(tx, number))
    assert awaited is not None
    assert (awaited.kept, awaited.is_picture, awaited.size) == (False, True, 0)
    assert await store.read(lambda tx: notice_files.load(tx, number)) is None

    await store.write(lambda tx: notice_files.put(tx, number, PICTURE))
    assert await store.read(lambda tx: notice_files.load(tx, number)) == PICTURE
    assert await store.read(lambda tx: notice_files.shown_by(tx, "n", "m1")) == [number]
    assert await store.read(lambda tx: notice_files.shown_by(tx, "other", "m1")) == []

    await store.write(lambda tx: notice_files.expect(tx, number, "n", "m2", mime=""))
    assert await store.read(lambda tx: notice_files.load(tx, number)) is None
    assert await store.read(lambda tx: notice_files.shown_by(tx, "n", "m1")) == []
    await store.write(lambda tx: notice_files.drop(tx, number))
    assert await store.read(lambda tx: notice_files.of(tx, number)) is None


async def test_long_after_the_end_the_content_is_gone_and_the_name_stays(
    store: Store, notice: Notice, backend: Database
) -> None:
    number = notice.number
    secret = File("名单.pdf", "application/pdf", b"PERSONAL-CONTENT" * 400)
    await store.write(lambda tx: notice_files.expect(tx, number, "n", "m1", mime=""))
    await store.write(lambda tx: notice_files.put(tx, number, secret))
    assert await store.write(lambda tx: notice_files.purge(tx, LATER)) == 0  # it has not ended
    await store.write(lambda tx: notices.move(tx, number, OPEN, NoticeState.SENT, ended_at=NOW))
    assert await store.write(lambda tx: notice_files.purge(tx, NOW)) == 0
    assert await store.write(lambda tx: notice_files.purge(tx, LATER)) == 1
    assert await store.write(lambda tx: notice_files.purge(tx, LATER)) == 0
    left = await store.read(lambda tx: notice_files.of(tx, number))
    assert left is not None
    assert (left.name, left.size, left.kept) == ("名单.pdf", len(secret.data), False)
    assert backend.rows("SELECT data, account, message_id FROM notice_files") == [(None, None, None)]


async def test_words_that_were_not_sent_take_their_picture_along(store: Store, notice: Notice, group: Room) -> None:
    words, file = await _queue(store, notice, group)
    await store.write(lambda tx: outbox.mark_sending(tx, words, NOW))
    await store.write(lambda tx: outbox.requeue(tx, words, NOW + 5 * MINUTE, "throttled"))
    assert await _due(store) == []  # or the picture would come first
    assert await _due(store, at=5) == [words, file]

    await store.write(lambda tx: outbox.mark_sending(tx, words, NOW))
    await store.write(lambda tx: outbox.mark_failed(tx, words, "no such room"))
    failed = await store.read(lambda tx: outbox.get(tx, file))
    assert failed is not None
    assert (failed.state, failed.error) == (SendState.FAILED, "the line before it was not sent")
    standing = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (standing.failed, standing.files, standing.through) == (1, FileLines(failed=1), True)


async def test_what_may_not_be_announced_is_said(store: Store, notice: Notice, group: Room) -> None:
    words, file = await _queue(store, notice, group)
    await store.write(lambda tx: outbox.mark_sending(tx, words, NOW))
    await store.write(lambda tx: outbox.say_instead(tx, words, NOW, "not the owner"))
    again = await store.read(lambda tx: outbox.get(tx, words))
    assert again is not None
    assert (again.kind, again.state, again.error) == (PostKind.NOTICE, SendState.QUEUED, "not the owner")
    for line in (words, file):
        await store.write(lambda tx, line=line: outbox.mark_sending(tx, line, NOW))
        await store.write(lambda tx, line=line: outbox.mark_sent(tx, line, NOW, None))
    standing = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (standing.rooms, standing.sent, standing.announced, standing.files) == (1, 1, 0, FileLines(sent=1))
    (row,) = await store.read(lambda tx: notices.by_room(tx, notice.number))
    assert (row.state, row.announced, row.file) == (SendState.SENT, False, SendState.SENT)


async def test_what_was_announced_counts_as_that(store: Store, notice: Notice, group: Room) -> None:
    words, _ = await _queue(store, notice, group)
    await store.write(lambda tx: outbox.mark_sending(tx, words, NOW))
    await store.write(lambda tx: outbox.mark_sent(tx, words, NOW, None))
    standing = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (standing.sent, standing.announced, standing.files, standing.through) == (1, 1, FileLines(waiting=1), False)
    (row,) = await store.read(lambda tx: notices.by_room(tx, notice.number))
    assert (row.announced, row.file) == (True, SendState.QUEUED)


async def test_called_back_both_stay_and_count_as_one_group(store: Store, notice: Notice, group: Room) -> None:
    await _queue(store, notice, group)
    assert await store.write(lambda tx: notices.call_back(tx, notice.number)) == 1
    standing = await store.read(lambda tx: notices.standing(tx, notice.number))
    assert (standing.dropped, standing.files, standing.through) == (1, FileLines(dropped=1), True)


async def test_the_picture_alone_is_called_back(store: Store, notice: Notice, group: Room) -> None:
    words, _ = await _queue(store, notice, group)
    assert await store.write(lambda tx: notices.call_back_files(tx, notice.number)) == 0
    assert await _due(store) == [words]


async def test_the_echo_of_a_picture_settles_it_and_no_words(store: Store, notice: Notice, group: Room) -> None:
    words, file = await _queue(store, notice, group)
    for line in (words, file):
        await store.write(lambda tx, line=line: outbox.mark_sending(tx, line, NOW))
        await store.write(lambda tx, line=line: outbox.mark_unknown(tx, line, "no answer"))
    late, soon = NOW + outbox.ECHO_WITHIN, NOW + MINUTE
    assert not await store.write(lambda tx: outbox.confirm_echo(tx, "n", "n1", None, "e0", late))  # somebody else's
    assert await store.write(lambda tx: outbox.confirm_echo(tx, "n", "n1", None, "e1", soon))
    lines = [await store.read(lambda tx, line=line: outbox.get(tx, line)) for line in (words, file)]
    assert [line and (line.state, line.message_id) for line in lines] == [
        (SendState.UNKNOWN, None),
        (SendState.SENT, "e1"),
    ]
