"""纪要: what a meeting agreed on. Each line that names a matter becomes a ticket; no other line is kept.

What concerns a single person is not filed from minutes that many read."""

from __future__ import annotations

import re

from handlers import appeals, matching, rights, steps
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import deliberation as texts
from handlers.texts import no_such_ticket
from nlp.decision import Decision, Label, Nature
from storage import polls, topics
from storage.model import TicketState
from storage.topics import TopicState

MOST_LINES = 30
_PARTS = re.compile(
    r"[\n;；]+|(?:(?<=^)|(?<=[\s。,，:：]))(?:[1-9][0-9]?\s?[.、)）](?![0-9])|[(（][1-9][0-9]?[)）]|[一二三四五六七八九十]{1,2}、)"
)


async def take(ctx: Context, command: Command) -> str:
    """`纪要 V2 <文字>`, `纪要 <文字>`: files, lists what became of the lines, and puts the topic off the agenda."""
    grid = ctx.grid
    item_id = ""
    if command.item is not None:
        item_id = f"V{command.item}"
        topic = await topics.get(ctx.tx, command.item)
        poll = await polls.get(ctx.tx, command.item)
        if topic is None and poll is None:
            await ctx.reply(no_such_ticket(item_id))
            return "command"
        grid = topic.grid if topic is not None else poll.grid if poll is not None else grid
    right = rights.allowed(ctx.actor, Right.DELIBERATE, grid)
    if right is None:
        await ctx.audit_message("denied", command=command.name.name)
        return "denied"
    lines = [line for part in _PARTS.split(command.text) if (line := part.strip(" \t,，。.、:："))]
    if not lines:
        await ctx.reply(texts.MINUTES_HOW)
        return "command"
    filed: list[str] = []
    known: list[str] = []
    left = discreet = 0
    for line in lines[:MOST_LINES]:
        decision = ctx.judge(line).best
        if decision.label is Label.DROP:
            left += 1
        elif _discreet(ctx, decision):
            discreet += 1
        else:
            there = await matching.same_trouble(ctx, decision)
            if there is None:
                ticket = await appeals.file(ctx, decision, TicketState.FILED, line, grid=grid, alone=True)
                filed.append(steps.heading(ctx.policy, ticket))
            elif there.id not in known:
                known.append(there.id)
    if command.item is not None:
        await topics.close(ctx.tx, command.item, TopicState.DISCUSSED, ctx.now)
    await ctx.audit_message("minutes", right=right, item=item_id, tickets=len(filed))
    await ctx.reply(texts.minutes_filed(filed, known, left + max(len(lines) - MOST_LINES, 0), discreet))
    return "command"


def _discreet(ctx: Context, decision: Decision) -> bool:
    confidential = decision.confidential or steps.category(ctx.policy, decision.category).confidential
    return confidential or decision.nature is Nature.REPORT
