"""The fields of a template, `{时间}`, and how people say what they are to be: `时间=明天9点；范围=3栋`."""

from __future__ import annotations

import re

FIELD = re.compile(r"\{([^{}\s]{1,10})\}")
_SEPARATORS = " \t\n;；,，、"


def fields(template: str) -> list[str]:
    """What is to be filled in, in the order of the text."""
    return list(dict.fromkeys(FIELD.findall(template)))


def values(said: str, wanted: list[str]) -> tuple[dict[str, str], str]:
    """What each field is to be, also one that the template has not; and words that belong to none, or say one twice."""
    known = "|".join(map(re.escape, sorted(wanted, key=len, reverse=True))) or r"(?!)"
    named = re.compile(rf"(?:^|(?<=[\s;；,，、]))(?:({known})\s*[=＝:：]|([^\s=＝;；,，、:：]{{1,10}})\s*[=＝])")
    found = list(named.finditer(said))
    stray = said[: found[0].start() if found else len(said)].strip(_SEPARATORS)
    filled: dict[str, str] = {}
    for at, match in enumerate(found):
        end = found[at + 1].start() if at + 1 < len(found) else len(said)
        field = match[1] or match[2]
        if field in filled:
            return filled, match[0]
        filled[field] = said[match.end() : end].strip(_SEPARATORS)
    return filled, stray
