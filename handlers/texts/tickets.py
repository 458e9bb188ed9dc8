"""The answers to the steps of a ticket: assigned, accepted, in progress, finished, returned."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.texts import words_of
from storage.model import TicketState


def told_taken(heading_: str, name: str) -> str:
    return f"【接单】{heading_}：{name} 已接单。"


def told_finished(heading_: str, name: str, result: str) -> str:
    return f"【办结】{heading_}：{name}：{result.rstrip('。.！!')}。正在回访。"


def told_assigned(heading_: str, ticket_id: str, nick: str, words: str, due: str, note: str) -> str:
    """To the owner: what it is, by when, and what to type next."""
    more = f" {note}" if note else ""
    limit = f" 请于{due}前办完。" if due else " "
    return (
        f"【派单】{heading_} {words_of(nick, words)}{more}{limit}回复 接单 {ticket_id}，办完回复 办结 {ticket_id} 结果"
    )


def told_reassigned(heading_: str, by: str, owner: str, *, still: bool) -> str:
    """To whom it was given before. `still`: they had it first, so it is theirs until the other one accepts it."""
    until = "，对方接单前仍由您负责" if still else ""
    return f"【改派】{heading_}：{by}已改派{owner}{until}。"


def accepted(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已受理，派单请回复 派单 {ticket_id} {owner}"


def false_alarm(ticket_id: str) -> str:
    return f"{ticket_id} 已记为误报。"


def taken_for_talk(heading_: str, ticket_id: str) -> str:
    """To the reporters alone, whose number was said in public."""
    return f"{heading_} 核对后没有按诉求办理，编号已撤销。确有此事请回复 评价 {ticket_id} 不满意，会重新办理"


def assign_to_whom(ticket_id: str) -> str:
    return f"派给谁？如：派单 {ticket_id} 物业 2h"


def assigned(ticket_id: str, owner: str, due: str) -> str:
    return f"{ticket_id} 已派{owner}{f'，{due}前办完' if due else ''}。"


def assigned_untold(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已派{owner}，但我联系不上，请转告：接单 {ticket_id}"


def assigned_to_nobody(ticket_id: str, owner: str) -> str:
    """Nobody in the registry has that role here."""
    return f"{ticket_id} 已派{owner}，但名册里没有，请您转告。办好后请代发：办结 {ticket_id} 结果"


def stays_with(ticket_id: str, owner: str, role: str) -> str:
    """Assigned anew to who has accepted it."""
    return f"{ticket_id} 已由{owner}接单，不用再派。换人请写上姓名，如：派单 {ticket_id} {role} 姓名"


def nobody_instead(ticket_id: str, owner: str, role: str) -> str:
    """Taken from who has accepted it, it would be nobody's."""
    return f"{ticket_id} 没有改派：名册里这里没有{role}，仍由{owner}办。"


def taken(ticket_id: str) -> str:
    return f"{ticket_id} 已接单，办完请回复 办结 {ticket_id} 结果"


def taken_by(ticket_id: str, name: str) -> str:
    return f"{ticket_id} 已由 {name} 接单。"


def give_a_reason(usage: str, ticket_id: str) -> str:
    """A command that needs a reason came without one."""
    return f"请写上理由，如：{usage.replace('S12', ticket_id)}"


def returned(ticket_id: str) -> str:
    return f"{ticket_id} 已退回，网格长会改派。改派前仍由首接的人负责。"


def told_returned(heading_: str, ticket_id: str, name: str, reason: str, first: str) -> str:
    still = f"改派前仍由{first}负责。" if first else ""
    return f"【退回】{heading_} {name}：{reason}。{still}回复 派单 {ticket_id} 承办"


def in_progress(ticket_id: str) -> str:
    return f"{ticket_id} 处置中，办完请回复 办结 {ticket_id} 结果"


def finish_how(ticket_id: str) -> str:
    return f"请写上结果，如：办结 {ticket_id} 已更换水泵"


def result_taken_back(ticket_id: str) -> str:
    return f"{ticket_id} 的办理结果已随撤回删除，请重发：办结 {ticket_id} 结果"


def finished(ticket_id: str) -> str:
    return f"{ticket_id} 已办结，正在问反映人是否解决。"


def not_assigned_to_you(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已派{owner}，由对方来办。" if owner else f"{ticket_id} 还没派单，请网格长先 派单 {ticket_id}"


def not_possible(ticket_id: str, state: str, hint: str) -> str:
    """A step that does not fit the state: nothing was changed."""
    return f"{ticket_id} 现在是“{state}”{f'，{hint}' if hint else ''}。"


NEXT: Mapping[TicketState, str] = {
    TicketState.CANDIDATE: "先 受理 {id}，或 误报 {id}",
    TicketState.FILED: "可以 派单 {id} 物业，或 办结 {id} 结果",
    TicketState.ASSIGNED: "可以 接单 {id}，退回 {id} 理由，或 办结 {id} 结果",
    TicketState.ACCEPTED: "可以 处置中 {id}，延期 {id} 2天 理由，或 办结 {id} 结果；换人由网格长重新派单",
    TicketState.IN_PROGRESS: "可以 办结 {id} 结果，或 延期 {id} 2天 理由",
    TicketState.CALLBACK: "在等反映人答复",
    TicketState.CLOSED: "如又发生，反映人14天内可发 评价 {id} 不满意",
    TicketState.REFUSED: "要办可以 受理 {id}",
    TicketState.MERGED: "随 {into} 一起办，分开办请发 撤并 {id}",
}


FALSE_ALARM = "误报"
