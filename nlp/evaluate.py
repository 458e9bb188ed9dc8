"""`xiaoge evaluate`: hold the classifier against labelled messages. Pure but for reading the files.

Phone and ID numbers in what comes out are masked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nlp import contact, domains
from nlp.evaluation import labels, measures, samples
from nlp.evaluation.measures import Judged, Point
from nlp.evaluation.samples import APPEAL, Sample
from nlp.evaluation.styles import STYLES
from nlp.pipeline import Classifier

ALL = "all"  # the source that stands for all files together
SHOWN = 90  # characters of a message in the list of errors

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Error:
    """One wrong decision: the masked message, what was decided, and by which rules."""

    text: str
    meant: str
    label: str
    reason: str
    score: float
    category: str
    urgency: str
    rules: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What was measured on one file. `against` says whose messages stand in for a side that the file lacks."""

    messages: int
    measures: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]
    points: Mapping[str, Point]  # at the thresholds for candidates (`found`) and tickets
    sweep: Mapping[float, Point]
    against: str
    categories: Mapping[str, Mapping[str, Mapping[str, int]]]  # field → meant → said → how often
    errors: Mapping[str, Sequence[Error]]  # kind → the worst ones
    wrong: Mapping[str, int]  # kind → how many


@dataclass(frozen=True, slots=True)
class Report:
    lexicon: str
    seconds: float  # of process time for the decisions on the messages as they stand
    messages: int
    sources: Mapping[str, SourceReport]

    @property
    def measured(self) -> dict[str, Mapping[str, float]]:
        """The measures of each source, by source and name; speed stands under `all`."""
        speed = {"messages_per_second": self.messages / self.seconds if self.seconds else 0.0}
        return {**{name: source.measures for name, source in self.sources.items()}, ALL: speed}

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "measures": self.measured}


def evaluate(
    paths: Iterable[Path], classifier: Classifier | None = None, *, errors: int = 5, step: Progress | None = None
) -> Report:
    """Measure on the labelled messages of files and folders; `errors` is how many of each kind are kept to show.

    `step` is told after each source how many messages are done, of how many. Raises `InputError`, `OSError`."""
    sources = samples.read(paths)
    classifier = classifier or Classifier.load()
    total, seconds = sum(map(len, sources.values())), 0.0
    judged: dict[str, list[Judged]] = {}
    for name, known in sources.items():
        started = time.process_time()
        judged[name] = [_judge(classifier, sample, sample.text) for sample in known]
        seconds += time.process_time() - started
        if step is not None:
            step(sum(map(len, judged.values())), 2 * total)
    # Appeals alone are held against the chit-chat of all files, a file without appeals against residents' appeals.
    mixed = [every for every in judged.values() if len({one.sample.label == APPEAL for one in every}) == 2]
    appeals = [one for every in mixed for one in every if one.sample.label == APPEAL]
    chat = [one for every in judged.values() for one in every if one.sample.label == "chat"]
    reports: dict[str, SourceReport] = {}
    for name, every in judged.items():
        reports[name] = _report(classifier, every, appeals, chat, errors)
        if step is not None:
            step(total + sum(report.messages for report in reports.values()), 2 * total)
    return Report(classifier.version, seconds, total, reports)


def _judge(classifier: Classifier, sample: Sample, text: str) -> Judged:
    return Judged(sample, classifier.analyse(text, nick=sample.nick).best)


def _report(
    classifier: Classifier, judged: Sequence[Judged], appeals: Sequence[Judged], chat: Sequence[Judged], errors: int
) -> SourceReport:
    own = [one for one in judged if one.sample.label == APPEAL]
    others = [one for one in judged if one.sample.label != APPEAL]
    measured = {**measures.rates(judged), **measures.emergencies(judged), **measures.locations(judged)}
    wrong = _errors(judged)
    for name, style in STYLES.items():
        if own:
            again = [_judge(classifier, one.sample, style(one.sample.text)) for one in own]
            loss = 100 * (measured["found_recall"] - measures.share([one.found for one in again]))
            measured[f"wrap_loss_{name}"] = loss
            lost = [now for before, now in zip(own, again, strict=True) if before.found and not now.found]
            wrong[f"lost when {name}"] = [_error(now, style(now.sample.text), APPEAL) for now in lost]
    if own:
        measured["wrap_loss"] = max(measured[f"wrap_loss_{name}"] for name in STYLES)
    matrices: dict[str, dict[str, dict[str, int]]] = {}
    for field in ("cat", "domain"):
        said = [(one, *pair) for one in judged if (pair := _pair(classifier, one, field)) is not None]
        if said:
            matrices[field] = table = measures.matrix((meant, word) for _, meant, word in said)
            scores = measures.f1_scores(table)
            measured[f"{field}_macro_f1"] = sum(scores.values()) / len(scores)
            measured[f"{field}_accuracy"] = measures.share([meant == word for _, meant, word in said])
            wrong[f"wrong {field}"] = [
                _error(one, one.sample.text, meant) for one, meant, word in said if meant != word
            ]
    left, right = own or appeals, others or chat
    points: dict[str, Point] = {}
    if left and right:
        points["found"] = measures.point([one.found for one in left], [one.found for one in right])
        points["ticket"] = measures.point([one.ticket for one in left], [one.ticket for one in right])
    return SourceReport(
        messages=len(judged),
        measures=measured,
        confusion=measures.confusion(judged),
        points=points,
        sweep=measures.sweep(left, right) if left and right else {},
        against="" if own and others else "chit-chat of all files" if own else "residents' appeals of all files",
        categories=matrices,
        errors={kind: tuple(every[:errors]) for kind, every in wrong.items() if every and errors},
        wrong={kind: len(every) for kind, every in wrong.items() if every},
    )


def _pair(classifier: Classifier, one: Judged, field: str) -> tuple[str, str] | None:
    """What people call the matter and what is called it here, in the same words; None where nobody said."""
    if field == "domain":
        meant = one.sample.domain
        return None if meant is None else (meant, domains.shipped().of(one.sample.text))
    meant = one.sample.category
    return None if meant is None else (meant, labels.said(meant, one.decision.category, classifier.categories))


def _errors(judged: Sequence[Judged]) -> dict[str, list[Error]]:
    """The wrong decisions by kind, those with the highest score first."""
    kinds: dict[str, list[Error]] = {}
    for one in sorted(judged, key=lambda one: -one.decision.score):
        told = one.sample.emergency
        appeal = one.sample.label == APPEAL
        for kind, is_wrong in (
            ("false emergency", one.emergency and (not told if told is not None else not appeal)),
            ("missed emergency", bool(told) and not one.emergency),
            ("false ticket", one.ticket and not appeal),
            ("false candidate", one.found and not one.ticket and not appeal),
            ("missed appeal", appeal and not one.found),
        ):
            if is_wrong:
                kinds.setdefault(kind, []).append(_error(one, one.sample.text, one.sample.label))
    return kinds


def _error(one: Judged, text: str, meant: str) -> Error:
    decision = one.decision
    return Error(
        contact.mask(text)[:SHOWN],
        meant,
        decision.label.value,
        decision.reason,
        decision.score,
        decision.category,
        decision.urgency.value,
        tuple(map(contact.mask, decision.rules)),
        tuple(map(contact.mask, decision.terms)),
    )
