"""Whether two matters are one trouble, with the reasons. Plain data in, plain data out.

Matters are compared only within one community, one kin of category and `WITHIN`. Equal building (and unit where both
name one) or an outage of the same kind in the building makes them one; everything else that does not contradict itself
is proposed to a person, the words that overlap most first. Texts alone never merge: people describe two troubles of one
place in the same words (on the DEV pairs an overlap of .20 finds 85% of the equal ones and is right in 84%).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nlp.categories import OTHER
from nlp.decision import Location
from nlp.normalize import normalise

WITHIN = timedelta(hours=72)
ALIKE = 0.20  # of two texts that say where nowhere: from here on they are worth a look
# Supply by the building: one outage is everybody's, whatever the unit. A lift belongs to its unit.
OUTAGES = frozenset({"0102", "0103", "0104", "0111"})
# Troubles that spread: a neighbour's +1 from another building is still about the same one.
SPREADING = OUTAGES | {"0510"}
# What concerns one person or household is never a neighbour's too: 民生服务, 意见建议, 表扬感谢.
PERSONAL = frozenset({"09", "11", "12"})
CATCH_ALL = frozenset({OTHER, "0199"})  # "the rest" is no common trouble

_NO_WORD = re.compile(r"[\W_]+")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Matter:
    """What is known of one trouble. `key` is the caller's own; `kin` the kin of its category; `text` may be empty."""

    key: int
    community: str
    category: str
    kin: str
    location: Location
    at: datetime
    text: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a known matter is like the new one. `merge`: one trouble beyond doubt, else it is for a person to say."""

    key: int
    merge: bool
    overlap: float
    reasons: tuple[str, ...] = field(default=())


def may_be_shared(category: str) -> bool:
    """Whether a trouble of the category can be a neighbour's too."""
    return category not in CATCH_ALL and category[:2] not in PERSONAL


def candidates(new: Matter, known: Iterable[Matter], *, within: timedelta = WITHIN) -> list[Likeness]:
    """The known matters that may be the same trouble: those to merge with first, then by the overlap of their words;
    what is equal keeps its order."""
    if not may_be_shared(new.category):
        return []
    found = [
        likeness
        for matter in known
        if matter.community == new.community and matter.kin == new.kin and abs(new.at - matter.at) <= within
        if (likeness := _likeness(new, matter)) is not None
    ]
    return sorted(found, key=lambda likeness: (not likeness.merge, -likeness.overlap))


def _likeness(new: Matter, matter: Matter) -> Likeness | None:
    common = overlap(new.text, matter.text) if new.text and matter.text else 0.0
    words = (f"overlap {common:.2f}",) if common else ()
    here, there = new.location, matter.location
    if not _shared_buildings(here, there):
        if here.building and there.building:
            return None
        place = ("same place",) if here.place and here.place == there.place else ()
        return Likeness(matter.key, False, common, ("one without a building", *place, *words))
    if new.category in OUTAGES and matter.category in OUTAGES:
        return Likeness(matter.key, True, common, ("same building", "same outage", *words))
    if _at_two_places(here, there):
        return (
            Likeness(matter.key, False, common, ("same building", "another place", *words)) if common >= ALIKE else None
        )
    if here.unit and there.unit:
        if here.unit != there.unit:
            return None
        return Likeness(matter.key, True, common, ("same building", "same unit", *words))
    return Likeness(matter.key, True, common, ("same building", *words))


def _shared_buildings(here: Location, there: Location) -> frozenset[str]:
    ours = {here.building, *here.others} - {None}
    return frozenset(building for building in (there.building, *there.others) if building and building in ours)


def _at_two_places(here: Location, there: Location) -> bool:
    """Two neighbours of one building, one at the south gate and one at the north gate: where they live says nothing."""
    by_nick = "nick" in {there.located_by, here.located_by}
    return by_nick and bool(there.place and here.place) and there.place != here.place


def contradicts(here: Location, there: Location) -> bool:
    """Whether two locations cannot be one: another building or unit by their own words, or, without buildings, another
    place. Where a person lives says little about a second place."""
    if "nick" in {here.located_by, there.located_by}:
        return False
    if there.building and here.building:
        if not _shared_buildings(here, there):
            return True
        return bool(there.unit and here.unit) and there.unit != here.unit
    return bool(there.place and here.place) and there.place != here.place


def overlap(one: str, other: str) -> float:
    """How alike two texts are: the share of their pairs of characters that both have (Jaccard), 0 to 1."""
    first, second = _pairs(one), _pairs(other)
    return len(first & second) / len(first | second) if first and second else 0.0


def _pairs(text: str) -> set[str]:
    bare = _NO_WORD.sub("", normalise(text[:_LONGEST]))
    return {bare[at : at + 2] for at in range(len(bare) - 1)}
