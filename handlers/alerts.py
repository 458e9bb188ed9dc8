"""What a device says becomes a ticket: once, however often and under whatever id it says it. It goes on with that
ticket when it gets worse, is over, or begins again; only a person closes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from handlers import assignments, matching, merging, notices, receipts, staff, steps, texts, translate
from handlers.context import Effects
from handlers.texts import alerts as said
from nlp import location
from nlp.similarity import Matter
from storage import alerts, grids, notes, people
from storage import tickets as rows
from storage.alerts import AlertLevel, Known
from storage.model import (
    COMMUNITY_DIGITS,
    Level,
    Nature,
    NewTicket,
    Note,
    Place,
    Ticket,
    TicketState,
    Urgency,
)

# A sensor at its limit says over and over that it is over: those who answer for it hear so at most that often.
CLEARED_EVERY = timedelta(minutes=10)
LONGEST_PLACE = 40


class Verdict(StrEnum):
    """What became of an alert."""

    FILED = "filed"
    JOINED = "joined"  # part of a ticket that people, or another device, told of
    UPDATED = "updated"  # worse, or there again after it was over: told to those who answer for the ticket
    CLEARED = "cleared"
    REPEATED = "repeated"  # counted, and nothing else
    NOTHING = "nothing"  # what is over was never heard of


@dataclass(frozen=True, slots=True)
class Source:
    """A system of devices as the configuration names it. `template`: of the draft notice; None: there is none."""

    name: str
    label: str
    category: str
    template: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What a device says; `level` None: it is over. `id` is the device's own, `words` and `place` are masked."""

    id: str
    device: str
    kind: str
    level: AlertLevel | None
    at: datetime
    words: str
    grid: str
    place: Place


@dataclass(frozen=True, slots=True)
class Outcome:
    verdict: Verdict
    ticket: str | None = None  # its id


def place(building: str, unit: str, words: str) -> Place:
    """Where a device is, from its building, its unit, and words like `3栋2单元地下室`; all masked and maybe empty."""
    numbers = "".join(
        f"{number}{sign}" if number.isalnum() and number.isascii() else number
        for number, sign in ((building, "栋"), (unit, "单元"))
    )
    found = translate.place(location.locate(f"{numbers} {words}".strip()))
    if words and not found.place and not location.numbers(words):
        return replace(found, place=words[:LONGEST_PLACE], located_by="text")
    return found


async def apply(effects: Effects, source: Source, alert: Alert) -> Outcome:
    """Do what an alert says, in the transaction of `effects`."""
    known = await alerts.get(effects.tx, source.name, alert.id)
    same = known is not None
    known = known or await alerts.latest_of(effects.tx, source.name, alert.device, alert.kind)
    if known is not None:
        ticket = await _ticket(effects, known)
        going_on = ticket.state in matching.JOINABLE
        if alert.at < known.at or (alert.at == known.at and not (same and going_on)):
            await alerts.change(effects.tx, known, count=known.count + 1)  # said before, or overtaken on its way
            return Outcome(Verdict.REPEATED, ticket.id)
        if going_on and (same or alert.at - known.at <= effects.policy.same_trouble_for):
            return await _more(effects, source, alert, known, ticket)
        if same and not known.cleared:  # a person has finished with it
            await alerts.change(effects.tx, known, count=known.count + 1, at=alert.at, cleared=alert.level is None)
            return Outcome(Verdict.REPEATED, ticket.id)
    if alert.level is None:
        return Outcome(Verdict.NOTHING)
    return await _new(effects, source, alert, alert.level)


async def _ticket(effects: Effects, known: Known) -> Ticket:
    """The ticket that an alert is part of by now."""
    ticket = await rows.get(effects.tx, known.ticket)
    while ticket is not None and ticket.merged_into is not None:
        ticket = await rows.get(effects.tx, ticket.merged_into)
    assert ticket is not None, "an alert goes with its ticket"  # noqa: S101
    return ticket


# ---------------------------------------------------------------- more of what is known
async def _more(effects: Effects, source: Source, alert: Alert, known: Known, ticket: Ticket) -> Outcome:
    """The device goes on about a ticket that is open."""
    changes: dict[str, Any] = {"count": known.count + 1, "at": alert.at, "cleared": alert.level is None}
    verdict, line = Verdict.REPEATED, ""
    heading = steps.heading_inside(effects.policy, ticket)
    words = steps.shorten(alert.words)
    if alert.level is None:
        quiet = known.told_at is not None and effects.now - known.told_at < CLEARED_EVERY
        if not known.cleared:
            verdict = Verdict.CLEARED
        if not known.told_cleared and not quiet:
            changes |= {"told_cleared": True, "told_at": effects.now}
            line = said.told_cleared(heading, ticket.id, source.label)
    elif known.told_cleared:
        verdict = Verdict.UPDATED
        changes |= {"told_cleared": False, "level": _worse(alert.level, known.level)}
        line = said.told_again(heading, source.label, alert.level, words)
    elif _worse(alert.level, known.level) is not known.level:
        verdict = Verdict.UPDATED
        changes["level"] = alert.level
        line = said.told_raised(heading, source.label, alert.level, words)
    await alerts.change(effects.tx, known, **changes)
    if line:
        await notes.add(effects.tx, Note(ticket.number, effects.now, None, "alert", alert.words))
        state = ticket.state.value
        await effects.audit(
            "alert", actor=None, ticket=ticket.number, before=state, after=state, source=source.name, says=verdict.value
        )
        key = f"alert:{ticket.id}:{source.name}:{known.alert_id}:{known.count}"
        await _tell(effects, ticket, line, key=key, urgent=ticket.urgency is Urgency.EMERGENCY)
    return Outcome(verdict, ticket.id)


