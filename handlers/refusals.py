"""不受理: an appeal that is not taken up, for a reason of the list. The reporters are told why and may object; the
second refusal of the same ticket needs another person."""

from __future__ import annotations

from handlers import callbacks, staff, steps
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import refusals as texts
from storage import audit, dialogs, notes
from storage.model import OPEN_STATES, Note, Ticket, TicketState

REFUSED = "refused"  # the action in the chain


async def refuse(ctx: Context, command: Command) -> str:
    """`不受理 S12 理由`: any open ticket → 不予受理."""
    ticket = await staff.find(ctx, command, Right.REFUSE, OPEN_STATES)
    if ticket is None:
        return "command"
    if not ticket.open:
        return await staff.not_possible(ctx, ticket)
    reason = next((word for word in texts.REFUSALS if command.text.startswith(word)), None)
    if reason is None:
        await ctx.reply(texts.refuse_how(ticket.id))
        return "command"
    person = await ctx.person()
    if person.id in await _refused_by(ctx, ticket):
        await ctx.reply(texts.refuse_another_person(ticket.id))
        return "command"
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.REFUSED,
        REFUSED,
        right=command.right,
        closed_at=ctx.now,
        result=command.text,
        out_of_remit=True if reason == texts.OUT_OF_REMIT else ticket.out_of_remit,
        founded=False if reason == texts.UNFOUNDED else ticket.founded,
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    await notes.add(ctx.tx, Note(ticket.number, ctx.now, person.id, REFUSED, command.text))
    await dialogs.close_ticket(ctx.tx, ticket.number)
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.refused(ticket.id), ticket=ticket.number)
    line = texts.refusal(steps.heading_short(ctx.policy, moved), ticket.id, reason)
    await callbacks.announce(ctx, moved, line, key=f"refused:{ticket.id}:{moved.version}")
    told = texts.told_refused(steps.heading_inside(ctx.policy, moved), person.name, steps.shorten(command.text))
    await staff.inform_others(ctx, moved, told, key=f"refusal:{ticket.id}:{moved.version}")
    return "command"


async def _refused_by(ctx: Context, ticket: Ticket) -> set[int | None]:
    """Who has refused it before."""
    trail = await audit.of_ticket(ctx.tx, ticket.number)
    return {entry.actor for entry in trail if entry.action == REFUSED}
