"""Asking the reporters whether it is solved, and what follows from their answer."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.texts import words_of


def told_reopened(heading_: str, ticket_id: str, nick: str, words: str, times: int, owner: str) -> str:
    said = f" {words_of(nick, words)}" if words else ""
    return f"【重办】{heading_} 反映人说没有解决（第{times}次）{said} 回复 派单 {ticket_id} {owner}"


def told_answered(heading_: str, ticket_id: str) -> str:
    """Somebody who answers for it answered in the group, and the asker is content."""
    said = "群里已答复，反映人满意，24小时后自动结案。"
    return f"【答复】{heading_}：{said}属实回复 办结 {ticket_id}，还要办回复 处置中 {ticket_id} 或派单"


def told_over(heading_: str, ticket_id: str) -> str:
    return f"【核实】{heading_}：反映人说已经好了。属实回复 办结 {ticket_id} 结果"


ANSWERED = "答复即办"


def solved(headings: str, answer: str = "") -> str:
    """Asked of the reporters when it is done; says nothing of what was complained about. `answer`: what the handler
    wrote for the public."""
    return f"{headings} 已处理{f'：{answer}' if answer else ''}，请回复：1 已解决 2 未解决"


def with_merged(ticket_id: str, merged_: Sequence[str]) -> str:
    """A ticket under the numbers that people know: `S1（含S4）`."""
    return f"{ticket_id}（含{'、'.join(merged_)}）" if merged_ else ticket_id


def closed(ticket_id: str) -> str:
    return f"{ticket_id} 已结案，谢谢。"


def reopened(ticket_id: str) -> str:
    return f"{ticket_id} 已重新受理，马上告诉网格长。"


def not_done_yet(ticket_id: str, state: str) -> str:
    return f"{ticket_id} 还在办（{state}），办完会来问您。"


RATE_HOW = "请这样写：评价 S12 满意，或 评价 S12 不满意 原因"


def too_late(ticket_id: str) -> str:
    return f"{ticket_id} 结案已久，如又发生请直接说。"


def rated(ticket_id: str) -> str:
    return f"{ticket_id} 的评价已记下，谢谢。"
