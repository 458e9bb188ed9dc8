"""`帮助` and `职责`: at most six lines, fitting who asks, where, whether it is 急时, and what is switched on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from handlers import appeals, rights, supplies
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Policy
from handlers.rights import Right
from handlers.texts import help as texts
from storage import grids, people
from storage.model import Person, Role, Room, RoomKind

_LEADING = (Role.MICRO_LEADER, Role.GRID_WORKER, Role.COMMUNITY)


async def show(ctx: Context, _command: Command) -> str:
    """Answer with what this person can do here."""
    grid = await appeals.grid_of(ctx)
    urgent = grid is not None and await supplies.urgent(ctx, grid)
    roles = roles_here(ctx.actor, ctx.room)
    await ctx.reply("\n".join(lines(roles, ctx.policy, private=ctx.room is None, urgent=urgent)))
    return "command"


async def duty(ctx: Context, _command: Command) -> str:
    """Answer with who does what, seen from where this person stands: in front their own office here, or for a resident
    which roles lead the grid. No names and no numbers."""
    grid = await appeals.grid_of(ctx)
    name = (await grids.names(ctx.tx)).get(grid or "", "")
    roles = roles_here(ctx.actor, ctx.room)
    said = duties(roles)
    if roles & rights.STAFF:
        offices = "、".join(label for role, label in labels.ROLE.items() if role in roles & rights.STAFF)
        said = (texts.duty_head(offices, name), *said)
    elif grid is not None:
        leading = {role for person in await people.with_role(ctx.tx, _LEADING, grid) for role in person.roles}
        leaders = "、".join(labels.ROLE[role] for role in _LEADING if role in leading)
        said = _swap(said, {texts.DUTY_LEADING: texts.leading(leaders, name)} if leaders else {})
    await ctx.reply("\n".join(said))
    return "command"


def roles_here(person: Person | None, room: Room | None) -> frozenset[Role]:
    """The offices that somebody holds: in a residents' group those over its grid, elsewhere all."""
    held = person.grants if person is not None else ()
    if room is not None and room.kind is RoomKind.RESIDENT:
        held = tuple(grant for grant in held if (room.grid or "").startswith(grant.scope))
    return frozenset(grant.role for grant in held)


def lines(roles: Collection[Role], policy: Policy, *, private: bool, urgent: bool = False) -> tuple[str, ...]:
    """The help for these roles: of the community, a leader's, an owner's, or a resident's in a group or in private,
    with a line for those who may be called. What is switched off is not in it."""
    log, points = policy.work_log, policy.points is not None
    swaps: dict[str, str] = {}
    if urgent:
        swaps |= dict.fromkeys((texts.HELP_LEADER_TELLS, texts.HELP_ABOVE_GATHERS), texts.HELP_LEADING_URGENT)
    if log:
        swaps |= {texts.HELP_LEADER_MENDS: texts.HELP_LEADER_LOG, texts.HELP_ABOVE_MENDS: texts.HELP_ABOVE_LOG}
    if points:
        swaps |= {texts.HELP_ABOVE_DECIDES: texts.HELP_ABOVE_POINTS, texts.HELP_OWN_DATA: texts.HELP_POINTS}
    owner = (*texts.HELP_OWNER, texts.HELP_OWNER_LOG) if log else texts.HELP_OWNER
    office = _office(roles, texts.HELP_ABOVE, texts.HELP_LEADER, owner)
    if office is not None:
        return _swap(office, swaps)
    resident = texts.HELP_URGENT if urgent else texts.HELP_PRIVATE if private else texts.HELP_ROOM
    called = texts.HELP_HELPER_LOG if log else texts.HELP_HELPER
    return _swap((*resident, called) if _helps(roles) else resident, swaps)


def duties(roles: Collection[Role]) -> tuple[str, ...]:
    """The same for who does what."""
    office = _office(roles, texts.DUTY_ABOVE, texts.DUTY_LEADER, texts.DUTY_OWNER)
    if office is not None:
        return office
    return (*texts.DUTY_RESIDENT, texts.DUTY_HELPER) if _helps(roles) else texts.DUTY_RESIDENT


def _swap(said: tuple[str, ...], swaps: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(swaps.get(line, line) for line in said)


def _office(
    roles: Collection[Role], above: tuple[str, ...], leader: tuple[str, ...], owner: tuple[str, ...]
) -> tuple[str, ...] | None:
    held = set(roles)
    if held & {Role.COMMUNITY, Role.STREET}:
        return above
    if held & rights.LEADERS:
        return leader
    return owner if held & rights.STAFF else None


def _helps(roles: Collection[Role]) -> bool:
    return any(Right.ANSWER in rights.TABLE[role] for role in roles)
