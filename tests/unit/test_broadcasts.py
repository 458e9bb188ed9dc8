"""`xiaoge notices …`: what went out where, beside a running bot."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from storage import notices, outbox, people, rooms
from storage.engine import Store, Tx
from storage.model import Draft, Grant, Lane, PostKind, Role, RoomState
from storage.notice_files import LARGEST
from storage.notices import OPEN, NoticeState
from storage.testing import fresh_store
from tests.unit.conftest import Invoke

NOW = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
MICRO = "519999001001003012"


async def a_broadcast(tx: Tx) -> None:
    """Three rooms: one has it, of one nobody knows, one sleeps."""
    author = await people.import_person(tx, "刘姐", [Grant(Role.MICRO_LEADER, MICRO)], ())
    listed = []
    for number, state in enumerate((RoomState.ENABLED, RoomState.ENABLED, RoomState.DORMANT), start=1):
        room = await rooms.ensure(tx, "wx1", f"r{number}", f"青禾[{number}]群", at=NOW)
        listed.append(await rooms.update(tx, room.id, grid=MICRO, state=state))
    notice = await notices.draft(tx, "明天停水[停水]", listed, author_id=author.id, at=NOW)
    await notices.set_queued(tx, notice.number, [room.id for room in listed[:2]])
    for room in listed[:2]:
        line = await outbox.put(
            tx,
            Draft(
                key=notices.key(notice.number, room.id),
                account="wx1",
                conversation=room.im_id,
                text=notice.text,
                kind=PostKind.NOTICE,
                lane=Lane.NOTICE,
                not_before=NOW,
                created_at=NOW,
                room_id=room.id,
            ),
        )
        assert line is not None
        await outbox.mark_sending(tx, line, NOW)
        if room is listed[0]:
            await outbox.mark_sent(tx, line, NOW, "echo")
        else:
            await outbox.mark_unknown(tx, line, "no answer within 15 s")
    await notices.move(tx, notice.number, OPEN, NoticeState.SENT, ended_at=NOW)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / "var").mkdir()

    async def work() -> None:
        async with await fresh_store(tmp_path / "var") as store:
            await store.write(a_broadcast)

    asyncio.run(work())
    return tmp_path


def test_list_shows_each_with_its_numbers(invoke: Invoke, place: Path) -> None:
    out = invoke("notices", "list").out
    assert "T1" in out
    assert "已发完" in out
    assert "明天停水[停水]" in out


def test_report_in_a_line_and_room_by_room(invoke: Invoke, place: Path) -> None:
    assert invoke("notices", "report", "t1").out == "T1 已发完：已发 1/2 个群，不确定 1，未启用 1。\n"
    assert invoke("notices", "report", "T1", "-o", "T1.xlsx").code == 0
    rows = list(openpyxl.load_workbook(place / "T1.xlsx").active.iter_rows(values_only=True))
    assert [row[2] for row in rows[1:]] == ["青禾[1]群", "青禾[2]群", "青禾[3]群"]
    assert [row[4] for row in rows[1:]] == ["已发（群里可见）", "不确定", "未启用"]
    assert rows[1][5] == datetime(2025, 6, 12, 10, 0)  # noqa: DTZ001 - local time, as a sheet holds it
    assert rows[2][6:] == (None, "no answer within 15 s")


def test_watch_ends_when_it_is_through(invoke: Invoke, place: Path) -> None:
    assert invoke("notices", "watch", "1").out.startswith("T1 已发完")


@pytest.mark.parametrize(("named", "words"), [("T9", "no notice T9"), ("S1", "must be that of a notice, T3, got S1")])
def test_what_is_not_there_is_one_line(invoke: Invoke, place: Path, named: str, words: str) -> None:
    result = invoke("notices", "report", named)
    assert result.code == 2
    assert words in result.err
    assert result.err.count("\n") == 1


def test_no_notice_yet(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / "var").mkdir()

    async def work() -> None:
        await (await fresh_store(tmp_path / "var")).close()

    asyncio.run(work())
    assert invoke("notices", "list").out == "no notice yet\n"


@pytest.fixture
def draft(place: Path) -> Path:
    """And T2, which waits for its confirmation."""

    async def write(tx: Tx) -> None:
        listed = [room for room in await rooms.every(tx) if room.state is RoomState.ENABLED]
        await notices.draft(tx, "体检安排见图", listed, author_id=1, at=NOW)

    async def work() -> None:
        async with await Store.open(f"sqlite+aiosqlite:///{place / 'var' / 'xiaoge.db'}") as store:
            await store.write(write)

    asyncio.run(work())
    return place


def test_a_draft_is_given_a_picture_and_another_in_its_place(invoke: Invoke, draft: Path) -> None:
    for name, words in (("体检.png", "T2: [图片 体检.png] 1 KB"), ("安排.pdf", "T2: [文件 安排.pdf] 1 KB")):
        (draft / name).write_bytes(name.encode())
        result = invoke("notices", "attach", "T2", name)
        assert (result.code, result.err) == (0, "")
        assert words in result.out
    with closing(sqlite3.connect(draft / "var" / "xiaoge.db")) as database:
        assert database.execute("SELECT notice, name, data FROM notice_files").fetchall() == [
            (2, "安排.pdf", "安排.pdf".encode())
        ]
        (details,) = database.execute("SELECT count(*) FROM audit WHERE action = 'notice_file'").fetchone()
    assert details == 2


@pytest.mark.parametrize(
    ("notice", "file", "words"),
    [
        ("T1", "a.png", "T1 is sent: only a draft"),
        ("T9", "a.png", "no notice T9"),
        ("T2", "no.png", "cannot read no.png"),
        ("T2", ".", "cannot read ."),
        ("T2", "empty.png", "is empty"),
        ("T2", "11010519491231002X.png", "its name holds an ID number"),
        ("T2", "photo.jpg", "is a HEIC photo, which most phones do not show: save it as JPEG or PNG"),
        ("T2", "film.mp4", "at most 10.0 MB go out"),
        ("S2", "a.png", "must be that of a notice, T3, got S2"),
    ],
)
def test_what_cannot_be_attached_is_one_line(invoke: Invoke, draft: Path, notice: str, file: str, words: str) -> None:
    (draft / "a.png").write_bytes(b"x")
    (draft / "photo.jpg").write_bytes(b"\0\0\0\x24ftypheic")
    (draft / "11010519491231002X.png").write_bytes(b"x")
    (draft / "empty.png").write_bytes(b"")
    with (draft / "film.mp4").open("wb") as film:
        film.truncate(LARGEST + 1)
    result = invoke("notices", "attach", notice, file)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert words in result.err
