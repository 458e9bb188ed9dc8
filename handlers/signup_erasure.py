"""What sign-ups keep of somebody, for 我的信息, and erasing it; and taking back a message that signed somebody up."""

from __future__ import annotations

from handlers import signup_activities, signups
from handlers.context import Context
from handlers.texts import signups as words
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage import signups as rows
from storage.model import Person


async def kept(ctx: Context, person: Person) -> str:
    """What there is of somebody, in words; empty for nothing."""
    return words.kept(len(await rosters.numbers_of(ctx.tx, [person.id])))


async def erase(ctx: Context, person: Person) -> None:
    """They come to nothing any more, neither do those whom they signed up by name, and their places are free; of what
    is over the number of heads stays."""
    for number in await rosters.numbers_of(ctx.tx, [person.id]):
        signup = await rows.get(ctx.tx, number)
        if signup is None or not signup.open:
            continue
        at = await steps.said_at(ctx.tx, number, ctx.message.sent_at)
        theirs = [
            entry
            for entry in await rosters.entries(ctx.tx, number)
            if entry.active and (entry.person_id == person.id or (entry.by_id == person.id and entry.person_id is None))
        ]
        for entry in theirs:
            await steps.change(ctx.tx, number, entry.seq, 0, at=at)
            await ctx.audit_message("unsigned", item=signup.id, entry=entry.seq)
        moved = await rosters.settle(ctx.tx, number)
        await signups.tell_moved(ctx, signup, moved, [entry.seq for entry in theirs])
    await rosters.forget(ctx.tx, person.id)


async def recalled(ctx: Context, message_id: str) -> bool:
    """A message that signed somebody up was taken back: they come as they did before it, and a name that only it gave
    is gone. Whether it was one."""
    if await signup_activities.recalled(ctx, message_id):
        return True
    undone = await steps.said_by(ctx.tx, (ctx.message.account, message_id))
    for number in sorted({undo.signup for undo in undone}):
        signup = await rows.get(ctx.tx, number)
        if signup is None:
            continue
        at = await steps.said_at(ctx.tx, number, ctx.message.sent_at)
        seqs = []
        for undo in undone:
            if undo.signup == number:
                seqs.append(undo.seq)
                await steps.change(ctx.tx, number, undo.seq, undo.heads, at=at, slot=undo.slot)
                if undo.new:
                    await rosters.blank(ctx.tx, number, undo.seq)
        await ctx.audit_message("recalled", item=signup.id)
        moved = await rosters.settle(ctx.tx, number)
        await signups.tell_moved(ctx, signup, moved, seqs)
    return bool(undone)
