"""`xiaoge report`: its periods, its formats, what it hides; the same figures give the same bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from bot import reporting
from bot.reporting import Format, Kind, Report, as_json, build, markdown, write
from nlp import categories
from storage import grids, tickets
from storage.engine import Store, Tx
from storage.model import CallbackOutcome, Grid, Level, Nature, NewTicket, Place, TicketState, Urgency
from storage.testing import fresh_store

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 16, tzinfo=ZONE)
NOW = MONDAY + timedelta(days=9)
COMMUNITY = "519999001001"
NORTH, SOUTH = f"{COMMUNITY}001001", f"{COMMUNITY}002001"
KNOWN = categories.load()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Last week: 4 lifts and 1 water in the north, 1 lift in the south; 8 tickets in the four weeks before."""
    async with await fresh_store(tmp_path) as opened:
        await opened.write(_fill)
        yield opened


async def _fill(tx: Tx) -> None:
    await grids.put(tx, [Grid(COMMUNITY, "青禾社区"), Grid(NORTH[:15], "第一|网格"), Grid(SOUTH[:15], "第二网格")])
    for hours, grid, category in [
        *((10 + 20 * n, NORTH, "0101") for n in range(4)),
        (12, NORTH, "0102"),
        (30, SOUTH, "0101"),
        *((-24 * (3 * n + 1), NORTH, "0101") for n in range(8)),
    ]:
        at = MONDAY + timedelta(hours=hours)
        ticket = await tickets.file(
            tx,
            NewTicket(
                state=TicketState.FILED,
                category=category,
                urgency=Urgency.ROUTINE,
                nature=Nature.HELP,
                level=Level.GRID,
                grid=grid,
                room_id=None,
                place=Place(),
                confidential=False,
                reported_at=at,
                filed_at=at,
                ack_due=at + timedelta(hours=2),
                due=at + timedelta(hours=24),
            ),
        )
        solved = CallbackOutcome.SOLVED if ticket.number % 2 else CallbackOutcome.UNREACHED
        await tickets.update(
            tx,
            ticket.number,
            expect={TicketState.FILED},
            at=at,
            state=TicketState.CLOSED,
            acknowledged_at=at + timedelta(hours=1 if category == "0101" else 3),
            handled_at=at + timedelta(hours=20),
            closed_at=at + timedelta(hours=21),
            outcome=solved,
            rating=5 if ticket.number == 1 else None,
        )


async def made(store: Store, kind: Kind = Kind.WEEK, *, grid: str = "", **more: object) -> Report:
    values = {"categories": KNOWN, "timezone": ZONE, "now": NOW, **more}
    return await store.read(lambda tx: build(tx, kind, MONDAY.date(), grid, **values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "day", "first", "after"),
    [
        (Kind.DAY, date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        (Kind.WEEK, date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 23)),  # a Sunday
        (Kind.WEEK, date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 4)),
        (Kind.MONTH, date(2028, 2, 29), date(2028, 2, 1), date(2028, 3, 1)),
        (Kind.MONTH, date(2026, 12, 5), date(2026, 12, 1), date(2027, 1, 1)),
    ],
)
def test_periods(kind: Kind, day: date, first: date, after: date) -> None:
    assert reporting.period(kind, day) == (first, after)


async def test_what_a_week_came_to(store: Store) -> None:
    report = await made(store, exact=True)
    whole = report.whole
    assert (whole.counts.filed, whole.counts.finished, whole.before.filed) == (6, 6, 8)
    assert (report.mean(whole), report.trend(whole)) == (2.0, 2.0)  # 8 in four weeks; three times as many
    assert [report.rate(whole.counts, name) for name in ("响应率", "办结率", "解决率", "满意率")] == [
        (5, 6),
        (7, 7),  # one of the week before had to be finished by Monday
        (3, 3),
        (1, 1),
    ]
    assert whole.counts.unreached == 3
    assert [(row.name, row.counts.filed) for row in report.grids] == [("青禾社区", 6)]
    assert [(row.code, row.counts.filed) for row in report.categories] == [("0101", 5), ("0102", 1)]
    assert [filed for _, filed, _ in report.days] == [2, 2, 2, 0, 0, 0, 0]


