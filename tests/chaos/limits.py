"""What an account may send, said once more and apart from bot/pacing.py: by it the chaos tests judge what left.

The rules are those of design/wechaty.md, "Pacing that keeps an account alive": sliding windows of a minute, an hour
and a day, a tenth of hour and day kept for 应急 lines and a sixth from notices, a gap between two lines of an account
(not for 应急 lines) and between two lines in a room, a stop and half the rate after WeChat said "too fast", and a slow
start of young accounts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.model import Lane

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FOR_EMERGENCY = 1 / 10  # of hour and day
NOTICES = 5 / 6  # of hour and day at most
LEAST_SHARE = 1 / 8
RECOVERS = HOUR  # so long after the stop, and again and again, the share doubles
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of an account to say something, as the network saw it."""

    at: datetime
    conversation: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one account. `throttled`: when WeChat told it so; `since`: its first day, None for an old account. Gaps in
    seconds; `gap` is the least of the two between which the program draws."""

    per_minute: int = 6
    per_hour: int = 120
    per_day: int = 300
    gap: float = 6.0
    per_room_gap: float = 8.0
    stop: timedelta = timedelta(minutes=10)
    throttled: Sequence[datetime] = ()
    since: datetime | None = None
    ramp: timedelta = timedelta(days=14)
    ramp_start: float = 0.2
    spans: Mapping[timedelta, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", {MINUTE: self.per_minute, HOUR: self.per_hour, DAY: self.per_day})

    def share(self, at: datetime) -> float:
        """Half for each throttle, at least an eighth, doubled with each hour since the account came back."""
        share, last = 1.0, None
        for moment in self.throttled:
            if moment > at:
                break
            share = max(self._recovered(share, last, moment) / 2, LEAST_SHARE)
            last = moment
        return self._recovered(share, last, at)

    def _recovered(self, share: float, last: datetime | None, at: datetime) -> float:
        hours = 0 if last is None else max(at - last - self.stop, timedelta(0)) // RECOVERS
        return min(1.0, share * 2**hours)

    def grown(self, at: datetime) -> float:
        """What a young account has of the hour and the day: more with each whole day of its age."""
        if self.since is None or at - self.since >= self.ramp:
            return 1.0
        return self.ramp_start + (1 - self.ramp_start) * ((at - self.since) // DAY) / (self.ramp // DAY)

    def allowed(self, span: timedelta, at: datetime, part: float) -> int:
        """How many lines may have left within the span that ends now, the one of now among them: all of the minute's
        limit, that part of the hour's and the day's."""
        limit = self.spans[span] * self.share(at)
        if span != MINUTE:
            limit *= self.grown(at) * part
        return max(1, int(limit + 1e-9))

    def broken(self, calls: Sequence[Call]) -> list[str]:
        """What the calls, oldest first, break."""
        found, times, notices = [], [call.at for call in calls], list[datetime]()
        last_in: dict[str, datetime] = {}
        for number, call in enumerate(calls):
            for span in self.spans:
                within = number + 1 - bisect_right(times, call.at - span, 0, number)
                allowed = self.allowed(span, call.at, 1 if call.lane is Lane.EMERGENCY else 1 - FOR_EMERGENCY)
                if within > allowed:
                    found.append(f"{call.at:%H:%M:%S} {within} within {span}, allowed {allowed}")
                within = len(notices) + 1 - bisect_right(notices, call.at - span)
                if call.lane is Lane.NOTICE and within > self.allowed(span, call.at, NOTICES):
                    found.append(f"{call.at:%H:%M:%S} {within} notices within {span}")
            if call.lane is Lane.NOTICE:
                notices.append(call.at)
            found += [
                f"{call.at:%H:%M:%S} said while it was stopped at {moment:%H:%M:%S}"
                for moment in self.throttled
                if moment < call.at < moment + self.stop
            ]
            if call.lane is not Lane.EMERGENCY and number and call.at - times[number - 1] < self.gap * SECOND:
                found.append(f"{call.at:%H:%M:%S} too soon after {times[number - 1]:%H:%M:%S}")
            before = last_in.get(call.conversation)
            if before is not None and call.at - before < self.per_room_gap * SECOND:
                found.append(f"{call.at:%H:%M:%S} too soon in the room after {before:%H:%M:%S}")
            last_in[call.conversation] = call.at
        return found

    def soonest(self, lines: int, begin: datetime, lane: Lane) -> datetime:
        """When the last of so many notices (or 应急 lines), each to another room, can leave at the earliest.

        Each line is put at the first moment that the lines before it allow: later than the gap after the last one (none
        for 应急), outside of the stops, and such that no window that ends there holds more than is allowed there. No
        schedule that keeps the limits is ahead of this one with any line: if it is not with the first k lines, then
        its line k + 1 lies where this one could have put its own, too, since all bounds are a number of lines back.
        The gap counted is the least of those drawn, and nothing else is said: so this is a true lower bound."""
        times: list[datetime] = []
        at = begin
        for _ in range(lines):
            if times and lane is not Lane.EMERGENCY:
                at = max(at, times[-1] + self.gap * SECOND)
            while (later := self._not_before(times, at, lane)) > at:
                # Before that moment the limit itself may have grown.
                at = min(later, at + SECOND) if self._changes(at, later) else later
            times.append(at)
        return at

    def _not_before(self, times: Sequence[datetime], at: datetime, lane: Lane) -> datetime:
        moment = max((one + self.stop for one in self.throttled if one <= at < one + self.stop), default=at)
        for span in self.spans:
            allowed = self.allowed(span, at, 1 if lane is Lane.EMERGENCY else NOTICES)
            if len(times) >= allowed:
                moment = max(moment, times[-allowed] + span)
        return moment

    def _changes(self, start: datetime, end: datetime) -> bool:
        """Whether what is allowed may change between two moments."""
        young = self.since is not None and start < self.since + self.ramp
        return young or self.share(start) != self.share(end) or any(start < one <= end for one in self.throttled)
