"""What the commands of leaders and owners share: the search for the ticket, whose it is, and what else is possible."""

from __future__ import annotations

from collections.abc import Collection

from handlers import rights, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.rights import Right
from handlers.texts import tickets as texts
from handlers.texts.commands import USAGE
from storage import people
from storage import tickets as rows
from storage.model import Person, Role, Ticket, TicketState, Urgency


async def find(ctx: Context, command: Command, right: Right, states: Collection[TicketState]) -> Ticket | None:
    """The ticket that a command names, or the only one that it can mean here; None after saying so."""
    if command.number is not None:
        ticket = await rows.get(ctx.tx, command.number)
        if ticket is None:
            await ctx.reply(labels.no_such_ticket(f"S{command.number}"))
        return ticket
    person = await ctx.person()
    scopes = [grant.scope for grant in person.grants if right in rights.TABLE[grant.role]]
    fitting = [
        ticket
        for ticket in await rows.in_scope(ctx.tx, scopes, states)
        if ctx.group is None or ticket.room_id == ctx.group.id
    ]
    if len(fitting) == 1:
        return fitting[0]
    await ctx.reply(labels.which_ticket(USAGE[command.name.value]))
    return None


async def right_over(ctx: Context, right: Right, ticket: Ticket) -> str | None:
    """The grant that gives the speaker the right over a ticket, `role:scope`; None: denied. A ticket that has spread
    is each one's whose grid it has reached."""
    held = rights.allowed(ctx.actor, right, ticket.grid)
    if held is None:
        found = (rights.allowed(ctx.actor, right, grid) for grid in await _grids(ctx, ticket))
        held = next((grant for grant in found if grant is not None), None)
    return held


async def owns(ctx: Context, ticket: Ticket) -> bool:
    """Whether the speaker has it, or while nobody has accepted it, had it first."""
    return ctx.actor is not None and (answers_for(ctx.actor, ticket) or await holds(ctx, ticket))


async def holds(ctx: Context, ticket: Ticket) -> bool:
    """The owner, or somebody of the same role over the grid: the work is the company's, not the man's."""
    if ctx.actor is None or ticket.owner_role is None:
        return False
    if ticket.owner_id == ctx.actor.id:
        return True
    return any(ctx.actor.covers(grid, ticket.owner_role) for grid in await _grids(ctx, ticket))


async def leads(ctx: Context, ticket: Ticket) -> bool:
    """Whether the speaker leads where it is."""
    return await right_over(ctx, Right.ASSIGN, ticket) is not None


async def _grids(ctx: Effects, ticket: Ticket) -> list[str]:
    """Its grid, and those that it has spread over."""
    if ticket.grid is None:
        return []
    return [ticket.grid, *(grid for grid in await rows.reached(ctx.tx, ticket.number) if grid.startswith(ticket.grid))]


def answers_for(person: Person, ticket: Ticket) -> bool:
    """首接负责: whether this is the first owner of a ticket that nobody has accepted since."""
    if ticket.accepted_at is not None or ticket.first_role is None:
        return False
    if ticket.first_id is not None:
        return ticket.first_id == person.id
    return person.covers(ticket.grid, ticket.first_role)


async def tell_owner(ctx: Context, ticket: Ticket, text: str, *, key: str) -> None:
    """Tell its owner, unless it is the speaker; where nobody has it, the one who had it first."""
    owner_id = ticket.owner_id
    if ticket.owner_role is None and ticket.accepted_at is None:
        owner_id = ticket.first_id
    person = await people.get(ctx.tx, owner_id) if owner_id is not None else None
    if person is not None and (ctx.actor is None or person.id != ctx.actor.id):
        urgent = ticket.urgency is Urgency.EMERGENCY
        await ctx.tell(person, text, key=f"{key}:{person.id}", ticket=ticket.number, urgent=urgent)


async def inform_others(ctx: Context, ticket: Ticket, text: str, *, key: str) -> None:
    """Tell its owner and those who lead there of what somebody did, but not the one who did it."""
    if not await leads(ctx, ticket):
        await steps.inform(ctx, ticket, text, key=key, urgent=ticket.urgency is Urgency.EMERGENCY)
    await tell_owner(ctx, ticket, text, key=key)


async def first_owner(effects: Effects, ticket: Ticket) -> str:
    """Who answers for it until another one accepts it, as people call them."""
    person = await people.get(effects.tx, ticket.first_id) if ticket.first_id is not None else None
    if person is not None and person.name:
        return person.name
    return labels.ROLE[ticket.first_role] if ticket.first_role is not None else ""


def role(command: Command, ticket: Ticket) -> Role | None:
    """As what the speaker acts: the role of the right that routing found."""
    return Role(command.right.partition(":")[0]) if command.right else ticket.owner_role


async def owner(ctx: Effects, ticket: Ticket) -> str:
    """Who has it, as people call them."""
    person = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if person is not None and person.name:
        return person.name
    return labels.ROLE[ticket.owner_role] if ticket.owner_role is not None else ""


async def not_possible(ctx: Context, ticket: Ticket) -> str:
    """Say where the ticket stands (as it is now) and what is possible from there."""
    now = await rows.get(ctx.tx, ticket.number) or ticket
    hint = texts.NEXT.get(now.state, "").format(id=now.id, into=f"S{now.merged_into}")
    await ctx.reply(texts.not_possible(now.id, labels.STATE[now.state], hint))
    return "command"
