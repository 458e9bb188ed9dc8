"""Which handler takes a message, and the one place where rights are checked.

`idle` answers for nearly every message without the database; `handle` takes the rest within a transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import (
    appeals,
    callbacks,
    chains,
    commands,
    hearing,
    joining,
    mode,
    people,
    points,
    polls,
    recalls,
    rights,
    rooms,
    routes,
    signup_activities,
    signup_entries,
    signups,
    staff,
    texts,
    wishes,
    worklog,
)
from handlers.commands import Command, Name, NearMiss
from handlers.context import Context, Policy
from handlers.rights import Right
from handlers.routes import Scope
from handlers.texts.commands import ONE_AT_A_TIME, suggest
from handlers.window import Window
from nlp import chain, contact, nature, quoting
from nlp.decision import Analysis, Label, Shape, Urgency
from storage import outbox, standbys
from storage import rooms as stored_rooms
from storage import tickets as stored_tickets
from storage.model import Message, MessageKind, Person, Role, Room, RoomKind, RoomState

Event = Callable[[Context], Awaitable[str]]

# What happens rather than is said; taken in any room, enabled or not.
EVENTS: Mapping[MessageKind, Event] = {
    MessageKind.RECALL: recalls.recalled,
    MessageKind.FRIEND: people.befriended,
    MessageKind.INVITE: people.invited,
    MessageKind.LEAVE: rooms.left,
    MessageKind.TOPIC: rooms.renamed,
}
SPOKEN = frozenset({MessageKind.TEXT, MessageKind.VOICE, MessageKind.QUOTE})
MEDIA = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.LOCATION})
# They live here like anybody else, so what they say in the group is heard like anybody's.
HEARD_AS_RESIDENTS = frozenset({Role.RESIDENT, Role.BUILDING_LEADER, Role.PARTY_MEMBER, Role.VOLUNTEER})
LINGERS = timedelta(minutes=10)  # so long after another account took over, lines of the former one may still come
_SHORT_PLACE = 24


# --- without the database ---
def idle(
    message: Message,
    analysis: Analysis,
    room: Room | None,
    window: Window,
    policy: Policy,
    *,
    known: bool,
    opted_out: bool,
    noticed: bool = False,
) -> str | None:
    """The counter's reason when a message surely concerns nobody; None when it needs a transaction and `handle`.
    `known`: there is a record of the speaker, because something of theirs was kept before; `noticed`: the room has
    read a notice lately, so that a question may be about it."""
    kind = message.kind
    if message.from_me:
        return "own"
    if kind in EVENTS:
        return _idle_event(message, window)
    if room is not None and room.taken_at is not None and message.sent_at <= room.taken_at + LINGERS:
        return "standby" if message.sent_at <= room.taken_at else None
    if message.room is not None and (room is None or room.state is RoomState.GONE):
        return None  # its row is to be made, or to come back
    dormant = room is not None and room.state is RoomState.DORMANT
    if kind not in SPOKEN or (kind is MessageKind.VOICE and not message.text):
        if dormant:
            return "dormant"
        return _idle_media(message, room, window, opted_out, policy)
    addressed = _addressed(message, policy)
    asked = _asked(message, analysis, addressed, policy)
    if dormant:
        return None if isinstance(asked, Command) and asked.name is Name.ENABLE else "dormant"
    if asked is not None or analysis.shape is Shape.HUSH:
        return None
    if known and signup_activities.may_answer(analysis.text):
        return None  # it may answer when an activity begins
    if opted_out:
        return "opted_out"
    if room is not None and room.kind is RoomKind.LEADER:
        return "leader_room"
    if not known and analysis.shape in (Shape.THANKS, Shape.DONE):
        return analysis.shape.value  # nothing of theirs could be over
    idly = _idle_talk(message, analysis, addressed, window, policy)
    return None if noticed and idly is not None and nature.asks(analysis.text) else idly


def _idle_event(message: Message, window: Window) -> str | None:
    """Of members' comings and goings nothing is kept; the bot's own removal is looked into (rooms.left). Neither is
    anything kept of what passed by, so taking it back asks for nothing but the window."""
    if message.kind is MessageKind.RECALL:
        line = window.find(message.recalls)
        return "recall" if line is not None and line.passed_by else None
    if message.kind is MessageKind.LEAVE and message.people and not message.mentions_me:
        return "leave"
    return None


def _idle_media(message: Message, room: Room | None, window: Window, opted_out: bool, policy: Policy) -> str | None:
    if message.kind is MessageKind.CHAIN:
        return None if contact.find(message.text).has_id_number else _idle_chain(message, room, message.text, opted_out)
    if message.kind not in MEDIA and message.kind is not MessageKind.VOICE:
        return message.kind.value
    if _says_done(message, window, policy):
        return None  # the photo of a wish that was fulfilled, or of a walk
    if opted_out:
        return "opted_out"
    if room is not None and room.kind is RoomKind.LEADER:
        return "leader_room"
    return None if _speaks_of_trouble(message, window, policy) else "media"


def _idle_chain(message: Message, room: Room | None, text: str, opted_out: bool) -> str | None:
    """A list is looked into where people sign up with it; of one with which neighbours buy together nothing is kept."""
    if opted_out:
        return "opted_out"
    if room is not None and room.kind is RoomKind.LEADER:
        return "leader_room"
    return None if message.room is not None and chain.is_signup(text) else "chain"


def _idle_talk(message: Message, analysis: Analysis, addressed: bool, window: Window, policy: Policy) -> str | None:
    shape, best = analysis.shape, analysis.best
    if analysis.has_id_number:
        return None  # shown to everybody, it earns its owner a hint
    if shape is Shape.CHAIN:
        return _idle_chain(message, None, _typed(message, analysis), opted_out=False)
    if shape in _PASSED_BY:
        return shape.value
    if shape is not Shape.TALK or addressed or best.label is not Label.DROP:
        return None
    if best.reason == "how_to":
        return None  # an approved answer may fit
    if _speaks_of_trouble(message, window, policy):
        return None
    if best.location.located_by == "text" and len(analysis.text) <= _SHORT_PLACE:
        return None  # it may answer the question where
    return best.reason or "chat"


_PASSED_BY = frozenset({Shape.EMPTY, Shape.ACK})


def _speaks_of_trouble(message: Message, window: Window, policy: Policy) -> bool:
    """Whether the sender said something of a trouble just before, so that this may belong to it."""
    since: datetime = message.sent_at - policy.join_for
    for line in window.of_sender(message.sender, since):
        if line.tickets or (line.analysis is not None and line.analysis.best.label is not Label.DROP):
            return True
    return False


def _says_done(message: Message, window: Window, policy: Policy) -> bool:
    """Whether the sender said `完成 …`, `走访 …` or `巡查 …` just before."""
    for line in window.of_sender(message.sender, message.sent_at - policy.join_for):
        said = commands.parse(line.analysis.text, addressed=True) if line.analysis is not None else None
        if isinstance(said, Command) and said.name in (Name.COMPLETE, *worklog.TYPED):
            return True
    return False


def _addressed(message: Message, policy: Policy) -> bool:
    return message.room is None or message.mentions_me or hearing.said_to_bot(message.text, policy.names)


def _asked(message: Message, analysis: Analysis, addressed: bool, policy: Policy) -> Command | NearMiss | None:
    """The command in a message. A quoted command is somebody else's; what is typed under the quote counts."""
    return commands.parse(_typed(message, analysis), addressed=addressed, names=policy.names)


