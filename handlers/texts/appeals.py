"""What is said when an appeal comes in: to who reported it at once, and to those who handle it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from handlers.texts import words_of


def listed(headings: Collection[str]) -> str:
    return "、".join(headings)


# What the resident is told at once.
ASK_WHERE = "请补充几栋几单元"
ASK_COMMUNITY = "请告诉我是哪个小区、几栋几单元"


def acknowledged(headings: Collection[str], ask: str = "") -> str:
    """The one public line of one or several tickets of one person; `ask`: the question that goes with it."""
    return f"已登记 {listed(headings)}，{ask or '办好了会来问您'}。"


def received_in_private(heading_: str, ask: str = "") -> str:
    return f"已收到 {heading_}，不公开，由网格长处理。{ask and f'{ask}。'}"


def candidate_in_private(ticket_id: str, ask: str = "") -> str:
    return f"已转网格长看看，编号 {ticket_id}。{ask and f'{ask}。'}"


def joined_report(ticket_id: str) -> str:
    """Somebody reported in so many words what is known already."""
    return f"{ticket_id} 已有人反映，您的已并入一起办。"


# The advice of an 应急 line: what to do, then whom to call.
ADVICE: Mapping[str, str] = {
    "0501": "请勿乘电梯，捂住口鼻低身撤离，火警打119。",
    "0502": "勿碰开关勿见明火，开窗离开，到室外打119。",
    "0503": "请勿扒门，按轿厢警铃等救援；有危险打119。",
    "0505": "请绕行，看好老人孩子；有人受伤打120，险情打119。",
    "0506": "请尽快打110报警，附近邻居帮忙留意。",
    "0507": "请先打120，勿随意搬动伤者，守在身边。",
    "0509": "请勿靠近勿触碰，险情打119，有人受伤打120。",
    "0510": "请断电、关水阀，往高处转移，勿涉水；被困打119。",
    "0511": "请先保证自己安全，立即打110；有人受伤打120。",
}
ADVICE_ELSE = "请先保证安全，急事打110、119、120。"


def emergency(heading_: str, category: str, ask: str = "") -> str:
    """The public line of an 应急: number, advice, whom to call."""
    return f"{heading_} 已登记。{ADVICE.get(category, ADVICE_ELSE)}{ask and f'{ask}。'}"


# Who usually deals with it, by category or group: only what the leader is offered to type.
_OWNER_HINT: Mapping[str, str] = {
    "0305": "执法",
    "0504": "民警",
    "0508": "民警",
    "0603": "社区",
    "07": "执法",
    "08": "社区",
    "09": "社区",
    "10": "部门",
    "11": "社区",
    "12": "社区",
}


def owner_hint(category: str) -> str:
    return _OWNER_HINT.get(category) or _OWNER_HINT.get(category[:2], "物业")


def extent(since: datetime | None, households: int | None, at: datetime) -> str:
    """Since when a trouble lasts and how many households it strikes, as its reporter said `at` that moment."""
    told = []
    if since is not None:
        today = since.date() == at.astimezone(since.tzinfo).date() and (since.hour, since.minute) != (0, 0)
        told.append(f"{since:%H:%M}起" if today else f"{since.month}月{since.day}日起")
    if households is not None:
        told.append(f"至少{households}户")
    return f"（{'，'.join(told)}）" if told else ""


def told_filed(
    heading_: str, ticket_id: str, nick: str, words: str, owner: str, *, twin: str = "", assigned: str = ""
) -> str:
    """A new ticket; `owner`: who may deal with it; `twin`: the id of another one that may be the same trouble;
    `assigned`: whom it was given to by the list of owners."""
    hint = f" 可能与 {twin} 是同一件，是请回复 合并 {twin} {ticket_id}。" if twin else ""
    done = f"已派{assigned}，改派" if assigned else "已受理，"
    return f"【诉求】{heading_} {words_of(nick, words)}{hint} {done}回复 派单 {ticket_id} {owner}"


def told_discreet(heading_: str, ticket_id: str, words: str, owner: str) -> str:
    """A confidential one: without the name of who reported it."""
    said = words_of("", words)
    return f"【保密】{heading_} {said} 勿透露反映人。回复 派单 {ticket_id} {owner}，或 办结 {ticket_id} 结果"


def told_nowhere(heading_: str, nick: str, words: str, *, urgent: bool) -> str:
    """Told in private by somebody of no known community; they have been asked which."""
    kind = "应急" if urgent else "诉求"
    return f"【{kind}】{heading_} {words_of(nick, words)} 还不知道是哪个小区，已在私聊里问。认得反映人的请联系他。"


def told_emergency(heading_: str, ticket_id: str, nick: str, words: str) -> str:
    return f"【应急】{heading_} {words_of(nick, words)} 请马上处置，回复 接单 {ticket_id} 或 派单 {ticket_id} 物业"


def told_emergency_discreet(heading_: str, ticket_id: str, words: str) -> str:
    return f"【应急·保密】{heading_} {words_of('', words)} 请马上处置，勿透露反映人。回复 接单 {ticket_id}"


def told_candidate(heading_: str, ticket_id: str, nick: str, words: str) -> str:
    return f"【待确认】{heading_} {words_of(nick, words)} 是诉求回复 受理 {ticket_id}，不是回复 误报 {ticket_id}"


def told_more(heading_: str, nick: str, words: str, reporters: int) -> str:
    """Something new about a ticket that is known."""
    many = f"（{reporters}人反映）" if reporters > 1 else ""
    return f"【补充】{heading_}{many} {words_of(nick, words)}"


REPORT_WHAT = "请写上要反映的事，如：上报 3栋2单元电梯坏了"


# 未诉先办: what several people complained of in one grid.
def told_proactive(heading_: str, ticket_id: str, evidence: Sequence[str], days: int, owner: str) -> str:
    return (
        f"【未诉先办】{heading_}：{days}天内同类诉求{len(evidence)}件（{'、'.join(evidence)}），已立一单。"
        f"回复 派单 {ticket_id} {owner}"
    )


# 调解.
MEDIATE_IN_PRIVATE = "调解的事请加我好友后私聊说，不公开。"
MEDIATE_WHAT = "请写上要调解的事，如：调解 楼上漏水谈不拢"
