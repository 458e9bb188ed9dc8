"""What a resident does with their own tickets: 查询 补充 撤回."""

from __future__ import annotations

from collections.abc import Collection

from handlers import matching, merges, merging, receipts, rights, steps, tasks
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import reporters as texts
from handlers.texts import tasks as task_texts
from handlers.texts import tickets as ticket_texts
from handlers.texts.commands import USAGE
from storage import dialogs, outbox, people
from storage import tasks as stored_tasks
from storage import tickets as rows
from storage.engine import purged
from storage.model import OPEN_STATES, Place, Ticket, TicketState, Urgency

MOST_LISTED = 5
QUOTING = ("told", "more", "assigned", "reopened", "raised")  # keys of the lines that carry what was said
_OWN = OPEN_STATES | {TicketState.CANDIDATE}


async def query(ctx: Context, command: Command) -> str:
    """`查询`: one's own open tickets. `查询 S12`: one ticket; of somebody else's the state only."""
    if command.item is not None:
        task = await stored_tasks.get(ctx.tx, command.item)
        line = await tasks.state(ctx, task) if task is not None else ""
        await ctx.reply(line or task_texts.no_such_task(f"J{command.item}"))
        return "command"
    if command.number is None:
        await _list_own(ctx)
        return "command"
    ticket = await rows.get(ctx.tx, command.number)
    own = ticket is not None and await steps.is_reporter(ctx, ticket)
    staff = ticket is not None and rights.allowed(ctx.actor, Right.VIEW, ticket.grid) is not None
    # A candidate is nobody's business but its reporter's and the leader's: to others it is not there.
    if ticket is None or (ticket.state is TicketState.CANDIDATE and not (own or staff)):
        await ctx.reply(labels.no_such_ticket(f"S{command.number}"))
        return "command"
    target = await rows.get(ctx.tx, ticket.merged_into) if ticket.merged_into is not None else None
    state = merges.state_of(ticket, target)
    if not (own or staff):
        await ctx.reply(labels.state_line(ticket.id, state))
    elif ctx.group is not None and steps.discreet(ticket):
        await ctx.reply(labels.state_line(ticket.id, state))
        await ctx.tell(
            await ctx.person(), await _detail(ctx, ticket), key=f"query:{ctx.message.id}", ticket=ticket.number
        )
    else:
        await ctx.reply(await _detail(ctx, target or ticket), ticket=ticket.number)
    return "command"


async def supplement(ctx: Context, command: Command) -> str:
    """`补充 S12 <内容>`, by a reporter or one who answers for it. A neighbour who does so becomes a reporter."""
    ticket = await _own(ctx, command, _OWN)
    if ticket is None:
        return "command"
    if ticket.merged_into is not None:  # what is added to it belongs to the one it went into
        ticket = await rows.get(ctx.tx, ticket.merged_into) or ticket
    own = await steps.is_reporter(ctx, ticket)
    staff = rights.allowed(ctx.actor, Right.HANDLE, ticket.grid) is not None
    if not (own or staff) and (steps.discreet(ticket) or ticket.state is TicketState.CANDIDATE):
        await ctx.reply(texts.not_yours(ticket.id))
        return "command"
    if ticket.state not in _OWN:
        await _not_possible(ctx, ticket)
        return "command"
    if not command.text:
        await ctx.reply(texts.SUPPLEMENT_WHAT)
        return "command"
    after = await merging.add(ctx, ticket, text=command.text, reporting=not staff or own)
    await ctx.reply(texts.supplemented(ticket.id), ticket=ticket.number)
    await receipts.more_to_leaders(ctx, after, command.text)
    return "command"


async def withdraw(ctx: Context, command: Command) -> str:
    """`撤回 S12`, by its only reporter: the text is purged. An 应急 keeps the minimal fact, and a person looks. One of
    several takes back what they said themselves, and it goes on."""
    ticket = await _own(ctx, command, _OWN)
    if ticket is None:
        return "command"
    if not await steps.is_reporter(ctx, ticket):
        await ctx.reply(texts.not_yours(ticket.id))
    elif ticket.merged_into is not None:
        await _leave_both(ctx, ticket, ticket.merged_into)
    elif ticket.state not in _OWN:
        await _not_possible(ctx, ticket)
    elif ticket.reporters > 1:
        await _step_back(ctx, ticket)
        await ctx.reply(texts.not_only_yours(ticket.id, ticket.reporters - 1))
    else:
        await take_back(ctx, ticket, "withdrawn")
        urgent = ticket.urgency is Urgency.EMERGENCY and ticket.state is not TicketState.CANDIDATE
        # Not a word of it, so the line itself need not go with the ticket.
        await ctx.reply(texts.withdrawal_checked(ticket.id) if urgent else texts.withdrawn(ticket.id))
    return "command"


