"""When may an account send? Pure arithmetic over its own send log; no clock, no I/O.

The defaults are what keeps a WeChat account alive by users' reports (design/wechaty.md, Pacing): sliding windows of
a minute, an hour and a day, a jittered gap, one message a room in some seconds. An emergency skips the gaps, and a
tenth of the hour and day budgets is kept for it; no budget is ever exceeded by anything.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model import Lane

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RESERVED_FOR_EMERGENCY = 0.1
RECOVERS_AFTER = HOUR


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one account. Gaps in seconds."""

    per_minute: int = 6
    per_hour: int = 120
    per_day: int = 300
    gap: tuple[float, float] = (6.0, 12.0)
    per_room_gap: float = 8.0
    stop: timedelta = timedelta(minutes=10)  # after WeChat said "too fast"


def broadcast_time(lines: int, budget: Budget) -> timedelta:
    """How long one account needs for so many lines, each to another room: the least that the budgets allow it when
    nothing else is said."""
    a_day, an_hour = (max(1, int(limit * (1 - RESERVED_FOR_EMERGENCY))) for limit in (budget.per_day, budget.per_hour))
    days, rest = divmod(max(lines - 1, 0), a_day)
    hours, rest = divmod(rest, an_hour)
    gap = max(sum(budget.gap) / 2, MINUTE.total_seconds() / budget.per_minute)
    return days * DAY + hours * HOUR + rest * timedelta(seconds=gap)


class Pacer:
    """The send log of one account and what it allows next."""

    def __init__(self, budget: Budget, log: Iterable[tuple[datetime, str]] = (), *, seed: int | None = None) -> None:
        """`log` holds (time, conversation) of the last day's sends, oldest first: a restart forgets no send."""
        self._budget = budget
        self._random = random.Random(seed)
        self._sent: deque[datetime] = deque()
        self._last_in: dict[str, datetime] = {}
        self._gap_until: datetime | None = None
        self._stopped_until: datetime | None = None
        self._throttled_at: datetime | None = None
        self._share = 1.0
        for at, conversation in log:
            self.record(at, conversation)

    @property
    def stopped_until(self) -> datetime | None:
        return self._stopped_until

    @property
    def share(self) -> float:
        """How much of its rate the account may use after a throttle: 1 is all of it."""
        return self._share

    def used(self, now: datetime) -> tuple[int, int, int]:
        """Lines sent in the last minute, hour and day."""
        minute, hour, day = (sum(1 for at in reversed(self._sent) if at > now - span) for span in (MINUTE, HOUR, DAY))
        return minute, hour, day

    def record(self, at: datetime, conversation: str) -> None:
        """A message leaves (or may have left) at that moment."""
        self._sent.append(at)
        while self._sent and self._sent[0] <= at - DAY:
            self._sent.popleft()
        self._last_in[conversation] = at
        if len(self._last_in) > 4 * self._budget.per_day:
            horizon = at - timedelta(seconds=self._budget.per_room_gap)
            self._last_in = {key: seen for key, seen in self._last_in.items() if seen > horizon}
        self._gap_until = at + timedelta(seconds=self._random.uniform(*self._budget.gap))

    def throttled(self, at: datetime) -> None:
        """WeChat says the account goes too fast: stop, and come back at half the rate."""
        self._stopped_until = at + self._budget.stop
        self._throttled_at = at
        self._share = max(self._share / 2, 1 / 8)

    def earliest(self, now: datetime, conversation: str, lane: Lane) -> datetime:
        """The first moment, `now` or later, at which a line of that lane may go to that conversation."""
        self._recover(now)
        urgent = lane is Lane.EMERGENCY
        moments = [now]
        if self._stopped_until is not None:
            moments.append(self._stopped_until)
        if not urgent:
            if self._gap_until is not None:
                moments.append(self._gap_until)
            last = self._last_in.get(conversation)
            if last is not None:
                moments.append(last + timedelta(seconds=self._budget.per_room_gap))
        keep = 0.0 if urgent else RESERVED_FOR_EMERGENCY
        for span, limit, share in (
            (MINUTE, self._budget.per_minute, 1.0),
            (HOUR, self._budget.per_hour, 1 - keep),
            (DAY, self._budget.per_day, 1 - keep),
        ):
            allowed = max(1, int(limit * share * self._share))
            if len(self._sent) >= allowed:
                moments.append(self._sent[-allowed] + span)
        return max(moments)

    def _recover(self, now: datetime) -> None:
        if self._throttled_at is not None and self._share < 1 and now - self._throttled_at >= RECOVERS_AFTER:
            self._share = min(1.0, self._share * 2)
            self._throttled_at = now if self._share < 1 else None
