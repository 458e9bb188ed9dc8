"""Asking the reporters whether it is solved, and what their answers do: close, reopen, rate."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from handlers import answers, assignments, escalation, matching, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.texts import callbacks as texts
from handlers.texts import reporters as reporter_texts
from handlers.texts import tickets as ticket_texts
from nlp.contact import mask
from nlp.decision import Label, Shape
from storage import dialogs, merges, outbox, people, rooms
from storage import tickets as rows
from storage.model import (
    CallbackOutcome,
    Dialog,
    Person,
    PostKind,
    Ticket,
    TicketMessage,
    TicketState,
    Urgency,
)

CALLBACK = "callback"  # the dialog step
OBJECTION = "objection"  # closed for this person: only a `2` still counts
SECOND_THOUGHTS = timedelta(hours=24)  # after a `1`; later a bare 2 is more likely a vote
DISSATISFIED = 2  # a rating up to this reopens
LEVEL_UP_FROM = 2  # reopenings
_RATEABLE = frozenset({TicketState.CALLBACK, TicketState.CLOSED, TicketState.REFUSED})
SHORTEST_TERM = 2  # a single character such as 人 links nothing


async def ask(effects: Effects, ticket: Ticket) -> None:
    """Ask every reporter once, where they reported, with the words that the handler wrote for the public, if any."""
    for reporter in await rows.reporters(effects.tx, ticket.number):
        question = Dialog(
            person_id=reporter.person_id,
            step=CALLBACK,
            ticket=ticket.number,
            room_id=None if steps.discreet(ticket) else reporter.room_id,
            asked_at=effects.now,
            expires_at=effects.now + effects.policy.callback_for,
        )
        await dialogs.ask(effects.tx, question)
    name = steps.category(effects.policy, ticket.category).short_name
    known_as = texts.with_merged(ticket.id, [f"S{number}" for number in await merges.within(effects.tx, ticket.number)])
    answer = "" if steps.discreet(ticket) else steps.shorten(ticket.public_answer or "")
    line = texts.solved(labels.heading(known_as, name, ""), answer)
    await announce(effects, ticket, line, key=_key(ticket), private=texts.solved(steps.heading(effects.policy, ticket)))


async def announce(effects: Effects, ticket: Ticket, line: str, *, key: str, private: str = "") -> None:
    """Tell every reporter where they reported: in their room with an @ and without a word of what it was about, in
    private (`private`, where it differs) what was told in private or is confidential."""
    here: dict[int, list[Person]] = defaultdict(list)
    for reporter in await rows.reporters(effects.tx, ticket.number):
        person = await people.get(effects.tx, reporter.person_id)
        if person is None:
            continue
        if reporter.room_id is None or steps.discreet(ticket):
            await effects.tell(person, private or line, key=f"{key}:private:{person.id}", ticket=ticket.number)
        else:
            here[reporter.room_id].append(person)
    for room_id, persons in here.items():
        await _announce_in_room(effects, ticket, room_id, persons, line, key=f"{key}:room{room_id}")


async def _announce_in_room(
    effects: Effects, ticket: Ticket, room_id: int, persons: list[Person], text: str, *, key: str
) -> None:
    room = await rooms.get(effects.tx, room_id)
    if room is None:
        return
    aliases = [alias for person in persons for alias in person.aliases if alias.account == room.account]
    line, mentioned = labels.mention_some([mask(alias.nick) for alias in aliases], text)
    mentions = tuple(alias.im_id for alias in aliases[:mentioned])
    await effects.post(room, line, PostKind.CALLBACK, key=key, mentions=mentions, ticket=ticket.number)


async def unreached(effects: Effects, ticket: Ticket) -> None:
    """Nobody answered in time, so it is closed. Silence is no satisfaction: counted apart, and while the matter may be
    reopened a late `2` still says that it is not solved."""
    moved = await steps.move(
        effects,
        ticket,
        TicketState.CLOSED,
        "unreached",
        closed_at=effects.now,
        outcome=CallbackOutcome.UNREACHED,
    )
    if moved is None:
        return
    await dialogs.close_ticket(effects.tx, ticket.number)
    for reporter in await rows.reporters(effects.tx, ticket.number):
        room = None if steps.discreet(ticket) else reporter.room_id
        await _let_object(effects, ticket, reporter.person_id, room, effects.policy.reopen_for)


async def _let_object(effects: Effects, ticket: Ticket, person_id: int, room_id: int | None, span: timedelta) -> None:
    objection = Dialog(
        person_id=person_id,
        step=OBJECTION,
        ticket=ticket.number,
        room_id=room_id,
        asked_at=effects.now,
        expires_at=effects.now + span,
    )
    await dialogs.ask(effects.tx, objection)


def _key(ticket: Ticket) -> str:
    """Of the question: a new one after each reopening."""
    return f"callback:{ticket.id}:{ticket.reopened}"


async def unask(ctx: Context, ticket: Ticket) -> None:
    """It is answered: questions that still wait for a free place in their rooms need not be put."""
    for reporter in await rows.reporters(ctx.tx, ticket.number):
        if reporter.room_id is not None:
            await outbox.drop(ctx.tx, f"{_key(ticket)}:room{reporter.room_id}")


async def answer(ctx: Context, command: Command) -> str:
    """A `1` or `2`: answers this person's open question, else it is nothing."""
    ticket = await _asked_about(ctx, command)
    if ticket is None:
        return "ack"
    if command.text == "1":
        await _content(ctx, ticket)
        await ctx.reply(texts.closed(ticket.id), ticket=ticket.number)
    else:
        await _reopen_with_reply(ctx, ticket, command.remark)
    return "command"


