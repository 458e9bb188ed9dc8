"""From the copies of a list to the roster: whose seat is which entry, so that 接龙 and 报名 make one roster.

Everything is worked out anew from all copies each time, so what came late or was taken back leaves no trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from handlers.context import Context, Effects
from handlers.copies import Likes, Roster, Seat, gather, threads
from nlp import chain
from storage import chains, people
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage.chains import Copy, Line
from storage.signup_entries import Entry, Moved
from storage.signups import Signup, SignupState, Source


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of a list: its roster in each room, what moved, and the entries that are new."""

    rosters: Mapping[int, Roster]
    moved: Sequence[Moved]
    new: frozenset[int]


def until(signup: Signup) -> datetime | None:
    """Who signs later than that is too late; who cancels never is."""
    closed = signup.closed_at if signup.state is not SignupState.OPEN else None
    return min((at for at in (signup.deadline, closed) if at is not None), default=None)


async def work_out(effects: Effects, signup: Signup) -> Worked:
    """Bring the roster to what all copies of its lists say."""
    tx, number = effects.tx, signup.number
    lines = await chains.lines(tx, number)
    copies = await chains.copies(tx, number)
    likes = await _likes(effects, signup, lines, copies)
    if signup.origin is Source.CHAIN:
        lists = threads(copies)
    else:
        groups = dict.fromkeys(copy.room_id for copy in copies)
        lists = [[copy for copy in copies if copy.room_id == room] for room in groups]
    organiser = signup.organiser_id if signup.origin is Source.COMMAND or signup.organiser_named else None
    every = [gather(lines, found, likes, organiser) for found in lists]
    by_room = {copy.room_id: roster for found, roster in zip(lists, every, strict=True) for copy in found}
    seats = [seat for roster in every for seat in roster.seats]
    new = await _enter(effects, signup, {line.number: line for line in lines}, seats, likes)
    return Worked(by_room, await rosters.settle(tx, number), new)


async def _likes(effects: Effects, signup: Signup, lines: Sequence[Line], copies: Sequence[Copy]) -> Likes:
    """What the nicks of those who sent copies, wrote rows or signed up by a command tell."""
    ids = {copy.sender for copy in copies} | {line.author for line in lines if line.author is not None}
    ids |= {
        entry.person_id for entry in await rosters.entries(effects.tx, signup.number) if entry.person_id is not None
    }
    nicks = {person.id: tuple(alias.nick for alias in person.aliases) for person in await people.many(effects.tx, ids)}

    @cache
    def told(person: int, name: str, building: str) -> bool | None:
        opinions = {chain.resembles(nick, name, building) for nick in nicks.get(person, ())}
        return True if True in opinions else None if None in opinions or not opinions else False

    return lambda person, line: told(person, line.name, line.building)


async def claim(ctx: Context, signup: Signup) -> None:
    """The speaker turns out to be somebody who stands in the list under that name, so that a command means that
    entry."""
    person = await ctx.person()
    entries = [entry for entry in await rosters.entries(ctx.tx, signup.number) if entry.active]
    if any(entry.person_id == person.id for entry in entries):
        return
    nick = ctx.message.nick
    free = [entry for entry in entries if entry.source is Source.CHAIN and entry.person_id is None]
    named = [entry for entry in free if chain.resembles(nick, entry.name, entry.building) is True]
    if len(named) == 1:
        await rosters.note(ctx.tx, signup.number, named[0].seq, person_id=person.id)


@dataclass(slots=True)
class _Roster:
    """The entries while the seats are written into them: `taken` are those of a seat."""

    entries: dict[int, Entry]
    lines: Mapping[int, Line]
    persons: frozenset[int]  # who have a seat of their own
    likes: Likes
    taken: set[int] = field(default_factory=set)

    def of(self, seat: Seat) -> int | None:
        """The entry that is a seat's: by the person, by its rows, else one that a command made for that name."""
        if seat.person is not None:
            own = [seq for seq, entry in self.entries.items() if entry.person_id == seat.person]
            if own:
                return own[0]
        elif len(named := [seq for seq, entry in self._free(Source.COMMAND) if self._is(entry, seat.line)]) == 1:
            return named[0]
        linked = {self.lines[number].seq for number in seat.lines}
        for seq, entry in self.entries.items():
            theirs = entry.person_id in (None, seat.person) or (seat.person is None and self._nobody_else(entry))
            if seq in linked and seq not in self.taken and theirs:
                return seq
        named = [
            seq
            for seq, entry in self._free(Source.COMMAND)
            if entry.person_id is None and entry.name == seat.line.name and _near(entry, seat.line)
        ]
        return named[0] if named else None

    def _free(self, source: Source) -> Iterator[tuple[int, Entry]]:
        return ((seq, entry) for seq, entry in self.entries.items() if entry.source is source and seq not in self.taken)

    def _is(self, entry: Entry, line: Line) -> bool:
        return entry.person_id is not None and self._nobody_else(entry) and self.likes(entry.person_id, line) is True

    def _nobody_else(self, entry: Entry) -> bool:
        return entry.person_id not in self.persons


