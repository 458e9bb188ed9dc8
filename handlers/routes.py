"""The table of commands: who takes each of them, by which right over whose grid."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from handlers import (
    appeals,
    assignments,
    callbacks,
    calls,
    contributions,
    corrections,
    digests,
    endings,
    erasure,
    escalation,
    extensions,
    faq,
    help,  # noqa: A004 - the module of the command `帮助`
    lists,
    mediation,
    merges,
    minutes,
    mode,
    notice_templates,
    notices,
    people,
    points,
    polls,
    refusals,
    rooms,
    safety,
    signup_activities,
    signup_entries,
    signup_rosters,
    supplies,
    tasks,
    tickets,
    topics,
    views,
    wish_reviews,
    wishes,
    worklog,
)
from handlers.commands import Command, Name
from handlers.context import Context
from handlers.rights import Right

Act = Callable[[Context, Command], Awaitable[str]]


class Scope(StrEnum):
    """Whose grid decides over a right."""

    TICKET = "ticket"  # the named ticket's, else the room's
    ROOM = "room"
    BINDING = "binding"  # the grid the room is to be bound to, and the one it is bound to
    OWN = "own"  # only what lies within the speaker's own scopes is shown


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. Without a right anybody may. `letter`: only for ids that begin with it, 完成 J3; the row
    without one takes the rest. `verbatim`: official words, whose numbers are meant to be read."""

    name: Name
    act: Act
    right: Right | None = None
    scope: Scope = Scope.ROOM
    letter: str = ""
    verbatim: bool = False


