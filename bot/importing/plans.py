"""What an import would change, worked out before anything is written."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.importing import texts
from bot.importing.tables import Column, Fault, ImportFault, Row
from handlers.texts import ROLE, ROLE_BY_LABEL
from nlp.categories import Category
from storage import grids, roster
from storage.engine import Tx
from storage.model import Role


@dataclass(frozen=True, slots=True)
class Setting:
    """What the operator and the configuration say of an import."""

    now: datetime
    timezone: ZoneInfo
    accounts: Mapping[str, int] = field(default_factory=dict)  # our accounts, and how many rooms each takes
    categories: Mapping[str, Category] = field(default_factory=dict)
    scope: str = ""  # the table speaks of grids with this prefix only
    take_gone: bool = False  # also take away what the table no longer names


@dataclass(slots=True)
class Plan:
    """The differences, as they are printed: (what it is, what happens to it). `apply` does it."""

    new: list[tuple[str, str]] = field(default_factory=list)
    changed: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)
    same: int = 0
    apply: Callable[[Tx], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of table."""

    name: str
    title: str  # of the sheet
    columns: Sequence[Column]
    gone: str  # what becomes of rows that the table no longer names, by itself and with --take-gone
    compare: Callable[[Tx, Sequence[Row], Setting], Awaitable[Plan]]


def refuse(rows: Iterable[Row], *others: Fault) -> None:
    """Raise ImportFault if anything is wrong with one of the rows."""
    faults = [fault for row in rows for fault in row.faults] + list(others)
    if faults:
        raise ImportFault(faults)


def role(row: Row, column: str) -> Role | None:
    """The role that a cell names."""
    word = row.plain(column)
    if word in ROLE_BY_LABEL:
        return ROLE_BY_LABEL[word]
    if word:
        row.fault(column, texts.NOT_ONE_OF, value=word, known="、".join(ROLE.values()))
    return None


class Scopes:
    """Which beginnings of codes are those of living grids."""

    def __init__(self, known: Mapping[str, grids.Known], moves: Mapping[str, set[str]]) -> None:
        self._living = {code for code, grid in known.items() if grid.living}
        self._beginnings = {code[:end] for code in self._living for end in range(2, len(code) + 1)}
        self._moves = moves

    @classmethod
    async def load(cls, tx: Tx) -> Scopes:
        return cls(await grids.every(tx), await grids.moves(tx))

    def check(self, row: Row, column: str, setting: Setting, *, whole: bool = False) -> str:
        """A scope: a living grid's code or, unless it must be a `whole` code, the beginning of one. "" where a fault
        was found."""
        code = row.plain(column)
        if not code:
            return ""
        if code in self._moves:
            row.fault(column, texts.GRID_MOVED, code=code, new="、".join(sorted(self._moves[code])))
        elif code not in (self._living if whole else self._beginnings):
            wrong = grids.fault(code)
            what = texts.UNKNOWN_GRID if wrong is None or not whole else texts.CODE_FAULT[wrong]
            row.fault(column, what, code=code, value=code, start=code[:2])
        elif not code.startswith(setting.scope):
            row.fault(column, texts.OUTSIDE, code=code, scope=setting.scope)
        else:
            return code
        return ""


class Roster:
    """The people of the registry, for tables that name them."""

    def __init__(self, entries: Iterable[roster.Entry]) -> None:
        self._by_word: dict[str, list[roster.Entry]] = {}
        self._names: dict[int, str] = {}
        for entry in entries:
            for word in {re.sub(r"\s", "", one) for one in (entry.name, entry.ref) if one}:
                self._by_word.setdefault(word, []).append(entry)
            if entry.id is not None:
                self._names[entry.id] = entry.name

    @classmethod
    async def load(cls, tx: Tx) -> Roster:
        return cls(await roster.every(tx))

    def name(self, person_id: int | None) -> str:
        return self._names.get(person_id, "") if person_id is not None else ""

    def find(self, row: Row, column: str, held: Role | None, scope: str) -> int | None:
        """The one whom a cell names, by number or name; with `held` one who has that role over all of the scope."""
        word = row.plain(column)
        fitting = self._by_word.get(word, [])
        if not word:
            return None
        if len(fitting) != 1:
            row.fault(column, texts.SEVERAL_PEOPLE if fitting else texts.NO_PERSON, value=word, count=len(fitting))
            return None
        entry = fitting[0]
        pairs = entry.grants | entry.others
        if held is not None and not any(one is held and scope.startswith(within) for one, within in pairs):
            where = scope or texts.EVERYWHERE
            row.fault(column, texts.NOT_IN_ROLE, name=entry.name, code=where, role=ROLE[held])
        return entry.id
