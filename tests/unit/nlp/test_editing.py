"""What staff bring, as CSV or a workbook: read, checked with the place and the cure of every fault, laid over."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from nlp import categories, editing, lexicon, normalize, wording, workbook
from nlp.editing import Own
from nlp.lexicon import SHAPES
from nlp.tables import LexiconError
from nlp.tokens import Tokens

KNOWN = categories.load()
EVENTS = "词,类别编码,权重,不算,停用,备注\n"


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens(())


def faults_of(path: Path) -> list[str]:
    faults: list[LexiconError] = []
    editing.check(editing.read(path, report=faults.append), KNOWN, report=faults.append)
    return [str(fault) for fault in faults]


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def book(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> Path:
    made = xlsxwriter.Workbook(str(path))
    dated = made.add_format({"num_format": "yyyy-mm-dd"})
    for title, rows in sheets.items():
        sheet = made.add_worksheet(title)
        for number, row in enumerate(rows):
            for index, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write_datetime(number, index, cell, dated)
                else:
                    sheet.write(number, index, cell)
    made.close()
    return path


# ---------------------------------------------------------------- laid over the shipped tables
def shipped(name: str) -> dict[str, str]:
    return dict(lexicon.shipped(normalize.DATA, name)[0])


def test_a_row_is_added_changed_or_switched_off() -> None:
    first = shipped("events")
    before = lexicon.load(codes=KNOWN)
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3"})
    own = own.laying("events", {**first, "weight": "1.25"})
    changed = lexicon.load(codes=KNOWN, own=own.lexicon)
    assert len(changed.events) == len(before.events) + 1
    assert next(event for event in changed.events if event.term == first["term"]).weight == 1.25
    off = lexicon.load(codes=KNOWN, own=Own().laying("events", {**first, "off": "停用"}).lexicon)
    assert first["term"] not in {event.term for event in off.events}
    assert len(off.events) == len(before.events) - 1


def test_an_update_of_the_shipped_tables_keeps_the_own_rows(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in normalize.DATA.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3"})
    with (folder / "events.csv").open("a", encoding="utf-8") as file:
        file.write("喷泉罢演,0110,1,\n木马不转,0110,3,\n")  # the same word comes with the update
    updated = lexicon.load(folder, codes=KNOWN, own=own.lexicon)
    told = {event.term: (event.category, event.weight) for event in updated.events}
    assert told["喷泉罢演"] == ("0199", 3.0), "the own row stands"
    assert "木马不转" in told


def test_the_version_of_decisions_names_both_parts(tokens: Tokens) -> None:
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3"})
    plain, laid = editing.make(Own(), KNOWN, tokens=tokens), editing.make(own, KNOWN, tokens=tokens)
    assert plain.version == lexicon.shipped_version()
    assert laid.version == f"{plain.version}+{own.version}"
    decision = laid.analyse("中庭喷泉罢演").best
    assert (decision.category, decision.rules) == ("0199", ("event:喷泉罢演",))


def test_own_spelling_is_resolved_before_anything_is_matched(tokens: Tokens) -> None:
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3"})
    own = own.laying("dialect", {"written": "喷泉歇凉", "meant": "喷泉罢演"})
    editing.check(own, KNOWN)
    assert editing.make(own, KNOWN, tokens=tokens).analyse("喷泉歇凉了").best.category == "0199"
    assert normalize.normalise("喷泉歇凉") == "喷泉歇凉", "the shipped spelling is as it was"


def test_rows_that_say_what_the_shipped_ones_say_are_left_out() -> None:
    first = shipped("vetoes")
    own = Own().laying("vetoes", {**first, "note": "抄来的"}).laying("vetoes", {**first, "term": "喷泉舞会"})
    left, same = editing.different(own)
    assert same == 1
    assert [row["term"] for row in left.rows["vetoes"]] == ["喷泉舞会"]


def test_the_same_rows_have_the_same_version_whatever_they_came_in(tmp_path: Path) -> None:
    rows = [["词", "类别编码", "权重"], ["喷泉罢演", 199, 3], ["木马不转", "0110", 3.5]]
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    read = [
        editing.read(write(tmp_path, "events.csv", text)),
        editing.read(write(tmp_path, "事件.csv", text, "gb18030")),
        editing.read(book(tmp_path / "a.xlsx", {"事件": rows})),
    ]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "events.csv").write_bytes(editing.canonical(read[0])["events.csv"])
    read.append(editing.read(folder))
    assert len({own.version for own in read}) == 1
    assert [row["category"] for row in read[0].rows["events"]] == ["0199", "0110"], "a spreadsheet takes 0199 for 199"
    assert Own({"events": []}).version == Own().version == ""


def test_tables_of_a_file_replace_and_the_others_stay() -> None:
    today = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3"})
    today = today.laying("typos", {"written": "喷全", "meant": "喷泉"})
    file = Own({"events": []}).laying("settings", {"term": "中庭", "weight": "1"})
    merged = file.over(today)
    assert {name: len(rows) for name, rows in merged.rows.items()} == {"events": 0, "typos": 1, "settings": 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_way_a_spreadsheet_program_saves_is_read(tmp_path: Path, encoding: str) -> None:
    own = editing.read(write(tmp_path, "events.csv", EVENTS + "喷泉罢演,0199,3,~音乐节,,中庭的\n", encoding))
    (row,) = own.rows["events"]
    assert (row["term"], row["exclude"], row["note"]) == ("喷泉罢演", "~音乐节", "中庭的")


# ---------------------------------------------------------------- faults
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "events.csv",
            EVENTS + "喷泉罢演,0199,3,,,\n喷泉罢演,0110,3,,,\n",
            "第 3 行，列“词 term”：“喷泉罢演”: 第 2 行已经有了",
        ),
        ("events.csv", EVENTS + "泉,0199,3,,,\n", "第 2 行，列“词 term”：“泉”: 单个字"),
        ("events.csv", EVENTS + "他/我们…了/停了,0199,3,,,\n", "第 2 行，列“词 term”：“他/我们…了/停了”: 单个字"),
        ("settings.csv", "词,权重\n泉,1\n", "第 2 行，列“词 term”：“泉”: 单个字"),
        ("objects.csv", "词,类型\n泉,fountain\n", "单个字"),
        ("dialect.csv", "写作,意思\n恁,你\n", "单个字"),
        ("dialect.csv", "写作,意思\n喷泉,喷泉\n", "写作和意思相同"),
        ("dialect.csv", "写作,意思\n电梯,升降机\n", "写作 written”：“电梯”: 词库里的“"),
        ("events.csv", EVENTS + "=SUM(A1),0199,3,,,\n", "像表格公式"),
        ("events.csv", EVENTS + "喷泉罢演,0199,3,,,@cmd\n", "列“备注 note”：“@cmd”: 像表格公式"),
        ("events.csv", EVENTS + "喷泉罢演,7777,3,,,\n", "列“类别编码 category”：“7777”: 没有这个类别"),
        ("events.csv", EVENTS + "喷泉罢演,0199,60,,,\n", "列“权重 weight”：“60”: 写 0 到 6 之间的数字"),
        ("events.csv", EVENTS + "喷泉罢演,0199,-3,,,\n", "写 0 到 6 之间的数字"),
        ("events.csv", EVENTS + "喷泉罢演,0199,很重,,,\n", "写成数字"),
        ("events.csv", EVENTS + "喷泉罢演,,3,,,\n", "列“类别编码 category”：“”: 空着"),
        ("events.csv", EVENTS + "噴泉罷演,0199,3,,,\n", "写成“喷泉罢演”"),
        ("events.csv", EVENTS + f"喷泉…{'/'.join(f'停{n}' for n in range(101))},0199,3,,,\n", "超过 200 个字"),
        ("events.csv", EVENTS + f"喷泉罢演,0199,3,{'|'.join('甲' * 101)},,\n", "超过 200 个字"),
        ("events.csv", EVENTS + "喷泉…停…罢…演…了,0199,3,,,\n", "最多 4 段"),
        ("events.csv", EVENTS + "喷泉罢演,0199,3,,删掉,\n", "列“停用 off”：“删掉”: 写“停用”，或者空着"),
        ("events.csv", EVENTS + "没有这一行的,,,,停用,\n", "自带词库里没有这一行"),
        ("events.csv", "词,类别编码\n喷泉罢演,0199\n", "第 1 行: 缺少列“权重 weight”"),
        ("events.csv", "词,类别编码,权重,颜色\n喷泉罢演,0199,3,红\n", "第 1 行: 不认识列“颜色”"),
        ("events.csv", "词,term,类别编码,权重\n喷泉罢演,x,0199,3\n", "出现了两次"),
        ("events.csv", EVENTS + "喷泉,罢演,0199,3,,,,\n", "第 2 行: 单元格比列名多"),
        ("events.csv", "", "第 1 行: 是空的"),
        ("events.csv", EVENTS + '"喷泉罢演,0199,3\n', "不是正确的 CSV"),
        ("vetoes.csv", "词,类型,权重,位置\n喷泉舞会,party,1,any\n", "列“类型 kind”：“party”: 写其中一个：ad, "),
        ("pairs.csv", "事物类型,毛病类型,类别编码,权重\nspaceship,broken,0199,3\n", "“事物”表里没有这个类型"),
        ("golden.csv", "句子,应当\n恭喜恭喜,登记了\n", "列“应当 label”：“登记了”"),
        ("words.csv", EVENTS, "不认识的文件；文件名应是 objects.csv"),
        ("events.txt", EVENTS, "不认识的文件"),
    ],
)
def test_a_fault_names_its_place_and_its_cure(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = write(tmp_path, name, text)
    (fault, *_) = faults_of(path)
    assert fault.startswith(str(path))
    assert said in fault


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    rows = "泉,0199,3,,,\n喷泉罢演,7777,3,,,\n木马不转,0110,,,,\n喷泉舞会,0199,3,,,\n"
    faults = faults_of(write(tmp_path, "events.csv", EVENTS + rows))
    assert {int(fault.split("第 ")[1].split(" ")[0]) for fault in faults} == {2, 3, 4}


@pytest.mark.parametrize("raw", [b"\xe8\xaf\x8d,\xe7\xb1\xbb\xff\n", "词,类别\n".encode("gb18030") + b"\xff\xff"])
def test_a_damaged_file_is_not_guessed_at(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(raw)
    (fault, *_) = faults_of(path)
    assert "读不出文字（第 " in fault
    assert "另存为“CSV UTF-8" in fault


def test_a_row_that_only_switches_off_needs_no_more_than_its_key(tmp_path: Path) -> None:
    first = shipped("events")
    out = io.StringIO()
    csv.writer(out).writerow([first["term"], "", "", "", "停用", ""])
    assert faults_of(write(tmp_path, "events.csv", EVENTS + out.getvalue())) == []


def test_a_one_character_word_of_the_shipped_tables_may_be_changed(tmp_path: Path) -> None:
    row = next(row for row in lexicon.shipped(normalize.DATA, "problems") if len(row["term"]) == 1)
    text = f"词,类型,不算\n{row['term']},{row['kind']},喷泉{row['term']}\n"
    assert faults_of(write(tmp_path, "problems.csv", text)) == []


def test_a_folder_without_tables_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("x\n", encoding="utf-8")
    (fault,) = faults_of(tmp_path)
    assert "里面没有词库的表" in fault


# ---------------------------------------------------------------- the workbook
@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"事件": [["词", "类别编码", "权重"], ["泉", "0199", 3]]}, "工作表“事件”：第 2 行，列“词 term”：“泉”: 单个字"),
        ({"事件": [["词", "类别编码", "权重"], ["喷泉罢演", "0199", "=1+2"]]}, "第 2 行，列“C2”：“=1+2”: 是公式"),
        ({"事件": [["词", "类别编码", "权重"], [True, "0199", 3]]}, "第 2 行，列“A2”：“True”: 不是文字或数字"),
        ({"事件": [["词", "类别编码", "权重"], [datetime(2026, 1, 2), "0199", 3]]}, "不是文字或数字"),  # noqa: DTZ001
        ({"大事": [["词"]]}, "工作表“大事”: 不认识这张工作表；名字应是 事物、毛病"),
        ({"事件": [["词", "类别编码", "权重"]], "events": [["词", "类别编码", "权重"]]}, "同一张表出现了两次"),
        ({"说明": [["词"]]}, "里面没有词库的表"),
    ],
)
def test_a_fault_of_a_workbook_names_its_sheet(
    tmp_path: Path, sheets: dict[str, Sequence[Sequence[object]]], said: str
) -> None:
    path = book(tmp_path / "词库.xlsx", sheets)
    faults = faults_of(path)
    assert all(fault.startswith(str(path)) for fault in faults)
    assert said in faults[0]


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, "词库.xlsx", "词,类别"))
    assert "打不开（BadZipFile）；用 Excel 或 WPS 另存为 .xlsx" in fault


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "词库.xlsx"
    with path.open("wb") as file:
        file.truncate((editing.BIGGEST + 1) * 1024**2)
    (fault,) = faults_of(path)
    assert "太大（21 MB）" in fault


def test_the_workbook_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    own = Own().laying("events", {"term": "喷泉…不喷/不转", "category": "0199", "weight": "3.5", "exclude": "~音乐节"})
    own = own.laying("vetoes", {**shipped("vetoes"), "off": "停用", "note": "我们这里不是通知"})
    own = own.laying("golden", {"text": "中庭喷泉不喷水", "label": "登记", "category": "0199"})
    path = tmp_path / "词库.xlsx"
    workbook.write(path, editing.TABLES, own.rows, KNOWN)
    assert editing.read(path).version == own.version
    assert faults_of(path) == []
    made = load_workbook(path)
    assert made.sheetnames[0] == "说明"
    assert {wording.table(name) for name in editing.TABLES} < set(made.sheetnames)
    grey = made["自带·事件"]
    assert grey.max_row == len(lexicon.shipped(normalize.DATA, "events")) + 1
    assert [cell.value for cell in made["事件"][1]] == ["词", "类别编码", "权重", "不算", "停用", "备注"]


def test_a_full_disk_is_told_in_one_line() -> None:
    with pytest.raises(OSError, match="No space left on device"):
        workbook.write(Path("/dev/full"), editing.TABLES, {}, KNOWN)


def test_every_table_has_its_name_and_its_hint() -> None:
    assert set(editing.TABLES) <= set(wording.names("tables"))
    assert set(editing.TABLES) <= set(wording.names("hints"))
    columns = {column for shape in editing.TABLES.values() for column in shape.all}
    assert columns <= set(wording.names("columns"))
    titles = [wording.table(name) for name in SHAPES]
    assert len(set(titles)) == len(titles)


def test_every_table_is_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lexicon.md").read_text(encoding="utf-8")
    missing = [name for name in editing.TABLES if f"{name}.csv" not in page or wording.table(name) not in page]
    assert missing == []


# ---------------------------------------------------------------- anything
CELLS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(editing.TABLES)), st.lists(st.lists(CELLS, max_size=8), max_size=6))
def test_whatever_is_written_is_read_or_told(name: str, rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["|".join(editing.TABLES[name].all)], *rows])
    faults: list[LexiconError] = []
    lines: Iterable[tuple[int, Sequence[str]]] = enumerate([list(editing.TABLES[name].all), *rows], 1)
    own = Own({name: editing._table("x.csv", name, lines, faults.append)})
    editing.check(own, KNOWN, report=faults.append)
    for fault in faults:
        assert "x.csv" in str(fault)
        assert "\n" not in str(fault) or any("\n" in cell for row in rows for cell in row)


def test_many_rows_are_checked_quickly(tmp_path: Path) -> None:
    started = time.thread_time()  # a processor may be taken away from it
    rows = "".join(f"喷泉{n // 100}停{n % 100}次,0199,3,,,\n" for n in range(5_000))
    assert faults_of(write(tmp_path, "events.csv", EVENTS + rows)) == []
    assert time.thread_time() - started < 10
