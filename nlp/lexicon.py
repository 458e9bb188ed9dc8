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
| leisure.csv | words of private life and pastimes (电影, 考研): beside them topics are talk; troubles stay troubles |
| follows.csv | what tells more of a trouble: since when, who suffers |
| vetoes.csv | what makes a message something else: notice, advert, how-to … |
| typos.csv, dialect.csv | what people write and what is meant, before anything is matched |

A deployment's own rows lie over the shipped ones: one with the same key stands in the place of the shipped row, one
marked `off` takes it away, any other is added. So an update of the shipped tables keeps them.

Terms are written in normal text (simplified, lower case, dialect resolved). `…` stands for up to ten characters,
`/` parts alternatives. An exclusion is a longer word around the term; with `~` in front it counts anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from nlp import normalize, tables
from nlp.normalize import Spelling
from nlp.tables import LexiconError, Report, Row, refuse, several

__all__ = [
    "SHAPES",
    "Event",
    "Exclusions",
    "Lexicon",
    "LexiconError",
    "OwnRows",
    "Pair",
    "Request",
    "Setting",
    "Shape",
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
        "past",
        "fiction",
        "drill",
        "rumour",
        "hyperbole",
        "command",
        "offtopic",
    )
)
VETO_SCOPES = frozenset(("any", "start", "end", "whole"))
GOLDEN = "golden.csv"  # what must be understood; no part of what decides

T = TypeVar("T")
OwnRows = Mapping[str, Sequence[Row]]  # a deployment's rows by table


@dataclass(frozen=True, slots=True)
class Shape:
    """What a table looks like. Rows of equal `key` are about the same thing."""

    columns: tuple[str, ...]
    key: tuple[str, ...] = ("term",)
    optional: tuple[str, ...] = ("exclude",)

    @property
    def all(self) -> tuple[str, ...]:
        """Every column, those that may be missing last."""
        return (*self.columns, *(name for name in self.optional if name not in self.columns))


