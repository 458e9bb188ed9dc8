"""The voice of an account where a line is a picture, or the announcement of a group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.pacing import Budget
from bot.sender import Sender
from bot.transports.simulator import Simulator
from handlers import notice_sending
from handlers.context import Effects
from storage import notice_files, notices, outbox, people, rooms
from storage.engine import Store, Tx
from storage.model import Grant, MessageKind, Role, RoomState, SendState
from storage.notice_files import File
from storage.notices import NoticeState, Standing
from storage.testing import fresh_store
from tests.unit.handlers.stage import MICRO, Stage

NOON = datetime(2025, 6, 12, 4, 0, tzinfo=UTC)
PICTURE = File("路线.png", "image/png", b"\x89PNG\r\n\x1a\n!")


class Town:
    """Three groups, one account and a notice for them."""

    def __init__(self, store: Store, stage: Stage) -> None:
        self.store, self.policy = store, stage.policy
        self.clock = VirtualClock(NOON)
        self.wire = Simulator("wx1", self.clock, echo=True)
        self.sender = Sender(store, self.wire, Budget(), self.clock, seed=1)

    async def notice(self, *, announce: bool = False, file: File | None = PICTURE) -> None:
        """It is drafted, released and queued."""

        async def work(tx: Tx) -> None:
            author = await people.import_person(tx, "刘姐", [Grant(Role.MICRO_LEADER, MICRO)], ())
            listed = []
            for number in range(3):
                room = await rooms.ensure(tx, "wx1", f"r{number}", f"{number}群", at=NOON)
                listed.append(await rooms.update(tx, room.id, grid=MICRO, state=RoomState.ENABLED))
            made = await notices.draft(tx, "看路线", listed, author_id=author.id, at=NOON, announce=announce)
            if file is not None:
                await notice_files.put(tx, made.number, file)
            await notices.move(tx, made.number, notices.OPEN, NoticeState.SENDING)
            await notice_sending.queue(Effects(tx, NOON, self.policy), made)

        await self.sender.start()
        await self.store.write(work)

    async def run_for(self, seconds: float) -> None:
        end = self.clock.now() + timedelta(seconds=seconds)
        while (again_at := await self.sender.step()) is not None and again_at <= end:
            self.clock.advance(again_at)
        self.clock.advance(max(end, self.clock.now()))

    async def standing(self) -> Standing:
        return await self.store.read(lambda tx: notices.standing(tx, 1))

    def said(self, room: str) -> list[str]:
        return [sent.text for sent in self.wire.sent if sent.conversation == room]


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    (tmp_path / "stage").mkdir()
    stage = await Stage.set(tmp_path / "stage")
    async with await fresh_store(tmp_path) as store:
        yield Town(store, stage)
    await stage.strike()


async def test_words_then_picture_in_each_room_both_at_the_accounts_pace(town: Town) -> None:
    await town.notice()
    await town.run_for(300)
    assert all(town.said(f"r{n}") == ["【通知】看路线", "[图片 路线.png]"] for n in range(3))
    assert [sent.file for sent in town.wire.sent if sent.file] == [PICTURE] * 3
    moments = sorted(sent.at for sent in town.wire.sent)
    budget = Budget()
    assert all(later - one >= timedelta(seconds=budget.gap[0]) for one, later in pairwise(moments))
    for room in ("r0", "r1", "r2"):
        words, picture = (sent.at for sent in town.wire.sent if sent.conversation == room)
        assert picture - words >= timedelta(seconds=budget.per_room_gap)


async def test_slowed_down_the_picture_still_comes_after_its_words(town: Town) -> None:
    await town.notice()
    town.wire.faults.throttle_sends = 1
    await town.run_for(1)
    assert town.wire.sent == []
    await town.run_for(3600)
    assert town.said("r0") == ["【通知】看路线", "[图片 路线.png]"]


async def test_refused_words_take_their_picture_along(town: Town) -> None:
    await town.notice()
    town.wire.faults.fail_sends = 1
    await town.run_for(300)
    assert town.said("r0") == []
    standing = await town.standing()
    assert standing.files is not None
    assert (standing.sent, standing.failed, standing.files.sent, standing.files.failed) == (2, 1, 2, 1)


async def test_a_lost_answer_leaves_the_picture_to_its_echo(town: Town) -> None:
    await town.notice()
    town.wire.faults.lose_answers = 2
    await town.run_for(300)
    standing = await town.standing()
    assert standing.files is not None
    assert (standing.unknown + standing.files.unknown, town.wire.faults.lose_answers) == (2, 0)
    echoes = [event.message for event in town.wire.take() if event.message is not None and event.message.from_me]
    kinds = {MessageKind.TEXT: "【通知】看路线", MessageKind.IMAGE: None}
    for echo in echoes:
        words = kinds[echo.kind]
        now = town.clock.now()
        room = echo.room or ""
        await town.store.write(
            lambda tx, echo=echo, words=words, room=room, now=now: outbox.confirm_echo(
                tx, "wx1", room, words, echo.id, now
            )
        )
    standing = await town.standing()
    assert standing.files is not None
    assert (standing.sent, standing.unknown, standing.files.sent, standing.files.unknown) == (3, 0, 3, 0)


async def test_a_picture_that_was_deleted_meanwhile_fails_with_its_reason(town: Town) -> None:
    await town.notice()
    await town.store.write(lambda tx: notice_files.drop(tx, 1))
    await town.run_for(300)
    failed = await town.store.read(lambda tx: outbox.by_state(tx, SendState.FAILED))
    assert {line.error for line in failed} == {"its picture or file is deleted by now"}
    assert [sent.text for sent in town.wire.sent] == ["【通知】看路线"] * 3


async def test_where_the_account_may_not_announce_it_says_it(town: Town) -> None:
    await town.notice(announce=True)
    town.wire.not_owner = {"r1"}
    await town.run_for(300)
    assert {of for _, of in town.wire.settings} == {"r0", "r2"}
    assert town.said("r0") == ["[群公告]【通知】看路线", "[图片 路线.png]"]
    assert town.said("r1") == ["【通知】看路线", "[图片 路线.png]"]
    standing = await town.standing()
    assert (standing.sent, standing.announced) == (3, 2)


async def test_without_a_link_nothing_is_said_instead(town: Town) -> None:
    await town.notice(announce=True, file=None)
    town.wire.drop_link()
    await town.run_for(30)
    assert town.wire.sent == []
    town.wire.restore_link()
    await town.run_for(300)
    assert (await town.standing()).announced == 3
