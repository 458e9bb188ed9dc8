"""不受理: the list of reasons, and what everybody concerned is told."""

from __future__ import annotations

# Why an appeal may be refused. What is typed must begin with one of these.
OUT_OF_REMIT, UNFOUNDED = "超职责", "不属实"
REFUSALS = (OUT_OF_REMIT, "重复", "信息不足", UNFOUNDED, "涉法涉诉", "非本辖区", "已有结论")


def refuse_how(ticket_id: str) -> str:
    return f"请写上理由：{'、'.join(REFUSALS)}。如：不受理 {ticket_id} 超职责"


def refused(ticket_id: str) -> str:
    return f"{ticket_id} 已不予受理，会把理由告诉反映人。"


def refuse_another_person(ticket_id: str) -> str:
    """The one who refused it before may not refuse it again."""
    return f"{ticket_id} 您已经不予受理过一次，再次不予受理要由另一个人来定。"


def told_refused(heading_: str, name: str, reason: str) -> str:
    return f"【不予受理】{heading_} {name}：{reason}。"


def refusal(heading_: str, ticket_id: str, reason: str) -> str:
    """To the reporters: that it is not taken up, why (a word of the list), and what they can do."""
    return f"{heading_} 不予受理：{reason}。不同意请回复 评价 {ticket_id} 不满意"
