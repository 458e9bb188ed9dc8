"""A day of every month at a time: `last Friday 19:00`, `second Saturday 09:30`, `day 15 19:00`."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 0}
_RULE = re.compile(
    rf"(?:(?P<nth>{'|'.join(_NTH)}) (?P<weekday>{'|'.join(calendar.day_name)})|day (?P<day>[1-9]|1[0-9]|2[0-8]))"
    r" (?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
)
PATTERN = f"^{re.sub(r'[?]P<[a-z]+>', '', _RULE.pattern)}$"  # for the settings: the same without names


@dataclass(frozen=True, slots=True)
class Monthly:
    """The nth weekday (Monday is 0) of a month, 0 the last one; or with `day` that day. `at` is local time."""

    at: time
    nth: int = 0
    weekday: int = 0
    day: int | None = None

    def around(self, now: datetime, zone: ZoneInfo) -> list[datetime]:
        """Its moments in the month before, in this one and in the next, aware."""
        local = now.astimezone(zone)
        months = [divmod(local.year * 12 + local.month - 1 + step, 12) for step in (-1, 0, 1)]
        return [datetime.combine(self._day(year, month + 1), self.at, zone) for year, month in months]

    def _day(self, year: int, month: int) -> date:
        if self.day is not None:
            return date(year, month, self.day)
        last = calendar.monthrange(year, month)[1]
        days = [day for day in range(1, last + 1) if date(year, month, day).weekday() == self.weekday]
        return date(year, month, days[self.nth - 1])


def parse(rule: str) -> Monthly:
    """Raises ValueError for anything but such a rule."""
    match = _RULE.fullmatch(rule)
    if match is None:
        raise ValueError(f"no day of a month: {rule}")
    at = time(int(match["hour"]), int(match["minute"]))
    if match["day"]:
        return Monthly(at, day=int(match["day"]))
    return Monthly(at, _NTH[match["nth"]], list(calendar.day_name).index(match["weekday"]))
