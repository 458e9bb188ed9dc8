"""The measures that the classifier is held against."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from nlp import categories
from nlp.classify import InputError
from nlp.decision import Decision, Label, Location, Urgency
from nlp.evaluate import evaluate
from nlp.evaluation import floors, labels, measures, samples
from nlp.evaluation.measures import Judged
from nlp.evaluation.samples import Sample
from nlp.evaluation.styles import STYLES
from nlp.pipeline import Classifier

APPEAL, CHAT = "3栋2单元的电梯又坏了", "今天中午吃什么"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def write(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def judged(
    label: str,
    decided: Label,
    *,
    score: float = 3.0,
    reason: str = "score",
    urgency: Urgency = Urgency.ROUTINE,
    told: bool | None = None,
) -> Judged:
    return Judged(Sample("…", label, emergency=told), Decision(decided, reason, score, urgency=urgency))


def test_rates_of_a_known_case() -> None:
    every = [
        judged("appeal", Label.TICKET),
        judged("appeal", Label.CANDIDATE),
        judged("appeal", Label.DROP),
        judged("appeal", Label.DROP),
        judged("chat", Label.TICKET, urgency=Urgency.EMERGENCY),
        judged("ad", Label.CANDIDATE),
        *(judged("notice", Label.DROP) for _ in range(6)),
    ]
    assert measures.rates(every) == {
        "found_recall": 0.5,
        "ticket_recall": 0.25,
        "found_false_rate": 0.25,
        "ticket_false_rate": 0.125,
        "false_tickets_per_1000": 125,
        "false_candidates_per_1000": 125,
        "false_emergencies": 1,
    }
    assert measures.confusion(every)["appeal"] == {"ticket": 1, "candidate": 1, "drop": 2}


def test_precision_follows_prevalence() -> None:
    assert measures.precision_at(0.5, 0.8, 0.2) == pytest.approx(0.8)
    assert measures.precision_at(0.01, 1.0, 0.01) == pytest.approx(0.01 / (0.01 + 0.99 * 0.01))
    assert measures.precision_at(0.01, 0.0, 0.0) is None


def test_a_threshold_does_not_meet_what_a_veto_dropped() -> None:
    vetoed = judged("notice", Label.DROP, score=4.0, reason="notice")
    weak = judged("appeal", Label.DROP, score=1.5, reason="weak")
    strong = judged("appeal", Label.TICKET, score=4.2)
    swept = measures.sweep([weak, strong], [vetoed])
    assert [swept[at].recall for at in (1.0, 1.5, 2.0, 4.0, 4.5)] == [1.0, 1.0, 0.5, 0.5, 0.0]
    assert {point.false_rate for point in swept.values()} == {0.0}


def test_macro_f1() -> None:
    table = measures.matrix([("a", "a"), ("a", "a"), ("a", "b"), ("b", "b")])
    assert table == {"a": {"a": 2, "b": 1}, "b": {"b": 1}}
    assert measures.f1_scores(table) == {"a": pytest.approx(0.8), "b": pytest.approx(2 / 3)}


def test_emergencies_count_only_where_somebody_told() -> None:
    urgent = Urgency.EMERGENCY
    every = [
        judged("appeal", Label.TICKET, urgency=urgent, told=True),
        judged("appeal", Label.TICKET, told=True),
        judged("appeal", Label.TICKET, urgency=urgent, told=False),
        judged("chat", Label.TICKET, urgency=urgent),
    ]
    assert measures.emergencies(every) == {"emergency_recall": 0.5, "emergency_precision": 0.5}
    assert measures.emergencies(every[3:]) == {}


def test_locations_part_by_part() -> None:
    meant = dict.fromkeys(samples.PLACES) | {"building": "3", "unit": "2"}
    said = [Location(building="3", unit="1"), Location(building="3", room="1502")]
    every = [Judged(Sample("…", "appeal", location=meant), Decision(Label.TICKET, "score", location=at)) for at in said]
    assert measures.locations(every) == {
        "building_recall": 1.0,
        "building_precision": 1.0,
        "unit_recall": 0.0,
        "unit_precision": 0.0,
        "room_precision": 0.0,
    }


def test_labels_hold_only_codes_that_exist() -> None:
    known = categories.load()
    assert labels.words()
    for word, codes in labels.words().items():
        for code in codes:
            assert any(one.startswith(code) for one in known), f"{word}: {code}"


def test_a_code_is_right_for_several_words_and_else_the_word_that_fits_best() -> None:
    known = categories.load()
    assert labels.said("电梯", "0503", known) == "电梯"
    assert labels.said("应急", "0503", known) == "应急"
    assert labels.said("噪音", "0106", known) == "照明"
    assert labels.said("噪音", "9999", known) == "9999"
    assert labels.said("电梯故障", "0101", known) == "电梯故障"
    assert labels.said("0101", "0102", known) == "0102"


def test_a_file_is_measured(tmp_path: Path, classifier: Classifier) -> None:
    file = write(
        tmp_path / "dev_block.jsonl",
        {"text": APPEAL + "，电话13812345678", "label": "appeal", "cat": "电梯", "building": "3", "unit": "2"},
        {"text": CHAT, "label": "chat"},
        {"text": "咨询养老保险断缴以后怎么补缴", "label": "appeal", "domain": "劳动和社会保障"},
        {"text": APPEAL + "，请打13812345678", "label": "chat"},
    )
    report = evaluate([file], classifier)
    block = report.sources["block"]
    measured = report.measured["block"]
    assert sum(block.confusion["appeal"].values()) == 2
    assert measured["found_recall"] == 1
    assert measured["domain_accuracy"] == 1
    assert block.categories["domain"] == {"劳动和社会保障": {"劳动和社会保障": 1}}
    assert measured["ticket_false_rate"] == 0.5
    assert measured["cat_macro_f1"] == 1
    assert measured["building_recall"] == measured["unit_precision"] == 1
    assert {f"wrap_loss_{style}" for style in STYLES} <= measured.keys()
    assert block.points["found"].recall == 1
    assert block.points["found"].precisions[2] == pytest.approx(0.1 / (0.1 + 0.9 * 0.5))
    assert report.measured["all"]["messages_per_second"] > 0
    (error,) = block.errors["false ticket"]
    assert "138****5678" in error.text
    assert error.rules
    assert "13812345678" not in json.dumps(report.to_json(), ensure_ascii=False)


def test_what_a_file_lacks_comes_from_the_others(tmp_path: Path, classifier: Classifier) -> None:
    write(tmp_path / "chat.jsonl", {"text": CHAT, "label": "chat"})
    write(tmp_path / "titles.jsonl", {"text": APPEAL, "label": "appeal"})
    write(tmp_path / "mixed.jsonl", {"text": APPEAL, "label": "appeal"}, {"text": CHAT, "label": "question"})
    write(tmp_path / "pairs.jsonl", {"text": APPEAL, "text2": APPEAL, "label": "same"})
    report = evaluate([tmp_path], classifier, errors=0)
    assert list(report.sources) == ["chat", "mixed", "titles"]
    assert report.sources["titles"].against == "chit-chat of all files"
    assert report.sources["chat"].against == "residents' appeals of all files"
    assert report.sources["chat"].points["found"].recall == 1
    assert report.sources["mixed"].against == ""
    assert all(not source.errors for source in report.sources.values())


def test_styles_keep_the_words() -> None:
    for style in STYLES.values():
        assert "电梯又坏了" in style("3栋，电梯又坏了！")
    assert STYLES["unpunctuated"]("3栋，电梯：坏了！！") == "3栋电梯坏了"


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("{", "not JSON"),
        ("[]", 'no "text"'),
        ('{"text": 1, "label": "chat"}', 'no "text"'),
        ('{"text": "a"}', '"label" must be one of appeal'),
        ('{"text": "a", "label": "chat", "unit": 3}', '"unit" must be a text'),
    ],
)
def test_a_fault_names_file_and_line(tmp_path: Path, line: str, cure: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(f'{{"text": "a", "label": "chat"}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"bad\.jsonl: line 3: ") as caught:
        samples.read([file])
    assert cure in str(caught.value)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a file or a folder"):
        samples.read([tmp_path])


def test_floors(tmp_path: Path) -> None:
    file = tmp_path / "floors.toml"
    file.write_text(
        "[block]\nfound_recall = { least = 0.9 }\nticket_false_rate = { most = 0 }\nunit_recall = { least = 1 }\n",
        encoding="utf-8",
    )
    bounds = floors.load(file)
    assert floors.broken(bounds, {"block": {"found_recall": 0.9, "ticket_false_rate": 0, "unit_recall": 1}}) == []
    faults = floors.broken(bounds, {"block": {"found_recall": 0.89, "ticket_false_rate": 0.01}})
    assert faults[0] == "block.found_recall: 0.89, not ≥ 0.9"
    assert faults[1] == "block.ticket_false_rate: 0.01, not ≤ 0"
    assert faults[2].startswith("block.unit_recall: not measured")


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("[", "not TOML"),
        ("a = 1", "write a table"),
        ("[a]\nb = 1", "least = NUMBER"),
        ("[a]\nb = { less = 1 }", "least = NUMBER"),
        ("[a]\nb = { least = 1, most = 2 }", "least = NUMBER"),
        ('[a]\nb = { least = "1" }', "not a number"),
        ("[a]\nb = { least = true }", "not a number"),
    ],
)
def test_a_faulty_floor_is_told(tmp_path: Path, text: str, cure: str) -> None:
    file = tmp_path / "floors.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"floors\.toml") as caught:
        floors.load(file)
    assert cure in str(caught.value)
