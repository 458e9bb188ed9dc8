"""`xiaoge classify`: JSONL in, one decision a line out, in order. No database, no wechaty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from nlp import contact, domains
from nlp.decision import Analysis, Shape
from nlp.normalize import strip_invisible
from nlp.pipeline import Classifier


class InputError(ValueError):
    """A line of the input that cannot be read: names the line number and the cure."""


def to_json(text: str, nick: str, analysis: Analysis) -> dict[str, object]:  # noqa: ARG001 - for columns to come
    """The strongest decision on a message, with the keys of `xiaoge classify`. Phone and ID numbers are masked; what
    came from the nickname is marked by `located_by`."""
    decision = analysis.best
    where = decision.location
    return {
        "text": contact.mask(strip_invisible(text)),
        "label": decision.label.value,
        "reason": decision.reason,
        "score": decision.score,
        "category": decision.category,
        "urgency": decision.urgency.value,
        "nature": decision.nature.value,
        "building": where.building,
        "unit": where.unit,
        "floor": where.floor,
        "room": where.room,
        "place": where.place,
        "located_by": where.located_by,
        "evidence": list(decision.evidence),
        "domain": domains.shipped().of(text) if analysis.shape is Shape.TALK else "",
    }


def classify_lines(lines: Iterable[str], classifier: Classifier | None = None) -> Iterator[str]:
    """Decide on JSONL (`text`, optional `nick`) line by line; blank lines are skipped. Raises `InputError`."""
    classifier = classifier or Classifier.load()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        text, nick = _read(number, line)
        record = to_json(text, nick, classifier.analyse(text, nick=nick))
        yield json.dumps(record, ensure_ascii=False)


def _read(number: int, line: str) -> tuple[str, str]:
    try:
        record = json.loads(line.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise InputError(f'line {number}: not JSON ({error}); each line is an object such as {{"text": "…"}}') from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise InputError(f'line {number}: no "text"; each line is an object such as {{"text": "…", "nick": "…"}}')
    nick = record.get("nick")
    if nick is not None and not isinstance(nick, str):
        raise InputError(f'line {number}: "nick" must be a text or left out')
    return record["text"], nick or ""
