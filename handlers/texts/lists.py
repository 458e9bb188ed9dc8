"""三张清单."""

from __future__ import annotations

from collections.abc import Sequence


def list_counts(counts: Sequence[tuple[str, int]]) -> str:
    return "，".join(f"{label} {count}项" for label, count in counts)


def list_added(label: str) -> str:
    return f"已列入{label}。"


def list_moved(ticket_id: str, label: str) -> str:
    return f"{ticket_id} 已列入{label}。" if label else f"{ticket_id} 已移出清单。"


def list_empty(label: str) -> str:
    return f"{label}还没有内容。"
