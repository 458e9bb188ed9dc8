"""What a sign-up does by itself: its deadline, the reminders the day before and two hours before, its end.

The moments follow from the row, `stage` counts those that are over, so a restart forgets none and repeats none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handlers import quiet, signups
from handlers.context import Effects, Policy
from handlers.texts import signups as words
from storage import chains, outbox, people, rooms
from storage import signup_entries as rosters
from storage import signups as rows
from storage.model import PostKind
from storage.signups import EntryState, Signup, SignupState

FIRED = 20  # at a time
DAY_BEFORE, SOON_BEFORE = timedelta(days=1), timedelta(hours=2)
AT_LEAST = timedelta(minutes=15)  # a reminder that comes later than that before the start helps nobody
LASTS, LASTS_DAY = timedelta(hours=6), timedelta(days=1)  # where nobody said when it ends
_PUT_OFF = timedelta(hours=1)


class Kind(StrEnum):
    DEADLINE = "deadline"
    DAY = "day"
    SOON = "soon"
    END = "end"


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """`starts` and `slot` are those of the time window it is about."""

    at: datetime
    kind: Kind
    slot: int = 0
    starts: datetime | None = None


def moments(signup: Signup, policy: Policy) -> list[Due]:
    """Everything there is to do by itself, in order; none of it in the quiet hours but what nobody hears."""
    found = []
    if signup.deadline is not None:
        found.append(Due(quiet.after_night(signup.deadline, policy), Kind.DEADLINE))
    windows = [(slot.slot, slot.starts) for slot in signup.slots]
    if not windows and signup.starts is not None:
        windows = [(0, signup.starts)]
    for slot, starts in windows:
        whole_day = _whole_day(starts, policy)
        day = quiet.after_night(starts - DAY_BEFORE, policy)
        soon = quiet.after_night(starts - SOON_BEFORE, policy)
        if day <= starts - SOON_BEFORE or whole_day:
            found.append(Due(day, Kind.DAY, slot, starts))
        if soon <= starts - AT_LEAST and not whole_day:
            found.append(Due(soon, Kind.SOON, slot, starts))
    end = ends(signup, policy)
    if end is not None:
        found.append(Due(end, Kind.END))
    return sorted(found)


def _whole_day(starts: datetime, policy: Policy) -> bool:
    """Whether only the day is known."""
    local = starts.astimezone(policy.timezone)
    return (local.hour, local.minute) == (0, 0)


def ends(signup: Signup, policy: Policy) -> datetime | None:
    """When it is over; None while nobody knows when it is."""
    starts = max((slot.starts for slot in signup.slots), default=signup.starts)
    if starts is None:
        return None
    return max(signup.ends or starts, starts + (LASTS_DAY if _whole_day(starts, policy) else LASTS))


async def schedule(effects: Effects, signup: Signup) -> Signup:
    """Set what comes next of a sign-up that is new or was changed; what would have come before now does not come."""
    every = moments(signup, effects.policy)
    stage = sum(due.at <= effects.now for due in every)
    next_at = every[stage].at if stage < len(every) else None
    return await rows.update(effects.tx, signup.number, stage=stage, next_at=next_at)


async def fire(effects: Effects, most: int = FIRED) -> bool:
    """Do what has come due; True where there may be more."""
    found = await rows.due(effects.tx, effects.now, most)
    for signup in found:
        await _fire(effects, signup)
    return len(found) == most


async def put_off(effects: Effects) -> bool:
    """Let the next one that is due, which cannot be done now, try again later; True, as there may be more."""
    found = await rows.due(effects.tx, effects.now, 1)
    for signup in found:
        await rows.update(effects.tx, signup.number, next_at=effects.now + _PUT_OFF)
    return bool(found)


async def _fire(effects: Effects, signup: Signup) -> None:
    every = moments(signup, effects.policy)
    come = [due for due in every[signup.stage :] if due.at <= effects.now]
    if quiet.in_quiet_hours(effects.now, effects.policy) and any(due.kind is not Kind.END for due in come):
        # The bot stood still when it was time: nobody is woken for that.
        await rows.update(effects.tx, signup.number, next_at=quiet.after_night(effects.now, effects.policy))
        return
    stage = signup.stage + len(come)
    next_at = every[stage].at if stage < len(every) else None
    await rows.update(effects.tx, signup.number, stage=stage, next_at=next_at)
    for due in come:
        later = any(other.kind is Kind.SOON and other.slot == due.slot for other in come)
        if due.kind is Kind.DEADLINE:
            await _tell_deadline(effects, signup)
        elif due.kind is Kind.END and signup.open:
            await rows.update(effects.tx, signup.number, state=SignupState.CLOSED, closed_at=effects.now)
        elif due.kind is Kind.SOON or (due.kind is Kind.DAY and not later):
            await _remind(effects, signup, due)


async def _tell_deadline(effects: Effects, signup: Signup) -> None:
    """The organiser hears how many there are."""
    organiser = await people.get(effects.tx, signup.organiser_id) if signup.organiser_id is not None else None
    if organiser is None or not signup.open:
        return
    entries = await rosters.entries(effects.tx, signup.number)
    taken, waiting = signups.heads(entries, EntryState.CONFIRMED), signups.heads(entries, EntryState.WAITING)
    line = words.deadline_told(signup, taken, waiting)
    if signups.reachable(organiser):
        await effects.tell(organiser, line, key=f"deadline:{signup.id}:{organiser.id}")


async def _remind(effects: Effects, signup: Signup, due: Due) -> None:
    """Those who are in: in private where they are reached there, the others in one line in their group."""
    starts = due.starts
    if starts is None or (starts <= effects.now and not _whole_day(starts, effects.policy)):
        return
    entries = [
        entry
        for entry in await rosters.entries(effects.tx, signup.number)
        if entry.state is EntryState.CONFIRMED and (entry.slot or 0) == due.slot
    ]
    line = words.reminder(signup, starts, effects.now, effects.policy.timezone)
    key = f"remind:{due.kind.value}:{due.slot}:{starts:%Y%m%d%H%M}"
    left = await signups.tell_reachable(effects, signup, entries, line, key=key)
    if not left or signup.room_id is None:
        return
    for room_id in sorted({signup.room_id, *await chains.rooms_of(effects.tx, signup.number)}):
        room = await rooms.get(effects.tx, room_id)
        if room is None:
            continue
        natural = f"{key}:{signup.id}:room" if room.id == signup.room_id else f"{key}:{signup.id}:room{room.id}"
        await effects.post(room, line, PostKind.CALLBACK, key=natural)
        waiting = await outbox.find_queued(effects.tx, natural)
        if waiting is not None and waiting.not_before > starts and not _whole_day(starts, effects.policy):
            await outbox.drop(effects.tx, natural)  # the group has had its lines for today
