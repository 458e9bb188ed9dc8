"""What is kept of somebody, said to them alone, and erased when they ask: 我的信息 删除我的信息 确认删除."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handlers import points, signup_erasure, steps, supplies, topics, wishes, worklog
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.reporters import QUOTING
from handlers.texts import people as texts
from handlers.texts import reporters as reporter_texts
from handlers.texts import worklog as worklog_texts
from storage import alerts, erasure, outbox, people, questions
from storage import tickets as rows
from storage import worklog as noted_work
from storage.engine import purged
from storage.model import Person, Place, Role, Ticket, TicketState, Urgency
from storage.questions import Question

CONFIRM_WITHIN = timedelta(minutes=10)
_STEP = "erase"


async def show(ctx: Context, _command: Command) -> str:
    """`我的信息`: at most six lines, in private; in a group it is only said where they are."""
    person = ctx.actor
    if person is None:
        await ctx.reply(texts.NOTHING_KEPT)
        return "command"
    kept = await erasure.kept(ctx.tx, person.id)
    own = await rows.numbered(ctx.tx, kept.tickets)
    candidates = sum(ticket.state is TicketState.CANDIDATE for ticket in own)
    line = texts.kept(
        still_open=sum(ticket.open for ticket in own),
        closed=sum(not ticket.open for ticket in own) - candidates,
        candidates=candidates,
        contact=kept.contact,
        nick=person.nick,
        heard=person.opted_out_at is None,
        named_to=ctx.policy.named_to,
        office=_office(person),
        also=await _also(ctx, person),
    )
    await ctx.reply_privately(line, key=f"kept:{ctx.message.account}:{ctx.message.id}")
    return "command"


async def ask(ctx: Context, _command: Command) -> str:
    """`删除我的信息`: asks once, for ten minutes. Where there is nothing but a nick there is nothing to ask about."""
    person = ctx.actor
    if person is None:
        await ctx.reply(texts.NOTHING_KEPT)
        return "command"
    kept = await erasure.kept(ctx.tx, person.id)
    if not kept.tickets and not await _also(ctx, person):
        await _erase(ctx, person, ())
        return "command"
    await questions.ask(ctx.tx, Question(person.id, _STEP, "", None, ctx.now, ctx.now + CONFIRM_WITHIN))
    await ctx.audit_message("erasure_asked")
    await ctx.reply(texts.ERASE_SURE)
    return "command"


async def confirm(ctx: Context, command: Command) -> str:
    """`确认删除` in answer to that. Without the question it is talk."""
    person = ctx.actor
    if person is None or not await questions.open_for(ctx.tx, person.id, _STEP, ctx.now):
        if not command.explicit:
            return "chat"
        await ctx.reply(texts.ERASE_NOT_ASKED)
        return "command"
    await _erase(ctx, person, (await erasure.kept(ctx.tx, person.id)).tickets)
    return "command"


async def _also(ctx: Context, person: Person) -> list[str]:
    """What there is of them besides their tickets, in words."""
    kept = await erasure.kept(ctx.tx, person.id)
    shared = texts.kept_shared(kept.topics, kept.votes, kept.supplies)
    work = worklog_texts.kept(await noted_work.noted(ctx.tx, person.id), await points.kept(ctx, person))
    every = [await signup_erasure.kept(ctx, person), await wishes.kept(ctx, person), shared, work]
    return [words for words in every if words]


def _office(person: Person) -> str:
    """The roles that the registry gives them, in words; empty for a resident."""
    return "、".join(labels.ROLE[role] for role in labels.ROLE if role in person.roles and role is not Role.RESIDENT)


async def _erase(ctx: Context, person: Person, numbers: tuple[int, ...]) -> None:
    """Erase what they said and who they are. Of people in the registry their office stays, and the reasons that they
    gave for what they did in it."""
    office = _office(person)
    await erasure.false_alarms(ctx.tx, person.id)
    await signup_erasure.erase(ctx, person)
    await wishes.erase(ctx, person)
    await topics.erase(ctx, person)
    await supplies.erase(ctx, person)
    await worklog.erase(ctx, person)
    await points.erase(ctx, person)
    left = [await _take_out(ctx, ticket, person) for ticket in await rows.numbered(ctx.tx, numbers)]
    for line in list(ctx.window.of_sender(ctx.message.sender, ctx.now - ctx.policy.join_for)):
        ctx.window.remove(line.message_id)
    silent = person.opted_out_at is not None
    if office:
        await questions.close(ctx.tx, person.id, _STEP, "")
    else:
        await erasure.resident(ctx.tx, person, silent=silent)
    await ctx.audit_message("erased", tickets=len(numbers), office=bool(office))
    for ticket in left:
        if ticket is not None:
            await _tell(ctx, ticket, person)
    await ctx.reply(texts.erased(len(numbers), office=office, silent=silent))


async def _take_out(ctx: Context, ticket: Ticket, person: Person) -> Ticket | None:
    """Their part of one ticket goes; of one that was theirs alone every word, and the place but for the building. What
    is left of it where somebody has to hear of that; an 应急 keeps its place: help must find it."""
    reporters = [reporter.person_id for reporter in await rows.reporters(ctx.tx, ticket.number)]
    said = [message.text for message in await rows.messages(ctx.tx, ticket.number) if message.person_id == person.id]
    alone = reporters == [person.id] and not await alerts.told(ctx.tx, ticket.number)
    if alone and ticket.state is TicketState.CANDIDATE:
        await rows.delete_candidate(ctx.tx, ticket.number)
        return None
    terms = tuple(term for term in ticket.terms if not any(term in text for text in said))
    place = ticket.place
    if alone:
        await steps.forget(ctx, ticket)
        terms = ()
    else:
        for line_of in QUOTING:  # what the others are asked goes out all the same
            await outbox.drop_words(ctx.tx, ticket.number, f"{line_of}:{ticket.id}:")
    if not (ticket.open and ticket.urgency is Urgency.EMERGENCY):
        if alone or (reporters[:1] == [person.id] and place.located_by == "nick"):
            place = Place(building=place.building, located_by=place.located_by if place.building else None)
        elif reporters[:1] == [person.id]:
            place = replace(place, floor=None, room=None)  # a home, and most likely theirs
    await erasure.from_ticket(ctx.tx, ticket.number, person.id)
    # The new version is the tombstone for the upward sync: who reads it again finds no words.
    after = await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, terms=terms, place=place)
    purged(ctx.tx)
    return after if after is not None and after.open else None


async def _tell(ctx: Context, ticket: Ticket, person: Person) -> None:
    """Those who handle an open ticket hear that somebody took their data back, without a word of it."""
    heading = steps.heading_inside(ctx.policy, ticket)
    urgent = ticket.urgency is Urgency.EMERGENCY
    others = await alerts.told(ctx.tx, ticket.number) or bool(await rows.reporters(ctx.tx, ticket.number))
    line = reporter_texts.told_erased(heading, others=others, urgent=urgent)
    key = f"erased:{ticket.id}:{ctx.message.id}"
    await steps.inform(ctx, ticket, line, key=key, urgent=urgent)
    owner = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if owner is not None and owner.id != person.id:
        await ctx.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number)