async def take_back(ctx: Context, ticket: Ticket, action: str) -> None:
    """The only reporter takes it back: a candidate is gone, a ticket is 已撤回 without its text, an 应急 stays open
    without its text and its leaders are told."""
    heading = steps.heading_inside(ctx.policy, ticket)
    if ticket.state is TicketState.CANDIDATE:
        await ctx.audit_message(action, ticket=ticket.number, before=ticket.state.value)
        await rows.delete_candidate(ctx.tx, ticket.number)
        return
    await steps.forget(ctx, ticket)
    if ticket.urgency is Urgency.EMERGENCY:
        state = ticket.state.value
        await ctx.audit_message(action, ticket=ticket.number, before=state, after=state, kept=True)
        line, urgent = texts.told_emergency_withdrawn(heading), True
    else:
        await steps.move(ctx, ticket, TicketState.WITHDRAWN, action, closed_at=ctx.now, place=Place())
        await dialogs.close_ticket(ctx.tx, ticket.number)
        line, urgent = texts.told_withdrawn(heading), False
    await steps.inform(ctx, ticket, line, key=f"{action}:{ticket.id}:{ctx.message.id}", urgent=urgent)
    owner = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if owner is not None:
        await ctx.tell(owner, line, key=f"{action}:{ticket.id}:{ctx.message.id}:{owner.id}", ticket=ticket.number)


async def _step_back(ctx: Context, ticket: Ticket) -> None:
    """One of several reporters takes back their own words, and is none any more."""
    person, terms = await ctx.person(), ticket.terms
    for message in await rows.messages(ctx.tx, ticket.number):
        if message.person_id == person.id:
            await rows.drop_message(ctx.tx, ticket.number, message.account, message.message_id)
            terms = tuple(term for term in terms if term not in message.text)
    await rows.drop_reporter(ctx.tx, ticket.number, person.id)
    await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, terms=terms)
    for line_of in QUOTING:  # a question to the others goes out all the same
        await outbox.drop_words(ctx.tx, ticket.number, f"{line_of}:{ticket.id}:")
    purged(ctx.tx)
    await ctx.audit_message("stepped_back", ticket=ticket.number)
    line = texts.told_taken_back(steps.heading_inside(ctx.policy, ticket))
    await steps.inform(ctx, ticket, line, key=f"withdrawn:{ticket.id}:{ctx.message.id}")


async def _leave_both(ctx: Context, ticket: Ticket, into: int) -> None:
    """They take back what they said of a merged ticket: their words go, and the other one is no longer theirs."""
    await _step_back(ctx, ticket)
    target = await rows.get(ctx.tx, into)
    if target is not None:
        await rows.drop_reporter(ctx.tx, target.number, (await ctx.person()).id)
        target = await rows.get(ctx.tx, into) or target
        await ctx.reply(texts.not_only_yours(target.id, target.reporters))


async def _list_own(ctx: Context) -> None:
    own = await rows.of_person(ctx.tx, ctx.actor.id) if ctx.actor is not None else []
    hidden = [ticket for ticket in own if steps.discreet(ticket)] if ctx.group is not None else []
    shown = [ticket for ticket in own if ticket not in hidden]
    lines = [
        labels.state_line(steps.heading(ctx.policy, ticket), labels.STATE[ticket.state])
        for ticket in shown[:MOST_LISTED]
    ]
    if len(shown) > MOST_LISTED:
        lines.append(texts.and_more(len(shown) - MOST_LISTED))
    if hidden and ctx.actor is not None:
        private = "\n".join(
            labels.state_line(steps.heading(ctx.policy, ticket), labels.STATE[ticket.state])
            for ticket in hidden[:MOST_LISTED]
        )
        # That there is something confidential is not said in public either, unless it can be read in private.
        await ctx.tell(ctx.actor, private, key=f"query:{ctx.message.id}")
    await ctx.reply("\n".join(lines) or (texts.NOTHING_OPEN_HERE if ctx.group is not None else texts.NOTHING_OPEN))


async def _detail(ctx: Context, ticket: Ticket) -> str:
    owner = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    label = labels.ROLE[ticket.owner_role] if ticket.owner_role is not None else ""
    if owner is not None and owner.name:
        label = f"{label} {owner.name}".strip()
    due = labels.clock(ticket.due, ctx.policy.timezone) if ticket.open and ticket.due is not None else ""
    result = "" if ctx.group is not None else steps.shorten(ticket.result or "")
    return texts.own_state(steps.heading(ctx.policy, ticket), labels.STATE[ticket.state], label, due, result)


async def _own(ctx: Context, command: Command, states: Collection[TicketState]) -> Ticket | None:
    """The ticket that a command names, or the speaker's only open one; None after saying so."""
    if command.number is not None:
        ticket = await rows.get(ctx.tx, command.number)
        if ticket is None:
            await ctx.reply(labels.no_such_ticket(f"S{command.number}"))
        return ticket
    own = await rows.of_person(ctx.tx, ctx.actor.id, open_only=False) if ctx.actor is not None else []
    here = [
        ticket
        for ticket in own
        if ticket.state in states and (ctx.room is None or ticket.room_id == matching.room_id(ctx))
    ]
    if len(here) == 1:
        return here[0]
    await ctx.reply(labels.which_ticket(USAGE[command.name.value]))
    return None


async def _not_possible(ctx: Context, ticket: Ticket) -> None:
    hint = ticket_texts.NEXT[TicketState.CLOSED].format(id=ticket.id) if ticket.state is TicketState.CLOSED else ""
    await ctx.reply(ticket_texts.not_possible(ticket.id, labels.STATE[ticket.state], hint))
