"""Everyday supplies: what a text asks for or offers, and how much of it.

data/goods.csv gives each thing its name, what people also call it, and in what it is counted. What is not in it goes by
the word that was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from nlp import counts, tables
from nlp.normalize import DATA, normalise

MOST = 8
_LONGEST = 300
_LONGEST_NAME = 12
_SAME_UNIT = {"公斤": ("斤", 2), "千克": ("斤", 2), "kg": ("斤", 2), "l": ("升", 1)}
_NUMBER = r"(?<![\d.\-])(?:\d{1,4}|[一二两三四五六七八九十百]{1,4})"
_FILLERS = re.compile(
    r"急需|急求|急|需要|需|要|想要|想|求|有|可以|可|能|提供|多余的?|剩下?的?|捐|送|借|大概|大约|左右|多|一些|一点|点儿?|些|若干|几[个袋斤瓶包箱]"
    r"|谢谢|感谢|麻烦|帮忙|哪位|谁家|邻居|好心人|的|了|吗|呢|啊|呀"
)
_PARTS = re.compile(r"[、,;\n]+|(?<!调)和|跟|还有|以及")
_SIGNS = " \t\n,、;:。.!~()和跟与及+"


@dataclass(frozen=True, slots=True)
class Goods:
    """One thing. `amount` is None where the text does not count it; `unit` may then be empty. Of 十几箱 it is the round
    number; the note has the words."""

    thing: str
    amount: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Request:
    """The things of a text in its order, and what else it says (a place, for whom)."""

    goods: tuple[Goods, ...]
    note: str


def read(text: str) -> Request:
    """What a text asks for or offers; no goods where it names none. Each thing once, with the last amount."""
    found: dict[str, Goods] = {}
    notes: list[str] = []
    pieces = [piece for piece in _PARTS.split(normalise(text[:_LONGEST])) if piece.strip(_SIGNS)]
    for piece in pieces:
        named, note = _listed(piece)
        for goods in named[:MOST]:
            known = found.get(goods.thing)
            if known is None or goods.amount is not None:
                found[goods.thing] = goods
        notes.append(note)
    if not found and pieces:
        return _unlisted(pieces)
    return Request(tuple(found.values()), " ".join(note for note in notes if note))


def _listed(piece: str) -> tuple[list[Goods], str]:
    """The things of one piece that the table knows, and what is left of it."""
    amounts = _amounts(piece)
    counted = {at for _, _, span, _ in amounts for at in range(*span)}
    names = [(thing, span) for thing, span in _names(piece) if counted.isdisjoint(range(*span))]
    used = [span for _, span in names]
    goods, rough = [], []
    for thing, span in names:
        near = _nearest(span, amounts, used)
        if near is not None:
            amounts.remove(near)
            used.append(near[2])
            rough += [f"{thing}{near[3]}"] if near[3] else []
        goods.append(Goods(thing, near[0] if near else None, near[1] if near else ""))
    return goods, " ".join(filter(None, [*rough, _rest(piece, used)]))


def names_any(text: str) -> bool:
    """Whether a text names a thing that the table knows."""
    return bool(_names(normalise(text[:_LONGEST])))


def amount(text: str) -> tuple[int, str] | None:
    """How much a text says: `5袋`; None where it says no amount."""
    found = _amounts(normalise(text[:_LONGEST]))
    return (found[0][0], found[0][1]) if found else None


_Amount = tuple[int, str, tuple[int, int], str]  # how much, of what unit, where; the words where they are rough


def _amounts(normal: str) -> list[_Amount]:
    found: list[_Amount] = []
    for match in _counting().finditer(normal):
        number = counts.number(match["number"])
        unit, times = _SAME_UNIT.get(match["unit"], (match["unit"], 1))
        if number:
            found.append((number * times, unit, match.span(), match[0] if match["rough"] else ""))
    return found


def _names(normal: str) -> list[tuple[str, tuple[int, int]]]:
    return [(_table()[match[0]], match.span()) for match in _called().finditer(normal)]


def _nearest(span: tuple[int, int], amounts: list[_Amount], used: list[tuple[int, int]]) -> _Amount | None:
    """The amount right behind the thing, else the one right before it, with no other thing between."""
    for amount_ in amounts:
        gap = amount_[2][0] - span[1]
        if 0 <= gap <= 3 and not _crosses(span[1], amount_[2][0], used):
            return amount_
    for amount_ in reversed(amounts):
        gap = span[0] - amount_[2][1]
        if 0 <= gap <= 2 and not _crosses(amount_[2][1], span[0], used):
            return amount_
    return None


def _crosses(start: int, end: int, used: list[tuple[int, int]]) -> bool:
    return any(start <= at < end for at, _ in used)


def _rest(normal: str, used: list[tuple[int, int]]) -> str:
    """What is left, without what only asks."""
    left, at = [], 0
    for start, end in sorted(used):
        left.append(normal[at:start])
        at = max(at, end)
    left.append(normal[at:])
    words = [_FILLERS.sub("", piece).strip(_SIGNS) for piece in left]
    return " ".join(word for word in words if word)


def _unlisted(pieces: list[str]) -> Request:
    """A thing that is in no list: the first word of the first piece, without its amount."""
    amounts = _amounts(pieces[0])
    words = [*_rest(pieces[0], [span for _, _, span, _ in amounts[:1]]).split(), *pieces[1:]]
    if not words:
        return Request((), "")
    number, unit, _, rough = amounts[0] if amounts else (None, "", None, "")
    note = [f"{words[0]}{rough}"] if rough else []
    return Request((Goods(words[0][:_LONGEST_NAME], number, unit),), " ".join([*note, *words[1:]]))


@cache
def _rows() -> list[tables.Row]:
    return tables.read(DATA / "goods.csv", ("name", "also", "units"), ("also",))


@cache
def _table() -> Mapping[str, str]:
    """What people say, in normal text → the thing."""
    return {normalise(word): row["name"] for row in _rows() for word in (row["name"], *tables.several(row["also"]))}


@cache
def _called() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(_table(), key=len, reverse=True))))


@cache
def _counting() -> re.Pattern[str]:
    units = {unit for row in _rows() for unit in tables.several(row["units"])} | set(_SAME_UNIT) | {"件", "份", "套"}
    words = "|".join(map(re.escape, sorted(units - {"米"}, key=len, reverse=True)))
    return re.compile(rf"(?P<number>{_NUMBER})(?P<rough>[来几多])?\s?大?(?P<unit>{words})(?![楼栋单号])")
