"""平急转换: `转急` puts a scope into 急时, `转平` or 48 hours end it.

In 急时 working time runs day and night, so limits come sooner, and a sender's next message joins for two minutes only.
Those who lead within the scope hear of it, and so do those on its duty roster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from handlers import aftermath, clocks, steps
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context, Effects, Policy
from handlers.rights import LEADERS
from handlers.texts import mode as texts
from handlers.texts.commands import USAGE, suggest
from storage import duty, grids, modes, people, rooms
from storage import tickets as rows
from storage.engine import Tx
from storage.model import DutyKind, Mode, TicketState

LONGEST = timedelta(hours=48)
_RUNNING = (TicketState.FILED, TicketState.ASSIGNED, TicketState.ACCEPTED, TicketState.IN_PROGRESS)


async def policy(tx: Tx, usual: Policy, grid: str | None, now: datetime) -> Policy:
    """The policy as it is over a grid now: another one in 急时."""
    return within(await modes.in_force(tx), usual, grid, now)


def within(in_force: Sequence[Mode], usual: Policy, grid: str | None, now: datetime) -> Policy:
    """The same for many grids, with what is in force read once."""
    since = [mode.started_at for mode in in_force if now < mode.expires_at and (grid or "").startswith(mode.scope)]
    if not since:
        return usual
    return replace(usual, urgent_since=min(since), join_for=min(usual.join_for, usual.urgent_join_for))


async def declare(ctx: Context, command: Command) -> str:
    """`转急 暴雨 [24h]`: 急时 over the scope in which the speaker may declare it, for 48 hours at most; said again, it
    lasts from now on."""
    if not command.text or command.right is None:
        await ctx.reply(suggest(USAGE[command.name.value]))
        return "command"
    scope = command.right.partition(":")[2]
    until = ctx.now + min(command.span or LONGEST, LONGEST)
    person = await ctx.person()
    mode, new = await modes.declare(ctx.tx, scope, command.text, person_id=person.id, at=ctx.now, expires_at=until)
    hours = round((until - ctx.now) / timedelta(hours=1))
    await ctx.audit_message("mode_on", right=command.right, scope=scope, hours=hours, extended=not new)
    if new:
        await _shorten(ctx, scope)
    where, clock = await _name(ctx, scope), labels.clock(until, ctx.policy.timezone)
    roster = await duty.on_duty(ctx.tx, DutyKind.MODE, scope, ctx.now)
    names = "、".join(each.name for each in roster if each.name)
    await ctx.reply(texts.mode_on(where, clock, names))
    line, key = texts.told_mode_on(where, mode.reason, person.name, clock, names), f"mode:{mode.id}:on:{ctx.message.id}"
    await _tell(ctx, scope, line, key=key)
    for each in roster:
        await ctx.tell(each, line, key=f"{key}:{each.id}", urgent=True)
    return "command"


async def end(ctx: Context, command: Command) -> str:
    """`转平`: ends what is in force within the speaker's scope; what was declared over a wider one is not theirs."""
    scope = (command.right or "").partition(":")[2]
    in_force = await modes.in_force(ctx.tx)
    own = [mode for mode in in_force if mode.scope.startswith(scope)]
    for mode in own:
        if await modes.end(ctx.tx, mode.id, ctx.now):
            await ctx.audit_message("mode_off", right=command.right, scope=mode.scope)
            line = texts.told_mode_off(await _name(ctx, mode.scope)) + await aftermath.close(ctx, mode.scope)
            await _tell(ctx, mode.scope, line, key=f"mode:{mode.id}:off")
    if own:
        await ctx.reply(texts.mode_off(await _name(ctx, own[0].scope)))
    else:
        wider = any(scope.startswith(mode.scope) for mode in in_force)
        await ctx.reply(texts.MODE_NOT_YOURS if wider else texts.MODE_IS_OFF)
    return "command"


async def expire(effects: Effects) -> None:
    """End what has lasted its time, and say so."""
    for mode in await modes.in_force(effects.tx):
        if mode.expires_at <= effects.now and await modes.end(effects.tx, mode.id, effects.now):
            await effects.audit("mode_off", actor=None, scope=mode.scope)
            line = texts.told_mode_expired(await _name(effects, mode.scope))
            line += await aftermath.close(effects, mode.scope)
            await _tell(effects, mode.scope, line, key=f"mode:{mode.id}:off")


async def _shorten(effects: Effects, scope: str) -> None:
    """The working time that is left of each limit runs day and night from now on. No limit becomes longer."""
    policy, now = effects.policy, effects.now

    for ticket in await rows.in_scope(effects.tx, [scope], _RUNNING):
        if steps.category(policy, ticket.category).clock == "work":
            limits = {"due": ticket.due}
            if ticket.acknowledged_at is None:
                limits["ack_due"] = ticket.ack_due
            changed = {name: clocks.sooner(due, now, policy) for name, due in limits.items() if due is not None}
            await rows.update(effects.tx, ticket.number, expect={ticket.state}, at=now, **changed)


async def _tell(effects: Effects, scope: str, text: str, *, key: str) -> None:
    """The leader rooms within the scope and the nearest one around it, else everybody who leads within it."""
    told = 0
    for room in await rooms.leader_rooms(effects.tx, scope):
        told += await effects.direct(
            room.account, room.im_id, text, key=f"{key}:room{room.id}", urgent=True, room_id=room.id
        )
    told += await effects.tell_leaders(scope, text, key=key, urgent=True)
    if told:
        return
    for person in await people.everyone_with_grants(effects.tx):
        if any(grant.role in LEADERS and grant.scope.startswith(scope) for grant in person.grants):
            await effects.tell(person, text, key=f"{key}:{person.id}", urgent=True)


async def _name(effects: Effects, scope: str) -> str:
    grid = await grids.get(effects.tx, scope)
    return grid.name if grid is not None and grid.name else labels.grid(scope)
