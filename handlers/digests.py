"""日报 and 周报: what a scope came to, in a few lines, to its leader room at fixed times or to whoever asks.

A digest that was missed while the bot was away is sent once, late; of several only the last. One about nothing is not
sent at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from handlers import quiet, steps
from handlers import texts as labels
from handlers.commands import Command, Name
from handlers.context import Context, Effects, Policy
from handlers.texts import digests as texts
from storage import figures, grids, jobs, rooms
from storage import tickets as rows
from storage.figures import Counts
from storage.model import PostKind

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONDAY = 0
_MOST_NAMED = 3  # tickets, categories
BATCH = 20  # rooms at a time


@dataclass(frozen=True, slots=True)
class Period:
    """What a digest is about: [since, until)."""

    since: datetime
    until: datetime
    weekly: bool


async def send(effects: Effects) -> bool:
    """To the leader rooms what has come due, and not at night; True where more of them wait."""
    policy = effects.policy
    if quiet.in_quiet_hours(effects.now, policy):
        return False
    for job, clocks, weekly in (("daily", policy.daily_digests, False), ("weekly", policy.weekly_digests, True)):
        due = _latest(effects.now, clocks, policy, mondays=weekly)
        last = await jobs.last(effects.tx, job)
        if due is None or last == due:
            continue
        # A store that never sent one begins with the next.
        if last is not None and not await _to_rooms(effects, job, due, _period(due, policy, weekly=weekly)):
            return True
        await jobs.fire(effects.tx, job, due, effects.now)
    return False


async def show(ctx: Context, command: Command) -> str:
    """`日报`, `周报`: today so far, or the last seven days, of the speaker's scope. Where residents read along, only in
    private."""
    scope = (command.right or "").partition(":")[2]
    weekly = command.name is Name.WEEKLY
    today = _midnight(ctx.now.astimezone(ctx.policy.timezone).date(), ctx.policy)
    period = Period(today - 6 * DAY if weekly else today, ctx.now, weekly)
    text = await _text(ctx, scope, period, await figures.total(ctx.tx, period.since, period.until, scope))
    if ctx.group is not None:
        key = f"digest:{ctx.message.account}:{ctx.message.id}"
        told = await ctx.tell(await ctx.person(), text, key=key)
        await ctx.reply(texts.DIGEST_IN_PRIVATE if told else texts.ASK_IN_PRIVATE)
    else:
        await ctx.reply(text)
    return "command"


async def _to_rooms(effects: Effects, job: str, due: datetime, period: Period) -> bool:
    """Some of the leader rooms that have not got it yet; True where these were the last."""
    every = {f"{job}:room{room.id}": room for room in await rooms.leader_rooms(effects.tx)}
    taken = await jobs.taken(effects.tx, every, due)
    left = [name for name in every if name not in taken]
    for name in left[:BATCH]:
        await jobs.fire(effects.tx, name, due, effects.now)
        room = every[name]
        counts = await figures.total(effects.tx, period.since, period.until, room.grid or "")
        if counts != Counts():
            text = await _text(effects, room.grid or "", period, counts)
            await effects.post(room, text, PostKind.PRIVATE, key=f"{name}:{due:%Y%m%dT%H%M}")
    return len(left) <= BATCH


async def _text(effects: Effects, scope: str, period: Period, counts: Counts) -> str:
    """At most twelve lines."""
    grid = await grids.get(effects.tx, scope)
    zone = effects.policy.timezone
    lines = texts.digest(
        grid.name if grid is not None and grid.name else labels.grid(scope),
        labels.clock(period.since, zone),
        labels.clock(period.until, zone),
        counts,
        weekly=period.weekly,
    )
    if period.weekly:
        before = await figures.total(effects.tx, period.since - 4 * WEEK, period.since, scope)
        lines.append(texts.digest_trend(counts.filed, before.filed / 4))
    by_category = await figures.by_category(effects.tx, period.since, period.until, scope)
    most = sorted(by_category.items(), key=lambda item: (-item[1].filed, item[0]))[:_MOST_NAMED]
    named = [(steps.category(effects.policy, code).short_name, each.filed) for code, each in most if each.filed]
    if named:
        lines.append(texts.digest_categories(named))
    late = await figures.overdue(effects.tx, period.until, scope, _MOST_NAMED)
    for ticket in await rows.numbered(effects.tx, late):
        lines.append(texts.digest_overdue(steps.heading_inside(effects.policy, ticket)))
    return "\n".join(lines)


def _latest(now: datetime, clocks: tuple[time, ...], policy: Policy, *, mondays: bool) -> datetime | None:
    """The last moment up to now at which a local clock shows one of these, on Mondays only where that is asked."""
    today = now.astimezone(policy.timezone).date()
    days = [today - back * DAY for back in range(8)]
    moments = [
        datetime.combine(day, clock, policy.timezone)
        for day in days
        for clock in clocks
        if not mondays or day.weekday() == MONDAY
    ]
    return max((moment for moment in moments if moment <= now), default=None)


def _period(due: datetime, policy: Policy, *, weekly: bool) -> Period:
    """日报: since the last one of the day before, so that no evening is left out. 周报: the seven days before."""
    day = due.astimezone(policy.timezone).date()
    midnight = _midnight(day, policy)
    if weekly:
        return Period(midnight - 7 * DAY, midnight, weekly=True)
    since = datetime.combine(day - DAY, max(policy.daily_digests), policy.timezone)
    return Period(since, due, weekly=False)


def _midnight(day: date, policy: Policy) -> datetime:
    return datetime.combine(day, time(0), policy.timezone)
