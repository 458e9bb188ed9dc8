"""The commands that take a ticket through its life: the state table of design/tickets.md.

Rights were checked in routing; here it is checked whose ticket it is and whether the step fits its state. A step
that does not fit changes nothing and says what is possible.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from handlers import callbacks, matching, receipts, rights, steps, texts
from handlers.commands import Command
from handlers.context import Context
from handlers.reporters import query, supplement, withdraw
from handlers.rights import Right
from storage import dialogs, negatives, people, rooms
from storage import tickets as rows
from storage.model import (
    Person,
    PostKind,
    Role,
    RoomKind,
    Ticket,
    TicketState,
    Urgency,
)

__all__ = [
    "accept",
    "assign",
    "false_alarm",
    "finish",
    "progress",
    "query",
    "supplement",
    "take",
    "withdraw",
]

RECALLABLE = timedelta(minutes=5)  # WeChat allows two
_WORKING = frozenset({TicketState.ACCEPTED, TicketState.IN_PROGRESS})
_FINISHABLE = {
    TicketState.FILED: (TicketState.ASSIGNED, TicketState.ACCEPTED),
    TicketState.ASSIGNED: (TicketState.ACCEPTED,),
    TicketState.ACCEPTED: (),
    TicketState.IN_PROGRESS: (),
}


# ---------------------------------------------------------------- leaders
async def accept(ctx: Context, command: Command) -> str:
    """`受理 S13`: the candidate is a ticket; the clocks start now."""
    ticket = await _of_staff(ctx, command, Right.TRIAGE, {TicketState.CANDIDATE})
    if ticket is None:
        return "command"
    if ticket.state is not TicketState.CANDIDATE:
        return await _not_possible(ctx, ticket)
    ack_due, due = steps.deadlines(ctx.policy, ticket.category, ctx.now)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.FILED,
        "accepted",
        right=command.right,
        filed_at=ctx.now,
        ack_due=ack_due,
        due=due,
    )
    if moved is None:
        return await _not_possible(ctx, ticket)
    await ctx.reply(texts.accepted(ticket.id, texts.owner_hint(ticket.category)), ticket=ticket.number)
    if moved.room_id != matching.room_id(ctx):
        await receipts.for_reporters(ctx, moved)
    return "command"


async def false_alarm(ctx: Context, command: Command) -> str:
    """`误报 S13`: a candidate goes, and what was wrong about it is learnt from. A ticket that talk was wrongly filed as
    is 不予受理 with the reason 误报: its number was said in public, so it stays."""
    ticket = await _of_staff(ctx, command, Right.TRIAGE, {TicketState.CANDIDATE})
    if ticket is None:
        return "command"
    learnt = bool(ticket.rules or ticket.terms)
    if ticket.state is TicketState.CANDIDATE:
        await _learn(ctx, ticket)
        await ctx.audit_message(
            "false_alarm", right=command.right, ticket=ticket.number, before=ticket.state.value, after=None
        )
        await rows.delete_candidate(ctx.tx, ticket.number)
    elif ticket.open and ticket.state is not TicketState.CALLBACK and learnt:
        await _learn(ctx, ticket)
        await steps.move(
            ctx,
            ticket,
            TicketState.REFUSED,
            "false_alarm",
            right=command.right,
            result=texts.FALSE_ALARM,
            closed_at=ctx.now,
        )
        await dialogs.close_ticket(ctx.tx, ticket.number)
    else:
        return await _not_possible(ctx, ticket)
    await ctx.reply(texts.false_alarm(ticket.id))
    return "command"


async def _learn(ctx: Context, ticket: Ticket) -> None:
    """Keep what made it look like an appeal. Words that can still be recalled are not kept: a recall would find no
    message to take them from."""
    messages = await rows.messages(ctx.tx, ticket.number)
    kept = [message.text for message in messages if message.text and ctx.now - message.sent_at > RECALLABLE]
    await negatives.add(
        ctx.tx,
        at=ctx.now,
        rules=ticket.rules,
        terms=ticket.terms,
        lexicon=ticket.lexicon,
        category=ticket.category,
        text=" ".join(kept),
    )


async def assign(ctx: Context, command: Command) -> str:
    """`派单 S12 物业 [时限]`: the one with that role over the ticket's grid owns it and is told what to type."""
    states = {TicketState.FILED, TicketState.ASSIGNED}
    ticket = await _of_staff(ctx, command, Right.ASSIGN, states)
    if ticket is None:
        return "command"
    if command.role is None:
        await ctx.reply(texts.assign_to_whom(ticket.id))
        return "command"
    if ticket.state not in states:
        return await _not_possible(ctx, ticket)
    owners = await _owners(ctx, command.role, ticket.grid, command.text)
    limit = ctx.now + command.span if command.span is not None else None
    # A longer time than the category allows is the next level's to give (延期), not the one who assigns.
    due = min((moment for moment in (ticket.due, limit) if moment is not None), default=None)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.ASSIGNED,
        "assigned",
        right=command.right,
        detail={"role": command.role.value, "owner": owners[0].id if len(owners) == 1 else None},
        owner_role=command.role,
        owner_id=owners[0].id if len(owners) == 1 else None,
        assigned_at=ctx.now,
        handled_at=None,
        due=due,
    )
    if moved is None:
        return await _not_possible(ctx, ticket)
    label = texts.ROLE[command.role] + (f" {owners[0].name}" if len(owners) == 1 and owners[0].name else "")
    until = texts.clock(due, ctx.policy.timezone) if due is not None and limit is not None else ""
    told = await _tell_owners(ctx, moved, owners, command.text)
    if told:
        line = texts.assigned(ticket.id, label, until)
    else:
        line = texts.assigned_untold(ticket.id, label) if owners else texts.assigned_to_nobody(ticket.id, label)
    await ctx.reply(line, ticket=ticket.number)
    return "command"


