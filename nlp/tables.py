"""Tables that staff edit: read with errors that name the file, the row, the column and the cure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from nlp import wording

MOST_ROWS = 20_000
LONGEST_CELL = 200
_FORMULA = ("=", "+", "-", "@")

Report = Callable[["LexiconError"], None]  # what is told of a fault: by default it is raised
Line = tuple[int, Sequence[str]]  # the number of a row, as a spreadsheet counts them, and its cells


class LexiconError(ValueError):
    """A fault in a lexicon table: names the file, the row, the column and the cure."""


class Row(dict[str, str]):
    """One row of a table; knows where it stands. A missing optional column reads as empty.

    `own` marks a row of the deployment, which lies over the shipped ones; with `off` it takes a shipped row away."""

    def __init__(
        self, source: Path | str, number: int, cells: Iterable[tuple[str, str]] = (), *, own: bool = False
    ) -> None:
        super().__init__(cells)
        self.source = source
        self.number = number
        self.own = own

    @property
    def off(self) -> bool:
        return self.own and bool(self.get("off"))

    def error(self, column: str, fault: str, **values: object) -> LexiconError:
        """`fault` is a key of data/wording.toml."""
        where = wording.place(
            "row", file=self.source, row=self.number, column=wording.column(column), value=self.get(column, "")
        )
        return LexiconError(f"{where}: {wording.fault(fault, **values)}")

    def weight(self, column: str, *, most: float) -> float:
        """A number from 0 to `most`: evidence never counts against."""
        try:
            value = float(self[column])
        except ValueError:
            raise self.error(column, "number") from None
        if not 0 <= value <= most:
            raise self.error(column, "range", most=f"{most:g}")
        return value


def refuse(error: LexiconError) -> NoReturn:
    """The first fault ends the reading."""
    raise error


def read(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a CSV table (UTF-8, with or without BOM). Rows whose first cell begins with `#` are comments.

    Columns that nobody asked for (a note) are let be. Raises `LexiconError`.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise fault(path, "missing_file") from None
    except UnicodeDecodeError as error:
        raise fault(path, "not_text", byte=error.start + 1) from None
    return rows(path, lines(path, text), columns, optional)


def lines(source: Path | str, text: str) -> Iterator[Line]:
    """The rows of a CSV text. Raises `LexiconError`."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise fault(source, "not_csv", reader.line_num, why=error) from None


def rows(
    source: Path | str,
    found: Iterable[Line],
    columns: Sequence[str],
    optional: Sequence[str] = (),
    *,
    own: Sequence[str] | None = None,
    report: Report = refuse,
) -> list[Row]:
    """Check the cells of a table, the first row being its header.

    `own` names the columns that a row must fill in even where it only takes a shipped row away; with it, columns may
    carry their Chinese names and one that nobody knows is a fault. Each fault goes to `report`, and its row is left
    out; a fault of the whole table leaves out all."""
    result: list[Row] = []
    header: list[str] = []
    known = (*columns, *(name for name in optional if name not in columns))
    try:
        for number, cells in found:
            if not any(cell.strip() for cell in cells) or cells[0].startswith("#"):
                continue
            if not header:
                header = _header(source, number, cells, known, optional, own=own is not None)
                continue
            row = _row(source, number, header, cells, own=own is not None)
            try:
                _check(row, len(cells) - len(header), known, optional if not row.off else _but(known, own or ()))
            except LexiconError as error:
                report(error)
            else:
                result.append(row)
    except LexiconError as error:
        report(error)
        return []
    if not header:
        report(fault(source, "no_header", 1, columns=", ".join(known)))
    if len(result) > MOST_ROWS:
        report(fault(source, "too_many_rows", rows=len(result), most=MOST_ROWS))
        return []
    return result


def fault(source: Path | str, code: str, row: int | None = None, **values: object) -> LexiconError:
    """A fault of a whole file, or of a whole row."""
    where = str(source) if row is None else wording.place("line", file=source, row=row)
    return LexiconError(f"{where}: {wording.fault(code, **values)}")


def several(cell: str) -> tuple[str, ...]:
    """The values of a cell that holds several, parted by `|`."""
    return tuple(part for part in (piece.strip() for piece in cell.split("|")) if part)


def _but(names: Sequence[str], those: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in those)


def _header(
    source: Path | str, number: int, cells: Sequence[str], known: Sequence[str], optional: Sequence[str], *, own: bool
) -> list[str]:
    header = [cell.strip() for cell in cells]
    if own:
        while header and not header[-1]:
            header.pop()
        ids = {wording.names("columns").get(name, name): name for name in known}
        header = [ids.get(name, name) for name in header]
    columns = _but(known, optional)
    for column in columns:
        if column not in header:
            named = {"column": wording.column(column), "columns": ", ".join(map(wording.column, columns))}
            raise fault(source, "column_missing", number, **named)
    for column in header:
        if header.count(column) > 1:
            raise fault(source, "column_twice", number, column=wording.column(column))
        if own and column not in known:
            named = {"column": column, "columns": ", ".join(map(wording.column, known))}
            raise fault(source, "column_unknown", number, **named)
    return header


def _row(source: Path | str, number: int, header: Sequence[str], cells: Sequence[str], *, own: bool) -> Row:
    padded = [*cells, *[""] * (len(header) - len(cells))]
    return Row(source, number, ((name, cell.strip()) for name, cell in zip(header, padded, strict=False)), own=own)


def _check(row: Row, surplus: int, known: Sequence[str], optional: Sequence[str]) -> None:
    """Every cell by itself. Raises `LexiconError`."""
    if surplus > 0:
        raise fault(row.source, "too_many_cells", row.number)
    for column in known:
        row.setdefault(column, "")
        value = row[column]
        if not value and column not in optional:
            raise row.error(column, "empty")
        if len(value) > LONGEST_CELL:
            raise row.error(column, "too_long", most=LONGEST_CELL)
        if value.startswith(_FORMULA) and not value.lstrip("+-").isdigit():
            raise row.error(column, "formula")
