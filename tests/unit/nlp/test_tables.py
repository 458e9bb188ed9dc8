from pathlib import Path

import pytest

from nlp import tables
from nlp.tables import LexiconError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "words.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_know_where_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path, "term,weight,note\n# a comment,,\n\n路灯,2.5,x\n电梯, 3 ,\n")
    rows = tables.read(path, ("term", "weight"))
    assert [(row["term"], row.weight("weight", most=6), row.number) for row in rows] == [
        ("路灯", 2.5, 4),
        ("电梯", 3.0, 5),
    ]


def test_excels_mark_and_quotes_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, '\ufeffterm,exclude\n"a,b","c|d"\n')
    (row,) = tables.read(path, ("term", "exclude"))
    assert row["term"] == "a,b"
    assert tables.several(row["exclude"]) == ("c", "d")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"term,weight\n\xff\xfe,1\n", "第 13 个字节"),
        ("", "第 1 行: 是空的"),
        ("term\n路灯\n", "缺少列“权重 weight”"),
        ("term,weight,term\n路灯,1,x\n", "列“词 term”出现了两次"),
        ("term,weight\n路灯,\n", "第 2 行，列“权重 weight”：“”: 空着"),
        ("term,weight\n路灯,1,2,3\n", "第 2 行: 单元格比列名多"),
        ("term,weight\n=cmd(),1\n", "第 2 行，列“词 term”：“=cmd()”: 像表格公式"),
        ("term,weight\n" + "路" * 201 + ",1\n", "第 2 行，列“词 term”"),
        ('term,weight\n"路灯,1\n', "行: 不是正确的 CSV"),
    ],
)
def test_a_fault_names_file_row_and_column(tmp_path: Path, content: str | bytes, said: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(LexiconError, match=r"words\.csv") as error:
        tables.read(path, ("term", "weight"))
    assert said in str(error.value)


@pytest.mark.parametrize("weight", ["viel", "-1", "7", "nan"])
def test_evidence_never_counts_against(tmp_path: Path, weight: str) -> None:
    (row,) = tables.read(write(tmp_path, f"term,weight\n路灯,{weight.replace('-', '0-')}\n"), ("term", "weight"))
    with pytest.raises(LexiconError, match="第 2 行，列“权重 weight”"):
        row.weight("weight", most=6)
