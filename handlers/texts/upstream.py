"""What is said of the answers of the platforms above."""

from __future__ import annotations

from collections.abc import Mapping

REFUSED = "上级平台未受理"  # to the reporters, where the platform gives none of the reasons of the list
DONE = "上级平台已办结"  # the result, where the platform gives no words

# What a platform says, in the line to those who must decide; by the state's name on the wire.
_SAYS: Mapping[str, str] = {
    "received": "已收到",
    "assigned": "已派单",
    "in_progress": "正在处理",
    "done": "已办结",
    "returned": "退回",
    "refused": "不予受理",
}


def told_assigned(heading_: str, platform: str, to: str) -> str:
    return f"【上级派单】{heading_} {platform}已派给{to or '承办单位'}，办完会回告。"


def told_returned(heading_: str, ticket_id: str, platform: str, reason: str, *, ours: bool) -> str:
    """`ours`: somebody here is at it already."""
    todo = "" if ours else f"回复 派单 {ticket_id} 承办"
    return f"【上级退回】{heading_} {platform}：{reason or '未写理由'}。{todo}"


def told_conflict(
    heading_: str, ticket_id: str, platform: str, says: str, words: str, here: str, *, open_: bool
) -> str:
    """An answer that does not fit what happened here meanwhile: who reads it decides."""
    said = f"{_SAYS[says]}（{words}）" if words else _SAYS[says]
    todo = "没有改动，要改请联系管理员"
    if open_:
        todo = f"照常办下去即以这里为准；采用上级结果请回复 办结 {ticket_id} 结果"
    return f"【上级答复不一致】{heading_} {platform}：{said}，这里现为{here}。{todo}"
