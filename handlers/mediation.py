"""调解: what neighbours cannot settle between them is told in private and handled in private."""

from __future__ import annotations

from dataclasses import replace

from handlers import appeals, receipts
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import appeals as texts
from nlp import decision as nlp
from nlp.decision import Label
from storage.model import TicketState

CATEGORY = "0801"  # 邻里矛盾/相邻纠纷


async def ask_for(ctx: Context, command: Command) -> str:
    """`调解 <内容>`, in private: a confidential ticket of 邻里矛盾. Said in a group nothing of it is kept."""
    if ctx.room is not None:
        await ctx.reply(texts.MEDIATE_IN_PRIVATE)
        return "command"
    if not command.text:
        await ctx.reply(texts.MEDIATE_WHAT)
        return "command"
    decision = replace(
        ctx.analysis.best,
        label=Label.TICKET,
        category=CATEGORY,
        urgency=ctx.policy.categories[CATEGORY].urgency,
        nature=nlp.Nature.HELP,
        confidential=True,
    )
    ticket = await appeals.file(ctx, decision, TicketState.FILED, command.text)
    await receipts.to_leaders(ctx, ticket)
    await receipts.to_reporter(ctx, ticket)
    return "command"
