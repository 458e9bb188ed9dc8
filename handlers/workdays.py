"""Which days are working days: weekends, public holidays and the Saturdays and Sundays worked in exchange (调休).

The days of a year are known once the State Council has announced them (November of the year before) and the library
`chinesecalendar` has been updated; the config may add or overrule days. In a year that nobody knows, Monday to Friday
are working days: `known_until` says so and `xiaoge doctor` warns.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto

from chinese_calendar import constants

SATURDAY = 5


class Day(Enum):
    WORKING = auto()
    WEEKEND = auto()
    HOLIDAY = auto()


@dataclass(frozen=True, slots=True)
class Workdays:
    """What the deployment says itself goes before what the library knows."""

    holidays: Collection[date] = field(default=frozenset())
    workdays: Collection[date] = field(default=frozenset())

    def kind(self, day: date) -> Day:
        """What sort of day it is. Never raises: an unknown year has weekends and nothing else."""
        if day in self.holidays:
            return Day.HOLIDAY
        if day in self.workdays or day in constants.workdays:
            return Day.WORKING
        if day in constants.holidays:
            return Day.HOLIDAY
        return Day.WORKING if day.weekday() < SATURDAY else Day.WEEKEND


def known_until() -> int:
    """The last year whose public holidays the library knows."""
    last: date = max(constants.holidays)
    return last.year
