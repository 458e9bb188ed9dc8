"""What goes wrong with a platform and the way to it, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What happens to one request."""

    ERROR = "error"  # 5xx, nothing was applied
    ERROR_AFTER = "error_after"  # 5xx, and yet it was applied
    SILENCE = "silence"  # no answer, nothing was applied
    SILENCE_AFTER = "silence_after"  # no answer, and yet it was applied
    CUT = "cut"  # the answer breaks off, nothing was applied
    CUT_AFTER = "cut_after"  # the answer breaks off, and yet it was applied
    TWICE = "twice"  # something on the way repeats the request under another key; the second answer is the one given
    THROTTLED = "throttled"  # 429 with Retry-After


AFTER = frozenset({Fault.ERROR_AFTER, Fault.SILENCE_AFTER, Fault.CUT_AFTER})


@dataclass
class Faults:
    """`rate`: the share of requests that fail. `silence`: seconds until a request without an answer
    is dropped; every tenth hangs for `hang` seconds, longer than a client waits.
    `away`: nothing answers. `most_items`, `most_bytes`: more than that is 413. `bad`: ids for which the whole request
    is 400, with True where the answer names the ticket. `disorder`: pages of answers come shuffled, some answers
    twice."""

    rate: float = 0.0
    seed: int = 0
    kinds: Collection[Fault] = tuple(Fault)
    silence: float = 0.05
    hang: float | None = None
    retry_after: int = 1
    away: bool = False
    most_items: int | None = None
    most_bytes: int = 4 * 1024 * 1024
    bad: Mapping[str, bool] = field(default_factory=dict)
    disorder: bool = False
    drawn: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def draw(self) -> Fault | None:
        """What happens to the next request."""
        fault = self.random.choice(list(self.kinds)) if self.random.random() < self.rate else None
        self.drawn[fault.value if fault is not None else "none"] += 1
        return fault

    def pause(self) -> float:
        """Seconds until a request without an answer is dropped."""
        return self.hang if self.hang is not None and self.random.random() < 0.1 else self.silence
