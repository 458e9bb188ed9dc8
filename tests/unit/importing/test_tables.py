"""Tables as offices keep them: what is read, and what cannot be, by row and column."""

from __future__ import annotations

import errno
import zipfile
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from openpyxl import Workbook, load_workbook

from bot.importing import templates, texts
from bot.importing.running import KINDS
from bot.importing.tables import MOST_FAULTS, Column, Fault, ImportFault, Row, read

COLUMNS = (
    Column("网格码", "", ("519999001001003", ""), required=True),
    Column("名称", "", ("示例", "样例"), required=True),
    Column("开始", "", ("", "2026-01-01 00:00"), dated=True),
)
CODE = "519999001001003012"


def csv_file(home: Path, text: str, encoding: str = "utf-8-sig") -> Path:
    path = home / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def sheet(home: Path, *rows: tuple[Any, ...], head: tuple[str, ...] = ("网格码", "名称", "开始")) -> Path:
    book = Workbook()
    book.active.append(head)
    for row in rows:
        book.active.append(row)
    path = home / "table.xlsx"
    book.save(path)
    return path


def cells(path: Path) -> list[tuple[str, ...]]:
    rows = read(path, COLUMNS)
    assert [fault for row in rows for fault in row.faults] == []
    return [tuple(row.cells.values()) for row in rows]


def faults(path: Path) -> list[Fault]:
    try:
        return [fault for row in read(path, COLUMNS) for fault in row.faults]
    except ImportFault as error:
        return error.faults


