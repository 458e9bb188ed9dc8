"""What every table is made of: the naming of constraints, the type of ids, partial indexes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa

# Named, so that a later migration can drop or widen one of them.
metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

# SQLite counts rows up only for the exact type INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def one_of(column: str, words: type[StrEnum]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(word.value) for word in words)})", name=column)


def index(
    name: str,
    *columns: sa.Column[Any],
    where: sa.ColumnElement[bool] | sa.TextClause | None = None,
    unique: bool = False,
) -> None:
    """An index, partial on every database where `where` is given."""
    sa.Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def digits(column: str) -> sa.CheckConstraint:
    """A grid code or a scope: digits, at most 18."""
    return sa.CheckConstraint(f"length({column}) <= 18", name=column)
