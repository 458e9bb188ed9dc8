"""The lexicon: what residents talk about, as tables that staff edit, checked and compiled for one pass over a text.

| table | a row says |
|---|---|
| objects.csv | a thing and its kind (电梯 is a lift) |
| problems.csv | a trouble and its kind (坏 is broken) |
| pairs.csv | which thing with which trouble is which category, and how much it weighs |
| events.csv | what is a trouble by itself (停水), possibly in parts: `往楼下…扔` |
| emergencies.csv | the same for 应急, with the category it is when it only happens often or might happen |
| requests.csv | what asks, reports, suggests (派人来, 什么时候修, 建议) |
| topics.csv | what public life is about (养老保险): weak alone, enough with a request |
| settings.csv | words that place a message in a community (物业, 小区, 单元) |
| follows.csv | what tells more of a trouble: since when, who suffers |
| vetoes.csv | what makes a message something else: notice, advert, how-to … |

Terms are written in normal text (simplified, lower case, dialect resolved). `…` stands for up to ten characters,
`/` parts alternatives. An exclusion is a longer word around the term; with `~` in front it counts anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nlp import normalize, tables
from nlp.tables import LexiconError, Row, several

__all__ = [
    "Event",
    "Exclusions",
    "Lexicon",
    "LexiconError",
    "Pair",
    "Request",
    "Setting",
    "Thing",
    "Topic",
    "Trouble",
    "Veto",
    "load",
]

MOST_PARTS = 4
FAR = 10
NEAR = 4
HEAVIEST = 6.0
REQUEST_KINDS = frozenset(("act", "ask", "complain", "report", "suggest", "inquire", "need"))
VETO_KINDS = frozenset(
    (
        "notice",
        "ad",
        "second_hand",
        "carpool",
        "thanks",
        "done",
        "how_to",
        "private",
        "elsewhere",
        "fiction",
        "drill",
        "rumour",
        "hyperbole",
        "command",
        "offtopic",
    )
)
VETO_SCOPES = frozenset(("any", "start", "end", "whole"))


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Longer words that a term may be part of, and words that cancel it from anywhere in the text."""

    around: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()

    def cancel(self, text: str, start: int, end: int) -> bool:
        for word in self.around:
            reach = len(word) - 1
            if word in text[max(0, start - reach) : end + reach]:
                return True
        return any(word in text for word in self.anywhere)


@dataclass(frozen=True, slots=True)
class Thing:
    """An object. `kind` is what pairs.csv speaks of."""

    term: str
    kind: str
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem. `kind` is what pairs.csv speaks of; `reach` is how many characters the thing may stand away."""

    term: str
    kind: str
    exclude: Exclusions
    reach: int


@dataclass(frozen=True, slots=True)
class Pair:
    category: str
    weight: float


@dataclass(frozen=True, slots=True)
class Event:
    """`parts` in order, each a choice of words. `demoted` is the category when it is a habit or a hazard."""

    term: str
    parts: tuple[tuple[str, ...], ...]
    category: str
    weight: float
    demoted: str
    exclude: Exclusions
    thing: str = ""  # what it is about, where that can be told


@dataclass(frozen=True, slots=True)
class Request:
    term: str
    kind: str
    weight: float
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Topic:
    term: str
    category: str
    weight: float
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Setting:
    term: str
    weight: float
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Veto:
    """`weight` adds up per kind; a kind that reaches 1 vetoes."""

    term: str
    parts: tuple[tuple[str, ...], ...]
    kind: str
    weight: float
    scope: str
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All tables. `version` is a hash over the bytes of all of them."""

    things: tuple[Thing, ...]
    troubles: tuple[Trouble, ...]
    pairs: Mapping[tuple[str, str], Pair]
    events: tuple[Event, ...]
    requests: tuple[Request, ...]
    topics: tuple[Topic, ...]
    settings: tuple[Setting, ...]
    follows: tuple[Setting, ...]
    vetoes: tuple[Veto, ...]
    version: str = field(default="")


