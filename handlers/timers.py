"""What time does by itself: limits run out, unanswered callbacks close, 急时 ends, and what was kept only for a while
goes."""

from __future__ import annotations

from datetime import timedelta

from handlers import answers, callbacks, digests, mode, reminders
from handlers.context import Effects
from storage import dialogs, inbox, jobs, negatives, outbox
from storage import tickets as rows
from storage.model import TicketState

CANDIDATE_FOR = timedelta(days=30)
NEGATIVE_TEXT_FOR = timedelta(days=30)
SENT_TEXT_FOR = timedelta(hours=48)
INBOX_FOR = timedelta(hours=48)
JOB_RUNS_FOR = timedelta(days=60)


async def run(effects: Effects) -> bool:
    """Everything that has come due; called every minute. Doing it twice, or after a long stop, changes nothing more.

    True where so much has that it is done in pieces: to be called again at once."""
    now = effects.now
    await mode.expire(effects)
    for ticket in await rows.in_state_since(effects.tx, TicketState.CALLBACK, now - effects.policy.callback_for):
        await callbacks.unreached(effects, ticket)
    await answers.close_content(effects)
    await rows.purge_candidates(effects.tx, now - CANDIDATE_FOR)
    await dialogs.purge(effects.tx, now)
    await outbox.blank(effects.tx, now - SENT_TEXT_FOR)
    await inbox.purge(effects.tx, now - INBOX_FOR)
    await negatives.purge_text(effects.tx, now - NEGATIVE_TEXT_FOR)
    await jobs.purge(effects.tx, now - JOB_RUNS_FOR)
    # A clock that has been stopped must not fire: what changed comes first, all of it.
    return await reminders.follow(effects) or await reminders.fire(effects) or await digests.send(effects)
