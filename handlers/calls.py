"""网格呼叫、党员先到: members who are on duty near a place are called to it in private, and the first who answers goes.

What they read is where and what kind of trouble it is, never what was said.
"""

from __future__ import annotations

from handlers import points, rights, staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import calls as texts
from handlers.texts.commands import USAGE
from storage import calls, duty, people
from storage import tickets as rows
from storage.model import OPEN_STATES, DutyKind, Person, Role, Ticket
from storage.points import PointAction

HELPERS = (Role.PARTY_MEMBER, Role.VOLUNTEER, Role.BUILDING_LEADER, Role.MOBILE_WORKER)
MOST_CALLED = 20


async def call(ctx: Context, command: Command) -> str:
    """`呼叫 S12`: everybody on duty for calls there; where nobody is, whoever helps there, the nearest first."""
    ticket = await staff.find(ctx, command, Right.CALL, OPEN_STATES)
    if ticket is None:
        return "command"
    if not ticket.open:
        return await staff.not_possible(ctx, ticket)
    if steps.discreet(ticket):
        await ctx.reply(texts.CALL_DISCREET)
        return "command"
    going = await calls.get(ctx.tx, ticket.number)
    if going is not None and going.accepted_by is not None:
        await ctx.reply(texts.called_already(ticket.id, await _name(ctx, going.accepted_by)))
        return "command"
    line = texts.told_call(steps.heading(ctx.policy, ticket), ticket.id)
    told = 0
    for person in (await _near(ctx, ticket))[:MOST_CALLED]:
        told += await ctx.tell(
            person, line, key=f"call:{ticket.id}:{ctx.message.id}:{person.id}", ticket=ticket.number, urgent=True
        )
    if not told:
        await ctx.reply(texts.nobody_to_call(ticket.id))
        return "command"
    await calls.put(ctx.tx, ticket.number, told, ctx.now)
    await ctx.audit_message("called", right=command.right, ticket=ticket.number, people=told)
    await ctx.reply(texts.called(ticket.id, told), ticket=ticket.number)
    return "command"


async def respond(ctx: Context, command: Command) -> str:
    """`应答 S12`: the first who says so goes, and the leaders hear who it is; the others hear that somebody does."""
    ticket = await rows.get(ctx.tx, command.number) if command.number is not None else None
    if ticket is None:
        named = command.number is not None
        await ctx.reply(labels.no_such_ticket(f"S{command.number}") if named else labels.which_ticket(USAGE["应答"]))
        return "command"
    going = await calls.get(ctx.tx, ticket.number)
    if going is None or not ticket.open:
        await ctx.reply(texts.not_called(ticket.id))
        return "command"
    person = await ctx.person()
    if not await calls.accept(ctx.tx, ticket.number, person.id, ctx.now):
        mine = going.accepted_by == person.id
        other = "" if mine or going.accepted_by is None else await _name(ctx, going.accepted_by)
        heading = steps.heading(ctx.policy, ticket)
        await ctx.reply(texts.call_yours(ticket.id, heading) if mine else texts.called_already(ticket.id, other))
        return "command"
    state = ticket.state.value
    await ctx.audit_message("responded", right=command.right, ticket=ticket.number, before=state, after=state)
    await points.earn(ctx, person.id, PointAction.CALL, ticket.id, ticket.grid)
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.call_yours(ticket.id, steps.heading(ctx.policy, ticket)), ticket=ticket.number)
    line = texts.told_call_taken(steps.heading_inside(ctx.policy, ticket), person.name)
    await steps.inform(ctx, ticket, line, key=f"responded:{ticket.id}:{person.id}")
    return "command"


async def _near(ctx: Context, ticket: Ticket) -> list[Person]:
    if ticket.grid is None:
        return []
    grids = list(dict.fromkeys([*await rows.reached(ctx.tx, ticket.number), ticket.grid]))
    found = {each.id: each for grid in grids for each in await duty.on_duty(ctx.tx, DutyKind.CALL, grid, ctx.now)}
    if not found:
        found = {each.id: each for grid in grids for each in await people.with_role(ctx.tx, HELPERS, grid)}
    return [
        person
        for person in found.values()
        if any(rights.allowed(person, Right.ANSWER, grid) is not None for grid in grids)
    ]


async def _name(ctx: Context, person_id: int) -> str:
    person = await people.get(ctx.tx, person_id)
    return person.name if person is not None else ""
