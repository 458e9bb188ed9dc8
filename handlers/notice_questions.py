"""What people ask under a notice."""

from __future__ import annotations

from datetime import timedelta

from handlers.context import Context
from handlers.texts import notices as texts
from nlp import stating
from storage import notices, outbox, people
from storage.model import PostKind, RoomKind
from storage.notices import Notice

ASKED_FOR = timedelta(hours=24)
ASKED_AN_HOUR = 6  # that the author of a notice is told of


async def asked(ctx: Context) -> bool:
    """A bare question in a group that has just read a notice. When, where or how long is answered once by the notice's
    own sentence, where it states that once; else it goes to who wrote the notice, one an hour from each group and no
    more than some from all: a notice may be read in thousands. False where there is no such notice."""
    if ctx.room is None or ctx.room.kind is not RoomKind.RESIDENT:
        return False
    notice = await notices.latest_in(ctx.tx, ctx.room.id, ctx.now - ASKED_FOR)
    author = await people.get(ctx.tx, notice.author_id) if notice is not None else None
    if notice is None or author is None:
        return False
    if await _stated(ctx, notice):
        return True
    hour = f"asked:{notice.number}:{ctx.now:%m%d%H}:"
    before = await outbox.spoken(ctx.tx, hour)
    if before >= ASKED_AN_HOUR:
        return False
    last = before == ASKED_AN_HOUR - 1
    line = texts.asked_under(notice.id, ctx.room.topic, ctx.analysis.text, last=last)
    return await ctx.tell(author, line, key=f"{hour}{ctx.room.id}")


async def _stated(ctx: Context, notice: Notice) -> bool:
    """Answer in the notice's own words. False where it does not say, has been quoted for that here, or the room has
    heard enough."""
    zone = ctx.policy.timezone
    said_at = (notice.send_at or notice.created_at).astimezone(zone)
    sentence = stating.answer(ctx.analysis.text, notice.text, said_at, ctx.message.sent_at.astimezone(zone))
    room = ctx.room
    if sentence is None or room is None:
        return False
    key = f"stated:{notice.number}:{room.id}:{stating.asked(ctx.analysis.text)}"
    return await ctx.reply(texts.stated(sentence), PostKind.ACK, key=key)
