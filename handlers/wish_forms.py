"""The forms of what is typed about wishes: behind the command word → `Command`, pure."""

from __future__ import annotations

import re

from handlers.forms import SEP, TAIL, TEXT, Command, Rest, alone
from handlers.hearing import SEPARATORS

_X = rf"{SEP}*(?:和|及)?{SEP}*#?\s?[xX]\s?([0-9]{{1,9}})(?![0-9])"
_REVIEW = re.compile(rf"((?:{_X})+){SEP}*(不通过|通过|同意|驳回|未完成|没完成)(.*)", re.DOTALL)
_NUMBER = re.compile(r"[xX]\s?([0-9]{1,9})")
_SCOPE = re.compile(r"@([^\s@,=>→]{1,40})")
_WORDING = re.compile(r"(?:=>|→)")
_ONE = re.compile(rf"(?:{_X})?(.*)", re.DOTALL)
_UNNAMED = re.compile(r"匿名|不具名|不留名|不要提我")
_ASKS = re.compile(r"[?？吗呢]")
_SHORTEST = 3  # characters of a wish that was not said to the bot: 心愿 达成 is talk
_LONGEST_BY_THE_WAY = 30

PASS, REJECT, UNDONE = "通过", "驳回", "未完成"
_VERDICT = {"通过": PASS, "同意": PASS, "驳回": REJECT, "不通过": REJECT, "未完成": UNDONE, "没完成": UNDONE}


def wish(rest: Rest) -> Command | None:
    """`心愿 4栋独居老人想换个灯泡`; alone, what is open."""
    match = TEXT.fullmatch(rest.folded)
    if match is not None and (rest.explicit or len(match[1].strip()) >= _SHORTEST):
        return Command(rest.name, text=rest.as_typed(match), explicit=rest.explicit)
    return alone(rest)


def review(rest: Rest) -> Command | None:
    """`审核 X5 X6 通过 @范围`, `审核 X5 通过 => 改后的话`, `审核 X5 驳回 理由`. `items` are the wishes, `verdict` one
    of three words, `code` the scope, `remark` the wording and `text` the reason."""
    match = _REVIEW.fullmatch(rest.folded)
    if match is None:
        return alone(rest) if rest.explicit else None
    items = tuple(dict.fromkeys(int(number) for number in _NUMBER.findall(match[1])))
    verdict = _VERDICT[match[3]]
    folded, typed = match[4], rest.typed[match.start(4) :]
    scope, wording = "", ""
    if verdict == PASS:
        arrow = _WORDING.search(folded)
        head = folded[: arrow.start()] if arrow is not None else folded
        named = _SCOPE.search(head)
        scope = typed[slice(*named.span(1))] if named is not None else ""
        if arrow is not None:
            wording = typed[arrow.end() :].strip(SEPARATORS)
        elif not TAIL.fullmatch(_SCOPE.sub("", head)):
            return alone(rest) if rest.explicit else None  # 审核 X5 通过了吗
    reason = "" if verdict == PASS else typed.strip(SEPARATORS)
    return Command(
        rest.name,
        letter="X",
        items=items,
        verdict=verdict,
        text=reason,
        remark=wording,
        code=scope,
        explicit=rest.explicit,
    )


def claim(rest: Rest) -> Command | None:
    """`认领 X5`, `认领`, `我来认领 我是电工`, `认领 X5 匿名`. `text` is what they say of themselves, `anonymous` that
    they are not to be named."""
    match = _ONE.fullmatch(rest.folded)
    if match is None:
        return None
    said = match[2].strip(SEPARATORS + "。.!~")
    note = _UNNAMED.sub("", said).strip(SEPARATORS + "。.!~")
    fits = len(note) <= _LONGEST_BY_THE_WAY and not _ASKS.search(said)
    if not fits or (match[1] is None and not rest.explicit and note and not note.startswith("我")):
        return None
    typed = _UNNAMED.sub("", rest.typed[match.start(2) :]).strip(SEPARATORS + "。.!~！～")
    return Command(
        rest.name,
        item=int(match[1]) if match[1] else None,
        letter="X",
        text=typed,
        anonymous=bool(_UNNAMED.search(said)),
        explicit=rest.explicit,
    )


def give_up(rest: Rest) -> Command | None:
    """`放弃 X5`, also with the reason behind it; alone where there is one that it can mean."""
    match = _ONE.fullmatch(rest.folded)
    if match is None or (match[1] is None and not TAIL.fullmatch(rest.folded)):
        return None
    return Command(rest.name, item=int(match[1]) if match[1] else None, letter="X", explicit=rest.explicit)


def deed(rest: Rest) -> Command | None:
    """`实事 老杨 帮4栋修灯`, said to the bot. `code` is who did it."""
    if not rest.explicit:
        return None
    match = re.fullmatch(rf"{SEP}+@?([^\s,、:;]{{1,20}}){SEP}+(.+)", rest.folded, re.DOTALL)
    if match is None:
        return alone(rest)
    return Command(rest.name, code=rest.typed[slice(*match.span(1))], text=rest.as_typed(match), explicit=True)