def load(folder: Path | None = None, *, codes: Iterable[str] | None = None) -> Lexicon:
    """Read and check the tables of a folder. `codes` are the categories that rows may name. Raises `LexiconError`."""
    folder = folder or normalize.DATA
    known = frozenset(codes) if codes is not None else None
    things = [Thing(row["term"], row["kind"], exclusions(row)) for row in _rows(folder, "objects.csv", "term", "kind")]
    troubles = [
        Trouble(row["term"], row["kind"], exclusions(row), _reach(row))
        for row in _rows(folder, "problems.csv", "term", "kind")
    ]
    pairs = _pairs(folder, {thing.kind for thing in things}, {trouble.kind for trouble in troubles}, known)
    events = [
        Event(row["term"], _parts(row), _code(row, known), row.weight("weight", most=HEAVIEST), "", exclusions(row))
        for row in _rows(folder, "events.csv", "term", "category", "weight")
    ]
    for row in _rows(folder, "emergencies.csv", "term", "category", "demoted", "weight"):
        demoted = _code(row, known, "demoted")
        events.append(
            Event(
                row["term"],
                _parts(row),
                _code(row, known),
                row.weight("weight", most=HEAVIEST),
                demoted,
                exclusions(row),
            )
        )
    requests = [
        Request(row["term"], _one_of(row, "kind", REQUEST_KINDS), row.weight("weight", most=HEAVIEST), exclusions(row))
        for row in _rows(folder, "requests.csv", "term", "kind", "weight")
    ]
    topics = [
        Topic(row["term"], _code(row, known), row.weight("weight", most=HEAVIEST), exclusions(row))
        for row in _rows(folder, "topics.csv", "term", "category", "weight")
    ]
    vetoes = [
        Veto(
            row["term"],
            _parts(row),
            _one_of(row, "kind", VETO_KINDS),
            row.weight("weight", most=1.0),
            _one_of(row, "scope", VETO_SCOPES),
            exclusions(row),
        )
        for row in _rows(folder, "vetoes.csv", "term", "kind", "weight", "scope", again=True)
    ]
    return Lexicon(
        tuple(things),
        tuple(troubles),
        pairs,
        tuple(events),
        tuple(requests),
        tuple(topics),
        _weighted(folder, "settings.csv"),
        _weighted(folder, "follows.csv"),
        tuple(vetoes),
        _version(folder),
    )


def exclusions(row: Row) -> Exclusions:
    """The exclusions of a row. A word that does not hold the term would never meet it: that is a fault."""
    words = several(row.get("exclude", ""))
    around = tuple(word for word in words if not word.startswith("~"))
    anywhere = tuple(word[1:] for word in words if word.startswith("~"))
    if any(not word for word in anywhere):
        raise row.error("exclude", "a word must follow the ~")
    return Exclusions(around, anywhere)


def _rows(folder: Path, name: str, *columns: str, again: bool = False) -> list[Row]:
    rows = tables.read(folder / name, (*columns, "exclude"), optional=("exclude",))
    seen: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = (row["term"], row["kind"]) if "kind" in columns else (row["term"],)
        if key in seen:
            raise row.error("term", f"stands already in row {seen[key]}; delete one of the two")
        seen[key] = row.number
        normal = normalize.normalise(row["term"])
        if not again and normal.replace("...", "…") != row["term"]:
            raise row.error("term", f"never met: messages are normalised before matching; write {normal!r}")
    return rows


def _parts(row: Row) -> tuple[tuple[str, ...], ...]:
    parts = tuple(tuple(word for word in part.split("/") if word) for part in row["term"].split("…"))
    if len(parts) > MOST_PARTS:
        raise row.error("term", f"at most {MOST_PARTS} parts, that is {MOST_PARTS - 1} times …")
    if not all(parts):
        raise row.error("term", "… must stand between words")
    if len(parts) == 1 and any(len(word) < 2 and word.isalnum() for word in parts[0]):
        raise row.error("term", "one character alone is met everywhere; write a longer word or a pattern with …")
    return parts


def _code(row: Row, known: frozenset[str] | None, column: str = "category") -> str:
    if known is not None and row[column] not in known:
        raise row.error(column, "no such category; write a code of categories.toml")
    return row[column]


def _one_of(row: Row, column: str, known: frozenset[str]) -> str:
    if row[column] not in known:
        raise row.error(column, f"write one of {', '.join(sorted(known))}")
    return row[column]


def _reach(row: Row) -> int:
    """How far a trouble reaches: a word of one character only to what stands beside it."""
    if not row.get("reach"):
        return NEAR if len(row["term"]) == 1 else FAR
    if not row["reach"].isdigit() or int(row["reach"]) > FAR:
        raise row.error("reach", f"write a number from 0 to {FAR}, or nothing")
    return int(row["reach"])


def _pairs(
    folder: Path, thing_kinds: set[str], trouble_kinds: set[str], known: frozenset[str] | None
) -> dict[tuple[str, str], Pair]:
    pairs: dict[tuple[str, str], Pair] = {}
    for row in tables.read(folder / "pairs.csv", ("object", "problem", "category", "weight")):
        if row["object"] not in thing_kinds:
            raise row.error("object", "no row of objects.csv has this kind; write one of theirs")
        if row["problem"] not in trouble_kinds:
            raise row.error("problem", "no row of problems.csv has this kind; write one of theirs")
        key = (row["object"], row["problem"])
        if key in pairs:
            raise row.error("problem", "this pair stands there already; delete one of the two")
        pairs[key] = Pair(_code(row, known), row.weight("weight", most=HEAVIEST))
    return pairs


def _weighted(folder: Path, name: str) -> tuple[Setting, ...]:
    rows = _rows(folder, name, "term", "weight")
    return tuple(Setting(row["term"], row.weight("weight", most=HEAVIEST), exclusions(row)) for row in rows)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
