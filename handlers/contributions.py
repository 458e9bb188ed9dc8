"""四个一: a 双报到党员 looks at their own log; a leader notes a 实事. Nobody sees anybody else's, nobody is ranked."""

from __future__ import annotations

from collections import Counter

from handlers import rights
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import wishes as texts
from storage import contributions, people
from storage.contributions import Contribution
from storage.model import Person, Role

LATEST = 5


async def own(ctx: Context, _command: Command) -> str:
    """`我的贡献`: one's own log, in private."""
    person = ctx.actor
    if person is None or Role.PARTY_MEMBER not in person.roles:
        await ctx.reply(texts.NOT_A_MEMBER)
        return "command"
    log = await contributions.log(ctx.tx, person_id=person.id)
    lines = [texts.contribution_line(_day(ctx, one), one.kind, one.item or one.text) for one in reversed(log[-LATEST:])]
    said = texts.contributions(Counter(one.kind for one in log), lines) if log else texts.NO_CONTRIBUTIONS
    key = f"contributions:{person.id}:{ctx.message.account}:{ctx.message.id}"
    await ctx.reply_privately(said, key=key)
    return "command"


async def note(ctx: Context, command: Command) -> str:
    """`实事 <姓名> <做了什么>`: a leader notes it for a 双报到党员 of their own grid."""
    if not command.code or not command.text:
        await ctx.reply(texts.DEED_HOW)
        return "command"
    found = await _named(ctx, command.code)
    if found is None:
        await ctx.reply(texts.nobody_named(command.code))
        return "command"
    member, grid = found
    leader = await ctx.person()
    await contributions.note(
        ctx.tx, person_id=member.id, by_id=leader.id, grid=grid, text=command.text[: texts.LONGEST], at=ctx.now
    )
    await ctx.audit_message("deed_noted", right=command.right, person=member.id)
    await ctx.reply(texts.deed_noted(member.name))
    if member.id != leader.id:
        key = f"contributions:{member.id}:deed:{ctx.message.account}:{ctx.message.id}"
        await ctx.tell(member, texts.told_deed(command.text), key=key)
    return "command"


async def _named(ctx: Context, name: str) -> tuple[Person, str] | None:
    """The only 双报到党员 of this name over whose grid the speaker has the right, and that grid."""
    fitting = []
    for person in await people.everyone_with_grants(ctx.tx):
        if person.name != name:
            continue
        scopes = [grant.scope for grant in person.grants if grant.role is Role.PARTY_MEMBER]
        own_scope = next((scope for scope in scopes if rights.allowed(ctx.actor, Right.REVIEW, scope)), None)
        if own_scope is not None:
            fitting.append((person, own_scope))
    return fitting[0] if len(fitting) == 1 else None


def _day(ctx: Context, one: Contribution) -> str:
    return f"{one.at.astimezone(ctx.policy.timezone):%m-%d}"
