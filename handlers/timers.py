"""What time does by itself: unanswered callbacks close, and what was kept only for a while goes."""

from __future__ import annotations

from datetime import timedelta

from handlers import answers, callbacks
from handlers.context import Effects
from storage import dialogs, inbox, negatives, outbox
from storage import tickets as rows
from storage.model import TicketState

CANDIDATE_FOR = timedelta(days=30)
NEGATIVE_TEXT_FOR = timedelta(days=30)
SENT_TEXT_FOR = timedelta(hours=48)
INBOX_FOR = timedelta(hours=48)


async def run(effects: Effects) -> None:
    """Everything that has come due; called every minute. Doing it twice, or after a long stop, changes nothing more."""
    now = effects.now
    for ticket in await rows.in_state_since(effects.tx, TicketState.CALLBACK, now - effects.policy.callback_for):
        await callbacks.unreached(effects, ticket)
    await answers.close_content(effects)
    await rows.purge_candidates(effects.tx, now - CANDIDATE_FOR)
    await dialogs.purge(effects.tx, now)
    await outbox.blank(effects.tx, now - SENT_TEXT_FOR)
    await inbox.purge(effects.tx, now - INBOX_FOR)
    await negatives.purge_text(effects.tx, now - NEGATIVE_TEXT_FOR)
