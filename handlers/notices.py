"""通知: a line to every group of a scope. Shown first, sent when it is confirmed, called back while it waits.

Who reads which group need not know the number of the rest, so answers are numbers, never names of who has not
said 收到.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from handlers import notice_files, notice_scopes, notice_sending, notice_templates, quiet, rights
from handlers import texts as labels
from handlers.commands import Command
from handlers.context import LEADERS, Context, Effects
from handlers.forms import Name
from handlers.rights import Right
from handlers.texts import alerts as spoken
from handlers.texts import notices as texts
from handlers.window import Line
from nlp import contact, timeexpr
from nlp.contact import mask
from nlp.normalize import normalise
from nlp.timeexpr import TimeExpression
from storage import grids, notices, people, rooms
from storage.model import COMMUNITY_DIGITS, Person, Role, Room, RoomKind, RoomState, Ticket
from storage.notices import OPEN, Notice, NoticeState

FURTHEST = timedelta(days=30)


async def draft(ctx: Context, command: Command) -> str:
    """`通知 [@范围] 内容`: kept and shown, not yet sent."""
    announce = command.name is Name.ANNOUNCE
    if not command.text:
        await ctx.reply(texts.HOW_ANNOUNCE if announce else texts.HOW)
        return "command"
    text = await _words(ctx, command)
    if text is None:
        return "command"
    listed = await notice_scopes.meant(ctx, command)
    if isinstance(listed, str):
        await ctx.reply(listed)
        return "command"
    shown = await notice_files.may_attach(ctx) if command.shows else None
    if shown is not None or not command.shows:
        await _draft(ctx, command, text, listed, announce=announce, shown=shown)
    return "command"


async def correct(ctx: Context, command: Command) -> str:
    """`更正 T3 内容`: a new notice to the rooms of the old one that names it."""
    if command.item is None or not command.text:
        await ctx.reply(texts.correct_how(f"T{command.item or 3}"))
        return "command"
    wrong = await _named(ctx, command.item)
    if wrong is None:
        return "command"
    if wrong.state not in (NoticeState.SENDING, NoticeState.SENT, NoticeState.CANCELLED):
        await ctx.reply(texts.already(wrong.id, wrong.state))
        return "command"
    text = await _words(ctx, command)
    if text is not None:
        listed = await notices.listed(ctx.tx, wrong.number)
        await _draft(ctx, command, text, listed, corrects=wrong, announce=wrong.announce)
    return "command"


async def _words(ctx: Context, command: Command) -> str | None:
    """What the groups are to read; None after saying what is wrong with it."""
    text, wrong = notice_templates.filled(ctx.policy.notice_templates, command.text)
    if not wrong and len(text) > texts.LONGEST:
        wrong = texts.TOO_LONG
    if not wrong and contact.find(text).has_id_number:
        wrong = texts.ID_NUMBER
    if wrong:
        await ctx.reply(wrong)
    return None if wrong else text


async def _draft(
    ctx: Context,
    command: Command,
    text: str,
    listed: list[Room],
    *,
    corrects: Notice | None = None,
    announce: bool = False,
    shown: Line | None = None,
) -> None:
    """Keep it and show what it is about to do."""
    communities = {(room.grid or "")[:COMMUNITY_DIGITS] for room in listed}
    person = await ctx.person()
    notice = await notices.draft(
        ctx.tx,
        text,
        listed,
        author_id=person.id,
        at=ctx.now,
        scope=mask(command.code),
        urgent=command.urgent or (corrects is not None and corrects.urgent),
        wide=len(communities) > 1,
        corrects=corrects.number if corrects is not None else None,
        announce=announce,
    )
    standing = await notices.standing(ctx.tx, notice.number)
    if not standing.rooms:
        await notices.move(ctx.tx, notice.number, OPEN, NoticeState.CANCELLED, ended_at=ctx.now)
        await ctx.reply(texts.NO_ROOM)
        return
    await ctx.audit_message("notice", right=command.right, item=notice.id, rooms=standing.rooms)
    if shown is not None:
        await notice_files.attach(ctx, notice, shown)
    accounts = len(await notices.rooms_of(ctx.tx, notice.number))
    takes, body = await notice_sending.takes(ctx, notice), await notice_sending.body(ctx, notice)
    # In the group that reads it anyway neither its words nor who else does.
    private = ctx.group is None
    names = [mask(name) for name in await notices.named(ctx.tx, notice.number, texts.NAMED)] if private else []
    reach = texts.reach(notice, standing, accounts, takes, shows=shown is not None)
    await ctx.reply(texts.preview(notice, standing, reach, names, body if private else ""))


async def attach(ctx: Context, command: Command) -> str:
    """`附图 T3`: what the speaker has just shown goes out behind it, in each group."""
    notice = await _open(ctx, command, (NoticeState.DRAFT,))
    shown = await notice_files.may_attach(ctx) if notice is not None else None
    if notice is not None and shown is not None:
        await notice_files.attach(ctx, notice, shown)
    return "command"


async def propose(effects: Effects, text: str, grid: str, ticket: Ticket, *, urgent: bool) -> int | None:
    """A draft for the groups of a grid that nobody typed: it stands in the name of who leads the grid, is shown to all
    who may send it, and goes out only when one of them says so. None where there is no such person or group."""
    listed = [
        room
        for code in sorted(await grids.today(effects.tx, grid))
        for room in await rooms.within(effects.tx, code, RoomKind.RESIDENT)
    ]
    leading = [
        person
        for person in await people.with_role(effects.tx, (*LEADERS, Role.COMMUNITY), grid)
        if rights.allowed(person, Right.NOTICE, grid) is not None
    ]
    if not leading or all(room.state is not RoomState.ENABLED for room in listed):
        return None
    author = max(leading, key=lambda person: max(len(grant.scope) for grant in person.grants))
    notice = await notices.draft(effects.tx, text, listed, author_id=author.id, at=effects.now, urgent=urgent)
    standing = await notices.standing(effects.tx, notice.number)
    await effects.audit("notice", actor=None, ticket=ticket.number, item=notice.id, rooms=standing.rooms)
    line = spoken.proposed(notice.id, ticket.id, await notice_sending.body(effects, notice), standing.rooms)
    key = f"draft:{notice.id}"
    if not await effects.tell_leaders(grid, line, key=key, ticket=ticket.number, urgent=urgent):
        await effects.tell(author, line, key=key, ticket=ticket.number, urgent=urgent)
    return notice.number


async def confirm(ctx: Context, command: Command) -> str:
    """`确认 T3`: it goes out; beyond one community only when somebody else than its author says so."""
    notice = await _open(ctx, command, (NoticeState.DRAFT,))
    if notice is not None and await notice_files.ready(ctx, notice) and await _may_release(ctx, notice, ctx.now):
        await _release(ctx, notice, ctx.now, command)
    return "command"


async def schedule(ctx: Context, command: Command) -> str:
    """`定时 T3 明天18:00`."""
    notice = await _open(ctx, command, (NoticeState.DRAFT, NoticeState.SCHEDULED))
    if notice is None:
        return "command"
    local = ctx.now.astimezone(ctx.policy.timezone)
    said = timeexpr.find(normalise(command.text), local, prefer="future")
    found = sorted({one.start for one in said if one.start is not None and not _whole_days(one)})
    if len(found) != 1 or not ctx.now < found[0] <= ctx.now + FURTHEST:
        await ctx.reply(texts.when(notice.id))
    elif await notice_files.ready(ctx, notice) and await _may_release(ctx, notice, found[0]):
        await _release(ctx, notice, found[0], command)
    return "command"


def _whole_days(said: TimeExpression) -> bool:
    """Whether a day is named and no hour of it: nobody means midnight."""
    return said.start is not None and said.end is not None and said.start.time() == said.end.time() == time()


async def cancel(ctx: Context, command: Command) -> str:
    """`取消 T3`: what has not gone out stays here, at once."""
    notice = await _open(ctx, command, OPEN)
    if notice is None:
        return "command"
    held = await notices.call_back(ctx.tx, notice.number)
    await notices.move(ctx.tx, notice.number, OPEN, NoticeState.CANCELLED, ended_at=ctx.now)
    await ctx.audit_message("notice_cancelled", right=command.right, item=notice.id, held=held)
    standing = await notices.standing(ctx.tx, notice.number)
    await ctx.reply(texts.cancelled(notice.id, held, standing.sent + standing.unknown))
    return "command"


async def report(ctx: Context, command: Command) -> str:
    """`回执 T3`, or that of the speaker's last one."""
    if command.item is None:
        person = await ctx.person()
        last = (await notices.of_author(ctx.tx, person.id, tuple(NoticeState)))[:1]
        if not last:
            await ctx.reply(texts.NONE_YET)
            return "command"
        notice = last[0]
    else:
        named = await _named(ctx, command.item)
        if named is None:
            return "command"
        notice = named
    await ctx.reply(texts.report(notice, await notices.standing(ctx.tx, notice.number)))
    return "command"