def _near(entry: Entry, line: Line) -> bool:
    return not entry.building or not line.building or entry.building == line.building


async def _enter(
    effects: Effects, signup: Signup, lines: Mapping[int, Line], seats: Sequence[Seat], likes: Likes
) -> frozenset[int]:
    """Write the seats into the entries; which entries are new."""
    tx, number = effects.tx, signup.number
    persons = frozenset(seat.person for seat in seats if seat.person is not None)
    roster = _Roster({entry.seq: entry for entry in await rosters.entries(tx, number)}, lines, persons, likes)
    new: set[int] = set()
    said: dict[int, list[tuple[datetime, int, int]]] = defaultdict(list)
    of_entry: dict[int, set[int]] = defaultdict(set)
    for seat in seats:
        told = list(_in_time(seat, until(signup)))
        if not told:
            continue
        seq = roster.of(seat)
        if seq is None:
            seq = await _sign(effects, signup, seat)
            new.add(seq)
        else:
            await _note(effects, signup, roster.entries[seq], seat)
        roster.taken.add(seq)
        said[seq] += told
        of_entry[seq] |= seat.lines
    stated = await steps.stated(tx, number)
    for seq, numbers in of_entry.items():
        for other in {at for each in numbers if (at := lines[each].seq) in roster.entries} - roster.taken:
            await rosters.discard(tx, number, other, into=seq)
        fresh = [each for each in numbers if lines[each].seq != seq]
        if fresh:
            await chains.link(tx, number, seq, fresh)
        if stated.get(seq) != said[seq]:
            await steps.restate(tx, number, seq, said[seq])
    left = [line for line in lines.values() if not any(line.number in numbers for numbers in of_entry.values())]
    for seq in {at for line in left if (at := line.seq) in roster.entries} - roster.taken:
        await rosters.discard(tx, number, seq)
    unlinked = [line.number for line in left if line.seq is not None]
    if unlinked:
        await chains.link(tx, number, None, unlinked)
    return frozenset(new)


def _in_time(seat: Seat, last: datetime | None) -> Iterator[tuple[datetime, int, int]]:
    """What counts of what was said of a seat: after the last moment it gets no more places."""
    heads = 0
    for said in seat.said:
        if last is None or said.at <= last or said.heads < heads:
            heads = said.heads
            yield said.at, said.heads, said.position


async def _sign(effects: Effects, signup: Signup, seat: Seat) -> int:
    first = seat.said[0]
    return await rosters.sign(
        effects.tx,
        signup.number,
        name=seat.line.name,
        heads=first.heads,
        at=first.at,
        person_id=seat.person,
        by_id=seat.by,
        building=seat.line.building,
        choice=seat.line.choice,
        source=Source.CHAIN,
        room_id=seat.room_id,
        position=first.position,
    )


async def _note(effects: Effects, signup: Signup, entry: Entry, seat: Seat) -> None:
    """What is known by now of whose entry it is. What a command said of it stays."""
    fields: dict[str, str | int | None] = {}
    if not seat.line.name:
        return  # it was erased
    if seat.person is not None and entry.person_id != seat.person:
        fields["person_id"] = seat.person
    if entry.source is Source.CHAIN:
        told = {"name": seat.line.name, "building": seat.line.building, "choice": seat.line.choice}
        if told != {"name": entry.name, "building": entry.building, "choice": entry.choice}:
            fields |= told
        if entry.by_id != seat.by and (seat.by is not None or entry.person_id is None):
            fields["by_id"] = seat.by
        if entry.position != seat.said[0].position:
            fields["position"] = seat.said[0].position
    if fields:
        await rosters.note(effects.tx, signup.number, entry.seq, **fields)
