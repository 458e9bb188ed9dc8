"""心愿 认领 放弃 完成 撤回 查询: what residents do with micro-wishes. The leaders' part is in wish_reviews.py.

Whoever claims first has it; the storage decides that. Contact goes through the leader only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from handlers import appeals, points, rights, tallies, wish_steps
from handlers.commands import Command, Name
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import wishes as texts
from nlp import quoting
from storage import contributions, outbox, questions, wishes
from storage.model import Message, MessageKind, Person, RoomKind
from storage.points import PointAction
from storage.questions import Question
from storage.wishes import Wish, WishState

PHOTO = "wish_photo"  # the question's step: a photo may follow
MOST_LISTED = 6
_ID = re.compile(r"[xX]\s?([0-9]{1,9})(?![0-9])")


async def wish(ctx: Context, command: Command) -> str:
    """`心愿 <内容>`: kept for review, and the leaders are told; alone, what is open here."""
    if not command.text:
        await _list_open(ctx)
        return "command"
    if len(command.text) > texts.LONGEST:
        await ctx.reply(texts.WISH_TOO_LONG)
        return "command"
    grid = await appeals.grid_of(ctx)
    if grid is None:
        await ctx.reply(texts.WISH_WHERE)
        return "command"
    person, message = await ctx.person(), ctx.message
    group, text = _group(ctx), command.text.rstrip("。.!！~～ ")
    for one in await wishes.wished(ctx.tx, person.id):
        if one.state is WishState.PENDING and one.text == text:
            await ctx.reply(texts.WISHED_ALREADY)
            return "command"
    new = await wishes.file(
        ctx.tx,
        text=text,
        grid=grid,
        room_id=group,
        person_id=person.id,
        account=message.account,
        message_id=message.id,
        at=ctx.now,
    )
    await ctx.audit_message("wish_filed", item=new.id)
    why = wish_steps.caution(ctx, new.text)
    if rights.allowed(person, Right.REVIEW, grid) is not None:  # on behalf of somebody
        line = texts.wished_by_leader(new.id, why)
        if why and group is not None:  # a group does not read what is at fault
            await ctx.tell(person, line, key=f"{wish_steps.words(new)}filed:{person.id}")
        await ctx.reply(texts.look(new.id) if why and group is not None else line)
        return "command"
    who = await wish_steps.name_of(ctx, person.id, group)
    await wish_steps.tell_leaders(ctx, new, texts.told_wished(new.id, new.text, who, why), key="filed")
    # The number will stand in the group, so it is not said there whose it is.
    await ctx.reply(texts.WISHED_IN_GROUP if group is not None else texts.wished(new.id))
    if group is not None:
        await ctx.tell(person, texts.wished(new.id), key=f"wish:{new.id}:filed:wisher")
    return "command"


async def claim(ctx: Context, command: Command) -> str:
    """`认领 X5`: the first has it, the others stand in line and are told so once."""
    found = await _claimable(ctx, command)
    if found is None:
        return "command"
    if _elsewhere(ctx, found):
        await ctx.reply(texts.no_such_wish(found.id))
        return "command"
    person = await ctx.person()
    if found.state not in wishes.OPEN:
        hidden = found.state is not WishState.DONE and found.reviewer_id is None
        await ctx.reply(texts.no_such_wish(found.id) if hidden else texts.over(found.id, found.state, thanks=True))
    elif found.claimed_by == person.id:
        await ctx.reply(texts.yours_already(found.id))
    elif found.person_id == person.id and wish_steps.right_over(person, found) is None:
        await _their_own(ctx, found, person)
    else:
        await _take(ctx, command, found, person)
    return "command"


def _elsewhere(ctx: Context, wish: Wish) -> bool:
    """Whether it is open, but not in this group: what it did not read of it cannot claim."""
    if wish.state not in wishes.OPEN or ctx.group is None:
        return False
    if wish.scope is None:
        return wish.room_id is not None and wish.room_id != ctx.group.id
    return not (ctx.group.grid or "").startswith(wish.scope)


async def _take(ctx: Context, command: Command, found: Wish, person: Person) -> None:
    taken = await wishes.claim(
        ctx.tx,
        found.number,
        person.id,
        room_id=_group(ctx),
        anonymous=command.anonymous,
        at=ctx.now,
        release_at=wish_steps.release_at(ctx),
        said=(ctx.message.account, ctx.message.id),
    )
    if taken is None:
        place, new = await wishes.line_up(
            ctx.tx,
            found.number,
            person.id,
            room_id=_group(ctx),
            anonymous=command.anonymous,
            at=ctx.now,
            said=(ctx.message.account, ctx.message.id),
        )
        if new:
            await ctx.audit_message("wish_lined_up", item=found.id, place=place)
        if new:
            many = texts.in_line_many(found.id, place)
            await tallies.say(ctx, f"line:{found.id}", texts.in_line(found.id, place), many=many)
        else:
            await ctx.reply(texts.in_line_already(found.id, place))
        return
    await ctx.audit_message("wish_claimed", item=taken.id, round=taken.rounds)
    # Groups that have not read of it yet need not.
    await outbox.drop_queued(ctx.tx, f"{wish_steps.words(taken)}public:")
    days = ctx.policy.wish_claim_for.days
    public = _group(ctx) is not None
    await ctx.reply(texts.claimed(taken.id, days, anonymous=command.anonymous, public=public))
    giver = await wish_steps.name_of(ctx, person.id, _group(ctx))
    giver = texts.with_note(giver, command.text, anonymous=command.anonymous)
    wisher = await wish_steps.name_of(ctx, taken.person_id, taken.room_id)
    line = texts.told_claimed(taken.id, wish_steps.shown(taken), giver, wisher, days)
    await wish_steps.tell_leaders(ctx, taken, line, key=f"claimed:{taken.rounds}")
    await wish_steps.tell_wisher(ctx, taken, texts.wish_claimed(taken.id), key=f"claimed:{taken.rounds}", but=person.id)


async def _their_own(ctx: Context, found: Wish, person: Person) -> None:
    """A wish told in private is theirs to know of alone: the group does not hear why they cannot have it."""
    if _group(ctx) is None or found.room_id is not None:
        await ctx.reply(texts.your_own(found.id))
        return
    await ctx.tell(person, texts.your_own(found.id), key=f"wish:{found.id}:own:{ctx.message.id}")
    await ctx.reply(texts.ask_leader(found.id))


async def give_up(ctx: Context, command: Command) -> str:
    """`放弃 X5`, by whoever has it or stands in line for it."""
    found = await _own_claim(ctx, command, waiting=True)
    if found is None:
        return "command"
    person = await ctx.person()
    following = await wish_steps.let_go(ctx, found, person, texts.GAVE_UP)
    if following is not None:
        await ctx.audit_message("wish_given_up", item=found.id)
        await ctx.reply(texts.given_up(found.id, next_one=following))
    elif await wishes.leave_line(ctx.tx, found.number, person.id):
        await ctx.audit_message("wish_left_line", item=found.id)
        await ctx.reply(texts.left_line(found.id))
    else:
        await ctx.reply(texts.not_yours(found.id))
    return "command"


async def fulfil(ctx: Context, command: Command) -> str:
    """`完成 X5`, by the giver, or by a leader for them: thanked once, and a photo may follow."""
    found = await _own_claim(ctx, command, waiting=False)
    if found is None:
        return "command"
    person = await ctx.person()
    right = wish_steps.right_over(person, found)
    giver = found.claimed_by == person.id
    if not giver and right is None:
        hidden = found.state not in wishes.OPEN | {WishState.DONE}
        await ctx.reply(texts.no_such_wish(found.id) if hidden else texts.not_yours(found.id))
        return "command"
    expect = {WishState.CLAIMED} if giver else wishes.OPEN
    done = await wishes.move(ctx.tx, found.number, expect, WishState.DONE, done_at=ctx.now, release_at=None)
    if done is None:
        await ctx.reply(texts.over(found.id, found.state))
        return "command"
    await ctx.audit_message("wish_done", right=None if giver else right, item=done.id)
    if done.claimed_by is not None and not done.anonymous:  # the ledger would name them
        await points.earn(ctx, done.claimed_by, PointAction.WISH, done.id, done.grid)
    await ctx.reply(texts.done(done.id, public=_group(ctx) is not None) if giver else texts.done_by_leader(done.id))
    await wish_steps.thank(ctx, done, after=wish_steps.OBJECT_WITHIN if giver else timedelta(0))
    await wish_steps.tell_wisher(ctx, done, texts.wish_done(done.id), key=f"done:{done.rounds}", but=person.id)
    await wish_steps.tell_line(ctx, done)
    if giver:
        until = ctx.now + ctx.policy.join_for
        await questions.ask(ctx.tx, Question(person.id, PHOTO, done.id, _group(ctx), ctx.now, until))
        who = await wish_steps.name_of(ctx, person.id, done.claim_room_id)
        line = texts.told_done(done.id, wish_steps.shown(done), who)
        await wish_steps.tell_leaders(ctx, done, line, key=f"done:{done.rounds}:{ctx.message.id}")
    return "command"


async def attach(ctx: Context) -> bool:
    """A photo behind `完成 X5`: its message id is noted, the picture is neither kept nor shown. Whether it was one."""
    if ctx.message.kind not in (MessageKind.IMAGE, MessageKind.VIDEO) or ctx.actor is None:
        return False
    for question in await questions.open_for(ctx.tx, ctx.actor.id, PHOTO, ctx.now):
        if question.room_id != _group(ctx):
            continue
        await questions.close(ctx.tx, ctx.actor.id, PHOTO, question.item)
        number = int(question.item.removeprefix("X"))
        if await wishes.move(ctx.tx, number, {WishState.DONE}, WishState.DONE, photo_id=ctx.message.id) is not None:
            await ctx.audit_message("wish_photo", item=question.item)
            return True
    return False


async def withdraw(ctx: Context, command: Command) -> str:
    """`撤回 X5`, by whoever wished it: its words are deleted."""
    found = await wishes.get(ctx.tx, command.item) if command.item is not None else None
    wisher = found is not None and ctx.actor is not None and found.person_id == ctx.actor.id
    if found is None or not wisher:
        public = found is not None and found.state in wishes.OPEN | {WishState.DONE}
        wish_id = f"X{command.item}"
        await ctx.reply(texts.not_wished_by_you(wish_id) if public else texts.no_such_wish(wish_id))
        return "command"
    if found.state is WishState.WITHDRAWN:
        await ctx.reply(texts.over(found.id, found.state))
        return "command"
    await wish_steps.take_back(ctx, found)
    await ctx.audit_message("wish_withdrawn", item=found.id, before=found.state.value)
    await ctx.reply(texts.withdrawn(found.id))
    return "command"


async def query(ctx: Context, command: Command) -> str:
    """`查询 X5`: its state; to those who review it in private or in their own room, who wished and who gives."""
    found = await wishes.get(ctx.tx, command.item) if command.item is not None else None
    leads = found is not None and wish_steps.right_over(ctx.actor, found) is not None
    mine = found is not None and ctx.actor is not None and found.person_id == ctx.actor.id
    public = found is not None and found.state in wishes.OPEN | {WishState.DONE}
    if found is None or not (public or mine or leads):
        await ctx.reply(texts.no_such_wish(f"X{command.item}"))
    elif leads and _group(ctx) is None:
        giver = await wish_steps.name_of(ctx, found.claimed_by, found.claim_room_id)
        wisher = await wish_steps.name_of(ctx, found.person_id, found.room_id)
        line = texts.state_inside(found.id, found.state, wish_steps.shown(found), giver, wisher)
        await ctx.reply(line, key=f"wish:{found.id}:state:{ctx.message.id}")
    elif public or _group(ctx) is None:
        await ctx.reply(texts.state(found.id, found.state))
    else:
        await ctx.reply(texts.no_such_wish(found.id))  # what is not public yet is not said in public
    return "command"


async def recalled(ctx: Context, gone: str) -> bool:
    """The message that wished for it, published it or claimed it was taken back: so are its words, or the claim.
    Whether there was one."""
    found = await wishes.by_message(ctx.tx, ctx.message.account, gone)
    for one in found:
        if one.message_id == gone:
            await wish_steps.take_back(ctx, one)
            await ctx.audit_message("wish_withdrawn", item=one.id, before=one.state.value, recalled=True)
            continue
        again = await wishes.move(
            ctx.tx, one.number, {WishState.PUBLISHED}, WishState.PENDING, public="", review_id=None, scope=None
        )
        if again is None:  # somebody has it already: it goes on, without the words
            await wishes.move(ctx.tx, one.number, {one.state}, one.state, public="", review_id=None)
        await outbox.forget_keyed(ctx.tx, wish_steps.words(one))
        await ctx.audit_message("wish_review_recalled", item=one.id, before=one.state.value)
        if again is not None:
            await ctx.reply(texts.told_review_recalled(one.id))
    return await _unclaim(ctx, gone) or bool(found)


async def _unclaim(ctx: Context, gone: str) -> bool:
    if ctx.actor is None:
        return False
    said = (ctx.message.account, gone)
    left = await wishes.recall_place(ctx.tx, ctx.actor.id, said)
    for number in left:
        await ctx.audit_message("wish_left_line", item=f"X{number}", recalled=True)
    mine = [one for one in await wishes.held(ctx.tx, ctx.actor.id) if (one.claim_account, one.claim_id) == said]
    for one in mine:
        await wish_steps.let_go(ctx, one, ctx.actor, texts.GAVE_UP)
        await ctx.audit_message("wish_given_up", item=one.id, recalled=True)
    return bool(left or mine)


# --- which one is meant ---
async def only_talk(ctx: Context, command: Command) -> bool:
    """Whether a bare `认领`, `放弃` or `完成` without a number can mean no wish, so that it is talk."""
    if command.item is not None or command.explicit:
        return False
    if command.name is Name.CLAIM:
        return not await _offered(ctx)
    return not await _held(ctx, waiting=command.name is Name.GIVE_UP)


async def held(ctx: Context) -> bool:
    """Whether the speaker has claimed something, so that a `完成` without a number may mean it."""
    return bool(await _held(ctx, waiting=False))


async def _claimable(ctx: Context, command: Command) -> Wish | None:
    if command.item is not None:
        found = await wishes.get(ctx.tx, command.item)
        if found is None:
            await ctx.reply(texts.no_such_wish(f"X{command.item}"))
        return found
    offered = await _offered(ctx)
    if len(offered) == 1:
        return offered[0]
    usage = command.name.value
    await ctx.reply(texts.which([one.id for one in offered], usage) if offered else texts.name_one(usage))
    return None


async def _offered(ctx: Context) -> list[Wish]:
    """What a claim without a number can mean: what is quoted, else what is free here, else what others already have."""
    quoted = await _quoted(ctx, ctx.message)
    if quoted is not None:
        return [quoted]
    if ctx.room is None or ctx.room.kind is not RoomKind.RESIDENT:
        return []
    here = await wishes.open_in(ctx.tx, ctx.room.id, ctx.room.grid)
    return [one for one in here if one.state is WishState.PUBLISHED] or here


async def _quoted(ctx: Context, message: Message) -> Wish | None:
    if message.kind is not MessageKind.QUOTE:
        return None
    match = _ID.search(quoting.split(message.text).text)
    return await wishes.get(ctx.tx, int(match[1])) if match is not None else None


async def _own_claim(ctx: Context, command: Command, *, waiting: bool) -> Wish | None:
    """The wish that is named, or the only one that the speaker has."""
    usage = command.name.value
    if command.item is not None:
        found = await wishes.get(ctx.tx, command.item)
        if found is None:
            await ctx.reply(texts.no_such_wish(f"X{command.item}"))
        return found
    own = await _held(ctx, waiting=waiting)
    if len(own) == 1:
        return own[0]
    await ctx.reply(texts.which([one.id for one in own], usage) if own else texts.NOT_HOLDING)
    return None


async def _held(ctx: Context, *, waiting: bool) -> Sequence[Wish]:
    if ctx.actor is None:
        return []
    own = await wishes.held(ctx.tx, ctx.actor.id)
    if waiting and not own:
        numbers = await wishes.in_line(ctx.tx, ctx.actor.id)
        own = [found for number in numbers if (found := await wishes.get(ctx.tx, number)) is not None]
    return own


async def _list_open(ctx: Context) -> None:
    here = await wishes.open_in(ctx.tx, ctx.room.id, ctx.room.grid) if ctx.room is not None else []
    if ctx.room is None:
        await ctx.reply(texts.WISH_WHAT)
        return
    lines = [texts.open_line(one.id, one.public, one.state) for one in here[:MOST_LISTED]]
    key = f"{wish_steps.LISTS}{ctx.message.account}:{ctx.message.id}"
    await ctx.reply("\n".join(lines) or texts.NOTHING_OPEN, key=key)


def _group(ctx: Context) -> int | None:
    """The resident group in which this was said; None in private and among leaders."""
    return ctx.group.id if ctx.group is not None else None


async def erase(ctx: Context, person: Person) -> None:
    """Somebody is erased: their wishes go with their words, what they claimed goes to the next."""
    for one in await wishes.wished(ctx.tx, person.id):
        await wish_steps.take_back(ctx, one)
    given = await wishes.given(ctx.tx, person.id)
    await wishes.forget_person(ctx.tx, person.id)
    if not person.grants:  # what was noted of somebody in office is kept with it
        await contributions.forget(ctx.tx, person.id)
    for one in given:
        await outbox.forget_keyed(ctx.tx, wish_steps.words(one))
        await wish_steps.let_go(ctx, one, person, texts.ERASED)


async def kept(ctx: Context, person: Person) -> str:
    """What there is of somebody, in words; empty for nothing."""
    made = [one for one in await wishes.wished(ctx.tx, person.id) if one.state is not WishState.WITHDRAWN]
    given, deeds = await wishes.given(ctx.tx, person.id), await contributions.noted(ctx.tx, person.id)
    return texts.kept(len(made), len(given), deeds)
