"""`帮助` and `职责`: at most six lines, fitting who asks and where."""

from __future__ import annotations

from handlers import rights, texts
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from storage.model import Person, Role


async def show(ctx: Context, _command: Command) -> str:
    """Answer with what this person can do here."""
    await ctx.reply("\n".join(lines(ctx.actor, private=ctx.room is None)))
    return "command"


def lines(person: Person | None, *, private: bool) -> tuple[str, ...]:
    """The help for a person: of the community, a leader's, an owner's, or a resident's in a group or in private, with a
    line for those who may be called."""
    roles = {grant.role for grant in person.grants} if person is not None else set()
    if roles & {Role.COMMUNITY, Role.STREET}:
        return texts.HELP_ABOVE
    if roles & rights.LEADERS:
        return texts.HELP_LEADER
    if roles & rights.STAFF:
        return texts.HELP_OWNER
    resident = texts.HELP_PRIVATE if private else texts.HELP_ROOM
    helps = any(Right.ANSWER in rights.TABLE[role] for role in roles)
    return (*resident, texts.HELP_HELPER) if helps else resident
