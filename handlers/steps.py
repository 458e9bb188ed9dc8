"""What every step of a ticket shares: the move itself, the search for the ticket, and who is told of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from handlers import clocks, rights, texts
from handlers.context import Context, Effects, Policy
from nlp import location
from nlp.categories import OTHER, Category
from storage import alerts, answers, duty, outbox, people, rooms
from storage import tickets as rows
from storage.engine import purged
from storage.model import DutyKind, Level, Nature, Person, Place, Role, Ticket, TicketState

LEVELS = (Level.GRID, Level.COMMUNITY, Level.STREET, Level.DEPARTMENT)
# Who a level is, and how much of a grid's code is its own: province, city and district (6), street (9), community (12).
LEVEL_ROLES = {Level.COMMUNITY: Role.COMMUNITY, Level.STREET: Role.STREET, Level.DEPARTMENT: Role.DEPARTMENT}
GRID_DIGITS = (18, 15, 12)  # a micro-grid, a general grid, a community
LEVEL_DIGITS = {Level.COMMUNITY: 12, Level.STREET: 9, Level.DEPARTMENT: 6}
ANSWERED = "answered"  # the action of a linked answer in the group
_ACKNOWLEDGING = frozenset(
    {TicketState.ASSIGNED, TicketState.ACCEPTED, TicketState.IN_PROGRESS, TicketState.CALLBACK, TicketState.CLOSED}
)
MOST_WORDS = 80  # of what was said, in a line to a leader


def category(policy: Policy, code: str) -> Category:
    """The category of a code; 其他 for one that the deployment no longer knows."""
    return policy.categories.get(code) or policy.categories[OTHER]


def heading(policy: Policy, ticket: Ticket) -> str:
    """`S12 电梯故障 3栋2单元`: what a line about a ticket begins with in public, without a room number."""
    return texts.heading(ticket.id, category(policy, ticket.category).short_name, texts.where(ticket.place))


def heading_short(policy: Policy, ticket: Ticket) -> str:
    """`S12 电梯故障`: what goes to several reporters at once, whose homes differ."""
    return texts.heading(ticket.id, category(policy, ticket.category).short_name, "")


def heading_inside(policy: Policy, ticket: Ticket) -> str:
    """The same for those who handle it: with the floor and the room, unless these are a confidential reporter's own."""
    name = category(policy, ticket.category).short_name
    exact = not (discreet(ticket) and ticket.place.located_by == "nick")
    return texts.heading(ticket.id, name, texts.where(ticket.place, exact=exact))


def discreet(ticket: Ticket) -> bool:
    """Whether nothing of it may be said in public (design/tickets.md, Confidential)."""
    return ticket.confidential or ticket.nature is Nature.REPORT


def located(place: Place) -> bool:
    """Whether somebody who is sent there would find it: 南门 will do, 楼道 without a building will not."""
    return bool(place.building) or (place.place is not None and location.findable(place.place))


def deadlines(policy: Policy, code: str, start: datetime) -> tuple[datetime | None, datetime | None]:
    """When somebody must have answered, and when it must be closed."""
    return clocks.deadlines(category(policy, code), start, policy)


def started(ticket: Ticket) -> datetime:
    """From when its limits count."""
    return ticket.clock_from or ticket.reported_at


def common(one: str | None, other: str | None) -> str | None:
    """The smallest grid that holds both: two micro-grids meet in their general grid or in the community. `one` itself
    where the two have no community in common."""
    if one is None or other is None:
        return one or other
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return next((one[:digits] for digits in GRID_DIGITS if digits <= same), one)


async def move(
    effects: Effects,
    ticket: Ticket,
    to: TicketState,
    action: str,
    *,
    actor: Person | None = None,
    right: str | None = None,
    skipped: Collection[TicketState] = (),
    automatic: bool = False,
    detail: dict[str, str | int | bool | None] | None = None,
    **fields: Any,  # noqa: ANN401
) -> Ticket | None:
    """Take a ticket from the state it was read in to another one, with one audit entry, and one more for each step
    that was `skipped`. `automatic`: the bot's own doing, whoever's message it came with. None, and nothing changed,
    where somebody was faster."""
    if ticket.acknowledged_at is None and ((right is not None and to in _ACKNOWLEDGING) or action == ANSWERED):
        fields["acknowledged_at"] = effects.now  # design/tickets.md: the first step of a person, or a linked answer
    moved = await rows.update(effects.tx, ticket.number, expect={ticket.state}, at=effects.now, state=to, **fields)
    if moved is None:
        return None
    if right is not None:  # whoever goes on with it has decided what a platform above said of it
        await answers.settled(effects.tx, ticket.number)
    before = ticket.state
    for step in skipped:
        await _record(effects, action, actor, right, ticket, before, step, {**(detail or {}), "skipped": True})
        before = step
    if automatic:
        await effects.audit(
            action,
            actor=None,
            right=None,
            ticket=ticket.number,
            before=before.value,
            after=to.value,
            by=None,
            **(detail or {}),
        )
    else:
        await _record(effects, action, actor, right, ticket, before, to, detail or {})
    return moved


async def _record(
    effects: Effects,
    action: str,
    actor: Person | None,
    right: str | None,
    ticket: Ticket,
    before: TicketState,
    after: TicketState,
    detail: dict[str, str | int | bool | None],
) -> None:
    if isinstance(effects, Context):
        await effects.audit_message(
            action, right=right, ticket=ticket.number, before=before.value, after=after.value, **detail
        )
        return
    await effects.audit(
        action,
        actor=actor.id if actor is not None else None,
        right=right,
        ticket=ticket.number,
        before=before.value,
        after=after.value,
        by=None,
        **detail,
    )


