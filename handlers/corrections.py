"""改类 and 改址: what a ticket is about and where it is, put right by a person."""

from __future__ import annotations

from collections.abc import Mapping

from handlers import assignments, receipts, staff, steps, translate
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import corrections as texts
from nlp import location
from nlp.categories import Category
from nlp.normalize import normalise
from storage import outbox
from storage import tickets as rows
from storage.model import OPEN_STATES, TicketState, Urgency

_CORRECTABLE = OPEN_STATES | {TicketState.CANDIDATE}
_MOST_OFFERED = 5


async def recategorize(ctx: Context, command: Command) -> str:
    """`改类 S12 供水`: the category, with its urgency and its limits. What was confidential by its category alone is so
    no more; what is confidential now is so at once."""
    ticket = await staff.find(ctx, command, Right.CORRECT, _CORRECTABLE)
    if ticket is None:
        return "command"
    if ticket.state not in _CORRECTABLE:
        return await staff.not_possible(ctx, ticket)
    code, near = named(ctx.policy.categories, command.text)
    if code is None:
        await ctx.reply(texts.which_category(ticket.id, near))
        return "command"
    old, new = steps.category(ctx.policy, ticket.category), ctx.policy.categories[code]
    if code == ticket.category:
        hidden = ctx.group is not None and steps.discreet(ticket)
        await ctx.reply(texts.of_that_category(ticket.id, "" if hidden else new.short_name), ticket=ticket.number)
        return "command"
    urgency = translate.URGENCY[new.urgency]
    fields: dict[str, object] = {"category": code, "urgency": urgency}
    fields["confidential"] = new.confidential or (ticket.confidential and not old.confidential)
    if ticket.state is not TicketState.CANDIDATE:
        started = steps.started(ticket)
        fields["ack_due"], fields["due"] = steps.deadlines(ctx.policy, code, started)
    moved = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, **fields)
    assert moved is not None, "read in this transaction"  # noqa: S101
    state = ticket.state.value
    await ctx.audit_message(
        "recategorized",
        right=command.right,
        ticket=ticket.number,
        before=state,
        after=state,
        was=ticket.category,
        now=code,
    )
    ctx.tickets = (*ctx.tickets, ticket.number)
    if steps.discreet(moved):
        await outbox.drop(ctx.tx, f"ack:{ticket.id}")
    due = labels.clock(moved.due, ctx.policy.timezone) if moved.due is not None else ""
    public = ctx.group is not None and steps.discreet(moved)
    await ctx.reply(texts.recategorized(ticket.id, "" if public else new.short_name, due), ticket=ticket.number)
    if urgency is Urgency.EMERGENCY and ticket.urgency is not Urgency.EMERGENCY and moved.open:
        await receipts.to_leaders(ctx, moved)
        return "command"
    line = texts.told_recategorized(steps.heading_inside(ctx.policy, moved), old.short_name)
    await staff.inform_others(ctx, moved, line, key=f"recategorized:{ticket.id}:{moved.version}")
    await assignments.automatic(ctx, moved)
    return "command"


def named(categories: Mapping[str, Category], text: str) -> tuple[str | None, list[str]]:
    """The code that a text stands for (a code, 供水, 设施维修/供水), or None and names that come near it."""
    wanted = text.strip().strip("。.!！")
    if wanted in categories:
        return wanted, []
    exact = [code for code, each in categories.items() if wanted in {each.name, each.short_name}]
    if len(exact) == 1:
        return exact[0], []
    near = [code for code, each in categories.items() if wanted and wanted in each.name]
    if len(near) == 1:
        return near[0], []
    return None, [categories[code].short_name for code in (exact or near)[:_MOST_OFFERED]]


async def relocate(ctx: Context, command: Command) -> str:
    """`改址 S12 3栋2单元`: the whole place is what is typed now."""
    ticket = await staff.find(ctx, command, Right.CORRECT, _CORRECTABLE)
    if ticket is None:
        return "command"
    if ticket.state not in _CORRECTABLE:
        return await staff.not_possible(ctx, ticket)
    text = command.text.strip()
    if not text:
        await ctx.reply(texts.relocate_how(ticket.id))
        return "command"
    place = translate.place(location.locate(normalise(text)))
    if not place:
        await ctx.reply(texts.relocate_unclear(ticket.id))
        return "command"
    moved = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, place=place)
    assert moved is not None, "read in this transaction"  # noqa: S101
    state = ticket.state.value
    await ctx.audit_message("relocated", right=command.right, ticket=ticket.number, before=state, after=state)
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.relocated(ticket.id, labels.where(place)), ticket=ticket.number)
    line = texts.told_relocated(steps.heading_inside(ctx.policy, moved))
    await staff.inform_others(ctx, moved, line, key=f"relocated:{ticket.id}:{moved.version}")
    return "command"
