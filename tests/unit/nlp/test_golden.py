"""Golden sentences: the shipped ones, and how one is written."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from nlp import categories, golden
from nlp.decision import Label
from nlp.editing import Own
from nlp.pipeline import Classifier
from nlp.tables import LexiconError

KNOWN = categories.load()


def test_the_shipped_lexicon_understands_the_shipped_sentences(classifier: Classifier) -> None:
    sentences = golden.load(codes=KNOWN)
    assert len(sentences) >= 150
    assert [str(failure) for failure in golden.failures(classifier, sentences)] == []


def test_the_shipped_sentences_are_of_every_kind() -> None:
    sentences = golden.load(codes=KNOWN)
    labels = Counter(label for sentence in sentences for label in sentence.labels)
    assert labels[Label.TICKET] >= 100
    assert labels[Label.DROP] >= 50
    told = {sentence.category for sentence in sentences}
    assert {code for code in KNOWN if code not in told} <= {"1201", "9999"}


def test_no_shipped_sentence_names_a_category_that_is_not_there() -> None:
    with golden.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["category"] for row in rows} - {""} <= set(KNOWN)
    assert len({row["text"] for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"text": "喷泉坏了", "label": "也许"}, "写其中一个：登记、待确认、不登记"),
        ({"text": "喷泉坏了", "label": "登记", "category": "7777"}, "没有这个类别"),
        ({"text": "喷泉坏了", "label": "不登记", "category": "0199"}, "不写类别"),
        ({"text": "喷泉坏了，打13812345678", "label": "登记"}, "不要写电话"),
    ],
)
def test_a_sentence_that_says_nothing_is_refused(cells: dict[str, str], said: str) -> None:
    own = Own().laying("golden", cells)
    with pytest.raises(LexiconError, match=said):
        golden.load(own=own.golden, codes=KNOWN)


def test_labels_may_be_written_either_way() -> None:
    assert golden.label_of("登记") is golden.label_of("ticket") is Label.TICKET
    assert golden.label_of("drop") is golden.label_of("不登记") is Label.DROP
    assert golden.label_of("") is None


def test_an_own_sentence_replaces_the_shipped_one_or_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "golden.csv"
    path.write_text("text,label,category\n甲乙丙,drop,\n丁戊己,ticket,0000\n", encoding="utf-8")
    monkeypatch.setattr(golden, "FILE", path)
    plain = golden.load(codes=KNOWN)
    assert [(one.text, one.category) for one in plain] == [("甲乙丙", ""), ("丁戊己", "")], "a category they have not"
    own = Own().laying("golden", {"text": "甲乙丙", "label": "待确认|登记"})
    own = own.laying("golden", {"text": "丁戊己", "label": "登记", "off": "停用"})
    (one,) = golden.load(own=own.golden, codes=KNOWN)
    assert one.labels == {Label.CANDIDATE, Label.TICKET}


def test_what_failed_says_what_came_out_instead(classifier: Classifier) -> None:
    own = Own().laying("golden", {"text": "嘻嘻哈哈", "label": "登记", "category": "0101"})
    sentences = [one for one in golden.load(own=own.golden, codes=KNOWN) if one.row.own]
    with pytest.raises(LexiconError, match="“嘻嘻哈哈”应当是 登记 0101，现在是 不登记"):
        golden.prove(classifier, sentences)
