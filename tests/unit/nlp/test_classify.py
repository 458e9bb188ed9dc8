import json

import pytest

from nlp.classify import InputError, classify_lines

WHAT = ["text", "label", "reason", "score", "category", "urgency", "nature"]
WHERE = ["building", "unit", "floor", "room", "place", "located_by"]
KEYS = [*WHAT, *WHERE, "evidence", "domain"]


def test_one_decision_a_line_in_order(classifier) -> None:
    lines = [
        '{"text": "电梯坏了", "nick": "8-1-302 阿芳"}\n',
        "\n",
        '{"text": "晚上吃面"}\n',
        '{"text": "", "extra": 1}\n',
    ]
    records = [json.loads(line) for line in classify_lines(lines, classifier)]
    assert [list(record) for record in records] == [KEYS] * 3
    first, second, third = records
    assert (first["label"], first["category"], first["building"], first["located_by"]) == (
        "ticket",
        "0101",
        "8",
        "nick",
    )
    assert (second["label"], second["text"], second["building"]) == ("drop", "晚上吃面", None)
    assert third["reason"] == "empty"


def test_numbers_are_masked_and_lines_stay_lines(classifier) -> None:
    line = json.dumps({"text": "水管爆了\n打13612345678\ud800"})
    (out,) = classify_lines([line], classifier)
    assert "13612345678" not in out
    assert "\n" not in out
    out.encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", 'line 2: no "text"'),
        ('{"text": 3}', 'line 2: no "text"'),
        ('{"text": "a", "nick": []}', 'line 2: "nick"'),
        ("[" * 100_000, "line 2: not JSON"),
    ],
)
def test_a_bad_line_is_named(classifier, line: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        list(classify_lines(['{"text": "好"}', line], classifier))