# ---------------------------------------------------------------- going out
async def _named(ctx: Context, number: int) -> Notice | None:
    """The notice of that number that the speaker wrote or may answer for; None after saying so."""
    notice = await notices.get(ctx.tx, number)
    if notice is None or not await _concerns(ctx, notice):
        await ctx.reply(texts.no_such(f"T{number}"))
        return None
    return notice


async def _concerns(ctx: Context, notice: Notice) -> bool:
    """Whether the speaker wrote it, or holds the right over every grid that it goes to."""
    if ctx.actor is not None and ctx.actor.id == notice.author_id:
        return True
    over = await notices.grids_of(ctx.tx, notice.number)
    return bool(over) and all(rights.allowed(ctx.actor, Right.NOTICE, grid) is not None for grid in over)


async def _open(ctx: Context, command: Command, states: tuple[NoticeState, ...]) -> Notice | None:
    """The notice that a command names, or the speaker's only one, where it is in one of these states."""
    if command.item is None:
        person = await ctx.person()
        mine = await notices.of_author(ctx.tx, person.id, states)
        if len(mine) == 1:
            return mine[0]
        await ctx.reply(texts.WHICH if mine else texts.NONE_OPEN)
        return None
    notice = await _named(ctx, command.item)
    if notice is not None and notice.state not in states:
        await ctx.reply(texts.already(notice.id, notice.state))
        return None
    return notice


