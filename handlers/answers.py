"""答复即办: somebody who answers for the grid answered in the group, and the asker is content.

The bot proposes to close, the leader is told, and a day later it closes by itself. The proposal is the ticket's
`handled_at` while its state still says that it is being worked on; any step, or a further word of the trouble, takes
it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handlers import rights, steps
from handlers.context import Context, Effects
from handlers.texts import callbacks as texts
from storage import people
from storage import tickets as rows
from storage.model import CallbackOutcome, Ticket, TicketState, Urgency

OBJECTION_FOR = timedelta(hours=24)
WORKED_ON = (TicketState.FILED, TicketState.ASSIGNED, TicketState.ACCEPTED, TicketState.IN_PROGRESS)


async def answered(ctx: Context, own: Sequence[Ticket]) -> Ticket | None:
    """The speaker's ticket, where after their last word of it somebody on duty spoke within the window. No words ever
    close an 应急."""
    if ctx.room is None or ctx.room.grid is None or ctx.actor is None or len(own) != 1:
        return None
    (ticket,) = own
    if ticket.state not in WORKED_ON or ticket.urgency is Urgency.EMERGENCY or steps.discreet(ticket):
        return None
    messages = await rows.messages(ctx.tx, ticket.number)
    last = max((message.sent_at for message in messages if message.person_id == ctx.actor.id), default=None)
    # They went on about it: an answer before that was none.
    since = {line.sender for line in ctx.window.lines if last is not None and line.at > last}
    for sender in since - {ctx.message.sender}:
        speaker = await people.find(ctx.tx, ctx.message.account, sender)
        if speaker is not None and speaker.covers(ctx.room.grid, *rights.STAFF):
            return ticket
    return None


async def propose(ctx: Context, ticket: Ticket) -> None:
    """Note that it was answered, and tell the leader, who may object for a day."""
    ctx.tickets = (*ctx.tickets, ticket.number)
    await steps.move(ctx, ticket, ticket.state, steps.ANSWERED, handled_at=ctx.now)
    line = texts.told_answered(steps.heading_inside(ctx.policy, ticket), ticket.id)
    await steps.inform(ctx, ticket, line, key=f"answered:{ticket.id}:{ticket.version}")


async def confirm(ctx: Context, ticket: Ticket, right: str | None) -> Ticket | None:
    """The leader says that it was answered indeed: closed at once. It stays in the grid."""
    return await steps.move(
        ctx,
        ticket,
        TicketState.CLOSED,
        "closed",
        right=right,
        closed_at=ctx.now,
        result=texts.ANSWERED,
        outcome=CallbackOutcome.SOLVED,
    )


async def close_content(effects: Effects) -> None:
    """A day has passed and nobody objected. It stays in the grid."""
    for state in WORKED_ON:
        for ticket in await rows.in_state_since(effects.tx, state, effects.now - OBJECTION_FOR):
            await steps.move(
                effects,
                ticket,
                TicketState.CLOSED,
                "closed",
                closed_at=effects.now,
                result=texts.ANSWERED,
                outcome=CallbackOutcome.SOLVED,
            )
