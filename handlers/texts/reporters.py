"""What reporters read about their own tickets, and what the others are told when they take one back."""

from __future__ import annotations


def told_withdrawn(heading_: str) -> str:
    return f"【撤回】{heading_}：反映人已撤回，不用再办。"


def told_taken_back(heading_: str) -> str:
    """One message of several was recalled."""
    return f"【撤回】{heading_}：有一条消息被撤回，其余照办。"


def told_erased(heading_: str, *, others: bool, urgent: bool) -> str:
    """A reporter had their data erased; with `others` there are more reporters."""
    if urgent:
        return f"【应急】{heading_}：反映人删除了自己的信息，单子保留，请上门核实。"
    if others:
        return f"【隐私】{heading_}：一位反映人删除了自己的信息，其余照办。"
    return f"【隐私】{heading_}：反映人删除了自己的信息，原话和电话已清空，请到现场看着办。"


def told_emergency_withdrawn(heading_: str) -> str:
    return f"【应急】{heading_}：反映人撤回了消息，单子保留，请联系或上门核实。"


# Answers to commands.
NOTHING_OPEN = "没有在办的诉求。有事直接说，或发“上报 内容”。"
# In a group, where what is confidential is not counted: the same words for everybody.
NOTHING_OPEN_HERE = "群里没有您在办的诉求。私聊我发“查询”可看全部。"


def own_state(heading_: str, state: str, owner: str, due: str, result: str) -> str:
    """One's own ticket: with who does it, by when, and what came of it."""
    parts = [state, owner and f"承办 {owner}", due and f"{due}前办完", result and f"结果：{result}"]
    return f"{heading_}：{'，'.join(part for part in parts if part)}"


def and_more(count: int) -> str:
    return f"另有 {count} 件，发“查询 S编号”看。"


SUPPLEMENT_WHAT = "请写上要补充的内容，如：补充 S12 是左边那部电梯"


def supplemented(ticket_id: str) -> str:
    return f"{ticket_id} 已补充。"


def not_yours(ticket_id: str) -> str:
    return f"{ticket_id} 不是您反映的，有事请直接说。"


def withdrawn(ticket_id: str) -> str:
    return f"{ticket_id} 已撤回，内容已删除。"


def withdrawal_checked(ticket_id: str) -> str:
    """An 应急 is never withdrawn by itself."""
    return f"{ticket_id} 是急事，撤回已收到，内容已删除，网格长会核实。"


def not_only_yours(ticket_id: str, others: int) -> str:
    return f"您说的内容已删除。{ticket_id} 还有{others}人反映，继续办。"