async def awaits(ctx: Context, command: Command) -> bool:
    """Whether there is a question that this answers; with more behind it than a number it may be talk."""
    return await _asked_about(ctx, command) is not None


async def thanks(ctx: Context) -> str:
    """Thanks, or word that it is over, from somebody whose ticket waits for just that: closed, without a reply. While
    it is still being worked on, those who do are told to look."""
    reason = ctx.analysis.shape.value
    if ctx.actor is None:
        return reason
    own = [ticket for ticket in await rows.of_person(ctx.tx, ctx.actor.id) if _is_here(ctx, ticket)]
    answered = await answers.answered(ctx, own)
    if answered is not None:
        await answers.propose(ctx, answered)
        return "answered"
    linked = [ticket for ticket in own if _about(ctx, ticket) or await _thanks_owner(ctx, ticket)]
    waiting = [ticket for ticket in linked if ticket.state is TicketState.CALLBACK]
    if waiting:
        await _content(ctx, waiting[0])
        return "solved"
    if ctx.analysis.shape is Shape.DONE and len(linked) == 1 and linked[0].state is not TicketState.CANDIDATE:
        ticket = linked[0]
        line = texts.told_over(steps.heading_inside(ctx.policy, ticket), ticket.id)
        await steps.inform(ctx, ticket, line, key=f"over:{ticket.id}:{ticket.reopened}:{ctx.actor.id}")
    return reason


async def rate(ctx: Context, command: Command) -> str:
    """`评价 S12 满意|不满意|1..5 [意见]`, by a reporter: satisfied closes, dissatisfied reopens."""
    rating = command.rating
    ticket = await rows.get(ctx.tx, command.number) if command.number is not None else await _latest_done(ctx)
    if ticket is not None and ticket.merged_into is not None:
        ticket = await rows.get(ctx.tx, ticket.merged_into)  # its result is the other one's
    if rating is None or ticket is None:
        missing = command.number is not None and rating is not None
        await ctx.reply(labels.no_such_ticket(f"S{command.number}") if missing else texts.RATE_HOW)
        return "command"
    done_at = ticket.closed_at or ticket.handled_at
    if not await steps.is_reporter(ctx, ticket):
        await ctx.reply(reporter_texts.not_yours(ticket.id))
    elif ticket.state is TicketState.WITHDRAWN or (ticket.state is TicketState.REFUSED and rating > DISSATISFIED):
        await ctx.reply(ticket_texts.not_possible(ticket.id, labels.STATE[ticket.state], ""))
    elif ticket.state not in _RATEABLE:
        await ctx.reply(texts.not_done_yet(ticket.id, labels.STATE[ticket.state]))
    elif done_at is not None and ctx.now - done_at > ctx.policy.reopen_for:
        await ctx.reply(texts.too_late(ticket.id))
    elif rating <= DISSATISFIED:
        await _reopen_with_reply(ctx, ticket, command.text, rating=rating)
    else:
        await _content(ctx, ticket, rating=rating, remark=command.text)
        await ctx.reply(texts.rated(ticket.id), ticket=ticket.number)
    return "command"


async def reopen(ctx: Context, ticket: Ticket, said: str, *, rating: int | None = None) -> Ticket | None:
    """Not solved, or back again within 14 days: 受理 once more, from the second time on one level higher. `said` are
    the reporter's words, masked. None where somebody was faster."""
    person = await ctx.person()
    times = ticket.reopened + 1
    level = (escalation.above(ticket) or ticket.level) if times >= LEVEL_UP_FROM else ticket.level
    refused = ticket.state is TicketState.REFUSED
    ack_due, due = steps.deadlines(ctx.policy, ticket.category, ctx.now)
    fields: dict[str, Any] = {"rating": rating} if rating is not None else {}
    again = await steps.move(
        ctx,
        ticket,
        TicketState.FILED,
        "reopened",
        detail={"times": times, "level": level.value},
        reopened=times,
        level=level,
        outcome=None if refused else CallbackOutcome.UNSOLVED,
        clock_from=ctx.now,
        owner_role=None,
        owner_id=None,
        acknowledged_at=None,
        assigned_at=None,
        accepted_at=None,
        handled_at=None,
        closed_at=None,
        estimate=None,
        ack_due=ack_due,
        due=due,
        **fields,
    )
    if again is None:
        return None
    ctx.tickets = (*ctx.tickets, ticket.number)
    await dialogs.close_ticket(ctx.tx, ticket.number)
    await unask(ctx, ticket)
    if said:
        await rows.add_message(
            ctx.tx,
            TicketMessage(
                ticket=ticket.number,
                account=ctx.message.account,
                message_id=ctx.message.id,
                room_id=matching.room_id(ctx),
                person_id=person.id,
                kind=ctx.message.kind,
                sent_at=ctx.message.sent_at,
                text=said,
            ),
        )
    nick = "" if steps.discreet(ticket) else mask(ctx.message.nick)
    heading = steps.heading_inside(ctx.policy, again)
    owner = await assignments.usual(ctx, ticket)
    line = texts.told_reopened(heading, ticket.id, nick, steps.shorten(said), times, owner)
    urgent = ticket.urgency is Urgency.EMERGENCY
    await steps.inform(ctx, again, line, key=f"reopened:{ticket.id}:{times}", urgent=urgent)
    if level is not ticket.level:
        await escalation.stamp(ctx, ticket, level, escalation.Why.REOPENED, None)
    return again


