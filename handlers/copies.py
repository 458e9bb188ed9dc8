"""What the copies of one 接龙 come to: whose rows there are, what each wants, who meddled with whose. Pure.

The copies are gone through by the time at which they were sent, whatever the order in which they came. Each is held
against the earlier copy it was most likely made from (its base), and only what its sender changed there counts, and
only in their own rows; the organiser and those who answer for the group may change any. A row that is not in a copy is
missing because its editor never saw it, or because they deleted it: the base tells, and in doubt nobody is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import reduce
from operator import and_

from storage.chains import Copy, Line

Likes = Callable[[int, Line], bool | None]
"""Whether somebody's nick says that a row is they themselves (True), is somebody else (False), or neither (None)."""


class Meddling(StrEnum):
    """What somebody did who has no say in it. It has no effect."""

    REMOVED = "removed"
    CHANGED = "changed"
    RETITLED = "retitled"


@dataclass(frozen=True, slots=True)
class Incident:
    """`line` is the row as it stood before, None for the title."""

    what: Meddling
    by: int
    copy: Copy
    line: Line | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """From `at` on a seat wants so many places, 0 for none any more; `position` is its row in that copy, from 1."""

    at: datetime
    heads: int
    position: int


@dataclass(slots=True)
class Seat:
    """Somebody of the list. `author` is who wrote the row by the wire, `by` who signed them up as far as can be told,
    `person` who they are where it is known; `lines` are all rows that were theirs, `line` the one that holds."""

    line: Line
    lines: set[int]
    room_id: int  # where it was first seen
    author: int | None = None
    by: int | None = None
    person: int | None = None
    said: list[Said] = field(default_factory=list)

    @property
    def heads(self) -> int:
        return self.said[-1].heads


@dataclass(frozen=True, slots=True)
class Roster:
    """`title` is the digest of the title that holds."""

    seats: tuple[Seat, ...]
    organiser: int | None
    title: str
    incidents: tuple[Incident, ...]


def threads(copies: Iterable[Copy]) -> list[list[Copy]]:
    """The copies of each group by themselves; those of a group whose first copy brought rows along from another one,
    together with that one's: there a row is the same person, whoever they are."""
    found: list[tuple[set[int], set[int], list[Copy]]] = []  # rooms, rows, copies
    for copy in sorted(copies, key=lambda copy: (copy.sent_at, copy.account, copy.message_id)):
        own = next((thread for thread in found if copy.room_id in thread[0]), None)
        if own is None:
            own = next((thread for thread in found if thread[1] & set(copy.rows)), None)
        if own is None:
            own = set(), set(), []
            found.append(own)
        own[0].add(copy.room_id)
        own[1].update(copy.rows)
        own[2].append(copy)
    return [copies_of for _, _, copies_of in found]


def gather(lines: Iterable[Line], copies: Iterable[Copy], likes: Likes, organiser: int | None = None) -> Roster:
    """The roster of a list from all its copies, in whatever order they are given. `organiser` is who opened the
    sign-up, where that was not the first copy."""
    fold = _Fold({line.number: line for line in lines}, likes, organiser)
    for copy in sorted(copies, key=lambda copy: (copy.sent_at, copy.account, copy.message_id)):
        fold.take(copy)
    return Roster(tuple(fold.seats), fold.organiser, fold.title, tuple(fold.incidents))


@dataclass(frozen=True, slots=True)
class _Base:
    """A copy that was gone through: its words and seats as sets of bits, and which row each seat had."""

    words: int
    seats: int
    rows: Mapping[int, Line]  # in their order
    title: str


