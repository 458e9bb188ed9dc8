"""`帮助` and `职责`: at most six lines, fitting who asks and where."""

from __future__ import annotations

from handlers import rights, texts
from handlers.commands import Command
from handlers.context import Context
from storage.model import Person


async def show(ctx: Context, _command: Command) -> str:
    """Answer with what this person can do here."""
    await ctx.reply("\n".join(lines(ctx.actor, private=ctx.room is None)))
    return "command"


def lines(person: Person | None, *, private: bool) -> tuple[str, ...]:
    """The help for a person: a leader's, an owner's, or a resident's in a group or in private."""
    roles = {grant.role for grant in person.grants} if person is not None else set()
    if roles & rights.LEADERS:
        return texts.HELP_LEADER
    if roles & rights.STAFF:
        return texts.HELP_OWNER
    return texts.HELP_PRIVATE if private else texts.HELP_ROOM
