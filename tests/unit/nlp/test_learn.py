"""Learning on a corpus of ten words: what is offered, what is not, what a reviewer keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from nlp import learn, learn_domains, tables
from nlp.learn import Dictionary, Sample, pieces, read, take_over, weights

APPEALS = [f"咨询{what}{how}" for what in ("养老保险", "社保转移", "宅基地") for how in ("政策", "怎么补缴", "标准")]
CHAT = ["今天吃什么好呢", "这部电影好看", "明天见", "早点休息吧", "在路上了", "你到哪里了", "这个标准的姿势"]
WORDS = Dictionary()


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str, texts: list[str], **fields: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps({"text": text, **fields}) + "\n" for text in texts), encoding="utf-8")
        return path

    return written


def test_only_content_words_are_offered() -> None:
    offered = WORDS.terms(["请问养老保险是不是可以补缴吗"] * 3)
    assert {"养老保险", "保险", "补缴"} <= set(offered)
    assert not {"请问", "是不是", "可以", "吗", "是"} & set(offered)
    assert offered == sorted(offered)


def test_a_word_needs_support() -> None:
    assert "宅基地" not in WORDS.terms(["宅基地怎么办"] * 2)


def test_no_weight_is_below_nothing() -> None:
    terms = WORDS.terms(APPEALS, 1, 1)
    learned = dict(zip(terms, weights(APPEALS, CHAT, terms, [0.0] * len(terms)), strict=True))
    assert min(learned.values()) >= 0
    assert learned["社保"] > 0
    assert learned["标准"] < learned["政策"], "what chat says as well weighs less"


def test_a_long_text_is_read_in_windows() -> None:
    parts = pieces("一二三四五六七八九十" * 10)
    assert max(map(len, parts)) <= 16
    assert "".join(part[:8] for part in parts).startswith("一二三四五六七八九十一二三四五六")


def test_samples_of_one_incident_stay_together(corpus) -> None:
    path = corpus("a.jsonl", ["停电", "又停电"], label="appeal", incident="7")
    assert len({sample.fold for sample in read([path])}) == 1


def test_blanks_between_words_are_no_part_of_them(corpus) -> None:
    assert read([corpus("a.jsonl", ["养老 保险 wifi 信号"], label="appeal")])[0].text == "养老保险 wifi 信号"


def test_a_line_without_a_label_is_named(corpus) -> None:
    with pytest.raises(ValueError, match="line 1"):
        read([corpus("a.jsonl", ["停电"])])


def test_the_report_and_the_review_are_the_same_every_time(corpus, tmp_path, capsys) -> None:
    files = [corpus("a.jsonl", APPEALS * 2, label="appeal"), corpus("b.jsonl", CHAT * 3, label="chat")]
    told = []
    for out in (tmp_path / "one.csv", tmp_path / "two.csv"):
        assert learn.main(["topics", *map(str, files), "--out", str(out)]) == 0
        told.append((capsys.readouterr().out.replace(str(out), ""), out.read_bytes()))
    assert told[0] == told[1]
    assert [f"fold {fold}" in told[0][0] for fold in range(1, 6)] == [True] * 5
    assert told[0][1].decode().startswith("keep,term,weight,category,appeals,others")


def test_only_what_the_reviewer_kept_is_taken_over(tmp_path) -> None:
    review, table = tmp_path / "review.csv", tmp_path / "topics.csv"
    review.write_text("keep,term,weight,category,note\nyes,社保,1.2,0901,\n,某地名,1.5,9999,\n", encoding="utf-8")
    table.write_text("term,category,weight,exclude\n社保,0901,1,社保卡套\n旧词,9999,1,\n", encoding="utf-8")
    assert take_over(review, table) == 1
    assert [(row["term"], row["weight"], row["exclude"]) for row in tables.read(table, ("term",))] == [
        ("社保", "1.2", "社保卡套")
    ]


def test_domains_are_learned_with_no_weight_below_nothing() -> None:
    samples = [
        Sample(
            what + "".join(map(chr, range(0x5000 + 8 * number, 0x5008 + 8 * number))),
            "appeal",
            "s",
            f"{number}",
            domain,
        )
        for number, (domain, what) in enumerate([("劳动", "工资"), ("环保", "污水"), ("教育", "学籍")] * 12)
    ]
    *report, (columns, rows) = learn_domains.learn(samples)
    assert columns == ["term", "rarity", "劳动", "教育", "环保"]
    assert report[-1] == "all folds: macro-F1 s 1.0000"
    by_term = {row["term"]: row for row in rows}
    assert float(by_term["工资"]["劳动"]) > float(by_term["工资"]["环保"]) == 0
    assert all(float(row[name]) >= 0 for row in rows for name in ("劳动", "环保"))
