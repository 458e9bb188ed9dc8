"""The last minutes of a room, in memory only: what joins a photo or a second line to an appeal.

Chit-chat passes through here and nowhere else; it is gone when the window moves on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nlp.decision import Analysis
from storage.model import MessageKind

SPAN = timedelta(minutes=10)
MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the window. `tickets` are the numbers it became part of; `passed_by` tells that nothing of it
    was kept."""

    message_id: str
    sender: str
    nick: str
    at: datetime
    kind: MessageKind
    analysis: Analysis | None = None
    tickets: tuple[int, ...] = ()
    passed_by: bool = False


@dataclass(slots=True)
class Window:
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=MOST_LINES))

    def add(self, line: Line, now: datetime) -> None:
        """Take in a line and forget what is older than the span."""
        self.forget(now)
        self.lines.append(line)

    def forget(self, now: datetime) -> None:
        while self.lines and self.lines[0].at < now - SPAN:
            self.lines.popleft()

    def of_sender(self, sender: str, since: datetime) -> Iterator[Line]:
        """The sender's lines since then, newest first."""
        return (line for line in reversed(self.lines) if line.sender == sender and line.at >= since)

    def find(self, message_id: str | None) -> Line | None:
        return next((line for line in self.lines if line.message_id == message_id), None)

    def keep(self, message_id: str) -> None:
        """Something of this line is kept by now, so that taking it back is looked into."""
        for at, line in enumerate(self.lines):
            if line.message_id == message_id:
                self.lines[at] = replace(line, passed_by=False)

    def remove(self, message_id: str) -> None:
        """A recalled message leaves at once."""
        kept = [line for line in self.lines if line.message_id != message_id]
        self.lines.clear()
        self.lines.extend(kept)