ROUTES: tuple[Route, ...] = (
    Route(Name.REPORT, appeals.report),
    Route(Name.QUERY, tickets.query),
    Route(Name.SUPPLEMENT, tickets.supplement),
    Route(Name.WITHDRAW, tickets.withdraw),
    Route(Name.RATE, callbacks.rate),
    Route(Name.ANSWER, callbacks.answer),
    Route(Name.ACCEPT, tickets.accept, Right.TRIAGE, Scope.TICKET),
    Route(Name.FALSE_ALARM, tickets.false_alarm, Right.TRIAGE, Scope.TICKET),
    Route(Name.ASSIGN, assignments.assign, Right.ASSIGN, Scope.TICKET),
    Route(Name.RETURN, assignments.give_back, Right.HANDLE, Scope.TICKET),
    Route(Name.EXTEND, extensions.extend, Right.HANDLE, Scope.TICKET),
    Route(Name.REFUSE, refusals.refuse, Right.REFUSE, Scope.TICKET),
    Route(Name.SUPERVISE, escalation.supervise, Right.SUPERVISE, Scope.TICKET),
    Route(Name.WHISTLE, escalation.whistle, Right.ESCALATE, Scope.TICKET),
    Route(Name.MERGE, merges.merge, Right.CORRECT, Scope.TICKET),
    Route(Name.UNMERGE, merges.unmerge, Right.CORRECT, Scope.TICKET),
    Route(Name.RECATEGORIZE, corrections.recategorize, Right.CORRECT, Scope.TICKET),
    Route(Name.RELOCATE, corrections.relocate, Right.CORRECT, Scope.TICKET),
    Route(Name.TASK, tasks.hand_out, Right.TASK, Scope.OWN),
    Route(Name.COMPLETE, tasks.complete, Right.VIEW, Scope.OWN),
    Route(Name.FAQ, faq.manage, Right.FAQ, Scope.OWN),
    Route(Name.CALL, calls.call, Right.CALL, Scope.TICKET),
    Route(Name.RESPOND, calls.respond, Right.ANSWER, Scope.TICKET),
    Route(Name.MEDIATE, mediation.ask_for),
    Route(Name.LISTS, lists.manage, Right.VIEW, Scope.OWN),
    Route(Name.TOPIC, topics.propose),
    Route(Name.SUPPORT, topics.second),
    Route(Name.WITHDRAW, topics.withdraw, letter="V"),
    Route(Name.QUERY, polls.query, letter="V"),
    Route(Name.POLL, polls.start, Right.DELIBERATE),
    Route(Name.VOTE, polls.vote),
    Route(Name.END, polls.end, Right.DELIBERATE, letter="V"),
    Route(Name.MINUTES, minutes.take, Right.DELIBERATE),
    Route(Name.SUPPLY, supplies.manage),
    Route(Name.COMPLETE, supplies.complete, letter="W"),
    Route(Name.WITHDRAW, supplies.withdraw, letter="W"),
    Route(Name.QUERY, supplies.query, letter="W"),
    Route(Name.SAFE, safety.check_in),
    Route(Name.TAKE, tickets.take, Right.HANDLE, Scope.TICKET),
    Route(Name.PROGRESS, tickets.progress, Right.HANDLE, Scope.TICKET),
    Route(Name.FINISH, tickets.finish, Right.HANDLE, Scope.TICKET),
    Route(Name.TODO, views.todo, Right.VIEW, Scope.OWN),
    Route(Name.DAILY, digests.show, Right.REPORT, Scope.OWN),
    Route(Name.WEEKLY, digests.show, Right.REPORT, Scope.OWN),
    Route(Name.URGENT, mode.declare, Right.MODE),
    Route(Name.CALM, mode.end, Right.MODE),
    Route(Name.HELP, help.show),
    Route(Name.DUTY, help.duty),
    Route(Name.HUSH, rooms.hush),
    Route(Name.RESUME, rooms.resume, Right.ROOM),
    Route(Name.ENABLE, rooms.enable, Right.ROOM, Scope.BINDING),
    Route(Name.DISABLE, rooms.disable, Right.ROOM),
    Route(Name.FORGET_ME, people.forget),
    Route(Name.REMEMBER_ME, people.remember),
    Route(Name.KEPT, erasure.show),
    Route(Name.ERASE, erasure.ask),
    Route(Name.ERASE_SURELY, erasure.confirm),
    Route(Name.BIND, people.bind),
    Route(Name.ACTIVITY, signup_activities.announce, Right.ACTIVITY),
    Route(Name.CHANGE_ACTIVITY, signup_activities.change),
    Route(Name.CALL_OFF, signup_activities.call_off),
    Route(Name.END, endings.end),
    Route(Name.END, signup_activities.close, letter="H"),
    Route(Name.SIGN, signup_entries.sign),
    Route(Name.UNSIGN, signup_entries.unsign),
    Route(Name.ROSTER, signup_rosters.show),
    Route(Name.ATTEND, signup_rosters.attend),
    Route(Name.QUERY, signup_rosters.show, letter="H"),
    Route(Name.WISH, wishes.wish),
    Route(Name.REVIEW, wish_reviews.review, Right.REVIEW, Scope.OWN),
    Route(Name.CLAIM, wishes.claim),
    Route(Name.GIVE_UP, wishes.give_up),
    Route(Name.COMPLETE, wishes.fulfil, letter="X"),
    Route(Name.WITHDRAW, wishes.withdraw, letter="X"),
    Route(Name.QUERY, wishes.query, letter="X"),
    Route(Name.DEED, contributions.note, Right.REVIEW, Scope.OWN),
    Route(Name.CONTRIBUTIONS, contributions.own),
    Route(Name.VISIT, worklog.log, Right.LOG),
    Route(Name.PATROL, worklog.log, Right.LOG),
    Route(Name.WORK, worklog.own, Right.LOG, Scope.OWN),
    Route(Name.POINTS, points.own),
    Route(Name.REDEEM, points.redeem, Right.POINTS, Scope.OWN),
    Route(Name.REVERSE, points.reverse, Right.POINTS, Scope.OWN),
    Route(Name.NOTICE, notices.draft, Right.NOTICE, Scope.OWN, verbatim=True),
    Route(Name.ANNOUNCE, notices.draft, Right.NOTICE, Scope.OWN, verbatim=True),
    Route(Name.ATTACH, notices.attach, Right.NOTICE, Scope.OWN),
    Route(Name.TEMPLATES, notice_templates.show, Right.NOTICE, Scope.OWN),
    Route(Name.CORRECT, notices.correct, Right.NOTICE, Scope.OWN, verbatim=True),
    Route(Name.CONFIRM, notices.confirm, Right.NOTICE, Scope.OWN),
    Route(Name.SCHEDULE, notices.schedule, Right.NOTICE, Scope.OWN),
    Route(Name.CANCEL, notices.cancel, Right.NOTICE, Scope.OWN),
    Route(Name.RECEIPTS, notices.report, Right.NOTICE, Scope.OWN),
)
_ROUTE: Mapping[tuple[Name, str], Route] = {(route.name, route.letter): route for route in ROUTES}


def of(command: Command) -> Route:
    """The row that takes a command."""
    return _ROUTE.get((command.name, command.letter)) or _ROUTE[command.name, ""]
