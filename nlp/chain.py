"""接龙: a numbered list that a group writes together, made by WeChat or by hand. It is a roster, not an appeal."""

from __future__ import annotations

import re

_NATIVE = re.compile(r"#\s?(?:接龙|接龍|group note)", re.IGNORECASE)
_ROW = re.compile(r"^[ \t]*(?:例[ \t]*)?(\d{1,3})[ \t]*[.、,，。:：)）．][ \t]*(\S.*)?$", re.MULTILINE)
_HEAD = ("接龙", "接龍", "报名", "登记", "统计", "团购", "签到", "拼团", "名单")
_NATIVE_WITHIN = 120  # the tag stands in the title, before the rows
_SHORT_ROW = 24


def is_chain(text: str) -> bool:
    """Whether the whole message is a sign-up chain. `text` is without quotes, its line breaks kept."""
    if _NATIVE.search(text, 0, _NATIVE_WITHIN):
        return True
    if "\n" not in text:
        return False
    rows = [(int(number), row or "") for number, row in _ROW.findall(text)]
    if not rows:
        return False
    head = text[: _ROW.search(text).start()]  # type: ignore[union-attr]  # there are rows
    named = any(word in head for word in _HEAD)
    if "接龙" in head or "接龍" in head:
        return True
    counted = [number for number, _ in rows] == list(range(1, len(rows) + 1))
    short = all(len(row) <= _SHORT_ROW for _, row in rows)
    return named and counted and short and len(rows) >= 2
