"""One statement for many rows, without SQLAlchemy's work for each row: compiled once, then handed to the driver.

For the statements that every message of every group passes through (storage/inbox.py); elsewhere it is not worth
its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from storage.engine import Tx


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    convert: list[tuple[int, Callable[[Any], Any]]]  # place in a row, its type's way to the driver
    order: Callable[[Sequence[Any]], Any]  # the row as the placeholders want it


class Bulk:
    """`names` are the bind parameters in the order in which rows bring their values (two or more)."""

    def __init__(self, statement: Callable[[str], sa.Update | sa.Insert], *names: str) -> None:
        """`statement` makes it for a dialect's name."""
        self._statement = statement
        self._names = names
        self._compiled: dict[str, _Compiled] = {}

    async def run(self, tx: Tx, rows: Sequence[Sequence[Any]]) -> int:
        """Run it for each row; how many rows of the table it touched (-1 on PostgreSQL, whose driver does not say)."""
        compiled = self._compiled.get(tx.dialect.name) or self._compile(tx.dialect)
        ready = []
        for row in rows:
            values = list(row)
            for place, convert in compiled.convert:
                values[place] = convert(values[place])
            ready.append(compiled.order(values))
        return (await tx.exec_driver_sql(compiled.sql, ready)).rowcount

    def _compile(self, dialect: Dialect) -> _Compiled:
        text = self._statement(dialect.name).compile(dialect=dialect)
        placeholders: Sequence[str] = getattr(text, "positiontup", None) or ()
        if set(placeholders) != set(self._names):
            raise TypeError(f"the statement takes {sorted(set(placeholders))}, the rows bring {sorted(self._names)}")
        convert = []
        for place, name in enumerate(self._names):
            processor = getattr(text, "binds")[name].type.dialect_impl(dialect).bind_processor(dialect)  # noqa: B009
            if processor is not None:
                convert.append((place, processor))
        order = itemgetter(*(self._names.index(name) for name in placeholders))
        self._compiled[dialect.name] = _Compiled(str(text), convert, order)
        return self._compiled[dialect.name]
