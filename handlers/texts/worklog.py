"""What people read about their own work log and their own points. Nothing here compares anybody with anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.points import PointAction
from storage.worklog import WorkKind

KIND: Mapping[WorkKind, str] = {
    WorkKind.VISIT: "走访",
    WorkKind.PATROL: "巡查",
    WorkKind.TAKEN: "接单",
    WorkKind.HANDLED: "办结",
    WorkKind.CALL: "应答",
    WorkKind.TASK: "交办完成",
}
ACTION: Mapping[PointAction, str] = {
    PointAction.ATTENDANCE: "参加活动",
    PointAction.WISH: "完成心愿",
    PointAction.CALL: "应答呼叫",
    PointAction.REDEEMED: "兑换",
    PointAction.CORRECTED: "冲正",
}
LONGEST = 200  # characters of a line
HAS_PHOTO = "有"
WORK_TITLE, POINTS_TITLE = "工作记录", "积分台账"

# --- the work log ---
WORK_OFF = "工作记录没有启用，不用报，您的辛苦大家看得到。"
WORK_HOW = "请这样写：走访 3户 无异常，或 巡查 楼道无堆物"
WORK_TOO_LONG = f"请写短一点，{LONGEST}字以内。"
NO_WORK = "本月还没有记录，不用补。接单、办结、应答、完成交办会自己记上。"


def logged(kind: WorkKind, *, trouble: bool) -> str:
    """`trouble`: what was seen sounds like something to be dealt with."""
    then = "要派人处理请再发“上报 内容”。" if trouble else "有照片可接着发。"
    return f"{KIND[kind]}已记。{then}"


def work(counts: Mapping[WorkKind, int], households: int, lines: Sequence[str]) -> str:
    """One's own month, for their eyes."""
    visited = f"（{households}户）" if households else ""
    every = [
        f"{KIND[kind]} {counts[kind]}{visited if kind is WorkKind.VISIT else ''}" for kind in KIND if counts.get(kind)
    ]
    return "\n".join((f"本月：{' · '.join(every)}", *lines))


def work_line(day: str, kind: WorkKind, what: str) -> str:
    return f"{day} {KIND[kind]} {what}".rstrip()


def households(count: int | None) -> str:
    return f"{count}户" if count else ""


# --- points ---
POINTS_OFF = "这里没有启用积分，您的心意一样可贵。"
POINTS_IN_PRIVATE = "积分只给您自己看，请私聊我发“积分”。"
NO_POINTS = "您还没有积分。参加活动签到、完成心愿、应答呼叫会自己记上，不排名。"
REDEEM_HOW = "请这样写：兑换 姓名 20 毛巾"
CORRECT_HOW = "请这样写：冲正 P7 理由"
NOT_DONE = "这次没有办成，原因请私聊我再发一遍。"


def balance(total: int, lines: Sequence[str]) -> str:
    return "\n".join((f"您有 {total} 分。", *lines))


def point_line(day: str, delta: int, action: PointAction, what: str) -> str:
    return f"{day} {delta:+d} {ACTION[action]} {what}".rstrip()


def nobody_named(name: str) -> str:
    return f"您的网格里没有叫“{name}”的人有积分，请写姓名或群昵称。"


def several_named(name: str, count: int) -> str:
    return f"有{count}位“{name}”有积分，请写完整的姓名或群昵称。"


def redeemed(entry: str, name: str, amount: int, what: str, left: int) -> str:
    return f"{entry} {name} 用{amount}分兑换{what}，还剩{left}分。写错了发“冲正 {entry} 理由”。"


def redeemed_in_group(entry: str) -> str:
    """Nobody else reads for what, nor how much is left."""
    return f"{entry} 已登记。写错了发“冲正 {entry} 理由”。"


def too_few(name: str, total: int, amount: int) -> str:
    return f"{name}有{total}分，不够{amount}分，没有兑换。"


def told_redeemed(amount: int, what: str, left: int) -> str:
    return f"您用{amount}分兑换了{what}，还剩{left}分。不对请告诉社区工作人员。"


def no_such_entry(entry: str) -> str:
    return f"没有 {entry} 这条积分记录，请核对编号。"


def not_corrected(entry: str) -> str:
    return f"{entry} 不能冲正：已经冲正过，或积分已经用掉。"


def corrected(entry: str, against: str) -> str:
    return f"{entry} 已冲正，记在 {against}。"


def told_corrected(delta: int, left: int) -> str:
    return f"有一条积分记错了，已更正 {delta:+d} 分，现有{left}分。"


def kept(entries: int, points: int | None) -> str:
    """For 我的信息."""
    parts = [f"工作记录{entries}条" if entries else "", f"积分{points}分" if points is not None else ""]
    return "，".join(part for part in parts if part)