async def _may_release(ctx: Context, notice: Notice, at: datetime) -> bool:
    """Beyond one community two people answer for it, and for when it goes out. False after saying so, and after
    asking those who may."""
    person = await ctx.person()
    if not notice.wide:
        return True
    if person.id != notice.author_id:
        return await _has_seen_all(ctx, notice, person)
    asked = 0
    rooms_listed = (await notices.standing(ctx.tx, notice.number)).rooms
    file = await notice_sending.file_label(ctx, notice)
    body = await notice_sending.body(ctx, notice)
    when = labels.clock(at, ctx.policy.timezone) if at > ctx.now else ""
    line = texts.asked_second(notice, person.name, rooms_listed, body, file, when)
    over = await notices.grids_of(ctx.tx, notice.number)
    for other in await people.everyone_with_grants(ctx.tx):
        may = all(rights.allowed(other, Right.NOTICE, grid) is not None for grid in over)
        if other.id != person.id and may:
            asked += 1
            await ctx.tell(other, line, key=f"approve:{notice.id}:{other.id}:{file}:{when}")
            await _shown(ctx, notice, other, file)
    await ctx.reply(texts.needs_second(notice.id) if asked else texts.nobody_second(notice.id))
    return False


async def _has_seen_all(ctx: Context, notice: Notice, person: Person) -> bool:
    """Whether who confirms has been shown the picture or file that it carries by now; if not it is shown and said."""
    file = await notice_sending.file_label(ctx, notice)
    if not await _shown(ctx, notice, person, file):
        return True
    await ctx.reply(texts.look_first(notice.id, file))
    return False


async def _shown(ctx: Context, notice: Notice, person: Person, file: str) -> bool:
    """Show them the picture or file; False where there is none, they have been, or no line of ours reaches them."""
    key = f"show:{notice.id}:{person.id}:{file}"
    return bool(file) and await ctx.tell(person, file, key=key, file=notice.number)


async def _release(ctx: Context, notice: Notice, at: datetime, command: Command) -> None:
    person = await ctx.person()
    approver = person.id if person.id != notice.author_id else None
    expect = (NoticeState.DRAFT, NoticeState.SCHEDULED)
    await notices.move(ctx.tx, notice.number, expect, NoticeState.SCHEDULED, send_at=at, approver_id=approver)
    await ctx.audit_message("notice_released", right=command.right, item=notice.id, second=approver is not None)
    standing = await notices.standing(ctx.tx, notice.number)
    heard = at if notice.urgent else quiet.after_night(at, ctx.policy)
    later = labels.clock(heard, ctx.policy.timezone) if heard > ctx.now else ""
    file = await notice_sending.file_label(ctx, notice)
    await ctx.reply(texts.confirmed(notice.id, standing.rooms, later=later, file=file))
    if at <= ctx.now:
        await notice_sending.begin(ctx, notice)
        await notice_sending.queue(ctx, notice)
