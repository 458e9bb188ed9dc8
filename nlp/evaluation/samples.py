"""Labelled messages from JSONL files: what `xiaoge evaluate` holds the classifier against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nlp.classify import InputError

LABELS = ("appeal", "chat", "notice", "question", "thanks", "ad", "offtopic")
APPEAL = "appeal"
PLACES = ("building", "unit", "floor", "room", "place")
_TEXTS = ("nick", "urg", "cat", "domain", "cat7")
_URGENT = ("紧急", "应急")


@dataclass(frozen=True, slots=True)
class Sample:
    """One message and what people said it is. None: nobody said."""

    text: str
    label: str
    nick: str = ""
    category: str | None = None  # a code of categories.toml, or a word of labels.csv
    domain: str | None = None  # the field of government, as nlp.domains tells it
    emergency: bool | None = None
    location: Mapping[str, str | None] | None = None  # keys of PLACES


def read(paths: Iterable[Path]) -> dict[str, list[Sample]]:
    """The samples of each source, named after its file without `dev_`; of a folder every `*.jsonl`.

    Rows with `text2` are pairs of messages, not messages: they are left out. Raises `InputError`, `OSError`."""
    files = [file for path in paths for file in (sorted(path.glob("*.jsonl")) if path.is_dir() else [path])]
    if not files:
        raise InputError("no *.jsonl in that folder; name a file or a folder with labelled messages")
    sources: dict[str, list[Sample]] = {}
    for file in files:
        samples = list(_samples(file))
        if samples:
            sources.setdefault(file.stem.removeprefix("dev_"), []).extend(samples)
    return sources


def _samples(file: Path) -> Iterator[Sample]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{file}: line {number}: not JSON ({error}); write one object a line") from None
                if not isinstance(record, dict) or "text2" not in record:
                    yield _sample(f"{file}: line {number}", record)


def _sample(where: str, record: object) -> Sample:
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise InputError(f'{where}: no "text"; each line is an object such as {{"text": "…", "label": "appeal"}}')
    if record.get("label") not in LABELS:
        raise InputError(f'{where}: "label" must be one of {", ".join(LABELS)}')
    for key in (*_TEXTS, *PLACES):
        if not isinstance(record.get(key, ""), str | None):
            raise InputError(f'{where}: "{key}" must be a text or left out')
    urgency = record.get("urg")
    return Sample(
        record["text"],
        record["label"],
        record.get("nick") or "",
        record.get("cat") or None,
        record.get("domain") or record.get("cat7") or None,
        None if urgency is None else urgency in _URGENT,
        {key: record.get(key) or None for key in PLACES} if any(key in record for key in PLACES) else None,
    )
