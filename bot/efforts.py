"""Sheets of the work log and of the ledger of points for staff: by time or number, nothing summed, nobody ranked."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.giving import Sheet, masked
from bot.sheets import Cell
from handlers.texts import worklog as words
from storage import grids, people, points, worklog
from storage.engine import Tx

_WORK = {"序号": 6, "时间": 18, "姓名": 12, "类别": 10, "编号": 8, "户数": 6, "内容": 40, "照片": 8, "网格": 18}
_POINTS = {
    "序号": 6,
    "编号": 8,
    "时间": 18,
    "姓名(脱敏)": 12,
    "事由": 12,
    "分值": 8,
    "来自": 8,
    "说明": 32,
    "冲正": 8,
    "经办": 12,
    "网格": 18,
}


async def worklog_sheet(tx: Tx, grid: str, since: datetime | None, until: datetime | None, timezone: ZoneInfo) -> Sheet:
    """What people in office did in the grids within the time, as it happened."""
    log = await worklog.log(tx, grid=grid, since=since, until=until)
    names = await grids.names(tx, retired=True)
    rows: list[list[Cell]] = [
        [
            order,
            one.at.astimezone(timezone),
            one.name,
            words.KIND[one.kind],
            one.item,
            one.households,
            one.text,
            words.HAS_PHOTO if one.photo else "",
            names.get(one.grid) or one.grid,
        ]
        for order, one in enumerate(log, 1)
    ]
    return words.WORK_TITLE, dict(_WORK), rows


async def points_sheet(tx: Tx, grid: str, since: datetime | None, until: datetime | None, timezone: ZoneInfo) -> Sheet:
    """The ledger of the grids and the time. Whose points they were is empty for somebody who was erased."""
    ledger = await points.every(tx, grid=grid, since=since, until=until)
    ids = {one for entry in ledger for one in (entry.person_id, entry.by_id) if one is not None}
    known = {person.id: person for person in await people.many(tx, ids)}
    names = await grids.names(tx, retired=True)
    rows: list[list[Cell]] = [
        [
            order,
            f"P{entry.number}",
            entry.at.astimezone(timezone),
            masked(known, entry.person_id),
            words.ACTION[entry.action],
            entry.delta,
            entry.item,
            entry.note,
            f"P{entry.corrects}" if entry.corrects is not None else "",
            known[entry.by_id].name if entry.by_id in known else "",
            names.get(entry.grid) or entry.grid,
        ]
        for order, entry in enumerate(ledger, 1)
    ]
    return words.POINTS_TITLE, dict(_POINTS), rows
