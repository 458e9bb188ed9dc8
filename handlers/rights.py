"""Rights = role × grid prefix: who may do what where. Checked in routing, denied by default."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from storage.model import Person, Role


class Right(StrEnum):
    """What a role allows within its scope. What anybody may do needs none."""

    TRIAGE = "triage"  # 受理 误报
    ASSIGN = "assign"  # 派单
    HANDLE = "handle"  # 接单 处置中 延期 办结 退回
    VIEW = "view"  # 待办
    CORRECT = "correct"  # 合并 撤并 改类 改址
    REFUSE = "refuse"  # 不受理
    ESCALATE = "escalate"  # 吹哨
    SUPERVISE = "supervise"  # 督办
    TASK = "task"  # 交办
    MODE = "mode"  # 转急 转平
    CALL = "call"  # 网格呼叫
    ANSWER = "answer"  # 应答
    FAQ = "faq"  # 问答
    REPORT = "report"  # 日报 周报
    DELIBERATE = "deliberate"  # 议事 结束 纪要
    ROOM = "room"  # 启用 停用 恢复
    LOG = "log"  # 走访 巡查 我的工作
    POINTS = "points"  # 兑换 冲正
    ACTIVITY = "activity"  # 发活动 改活动 结束 取消活动
    REVIEW = "review"  # 审核 实事
    NOTICE = "notice"  # 通知 公告 附图 模板 更正 确认 定时 取消 回执


_LEADING = frozenset(Right) - {Right.SUPERVISE, Right.TASK, Right.POINTS}
_ABOVE = frozenset(Right)  # those over a general grid or more: what is under them is theirs to press and to task
_OWNING = frozenset({Right.HANDLE, Right.VIEW, Right.ANSWER, Right.LOG})
_HELPING = frozenset({Right.ANSWER, Right.LOG})

TABLE: Mapping[Role, frozenset[Right]] = {
    Role.RESIDENT: frozenset(),
    Role.BUILDING_LEADER: _HELPING,
    Role.MICRO_LEADER: _LEADING,
    Role.GRID_WORKER: _ABOVE,
    Role.COMMUNITY: _ABOVE,
    Role.PROPERTY: _OWNING,
    Role.POLICE: _OWNING,
    Role.ENFORCEMENT: _OWNING,
    Role.STREET: _ABOVE,
    Role.DEPARTMENT: _OWNING,
    Role.PARTY_MEMBER: _HELPING,
    Role.VOLUNTEER: _HELPING,
    Role.MOBILE_WORKER: _HELPING,
}
LEADERS = frozenset({Role.MICRO_LEADER, Role.GRID_WORKER, Role.COMMUNITY, Role.STREET})
STAFF = frozenset(role for role, held in TABLE.items() if Right.VIEW in held)
# What nobody could place on the map (told in private by somebody without a group) is for those who see the whole.
WITHOUT_GRID = frozenset({Role.COMMUNITY, Role.STREET})


def allowed(person: Person | None, right: Right, grid: str | None) -> str | None:
    """The narrowest grant that gives the right over the grid, as `role:scope` for the audit; None: denied."""
    if person is None:
        return None
    grants = sorted(person.grants, key=lambda grant: len(grant.scope), reverse=True)
    for grant in grants:
        within = grid.startswith(grant.scope) if grid is not None else grant.role in WITHOUT_GRID
        if grant.scope and within and right in TABLE[grant.role]:
            return f"{grant.role.value}:{grant.scope}"
    return None


def role_of(right: str) -> Role:
    """The role of a right that was found, `role:scope`."""
    return Role(right.partition(":")[0])


def anywhere(person: Person | None, right: Right) -> str | None:
    """The widest grant that gives the right at all: for what a person only sees within their own scopes."""
    if person is None:
        return None
    grants = sorted(person.grants, key=lambda grant: len(grant.scope))
    return next((f"{grant.role.value}:{grant.scope}" for grant in grants if right in TABLE[grant.role]), None)
