"""What people read about micro-wishes and about what they did for their neighbours.

Who wished and who gives are named to the leader only. A reply in a group says neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nlp.discretion import Private
from storage.contributions import ContributionKind
from storage.wishes import WishState

STATE: Mapping[WishState, str] = {
    WishState.PENDING: "待审核",
    WishState.PUBLISHED: "已发布",
    WishState.CLAIMED: "已认领",
    WishState.DONE: "已完成",
    WishState.REJECTED: "已驳回",
    WishState.WITHDRAWN: "已撤回",
}
KIND: Mapping[ContributionKind, str] = {
    ContributionKind.SUGGESTION: "建议",
    ContributionKind.WISH: "微心愿",
    ContributionKind.DEED: "实事",
    ContributionKind.SERVICE: "志愿服务",
}
ANONYMOUS = "匿名"
HAS_PHOTO = "有"
WISHES_TITLE, CONTRIBUTIONS_TITLE = "微心愿台账", "四个一记录"
_PRIVATE: Mapping[Private, str] = {
    Private.MINOR: "孩子",
    Private.ILLNESS: "病情",
    Private.HOME: "门牌",
    Private.NAME: "称呼",
}
LONGEST = 200  # characters of a wish


# --- wishing ---
WISH_WHAT = "请写上心愿，如：心愿 4栋独居老人想换个灯泡"
WISH_TOO_LONG = f"心愿请写短一点，{LONGEST}字以内。"
WISH_WHERE = "请写上是哪个小区，如：心愿 青禾社区 想换个灯泡"
WISHED_ALREADY = "这个心愿已经收到，正等网格长审核。"
WISHED_IN_GROUP = "心愿收到，网格长审核后再公布，不提是谁。想更保密可撤回，再私聊我说。"


def wished(wish_id: str) -> str:
    return f"心愿 {wish_id} 收到，网格长审核后公布，不提您是谁。不想要了请发“撤回 {wish_id}”。"


def wished_by_leader(wish_id: str, why: str) -> str:
    return f"心愿 {wish_id} 待审核。{why}公布请发“审核 {wish_id} 通过{' => 改后的话' if why else ''}”。"


def look(wish_id: str) -> str:
    """In a group, about what is wrong with a wording."""
    return f"{wish_id} 的写法不便公开，请私聊我改写。"


def told_wished(wish_id: str, text: str, who: str, why: str) -> str:
    """To the leaders: the wish, whose it is, and what must be thought of before it is published."""
    how = f"改后公布发“审核 {wish_id} 通过 => 改后的话”" if why else f"公布发“审核 {wish_id} 通过”"
    return (
        f"【心愿】{wish_id} 待审核：{text}\n许愿人：{who}（不公开）\n{why}{how}，不公布发“审核 {wish_id} 驳回 理由”。"
    )


def whose(nick: str, room: str) -> str:
    return f"{nick or '一位居民'}（{room or '私聊'}）"


def not_for_all(found: Mapping[Private, str]) -> str:
    """Why it must not be published as it stands; empty where it may."""
    said = "、".join(f"{_PRIVATE[kind]}（{words}）" for kind, words in found.items())
    return f"提到{said}，不能照原话公开，请改写。" if said else ""


def over_budget(yuan: int, most: int) -> str:
    return f"提到{yuan}元，超过{most}元，公不公布由您定。"


# --- review ---
REVIEW_HOW = "请这样写：审核 X5 通过，或 审核 X5 驳回 理由"
ONE_WORDING = "改写一次只能一个编号，如：审核 X5 通过 => 改后的话"
NOTHING_PENDING = "没有待审核的心愿。"


def pending_line(wish_id: str, text: str) -> str:
    return f"{wish_id} {text}"


def reviewed_already(wish_id: str, state_: WishState) -> str:
    return f"{wish_id} 现在是“{STATE[state_]}”，不用再审。"


def reject_why(wish_id: str) -> str:
    return f"请写明理由，如：审核 {wish_id} 驳回 超出能力"


def reword(wish_id: str, why: str) -> str:
    return f"{wish_id} {why}如：审核 {wish_id} 通过 => 改后的话"


def no_room_for(wish_id: str) -> str:
    return f"{wish_id} 没有可公布的群，请用“审核 {wish_id} 通过 @网格”指定。"


def name_scope(wish_id: str, rooms: int) -> str:
    return f"{wish_id} 会公布到{rooms}个群，请写明范围：审核 {wish_id} 通过 @网格。"


def published(wish_id: str, rooms: int, when: str) -> str:
    where = f"公布到{rooms}个群" if rooms > 1 else "公布到群里"
    return f"{wish_id} 已通过，{where}{f'，{when}起发' if when else ''}。"


def not_reachable(line: str) -> str:
    """Behind an answer to a leader: the bot cannot tell the wisher itself."""
    return f"{line}许愿人没加我好友，请转告。"


def rejected(wish_id: str) -> str:
    return f"{wish_id} 已驳回。"


def undone(wish_id: str) -> str:
    return f"{wish_id} 已改回未完成，仍由原来的人认领。"


def wish_published(wish_id: str) -> str:
    return f"您的心愿 {wish_id} 已公布，有人认领会告诉您。"


def wish_rejected(wish_id: str, reason: str) -> str:
    return f"您的心愿 {wish_id} 没有公布：{reason}。有疑问请找网格长。"


def notice(wish_id: str, public: str) -> str:
    """The line in the groups."""
    return f"微心愿 {wish_id}：{public}。想帮忙发“认领 {wish_id}”，由网格长转达。"


# --- claiming ---
def claimed(wish_id: str, days: int, *, anonymous: bool, public: bool) -> str:
    unnamed = "不提您的名字；下次私聊认领更稳妥。" if anonymous and public else "不提您的名字。" if anonymous else ""
    return f"{wish_id} 由您认领，谢谢！{unnamed}由网格长转达，{days}天内做不了发“放弃 {wish_id}”。"


def in_line(wish_id: str, place: int) -> str:
    return f"{wish_id} 已有人先认领，您是候补第{place}位，轮到会告诉您。"


def in_line_many(wish_id: str, waiting: int) -> str:
    """To several in a group at once."""
    return f"{wish_id} 已有人先认领，候补已有{waiting}位，轮到会告诉您。"


def in_line_already(wish_id: str, place: int) -> str:
    return f"{wish_id} 您已在候补第{place}位。"


def yours_already(wish_id: str) -> str:
    return f"{wish_id} 已经由您认领，由网格长转达。"


def your_own(wish_id: str) -> str:
    return f"{wish_id} 是您自己的心愿，等邻居来认领。"


def ask_leader(wish_id: str) -> str:
    """In public, where the true reason would tell who wished."""
    return f"{wish_id} 请直接找网格长。"


def no_such_wish(wish_id: str) -> str:
    return f"没有公布过 {wish_id}，请核对编号。"


def over(wish_id: str, state: WishState, *, thanks: bool = False) -> str:
    """Somebody wants what cannot be had any more; `thanks` to who wanted to help."""
    words = {
        WishState.DONE: "已经完成",
        WishState.REJECTED: "没有公布",
        WishState.WITHDRAWN: "已经撤回",
        WishState.PENDING: "还没公布，请等审核",
    }
    meant_well = thanks and state in (WishState.DONE, WishState.WITHDRAWN)
    return f"{wish_id} {words.get(state, STATE[state])}{'，谢谢您的心意' if meant_well else ''}。"


def which(ids: Sequence[str], usage: str) -> str:
    return f"有{len(ids)}个：{'、'.join(ids[:6])}，请写编号，如：{usage} {ids[0]}"


def name_one(usage: str) -> str:
    return f"请写编号，如：{usage} X5"


NOTHING_OPEN = "现在没有公布的心愿。"


def open_line(wish_id: str, public: str, state: WishState) -> str:
    return f"{wish_id} {public}（{'可认领' if state is WishState.PUBLISHED else '已有人认领'}）"


def told_claimed(wish_id: str, public: str, giver: str, wisher: str, days: int) -> str:
    return f"【认领】{wish_id} {public}\n认领人：{giver}\n许愿人：{wisher}\n请{days}天内转达，姓名电话不互给。"


def with_note(giver: str, note: str, *, anonymous: bool) -> str:
    more = "，".join(part for part in (note, "不具名" if anonymous else "") if part)
    return f"{giver}，{more}" if more else giver


def wish_claimed(wish_id: str) -> str:
    return f"您的心愿 {wish_id} 有人认领了，网格长会联系您。"


# --- giving it up, running out ---
NOT_HOLDING = "您没有认领中的心愿。"


def not_yours(wish_id: str) -> str:
    return f"{wish_id} 不是由您认领的。"


def not_wished_by_you(wish_id: str) -> str:
    return f"{wish_id} 不是您提的心愿。"


def given_up(wish_id: str, *, next_one: bool) -> str:
    return f"{wish_id} 已放弃，{'转给下一位' if next_one else '其他邻居可以认领'}。谢谢您的心意。"


def left_line(wish_id: str) -> str:
    return f"{wish_id} 您已退出候补。"


def ran_out(wish_id: str, days: int) -> str:
    return f"{wish_id} 认领满{days}天还没完成，先请别的邻居接手，谢谢您的心意。"


def your_turn(wish_id: str, public: str, days: int) -> str:
    what = f"：{public}" if public else ""
    return f"微心愿 {wish_id} 轮到您了{what}。由网格长转达，{days}天内做不了发“放弃 {wish_id}”。"


def told_released(wish_id: str, public: str, giver: str, why: str, following: str) -> str:
    then = f"转给候补：{following}，请联系转达" if following else "重新开放认领"
    return f"【{why}】{wish_id} {public}\n{giver or '原来的人'}不再认领，{then}。"


RAN_OUT, GAVE_UP, ERASED = "认领到期", "放弃认领", "认领人注销"


# --- done ---
def done(wish_id: str, *, public: bool) -> str:
    """To the giver. A group reads the thanks later, once."""
    return f"{wish_id} 已记为完成{'' if public else '，谢谢您'}。有照片可接着发，只留底不公开。"


def done_by_leader(wish_id: str) -> str:
    return f"{wish_id} 已记为完成。"


def thanks(wish_id: str, *, named: bool) -> str:
    return f"微心愿 {wish_id} 圆满了，谢谢您！" if named else f"微心愿 {wish_id} 圆满了，谢谢帮忙的好心邻居！"


def told_done(wish_id: str, public: str, giver: str) -> str:
    return f"【圆梦】{wish_id} {public}\n{giver}说已完成。若没有，请发“审核 {wish_id} 未完成”。"


def wish_done(wish_id: str) -> str:
    return f"您的心愿 {wish_id} 已完成。若还没有，请告诉网格长。"


def told_undone(wish_id: str) -> str:
    return f"{wish_id} 网格长核实还没完成，请再联系网格长。"


# --- taken back ---
def withdrawn(wish_id: str) -> str:
    return f"心愿 {wish_id} 已撤回，内容已删除。"


def told_withdrawn(wish_id: str) -> str:
    return f"【心愿】{wish_id} 许愿人已撤回，内容已删除。"


def told_giver_withdrawn(wish_id: str) -> str:
    return f"{wish_id} 许愿人已撤回，不用再办，谢谢您的心意。"


def told_review_recalled(wish_id: str) -> str:
    return f"【心愿】{wish_id} 审核的话已撤回，请重新审核。"


def state(wish_id: str, state_: WishState) -> str:
    return f"心愿 {wish_id}：{STATE[state_]}"


def state_inside(wish_id: str, state_: WishState, public: str, giver: str, wisher: str) -> str:
    """For those who review it."""
    lines = [f"{wish_id} {STATE[state_]}：{public}", f"许愿人：{wisher}", f"认领人：{giver}" if giver else ""]
    return "\n".join(line for line in lines if line)


def kept(made: int, given: int, deeds: int) -> str:
    """For 我的信息."""
    parts = [f"提出{made}个" if made else "", f"认领{given}个" if given else ""]
    said = "、".join(part for part in parts if part)
    every = [f"心愿{said}" if said else "", f"实事{deeds}件" if deeds else ""]
    return "；".join(part for part in every if part)


# --- 四个一 ---
NOT_A_MEMBER = "四个一只记双报到党员的，您的心意一样可贵。"
NO_CONTRIBUTIONS = "还没有记录。建议、微心愿、实事、志愿服务都会记下。"
DEED_HOW = "请这样写：实事 姓名 做了什么"


def contributions(counts: Mapping[ContributionKind, int], lines: Sequence[str]) -> str:
    """One's own, for their eyes: how many of each, and the latest."""
    head = " · ".join(f"{KIND[kind]} {counts.get(kind, 0)}" for kind in KIND)
    return "\n".join((f"我的四个一：{head}", *lines))


def contribution_line(day: str, kind: ContributionKind, what: str) -> str:
    return f"{day} {KIND[kind]} {what}"


def nobody_named(name: str) -> str:
    return f"您的网格里没有叫“{name}”的双报到党员，请写名册里的姓名。"


def deed_noted(name: str) -> str:
    return f"已给{name}记一件实事。"


def told_deed(text: str) -> str:
    return f"给您记了一件实事：{text}。看全部请发“我的贡献”。"
