"""What an evaluation must reach: a TOML file with a table for each source.

[community_chat]
found_recall = { least = 0.92 }
found_false_rate = { most = 0.05 }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nlp.classify import InputError


@dataclass(frozen=True, slots=True)
class Floor:
    """The bound of one measure of one source."""

    source: str
    measure: str
    least: float | None
    most: float | None

    def __str__(self) -> str:
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"

    def holds(self, value: float) -> bool:
        if self.least is not None:
            return value >= self.least
        return self.most is None or value <= self.most


def load(path: Path) -> list[Floor]:
    """Read the floors. Raises `InputError`, `OSError`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    floors = []
    for source, bounds in document.items():
        if not isinstance(bounds, dict):
            raise InputError(f"{path}: {source}: write a table: [{source}]")
        for measure, bound in bounds.items():
            where = f"{path}: {source}.{measure}"
            if not isinstance(bound, dict) or len(bound) != 1 or not bound.keys() <= {"least", "most"}:
                raise InputError(f"{where}: write {{ least = NUMBER }} or {{ most = NUMBER }}")
            (value,) = bound.values()
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{where}: {value!r} is not a number")
            floors.append(Floor(source, measure, bound.get("least"), bound.get("most")))
    return floors


def broken(floors: list[Floor], measured: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each floor that is not reached, or that could not be measured."""
    lines = []
    for floor in floors:
        value = measured.get(floor.source, {}).get(floor.measure)
        name = f"{floor.source}.{floor.measure}"
        if value is None:
            lines.append(f"{name}: not measured; is its file among those named, and does it have the labels?")
        elif not floor.holds(value):
            lines.append(f"{name}: {value:.4g}, not {floor}")
    return lines
