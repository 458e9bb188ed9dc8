"""The forms that a command's rest may have: what is typed behind the command word → `Command`, pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from handlers.hearing import SEPARATORS
from storage.model import Role


class Name(StrEnum):
    """Every command by the word that people type."""

    REPORT = "上报"
    QUERY = "查询"
    SUPPLEMENT = "补充"
    WITHDRAW = "撤回"
    ACCEPT = "受理"
    FALSE_ALARM = "误报"
    ASSIGN = "派单"
    TAKE = "接单"
    PROGRESS = "处置中"
    FINISH = "办结"
    RETURN = "退回"
    EXTEND = "延期"
    REFUSE = "不受理"
    SUPERVISE = "督办"
    WHISTLE = "吹哨"
    MERGE = "合并"
    UNMERGE = "撤并"
    RECATEGORIZE = "改类"
    RELOCATE = "改址"
    TASK = "交办"
    COMPLETE = "完成"
    FAQ = "问答"
    CALL = "呼叫"
    RESPOND = "应答"
    MEDIATE = "调解"
    LISTS = "清单"
    TOPIC = "议题"
    SUPPORT = "支持"
    POLL = "议事"
    VOTE = "投票"
    MINUTES = "纪要"
    SUPPLY = "物资"
    SAFE = "平安"
    RATE = "评价"
    TODO = "待办"
    DAILY = "日报"
    WEEKLY = "周报"
    URGENT = "转急"
    CALM = "转平"
    VISIT = "走访"
    PATROL = "巡查"
    WORK = "我的工作"
    POINTS = "积分"
    REDEEM = "兑换"
    REVERSE = "冲正"
    HELP = "帮助"
    DUTY = "职责"
    HUSH = "静音"
    RESUME = "恢复"
    FORGET_ME = "别记我"
    REMEMBER_ME = "恢复记录"
    KEPT = "我的信息"
    ERASE = "删除我的信息"
    ERASE_SURELY = "确认删除"
    ENABLE = "启用"
    DISABLE = "停用"
    BIND = "绑定"
    NOTICE = "通知"
    CORRECT = "更正"
    CONFIRM = "确认"
    SCHEDULE = "定时"
    CANCEL = "取消"
    RECEIPTS = "回执"
    ANNOUNCE = "公告"
    ATTACH = "附图"
    TEMPLATES = "模板"
    WISH = "心愿"
    REVIEW = "审核"
    CLAIM = "认领"
    GIVE_UP = "放弃"
    DEED = "实事"
    CONTRIBUTIONS = "我的贡献"
    ACTIVITY = "发活动"
    CHANGE_ACTIVITY = "改活动"
    CALL_OFF = "取消活动"
    END = "结束"
    SIGN = "报名"
    UNSIGN = "取消报名"
    ROSTER = "名单"
    ATTEND = "签到"
    ANSWER = "回答"  # a bare 1 or 2; nobody types this word


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asked for. `text` is what was typed behind the fixed part, not yet masked; for ANSWER it is
    `1` (已解决) or `2` (未解决), and `remark` what was said behind it. A piece that the grammar wants but the message
    lacks is None or empty."""

    name: Name
    number: int | None = None  # of the ticket, where one was named
    other: int | None = None  # 合并: the ticket that goes into `number`
    item: int | None = None  # 完成 J3: the task; 问答 删 3: the entry
    letter: str = ""  # of `item`: J a task, T a notice, H a sign-up, X a wish, V a topic or poll, W a supply, P points
    text: str = ""
    role: Role | None = None  # 派单: the owner
    span: timedelta | None = None  # 派单, 交办: the time limit; 延期: how much longer; 静音: how long
    rating: int | None = None  # 1..5
    count: int | None = None  # 走访: the households; 兑换: the points
    remark: str = ""  # ANSWER: 2 还是关不上; 问答 增: the answer; 交办: the 事项
    code: str = ""  # a grid code or a bind code; 交办: the scope as it was typed
    items: tuple[int, ...] = ()  # 审核: the wishes
    verdict: str = ""  # 审核: 通过, 驳回 or 未完成
    anonymous: bool = False  # 认领 X5 匿名
    in_words: bool = False  # ANSWER: 还是坏的, without a number in front; NOTICE: 帮我发个通知
    urgent: bool = False  # 应急通知
    shows: bool = False  # 通知 附图: with the picture that was just shown
    explicit: bool = False  # said to the bot: `/`, `#`, `@小格` in front, or in private
    right: str | None = None  # the right that routing found for it, `role:scope`, for the audit


