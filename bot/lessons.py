"""The past before another lexicon: what is kept of tickets, candidates and false alarms, judged once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.config import Config
from nlp.decision import Decision
from nlp.pipeline import Classifier
from nlp.review import Case, Verdict
from nlp.trial import Change, Outcome, compare
from storage import lessons, negatives
from storage.engine import Store, Tx
from storage.model import TicketState

FALSE_ALARM, MENDED = "false_alarm", "mended"
_NOT_RIGHT = frozenset({TicketState.CANDIDATE, TicketState.REFUSED, TicketState.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Difference:
    """One text that is judged otherwise. `change` is a word of nlp/trial.py, or what becomes of a false alarm; `text`
    is masked, and empty where the ticket is confidential."""

    change: str
    id: str
    old: Decision
    new: Decision
    text: str


@dataclass(slots=True)
class Trial:
    texts: int = 0
    differences: list[Difference] = field(default_factory=list)


async def trial(
    config: Config, old: Classifier, new: Classifier, step: Callable[[int, int], None] = lambda _done, _of: None
) -> Trial:
    """Every text that is kept, before both. Reads beside a running bot. Raises StoreError."""
    result = Trial()

    async def look(tx: Tx) -> None:
        async for chunk in lessons.judged(tx):
            for ticket in chunk:
                for text in () if ticket.false_alarm else ticket.texts:
                    result.texts += 1
                    outcome = compare(old, new, text)
                    if outcome.change is not None:
                        shown = "" if ticket.confidential else text
                        result.differences.append(
                            Difference(outcome.change, ticket.id, outcome.old, outcome.new, shown)
                        )
            step(result.texts, 0)
        for negative in await negatives.every(tx):
            if negative.text:
                result.texts += 1
                outcome = compare(old, new, negative.text)
                if outcome.change is not None:
                    kind = _of_false_alarm(outcome)
                    number = f"#{negative.id}"
                    result.differences.append(Difference(kind, number, outcome.old, outcome.new, negative.text))

    await _read(config, look)
    return result


async def cases(config: Config) -> list[Case]:
    """What people said of past decisions. Reads beside a running bot. Raises StoreError."""
    found: list[Case] = []

    async def look(tx: Tx) -> None:
        for one in await negatives.every(tx):
            said = (one.text,) if one.text else ()
            found.append(Case(Verdict.WRONG, one.rules, one.terms, one.category, "", said))
        async for chunk in lessons.judged(tx):
            for ticket in chunk:
                verdict = _verdict(ticket)
                if verdict is not None:
                    # Words of a confidential ticket serve to see what a change would spoil, never as a proposal.
                    texts = () if ticket.confidential and verdict is not Verdict.RIGHT else ticket.texts
                    found.append(Case(verdict, ticket.rules, ticket.terms, ticket.was, ticket.category, texts))

    await _read(config, look)
    return found


def _verdict(ticket: lessons.Judged) -> Verdict | None:
    if ticket.false_alarm:
        return None  # `negatives` has it
    if ticket.was != ticket.category:
        return Verdict.MOVED
    if ticket.accepted:
        return Verdict.ACCEPTED
    return None if ticket.state in _NOT_RIGHT else Verdict.RIGHT


def _of_false_alarm(outcome: Outcome) -> str:
    """A false alarm that is heard more is one again; one that is heard less is mended."""
    if outcome.change in (Change.HEARD, Change.RAISED):
        return FALSE_ALARM
    return MENDED if outcome.change in (Change.UNHEARD, Change.LOWERED) else str(outcome.change)


async def _read(config: Config, look: Callable[[Tx], Awaitable[None]]) -> None:
    store = await Store.open(config.database.url, key_file=config.key_file, read_only=True)
    try:
        await store.read(look)
    finally:
        await store.close()
