"""The clocks of a ticket as due work: warned at half and at four fifths (at half alone where these are minutes apart),
raised one level when they run out, once each.

`follow` reads what became of the tickets and sets their clocks by it, so nobody who changes a ticket has to think of
them. A clock runs while what it waits for has not happened; it stands still in 待回访, while an answer in the group
waits to be confirmed, and once the ticket is over. Each says a thing once: after a stop only what matters now.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import clocks, escalation, mode, quiet, steps
from handlers import texts as labels
from handlers.context import Effects, Policy
from handlers.texts import appeals as appeal_texts
from handlers.texts import clocks as texts
from nlp.categories import Category, Span
from storage import changes, modes, people
from storage import clocks as due_work
from storage import tickets as rows
from storage.model import ClockKind, Person, Ticket, TicketClock, TicketState, Urgency

FOLLOWED, FIRED = 200, 20  # at a time, so that messages need not wait for longer than a moment
PUT_OFF = timedelta(hours=1)
TOGETHER = timedelta(minutes=5)  # two warnings of one limit within it are one: of three minutes the second is noise
HALF, MOST, EXPIRED = 1, 2, 3  # stages
_SHARE = (0.5, 0.8, 1.0)  # of the time limit, at which stages 1, 2 and 3 come
TAKEN_WITHIN, TAKEN_WITHIN_URGENT = timedelta(minutes=30), timedelta(minutes=3)

_OF_ASSIGNMENT = frozenset({ClockKind.TAKE, ClockKind.AGREED})  # the leader's to look after: no level is raised
_UNTOUCHED = frozenset({TicketState.FILED, TicketState.ASSIGNED, TicketState.ACCEPTED})
_RUNNING = _UNTOUCHED | {TicketState.IN_PROGRESS}


async def follow(effects: Effects, most: int | None = None) -> bool:
    """Set the clocks of tickets that changed since the last time; True where there are more.

    What had run out already when a store was given clocks is not raised after the fact, all of it at once: 待办 and
    日报 show it."""
    most = most or FOLLOWED
    begun = await due_work.begun(effects.tx)
    seq = await due_work.cursor(effects.tx)
    changed = await changes.since(effects.tx, seq, most)
    if not changed:
        return False
    old = changed[-1].seq <= begun
    numbers = {change.ticket for change in changed}
    known = await due_work.of(effects.tx, numbers)
    in_force = await modes.in_force(effects.tx)
    new: list[TicketClock] = []
    for ticket in await rows.numbered(effects.tx, numbers):
        policy = mode.within(in_force, effects.policy, ticket.grid, effects.now)
        wanted = {clock.kind: clock for clock in _wanted(ticket, policy)}
        for kind in ClockKind:
            before, now = known.get((ticket.number, kind)), wanted.get(kind)
            if now is not None:
                now = _carried(before, now)
                if old and now.due_at <= effects.now:
                    now = replace(now, stage=EXPIRED)
                clock = _timed(now, ticket, policy)
            elif before is not None and before.next_at is not None:
                clock = replace(before, next_at=None)
            else:
                continue
            if clock != before:
                new.append(clock)
    await due_work.put(effects.tx, new)
    await due_work.followed(effects.tx, changed[-1].seq)
    return len(changed) == most


async def pass_over(effects: Effects) -> bool:
    """Leave the next change out, which cannot be followed; True, as there may be more."""
    seq = await due_work.cursor(effects.tx)
    changed = await changes.since(effects.tx, seq, 1)
    if changed:
        await due_work.followed(effects.tx, changed[0].seq)
    return bool(changed)


async def fire(effects: Effects, most: int | None = None) -> bool:
    """Say what has come due, what runs out first before the rest; True where there is more."""
    most = most or FIRED
    in_force = await modes.in_force(effects.tx)
    due = await due_work.due(effects.tx, effects.now, most)
    found = {ticket.number: ticket for ticket in await rows.numbered(effects.tx, {clock.ticket for clock in due})}
    for clock in due:
        ticket = found[clock.ticket]
        policy = mode.within(in_force, effects.policy, ticket.grid, effects.now)
        stage = EXPIRED if clock.due_at <= effects.now else clock.stage + 1
        if stage == HALF and _moment(replace(clock, stage=HALF), ticket, policy) <= effects.now + TOGETHER:
            stage = MOST
        await due_work.put(effects.tx, [_timed(replace(clock, stage=stage), ticket, policy)])
        if stage == EXPIRED:
            found[clock.ticket] = await _expired(effects, ticket, clock)
        else:
            await _warn(effects, ticket, clock, stage)
    return len(due) == most


async def put_off(effects: Effects) -> bool:
    """Let the next clock that is due, which cannot fire now, try again later; True, as there may be more."""
    due = await due_work.due(effects.tx, effects.now, 1)
    await due_work.put(effects.tx, [replace(clock, next_at=effects.now + PUT_OFF) for clock in due])
    return bool(due)


def _wanted(ticket: Ticket, policy: Policy) -> Iterator[TicketClock]:
    """The clocks that run now."""
    if ticket.state not in _RUNNING or ticket.handled_at is not None:
        return
    category = steps.category(policy, ticket.category)
    start = steps.started(ticket)

    def clock(kind: ClockKind, due: datetime | None, since: datetime = start) -> Iterator[TicketClock]:
        if due is not None:
            yield TicketClock(ticket.number, kind, ticket.reopened, since, due)

    if ticket.acknowledged_at is None:
        yield from clock(ClockKind.ACK, ticket.ack_due)
    agreed = ticket.due if ticket.assigned_at is not None else None
    close = _limit(category.close, category, start, policy)
    if agreed is not None and close is not None and agreed < close:
        yield from clock(ClockKind.AGREED, agreed, ticket.assigned_at or start)
        yield from clock(ClockKind.CLOSE, close)
    else:
        yield from clock(ClockKind.CLOSE, ticket.due)
    if ticket.state is TicketState.ASSIGNED and ticket.assigned_at is not None:
        span = TAKEN_WITHIN_URGENT if ticket.urgency is Urgency.EMERGENCY else TAKEN_WITHIN
        due = clocks.due(ticket.assigned_at, span, category.clock, policy)
        yield from clock(ClockKind.TAKE, due, ticket.assigned_at)
    if ticket.state in _UNTOUCHED:
        yield from clock(ClockKind.FEEDBACK, _limit(category.feedback, category, start, policy))
        if ticket.founded is None:
            yield from clock(ClockKind.VERIFY, _limit(category.verify, category, start, policy))


def _limit(span: Span | None, category: Category, start: datetime, policy: Policy) -> datetime | None:
    return clocks.due(start, span, category.clock, policy) if span is not None else None


def _carried(before: TicketClock | None, now: TicketClock) -> TicketClock:
    """The clock with what was said of it already. A new round, or another assignment, begins anew."""
    if before is None or before.round != now.round:
        return now
    if now.kind in _OF_ASSIGNMENT and before.started_at != now.started_at:
        return now
    return replace(now, stage=before.stage)


def _timed(clock: TicketClock, ticket: Ticket, policy: Policy) -> TicketClock:
    return replace(clock, next_at=_moment(clock, ticket, policy) if clock.stage < EXPIRED else None)


def _moment(clock: TicketClock, ticket: Ticket, policy: Policy) -> datetime:
    """When the stage after the clock's own comes. That somebody is still to accept is said once, at the end; a warning
    that would come at night waits for the morning, unless it is an 应急 or runs out before."""
    if clock.kind is ClockKind.TAKE:
        return clock.due_at
    runs = steps.category(policy, ticket.category).clock if policy.urgent_since is None else "natural"
    moment = clocks.part(clock.started_at, clock.due_at, _SHARE[clock.stage], runs, policy)
    if ticket.urgency is not Urgency.EMERGENCY and clock.stage + 1 < EXPIRED:
        moment = min(quiet.after_night(moment, policy), clock.due_at)
    return moment


async def _warn(effects: Effects, ticket: Ticket, clock: TicketClock, stage: int) -> None:
    """To the owner, or to the leader where nobody owns it."""
    due = labels.clock(clock.due_at, effects.policy.timezone)
    nobody = ticket.state is TicketState.FILED and ticket.urgency is not Urgency.EMERGENCY
    to_assign = appeal_texts.owner_hint(ticket.category) if nobody else ""
    heading = steps.heading_inside(effects.policy, ticket)
    line = texts.told_running_out(heading, ticket.id, clock.kind, due, to_assign, nearly=stage == MOST)
    await _to_owner(effects, ticket, line, key=_key(clock, stage))


async def _expired(effects: Effects, ticket: Ticket, clock: TicketClock) -> Ticket:
    """Raised one level. What was agreed at the assignment is the leader's to look after, who may assign it anew."""
    heading, urgent = steps.heading_inside(effects.policy, ticket), ticket.urgency is Urgency.EMERGENCY
    key = _key(clock, EXPIRED)
    if clock.kind is ClockKind.TAKE:
        owner = labels.ROLE[ticket.owner_role] if ticket.owner_role is not None else ""
        minutes = round((TAKEN_WITHIN_URGENT if urgent else TAKEN_WITHIN) / timedelta(minutes=1))
        line = texts.told_not_taken(heading, ticket.id, owner, minutes)
        await steps.inform(effects, ticket, line, key=key, urgent=urgent)
        return ticket
    if clock.kind is ClockKind.AGREED:
        line = texts.told_overdue(heading, clock.kind, "")
        await _to_owner(effects, ticket, line, key=key)
        await steps.inform(effects, ticket, line, key=f"{key}:leader", urgent=urgent)
        return ticket
    await effects.audit("expired", actor=None, ticket=ticket.number, clock=clock.kind.value, round=clock.round)
    raised = await escalation.raise_level(effects, ticket, escalation.Why(clock.kind.value), None)
    level = labels.LEVEL[raised.level] if raised is not None else ""
    await _to_owner(effects, ticket, texts.told_overdue(heading, clock.kind, level), key=key)
    return raised or ticket


async def _to_owner(effects: Effects, ticket: Ticket, text: str, *, key: str) -> None:
    urgent, told = ticket.urgency is Urgency.EMERGENCY, False
    for owner in await _owners(effects, ticket):
        told |= await effects.tell(owner, text, key=f"{key}:{owner.id}", ticket=ticket.number, urgent=urgent)
    if not told or ticket.state is TicketState.FILED:  # returned, it is for the leader to assign anew
        await steps.inform(effects, ticket, text, key=key, urgent=urgent)


async def _owners(effects: Effects, ticket: Ticket) -> list[Person]:
    """Who has it, or while nobody has: who had it first (首接负责)."""
    role, person_id = ticket.owner_role, ticket.owner_id
    if role is None and ticket.accepted_at is None:
        role, person_id = ticket.first_role, ticket.first_id
    if person_id is not None:
        owner = await people.get(effects.tx, person_id)
        return [owner] if owner is not None else []
    if role is None or ticket.grid is None:
        return []
    return await people.with_role(effects.tx, (role,), ticket.grid)


def _key(clock: TicketClock, stage: int) -> str:
    return f"clock:S{clock.ticket}:{clock.kind.value}:{clock.round}:{int(clock.started_at.timestamp())}:{stage}"
