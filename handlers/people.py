"""Who people are to the bot: bound to a registry entry, recorded or not, let in."""

from __future__ import annotations

from datetime import timedelta

from handlers import membership, rights
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import people as texts
from nlp import contact
from storage import binding, people

WRONG_CODES = 5
WITHIN = timedelta(hours=1)


async def bind(ctx: Context, command: Command) -> str:
    """`绑定 <码>`, in private only: this IM account is the person to whom the community gave the code. Said in a group
    it is nobody's any more."""
    message = ctx.message
    if message.room is not None:
        burnt = await binding.burn(ctx.tx, command.code)
        if burnt is not None:
            await ctx.audit("bind_code_burnt", actor=ctx.actor.id if ctx.actor is not None else None, person=burnt)
        await ctx.reply(texts.BIND_IN_PRIVATE)
        return "command"
    failures = await binding.failures(ctx.tx, message.account, message.sender, ctx.now - WITHIN)
    if failures >= WRONG_CODES:
        await ctx.reply(texts.BIND_TOO_OFTEN)
        return "command"
    person = await binding.bind(ctx.tx, command.code, message.account, message.sender, ctx.now)
    if person is None:
        await binding.record_failure(ctx.tx, message.account, message.sender, ctx.now)
        await ctx.audit("bind_failed", actor=ctx.actor.id if ctx.actor is not None else None)
        await ctx.reply(texts.BIND_WRONG)
        return "command"
    ctx.actor = await people.ensure(
        ctx.tx, message.account, message.sender, nick=contact.mask(message.nick), friend=message.friend
    )
    await ctx.audit_message("bound")
    await ctx.reply(texts.bound(person.name, person.roles))
    return "command"


async def forget(ctx: Context, _command: Command) -> str:
    """`别记我`: nothing this person says is captured any more, not even an emergency, and the answer says so."""
    person = await ctx.person()
    if person.opted_out_at is not None:
        await ctx.reply(texts.FORGOTTEN_ALREADY)
        return "command"
    await people.opt_out(ctx.tx, person.id, ctx.now)
    await ctx.audit_message("opted_out")
    await ctx.reply(texts.FORGOTTEN)
    return "command"


async def remember(ctx: Context, _command: Command) -> str:
    """`恢复记录`: takes 别记我 back."""
    if ctx.actor is None or ctx.actor.opted_out_at is None:
        await ctx.reply(texts.REMEMBERED_ALREADY)
        return "command"
    await people.opt_out(ctx.tx, ctx.actor.id, None)
    await ctx.audit_message("opted_in")
    await ctx.reply(texts.REMEMBERED)
    return "command"


async def befriended(ctx: Context) -> str:
    """Somebody asks to add the account: accepted, so that they can be reached in private."""
    ctx.accept = True
    if ctx.actor is not None:
        await people.set_friend(ctx.tx, ctx.message.account, ctx.message.sender, True)
    return "friend"


async def invited(ctx: Context) -> str:
    """Somebody invites the account into a room: accepted only from a bound leader or staff member, and not into more
    rooms than the account can bear."""
    staff = ctx.actor is not None and any(grant.role in rights.STAFF for grant in ctx.actor.grants)
    ctx.accept = staff and not await membership.crowded(ctx)
    actor = ctx.actor.id if ctx.actor is not None else None
    await ctx.audit("invite_accepted" if ctx.accept else "invite_refused", actor=actor)
    return "invite"


async def keep_friend(ctx: Context) -> None:
    """Someone who was known only from a group has since added the account: from now on private lines reach them."""
    message = ctx.message
    if ctx.actor is None or not message.friend:
        return
    here = [alias for alias in ctx.actor.aliases if (alias.account, alias.im_id) == (message.account, message.sender)]
    if any(not alias.friend for alias in here):
        await people.set_friend(ctx.tx, message.account, message.sender, True)
        ctx.actor = await people.get(ctx.tx, ctx.actor.id) or ctx.actor


async def hint_id_number(ctx: Context) -> None:
    """Somebody showed an ID number to the whole group: tell them alone, once a day. No record of them is made."""
    message = ctx.message
    if ctx.room is None or not message.friend:
        return
    day = ctx.now.astimezone(ctx.policy.timezone).date()
    key = f"idhint:{message.account}:{message.sender}:{day}"
    await ctx.direct(message.account, message.sender, texts.ID_NUMBER_HINT, key=key)
