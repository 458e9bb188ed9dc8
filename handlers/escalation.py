"""A ticket rises: `吹哨`, an expired clock, a second reopening; and 督办, by which the level above watches over it.

网格 → 社区 → 街道 → 部门, one step at a time. Only an 应急 skips one: its community was told at once, so from the grid
it rises to the street.
"""

from __future__ import annotations

from enum import StrEnum

from handlers import staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.rights import Right
from handlers.texts import escalation as texts
from storage import notes
from storage import tickets as rows
from storage.model import OPEN_STATES, Level, Note, Person, Role, Ticket, TicketState, Urgency


class Why(StrEnum):
    """What raised a ticket."""

    WHISTLE = "whistle"  # 吹哨
    ACK = "ack"  # nobody answered in time
    FEEDBACK = "feedback"  # no first result in time
    VERIFY = "verify"  # not verified in time
    CLOSE = "close"  # not finished in time
    REOPENED = "reopened"  # twice not solved
    SPREAD = "spread"  # it is all over the community


_WORKED_ON = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})


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
        level,
        said,
        by.name if by is not None else "",
        await steps.words(effects, raised),
        await staff.owner(effects, raised) if raised.state in _WORKED_ON else "",
    )
    urgent = raised.urgency is Urgency.EMERGENCY
    key = f"raised:{raised.id}:{raised.version}"
    told = await steps.tell_level(effects, raised, line, key=key, urgent=urgent)
    if not told and why in {Why.WHISTLE, Why.SPREAD}:  # of an expired clock the leaders hear anyway
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


# --- the commands ---
# Who stands above a level. The street has nobody above it here, and 街道吹哨、部门报到: what is with a department is
# watched by the street that called it.
_WATCHING = {
    Level.GRID: Level.COMMUNITY,
    Level.COMMUNITY: Level.STREET,
    Level.STREET: Level.STREET,
    Level.DEPARTMENT: Level.STREET,
}
_ABOVE = {
    Level.COMMUNITY: frozenset({Role.COMMUNITY, Role.STREET}),
    Level.STREET: frozenset({Role.STREET}),
}
# How far up a role may blow the whistle: from its own level.
_RANK = {
    Role.MICRO_LEADER: Level.GRID,
    Role.GRID_WORKER: Level.GRID,
    Role.COMMUNITY: Level.COMMUNITY,
    Role.STREET: Level.STREET,
    Role.DEPARTMENT: Level.DEPARTMENT,
}


def is_above(person: Person | None, ticket: Ticket) -> bool:
    """Whether somebody belongs to the level above the ticket's."""
    return person is not None and person.covers(ticket.grid, *_ABOVE[watching(ticket)])


def watching(ticket: Ticket) -> Level:
    """The level that watches over the ticket's."""
    return _WATCHING[ticket.level]


async def whistle(ctx: Context, command: Command) -> str:
    """`吹哨 S12 [理由]`: one level up, none skipped: from a level above one's own it is for that level to go on."""
    ticket = await staff.find(ctx, command, Right.ESCALATE, OPEN_STATES)
    if ticket is None:
        return "command"
    if not ticket.open or ticket.state is TicketState.CALLBACK:
        return await staff.not_possible(ctx, ticket)
    if above(ticket) is None:
        await ctx.reply(texts.at_the_top(ticket.id, labels.LEVEL[ticket.level]))
        return "command"
    role = staff.role(command, ticket)
    rank = _RANK.get(role, Level.GRID) if role is not None else Level.GRID
    if steps.LEVELS.index(rank) < steps.LEVELS.index(ticket.level):
        await ctx.reply(texts.whistle_from_there(ticket.id, labels.LEVEL[ticket.level]))
        return "command"
    person = await ctx.person()
    raised = await raise_level(ctx, ticket, Why.WHISTLE, person, said=command.text, right=command.right)
    if raised is None:
        return await staff.not_possible(ctx, ticket)
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.whistled(ticket.id, labels.LEVEL[raised.level]), ticket=ticket.number)
    return "command"


async def supervise(ctx: Context, command: Command) -> str:
    """`督办 S12`, by the level above: it stands first everywhere, and those who handle it hear of it."""
    ticket = await staff.find(ctx, command, Right.SUPERVISE, OPEN_STATES)
    if ticket is None:
        return "command"
    if not ticket.open:
        return await staff.not_possible(ctx, ticket)
    if not is_above(ctx.actor, ticket):
        await ctx.reply(texts.supervise_from_above(ticket.id, labels.LEVEL[watching(ticket)]))
        return "command"
    if ticket.flagged:
        await ctx.reply(texts.supervised_already(ticket.id))
        return "command"
    moved = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, flagged=True)
    assert moved is not None, "read in this transaction"  # noqa: S101
    person, state = await ctx.person(), ticket.state.value
    if command.text:
        await notes.add(ctx.tx, Note(ticket.number, ctx.now, person.id, "supervised", command.text))
    await ctx.audit_message("supervised", right=command.right, ticket=ticket.number, before=state, after=state)
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.supervised(ticket.id), ticket=ticket.number)
    line = texts.told_supervised(steps.heading_inside(ctx.policy, moved), person.name, command.text)
    key, urgent = f"supervised:{ticket.id}:{moved.version}", ticket.urgency is Urgency.EMERGENCY
    await steps.inform(ctx, moved, line, key=key, urgent=urgent)
    await staff.tell_owner(ctx, moved, line, key=key)
    return "command"
