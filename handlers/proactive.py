"""未诉先办: where several people of one general grid have the same trouble within a week, the grid takes it up itself,
once, with the evidence."""

from __future__ import annotations

from datetime import timedelta

from handlers import assignments, steps
from handlers.context import Context
from handlers.texts import appeals as texts
from nlp import similarity
from storage import notes
from storage import tickets as rows
from storage.model import Level, Nature, NewTicket, Note, Place, Ticket, TicketState, Urgency

ENOUGH = 3  # similar tickets, of as many people
WITHIN = timedelta(days=7)
GENERAL_DIGITS = 15
_TROUBLES = frozenset({Nature.HELP, Nature.COMPLAINT, Nature.REPORT})


async def watch(ctx: Context, ticket: Ticket) -> Ticket | None:
    """Called with each new ticket. The proactive one that it gave rise to, if it did."""
    if ticket.grid is None or len(ticket.grid) < GENERAL_DIGITS or ticket.nature not in _TROUBLES:
        return None
    if not similarity.may_be_shared(ticket.category) or steps.discreet(ticket):
        return None
    category = steps.category(ctx.policy, ticket.category)
    codes = [code for code, each in ctx.policy.categories.items() if each.kin == category.kin]
    grid = ticket.grid[:GENERAL_DIGITS]
    similar = [each for each in await rows.alike(ctx.tx, grid, codes, ctx.now - WITHIN) if not steps.discreet(each)]
    if any(each.proactive for each in similar):
        return None
    reported = [each for each in similar if each.nature in _TROUBLES]
    if len(reported) < ENOUGH:
        return None
    # One person with many complaints is not yet a trouble of the grid.
    people = {first.person_id for each in reported for first in (await rows.reporters(ctx.tx, each.number))[:1]}
    if len(people) < ENOUGH:
        return None
    evidence = [each.id for each in reported]
    ack_due, due = steps.deadlines(ctx.policy, ticket.category, ctx.now)
    made = await rows.file(
        ctx.tx,
        NewTicket(
            state=TicketState.FILED,
            category=ticket.category,
            urgency=ticket.urgency,
            nature=Nature.HELP,
            level=Level.GRID,
            grid=grid,
            room_id=None,
            place=Place(),
            confidential=False,
            reported_at=ctx.now,
            filed_at=ctx.now,
            ack_due=ack_due,
            due=due,
            proactive=True,
        ),
    )
    await notes.add(ctx.tx, Note(made.number, ctx.now, None, "evidence", "、".join(evidence)))
    await ctx.audit("proactive", actor=None, ticket=made.number, after=made.state.value, similar=len(evidence))
    owner = await assignments.usual(ctx, made)
    line = texts.told_proactive(steps.heading(ctx.policy, made), made.id, evidence, WITHIN.days, owner)
    urgent = made.urgency is Urgency.EMERGENCY
    await steps.inform(ctx, made, line, key=f"proactive:{made.id}", urgent=urgent)
    return made
