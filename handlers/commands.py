"""The command grammar: text → `Command`, pure (design/commands.md, "How a command is recognised").

A bare command word counts only when the whole message fits its grammar, so that chat which happens to begin with
one stays chat. `/`, `#` or `@小格` in front, or a private chat, make it explicit: then the id may be left out and a
near miss gets one suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from handlers import hearing, texts
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
    RATE = "评价"
    TODO = "待办"
    HELP = "帮助"
    HUSH = "静音"
    RESUME = "恢复"
    FORGET_ME = "别记我"
    REMEMBER_ME = "恢复记录"
    ENABLE = "启用"
    DISABLE = "停用"
    BIND = "绑定"
    ANSWER = "回答"  # a bare 1 or 2; nobody types this word


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asked for. `text` is what was typed behind the fixed part, not yet masked; for ANSWER it is
    `1` (已解决) or `2` (未解决), and `remark` what was said behind it. A piece that the grammar wants but the message
    lacks is None or empty."""

    name: Name
    number: int | None = None  # of the ticket, where one was named
    text: str = ""
    role: Role | None = None  # 派单: the owner
    span: timedelta | None = None  # 派单: the time limit; 静音: how long
    rating: int | None = None  # 1..5
    remark: str = ""  # ANSWER: 2 还是关不上
    code: str = ""  # a grid code or a bind code
    explicit: bool = False  # said to the bot: `/`, `#`, `@小格` in front, or in private
    right: str | None = None  # the right that routing found for it, `role:scope`, for the audit


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Said to the bot and nearly a command: `usage` is how it is written."""

    name: Name
    word: str
    usage: str


LONGEST_HUSH = timedelta(hours=24)
_LONGEST_SPAN = timedelta(days=365)

_TAIL = re.compile(r"[\s。.!~…、,;]*")

_SEP = r"[\s,、:;]"
_ID = rf"{_SEP}*#?\s?[sS]\s?([0-9]{{1,9}})(?![0-9])"
_ONLY_ID = re.compile(rf"{_ID}[\s。.!~]*")
_ID_AND_TEXT = re.compile(rf"{_ID}{_SEP}*(.*)", re.DOTALL)
_TEXT = re.compile(rf"{_SEP}+(.+)", re.DOTALL)
_ASKS = re.compile(r"[?？吗没呢哪谁啥的]")
_LONGEST_BY_THE_WAY = 10
_SPAN = re.compile(
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
_ROLES = re.compile("|".join(sorted(map(re.escape, texts.ROLE_BY_LABEL), key=len, reverse=True)))
_GRADES: Mapping[str, int] = {
    "非常满意": 5,
    "很满意": 5,
    "满意": 5,
    "基本满意": 4,
    "比较满意": 4,
    "一般": 3,
    "不太满意": 2,
    "不满意": 1,
    "很不满意": 1,
    "非常不满意": 1,
}
_GRADE = re.compile(rf"(?:({'|'.join(sorted(_GRADES, key=len, reverse=True))})|([1-5])\s*[分星]?)(?=$|{_SEP}|[。.!~])")
_GRID_CODE = re.compile(rf"{_SEP}*([0-9]{{1,24}})[\s。.!~]*")
_BIND_CODE = re.compile(rf"{_SEP}*([A-Za-z0-9][A-Za-z0-9-]{{3,31}})[\s。.!~]*")
# `上报` glued to one of these is talk about reporting, not a report.
_GOES_ON = frozenset("了过没吗嘛给的呢吧到不啥")

_ANSWERS: Mapping[str, str] = {
    "1": "1",
    "1已解决": "1",
    "1 已解决": "1",
    "已解决": "1",
    "满意": "1",
    "2": "2",
    "2未解决": "2",
    "2 未解决": "2",
    "未解决": "2",
    "没解决": "2",
    "不满意": "2",
}
# An answer with a word behind it. `2 号楼停水了` and `2、电梯坏了` are none; without an open question nothing is.
_ANSWER_AND_MORE = re.compile(
    r"(?:1[\s,]*(?:谢|多谢|感谢|辛苦|好了|已经?好|修好|解决|搞好|弄好|可以了|没问题)[^\d]{0,20}"
    r"|2[\s,:]*(?![\s,:\d])(?:(?<=[\s,:])(?![号栋幢楼单期点个人天小斤袋元])|(?=还|没|未|不|又)).{2,200})",
    re.DOTALL,
)
_ALSO_SAID: Mapping[str, Name] = {
    "help": Name.HELP,
    "菜单": Name.HELP,
    "功能": Name.HELP,
    "怎么用": Name.HELP,
    "你是谁": Name.HELP,
    "你是哪个": Name.HELP,
    "你是机器人吗": Name.HELP,
    "你是机器人": Name.HELP,
    "你是干什么的": Name.HELP,
    "你是做什么的": Name.HELP,
    "你能做什么": Name.HELP,
    "你会做什么": Name.HELP,
    "你会干什么": Name.HELP,
    "你可以做什么": Name.HELP,
    "太吵了": Name.HUSH,
    "别刷屏": Name.HUSH,
    "别吵": Name.HUSH,
    "安静": Name.HUSH,
}


def parse(text: str, *, addressed: bool, names: Sequence[str] = ("小格",)) -> Command | NearMiss | None:
    """The command that the whole message is; a near miss only where it was said to the bot; else None.

    `addressed`: the message mentions the bot or was said in private. Never raises."""
    if not addressed and _surely_none(text):
        return None
    heard = hearing.listen(text, addressed=addressed, names=names)
    if heard is None:
        return None
    folded = heard.folded
    core = folded.rstrip("。.!~… ")
    if core in _ANSWERS:
        return Command(Name.ANSWER, text=_ANSWERS[core], explicit=heard.explicit)
    also = _ALSO_SAID.get(core.lower().rstrip("?呀啊嘛哦呢 ")) if heard.explicit else None
    if also is not None:
        return Command(also, explicit=True)
    if _ANSWER_AND_MORE.fullmatch(core):
        return Command(Name.ANSWER, text=core[0], remark=heard.typed[1:].strip(SEPARATORS), explicit=heard.explicit)
    for word in _WORDS:
        if folded.startswith(word):
            name, form = _GRAMMAR[word]
            command = form(_Rest(name, folded[len(word) :], heard.typed[len(word) :], heard.explicit))
            if command is not None:
                return command
    return _near_miss(folded, slash=heard.slash) if heard.explicit else None


def _surely_none(text: str) -> bool:
    """The hot path: nearly every line of chat fails at its first character."""
    for char in text:
        if char in _FIRST:
            return False
        if not char.isspace():
            return True
    return True


# --- the forms ---
@dataclass(frozen=True, slots=True)
class _Rest:
    """What follows a command word: folded for matching, typed for keeping; both are of one length."""

    name: Name
    folded: str
    typed: str
    explicit: bool

    def as_typed(self, match: re.Match[str]) -> str:
        """What the last group of a match stands for."""
        last = match.lastindex or 0
        return self.typed[match.start(last) : match.end(last)].strip()


def _alone(rest: _Rest) -> Command | None:
    return Command(rest.name, explicit=rest.explicit) if _TAIL.fullmatch(rest.folded) else None


def _report(rest: _Rest) -> Command | None:
    match = _TEXT.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, text=rest.as_typed(match), explicit=rest.explicit)
    if rest.explicit and rest.folded[:1] not in _GOES_ON and not _TAIL.fullmatch(rest.folded):
        return Command(rest.name, text=rest.typed.strip(), explicit=True)
    return None


def _only_id(rest: _Rest) -> Command | None:
    match = _ONLY_ID.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, number=int(match[1]), explicit=rest.explicit)
    return _alone(rest) if rest.explicit else None


def _id_or_alone(rest: _Rest) -> Command | None:
    return _only_id(rest) or _alone(rest)


def _take(rest: _Rest) -> Command | None:
    """`接单 S12`, also with what the one who goes says behind it: 接单S12，马上到. A question is none."""
    match = _ID_AND_TEXT.fullmatch(rest.folded)
    if match is not None and len(match[2]) <= _LONGEST_BY_THE_WAY and not _ASKS.search(match[2]):
        return Command(rest.name, number=int(match[1]), explicit=rest.explicit)
    return _id_or_alone(rest)


def _id_and_text(rest: _Rest) -> Command | None:
    match = _ID_AND_TEXT.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, number=int(match[1]), text=rest.as_typed(match), explicit=rest.explicit)
    match = _TEXT.fullmatch(rest.folded)
    return Command(rest.name, text=rest.as_typed(match), explicit=True) if rest.explicit and match is not None else None


def _assign(rest: _Rest) -> Command | None:
    match = _ID_AND_TEXT.fullmatch(rest.folded)
    number = int(match[1]) if match is not None else None
    if match is None:
        match = _TEXT.fullmatch(rest.folded)
        if not rest.explicit or match is None:
            return None
    start = match.start(match.lastindex or 0)
    role = _ROLES.match(rest.folded, start)
    if role is None:
        return Command(rest.name, number=number, text=rest.typed[start:].strip(), explicit=rest.explicit)
    limit = _SPAN.search(rest.folded, role.end())
    cut = (role.end(), role.end()) if limit is None else limit.span()
    note = rest.typed[role.end() : cut[0]] + rest.typed[cut[1] :]
    return Command(
        rest.name,
        number=number,
        text=note.strip(SEPARATORS),
        role=texts.ROLE_BY_LABEL[role[0]],
        span=_span(limit),
        explicit=rest.explicit,
    )


def _rate(rest: _Rest) -> Command | None:
    match = _ID_AND_TEXT.fullmatch(rest.folded)
    number = int(match[1]) if match is not None else None
    start = match.start(2) if match is not None else len(rest.folded) - len(rest.folded.lstrip(SEPARATORS))
    grade = _GRADE.match(rest.folded, start)
    if grade is None:
        if number is None:
            return None
        return Command(rest.name, number=number, text=rest.typed[start:].strip(), explicit=rest.explicit)
    rating = _GRADES[grade[1]] if grade[1] else int(grade[2])
    remark = rest.typed[grade.end() :].strip(SEPARATORS + "。.!~！～")
    if number is None and remark and not rest.explicit:
        return None
    return Command(rest.name, number=number, text=remark, rating=rating, explicit=rest.explicit)


def _hush(rest: _Rest) -> Command | None:
    span = _span(_SPAN.fullmatch(rest.folded.strip(SEPARATORS + "。.!~")))
    if span is not None:
        return Command(rest.name, span=min(span, LONGEST_HUSH), explicit=rest.explicit)
    return _alone(rest)


def _enable(rest: _Rest) -> Command | None:
    match = _GRID_CODE.fullmatch(rest.folded)
    return Command(rest.name, code=match[1], explicit=rest.explicit) if match is not None else _alone(rest)


def _bind(rest: _Rest) -> Command | None:
    match = _BIND_CODE.fullmatch(rest.folded)
    return Command(rest.name, code=match[1], explicit=rest.explicit) if match is not None else None


def _span(match: re.Match[str] | None) -> timedelta | None:
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


_Form = Callable[[_Rest], Command | None]
_GRAMMAR: Mapping[str, tuple[Name, _Form]] = {
    "上报": (Name.REPORT, _report),
    "查询": (Name.QUERY, _id_or_alone),
    "补充": (Name.SUPPLEMENT, _id_and_text),
    "撤回": (Name.WITHDRAW, _only_id),
    "受理": (Name.ACCEPT, _only_id),
    "误报": (Name.FALSE_ALARM, _only_id),
    "派单": (Name.ASSIGN, _assign),
    "接单": (Name.TAKE, _take),
    "处置中": (Name.PROGRESS, _id_and_text),
    "办结": (Name.FINISH, _id_and_text),
    "评价": (Name.RATE, _rate),
    "待办": (Name.TODO, _alone),
    "帮助": (Name.HELP, _alone),
    "职责": (Name.HELP, _alone),
    "静音": (Name.HUSH, _hush),
    "恢复记录": (Name.REMEMBER_ME, _alone),
    "恢复": (Name.RESUME, _alone),
    "别记我": (Name.FORGET_ME, _alone),
    "启用": (Name.ENABLE, _enable),
    "停用": (Name.DISABLE, _alone),
    "绑定": (Name.BIND, _bind),
}
_WORDS = tuple(sorted(_GRAMMAR, key=len, reverse=True))
_FIRST = hearing.spellings({word[0] for word in (*_WORDS, *_ANSWERS)} | set("/#@["))


# --- near misses ---
_TOKEN = re.compile(r"[\u4e00-\u9fff]{1,5}")
_SHORT_REST = 3


def _near_miss(folded: str, *, slash: bool) -> NearMiss | None:
    """Only what cannot well be anything else: an appeal said to the bot must not be lost to a suggestion."""
    for word in _WORDS:
        rest = folded[len(word) :]
        if folded.startswith(word) and (slash or len(rest.strip()) <= _SHORT_REST or _ID_AND_TEXT.fullmatch(rest)):
            return _missed(word)
    token = _TOKEN.match(folded)
    if token is None:
        return None
    rest = folded[token.end() :]
    if not slash and not (_TAIL.fullmatch(rest) or _ONLY_ID.fullmatch(rest)):
        return None
    for word in _WORDS:
        if abs(len(word) - len(token[0])) <= 1 and _one_apart(token[0], word):
            return _missed(word)
    return None


def _missed(word: str) -> NearMiss:
    name = _GRAMMAR[word][0]
    return NearMiss(name, word, texts.USAGE[name.value])


def _one_apart(typed: str, word: str) -> bool:
    """One character changed, left out, added, or two neighbours swapped."""
    if len(typed) == len(word):
        differ = [at for at in range(len(word)) if typed[at] != word[at]]
        swapped = len(differ) == 2 and typed[differ[0]] == word[differ[1]] and typed[differ[1]] == word[differ[0]]
        return len(differ) == 1 or (swapped and differ[1] == differ[0] + 1)
    longer, shorter = (typed, word) if len(typed) > len(word) else (word, typed)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
