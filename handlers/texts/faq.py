"""问答: approved answers, never without their source."""

from __future__ import annotations

# 问答.
FAQ_HOW = "请这样写：问答 增 问题 => 答案 来源：单位，或 问答 删 编号"


def faq_added(number: int) -> str:
    return f"问答 {number} 已增加，问到会引用来源回答。不要了发 问答 删 {number}"


def faq_removed(number: int) -> str:
    return f"问答 {number} 已删除。"


def no_such_entry(number: int) -> str:
    return f"没有编号 {number} 的问答。"


def faq_line(number: int, question: str) -> str:
    return f"{number}. {question}"


NO_FAQ = "还没有问答。" + FAQ_HOW


def faq_answer(answer: str, source: str, date: str) -> str:
    """An approved answer, never without its source."""
    return f"{answer.rstrip('。')}（来源：{source}，{date}）"
