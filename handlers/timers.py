"""What time does by itself: limits run out, unanswered callbacks close, 急时 ends, and what was kept only for a while
goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from handlers import (
    answers,
    callbacks,
    detours,
    digests,
    meetings,
    membership,
    mode,
    notice_sending,
    polls,
    reminders,
    signup_timers,
    wish_steps,
)
from handlers.context import Effects
from storage import answers as upward
from storage import (
    binding,
    dialogs,
    erasure,
    inbox,
    jobs,
    negatives,
    notice_files,
    outbox,
    questions,
    signup_entries,
    supplies,
    topics,
    wishes,
    worklog,
)
from storage import tickets as rows
from storage.model import TicketState

CANDIDATE_FOR = timedelta(days=30)
NEGATIVE_TEXT_FOR = timedelta(days=30)
SENT_TEXT_FOR = timedelta(hours=48)
WISH_TEXT_FOR = timedelta(days=30)
INBOX_FOR = timedelta(hours=48)
REPLIES_FOR = timedelta(hours=24)  # to the platforms above
JOB_RUNS_FOR = timedelta(days=60)
BIND_FAILURES_FOR = timedelta(days=1)
WORK_FOR = timedelta(days=400)  # what was typed into the work log: a year can be looked back on
NEIGHBOURS_FOR = timedelta(days=30)  # who supported a topic, asked for or gave something, once that is over
FORGOTTEN_AT_ONCE = 200


# True where so much has come due that it is done in pieces: to be called again at once.
Part = Callable[[Effects], Awaitable[bool]]


async def run(effects: Effects) -> bool:
    """Everything that has come due; called every minute. Doing it twice, or after a long stop, changes nothing more.

    True where so much has that it is done in pieces: to be called again at once."""
    for part in PARTS:
        if await part(effects):
            return True
    return False


async def end_modes(effects: Effects) -> bool:
    """急时 that nobody ended."""
    await mode.expire(effects)
    return False


async def close(effects: Effects) -> bool:
    """What nobody answered or objected to in time."""
    for ticket in await rows.in_state_since(
        effects.tx, TicketState.CALLBACK, effects.now - effects.policy.callback_for
    ):
        await callbacks.unreached(effects, ticket)
    await answers.close_content(effects)
    return False


async def purge(effects: Effects) -> bool:
    """What was kept only for a while."""
    now = effects.now
    await erasure.expired(effects.tx, now - CANDIDATE_FOR)
    await dialogs.purge(effects.tx, now)
    await questions.purge(effects.tx, now)
    await outbox.blank(effects.tx, now - SENT_TEXT_FOR)
    await inbox.purge(effects.tx, now - INBOX_FOR)
    await negatives.purge_text(effects.tx, now - NEGATIVE_TEXT_FOR)
    await upward.purge(effects.tx, now - REPLIES_FOR)
    await wishes.purge(effects.tx, now - WISH_TEXT_FOR)
    await notice_files.purge(effects.tx, now - effects.policy.notice_files_for)
    await jobs.purge(effects.tx, now - JOB_RUNS_FOR)
    await binding.purge_failures(effects.tx, now - BIND_FAILURES_FOR)
    await worklog.purge(effects.tx, now - WORK_FOR)
    gone = await topics.purge(effects.tx, now - NEIGHBOURS_FOR) + await supplies.purge(effects.tx, now - NEIGHBOURS_FOR)
    gone += await signup_entries.purge(effects.tx, now - effects.policy.signup_names_for, now)
    await erasure.let_go(effects.tx, gone)
    return False


async def forget(effects: Effects) -> bool:
    """Once a day, residents who took back the last that was kept of them; True where there may be more of them."""
    today = effects.now.astimezone(effects.policy.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    if await jobs.last(effects.tx, "forget") == today:
        return False
    if await erasure.sweep(effects.tx, FORGOTTEN_AT_ONCE) == FORGOTTEN_AT_ONCE:
        return True
    await jobs.fire(effects.tx, "forget", today, effects.now)
    return False


# In this order. A clock that has been stopped must not fire: what changed comes first, all of it.
PARTS: tuple[Part, ...] = (
    end_modes,
    close,
    purge,
    forget,
    reminders.follow,
    reminders.fire,
    signup_timers.fire,
    digests.send,
    wish_steps.release,
    polls.close_due,
    meetings.remind,
    membership.watch,
    membership.hand_over,
    membership.tell,
    notice_sending.send,
    notice_sending.end,
    detours.send,
)
# Of what is done in pieces: one piece at a time, and how to go on past one that cannot be done.
ONE_BY_ONE: dict[Part, tuple[Part, Part]] = {
    reminders.follow: (lambda effects: reminders.follow(effects, 1), reminders.pass_over),
    reminders.fire: (lambda effects: reminders.fire(effects, 1), reminders.put_off),
    wish_steps.release: (lambda effects: wish_steps.release(effects, 1), wish_steps.put_off),
    signup_timers.fire: (lambda effects: signup_timers.fire(effects, 1), signup_timers.put_off),
}
