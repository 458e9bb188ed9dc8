"""A message becomes part of a ticket: what joining changes, and what is said of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import commands, escalation, grids, matching, receipts, steps, translate
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.window import Line, Window
from nlp import decision as nlp
from nlp.categories import OTHER
from nlp.contact import mask
from nlp.decision import Analysis, Decision, Label, Shape
from storage import dialogs
from storage import tickets as rows
from storage.model import COMMUNITY_DIGITS, Level, MessageKind, Place, Ticket, TicketMessage, TicketState, Urgency

MEDIA = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.VOICE, MessageKind.FILE})
PHOTO_BEFORE = timedelta(minutes=2)  # up to ten when nothing else was said in between
PLAIN_WITHIN = timedelta(seconds=90)
KEPT_WITHIN = timedelta(minutes=2)  # of what only may be about it, the words are kept when they follow this closely
LONGEST_ADDRESS = 40
_ADDRESS = re.compile(
    r"(?:不对|说错了|更正|应该|就?是|住?在|我说的是|我们|我家|我屋头|我住|这里|地址|位置|地点|[:：,，\s])*"
    r"[A-Za-z\d一二三四五六七八九十零〇#号栋幢楼座单元层室\-－ ]+"
    r"(?:的|这边|那边|这里|那里|这个|那个|楼下|门口|那栋|旁边|哦|哈|啊|嘛|呢|了|[。!！])*"
)
_CORRECTS = re.compile(r"(?:不对|说错|打错|写错|搞错|更正|不好意思)")
# What an answer to the question where begins with; 我在那边的5栋等你 is none.
_OPENS_WITH_ADDRESS = re.compile(
    r"(?:就?是|住?在|我说的是|我们|我家|我屋头|我住|这里|地址|位置|地点|[:：,，\s])*"
    r"[A-Za-z\d一二三四五六七八九十]{1,4}\s?(?:号楼|[栋幢座号#\-－单])"
)
_NEVER_PLAIN = frozenset({Shape.ACK, Shape.THANKS, Shape.DONE, Shape.CHAIN, Shape.HUSH, Shape.EMPTY})


async def add(
    ctx: Context, ticket: Ticket, decision: Decision | None = None, *, text: str = "", reporting: bool = True
) -> Ticket:
    """Make the message part of the ticket.

    `decision` is what it says, if it says anything by itself, `text` what of it is kept (masked), `reporting` whether
    the speaker becomes one of the reporters. Fills in what was missing, raises what became worse, and speaks of it
    where that is due."""
    person = await ctx.person()
    message = ctx.message
    ctx.tickets = (*ctx.tickets, ticket.number)
    row = TicketMessage(
        ticket=ticket.number,
        account=message.account,
        message_id=message.id,
        room_id=matching.room_id(ctx),
        person_id=person.id,
        kind=message.kind,
        sent_at=message.sent_at,
        text=text,
    )
    if not await rows.add_message(ctx.tx, row):
        return ticket
    own = any(reporter.person_id == person.id for reporter in await rows.reporters(ctx.tx, ticket.number))
    changes = await _changes(ctx, ticket, decision, own=own, kept=bool(text))
    kept_as_ticket = changes.get("state", ticket.state) is not TicketState.CANDIDATE
    # No contact is kept of what only may be an appeal.
    contact = ctx.analysis.phones[0] if ctx.analysis.phones and kept_as_ticket else None
    if reporting:
        await rows.add_reporter(
            ctx.tx,
            ticket.number,
            person.id,
            matching.room_id(ctx),
            message.sent_at,
            nick=mask(message.nick),
            contact=contact,
        )
    if changes or text or (reporting and not own):  # its words and its reporters are read by the platforms above, too
        await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, **changes)
    if reporting:
        await spread(ctx, ticket, ctx.room.grid if ctx.room is not None else None)
    after = await rows.get(ctx.tx, ticket.number) or ticket
    await ctx.audit_message(
        "joined",
        ticket=ticket.number,
        before=ticket.state.value,
        after=after.state.value,
        reporter=reporting and not own,
    )
    await _speak(ctx, ticket, after, text, own=own)
    return after


async def spread(effects: Effects, ticket: Ticket, told_in: str | None) -> None:
    """The same trouble is told of in another grid: the ticket is that of the grid that holds both. Its level changes
    only where that is the whole community."""
    if told_in is None or ticket.grid is None:
        return
    grid = steps.common(ticket.grid, told_in)
    if grid is None or grid == ticket.grid:
        return
    wider = await rows.update(effects.tx, ticket.number, expect=matching.JOINABLE, at=effects.now, grid=grid)
    if wider is None:
        return
    await effects.audit("spread", actor=None, ticket=ticket.number, was=ticket.grid, now=grid)
    if len(grid) <= COMMUNITY_DIGITS and wider.level is Level.GRID and wider.open:
        await escalation.raise_level(effects, wider, escalation.Why.SPREAD, None)


async def _changes(
    ctx: Context, ticket: Ticket, decision: Decision | None, *, own: bool, kept: bool
) -> dict[str, object]:
    """The fields that this message sets; of one whose words are not `kept` the place is not taken either."""
    changes: dict[str, object] = {}
    if ctx.room is None:
        grid = await grids.named(ctx.tx, ctx.analysis.text)
        if grid is not None and grid != ticket.grid and grid.startswith(ticket.grid or ""):
            changes["grid"] = grid
    location = (decision or ctx.analysis.best).location
    here = translate.place(location) if kept else Place()
    if decision is None and here.building != ticket.place.building and not _is_address(ctx.analysis.text):
        # 我在5栋等你 is said in passing; only an address that is the whole line puts another right.
        here = Place() if ticket.place.building else here
    corrected = decision is None and own and here.building and _CORRECTS.match(ctx.analysis.text)
    place = here if corrected else _filled(ticket.place, here, own=own)
    if place != ticket.place:
        if await receipts.was_asked_where(ctx, ticket):
            place = replace(place, located_by="asked")
            await dialogs.close(ctx.tx, (await ctx.person()).id, receipts.LOCATE, ticket.number)
        changes["place"] = place
    if ticket.handled_at is not None and (decision is not None or ctx.analysis.follows):
        changes["handled_at"] = None  # an answer in the group was not the end of it
    if decision is None:
        return changes
    confidential = decision.confidential or steps.category(ctx.policy, decision.category).confidential
    if confidential and not ticket.confidential:
        changes["confidential"] = True
    if decision.label is not Label.TICKET:
        return changes
    worse = decision.urgency is nlp.Urgency.EMERGENCY and ticket.urgency is not Urgency.EMERGENCY
    promoted = ticket.state is TicketState.CANDIDATE
    vague = {OTHER, matching.NOBODY_ACTS}
    clearer = ticket.category in vague or promoted
    # 应急 stays 应急: what joins it later may be about the same trouble in milder words.
    if worse or (clearer and decision.category not in vague and ticket.urgency is not Urgency.EMERGENCY):
        changes["category"] = decision.category
        changes["urgency"] = translate.URGENCY[decision.urgency]
    if promoted:
        changes["state"] = TicketState.FILED
        changes["filed_at"] = ctx.now
        changes["nature"] = translate.NATURE[decision.nature]
    if promoted or "category" in changes:
        code = str(changes.get("category", ticket.category))
        changes["ack_due"], changes["due"] = steps.deadlines(ctx.policy, code, ticket.reported_at)
    return changes


def _is_address(text: str) -> bool:
    """Whether the whole line is an address. Long ones are not looked at: the pattern is quadratic in blanks."""
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def _filled(there: Place, here: Place, *, own: bool) -> Place:
    """The place with what a further message says of it. The reporter's own words beat their nick; a neighbour's place
    counts only where the ticket has none."""
    if not here:
        return there
    if not there:
        return here if own or here.located_by == "text" else there
    if not own or here.located_by != "text":
        return there
    if there.located_by == "nick":
        if here.building and here.building != there.building:
            return here
        same_unit = here.unit in {None, there.unit}
        return Place(
            building=there.building,
            unit=here.unit or there.unit,
            floor=here.floor or (there.floor if same_unit else None),
            room=here.room or (there.room if same_unit and not here.floor else None),
            place=here.place or there.place,
            located_by="text" if here.building or here.unit else "nick",
        )
    if here.building and there.building and here.building != there.building:
        return there
    return replace(
        there,
        building=there.building or here.building,
        unit=there.unit or here.unit,
        floor=there.floor or here.floor,
        room=there.room or here.room,
        place=there.place or here.place,
    )


async def _speak(ctx: Context, before: Ticket, after: Ticket, text: str, *, own: bool) -> None:
    """Say what joining changed. A neighbour who joins hears nothing: the room has the number already."""
    promoted = before.state is TicketState.CANDIDATE and after.state is not TicketState.CANDIDATE
    raised = after.urgency is Urgency.EMERGENCY and before.urgency is not Urgency.EMERGENCY
    if promoted:
        await receipts.filed(ctx, after)
    elif raised and after.state is not TicketState.CANDIDATE:
        await receipts.to_reporter(ctx, after)
        await receipts.to_leaders(ctx, after)
    elif after.state is TicketState.CANDIDATE:
        return
    elif after.urgency is Urgency.EMERGENCY:
        if text:
            await receipts.more_to_leaders(ctx, after, text)
    elif before.grid != after.grid:
        await receipts.to_leaders(ctx, after)
    elif steps.located(after.place) and (
        not steps.located(before.place) or before.place.building not in {None, after.place.building}
    ):
        await receipts.more_to_leaders(ctx, after, text)
    if (
        own
        and not raised
        and (before.place, before.category, before.confidential)
        != (
            after.place,
            after.category,
            after.confidential,
        )
    ):
        await receipts.reword(ctx, after)


async def follow(ctx: Context) -> str | None:
    """A line that is no appeal by itself: a further line of its sender's fresh ticket? None when it is not."""
    if ctx.analysis.shape in _NEVER_PLAIN:
        return None
    analysis = ctx.analysis
    located = analysis.best.location.located_by == "text"
    for ticket in await matching.fresh(ctx):
        last = await _last_of_speaker(ctx, ticket)
        # In private nobody but the bot is spoken to: 青禾苑3栋 is an answer there.
        may_answer = located and (ctx.room is None or _OPENS_WITH_ADDRESS.match(analysis.text))
        answers = may_answer and await receipts.was_asked_where(ctx, ticket)
        near = last is None or ctx.message.sent_at - last <= KEPT_WITHIN  # None: it arrived ahead of the others
        if _speaks_for_itself(analysis) or answers:
            await add(ctx, ticket, text=analysis.text)
            return "joined"
        if analysis.follows and not located:
            # 已经三天了 eight minutes later belongs to it, 老人家今天过生日 does not: no telling, so no words are kept.
            await add(ctx, ticket, text=analysis.text if near else "")
            return "joined"
        if last is not None and _goes_on(ctx, last):
            await add(ctx, ticket)
            return "joined"
    return None


