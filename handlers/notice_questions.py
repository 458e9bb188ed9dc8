"""What people ask under a notice."""

from __future__ import annotations

from datetime import timedelta

from handlers.context import Context
from handlers.texts import notices as texts
from storage import notices, people
from storage.model import RoomKind

ASKED_FOR = timedelta(hours=24)


async def asked(ctx: Context) -> bool:
    """A bare question in a group that has just read a notice goes to who wrote it, one an hour from each group. False
    where there is no such notice."""
    if ctx.room is None or ctx.room.kind is not RoomKind.RESIDENT:
        return False
    notice = await notices.latest_in(ctx.tx, ctx.room.id, ctx.now - ASKED_FOR)
    author = await people.get(ctx.tx, notice.author_id) if notice is not None else None
    if notice is None or author is None:
        return False
    line = texts.asked_under(notice.id, ctx.room.topic, ctx.analysis.text)
    return await ctx.tell(author, line, key=f"asked:{notice.number}:{ctx.room.id}:{ctx.now:%m%d%H}")
