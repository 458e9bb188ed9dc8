"""What is said when something was filed: to the reporter within the quiet policy, to those who answer for it at once.

One acknowledgement per person waits at a time and is reworded while it waits. An 应急 speaks at once and in public;
what is confidential never does.
"""

from __future__ import annotations

from datetime import timedelta

from handlers import assignments, staff, steps
from handlers import texts as labels
from handlers.context import Context, Effects
from handlers.texts import appeals as texts
from handlers.texts import callbacks as callback_texts
from nlp.contact import mask
from storage import dialogs, grids, outbox, people, rooms
from storage import tickets as rows
from storage.model import (
    COMMUNITY_DIGITS,
    Dialog,
    Nature,
    PostKind,
    RoomKind,
    RoomState,
    Ticket,
    TicketState,
    Urgency,
)

LOCATE = "locate"  # the dialog step
_MERGE_WITHIN = timedelta(minutes=1)  # no acknowledgement waits longer
_HAS_A_PLACE = frozenset({"01", "02", "03", "04", "05", "07", "08"})  # groups of categories that happen somewhere
_NEEDS_NONE = frozenset({Nature.INQUIRY, Nature.SUGGESTION, Nature.PRAISE})


async def filed(ctx: Context, ticket: Ticket, *, twin: str = "") -> None:
    """Speak of a new ticket or candidate, or of a candidate that became a ticket."""
    if ticket.state is TicketState.CANDIDATE:
        if ctx.room is None:
            line = texts.candidate_in_private(ticket.id, _question(ctx, ticket))
            await ctx.reply(line, key=f"receipt:{ticket.id}", ticket=ticket.number)
    else:
        await to_reporter(ctx, ticket)
    await to_leaders(ctx, ticket, twin=twin)


async def to_reporter(ctx: Context, ticket: Ticket) -> None:
    """The number and what comes next; for 应急 the advice, at once."""
    if steps.discreet(ticket):
        await _in_private(ctx, ticket)
    elif ticket.urgency is Urgency.EMERGENCY:
        ask = _question(ctx, ticket)
        line = texts.emergency(steps.heading(ctx.policy, ticket), ticket.category, ask)
        key = f"urgent:{ticket.id}"
        await reword(ctx, ticket)  # an ordinary acknowledgement that still waits has nothing to add
        if await ctx.reply(line, PostKind.EMERGENCY, key=key, ticket=ticket.number) and ask:
            await _expect_place(ctx, ticket)
    else:
        await _acknowledge(ctx, ticket)


async def answer(ctx: Context, ticket: Ticket) -> None:
    """The number in answer to `上报`: a reply to a command, so neither counted nor held back."""
    ask = _question(ctx, ticket)
    line = texts.acknowledged([steps.heading(ctx.policy, ticket)], ask)
    if await ctx.reply(line, ticket=ticket.number) and ask:
        await _expect_place(ctx, ticket)


async def reopened(ctx: Context, ticket: Ticket) -> None:
    """Their trouble came back, and they said so in passing: they hear that it was understood. `ticket` as it was."""
    key = f"reopened:{ticket.id}:{ticket.reopened + 1}:receipt"
    if steps.discreet(ticket) and ctx.room is not None:
        await ctx.tell(await ctx.person(), callback_texts.reopened(ticket.id), key=key, ticket=ticket.number)
    else:
        await ctx.reply(callback_texts.reopened(ticket.id), PostKind.ACK, key=key, ticket=ticket.number)


async def for_reporters(ctx: Effects, ticket: Ticket) -> None:
    """A candidate was accepted elsewhere: the one who said it hears the number where they said it."""
    reporters = await rows.reporters(ctx.tx, ticket.number)
    person = await people.get(ctx.tx, reporters[0].person_id) if reporters else None
    if person is None:
        return
    heading, key = steps.heading(ctx.policy, ticket), f"ack:{ticket.id}"
    room = await rooms.get(ctx.tx, ticket.room_id) if ticket.room_id is not None else None
    if room is None or steps.discreet(ticket):
        await ctx.tell(person, texts.received_in_private(heading), key=f"receipt:{ticket.id}", ticket=ticket.number)
        return
    alias = next((alias for alias in person.aliases if alias.account == room.account), None)
    if alias is not None:
        line = labels.mention(mask(alias.nick), texts.acknowledged([heading]))
        await ctx.post(room, line, PostKind.ACK, key=key, mentions=(alias.im_id,), ticket=ticket.number)


