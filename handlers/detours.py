"""Emergencies that an account was to say and cannot: WeChat stopped it, it is dead, or nothing is heard of it.

They wait for it to come back. Meanwhile those who answer for the groups hear of it through an account that speaks: in
their leader room or that of the community or street, else in private, else in another leader room of the community.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers import steps
from handlers import texts as labels
from handlers.context import LEADERS, Effects, Policy
from handlers.texts import detours as texts
from storage import accounts, notices, outbox, people, presence, rooms, tickets
from storage.engine import Tx
from storage.model import COMMUNITY_DIGITS, Level, Person, Role, Room, Ticket
from storage.outbox import HeldUp
from storage.presence import Marks

# The link is marked twice a minute.
SILENT_FOR = timedelta(minutes=2)
STREET_DIGITS = steps.LEVEL_DIGITS[Level.STREET]
ROLES = (*LEADERS, Role.COMMUNITY, Role.STREET)
AT_ONCE = 200  # grids that are looked up together: the groups of one account


@dataclass(frozen=True, slots=True)
class Halt:
    """Why an account says nothing, since when (by which one halt is told from the next), and until when, if known."""

    why: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """Whom to tell instead."""

    account: str
    conversation: str
    room_id: int | None
    name: str  # in the key


async def send(effects: Effects) -> bool:
    """Tell of what waits, once in each halt. Cheap where no account is halted, or every one is."""
    marks = await presence.marks(effects.tx)
    halted = await _halted(effects, marks)
    if not halted or (marks and marks.keys() <= halted.keys()):
        return False
    lines = await outbox.held_up(effects.tx, halted, effects.now)
    numbers = {line.ticket for line in lines if line.ticket is not None}
    known = {ticket.number: ticket for ticket in await tickets.numbered(effects.tx, numbers)}
    waiting: Counter[tuple[str, str, str]] = Counter()
    matters: dict[str, str] = {}
    for line in lines:
        if halted[line.account].why == texts.SILENT and line.not_before + SILENT_FOR > effects.now:
            continue  # a link that is made again in a moment
        ticket = known.get(line.ticket) if line.ticket is not None else None
        matter, words = _matter(effects.policy, line, ticket)
        matters[matter] = words
        grid = ticket.grid if ticket is not None and ticket.grid is not None else line.grid
        if grid is not None:
            waiting[line.account, matter, grid] += 1
    targets = await _targets(effects.tx, {grid for _, _, grid in waiting}, halted)
    told: Counter[tuple[str, str, _Target]] = Counter()
    for (account, matter, grid), count in waiting.items():
        for target in targets[grid]:
            told[account, matter, target] += count
    for (account, matter, target), count in told.items():
        halt = halted[account]
        until = labels.clock(halt.until, effects.policy.timezone) if halt.until is not None else ""
        text = texts.waits(account, halt.why, until, count, matters[matter])
        key = f"detour:{account}:{halt.since:%y%m%d%H%M%S}:{matter}:{target.name}"
        await effects.direct(target.account, target.conversation, text, key=key, urgent=True, room_id=target.room_id)
    return False


async def _halted(effects: Effects, marks: Mapping[str, Marks]) -> dict[str, Halt]:
    """The accounts that say nothing now."""
    tx, now = effects.tx, effects.now
    found = {
        name: Halt(texts.SILENT, mark.listened)
        for name, mark in marks.items()
        if mark.listened is not None and mark.listened + SILENT_FOR < now
    }
    for account in await accounts.stopped(tx, now):
        since = account.throttled_at or now
        found[account.name] = Halt(texts.STOPPED, since, account.stopped_until)
    for account in await accounts.dead(tx):
        found[account.name] = Halt(texts.DEAD, account.dead_at or now)
    return found


def _matter(policy: Policy, line: HeldUp, ticket: Ticket | None) -> tuple[str, str]:
    """What a line is about: an id, and what to call it, without a confidential word."""
    if ticket is not None:
        return ticket.id, ticket.id if steps.discreet(ticket) else steps.heading(policy, ticket)
    number = notices.number_of(line.key)
    if number is not None:
        return f"T{number}", texts.notice(number)
    return f"line{line.id}", texts.OTHER


async def _targets(tx: Tx, grids: Collection[str], halted: Mapping[str, Halt]) -> dict[str, list[_Target]]:
    """Whom to tell of each of these grids. Looked up for many at a time: a notice goes to hundreds, each with its
    own grid."""
    found: dict[str, list[_Target]] = {}
    every = sorted(grids)
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        offices = await rooms.leader_rooms_of(tx, {code for grid in some for code in _offices(grid)})
        for grid in some:
            near = [room for code in _offices(grid) for room in offices.get(code, ()) if room.account not in halted]
            found[grid] = [_to_room(room) for room in near[:1]]
        led = await people.with_role_in(tx, ROLES, [grid for grid in some if not found[grid]])
        for grid, leaders in led.items():
            found[grid] = [target for person in leaders if (target := _to_person(person, halted)) is not None]
    neighbours: dict[str, list[_Target]] = {}
    for grid in every:
        community = grid[:COMMUNITY_DIGITS]
        if not found[grid] and community not in neighbours:
            near = [room for room in await rooms.leader_rooms(tx, community) if room.account not in halted]
            neighbours[community] = [_to_room(room) for room in near[:1]]
    return {grid: targets or neighbours[grid[:COMMUNITY_DIGITS]] for grid, targets in found.items()}


def _offices(grid: str) -> list[str]:
    """The codes whose leader room answers for a grid, the nearest first: within its community, then the street's."""
    return [*(grid[:end] for end in range(len(grid), COMMUNITY_DIGITS - 1, -1)), grid[:STREET_DIGITS]]


def _to_person(person: Person, halted: Mapping[str, Halt]) -> _Target | None:
    alias = next((one for one in person.aliases if one.friend and one.account not in halted), None)
    return None if alias is None else _Target(alias.account, alias.im_id, None, str(person.id))


def _to_room(room: Room) -> _Target:
    return _Target(room.account, room.im_id, room.id, f"room{room.id}")
