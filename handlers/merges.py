"""合并 and 撤并: two tickets turn out to be one trouble, or not to be.

The one that goes into the other keeps its messages and its history; its reporters hear of the other one's result.
Taking them apart gives both back what they had.
"""

from __future__ import annotations

from handlers import callbacks, staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import merges as texts
from storage import merges
from storage import tickets as rows
from storage.model import OPEN_STATES, Merge, Ticket, TicketState, Urgency


async def merge(ctx: Context, command: Command) -> str:
    """`合并 S12 S15`: S15 is part of S12 from now on."""
    if command.number is None or command.other is None:
        await ctx.reply(texts.MERGE_HOW)
        return "command"
    ticket, other = await rows.get(ctx.tx, command.number), await rows.get(ctx.tx, command.other)
    if ticket is None or other is None:
        await ctx.reply(labels.no_such_ticket(f"S{command.number if ticket is None else command.other}"))
        return "command"
    if await staff.right_over(ctx, Right.CORRECT, other) is None:
        await ctx.audit_message("denied", ticket=other.number, command=command.name.name)
        return "denied"
    hindrance = _hindrance(ticket, other)
    if hindrance is not None:
        await ctx.reply(hindrance)
        return "command"
    for each in (ticket, other):
        if not each.open:
            return await staff.not_possible(ctx, each)
    return await _merge(ctx, command, ticket, other)


def _hindrance(ticket: Ticket, other: Ticket) -> str | None:
    """Why these two cannot be one, whatever their states."""
    if ticket.number == other.number:
        return texts.MERGE_ITSELF
    if steps.discreet(ticket) != steps.discreet(other):
        return texts.merge_discreet(ticket.id, other.id)
    if other.urgency is Urgency.EMERGENCY and ticket.urgency is not Urgency.EMERGENCY:
        return texts.merge_emergency(ticket.id, other.id)
    return None


async def _merge(ctx: Context, command: Command, ticket: Ticket, other: Ticket) -> str:
    moved = await steps.move(
        ctx,
        other,
        TicketState.MERGED,
        "merged",
        right=command.right,
        detail={"into": ticket.number},
        merged_into=ticket.number,
        closed_at=ctx.now,
    )
    if moved is None:
        return await staff.not_possible(ctx, other)
    await merges.put(ctx.tx, Merge(other.number, ticket.number, other.state, ticket.grid, ctx.now))
    grid = steps.common(ticket.grid, other.grid)
    kept = await rows.update(ctx.tx, ticket.number, expect=OPEN_STATES, at=ctx.now, grid=grid) or ticket
    state = ticket.state.value
    await ctx.audit_message(
        "merged_in", right=command.right, ticket=ticket.number, before=state, after=state, other=other.number
    )
    await callbacks.unask(ctx, other)
    ctx.tickets = (*ctx.tickets, ticket.number, other.number)
    await ctx.reply(texts.merged(ticket.id, other.id), ticket=ticket.number)
    line = texts.told_merged(steps.heading_inside(ctx.policy, kept), ticket.id, other.id)
    await staff.inform_others(ctx, moved, line, key=f"merged:{other.id}:{moved.version}")
    return "command"


async def unmerge(ctx: Context, command: Command) -> str:
    """`撤并 S15`: both as before."""
    other = await staff.find(ctx, command, Right.CORRECT, {TicketState.MERGED})
    if other is None:
        return "command"
    merge_ = await merges.of(ctx.tx, other.number)
    ticket = await rows.get(ctx.tx, merge_.target) if merge_ is not None else None
    if merge_ is None or ticket is None or other.state is not TicketState.MERGED:
        await ctx.reply(texts.not_merged(other.id, labels.STATE[other.state]))
        return "command"
    if await staff.right_over(ctx, Right.CORRECT, ticket) is None:
        await ctx.audit_message("denied", ticket=ticket.number, command=command.name.name)
        return "denied"
    if ticket.state is TicketState.MERGED:
        await ctx.reply(texts.unmerge_first(ticket.id, other.id))
        return "command"
    await merges.undo(ctx.tx, merge_)
    moved = await steps.move(
        ctx,
        other,
        merge_.state,
        "unmerged",
        right=command.right,
        detail={"from": ticket.number},
        merged_into=None,
        closed_at=None,
    )
    assert moved is not None, "read in this transaction"  # noqa: S101
    # The scope that the merge widened; what spread further since then stays as it is.
    grid = merge_.grid if ticket.grid == steps.common(merge_.grid, other.grid) else ticket.grid
    await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, grid=grid)
    state = ticket.state.value
    await ctx.audit_message(
        "merged_out", right=command.right, ticket=ticket.number, before=state, after=state, other=other.number
    )
    ctx.tickets = (*ctx.tickets, ticket.number, other.number)
    await ctx.reply(texts.unmerged(ticket.id, other.id), ticket=ticket.number)
    line = texts.told_unmerged(steps.heading_inside(ctx.policy, moved), ticket.id)
    await staff.inform_others(ctx, moved, line, key=f"unmerged:{other.id}:{moved.version}")
    return "command"


def state_of(ticket: Ticket, target: Ticket | None) -> str:
    """How a ticket stands, in a word; a merged one as the one it went into."""
    if target is None:
        return labels.STATE[ticket.state]
    return texts.in_merged(labels.STATE[ticket.state], target.id, labels.STATE[target.state])
