"""Every line that people read, and the words for every state: short, kind, exact.

In public a line stays within 60 characters where its content allows, carries no emoji, never quotes a complaint and
never scolds. Above the tickets line: labels, rooms, people, help. Below it: the life of a ticket.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from storage.model import (
    CallbackOutcome,
    ClockKind,
    Level,
    Listing,
    Nature,
    Place,
    Role,
    RoomKind,
    RoomState,
    TicketState,
    Urgency,
)

if TYPE_CHECKING:
    from storage.figures import Counts  # `classify` needs these texts and no store

MENTION_END = "\u2005"  # what WeChat itself puts behind a mention

# --- labels ---
ROLE: Mapping[Role, str] = {
    Role.RESIDENT: "居民",
    Role.BUILDING_LEADER: "楼栋长",
    Role.MICRO_LEADER: "微网格长",
    Role.GRID_WORKER: "网格员",
    Role.COMMUNITY: "社区工作人员",
    Role.PROPERTY: "物业",
    Role.POLICE: "民警",
    Role.ENFORCEMENT: "执法",
    Role.STREET: "街道",
    Role.DEPARTMENT: "部门",
    Role.PARTY_MEMBER: "党员",
    Role.VOLUNTEER: "志愿者",
    Role.MOBILE_WORKER: "流动网格员",
}
# What people also say for a role.
_ROLE_ALSO: Mapping[str, Role] = {
    "社区": Role.COMMUNITY,
    "网格长": Role.MICRO_LEADER,
    "物管": Role.PROPERTY,
    "派出所": Role.POLICE,
    "公安": Role.POLICE,
    "城管": Role.ENFORCEMENT,
    "综合执法": Role.ENFORCEMENT,
    "双报到党员": Role.PARTY_MEMBER,
}
ROLE_BY_LABEL: Mapping[str, Role] = {label: role for role, label in ROLE.items()} | dict(_ROLE_ALSO)

STATE: Mapping[TicketState, str] = {
    TicketState.CANDIDATE: "候选",
    TicketState.FILED: "受理",
    TicketState.ASSIGNED: "已派",
    TicketState.ACCEPTED: "已接",
    TicketState.IN_PROGRESS: "处置中",
    TicketState.HANDLED: "已处置",
    TicketState.CALLBACK: "待回访",
    TicketState.CLOSED: "结案",
    TicketState.REFUSED: "不予受理",
    TicketState.WITHDRAWN: "已撤回",
    TicketState.MERGED: "并案",
}
STATE_BY_LABEL: Mapping[str, TicketState] = {label: state for state, label in STATE.items()}

URGENCY: Mapping[Urgency, str] = {
    Urgency.EMERGENCY: "应急",
    Urgency.ROUTINE: "常规",
    Urgency.ENFORCEMENT: "执法",
}
URGENCY_BY_LABEL: Mapping[str, Urgency] = {label: urgency for urgency, label in URGENCY.items()}

NATURE: Mapping[Nature, str] = {
    Nature.INQUIRY: "咨询",
    Nature.HELP: "求助",
    Nature.COMPLAINT: "投诉",
    Nature.REPORT: "举报",
    Nature.SUGGESTION: "建议",
    Nature.PRAISE: "表扬",
}
NATURE_BY_LABEL: Mapping[str, Nature] = {label: nature for nature, label in NATURE.items()}

LEVEL: Mapping[Level, str] = {
    Level.GRID: "网格",
    Level.COMMUNITY: "社区",
    Level.STREET: "街道",
    Level.DEPARTMENT: "部门",
}
LEVEL_BY_LABEL: Mapping[str, Level] = {label: level for level, label in LEVEL.items()}

OUTCOME: Mapping[CallbackOutcome, str] = {
    CallbackOutcome.SOLVED: "已解决",
    CallbackOutcome.UNSOLVED: "未解决",
    CallbackOutcome.UNREACHED: "未回访",
}
OUTCOME_BY_LABEL: Mapping[str, CallbackOutcome] = {label: outcome for outcome, label in OUTCOME.items()}

ROOM_KIND: Mapping[RoomKind, str] = {RoomKind.RESIDENT: "居民群", RoomKind.LEADER: "工作群"}
ROOM_STATE: Mapping[RoomState, str] = {
    RoomState.DORMANT: "未启用",
    RoomState.ENABLED: "已启用",
    RoomState.GONE: "已移出",
}


def mention(nick: str, text: str) -> str:
    """The line as it goes into a room: `@李姐 …`; without a nick the bare text."""
    return f"@{nick}{MENTION_END}{text}" if nick else text


def clock(at: datetime, timezone: ZoneInfo) -> str:
    """A moment as people say it: `6月12日18:41`."""
    local = at.astimezone(timezone)
    return f"{local.month}月{local.day}日{local:%H:%M}"


ADD_ME_FOR_PRIVATE = "请先加我为好友，再在私聊里查看给您的回复。"

# --- commands ---
# How each command is written, by its word. What stands in a pair of brackets may be left out.
USAGE: Mapping[str, str] = {
    "上报": "上报 3栋2单元电梯坏了",
    "查询": "查询 S12",
    "补充": "补充 S12 是左边那部电梯",
    "撤回": "撤回 S12",
    "受理": "受理 S12",
    "误报": "误报 S12",
    "派单": "派单 S12 物业 2h",
    "接单": "接单 S12",
    "处置中": "处置中 S12 下午修好",
    "办结": "办结 S12 已更换水泵",
    "退回": "退回 S12 不归我们管",
    "延期": "延期 S12 2天 等配件",
    "不受理": "不受理 S12 超职责",
    "督办": "督办 S12",
    "吹哨": "吹哨 S12 要街道协调",
    "合并": "合并 S12 S15",
    "撤并": "撤并 S15",
    "改类": "改类 S12 供水",
    "改址": "改址 S12 3栋2单元",
    "交办": "交办 @网格码 巡查 排查飞线 3天",
    "完成": "完成 J3 已排查",
    "心愿": "心愿 4栋独居老人想换个灯泡",
    "审核": "审核 X5 通过",
    "认领": "认领 X5",
    "放弃": "放弃 X5",
    "实事": "实事 姓名 做了什么",
    "我的贡献": "我的贡献",
    "问答": "问答 增 几点停水 => 每周二 来源：自来水公司",
    "呼叫": "呼叫 S12",
    "应答": "应答 S12",
    "调解": "调解 楼上漏水谈不拢（请私聊我）",
    "清单": "清单 项目",
    "议题": "议题 停车位不够",
    "支持": "支持 V3",
    "议事": "议事 大门装不装道闸 装/不装",
    "投票": "投票 V2 1",
    "纪要": "纪要 V2 3栋路灯修好",
    "物资": "物资 求 米 2袋",
    "平安": "平安 3栋 4人",
    "评价": "评价 S12 满意",
    "待办": "待办",
    "日报": "日报",
    "周报": "周报",
    "通知": "通知 @青禾社区 明天9:00-17:00停水，请储水",
    "公告": "公告 @青禾社区 明天9:00-17:00停水，请储水",
    "附图": "附图 T3",
    "模板": "模板",
    "更正": "更正 T3 停水改到后天",
    "确认": "确认 T3",
    "定时": "定时 T3 明天18:00",
    "取消": "取消 T3",
    "回执": "回执 T3",
    "转急": "转急 暴雨 24h",
    "转平": "转平",
    "帮助": "帮助",
    "职责": "职责",
    "走访": "走访 3户 无异常",
    "巡查": "巡查 楼道无堆物",
    "我的工作": "我的工作",
    "积分": "积分",
    "兑换": "兑换 姓名 20 毛巾",
    "冲正": "冲正 P7 写错了人",
    "静音": "静音",
    "恢复": "恢复",
    "别记我": "别记我",
    "恢复记录": "恢复记录",
    "我的信息": "我的信息",
    "删除我的信息": "删除我的信息",
    "确认删除": "确认删除",
    "启用": "启用 网格码",
    "停用": "停用",
    "绑定": "绑定 一次性码",
    "发活动": "发活动 包粽子 周六9:00 社区活动室 限20人",
    "改活动": "改活动 H3 周日9:00",
    "取消活动": "取消活动 H3 下雨",
    "结束": "结束 V2",
    "报名": "报名 H3 2人",
    "取消报名": "取消报名 H3",
    "名单": "名单 H3",
    "签到": "签到 H3",
}


def suggest(usage: str) -> str:
    """The one answer to a command that does not fit its grammar."""
    return f"可以这样写：{usage}"


ONLY_IN_ROOM = "这条请在要处理的群里发。"
BEYOND_SCOPE = "这件不在您负责的网格里，请转给那里的网格长或上一级。"

# --- rooms ---
PRIVACY_NOTICE = (
    "大家好，我是小格。群里说到的诉求我会登记并转给网格长，闲聊不保存。\n"
    "想专门反映请发“上报 内容”，不想被记录请发“别记我”，嫌吵请发“静音”。\n"
    "我不能代替报警：急事请直接打 119、110、120。"
)


def privacy_notice(named_to: Sequence[str]) -> str:
    """What a room reads once; `named_to` are the platforms that learn who reported."""
    return f"{PRIVACY_NOTICE}\n诉求{_named(named_to)}。" if named_to else PRIVACY_NOTICE


def _named(platforms: Sequence[str]) -> str:
    return f"连同称呼、电话报送{'、'.join(platforms)}，保密的除外"


def enabled(grid_name: str) -> str:
    return f"已启用，本群对应{grid_name}。停用请发“停用”。"


def enabled_already(grid_name: str) -> str:
    return f"本群已经启用，对应{grid_name}。"


ENABLE_WITH_CODE = "本群还没有对应的网格，请发“启用 网格码”。"


def no_such_grid(code: str) -> str:
    return f"没有网格 {code}，请核对网格码。"


def grid(code: str) -> str:
    """A grid that has no name."""
    return f"网格 {code}"


DISABLED = "已停用，我不再看本群的消息。再用请发“启用”。"
HUSHED = "好的，本群我先安静{span}，急事除外。"
HUSHED_TOLD = "【静音】{topic}：有居民嫌吵，已静音到{until}。恢复请在该群发“恢复”。"
NO_HUSH_HERE = "工作群里的提醒不能静音。"
RESUMED = "已恢复。"
NOT_HUSHED = "本群没有静音。"
ROOM_GONE = "【移出】小格已被移出{topic}，那里的诉求收不到了。"


def hushed(hours: float) -> str:
    """`hours` of silence, as the room reads it."""
    span = f"{hours:g}小时" if hours >= 1 else f"{round(hours * 60)}分钟"
    return HUSHED.format(span=span)


def hushed_told(topic: str, until: datetime, timezone: ZoneInfo) -> str:
    return HUSHED_TOLD.format(topic=f"“{topic}”" if topic else "一个群", until=clock(until, timezone))


def enabled_again(grid_name: str) -> str:
    """The group has another id than before, and goes on as it was."""
    return f"已启用，接着原来的群，对应{grid_name}，以前的诉求都在。"


OTHER_ACCOUNT_ANSWERS = "同名同网格的群已由另一个小格号回应。若不是同一个群，请先改群名再发“启用”。"


def room_id_changed(topic: str) -> str:
    return f"【群号变了】“{topic}”换了群号，现在听不到那里的诉求。确是原来的群，请在群里发“启用”。"


def room_not_moved(topic: str) -> str:
    return f"【群还在】原来的“{topic}”又有人说话，与换号的不是同一个群，现在听不到。请在这个群里发“启用 网格码”。"


def room_gone(topic: str) -> str:
    return ROOM_GONE.format(topic=f"“{topic}”" if topic else "一个群")


# --- people ---
BIND_IN_PRIVATE = "绑定请私聊我。码发在群里就作废了，请向社区换一个。"
BIND_WRONG = "绑定码不对、已用过或已过期，请向社区要一个新的。"
BIND_TOO_OFTEN = "输错次数多了，请一小时后再试。"


def bound(name: str, roles: Collection[Role]) -> str:
    """The answer to a bind code that was right."""
    labels = "、".join(ROLE[role] for role in ROLE if role in roles and role is not Role.RESIDENT)
    return f"绑定成功：{name}{f'（{labels}）' if labels else ''}。发“帮助”看能做什么。"


FORGOTTEN = "好的，不再记您说的话，险情也不记。急事打119、110、120；要反映发“上报 内容”，再记发“恢复记录”。"
FORGOTTEN_ALREADY = "已经没有在记您的话，险情也不记。急事打119、110、120；要反映发“上报 内容”。"
REMEMBERED = "好的，您说到的诉求我会继续登记。"
REMEMBERED_ALREADY = "您没有关闭过记录，说到的诉求我会登记。"

# --- what is kept of somebody ---
NOTHING_KEPT = "没有保存您的信息。"
TOLD_IN_PRIVATE = "已私聊发给您。"
ERASE_SURE = "将删除您说过的话、昵称和电话，不能恢复；没办完的单子只留事由。十分钟内发“确认删除”。"
ERASE_NOT_ASKED = "没有等您确认的删除。要删除请先发“删除我的信息”。"


def kept(
    *,
    still_open: int,
    closed: int,
    candidates: int,
    contact: bool,
    nick: str,
    heard: bool,
    office: str,
    also: Sequence[str] = (),
    named_to: Sequence[str] = (),
) -> str:
    """What is kept of somebody, for their eyes, in at most six lines. No number, no words of theirs."""
    doubtful = f"，待核实 {candidates} 条" if candidates else ""
    lines = [
        f"您的诉求：未办结 {still_open} 件，已办结 {closed} 件{doubtful}{''.join(f'；{words}' for words in also)}",
        "您的电话：加密保存，只用于办理" if contact else "您的电话：没有保存",
        f"您的昵称：{nick or '没有保存'}{f'。诉求{_named(named_to)}' if named_to else ''}",
        "群里的话：说到诉求会登记" if heard else "群里的话：按您的要求不登记",
        f"您的身份：{office}，由社区登记" if office else "",
        "要删除请发“删除我的信息”",
    ]
    return "\n".join(line for line in lines if line)


def kept_shared(topics: int, votes: int, supplies: int) -> str:
    """What somebody takes part in with others; empty for nothing."""
    parts = (("议题", topics), ("投票", votes), ("物资、平安登记", supplies))
    return "，".join(f"{label} {count} 件" for label, count in parts if count)


def erased(tickets: int, *, office: str, silent: bool) -> str:
    """The answer once it is done: what went, and what stays and why."""
    if office:
        gone = "您反映问题时说的话和留的电话已删除。" if tickets else ""
        return f"{gone}您的{office}身份由社区登记保管，要更改或注销请找社区工作人员。"
    gone = "您说过的话、昵称和电话都已删除" if tickets else "您的昵称已删除"
    return f"{gone}，账号只留着用来不记您说的话。" if silent else f"{gone}，账号也不再保存。"


# --- help ---
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


# --- tickets ---
def where(place: Place, *, exact: bool = False) -> str:
    """`3栋2单元`, the named place behind it; with `exact` the floor and the room too, for those who handle it."""
    parts = [f"{place.building}栋" if place.building else "", f"{place.unit}单元" if place.unit else ""]
    if exact:
        parts.append(_floor(place.floor) if place.floor else "")
        parts.append(f"{place.room}室" if place.room else "")
    numbers = "".join(parts)
    named = place.place or ""
    return f"{numbers} {named}" if numbers and named else numbers or named


def _floor(floor: str) -> str:
    return f"负{floor.removeprefix('-')}楼" if floor.startswith("-") else f"{floor}楼"


def heading(ticket_id: str, category: str, place: str) -> str:
    return f"{ticket_id} {category} {place}".rstrip()


def listed(headings: Collection[str]) -> str:
    return "、".join(headings)


# What the resident is told at once.
ASK_WHERE = "请补充几栋几单元"
ASK_COMMUNITY = "请告诉我是哪个小区、几栋几单元"


def acknowledged(headings: Collection[str], ask: str = "") -> str:
    """The one public line of one or several tickets of one person; `ask`: the question that goes with it."""
    return f"已登记 {listed(headings)}，{ask or '办好了会来问您'}。"


def received_in_private(heading_: str, ask: str = "") -> str:
    return f"已收到 {heading_}，不公开，由网格长处理。{ask and f'{ask}。'}"


def candidate_in_private(ticket_id: str, ask: str = "") -> str:
    return f"已转网格长看看，编号 {ticket_id}。{ask and f'{ask}。'}"


def joined_report(ticket_id: str) -> str:
    """Somebody reported in so many words what is known already."""
    return f"{ticket_id} 已有人反映，您的已并入一起办。"


# The advice of an 应急 line: what to do, then whom to call.
ADVICE: Mapping[str, str] = {
    "0501": "请勿乘电梯，捂住口鼻低身撤离，火警打119。",
    "0502": "勿碰开关勿见明火，开窗离开，到室外打119。",
    "0503": "请勿扒门，按轿厢警铃等救援；有危险打119。",
    "0505": "请绕行，看好老人孩子；有人受伤打120，险情打119。",
    "0506": "请尽快打110报警，附近邻居帮忙留意。",
    "0507": "请先打120，勿随意搬动伤者，守在身边。",
    "0509": "请勿靠近勿触碰，险情打119，有人受伤打120。",
    "0510": "请断电、关水阀，往高处转移，勿涉水；被困打119。",
    "0511": "请先保证自己安全，立即打110；有人受伤打120。",
}
ADVICE_ELSE = "请先保证安全，急事打110、119、120。"


def emergency(heading_: str, category: str, ask: str = "") -> str:
    """The public line of an 应急: number, advice, whom to call."""
    return f"{heading_} 已登记。{ADVICE.get(category, ADVICE_ELSE)}{ask and f'{ask}。'}"


ID_NUMBER_HINT = "群里别发身份证号，建议马上撤回那条消息。我没有保存它。"


# Who usually deals with it, by category or group: only what the leader is offered to type.
_OWNER_HINT: Mapping[str, str] = {
    "0305": "执法",
    "0504": "民警",
    "0508": "民警",
    "0603": "社区",
    "07": "执法",
    "08": "社区",
    "09": "社区",
    "10": "部门",
    "11": "社区",
    "12": "社区",
}


def owner_hint(category: str) -> str:
    return _OWNER_HINT.get(category) or _OWNER_HINT.get(category[:2], "物业")


# What those who handle it are told.
def _said(nick: str, words: str) -> str:
    quoted = f"“{words}”" if words else "（图片、语音或位置）"
    return f"{nick}：{quoted}" if nick else quoted


def extent(since: datetime | None, households: int | None, at: datetime) -> str:
    """Since when a trouble lasts and how many households it strikes, as its reporter said `at` that moment."""
    told = []
    if since is not None:
        today = since.date() == at.astimezone(since.tzinfo).date() and (since.hour, since.minute) != (0, 0)
        told.append(f"{since:%H:%M}起" if today else f"{since.month}月{since.day}日起")
    if households is not None:
        told.append(f"至少{households}户")
    return f"（{'，'.join(told)}）" if told else ""


def told_filed(
    heading_: str, ticket_id: str, nick: str, words: str, owner: str, *, twin: str = "", assigned: str = ""
) -> str:
    """A new ticket; `owner`: who may deal with it; `twin`: the id of another one that may be the same trouble;
    `assigned`: whom it was given to by the list of owners."""
    hint = f" 可能与 {twin} 是同一件，是请回复 合并 {twin} {ticket_id}。" if twin else ""
    done = f"已派{assigned}，改派" if assigned else "已受理，"
    return f"【诉求】{heading_} {_said(nick, words)}{hint} {done}回复 派单 {ticket_id} {owner}"


def told_discreet(heading_: str, ticket_id: str, words: str, owner: str) -> str:
    """A confidential one: without the name of who reported it."""
    return (
        f"【保密】{heading_} {_said('', words)} 勿透露反映人。回复 派单 {ticket_id} {owner}，或 办结 {ticket_id} 结果"
    )


def told_nowhere(heading_: str, nick: str, words: str, *, urgent: bool) -> str:
    """Told in private by somebody of no known community; they have been asked which."""
    kind = "应急" if urgent else "诉求"
    return f"【{kind}】{heading_} {_said(nick, words)} 还不知道是哪个小区，已在私聊里问。认得反映人的请联系他。"


def told_emergency(heading_: str, ticket_id: str, nick: str, words: str) -> str:
    return f"【应急】{heading_} {_said(nick, words)} 请马上处置，回复 接单 {ticket_id} 或 派单 {ticket_id} 物业"


def told_emergency_discreet(heading_: str, ticket_id: str, words: str) -> str:
    return f"【应急·保密】{heading_} {_said('', words)} 请马上处置，勿透露反映人。回复 接单 {ticket_id}"


def told_candidate(heading_: str, ticket_id: str, nick: str, words: str) -> str:
    return f"【待确认】{heading_} {_said(nick, words)} 是诉求回复 受理 {ticket_id}，不是回复 误报 {ticket_id}"


def told_more(heading_: str, nick: str, words: str, reporters: int) -> str:
    """Something new about a ticket that is known."""
    many = f"（{reporters}人反映）" if reporters > 1 else ""
    return f"【补充】{heading_}{many} {_said(nick, words)}"


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


# Why a ticket rose, by the word that the audit chain holds.
WHY: Mapping[str, str] = {
    "whistle": "请上一级协调",
    "ack": "超时无人响应",
    "feedback": "超时没有初步结果",
    "verify": "超时没有核实",
    "close": "超时没有办结",
    "reopened": "再次没有解决",
    "spread": "已扩散到全社区",
}


def told_raised(
    heading_: str, ticket_id: str, why: str, level: Level, said: str, name: str, words: str, taken_by: str
) -> str:
    """To the level that a ticket has risen to: why, by whom (empty for the clock), and what to type; `taken_by`: who
    works on it already, so that it cannot be assigned anew."""
    answer = f"派单 {ticket_id} 承办，办不了回复 吹哨 {ticket_id}"
    if level is Level.DEPARTMENT:
        answer = f"接单 {ticket_id}，办完回复 办结 {ticket_id} 结果"
    if taken_by and level is Level.DEPARTMENT:
        answer = f"查询 {ticket_id} 看进展"
    elif taken_by:
        answer = f"办结 {ticket_id} 结果，办不了回复 吹哨 {ticket_id}"
    kind = "吹哨" if why == "whistle" else "升级"
    reason = f"{said or WHY[why]}{f'（{name}）' if name else ''}"
    quoted = f" “{words}”" if words else ""
    taken = f"{taken_by}已接单，请协调。" if taken_by else ""
    return f"【{kind}】{heading_} 已到{LEVEL[level]}：{reason}。{quoted} {taken}回复 {answer}"


def told_reopened(heading_: str, ticket_id: str, nick: str, words: str, times: int, owner: str) -> str:
    said = f" {_said(nick, words)}" if words else ""
    return f"【重办】{heading_} 反映人说没有解决（第{times}次）{said} 回复 派单 {ticket_id} {owner}"


def told_answered(heading_: str, ticket_id: str) -> str:
    """Somebody who answers for it answered in the group, and the asker is content."""
    said = "群里已答复，反映人满意，24小时后自动结案。"
    return f"【答复】{heading_}：{said}属实回复 办结 {ticket_id}，还要办回复 处置中 {ticket_id} 或派单"


def told_over(heading_: str, ticket_id: str) -> str:
    return f"【核实】{heading_}：反映人说已经好了。属实回复 办结 {ticket_id} 结果"


def told_taken(heading_: str, name: str) -> str:
    return f"【接单】{heading_}：{name} 已接单。"


def told_finished(heading_: str, name: str, result: str) -> str:
    return f"【办结】{heading_}：{name}：{result.rstrip('。.！!')}。正在回访。"


def told_assigned(heading_: str, ticket_id: str, nick: str, words: str, due: str, note: str) -> str:
    """To the owner: what it is, by when, and what to type next."""
    more = f" {note}" if note else ""
    limit = f" 请于{due}前办完。" if due else " "
    return f"【派单】{heading_} {_said(nick, words)}{more}{limit}回复 接单 {ticket_id}，办完回复 办结 {ticket_id} 结果"


# Answers to commands.
NOTHING_OPEN = "没有在办的诉求。有事直接说，或发“上报 内容”。"
# In a group, where what is confidential is not counted: the same words for everybody.
NOTHING_OPEN_HERE = "群里没有您在办的诉求。私聊我发“查询”可看全部。"
REPORT_WHAT = "请写上要反映的事，如：上报 3栋2单元电梯坏了"


def no_such_ticket(ticket_id: str) -> str:
    return f"没有 {ticket_id} 这个编号，请核对。"


def which_ticket(usage: str) -> str:
    return f"请写上编号，如：{usage}"


def state_line(heading_: str, state: str) -> str:
    return f"{heading_}：{state}"


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


def accepted(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已受理，派单请回复 派单 {ticket_id} {owner}"


def false_alarm(ticket_id: str) -> str:
    return f"{ticket_id} 已记为误报。"


def taken_for_talk(heading_: str, ticket_id: str) -> str:
    """To the reporters alone, whose number was said in public."""
    return f"{heading_} 核对后没有按诉求办理，编号已撤销。确有此事请回复 评价 {ticket_id} 不满意，会重新办理"


def assign_to_whom(ticket_id: str) -> str:
    return f"派给谁？如：派单 {ticket_id} 物业 2h"


def assigned(ticket_id: str, owner: str, due: str) -> str:
    return f"{ticket_id} 已派{owner}{f'，{due}前办完' if due else ''}。"


def assigned_untold(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已派{owner}，但我联系不上，请转告：接单 {ticket_id}"


def assigned_to_nobody(ticket_id: str, owner: str) -> str:
    """Nobody in the registry has that role here."""
    return f"{ticket_id} 已派{owner}，但名册里没有，请您转告。办好后请代发：办结 {ticket_id} 结果"


def taken(ticket_id: str) -> str:
    return f"{ticket_id} 已接单，办完请回复 办结 {ticket_id} 结果"


def taken_by(ticket_id: str, name: str) -> str:
    return f"{ticket_id} 已由 {name} 接单。"


# --- what goes beyond the usual course ---
def give_a_reason(usage: str, ticket_id: str) -> str:
    """A command that needs a reason came without one."""
    return f"请写上理由，如：{usage.replace('S12', ticket_id)}"


def returned(ticket_id: str) -> str:
    return f"{ticket_id} 已退回，网格长会改派。改派前仍由首接的人负责。"


def told_returned(heading_: str, ticket_id: str, name: str, reason: str, first: str) -> str:
    still = f"改派前仍由{first}负责。" if first else ""
    return f"【退回】{heading_} {name}：{reason}。{still}回复 派单 {ticket_id} 承办"


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


# Why an appeal may be refused. What is typed must begin with one of these.
OUT_OF_REMIT, UNFOUNDED = "超职责", "不属实"
REFUSALS = (OUT_OF_REMIT, "重复", "信息不足", UNFOUNDED, "涉法涉诉", "非本辖区", "已有结论")


def refuse_how(ticket_id: str) -> str:
    return f"请写上理由：{'、'.join(REFUSALS)}。如：不受理 {ticket_id} 超职责"


def refused(ticket_id: str) -> str:
    return f"{ticket_id} 已不予受理，会把理由告诉反映人。"


def refuse_another_person(ticket_id: str) -> str:
    """The one who refused it before may not refuse it again."""
    return f"{ticket_id} 您已经不予受理过一次，再次不予受理要由另一个人来定。"


def told_refused(heading_: str, name: str, reason: str) -> str:
    return f"【不予受理】{heading_} {name}：{reason}。"


def refusal(heading_: str, ticket_id: str, reason: str) -> str:
    """To the reporters: that it is not taken up, why (a word of the list), and what they can do."""
    return f"{heading_} 不予受理：{reason}。不同意请回复 评价 {ticket_id} 不满意"


def supervised(ticket_id: str) -> str:
    return f"{ticket_id} 已督办。"


def supervised_already(ticket_id: str) -> str:
    return f"{ticket_id} 已经在督办了。"


def supervise_from_above(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 由上一级（{level}）督办。"


def told_supervised(heading_: str, name: str, remark: str) -> str:
    return f"【督办】{heading_} {name}要求抓紧办理{f'：{remark}' if remark else ''}。"


def whistled(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 已吹哨到{level}。"


def whistle_from_there(ticket_id: str, level: str) -> str:
    """It is with a level above the speaker's own, so the next whistle is that one's to blow."""
    return f"{ticket_id} 已经在{level}，再往上由{level}吹哨。"


def at_the_top(ticket_id: str, level: str) -> str:
    return f"{ticket_id} 已经在{level}，没有更上一级。"


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


def recategorized(ticket_id: str, category: str, due: str) -> str:
    """Without the category where the public must not read it."""
    return f"{ticket_id} 已改{f'为{category}' if category else '类'}{f'，{due}前办完' if due else ''}。"


def which_category(ticket_id: str, near: Sequence[str]) -> str:
    examples = "、".join(near) if near else "供水、电梯故障、垃圾清运"
    return f"没有这个类别，可以写：{examples}。如：改类 {ticket_id} {near[0] if near else '供水'}"


def told_recategorized(heading_: str, before: str) -> str:
    return f"【改类】{heading_}（原{before}）"


def relocated(ticket_id: str, where_: str) -> str:
    return f"{ticket_id} 地址改为{where_}。"


def relocate_how(ticket_id: str) -> str:
    return f"请写上地址，如：改址 {ticket_id} 3栋2单元"


def relocate_unclear(ticket_id: str) -> str:
    return f"没认出这个地址，请写楼栋单元，或门、车库、广场这样的地点，如：改址 {ticket_id} 3栋2单元"


def told_relocated(heading_: str) -> str:
    return f"【改址】{heading_}"


def in_progress(ticket_id: str) -> str:
    return f"{ticket_id} 处置中，办完请回复 办结 {ticket_id} 结果"


def finish_how(ticket_id: str) -> str:
    return f"请写上结果，如：办结 {ticket_id} 已更换水泵"


def result_taken_back(ticket_id: str) -> str:
    return f"{ticket_id} 的办理结果已随撤回删除，请重发：办结 {ticket_id} 结果"


def finished(ticket_id: str) -> str:
    return f"{ticket_id} 已办结，正在问反映人是否解决。"


def not_assigned_to_you(ticket_id: str, owner: str) -> str:
    return f"{ticket_id} 已派{owner}，由对方来办。" if owner else f"{ticket_id} 还没派单，请网格长先 派单 {ticket_id}"


def not_possible(ticket_id: str, state: str, hint: str) -> str:
    """A step that does not fit the state: nothing was changed."""
    return f"{ticket_id} 现在是“{state}”{f'，{hint}' if hint else ''}。"


NEXT: Mapping[TicketState, str] = {
    TicketState.CANDIDATE: "先 受理 {id}，或 误报 {id}",
    TicketState.FILED: "可以 派单 {id} 物业，或 办结 {id} 结果",
    TicketState.ASSIGNED: "可以 接单 {id}，退回 {id} 理由，或 办结 {id} 结果",
    TicketState.ACCEPTED: "可以 处置中 {id}，延期 {id} 2天 理由，或 办结 {id} 结果",
    TicketState.IN_PROGRESS: "可以 办结 {id} 结果，或 延期 {id} 2天 理由",
    TicketState.CALLBACK: "在等反映人答复",
    TicketState.CLOSED: "如又发生，反映人14天内可发 评价 {id} 不满意",
    TicketState.REFUSED: "要办可以 受理 {id}",
    TicketState.MERGED: "随 {into} 一起办，分开办请发 撤并 {id}",
}


FALSE_ALARM = "误报"
ANSWERED = "答复即办"


# 未诉先办: what several people complained of in one grid.
def told_proactive(heading_: str, ticket_id: str, evidence: Sequence[str], days: int, owner: str) -> str:
    return (
        f"【未诉先办】{heading_}：{days}天内同类诉求{len(evidence)}件（{'、'.join(evidence)}），已立一单。"
        f"回复 派单 {ticket_id} {owner}"
    )


# 交办.
def task_given(task_id: str, grids_: int, due: str) -> str:
    return f"{task_id} 已交办{grids_}个网格{f'，{due}前完成' if due else ''}。"


# 事项准入: what may be handed to a grid, unless the deployment has a list of its own.
MATTERS = (
    "巡查", "走访", "排查", "宣传", "通知", "信息采集", "矛盾调解", "帮扶", "代办", "环境整治", "应急值守",
    "政策宣讲", "安全检查",
)  # fmt: skip
TASK_HOW = "请这样写：交办 @网格码或名称 事项 内容 3天"


def no_such_scope(typed: str) -> str:
    return f"没有找到范围“{typed}”，请写网格码或完整名称。"


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


# 网格呼叫.
def told_call(heading_: str, ticket_id: str) -> str:
    """To members near by: without a word of what was said."""
    return f"【呼叫】{heading_} 就在您附近，需要有人先到。能去请回复 应答 {ticket_id}，注意安全。"


def called(ticket_id: str, count: int) -> str:
    return f"{ticket_id} 已呼叫{count}人，有人应答会告诉您。"


def nobody_to_call(ticket_id: str) -> str:
    return f"{ticket_id} 附近没有能联系上的值班党员、志愿者。"


def called_already(ticket_id: str, name: str) -> str:
    return f"{ticket_id} 已由 {name} 应答。"


def not_called(ticket_id: str) -> str:
    return f"{ticket_id} 没有在呼叫。"


def call_yours(ticket_id: str, heading_: str) -> str:
    return f"{ticket_id} 由您先到：{heading_}。险情打119，伤病打120，注意安全。"


def told_call_taken(heading_: str, name: str) -> str:
    return f"【应答】{heading_}：{name} 已出发。"


CALL_DISCREET = "保密件不能呼叫。"

# 调解.
MEDIATE_IN_PRIVATE = "调解的事请加我好友后私聊说，不公开。"
MEDIATE_WHAT = "请写上要调解的事，如：调解 楼上漏水谈不拢"

# 三张清单.
LISTING: Mapping[Listing, str] = {
    Listing.DEMAND: "需求清单",
    Listing.RESOURCE: "资源清单",
    Listing.PROJECT: "项目清单",
}
LISTING_BY_LABEL: Mapping[str, Listing] = {label.removesuffix("清单"): listing for listing, label in LISTING.items()}


def list_counts(counts: Sequence[tuple[str, int]]) -> str:
    return "，".join(f"{label} {count}项" for label, count in counts)


def list_added(label: str) -> str:
    return f"已列入{label}。"


def list_moved(ticket_id: str, label: str) -> str:
    return f"{ticket_id} 已列入{label}。" if label else f"{ticket_id} 已移出清单。"


def list_empty(label: str) -> str:
    return f"{label}还没有内容。"


# Asking whether it is solved, and the answers.
LONGEST_LINE = 60  # in public, where the content allows


def mention_some(nicks: Sequence[str], text: str) -> tuple[str, int]:
    """The line with those it is for in front, and how many of them are named: as many as fit, the first one always."""
    named = len(nicks)
    while True:
        more = f"等{len(nicks)}位 " if named < len(nicks) else ""
        line = f"{''.join(f'@{nick}{MENTION_END}' for nick in nicks[:named] if nick)}{more}{text}"
        if named <= 1 or len(line) <= LONGEST_LINE:
            return line, named
        named -= 1


def solved(headings: str, answer: str = "") -> str:
    """Asked of the reporters when it is done; says nothing of what was complained about. `answer`: what the handler
    wrote for the public."""
    return f"{headings} 已处理{f'：{answer}' if answer else ''}，请回复：1 已解决 2 未解决"


def with_merged(ticket_id: str, merged_: Sequence[str]) -> str:
    """A ticket under the numbers that people know: `S1（含S4）`."""
    return f"{ticket_id}（含{'、'.join(merged_)}）" if merged_ else ticket_id


def closed(ticket_id: str) -> str:
    return f"{ticket_id} 已结案，谢谢。"


def reopened(ticket_id: str) -> str:
    return f"{ticket_id} 已重新受理，马上告诉网格长。"


def not_done_yet(ticket_id: str, state: str) -> str:
    return f"{ticket_id} 还在办（{state}），办完会来问您。"


RATE_HOW = "请这样写：评价 S12 满意，或 评价 S12 不满意 原因"


def too_late(ticket_id: str) -> str:
    return f"{ticket_id} 结案已久，如又发生请直接说。"


def rated(ticket_id: str) -> str:
    return f"{ticket_id} 的评价已记下，谢谢。"


# What there is to do.
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


# --- clocks ---
_CLOCK: Mapping[ClockKind, str] = {
    ClockKind.ACK: "响应",
    ClockKind.AGREED: "办结",
    ClockKind.FEEDBACK: "反馈",
    ClockKind.VERIFY: "核实",
    ClockKind.CLOSE: "办结",
}
_NEXT_STEP: Mapping[ClockKind, str] = {
    ClockKind.ACK: "接单 {id}",
    ClockKind.AGREED: "办结 {id} 结果",
    ClockKind.FEEDBACK: "处置中 {id} 进展",
    ClockKind.VERIFY: "处置中 {id} 核实情况",
    ClockKind.CLOSE: "办结 {id} 结果",
}


def told_running_out(heading_: str, ticket_id: str, kind: ClockKind, due: str, to_assign: str, *, nearly: bool) -> str:
    """Half of a time limit is over; with `nearly` four fifths. `to_assign`: whom it may be given to, where nobody has
    it yet."""
    label = "快到时限" if nearly else "时限过半"
    step = f"派单 {ticket_id} {to_assign}" if to_assign else _NEXT_STEP[kind].format(id=ticket_id)
    return f"【{label}】{heading_}：{due}前要{_CLOCK[kind]}。回复 {step}"


def told_overdue(heading_: str, kind: ClockKind, level: str) -> str:
    """A time limit is over; `level` is where the ticket has gone, empty where it is at the top already."""
    limit = "约定的" if kind is ClockKind.AGREED else _CLOCK[kind]
    return f"【超时】{heading_}：超过{limit}时限{f'，已升级到{level}' if level else ''}。"


def told_not_taken(heading_: str, ticket_id: str, owner: str, minutes: int) -> str:
    return f"【未接单】{heading_}：已派{owner}{minutes}分钟，还没有接单。请联系，或回复 派单 {ticket_id} 另派"


# --- 日报 周报 ---
DIGEST_IN_PRIVATE = "已私下发您。"
ASK_IN_PRIVATE = "请私聊我发“日报”或“周报”。"


def share(part: int, whole: int) -> str:
    """A rate, never without its denominator: `90%（9/10）`."""
    return f"{round(100 * part / whole)}%（{part}/{whole}）" if whole else "—"


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


# --- 急时 ---
MODE_IS_OFF = "现在是平时。"
MODE_NOT_YOURS = "急时是上级转的，请由上级转平。"


def mode_on(where_: str, until: str, on_duty: str = "") -> str:
    return f"{where_}已转急时，到{until}。{on_duty and f'值班：{on_duty}。'}"


def mode_off(where_: str) -> str:
    return f"{where_}已转平时。"


def told_mode_on(where_: str, reason: str, name: str, until: str, on_duty: str = "") -> str:
    duty = f"值班：{on_duty}。" if on_duty else ""
    return f"【转急】{where_}：{reason}（{name}）。到{until}，时限不分昼夜。{duty}结束请回复 转平"


def told_mode_off(where_: str) -> str:
    return f"【转平】{where_}已转为平时。"


def told_mode_expired(where_: str) -> str:
    return f"【转平】{where_}：急时已到期，自动转为平时。还要继续请回复 转急 原因"
