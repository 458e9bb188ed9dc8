"""The lexicon as one workbook: a sheet for each table of own rows, and the shipped ones behind them to look at."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from nlp import lexicon, normalize, tables, wording
from nlp.categories import Category
from nlp.lexicon import REQUEST_KINDS, SHAPES, VETO_KINDS, VETO_SCOPES, Shape
from nlp.tables import Line, Report, Row

_CHOICES = {("requests", "kind"): REQUEST_KINDS, ("vetoes", "kind"): VETO_KINDS, ("vetoes", "scope"): VETO_SCOPES}
_WIDTHS = {"term": 40, "text": 60, "exclude": 40, "note": 30}
_ROOM = 2_000  # rows that offer choices


def read(path: Path, known: Collection[str], report: Report) -> Iterator[tuple[str, str, list[Line]]]:
    """(table, place for faults, rows) of each sheet that is one of the `known` tables. Raises OSError."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        report(tables.fault(path, "not_workbook", why=type(error).__name__))
        return
    guide = wording.guide()
    sheets = {name: wording.table(name) for name in known}
    ids = {**{name: name for name in sheets}, **{called: name for name, called in sheets.items()}}
    seen = set()
    try:
        for sheet in book.worksheets:
            title = sheet.title.strip()
            if title.startswith(guide["shipped"]) or title in (guide["guide"], guide["categories"]):
                continue
            name = ids.get(title)
            place = wording.place("sheet", file=path, sheet=title)
            if name is None:
                report(tables.fault(place, "sheet_unknown", names="、".join(sheets.values())))
            elif name in seen:
                report(tables.fault(place, "sheet_twice"))
            else:
                seen.add(name)
                yield name, place, _lines(sheet, place, report)
    finally:
        book.close()
    if not seen:
        report(tables.fault(path, "no_tables", names="、".join(sheets.values())))


def write(
    target: Path, shapes: Mapping[str, Shape], own: Mapping[str, Sequence[Row]], categories: Mapping[str, Category]
) -> None:
    """Write the own rows, one sheet a table, then the shipped rows and the categories to look at. Raises OSError."""
    import xlsxwriter

    made = BytesIO()  # XlsxWriter cannot say cleanly that a disk is full
    book = xlsxwriter.Workbook(
        made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    text = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
    grey = book.add_format({"font_color": "#7F7F7F", "num_format": "@"})
    guide = wording.guide()
    codes = [*categories]
    sheet = book.add_worksheet(guide["guide"])
    sheet.set_column(0, 0, 100, text)
    hints = [f"{wording.table(name)}：{wording.names('hints').get(name, '')}" for name in shapes]
    for number, line in enumerate((guide["title"], "", *guide["lines"], "", *hints)):
        sheet.write_string(number, 0, line, head if number == 0 else text)
    for name, shape in shapes.items():
        columns = (*shape.all, "off", "note")
        sheet = book.add_worksheet(wording.table(name))
        _fill(sheet, columns, [[row.get(column, "") for column in columns] for row in own.get(name, ())], head, text)
        for index, column in enumerate(columns):
            choices = [guide["off"]] if column == "off" else sorted(_CHOICES.get((name, column), ()))
            source: Any = choices
            if column in ("category", "demoted"):
                source = f"={guide['categories']}!$A$2:$A${len(codes) + 1}"
            if source:
                sheet.data_validation(
                    1, index, _ROOM, index, {"validate": "list", "source": source, "error_type": "warning"}
                )
    sheet = book.add_worksheet(guide["categories"])
    rows = [[code, categories[code].name, categories[code].urgency.value] for code in codes]
    _fill(sheet, ("category", "", ""), rows, head, text)
    for name in SHAPES:
        sheet = book.add_worksheet(guide["shipped"] + wording.table(name))
        columns = shapes[name].all
        found = lexicon.shipped(normalize.DATA, name)
        _fill(sheet, columns, [[row.get(column, "") for column in columns] for row in found], head, grey)
    book.close()
    target.write_bytes(made.getvalue())


def _fill(sheet: Any, columns: Sequence[str], rows: Sequence[Sequence[str]], head: Any, style: Any) -> None:  # noqa: ANN401 - no types
    for index, column in enumerate(columns):
        sheet.set_column(index, index, _WIDTHS.get(column, 16), style)
        if column:
            sheet.write_string(0, index, wording.names("columns")[column], head)
    for number, cells in enumerate(rows, 1):
        for index, cell in enumerate(cells):
            if cell:
                sheet.write_string(number, index, cell, style)
    sheet.freeze_panes(1, 1)


def _lines(sheet: Any, place: str, report: Report) -> list[Line]:  # noqa: ANN401 - no types
    """A sheet's rows as text; a cell that is no text is a fault, and its row is left out."""
    found: list[Line] = []
    for number, cells in enumerate(sheet.iter_rows(max_row=tables.MOST_ROWS + 2, max_col=30), 1):
        values = []
        for cell in cells:
            fault = _kind(cell)
            if fault:
                report(Row(place, number, [(cell.coordinate, str(cell.value)[:40])]).error(cell.coordinate, fault))
                break
            values.append(_text(cell.value))
        else:
            while values and not values[-1]:
                values.pop()
            found.append((number, values))
    return found


def _kind(cell: Any) -> str:  # noqa: ANN401 - no types
    if getattr(cell, "data_type", "") == "f":
        return "cell_formula"
    unreadable = isinstance(cell.value, (bool, datetime.date, datetime.time)) or getattr(cell, "data_type", "") == "e"
    return "cell_kind" if unreadable else ""


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value).strip()
