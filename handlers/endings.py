"""`结束` without an id: the one thing that is open here, a poll or a sign-up."""

from __future__ import annotations

from handlers import polls, signup_activities, signups
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import deliberation as texts
from storage import polls as stored


async def end(ctx: Context, command: Command) -> str:
    """Each kind rules on who may; with both open the id is asked for."""
    running = await stored.open_in_room(ctx.tx, ctx.room.id) if ctx.room is not None else []
    if not running:
        return await signup_activities.close(ctx, command)
    managed = [signup.id for signup in await signups.here(ctx) if await signups.manages(ctx, signup) is not None]
    if managed:
        ids = [*(poll.id for poll in running), *managed]
        await ctx.reply(texts.which_to_end(ids))
        return "command"
    return await polls.end(ctx, command)
