"""What a changed lexicon would have decided: one text before two classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nlp.decision import Decision, Label
from nlp.pipeline import Classifier

_RANK = {Label.DROP: 0, Label.CANDIDATE: 1, Label.TICKET: 2}


class Change(StrEnum):
    HEARD = "heard"  # was dropped
    UNHEARD = "unheard"  # is dropped
    RAISED = "raised"  # a candidate becomes a ticket
    LOWERED = "lowered"  # a ticket becomes a candidate
    CATEGORY = "category"
    URGENCY = "urgency"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`change` is None where nothing that matters differs."""

    old: Decision
    new: Decision
    change: Change | None


def compare(old: Classifier, new: Classifier, text: str) -> Outcome:
    """Decide twice."""
    before, after = old.analyse(text).best, new.analyse(text).best
    return Outcome(before, after, _change(before, after))


def _change(old: Decision, new: Decision) -> Change | None:
    if old.label is not new.label:
        if old.label is Label.DROP:
            return Change.HEARD
        if new.label is Label.DROP:
            return Change.UNHEARD
        return Change.RAISED if _RANK[new.label] > _RANK[old.label] else Change.LOWERED
    if new.label is Label.DROP:
        return None
    if old.urgency is not new.urgency:
        return Change.URGENCY
    return Change.CATEGORY if old.category != new.category else None
