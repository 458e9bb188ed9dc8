"""Write an XLSX workbook with native charts from JSON on standard input: `python -m bot.workbook FILE`.

A process of its own, as bot/spreadsheet.py is. {"title", "created", "notes", "sheets": [{"name", "columns", "percent",
"rows", "charts": [{"kind", "title", "series", "most"}]}]}: cells are text, numbers or null (hidden), `percent` names
the columns shown as a percentage, and a chart shows the named columns of the first `most` rows.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import xlsxwriter

from bot import spreadsheet

HIDDEN = "<3"
ROWS_OF_A_CHART = 16


def write(target: Path, source: TextIO) -> None:
    """Write the book. The same document gives the same bytes. Raises OSError."""
    document: dict[str, Any] = json.load(source)
    book = xlsxwriter.Workbook(str(target), spreadsheet.OPTIONS)
    book.set_properties(
        {"title": document["title"], "author": "xiaoge", "created": datetime.fromisoformat(document["created"])}
    )
    styles = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format(
            {"bold": True, "align": "center", "text_wrap": True, "bg_color": "#DDEBF7", "border": 1}
        ),
        "plain": book.add_format({"border": 1}),
        "percent": book.add_format({"border": 1, "num_format": "0%"}),
        "hidden": book.add_format({"border": 1, "align": "right", "font_color": "#808080"}),
    }
    for index, sheet in enumerate(document["sheets"]):
        _sheet(book, sheet, styles, document["title"], document["notes"] if index == 0 else [])
    spreadsheet.close(book)


def _sheet(book: Any, sheet: dict[str, Any], styles: dict[str, Any], title: str, notes: list[str]) -> None:  # noqa: ANN401
    page = book.add_worksheet(sheet["name"])
    page.write_string(0, 0, title, styles["title"])
    page.set_column(0, 0, 24)
    page.set_column(1, len(sheet["columns"]) - 1, 9)
    for column, name in enumerate(sheet["columns"]):
        page.write_string(1, column, name, styles["head"])
    for number, row in enumerate(sheet["rows"], 2):
        for column, value in enumerate(row):
            if value is None:
                hidden = sheet["columns"][column] not in sheet["percent"]
                page.write_string(number, column, HIDDEN if hidden else "", styles["hidden"])
            elif isinstance(value, str):
                page.write_string(number, column, value, styles["plain"])
            else:
                style = "percent" if sheet["columns"][column] in sheet["percent"] else "plain"
                page.write_number(number, column, value, styles[style])
    below = len(sheet["rows"]) + 3
    for note in notes:
        page.write_string(below, 0, note)
        below += 1
    for chart in sheet["charts"]:
        if sheet["rows"]:
            page.insert_chart(below, 0, _chart(book, sheet, chart))
            below += ROWS_OF_A_CHART
    page.freeze_panes(2, 1)
    page.set_landscape()
    page.fit_to_pages(1, 0)


def _chart(book: Any, sheet: dict[str, Any], wanted: dict[str, Any]) -> Any:  # noqa: ANN401 - no types
    chart = book.add_chart({"type": wanted["kind"]})
    last = min(len(sheet["rows"]), wanted["most"]) + 1
    name = sheet["name"]
    for column in (sheet["columns"].index(each) for each in wanted["series"]):
        chart.add_series(
            {
                "name": [name, 1, column],
                "categories": [name, 2, 0, last, 0],
                "values": [name, 2, column, last, column],
                "data_labels": {"value": True},
            }
        )
    chart.set_title({"name": wanted["title"], "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    if wanted["kind"] == "bar":
        chart.set_y_axis({"reverse": True})  # the first row on top
    chart.set_size({"width": 720, "height": 300})
    return chart


if __name__ == "__main__":
    sys.exit(spreadsheet.serve(write))