async def _reopen_with_reply(ctx: Context, ticket: Ticket, said: str = "", *, rating: int | None = None) -> None:
    if await reopen(ctx, ticket, said, rating=rating) is not None:
        await ctx.reply(texts.reopened(ticket.id), ticket=ticket.number)


async def _content(ctx: Context, ticket: Ticket, *, rating: int | None = None, remark: str = "") -> None:
    """A reporter says it is solved. The first one closes it; the others may still say that it is not."""
    person = await ctx.person()
    await dialogs.close(ctx.tx, person.id, CALLBACK, ticket.number)
    await _let_object(ctx, ticket, person.id, matching.room_id(ctx), SECOND_THOUGHTS)
    ctx.tickets = (*ctx.tickets, ticket.number)
    fields: dict[str, Any] = {"outcome": CallbackOutcome.SOLVED}
    if rating is not None:
        fields["rating"] = rating
    if remark:
        fields["remark"] = remark
    if ticket.reporters == 1:
        await unask(ctx, ticket)
    closed_at = ticket.closed_at or ctx.now
    await steps.move(ctx, ticket, TicketState.CLOSED, "closed", closed_at=closed_at, **fields)


async def _asked_about(ctx: Context, command: Command) -> Ticket | None:
    """The ticket of the latest question that was put to the speaker here and is still open; for a `2` also of one that
    was closed since. A number answers only what was read, so the question must have left; words need not wait for it,
    but what is another trouble is none of them."""
    if ctx.actor is None:
        return None
    asked = await dialogs.open_for(ctx.tx, ctx.actor.id, CALLBACK, ctx.now)
    if command.text == "2":
        asked += await dialogs.open_for(ctx.tx, ctx.actor.id, OBJECTION, ctx.now)
    for dialog in asked:
        if dialog.room_id != matching.room_id(ctx):
            continue
        ticket = await rows.get(ctx.tx, dialog.ticket)
        if ticket is None or ticket.state not in {TicketState.CALLBACK, TicketState.CLOSED}:
            continue
        if command.in_words:
            if _same_trouble(ctx, ticket):
                return ticket
        elif dialog.room_id is None or await outbox.find_queued(ctx.tx, f"{_key(ticket)}:room{dialog.room_id}") is None:
            return ticket
    return None


def _same_trouble(ctx: Context, ticket: Ticket) -> bool:
    """Whether what is said names no trouble of another kind."""
    best = ctx.analysis.best
    kin = steps.category(ctx.policy, ticket.category).kin
    return best.label is Label.DROP or steps.category(ctx.policy, best.category).kin == kin


async def _latest_done(ctx: Context) -> Ticket | None:
    """The one that a rating without a number can only mean: the speaker's latest that is done."""
    if ctx.actor is None:
        return None
    done = [
        ticket
        for ticket in await rows.of_person(ctx.tx, ctx.actor.id, open_only=False)
        if ticket.state in {TicketState.CALLBACK, TicketState.CLOSED}
    ]
    return max(done, key=lambda ticket: ticket.handled_at or ticket.filed_at, default=None)


def _is_here(ctx: Context, ticket: Ticket) -> bool:
    return ctx.room is None or ticket.room_id == ctx.room.id


def _about(ctx: Context, ticket: Ticket) -> bool:
    """Whether the words are linked to the ticket, so that thanks to a neighbour for something else close nothing."""
    analysis = ctx.analysis
    if ctx.room is None or ctx.message.mentions_me:
        return True
    if analysis.shape is Shape.DONE and not any(decision.objects for decision in analysis.decisions):
        return True
    kin = steps.category(ctx.policy, ticket.category).kin
    if any(steps.category(ctx.policy, decision.category).kin == kin for decision in analysis.decisions):
        return True
    named = {item for decision in analysis.decisions for item in decision.objects}
    return bool(named.intersection(ticket.terms)) or any(
        term in analysis.text for term in ticket.terms if len(term) >= SHORTEST_TERM
    )


async def _thanks_owner(ctx: Context, ticket: Ticket) -> bool:
    """Whether the words name who did it: 谢谢刘姐."""
    owner = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    return owner is not None and len(owner.name) >= SHORTEST_TERM and owner.name in ctx.analysis.text
