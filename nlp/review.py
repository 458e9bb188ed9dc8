"""What people's decisions say against the lexicon: for each frequent error the one row that would mend most.

Counts come from rule ids and terms; where the masked words are still kept, a proposal is tried on them and on every
golden sentence before anybody is asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from nlp import editing, golden, lexicon, normalize
from nlp.categories import OTHER, Category
from nlp.classifier import CANDIDATE, TICKET
from nlp.decision import Label
from nlp.editing import Own
from nlp.lexicon import SHAPES
from nlp.matching import Matcher
from nlp.pipeline import Classifier
from nlp.tables import LexiconError, Row
from nlp.tokens import Tokens

OFTEN = 2  # an error that came once says nothing
FOR_ALL = 3  # of a row that is never right, or of a word that many errors share
MOST_TRIALS = 40
MOST = 12
MOST_RIGHT = 2_000  # cases that a proposal must leave alone, the newest
_LENGTHS = range(2, 7)
_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")
# What words do not begin or end with; a proposal of such pieces would be met everywhere.
_NEITHER = "的了吗呢啊吧呀哦嘛着得么我你他她它是在就都也这那没很还要说到和跟被把给让又再才能可有"
_NOT_FIRST, _NOT_LAST = frozenset(_NEITHER + "过们地去来会上下"), frozenset(_NEITHER + "不")
_RANK = {Label.DROP: 0, Label.CANDIDATE: 1, Label.TICKET: 2}


class Verdict(StrEnum):
    """What a person said of a decision."""

    WRONG = "wrong"  # 误报
    ACCEPTED = "accepted"  # 受理: a candidate that should have been a ticket
    MOVED = "moved"  # 改类
    RIGHT = "right"  # nobody objected


@dataclass(frozen=True, slots=True)
class Case:
    """One decision. `category` is what the lexicon said, `meant` what a person did; `texts` are masked."""

    verdict: Verdict
    rules: tuple[str, ...]
    terms: tuple[str, ...]
    category: str
    meant: str
    texts: tuple[str, ...]


class Kind(StrEnum):
    """In the order in which equal ones are preferred."""

    EXCLUDE = "exclude"  # a word beside which the row does not count
    OFF = "off"
    LOWER = "lower"  # a candidate instead of a ticket
    VETO = "veto"  # a word that many false alarms share
    RAISE = "raise"  # a ticket instead of a candidate
    WORD = "word"  # a word that what was accepted shares
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One row of `table` to lay over the lexicon. `word` is what it is about: a term or a rule.

    `errors` of all cases with that error, and `right` of those that were right, fired it; of the errors whose words
    are still kept (`kept`) it mends `mends`, and it would spoil `harms` of the right ones."""

    kind: Kind
    table: str
    cells: Mapping[str, str]
    word: str
    added: str
    errors: int
    right: int
    kept: int = 0
    mends: int = 0
    harms: int = 0


def propose(
    cases: Sequence[Case],
    own: Own,
    categories: Mapping[str, Category],
    *,
    tried: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Proposal]:
    """The proposals that mend most, the best first. `tried` is told how many of how many were tried."""
    bench = _Bench(cases, own, categories)
    ideas = sorted(bench.ideas(), key=lambda idea: (-idea.errors, idea.right, idea.table, idea.word, idea.added))
    found = []
    for done, idea in enumerate(ideas[:MOST_TRIALS], 1):
        proven = bench.tried(idea)
        if proven is not None:
            found.append(proven)
        tried(done, min(len(ideas), MOST_TRIALS))
    return _best(found)


def _best(found: Iterable[Proposal]) -> list[Proposal]:
    """The best first, and of those about the same row only the best: they would undo each other."""
    result: dict[tuple[str, ...], Proposal] = {}
    for one in sorted(found, key=_worth):
        row = (one.table, *(one.cells[column] for column in SHAPES[one.table].key))
        result.setdefault(row, one)
    return list(result.values())[:MOST]


def _worth(one: Proposal) -> tuple[object, ...]:
    return -(one.mends - one.harms), -one.errors, list(Kind).index(one.kind), one.table, one.word, one.added


