"""Which ticket a message is about (design/tickets.md, One trouble, one ticket). Only looks, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import steps, translate
from handlers.context import Context, Effects
from nlp import decision as nlp
from nlp import similarity
from nlp.categories import OTHER
from nlp.decision import Decision, Label
from nlp.similarity import Likeness, Matter
from storage import alerts
from storage import tickets as rows
from storage.model import COMMUNITY_DIGITS, OPEN_STATES, Ticket, TicketState, Urgency

JOINABLE = (OPEN_STATES - {TicketState.HANDLED, TicketState.CALLBACK}) | {TicketState.CANDIDATE}
PLUS_ONE_WITHIN = timedelta(minutes=30)
CALL_WITHIN = timedelta(minutes=10)
MOST_READ = 8  # tickets whose words are read to find the likest
_BARE_CALL = re.compile(
    r"(?:快|赶紧|赶快|马上|立即|谁|哪个|帮忙|大家)*(?:打|拨打?|叫|喊|报)?1(?:10|19|20)(?:电话)?[啊嘛哦呀吧了!！。~]*"
)
# 物业不作为: said in the same breath as a trouble, it is about that trouble (物业管一下嘛).
NOBODY_ACTS = "0601"
EMERGENCY_WITHIN = timedelta(hours=2)


async def fresh(ctx: Context) -> list[Ticket]:
    """The tickets and candidates that the speaker is still talking about here, newest first."""
    if ctx.actor is None:
        return []
    room, at, span = room_id(ctx), ctx.message.sent_at, ctx.policy.join_for
    found = []
    for ticket in await rows.recent_of(ctx.tx, room, ctx.actor.id, at - span):
        said = [
            message.sent_at
            for message in await rows.messages(ctx.tx, ticket.number)
            if message.person_id == ctx.actor.id and message.room_id == room
        ]
        # A late message is compared with what was said around its own time.
        if ticket.state in JOINABLE and any(abs(at - moment) <= span for moment in said):
            found.append(ticket)
    return found


async def same_sender(
    ctx: Context, decision: Decision, *, but: Collection[int] = (), strict: bool = False
) -> Ticket | None:
    """The fresh ticket of this sender that the words are about: not another category and another object. `strict`:
    only what is surely about it, for somebody who says that it is a matter of its own."""
    for ticket in await fresh(ctx):
        if ticket.number not in but and _same_matter(ctx, ticket, decision, strict=strict):
            return ticket
    return None


async def same_trouble(ctx: Context, decision: Decision, *, but: Collection[int] = ()) -> Ticket | None:
    """The open ticket of anybody in the community that is the same trouble at the same place."""
    return await same(ctx, _told(ctx, decision), but=but)


async def same(effects: Effects, told: Matter, *, but: Collection[int] = ()) -> Ticket | None:
    """The open ticket that is the same trouble at the same place as what is told, by a person or by a device."""
    if not told.location.building or not similarity.may_be_shared(told.category):
        return None
    known = await _of_kin(effects, told, but=but)
    for likeness in _compare(effects, told, [_matter(effects, there) for there, _ in known.values()]):
        _, ticket = known[likeness.key]
        if likeness.merge and (ticket.urgency is not Urgency.EMERGENCY or await _going_on(effects, ticket, told.at)):
            return ticket
    return None


async def _going_on(effects: Effects, ticket: Ticket, at: datetime) -> bool:
    """Whether an 应急 was spoken of lately, or a device told of it. Another fire in the building two days later is
    another fire, and needs its own line and its own alarm."""
    heard = [message.sent_at for message in await rows.messages(effects.tx, ticket.number)]
    heard += [alert.at for alert in await alerts.of_tickets(effects.tx, [ticket.number])]
    return any(abs(at - moment) <= EMERGENCY_WITHIN for moment in heard)


async def maybe_same(ctx: Context, decision: Decision, *, but: Collection[int] = ()) -> Ticket | None:
    """An open ticket of the same kind that cannot be told apart, because one of the two has no place, the one whose
    words are most alike: proposed to a person, never merged."""
    if not similarity.may_be_shared(decision.category):
        return None
    told = _told(ctx, decision)
    known = await _of_kin(ctx, told, but=but)
    matters = []
    for there, _ in list(known.values())[:MOST_READ]:
        said = " ".join([message.text for message in await rows.messages(ctx.tx, there.number)])
        matters.append(replace(_matter(ctx, there), text=said))
    found = _compare(ctx, told, matters)
    return next((known[likeness.key][1] for likeness in found if not likeness.merge), None)


async def come_back(ctx: Context, decision: Decision) -> Ticket | None:
    """The speaker's own ticket that was done lately and is the same trouble again. An 应急 never only comes back: it
    needs its own line and its own alarm."""
    if ctx.actor is None or decision.category == OTHER or decision.urgency is nlp.Urgency.EMERGENCY:
        return None
    for ticket in await rows.of_person(ctx.tx, ctx.actor.id, open_only=False):
        if ticket.state not in {TicketState.CALLBACK, TicketState.CLOSED}:
            continue
        done_at = ticket.closed_at or ticket.handled_at
        recent = done_at is not None and ctx.now - done_at <= ctx.policy.reopen_for
        if decision.label is not Label.TICKET and not set(decision.objects).intersection(ticket.terms):
            continue
        if (
            recent
            and _kin(ctx, ticket.category) == _kin(ctx, decision.category)
            and not similarity.contradicts(decision.location, translate.location(ticket.place))
        ):
            return ticket
    return None


async def called_for_help(ctx: Context, decision: Decision) -> bool:
    """Whether this only calls for help (`@物业 快点来人`, `快打120`) while an 应急 of the same room is going on: it is
    about that one, and no matter of its own."""
    bare = decision.category == OTHER or _BARE_CALL.fullmatch(ctx.analysis.text.strip()) is not None
    if ctx.room is None or not bare or decision.location.located_by == "text":
        return False
    spoken_of = {number for line in ctx.window.lines for number in line.tickets}
    known = [await rows.get(ctx.tx, number) for number in sorted(spoken_of)]
    known.append(await rows.latest_in_room(ctx.tx, ctx.room.id, ctx.message.sent_at - CALL_WITHIN))
    return any(ticket is not None and ticket.open and ticket.urgency is Urgency.EMERGENCY for ticket in known)


async def _of_kin(effects: Effects, told: Matter, *, but: Collection[int]) -> dict[int, tuple[Ticket, Ticket]]:
    """Open tickets and candidates of that kind in the community by number, newest first: as it was told, and the one
    that it is part of by now, which is itself where it was not merged."""
    if len(told.community) < COMMUNITY_DIGITS:
        return {}
    policy = effects.policy
    codes = [code for code in policy.categories if steps.category(policy, code).kin == told.kin]
    found = await rows.open_in_community(effects.tx, told.community, codes, told.at - policy.same_trouble_for)
    targets = {ticket.merged_into for ticket in found if ticket.merged_into is not None}
    into = {ticket.number: ticket for ticket in await rows.numbered(effects.tx, targets)} if targets else {}
    pairs = ((ticket, into.get(ticket.merged_into or 0, ticket)) for ticket in found)
    return {
        there.number: (there, ticket)
        for there, ticket in pairs
        if ticket.state in JOINABLE and not {there.number, ticket.number}.intersection(but)
    }


def _kin(ctx: Context, code: str) -> str:
    return steps.category(ctx.policy, code).kin


def _same_matter(ctx: Context, ticket: Ticket, decision: Decision, *, strict: bool) -> bool:
    ticket_level = decision.label is Label.TICKET
    here = decision.location
    if ticket_level and here.located_by == "text" and ticket.place.located_by == "text" and here.building:
        outage = decision.category in similarity.SPREADING
        if ticket.place.building not in {None, here.building} and not outage:
            return False  # the lift of another building is another lift
    if decision.category != OTHER and _kin(ctx, decision.category) == _kin(ctx, ticket.category):
        return True
    if not strict and NOBODY_ACTS in {decision.category, ticket.category}:
        return True
    known = _objects(ctx, ticket)
    if decision.objects and known:
        return bool(known.intersection(decision.objects))
    return not strict and (not ticket_level or OTHER in {decision.category, ticket.category})


def _objects(ctx: Context, ticket: Ticket) -> set[str]:
    """What the ticket is about: the lexicon terms it was filed by, and the objects its fresh lines named."""
    named = set(ticket.terms)
    for line in ctx.window.lines:
        if ticket.number in line.tickets and line.analysis is not None:
            named.update(item for decision in line.analysis.decisions for item in decision.objects)
    return named


def _compare(effects: Effects, told: Matter, known: Sequence[Matter]) -> list[Likeness]:
    return similarity.candidates(told, known, within=effects.policy.same_trouble_for)


def _told(ctx: Context, decision: Decision) -> Matter:
    """What the speaker tells."""
    community, kin = (ctx.grid or "")[:COMMUNITY_DIGITS], _kin(ctx, decision.category)
    return Matter(0, community, decision.category, kin, decision.location, ctx.message.sent_at, ctx.analysis.text)


def _matter(effects: Effects, ticket: Ticket) -> Matter:
    """A ticket as it is compared with what is told."""
    community, kin = (ticket.grid or "")[:COMMUNITY_DIGITS], steps.category(effects.policy, ticket.category).kin
    return Matter(ticket.number, community, ticket.category, kin, translate.location(ticket.place), ticket.reported_at)


def seconds(ctx: Context, ticket: Ticket, decision: Decision) -> bool:
    """Whether the words behind a +1 are about that ticket."""
    if decision.category != OTHER and _kin(ctx, decision.category) != _kin(ctx, ticket.category):
        return False
    here = decision.location
    if here.located_by != "text" or ticket.category in similarity.SPREADING:
        return True
    return ticket.place.building in {None, here.building} or here.building is None


async def quoted(ctx: Context) -> Ticket | None:
    """The ticket that the quoted message made."""
    if ctx.message.quoted_id is None:
        return None
    found = await rows.by_message(ctx.tx, ctx.message.account, ctx.message.quoted_id)
    into = [ticket.merged_into for ticket in found if ticket.merged_into is not None]
    found += await rows.numbered(ctx.tx, into) if into else []
    return next((ticket for ticket in found if ticket.state in JOINABLE), None)


async def latest(ctx: Context) -> Ticket | None:
    """The room's latest ticket, spoken of within half an hour before this message, else a candidate of the last
    minutes: a neighbour who seconds it makes it less doubtful."""
    if ctx.room is None:
        return None
    ticket = await rows.latest_in_room(ctx.tx, ctx.room.id, ctx.message.sent_at - PLUS_ONE_WITHIN)
    if ticket is not None and ticket.state in JOINABLE and ticket.reported_at <= ctx.message.sent_at:
        return ticket
    for line in reversed(ctx.window.lines):
        for number in line.tickets if line.at <= ctx.message.sent_at else ():
            doubtful = await rows.get(ctx.tx, number)
            if doubtful is not None and doubtful.state is TicketState.CANDIDATE:
                return doubtful
    return None


def room_id(ctx: Context) -> int | None:
    """Our id of the room that was spoken in; None in a private chat."""
    return ctx.room.id if ctx.room is not None else None
