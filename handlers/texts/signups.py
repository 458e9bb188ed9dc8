"""What people read of sign-ups: one kind line each, names only to those who organise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from handlers.texts import MENTION_END
from storage.signup_entries import Entry
from storage.signups import EntryState, NewSignup, Signup, SignupState, Slot

_WEEKDAYS = "一二三四五六日"
STATE = {SignupState.OPEN: "报名中", SignupState.CLOSED: "报名已结束", SignupState.CANCELLED: "已取消"}
ENTRY_STATE = {EntryState.CONFIRMED: "已报名", EntryState.WAITING: "候补", EntryState.CANCELLED: "已取消"}
ATTENDED, ABSENT = "已签到", ""
ROSTER_HEAD = ("序号", "姓名", "楼栋", "人数", "代报人", "状态", "签到")
ROSTER_SLOT, ROSTER_PHONE = "场次", "电话"
MOST_SLOTS = 8


# --- when and where ---
def moment(at: datetime, timezone: ZoneInfo) -> str:
    """`6月15日(周日)9:00`; a midnight stands for a day of which the hour is open."""
    local = at.astimezone(timezone)
    day = f"{local.month}月{local.day}日(周{_WEEKDAYS[local.weekday()]})"
    return f"{day}{local.hour}:{local:%M}" if local.time() != time(0) else day


def _hour(at: datetime, timezone: ZoneInfo) -> str:
    local = at.astimezone(timezone)
    return f"{local.hour}:{local:%M}"


def span(starts: datetime, ends: datetime | None, timezone: ZoneInfo) -> str:
    """`6月15日(周日)9:00-11:00`."""
    if ends is None or ends <= starts:
        return moment(starts, timezone)
    same = starts.astimezone(timezone).date() == ends.astimezone(timezone).date()
    return f"{moment(starts, timezone)}-{_hour(ends, timezone) if same else moment(ends, timezone)}"


def when(signup: NewSignup, timezone: ZoneInfo) -> str:
    return span(signup.starts, signup.ends, timezone) if signup.starts is not None else "时间待定"


def slot_name(slot: Slot, timezone: ZoneInfo) -> str:
    """`第2场 9:00-10:00`."""
    until = f"-{_hour(slot.ends, timezone)}" if slot.ends is not None else ""
    return f"第{slot.slot}场 {_hour(slot.starts, timezone)}{until}"


def name(signup: Signup) -> str:
    """`H1 助老理发`."""
    return f"{signup.id} {signup.title}"


def heading(signup: Signup, timezone: ZoneInfo) -> str:
    """`H1 助老理发 6月15日(周日)9:00 社区活动室`."""
    return " ".join(part for part in (name(signup), when(signup, timezone), signup.place) if part)


def quota(capacity: int | None) -> str:
    return f"{capacity}人" if capacity is not None else "不限"


def announced(signup: Signup, timezone: ZoneInfo) -> str:
    """What was understood, for the group; how to sign up."""
    by_slot = "".join(f"\n{slot_name(slot, timezone)}：{quota(slot.capacity)}" for slot in signup.slots[:MOST_SLOTS])
    lines = [
        f"【活动】{name(signup)}",
        f"时间：{when(signup, timezone).removeprefix('时间')}{by_slot}",
        f"地点：{signup.place or '待定'}",
        "" if signup.slots else f"名额：{quota(signup.capacity)}",
        f"截止：{moment(signup.deadline, timezone)}" if signup.deadline is not None else "",
        f"说明：{signup.note}" if signup.note else "",
        BRING_CARD if signup.brings_card else "",
        "报名后请私聊我登记电话。" if signup.asks_phone else "",
        f"报名请发：报名 {signup.id}{' 第2场' if signup.slots else ' 2人' if signup.capacity != 1 else ''}",
    ]
    return "\n".join(line for line in lines if line)


BRING_CARD = "请带身份证原件，号码不用发。"


# --- 发活动 ---
WRITE_TITLE = "请写上活动名称，如：发活动 包粽子 周六9:00 社区活动室 限20人"
ASK_TIME = "“{title}”什么时间？请直接回复，如“周六9:00”；还没定就回“待定”。"
ASK_CLOCK = "“{title}”{day}几点开始？请直接回复，如“9:00”。"
ASK_DAY = "“{title}”什么时间？“{doubt}”我拿不准，请直接回复，如“6月15日9:00”；还没定就回“待定”。"
UNCLEAR_DAY = "“{doubt}”是哪一天我拿不准，请写成“6月15日9:00”这样再发。"
UNDATED = "时间待定"
STILL_UNCLEAR = "时间还是没看懂，请重发一遍，如：发活动 包粽子 6月15日9:00 社区活动室 限20人"
PAST = "{when}已经过了，请改一下时间再发。"
NO_QUOTA = "名额要大于0；不限人数就写“不限”。"
DEADLINE_LATE = "报名截止（{deadline}）晚于开始时间，请改一下再发。"
DEADLINE_PAST = "报名截止（{deadline}）已经过了，请改一下再发。"
WHERE_TO = "这件不知道发到哪个群，请在要发的群里发。"
OVER_LONG = "人数写得太多了，最多{most}人。"


def ask_time(title: str) -> str:
    return ASK_TIME.format(title=title)


def ask_day(title: str, doubt: str) -> str:
    return ASK_DAY.format(title=title, doubt=doubt)


def unclear_day(doubt: str) -> str:
    return UNCLEAR_DAY.format(doubt=doubt)


def ask_clock(title: str, day: datetime, timezone: ZoneInfo) -> str:
    local = day.astimezone(timezone)
    return ASK_CLOCK.format(title=title, day=f"{local.month}月{local.day}日(周{_WEEKDAYS[local.weekday()]})")


def past(at: datetime, timezone: ZoneInfo) -> str:
    return PAST.format(when=moment(at, timezone))


def deadline_late(at: datetime, timezone: ZoneInfo) -> str:
    return DEADLINE_LATE.format(deadline=moment(at, timezone))


def deadline_past(at: datetime, timezone: ZoneInfo) -> str:
    return DEADLINE_PAST.format(deadline=moment(at, timezone))


def published(signup: Signup, rooms: int, timezone: ZoneInfo) -> str:
    """To whoever announced it elsewhere than in the group."""
    where = "已发到居民群。" if rooms == 1 else f"范围内{rooms}个群都能报名，请在群里转发。"
    return f"{announced(signup, timezone)}\n{where}"


# --- which one ---
NONE_OPEN = "现在没有可以报名的活动。"
NONE_OF_YOURS = "您没有报名现在的活动。"
NO_ROSTER = "请带上编号，如：{usage}"


def no_such(id_: str) -> str:
    return f"没有活动 {id_}，请核对编号。"


def several(signups: Sequence[Signup], usage: str) -> str:
    """More than one is meant: their names, short."""
    listed = "、".join(name(signup) for signup in signups[:4])
    return f"有几个活动：{listed}。请带编号，如：{usage}"


def which(usage: str) -> str:
    return NO_ROSTER.format(usage=usage)


def not_open(signup: Signup) -> str:
    return f"{name(signup)}{STATE[signup.state]}。"


def deadline_over(signup: Signup, timezone: ZoneInfo) -> str:
    until = moment(signup.deadline, timezone) if signup.deadline is not None else ""
    return f"{name(signup)}{until}已截止报名，有事请找组织者。"


def started(signup: Signup) -> str:
    return f"{name(signup)}已经开始，报不了名了。"


# --- 报名 ---
def _heads(heads: int) -> str:
    return f"{heads}人"


def _count(taken: int, capacity: int | None) -> str:
    full = "，已满" if capacity is not None and taken >= capacity else ""
    return f"（{taken}/{capacity}{full}）" if capacity is not None else f"（共{taken}人）"


def signed(signup: Signup, who: str, heads: int, slot: str, taken: int, capacity: int | None) -> str:
    return f"已报名 {name(signup)}{' ' + slot if slot else ''} {who}{_heads(heads)}{_count(taken, capacity)}。"


def waiting(signup: Signup, who: str, heads: int, place: int) -> str:
    return f"{name(signup)}名额满了，{who}{_heads(heads)}排候补第{place}位，有空位就告诉您。"


def grown(signup: Signup, heads: int, more: int) -> str:
    return f"{name(signup)}名额不够，先按{heads}人，多的{more}人候补。"


def changed(signup: Signup, who: str, heads: int, slot: str, taken: int, capacity: int | None) -> str:
    whom = f"{who}的报名" if who else "报名"
    return f"{name(signup)} {whom}改为{slot + ' ' if slot else ''}{_heads(heads)}{_count(taken, capacity)}。"


def twice(signup: Signup, who: str, heads: int, state: EntryState) -> str:
    already = "已经报名" if state is EntryState.CONFIRMED else "已经在候补"
    return f"{who or '您'}{already} {name(signup)}，{_heads(heads)}，不用再报。"


def too_many(signup: Signup, heads: int, capacity: int) -> str:
    return f"{name(signup)}一共{capacity}个名额，报不了{heads}人，请改一下人数。"


def over_most(most: int) -> str:
    return f"一次最多报{most}人，人多请找组织者。"


NO_HEADS = "人数要大于0；不去了请发“取消报名”。"


def choose_slot(signup: Signup, free: Sequence[str]) -> str:
    """The activity has windows and none was named, or there is no such window."""
    if not free:
        return f"{name(signup)}各场都满了。"
    return f"{name(signup)}请选一场：{'；'.join(free)}。如：报名 {signup.id} 第{free[0].partition('第')[2][:1]}场"


def slot_full(signup: Signup, slot: int, free: Sequence[str]) -> str:
    others = f"还有：{'；'.join(free)}" if free else "各场都满了"
    return f"{signup.id} 第{slot}场满了，{others}。"


def slot_free(slot: str, left: int | None) -> str:
    return f"{slot}{f'剩{left}人' if left is not None else ''}"


ASK_PHONE = "{name}需要登记联系电话，请直接回复手机号，只给组织者看，活动后自动删除。"
PHONE_IN_PRIVATE = "请加我好友，私聊发手机号登记。"
PHONE_KEPT = "{name}的联系电话已登记。"


def ask_phone(signup: Signup) -> str:
    return ASK_PHONE.format(name=name(signup))


def phone_kept(signup: Signup) -> str:
    return PHONE_KEPT.format(name=name(signup))


# --- 取消报名 ---
def cancelled(signup: Signup, who: str = "") -> str:
    return f"已取消{who}的报名（{name(signup)}）。" if who else f"已取消 {name(signup)} 的报名。"


def not_in(signup: Signup, who: str = "", *, manages: bool = False) -> str:
    """`manages`: whoever organises it may have meant the whole."""
    whole = f"活动不办了请发“取消活动 {signup.id}”。" if manages else ""
    return f"{who or '您'}没有报名 {name(signup)}。{whole}"


def not_yours(who: str) -> str:
    return f"{who}的报名请本人、代报人或组织者取消。"


def which_entry(signup: Signup, names: Sequence[str]) -> str:
    """They have signed up several others and said of nobody that it is to be cancelled."""
    return f"您代{'、'.join(names[:5])}报了名，请说取消谁的，如：取消报名 {signup.id} 代 {names[0]}"


def several_names(who: str) -> str:
    return f"名单里有几位{who}，请说清楚是哪一位。"


# --- told by itself ---
def promoted(signup: Signup, heads: int, timezone: ZoneInfo) -> str:
    return f"{heading(signup, timezone)}有空位，您的{heads}人已报上。去不了请发“取消报名 {signup.id}”。"


def promoted_here(signup: Signup) -> str:
    """To several at once, in their group."""
    return f"{name(signup)}有空位，候补已报上。去不了请发“取消报名 {signup.id}”。"


def demoted(signup: Signup) -> str:
    return f"{name(signup)}有更早的报名后到，您改排候补，有空位就告诉您，抱歉。"


def tally(signup: Signup, taken: int, waiting_heads: int) -> str:
    full = "，已满" if signup.capacity is not None and taken >= signup.capacity else ""
    behind = f"，候补{waiting_heads}人" if waiting_heads else ""
    of = f"/{signup.capacity}" if signup.capacity is not None else ""
    return f"{name(signup)}已报{taken}{of}人{full}{behind}。"


class Outcome(StrEnum):
    """What becomes of a 报名, in a line that answers many."""

    IN = "已报名"
    WAITS = "候补"
    TWICE = "已报过"


def merged(text: str, head: str, outcome: Outcome, nick: str, who: str, heads: int, hint: str = "") -> str:
    """A line that answers many ('' for none yet), with one more person: how many there are, then who is in, who waits.
    Each is mentioned, with what they asked for; who is named already need not hear it twice."""
    kept = text.split("\n")[1:]
    named = f"@{nick}{MENTION_END}"
    lines = {each: next((line for line in kept if line.startswith(f"{each.value}：")), "") for each in Outcome}
    if outcome is not Outcome.TWICE or named not in text:
        item = f"{named}{f'代{who}' if who else ''}{heads}人"
        lines[outcome] = f"{lines[outcome]}、{item}" if lines[outcome] else f"{outcome.value}：{item}"
    last = hint or next((line for line in kept if line == PHONE_IN_PRIVATE), "")
    return "\n".join(line for line in (head, *lines.values(), last) if line)


def summed(head: str, told: Sequence[tuple[Outcome, str, int]]) -> str:
    """To somebody who signed up several: what became of each, by name."""
    lines = {each: "、".join(f"{who}{heads}人" for what, who, heads in told if what is each) for each in Outcome}
    return "\n".join([head, *(f"{each.value}：{line}" for each, line in lines.items() if line)])


def _from(starts: datetime, now: datetime, timezone: ZoneInfo) -> str:
    days = (starts.astimezone(timezone).date() - now.astimezone(timezone).date()).days
    day = {0: "今天", 1: "明天"}.get(days)
    return f"{day}{_hour(starts, timezone)}" if day is not None else moment(starts, timezone)


def reminder(signup: Signup, starts: datetime, now: datetime, timezone: ZoneInfo) -> str:
    card = f"{BRING_CARD}" if signup.brings_card else ""
    where = f"在{signup.place}" if signup.place else ""
    return f"提醒：{name(signup)}{_from(starts, now, timezone)}{where}。{card}去不了请发“取消报名 {signup.id}”。"


def deadline_told(signup: Signup, taken: int, waiting_heads: int) -> str:
    """To the organiser once signing up has ended by itself."""
    return f"{tally(signup, taken, waiting_heads)[:-1]}，报名已截止。名单请发“名单 {signup.id}”。"


def called_off(signup: Signup, timezone: ZoneInfo, reason: str = "") -> str:
    why = f"：{reason}" if reason else "，不办了"
    return f"{name(signup)}（{when(signup, timezone)}）已取消{why}。"


def changed_activity(signup: Signup, timezone: ZoneInfo) -> str:
    return f"{name(signup)}有改动：{when(signup, timezone)} {signup.place}".rstrip() + "。去不了请发“取消报名”。"


TAKEN_BACK = "（已撤回的活动）"


def taken_back(signup: Signup) -> str:
    return f"{name(signup)}已撤回，不用报名了。"


def stands(signup: Signup, taken: int) -> str:
    """The announcement was taken back when people were in already."""
    return f"{name(signup)}已有{taken}人报名，撤回消息不算取消；不办了请发“取消活动 {signup.id}”。"


NOTHING_TO_CHANGE = "没看出要改什么，如：改活动 {id} 周日9:00 或 改活动 {id} 限30人"
BELOW_TAKEN = "已有{taken}人报上，名额不能少于{taken}人。"
CHANGED_NOT_SLOTS = "{id}分场次，改场次请取消后重发。"


def ended_already(signup: Signup) -> str:
    return f"{name(signup)}{STATE[signup.state]}，不用再结束。"


def ended(signup: Signup, taken: int, waiting_heads: int) -> str:
    behind = f"，候补{waiting_heads}人" if waiting_heads else ""
    return f"{name(signup)}报名已结束，共{taken}人{behind}。"


# --- 名单 ---
def own(entry: Entry | None, slot: str = "") -> str:
    if entry is None or not entry.active:
        return "您没有报名。"
    return f"您{ENTRY_STATE[entry.state]}{entry.heads}人{'（' + slot + '）' if slot else ''}。"


def roster_line(number: int, entry: Entry, by: str, slot: str) -> str:
    parts = [
        f"{number}. {entry.name or '（不具名）'}",
        entry.building,
        f"{entry.heads}人",
        slot or entry.choice,
        f"代报：{by}" if by else "",
        "候补" if entry.state is EntryState.WAITING else "",
        ATTENDED if entry.attended_at is not None else "",
    ]
    return " ".join(part for part in parts if part)


def roster(tally_line: str, lines: Sequence[str], more: int) -> str:
    rest = [f"……还有{more}条，全部请看导出的表格。"] if more else []
    return "\n".join([tally_line, *lines, *rest])


ROSTER_SENT = "名单已私聊发给您。"
ROSTER_ADD_ME = "名单不在群里发，请加我好友后私聊发“名单 {id}”。"


# --- 签到 ---
def attended(signup: Signup, names: Sequence[str] = ()) -> str:
    return f"{'、'.join(names)}已签到（{name(signup)}）。" if names else f"{name(signup)} 已签到。"


def attended_already(signup: Signup, who: str = "") -> str:
    return f"{who}已经签到过 {name(signup)} 了。"


def too_early(signup: Signup, starts: datetime, timezone: ZoneInfo) -> str:
    return f"{name(signup)}{moment(starts, timezone)}开始，到时候再签到。"


def too_late(signup: Signup) -> str:
    return f"{name(signup)}已经结束，补签请找组织者。"


def not_on_list(signup: Signup, who: str = "") -> str:
    return f"{who or '您'}不在 {name(signup)} 的名单里，请找组织者。"


def kept(activities: int) -> str:
    """Within 我的信息."""
    return f"您的报名：{activities} 个活动" if activities else ""