async def _owners(ctx: Context, role: Role, grid: str | None, note: str) -> list[Person]:
    """Those with the role whose scope is the narrowest around the grid; the one who is named, where one is."""
    if grid is None:
        return []
    persons = await people.with_role(ctx.tx, (role,), grid)
    named = [person for person in persons if person.name and person.name in note]
    narrowest = max((_width(person, role, grid) for person in persons), default=0)
    return named or [person for person in persons if _width(person, role, grid) == narrowest]


def _width(person: Person, role: Role, grid: str) -> int:
    return max(
        (len(grant.scope) for grant in person.grants if grant.role is role and grid.startswith(grant.scope)), default=0
    )


async def _tell_owners(ctx: Context, ticket: Ticket, owners: Collection[Person], note: str) -> bool:
    reporters = await rows.reporters(ctx.tx, ticket.number)
    nick = reporters[0].nick if reporters and not steps.discreet(ticket) else ""
    due = texts.clock(ticket.due, ctx.policy.timezone) if ticket.due is not None else ""
    words = await steps.words(ctx, ticket)
    line = texts.told_assigned(steps.heading_inside(ctx.policy, ticket), ticket.id, nick, words, due, note)
    urgent = ticket.urgency is Urgency.EMERGENCY
    key = f"assigned:{ticket.id}:{ticket.version}"
    told = False
    for owner in owners:
        told |= await ctx.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number, urgent=urgent)
    if not told and owners and ticket.grid is not None:
        room = await rooms.leader_room(ctx.tx, ticket.grid)
        if room is not None:
            told = await ctx.post(room, line, PostKind.PRIVATE, key=f"{key}:room{room.id}", ticket=ticket.number)
    return told


# ---------------------------------------------------------------- those who handle it
async def take(ctx: Context, command: Command) -> str:
    """`接单 S12`, by the owner; for 应急 also by whoever deals with it, assigned or not."""
    ticket = await _of_staff(ctx, command, Right.HANDLE, {TicketState.ASSIGNED})
    if ticket is None:
        return "command"
    person = await ctx.person()
    if ticket.state in _WORKING:
        mine = ticket.owner_id == person.id
        await ctx.reply(texts.taken(ticket.id) if mine else texts.taken_by(ticket.id, await _owner(ctx, ticket)))
        return "command"
    urgent = ticket.urgency is Urgency.EMERGENCY and ticket.state in {TicketState.FILED, TicketState.ASSIGNED}
    owns = ticket.state is TicketState.ASSIGNED and _owns(ctx, ticket)
    if not (urgent or owns):
        if ticket.state in {TicketState.FILED, TicketState.ASSIGNED}:
            await ctx.reply(texts.not_assigned_to_you(ticket.id, await _owner(ctx, ticket)))
            return "command"
        return await _not_possible(ctx, ticket)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.ACCEPTED,
        "taken",
        right=command.right,
        skipped=(TicketState.ASSIGNED,) if ticket.state is TicketState.FILED else (),
        owner_role=_role(command, ticket),
        owner_id=person.id,
        assigned_at=ticket.assigned_at or ctx.now,
        accepted_at=ctx.now,
        handled_at=None,
    )
    if moved is None:
        return await _not_possible(ctx, ticket)
    await ctx.reply(texts.taken(ticket.id), ticket=ticket.number)
    if not _leads(ctx, ticket):
        line = texts.told_taken(steps.heading_inside(ctx.policy, ticket), person.name)
        await steps.inform(ctx, moved, line, key=f"taken:{ticket.id}:{moved.version}")
    return "command"


async def progress(ctx: Context, command: Command) -> str:
    """`处置中 S12 [预计]`, by the owner who accepted it, or the leader for them."""
    ticket = await _of_staff(ctx, command, Right.HANDLE, _WORKING)
    if ticket is None:
        return "command"
    if ticket.state not in _WORKING:
        return await _not_possible(ctx, ticket)
    if not (_owns(ctx, ticket) or _leads(ctx, ticket)):
        await ctx.reply(texts.not_assigned_to_you(ticket.id, await _owner(ctx, ticket)))
        return "command"
    ctx.tickets = (*ctx.tickets, ticket.number)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.IN_PROGRESS,
        "in_progress",
        right=command.right,
        estimate=command.text or ticket.estimate,
        handled_at=None,
    )
    if moved is None:
        return await _not_possible(ctx, ticket)
    await ctx.reply(texts.in_progress(ticket.id), ticket=ticket.number)
    return "command"


