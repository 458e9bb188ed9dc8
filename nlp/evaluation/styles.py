"""The ways people say the same in a chat. Who hears the matter and not the register loses nothing by them."""

from __future__ import annotations

import re
from collections.abc import Callable

_SIGNS = re.compile(r"[^\w\s]+|_+")
_LAST = " 。！？!?.~～"


def particles(text: str) -> str:
    return f"哎，{text.rstrip(_LAST)}啊"


def chatty(text: str) -> str:
    return f"那个，各位邻居，{text.rstrip(_LAST)}呢，你们呢？哈哈"


def voice(text: str) -> str:
    """As speech recognition writes it: fillers, and no sign between them."""
    return f"喂嗯那个{_SIGNS.sub('嗯', text.rstrip(_LAST))}就是这样子的然后"


def unpunctuated(text: str) -> str:
    return _SIGNS.sub("", text)


STYLES: dict[str, Callable[[str], str]] = {
    "particles": particles,
    "chatty": chatty,
    "voice": voice,
    "unpunctuated": unpunctuated,
}
