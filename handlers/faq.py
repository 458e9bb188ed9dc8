"""问答: what people keep asking is answered from entries that a person has approved, and each answer names its source.

Such an inquiry is no ticket and counts apart. Asked again by the same person that day it is one: the answer was not
what they needed.
"""

from __future__ import annotations

import re

from handlers import rights
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import Context
from handlers.texts import faq as texts
from nlp import decision as nlp
from nlp import similarity
from nlp.decision import Decision
from storage import faq
from storage.model import FaqEntry, PostKind

ALIKE = 0.5  # of the pairs of characters of two questions
MOST_LISTED = 8
_SOURCE = re.compile(r"[\s,，。;；(（]*来源\s*[:：]\s*(?P<source>[^)）]+?)\s*[)）]?\s*$")


async def manage(ctx: Context, command: Command) -> str:
    """`问答 增 问 => 答 来源：单位`, `问答 删 3`; `问答` lists what there is."""
    right = command.right or ""
    scope = right.partition(":")[2]
    if command.item is not None:
        return await _remove(ctx, command.item, right)
    if not command.text or not command.remark:
        entries = [entry for entry in await faq.over(ctx.tx, ctx.grid or scope) if entry.scope.startswith(scope)]
        lines = [texts.faq_line(entry.number, entry.question) for entry in entries[:MOST_LISTED]]
        await ctx.reply("\n".join(lines) or texts.NO_FAQ)
        return "command"
    person = await ctx.person()
    named = _SOURCE.search(command.remark)
    source = named["source"] if named is not None else labels.ROLE[rights.role_of(right)] + person.name
    answer = command.remark[: named.start()] if named is not None else command.remark
    entry = await faq.add(
        ctx.tx,
        scope=scope,
        question=command.text,
        answer=answer.strip(),
        source=source,
        person_id=person.id,
        at=ctx.now,
    )
    await ctx.audit_message("faq_added", right=right, entry=entry.number, scope=scope)
    await ctx.reply(texts.faq_added(entry.number))
    return "command"


async def _remove(ctx: Context, number: int, right: str) -> str:
    entry = await faq.get(ctx.tx, number)
    if entry is None or not entry.scope.startswith(right.partition(":")[2]):
        await ctx.reply(texts.no_such_entry(number))
        return "command"
    await faq.remove(ctx.tx, number, ctx.now)
    await ctx.audit_message("faq_removed", right=right, entry=number)
    await ctx.reply(texts.faq_removed(number))
    return "command"


async def answer(ctx: Context, decision: Decision) -> bool:
    """Answer an inquiry or a bare how-to from an approved entry, if one fits and the line may go out."""
    asks = decision.nature is nlp.Nature.INQUIRY or decision.reason == "how_to"
    if not asks or decision.urgency is nlp.Urgency.EMERGENCY or decision.confidential:
        return False
    entry = await _fitting(ctx)
    if entry is None:
        return False
    day = ctx.now.astimezone(ctx.policy.timezone).date()
    approved = entry.at.astimezone(ctx.policy.timezone).date().isoformat()
    line = texts.faq_answer(entry.answer, entry.source, approved)
    key = f"faq:{entry.number}:{ctx.message.account}:{ctx.message.sender}:{day}"
    if not await ctx.reply(line, PostKind.ACK, key=key):
        return False
    await faq.count(ctx.tx, entry.number, ctx.grid or entry.scope, day)
    return True


async def _fitting(ctx: Context) -> FaqEntry | None:
    """The entry whose question is most like what was asked, among those that are like it at all."""
    if ctx.grid is None:
        return None
    scored = [
        (similarity.overlap(entry.question, ctx.analysis.text), -at, entry)
        for at, entry in enumerate(await faq.over(ctx.tx, ctx.grid))
    ]
    best = max(scored, default=None, key=lambda each: each[:2])
    return best[2] if best is not None and best[0] >= ALIKE else None
