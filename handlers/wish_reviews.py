"""审核: a leader lets a wish be published, in a wording that tells nothing of children, illness, homes and names, or
turns it down, or says that one is not done after all."""

from __future__ import annotations

from handlers import points, rights, scopes, wish_steps
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import BEYOND_SCOPE, clock, no_such_scope
from handlers.texts import wishes as texts
from handlers.wish_forms import PASS, UNDONE
from nlp import discretion
from nlp.contact import mask
from storage import outbox, people, wishes
from storage.points import PointAction
from storage.wishes import Wish, WishState

MOST_LISTED = 8
MICRO_GRID_DIGITS = 18


async def review(ctx: Context, command: Command) -> str:
    """`审核 X5 通过`, `审核 X5 X6 通过 @范围`, `审核 X5 通过 => 改后的话`, `审核 X5 驳回 理由`, `审核 X5 未完成`;
    alone, what waits."""
    if not command.items:
        await _list_pending(ctx)
        return "command"
    if len(command.items) > 1 and command.remark:
        await ctx.reply(texts.ONE_WORDING)
        return "command"
    answers = [answer for number in command.items if (answer := await _one(ctx, command, number))]
    if not answers:
        return "denied"
    await ctx.reply("\n".join(answers))
    return "command"


async def _one(ctx: Context, command: Command, number: int) -> str:
    """What came of one of them; empty where the speaker may not review it, which is audited."""
    found = await wishes.get(ctx.tx, number)
    if found is None:
        return texts.no_such_wish(f"X{number}")
    right = wish_steps.right_over(ctx.actor, found)
    if right is None:
        await ctx.audit_message("denied", command=command.name.name, item=found.id)
        return "" if ctx.group is not None else BEYOND_SCOPE
    if command.verdict == UNDONE:
        return await _undo(ctx, found, right)
    if found.state is not WishState.PENDING:
        return _already(found)
    if command.verdict == PASS:
        return await _publish(ctx, command, found, right)
    return await _reject(ctx, command, found, right)


async def _publish(ctx: Context, command: Command, found: Wish, right: str) -> str:
    wording = (command.remark or found.text).rstrip("。.!！~～ ")
    private = texts.not_for_all(discretion.find(wording))
    if private:
        if ctx.group is not None:  # a group does not read the words that are at fault
            line, key = texts.reword(found.id, private), f"{wish_steps.words(found)}reword:{ctx.message.id}"
            await ctx.tell(await ctx.person(), line, key=key)
            return texts.look(found.id)
        return texts.reword(found.id, private)
    scope: str | None = None
    if command.code:
        scope = await scopes.named(ctx.tx, command.code)
        if scope is None:
            return no_such_scope(mask(command.code))
        if rights.allowed(ctx.actor, Right.REVIEW, scope) is None:
            await ctx.audit_message("denied", command=command.name.name, item=found.id, scope=scope)
            return "" if ctx.group is not None else BEYOND_SCOPE
    elif not await wish_steps.groups(ctx, found):
        scope = _home(found, right)
    rooms = len(await wish_steps.groups_of(ctx, scope)) if scope is not None else 1
    if not rooms:
        return texts.no_room_for(found.id)
    if rooms > 1 and not command.code and scope is not None and len(scope) < MICRO_GRID_DIGITS:
        return texts.name_scope(found.id, rooms)  # a whole community is meant only by who says so
    person = await ctx.person()
    public = await wishes.move(
        ctx.tx,
        found.number,
        {WishState.PENDING},
        WishState.PUBLISHED,
        public=wording,
        scope=scope,
        grid=_home(found, right),
        reviewer_id=person.id,
        reviewed_at=ctx.now,
        review_id=ctx.message.id,
    )
    if public is None:
        return _already(await wishes.get(ctx.tx, found.number) or found)
    await ctx.audit_message("wish_published", right=right, item=found.id, scope=scope, reworded=bool(command.remark))
    count = await wish_steps.publish(ctx, public)
    key = f"published:{ctx.message.id}"
    told = await wish_steps.tell_wisher(ctx, public, texts.wish_published(found.id), key=key, but=person.id)
    answer = texts.published(found.id, count, await _from(ctx, public))
    return answer if told else texts.not_reachable(answer)


async def _from(ctx: Context, public: Wish) -> str:
    """From when on it is read, where that is not at once."""
    moments = []
    for room in await wish_steps.groups(ctx, public):
        line = await outbox.find_queued(ctx.tx, wish_steps.public_key(public, room))
        if line is not None:
            moments.append(line.not_before)
    first = min(moments, default=ctx.now)
    return clock(first, ctx.policy.timezone) if first > ctx.now else ""


async def _reject(ctx: Context, command: Command, found: Wish, right: str) -> str:
    if not command.text:
        return texts.reject_why(found.id)
    person = await ctx.person()
    rejected = await wishes.move(
        ctx.tx,
        found.number,
        {WishState.PENDING},
        WishState.REJECTED,
        reason=command.text,
        grid=_home(found, right),
        reviewer_id=person.id,
        reviewed_at=ctx.now,
    )
    if rejected is None:
        return _already(await wishes.get(ctx.tx, found.number) or found)
    await ctx.audit_message("wish_rejected", right=right, item=found.id)
    line = texts.wish_rejected(found.id, command.text)
    told = await wish_steps.tell_wisher(ctx, rejected, line, key="rejected", but=person.id)
    answer = texts.rejected(found.id)
    return answer if told else texts.not_reachable(answer)


async def _undo(ctx: Context, found: Wish, right: str) -> str:
    """Said to be done, and is not: it is the giver's once more, and thanks that wait are not said."""
    if found.state is not WishState.DONE or found.claimed_by is None:
        return _already(found)
    again = await wishes.move(
        ctx.tx,
        found.number,
        {WishState.DONE},
        WishState.CLAIMED,
        done_at=None,
        photo_id=None,
        release_at=wish_steps.release_at(ctx),
    )
    if again is None:
        return _already(await wishes.get(ctx.tx, found.number) or found)
    await ctx.audit_message("wish_undone", right=right, item=found.id)
    await points.take_back(ctx, found.claimed_by, PointAction.WISH, found.id)
    await outbox.drop_queued(ctx.tx, wish_steps.thanks_key(found))
    giver = await people.get(ctx.tx, found.claimed_by)
    if giver is not None:
        await ctx.tell(giver, texts.told_undone(found.id), key=f"wish:{found.id}:undone:{ctx.message.id}")
    return texts.undone(found.id)


def _home(found: Wish, right: str) -> str:
    """The grid it belongs to from now on: that of whoever takes it on, where it was not known more exactly."""
    scope = right.partition(":")[2]
    return scope if scope.startswith(found.grid) else found.grid


def _already(found: Wish) -> str:
    return texts.reviewed_already(found.id, found.state)


async def _list_pending(ctx: Context) -> None:
    """What waits within the speaker's scope; among residents nothing of it is said."""
    person = await ctx.person()
    if ctx.group is not None:
        await ctx.reply(texts.REVIEW_HOW)
        return
    scopes = [grant.scope for grant in person.grants if Right.REVIEW in rights.TABLE[grant.role]]
    waiting = await wishes.pending(ctx.tx, scopes)
    lines = [texts.pending_line(one.id, one.text) for one in waiting[:MOST_LISTED]]
    key = f"{wish_steps.LISTS}{ctx.message.account}:{ctx.message.id}"
    await ctx.reply("\n".join(lines) or texts.NOTHING_PENDING, key=key)
