"""三张清单: 需求, 资源, 项目. A suggestion stands on the list of demands by itself; the rest is put there by people."""

from __future__ import annotations

from handlers import rights, staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import lists as texts
from storage import listed
from storage import tickets as rows
from storage.model import OPEN_STATES, Listing

MOST_LINES = 8


async def manage(ctx: Context, command: Command) -> str:
    """`清单`, `清单 资源`, `清单 资源 会议室周末可用`, `清单 S12 项目`, `清单 S12 移出`."""
    if command.number is not None:
        return await _move(ctx, command)
    scope = (command.right or "").partition(":")[2]
    if not command.code:
        counts = [(labels.LISTING[listing], len(await _lines(ctx, listing, scope))) for listing in Listing]
        await ctx.reply(texts.list_counts(counts))
        return "command"
    listing = labels.LISTING_BY_LABEL[command.code]
    if command.text:
        if rights.allowed(ctx.actor, Right.CORRECT, scope) is None:
            await ctx.audit_message("denied", command=command.name.name)
            return "denied"
        person = await ctx.person()
        await listed.add(ctx.tx, listing, scope, command.text, person_id=person.id, at=ctx.now)
        await ctx.audit_message("listed", right=command.right, listing=listing.value, scope=scope)
        await ctx.reply(texts.list_added(labels.LISTING[listing]))
        return "command"
    lines = await _lines(ctx, listing, scope)
    await ctx.reply("\n".join(lines[:MOST_LINES]) or texts.list_empty(labels.LISTING[listing]))
    return "command"


async def _move(ctx: Context, command: Command) -> str:
    ticket = await staff.find(ctx, command, Right.CORRECT, OPEN_STATES)
    if ticket is None:
        return "command"
    if await staff.right_over(ctx, Right.CORRECT, ticket) is None:
        await ctx.audit_message("denied", ticket=ticket.number, command=command.name.name)
        return "denied"
    listing = labels.LISTING_BY_LABEL.get(command.code)  # None: 移出
    moved = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, listed=listing)
    assert moved is not None, "read in this transaction"  # noqa: S101
    await ctx.audit_message(
        "listed", right=command.right, ticket=ticket.number, listing=listing.value if listing is not None else None
    )
    await ctx.reply(texts.list_moved(ticket.id, labels.LISTING[listing] if listing is not None else ""))
    return "command"


async def _lines(ctx: Context, listing: Listing, scope: str) -> list[str]:
    """Tickets by their headings, then what is no ticket. Nothing confidential."""
    tickets = [ticket for ticket in await rows.listed(ctx.tx, listing, scope) if not steps.discreet(ticket)]
    headings = [labels.state_line(steps.heading(ctx.policy, each), labels.STATE[each.state]) for each in tickets]
    return headings + await listed.items(ctx.tx, listing, scope)