async def finish(ctx: Context, command: Command) -> str:
    """`办结 S12 结果`: by the owner, or a leader or owner who dealt with it himself, whose skipped steps are recorded.
    The reporters are asked."""
    ticket = await _of_staff(ctx, command, Right.HANDLE, _FINISHABLE)
    if ticket is None:
        return "command"
    rewritten = ticket.state is TicketState.CALLBACK and ticket.result is None
    if ticket.state not in _FINISHABLE and not rewritten:
        return await _not_possible(ctx, ticket)
    if not command.text:
        await ctx.reply(texts.finish_how(ticket.id))
        return "command"
    helped = ticket.urgency is Urgency.EMERGENCY and ticket.state is TicketState.FILED
    if not (_owns(ctx, ticket) or _leads(ctx, ticket) or helped):
        await ctx.reply(texts.not_assigned_to_you(ticket.id, await _owner(ctx, ticket)))
        return "command"
    ctx.tickets = (*ctx.tickets, ticket.number)
    if rewritten:  # the result was recalled; the reporters have been asked already
        await steps.move(ctx, ticket, ticket.state, "finished", right=command.right, result=command.text)
        await ctx.reply(texts.finished(ticket.id), ticket=ticket.number)
        return "command"
    person = await ctx.person()
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.CALLBACK,
        "finished",
        right=command.right,
        skipped=(*_FINISHABLE[ticket.state], TicketState.HANDLED),
        owner_role=ticket.owner_role or _role(command, ticket),
        owner_id=ticket.owner_id or person.id,
        assigned_at=ticket.assigned_at or ctx.now,
        accepted_at=ticket.accepted_at or ctx.now,
        handled_at=ctx.now,
        result=command.text,
        outcome=None,
    )
    if moved is None:
        return await _not_possible(ctx, ticket)
    await ctx.reply(texts.finished(ticket.id), ticket=ticket.number)
    if not _leads(ctx, ticket):
        line = texts.told_finished(steps.heading_inside(ctx.policy, ticket), person.name, steps.shorten(command.text))
        await steps.inform(ctx, moved, line, key=f"finished:{ticket.id}:{ticket.reopened}")
    await callbacks.ask(ctx, moved)
    return "command"


# ---------------------------------------------------------------- shared
async def _of_staff(ctx: Context, command: Command, right: Right, states: Collection[TicketState]) -> Ticket | None:
    """The ticket that a command names, or the only one that it can mean here; None after saying so."""
    if command.number is not None:
        ticket = await rows.get(ctx.tx, command.number)
        if ticket is None:
            await ctx.reply(texts.no_such_ticket(f"S{command.number}"))
        return ticket
    person = await ctx.person()
    scopes = [grant.scope for grant in person.grants if right in rights.TABLE[grant.role]]
    fitting = [
        ticket
        for ticket in await rows.in_scope(ctx.tx, scopes, states)
        if ctx.room is None or ctx.room.kind is RoomKind.LEADER or ticket.room_id == ctx.room.id
    ]
    if len(fitting) == 1:
        return fitting[0]
    await ctx.reply(texts.which_ticket(texts.USAGE[command.name.value]))
    return None


def _owns(ctx: Context, ticket: Ticket) -> bool:
    """The owner, or somebody of the same role over the grid: the work is the company's, not the man's."""
    if ctx.actor is None:
        return False
    if ticket.owner_id == ctx.actor.id:
        return True
    return ticket.owner_role is not None and ctx.actor.covers(ticket.grid, ticket.owner_role)


def _leads(ctx: Context, ticket: Ticket) -> bool:
    return rights.allowed(ctx.actor, Right.ASSIGN, ticket.grid) is not None


def _role(command: Command, ticket: Ticket) -> Role | None:
    """As what the speaker acts: the role of the right that routing found."""
    return Role(command.right.partition(":")[0]) if command.right else ticket.owner_role


async def _owner(ctx: Context, ticket: Ticket) -> str:
    """Who has it, as people call them."""
    person = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if person is not None and person.name:
        return person.name
    return texts.ROLE[ticket.owner_role] if ticket.owner_role is not None else ""


async def _not_possible(ctx: Context, ticket: Ticket) -> str:
    """Say where the ticket stands (as it is now) and what is possible from there."""
    now = await rows.get(ctx.tx, ticket.number) or ticket
    hint = texts.NEXT.get(now.state, "").format(id=now.id)
    await ctx.reply(texts.not_possible(now.id, texts.STATE[now.state], hint))
    return "command"
