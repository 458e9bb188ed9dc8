"""What is said about notices. The notice itself is never varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from storage.model import SendState
from storage.notice_files import LARGEST
from storage.notices import FileLines, Notice, NoticeState, RoomLine, Skipped, Standing

BEGINNING = 16  # characters by which a notice is known again
LONGEST = 1500  # characters; a longer one is a file, not a message

EVERYBODY = ("所有人", "所有群", "全部", "全体", "全部群", "全体居民", "所有居民")
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
HOW_ANNOUNCE = "请发：公告 内容，或 公告 @范围 内容。账号不是群主或管理员的群，改发普通消息。"
SHOW_FIRST = "没看到图片或文件。请先在这里把它发给我，10分钟内再发一次这条。"
SHOW_IN_PRIVATE = "附件请私聊我，或在网格长群里发给我，再发 附图 加通知编号。"
NO_TEMPLATES = "还没有通知模板，请管理员在配置里加 [[notices.templates]]。"
HOW = "请发：通知 内容，或 通知 @范围 内容（范围：网格名或编码、几栋、群名里的字、网格长群，几个就用顿号连着写）。"
TOO_LONG = f"通知最多 {LONGEST} 字，太长的请发文件，群里只说要点。"
ID_NUMBER = "通知里有身份证号码，请删去后再发。"
ID_NUMBER_FILE = "文件名里有身份证号码，没有附上。请改了文件名再发给我。"


def correct_how(notice_id: str) -> str:
    return f"请发：更正 {notice_id} 正确的内容。"


NO_ROOM = "这个范围里没有已启用的群。"
WHICH = "请带上通知编号，如 确认 T3。"
NONE_YET = "您还没有发过通知。"
NONE_OPEN = "您没有待确认或待发送的通知。"
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
    return f"没找到“{typed}”，范围请写网格名或编码、几栋、群名里的字、网格长群。"


def several_scopes(typed: str, count: int, community: str) -> str:
    """Grids of the same name."""
    return f"有 {count} 个“{typed}”，请写成 {community}{typed}，或写网格编码。"


NAMED = 6  # groups that a preview calls by their names


def reach(notice: Notice, standing: Standing, accounts: int, takes: timedelta, *, shows: bool) -> str:
    """To how many groups it goes, by how many accounts, and how long that takes. `shows`: with a picture or file."""
    said = f"{notice.id} 将{'作为群公告' if notice.announce else ''}发到 {standing.rooms} 个群"
    if accounts > 1:
        said += f"（{accounts} 个账号）"
    if shows:
        said += "，每群先发文字再发附件"
    if takes >= timedelta(minutes=2):
        said += f"，约{span(takes)}发完"
    if notice.announce:
        said += "；账号不是群主或管理员的群，改发普通消息"
    return said + skipped(standing.skipped)


def preview(notice: Notice, standing: Standing, reach_: str, groups: Sequence[str], body_: str) -> str:
    """What is about to go out, to groups of these names and maybe more, and how to let it. In the group that reads it
    anyway, without its words."""
    second = f"\n{SECOND_PERSON.format(id=notice.id)}" if notice.wide else ""
    go = f"确认 {notice.id} 发出 · 定时 {notice.id} 明天18:00 · 取消 {notice.id}"
    if not body_:
        return f"{reach_}。{go}{second}"
    named = "、".join(groups) + ("等" if standing.rooms > len(groups) else "")
    return f"{reach_}：{named}\n{body_}\n{go}{second}"


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


def confirmed(id_: str, rooms: int, *, later: str = "", file: str = "") -> str:
    """`later`: when it begins, where that is not now; `file`: what its picture or file is called."""
    begins = f"{later}开始发" if later else "开始发了"
    return f"{id_} {begins}，共 {rooms} 个群{f'，附{file}' if file else ''}。"


def needs_second(id_: str) -> str:
    return SECOND_PERSON.format(id=id_)


def nobody_second(id_: str) -> str:
    """There is nobody else who could let it go."""
    return f"{id_} 超出一个社区，名册里没有另一位能确认的同事。请补录一位，或按社区分别发。"


def asked_second(notice: Notice, author: str, rooms: int, body_: str, file: str, at: str) -> str:
    """To those who may confirm it. `file`: what its picture or file is called, which they are shown, too; `at`: when it
    is to go out, where that is not now."""
    kind = "群公告" if notice.announce else "通知"
    carries = f"\n附：{file}" if file else ""
    id_ = notice.id
    meant = f"{at}发{kind}" if at else f"发{kind}"
    go = f"定时 {id_} {at} · 确认 {id_} 现在就发" if at else f"确认 {id_}"
    return f"{author}拟{meant} {id_}（{rooms} 个群），请您确认：\n{body_}{carries}\n{go} · 取消 {id_}"


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


def report(notice: Notice, standing: Standing) -> str:
    """Numbers only: who has not said 收到 is nobody's business."""
    parts = [f"已发 {standing.sent}/{standing.rooms} 个群"]
    if notice.announce and standing.sent:
        said = standing.sent - standing.announced
        parts[0] += f"（群公告 {standing.announced}{f'，改发消息 {said}' if said else ''}）"
    if standing.waiting:
        parts.append(f"待发 {standing.waiting}")
    if standing.unknown:
        parts.append(f"不确定 {standing.unknown}")
    if standing.failed:
        parts.append(f"失败 {standing.failed}")
    parts += [f"{SKIPPED[why]} {count}" for why, count in standing.skipped]
    if standing.files is not None:
        parts.append(_files(standing.files))
    if standing.receipts:
        parts.append(f"收到 {standing.receipts} 人")
    return f"{notice.id} {STATE[notice.state]}：{'，'.join(parts)}。"


