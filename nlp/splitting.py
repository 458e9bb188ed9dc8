"""One message, several matters: where a text may be parted, and whether its parts are troubles of their own.

A word or sign that begins another matter (还有, 另外, 2., a line break) parts at once; one that also tells what follows
from the trouble (而且, 然后) only where the parts speak of other things; a mere comma only where each part has its own
place (西门…，东门…) or the text announces several matters (反映两个问题).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice

from nlp import location
from nlp.categories import Category
from nlp.decision import Decision, Label

_LONGEST = 600  # who writes more writes a petition about one matter
_SHORTEST = 4
_LONGEST_OF_PAUSES = 120
_BEGINS = re.compile(
    r"(?:[\s,。;!、]|^)(?:还有一?[个件]?(?:事|问题)?就是|还有|另外|其次|再就是|再有就是|再有|再一个(?:就是|是)?|再者|此外|对了|顺便说一下"
    r"|顺便问下|顺便|再说|第[二三四](?!天|次|遍|单元|栋|层|期)[个件点]?|[二三四]是|二来|其[二三]|[2-9][、.):)]|\([2-9]\)|[二三四]、)[,:]?(?=.{4})|\n+|;"
)
_GOES_ON = re.compile(
    r"[\s,。;!]?(?:而且|还有就是|还有|另外|此外|再就是|同时|并且|然后|以及|其次|再者|第二(?!天|次|遍|单元|栋|层|期)[个件点]?|二是)[,:]?(?=.{4})"
)
_PAUSE = re.compile(r"[\s,。!、]+")
_ANNOUNCED = re.compile(r"(?:[两二三几2-4]|多)[个件点条](?:小)?(?:事|问题|情况|意见|诉求|建议)")
# What a cut in supply, a fire or a flood brings about is no matter of its own.
_CAUSES = frozenset(("0102", "0103", "0104", "0501", "0510"))


class Parting(Enum):
    BEGINS = auto()
    GOES_ON = auto()
    PAUSE = auto()


# The ways to part that are tried: each costs two decisions.
_MOST = {Parting.BEGINS: 4, Parting.GOES_ON: 2, Parting.PAUSE: 3}


@dataclass(frozen=True, slots=True)
class Halves:
    """A text parted in two, and how sure the sign between them is."""

    left: str
    right: str
    by: Parting


def halves(text: str) -> Iterator[Halves]:
    """The ways to part a text in two, the surest signs first, not many of each kind."""
    if len(text) > _LONGEST:
        return
    yield from _cut(text, _BEGINS, Parting.BEGINS)
    yield from _cut(text, _GOES_ON, Parting.GOES_ON)
    if len(text) > _LONGEST_OF_PAUSES or _PAUSE.search(text) is None:
        return
    if _ANNOUNCED.search(text) or _several_places(text):
        yield from _cut(text, _PAUSE, Parting.PAUSE)


def _cut(text: str, sign: re.Pattern[str], by: Parting) -> Iterator[Halves]:
    found = 0
    for match in sign.finditer(text):
        left, right = text[: match.start()].strip(), text[match.end() :].strip()
        if len(left) >= _SHORTEST and len(right) >= _SHORTEST:
            yield Halves(left, right, by)
            found += 1
            if found == _MOST[by]:
                return


def _several_places(text: str) -> bool:
    return bool(location.numbers(text).others) or len(set(islice(location.places(text), 8))) > 1


def are_two(text: str, parted: Halves, decisions: Sequence[Decision], categories: Mapping[str, Category]) -> bool:
    """Whether the decisions on the two halves are two matters: each a ticket by itself, of different kin and of other
    things, and, where the sign between them does not say so, of other places. Fewer than two decisions are none."""
    if len(decisions) < 2 or any(decision.label is not Label.TICKET for decision in decisions):
        return False
    left, right = decisions
    if categories[left.category].kin == categories[right.category].kin or _of_one_thing(left, right):
        return False
    if parted.by is Parting.BEGINS:
        return True
    if _CAUSES & {left.category, right.category} and not _elsewhere(left, right):
        return False
    return parted.by is Parting.GOES_ON or _elsewhere(left, right) or _ANNOUNCED.search(text) is not None


def _of_one_thing(left: Decision, right: Decision) -> bool:
    return bool(set(left.objects) & {*right.objects, *right.terms} or set(right.objects) & {*left.objects, *left.terms})


def _elsewhere(left: Decision, right: Decision) -> bool:
    """Whether each names a place of its own."""
    ours, theirs = left.location, right.location
    if ours.located_by == theirs.located_by == "text" and ours.building and theirs.building:
        return ours.building != theirs.building
    if not ours.place or not theirs.place or ours.place == theirs.place:
        return False
    return location.findable(ours.place) and location.findable(theirs.place)  # 楼道 and 消防通道 may be one spot