def _speaks_for_itself(analysis: Analysis) -> bool:
    """Whether a line without a trouble of its own surely is about one: it scored, or it is an address and no more.
    我在5栋等你 and 恭喜3栋的张姐 name a building and are nobody's appeal."""
    return analysis.best.score > 0 or (analysis.best.location.located_by == "text" and _is_address(analysis.text))


async def _last_of_speaker(ctx: Context, ticket: Ticket) -> datetime | None:
    """When the speaker last said something of the ticket before now."""
    person, at = await ctx.person(), ctx.message.sent_at
    own = [message.sent_at for message in await rows.messages(ctx.tx, ticket.number) if message.person_id == person.id]
    return max((moment for moment in own if moment <= at), default=None)


def _goes_on(ctx: Context, last: datetime) -> bool:
    """Whether a plain line belongs to the sender's last one: at once after it, with nobody else in between."""
    at = ctx.message.sent_at
    return at - last <= PLAIN_WITHIN and not any(
        line.sender != ctx.message.sender and last <= line.at <= at and not line.tickets for line in ctx.window.lines
    )


async def earlier(ctx: Context, ticket: Ticket) -> Ticket:
    """What the sender showed or said just before the appeal joins it: photos, an address, a first half sentence."""
    person, at = await ctx.person(), ctx.message.sent_at
    place, only_media = ticket.place, True
    for line in list(ctx.window.of_sender(ctx.message.sender, at - ctx.policy.join_for)):
        if line.message_id == ctx.message.id or line.at > at:
            continue
        if line.tickets or await rows.by_message(ctx.tx, ctx.message.account, line.message_id):
            break
        near = at - line.at <= PHOTO_BEFORE
        analysis = line.analysis
        if analysis is not None and isinstance(commands.parse(analysis.text, addressed=ctx.room is None), Command):
            continue  # what was asked of the bot is none of it
        silent = line.kind in MEDIA and (analysis is None or not analysis.text)
        if silent and (near or only_media):
            text = ""
        elif near and analysis is not None and analysis.shape not in _NEVER_PLAIN and _speaks_for_itself(analysis):
            text = analysis.text
            place = _filled(place, translate.place(analysis.best.location), own=True)
        else:
            only_media = only_media and silent
            continue
        row = TicketMessage(
            ticket=ticket.number,
            account=ctx.message.account,
            message_id=line.message_id,
            room_id=matching.room_id(ctx),
            person_id=person.id,
            kind=line.kind,
            sent_at=line.at,
            text=text,
        )
        await rows.add_message(ctx.tx, row)
        _mark(ctx.window, line, ticket.number)
    if place != ticket.place:
        return await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, place=place) or ticket
    return ticket


def _mark(window: Window, line: Line, number: int) -> None:
    """The line did not merely pass by after all, so a recall must find it."""
    at = next(index for index, each in enumerate(window.lines) if each is line)
    window.lines[at] = replace(line, tickets=(*line.tickets, number), passed_by=False)
