"""The 台账: one ticket, one row of the columns that staff hand on. Names and numbers leave masked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.sheets import Cell
from handlers import texts
from nlp.categories import Category
from storage.model import COMMUNITY_DIGITS, OPEN_STATES, Place, TicketState, Urgency
from storage.reports import RegisterRow

# Column and width in characters of a Chinese sheet.
COLUMNS: Mapping[str, int] = {
    "序号": 6,
    "编号": 8,
    "社区": 14,
    "一般网格": 12,
    "微网格": 12,
    "来源群": 22,
    "反映时间": 17,
    "反映人(脱敏)": 12,
    "联系电话(脱敏)": 15,
    "地点": 20,
    "类别": 20,
    "诉求内容": 48,
    "紧急程度": 9,
    "哨别": 9,
    "承办人": 10,
    "承办单位": 14,
    "派单时间": 17,
    "办结时限": 17,
    "办理结果": 36,
    "办结时间": 17,
    "是否超期": 9,
    "满意度": 9,
    "回访情况": 10,
    "合并数": 7,
    "备注": 28,
    "层级": 7,
    "清单": 10,
    "诉求属实": 9,
    "超职责": 8,
    "已联系群众": 10,
    "是否解决": 9,
    "未解决原因": 20,
    "公开答复": 36,
}
CONFIDENTIAL = "保密"
ALERT_DEVICE = "预警设备"
RATING = {1: "不满意", 2: "较不满意", 3: "一般", 4: "较满意", 5: "满意"}
GENERAL_DIGITS, MICRO_DIGITS = 15, 18

_ADDRESS = re.compile(
    r"[0-9A-Za-z一二三四五六七八九十]*[0-9一二三四五六七八九十]+(?:[-_－#]|号楼|栋|幢|座|单元|层|楼|室|号)+|[0-9]+"
)
_EDGES = " \t\u2005\u00a0-_—·.,，。:：/|()（）[]【】"


@dataclass(frozen=True, slots=True)
class Labels:
    """What turns codes into names."""

    categories: Mapping[str, Category]
    grids: Mapping[str, str]
    timezone: ZoneInfo
    now: datetime  # what is open and due before it is overdue


def cells(order: int, row: RegisterRow, labels: Labels) -> list[Cell]:
    """The row of a ticket, a cell for each of COLUMNS; times are aware and in the deployment's zone."""
    category = labels.categories.get(row.category)
    finished = row.handled_at or row.closed_at
    late = overdue(row, labels.now)

    def local(at: datetime | None) -> datetime | None:
        return None if at is None else at.astimezone(labels.timezone)

    return [
        order,
        f"S{row.number}",
        _grid_name(row.grid, COMMUNITY_DIGITS, labels.grids),
        _grid_name(row.grid, GENERAL_DIGITS, labels.grids),
        _grid_name(row.grid, MICRO_DIGITS, labels.grids),
        row.room or (ALERT_DEVICE if row.devices and not row.nick else "私聊"),
        local(row.reported_at),
        CONFIDENTIAL if row.confidential else _reporter(row),
        CONFIDENTIAL if row.confidential else masked_phone(row.contact),
        _where(row),
        category.name if category else row.category,
        "；".join(said(row.texts)),
        _pressing(row, late=late),
        f"{texts.URGENCY[row.urgency]}哨",
        row.owner,
        texts.ROLE[row.owner_role] if row.owner_role else None,
        local(row.assigned_at),
        local(row.due),
        row.result,
        local(finished),
        _yes_or_no(late),
        RATING[row.rating] if row.rating else None,
        _callback(row),
        row.reporters,
        _remark(row),
        texts.LEVEL[row.level],
        texts.LISTING[row.listed] if row.listed else None,
        _yes_or_no(row.founded),
        _yes_or_no(row.out_of_remit),
        _yes_or_no(row.contacted),
        _yes_or_no(row.solved),
        row.unsolved_reason,
        row.public_answer,
    ]


def overdue(row: RegisterRow, now: datetime) -> bool:
    """Finished after its time limit, or open and past it. What was withdrawn, refused or merged never is."""
    if row.due is None:
        return False
    finished = row.handled_at or row.closed_at
    if finished is not None:
        return finished > row.due and row.state not in (TicketState.WITHDRAWN, TicketState.REFUSED, TicketState.MERGED)
    return row.state in OPEN_STATES and now > row.due


def _reporter(row: RegisterRow) -> str:
    """Who reported it first; where only devices did, these."""
    if row.devices and not row.nick:
        return f"{ALERT_DEVICE} {'、'.join(row.devices)}"
    return masked_name(row.nick)


def masked_name(nick: str) -> str:
    """The first character of a name: `李*` for `3-2-1502 李姐`. The house number goes, the rest is stars."""
    name = _ADDRESS.sub("", nick).strip(_EDGES)
    if not name:
        return "居民"
    return name[0] + ("*" if len(name) <= 2 else "**")


def masked_phone(contact: str | None) -> str | None:
    """The first three and the last four digits of a phone number: `138****5678`; fewer where it is short."""
    if not contact:
        return None
    digits = re.sub(r"\D", "", contact)
    if len(digits) < 10:
        return "*" * max(0, len(digits) - 2) + digits[-2:]
    return digits[:3] + "*" * (len(digits) - 7) + digits[-4:]


def said(words: Sequence[str]) -> Sequence[str]:
    """What says something: a neighbour's `+1` is in the number of reporters already."""
    return [text for text in words if re.search(r"[^\W\d_]", text)] or words


def _grid_name(code: str | None, digits: int, names: Mapping[str, str]) -> str | None:
    if code is None or len(code) < digits:
        return None
    return names.get(code[:digits]) or code[:digits]


def _where(row: RegisterRow) -> str | None:
    place = row.place
    if row.confidential and place.located_by == "nick":
        # The place was read off the reporter's own nickname: it would name them.
        return CONFIDENTIAL
    if row.confidential:
        place = Place(building=place.building, unit=place.unit, place=place.place)
    return texts.where(place, exact=True) or None


def _pressing(row: RegisterRow, *, late: bool) -> str:
    if row.urgency is Urgency.EMERGENCY:
        return "特急"
    return "紧急" if row.flagged or late else "一般"


def _callback(row: RegisterRow) -> str | None:
    if row.outcome is not None:
        return texts.OUTCOME[row.outcome]
    return texts.STATE[row.state] if row.state is TicketState.CALLBACK else None


def _yes_or_no(value: bool | None) -> str | None:
    """Nothing for what nobody said: unknown is not no."""
    return None if value is None else "是" if value else "否"


def _remark(row: RegisterRow) -> str:
    """The state first, since no column holds it, then what is out of the ordinary."""
    notes = [texts.STATE[row.state]]
    if row.merged_into is not None:
        notes.append(f"并入S{row.merged_into}")
    if row.state is TicketState.IN_PROGRESS and row.estimate:
        notes.append(f"预计{row.estimate}")
    if row.flagged:
        notes.append("督办")
    if row.reopened:
        notes.append(f"重办{row.reopened}次")
    if row.remark:
        notes.append(row.remark)
    return "；".join(notes)
