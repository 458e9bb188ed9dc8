"""What the clocks of a ticket say: half over, nearly over, over, and that nobody accepted it."""

from __future__ import annotations

from collections.abc import Mapping

from storage.model import ClockKind

_CLOCK: Mapping[ClockKind, str] = {
    ClockKind.ACK: "响应",
    ClockKind.AGREED: "办结",
    ClockKind.FEEDBACK: "反馈",
    ClockKind.VERIFY: "核实",
    ClockKind.CLOSE: "办结",
}
_NEXT_STEP: Mapping[ClockKind, str] = {
    ClockKind.ACK: "接单 {id}",
    ClockKind.AGREED: "办结 {id} 结果",
    ClockKind.FEEDBACK: "处置中 {id} 进展",
    ClockKind.VERIFY: "处置中 {id} 核实情况",
    ClockKind.CLOSE: "办结 {id} 结果",
}


def told_running_out(heading_: str, ticket_id: str, kind: ClockKind, due: str, to_assign: str, *, nearly: bool) -> str:
    """Half of a time limit is over; with `nearly` four fifths. `to_assign`: whom it may be given to, where nobody has
    it yet."""
    label = "快到时限" if nearly else "时限过半"
    step = f"派单 {ticket_id} {to_assign}" if to_assign else _NEXT_STEP[kind].format(id=ticket_id)
    return f"【{label}】{heading_}：{due}前要{_CLOCK[kind]}。回复 {step}"


def told_overdue(heading_: str, kind: ClockKind, level: str) -> str:
    """A time limit is over; `level` is where the ticket has gone, empty where it is at the top already."""
    limit = "约定的" if kind is ClockKind.AGREED else _CLOCK[kind]
    return f"【超时】{heading_}：超过{limit}时限{f'，已升级到{level}' if level else ''}。"


def told_not_taken(heading_: str, ticket_id: str, owner: str, minutes: int) -> str:
    return f"【未接单】{heading_}：已派{owner}{minutes}分钟，还没有接单。请联系，或回复 派单 {ticket_id} 另派"