def _files(files: FileLines) -> str:
    counted = ((files.waiting, "待发"), (files.unknown, "不确定"), (files.failed, "失败"), (files.dropped, "不发"))
    rest = "、".join(f"{word} {count}" for count, word in counted if count)
    return f"附件已发 {files.sent} 个群{f'（{rest}）' if rest else ''}"


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
    if line.state is SendState.SENT and line.announced:
        return "已发为群公告"
    return "已发（群里可见）" if line.confirmed and line.state is SendState.SENT else _RESULT[line.state]


def file_result(line: RoomLine) -> str:
    """What became of its picture or file there; empty where it has none."""
    return "" if line.file is None else _RESULT[line.file]


def stated(sentence: str) -> str:
    """The notice's own words, to who asks for them."""
    return f"通知里写的是：“{sentence}”"


def asked_under(id_: str, where: str, question: str, *, last: bool) -> str:
    """To the notice's author: somebody asked about it; `last`, others that ask within the hour are not passed on."""
    more = "\n问的人较多，这一小时内不再转发；可用“更正”补充说明。" if last else ""
    return f"{where}有人问通知 {id_}：“{question}”{more}"


# ---------------------------------------------------------------- pictures and files
MEGABYTE = 2**20


def size(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE else f"{max(1, round(count / 1024))} KB"


def attached(id_: str, label: str, count: int, takes: timedelta) -> str:
    """The picture or file is here. `count`: its bytes."""
    lasts = f"，约{span(takes)}发完" if takes >= timedelta(minutes=2) else ""
    return f"{id_} 附上了{label}（{size(count)}），每群先发文字再发附件{lasts}。确认 {id_} 发出。"


def not_attached(id_: str, count: int) -> str:
    """`count`: its bytes where those are too many, else it could not be had."""
    if count:
        return (
            f"附件最多 {size(LARGEST)}，这个至少 {size(count)}，{id_} 没有附上。请压缩后重新发给我，再发 附图 {id_}。"
        )
    return f"没取到您刚发的图片或文件，{id_} 没有附上。请重新发给我，再发 附图 {id_}；也可以请管理员用电脑附上。"


def heic(id_: str) -> str:
    """Most phones do not show it, and where it was taken cannot be taken out of it."""
    return (
        f"这是苹果手机的原图（HEIC），别的手机多半打不开，里面还记着拍摄地点，{id_} 没有附上。"
        f"请当照片发给我（不勾“原图”），或截个图发来，再发 附图 {id_}。"
    )


def look_first(id_: str, label: str) -> str:
    """To a second person who has not seen the picture or file yet."""
    return f"{id_} 还附了{label}，已发给您，请看过后再发 确认 {id_}。"


def file_missing(id_: str) -> str:
    """It was to have one and nobody knows what became of that."""
    return f"{id_} 的附件还没取到，先不发。请把图片或文件重新发给我，再发 附图 {id_}；不要附件就 取消 {id_} 后重发。"


def file_recalled(id_: str, out: int) -> str:
    """Who showed it took it back; `out`: groups that have it."""
    return f"您撤回的图片或文件不再随 {id_} 发出" + (f"，已有 {out} 个群收到，收不回来。" if out else "。")


# ---------------------------------------------------------------- templates
def templates(fields: Mapping[str, Sequence[str]]) -> str:
    """All of them with what is to be filled in."""
    lines = [f"{name}：{'、'.join(names) or '没有要填的'}" for name, names in fields.items()]
    first, names = next(iter(fields.items()))
    return "\n".join([*lines, f"用法：{_filled_in(first, names)}。看全文发 模板 {first}"])


def template(name: str, text: str, fields: Sequence[str]) -> str:
    """One of them in full."""
    return f"{name}：\n{text}\n用法：{_filled_in(name, fields)}"


def _filled_in(name: str, fields: Sequence[str]) -> str:
    values = "；".join(f"{field}=…" for field in fields)
    return f"通知 @范围 模板 {name} {values}".rstrip()


def no_such_template(name: str, known: Sequence[str]) -> str:
    listed = "、".join(known)
    return f"没有模板“{name[:20]}”，有：{listed}。" if name else f"请写明哪个模板，有：{listed}。"


def template_missing(name: str, missing: Sequence[str]) -> str:
    values = "；".join(f"{field}=…" for field in missing)
    return f"模板 {name} 还缺：{'、'.join(missing)}。请补上 {values} 再发一次。"


def template_unknown(name: str, unknown: Sequence[str], fields: Sequence[str]) -> str:
    return f"模板 {name} 里没有：{'、'.join(unknown)}。它的字段是：{'、'.join(fields) or '没有'}。"


def template_words(name: str, words: str, fields: Sequence[str]) -> str:
    """Words that belong to no field, or a field that is said twice."""
    return f"模板 {name} 看不懂“{words[:20]}”，请照这样写：{_filled_in(name, fields)}"