# --- what is read ---
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_of_every_kind(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = f"网格码,名称\r\n{CODE},第三网格\r\n".replace(",", delimiter)
    assert cells(csv_file(tmp_path, text, encoding)) == [(CODE, "第三网格")]


def test_blank_rows_spaces_and_marks_do_no_harm(tmp_path: Path) -> None:
    text = f"\n 网格码* ,名称（必填）\n,\n  ,\u3000\n\u200b{CODE} ,\u3000第三网格\ufeff\n"
    (row,) = read(csv_file(tmp_path, text), COLUMNS)
    assert (row.number, list(row.cells.values())) == (5, [CODE, "第三网格"])


@pytest.mark.parametrize("written", [f'"=""{CODE}"""', f"'{CODE}", f'" {CODE} "'])
def test_how_people_make_a_csv_keep_its_digits(tmp_path: Path, written: str) -> None:
    assert cells(csv_file(tmp_path, f"网格码,名称\n{written},甲\n")) == [(CODE, "甲")]


def test_full_width_digits_are_digits_where_a_code_is_meant(tmp_path: Path) -> None:
    (row,) = read(csv_file(tmp_path, "网格码,名称\n５１９９９９ ００１,ＡＢＣ小区\n"), COLUMNS)
    assert row.plain("网格码") == "519999001"
    assert row.text("名称") == "ＡＢＣ小区"


def test_a_sheet_of_numbers_dates_and_words(tmp_path: Path) -> None:
    at = datetime(2026, 11, 21, 8, 30)  # noqa: DTZ001 - a sheet knows no time zone
    path = sheet(tmp_path, (519999001001, "甲", at), (None, None, None), ("519999", 12.5, None), ("519999", True, None))
    assert cells(path) == [
        ("519999001001", "甲", "2026-11-21 08:30"),
        ("519999", "12.5", ""),
        ("519999", texts.YES, ""),
    ]


def test_the_sheet_with_the_head_is_the_one(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(("说明",))
    book.create_sheet("网格").append(("网格码", "名称"))
    book["网格"].append((CODE, "甲"))
    book.save(tmp_path / "table.xlsx")
    assert cells(tmp_path / "table.xlsx") == [(CODE, "甲")]
    book.create_sheet("去年").append(("网格码", "名称"))
    book.save(tmp_path / "table.xlsx")
    (fault,) = faults(tmp_path / "table.xlsx")
    assert "2 张工作表" in fault.what


# --- what is not ---
@pytest.mark.parametrize("value", [519999001001003012, 5.19999001001003e17, float(10**15)])
def test_a_number_that_lost_its_last_digits_is_refused_with_the_cure(tmp_path: Path, value: float) -> None:
    (fault,) = faults(sheet(tmp_path, ("519999", "好的", None), (value, "坏的", None)))
    assert (fault.row, fault.column) == (3, "网格码")
    assert "文本" in fault.what


@pytest.mark.parametrize("value", ["5.19999E+17", "5.2e+17", "５．２Ｅ＋１７", "1E18"])
def test_the_same_in_a_csv(tmp_path: Path, value: str) -> None:
    (fault,) = faults(csv_file(tmp_path, f"网格码,名称\n{value},甲\n"))
    assert (fault.row, fault.column) == (2, "网格码")
    assert "文本" in fault.what


def test_formulas_errors_dates_and_missing_cells(tmp_path: Path) -> None:
    at = datetime(2026, 1, 2)  # noqa: DTZ001
    path = sheet(tmp_path, ("=1+1", "甲"), ("#N/A", "乙"), (at, "丙"), (None, "丁"), ("519999", None))
    found = faults(path)
    assert [(fault.row, fault.column) for fault in found] == [
        (2, "网格码"), (3, "网格码"), (4, "网格码"), (5, "网格码"), (6, "名称"),
    ]  # fmt: skip
    assert found[0].what == texts.FORMULA
    assert faults(csv_file(tmp_path, "网格码,名称\n=A1,甲\n"))[0].what == texts.FORMULA


def test_merged_cells_are_refused_with_their_place(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "table.xlsx"))
    page = book.add_worksheet()
    page.write_row(0, 0, ("网格码", "名称"))
    page.merge_range("A2:A3", CODE)
    page.write_column(1, 1, ("甲", "乙"))
    book.close()
    (fault,) = faults(tmp_path / "table.xlsx")
    assert "A2:A3" in fault.what


@pytest.mark.parametrize(
    ("head", "places"),
    [
        ("网格码", [(1, "名称")]),
        ("网格码,名称,颜色", [(1, "颜色")]),
        ("网格码,名称,名称", [(1, "名称")]),
        ("编码,名字", [(1, "编码"), (1, "名字"), (1, "网格码"), (1, "名称")]),
    ],
)
def test_a_wrong_head(tmp_path: Path, head: str, places: list[tuple[int, str]]) -> None:
    found = faults(csv_file(tmp_path, f"{head}\n1,2,3\n"))
    assert [(fault.row, fault.column) for fault in found] == places


@pytest.mark.parametrize("data", [b"", "网格码,名称\n".encode(), b"\xff\x00\xfe\x81", b"PK\x03\x04broken"])
def test_no_table_at_all_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    (fault,) = faults(path)
    assert fault.row == 0


def test_an_old_workbook_and_one_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "table.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(100))
    assert faults(path)[0].what == texts.OLD_EXCEL
    path.write_bytes(b"%PDF-1.7\n1 0 obj")
    assert [fault.what for fault in faults(path)] == [texts.PDF]
    with zipfile.ZipFile(tmp_path / "table.xlsx", "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    assert faults(tmp_path / "table.xlsx")[0].what == texts.NOT_A_TABLE


def test_a_workbook_whose_sheet_is_damaged(tmp_path: Path) -> None:
    whole = sheet(tmp_path, *((CODE, "甲", None) for _ in range(50)))
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[:-200] if name.endswith("sheet1.xml") else data)
    (fault,) = faults(broken)
    assert fault.what == texts.NOT_A_TABLE


def test_of_many_faults_the_first_fifty_are_told_and_the_rest_counted() -> None:
    error = ImportFault(Fault(number, "名称", texts.MISSING) for number in range(70, 0, -1))
    lines = str(error).splitlines()
    assert lines[0] == "第 1 行「名称」：没有填"
    assert len(lines) == MOST_FAULTS + 1
    assert "20" in lines[-1]


def test_several_values_in_a_cell() -> None:
    row = Row(2, {"微信": "wx1:a， wx2:b、wx3:c"})
    assert row.several("微信") == ["wx1:a", "wx2:b", "wx3:c"]


# --- templates ---
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_template_is_a_table_whose_examples_must_go(kind: Any, tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    templates.write(kind, path)
    with pytest.raises(ImportFault) as caught:
        read(path, kind.columns)
    assert [(fault.row, fault.what) for fault in caught.value.faults] == [(2, texts.EXAMPLE), (3, texts.EXAMPLE)]
    book = load_workbook(path)
    assert [cell.value for cell in book.worksheets[0][1]] == [column.name for column in kind.columns]
    assert book.worksheets[0].column_dimensions["A"].width > 5
    notes = [cell.value for row in book.worksheets[1].iter_rows() for cell in row if cell.value]
    assert all(column.note in notes for column in kind.columns)
    assert kind.gone in notes


def test_a_template_writes_over_nothing(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"
    path.write_text("my table")
    with pytest.raises(FileExistsError):
        templates.write(KINDS["grids"], path)
    assert path.read_text() == "my table"


def test_of_a_template_that_a_full_disk_cut_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(FileIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: Full(path, mode))
    with pytest.raises(OSError, match="No space left"):
        templates.write(KINDS["grids"], tmp_path / "template.xlsx")
    assert list(tmp_path.iterdir()) == []