async def test_a_grid_is_divided_into_the_level_below(store: Store) -> None:
    report = await made(store, grid=COMMUNITY, exact=True)
    assert [(row.code, row.counts.filed) for row in report.grids] == [(NORTH[:15], 5), (SOUTH[:15], 1)]
    assert report.title == "青禾社区 周报 2026-11-16 至 2026-11-22"


async def test_a_grid_without_a_name_stands_under_its_code(store: Store) -> None:
    await store.write(lambda tx: grids.put(tx, [Grid(SOUTH[:15], "")]))
    report = await made(store, grid=COMMUNITY, exact=True)
    assert [row.name for row in report.grids] == ["第一|网格", SOUTH[:15]]


async def test_small_numbers_are_hidden_everywhere(store: Store) -> None:
    report = await made(store, grid=COMMUNITY)
    page = markdown(report)
    south = next(line for line in page.splitlines() if line.startswith("| 第二网格"))
    assert south == "| 第二网格 | <3 | 0 | — | <3 | 0 | 0 | 0 | <3 | <3 | — | — | <3 |"
    assert "| 第一/网格 | 5 | 2 | +150% |" in page
    row = next(each for each in json.loads(as_json(report))["grids"] if each["name"] == "第二网格")
    assert (row["filed"], row["finished"], row["trend"]) == (None, None, None)
    assert row["response_rate"] == {"part": None, "whole": None}
    exact = await made(store, grid=COMMUNITY, exact=True)
    assert "<3" not in markdown(exact)


async def test_each_rate_stands_beside_its_denominator(store: Store) -> None:
    page = markdown(await made(store, exact=True))
    assert "83%（5/6）" in page
    assert "100%（7/7）" in page
    document = json.loads(as_json(await made(store, exact=True)))
    assert document["whole"]["response_rate"] == {"part": 5, "whole": 6}
    assert document["whole"]["unreached"] == 3
    before = document["four_weeks_before"]
    assert (before["filed"], before["response_rate"], before["four_week_mean"]) == (8, {"part": 8, "whole": 8}, None)
    assert "| 此前四周 | 8 | — | — |" in page


async def test_a_period_that_is_not_over_is_counted_up_to_now(store: Store) -> None:
    report = await made(store, now=MONDAY + timedelta(days=1, hours=12), exact=True)
    assert report.until == MONDAY + timedelta(days=1, hours=12)
    assert report.whole.counts.filed == 4
    assert len(report.days) == 2
    ahead = await made(store, now=MONDAY - timedelta(days=1), exact=True)
    assert (ahead.whole.counts.filed, ahead.days) == (0, ())
    assert markdown(ahead).startswith("# 全部网格 周报")


@pytest.mark.parametrize("kind", list(Format))
async def test_the_same_figures_give_the_same_bytes(store: Store, tmp_path: Path, kind: Format) -> None:
    for name in ("one", "two"):
        await write(await made(store), kind, tmp_path / f"{name}.{kind}")
    one, two = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert (tmp_path / f"one.{kind}").stat().st_mode & 0o077 == 0


async def test_the_workbook_has_native_charts(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "周报.xlsx"
    await write(await made(store, grid=COMMUNITY), Format.XLSX, target)
    with zipfile.ZipFile(target) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
        drawn = "".join(archive.read(name).decode() for name in charts)
    assert len(charts) == 4
    assert "'网格'!$A$3:$A$4" in drawn or "网格!$A$3:$A$4" in drawn
    book = openpyxl.load_workbook(target)
    assert book.sheetnames == ["合计", "网格", "类别", "逐日"]
    head = [cell.value for cell in book["网格"][2]]
    rows = {
        row[0].value: dict(zip(head, (cell.value for cell in row), strict=True))
        for row in book["网格"].iter_rows(min_row=3, max_row=4)
    }
    assert rows["第一|网格"]["响应率"] == 0.8
    assert (rows["第一|网格"]["响应率：分子"], rows["第一|网格"]["响应率：分母"]) == (4, 5)
    assert (rows["第二网格"]["新增"], rows["第二网格"]["响应率"]) == ("<3", "")


async def test_nothing_is_left_of_a_report_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    target = folder / "x.md"
    target.mkdir()  # a directory is in the way
    with pytest.raises(OSError, match=r"x\.md"):
        await write(await made(store), Format.MARKDOWN, target)
    assert list(folder.iterdir()) == [target]
    with pytest.raises(OSError, match="nowhere"):
        await write(await made(store), Format.XLSX, tmp_path / "nowhere" / "x.xlsx")
