"""延期: what is granted, what has to be asked of the level above."""

from __future__ import annotations


def extended(ticket_id: str, due: str) -> str:
    return f"{ticket_id} 已延期到{due}。"


def extension_asked(ticket_id: str, level: str) -> str:
    """Beyond what the category allows: the level above has been asked."""
    return f"{ticket_id} 超过了时限，已报{level}，同意后生效。"


def extension_unheard(ticket_id: str, level: str) -> str:
    """Nobody of the level above can be reached."""
    return f"{ticket_id} 超过了时限，要{level}同意，但我联系不上，请您报告。"


def extend_how(ticket_id: str) -> str:
    return f"请写上多久和理由，如：延期 {ticket_id} 2天 等配件"


def told_extension(heading_: str, ticket_id: str, name: str, span: str, until: str, reason: str) -> str:
    """To the level above: what is asked, and how to grant it."""
    return f"【延期】{heading_} {name}申请延到{until}：{reason}。同意请回复 延期 {ticket_id} {span} 同意"


def told_extended(heading_: str, name: str, until: str, reason: str) -> str:
    return f"【延期】{heading_} {name}延到{until}：{reason}。"


def span(days: float, hours: float) -> str:
    """A span as it is typed: `2天`, `3小时`."""
    return f"{days:g}天" if days == int(days) and days else f"{hours:g}小时"
