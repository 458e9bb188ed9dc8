"""平安 in 急时: who is safe, by building, and who asks for help. Nobody is named for not having said so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from handlers import appeals, rights, supplies, tallies
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import supplies as texts
from nlp import counts, location
from nlp.contact import mask
from nlp.decision import Label
from nlp.normalize import normalise
from storage import outbox, people
from storage import supplies as rows
from storage.model import PostKind
from storage.supplies import CheckIn

MOST_LINES = 6


async def check_in(ctx: Context, command: Command) -> str:
    """`平安`, `平安 3栋 4人`, `平安 求助 老人没药了`; said by a leader among leaders or in private, the figures."""
    if _bare(command) and not command.explicit and ctx.policy.urgent_since is None:
        # A greeting most likely: at most one line that it is none, within the quota.
        await ctx.reply(texts.ONLY_IN_URGENT, PostKind.ACK)
        return "command"
    if command.remark and not await supplies.urgent_near(ctx, await appeals.grid_of(ctx) or ""):
        # A call for help is never put off.
        if not await _appeal(ctx, command.remark):
            await appeals.report(ctx, replace(command, text=command.remark))
        return "command"
    inside = ctx.group is None
    grid = await supplies.urgent_grid(ctx, only_look=inside and _bare(command))
    if grid is None:
        return "command"
    if inside and _bare(command) and ctx.actor is not None and ctx.actor.covers(grid, *rights.LEADERS):
        await ctx.reply(await _summary(ctx, grid))
        return "command"
    person = await ctx.person()
    home = location.locate(normalise(command.text), ctx.message.nick)
    where, heads = home.building, counts.number(command.code) if command.code else 1
    household = f"{home.building}-{home.unit or ''}-{home.room}" if home.building and home.room else None
    mine = CheckIn(person.id, grid, where, max(heads, 1), bool(command.remark), command.remark, ctx.now, household)
    await rows.check_in(ctx.tx, mine, (ctx.message.account, ctx.message.id))
    await ctx.audit_message("checked_in", help=bool(command.remark))
    if command.remark:
        await _help(ctx, command.remark, where, grid, person.id)
    elif ctx.room is None:
        await ctx.reply(texts.SAFE_IN_PRIVATE)
    else:
        said = _heads([one for one in await rows.checked_in(ctx.tx, grid) if not one.needs_help])
        await tallies.say(ctx, f"safe:{grid}", texts.safe_in_room(said))
    return "command"


async def recalled(ctx: Context, gone: str) -> bool:
    """A check-in was taken back; whether it was one."""
    if ctx.actor is None:
        return False
    mine = await rows.take_back_check_in(ctx.tx, ctx.actor.id, (ctx.message.account, gone))
    if mine is None:
        return False
    await outbox.unsay(ctx.tx, (f"help:{ctx.actor.id}:{gone}",), "")
    await ctx.audit_message("check_in_recalled")
    if mine.needs_help:  # taken back in a hurry, perhaps, so somebody should ask
        line = texts.told_help_recalled(mask(ctx.message.nick))
        await ctx.tell_leaders(mine.grid, line, key=f"helpback:{ctx.actor.id}:{gone}")
    return True


async def _help(ctx: Context, words: str, where: str | None, grid: str, person_id: int) -> None:
    """To the leader at once; what the classifier takes for an appeal is one, with its number, clock and advice."""
    if await _appeal(ctx, words):
        return
    line = texts.told_help(texts.building(where), mask(ctx.message.nick), words)
    await ctx.tell_leaders(grid, line, key=f"help:{person_id}:{ctx.message.id}", urgent=True)
    await ctx.reply(texts.HELP_HEARD)


async def _appeal(ctx: Context, words: str) -> bool:
    """Whether the words are an appeal: then they join what is known, or are filed, like any other."""
    decision = ctx.judge(words).best
    if decision.label is not Label.TICKET:
        return False
    await appeals.take(ctx, decision, [])
    return True


async def _summary(ctx: Context, grid: str) -> str:
    said = await rows.checked_in(ctx.tx, grid)
    safe: defaultdict[str, list[CheckIn]] = defaultdict(list)
    for one in said:
        if not one.needs_help:
            safe[texts.building(one.building) or texts.NO_BUILDING].append(one)
    by_building = {building: _heads(those) for building, those in safe.items()}
    helping = [one for one in said if one.needs_help]
    nicks = {person.id: person for person in await people.many(ctx.tx, [one.person_id for one in helping])}
    lines = []
    for one in helping[:MOST_LINES]:
        person = nicks.get(one.person_id)
        nick = next((mask(alias.nick) for alias in person.aliases if alias.nick), "") if person is not None else ""
        lines.append(texts.help_line(texts.building(one.building), nick, one.note))
    if len(helping) > len(lines):
        lines.append(texts.more(len(helping) - len(lines)))
    return texts.safe_summary(sum(by_building.values()), sorted(by_building.items()), lines)


def _heads(said: Sequence[CheckIn]) -> int:
    """How many are safe. Two of one household who each speak for four are four."""
    homes: defaultdict[str | int, list[int]] = defaultdict(list)
    for one in said:
        homes[one.household or one.person_id].append(one.heads)
    return sum(max(len(heads), *heads) for heads in homes.values())


def _bare(command: Command) -> bool:
    return not (command.text or command.code or command.remark)
