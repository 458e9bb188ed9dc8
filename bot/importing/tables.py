"""A table from an XLSX or CSV file: rows of text under known columns, and every fault of the file by row and column."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bot.importing import texts

MOST_ROWS = 100_000
MOST_FAULTS = 50  # printed; the rest is counted
LONGEST_CELL = 500
EXACT = 10**15  # a spreadsheet keeps 15 digits of a number

_EXPONENT = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?[0-9]+")
_KEPT_TEXT = re.compile(r'="([^"]*)"')  # how a CSV makes Excel keep digits
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u202a\u202c\u202d"))
_MERGED = re.compile(rb'<mergeCell [^>]*ref="([A-Z0-9:]+)"')


@dataclass(frozen=True, slots=True)
class Fault:
    row: int  # as the spreadsheet counts; 0: of the whole file
    column: str
    what: str

    def __str__(self) -> str:
        return texts.place(self.row, self.column, self.what)


class ImportFault(Exception):
    """A table that cannot be imported; each line names a row, a column and the cure. Nothing was changed."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        found = sorted(dict.fromkeys(faults), key=lambda fault: fault.row)
        lines = [str(fault) for fault in found[:MOST_FAULTS]]
        if len(found) > MOST_FAULTS:
            lines.append(texts.more(len(found) - MOST_FAULTS))
        super().__init__("\n".join(lines))
        self.faults = found


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    note: str
    examples: tuple[str, str]
    required: bool = False
    width: int = 16
    choices: tuple[str, ...] = ()  # offered by the template
    dated: bool = False  # a date is meant here; elsewhere it is what a spreadsheet made of something else


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what stands in it, and the faults that are found while it is read."""

    number: int
    cells: dict[str, str]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, column: str, what: str, **values: object) -> None:
        self.faults.append(Fault(self.number, column, what.format(**values)))

    def wrong(self, *columns: str) -> bool:
        """Was a fault found in one of these?"""
        return any(fault.column in columns for fault in self.faults)

    def text(self, column: str, *, most: int = 60) -> str:
        """The cell as it stands."""
        value = self.cells.get(column, "")
        if len(value) > most:
            self.fault(column, texts.TOO_WIDE, most=most)
            return ""
        return value

    def plain(self, column: str) -> str:
        """A code, a number, a word to be looked up: full-width characters and spaces do no harm."""
        return re.sub(r"\s", "", unicodedata.normalize("NFKC", self.cells.get(column, "")))

    def several(self, column: str) -> list[str]:
        """What is separated by spaces, commas or 、."""
        value = unicodedata.normalize("NFKC", self.cells.get(column, ""))
        return [part for part in re.split(r"[\s,、;]+", value) if part]


def read(path: Path, columns: Sequence[Column]) -> list[Row]:
    """The rows of the table, blank ones left out; what is wrong with a cell is among its row's faults. Raises
    ImportFault where the file or its head is wrong, and OSError."""
    data = path.read_bytes()
    if data.startswith(b"PK"):
        cells = _sheet(path, columns)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        raise ImportFault([Fault(0, "", texts.OLD_EXCEL)])
    elif data.startswith(b"%PDF"):
        raise ImportFault([Fault(0, "", texts.PDF)])
    else:
        cells = _csv(data)
    rows: list[Row] = []
    examples: list[Fault] = []
    head: dict[int, Column] = {}
    for number, values in cells:
        if not any(_blank(value) is False for value in values):
            continue
        if not head:
            head = _head(number, values, columns)
            continue
        if number > MOST_ROWS:
            raise ImportFault([Fault(0, "", texts.TOO_LONG.format(most=MOST_ROWS))])
        row = Row(number, {})
        for place, column in head.items():
            value = values[place] if place < len(values) else None
            row.cells[column.name] = _text(row, column, value)
        if any(all(row.cells[of.name] == of.examples[which] for of in head.values()) for which in (0, 1)):
            examples.append(Fault(number, "", texts.EXAMPLE))
        _check(row, columns)
        rows.append(row)
    if examples:
        raise ImportFault(examples)
    if not rows:
        raise ImportFault([Fault(0, "", texts.EMPTY)])
    return rows


def _blank(value: Any) -> bool:  # noqa: ANN401 - whatever a spreadsheet holds
    return value is None or (isinstance(value, str) and not _clean(value))


def _clean(text: str) -> str:
    return text.translate(_INVISIBLE).strip()


def _head(number: int, values: Sequence[Any], columns: Sequence[Column]) -> dict[int, Column]:
    known = {column.name: column for column in columns}
    head: dict[int, Column] = {}
    faults = []
    for place, value in enumerate(values):
        if _blank(value):
            continue
        name = re.sub(r"[*(].*$", "", unicodedata.normalize("NFKC", _clean(str(value)))).strip()
        if name not in known:
            faults.append(Fault(number, _clean(str(value)), texts.UNKNOWN_HEAD.format(known="、".join(known))))
        elif known[name] in head.values():
            faults.append(Fault(number, name, texts.HEAD_TWICE))
        else:
            head[place] = known[name]
    faults += [
        Fault(number, column.name, texts.NO_HEAD)
        for column in columns
        if column.required and column not in head.values()
    ]
    if faults:
        raise ImportFault(faults)
    return head


def _text(row: Row, column: Column, value: Any) -> str:  # noqa: ANN401
    """A cell as text; what a spreadsheet has made of it that cannot be undone is a fault."""
    if value is None:
        return ""
    if isinstance(value, _Odd):
        row.fault(column.name, value.what, value=value.value)
        return ""
    if isinstance(value, bool):
        return texts.YES if value else texts.NO
    if isinstance(value, datetime | date):
        if not column.dated:
            row.fault(column.name, texts.NOT_A_DATE_COLUMN)
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int | float):
        if abs(value) >= EXACT:
            row.fault(column.name, texts.PRECISION, value=f"{value:.3G}")
            return ""
        return str(int(value)) if value == int(value) else str(value)
    text = _clean(str(value))
    kept = _KEPT_TEXT.fullmatch(text)
    text = kept[1] if kept else text.removeprefix("'")
    if _EXPONENT.fullmatch(unicodedata.normalize("NFKC", text)):
        row.fault(column.name, texts.PRECISION, value=text)
        return ""
    if text.startswith("="):
        row.fault(column.name, texts.FORMULA)
        return ""
    if len(text) > LONGEST_CELL:
        row.fault(column.name, texts.TOO_WIDE, most=LONGEST_CELL)
        return ""
    return text


def _check(row: Row, columns: Sequence[Column]) -> None:
    """What every row must have."""
    for column in columns:
        if column.required and not row.cells.get(column.name) and not row.wrong(column.name):
            row.fault(column.name, texts.MISSING)


# --- CSV ---


def _csv(data: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            # As a spreadsheet counts them; a line break within a cell is the exception that nobody writes in a list.
            yield reader.line_num, row
    except csv.Error:
        raise ImportFault([Fault(reader.line_num, "", texts.NOT_A_TABLE)]) from None


def _decoded(data: bytes) -> str:
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    marked = next((name for mark, name in marks.items() if data.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "gb18030"]:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ImportFault([Fault(0, "", texts.NO_ENCODING)])


# --- XLSX ---


@dataclass(frozen=True, slots=True)
class _Odd:
    """A cell that holds no value of its own."""

    what: str
    value: str = ""


def _sheet(path: Path, columns: Sequence[Column]) -> Iterator[tuple[int, list[Any]]]:
    from openpyxl import load_workbook  # slow to import
    from openpyxl.utils.exceptions import InvalidFileException

    # SyntaxError: of the XML inside.
    broken = (InvalidFileException, zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, KeyError, ValueError)
    try:
        book = load_workbook(path, read_only=True, data_only=False)
    except broken:
        raise ImportFault([Fault(0, "", texts.NOT_A_TABLE)]) from None
    try:
        sheet = _right_sheet(book, columns)
        sheet.reset_dimensions()  # what a file says of its own size is often wrong
        with sheet._get_source() as source:
            merged = _MERGED.findall(source.read())
        if merged:
            places = "、".join(place.decode() for place in merged[:5])
            raise ImportFault([Fault(0, "", texts.MERGED.format(place=places))])
        for number, row in enumerate(sheet.iter_rows(), 1):
            yield number, [_cell(cell) for cell in row]
    except broken:
        raise ImportFault([Fault(0, "", texts.NOT_A_TABLE)]) from None
    finally:
        book.close()


def _right_sheet(book: Any, columns: Sequence[Column]) -> Any:  # noqa: ANN401 - no types
    """The sheet whose first row looks like the head; the first one where none does."""
    wanted = next(column.name for column in columns if column.required)
    fitting = []
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        first = next(sheet.iter_rows(max_row=1, values_only=True), ())
        if any(value is not None and unicodedata.normalize("NFKC", str(value)).startswith(wanted) for value in first):
            fitting.append(sheet)
    if len(fitting) > 1:
        raise ImportFault([Fault(0, "", texts.SEVERAL_SHEETS.format(count=len(fitting), head=wanted))])
    return fitting[0] if fitting else book.worksheets[0]


def _cell(cell: Any) -> Any:  # noqa: ANN401
    if cell.value is None:
        return None
    if cell.data_type == "f":
        return _Odd(texts.FORMULA)
    if cell.data_type == "e":
        return _Odd(texts.ERROR_CELL, str(cell.value))
    return cell.value
