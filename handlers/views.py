"""What there is to do: 待办."""

from __future__ import annotations

from handlers import rights, staff, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import LEADERS, Right
from handlers.texts import digests as texts
from storage import tickets as rows
from storage.model import OPEN_STATES, Person, Ticket, TicketState

MOST_LINES = 8
_WORKED_ON = OPEN_STATES - {TicketState.HANDLED, TicketState.CALLBACK}


async def todo(ctx: Context, command: Command) -> str:
    """`待办`: what waits in the speaker's scope, at most eight lines; in a residents' group only how much."""
    del command  # it has no arguments
    person = await ctx.person()
    waiting = await _waiting(ctx, person)
    counts = [sum(label == kind for label, _ in waiting) for kind in _KINDS]
    lines = [texts.todo_counts(*counts[:3]), *_lines(ctx, waiting)] if waiting else [texts.NOTHING_TO_DO]
    if ctx.group is not None:
        head = lines[0]
        if waiting:
            told = await ctx.tell(person, "\n".join(lines), key=f"todo:{ctx.message.account}:{ctx.message.id}")
            head = f"{head}{texts.TODO_IN_PRIVATE}" if told else head
        await ctx.reply(head)
        return "command"
    await ctx.reply("\n".join(lines))
    return "command"


_KINDS = (texts.TODO_CANDIDATE, texts.TODO_UNASSIGNED, texts.TODO_OVERDUE, texts.TODO_MINE)


async def _waiting(ctx: Context, person: Person) -> list[tuple[str, Ticket]]:
    """Each ticket once, what the level above watches first, then what matters most: overdue, then candidates, then
    unassigned, then one's own."""
    leading = [grant.scope for grant in person.grants if grant.role in LEADERS]
    owning = [
        grant for grant in person.grants if Right.HANDLE in rights.TABLE[grant.role] and grant.role not in LEADERS
    ]
    seen: dict[int, tuple[str, Ticket]] = {}
    for ticket in await rows.in_scope(ctx.tx, leading, _WORKED_ON | {TicketState.CANDIDATE}):
        label = _label(ctx, ticket)
        if label:
            seen[ticket.number] = (label, ticket)
    for ticket in await rows.in_scope(ctx.tx, [grant.scope for grant in owning], _WORKED_ON):
        theirs = ticket.owner_id == person.id or any(grant.role is ticket.owner_role for grant in owning)
        if (theirs or staff.answers_for(person, ticket)) and ticket.number not in seen:
            overdue = ticket.due is not None and ticket.due < ctx.now
            seen[ticket.number] = (texts.TODO_OVERDUE if overdue else texts.TODO_MINE, ticket)
    order = (texts.TODO_OVERDUE, texts.TODO_CANDIDATE, texts.TODO_UNASSIGNED, texts.TODO_MINE, texts.TODO_WATCHED)
    return sorted(seen.values(), key=lambda item: (not item[1].flagged, order.index(item[0])))


def _label(ctx: Context, ticket: Ticket) -> str:
    if ticket.state is TicketState.CANDIDATE:
        return texts.TODO_CANDIDATE
    if ticket.due is not None and ticket.due < ctx.now:
        return texts.TODO_OVERDUE
    if ticket.state is TicketState.FILED:
        return texts.TODO_UNASSIGNED
    return texts.TODO_WATCHED if ticket.flagged else ""


def _lines(ctx: Context, waiting: list[tuple[str, Ticket]]) -> list[str]:
    room = MOST_LINES - 1
    shown = waiting if len(waiting) <= room else waiting[: room - 1]
    lines = []
    for label, ticket in shown:
        due = labels.clock(ticket.due, ctx.policy.timezone) if ticket.due is not None else ""
        shown_as = f"{texts.TODO_WATCHED}·{label}" if ticket.flagged and label != texts.TODO_WATCHED else label
        lines.append(texts.todo_line(shown_as, steps.heading_inside(ctx.policy, ticket), due))
    if len(shown) < len(waiting):
        lines.append(texts.todo_more(len(waiting) - len(shown)))
    return lines
