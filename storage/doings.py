"""Which of what people did a list asks for: whose, from when to when, in which grids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.grids import within
from storage.tables.registry import people


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of one person or of all, in [since, until), in a grid that begins with `grid` or has become one that does."""

    person_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    grid: str = ""

    def of(self, query: sa.Select[Any], at: sa.Column[Any], grid: sa.Column[Any]) -> sa.Select[Any]:
        """The query, which joins `people`, limited to that; `at` and `grid` tell when and where it was done."""
        query = query.where(at.is_not(None))
        if self.person_id is not None:
            query = query.where(people.c.id == self.person_id)
        if self.since is not None:
            query = query.where(at >= self.since)
        if self.until is not None:
            query = query.where(at < self.until)
        return query.where(within(grid, self.grid)) if self.grid else query
