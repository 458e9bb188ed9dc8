"""What staff read about the lexicon: names of tables and columns, faults with their cure (data/wording.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("data") / "wording.toml"


@cache
def _words() -> Mapping[str, Any]:
    with _FILE.open("rb") as file:
        return tomllib.load(file)


def names(section: str) -> Mapping[str, str]:
    """id → what people call it: `tables`, `columns`, `labels`, `hints`."""
    found: Mapping[str, str] = _words()[section]
    return found


def column(name: str) -> str:
    """A column as a fault names it: `权重 weight`; one that nobody knows by its own name."""
    called = names("columns").get(name)
    return f"{called} {name}" if called else name


def table(name: str) -> str:
    """A table as its sheet is called."""
    return names("tables").get(name, name)


def fault(code: str, **values: object) -> str:
    """What is wrong and how to mend it."""
    return names("faults")[code].format(**values)


def place(code: str, **values: object) -> str:
    """Where it is wrong."""
    return names("places")[code].format(**values)


def guide() -> Mapping[str, Any]:
    """What a workbook says of itself: `title`, `lines`, and the names of its further sheets."""
    found: Mapping[str, Any] = _words()["guide"]
    return found


def said(section: str, code: str, **values: object) -> str:
    """A line that a command says."""
    line: str = _words()[section][code]
    return line.format(**values)


def columns(section: str) -> tuple[str, ...]:
    """The heads of a table that a command shows."""
    return tuple(_words()[section]["columns"])
