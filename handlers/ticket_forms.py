"""The forms of what is typed about tickets, tasks and the three lists: behind the command word → `Command`, pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from handlers import texts
from handlers.forms import (
    ID,
    ID_AND_TEXT,
    SEP,
    SPAN,
    TAIL,
    TEXT,
    Command,
    Rest,
    alone,
    id_or_alone,
    span_of,
)
from handlers.hearing import SEPARATORS

_ASKS = re.compile(r"[?？吗没呢哪谁啥的]")
_LONGEST_BY_THE_WAY = 10
_ROLES = re.compile(rf"(?:给\s*)?({'|'.join(sorted(map(re.escape, texts.ROLE_BY_LABEL), key=len, reverse=True))})")
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
_GRADE = re.compile(rf"(?:({'|'.join(sorted(_GRADES, key=len, reverse=True))})|([1-5])\s*[分星]?)(?=$|{SEP}|[。.!~])")
_TWO_IDS = re.compile(rf"{ID}(?:\s*[和跟与及]?{ID})?[\s。.!~]*")
_TASK = re.compile(r"\s*@([^\s@]{1,40})[\s,]+([^\s,]{1,20})[\s,]+(.+)", re.DOTALL)
_LIST = re.compile(rf"{SEP}+(需求|资源|项目)(?:清单)?{SEP}*(.*)", re.DOTALL)
_TICKET_LIST = re.compile(rf"{ID}{SEP}*(需求|资源|项目|移出)(?:清单)?[\s。.!~]*")
# `上报` glued to one of these is talk about reporting, not a report.
_GOES_ON = frozenset("了过没吗嘛给的呢吧到不啥")


def report(rest: Rest) -> Command | None:
    """`上报 3栋电梯坏了`; said to the bot also without the space."""
    match = TEXT.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, text=rest.as_typed(match), explicit=rest.explicit)
    if rest.explicit and rest.folded[:1] not in _GOES_ON and not TAIL.fullmatch(rest.folded):
        return Command(rest.name, text=rest.typed.strip(), explicit=True)
    return None


def take(rest: Rest) -> Command | None:
    """`接单 S12`, also with what the one who goes says behind it: 接单S12，马上到. A question is none."""
    match = ID_AND_TEXT.fullmatch(rest.folded)
    if match is not None and len(match[2]) <= _LONGEST_BY_THE_WAY and not _ASKS.search(match[2]):
        return Command(rest.name, number=int(match[1]), explicit=rest.explicit)
    return id_or_alone(rest)


def assign(rest: Rest) -> Command | None:
    """`派单 S12 物业 2h 说明`; said to the bot also without the id. `text` is the note, or whatever is no role."""
    match = ID_AND_TEXT.fullmatch(rest.folded)
    number = int(match[1]) if match is not None else None
    if match is None:
        match = TEXT.fullmatch(rest.folded)
        if not rest.explicit or match is None:
            return None
    start = match.start(match.lastindex or 0)
    role = _ROLES.match(rest.folded, start)
    if role is None:
        return Command(rest.name, number=number, text=rest.typed[start:].strip(), explicit=rest.explicit)
    limit = SPAN.search(rest.folded, role.end())
    cut = (role.end(), role.end()) if limit is None else limit.span()
    note = rest.typed[role.end() : cut[0]] + rest.typed[cut[1] :]
    return Command(
        rest.name,
        number=number,
        text=note.strip(SEPARATORS).rstrip("。.！!~"),
        role=texts.ROLE_BY_LABEL[role[1]],
        span=span_of(limit),
        explicit=rest.explicit,
    )


def rate(rest: Rest) -> Command | None:
    """`评价 S12 满意 师傅很快`, `评价 5`. `text` is the remark, or whatever is no grade."""
    match = ID_AND_TEXT.fullmatch(rest.folded)
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


def extend(rest: Rest) -> Command | None:
    """`延期 S12 2天 等配件`."""
    match = ID_AND_TEXT.fullmatch(rest.folded)
    if match is None:
        return None
    start = match.start(2)
    limit = SPAN.match(rest.folded, start)
    reason = rest.typed[limit.end() if limit is not None else start :].strip(SEPARATORS).rstrip("。")
    return Command(rest.name, number=int(match[1]), text=reason, span=span_of(limit), explicit=rest.explicit)


def two_ids(rest: Rest) -> Command | None:
    """`合并 S12 S15`."""
    match = _TWO_IDS.fullmatch(rest.folded)
    if match is None:
        return None
    other = int(match[2]) if match[2] else None
    return Command(rest.name, number=int(match[1]), other=other, explicit=rest.explicit)


def task(rest: Rest) -> Command | None:
    """`交办 @范围 事项 内容 [时限]`; the limit stands at the end."""
    match = _TASK.fullmatch(rest.folded)
    if match is None:
        return alone(rest) if rest.explicit else None
    folded, typed = rest.folded[match.start(3) :].rstrip(), rest.typed[match.start(3) :]
    limit = next((found for found in SPAN.finditer(folded) if found.end() == len(folded)), None)
    text = typed[: limit.start() if limit is not None else len(folded)].strip(SEPARATORS)
    scope, matter = rest.typed[slice(*match.span(1))], rest.typed[slice(*match.span(2))]
    return Command(rest.name, text=text, remark=matter, code=scope, span=span_of(limit), explicit=rest.explicit)


def lists(rest: Rest) -> Command | None:
    """`清单 资源`, `清单 S12 项目`; said to the bot also `清单` and `清单 资源 会议室周末可用`. `code` is the list's
    word."""
    match = _TICKET_LIST.fullmatch(rest.folded)
    if match is not None:
        return Command(rest.name, number=int(match[1]), code=match[2], explicit=rest.explicit)
    match = _LIST.fullmatch(rest.folded)
    if match is not None and (rest.explicit or not match[2]):  # 清单 项目 都发群里了 is talk
        return Command(rest.name, code=match[1], text=rest.as_typed(match), explicit=rest.explicit)
    return alone(rest) if rest.explicit else None
