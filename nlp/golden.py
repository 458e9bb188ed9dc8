"""Golden sentences: what every version of the lexicon must understand, the shipped ones and a deployment's own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from nlp import contact, normalize, tables, wording
from nlp.decision import Decision, Label
from nlp.lexicon import GOLDEN, Shape
from nlp.pipeline import Classifier
from nlp.tables import LexiconError, Report, Row, refuse, several

FILE = normalize.DATA / GOLDEN
SHAPE = Shape(("text", "label", "category"), ("text",), ("category",))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One of `labels` must come out, and where `category` is named, that."""

    text: str
    labels: frozenset[Label]
    category: str
    row: Row


@dataclass(frozen=True, slots=True)
class Failure:
    sentence: Sentence
    decision: Decision

    def __str__(self) -> str:
        wanted = "、".join(_called(label) for label in Label if label in self.sentence.labels)
        decision = self.decision
        return wording.fault(
            "golden",
            text=self.sentence.text,
            wanted=f"{wanted} {self.sentence.category}".strip(),
            got=f"{_called(decision.label)} {decision.category if decision.label is not Label.DROP else ''}".strip(),
            rules="、".join(decision.rules[:4]) or decision.reason,
        )


def load(*, own: Sequence[Row] = (), codes: Collection[str] | None = None, report: Report = refuse) -> list[Sentence]:
    """The shipped sentences, with a deployment's own over them. Raises `LexiconError`, or tells `report`.

    A shipped sentence about a category that the deployment does not have says only that it must be heard."""
    shipped = tables.read(FILE, SHAPE.columns, SHAPE.optional)
    over = {row["text"]: row for row in own}
    rows = [over.pop(row["text"], row) for row in shipped] + list(over.values())
    result = []
    for row in rows:
        if row.off:
            continue
        try:
            result.append(_sentence(row, codes))
        except LexiconError as error:
            report(error)
    return result


def failures(classifier: Classifier, sentences: Iterable[Sentence]) -> list[Failure]:
    """The sentences that the classifier takes for something else."""
    found = []
    for sentence in sentences:
        decision = classifier.analyse(sentence.text).best
        if decision.label not in sentence.labels or sentence.category not in ("", decision.category):
            found.append(Failure(sentence, decision))
    return found


def prove(classifier: Classifier, sentences: Iterable[Sentence]) -> None:
    """Raises `LexiconError`, a line for each of the first sentences that fail."""
    failed = failures(classifier, sentences)
    if failed:
        raise LexiconError("\n".join(f"{one.sentence.row.source}: {one}" for one in failed[:10]))


def label_of(word: str) -> Label | None:
    """A label by its id or as staff call it."""
    ids = {called: name for name, called in wording.names("labels").items()}
    name = ids.get(word, word)
    return Label(name) if name in {label.value for label in Label} else None


def _sentence(row: Row, codes: Collection[str] | None) -> Sentence:
    if contact.mask(row["text"]) != row["text"]:
        raise row.error("text", "private")
    labels = [label_of(word) for word in several(row["label"])]
    if not labels or None in labels:
        raise row.error("label", "label", choices="、".join(wording.names("labels").values()))
    category = row["category"]
    if category and labels == [Label.DROP]:
        raise row.error("category", "category_needless")
    if category and codes is not None and category not in codes:
        if row.own:
            raise row.error("category", "category")
        category = ""
    return Sentence(row["text"], frozenset(label for label in labels if label is not None), category, row)


def _called(label: Label) -> str:
    return wording.names("labels")[label]
