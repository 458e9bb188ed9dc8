"""A ticket rises: `吹哨`, an expired clock, a second reopening; and 督办, by which the level above watches over it.

网格 → 社区 → 街道 → 部门, one step at a time. Only an 应急 skips one: its community was told at once, so from the grid
it rises to the street.
"""

from __future__ import annotations

from enum import StrEnum

from handlers import steps, texts
from handlers.context import Context, Effects
from storage import notes
from storage import tickets as rows
from storage.model import Level, Note, Person, Ticket, Urgency


class Why(StrEnum):
    """What raised a ticket."""

    WHISTLE = "whistle"  # 吹哨
    ACK = "ack"  # nobody answered in time
    FEEDBACK = "feedback"  # no first result in time
    VERIFY = "verify"  # not verified in time
    CLOSE = "close"  # not finished in time
    REOPENED = "reopened"  # twice not solved
    SPREAD = "spread"  # it is all over the community


def above(ticket: Ticket) -> Level | None:
    """The level that a ticket rises to next; None at the top."""
    at = steps.LEVELS.index(ticket.level)
    if ticket.urgency is Urgency.EMERGENCY and ticket.level is Level.GRID:
        return Level.STREET
    return steps.LEVELS[at + 1] if at + 1 < len(steps.LEVELS) else None


async def raise_level(
    effects: Effects, ticket: Ticket, why: Why, by: Person | None, *, said: str = "", right: str | None = None
) -> Ticket | None:
    """Raise an open ticket one level, stamped with who (`by`, None for the clock), why and when, and tell the level's
    people in their leader room, else each of them. `said`: a reason in somebody's own words, masked.

    Returns the raised ticket; None, and nothing changed, where it is at the top or no longer open."""
    now = await rows.get(effects.tx, ticket.number)
    level = above(now) if now is not None else None
    if now is None or level is None or not now.open:
        return None
    raised = await rows.update(effects.tx, now.number, expect={now.state}, at=effects.now, level=level)
    if raised is None:
        return None
    await stamp(effects, now, raised.level, why, by, said=said, right=right)
    line = texts.told_raised(
        steps.heading_inside(effects.policy, raised),
        raised.id,
        why,
        texts.LEVEL[level],
        said,
        by.name if by is not None else "",
        await steps.words(effects, raised),
    )
    urgent = raised.urgency is Urgency.EMERGENCY
    key = f"raised:{raised.id}:{raised.version}"
    if not await steps.tell_level(effects, raised, line, key=key, urgent=urgent):
        await steps.inform(effects, raised, line, key=key, urgent=urgent)
    return raised


async def stamp(
    effects: Effects,
    ticket: Ticket,
    level: Level,
    why: Why,
    by: Person | None,
    *,
    said: str = "",
    right: str | None = None,
) -> None:
    """Record that a ticket rose from its level to another one: the reason beside it, the fact in the chain."""
    number = ticket.number
    person_id = by.id if by is not None else None
    text = said or texts.WHY[why]
    await notes.add(effects.tx, Note(number, effects.now, person_id, "raised", text, level))
    await effects.audit(
        "raised",
        actor=person_id,
        right=right,
        ticket=number,
        before=ticket.level.value,
        after=level.value,
        by=effects.message if isinstance(effects, Context) and by is not None else None,
        why=why.value,
    )