def _worse(one: AlertLevel, other: AlertLevel) -> AlertLevel:
    return max(one, other, key=list(AlertLevel).index)


# ---------------------------------------------------------------- new
async def _new(effects: Effects, source: Source, alert: Alert, level: AlertLevel) -> Outcome:
    category = steps.category(effects.policy, source.category)
    where = translate.location(alert.place)
    told = Matter(0, alert.grid[:COMMUNITY_DIGITS], category.code, category.kin, where, alert.at)
    ticket = await matching.same(effects, told)
    joined = ticket is not None
    before = ticket or await _file(effects, source, alert)
    ticket = await _joined(effects, source, before) if joined else before
    row = Known(
        source.name, alert.id, alert.device, alert.kind, level, alert.words, alert.grid, ticket.number, alert.at
    )
    await alerts.put(effects.tx, row)
    if joined:
        await merging.spread(effects, ticket, alert.grid)
        ticket = await rows.get(effects.tx, ticket.number) or ticket
    await effects.audit(
        "joined" if joined else "filed",
        actor=None,
        ticket=ticket.number,
        before=before.state.value if joined else None,
        after=ticket.state.value,
        source=source.name,
        device=True,
    )
    promoted = joined and before.state is TicketState.CANDIDATE
    if promoted or not joined:
        ticket = await assignments.automatic(effects, ticket)
    heading, words = steps.heading_inside(effects.policy, ticket), steps.shorten(alert.words)
    urgent = ticket.urgency is Urgency.EMERGENCY
    if joined:
        line = said.told_joined(heading, source.label, level, words, ticket.id, urgent=urgent)
    else:
        owner = await assignments.usual(effects, ticket)
        given = await staff.owner(effects, ticket) if ticket.state is TicketState.ASSIGNED else ""
        line = said.told_filed(heading, ticket.id, source.label, level, words, owner, urgent=urgent, assigned=given)
    await _tell(effects, ticket, line, key=f"alert:{ticket.id}:{source.name}:{alert.id}", urgent=urgent)
    if promoted:
        await receipts.for_reporters(effects, ticket)
    read_already = joined and not promoted and before.urgency is Urgency.EMERGENCY
    if not read_already and effects.now - alert.at <= effects.policy.late_after:
        await receipts.advise(effects, ticket, alert.grid)
    notice = await _draft(effects, source, alert, ticket)
    await alerts.change(effects.tx, row, notice=notice)
    return Outcome(Verdict.JOINED if joined else Verdict.FILED, ticket.id)


async def _file(effects: Effects, source: Source, alert: Alert) -> Ticket:
    """As `上报` would. What was long on its way is reported then, and its limits count from now."""
    category = steps.category(effects.policy, source.category)
    late = effects.now - alert.at > effects.policy.late_after
    start = effects.now if late else alert.at
    ack_due, due = steps.deadlines(effects.policy, category.code, start)
    return await rows.file(
        effects.tx,
        NewTicket(
            state=TicketState.FILED,
            category=category.code,
            urgency=translate.URGENCY[category.urgency],
            nature=Nature.HELP,
            level=Level.GRID,
            grid=alert.grid,
            room_id=None,
            place=alert.place,
            confidential=category.confidential,
            reported_at=alert.at,
            filed_at=effects.now,
            ack_due=ack_due,
            due=due,
            clock_from=start if late else None,
        ),
    )


async def _joined(effects: Effects, source: Source, ticket: Ticket) -> Ticket:
    """People told of it already: a device leaves no doubt, and may know it to be worse."""
    category = steps.category(effects.policy, source.category)
    changes: dict[str, Any] = {}
    if ticket.state is TicketState.CANDIDATE:
        changes |= {"state": TicketState.FILED, "filed_at": effects.now}
    urgency = translate.URGENCY[category.urgency]
    if urgency is Urgency.EMERGENCY and ticket.urgency is not urgency:
        changes |= {"category": category.code, "urgency": urgency}
    if changes:
        code = changes.get("category", ticket.category)
        changes["ack_due"], changes["due"] = steps.deadlines(effects.policy, code, steps.started(ticket))
    joined = await rows.update(effects.tx, ticket.number, expect={ticket.state}, at=effects.now, **changes)
    assert joined is not None, "read in this transaction"  # noqa: S101
    return joined


async def _draft(effects: Effects, source: Source, alert: Alert, ticket: Ticket) -> int | None:
    """The number of the notice that a person may send, one a ticket."""
    drafted = any(known.notice is not None for known in await alerts.of_tickets(effects.tx, [ticket.number]))
    if source.template is None or drafted or steps.discreet(ticket):
        return None
    grid = await grids.get(effects.tx, alert.grid)
    where = texts.where(alert.place) or (grid.name if grid is not None else "")
    at = texts.clock(alert.at, effects.policy.timezone)
    text = source.template.format(place=where, text=alert.words, time=at)
    urgent = ticket.urgency is Urgency.EMERGENCY
    return await notices.propose(effects, text, alert.grid, ticket, urgent=urgent)


async def _tell(effects: Effects, ticket: Ticket, line: str, *, key: str, urgent: bool) -> None:
    """Those who answer for the ticket, and who has it."""
    await steps.inform(effects, ticket, line, key=key, urgent=urgent)
    owner = await people.get(effects.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if owner is not None:
        await effects.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number, urgent=urgent)
