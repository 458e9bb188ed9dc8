"""Who deals with a ticket: 派单 (also anew), 退回, and the owners that the deployment has named for each category.

首接负责: the first owner answers for a ticket until another one accepts it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from handlers import staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.rights import Right
from handlers.texts import appeals as appeal_texts
from handlers.texts import tickets as texts
from handlers.texts.commands import USAGE
from storage import notes, owners, people, rooms
from storage import tickets as rows
from storage.model import Note, Person, PostKind, Role, Ticket, TicketState, Urgency

_WAITING = frozenset({TicketState.FILED, TicketState.ASSIGNED})


async def assign(ctx: Context, command: Command) -> str:
    """`派单 S12 物业 [时限]`: the one with that role over the ticket's grid owns it and is told what to type.

    Also of one that somebody has accepted, where it was the wrong one or cannot come: the limits go on as they were,
    and whoever had it hears of it."""
    ticket = await staff.find(ctx, command, Right.ASSIGN, _WAITING)
    if ticket is None:
        return "command"
    if command.role is None:
        await ctx.reply(texts.assign_to_whom(ticket.id))
        return "command"
    accepted = ticket.state is TicketState.ACCEPTED
    if ticket.state not in _WAITING and not accepted:
        return await staff.not_possible(ctx, ticket)
    persons = await candidates(ctx, command.role, ticket.grid, command.text)
    for grid in await rows.reached(ctx.tx, ticket.number) if not persons else ():
        persons = persons or await candidates(ctx, command.role, grid, command.text)
    holders = await _holders(ctx, ticket)
    if accepted and (not persons or any(holder in persons for holder in holders)):
        keeps = texts.stays_with if persons else texts.nobody_instead
        await ctx.reply(keeps(ticket.id, await staff.owner(ctx, ticket), labels.ROLE[command.role]))
        return "command"
    limit = ctx.now + command.span if command.span is not None else None
    # A longer time than the category allows is the next level's to give (延期), not the one who assigns.
    due = min((moment for moment in (ticket.due, limit) if moment is not None), default=None)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.ASSIGNED,
        "assigned",
        right=command.right,
        detail={"role": command.role.value, "owner": persons[0].id if len(persons) == 1 else None},
        due=due,
        accepted_at=None,
        **_owned(ctx, ticket, command.role, persons),
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    label = labels.ROLE[command.role] + (f" {persons[0].name}" if len(persons) == 1 and persons[0].name else "")
    until = labels.clock(due, ctx.policy.timezone) if due is not None and limit is not None else ""
    told = await tell(ctx, moved, persons, command.text)
    if told:
        line = texts.assigned(ticket.id, label, until)
    else:
        line = texts.assigned_untold(ticket.id, label) if persons else texts.assigned_to_nobody(ticket.id, label)
    await ctx.reply(line, ticket=ticket.number)
    await _tell_former(ctx, moved, [holder for holder in holders if holder not in persons], label)
    return "command"


async def _holders(ctx: Context, ticket: Ticket) -> list[Person]:
    """Those who have it, or were told to accept it."""
    if ticket.owner_id is not None:
        return await people.many(ctx.tx, [ticket.owner_id])
    return await candidates(ctx, ticket.owner_role, ticket.grid, "") if ticket.owner_role is not None else []


async def _tell_former(ctx: Context, ticket: Ticket, former: Collection[Person], owner: str) -> None:
    by = await ctx.person()
    for person in former:
        if person.id != by.id:
            still = staff.answers_for(person, ticket)
            line = texts.told_reassigned(steps.heading_inside(ctx.policy, ticket), by.name, owner, still=still)
            key = f"reassigned:{ticket.id}:{ticket.version}:{person.id}"
            await ctx.tell(person, line, key=key, ticket=ticket.number, urgent=ticket.urgency is Urgency.EMERGENCY)


async def candidates(ctx: Effects, role: Role, grid: str | None, note: str, *, org: str | None = None) -> list[Person]:
    """Those with the role (of one 单位, where it is given) whose scope is the narrowest around the grid; the one who is
    named, where one is."""
    if grid is None:
        return []
    persons = await people.with_role(ctx.tx, (role,), grid)
    if org is not None:
        members = await owners.members(ctx.tx, org)
        persons = [person for person in persons if person.id in members]
    named = [person for person in persons if person.name and person.name in note]
    narrowest = max((_width(person, role, grid) for person in persons), default=0)
    return named or [person for person in persons if _width(person, role, grid) == narrowest]


def _width(person: Person, role: Role, grid: str) -> int:
    return max(
        (len(grant.scope) for grant in person.grants if grant.role is role and grid.startswith(grant.scope)), default=0
    )


async def tell(ctx: Effects, ticket: Ticket, persons: Collection[Person], note: str) -> bool:
    """Tell its owners what it is and what to type; in the leader room those who cannot be reached in private."""
    reporters = await rows.reporters(ctx.tx, ticket.number)
    nick = reporters[0].nick if reporters and not steps.discreet(ticket) else ""
    due = labels.clock(ticket.due, ctx.policy.timezone) if ticket.due is not None else ""
    words = await steps.words(ctx, ticket)
    line = texts.told_assigned(steps.heading_inside(ctx.policy, ticket), ticket.id, nick, words, due, note)
    urgent = ticket.urgency is Urgency.EMERGENCY
    key = f"assigned:{ticket.id}:{ticket.version}"
    told = False
    for owner in persons:
        told |= await ctx.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number, urgent=urgent)
    if not told and persons and ticket.grid is not None:
        room = await rooms.leader_room(ctx.tx, ticket.grid)
        if room is not None:
            told = await ctx.post(room, line, PostKind.PRIVATE, key=f"{key}:room{room.id}", ticket=ticket.number)
    return told


async def automatic(effects: Effects, ticket: Ticket) -> Ticket:
    """Give a new ticket to the owner that the deployment has named for its category, where there is one who can be
    found. What is confidential is for a person to hand on."""
    entry = await owners.find(effects.tx, ticket.category, ticket.grid)
    if entry is None or ticket.grid is None or ticket.state is not TicketState.FILED or steps.discreet(ticket):
        return ticket
    if entry.person_id is not None:
        one = await people.get(effects.tx, entry.person_id)
        persons = [one] if one is not None else []
    else:
        persons = await candidates(effects, entry.role, ticket.grid, "", org=entry.org)
    if not persons:
        return ticket
    fields = _owned(effects, ticket, entry.role, persons)
    detail = {"role": entry.role.value, "owner": fields["owner_id"], "automatic": True}
    moved = await steps.move(effects, ticket, TicketState.ASSIGNED, "assigned", automatic=True, detail=detail, **fields)
    if moved is None:
        return ticket
    await tell(effects, moved, persons, "")
    return moved


async def usual(effects: Effects, ticket: Ticket) -> str:
    """Who usually deals with it, as a leader types it: by the deployment's own list, else by the category."""
    entry = await owners.find(effects.tx, ticket.category, ticket.grid)
    return labels.ROLE[entry.role] if entry is not None else appeal_texts.owner_hint(ticket.category)


