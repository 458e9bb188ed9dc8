"""改类 and 改址."""

from __future__ import annotations

from collections.abc import Sequence


def recategorized(ticket_id: str, category: str, due: str) -> str:
    """Without the category where the public must not read it."""
    return f"{ticket_id} 已改{f'为{category}' if category else '类'}{f'，{due}前办完' if due else ''}。"


def of_that_category(ticket_id: str, category: str) -> str:
    """Without the category where the public must not read it."""
    return f"{ticket_id} 已经是{category or '这个类别'}，没有改动。"


def which_category(ticket_id: str, near: Sequence[str]) -> str:
    examples = "、".join(near) if near else "供水、电梯故障、垃圾清运"
    return f"没有这个类别，可以写：{examples}。如：改类 {ticket_id} {near[0] if near else '供水'}"


def told_recategorized(heading_: str, before: str) -> str:
    return f"【改类】{heading_}（原{before}）"


def relocated(ticket_id: str, where_: str) -> str:
    return f"{ticket_id} 地址改为{where_}。"


def relocate_how(ticket_id: str) -> str:
    return f"请写上地址，如：改址 {ticket_id} 3栋2单元"


def relocate_unclear(ticket_id: str) -> str:
    return f"没认出这个地址，请写楼栋单元，或门、车库、广场这样的地点，如：改址 {ticket_id} 3栋2单元"


def told_relocated(heading_: str) -> str:
    return f"【改址】{heading_}"
