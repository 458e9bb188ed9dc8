"""Phone and ID numbers: found for the sealed column, masked everywhere else.

Digits are read in any script (full-width, mathematical …) and across blanks, dashes and invisible characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from nlp.normalize import strip_invisible

_GAP = r"[ \u00a0\u2005\t\-‐‑‒–—―－_.·・]"
_ID_18 = rf"(?<!\d)[1-9]\d{{5}}{_GAP}?(?:18|19|20)\d{{2}}{_GAP}?[01]\d{_GAP}?[0-3]\d{_GAP}?\d{{3}}[\dXx×](?!\d)"
_ID_PLAIN = r"(?<!\d)(?:\d{17}[\dXx×]|\d{15})(?!\d)"
_MOBILE = rf"(?<!\d)(?:(?:\+|00)?86{_GAP}{{0,2}})?1[3-9](?:{_GAP}{{0,2}}\d){{9}}(?!\d)"
_LANDLINE = rf"(?<!\d)[(（]?0(?:10|2\d|[3-9]\d{{2}})[)）]?{_GAP}?[2-8]\d{{2,3}}{_GAP}?\d{{4}}(?!\d)"
_LOCAL = r"(?<=电话|座机|号码|拨打|联系)[:： 是为]{0,2}[2-8]\d{6,7}(?!\d)"
_LONG = r"\d{11,}"
_ANY = re.compile(
    rf"(?P<id>{_ID_18}|{_ID_PLAIN})|(?P<mobile>{_MOBILE})|(?P<landline>{_LANDLINE})|(?P<local>{_LOCAL})|(?P<long>{_LONG})"
)
_ENOUGH_DIGITS = re.compile(r"\d(?:[^\d\n]{0,2}\d){6}")


@dataclass(frozen=True, slots=True)
class Contacts:
    """`text` is masked; `phones` are in clear, digits only, without 86, in order, without doubles."""

    text: str
    phones: tuple[str, ...] = ()
    has_id_number: bool = False


def find(text: str) -> Contacts:
    """Find and mask. The masks are `138****5678`, `028****1234`, `519999********1234`; no run of 11 digits is left."""
    if _ENOUGH_DIGITS.search(text) is None:
        return Contacts(text)
    text = strip_invisible(text)
    digits = text if text.isascii() else "".join(map(_ascii_digit, text))
    if _ENOUGH_DIGITS.search(digits) is None:
        return Contacts(text)
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
            mask = match[0][: -len(number)] + "****" + number[-4:]
        else:
            mask = f"{number[:4]}****{number[-4:]}"
        parts += (text[done : match.start()], mask)
        done = match.end()
    parts.append(text[done:])
    return Contacts("".join(parts), tuple(phones), has_id)


def mask(text: str) -> str:
    """The text with every phone and ID number masked: for nicknames, titles, names."""
    return find(text).text


def _ascii_digit(character: str) -> str:
    if character.isdigit():
        return str(unicodedata.digit(character))
    return "+" if character == "＋" else character