def _owned(effects: Effects, ticket: Ticket, role: Role, persons: Sequence[Person]) -> dict[str, Any]:
    """The fields by which a ticket is theirs."""
    owner_id = persons[0].id if len(persons) == 1 else None
    first = {"first_role": role, "first_id": owner_id} if ticket.first_role is None else {}
    return {"owner_role": role, "owner_id": owner_id, "assigned_at": effects.now, "handled_at": None, **first}


async def give_back(ctx: Context, command: Command) -> str:
    """`退回 S12 理由`, by the owner before accepting it: 受理 once more, and the leader is told why."""
    ticket = await staff.find(ctx, command, Right.HANDLE, {TicketState.ASSIGNED})
    if ticket is None:
        return "command"
    if ticket.state is not TicketState.ASSIGNED:
        return await staff.not_possible(ctx, ticket)
    if not await staff.holds(ctx, ticket):  # who had it first cannot give back what another has now
        await ctx.reply(texts.not_assigned_to_you(ticket.id, await staff.owner(ctx, ticket)))
        return "command"
    if not command.text:
        await ctx.reply(texts.give_a_reason(USAGE[command.name.value], ticket.id))
        return "command"
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.FILED,
        "returned",
        right=command.right,
        owner_role=None,
        owner_id=None,
        assigned_at=None,
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    person = await ctx.person()
    await notes.add(ctx.tx, Note(ticket.number, ctx.now, person.id, "returned", command.text))
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.reply(texts.returned(ticket.id), ticket=ticket.number)
    first = await staff.first_owner(ctx, moved)
    line = texts.told_returned(
        steps.heading_inside(ctx.policy, moved), ticket.id, person.name, steps.shorten(command.text), first
    )
    await steps.inform(
        ctx, moved, line, key=f"returned:{ticket.id}:{moved.version}", urgent=ticket.urgency is Urgency.EMERGENCY
    )
    return "command"
