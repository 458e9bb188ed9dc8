"""What an answer of a platform above does to a ticket.

It may take the ticket a step on, as somebody here would have by a command; it never undoes what somebody here did
meanwhile. `based_on` says what the platform knew: what happened here since then and does not go together with the
answer makes it a conflict, which waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from handlers import callbacks, results, steps
from handlers import texts as common
from handlers.context import Effects
from handlers.refusals import REFUSED
from handlers.texts import refusals as texts
from handlers.texts import tickets as ticket_texts
from handlers.texts import upstream as said
from nlp.contact import mask
from storage import answers, audit, dialogs, dossiers, notes, people
from storage import tickets as rows
from storage.answers import Answer, AnswerState, Verdict
from storage.model import Note, Role, Ticket, TicketState, Urgency

_WORKED_ON = {
    TicketState.FILED: (TicketState.ASSIGNED, TicketState.ACCEPTED),
    TicketState.ASSIGNED: (TicketState.ACCEPTED,),
    TicketState.ACCEPTED: (),
    TicketState.IN_PROGRESS: (),
}
_ASKED = frozenset({TicketState.CALLBACK, TicketState.CLOSED})
# To come to one of these, or back from one, is to decide.
_DECIDED = frozenset(
    {TicketState.CALLBACK, TicketState.CLOSED, TicketState.REFUSED, TicketState.WITHDRAWN, TicketState.MERGED}
)
_MINDED = (AnswerState.RECEIVED, AnswerState.RETURNED)  # they ask for nothing that could contradict


class Merged(Exception):
    """What a platform said of a ticket cannot be done to it any more; the text says what can."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One answer of one platform about one ticket; `label` is what people call the platform."""

    upstream: str
    label: str
    ticket: Ticket
    answer: Answer

    @property
    def words(self) -> str:
        """What it says, on one line."""
        return steps.shorten(self.answer.result or self.answer.reason or self.answer.assigned_to)


async def apply(effects: Effects, upstream: str, answer: Answer, *, label: str) -> Verdict:
    """Do what a platform answers, once. `label` is what people call the platform."""
    ticket = await rows.get(effects.tx, answer.ticket)
    if ticket is None or await answers.sent(effects.tx, upstream, answer.ticket) is None:
        return Verdict.UNKNOWN
    last = await answers.heard(effects.tx, upstream, answer.ticket)
    if last is not None and answer.revision <= last.revision:
        if answer.revision < last.revision:
            return Verdict.STALE
        return Verdict.CONFLICT if last.waits else Verdict.DUPLICATE
    if await _taken_back(effects, ticket):
        return Verdict.STALE
    case = _Case(upstream, label, ticket, _masked(answer))
    if await _contradicts(effects, case):
        await _hold(effects, case)
        return Verdict.CONFLICT
    await _do(effects, case)
    return Verdict.APPLIED


async def _taken_back(effects: Effects, ticket: Ticket) -> bool:
    """Whether the platform has been told, or is about to be, to forget it: no new words about somebody come in. An open
    应急 whose words were erased goes on."""
    if ticket.state is TicketState.WITHDRAWN:
        return True
    erased = (await dossiers.read(effects.tx, [ticket.number]))[ticket.number].erased
    return erased and not (ticket.open and ticket.urgency is Urgency.EMERGENCY)


async def settle(effects: Effects, number: int, *, theirs: bool, labels: Mapping[str, str]) -> list[answers.Conflict]:
    """An operator decides what waits of a ticket: what the platform said is done after all, or left. `labels`: what
    people call the platforms. Returns what was settled, nothing where nothing waited. Raises Merged."""
    waiting = await answers.conflicts(effects.tx, number)
    await answers.settled(effects.tx, number)
    for conflict in waiting:
        ticket = await rows.get(effects.tx, number)
        assert ticket is not None, "its answers go with it"  # noqa: S101
        if theirs and ticket.state is TicketState.MERGED:
            raise Merged(
                f"S{number} is part of S{ticket.merged_into} now: 撤并 {ticket.id} first, or settle it as ours"
            )
        await effects.audit(
            "settled", actor=None, right="operator", ticket=number, upstream=conflict.upstream, theirs=theirs
        )
        if theirs:
            label = labels.get(conflict.upstream, conflict.upstream)
            await _do(effects, _Case(conflict.upstream, label, ticket, conflict.answer), decided=True)
        else:  # a new version, so that the platform hears once more how it stands here
            await rows.update(effects.tx, number, expect={ticket.state}, at=effects.now)
    return waiting


def _masked(answer: Answer) -> Answer:
    return replace(
        answer,
        assigned_to=mask(answer.assigned_to),
        result=mask(answer.result),
        public_answer=mask(answer.public_answer),
        reason=mask(answer.reason),
    )


