"""`+1` 同上 我家也是: a neighbour seconds what was said before."""

from __future__ import annotations

from handlers import appeals, matching, merging, topics
from handlers.context import Context
from nlp.decision import Label


async def plus_one(ctx: Context) -> str:
    """Joins the ticket that is quoted, else the room's latest, or supports the topic that was spoken of later; with a
    trouble of its own behind it, it is an appeal.

    Returns the reason it is counted under."""
    decision = ctx.analysis.best
    scored = decision.label is not Label.DROP
    quoted = await matching.quoted(ctx)
    ticket = quoted or await matching.latest(ctx)
    if not scored and decision.location.located_by != "text" and await topics.seconded(ctx, ticket, quoted):
        return "topic"
    if scored and (ticket is None or not matching.seconds(ctx, ticket, decision)):
        return await appeals.capture(ctx)
    if ticket is None:
        return decision.reason or "chat"
    text = ctx.analysis.text if scored or ctx.analysis.follows else ""
    await merging.add(ctx, ticket, decision if scored else None, text=text)
    return "joined"
