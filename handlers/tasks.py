"""交办: a task for each grid of a scope, and 完成. Nobody is ranked.

事项准入: only what is on the deployment's list may be handed to a grid; the rest is refused, and that is logged.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers import rights, scopes
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import LEADERS, Context
from handlers.rights import Right
from handlers.texts import tasks as texts
from nlp.contact import mask
from storage import grids, people, tasks
from storage.model import Task


async def hand_out(ctx: Context, command: Command) -> str:
    """`交办 @范围 事项 内容 [时限]`."""
    if not command.code or not command.text:
        await ctx.reply(texts.TASK_HOW)
        return "command"
    scope = await scopes.named(ctx.tx, command.code)
    if scope is None:
        await ctx.reply(labels.no_such_scope(mask(command.code)))
        return "command"
    right = rights.allowed(ctx.actor, Right.TASK, scope)
    if right is None:
        await ctx.audit_message("denied", command=command.name.name)
        return "denied"
    if command.remark not in ctx.policy.matters:
        await ctx.audit_message("task_refused", right=right, scope=scope)
        await ctx.reply(texts.not_on_the_list(command.remark, ctx.policy.matters))
        return "command"
    codes = leaves([code for code in await grids.names(ctx.tx) if code.startswith(scope)]) or [scope]
    person = await ctx.person()
    due = ctx.now + command.span if command.span is not None else None
    task = await tasks.hand_out(
        ctx.tx,
        scope=scope,
        matter=command.remark,
        text=command.text,
        person_id=person.id,
        at=ctx.now,
        due=due,
        grids=codes,
    )
    await ctx.audit_message("task", right=right, task=task.number, scope=scope, grids=len(codes))
    until = labels.clock(due, ctx.policy.timezone) if due is not None else ""
    await ctx.reply(texts.task_given(task.id, len(codes), until))
    line = texts.told_task(task.id, task.matter, task.text, person.name, until)
    for code in codes:
        await ctx.tell_leaders(code, line, key=f"task:{task.id}")
    return "command"


async def complete(ctx: Context, command: Command) -> str:
    """`完成 J3 [结果]`, for every grid of the task that the speaker leads."""
    if command.item is None:
        await ctx.reply(texts.WHICH_TASK)
        return "command"
    task = await tasks.get(ctx.tx, command.item)
    if task is None:
        await ctx.reply(texts.no_such_task(f"J{command.item}"))
        return "command"
    own = [code for code in await tasks.grids_of(ctx.tx, task.number) if _leads(ctx, code)]
    if not own:
        await ctx.reply(texts.task_not_yours(task.id))
        return "command"
    person = await ctx.person()
    done = await tasks.complete(ctx.tx, task.number, own, person_id=person.id, result=command.text, at=ctx.now)
    if not done:
        await ctx.reply(texts.task_done_already(task.id))
        return "command"
    await ctx.audit_message("task_done", right=command.right, task=task.number, grids=len(done))
    await ctx.reply(texts.task_done(task.id, len(done)))
    if not await tasks.grids_of(ctx.tx, task.number, open_only=True):
        await _report(ctx, task)
    return "command"


async def state(ctx: Context, task: Task) -> str:
    """How far a task is, for who gave it and for those it was given to; empty for anybody else."""
    every = await tasks.grids_of(ctx.tx, task.number)
    involved = ctx.actor is not None and (ctx.actor.id == task.person_id or any(_leads(ctx, code) for code in every))
    if not involved:
        return ""
    left = await tasks.grids_of(ctx.tx, task.number, open_only=True)
    return texts.task_state(task.id, task.matter, len(every) - len(left), len(every))


async def _report(ctx: Context, task: Task) -> None:
    """All have done it: who gave it hears so."""
    giver = await people.get(ctx.tx, task.person_id)
    count = len(await tasks.grids_of(ctx.tx, task.number))
    if giver is not None and (ctx.actor is None or giver.id != ctx.actor.id):
        await ctx.tell(giver, texts.task_state(task.id, task.matter, count, count), key=f"taskdone:{task.id}")


def _leads(ctx: Context, code: str) -> bool:
    return ctx.actor is not None and ctx.actor.covers(code, *LEADERS)


def leaves(codes: Sequence[str]) -> list[str]:
    """Those of the codes under which there is no other one."""
    ordered = sorted(codes)
    return [code for at, code in enumerate(ordered) if at + 1 == len(ordered) or not ordered[at + 1].startswith(code)]
