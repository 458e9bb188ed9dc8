"""The 台账: its columns, its masks, its formats; the same data give the same bytes."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from bot import sheets
from bot.exporting import export
from bot.register import COLUMNS, masked_name, masked_phone
from bot.sheets import Format
from nlp import categories
from storage import grids, people, reports, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    CallbackOutcome,
    Grid,
    Level,
    Listing,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    Role,
    RoomKind,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.reports import Filter
from storage.testing import fresh_store

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2025, 6, 12, 7, 35, 0, 175, tzinfo=ZONE)
NOW = DAY + timedelta(days=3)
GRID = "519999001001003012"
OTHER = "519999001002"
MINE = (
    "序号 编号 社区 一般网格 微网格 来源群 反映时间 反映人(脱敏) 联系电话(脱敏) 地点 类别 诉求内容 紧急程度 哨别 "
    "承办人 承办单位 派单时间 办结时限 办理结果 办结时间 是否超期 满意度 回访情况 合并数 备注 "
    "层级 清单 诉求属实 超职责 已联系群众 是否解决 未解决原因 公开答复"
)


def new(**changes: object) -> NewTicket:
    values: dict[str, object] = {
        "state": TicketState.FILED,
        "category": "0101",
        "urgency": Urgency.ROUTINE,
        "nature": Nature.HELP,
        "level": Level.GRID,
        "grid": GRID,
        "room_id": None,
        "place": Place(building="3", unit="2", located_by="text"),
        "confidential": False,
        "reported_at": DAY,
        "filed_at": DAY + timedelta(seconds=2),
        "ack_due": None,
        "due": DAY + timedelta(days=5),
    }
    return NewTicket(**{**values, **changes})  # type: ignore[arg-type]


async def say(tx: Tx, number: int, person: int, text: str, at: datetime = DAY) -> None:
    key = f"{number}-{person}-{at.timestamp()}-{text}"
    await tickets.add_message(tx, TicketMessage(number, "wx1", key, None, person, MessageKind.TEXT, at, text))


async def fill(tx: Tx) -> None:
    """S1 handled, four reporters · S2 emergency · S3 confidential · S4 candidate · S5 flagged, with hostile words."""
    await grids.put(
        tx,
        [
            Grid(GRID[:12], "青禾社区"),
            Grid(GRID[:15], "第三网格"),
            Grid(GRID, "12微网格"),
            Grid("519999001002", "望江社区"),
        ],
    )
    room = await rooms.ensure(tx, "wx1", "r1", "青禾社区12微网格群", at=DAY)
    await rooms.update(tx, room.id, grid=GRID, kind=RoomKind.RESIDENT)
    who = [
        await people.ensure(tx, "wx1", f"u{i}", nick=nick, friend=False)
        for i, nick in enumerate(("3-2-1502 李姐", "老周", "阳光总在风雨后", "13楼 Tom"))
    ]
    owner = await people.import_person(tx, "陈师傅", [], [])

    lift = await tickets.file(tx, new(room_id=room.id))
    await say(tx, lift.number, who[0].id, "3栋2单元电梯又坏了")
    await say(tx, lift.number, who[1].id, "3栋2单元电梯又坏了", DAY + timedelta(minutes=1))
    await say(tx, lift.number, who[0].id, "老人下不来", DAY + timedelta(minutes=2))
    await say(tx, lift.number, who[1].id, "+1", DAY + timedelta(minutes=3))
    await tickets.add_reporter(tx, lift.number, who[0].id, room.id, DAY, nick="3-2-1502 李姐", contact="13800001234")
    await tickets.add_reporter(tx, lift.number, who[1].id, room.id, DAY + timedelta(minutes=1), nick="老周")
    await tickets.update(
        tx,
        lift.number,
        expect={TicketState.FILED},
        at=DAY + timedelta(hours=5),
        state=TicketState.CALLBACK,
        owner_id=owner.id,
        owner_role=Role.PROPERTY,
        assigned_at=DAY + timedelta(hours=1),
        handled_at=DAY + timedelta(hours=5),
        result="更换门机皮带",
        level=Level.COMMUNITY,
        listed=Listing.DEMAND,
        founded=True,
        contacted=True,
        solved=False,
        unsolved_reason="等配件",
        public_answer="门机皮带已换",
        outcome=CallbackOutcome.SOLVED,
        rating=5,
        reopened=1,
    )

    fire = await tickets.file(tx, new(urgency=Urgency.EMERGENCY, category="0501", due=DAY + timedelta(hours=24)))
    await say(tx, fire.number, who[2].id, "5栋楼道着火了")
    await tickets.add_reporter(tx, fire.number, who[2].id, None, DAY, nick="阳光总在风雨后")

    quarrel = await tickets.file(
        tx, new(confidential=True, place=Place(building="9", unit="1", room="701", located_by="nick"))
    )
    await say(tx, quarrel.number, who[1].id, "隔壁天天半夜吵")
    await tickets.add_reporter(tx, quarrel.number, who[1].id, room.id, DAY, nick="老周", contact="13911112222")

    doubtful = await tickets.file(tx, new(state=TicketState.CANDIDATE))
    await say(tx, doubtful.number, who[1].id, "好像有点问题")

    hostile = await tickets.file(tx, new(grid=OTHER, place=Place(place="-1楼车库")))
    await say(tx, hostile.number, who[3].id, '=HYPERLINK("http://x","点我")\n第二行')
    await tickets.add_reporter(tx, hostile.number, who[3].id, None, DAY, nick="=1+1")
    await tickets.update(tx, hostile.number, expect={TicketState.FILED}, at=DAY, flagged=True)


@pytest.fixture
async def store(tmp_path: Path):
    made = await fresh_store(tmp_path)
    await made.write(fill)
    yield made
    await made.close()


def names(folder: Path, *starts: str) -> list[str]:
    """Files that begin so: there is none where an export cleaned up."""
    return [path.name for path in folder.iterdir() if path.name.startswith(starts)]


async def written(store: Store, target: Path, kind: Format, wanted: Filter | None = None) -> bytes:
    await export(store, target, kind, wanted or Filter(), categories=categories.load(), timezone=ZONE, now=NOW)
    return await asyncio.to_thread(target.read_bytes)


async def listed(store: Store, tmp_path: Path, wanted: Filter | None = None) -> list[dict[str, object]]:
    return json.loads(await written(store, tmp_path / "x.json", Format.JSON, wanted))


def test_the_columns_are_the_agreed_ones() -> None:
    assert tuple(COLUMNS) == tuple(MINE.split())


async def test_a_grid_without_a_name_is_known_by_its_code(store: Store, tmp_path: Path) -> None:
    await store.write(lambda tx: grids.put(tx, [Grid(GRID, "")]))
    first = (await listed(store, tmp_path))[0]
    assert (first["社区"], first["微网格"]) == ("青禾社区", GRID)


async def test_a_ticket_becomes_a_row(store: Store, tmp_path: Path) -> None:
    first = (await listed(store, tmp_path))[0]
    assert list(first) == MINE.split()
    assert first == {
        "序号": 1,
        "编号": "S1",
        "社区": "青禾社区",
        "一般网格": "第三网格",
        "微网格": "12微网格",
        "来源群": "青禾社区12微网格群",
        "反映时间": "2025-06-12T07:35:00+08:00",
        "反映人(脱敏)": "李*",
        "联系电话(脱敏)": "138****1234",
        "地点": "3栋2单元",
        "类别": "设施维修/电梯故障",
        "诉求内容": "3栋2单元电梯又坏了；老人下不来",
        "紧急程度": "一般",
        "哨别": "常规哨",
        "承办人": "陈师傅",
        "承办单位": "物业",
        "派单时间": "2025-06-12T08:35:00+08:00",
        "办结时限": "2025-06-17T07:35:00+08:00",
        "办理结果": "更换门机皮带",
        "办结时间": "2025-06-12T12:35:00+08:00",
        "是否超期": "否",
        "满意度": "满意",
        "回访情况": "已解决",
        "合并数": 2,
        "备注": "待回访；重办1次",
        "层级": "社区",
        "清单": "需求清单",
        "诉求属实": "是",
        "超职责": None,
        "已联系群众": "是",
        "是否解决": "否",
        "未解决原因": "等配件",
        "公开答复": "门机皮带已换",
    }


async def test_candidates_are_not_in_it(store: Store, tmp_path: Path) -> None:
    assert [row["编号"] for row in await listed(store, tmp_path)] == ["S1", "S2", "S3", "S5"]
    with_candidates = Filter(states=[TicketState.CANDIDATE])
    assert await listed(store, tmp_path, with_candidates) == []


async def test_urgency_and_lateness(store: Store, tmp_path: Path) -> None:
    rows = {row["编号"]: row for row in await listed(store, tmp_path)}
    assert (rows["S2"]["紧急程度"], rows["S2"]["哨别"], rows["S2"]["是否超期"]) == ("特急", "应急哨", "是")
    assert (rows["S5"]["紧急程度"], rows["S5"]["备注"]) == ("紧急", "受理；督办")
    assert rows["S3"]["紧急程度"] == "一般"


async def test_a_confidential_reporter_is_not_named(store: Store, tmp_path: Path) -> None:
    """Nor by the address in their nickname."""
    row = next(row for row in await listed(store, tmp_path) if row["编号"] == "S3")
    assert row["反映人(脱敏)"] == row["联系电话(脱敏)"] == row["地点"] == "保密"
    assert "老" not in json.dumps(row, ensure_ascii=False)
    assert "701" not in json.dumps(row, ensure_ascii=False)


async def test_filters(store: Store, tmp_path: Path) -> None:
    async def ids(**wanted: object) -> list[object]:
        return [row["编号"] for row in await listed(store, tmp_path, Filter(**wanted))]  # type: ignore[arg-type]

    assert await ids(grid="519999001001") == ["S1", "S2", "S3"]
    assert await ids(grid="519999001002") == ["S5"]
    assert await ids(grid="51999900100") == ["S1", "S2", "S3", "S5"]
    assert await ids(states=[TicketState.CALLBACK]) == ["S1"]
    filed = DAY + timedelta(seconds=2)
    assert await ids(since=filed, until=filed + timedelta(seconds=1)) == ["S1", "S2", "S3", "S5"]
    assert await ids(since=filed + timedelta(seconds=1)) == []
    assert await ids(until=filed) == []


@pytest.mark.parametrize("kind", list(Format))
async def test_repeated_exports_are_the_same_bytes(store: Store, tmp_path: Path, kind: Format) -> None:
    first = await written(store, tmp_path / f"one.{kind}", kind)
    assert first == await written(store, tmp_path / f"two.{kind}", kind)
    assert (tmp_path / f"one.{kind}").stat().st_mode & 0o777 == 0o600
    assert not names(tmp_path, ".one", ".two")


async def test_csv_is_for_excel_and_harmless(store: Store, tmp_path: Path) -> None:
    data = await written(store, tmp_path / "x.csv", Format.CSV)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0]["反映时间"] == "2025-06-12 07:35"
    assert rows[3]["诉求内容"] == '\'=HYPERLINK("http://x","点我")\n第二行'
    assert rows[3]["地点"] == "'-1楼车库"
    assert rows[0]["联系电话(脱敏)"] == "138****1234"
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))]


async def test_xlsx_as_a_member_of_staff_opens_it(store: Store, tmp_path: Path) -> None:
    await written(store, tmp_path / "x.xlsx", Format.XLSX)
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    sheet = book["诉求台账"]
    assert [cell.value for cell in sheet[1]] == MINE.split()
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == "A1:AG5"
    assert sheet.column_dimensions["L"].width > 40
    assert sheet["G2"].value == datetime(2025, 6, 12, 7, 35)  # noqa: DTZ001 - a sheet knows no zone
    assert sheet["G2"].number_format == "yyyy-mm-dd hh:mm"
    assert sheet["A2"].value == 1
    # A formula would have the type "f".
    assert (sheet["L5"].value, sheet["L5"].data_type) == ('=HYPERLINK("http://x","点我")\n第二行', "s")
    assert sheet["L5"].hyperlink is None
    assert book.properties.title == "诉求台账"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.print_title_rows == "$1:$1"


async def test_nothing_to_export_is_a_file_with_a_header(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as empty:
        assert json.loads(await written(empty, tmp_path / "x.json", Format.JSON)) == []
        assert (await written(empty, tmp_path / "x.csv", Format.CSV)).decode("utf-8-sig").count("\n") == 1
        await written(empty, tmp_path / "x.xlsx", Format.XLSX)
        assert openpyxl.load_workbook(tmp_path / "x.xlsx").active.max_row == 1


async def test_chunks_join_without_a_seam(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await listed(store, tmp_path)
    monkeypatch.setattr(reports, "CHUNK", 1)
    assert await listed(store, tmp_path) == whole


@pytest.mark.parametrize("kind", list(Format))
async def test_a_path_that_cannot_be_written_leaves_nothing(store: Store, tmp_path: Path, kind: Format) -> None:
    with pytest.raises(FileNotFoundError):
        await written(store, tmp_path / "nowhere" / "x", kind)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("kind", list(Format))
async def test_a_full_disk_is_told_and_leaves_nothing(
    store: Store, tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file beside the target is /dev/full in disguise."""
    (tmp_path / ".x.part").symlink_to("/dev/full")
    monkeypatch.setattr(sheets, "_beside", lambda _target: tmp_path / ".x.part")
    with pytest.raises(OSError, match="No space left") as caught:
        await written(store, tmp_path / f"x.{kind}", kind)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / f"x.{kind}"))
    assert not names(tmp_path, ".x", "x.")


