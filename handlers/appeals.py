"""From talk to a ticket: passive capture, `上报`, `@小格 …`, and the photos that belong to it."""

from __future__ import annotations

from handlers import (
    assignments,
    callbacks,
    faq,
    grids,
    matching,
    merging,
    notice_questions,
    proactive,
    receipts,
    steps,
    translate,
)
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import appeals as texts
from nlp import decision as nlp
from nlp import nature
from nlp.contact import mask
from nlp.decision import Decision, Label
from storage import outbox
from storage import tickets as rows
from storage.model import (
    Level,
    Listing,
    MessageKind,
    NewTicket,
    Place,
    Ticket,
    TicketMessage,
    TicketState,
    Urgency,
)


async def capture(ctx: Context) -> str:
    """Passive capture: each matter of the message becomes or joins a ticket or a candidate, or is dropped with its
    reason. Nothing of a dropped message is kept."""
    made: list[int] = []
    matters = [decision for decision in ctx.analysis.decisions if decision.label is not Label.DROP]
    if matters and all(map(_only_asks, matters)) and await notice_questions.asked(ctx):
        return "asked"
    outcomes = [await take(ctx, decision, made) for decision in matters]
    if not outcomes:
        if ctx.analysis.best.reason == "how_to" and await faq.answer(ctx, ctx.analysis.best):
            return "faq"
        follows = await merging.follow(ctx)
        if follows is None and nature.asks(ctx.analysis.text) and await notice_questions.asked(ctx):
            return "asked"
        return follows or ctx.analysis.best.reason or "chat"
    return next(
        (outcome for outcome in ("ticket", "candidate", "reopened", "joined") if outcome in outcomes), outcomes[0]
    )


def _only_asks(decision: Decision) -> bool:
    """A doubtful question: 几点来水. Under a notice it is about that."""
    return decision.label is Label.CANDIDATE and decision.nature is nlp.Nature.INQUIRY


async def addressed(ctx: Context) -> str:
    """`@小格 <内容>`: the classifier lifts what is said to the bot to a candidate at least, unless a veto hits."""
    return await capture(ctx)


async def report(ctx: Context, command: Command) -> str:
    """`上报 <内容>`: never dropped, and answered with its number."""
    if not command.text:
        await ctx.reply(texts.REPORT_WHAT)
        return "command"
    text = command.text  # masked by routing
    decision = ctx.analysis.best
    known = await matching.same_sender(ctx, decision, strict=True) or await matching.same_trouble(ctx, decision)
    if known is None:
        ticket = await file(ctx, decision, TicketState.FILED, text)
        await receipts.to_leaders(ctx, ticket, twin=await _twin(ctx, decision, ticket))
        await proactive.watch(ctx, ticket)
    else:
        ticket = await merging.add(ctx, known, decision, text=text)
        if ticket.state is TicketState.CANDIDATE:
            ticket = await _accept(ctx, ticket)
            await receipts.to_leaders(ctx, ticket)
    await _answer_report(ctx, ticket, joined=known is not None)
    return "command"


async def attach(ctx: Context) -> str:
    """A photo, a film, a wordless voice message or a position of somebody who has just reported something."""
    recent = await matching.fresh(ctx)
    if not recent:
        return "media"
    ticket = recent[0]
    position = mask(ctx.message.text.strip()) if ctx.message.kind is MessageKind.LOCATION else ""
    if position and not ticket.place:
        place = Place(place=position[:40], located_by="text")
        ticket = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, place=place) or ticket
    await merging.add(ctx, ticket, text=position)
    return "joined"


async def take(ctx: Context, decision: Decision, made: list[int]) -> str:
    """One matter of the message: joins what is known, reopens what came back, or is filed. `made`: what this message
    filed itself; the classifier held its matters for different ones."""
    if await matching.called_for_help(ctx, decision):
        return "call"
    known = await matching.same_sender(ctx, decision, but=made) or await matching.same_trouble(ctx, decision, but=made)
    if known is not None:
        await merging.add(ctx, known, decision, text=ctx.analysis.text)
        return "joined"
    again = await matching.come_back(ctx, decision)
    if again is not None and again.number not in made:
        if await callbacks.reopen(ctx, again, ctx.analysis.text) is not None:
            await receipts.reopened(ctx, again)
        return "reopened"
    state = TicketState.FILED if decision.label is Label.TICKET else TicketState.CANDIDATE
    if not made and await faq.answer(ctx, decision):
        return "faq"
    ticket = await file(ctx, decision, state, ctx.analysis.text)
    made.append(ticket.number)
    await receipts.filed(ctx, ticket, twin=await _twin(ctx, decision, ticket))
    if state is TicketState.FILED:
        await proactive.watch(ctx, ticket)
    return "ticket" if state is TicketState.FILED else "candidate"


