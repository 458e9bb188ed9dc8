"""交办: what may be handed to the grids, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence


def task_given(task_id: str, grids_: int, due: str) -> str:
    return f"{task_id} 已交办{grids_}个网格{f'，{due}前完成' if due else ''}。"


# 事项准入: what may be handed to a grid, unless the deployment has a list of its own.
MATTERS = (
    "巡查", "走访", "排查", "宣传", "通知", "信息采集", "矛盾调解", "帮扶", "代办", "环境整治", "应急值守",
    "政策宣讲", "安全检查",
)  # fmt: skip
TASK_HOW = "请这样写：交办 @网格码或名称 事项 内容 3天"


def not_on_the_list(matter: str, matters: Sequence[str]) -> str:
    """事项准入: what is not on the list cannot be handed to a grid."""
    return f"“{matter}”不在事项清单内，不能交办。清单：{'、'.join(matters)}"


def told_task(task_id: str, matter: str, text: str, name: str, due: str) -> str:
    limit = f"，{due}前" if due else ""
    return f"【交办】{task_id} {matter}：{text}（{name}{limit}）。做完回复 完成 {task_id} 结果"


def no_such_task(task_id: str) -> str:
    return f"没有 {task_id} 这项任务，请核对。"


WHICH_TASK = "请写上编号，如：完成 J3 已排查"


def task_done(task_id: str, grids_: int) -> str:
    return f"{task_id} 已记完成{f'（{grids_}个网格）' if grids_ > 1 else ''}，谢谢。"


def task_done_already(task_id: str) -> str:
    return f"{task_id} 您的网格已经完成。"


def task_not_yours(task_id: str) -> str:
    return f"{task_id} 没有交给您的网格。"


def task_state(task_id: str, matter: str, done: int, all_: int) -> str:
    """How far it is, without a name: nobody is ranked."""
    return f"{task_id} {matter}：{all_}个网格，已完成{done}个。"
