"""The arithmetic of an evaluation: pure functions over messages and the decisions on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nlp.decision import Decision, Label, Urgency
from nlp.evaluation.samples import APPEAL, PLACES, Sample

PREVALENCES = (0.01, 0.03, 0.10)
THRESHOLDS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
_BY_SCORE = ("weak", "chat")  # reasons of a drop that is no veto


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled message and the decision on it."""

    sample: Sample
    decision: Decision

    @property
    def found(self) -> bool:
        return self.decision.label is not Label.DROP

    @property
    def ticket(self) -> bool:
        return self.decision.label is Label.TICKET

    @property
    def emergency(self) -> bool:
        return self.decision.urgency is Urgency.EMERGENCY

    @property
    def strength(self) -> float:
        """The score that a threshold would meet: a veto leaves nothing of it."""
        vetoed = not self.found and self.decision.reason not in _BY_SCORE
        return 0.0 if vetoed else self.decision.score


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of the threshold. Rates 0 … 1; `precisions` at each of PREVALENCES, None where nothing is found."""

    recall: float
    false_rate: float
    precisions: tuple[float | None, ...]


def point(appeals: Sequence[bool], others: Sequence[bool]) -> Point:
    """From what was found among appeals and, wrongly, among the others; neither may be empty."""
    recall, false_rate = share(appeals), share(others)
    return Point(recall, false_rate, tuple(precision_at(one, recall, false_rate) for one in PREVALENCES))


def precision_at(prevalence: float, recall: float, false_rate: float) -> float | None:
    """How many of those found are appeals where a share `prevalence` of all messages are appeals (Bayes)."""
    right, wrong = prevalence * recall, (1 - prevalence) * false_rate
    return right / (right + wrong) if right + wrong else None


def sweep(appeals: Sequence[Judged], others: Sequence[Judged]) -> dict[float, Point]:
    """A point for each of THRESHOLDS."""
    return {
        at: point([one.strength >= at for one in appeals], [one.strength >= at for one in others]) for at in THRESHOLDS
    }


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def confusion(judged: Iterable[Judged]) -> dict[str, dict[str, int]]:
    """For each label how many became a ticket, a candidate, nothing."""
    counted: dict[str, Counter[str]] = {}
    for one in judged:
        counted.setdefault(one.sample.label, Counter())[one.decision.label.value] += 1
    return {label: {kind.value: row[kind.value] for kind in Label} for label, row in sorted(counted.items())}


def matrix(pairs: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """From (meant, said): for each meant how often each was said, the most frequent first."""
    counted: dict[str, Counter[str]] = {}
    for meant, said in pairs:
        counted.setdefault(meant, Counter())[said] += 1
    return {meant: dict(row.most_common()) for meant, row in sorted(counted.items())}


def f1_scores(table: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """F1 of each meant word of a matrix."""
    said: Counter[str] = Counter()
    for row in table.values():
        said.update(row)
    return {meant: 2 * row.get(meant, 0) / (sum(row.values()) + said[meant]) for meant, row in table.items()}


def rates(judged: Sequence[Judged]) -> dict[str, float]:
    """What is found among appeals, and wrongly among the others: measures by name, those that the labels allow."""
    appeals = [one for one in judged if one.sample.label == APPEAL]
    others = [one for one in judged if one.sample.label != APPEAL]
    result: dict[str, float] = {}
    if appeals:
        result["found_recall"] = share([one.found for one in appeals])
        result["ticket_recall"] = share([one.ticket for one in appeals])
    if others:
        result["found_false_rate"] = share([one.found for one in others])
        result["ticket_false_rate"] = share([one.ticket for one in others])
        result["false_tickets_per_1000"] = 1000 * result["ticket_false_rate"]
        result["false_candidates_per_1000"] = 1000 * share([one.found and not one.ticket for one in others])
        result["false_emergencies"] = float(sum(one.emergency for one in others))
    return result


def emergencies(judged: Sequence[Judged]) -> dict[str, float]:
    """Recall and precision of 应急, over messages of which people said whether they are one."""
    told = [one for one in judged if one.sample.emergency is not None]
    meant = [one for one in told if one.sample.emergency]
    if not meant:
        return {}
    said = [one for one in told if one.emergency]
    return {
        "emergency_recall": share([one.emergency for one in meant]),
        "emergency_precision": share([one.sample.emergency is True for one in said]) if said else 0.0,
    }


def locations(judged: Sequence[Judged]) -> dict[str, float]:
    """Precision and recall of each part of a location, over messages in which people marked the location."""
    marked = [(one.sample.location, one.decision.location) for one in judged if one.sample.location is not None]
    result: dict[str, float] = {}
    for part in PLACES:
        pairs = [(meant[part], getattr(said, part)) for meant, said in marked]
        right = sum(meant == said for meant, said in pairs if meant)
        if meant_count := sum(meant is not None for meant, _ in pairs):
            result[f"{part}_recall"] = right / meant_count
        if said_count := sum(said is not None for _, said in pairs):
            result[f"{part}_precision"] = right / said_count
    return result
