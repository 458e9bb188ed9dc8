"""A message is recalled: its text leaves everything at once.

What it *did* stays: a step that was taken is in the audit chain, and another command puts it right. So recalling
`办结 S12 …` or `评价 S12 …` takes the words (result, estimate, remark) and leaves the state, and says so.
"""

from __future__ import annotations

from handlers import (
    chains,
    notice_files,
    polls,
    reporters,
    safety,
    signup_erasure,
    steps,
    supplies,
    topics,
    wishes,
    worklog,
)
from handlers.context import Context
from handlers.texts import reporters as texts
from handlers.texts import tickets as ticket_texts
from storage import alerts, audit, notes, outbox
from storage import tickets as rows
from storage.engine import purged
from storage.model import Ticket, TicketState, Urgency

# The fields that each command writes its words into, by the action it is audited under.
_WRITES = {
    "finished": ("result", "public_answer", "unsolved_reason"),
    "refused": ("result",),
    "in_progress": ("estimate",),
    "closed": ("remark",),
}
# Keys of the lines that carry such words.
_QUOTING = ("finished", "returned", "extension", "extended", "refusal", "raised", "supervised")


async def recalled(ctx: Context) -> str:
    """Take the recalled message out of the window, the tickets and the outbox. A ticket that stood on it alone is
    已撤回 (an 应急 stays open and goes to a person). The reason it is counted under."""
    gone = ctx.message.recalls
    if gone is None:
        return "recall"
    line = ctx.window.find(gone)
    ctx.window.remove(gone)
    found = await rows.by_message(ctx.tx, ctx.message.account, gone)
    for ticket in found:
        await _take_out(ctx, ticket, gone)
    commanded = [number for number in (line.tickets if line is not None else ()) if await _unsay(ctx, number, gone)]
    wished = await wishes.recalled(ctx, gone)
    signed = await signup_erasure.recalled(ctx, gone)
    topic = await topics.recalled(ctx, gone)
    listed = await chains.recalled(ctx, gone)
    supply = await supplies.recalled(ctx, gone)
    work = await worklog.recalled(ctx, gone)
    safe = await safety.recalled(ctx, gone)
    voted = await polls.recalled(ctx, gone)
    shown = await notice_files.recalled(ctx, gone)
    done = (found, commanded, wished, signed, topic, listed, supply, work, safe, voted, shown)
    return "recalled" if any(done) else "recall"


async def _unsay(ctx: Context, number: int, gone: str) -> bool:
    """Take back the words that a command wrote into a ticket. Returns whether there were any."""
    trail = await audit.of_ticket(ctx.tx, number)
    steps_taken = {entry.action for entry in trail if (entry.account, entry.message_id) == (ctx.message.account, gone)}
    written = {field for action, fields in _WRITES.items() if action in steps_taken for field in fields}
    at = {entry.at for entry in trail if (entry.account, entry.message_id) == (ctx.message.account, gone)}
    reasons = sum([await notes.blank(ctx.tx, number, moment) for moment in at])
    ticket = await rows.get(ctx.tx, number)
    changes = {field: None for field in written if ticket is not None and getattr(ticket, field) is not None}
    if ticket is None or not (changes or reasons):
        return False
    if changes:
        await rows.update(ctx.tx, number, expect={ticket.state}, at=ctx.now, **changes)
    for line_of in _QUOTING:
        await outbox.drop_words(ctx.tx, number, f"{line_of}:{ticket.id}:")
    purged(ctx.tx)
    await ctx.audit_message("recalled", ticket=number)
    if "result" in changes and ticket.state is TicketState.CALLBACK:
        await ctx.reply(ticket_texts.result_taken_back(ticket.id))
    return True


async def _take_out(ctx: Context, ticket: Ticket, gone: str) -> None:
    messages = await rows.messages(ctx.tx, ticket.number)
    taken = next(message for message in messages if message.message_id == gone)
    person_id = taken.person_id
    # A photo or a bare +1 does not carry a matter; without the words that did, nothing is left of it.
    alone = not await alerts.told(ctx.tx, ticket.number) and not any(
        message.message_id != gone and (message.text or message.person_id != person_id) for message in messages
    )
    await rows.drop_message(ctx.tx, ticket.number, ctx.message.account, gone)
    purged(ctx.tx)
    if alone and (ticket.open or ticket.state is TicketState.CANDIDATE):
        await reporters.take_back(ctx, ticket, "recalled")
        return
    if alone:
        await steps.forget(ctx, ticket)
        await ctx.audit_message("recalled", ticket=ticket.number)
        return
    if not any(message.person_id == person_id and message.message_id != gone for message in messages):
        await rows.drop_reporter(ctx.tx, ticket.number, person_id)
    await ctx.audit_message("recalled", ticket=ticket.number)
    if not taken.text:
        return  # a photo or a bare +1: no line carries a word of it, and nobody need be told
    await outbox.drop_for_ticket(ctx.tx, ticket.number)
    kept = tuple(term for term in ticket.terms if term not in taken.text)
    await rows.update(ctx.tx, ticket.number, expect={ticket.state}, at=ctx.now, terms=kept)
    # Lines about the ticket that had not left yet are gone with the words, so its leaders are told anew without any.
    if ticket.open:
        heading = steps.heading_inside(ctx.policy, ticket)
        urgent = ticket.urgency is Urgency.EMERGENCY
        line = texts.told_emergency_withdrawn(heading) if urgent else texts.told_taken_back(heading)
        await steps.inform(ctx, ticket, line, key=f"recalled:{ticket.id}:{ctx.message.id}", urgent=urgent)
