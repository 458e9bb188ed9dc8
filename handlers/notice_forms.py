"""How 通知 is written: always said to the bot, since leaders begin what they tell their group with the same word."""

from __future__ import annotations

import re

from handlers.forms import Command, Form, Rest, alone
from handlers.hearing import SEPARATORS

_NOTICE = re.compile(r"(?:[\s,、:;]*@([^\s@]{1,80})(?=\s))?[\s,、:;]+(.+)", re.DOTALL)


def notice(*, urgent: bool) -> Form:
    """`通知 [@范围] 内容`; the words are kept as typed, line breaks and all."""

    def form(rest: Rest) -> Command | None:
        if not rest.explicit:
            return None
        match = _NOTICE.fullmatch(rest.folded)
        if match is None:
            return alone(rest)
        scope = rest.typed[match.start(1) : match.end(1)] if match[1] else ""
        text = rest.typed[match.start(2) :].strip(SEPARATORS)
        return Command(rest.name, text=text, code=scope, urgent=urgent, explicit=True)

    return form
