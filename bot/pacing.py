"""When may an account send? Pure arithmetic over its own send log; no clock, no I/O.

The defaults are what keeps a WeChat account alive by users' reports (design/wechaty.md, Pacing): sliding windows of
a minute, an hour and a day, a jittered gap, one message a room in some seconds. An emergency skips the gap, and a
tenth of the hour and day budgets is kept for it; a broadcast also leaves some of each hour and day to what people ask
meanwhile. No budget is ever exceeded by anything. A new account has a part of the hour and day budgets that grows from
day to day; one that WeChat stopped has half of all of them for an hour.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from storage.accounts import Account
from storage.model import Lane

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Parts of the hour and day budgets. Notices may be so many of the lines that replies find a place beside them, and an
# account still tells its 200 groups within two windows of an hour.
KEPT_FOR_EMERGENCY = 1 / 10
MOST_NOTICES = 5 / 6
LEAST_SHARE = 1 / 8
RECOVERS_AFTER = HOUR  # then the share doubles, until it is whole again


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one account. Gaps in seconds."""

    per_minute: int = 6
    per_hour: int = 120
    per_day: int = 300
    gap: tuple[float, float] = (6.0, 12.0)
    per_room_gap: float = 8.0
    stop: timedelta = timedelta(minutes=10)  # after WeChat said "too fast"
    ramp_days: int = 0  # that a new account takes to its whole hour and day budgets
    ramp_start: float = 0.2  # the part of them that it has on its first day


