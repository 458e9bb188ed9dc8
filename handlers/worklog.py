"""走访 巡查 我的工作: what people in office write down of their walks, if they like. Nobody is asked to, nobody is
reminded, nobody else sees it in the chat, nobody is ranked.
"""

from __future__ import annotations

from collections import Counter

from handlers import rights
from handlers.commands import Command, Name
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import worklog as texts
from nlp.decision import Analysis, Label
from storage import questions, worklog
from storage.model import MessageKind, Person
from storage.questions import Question
from storage.worklog import Work, WorkKind

PHOTO = "work_photo"  # the question's step: a photo may follow
LATEST = 5
TYPED = {Name.VISIT: WorkKind.VISIT, Name.PATROL: WorkKind.PATROL}


def only_talk(ctx: Context, command: Command, seen: Analysis) -> bool:
    """Whether a line that begins with 走访 or 巡查 is for nobody's log: what may be an appeal is heard as one where its
    speaker has no log here."""
    if command.explicit or seen.best.label is Label.DROP:
        return False
    return not ctx.policy.work_log or rights.anywhere(ctx.actor, Right.LOG) is None


async def log(ctx: Context, command: Command) -> str:
    """`走访 3户 无异常`, `巡查 楼道无堆物`: one line, for themselves and the community."""
    if not ctx.policy.work_log:
        return await _off(ctx)
    if not (command.text or command.count):
        await ctx.reply(texts.WORK_HOW)
        return "command"
    if len(command.text) > texts.LONGEST:
        await ctx.reply(texts.WORK_TOO_LONG)
        return "command"
    person, message, kind = await ctx.person(), ctx.message, TYPED[command.name]
    entry = await worklog.note(
        ctx.tx,
        kind=kind,
        person_id=person.id,
        grid=ctx.grid or "",
        households=command.count,
        text=command.text,
        account=message.account,
        message_id=message.id,
        at=message.sent_at,
    )
    await ctx.audit_message("work_noted", right=command.right, entry=entry)
    until = ctx.now + ctx.policy.join_for
    await questions.ask(ctx.tx, Question(person.id, PHOTO, str(entry), _here(ctx), ctx.now, until))
    trouble = bool(command.text) and ctx.judge(command.text).best.label is Label.TICKET
    await ctx.reply(texts.logged(kind, trouble=trouble))
    return "command"


async def attach(ctx: Context) -> bool:
    """A photo behind such a line: its message id is noted, the picture is not kept. Whether it was one."""
    if ctx.message.kind not in (MessageKind.IMAGE, MessageKind.VIDEO) or ctx.actor is None:
        return False
    for question in await questions.open_for(ctx.tx, ctx.actor.id, PHOTO, ctx.now):
        if question.room_id != _here(ctx):
            continue
        await questions.close(ctx.tx, ctx.actor.id, PHOTO, question.item)
        if await worklog.show(ctx.tx, int(question.item), ctx.message.id):
            await ctx.audit_message("work_photo", entry=int(question.item))
            return True
    return False


async def own(ctx: Context, _command: Command) -> str:
    """`我的工作`: one's own month, in private, with what followed by itself from what was done."""
    if not ctx.policy.work_log:
        return await _off(ctx)
    person = await ctx.person()
    month = ctx.now.astimezone(ctx.policy.timezone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    done = await worklog.log(ctx.tx, person_id=person.id, since=month)
    lines = [_line(ctx, one) for one in reversed(done[-LATEST:])]
    households = sum(one.households or 0 for one in done)
    said = texts.work(Counter(one.kind for one in done), households, lines) if done else texts.NO_WORK
    key = f"worklog:{person.id}:{ctx.message.account}:{ctx.message.id}"
    await ctx.reply_privately(said, key=key)
    return "command"


async def recalled(ctx: Context, gone: str) -> bool:
    """The message that noted something, or showed it, was taken back. Whether there was one."""
    if not await worklog.recall(ctx.tx, ctx.message.account, gone):
        return False
    await ctx.audit_message("recalled", work=True)
    return True


async def _off(ctx: Context) -> str:
    """Said once a day in a group: where there is no log, what leaders write to their neighbours is not answered."""
    day = ctx.now.astimezone(ctx.policy.timezone).date()
    await ctx.reply(texts.WORK_OFF, key=f"work_off:{ctx.room.id}:{day}" if ctx.room is not None else None)
    return "command"


def _line(ctx: Context, one: Work) -> str:
    day = f"{one.at.astimezone(ctx.policy.timezone):%m-%d}"
    parts = (one.item, texts.households(one.households), one.text)
    return texts.work_line(day, one.kind, " ".join(part for part in parts if part))


def _here(ctx: Context) -> int | None:
    return ctx.room.id if ctx.room is not None else None


async def erase(ctx: Context, person: Person) -> None:
    """What they typed was theirs to write, in office too: it goes."""
    await worklog.forget(ctx.tx, person.id)
