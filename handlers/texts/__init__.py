"""Every line that people read, and the words for every state: short, kind, exact.

In public a line stays within 60 characters where its content allows, carries no emoji, never quotes a complaint and
never scolds. Here are the words for every state and the phrases that many subjects use; a subject's own lines are in
its own file, named after the handler that says them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from storage.model import (
    CallbackOutcome,
    Level,
    Listing,
    Nature,
    Place,
    Role,
    TicketState,
    Urgency,
)

MENTION_END = "\u2005"  # what WeChat itself puts behind a mention

ROLE: Mapping[Role, str] = {
    Role.RESIDENT: "居民",
    Role.BUILDING_LEADER: "楼栋长",
    Role.MICRO_LEADER: "微网格长",
    Role.GRID_WORKER: "网格员",
    Role.COMMUNITY: "社区工作人员",
    Role.PROPERTY: "物业",
    Role.POLICE: "民警",
    Role.ENFORCEMENT: "执法",
    Role.STREET: "街道",
    Role.DEPARTMENT: "部门",
    Role.PARTY_MEMBER: "党员",
    Role.VOLUNTEER: "志愿者",
    Role.MOBILE_WORKER: "流动网格员",
}
# What people also say for a role.
_ROLE_ALSO: Mapping[str, Role] = {
    "社区": Role.COMMUNITY,
    "网格长": Role.MICRO_LEADER,
    "物业公司": Role.PROPERTY,
    "物管": Role.PROPERTY,
    "派出所": Role.POLICE,
    "公安": Role.POLICE,
    "城管": Role.ENFORCEMENT,
    "综合执法": Role.ENFORCEMENT,
    "双报到党员": Role.PARTY_MEMBER,
}
ROLE_BY_LABEL: Mapping[str, Role] = {label: role for role, label in ROLE.items()} | dict(_ROLE_ALSO)

STATE: Mapping[TicketState, str] = {
    TicketState.CANDIDATE: "候选",
    TicketState.FILED: "受理",
    TicketState.ASSIGNED: "已派",
    TicketState.ACCEPTED: "已接",
    TicketState.IN_PROGRESS: "处置中",
    TicketState.HANDLED: "已处置",
    TicketState.CALLBACK: "待回访",
    TicketState.CLOSED: "结案",
    TicketState.REFUSED: "不予受理",
    TicketState.WITHDRAWN: "已撤回",
    TicketState.MERGED: "并案",
}
STATE_BY_LABEL: Mapping[str, TicketState] = {label: state for state, label in STATE.items()}

URGENCY: Mapping[Urgency, str] = {
    Urgency.EMERGENCY: "应急",
    Urgency.ROUTINE: "常规",
    Urgency.ENFORCEMENT: "执法",
}

NATURE: Mapping[Nature, str] = {
    Nature.INQUIRY: "咨询",
    Nature.HELP: "求助",
    Nature.COMPLAINT: "投诉",
    Nature.REPORT: "举报",
    Nature.SUGGESTION: "建议",
    Nature.PRAISE: "表扬",
}

LEVEL: Mapping[Level, str] = {
    Level.GRID: "网格",
    Level.COMMUNITY: "社区",
    Level.STREET: "街道",
    Level.DEPARTMENT: "部门",
}

OUTCOME: Mapping[CallbackOutcome, str] = {
    CallbackOutcome.SOLVED: "已解决",
    CallbackOutcome.UNSOLVED: "未解决",
    CallbackOutcome.UNREACHED: "未回访",
}


def mention(nick: str, text: str) -> str:
    """The line as it goes into a room: `@李姐 …`; without a nick the bare text."""
    return f"@{nick}{MENTION_END}{text}" if nick else text


def clock(at: datetime, timezone: ZoneInfo) -> str:
    """A moment as people say it: `6月12日18:41`."""
    local = at.astimezone(timezone)
    return f"{local.month}月{local.day}日{local:%H:%M}"


ADD_ME_FOR_PRIVATE = "请先加我为好友，再在私聊里查看给您的回复。"


ONLY_IN_ROOM = "这条请在要处理的群里发。"
BEYOND_SCOPE = "这件不在您负责的网格里，请转给那里的网格长或上一级。"


def grid(code: str) -> str:
    """A grid that has no name."""
    return f"网格 {code}"


TOLD_IN_PRIVATE = "已私聊发给您。"


def where(place: Place, *, exact: bool = False) -> str:
    """`3栋2单元`, the named place behind it; with `exact` the floor and the room too, for those who handle it."""
    parts = [f"{place.building}栋" if place.building else "", f"{place.unit}单元" if place.unit else ""]
    if exact:
        parts.append(_floor(place.floor) if place.floor else "")
        parts.append(f"{place.room}室" if place.room else "")
    numbers = "".join(parts)
    named = place.place or ""
    return f"{numbers} {named}" if numbers and named else numbers or named


def _floor(floor: str) -> str:
    return f"负{floor.removeprefix('-')}楼" if floor.startswith("-") else f"{floor}楼"


def heading(ticket_id: str, category: str, place: str) -> str:
    return f"{ticket_id} {category} {place}".rstrip()


def words_of(nick: str, words: str) -> str:
    """What somebody said, for those who handle it."""
    quoted = f"“{words}”" if words else "（图片、语音或位置）"
    return f"{nick}：{quoted}" if nick else quoted


def no_such_ticket(ticket_id: str) -> str:
    return f"没有 {ticket_id} 这个编号，请核对。"


def which_ticket(usage: str) -> str:
    return f"请写上编号，如：{usage}"


def state_line(heading_: str, state: str) -> str:
    return f"{heading_}：{state}"


def no_such_scope(typed: str) -> str:
    return f"没有找到范围“{typed}”，请写网格码或完整名称。"


LISTING: Mapping[Listing, str] = {
    Listing.DEMAND: "需求清单",
    Listing.RESOURCE: "资源清单",
    Listing.PROJECT: "项目清单",
}
LISTING_BY_LABEL: Mapping[str, Listing] = {label.removesuffix("清单"): listing for listing, label in LISTING.items()}


LONGEST_LINE = 60  # in public, where the content allows


def mention_some(nicks: Sequence[str], text: str) -> tuple[str, int]:
    """The line with those it is for in front, and how many of them are named: as many as fit, the first one always."""
    named = len(nicks)
    while True:
        more = f"等{len(nicks)}位 " if named < len(nicks) else ""
        line = f"{''.join(f'@{nick}{MENTION_END}' for nick in nicks[:named] if nick)}{more}{text}"
        if named <= 1 or len(line) <= LONGEST_LINE:
            return line, named
        named -= 1


def share(part: int, whole: int) -> str:
    """A rate, never without its denominator: `90%（9/10）`."""
    return f"{round(100 * part / whole)}%（{part}/{whole}）" if whole else "—"
