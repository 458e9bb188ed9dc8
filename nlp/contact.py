"""Phone and ID numbers: found for the sealed column, masked everywhere else.

Digits are read in any script (full-width, mathematical, in circles …), in runs also as words (一三八…), and across
blanks, dashes and invisible characters. A bank card is masked, but is no phone.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from nlp.normalize import strip_invisible

_GAP = r"[ \u00a0\u2005\t\-‐‑‒–—―－_.·・]"
# Between the groups of a number people put more than between single digits: 138 - 1234 - 5678, 138/1234/5678.
_WIDE = r"[ \u00a0\u2005\t\-‐‑‒–—―－_.·・,，、/~～*()（）:：|…。]{1,4}"
_G = rf"{_GAP}?"
_ID_18 = (
    rf"(?<!\d)[1-9](?:{_G}\d){{5}}{_G}(?:1{_G}[89]|2{_G}0)(?:{_G}\d){{2}}{_G}[01]{_G}\d{_G}[0-3]{_G}\d(?:{_G}\d){{3}}"
    rf"{_G}[\dXx×](?!\d)"
)
_ID_PLAIN = r"(?<!\d)(?:\d{17}[\dXx×]|\d{15})(?!\d)"
_CARD = (
    rf"(?<!\d)\d{{4}}(?:{_GAP}{{1,2}}\d{{4}}){{3}}(?:{_GAP}{{0,2}}\d{{1,3}})?(?!\d)"  # a bank card in groups of four
)
_MOBILE = (
    rf"(?<!\d)(?:(?:\+|00|[(（]\+?)?86[)）]?{_GAP}{{0,3}})?"
    rf"(?:1[3-9](?:{_GAP}{{0,2}}\d){{9}}|1[3-9]\d{_WIDE}\d{{4}}{_WIDE}\d{{4}})(?!\d)"
)
_LANDLINE = rf"(?<!\d)[(（]?0(?:10|2\d|[3-9]\d{{2}})[)）]?{_GAP}{{0,3}}[2-8]\d{{2,3}}{_GAP}?\d{{4}}(?!\d)"
_LOCAL = rf"(?<=电话|座机|号码|拨打|联系|致电|打到)[:： 是为]{{0,2}}[2-8]\d{{2,3}}{_GAP}?\d{{4}}(?!\d)"
_LONG = r"\d{11,}"
_ANY = re.compile(
    rf"(?P<id>{_ID_18}|{_ID_PLAIN})|(?P<card>{_CARD})|(?P<mobile>{_MOBILE})|(?P<landline>{_LANDLINE})"
    rf"|(?P<local>{_LOCAL})|(?P<long>{_LONG})"
)
# Digits in any script and dress, those of words only in runs: 一三八 one two three is no number, eleven are.
_ROUND = "⓪①-⑨⑴-⑼❶-❾➀-➈➊-➒⁰¹²³⁴-⁹₀-₉"
_SPELT = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_TENS = re.compile(r"[⑩-⑳⑽-⒇⒈-⒛㉑-㉟㊱-㊿⓫-⓴❿➉➓]")  # one character of two digits: ⑬
_DIGIT = re.compile(rf"[\d{_ROUND}{_TENS.pattern[1:-1]}]")
_ENOUGH_DIGITS = re.compile(rf"{_TENS.pattern}|[\d{_ROUND}](?:[^\d{_ROUND}\n]{{0,4}}[\d{_ROUND}]){{6}}")
_ENOUGH_SPELT = re.compile(rf"[\d{_SPELT}](?:{_GAP}{{0,2}}[\d{_SPELT}]){{10}}")
_SHORTEST = 6  # characters: ⑬⑬⑬⑬⑬① is a mobile number
_SPELT_RUN = re.compile(rf"[\d{_SPELT}](?:{_GAP}{{0,2}}[\d{_SPELT}]){{10,}}")
_SPELT_DIGITS = str.maketrans("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "00123456789" + "1" + "123456789")
_PLAIN = {"＋": "+", "Ｘ": "X", "ｘ": "x"}


class Contacts(NamedTuple):
    """`text` is masked; `phones` are in clear, digits only, without 86, in order, without doubles."""

    text: str
    phones: tuple[str, ...] = ()
    has_id_number: bool = False


def find(text: str) -> Contacts:
    """Find and mask. The masks are `138****5678`, `028****1234`, `519999********1234`; no run of 11 digits is left."""
    if len(text) < _SHORTEST or not _worth_a_look(text):
        return Contacts(text)
    plain = strip_invisible(text)
    text = _TENS.sub(lambda character: str(int(unicodedata.numeric(character[0]))), plain)
    digits = text
    if not text.isascii():
        digits = _SPELT_RUN.sub(lambda run: run[0].translate(_SPELT_DIGITS), "".join(map(_ascii_digit, text)))
    if not _worth_a_look(digits):
        return Contacts(plain)
    parts: list[str] = []
    phones: dict[str, None] = {}
    has_id = False
    done = 0
    for match in _ANY.finditer(digits):
        number = "".join(c for c in match[0] if c.isdigit() or c in "Xx×")
        if match.lastgroup == "id":
            has_id = True
            mask = number[:6] + "*" * (len(number) - 10) + number[-4:]
        elif match.lastgroup == "mobile":
            number = number[-11:]
            phones[number] = None
            mask = f"{number[:3]}****{number[-4:]}"
        elif match.lastgroup == "landline":
            area = 3 if number[1] in "12" else 4
            phones[f"{number[:area]}-{number[area:]}"] = None
            mask = f"{number[:area]}****{number[-4:]}"
        elif match.lastgroup == "local":
            phones[number] = None
            lead = next(at for at, character in enumerate(match[0]) if character.isdigit())
            mask = match[0][:lead] + "****" + number[-4:]
        else:
            mask = f"{number[:4]}****{number[-4:]}"
        parts += (text[done : match.start()], mask)
        done = match.end()
    parts.append(text[done:])
    return Contacts("".join(parts), tuple(phones), has_id)


def _worth_a_look(text: str) -> bool:
    """Whether there are digits enough for a number; quick to say no, which it says of most messages."""
    if _DIGIT.search(text) is not None and _ENOUGH_DIGITS.search(text) is not None:
        return True
    return _ENOUGH_SPELT.search(text) is not None


def mask(text: str) -> str:
    """The text with every phone and ID number masked: for nicknames, titles, names."""
    return find(text).text


def _ascii_digit(character: str) -> str:
    if character.isdigit():
        return str(unicodedata.digit(character))
    return _PLAIN.get(character, character)
