"""The monthly 民情恳谈会: days before it the leaders get the topics, and each group that has some one line."""

from __future__ import annotations

from datetime import datetime

from handlers import quiet, topics
from handlers import texts as common
from handlers.context import Effects
from handlers.texts import deliberation as texts
from storage import jobs, rooms
from storage import topics as stored
from storage.model import COMMUNITY_DIGITS, PostKind, Role

JOB = "meeting"
BATCH = 20  # grids at a time


async def remind(effects: Effects) -> bool:
    """Before each meeting, once, and not at night; True where more grids wait. One that was missed is not made up for
    once the meeting has begun; a grid without topics hears nothing."""
    meeting = _coming(effects)
    if meeting is None or quiet.in_quiet_hours(effects.now, effects.policy):
        return False
    due = meeting - effects.policy.meeting_remind
    if await jobs.last(effects.tx, JOB) == due:
        return False
    every = {f"{JOB}:{grid}": grid for grid in await _grids(effects)}
    taken = await jobs.taken(effects.tx, every, due)
    left = [name for name in every if name not in taken]
    for name in left[:BATCH]:
        await jobs.fire(effects.tx, name, due, effects.now)
        await _tell(effects, every[name], meeting)
    if len(left) > BATCH:
        return True
    await jobs.fire(effects.tx, JOB, due, effects.now)
    return False


def _coming(effects: Effects) -> datetime | None:
    """The meeting of which it is time to remind."""
    rule = effects.policy.meeting
    if rule is None:
        return None
    moments = rule.around(effects.now, effects.policy.timezone)
    return next((at for at in moments if at - effects.policy.meeting_remind <= effects.now < at), None)


async def _grids(effects: Effects) -> list[str]:
    """Those with open topics, and their communities, whose meeting it is."""
    found = await stored.grids(effects.tx)
    return sorted({*found, *(grid[:COMMUNITY_DIGITS] for grid in found)})


async def _tell(effects: Effects, grid: str, meeting: datetime) -> None:
    agenda = await stored.open_in(effects.tx, grid)
    if not agenda:
        return
    when = common.clock(meeting, effects.policy.timezone)
    key = f"{JOB}:{grid}:{meeting:%Y%m%d}"
    line = texts.meeting_told(when, topics.lines(agenda))
    if len(grid) == COMMUNITY_DIGITS:
        await effects.tell_leaders(grid, line, key=key, roles=(Role.COMMUNITY,))
        return
    await effects.tell_leaders(grid, line, key=key)
    for room_id in sorted({topic.room_id for topic in agenda if topic.room_id is not None}):
        room = await rooms.get(effects.tx, room_id)
        here = [topic for topic in agenda if topic.room_id == room_id]
        if room is not None and room.grid == grid:
            post = texts.meeting_in_room(when, len(here), here[0].text)
            await effects.post(room, post, PostKind.CALLBACK, key=f"{key}:room{room_id}")