async def file(
    ctx: Context, decision: Decision, state: TicketState, text: str, *, grid: str | None = None, alone: bool = False
) -> Ticket:
    """Make a ticket or a candidate of this message and, unless it stands `alone`, of what its sender showed just before
    it. `grid`: where it is another one than the message tells."""
    person, message = await ctx.person(), ctx.message
    room_id = ctx.room.id if ctx.room is not None else None
    category = steps.category(ctx.policy, decision.category)
    ack_due, due = steps.deadlines(ctx.policy, decision.category, message.sent_at)
    filed = state is TicketState.FILED
    ticket = await rows.file(
        ctx.tx,
        NewTicket(
            state=state,
            category=decision.category,
            urgency=translate.URGENCY[decision.urgency],
            nature=translate.NATURE[decision.nature],
            level=Level.GRID,
            grid=grid or await grid_of(ctx),
            room_id=room_id,
            place=translate.place(decision.location),
            confidential=decision.confidential or category.confidential,
            reported_at=message.sent_at,
            filed_at=ctx.now,
            ack_due=ack_due if filed else None,
            due=due if filed else None,
            score=decision.score,
            rules=decision.rules,
            terms=decision.terms,
            lexicon=ctx.analysis.lexicon,
            listed=Listing.DEMAND if decision.nature is nlp.Nature.SUGGESTION else None,
        ),
    )
    await rows.add_message(
        ctx.tx,
        TicketMessage(
            ticket=ticket.number,
            account=message.account,
            message_id=message.id,
            room_id=room_id,
            person_id=person.id,
            kind=message.kind,
            sent_at=message.sent_at,
            text=text,
        ),
    )
    contact = ctx.analysis.phones[0] if filed and ctx.analysis.phones else None
    await rows.add_reporter(
        ctx.tx, ticket.number, person.id, room_id, message.sent_at, nick=mask(message.nick), contact=contact
    )
    ctx.tickets = (*ctx.tickets, ticket.number)
    await ctx.audit_message("filed" if filed else "candidate", ticket=ticket.number, after=state.value)
    ticket = await rows.get(ctx.tx, ticket.number) or ticket
    if not alone:
        ticket = await merging.earlier(ctx, ticket)
    return await assignments.automatic(ctx, ticket)


async def _accept(ctx: Context, ticket: Ticket) -> Ticket:
    """A candidate whose reporter now says `上报` is one no longer."""
    ack_due, due = steps.deadlines(ctx.policy, ticket.category, ticket.reported_at)
    moved = await steps.move(ctx, ticket, TicketState.FILED, "filed", filed_at=ctx.now, ack_due=ack_due, due=due)
    return moved or ticket


async def _answer_report(ctx: Context, ticket: Ticket, *, joined: bool) -> None:
    if steps.discreet(ticket) or ticket.urgency is Urgency.EMERGENCY:
        await receipts.to_reporter(ctx, ticket)
        return
    if joined and ticket.reporters > 1:
        await ctx.reply(texts.joined_report(ticket.id), ticket=ticket.number)
        return
    await outbox.drop(ctx.tx, f"ack:{ticket.id}")  # the answer to the command says the same, now
    await receipts.answer(ctx, ticket)


async def grid_of(ctx: Context) -> str | None:
    """Whose it is: the room's grid; in a private chat the one that is named, that of the person's last ticket, that of
    their own grant, or the only community there is."""
    if ctx.room is not None:
        return ctx.room.grid
    named = await grids.named(ctx.tx, ctx.analysis.text)
    if named is not None:
        return named
    if ctx.actor is not None:
        for ticket in await rows.of_person(ctx.tx, ctx.actor.id, open_only=False):
            if ticket.grid is not None:
                return ticket.grid
    return ctx.grid or await grids.only_community(ctx.tx)


async def _twin(ctx: Context, decision: Decision, ticket: Ticket) -> str:
    """The id of an open ticket that may be the same trouble, for a person to look at."""
    found = await matching.maybe_same(ctx, decision, but=(ticket.number,))
    return found.id if found is not None else ""