def _typed(message: Message, analysis: Analysis) -> str:
    """The message without what it quotes."""
    return quoting.split(message.text).reply if analysis.quoted else message.text


# --- with the database ---
async def handle(ctx: Context) -> str:
    """Take a message to its handler. Returns the reason it is counted under."""
    message = ctx.message
    if message.from_me:
        return "own"
    await _know_room(ctx)
    await people.keep_friend(ctx)
    ctx.policy = await mode.policy(ctx.tx, ctx.policy, ctx.grid, ctx.now)
    if message.kind in EVENTS:
        return await EVENTS[message.kind](ctx)
    if ctx.room is not None and ctx.room.taken_at is not None:
        # What was said before was for the account that answered then; what it still says itself is nobody's appeal.
        if message.sent_at <= ctx.room.taken_at:
            return "standby"
        if message.sent_at <= ctx.room.taken_at + LINGERS and await outbox.heard(
            ctx.tx, ctx.room, message.text, ctx.now - LINGERS, ctx.now
        ):
            return "own"
    dormant = ctx.room is not None and ctx.room.state is not RoomState.ENABLED
    if message.kind not in SPOKEN or (message.kind is MessageKind.VOICE and not message.text):
        return await rooms.asleep(ctx) if dormant else await _media(ctx)
    addressed = _addressed(message, ctx.policy)
    asked = _asked(message, ctx.analysis, addressed, ctx.policy)
    if dormant and not (isinstance(asked, Command) and asked.name is Name.ENABLE):
        return await rooms.asleep(ctx)
    if ctx.room is not None and ctx.analysis.has_id_number:
        await people.hint_id_number(ctx)
    if isinstance(asked, Command) and not await _only_talk(ctx, asked):
        return await _command(ctx, asked)
    if isinstance(asked, NearMiss) and await _suggested(ctx, asked):
        return "near_miss"
    if await signup_entries.phone_given(ctx) or await signup_activities.answered(ctx):
        return "command"
    return await _talk(ctx, addressed)


