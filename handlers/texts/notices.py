"""What is said about notices. The notice itself is never varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from storage.model import SendState
from storage.notices import NoticeState, RoomLine, Skipped, Standing

BEGINNING = 16  # characters by which a notice is known again
LONGEST = 1500  # characters; a longer one is a file, not a message

LEADER_ROOMS = ("网格长群", "骨干群", "工作群", "网格员群", "楼栋长群")
TITLE = "【通知】"
URGENT_TITLE = "【紧急通知】"
STATE: Mapping[NoticeState, str] = {
    NoticeState.DRAFT: "待确认",
    NoticeState.SCHEDULED: "待发送",
    NoticeState.SENDING: "发送中",
    NoticeState.SENT: "已发完",
    NoticeState.CANCELLED: "已取消",
}
SKIPPED: Mapping[Skipped, str] = {
    Skipped.DORMANT: "未启用",
    Skipped.GONE: "已被移出群",
    Skipped.CANCELLED: "已取消",
    Skipped.NO_MEMBER: "没有在线的号",
}
HOW = "请发：通知 内容，或 通知 @范围 内容（范围：网格名或编码、群名里的字、网格长群）。"
TOO_LONG = f"通知最多 {LONGEST} 字，太长的请发文件，群里只说要点。"
ID_NUMBER = "通知里有身份证号码，请删去后再发。"
CORRECT_HOW = "请发：更正 T3 正确的内容。"
NO_ROOM = "这个范围里没有已启用的群。"
WHICH = "请带上通知编号，如 确认 T3。"
NONE_YET = "您还没有发过通知。"
SECOND_PERSON = "这条通知超出一个社区，要另一位有权限的同事发 确认 {id}。"


def body(text: str, *, urgent: bool, corrects: str = "") -> str:
    """What the groups read: the words as they are, a title in front where they carry none."""
    if corrects:
        return f"【更正】{corrects}，以本条为准：\n{text}"
    if urgent:
        return f"{URGENT_TITLE}{text}"
    return text if text.startswith(("【", "通知", "关于", "温馨提示", "紧急")) else f"{TITLE}{text}"


def corrected(said_at: datetime, text: str) -> str:
    """What a correction corrects: when it was said, in local time, and how it began."""
    words = " ".join(text.split())
    beginning = words if len(words) <= BEGINNING else f"{words[:BEGINNING]}…"
    return f"{said_at.month}月{said_at.day}日的通知“{beginning}”"


def file_label(name: str, *, picture: bool) -> str:
    """A picture or file where only its name can be shown."""
    return f"[{'图片' if picture else '文件'} {name}]"


def announcement_label(text: str) -> str:
    """An announcement of the group where it stands among what was said."""
    return f"[群公告]{text}"


def no_such_scope(typed: str) -> str:
    return f"没找到“{typed}”，范围请写网格名或编码、群名里的字、网格长群。"


def preview(
    id_: str, body_: str, standing: Standing, accounts: int, takes: timedelta, *, wide: bool, in_room: bool
) -> str:
    """What is about to go out, and how to let it. In the group that read it anyway, without its words."""
    reach = f"{id_} 将发到 {standing.rooms} 个群"
    if accounts > 1:
        reach += f"（{accounts} 个账号）"
    if takes >= timedelta(minutes=2):
        reach += f"，约{span(takes)}发完"
    reach += skipped(standing.skipped)
    second = f"\n{SECOND_PERSON.format(id=id_)}" if wide else ""
    go = f"确认 {id_} 发出 · 定时 {id_} 明天18:00 · 取消 {id_}"
    return f"{reach}。{go}{second}" if in_room else f"{reach}：\n{body_}\n{go}{second}"


def skipped(why: Sequence[tuple[Skipped, int]]) -> str:
    """Which rooms of the scope get none."""
    parts = [f"{count} 个{SKIPPED[reason]}" for reason, count in why]
    return f"，另有{'、'.join(parts)}不发" if parts else ""


def span(takes: timedelta) -> str:
    """How long, as people say it."""
    minutes = max(1, round(takes / timedelta(minutes=1)))
    if minutes < 100:
        return f" {minutes} 分钟"
    return f" {minutes / 60:.1f} 小时".replace(".0", "")


def confirmed(id_: str, rooms: int, *, later: str = "") -> str:
    """`later`: when it begins, where that is not now."""
    return f"{id_} {later}开始发，共 {rooms} 个群。" if later else f"{id_} 开始发了，共 {rooms} 个群。"


def needs_second(id_: str) -> str:
    return SECOND_PERSON.format(id=id_)


def nobody_second(id_: str) -> str:
    """There is nobody else who could let it go."""
    return f"{id_} 超出一个社区，名册里没有另一位能确认的同事。请补录一位，或按社区分别发。"


def asked_second(id_: str, author: str, rooms: int, body_: str) -> str:
    """To those who may confirm it."""
    return f"{author}拟发通知 {id_}（{rooms} 个群），请您确认：\n{body_}\n确认 {id_} · 取消 {id_}"


def when(id_: str) -> str:
    return f"请写清时间，如 定时 {id_} 明天18:00（30天以内）。"


def no_such(id_: str) -> str:
    return f"没有通知 {id_}。"


def already(id_: str, state: NoticeState) -> str:
    return f"{id_} {STATE[state]}。"


def cancelled(id_: str, held: int, out: int) -> str:
    """`held`: rooms that will not get it; `out`: rooms that have it."""
    if not out:
        return f"{id_} 已取消，没有发出。"
    return f"{id_} 已停发：{out} 个群已发出（请另发更正），{held} 个群不再发。"


def report(id_: str, state: NoticeState, standing: Standing) -> str:
    """Numbers only: who has not said 收到 is nobody's business."""
    parts = [f"已发 {standing.sent}/{standing.rooms} 个群"]
    if standing.waiting:
        parts.append(f"待发 {standing.waiting}")
    if standing.unknown:
        parts.append(f"不确定 {standing.unknown}")
    if standing.failed:
        parts.append(f"失败 {standing.failed}")
    parts += [f"{SKIPPED[why]} {count}" for why, count in standing.skipped]
    if standing.receipts:
        parts.append(f"收到 {standing.receipts} 人")
    return f"{id_} {STATE[state]}：{'，'.join(parts)}。"


_RESULT: Mapping[SendState, str] = {
    SendState.QUEUED: "待发",
    SendState.SENDING: "发送中",
    SendState.SENT: "已发",
    SendState.UNKNOWN: "不确定",
    SendState.FAILED: "失败",
    SendState.DROPPED: "已取消",
}


def room_result(line: RoomLine) -> str:
    """What became of a notice in one room."""
    if line.skipped is not None:
        return SKIPPED[line.skipped]
    if line.state is None:
        return _RESULT[SendState.QUEUED]
    return "已发（群里可见）" if line.confirmed and line.state is SendState.SENT else _RESULT[line.state]


def asked_under(id_: str, where: str, question: str) -> str:
    """To the notice's author: somebody asked about it."""
    return f"{where}有人问通知 {id_}：“{question}”"
