"""吹哨, 督办 and what rises by itself: why a ticket goes up, and what those above are told."""

from __future__ import annotations

from collections.abc import Mapping

from handlers.texts import LEVEL
from storage.model import Level

# Why a ticket rose, by the word that the audit chain holds.
WHY: Mapping[str, str] = {
    "whistle": "请上一级协调",
    "ack": "超时无人响应",
    "feedback": "超时没有初步结果",
    "verify": "超时没有核实",
    "close": "超时没有办结",
    "reopened": "再次没有解决",
    "spread": "已扩散到全社区",
}


def told_raised(
    heading_: str, ticket_id: str, why: str, level: Level, said: str, name: str, words: str, taken_by: str
) -> str:
    """To the level that a ticket has risen to: why, by whom (empty for the clock), and what to type; `taken_by`: who
    works on it already, so that it cannot be assigned anew."""
    answer = f"派单 {ticket_id} 承办，办不了回复 吹哨 {ticket_id}"
    if level is Level.DEPARTMENT:
        answer = f"接单 {ticket_id}，办完回复 办结 {ticket_id} 结果"
    if taken_by and level is Level.DEPARTMENT:
        answer = f"查询 {ticket_id} 看进展"
    elif taken_by:
        answer = f"办结 {ticket_id} 结果，办不了回复 吹哨 {ticket_id}"
    kind = "吹哨" if why == "whistle" else "升级"
    reason = f"{said or WHY[why]}{f'（{name}）' if name else ''}"
    quoted = f" “{words}”" if words else ""
    taken = f"{taken_by}已接单，请协调。" if taken_by else ""
    return f"【{kind}】{heading_} 已到{LEVEL[level]}：{reason}。{quoted} {taken}回复 {answer}"


def supervised(ticket_id: str) -> str:
    return f"{ticket_id} 已督办。"


def supervised_already(ticket_id: str) -> str:
    return f"{ticket_id} 已经在督办了。"


def supervise_from_above(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 由上一级（{level}）督办。"


def told_supervised(heading_: str, name: str, remark: str) -> str:
    return f"【督办】{heading_} {name}要求抓紧办理{f'：{remark}' if remark else ''}。"


def whistled(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 已吹哨到{level}。"


def whistle_from_there(ticket_id: str, level: str) -> str:
    """It is with a level above the speaker's own, so the next whistle is that one's to blow."""
    return f"{ticket_id} 已经在{level}，再往上由{level}吹哨。"


def at_the_top(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 已经在{level}，没有更上一级。"
