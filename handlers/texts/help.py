"""What 帮助 and 职责 answer, by what somebody is here: at most six lines."""

from __future__ import annotations

HELP_ROOM = (
    "有事直接说，或发“上报 内容”。急事打119、110、120。",
    "查询 S12 · 补充 S12 内容 · 评价 S12 满意",
    "报名 H3 2人 · 心愿 内容 · 认领 X5",
    "议题 内容 · 支持 V3 · 投票 V2 1",
    "静音：本群安静24小时；别记我：不记我说的话",
)
HELP_OWN_DATA = "别记我 · 恢复记录 · 我的信息 · 删除我的信息"
HELP_POINTS = "别记我 · 我的信息 · 删除我的信息 · 积分"  # in its place where there are points
HELP_PRIVATE = (
    "有事直接告诉我，不公开。急事打119、110、120。",
    "查询 · 补充 S12 内容 · 撤回 S12 · 评价 S12 满意",
    "报名 H3 2人 · 认领 X5 · 投票 V2 1",
    "心愿 内容 · 调解 内容 · 议题 内容",
    HELP_OWN_DATA,
)
# In 急时 in place of what can wait.
HELP_URGENT = (
    "有险情先打119、110、120，再在群里说几栋几单元。",
    "物资 求 米 2袋 · 物资 供 手电筒 3个 · 物资",
    "平安 3栋 4人 · 平安 求助 老人没药了",
    "查询 S12 · 补充 S12 内容",
    "静音：本群安静24小时；别记我：不记我说的话",
)
HELP_HELPER = "应答 S12：网格呼叫时就近先到"
HELP_HELPER_LOG = "应答 S12 · 走访 3户 无异常 · 我的工作"  # in its place where there is a work log
HELP_LEADER_MENDS = "改类 S12 供水 · 改址 S12 3栋 · 完成 J3 · 日报"
HELP_LEADER_LOG = "走访 3户 无异常 · 我的工作 · 完成 J3 · 日报"
HELP_LEADER_TELLS = "/通知 内容 · 发活动 内容 · 审核 X5 通过"
HELP_LEADING_URGENT = "急时：物资 · 平安 · /通知 内容 · /应急通知 内容"
HELP_LEADER = (
    "待办 · 受理 S12 · 误报 S12 · 不受理 S12 超职责",
    "派单 S12 物业 2h · 接单 S12 · 办结 S12 结果",
    "吹哨 S12 理由 · 呼叫 S12 · 合并 S12 S15",
    HELP_LEADER_MENDS,
    HELP_LEADER_TELLS,
    "转急 暴雨 · 转平 · 启用 网格码 · 恢复 · 议事 题目 甲/乙",
)
HELP_ABOVE_DECIDES = "不受理 S12 超职责 · 合并 S12 S15 · 撤并 S15"
HELP_ABOVE_POINTS = "不受理 S12 超职责 · 兑换 姓名 20 毛巾 · 冲正 P7 理由"
HELP_ABOVE_MENDS = "改类 S12 供水 · 改址 S12 3栋 · 清单 项目"
HELP_ABOVE_LOG = "改类 S12 供水 · 走访 3户 无异常 · 我的工作"
HELP_ABOVE_GATHERS = "/通知 @网格码 内容 · 发活动 内容 · 审核 X5 通过"
HELP_ABOVE = (
    "待办 · 派单 S12 物业 2h · 办结 S12 结果",
    "督办 S12 · 吹哨 S12 理由 · 延期 S12 2天 同意",
    HELP_ABOVE_DECIDES,
    HELP_ABOVE_MENDS,
    HELP_ABOVE_GATHERS,
    "交办 @网格码 巡查 内容 · 转急 暴雨 · 转平 · 周报",
)
HELP_OWNER = (
    "待办：看派给我们的单",
    "接单 S12 · 退回 S12 理由",
    "处置中 S12 下午修好 · 延期 S12 2天 理由",
    "办结 S12 结果：办完了",
    "也可以：上报 内容 · 查询 S12",
)
HELP_OWNER_LOG = "巡查 内容 · 我的工作"
# 职责: who does what.
DUTY_LEADING = "网格长：受理、派单，跟到办完"
DUTY_RESIDENT = (
    "小格：把群里说的诉求登记、转办、催办，办完来问您",
    DUTY_LEADING,
    "物业、社区、部门：接单后在时限内办，办不了说理由",
    "超时没人办会自动升级到社区、街道",
    "您：说清几栋几单元；不想被记录发“别记我”",
)
DUTY_HELPER = "您还可以：网格呼叫时就近先到，发“应答 S12”"
DUTY_LEADER = (
    "听：群里的诉求和候选，受理或记误报",
    "派：给物业、执法等；没人接单前首接的人负责",
    "跟：时限过半、快到、超时都会提醒，超时升一级",
    "回：问反映人满不满意；议：说定的事写成纪要立单",
    "急：转急、呼叫；先保人，险情打119、110、120",
)
DUTY_ABOVE = (
    "接网格吹哨和超时升级的诉求，协调派单",
    "督办、延期审批；第二次不受理换人来定",
    "交办只交清单里的事项，不排名",
    "跨社区的通知要另一个人确认",
    "看日报、周报：各率都带分母",
)
DUTY_OWNER = (
    "半小时内接单，应急3分钟",
    "办不了先退回并写理由；改派前首接的人负责",
    "延期写理由，超过时限要上一级同意",
    "办结写结果，给群众看的写在“公开答复：”后面",
    "办结后回访，不满意会重办",
)


def duty_head(offices: str, grid: str) -> str:
    """What somebody is here, in front of what that means."""
    return f"您在{grid or '这里'}：{offices}"


def leading(leaders: str, grid: str) -> str:
    """Who leads here, by their roles: no names."""
    return f"{leaders}（{grid}）：受理、派单，跟到办完" if grid else f"{leaders}：受理、派单，跟到办完"
