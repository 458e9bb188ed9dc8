"""From a message's text to the words that the command grammar matches: mentions, emoji and spellings out of the way.

Folding keeps the length, character by character, so that what people wrote can be kept as they wrote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nlp import normalize

SEPARATORS = " \t\n\r,、:;，：；\u2005\u00a0\u3000"

# Full-width → half-width, special blanks → a space, traditional characters → simplified.
_WIDE = (range(0xA0, 0x100), range(0x2000, 0x2010), range(0x2460, 0x2500), range(0x3000, 0x3001), range(0xFF00, 0xFFF0))
_FOLD: dict[str, str] = {
    chr(code): folded for span in _WIDE for code in span if len(folded := unicodedata.normalize("NFKC", chr(code))) == 1
}
_FOLD |= {chr(code): plain for code, plain in normalize.simplified().items()} | {"啓": "启"}
_TABLE = str.maketrans(_FOLD)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\u20e3"))
_EMOJI_CODE = re.compile(r"\[[\u4e00-\u9fffA-Za-z]{1,8}\]")
_NATIVE_CHAIN = re.compile(r"[#＃]\s*(接[龙龍]|Group\s*Note)", re.IGNORECASE)
_MENTION_ENDS = "\u2005 \u00a0\u3000\t\n\r,，:：、"
_LONGEST_NICK = 40


@dataclass(frozen=True, slots=True)
class Heard:
    """What is left of a message, as typed and, of the same length, as it is matched. `explicit`: said to the bot;
    `slash`: with a `/` or `#` in front."""

    typed: str
    folded: str
    explicit: bool
    slash: bool


def listen(text: str, *, addressed: bool, names: Sequence[str]) -> Heard | None:
    """Take off emoji codes, mentions of the bot and a leading `/` or `#`. None where nothing is left, where somebody
    else is spoken to, and for a 接龙.

    `addressed`: the message mentions the bot, whatever its nick in the group, or was said in private."""
    rest = text.replace("＠", "@").translate(_INVISIBLE).strip()
    explicit = addressed
    for name in names:
        if rest.endswith(f"@{name}"):
            rest, explicit = rest[: -len(name) - 1].rstrip(), True
    rest = _EMOJI_CODE.sub("", rest).strip() if "[" in rest else rest
    if rest.startswith("@"):
        behind = _behind_mention(rest, addressed, names)
        if behind is None and not addressed:
            return None
        explicit, rest = True, rest if behind is None else behind
    rest = rest.strip(SEPARATORS)
    while rest and unicodedata.category(rest[-1]) in {"So", "Sk", "Mn", "Cf"} and rest[-1] not in _FOLD:
        rest = rest[:-1].rstrip()
    if _NATIVE_CHAIN.match(rest):
        return None
    slash = rest.startswith(("/", "#", "／", "＃"))
    if slash:
        rest = rest[1:].lstrip()
    return Heard(rest, rest.translate(_TABLE), explicit or slash, slash) if rest else None


def as_written(text: str, heard: str, names: Sequence[str]) -> str:
    """The end of a message from where `heard`, the end of what `listen` left of it, begins: with the emoji and the
    invisible signs that were taken off, for words that must not be varied."""
    plain = text.replace("＠", "@")
    for name in names:
        plain = plain.rstrip().removesuffix(f"@{name}")
    at = len(plain)
    for char in reversed(heard):
        at = plain.rfind(char, 0, at)
        if at < 0:
            return heard
    code = next((found for found in _EMOJI_CODE.finditer(plain, 0, at) if found.end() == at), None)
    return text[code.start() if code is not None else at : len(plain)].strip(SEPARATORS)


def said_to_bot(text: str, names: Sequence[str] = ("小格",)) -> bool:
    """Whether the text itself carries an `@小格`, wherever it stands."""
    if "@" not in text and "＠" not in text:
        return False
    plain = text.replace("＠", "@")
    for name in names:
        start = plain.find(f"@{name}")
        while start >= 0:
            end = start + 1 + len(name)
            if end == len(plain) or plain[end] in _MENTION_ENDS:
                return True
            start = plain.find(f"@{name}", end)
    return False


def spellings(chars: Collection[str]) -> frozenset[str]:
    """Every character that folds to one of these, themselves among them."""
    return frozenset(chars) | {char for char, folded in _FOLD.items() if folded in chars}


def _behind_mention(text: str, addressed: bool, names: Sequence[str]) -> str | None:
    """What follows a leading mention of the bot; None where the mention is of somebody else."""
    for name in names:
        end = 1 + len(name)
        if text.startswith(f"@{name}") and (end == len(text) or text[end] in _MENTION_ENDS):
            return text[end:].lstrip(_MENTION_ENDS)
    if not addressed:
        return None
    # The group may know the account by another nick; nicks may hold spaces, but WeChat ends a mention with U+2005.
    end = text.find("\u2005", 1, _LONGEST_NICK)
    if end < 0:
        end = next((at for at, char in enumerate(text[:_LONGEST_NICK]) if char in _MENTION_ENDS), -1)
    return text[end:].lstrip(_MENTION_ENDS) if end > 0 else None