async def inform(effects: Effects, ticket: Ticket, text: str, *, key: str, urgent: bool = False) -> int:
    """Tell those who answer for a ticket: its leaders, and for 应急, from level 社区 on, or where no leader can be
    reached, the community too; of an 应急 also whoever is on duty. Where all that reaches nobody (no grid is known yet,
    or only the community's) whoever leads a part of it: somebody must know.

    Returns how many lines are on their way. None at all is audited; `待办` shows the ticket all the same."""
    told = 0
    for grid in await _reached(effects, ticket):
        told += await effects.tell_leaders(grid, text, key=key, ticket=ticket.number, urgent=urgent)
    if urgent or not told or ticket.level is not Level.GRID:
        told += await tell_level(effects, ticket, text, key=key, level=Level.COMMUNITY, urgent=urgent)
    if ticket.level not in {Level.GRID, Level.COMMUNITY}:
        told += await tell_level(effects, ticket, text, key=key, urgent=urgent)
    if urgent:
        told += await _tell_on_duty(effects, ticket, text, key=key)
    if not told:
        for person in await _anybody(effects, ticket.grid):
            told += await effects.tell(person, text, key=f"{key}:{person.id}", ticket=ticket.number, urgent=urgent)
    if not told:
        await effects.audit("untold", actor=None, ticket=ticket.number)
    return told


async def _tell_on_duty(effects: Effects, ticket: Ticket, text: str, *, key: str) -> int:
    """Those on the roster for 应急, and in 急时 those on that of 急时. What is confidential is for staff only."""
    if ticket.grid is None:
        return 0
    kinds = [DutyKind.EMERGENCY] + ([DutyKind.MODE] if effects.policy.urgent_since is not None else [])
    told = 0
    for kind in kinds:
        for person in await duty.on_duty(effects.tx, kind, ticket.grid, effects.now):
            if not discreet(ticket) or person.covers(ticket.grid, *rights.STAFF):
                told += await effects.tell(person, text, key=f"{key}:{person.id}", ticket=ticket.number, urgent=True)
    return told


async def _reached(effects: Effects, ticket: Ticket) -> list[str | None]:
    """The grids whose leaders answer for it: of one that has spread each that it has reached."""
    if ticket.grid is None or len(ticket.grid) == GRID_DIGITS[0]:
        return [ticket.grid]
    grids = await rows.reached(effects.tx, ticket.number)
    return [grid for grid in grids if grid.startswith(ticket.grid)] or [ticket.grid]


async def tell_level(
    effects: Effects, ticket: Ticket, text: str, *, key: str, level: Level | None = None, urgent: bool = False
) -> int:
    """Tell the people of a level above the grid (the ticket's own, unless another is named): in their leader room where
    there is one, else each of them. Returns how many lines are on their way."""
    level = level or ticket.level
    if ticket.grid is None or level not in LEVEL_ROLES:
        return 0
    room = await rooms.leader_room_of(effects.tx, ticket.grid[: LEVEL_DIGITS[level]])
    if room is not None:
        key, number = f"{key}:room{room.id}", ticket.number
        sent = await effects.direct(
            room.account, room.im_id, text, key=key, ticket=number, urgent=urgent, room_id=room.id
        )
        return int(sent)
    told = 0
    for person in await people.with_role(effects.tx, (LEVEL_ROLES[level],), ticket.grid):
        told += await effects.tell(person, text, key=f"{key}:{person.id}", ticket=ticket.number, urgent=urgent)
    return told


async def _anybody(effects: Effects, grid: str | None) -> list[Person]:
    """Those who see the whole, else whoever leads within it: for what is nobody's yet."""
    everyone = await people.everyone_with_grants(effects.tx)
    for roles in (rights.WITHOUT_GRID, rights.LEADERS):
        found = [
            person
            for person in everyone
            if any(grant.role in roles and grant.scope.startswith(grid or "") for grant in person.grants)
        ]
        if found:
            return found
    return []


async def is_reporter(ctx: Context, ticket: Ticket) -> bool:
    """Whether the speaker is one of those who reported it."""
    if ctx.actor is None:
        return False
    return any(reporter.person_id == ctx.actor.id for reporter in await rows.reporters(ctx.tx, ticket.number))


async def words(ctx: Effects, ticket: Ticket) -> str:
    """What was said about it, by people and by devices, masked and short, for those who handle it."""
    said = [message.text for message in await rows.messages(ctx.tx, ticket.number) if message.text]
    said += [alert.text for alert in await alerts.of_tickets(ctx.tx, [ticket.number]) if alert.text]
    return shorten(" ".join(said))


def shorten(text: str) -> str:
    """A text on one line that a leader reads at a glance."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_WORDS else f"{flat[: MOST_WORDS - 1]}…"


async def forget(effects: Effects, ticket: Ticket) -> None:
    """Take every word of a ticket out of the store at once: its own text, the words it was found by, every line about
    it."""
    await rows.erase_text(effects.tx, ticket.number)
    await rows.update(effects.tx, ticket.number, expect={ticket.state}, at=effects.now, terms=())
    await outbox.drop_for_ticket(effects.tx, ticket.number)
    purged(effects.tx)
