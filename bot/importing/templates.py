"""An empty table to be filled in: the head, two fictional rows, and a sheet that says how."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import xlsxwriter

from bot.importing import texts
from bot.importing.plans import Kind


def write(kind: Kind, target: Path) -> None:
    """Write the template. Raises FileExistsError where there is a file, and OSError."""
    made = BytesIO()  # XlsxWriter cannot say cleanly that a disk is full
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "align": "center"})
    must = book.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1, "align": "center"})
    text = book.add_format({"num_format": "@"})
    example = book.add_format({"num_format": "@", "italic": True, "font_color": "#7F7F7F"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    sheet = book.add_worksheet(kind.title)
    for index, column in enumerate(kind.columns):
        # Text, so that a code of 18 digits stays one.
        sheet.set_column(index, index, column.width, text)
        sheet.write_string(0, index, column.name, must if column.required else head)
        for row, value in enumerate(column.examples, 1):
            sheet.write_string(row, index, value, example)
        if column.choices:
            sheet.data_validation(1, index, 9999, index, {"validate": "list", "source": list(column.choices)})
    sheet.freeze_panes(1, 0)
    notes = book.add_worksheet(texts.NOTES_TITLE)
    for index, width in enumerate((14, 8, 60, 30)):
        notes.set_column(index, index, width)
        notes.write_string(0, index, texts.NOTES_HEAD[index], head)
    for row, column in enumerate(kind.columns, 1):
        required = texts.YES if column.required else ""
        shown = " / ".join(value for value in column.examples if value)
        for index, value in enumerate((column.name, required, column.note, shown)):
            notes.write_string(row, index, value, wrapped)
    for row, line in enumerate((*texts.GENERAL_NOTES, kind.gone), len(kind.columns) + 2):
        notes.write_string(row, 2, line, wrapped)
    book.close()
    with target.open("xb") as file:  # nobody's table is written over
        try:
            file.write(made.getvalue())
            file.flush()
        except OSError:
            target.unlink()
            raise
