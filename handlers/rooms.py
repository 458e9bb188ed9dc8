"""A room's life with the bot: enabled, hushed, resumed, disabled, renamed, lost."""

from __future__ import annotations

from datetime import timedelta

from handlers import membership, quiet, rights
from handlers import texts as labels
from handlers.commands import LONGEST_HUSH, Command
from handlers.context import Context
from handlers.texts import people as people_texts
from handlers.texts import rooms as texts
from storage import accounts, grids, outbox, people, rooms, standbys
from storage.model import COMMUNITY_DIGITS, PostKind, Room, RoomKind, RoomState
from storage.standbys import Standby

MICRO_GRID_DIGITS = 18
SMALLEST_LED = 6  # a leader room may be that of a whole district


async def enable(ctx: Context, command: Command) -> str:
    """`启用 [网格码]`: bind the room to a grid and listen from now on; the privacy notice goes out once. A group that
    comes under another id than before goes on as the one it was."""
    room = ctx.room
    if room is None:
        await ctx.reply(labels.ONLY_IN_ROOM)
        return "command"
    code, old = await meant(ctx, command)
    if code is None:
        await ctx.reply(texts.ENABLE_WITH_CODE)
        return "command"
    grid = await grids.get(ctx.tx, code)
    if grid is None or len(code) < (SMALLEST_LED if room.kind is RoomKind.LEADER else COMMUNITY_DIGITS):
        await ctx.reply(texts.no_such_grid(code))
        return "command"
    name = grid.name or labels.grid(code)
    if room.state is RoomState.ENABLED and room.grid == code:
        await ctx.reply(texts.enabled_already(name))
        return "command"
    other = await rooms.answering(ctx.tx, room, code)
    if other is not None:
        return await _left_to(ctx, other, code, name)
    if room.state is not RoomState.ENABLED and await membership.full(ctx, room, code):
        return "command"
    before = room.state.value
    if old is not None:
        ctx.room = await rooms.succeed(ctx.tx, old, room)
        await ctx.audit_message("room_moved", right=command.right, before=str(old.id), after=str(room.id), room=room.id)
        await ctx.reply(texts.enabled_again(name))
        return "command"
    ctx.room = await rooms.update(ctx.tx, room.id, state=RoomState.ENABLED, grid=code)
    await standbys.remove(ctx.tx, room.account, room.im_id)
    await standbys.learn(ctx.tx, room.im_id, at=ctx.now)
    await ctx.audit_message("room_enabled", right=command.right, before=before, after=code, room=room.id)
    await ctx.reply(texts.enabled(name))
    if ctx.room.kind is RoomKind.RESIDENT and ctx.room.noticed_at is None:
        await ctx.post(
            ctx.room, people_texts.privacy_notice(ctx.policy.named_to), PostKind.COMMAND_REPLY, key=f"privacy:{room.id}"
        )
        ctx.room = await rooms.update(ctx.tx, room.id, noticed_at=ctx.now)
    return "command"


async def meant(ctx: Context, command: Command) -> tuple[str | None, Room | None]:
    """The grid that `启用` means here: the one that was typed, the room's own, that of the room it seems to have been
    under another id, the speaker's only one. And that earlier room, where its grid is the one that is meant."""
    assert ctx.room is not None, "only a room is bound"  # noqa: S101
    old = await rooms.earlier(ctx.tx, ctx.room)
    if old is not None and rights.allowed(ctx.actor, rights.Right.ROOM, old.grid) is None:
        old = None
    code = command.code or ctx.room.grid or (old.grid if old is not None else None) or own_grid(ctx)
    return code, old if old is not None and old.grid == code else None


async def _left_to(ctx: Context, other: Room, code: str, name: str) -> str:
    """Another of our accounts answers here: this one records nothing, and stands by. With the same id there is no
    doubt, and the other one answers; else somebody may have given two groups one name. Where the other one is dead,
    this one takes over."""
    assert ctx.room is not None  # noqa: S101
    room = ctx.room
    await standbys.add(ctx.tx, other.id, room.account, room.im_id, at=ctx.now)
    if other.grid == code and await accounts.dead(ctx.tx, [other.account]):
        to = Standby(other.id, room.account, room.im_id, ctx.now)
        ctx.room = await membership.take_over(ctx, other, to, stays=True)
        await ctx.reply(texts.enabled_again(name))
        return "command"
    await ctx.audit_message("room_left_to_other", room=ctx.room.id, other=other.id)
    if other.im_id != ctx.room.im_id:
        await ctx.reply(texts.OTHER_ACCOUNT_ANSWERS)
    return "command"


async def asleep(ctx: Context) -> str:
    """Nothing is heard in a dormant room. But where it seems to be a group that is known under another id, whoever
    leads there is told, once; `启用` in it confirms."""
    if ctx.room is not None and ctx.room.state is not RoomState.ENABLED:
        await _propose(ctx, ctx.room)
    return "dormant"


async def _propose(ctx: Context, room: Room) -> None:
    old = await rooms.earlier(ctx.tx, room)
    if old is None or old.grid is None or old.state is not RoomState.ENABLED:
        return
    line, key = texts.room_id_changed(room.topic), f"moved:{old.id}:{room.id}"
    if old.kind is not RoomKind.LEADER:
        await ctx.tell_leaders(old.grid, line, key=key)
        return
    for person in await people.with_role(ctx.tx, tuple(rights.LEADERS), old.grid):  # their room is the one that is mute
        await ctx.tell(person, line, key=f"{key}:{person.id}")