# The tables that staff may edit.
SHAPES: Mapping[str, Shape] = {
    "objects": Shape(("term", "kind"), ("term", "kind")),
    "problems": Shape(("term", "kind"), ("term", "kind"), ("exclude", "reach")),
    "pairs": Shape(("object", "problem", "category", "weight"), ("object", "problem"), ()),
    "events": Shape(("term", "category", "weight")),
    "emergencies": Shape(("term", "category", "demoted", "weight")),
    "requests": Shape(("term", "kind", "weight"), ("term", "kind")),
    "topics": Shape(("term", "category", "weight")),
    "settings": Shape(("term", "weight")),
    "leisure": Shape(("term", "weight")),
    "follows": Shape(("term", "weight")),
    "vetoes": Shape(("term", "kind", "weight", "scope"), ("term", "kind")),
    "typos": Shape(("written", "meant"), ("written",)),
    "dialect": Shape(("written", "meant"), ("written",)),
}


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Longer words that a term may be part of, and words that cancel it from anywhere in the text."""

    around: tuple[str, ...] = ()
    anywhere: tuple[str, ...] = ()

    def cancel(self, text: str, start: int, end: int) -> bool:
        for word in self.around:
            reach = len(word) - 1
            if text.find(word, max(0, start - reach), end + reach) >= 0:
                return True
        for word in self.anywhere:  # noqa: SIM110 - asked of every term, and any() costs more than the rest
            if word in text:
                return True
        return False


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
    """All tables. `version` is a hash over the bytes of the shipped ones, and behind a `+` one over the own rows."""

    things: tuple[Thing, ...]
    troubles: tuple[Trouble, ...]
    pairs: Mapping[tuple[str, str], Pair]
    events: tuple[Event, ...]
    requests: tuple[Request, ...]
    topics: tuple[Topic, ...]
    settings: tuple[Setting, ...]
    leisure: tuple[Setting, ...]
    follows: tuple[Setting, ...]
    vetoes: tuple[Veto, ...]
    spelling: Spelling
    version: str = field(default="")


def load(
    folder: Path | None = None,
    *,
    codes: Iterable[str] | None = None,
    own: OwnRows | None = None,
    version: str = "",
    base: OwnRows | None = None,
    report: Report = refuse,
) -> Lexicon:
    """Read and check the tables of a folder, the shipped ones by default, with the `own` rows of that `version` over
    them. `codes` are the categories that rows may name; `base` are the rows of the folder where they were read already.

    Raises `LexiconError`, or tells `report` of every fault and leaves out the row."""
    folder = folder or normalize.DATA
    known = frozenset(codes) if codes is not None else None
    base = base or {name: shipped(folder, name) for name in SHAPES}
    laid = {name: merged(base[name], (own or {}).get(name, ()), name) for name in SHAPES}
    spelling = Spelling([*laid["typos"], *laid["dialect"]])

    def made(name: str, make: Callable[[Row], T], *, again: bool = False) -> tuple[T, ...]:
        result = []
        seen: dict[tuple[str, ...], int] = {}
        for row in laid[name]:
            try:
                _unmet(row, name, seen, spelling, again=again)
                result.append(make(row))
            except LexiconError as error:
                report(error)
        return tuple(result)

    def setting(row: Row) -> Setting:
        return Setting(row["term"], _weight(row), exclusions(row))

    things = made("objects", lambda row: Thing(row["term"], row["kind"], exclusions(row)))
    troubles = made("problems", lambda row: Trouble(row["term"], row["kind"], exclusions(row), _reach(row)))
    return Lexicon(
        things,
        troubles,
        _pairs(laid["pairs"], {thing.kind for thing in things}, {trouble.kind for trouble in troubles}, known, report),
        (*made("events", lambda row: _event(row, known)), *made("emergencies", lambda row: _event(row, known))),
        made(
            "requests",
            lambda row: Request(row["term"], _one_of(row, "kind", REQUEST_KINDS), _weight(row), exclusions(row)),
        ),
        made("topics", lambda row: Topic(row["term"], _code(row, known), _weight(row), exclusions(row))),
        made("settings", setting),
        made("leisure", setting),
        made("follows", setting),
        made("vetoes", _veto, again=True),
        spelling,
        _version(folder) + (f"+{version}" if version else ""),
    )


def shipped(folder: Path, name: str) -> list[Row]:
    """The rows of a table as they lie in a folder. Raises `LexiconError`."""
    shape = SHAPES[name]
    return tables.read(folder / f"{name}.csv", shape.all, optional=shape.optional)


def merged(shipped: Sequence[Row], own: Sequence[Row], name: str) -> list[Row]:
    """The own rows over the shipped ones; `off` rows take away and are gone."""
    key = SHAPES[name].key
    over = {tuple(row[column] for column in key): row for row in own}
    rows = [over.pop(tuple(row[column] for column in key), row) for row in shipped] if over else list(shipped)
    return [row for row in (*rows, *over.values()) if not row.off]


def exclusions(row: Row) -> Exclusions:
    """The exclusions of a row."""
    words = several(row.get("exclude", ""))
    around = tuple(word for word in words if not word.startswith("~"))
    anywhere = tuple(word[1:] for word in words if word.startswith("~"))
    if any(not word for word in anywhere):
        raise row.error("exclude", "tilde")
    return Exclusions(around, anywhere)


def _unmet(row: Row, name: str, seen: dict[tuple[str, ...], int], spelling: Spelling, *, again: bool) -> None:
    """A row that stands there twice, or that no message can meet, is a fault."""
    key = tuple(row[column] for column in SHAPES[name].key)
    column = SHAPES[name].key[0]
    if key in seen:
        raise row.error(column, "twice", row=seen[key])
    seen[key] = row.number
    normal = spelling.normalise(row[column]).replace("...", "…")
    if not again and normal != row[column]:
        raise row.error(column, "never_met", normal=normal)


def _event(row: Row, known: frozenset[str] | None) -> Event:
    demoted = _code(row, known, "demoted") if "demoted" in row else ""
    return Event(row["term"], _parts(row), _code(row, known), _weight(row), demoted, exclusions(row))


def _veto(row: Row) -> Veto:
    kind, scope = _one_of(row, "kind", VETO_KINDS), _one_of(row, "scope", VETO_SCOPES)
    return Veto(row["term"], _parts(row), kind, row.weight("weight", most=1.0), scope, exclusions(row))


def _weight(row: Row) -> float:
    return row.weight("weight", most=HEAVIEST)


def _parts(row: Row) -> tuple[tuple[str, ...], ...]:
    parts = tuple(tuple(word for word in part.split("/") if word) for part in row["term"].split("…"))
    if len(parts) > MOST_PARTS:
        raise row.error("term", "parts", most=MOST_PARTS, gaps=MOST_PARTS - 1)
    if not all(parts):
        raise row.error("term", "between")
    if len(parts) == 1 and any(len(word) < 2 and word.isalnum() for word in parts[0]):
        raise row.error("term", "one_character")
    return parts


def _code(row: Row, known: frozenset[str] | None, column: str = "category") -> str:
    if known is not None and row[column] not in known:
        raise row.error(column, "category")
    return row[column]


def _one_of(row: Row, column: str, known: frozenset[str]) -> str:
    if row[column] not in known:
        raise row.error(column, "choice", choices=", ".join(sorted(known)))
    return row[column]


def _reach(row: Row) -> int:
    """How far a trouble reaches: a word of one character only to what stands beside it."""
    if not row.get("reach"):
        return NEAR if len(row["term"]) == 1 else FAR
    if not row["reach"].isdigit() or int(row["reach"]) > FAR:
        raise row.error("reach", "reach", most=FAR)
    return int(row["reach"])


def _pairs(
    rows: Iterable[Row],
    thing_kinds: set[str],
    trouble_kinds: set[str],
    known: frozenset[str] | None,
    report: Report,
) -> dict[tuple[str, str], Pair]:
    pairs: dict[tuple[str, str], Pair] = {}
    for row in rows:
        key = (row["object"], row["problem"])
        try:
            if row["object"] not in thing_kinds:
                raise row.error("object", "object_kind")
            if row["problem"] not in trouble_kinds:
                raise row.error("problem", "problem_kind")
            if key in pairs:
                raise row.error("problem", "pair_twice")
            pairs[key] = Pair(_code(row, known), _weight(row))
        except LexiconError as error:
            report(error)
    return pairs


def shipped_version() -> str:
    """The first part of every version: a hash over the shipped tables."""
    return _version(normalize.DATA)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.csv")):
        if path.name != GOLDEN:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
