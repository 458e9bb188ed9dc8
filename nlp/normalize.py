"""Text as people type it → one spelling: NFKC, simplified, without the invisible, typos and dialect resolved.

Two forms come out of a message. The *clean* form is what may be kept: the words as written, without control
characters, emoji codes, mentions. The *normal* form is what rules match.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import ahocorasick_rs

from nlp import tables

CAP = 4_000  # characters of one message that are looked at and may be kept
RAW_CAP = 40_000  # beyond this nothing is read at all: it bounds the cost of stripping

DATA = Path(__file__).with_name("data")

# Control, zero-width, bidirectional marks, combining marks, variation selectors, tags, surrogates.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u061c\u064b-\u065f"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\U0001d165-\U0001d169\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
_PICTURES = re.compile("[\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+")
# Any character of those above, or one that begins a mention or an emoji code, or an odd blank.
_STRIPPED = re.compile(_INVISIBLE.pattern[:-2] + _PICTURES.pattern[1:-2] + "@＠\\[\r\t\u2005\u00a0]")
_BLANKS = re.compile(r"[^\S\n]+")
# Chinese characters and common signs. Of numerals no more than ten in a row: eleven may be a phone number.
_NUMERALS = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_WORDS = "，。！？、" + "".join(
    f"{chr(before + 1)}-{chr(behind - 1)}"
    for before, behind in pairwise([0x4DFF, *sorted(map(ord, _NUMERALS)), 0xA000])
    if behind > max(before + 1, 0x4E00)
)
_PLAIN = re.compile(f"[{_WORDS}]*+(?:[{_NUMERALS}]{{1,10}}+(?:[{_WORDS}]++|$))*+")
_BRACKETED = re.compile(r"\[([^\[\]\s]{1,8})\]")

# A mention ends at U+2005 (WeChat), U+00A0 (WeCom) or a blank; before the sign no letter of an e-mail address.
_MENTION_MARKED = re.compile(r"(?<![A-Za-z0-9._])@([^@\u2005\u00a0\n]{1,40})[\u2005\u00a0]")
_MENTION_PLAIN = re.compile(r"(?<![A-Za-z0-9._])@([^\s@\u2005\u00a0,，。!！?？:：]{1,24})(?=[\s,，。!！?？:：]|$)")


# What follows a role that somebody calls without a blank: @物业快来 calls 物业, @管家小李 calls 管家小李.
_SPEECH = r"(?=[快来看修管帮你请在这那什怎能有几我电停漏为到还又今明都是门路楼\d\s]|$)"


def is_plain(text: str) -> bool:
    """Whether a message is a line of Chinese characters and common signs, as most are: with nothing to strip, no quote,
    no mention, no number to mask, and no sign-up chain."""
    return len(text) <= CAP and _PLAIN.fullmatch(text) is not None


def is_bare(text: str) -> bool:
    """Whether there is nothing to strip from a message, as from most: `strip_invisible`, `strip_mentions` and
    `strip_emoji` would leave it as it is, and no blanks stand side by side."""
    return len(text) <= CAP and _STRIPPED.search(text) is None and "  " not in text


def strip_invisible(text: str) -> str:
    """Drop what nobody sees (and lone surrogates, which no encoder takes), then cut at the cap."""
    if text.isascii() and text.isprintable():
        return text[:CAP]
    return _INVISIBLE.sub("", text[:RAW_CAP].replace("\r", "\n"))[:CAP]


def strip_mentions(text: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Take `@somebody` off. Returns the rest and who was mentioned, in order."""
    if "@" not in text and "＠" not in text:
        return text, ()
    text = text.replace("＠", "@")
    found: list[str] = []

    def take(match: re.Match[str]) -> str:
        found.append(match[1].strip())
        return " "

    text = _MENTION_MARKED.sub(take, text)
    for name in sorted(names, key=len, reverse=True):
        if name and f"@{name}" in text:  # typed by hand, with nothing behind it
            text = text.replace(f"@{name}", " ")
            found.append(name)
    text = _known_mentions().sub(take, text)
    text = _MENTION_PLAIN.sub(take, text)
    return text.strip(), tuple(found)


def strip_emoji(text: str) -> str:
    """Drop emoji and the codes WeChat writes for its own, such as `[微笑]`; `[求助]` stays."""
    if "[" in text:
        codes = _emoji_codes()
        text = _BRACKETED.sub(lambda match: " " if match[1] in codes else match[0], text)
    return text if text.isascii() else _PICTURES.sub(" ", text)


class Spelling:
    """What people write and what is meant: the rows of typos.csv and dialect.csv, compiled."""

    def __init__(self, rows: Sequence[tables.Row]) -> None:
        self._words = tuple(row["meant"] for row in rows)
        self._exclusions = tuple(tables.several(row["exclude"]) for row in rows)
        self._automaton = ahocorasick_rs.AhoCorasick(
            [row["written"] for row in rows], matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )

    def normalise(self, text: str) -> str:
        """One spelling for rules to match: NFKC, simplified, lower case, typos and dialect resolved, at most `CAP`
        long."""
        if not text.isascii():
            # The signs of nearly every message first: where they were all, nothing else is to be done.
            text = text.replace("，", ",").replace("？", "?").replace("！", "!")
            text = unicodedata.normalize("NFKC", text)[:CAP]
            if _changing().search(text) is not None:
                text = text.translate(simplified())
                text = _BLANKS.sub(" ", _INVISIBLE.sub("", text))
            text = self._respell(text)[:CAP]
            return (_BLANKS.sub(" ", text) if "  " in text else text).strip().lower()
        return _BLANKS.sub(" ", text).strip().lower()

    def _respell(self, text: str) -> str:
        matches = self._automaton.find_matches_as_indexes(text)
        if not matches:
            return text
        parts: list[str] = []
        done = 0
        for index, start, end in matches:
            others = self._exclusions[index]
            if any(other in text[max(0, start - len(other)) : end + len(other)] for other in others):
                continue
            parts += (text[done:start], self._words[index])
            done = end
        parts.append(text[done:])
        return "".join(parts)


def normalise(text: str) -> str:
    """As `Spelling.normalise`, by the shipped tables."""
    return _shipped().normalise(text)


@cache
def simplified() -> Mapping[int, str]:
    """Each traditional character (its code point) → the simplified one."""
    rows = tables.read(DATA / "traditional.csv", ("traditional", "simplified"))
    return {ord(row["traditional"]): row["simplified"] for row in rows}


@cache
def _changing() -> re.Pattern[str]:
    """What most messages have nothing of: characters that are rewritten, dropped, or a blank other than a space."""
    blanks = "".join(one for one in map(chr, range(0x3001)) if one.isspace() and one not in " \n")
    return re.compile(f"[{re.escape(''.join(map(chr, simplified())))}{re.escape(blanks)}{_INVISIBLE.pattern[1:-2]}]")


@cache
def _shipped() -> Spelling:
    return Spelling(
        [
            row
            for name in ("typos.csv", "dialect.csv")
            for row in tables.read(DATA / name, ("written", "meant", "exclude"), optional=("exclude",))
        ]
    )


@cache
def _emoji_codes() -> frozenset[str]:
    return frozenset(row["code"] for row in tables.read(DATA / "emoji.csv", ("code",)))


@cache
def _known_mentions() -> re.Pattern[str]:
    names = sorted((row["name"] for row in tables.read(DATA / "mentions.csv", ("name",))), key=len, reverse=True)
    return re.compile(f"@({'|'.join(map(re.escape, names))}){_SPEECH}")
