"""待办, 日报, 周报 and the printed report: figures, never without their denominator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from handlers.texts import share

if TYPE_CHECKING:
    from storage.figures import Counts  # `classify` needs these texts and no store

NOTHING_TO_DO = "没有待办。"


def todo_counts(candidates: int, unassigned: int, overdue: int) -> str:
    return f"待办：候选 {candidates}，未派 {unassigned}，超期 {overdue}"


def todo_line(label: str, heading_: str, due: str) -> str:
    return f"[{label}] {heading_}{f'，限{due}' if due else ''}"


def todo_more(count: int) -> str:
    return f"另有 {count} 件"


TODO_CANDIDATE, TODO_UNASSIGNED, TODO_OVERDUE, TODO_MINE = "候选", "未派", "超期", "在办"
TODO_WATCHED = "督办"
TODO_IN_PRIVATE = "，详情已私下发您。"


DIGEST_IN_PRIVATE = "已私下发您。"
ASK_IN_PRIVATE = "请私聊我发“日报”或“周报”。"


def digest(where_: str, since: str, until: str, counts: Counts, *, weekly: bool) -> list[str]:
    """What a scope came to, line by line."""
    urgent = f"（应急{counts.emergencies}）" if counts.emergencies else ""
    again = f"，重办{counts.reopened}" if counts.reopened else ""
    lines = [
        f"【{'周报' if weekly else '日报'}】{where_}",
        f"{since}—{until}",
        f"新增{counts.filed}{urgent}，办结{counts.finished}{again}，在办{counts.open}，超期{counts.overdue}",
        f"响应率{share(counts.ack_met, counts.ack_due)}，办结率{share(counts.closed, counts.close_due)}",
    ]
    if counts.reached or counts.unreached or counts.rated:
        lines.append(
            f"解决率{share(counts.solved, counts.reached)}，未回访{counts.unreached}，"
            f"满意率{share(counts.satisfied, counts.rated)}"
        )
    return lines


# Of `xiaoge report`.
REPORT_KIND: Mapping[str, str] = {"day": "日报", "week": "周报", "month": "月报"}
EVERYTHING = "全部网格"
NO_GRID = "（未定网格）"
FOUR_WEEKS_BEFORE = "此前四周"
REPORT_NOTES = (
    "响应率＝按时有人响应／本期到响应时限；办结率＝已办结／本期到办结时限。",
    "解决率＝确认解决／回访到；满意率＝满意和基本满意／有评价；未回访到的单列，不算满意。",
    "四周均值：此前四周同样长度的平均新增。",
)
REPORT_HIDES = "小于3的数不公开，记作<3。"


def answered_by_faq(count: str) -> str:
    return f"另有按问答库直接答复的咨询 {count} 件，不计入以上各率。"


def digest_trend(filed: int, mean: float) -> str:
    """A week against the mean of the four before it."""
    trend = f"，本周{filed / mean - 1:+.0%}" if mean else ""
    return f"此前四周每周平均新增{round(mean, 1):g}{trend}"


def digest_categories(named: Sequence[tuple[str, int]]) -> str:
    return f"多发：{'、'.join(f'{name}{count}' for name, count in named)}"


def digest_overdue(heading_: str) -> str:
    return f"超期：{heading_}"