async def advise(effects: Effects, ticket: Ticket, grid: str) -> None:
    """What a device told is 应急: the residents of that grid read the number and the advice, as if one of them had said
    it; in the group of the grid, else of the next wider one within the community."""
    if ticket.urgency is not Urgency.EMERGENCY or steps.discreet(ticket):
        return
    line = texts.emergency(steps.heading(effects.policy, ticket), ticket.category)
    for code in reversed(grids.prefixes(grid)[COMMUNITY_DIGITS - 1 :]):
        near = [room for room in await rooms.within(effects.tx, code, RoomKind.RESIDENT) if room.grid == code]
        heard = [room for room in near if room.state is RoomState.ENABLED]
        for room in heard:
            key = f"urgent:{ticket.id}:{room.id}"
            await effects.post(room, line, PostKind.EMERGENCY, key=key, ticket=ticket.number)
        if heard:
            return


async def to_leaders(ctx: Context, ticket: Ticket, *, twin: str = "") -> None:
    """Tell those who answer for it: what, where, who, the words, and what to type next."""
    heading, urgent = steps.heading_inside(ctx.policy, ticket), ticket.urgency is Urgency.EMERGENCY
    said = next((said for said in ctx.analysis.decisions if said.category == ticket.category), None)
    if said is not None:
        heading += texts.extent(said.since, said.households, ctx.message.sent_at)
    nick, words = mask(ctx.message.nick), await steps.words(ctx, ticket)
    owner = await assignments.usual(ctx, ticket)
    if ticket.state is TicketState.CANDIDATE:
        line = texts.told_candidate(heading, ticket.id, "" if steps.discreet(ticket) else nick, words)
        urgent = False
    elif urgent and steps.discreet(ticket):
        line = texts.told_emergency_discreet(heading, ticket.id, words)
    elif urgent:
        line = texts.told_emergency(heading, ticket.id, nick, words)
    elif steps.discreet(ticket):
        line = texts.told_discreet(heading, ticket.id, words, owner)
    else:
        given = await staff.owner(ctx, ticket) if ticket.state is TicketState.ASSIGNED else ""
        line = texts.told_filed(heading, ticket.id, nick, words, owner, twin=twin, assigned=given)
    # A candidate, the ticket it becomes and the 应急 it is raised to are three different things to be told, and so is
    # where it turns out to be.
    kind = "urgent" if urgent else ticket.state.value
    if ticket.grid is None:
        kind += ":nowhere"
        line = texts.told_nowhere(heading, "" if steps.discreet(ticket) else nick, words, urgent=urgent)
    await steps.inform(ctx, ticket, line, key=f"told:{ticket.id}:{kind}", urgent=urgent)


async def more_to_leaders(ctx: Context, ticket: Ticket, words: str) -> None:
    """A further message of a ticket that is known said something its handlers should hear: `words`, masked."""
    nick = "" if steps.discreet(ticket) else mask(ctx.message.nick)
    line = texts.told_more(steps.heading_inside(ctx.policy, ticket), nick, steps.shorten(words), ticket.reporters)
    key, urgent = f"more:{ticket.id}:{ctx.message.id}", ticket.urgency is Urgency.EMERGENCY
    await steps.inform(ctx, ticket, line, key=key, urgent=urgent)
    owner = await people.get(ctx.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if owner is not None and owner != ctx.actor:
        await ctx.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number, urgent=urgent)


async def reword(ctx: Context, ticket: Ticket) -> None:
    """The ticket became clearer: say so in the acknowledgement, if that still waits."""
    if steps.discreet(ticket):
        await outbox.drop(ctx.tx, f"ack:{ticket.id}")
    elif ctx.room is not None:
        await _merge(ctx, ticket)


