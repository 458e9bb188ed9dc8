"""The commands that take a ticket through its life: the state table of design/tickets.md.

Rights were checked in routing; here it is checked whose ticket it is and whether the step fits its state. A step
that does not fit changes nothing and says what is possible.
"""

from __future__ import annotations

from datetime import timedelta

from handlers import answers, assignments, callbacks, matching, receipts, results, staff, steps
from handlers.commands import Command
from handlers.context import Context
from handlers.reporters import query, supplement, withdraw
from handlers.rights import Right
from handlers.texts import callbacks as callback_texts
from handlers.texts import tickets as texts
from storage import dialogs, negatives, people
from storage import tickets as rows
from storage.model import Level, Role, Ticket, TicketState, Urgency

__all__ = [
    "accept",
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
    """`受理 S13`: the candidate is a ticket, or what was refused is taken up after all; the clocks start now."""
    ticket = await staff.find(ctx, command, Right.TRIAGE, {TicketState.CANDIDATE})
    if ticket is None:
        return "command"
    if ticket.state not in {TicketState.CANDIDATE, TicketState.REFUSED}:
        return await staff.not_possible(ctx, ticket)
    ack_due, due = steps.deadlines(ctx.policy, ticket.category, ctx.now)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.FILED,
        "accepted",
        right=command.right,
        clock_from=ctx.now,
        ack_due=ack_due,
        due=due,
        **({"filed_at": ctx.now} if ticket.state is TicketState.CANDIDATE else {"closed_at": None, "result": None}),
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    given = await assignments.automatic(ctx, moved)
    if given.state is TicketState.ASSIGNED:
        await ctx.reply(texts.assigned(ticket.id, await staff.owner(ctx, given), ""), ticket=ticket.number)
    else:
        await ctx.reply(texts.accepted(ticket.id, await assignments.usual(ctx, moved)), ticket=ticket.number)
    if moved.room_id != matching.room_id(ctx):
        await receipts.for_reporters(ctx, moved)
    return "command"


async def false_alarm(ctx: Context, command: Command) -> str:
    """`误报 S13`: a candidate goes, and what was wrong about it is learnt from. A ticket that talk was wrongly filed as
    is 不予受理 with the reason 误报: its number was said in public, so it stays.
    Not one that a reporter insisted on: that would pass by the second person of 不受理."""
    ticket = await staff.find(ctx, command, Right.TRIAGE, {TicketState.CANDIDATE})
    if ticket is None:
        return "command"
    learnt = bool(ticket.rules or ticket.terms)
    if ticket.state is TicketState.CANDIDATE:
        await _learn(ctx, ticket)
        await ctx.audit_message(
            "false_alarm", right=command.right, ticket=ticket.number, before=ticket.state.value, after=None
        )
        await rows.delete_candidate(ctx.tx, ticket.number)
    elif ticket.open and ticket.state is not TicketState.CALLBACK and learnt and not ticket.reopened:
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
        await _tell_reporters(ctx, ticket)
    else:
        return await staff.not_possible(ctx, ticket)
    await ctx.reply(texts.false_alarm(ticket.id))
    return "command"


async def _tell_reporters(ctx: Context, ticket: Ticket) -> None:
    """What was taken for an appeal is none: they hear it in private or not at all."""
    reporters = await rows.reporters(ctx.tx, ticket.number)
    line = texts.taken_for_talk(steps.heading_short(ctx.policy, ticket), ticket.id)
    for person in await people.many(ctx.tx, [reporter.person_id for reporter in reporters]):
        if person.opted_out_at is None and (ctx.actor is None or person.id != ctx.actor.id):
            key = f"talk:{ticket.id}:{ticket.version}:{person.id}"
            await ctx.tell(person, line, key=key, ticket=ticket.number)


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


# ---------------------------------------------------------------- those who handle it
async def take(ctx: Context, command: Command) -> str:
    """`接单 S12`, by the owner; an 应急, and what has risen to the departments, also by whoever comes, assigned or
    not."""
    ticket = await staff.find(ctx, command, Right.HANDLE, {TicketState.ASSIGNED})
    if ticket is None:
        return "command"
    person = await ctx.person()
    if ticket.state in _WORKING:
        mine = ticket.owner_id == person.id
        await ctx.reply(texts.taken(ticket.id) if mine else texts.taken_by(ticket.id, await staff.owner(ctx, ticket)))
        return "command"
    untaken = ticket.state in {TicketState.FILED, TicketState.ASSIGNED}
    # 街道吹哨、部门报到: what has risen to the departments is taken by one of them.
    reporting = ticket.level is Level.DEPARTMENT and staff.role(command, ticket) is Role.DEPARTMENT
    urgent = untaken and (ticket.urgency is Urgency.EMERGENCY or reporting)
    owns = ticket.state is TicketState.ASSIGNED and await staff.owns(ctx, ticket)
    if not (urgent or owns):
        if untaken:
            await ctx.reply(texts.not_assigned_to_you(ticket.id, await staff.owner(ctx, ticket)))
            return "command"
        return await staff.not_possible(ctx, ticket)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.ACCEPTED,
        "taken",
        right=command.right,
        skipped=(TicketState.ASSIGNED,) if ticket.state is TicketState.FILED else (),
        owner_role=staff.role(command, ticket),
        owner_id=person.id,
        first_role=staff.role(command, ticket),
        first_id=person.id,
        assigned_at=ticket.assigned_at or ctx.now,
        accepted_at=ctx.now,
        handled_at=None,
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    await ctx.reply(texts.taken(ticket.id), ticket=ticket.number)
    if not await staff.leads(ctx, ticket):
        line = texts.told_taken(steps.heading_inside(ctx.policy, ticket), person.name)
        await steps.inform(ctx, moved, line, key=f"taken:{ticket.id}:{moved.version}")
    return "command"


async def progress(ctx: Context, command: Command) -> str:
    """`处置中 S12 [预计]`, by the owner who accepted it, or the leader for them."""
    ticket = await staff.find(ctx, command, Right.HANDLE, _WORKING)
    if ticket is None:
        return "command"
    if ticket.state not in _WORKING:
        return await staff.not_possible(ctx, ticket)
    if not (await staff.owns(ctx, ticket) or await staff.leads(ctx, ticket)):
        await ctx.reply(texts.not_assigned_to_you(ticket.id, await staff.owner(ctx, ticket)))
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
        return await staff.not_possible(ctx, ticket)
    await ctx.reply(texts.in_progress(ticket.id), ticket=ticket.number)
    return "command"


async def finish(ctx: Context, command: Command) -> str:
    """`办结 S12 结果`: by the owner, or a leader or owner who dealt with it himself, whose skipped steps are recorded.
    The reporters are asked."""
    ticket = await staff.find(ctx, command, Right.HANDLE, _FINISHABLE)
    if ticket is None:
        return "command"
    rewritten = ticket.state is TicketState.CALLBACK and ticket.result is None
    if ticket.state not in _FINISHABLE and not rewritten:
        return await staff.not_possible(ctx, ticket)
    answered = ticket.state in answers.WORKED_ON and ticket.handled_at is not None
    if answered and not command.text and await staff.leads(ctx, ticket):
        await answers.confirm(ctx, ticket, command.right)
        ctx.tickets = (*ctx.tickets, ticket.number)
        await ctx.reply(callback_texts.closed(ticket.id), ticket=ticket.number)
        return "command"
    if not command.text:
        await ctx.reply(texts.finish_how(ticket.id))
        return "command"
    helped = ticket.urgency is Urgency.EMERGENCY and ticket.state is TicketState.FILED
    if not (await staff.owns(ctx, ticket) or await staff.leads(ctx, ticket) or helped):
        await ctx.reply(texts.not_assigned_to_you(ticket.id, await staff.owner(ctx, ticket)))
        return "command"
    ctx.tickets = (*ctx.tickets, ticket.number)
    said = results.read(command.text)
    if rewritten:  # the result was recalled; the reporters have been asked already
        await steps.move(ctx, ticket, ticket.state, "finished", right=command.right, **said)
        await ctx.reply(texts.finished(ticket.id), ticket=ticket.number)
        return "command"
    person = await ctx.person()
    # What the grid took up by itself has nobody to ask.
    asked = bool(await rows.reporters(ctx.tx, ticket.number))
    passed = (TicketState.HANDLED,) if asked else (TicketState.HANDLED, TicketState.CALLBACK)
    moved = await steps.move(
        ctx,
        ticket,
        TicketState.CALLBACK if asked else TicketState.CLOSED,
        "finished",
        right=command.right,
        skipped=(*_FINISHABLE[ticket.state], *passed),
        closed_at=None if asked else ctx.now,
        owner_role=ticket.owner_role or staff.role(command, ticket),
        owner_id=ticket.owner_id or person.id,
        assigned_at=ticket.assigned_at or ctx.now,
        accepted_at=ticket.accepted_at or ctx.now,
        first_role=ticket.first_role or staff.role(command, ticket),
        first_id=ticket.first_id if ticket.first_role is not None else person.id,
        handled_at=ctx.now,
        outcome=None,
        **said,
    )
    if moved is None:
        return await staff.not_possible(ctx, ticket)
    await ctx.reply(texts.finished(ticket.id) if asked else callback_texts.closed(ticket.id), ticket=ticket.number)
    if not await staff.leads(ctx, ticket):
        result = steps.shorten(moved.result or "")
        line = texts.told_finished(steps.heading_inside(ctx.policy, ticket), person.name, result)
        await steps.inform(ctx, moved, line, key=f"finished:{ticket.id}:{ticket.reopened}")
    await callbacks.ask(ctx, moved)
    return "command"