def broadcast_time(lines: int, account: Account | None, now: datetime, lane: Lane, *, budget: Budget) -> timedelta:
    """How long an account needs for so many lines, each to another room, when nothing else is said; None: one that has
    never logged in. Of a new account's age only whole hours count."""
    account = account or Account("", since=now)
    age = None if account.since is None else max(now - account.since, timedelta(0)) // HOUR
    stopped = account.stopped_until
    stop = None if stopped is None else max((stopped - now) // MINUTE, -1440)
    return _time_for(lines, lane, budget, age, stop, account.share)


@lru_cache(maxsize=4096)  # a city's accounts are much alike
def _time_for(lines: int, lane: Lane, budget: Budget, age: int | None, stop: int | None, share: float) -> timedelta:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    account = Account(
        "",
        since=None if age is None else start - age * HOUR,
        stopped_until=None if stop is None else start + stop * MINUTE,
        share=share,
    )
    mean = sum(budget.gap) / 2
    pacer = Pacer(replace(budget, gap=(mean, mean)), account=account)
    now = start
    for line in range(lines):
        now = pacer.earliest(now, str(line), lane)
        pacer.record(now, str(line), lane)
    return now - start


class Pacer:
    """The send log of one account and what it allows next."""

    def __init__(
        self,
        budget: Budget,
        log: Iterable[tuple[datetime, str, Lane]] = (),
        *,
        account: Account | None = None,
        seed: int | None = None,
    ) -> None:
        """`log` holds (time, conversation, lane) of the last day's sends, oldest first, `account` what its throttles
        left and its age: a restart forgets nothing."""
        self._budget = budget
        self._random = random.Random(seed)
        self._sent: deque[datetime] = deque()
        self._notices: deque[datetime] = deque()  # those of them
        self._last_in: dict[str, datetime] = {}
        self._gap_until: datetime | None = None
        self.account = account or Account("")
        for at, conversation, lane in log:
            self.record(at, conversation, lane)

    # ---------------------------------------------------------------- what is so
    @property
    def stopped_until(self) -> datetime | None:
        return self.account.stopped_until

    def stopped(self, now: datetime) -> bool:
        """Whether nothing at all goes out, because WeChat said so."""
        return self.account.stopped_until is not None and now < self.account.stopped_until

    def share(self, at: datetime) -> float:
        """How much of its rate the account may use after a throttle: 1 is all of it. It doubles with each hour since
        the account came back."""
        back = self.account.stopped_until
        hours = 0 if back is None else max((at - back) // RECOVERS_AFTER, 0)
        whole: float = min(1.0, self.account.share * 2 ** min(hours, 10))
        return whole

    def ramp(self, at: datetime) -> float:
        """How much of its hour and day budgets an account of that age may use: 1 is all of it. It grows once a day."""
        since, days = self.account.since, self._budget.ramp_days
        if since is None or not days:
            return 1.0
        age = min(max((at - since) // DAY, 0), days)
        return self._budget.ramp_start + (1 - self._budget.ramp_start) * age / days

    def used(self, now: datetime) -> tuple[int, int, int]:
        """Lines sent in the last minute, hour and day."""
        minute, hour, day = (sum(1 for at in reversed(self._sent) if at > now - span) for span in (MINUTE, HOUR, DAY))
        return minute, hour, day

    def limits(self, now: datetime) -> tuple[int, int, int]:
        """Lines that anything may send in a minute, an hour and a day as things are now."""
        minute, hour, day = (self._allowed(span, now) for span in (MINUTE, HOUR, DAY))
        return minute, hour, day

    # ---------------------------------------------------------------- what happens
    def record(self, at: datetime, conversation: str, lane: Lane) -> None:
        """A message leaves (or may have left) at that moment."""
        if self._sent:
            at = max(at, self._sent[-1])  # a clock that was set back frees no budget
        for log in (self._sent, self._notices) if lane is Lane.NOTICE else (self._sent,):
            log.append(at)
            while log[0] <= at - DAY:
                log.popleft()
        self._last_in[conversation] = at
        if len(self._last_in) > 4 * self._budget.per_day:
            horizon = at - timedelta(seconds=self._budget.per_room_gap)
            self._last_in = {key: seen for key, seen in self._last_in.items() if seen > horizon}
        self._gap_until = at + timedelta(seconds=self._random.uniform(*self._budget.gap))

    def throttled(self, at: datetime) -> None:
        """WeChat says the account goes too fast: stop, and come back at half the rate. While it is stopped already this
        is about what went out before: it stops anew, and that is all."""
        share = self.account.share if self.stopped(at) else max(self.share(at) / 2, LEAST_SHARE)
        self.account = replace(self.account, stopped_until=at + self._budget.stop, throttled_at=at, share=share)

    # ---------------------------------------------------------------- what may be
    def earliest(self, now: datetime, conversation: str | None, lane: Lane) -> datetime:
        """The first moment, `now` or later, at which a line of that lane may go to that conversation; None: to one to
        which nothing went lately."""
        at = now
        if self.account.stopped_until is not None:
            at = max(at, self.account.stopped_until)
        if lane is not Lane.EMERGENCY and self._gap_until is not None:
            at = max(at, self._gap_until)
        last = None if conversation is None else self._last_in.get(conversation)
        if last is not None:
            at = max(at, last + timedelta(seconds=self._budget.per_room_gap))
        whole = 1.0 if lane is Lane.EMERGENCY else 1 - KEPT_FOR_EMERGENCY
        for span in (MINUTE, HOUR, DAY):
            at = self._free(self._sent, span, at, whole)
            if lane is Lane.NOTICE:
                at = self._free(self._notices, span, at, MOST_NOTICES)
        return at

    def _free(self, log: Sequence[datetime], span: timedelta, at: datetime, part: float) -> datetime:
        """The first moment from then on at which the window that ends there has a place in that part of the budget. As
        windows only ever empty and allowances only grow until the next throttle, it is free ever after, too."""
        while True:
            allowed = self._allowed(span, at, part)
            free = max(at, log[-allowed] + span) if len(log) >= allowed else at
            grows = self._grows_after(at)
            if grows is None or free <= grows:
                return free
            at = grows

    def _allowed(self, span: timedelta, at: datetime, part: float = 1.0) -> int:
        budget, share = self._budget, self.share(at)
        limit = {MINUTE: budget.per_minute, HOUR: budget.per_hour, DAY: budget.per_day}[span]
        if span is not MINUTE:
            share *= self.ramp(at) * part
        return max(1, math.floor(limit * share + 1e-9))

    def _grows_after(self, at: datetime) -> datetime | None:
        """When more will be allowed than is then."""
        moments = []
        back = self.account.stopped_until
        if back is not None and self.share(at) < 1:
            moments.append(back + (max((at - back) // RECOVERS_AFTER, 0) + 1) * RECOVERS_AFTER)
        since = self.account.since
        if since is not None and self.ramp(at) < 1:
            moments.append(since + (max((at - since) // DAY, 0) + 1) * DAY)
        return min(moments, default=None)
