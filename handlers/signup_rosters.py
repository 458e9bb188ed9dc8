"""名单 and 签到: who is in, for whoever may know, and who came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from handlers import points, signup_forms, signup_timers, signups
from handlers.commands import Command
from handlers.context import Context
from handlers.signup_forms import Party
from handlers.texts import signups as words
from storage import signup_entries as rosters
from storage.points import PointAction
from storage.signup_entries import Entry
from storage.signups import EntryState, Signup, SignupState

MOST_LINES = 60
BEFORE = timedelta(hours=2)  # from when on somebody can say that they are there


async def show(ctx: Context, command: Command) -> str:
    """`名单 [H3]`: the count and one's own entry; names only for who organises or leads, never in the group."""
    signup = await signups.find(ctx, command, await signups.here(ctx))
    if signup is None:
        return "command"
    entries = await rosters.entries(ctx.tx, signup.number)
    taken, waiting = signups.heads(entries, EntryState.CONFIRMED), signups.heads(entries, EntryState.WAITING)
    line = words.tally(signup, taken, waiting)
    right = await signups.manages(ctx, signup)
    if right is None:
        mine = next((e for e in entries if ctx.actor is not None and e.active and e.person_id == ctx.actor.id), None)
        await ctx.reply(f"{line}{words.own(mine, _slot(ctx, signup, mine))}")
        return "command"
    await ctx.audit_message("roster", right=right, item=signup.id)
    names = await _roster(ctx, signup, entries, line)
    if ctx.group is None:
        await ctx.reply(names)
        return "command"
    person = await ctx.person()
    told = signups.reachable(person) and await ctx.tell(person, names, key=f"roster:{signup.id}:{ctx.message.id}")
    await ctx.reply(f"{line}{words.ROSTER_SENT if told else words.ROSTER_ADD_ME.format(id=signup.id)}")
    return "command"


def _slot(ctx: Context, signup: Signup, entry: Entry | None) -> str:
    found = next((slot for slot in signup.slots if entry is not None and slot.slot == entry.slot), None)
    return words.slot_name(found, ctx.policy.timezone) if found is not None else ""


async def _roster(ctx: Context, signup: Signup, entries: Sequence[Entry], line: str) -> str:
    active = [entry for entry in entries if entry.active]
    active.sort(key=lambda entry: (entry.slot or 0, entry.state is EntryState.WAITING))
    signers = await signups.signers(ctx.tx, active)
    lines = [
        words.roster_line(number, entry, signers.get(entry.seq, ""), _slot(ctx, signup, entry))
        for number, entry in enumerate(active[:MOST_LINES], start=1)
    ]
    return words.roster(line, lines, len(active) - len(lines))


async def attend(ctx: Context, command: Command) -> str:
    """`签到 [H3]` by who is there, around the time; `签到 H3 张三` by the organiser or the leader, or by whoever signed
    张三 up."""
    party = signup_forms.party(command.text, free=True) or Party()
    names = party.names or ((party.own_name,) if party.own_name else ())
    found = [signup for signup in await signups.here(ctx) if not _not_now(ctx, signup, None)]
    signup = await signups.find(ctx, command, found or await signups.here(ctx))
    if signup is None:
        return "command"
    if signup.state is SignupState.CANCELLED:
        await ctx.reply(words.not_open(signup))
        return "command"
    entries = await rosters.entries(ctx.tx, signup.number)
    line = await _attend_others(ctx, signup, entries, names) if names else await _attend_self(ctx, signup, entries)
    if line:
        await ctx.reply(line)
        return "command"
    return await signups.denied(ctx, command, signup)


async def _attend_self(ctx: Context, signup: Signup, entries: Sequence[Entry]) -> str:
    person = await ctx.person()
    entry = next((each for each in entries if each.person_id == person.id), None)
    if entry is None or entry.state is not EntryState.CONFIRMED:
        return words.not_on_list(signup)
    if entry.attended_at is not None:
        return words.attended_already(signup)
    refusal = _not_now(ctx, signup, entry)
    if refusal:
        return refusal
    await _note(ctx, signup, entry, None)
    return words.attended(signup)


async def _attend_others(ctx: Context, signup: Signup, entries: Sequence[Entry], names: Sequence[str]) -> str:
    """By who organises or leads at any time from the start on; by who signed them up around the time."""
    right = await signups.manages(ctx, signup)
    person = await ctx.person()
    there: list[Entry] = []
    for name in names:
        fitting = [each for each in signups.by_name(entries, name) if each.state is EntryState.CONFIRMED]
        if right is None:
            fitting = [each for each in fitting if person.id in (each.by_id, each.person_id)]
        if not fitting and right is None:
            return ""
        if len(fitting) != 1:
            return words.several_names(name) if fitting else words.not_on_list(signup, name)
        refusal = _not_now(ctx, signup, fitting[0], late=right is not None)
        if refusal:
            return refusal
        if fitting[0].attended_at is not None:
            return words.attended_already(signup, name)
        there.append(fitting[0])
    for entry in there:
        await _note(ctx, signup, entry, right)
    return words.attended(signup, [entry.name for entry in there])


async def _note(ctx: Context, signup: Signup, entry: Entry, right: str | None) -> None:
    await rosters.note(ctx.tx, signup.number, entry.seq, attended_at=ctx.message.sent_at)
    await ctx.audit_message("attended", right=right, item=signup.id, entry=entry.seq)
    if entry.person_id is not None:
        await points.earn(ctx, entry.person_id, PointAction.ATTENDANCE, signup.id, signup.grid or ctx.grid)


def _not_now(ctx: Context, signup: Signup, entry: Entry | None, *, late: bool = False) -> str:
    """Why nobody can sign in now. `late`: afterwards one may."""
    slot = next((each for each in signup.slots if entry is not None and each.slot == entry.slot), None)
    starts = slot.starts if slot is not None else signup.starts
    at, end = ctx.message.sent_at, signup_timers.ends(signup, ctx.policy)
    if starts is not None and at < starts - BEFORE:
        return words.too_early(signup, starts, ctx.policy.timezone)
    if not late and end is not None and at > end + BEFORE:
        return words.too_late(signup)
    return ""
