"""Sheets of micro-wishes and of 四个一 for staff: in order of number or of time, nobody ranked, names masked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.register import masked_name
from bot.rosters import Rows
from bot.sheets import Cell
from handlers.texts import wishes as words
from storage import contributions, grids, people, wishes
from storage.engine import Tx
from storage.model import Person

Sheet = tuple[str, dict[str, int], Rows]  # title, columns with their widths, rows
Build = Callable[[Tx, str, datetime | None, datetime | None, ZoneInfo], Awaitable[Sheet]]

_WISHES = {
    "序号": 6,
    "编号": 8,
    "网格": 18,
    "心愿": 40,
    "公布": 40,
    "状态": 10,
    "提出时间": 18,
    "许愿人(脱敏)": 12,
    "审核时间": 18,
    "驳回理由": 24,
    "认领人(脱敏)": 12,
    "单位": 20,
    "认领时间": 18,
    "完成时间": 18,
    "照片": 8,
}
_CONTRIBUTIONS = {"序号": 6, "时间": 18, "姓名": 12, "单位": 24, "类别": 10, "编号": 8, "事项": 40, "网格": 18}


async def wishes_sheet(tx: Tx, grid: str, since: datetime | None, until: datetime | None, timezone: ZoneInfo) -> Sheet:
    """Every wish of the grids and the time, by number."""
    found = await wishes.every(tx, grid=grid, since=since, until=until)
    ids = {one for wish in found for one in (wish.person_id, wish.claimed_by) if one is not None}
    known = {person.id: person for person in await people.many(tx, ids)}
    units, names = await people.orgs(tx, ids), await grids.names(tx, retired=True)

    def local(at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(timezone)

    rows: list[list[Cell]] = [
        [
            order,
            wish.id,
            names.get(wish.grid) or wish.grid,
            wish.text,
            wish.public,
            words.STATE[wish.state],
            local(wish.filed_at),
            masked(known, wish.person_id),
            local(wish.reviewed_at),
            wish.reason,
            words.ANONYMOUS if wish.anonymous else masked(known, wish.claimed_by),
            "" if wish.anonymous else units.get(wish.claimed_by or 0, ""),
            local(wish.claimed_at),
            local(wish.done_at),
            words.HAS_PHOTO if wish.photo_id is not None else "",
        ]
        for order, wish in enumerate(found, 1)
    ]
    return words.WISHES_TITLE, dict(_WISHES), rows


async def contributions_sheet(
    tx: Tx, grid: str, since: datetime | None, until: datetime | None, timezone: ZoneInfo
) -> Sheet:
    """What 双报到党员 did in the grids within the time, as it happened; not what they gave unnamed."""
    log = await contributions.log(tx, grid=grid, since=since, until=until)
    names = await grids.names(tx, retired=True)
    rows: list[list[Cell]] = [
        [
            order,
            one.at.astimezone(timezone),
            one.name,
            one.org,
            words.KIND[one.kind],
            one.item,
            one.text,
            names.get(one.grid) or one.grid,
        ]
        for order, one in enumerate((one for one in log if not one.anonymous), 1)
    ]
    return words.CONTRIBUTIONS_TITLE, dict(_CONTRIBUTIONS), rows


def masked(known: Mapping[int, Person], person_id: int | None) -> str:
    """The name of one of them as it may stand in a sheet; empty for nobody."""
    person = known.get(person_id or 0)
    if person is None:
        return ""
    return masked_name(person.name if person.grants else person.nick or person.name) or ""
