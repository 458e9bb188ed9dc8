"""合并 and 撤并."""

from __future__ import annotations


def merged(ticket_id: str, other: str) -> str:
    return f"{other} 已并入 {ticket_id}，撤回请发 撤并 {other}"


def unmerged(ticket_id: str, other: str) -> str:
    return f"{other} 已从 {ticket_id} 分开，各办各的。"


def told_merged(heading_: str, ticket_id: str, other: str) -> str:
    return f"【并案】{other} 并入 {heading_}，一起办，结果写在 {ticket_id}。"


def told_unmerged(heading_: str, ticket_id: str) -> str:
    return f"【分案】{heading_} 与 {ticket_id} 分开，各办各的。"


MERGE_HOW = "请写两个编号，后一个并入前一个，如：合并 S12 S15"
MERGE_ITSELF = "两个编号相同，不用合并。"


def merge_discreet(ticket_id: str, other: str) -> str:
    return f"{ticket_id} 和 {other} 一件保密一件不保密，不能合并。"


def merge_emergency(ticket_id: str, other: str) -> str:
    return f"{other} 是应急，请反过来：合并 {other} {ticket_id}"


def not_merged(ticket_id: str, state: str) -> str:
    return f"{ticket_id} 没有并案，现在是“{state}”。"


def unmerge_first(ticket_id: str, other: str) -> str:
    return f"{ticket_id} 自己也并入了别的，请先 撤并 {ticket_id}，再 撤并 {other}"


def in_merged(state: str, ticket_id: str, target_state: str) -> str:
    """The state of a merged ticket: that of the one it went into."""
    return f"{state}，随 {ticket_id} 办（{target_state}）"
