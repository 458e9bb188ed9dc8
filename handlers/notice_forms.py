"""How 通知 and 公告 are written: always said to the bot, since leaders begin what they tell their group with the same
words."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers.forms import TEXT, Command, Form, Rest, alone, item
from handlers.hearing import SEPARATORS

_NAMED = r"@[^\s@:;]{1,80}"
_NOTICE = re.compile(
    rf"(?:[\s,、:;]*({_NAMED}(?:[\s,、:;]*{_NAMED})*)(?=[\s:;]|$))?(?:[\s,、:;]*(附图|附件)(?=[\s,、:;]|$))?(?:[\s,、:;]+(.+))?",
    re.DOTALL,
)


def notice(*, urgent: bool) -> Form:
    """`通知 [@范围] [附图] 内容`; the words are kept as typed, line breaks and all."""

    def form(rest: Rest) -> Command | None:
        if not rest.explicit:
            return None
        match = _NOTICE.fullmatch(rest.folded)
        if match is None:
            return alone(rest)
        scope, text = (rest.typed[slice(*match.span(part))] if match[part] else "" for part in (1, 3))
        return Command(
            rest.name,
            text=text.strip(SEPARATORS),
            code=scope.removeprefix("@"),
            urgent=urgent,
            shows=bool(match[2]),
            explicit=True,
        )

    return form


# How people ask for one in words of their own.
SPOKEN = tuple(
    asked + word
    for asked in ("", "帮我", "帮忙")
    for word in (
        "群发",
        "群发通知",
        "群发消息",
        "发通知",
        "发个通知",
        "发一个通知",
        "发条通知",
        "发一条通知",
        "通知一下",
    )
)


def spoken(rest: Rest) -> Command | None:
    """`帮我发个通知 @3栋 内容`, `群发：内容`. What is not parted from the word has no text, and is asked for."""
    if not rest.explicit:
        return None
    found = notice(urgent=False)(rest)
    return replace(found, in_words=True) if found is not None else Command(rest.name, explicit=True, in_words=True)


_OTHER = re.compile(r"[a-zA-Z]\s?[0-9]")


def item_and_text(rest: Rest) -> Command | None:
    """`定时 T3 明天18:00`, and without the id where the only one that is open is meant."""
    found = item("T")(rest)
    match = TEXT.fullmatch(rest.folded) if found is None and rest.explicit else None
    if match is None or _OTHER.match(match[1]):
        return found
    return Command(rest.name, text=rest.as_typed(match), explicit=True)