async def test_a_dead_spreadsheet_process_is_an_error(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OSError, match="the spreadsheet process ended with 1"):
        await written(store, tmp_path / "x.xlsx", Format.XLSX)
    assert not (tmp_path / "x.xlsx").exists()


async def test_progress_is_told(store: Store, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await export(
        store, tmp_path / "x.csv", Format.CSV, Filter(), categories=categories.load(), timezone=ZONE, now=NOW,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told[-1] == (4, 4)


@pytest.mark.parametrize(
    ("nick", "masked"),
    [
        ("3-2-1502 李姐", "李*"),
        ("3栋2单元老周", "老*"),
        ("老周", "老*"),
        ("阳光总在风雨后", "阳**"),
        ("Tom", "T**"),
        ("1502", "居民"),
        ("12-3-401", "居民"),
        ("十二栋张三丰", "张**"),
        ("", "居民"),
        ("=1+1", "=*"),
    ],
)
def test_names_are_masked(nick: str, masked: str) -> None:
    assert masked_name(nick) == masked


@pytest.mark.parametrize(
    ("contact", "masked"),
    [
        ("13800001234", "138****1234"),
        ("0831-8123456", "083****3456"),
        ("8123456", "*****56"),
        ("", None),
        (None, None),
        ("+86 138 0000 1234", "861******1234"),
    ],
)
def test_phone_numbers_are_masked(contact: str | None, masked: str | None) -> None:
    assert masked_phone(contact) == masked


def test_a_csv_cell_never_begins_a_formula() -> None:
    for start in ("=", "+", "-", "@", "\t", "\r", " =", "＝", "\u3000@"):
        assert sheets.csv_cell(start + "x").startswith("'")
    assert sheets.csv_cell("3栋") == "3栋"


@pytest.mark.long
async def test_a_city_of_tickets_does_not_stop_the_bot(tmp_path: Path) -> None:
    """20,000 tickets: while they are written, whoever shares the loop is never kept waiting for long."""

    async def fill_many(tx: Tx) -> None:
        person = await people.ensure(tx, "wx1", "u1", nick="3-2-1502 李姐", friend=False)
        for number in range(20_000):
            ticket = await tickets.file(tx, new())
            await say(tx, ticket.number, person.id, f"3栋2单元电梯又坏了{number}")

    waits: list[float] = []

    async def other_work() -> None:
        """How long the loop was at something else; what other programs take from it is none of ours."""
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            waits.append(time.thread_time() - before)

    async with await fresh_store(tmp_path) as many:
        await many.write(fill_many)
        first = await written(many, tmp_path / "one.xlsx", Format.XLSX)
        busy = asyncio.create_task(other_work())
        second = await written(many, tmp_path / "two.xlsx", Format.XLSX)
        busy.cancel()
    assert first == second
    assert max(waits) < 0.5
    assert openpyxl.load_workbook(tmp_path / "one.xlsx", read_only=True).active.max_row == 20_001