LONGEST_HUSH = timedelta(hours=24)
_LONGEST_SPAN = timedelta(days=365)

TAIL = re.compile(r"[\s。.!~…、,;]*")

SEP = r"[\s,、:;]"
ID = rf"{SEP}*#?\s?[sS]\s?([0-9]{{1,9}})(?![0-9])"
_ITEM = rf"{SEP}*#?\s?([a-zA-Z])\s?([0-9]{{1,9}})(?![0-9])"
ONLY_ID = re.compile(rf"{ID}[\s。.!~]*")
ID_AND_TEXT = re.compile(rf"{ID}{SEP}*(.*)", re.DOTALL)
TEXT = re.compile(rf"{SEP}+(.+)", re.DOTALL)
SPAN = re.compile(
    r"(?:([0-9]{1,3}(?:\.[0-9])?|[一两二三四五六七八九十半])\s{0,3}个?\s{0,3}(小时|钟头|分钟|工作日|天|日|h|hours?|min|m|d)(?:[以之]?内)?)"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_WORD_NUMBER = {
    "半": 0.5,
    "一": 1,
    "两": 2,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
}
_GRID_CODE = re.compile(rf"{SEP}*([0-9]{{1,24}})[\s。.!~]*")
_BIND_CODE = re.compile(rf"{SEP}*([A-Za-z0-9][A-Za-z0-9-]{{3,31}})[\s。.!~]*")
_ITEM_AND_TEXT = re.compile(rf"{_ITEM}{SEP}*(.*)", re.DOTALL)
_ADDS_ENTRY = re.compile(rf"{SEP}*[增加]{SEP}+(.+?)\s*(?:=>|→)\s*(.+)", re.DOTALL)
_DROPS_ENTRY = re.compile(rf"{SEP}*[删减]{SEP}*([0-9]{{1,9}})[\s。.!~]*")


@dataclass(frozen=True, slots=True)
class Rest:
    """What follows a command word: folded for matching, typed for keeping; both are of one length."""

    name: Name
    folded: str
    typed: str
    explicit: bool

    def as_typed(self, match: re.Match[str]) -> str:
        """What the last group of a match stands for."""
        last = match.lastindex or 0
        return self.typed[match.start(last) : match.end(last)].strip()

    def remark(self, match: re.Match[str]) -> str:
        """The same without the full stop that voice input puts behind everything; nothing for signs alone."""
        signs_alone = TAIL.fullmatch(self.folded, match.start(match.lastindex or 0))
        return "" if signs_alone else self.as_typed(match).rstrip("。 ")


Form = Callable[[Rest], Command | None]


def alone(rest: Rest) -> Command | None:
    """The word and nothing behind it."""
    return Command(rest.name, explicit=rest.explicit) if TAIL.fullmatch(rest.folded) else None


def only_id(rest: Rest) -> Command | None:
    """`受理 S12`; said to the bot also without the id."""
    match = ONLY_ID.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, number=int(match[1]), explicit=rest.explicit)
    return alone(rest) if rest.explicit else None


def id_or_alone(rest: Rest) -> Command | None:
    """`应答 S12`, `应答`."""
    return only_id(rest) or alone(rest)


def query(letters: str) -> Form:
    """`查询`, `查询 S12`, and with one of these letters `查询 J3`; a question mark behind it changes nothing."""

    def form(rest: Rest) -> Command | None:
        end = len(rest.folded.rstrip("? "))
        rest = replace(rest, folded=rest.folded[:end], typed=rest.typed[:end])
        found = _lettered(rest, letters)
        if found is not None:
            return None if found.text else found
        return id_or_alone(rest)

    return form


def id_and_text(rest: Rest) -> Command | None:
    """`补充 S12 内容`; said to the bot also without the id."""
    match = ID_AND_TEXT.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, number=int(match[1]), text=rest.remark(match), explicit=rest.explicit)
    match = TEXT.fullmatch(rest.folded)
    return Command(rest.name, text=rest.remark(match), explicit=True) if rest.explicit and match is not None else None


