"""诉求类别: the codes, their urgency and their time limits, read from a TOML file that a deployment may replace.

Every fault of the file is one `CategoryError` that names the file, the key and the cure.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from nlp.decision import Urgency

DEFAULT_FILE = Path(__file__).with_name("data") / "categories.toml"
OTHER = "9999"

Unit = Literal["s", "m", "h", "d"]
Clock = Literal["work", "natural"]

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_CODE = re.compile(r"[0-9]{4}")
_LIMITS = ("bot", "ack", "feedback", "verify", "close")
_KEYS = frozenset(("name", "urgency", "confidential", "kin", "clock", *_LIMITS))


class CategoryError(ValueError):
    """A fault in a categories file: names the file, the key and the cure."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time limit. On a work clock a `d` is a working day and an `h` an hour of working time."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, slots=True)
class Category:
    """One category. `kin` is never empty: troubles of equal kin in one building are one matter."""

    code: str
    name: str
    urgency: Urgency
    confidential: bool
    kin: str
    clock: Clock
    bot: Span | None = None
    ack: Span | None = None
    feedback: Span | None = None
    verify: Span | None = None
    close: Span | None = None

    @property
    def short_name(self) -> str:
        """What people say: `电梯故障` of `设施维修/电梯故障`."""
        return self.name.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The upper level: `设施维修` of `设施维修/电梯故障`."""
        return self.name.partition("/")[0]


def load(path: Path | None = None) -> dict[str, Category]:
    """Read the categories, in the order of the file. Raises `CategoryError`."""
    path = path or DEFAULT_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CategoryError(
            f"{path}: no such file; give the path of a categories.toml or leave the setting out"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CategoryError(f"{path}: not readable as UTF-8 TOML ({error}); mend the line it names") from error
    defaults = _defaults(path, _table(path, document, "defaults"))
    table = _table(path, document, "categories")
    if not table:
        raise CategoryError(f'{path}: [categories] is empty; add at least "{OTHER}" = {{ name = "其他/其他" }}')
    categories = {code: _category(path, code, entry, defaults) for code, entry in table.items()}
    if OTHER not in categories:
        raise CategoryError(
            f'{path}: "{OTHER}" is missing under [categories]; every file needs it for what fits nowhere'
        )
    return categories


def _table(path: Path, document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document.get(key)
    if not isinstance(value, dict):
        raise CategoryError(f"{path}: the table [{key}] is missing; copy it from the shipped categories.toml")
    return value


def _defaults(path: Path, table: Mapping[str, object]) -> dict[Urgency, Mapping[str, object]]:
    known = {urgency.value for urgency in Urgency}
    for key in table:
        if key not in known:
            raise CategoryError(f'{path}: [defaults] "{key}" is no urgency; use one of {"、".join(sorted(known))}')
    return {urgency: _limits(path, f'[defaults] "{urgency}"', table.get(urgency.value, {})) for urgency in Urgency}


def _limits(path: Path, where: str, entry: object) -> Mapping[str, object]:
    if not isinstance(entry, dict):
        raise CategoryError(f'{path}: {where} must be a table such as {{ ack = "2h", close = "5d", clock = "work" }}')
    for key in entry:
        if key not in _LIMITS and key != "clock":
            raise CategoryError(
                f'{path}: {where} has the unknown key "{key}"; known are {", ".join((*_LIMITS, "clock"))}'
            )
    return entry


def _category(path: Path, code: str, entry: object, defaults: Mapping[Urgency, Mapping[str, object]]) -> Category:
    where = f'[categories] "{code}"'
    if not _CODE.fullmatch(code):
        raise CategoryError(f"{path}: {where}: a code has four digits, two for the group and two for the category")
    if not isinstance(entry, dict):
        raise CategoryError(f'{path}: {where} must be a table such as {{ name = "设施维修/供水" }}')
    for key in entry:
        if key not in _KEYS:
            raise CategoryError(f'{path}: {where} has the unknown key "{key}"; known are {", ".join(sorted(_KEYS))}')
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise CategoryError(f'{path}: {where} needs a name = "group/category"')
    try:
        urgency = Urgency(entry.get("urgency", Urgency.ROUTINE.value))
    except ValueError as error:
        raise CategoryError(f"{path}: {where} urgency must be one of {'、'.join(u.value for u in Urgency)}") from error
    confidential = entry.get("confidential", False)
    if not isinstance(confidential, bool):
        raise CategoryError(f"{path}: {where} confidential must be true or false, without quotes")
    kin = entry.get("kin", code)
    if not isinstance(kin, str) or not kin:
        raise CategoryError(f'{path}: {where} kin must be a short word such as "lift"; leave it out for none')
    settings = {**defaults[urgency], **entry}
    clock = settings.get("clock", "work")
    if clock not in ("work", "natural"):
        raise CategoryError(f'{path}: {where} clock must be "work" (working time) or "natural" (wall clock)')
    spans = {key: _span(path, where, key, settings[key]) for key in _LIMITS if key in settings}
    return Category(code, name, urgency, confidential, kin, cast(Clock, clock), **spans)


def _span(path: Path, where: str, key: str, value: object) -> Span:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise CategoryError(f'{path}: {where} {key} = {value!r}: write a number with s, m, h or d, such as "2h"')
    return Span(int(match[1]), cast(Unit, match[2]))
