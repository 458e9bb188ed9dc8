"""The quiet policy (design/commands.md): the only gate to a public line, for every feature.

An unsolicited line (an acknowledgement, a question, a callback) takes a place in the room's quota; the places are
the counted rows of the outbox, so a restart forgets none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from storage import outbox
from storage.engine import Tx
from storage.model import PostKind, Room, RoomState

if TYPE_CHECKING:
    from handlers.context import Policy

COUNTED: frozenset[PostKind] = frozenset({PostKind.ACK, PostKind.CALLBACK, PostKind.WISH})
DAY = timedelta(days=1)

# Asked for, or about life and limb: neither the quota nor 静音 nor the night holds these back.
_FREE = frozenset({PostKind.COMMAND_REPLY, PostKind.EMERGENCY, PostKind.PRIVATE})


async def slot(tx: Tx, room: Room, kind: PostKind, now: datetime, policy: Policy) -> datetime | None:
    """When a line of that kind may go out into the room; None: it is dropped.

    An acknowledgement is for now or never, a callback waits for the next free place outside the quiet hours. A notice
    has a budget of its own, the sender's; only the night holds it back. A wish waits like a callback, and takes only
    some of a day's places, so that the others are left for what people are told of their own matters."""
    if room.state is RoomState.GONE:
        return None
    if room.state is RoomState.DORMANT:
        return now if kind is PostKind.COMMAND_REPLY else None
    if kind in _FREE:
        return now
    if kind in (PostKind.NOTICE, PostKind.ANNOUNCEMENT):
        return after_night(now, policy)
    hushed_until = room.silent_until if room.silent_until is not None and room.silent_until > now else None
    if kind is PostKind.TALLY:
        return None if hushed_until is not None else next_minute(now)
    taken = await outbox.counted_slots(tx, room.id, _day_start(now, policy) - policy.reply_gap)
    if kind is PostKind.ACK:
        at = now + policy.ack_wait
        fits = hushed_until is None and not in_quiet_hours(at, policy) and free(at, taken, policy)
        return at if fits else None
    since = _day_start(now, policy)
    wishes = await outbox.counted_slots(tx, room.id, since, kind) if kind is PostKind.WISH else ()
    return _next_free(hushed_until or now, taken, policy, wishes)


def in_quiet_hours(at: datetime, policy: Policy) -> bool:
    """Whether the moment lies in the quiet hours of the deployment's time zone."""
    local, start, end = at.astimezone(policy.timezone).time(), policy.quiet_from, policy.quiet_until
    return start <= local < end if start <= end else local >= start or local < end


def after_night(at: datetime, policy: Policy) -> datetime:
    """That moment, or the end of the quiet hours in which it lies."""
    return _next_time(at, policy.quiet_until, policy) if in_quiet_hours(at, policy) else at


def free(at: datetime, taken: Sequence[datetime], policy: Policy) -> bool:
    """Whether a counted line at that moment keeps the gap to every other one and the day's number."""
    day = at.astimezone(policy.timezone).date()
    today = sum(other.astimezone(policy.timezone).date() == day for other in taken)
    return today < policy.replies_a_day and all(abs(at - other) >= policy.reply_gap for other in taken)


def _next_free(start: datetime, taken: Sequence[datetime], policy: Policy, wishes: Sequence[datetime]) -> datetime:
    """The first moment from `start` on that is free, where it is a wish has a place for one, and is not in the quiet
    hours. Each step leaves a place behind that cannot be had, and there are finitely many of them, so this ends."""
    at = start
    while True:
        if in_quiet_hours(at, policy):
            at = after_night(at, policy)
        elif blocking := [other for other in taken if abs(at - other) < policy.reply_gap]:
            at = max(blocking) + policy.reply_gap
        elif free(at, taken, policy) and _place_for_wish(at, wishes, policy):
            return at
        else:
            at = _next_time(at, time(0), policy)


def _place_for_wish(at: datetime, wishes: Sequence[datetime], policy: Policy) -> bool:
    day = at.astimezone(policy.timezone).date()
    return sum(other.astimezone(policy.timezone).date() == day for other in wishes) < policy.wishes_a_day


def _next_time(after: datetime, clock: time, policy: Policy) -> datetime:
    """The next moment strictly later than `after` at which the local clock shows `clock`. In UTC, because sums and
    differences of local times go wrong where the clock is changed."""
    today = after.astimezone(policy.timezone).date()
    moments = (datetime.combine(day, clock, policy.timezone).astimezone(UTC) for day in (today, today + DAY))
    return next(at for at in moments if at > after)


def _day_start(now: datetime, policy: Policy) -> datetime:
    return datetime.combine(now.astimezone(policy.timezone).date(), time(0), policy.timezone).astimezone(UTC)


def next_minute(now: datetime) -> datetime:
    """The full minute: tallies of one minute share it, and their key merges them."""
    whole = now.replace(second=0, microsecond=0)
    return whole if whole == now else whole + timedelta(minutes=1)