def hush(rest: Rest) -> Command | None:
    """`静音`, `静音 2小时`, for `LONGEST_HUSH` at most."""
    span = span_of(SPAN.fullmatch(rest.folded.strip(SEPARATORS + "。.!~")))
    if span is not None:
        return Command(rest.name, span=min(span, LONGEST_HUSH), explicit=rest.explicit)
    return alone(rest)


def enable(rest: Rest) -> Command | None:
    """`启用`, `启用 519999001001003012`."""
    match = _GRID_CODE.fullmatch(rest.folded)
    return Command(rest.name, code=match[1], explicit=rest.explicit) if match is not None else alone(rest)


def bind(rest: Rest) -> Command | None:
    """`绑定 7CRTNJ9B`."""
    match = _BIND_CODE.fullmatch(rest.folded)
    return Command(rest.name, code=match[1], explicit=rest.explicit) if match is not None else None


def span_of(match: re.Match[str] | None) -> timedelta | None:
    """How long what `SPAN` found is, a year at most; None for nothing found and for no time."""
    if match is None:
        return None
    amount = _WORD_NUMBER.get(match[1]) or float(match[1])
    unit = match[2].lower()
    if unit in {"小时", "钟头"} or unit.startswith("h"):
        span = timedelta(hours=amount)
    elif unit in {"分钟", "min", "m"}:
        span = timedelta(minutes=amount)
    else:
        span = timedelta(days=amount)
    return min(span, _LONGEST_SPAN) if span else None


def reason_and_span(rest: Rest) -> Command | None:
    """`转急 暴雨 24h`; how long stands at the end."""
    match = TEXT.fullmatch(rest.folded)
    if match is None:
        return None
    folded, typed = rest.folded[match.start(1) :].rstrip(SEPARATORS + "。.!~"), rest.typed[match.start(1) :]
    limit = next((found for found in SPAN.finditer(folded) if found.end() == len(folded)), None)
    reason = typed[: limit.start() if limit is not None else len(folded)].strip(SEPARATORS)
    return Command(rest.name, text=reason, span=span_of(limit), explicit=rest.explicit)


def item(letters: str) -> Form:
    """`完成 J3 [结果]`: the id of what is no ticket, with one of these letters; routing goes by the letter."""

    def form(rest: Rest) -> Command | None:
        found = _lettered(rest, letters)
        return found if found is not None or not rest.explicit else alone(rest)

    return form


def item_or_alone(letters: str) -> Form:
    """The same, or alone where the one that is open is meant."""

    def form(rest: Rest) -> Command | None:
        return _lettered(rest, letters) or alone(rest)

    return form


def only_item(letters: str) -> Form:
    """The same with nothing behind the id."""

    def form(rest: Rest) -> Command | None:
        found = _lettered(rest, letters)
        if found is not None:
            return None if found.text else found
        return alone(rest) if rest.explicit else None

    return form


def id_or_item(letters: str) -> Form:
    """`撤回 S12`, and with one of these letters `撤回 V3`."""

    def form(rest: Rest) -> Command | None:
        found = _lettered(rest, letters)
        if found is not None:
            return None if found.text else found
        return only_id(rest)

    return form


def _lettered(rest: Rest, letters: str) -> Command | None:
    match = _ITEM_AND_TEXT.fullmatch(rest.folded)
    if match is None or match[1].upper() not in letters:
        return None
    text = rest.as_typed(match)
    return Command(
        rest.name,
        item=int(match[2]),
        letter=match[1].upper(),
        text="" if TAIL.fullmatch(text) else text,
        explicit=rest.explicit,
    )


def faq(rest: Rest) -> Command | None:
    """`问答 增 问 => 答`, `问答 删 3`, `问答`."""
    match = _ADDS_ENTRY.fullmatch(rest.folded)
    if match is not None:
        question = rest.typed[slice(*match.span(1))].strip()
        return Command(rest.name, text=question, remark=rest.as_typed(match), explicit=rest.explicit)
    match = _DROPS_ENTRY.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, item=int(match[1]), explicit=rest.explicit)
    return alone(rest) if rest.explicit else None


def to_bot(rest: Rest) -> Command | None:
    """A word that is common in talk: with a text behind it, and only where it was said to the bot."""
    match = TEXT.fullmatch(rest.folded)
    if not rest.explicit:
        return None
    return Command(rest.name, text=rest.as_typed(match), explicit=True) if match is not None else alone(rest)
