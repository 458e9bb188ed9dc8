"""What people read of supplies and check-ins in 急时."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.supplies import SupplyKind, SupplyState

KIND: Mapping[SupplyKind, str] = {SupplyKind.NEED: "求", SupplyKind.OFFER: "供"}
STATE: Mapping[SupplyState, str] = {
    SupplyState.OPEN: "登记中",
    SupplyState.DONE: "已交接",
    SupplyState.WITHDRAWN: "已撤回",
    SupplyState.OVER: "随转平收起",
}
ONLY_IN_URGENT = "物资互助和报平安是急时用的，现在是平时。有困难请直接说，或发“上报 内容”。"
NOWHERE = "还不知道您是哪个小区，请在小区群里发。"
HOW = "请这样写：物资 求 米 2袋，或 物资 供 手电筒 3个"
NOTHING = "还没有登记物资。缺什么发“物资 求 米 2袋”，能给什么发“物资 供 米 2袋”。"


SOME = "若干"


def building(number: str | None) -> str:
    return f"{number}栋" if number else ""


def goods(kind: SupplyKind, thing: str, amount: int | None, unit: str) -> str:
    """`求 米2袋`."""
    return f"{KIND[kind]} {thing}{amount if amount is not None else ''}{unit if amount is not None else ''}"


def heading(supply_id: str, what: str, where: str) -> str:
    return f"{supply_id} {what}{f'（{where}）' if where else ''}"


def _with(heading_: str, more: str) -> str:
    """A heading and what goes with it, parted where no bracket parts them."""
    return f"{heading_}{'' if heading_.endswith('）') else ' '}{more}"


def registered(headings: Sequence[str], matched: str) -> str:
    """`matched`: where something fitting is, empty for nowhere."""
    next_ = f"{matched}有合适的，网格长会联系您" if matched else "有合适的会告诉网格长，由他联系您"
    return f"已登记 {'、'.join(headings)}。{next_}。"


def changed(headings: Sequence[str]) -> str:
    return f"已改为 {'、'.join(headings)}。"


def no_such(supply_id: str) -> str:
    return f"没有 {supply_id} 这条物资登记，请核对。"


def not_yours(supply_id: str) -> str:
    return f"{supply_id} 不是您登记的，请登记的人或网格长来发。"


def over(supply_id: str, state: SupplyState) -> str:
    return f"{supply_id} {STATE[state]}，不用再发。"


def withdrawn(supply_id: str) -> str:
    return f"{supply_id} 已撤回。"


def handed_over(heading_: str) -> str:
    return f"{_with(heading_, '已记交接')}，谢谢。"


def handed_over_part(supply_id: str, amount: str, left: str) -> str:
    return f"{supply_id} 已记交接{amount}，还有{left}没交接。"


def state(heading_: str, state_: SupplyState, matched: Sequence[str]) -> str:
    """`matched`: the ids of what was proposed for it."""
    fits = f"，可与 {'、'.join(matched)} 对接" if matched and state_ is SupplyState.OPEN else ""
    return f"{heading_}：{STATE[state_]}{fits}。"


def told_registered(heading_: str, supply_id: str, nick: str, note: str) -> str:
    """To the leader, nothing fitting yet."""
    said = f"，备注“{note}”" if note else ""
    return f"【物资】{_with(heading_, nick)}{said}。还没有对得上的，解决了回复 完成 {supply_id}"


def told_matched(need: str, needs: str, offer: str, offers: str, need_id: str) -> str:
    """To the leader: a need with who needs it, an offer with who offers it."""
    return f"【物资】{_with(need, needs)} ← {_with(offer, offers)}。请联系双方，交接后回复 完成 {need_id}"


def told_party(heading_: str, where: str, *, needed: bool) -> str:
    """To the other side, in private: never who it is."""
    there = f"{where}" if where else "有邻居"
    return f"您登记的 {heading_}：{there}{'正需要' if needed else '可以提供'}，网格长会联系您。"


def told_handed_over(heading_: str, by: str, part: str) -> str:
    """`part`: how much, where it was not all of it."""
    return f"【交接】{heading_}：{by}说已交接{part}。"


def told_withdrawn(heading_: str) -> str:
    return f"【物资】{_with(heading_, '已撤回')}。"


def counts(needs: int, offers: int) -> str:
    return f"物资：求{needs}件，供{offers}件"


def public_line(what: str, where: Sequence[str]) -> str:
    """One thing with the buildings that need or offer it, no name."""
    return f"{what}：{'、'.join(where)}"


def leader_line(heading_: str, nick: str, matched: Sequence[str]) -> str:
    return f"{_with(heading_, nick)}{f' ↔ {chr(12289).join(matched)}' if matched else ''}"


def more(count: int) -> str:
    return f"另有{count}件"


# --- 平安 ---
def safe_in_room(people: int) -> str:
    return f"已记平安，本网格已有{people}人报平安。"


SAFE_IN_PRIVATE = "已记平安。要帮忙请发“平安 求助 情况”，急事打119、120、110。"
HELP_HEARD = "已转告网格长，会尽快联系您。急事请直接打119、120、110。"


def told_help(where: str, nick: str, words: str) -> str:
    who = " ".join(part for part in (where, nick) if part)
    return f"【求助】{who or '一位居民'}：“{words}” 请马上联系；险情打119，伤病打120。"


def told_help_recalled(nick: str) -> str:
    return f"【求助】{nick or '一位居民'} 撤回了求助的话，请联系问一声。"


def safe_summary(heads: int, by_building: Sequence[tuple[str, int]], helping: Sequence[str]) -> str:
    """For leaders. Who has not checked in is nobody's business here."""
    shown = "、".join(f"{where}{count}" for where, count in by_building)
    lines = [f"报平安{heads}人{f'：{shown}' if shown else ''}", f"求助{len(helping)}人", *helping]
    return "\n".join(lines)


NO_BUILDING = "未写楼栋"


def help_line(where: str, nick: str, words: str) -> str:
    who = " ".join(part for part in (where, nick) if part)
    return f"{who or '一位居民'}：{words}"


# --- when it is over ---
def told_over(needs: Sequence[str], offers: int, safe: int) -> str:
    """What 转平 puts away; `needs`: what nobody has helped with."""
    left = f"没着落的{len(needs)}件：{'、'.join(needs[:5])}{'…' if len(needs) > 5 else ''}；" if needs else ""
    return f"\n物资登记和平安已收起（{left}供{offers}件，报平安{safe}人），30天后删除。"


# Of `xiaoge export supplies`.
TITLE = "物资台账"
HEAD = (
    "序号", "编号", "类别", "物资", "数量", "单位", "楼栋", "网格", "登记人(脱敏)", "备注", "状态", "已交接", "对接",
    "登记时间", "结束时间",
)  # fmt: skip
