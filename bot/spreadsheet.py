"""Write an XLSX file from rows on standard input: `python -m bot.spreadsheet FILE`.

A process of its own: XlsxWriter holds the interpreter for seconds, in a thread too, and the bot must not wait for it.
Each input line is JSON: first {"title", "columns": {name: width}}, then rows; a time is {"t": "2025-06-12T07:35:00"}.
The same rows give the same bytes: the file's dates are those of its newest row, not of the clock.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import xlsxwriter

CELL_LIMIT = 32_767  # Excel refuses longer ones
# People's words stay words.
OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
OLDEST = datetime(2000, 1, 1)  # noqa: DTZ001 - a sheet knows no time zone


def write(target: Path, lines: Iterable[str]) -> int:
    """Write the sheet and return the number of rows. Raises OSError where the file cannot be written."""
    source = iter(lines)
    head = json.loads(next(source))
    columns: dict[str, int] = head["columns"]
    book = xlsxwriter.Workbook(str(target), OPTIONS | {"constant_memory": True})
    sheet = book.add_worksheet(head["title"])
    bold = book.add_format(
        {"bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, "bg_color": "#DDEBF7", "border": 1}
    )
    plain = book.add_format({"valign": "top", "text_wrap": True, "border": 1})
    dated = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd hh:mm", "align": "left", "border": 1})
    for index, width in enumerate(columns.values()):
        sheet.set_column(index, index, width)
    sheet.set_row(0, 30)
    for index, name in enumerate(columns):
        sheet.write_string(0, index, name, bold)
    newest, count = OLDEST, 0
    for line in source:
        count += 1
        for index, value in enumerate(json.loads(line)):
            if isinstance(value, dict):
                at = datetime.fromisoformat(value["t"])
                newest = max(newest, at)
                sheet.write_datetime(count, index, at, dated)
            else:
                _write(sheet, count, index, value, plain)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, count, len(columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3: 25 columns
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    book.set_properties({"title": head["title"], "author": "xiaoge", "created": newest})
    close(book)
    return count


def _write(sheet: Any, row: int, column: int, value: str | int | None, style: Any) -> None:  # noqa: ANN401 - no types
    if value is None or value == "":
        sheet.write_blank(row, column, None, style)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, value[:CELL_LIMIT], style)


def close(book: Any) -> None:  # noqa: ANN401 - no types
    """Put the file on the disk. Raises OSError."""
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        cause = error.args[0] if error.args else error
        raise (cause if isinstance(cause, OSError) else OSError(str(cause))) from None


def serve(made: Callable[[Path, TextIO], object]) -> int:
    """Write what standard input holds to the file that is named; code 3 and `[errno, words]` on standard error where
    it cannot be written, for the parent to raise again."""
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        made(Path(sys.argv[1]), sys.stdin)
    except OSError as error:
        print(json.dumps([error.errno, error.strerror or str(error)]), file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(serve(write))
