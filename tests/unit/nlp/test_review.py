"""Proposals out of what people corrected. The lexicon's words here are the tests' own, so that it may change freely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from nlp import categories, golden, lexicon, normalize, review
from nlp.editing import Own
from nlp.review import Case, Kind, Proposal, Verdict

KNOWN = categories.load()
DANCE = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3.5"})
RULE = "event:喷泉罢演"
CONCERTS = ("昨天看音乐节喷泉罢演那段", "音乐节喷泉罢演的歌真好听", "喷泉罢演是音乐节的压轴")
REPORTS = ("中庭喷泉罢演三天", "7栋前面喷泉罢演", "喷泉罢演，水池也空着")


@pytest.fixture(autouse=True)
def few_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "golden.csv"
    path.write_text("text,label,category\n中庭的喷泉罢演,ticket,0199\n", encoding="utf-8")
    monkeypatch.setattr(golden, "FILE", path)
    return path


def cases(
    verdict: Verdict, texts: Sequence[str], *, rule: str = RULE, category: str = "0199", meant: str = ""
) -> list[Case]:
    return [Case(verdict, (rule,), ("喷泉罢演",), category, meant or category, (text,)) for text in texts]


def proposed(found: Sequence[Case], own: Own = DANCE) -> list[Proposal]:
    return review.propose(found, own, KNOWN)


def test_a_word_beside_which_it_was_wrong_becomes_an_exclusion() -> None:
    (one, *_) = proposed(cases(Verdict.WRONG, CONCERTS) + cases(Verdict.RIGHT, REPORTS))
    assert (one.kind, one.table, one.added) == (Kind.EXCLUDE, "events", "~音乐节")
    assert one.cells["exclude"] == "~音乐节"
    assert (one.right, one.harms) == (3, 0)
    assert one.errors == one.mends == one.kept >= 2


def test_a_longer_word_around_the_term_is_excluded_without_the_tilde() -> None:
    wrong = cases(Verdict.WRONG, ("大喷泉罢演季门票", "大喷泉罢演季真热闹"))
    (one, *_) = proposed(wrong + cases(Verdict.RIGHT, REPORTS))
    assert (one.kind, one.added) == (Kind.EXCLUDE, "大喷泉罢演季")


def test_a_word_that_right_tickets_have_too_is_no_exclusion() -> None:
    wrong = cases(Verdict.WRONG, ("水池喷泉罢演好看", "看水池喷泉罢演"))
    found = proposed(wrong + cases(Verdict.RIGHT, ("水池喷泉罢演几天", *REPORTS)))
    assert [one.added for one in found if "水池" in one.added] == []


def test_what_is_never_right_is_switched_off_unless_a_golden_sentence_needs_it(few_sentences: Path) -> None:
    wrong = cases(Verdict.WRONG, ("喷泉罢演甲", "乙喷泉罢演", "丙丙喷泉罢演丁"))
    kinds = {one.kind for one in proposed(wrong)}
    assert kinds <= {Kind.EXCLUDE}, "switching off or lowering would break the golden sentence"
    few_sentences.write_text("text,label,category\n恭喜恭喜,drop,\n", encoding="utf-8")
    (one, *_) = proposed(wrong)
    assert (one.kind, one.cells["off"], one.mends, one.right) == (Kind.OFF, "off", 3, 0)


def test_without_words_only_the_counts_speak(few_sentences: Path) -> None:
    few_sentences.write_text("text,label,category\n恭喜恭喜,drop,\n", encoding="utf-8")
    row = next(row for row in lexicon.shipped(normalize.DATA, "events") if float(row["weight"]) > 2)
    silent = [Case(Verdict.WRONG, (f"event:{row['term']}"[:60],), (), row["category"], "", ())] * 2
    (one, *_) = proposed(silent)
    assert (one.kind, one.cells["weight"], one.errors, one.kept) == (Kind.LOWER, "2", 2, 0)
    dealt_with = DANCE.laying("events", {**row, "weight": "2.5"})
    assert proposed(silent, dealt_with) == [], "staff have changed that row since"


def test_what_is_mended_already_is_no_error() -> None:
    own = DANCE.laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3.5", "exclude": "~音乐节"})
    assert proposed(cases(Verdict.WRONG, CONCERTS) + cases(Verdict.RIGHT, REPORTS), own) == []


def test_one_error_proposes_nothing() -> None:
    assert proposed(cases(Verdict.WRONG, CONCERTS[:1]) + cases(Verdict.RIGHT, REPORTS)) == []


def test_a_word_that_many_false_alarms_share_becomes_a_veto() -> None:
    own = DANCE.laying("events", {"term": "木马不转", "category": "0110", "weight": "3.5"})
    own = own.laying("events", {"term": "秋千断链", "category": "0110", "weight": "3.5"})
    said = {
        "event:喷泉罢演": "剧本杀里喷泉罢演",
        "event:木马不转": "剧本杀里木马不转",
        "event:秋千断链": "剧本杀里秋千断链",
    }
    wrong = [case for rule, text in said.items() for case in cases(Verdict.WRONG, (text,), rule=rule)]
    (one, *_) = proposed(wrong + cases(Verdict.RIGHT, REPORTS), own)
    assert (one.kind, one.table, one.cells["term"], one.cells["kind"]) == (Kind.VETO, "vetoes", "剧本杀里", "offtopic")
    assert (one.errors, one.mends) == (3, 3)


def test_a_rule_whose_candidates_are_accepted_is_raised() -> None:
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "2.2"})
    (one, *_) = proposed(cases(Verdict.ACCEPTED, REPORTS), own)
    assert (one.kind, one.cells["weight"], one.errors, one.mends) == (Kind.RAISE, "3", 3, 3)


def test_the_missing_word_is_found() -> None:
    said = ("莲池那边锦鲤翻白", "锦鲤翻白好几条", "又有锦鲤翻白，谁管")
    accepted = [Case(Verdict.ACCEPTED, (), (), "9999", "0209", (text,)) for text in said]
    (one, *_) = proposed(accepted + cases(Verdict.RIGHT, REPORTS))
    assert (one.kind, one.table) == (Kind.WORD, "events")
    assert dict(one.cells) == {"term": "锦鲤翻白", "category": "0209", "weight": "3"}
    assert (one.errors, one.mends, one.harms) == (3, 3, 0)


def test_a_category_that_people_correct_is_corrected(few_sentences: Path) -> None:
    few_sentences.write_text("text,label,category\n恭喜恭喜,drop,\n", encoding="utf-8")
    moved = cases(Verdict.MOVED, REPORTS, meant="0110")
    (one, *_) = proposed(moved + cases(Verdict.RIGHT, ("北面喷泉罢演",)))
    assert (one.kind, one.cells["category"], one.errors, one.right) == (Kind.CATEGORY, "0110", 3, 1)
    assert (one.mends, one.harms) == (3, 1)


def test_the_list_is_always_the_same_and_holds_a_row_once() -> None:
    found = cases(Verdict.WRONG, CONCERTS) + cases(Verdict.RIGHT, REPORTS[:1])
    first = proposed(found)
    rows = [(one.table, one.cells["term"]) for one in first]
    assert len(rows) == len(set(rows))
    assert proposed(found) == first
