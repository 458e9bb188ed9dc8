"""Emergencies that an account was to say and cannot: WeChat stopped it, it is dead, or nothing is heard of it.

They wait for it to come back. Meanwhile those who answer for the groups hear of it through an account that speaks: in
their leader room or that of the community or street, else in private, else in another leader room of the community.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers import steps
from handlers import texts as labels
from handlers.context import LEADERS, Effects
from handlers.texts import detours as texts
from storage import accounts, notices, outbox, people, presence, rooms, tickets
from storage.model import COMMUNITY_DIGITS, Level, Outgoing, Role, Room
from storage.presence import Marks

# The link is marked twice a minute.
SILENT_FOR = timedelta(minutes=2)
STREET_DIGITS = steps.LEVEL_DIGITS[Level.STREET]
ROLES = (*LEADERS, Role.COMMUNITY, Role.STREET)


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
    waiting: Counter[tuple[str, str, _Target]] = Counter()
    matters: dict[str, str] = {}
    targets: dict[str | None, list[_Target]] = {}  # by grid: a notice has hundreds of lines
    lines = await outbox.held_up(effects.tx, halted, effects.now)
    ids = {line.room_id for line in lines if line.room_id is not None}
    listed = {room.id: room for room in await rooms.many(effects.tx, ids)}
    for line in lines:
        if halted[line.account].why == texts.SILENT and line.not_before + SILENT_FOR > effects.now:
            continue  # a link that is made again in a moment
        room = listed.get(line.room_id) if line.room_id is not None else None
        matter, grid, words = await _matter(effects, line, room.grid if room is not None else None)
        matters[matter] = words
        if grid not in targets:
            targets[grid] = await _targets(effects, grid, halted)
        for target in targets[grid]:
            waiting[line.account, matter, target] += 1
    for (account, matter, target), count in waiting.items():
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


async def _matter(effects: Effects, line: Outgoing, grid: str | None) -> tuple[str, str | None, str]:
    """What a line for a group of that grid is about: an id, the grid that it concerns, and what to call it, without a
    confidential word."""
    ticket = await tickets.get(effects.tx, line.ticket) if line.ticket is not None else None
    if ticket is not None:
        words = ticket.id if steps.discreet(ticket) else steps.heading(effects.policy, ticket)
        return ticket.id, ticket.grid or grid, words
    number = notices.number_of(line.key)
    if number is not None:
        return f"T{number}", grid, texts.notice(number)
    return f"line{line.id}", grid, texts.OTHER


async def _targets(effects: Effects, grid: str | None, halted: dict[str, Halt]) -> list[_Target]:
    if grid is None:
        return []
    tx = effects.tx
    near = [room for room in await rooms.leader_rooms(tx, grid[:COMMUNITY_DIGITS]) if room.account not in halted]
    office = max((room for room in near if grid.startswith(str(room.grid))), key=_digits, default=None)
    if office is None:
        street = await rooms.leader_room_of(tx, grid[:STREET_DIGITS])
        office = street if street is not None and street.account not in halted else None
    if office is not None:
        return [_to_room(office)]
    found = []
    for person in await people.with_role(tx, ROLES, grid):
        alias = next((one for one in person.aliases if one.friend and one.account not in halted), None)
        if alias is not None:
            found.append(_Target(alias.account, alias.im_id, None, str(person.id)))
    return found or [_to_room(room) for room in near[:1]]


def _digits(room: Room) -> int:
    return len(str(room.grid))


def _to_room(room: Room) -> _Target:
    return _Target(room.account, room.im_id, room.id, f"room{room.id}")
