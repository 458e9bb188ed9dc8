"""The fields of a result as a live 12345 line keeps them, read from what is typed behind `办结 S12`.

办结 S12 已更换水泵 已联系 公开答复：水泵已换，今晚恢复供水
办结 S12 配件停产 未解决：等厂家
"""

from __future__ import annotations

import re
from typing import Any

from handlers.hearing import SEPARATORS

_SEP = r"[\s,、;，；。.]"
# A word counts only where it stands by itself: 情况属实 and 属实 are said of the appeal, 已联系厂家 is not.
_WORDS: dict[str, tuple[str, bool]] = {
    "诉求属实": ("founded", True),
    "情况属实": ("founded", True),
    "属实": ("founded", True),
    "诉求不属实": ("founded", False),
    "情况不属实": ("founded", False),
    "不属实": ("founded", False),
    "超职责": ("out_of_remit", True),
    "超出职责": ("out_of_remit", True),
    "已联系群众": ("contacted", True),
    "已联系反映人": ("contacted", True),
    "已联系": ("contacted", True),
    "未联系": ("contacted", False),
    "联系不上": ("contacted", False),
    "已解决": ("solved", True),
    "未解决": ("solved", False),
}
_WORD = re.compile(
    rf"(?:^|(?<={_SEP}))(?P<word>{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?=$|{_SEP}|[:：])"
    rf"(?:[:：]\s*(?P<why>[^\s,、;，；。]+))?"
)
_PUBLIC = re.compile(rf"(?:^|{_SEP})公开答复\s*[:：]\s*(?P<answer>.+)$", re.DOTALL)


def read(text: str) -> dict[str, Any]:
    """The columns of a ticket that the words set, the result itself (never empty) among them. What is not said stays
    unknown, not false."""
    fields: dict[str, Any] = {}
    public = _PUBLIC.search(text)
    if public is not None:
        fields["public_answer"] = public["answer"].strip()
        text = text[: public.start()]
    for match in _WORD.finditer(text):
        name, value = _WORDS[match["word"]]
        fields[name] = value
        if name == "solved" and not value and match["why"]:
            fields["unsolved_reason"] = match["why"]
    kept = text.strip(SEPARATORS + "。.")
    return {**fields, "result": kept or fields.get("public_answer", "")}