class _Fold:
    def __init__(self, lines: Mapping[int, Line], likes: Likes, organiser: int | None) -> None:
        self.seats: list[Seat] = []
        self.incidents: list[Incident] = []
        self.organiser = organiser
        self.title = ""
        self._lines = lines
        self._likes = likes
        self._bases: list[_Base] = []
        self._bit: dict[str, int] = {}
        self._of_word: dict[str, list[int]] = {}
        self._titles: set[str] = set()
        self._seen = 0  # the seats that every likely base of the copy at hand shows

    def take(self, copy: Copy) -> None:
        rows = [self._lines[number] for number in dict.fromkeys(copy.rows) if number in self._lines]
        found = self._recognise(rows, copy.sender)
        base = self._base(rows, found, copy.sender)
        if base is None:
            self.title = copy.title
        else:
            self._follow(rows, found, base, copy)
        self._sign(rows, found, base, copy)
        if base is None and self.organiser is None and all(self._owns(copy.sender, seat) for seat in self.seats):
            self.organiser = copy.sender if len(rows) <= 1 else None
        self._remember(rows, found, copy)

    # --- which row is whose ---
    def _recognise(self, rows: Sequence[Line], sender: int) -> dict[int, int]:
        """Line → seat for the rows that are known: by the same words, else by the same name."""
        found: dict[int, int] = {}
        taken: set[int] = set()
        for line in rows:
            known = self._of_word.get(line.digest, ())
            holders = [at for at in known if _may_be(line, self.seats[at])]
            if len(holders) == 1:  # nearly always
                found[line.number] = holders[0]
                taken.add(holders[0])
            elif holders:
                self._take_best(line, [at for at in holders if at not in taken] or holders, sender, found, taken)
        for line in rows:
            if line.number not in found and line.name:
                named = [at for at, seat in enumerate(self.seats) if self._same_name(line, seat, sender)]
                free = [at for at in named if at not in taken]
                # Written down twice by themselves: what they wrote later holds.
                own = [at for at in named if self.seats[at].person == sender and self._likes(sender, line)]
                self._take_best(line, free or own, sender, found, taken)
        return found

    def _take_best(
        self, line: Line, choice: Sequence[int], sender: int, found: dict[int, int], taken: set[int]
    ) -> None:
        def rank(at: int) -> tuple[bool, bool, bool]:
            seat = self.seats[at]
            return seat.author != line.author, seat.person != sender, seat.heads == 0

        if choice:
            found[line.number] = min(choice, key=rank)
            taken.add(found[line.number])

    def _same_name(self, line: Line, seat: Seat, sender: int) -> bool:
        if seat.line.name != line.name or not _may_be(line, seat):
            return False
        if line.author is not None and line.author == seat.author:
            return True
        if line.building and seat.line.building and line.building != seat.line.building:
            return False
        namesake = seat.person is not None and seat.person != sender and self._likes(sender, line) is True
        return not namesake

    def _owns(self, person: int, seat: Seat) -> bool:
        if person in (seat.author, seat.person) or (seat.author is None and seat.by == person):
            return True
        return seat.person is None and self._likes(person, seat.line) is True

    def _may_change(self, copy: Copy, seat: Seat) -> bool:
        return copy.leads or copy.sender == self.organiser or self._owns(copy.sender, seat)

    # --- what it was made from ---
    def _base(self, rows: Sequence[Line], found: Mapping[int, int], sender: int) -> _Base | None:
        """The earlier copy that differs least, apart from the sender's own rows. Of several the one in which the sender
        changed least of their own; but where that would be nothing, the last one sent if it is among them, since nobody
        sends a copy without a change."""
        if not self._bases:
            return None
        own = [at for at, seat in enumerate(self.seats) if self._owns(sender, seat)]
        own_seats = own_words = 0
        for at in own:
            own_seats |= 1 << at
            for number in self.seats[at].lines:
                own_words |= 1 << self._bit[self._lines[number].digest]
        words, seats = self._bits(rows, found)
        differing = [
            # Nobody adds a row that somebody else has, nor makes of one what it says in another copy.
            2 * ((base.words ^ words) & ~own_words).bit_count()
            + (base.seats & ~seats & ~own_seats).bit_count()
            + 3 * (seats & ~base.seats & ~own_seats).bit_count()
            for base in self._bases
        ]
        least = min(differing)
        likely = [base for base, count in zip(self._bases, differing, strict=True) if count == least]
        self._seen = reduce(and_, (base.seats for base in likely))
        old = all(line.digest in self._bit for line in rows) and any(base.words == words for base in likely)
        back = old and any(seats >> at & 1 and not self.seats[at].heads for at in own)
        latest = likely[-1] is self._bases[-1]
        if old and not back and latest:
            return likely[-1]
        shown = _shown(rows, found)

        def changed(base: _Base) -> tuple[int, int, int, int]:
            lost = sum(at in base.rows and at not in shown for at in own)
            edited = sum(at in base.rows and at in shown and not _equal(base.rows[at], shown[at]) for at in own)
            again = sum(at in shown and at not in base.rows and self._holds(at, shown[at]) for at in own)
            odd = (1 if base is self._bases[-1] else 2) * again if latest else 0
            gone = sum(at in base.rows and not self.seats[at].heads for at in own) if back else 0
            return lost + edited + odd, lost, gone, sum(at not in shown for at in base.rows)

        return min(reversed(likely), key=changed)

    def _holds(self, at: int, line: Line) -> bool:
        """Whether this is how the seat stands, so that nobody has to say it anew."""
        return self.seats[at].heads > 0 and _equal(self.seats[at].line, line)

    def _bits(self, rows: Sequence[Line], found: Mapping[int, int]) -> tuple[int, int]:
        """The words and seats of a copy; words that nobody sent before tell nothing of its base."""
        words = seats = 0
        for line in rows:
            if line.digest in self._bit:
                words |= 1 << self._bit[line.digest]
            if line.number in found:
                seats |= 1 << found[line.number]
        return words, seats

    def _remember(self, rows: Sequence[Line], found: Mapping[int, int], copy: Copy) -> None:
        for line in rows:
            seat = self.seats[found[line.number]]
            seat.lines.add(line.number)
            seat.author = seat.author if seat.author is not None else line.author
            self._bit.setdefault(line.digest, len(self._bit))
            holders = self._of_word.setdefault(line.digest, [])
            if found[line.number] not in holders:
                holders.append(found[line.number])
        words, seats = self._bits(rows, found)
        self._bases.append(_Base(words, seats, _shown(rows, found), copy.title))
        self._titles.add(copy.title)

    # --- what its sender says ---
    def _follow(self, rows: Sequence[Line], found: dict[int, int], base: _Base, copy: Copy) -> None:
        """Take over what the sender changed of the base."""
        if copy.title not in self._titles:
            if copy.leads or copy.sender == self.organiser:
                self.title = copy.title
            else:
                self.incidents.append(Incident(Meddling.RETITLED, copy.sender, copy))
        self._rename(rows, found, base, copy.sender)
        positions = {line.number: position for position, line in enumerate(rows, 1)}
        shown = _shown(rows, found)
        for at, line in shown.items():
            before = base.rows.get(at)
            if before is None or not _equal(before, line):
                self._change(self.seats[at], before, line, positions[line.number], copy)
        words = {line.digest for line in rows}
        for position, (at, before) in enumerate(base.rows.items(), 1):
            seat = self.seats[at]
            if at in shown or not seat.heads or before.digest in words:
                continue
            if self._owns(copy.sender, seat) or (self._may_change(copy, seat) and self._seen >> at & 1):
                seat.said.append(Said(copy.sent_at, 0, position))
            elif not self._may_change(copy, seat):
                self.incidents.append(Incident(Meddling.REMOVED, copy.sender, copy, seat.line))

    def _rename(self, rows: Sequence[Line], found: dict[int, int], base: _Base, sender: int) -> None:
        """A row in place of one that is gone, where both are of one author, or at the same place and the sender's."""
        fresh = [line for line in rows if line.number not in found]
        if not fresh:
            return
        there = set(found.values())
        gone = [at for at in base.rows if at not in there]
        for line in fresh:
            of_author = [at for at in gone if line.author is not None and self.seats[at].author == line.author]
            if len(of_author) == 1 and sum(other.author == line.author for other in fresh) == 1:
                found[line.number] = of_author[0]
                gone.remove(of_author[0])
        own = [at for at in gone if self._owns(sender, self.seats[at])]
        left = [line for line in fresh if line.number not in found and line.author in (None, sender)]
        if len(own) == len(left) == 1 and list(base.rows).index(own[0]) == rows.index(left[0]):
            found[left[0].number] = own[0]

    def _change(self, seat: Seat, before: Line | None, line: Line, position: int, copy: Copy) -> None:
        """A row that its sender wrote anew, or that was not in the base."""
        if not self._may_change(copy, seat):
            known = any(_equal(self._lines[number], line) for number in seat.lines)
            if before is not None and not known:
                self.incidents.append(Incident(Meddling.CHANGED, copy.sender, copy, seat.line))
            return
        if before is None and not self._owns(copy.sender, seat):
            return  # the organiser put two forks together
        if not seat.heads or not _equal(seat.line, line):
            seat.line = line
            seat.said.append(Said(copy.sent_at, line.heads, position))
            if seat.person == copy.sender and not self._may_be_own(line, copy.sender):
                seat.person = None  # somebody goes in their place

    def _sign(self, rows: Sequence[Line], found: dict[int, int], base: _Base | None, copy: Copy) -> None:
        """Seats for the rows that nobody had before, and whose they are. Of several new rows the last is the sender's,
        and what stands behind their own name: others may have come from copies that never reached us."""
        positions = {line.number: position for position, line in enumerate(rows, 1)}
        fresh = [line for line in rows if line.number not in found]
        own = next((line for line in fresh if self._is_own(line, copy.sender)), None)
        persons = {seat.person for seat in self.seats}
        for line in fresh:
            by = line.author
            if by is None:
                behind = own is not None and positions[line.number] > positions[own.number]
                added = base is not None and (line is fresh[-1] or behind or line.proxy)
                by = copy.sender if line is own or added or len(rows) == 1 else None
            alone = line.author is not None or len(fresh) == 1
            person = by if by is not None and (line is own or (alone and self._may_be_own(line, by))) else None
            person = None if person in persons else person
            persons.add(person)
            at = copy.sent_at if line.at is None else min(line.at, copy.sent_at)
            found[line.number] = len(self.seats)
            said = [Said(at, line.heads, positions[line.number])]
            self.seats.append(Seat(line, {line.number}, copy.room_id, line.author, by, person, said))
        if copy.sender not in persons:
            self._claim(rows, found, base, copy)

    def _is_own(self, line: Line, person: int) -> bool:
        return not line.proxy and line.author in (None, person) and self._likes(person, line) is True

    def _may_be_own(self, line: Line, person: int) -> bool:
        """Nothing speaks against it that the row is they themselves."""
        return not line.proxy and self._likes(person, line) is not False

    def _claim(self, rows: Sequence[Line], found: dict[int, int], base: _Base | None, copy: Copy) -> None:
        """The sender stands in the list under their own name, only it was not known that it is they; or somebody else
        of that name does, and both signed at once, so that their copies are equal."""
        named = [line for line in rows if self._is_own(line, copy.sender)]
        free = [line for line in named if self.seats[found[line.number]].person is None]
        if len(free) == 1:
            self.seats[found[free[0].number]].person = copy.sender
        elif len(named) == 1 and not free and base is not None and base.words == self._bits(rows, found)[0]:
            said = [Said(copy.sent_at, named[0].heads, rows.index(named[0]) + 1)]
            found[named[0].number] = len(self.seats)
            seat = Seat(named[0], {named[0].number}, copy.room_id, named[0].author, copy.sender, copy.sender, said)
            self.seats.append(seat)


def _equal(one: Line, other: Line) -> bool:
    return one.digest == other.digest


def _may_be(line: Line, seat: Seat) -> bool:
    return line.author is None or seat.author is None or line.author == seat.author


def _shown(rows: Sequence[Line], found: Mapping[int, int]) -> dict[int, Line]:
    """Which row each seat has; of two rows of one seat the later. In the order of the rows."""
    return {found[line.number]: line for line in rows if line.number in found}
