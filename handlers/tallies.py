"""How many so far, said in answer to commands that many people give at once: one line a minute, merged."""

from __future__ import annotations

from handlers import quiet, texts
from handlers.context import Context
from nlp.contact import mask
from storage import outbox
from storage.model import PostKind

_MOST_NAMED = 3


async def say(ctx: Context, name: str, text: str, *, many: str = "") -> None:
    """Tell the speaker, and with them all who gave the like command in this minute. `name` is that of the count; `many`
    is what several are told, where it differs."""
    if ctx.group is None:
        await ctx.reply(text)
        return
    key = f"tally:{name}:room{ctx.group.id}:{quiet.next_minute(ctx.now):%Y%m%dT%H%M}"
    queued = await outbox.find_queued(ctx.tx, key)
    if queued is None or ctx.late:
        await ctx.reply(text, PostKind.TALLY, key=key)
        return
    named, end, _ = queued.text.rpartition(texts.MENTION_END)
    mentions = queued.mentions
    if ctx.message.sender not in mentions and len(mentions) < _MOST_NAMED:
        mentions = (*mentions, ctx.message.sender)
        named, end = f"{named}{end}@{mask(ctx.message.nick)}", texts.MENTION_END
    await outbox.reword(ctx.tx, queued.id, f"{named}{end}{many or text}", mentions=mentions)