async def returned(ctx: Context, room: Room) -> None:
    """A room that was gone is there again. Where it had been taken for another one's earlier id, it was not: its
    people must know that it is heard no more until `启用`."""
    if room.grid is not None and await rooms.successor(ctx.tx, room.id) is not None:
        await ctx.tell_leaders(room.grid, texts.room_not_moved(room.topic), key=f"notmoved:{room.id}")


async def disable(ctx: Context, command: Command) -> str:
    """`停用`: from now on only ids are kept and nothing is said."""
    if ctx.room is None:
        await ctx.reply(labels.ONLY_IN_ROOM)
        return "command"
    ctx.room = await rooms.update(ctx.tx, ctx.room.id, state=RoomState.DORMANT)
    await _rearrange(ctx, ctx.room)
    await ctx.audit_message("room_disabled", right=command.right, room=ctx.room.id)
    await ctx.reply(texts.DISABLED)
    return "command"


async def hush(ctx: Context, command: Command) -> str:
    """`静音`, 太吵了, 别刷屏: anybody may ask for silence in a room; the leader is told at once."""
    room = ctx.room
    if room is None:
        await ctx.reply(labels.ONLY_IN_ROOM)
        return "command"
    if room.kind is RoomKind.LEADER:
        await ctx.reply(texts.NO_HUSH_HERE)
        return "command"
    asked_at = min(ctx.message.sent_at, ctx.now)
    span = command.span or LONGEST_HUSH
    until = asked_at + span
    hushed_already = room.silent_until is not None and room.silent_until > ctx.now
    if until <= ctx.now or (room.silent_until is not None and until <= room.silent_until):
        return "command"
    ctx.room = await rooms.update(ctx.tx, room.id, silent_until=until)
    await _rearrange(ctx, ctx.room)
    await ctx.audit_message("room_hushed", room=room.id, minutes=round(span / timedelta(minutes=1)))
    if not hushed_already:
        await ctx.reply(texts.hushed(span / timedelta(hours=1)))
        told = texts.hushed_told(room.topic, until, ctx.policy.timezone)
        await ctx.tell_leaders(room.grid, told, key=f"hushed:{ctx.message.account}:{ctx.message.id}")
    return "command"


async def resume(ctx: Context, command: Command) -> str:
    """`恢复`: a leader ends the silence."""
    room = ctx.room
    if room is None:
        await ctx.reply(labels.ONLY_IN_ROOM)
    elif room.silent_until is None or room.silent_until <= ctx.now:
        await ctx.reply(texts.NOT_HUSHED)
    else:
        ctx.room = await rooms.update(ctx.tx, room.id, silent_until=None)
        await ctx.audit_message("room_resumed", right=command.right, room=room.id)
        await ctx.reply(texts.RESUMED)
    return "command"


async def left(ctx: Context) -> str:
    """Somebody left; if it was the bot itself that was removed, the room is gone and its leaders must know."""
    message, room = ctx.message, ctx.room
    # Of members' comings and goings nothing is kept. A transport marks its own removal by naming the account, or it
    # only has WeChat's words for it, and those name nobody.
    if room is None or (message.people and not message.mentions_me):
        return "leave"
    stood_by = await standbys.remove(ctx.tx, room.account, room.im_id)
    if stood_by is not None:  # another one answers there, as before
        ctx.room = await rooms.update(ctx.tx, room.id, state=RoomState.GONE)
        await ctx.audit("standby_gone", actor=None, room=stood_by, of=room.account)
        return "removed"
    if room.state is not RoomState.GONE:
        await ctx.audit("room_gone", actor=None, room=room.id)
        taken = await membership.removed(ctx, room)
        if taken is not None:
            ctx.room = taken
            return "removed"
        ctx.room = await rooms.update(ctx.tx, room.id, state=RoomState.GONE)
        await _rearrange(ctx, ctx.room)
        await ctx.tell_leaders(room.grid, texts.room_gone(room.topic), key=f"gone:{message.account}:{message.id}")
    return "removed"


async def renamed(ctx: Context) -> str:
    """The topic is kept up to date, so that a leader recognises the room by its name."""
    if ctx.room is not None and ctx.message.room is not None and ctx.message.topic:
        ctx.room = await rooms.ensure(ctx.tx, ctx.message.account, ctx.message.room, ctx.message.topic, at=ctx.now)
        await asleep(ctx)
    return "topic"


def own_grid(ctx: Context) -> str | None:
    """The one micro-grid of a leader who has just one: what a bare `启用` in an unbound room means."""
    grants = ctx.actor.grants if ctx.actor is not None else ()
    codes = {
        grant.scope
        for grant in grants
        if len(grant.scope) == MICRO_GRID_DIGITS and not grant.derived and rights.Right.ROOM in rights.TABLE[grant.role]
    }
    return codes.pop() if len(codes) == 1 else None


async def _rearrange(ctx: Context, room: Room) -> None:
    """Lines that wait for the room are judged anew: what the policy would no longer let out is dropped or put off."""
    for line in await outbox.waiting_in(ctx.tx, room):
        at = await quiet.slot(ctx.tx, room, line.kind, ctx.now, ctx.policy)
        if at is None:
            await outbox.drop(ctx.tx, line.key)
        elif line.counted and at > line.not_before:
            await outbox.reword(ctx.tx, line.id, line.text, not_before=at)
