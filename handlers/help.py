"""`帮助` and `职责`: at most six lines, fitting who asks, where, and whether it is 急时."""

from __future__ import annotations

from handlers import rights, texts
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from storage.model import Person, Role


async def show(ctx: Context, _command: Command) -> str:
    """Answer with what this person can do here."""
    urgent = ctx.policy.urgent_since is not None
    await ctx.reply("\n".join(lines(ctx.actor, private=ctx.room is None, urgent=urgent)))
    return "command"


async def duty(ctx: Context, _command: Command) -> str:
    """Answer with who does what, seen from where this person stands."""
    await ctx.reply("\n".join(duties(ctx.actor)))
    return "command"


def lines(person: Person | None, *, private: bool, urgent: bool = False) -> tuple[str, ...]:
    """The help for a person: of the community, a leader's, an owner's, or a resident's in a group or in private, with a
    line for those who may be called."""
    office = _office(person, texts.HELP_ABOVE, texts.HELP_LEADER, texts.HELP_OWNER)
    if office is not None:
        return office
    resident = texts.HELP_URGENT if urgent else texts.HELP_PRIVATE if private else texts.HELP_ROOM
    return (*resident, texts.HELP_HELPER) if _helps(person) else resident


def duties(person: Person | None) -> tuple[str, ...]:
    """The same for who does what."""
    office = _office(person, texts.DUTY_ABOVE, texts.DUTY_LEADER, texts.DUTY_OWNER)
    if office is not None:
        return office
    return (*texts.DUTY_RESIDENT, texts.DUTY_HELPER) if _helps(person) else texts.DUTY_RESIDENT


def _office(
    person: Person | None, above: tuple[str, ...], leader: tuple[str, ...], owner: tuple[str, ...]
) -> tuple[str, ...] | None:
    roles = _roles(person)
    if roles & {Role.COMMUNITY, Role.STREET}:
        return above
    if roles & rights.LEADERS:
        return leader
    return owner if roles & rights.STAFF else None


def _helps(person: Person | None) -> bool:
    return any(Right.ANSWER in rights.TABLE[role] for role in _roles(person))


def _roles(person: Person | None) -> set[Role]:
    return {grant.role for grant in person.grants} if person is not None else set()