# ---------------------------------------------------------------- does it fit
async def _contradicts(effects: Effects, case: _Case) -> bool:
    ticket, answer = case.ticket, case.answer
    if answer.state in _MINDED:
        return False
    if answer.based_on > ticket.version:
        return True  # of a version that was never here
    happened = [
        step
        for step in await answers.steps_since(effects.tx, ticket.number, answer.based_on)
        if step.upstream != case.upstream and step.before != step.after and step.after in _STATES
    ]
    decided = any({step.before, step.after} & _DECIDED for step in happened)
    if answer.state is AnswerState.DONE:
        return decided and not (ticket.state in _ASKED and answer.result in {"", ticket.result})
    if answer.state is AnswerState.REFUSED:
        again = await _refused_before(effects, case)
        return ticket.state is not TicketState.REFUSED and (again or bool(happened) or ticket.state not in _WORKED_ON)
    waits_for_them = ticket.state is TicketState.ASSIGNED and ticket.owner_role is Role.DEPARTMENT
    return ticket.state not in _WORKED_ON or (bool(happened) and not waits_for_them)


_STATES = frozenset(state.value for state in TicketState)


async def _refused_before(effects: Effects, case: _Case) -> bool:
    """A second refusal needs another one (design/tickets.md)."""
    trail = await audit.of_ticket(effects.tx, case.ticket.number)
    return any(entry.action == REFUSED and entry.detail.get("upstream") == case.upstream for entry in trail)


async def _hold(effects: Effects, case: _Case) -> None:
    """It waits for a person, who is told."""
    ticket, answer = case.ticket, case.answer
    state = ticket.state.value
    await answers.keep(effects.tx, case.upstream, answer, effects.now, here=state)
    await _record(effects, case, "conflict")
    line = said.told_conflict(
        steps.heading_inside(effects.policy, ticket),
        ticket.id,
        case.label,
        answer.state.value,
        case.words,
        common.STATE[ticket.state],
        open_=ticket.state in _WORKED_ON,
    )
    key = f"conflict:{ticket.id}:{case.upstream}:{answer.revision}"
    await _inform(effects, ticket, line, key=key, urgent=ticket.urgency is Urgency.EMERGENCY)


# ---------------------------------------------------------------- what it does
async def _do(effects: Effects, case: _Case, *, decided: bool = False) -> None:
    """`decided`: a person wants it although other things happened here."""
    ticket, state = case.ticket, case.answer.state
    if decided and state is not AnswerState.DONE:
        await dialogs.close_ticket(effects.tx, ticket.number)  # nothing is to be asked about it now
    await answers.keep(effects.tx, case.upstream, case.answer, effects.now)
    if case.words:
        await notes.add(effects.tx, Note(ticket.number, effects.now, None, "upstream", case.words))
    if ticket.state not in _WORKED_ON and not decided:
        await _record(effects, case)
    elif state is AnswerState.ASSIGNED:
        await _assigned(effects, case)
    elif state is AnswerState.IN_PROGRESS and ticket.state is not TicketState.IN_PROGRESS:
        await _in_progress(effects, case)
    elif state is AnswerState.DONE:
        await _done(effects, case)
    elif state is AnswerState.RETURNED:
        await _returned(effects, case)
    elif state is AnswerState.REFUSED and ticket.state is not TicketState.REFUSED:
        await _refused(effects, case)
    else:
        await _record(effects, case)


async def _record(effects: Effects, case: _Case, action: str = "upstream") -> None:
    """It changes nothing: the platform has it, or says what is so here already, or contradicts it."""
    state = case.ticket.state.value
    await effects.audit(
        action,
        actor=None,
        ticket=case.ticket.number,
        before=state,
        after=state,
        upstream=case.upstream,
        revision=case.answer.revision,
        says=case.answer.state.value,
    )


def _departments(effects: Effects, ticket: Ticket) -> dict[str, Any]:
    """The fields by which a ticket is a department's, reached through the platform."""
    first = {"first_role": Role.DEPARTMENT} if ticket.first_role is None else {}
    return {
        "owner_role": Role.DEPARTMENT,
        "owner_id": None,
        "assigned_at": effects.now,
        "acknowledged_at": ticket.acknowledged_at or effects.now,
        "handled_at": None,
        "closed_at": None,
        **first,
    }


async def _move(
    effects: Effects,
    case: _Case,
    to: TicketState,
    action: str,
    *passed: TicketState,
    **fields: Any,  # noqa: ANN401
) -> Ticket:
    """Take it there, past what was skipped."""
    moved = await steps.move(
        effects,
        case.ticket,
        to,
        action,
        detail={"upstream": case.upstream, "revision": case.answer.revision},
        skipped=passed,
        **fields,
    )
    assert moved is not None, "read in this transaction"  # noqa: S101
    return moved