async def _know_room(ctx: Context) -> None:
    message = ctx.message
    if message.room is None:
        return
    if ctx.room is None:
        ctx.room = await stored_rooms.ensure(ctx.tx, message.account, message.room, message.topic, at=ctx.now)
    elif ctx.room.state is RoomState.GONE and message.kind is not MessageKind.LEAVE and not ctx.late:
        # Taken in again: it sleeps until a leader wakes it.
        await rooms.returned(ctx, ctx.room)
        ctx.room = await stored_rooms.update(ctx.tx, ctx.room.id, state=RoomState.DORMANT)
        await standbys.learn(ctx.tx, ctx.room.im_id, at=ctx.now)


async def _only_talk(ctx: Context, command: Command) -> bool:
    """Whether a `2 …` answers no question, a bare `认领` or `完成` means no wish, or a walk met with what must be
    heard as an appeal, so that it is talk."""
    if command.name in (Name.CLAIM, Name.GIVE_UP, Name.COMPLETE):
        return await wishes.only_talk(ctx, command)
    if command.name is Name.VOTE and await polls.only_talk(ctx, command):
        return True
    if command.name is Name.NOTICE and command.in_words and rights.anywhere(ctx.actor, Right.NOTICE) is None:
        return True
    if await signups.only_talk(ctx, command) or points.only_talk(ctx, command):
        return True
    if command.name in worklog.TYPED:
        seen = ctx.judge(command.text)  # what was seen, without the word in front
        if _emergency(seen) or worklog.only_talk(ctx, command, seen):
            ctx.analysis = seen
            return True
    return command.name is Name.ANSWER and bool(command.remark) and not await callbacks.awaits(ctx, command)


async def _command(ctx: Context, command: Command) -> str:
    if command.name is Name.COMPLETE and command.item is None and await wishes.held(ctx):
        command = replace(command, letter="X")
    route = routes.of(command)
    right: str | None = None
    if route.right is not None:
        right = await _right(ctx, route.right, route.scope, command)
        if right is None:
            return await _denied(ctx, command)
    command = replace(command, right=right)
    if route.verbatim:
        command = replace(command, text=hearing.as_written(ctx.message.text, command.text, ctx.policy.names))
    else:
        command = replace(command, text=contact.mask(command.text), remark=contact.mask(command.remark))
    return await route.act(ctx, command)


async def _right(ctx: Context, right: Right, scope: Scope, command: Command) -> str | None:
    """The grant that allows the command, `role:scope`; None: denied."""
    actor, room = ctx.actor, ctx.room
    if scope is Scope.OWN:
        return rights.anywhere(actor, right)
    if scope is Scope.BINDING:
        return await _right_to_bind(ctx, right, command)
    if scope is Scope.TICKET and command.number is not None:
        ticket = await stored_tickets.get(ctx.tx, command.number)
        if ticket is not None:
            return await staff.right_over(ctx, right, ticket)
    if room is None or room.kind is RoomKind.LEADER:
        return rights.anywhere(actor, right)  # no ticket is named yet: the handler looks within the own scopes
    return rights.allowed(actor, right, room.grid)


