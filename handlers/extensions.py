"""延期: more time for a ticket that is being worked on.

Within the limit of its category its owner takes it; beyond that the level above must agree, by the same command."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers import clocks, escalation, staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import extensions as texts
from handlers.texts import tickets as ticket_texts
from storage import notes
from storage.model import Note, Ticket, TicketState

_WORKING = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


async def extend(ctx: Context, command: Command) -> str:
    """`延期 S12 2天 理由`: the ticket is due later, and 处置中."""
    ticket = await staff.find(ctx, command, Right.HANDLE, _WORKING)
    if ticket is None:
        return "command"
    if ticket.state not in _WORKING:
        return await staff.not_possible(ctx, ticket)
    over = escalation.is_above(ctx.actor, ticket)
    if not (await staff.owns(ctx, ticket) or await staff.leads(ctx, ticket) or over):
        await ctx.reply(ticket_texts.not_assigned_to_you(ticket.id, await staff.owner(ctx, ticket)))
        return "command"
    if command.span is None or not command.text:
        await ctx.reply(texts.extend_how(ticket.id))
        return "command"
    clock = steps.category(ctx.policy, ticket.category).clock
    due = clocks.due(max(ticket.due or ctx.now, ctx.now), command.span, clock, ctx.policy)
    # What the category allows, counted anew after a reopening.
    limit = steps.deadlines(ctx.policy, ticket.category, steps.started(ticket))[1]
    if limit is not None and due > limit and not over:
        return await _ask(ctx, ticket, command, due)
    return await _grant(ctx, ticket, command, due)


async def _grant(ctx: Context, ticket: Ticket, command: Command, due: datetime) -> str:
    minutes = round((due - (ticket.due or ctx.now)) / timedelta(minutes=1))
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.IN_PROGRESS,
        "extended",
        right=command.right,
        detail={"minutes": minutes},
        due=due,
        handled_at=None,
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    person = await ctx.person()
    await notes.add(ctx.tx, Note(ticket.number, ctx.now, person.id, "extended", command.text))
    ctx.tickets = (*ctx.tickets, ticket.number)
    until = labels.clock(due, ctx.policy.timezone)
    await ctx.reply(texts.extended(ticket.id, until), ticket=ticket.number)
    line = texts.told_extended(steps.heading_inside(ctx.policy, moved), person.name, until, steps.shorten(command.text))
    await staff.inform_others(ctx, moved, line, key=f"extended:{ticket.id}:{moved.version}")
    return "command"


async def _ask(ctx: Context, ticket: Ticket, command: Command, due: datetime) -> str:
    """Nothing changes until somebody of the level above types the same."""
    person = await ctx.person()
    await notes.add(ctx.tx, Note(ticket.number, ctx.now, person.id, "extension_asked", command.text))
    await ctx.audit_message("extension_asked", right=command.right, ticket=ticket.number)
    assert command.span is not None  # noqa: S101  # checked by the caller
    level = escalation.watching(ticket)
    line = texts.told_extension(
        steps.heading_inside(ctx.policy, ticket),
        ticket.id,
        person.name,
        texts.span(command.span / DAY, command.span / HOUR),
        labels.clock(due, ctx.policy.timezone),
        steps.shorten(command.text),
    )
    key = f"extension:{ticket.id}:{ctx.message.id}"
    told = await steps.tell_level(ctx, ticket, line, key=key, level=level)
    say = texts.extension_asked if told else texts.extension_unheard
    await ctx.reply(say(ticket.id, labels.LEVEL[level]), ticket=ticket.number)
    return "command"