async def _assigned(effects: Effects, case: _Case) -> None:
    """To a department. That it went from one to another is told, and changes nothing here."""
    now, to = case.ticket, steps.shorten(case.answer.assigned_to)
    if now.state is TicketState.ASSIGNED and now.owner_role is Role.DEPARTMENT and now.owner_id is None:
        await _record(effects, case)
    else:
        fields = {**_departments(effects, now), "accepted_at": None}
        now = await _move(effects, case, TicketState.ASSIGNED, "assigned", **fields)
    line = said.told_assigned(steps.heading_inside(effects.policy, now), case.label, to)
    await _inform(effects, case.ticket, line, key=f"assigned:{now.id}:{case.upstream}:{now.reopened}:{to}")


async def _in_progress(effects: Effects, case: _Case) -> None:
    ticket = case.ticket
    accepted = ticket.state is TicketState.ACCEPTED
    fields: dict[str, Any] = {"handled_at": None} if accepted else _departments(effects, ticket)
    fields["accepted_at"] = ticket.accepted_at or effects.now
    passed = _WORKED_ON.get(ticket.state, ())
    await _move(effects, case, TicketState.IN_PROGRESS, "in_progress", *passed, **fields)


async def _done(effects: Effects, case: _Case) -> None:
    """As `办结`: the reporters are asked whether it is solved. What they have been asked about already only reads
    otherwise then."""
    ticket, answer = case.ticket, case.answer
    result = results.read(answer.result)
    result["result"] = result["result"] or answer.public_answer or said.DONE
    if answer.public_answer:
        result["public_answer"] = answer.public_answer
    if ticket.state in _ASKED:
        await _move(effects, case, ticket.state, "finished", **result)
        return
    asked = bool(await rows.reporters(effects.tx, ticket.number))
    passed = (TicketState.HANDLED,) if asked else (TicketState.HANDLED, TicketState.CALLBACK)
    moved = await _move(
        effects,
        case,
        TicketState.CALLBACK if asked else TicketState.CLOSED,
        "finished",
        *_WORKED_ON.get(ticket.state, ()),
        *passed,
        closed_at=None if asked else effects.now,
        owner_role=ticket.owner_role or Role.DEPARTMENT,
        first_role=ticket.first_role or Role.DEPARTMENT,
        assigned_at=ticket.assigned_at or effects.now,
        accepted_at=ticket.accepted_at or effects.now,
        acknowledged_at=ticket.acknowledged_at or effects.now,
        handled_at=effects.now,
        outcome=None,
        **result,
    )
    heading = steps.heading_inside(effects.policy, moved)
    line = ticket_texts.told_finished(heading, case.label, steps.shorten(moved.result or said.DONE))
    await _inform(effects, ticket, line, key=f"finished:{ticket.id}:{moved.version}")
    await callbacks.ask(effects, moved)


async def _returned(effects: Effects, case: _Case) -> None:
    """It is for the grid. Where somebody here has it, it stays theirs."""
    now = case.ticket
    if now.owner_role is Role.DEPARTMENT and now.owner_id is None:
        without = {"owner_role": None, "assigned_at": None, "accepted_at": None}
        now = await _move(effects, case, TicketState.FILED, "returned", **without)
    else:
        await _record(effects, case)
    heading, ours = steps.heading_inside(effects.policy, now), now.state is not TicketState.FILED
    line = said.told_returned(heading, now.id, case.label, steps.shorten(case.answer.reason), ours=ours)
    key = f"returned:{now.id}:{case.upstream}:{case.answer.revision}"
    await _inform(effects, now, line, key=key, urgent=now.urgency is Urgency.EMERGENCY)


async def _refused(effects: Effects, case: _Case) -> None:
    """As `不受理`: the reporters are told why, and may object."""
    ticket, why = case.ticket, case.answer.reason
    reason = next((word for word in texts.REFUSALS if word in why), said.REFUSED)
    moved = await _move(
        effects,
        case,
        TicketState.REFUSED,
        REFUSED,
        closed_at=effects.now,
        result=why or said.REFUSED,
        out_of_remit=True if reason == texts.OUT_OF_REMIT else ticket.out_of_remit,
        founded=False if reason == texts.UNFOUNDED else ticket.founded,
    )
    await dialogs.close_ticket(effects.tx, ticket.number)
    line = texts.refusal(steps.heading_short(effects.policy, moved), ticket.id, reason)
    await callbacks.announce(effects, moved, line, key=f"refused:{ticket.id}:{moved.version}")
    heading = steps.heading_inside(effects.policy, moved)
    line = texts.told_refused(heading, case.label, steps.shorten(why) or said.REFUSED)
    await _inform(effects, ticket, line, key=f"refusal:{ticket.id}:{moved.version}")


async def _inform(effects: Effects, ticket: Ticket, line: str, *, key: str, urgent: bool = False) -> None:
    """Those who answer for the ticket, and who has it."""
    await steps.inform(effects, ticket, line, key=key, urgent=urgent)
    owner = await people.get(effects.tx, ticket.owner_id) if ticket.owner_id is not None else None
    if owner is not None:
        await effects.tell(owner, line, key=f"{key}:{owner.id}", ticket=ticket.number)
