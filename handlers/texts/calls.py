"""网格呼叫: the call for somebody near by who can be there first."""

from __future__ import annotations


# 网格呼叫.
def told_call(heading_: str, ticket_id: str) -> str:
    """To members near by: without a word of what was said."""
    return f"【呼叫】{heading_} 就在您附近，需要有人先到。能去请回复 应答 {ticket_id}，注意安全。"


def called(ticket_id: str, count: int) -> str:
    return f"{ticket_id} 已呼叫{count}人，有人应答会告诉您。"


def nobody_to_call(ticket_id: str) -> str:
    return f"{ticket_id} 附近没有能联系上的值班党员、志愿者。"


def called_already(ticket_id: str, name: str) -> str:
    return f"{ticket_id} 已由 {name} 应答。"


def not_called(ticket_id: str) -> str:
    return f"{ticket_id} 没有在呼叫。"


def call_yours(ticket_id: str, heading_: str) -> str:
    return f"{ticket_id} 由您先到：{heading_}。险情打119，伤病打120，注意安全。"


def told_call_taken(heading_: str, name: str) -> str:
    return f"【应答】{heading_}：{name} 已出发。"


CALL_DISCREET = "保密件不能呼叫。"