async def _right_to_bind(ctx: Context, right: Right, command: Command) -> str | None:
    bound = ctx.room.grid if ctx.room is not None else None
    code, _ = await rooms.meant(ctx, command) if ctx.room is not None else (None, None)
    if code is None:
        return rights.anywhere(ctx.actor, right)
    if bound is not None and rights.allowed(ctx.actor, right, bound) is None:
        return None
    return rights.allowed(ctx.actor, right, code)


async def _denied(ctx: Context, command: Command) -> str:
    """Exactly one entry tells of it, and nothing is said, but to staff among themselves who may do it elsewhere. A
    dormant room keeps nothing of who speaks there."""
    if ctx.actor is None and ctx.room is not None and ctx.room.state is not RoomState.ENABLED:
        await ctx.audit("denied", actor=None, ticket=command.number, command=command.name.name)
    else:
        await ctx.audit_message("denied", ticket=command.number, command=command.name.name)
    right = routes.of(command).right
    among_staff = ctx.group is None
    if among_staff and right is not None and rights.anywhere(ctx.actor, right) is not None:
        await ctx.reply(texts.BEYOND_SCOPE)
    return "denied"


async def _suggested(ctx: Context, near: NearMiss) -> bool:
    """Suggest how it is written, unless it is an appeal after all, or nothing that the speaker may do. That it was said
    to the bot makes no appeal of it yet."""
    right = routes.of(Command(near.name)).right
    heard = ctx.analysis.best.score > 0 and not near.several
    if heard or (right is not None and rights.anywhere(ctx.actor, right) is None):
        return False
    await ctx.reply(ONE_AT_A_TIME if near.several else suggest(near.usage))
    return True


async def _media(ctx: Context) -> str:
    kind = ctx.message.kind
    if kind is MessageKind.CHAIN and contact.find(ctx.message.text).has_id_number:
        await people.hint_id_number(ctx)
    if kind is MessageKind.CHAIN:
        return _unheard(ctx) or await chains.take(ctx)
    if kind not in MEDIA and kind is not MessageKind.VOICE:
        return kind.value
    unheard = _unheard(ctx)
    if (unheard != "leader_room" and await wishes.attach(ctx)) or await worklog.attach(ctx):
        return "photo"
    return unheard if unheard is not None else await appeals.attach(ctx)


async def _talk(ctx: Context, addressed: bool) -> str:
    """Everything that is said and is no command, in this order."""
    shape = ctx.analysis.shape
    if shape is Shape.HUSH and ctx.group is not None:
        return await rooms.hush(ctx, Command(Name.HUSH))
    unheard = _unheard(ctx)
    if unheard is not None:
        return unheard
    if shape is Shape.CHAIN:
        return await chains.take(ctx)
    if shape in _PASSED_BY:
        return shape.value
    if shape in (Shape.THANKS, Shape.DONE):
        return await callbacks.thanks(ctx)
    if not addressed and _on_duty(ctx.actor, ctx.room) and not _emergency(ctx.analysis):
        return "staff"
    if shape is Shape.PLUS_ONE and ctx.room is not None:
        return await joining.plus_one(ctx)
    return await (appeals.addressed(ctx) if addressed else appeals.capture(ctx))


def _unheard(ctx: Context) -> str | None:
    """Why nothing this person says here is captured, should that be so."""
    if ctx.actor is not None and ctx.actor.opted_out_at is not None:
        return "opted_out"
    if ctx.room is not None and ctx.room.kind is RoomKind.LEADER:
        return "leader_room"
    return None


def _on_duty(actor: Person | None, room: Room | None) -> bool:
    """Those who answer for the grid speak in its group to answer and to announce; that is no appeal."""
    if actor is None or room is None:
        return False
    return any(
        grant.role not in HEARD_AS_RESIDENTS and room.grid is not None and room.grid.startswith(grant.scope)
        for grant in actor.grants
    )


def _emergency(analysis: Analysis) -> bool:
    return any(
        decision.label is Label.TICKET and decision.urgency is Urgency.EMERGENCY for decision in analysis.decisions
    )