class _Bench:
    """The cases, counted, and the lexicon to try rows on."""

    def __init__(self, cases: Sequence[Case], own: Own, categories: Mapping[str, Category]) -> None:
        self._own = own
        self._categories = categories
        self._base = {name: lexicon.shipped(normalize.DATA, name) for name in SHAPES}
        self._rows = {name: lexicon.merged(self._base[name], own.rows.get(name, ()), name) for name in SHAPES}
        self._tokens = Tokens(Matcher(lexicon.load(codes=categories, own=own.lexicon, base=self._base)).words)
        self._golden = golden.load(own=own.golden, codes=categories)
        before = self._made(own)
        self._failing = {one.sentence.text for one in golden.failures(before, self._golden)}
        right = [case for case in cases if case.verdict is Verdict.RIGHT][-MOST_RIGHT:]
        others = [case for case in cases if case.verdict is not Verdict.RIGHT]
        self._before = {case: _judge(before, case) for case in (*others, *right)}
        errors = [case for case in others if not self._mended(case)]
        self._of = {verdict: [case for case in errors if case.verdict is verdict] for verdict in Verdict}
        self._of[Verdict.RIGHT] = right
        self._heard = [case for case in (*others, *right) if case.verdict is not Verdict.WRONG]
        self._right_rules = Counter(rule for case in self._heard for rule in set(case.rules))
        self._right_grams = _shared(self._heard)
        self._wrong_grams = _shared(case for case in others if case.verdict is Verdict.WRONG)

    def _mended(self, case: Case) -> bool:
        """Whether today's lexicon decides as people did. Where the words are gone, nobody knows: see `_against`."""
        label, category = self._before[case]
        if case.verdict is Verdict.WRONG:
            right = label is Label.DROP
        elif case.verdict is Verdict.ACCEPTED:
            right = label is Label.TICKET
        else:
            right = category == case.meant
        return bool(case.texts) and right

    def _made(self, own: Own) -> Classifier:
        return editing.make(own, self._categories, tokens=self._tokens, base=self._base)

    # ---------------------------------------------------------------- ideas, from counting
    def ideas(self) -> Iterator[Proposal]:
        wrong = self._of[Verdict.WRONG]
        for rule, cases in _by_rule(wrong):
            if len(cases) >= OFTEN:
                yield from self._against(rule, cases)
        yield from self._vetoes(wrong)
        accepted = self._of[Verdict.ACCEPTED]
        for rule, cases in _by_rule(accepted):
            against = sum(rule in case.rules for case in wrong)
            if len(cases) >= OFTEN and len(cases) > against:
                for name, row in self._sources(rule):
                    if float(row["weight"]) < TICKET:
                        cells = {**row, "weight": f"{TICKET:g}"}
                        yield Proposal(Kind.RAISE, name, cells, rule, f"{TICKET:g}", len(cases), against)
        for code in {case.meant for case in accepted} - {OTHER}:
            yield from self._words([case for case in accepted if case.meant == code], code)
        yield from self._moves()

    def _against(self, rule: str, cases: Sequence[Case]) -> Iterator[Proposal]:
        """What may be done about a rule that fires in false alarms. Those without words count against shipped rows
        only: of an own row nobody knows whether it was mended since."""
        right = self._right_rules[rule]
        for name, row in self._sources(rule):
            if row.own and not any(case.texts for case in cases):
                continue
            if not right and len(cases) >= FOR_ALL:
                yield Proposal(Kind.OFF, name, {**row, "off": "off"}, rule, "", len(cases), right)
            if len(cases) > right and float(row["weight"]) > CANDIDATE:
                cells = {**row, "weight": f"{CANDIDATE:g}"}
                yield Proposal(Kind.LOWER, name, cells, rule, f"{CANDIDATE:g}", len(cases), right)
        for name, row in self._worded(rule, cases):
            for word, count in self._sharing(cases, self._right_grams):
                exclusion = word if row["term"] in word else f"~{word}"
                if count >= OFTEN and word != row["term"] and exclusion not in row["exclude"].split("|"):
                    cells = {**row, "exclude": "|".join(filter(None, (row["exclude"], exclusion)))}
                    yield Proposal(Kind.EXCLUDE, name, cells, row["term"], exclusion, len(cases), right)

    def _vetoes(self, wrong: Sequence[Case]) -> Iterator[Proposal]:
        for word, count in self._sharing(wrong, self._right_grams):
            if count >= FOR_ALL:
                cells = {"term": word, "kind": "offtopic", "weight": "1", "scope": "any"}
                yield Proposal(Kind.VETO, "vetoes", cells, word, word, count, 0)

    def _words(self, cases: Sequence[Case], code: str) -> Iterator[Proposal]:
        """The missing word: what accepted candidates of a category share and no false alarm has."""
        known = {row["term"] for name in ("events", "settings", "requests", "objects") for row in self._rows[name]}
        for word, count in self._sharing(cases, self._wrong_grams):
            if count >= OFTEN and word not in known:
                cells = {"term": word, "category": code, "weight": f"{TICKET:g}"}
                yield Proposal(Kind.WORD, "events", cells, word, word, count, 0)

    def _moves(self) -> Iterator[Proposal]:
        moved = self._of[Verdict.MOVED]
        for rule, cases in _by_rule(moved):
            for code, count in Counter(case.meant for case in cases).most_common(1):
                stayed = sum(rule in case.rules for case in (*self._of[Verdict.RIGHT], *self._of[Verdict.ACCEPTED]))
                if count >= OFTEN and count > stayed:
                    for name, row in self._sources(rule):
                        if row["category"] != code:
                            cells = {**row, "category": code}
                            yield Proposal(Kind.CATEGORY, name, cells, rule, code, count, stayed)

    def _sources(self, rule: str) -> Iterator[tuple[str, Row]]:
        """The row with the weight behind a rule id."""
        kind, _, name = rule.partition(":")
        if kind == "event":
            for table in ("events", "emergencies"):
                yield from ((table, row) for row in self._rows[table] if f"event:{row['term']}".startswith(rule))
        elif kind == "pair":
            yield from (("pairs", row) for row in self._rows["pairs"] if f"{row['object']}+{row['problem']}" == name)

    def _worded(self, rule: str, cases: Sequence[Case]) -> Iterator[tuple[str, Row]]:
        """The rows with words behind a rule, which can be given exclusions."""
        kind, _, name = rule.partition(":")
        if kind == "event":
            yield from self._sources(rule)
        elif kind == "pair":
            thing, _, trouble = name.partition("+")
            terms = Counter(term for case in cases for term in set(case.terms))
            for table, of in (("problems", trouble), ("objects", thing)):
                rows = [row for row in self._rows[table] if row["kind"] == of and terms[row["term"]] >= OFTEN]
                yield from ((table, row) for row in sorted(rows, key=lambda row: -terms[row["term"]])[:2])
        elif kind == "topic":
            terms = Counter(term for case in cases for term in set(case.terms))
            yield from (("topics", row) for row in self._rows["topics"] if terms[row["term"]] >= OFTEN)

    def _sharing(self, cases: Sequence[Case], elsewhere: Collection[str]) -> list[tuple[str, int]]:
        """Words that several cases share and that stand nowhere else, what is shared by most first."""
        counts = _shared(cases)
        common = {word: count for word, count in counts.items() if count >= OFTEN and word not in elsewhere}
        whole = [
            (word, count)
            for word, count in common.items()
            if not any(word in other and word != other and count == common[other] for other in common)
        ]
        return sorted(whole, key=lambda found: (-found[1], -len(found[0]), found[0]))[:4]

    # ---------------------------------------------------------------- trials
    def tried(self, idea: Proposal) -> Proposal | None:
        """The idea with what it does to the words that are kept; None where it does more harm than good."""
        try:
            after = self._made(self._own.laying(idea.table, idea.cells))
        except LexiconError:
            return None
        if {one.sentence.text for one in golden.failures(after, self._golden)} - self._failing:
            return None
        if idea.kind in (Kind.RAISE, Kind.WORD):
            errors = [case for case in self._of[Verdict.ACCEPTED] if case.texts]
            mends = sum(_judge(after, case)[0] is Label.TICKET for case in errors)
            harms = sum(_RANK[_judge(after, case)[0]] > self._rank(case) for case in self._of[Verdict.WRONG])
        elif idea.kind is Kind.CATEGORY:
            errors = [case for case in self._of[Verdict.MOVED] if case.texts]
            mends = sum(_judge(after, case)[1] == case.meant for case in errors)
            harms = self._spoilt(after)
        else:
            errors = [case for case in self._of[Verdict.WRONG] if case.texts]
            mends = sum(_RANK[_judge(after, case)[0]] < self._rank(case) for case in errors)
            harms = self._spoilt(after)
        if mends <= harms and (errors or idea.kind not in (Kind.OFF, Kind.LOWER, Kind.RAISE)):
            return None
        return replace(idea, kept=len(errors), mends=mends, harms=harms)

    def _rank(self, case: Case) -> int:
        return _RANK[self._before[case][0]]

    def _spoilt(self, after: Classifier) -> int:
        """How many right decisions would be heard less, or fall into another category."""
        spoilt = 0
        for case in self._heard:
            label, category = _judge(after, case)
            moved = case.verdict is Verdict.RIGHT and category != self._before[case][1]
            spoilt += _RANK[label] < self._rank(case) or moved
        return spoilt


def _by_rule(cases: Sequence[Case]) -> list[tuple[str, list[Case]]]:
    """Each rule with the cases in which it fired, the most frequent first."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        for rule in dict.fromkeys(case.rules):
            found.setdefault(rule, []).append(case)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def _shared(cases: Iterable[Case]) -> Counter[str]:
    """In how many cases each piece of text stands that may be a word."""
    counts: Counter[str] = Counter()
    for case in cases:
        counts.update({gram for text in case.texts for gram in _grams(normalize.normalise(text))})
    return counts


def _grams(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        for length in _LENGTHS:
            for start in range(len(run) - length + 1):
                gram = run[start : start + length]
                if gram[0] not in _NOT_FIRST and gram[-1] not in _NOT_LAST:
                    yield gram


def _judge(classifier: Classifier, case: Case) -> tuple[Label, str]:
    """What becomes of a case: the most that one of its messages is taken for, and that one's category."""
    decisions = [classifier.analyse(text).best for text in case.texts]
    best = max(decisions, key=lambda one: (_RANK[one.label], one.score), default=None)
    return (Label.DROP, "") if best is None else (best.label, best.category)
