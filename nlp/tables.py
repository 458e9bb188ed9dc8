"""CSV tables that staff edit: read with errors that name the file, the row, the column and the cure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

MOST_ROWS = 20_000
LONGEST_CELL = 200
_FORMULA = ("=", "+", "-", "@")


class LexiconError(ValueError):
    """A fault in a lexicon table: names the file, the row, the column and the cure."""


class Row(dict[str, str]):
    """One row of a table; knows where it stands. A missing optional column reads as empty."""

    def __init__(self, path: Path, number: int, cells: Iterable[tuple[str, str]]) -> None:
        super().__init__(cells)
        self.path = path
        self.number = number

    def error(self, column: str, cure: str) -> LexiconError:
        return LexiconError(f"{self.path}: row {self.number}, column {column}: {self.get(column, '')!r}: {cure}")

    def weight(self, column: str, *, most: float) -> float:
        """A number from 0 to `most`: evidence never counts against."""
        try:
            value = float(self[column])
        except ValueError:
            raise self.error(column, "write a number such as 2 or 1.5") from None
        if not 0 <= value <= most:
            raise self.error(column, f"write a number from 0 to {most:g}")
        return value


def read(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a CSV table (UTF-8, with or without BOM). Rows whose first cell begins with `#` are comments.

    Columns that nobody asked for (a note) are let be. Raises `LexiconError`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise LexiconError(f"{path}: no such file; copy it from the shipped nlp/data") from None
    except UnicodeDecodeError as error:
        raise LexiconError(f"{path}: not UTF-8 (byte {error.start}); save it as CSV UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    header: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if not header:
                header = [cell.strip() for cell in cells]
                _check_header(path, header, columns, optional)
                continue
            rows.append(_row(path, reader.line_num, header, cells, columns, optional))
    except csv.Error as error:
        raise LexiconError(f"{path}: row {reader.line_num}: {error}; put cells with quotes in quotes") from None
    if not header:
        raise LexiconError(f"{path}: row 1: empty; the first row must name the columns {', '.join(columns)}")
    if len(rows) > MOST_ROWS:
        raise LexiconError(f"{path}: {len(rows)} rows; at most {MOST_ROWS} are read, split the table")
    return rows


def several(cell: str) -> tuple[str, ...]:
    """The values of a cell that holds several, parted by `|`."""
    return tuple(part for part in (piece.strip() for piece in cell.split("|")) if part)


def _check_header(path: Path, header: Sequence[str], columns: Sequence[str], optional: Sequence[str]) -> None:
    for column in columns:
        if column not in header and column not in optional:
            raise LexiconError(f"{path}: row 1, column {column}: missing; the columns are {', '.join(columns)}")
    for column in header:
        if header.count(column) > 1:
            raise LexiconError(f"{path}: row 1, column {column}: stands there twice; keep one")


def _row(
    path: Path,
    number: int,
    header: Sequence[str],
    cells: Sequence[str],
    columns: Sequence[str],
    optional: Sequence[str],
) -> Row:
    if len(cells) > len(header):
        raise LexiconError(
            f"{path}: row {number}, column {len(header) + 1}: more cells than columns; quote cells that hold a comma"
        )
    padded = [*cells, *[""] * (len(header) - len(cells))]
    row = Row(path, number, ((name, cell.strip()) for name, cell in zip(header, padded, strict=True)))
    for column in columns:
        row.setdefault(column, "")
        value = row[column]
        if not value and column not in optional:
            raise row.error(column, "empty; fill it in or delete the row")
        if len(value) > LONGEST_CELL:
            raise row.error(column, f"longer than {LONGEST_CELL} characters; shorten it")
        if value.startswith(_FORMULA) and not value.lstrip("+-").isdigit():
            raise row.error(column, "begins like a spreadsheet formula; delete the leading sign")
    return row
