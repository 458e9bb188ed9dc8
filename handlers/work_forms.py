"""The forms of what is typed about one's work and about points: behind the command word → `Command`, pure."""

from __future__ import annotations

import re

from handlers.forms import SEP, TEXT, Command, Rest, alone
from handlers.hearing import SEPARATORS

_NUMBER = {word: at for at, word in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_HOUSEHOLDS = re.compile(
    rf"{SEP}*了?{SEP}*([0-9]{{1,3}}|[{''.join(_NUMBER)}])\s?户(?:居民|人家|家庭)?(?={SEP}|[。.!~]|$)"
)
_ASKS = re.compile(r"[?？吗呢]")
_SHORTEST = 2  # characters of what was seen
_REDEEM = re.compile(
    rf"{SEP}+@?([^\s,、:;@]{{1,20}}){SEP}+([0-9]{{1,6}})(?:\s?(?:积分|分){SEP}*|{SEP}+)(.+)", re.DOTALL
)


def visit(rest: Rest) -> Command | None:
    """`走访 3户 无异常`, `走访3户`, `走访 独居老人 都好`. `count` is how many households. A question is none."""
    if _ASKS.search(rest.folded):
        return alone(rest) if rest.explicit else None
    match = _HOUSEHOLDS.match(rest.folded)
    if match is None:
        return patrol(rest)
    count = _NUMBER.get(match[1]) or int(match[1])
    said = rest.typed[match.end() :].strip(SEPARATORS + "。.!~！～")
    return Command(rest.name, count=count or None, text=said, explicit=rest.explicit)


def patrol(rest: Rest) -> Command | None:
    """`巡查 楼道无堆物`. A question is none, and neither is a single character."""
    match = TEXT.fullmatch(rest.folded)
    if match is None or _ASKS.search(match[1]) or len(match[1].strip()) < _SHORTEST:
        return alone(rest) if rest.explicit else None
    return Command(rest.name, text=rest.as_typed(match).strip(SEPARATORS), explicit=rest.explicit)


def redeem(rest: Rest) -> Command | None:
    """`兑换 李姐 20 毛巾`. `code` is whose points, `count` how many, `text` for what."""
    match = _REDEEM.fullmatch(rest.folded)
    if match is None:
        return alone(rest) if rest.explicit else None
    name = rest.typed[slice(*match.span(1))]
    return Command(rest.name, code=name, count=int(match[2]), text=rest.as_typed(match), explicit=rest.explicit)