async def was_asked_where(ctx: Context, ticket: Ticket) -> bool:
    """Whether the speaker was asked where it is, and the question has left."""
    if ctx.actor is None:
        return False
    asked = await dialogs.open_for(ctx.tx, ctx.actor.id, LOCATE, ctx.now)
    if all(dialog.ticket != ticket.number for dialog in asked):
        return False
    return await outbox.find_queued(ctx.tx, f"ack:{ticket.id}") is None


async def _acknowledge(ctx: Context, ticket: Ticket) -> None:
    ask, key = _question(ctx, ticket), f"ack:{ticket.id}"
    if ctx.group is None:
        line = texts.acknowledged([steps.heading(ctx.policy, ticket)], ask)
        said = await ctx.reply(line, PostKind.ACK, key=key, ticket=ticket.number)
    else:
        line = texts.acknowledged([steps.heading(ctx.policy, ticket)], ask)
        said = await _merge(ctx, ticket) or await ctx.reply(line, PostKind.ACK, key=key, ticket=ticket.number)
    if said and ask:
        await _expect_place(ctx, ticket)


async def _merge(ctx: Context, ticket: Ticket) -> bool:
    """Take the ticket into this person's acknowledgement that still waits. False when none does."""
    assert ctx.room is not None, "private chats have no acknowledgement that waits"  # noqa: S101
    recent = await rows.recent_of(ctx.tx, ctx.room.id, (await ctx.person()).id, ctx.message.sent_at - _MERGE_WITHIN)
    for anchor in recent:
        waiting = await outbox.find_queued(ctx.tx, f"ack:{anchor.id}")
        if waiting is None:
            continue
        covered = {
            each.number: each
            for each in (*recent, ticket)
            if _acknowledged(each) and (each.number == anchor.number or each.filed_at >= waiting.created_at)
        }
        if not covered:
            await outbox.drop(ctx.tx, waiting.key)  # what it spoke of became an 应急 or confidential
            return False
        headings = [steps.heading(ctx.policy, covered[number]) for number in sorted(covered)]
        ask = next((question for each in covered.values() if (question := _question(ctx, each))), "")
        line = labels.mention(mask(ctx.message.nick), texts.acknowledged(headings, ask))
        return await outbox.reword(ctx.tx, waiting.id, line)
    return False


def _acknowledged(ticket: Ticket) -> bool:
    """Whether an ordinary acknowledgement speaks of it."""
    ordinary = ticket.urgency is not Urgency.EMERGENCY and not steps.discreet(ticket)
    return ordinary and ticket.state in {TicketState.FILED, TicketState.ASSIGNED}


async def _in_private(ctx: Context, ticket: Ticket) -> None:
    ask, heading = _question(ctx, ticket), steps.heading(ctx.policy, ticket)
    urgent, key = ticket.urgency is Urgency.EMERGENCY, f"receipt:{ticket.id}"
    line = texts.emergency(heading, ticket.category, ask) if urgent else texts.received_in_private(heading, ask)
    if ctx.room is None:
        kind = PostKind.EMERGENCY if urgent else PostKind.PRIVATE
        told = await ctx.reply(line, kind, key=key, ticket=ticket.number)
    else:
        # Without `via`: even a line that only asks somebody to add the bot would point at them in the group.
        told = await ctx.tell(await ctx.person(), line, key=key, ticket=ticket.number, urgent=urgent)
    if told and ask:
        await _expect_place(ctx, ticket)


def _question(ctx: Context, ticket: Ticket) -> str:
    """What is missing to find the place; empty when nothing is."""
    if steps.located(ticket.place):
        return ""
    if ctx.room is None and ticket.grid is None:
        return texts.ASK_COMMUNITY
    if ticket.category[:2] not in _HAS_A_PLACE or ticket.nature in _NEEDS_NONE:
        return ""
    return texts.ASK_WHERE


async def _expect_place(ctx: Context, ticket: Ticket) -> None:
    person = await ctx.person()
    await dialogs.ask(
        ctx.tx,
        Dialog(
            person_id=person.id,
            step=LOCATE,
            ticket=ticket.number,
            room_id=ctx.room.id if ctx.room is not None else None,
            asked_at=ctx.now,
            expires_at=ctx.now + ctx.policy.join_for,
        ),
    )
