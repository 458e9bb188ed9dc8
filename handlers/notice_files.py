"""附图: the picture or file that goes out behind a notice. A leader shows it to the bot and then says which notice it
belongs to; the dispatcher fetches it, since handlers do no I/O."""

from __future__ import annotations

from handlers import notice_sending
from handlers.context import Context, Shown
from handlers.texts import notices as texts
from handlers.window import Line
from nlp import contact
from storage import notice_files, notices
from storage.model import MessageKind
from storage.notice_files import File
from storage.notices import Notice, NoticeState

_SHOWING = frozenset({MessageKind.IMAGE, MessageKind.FILE, MessageKind.VIDEO})


def just_shown(ctx: Context) -> Line | None:
    """The last picture or file that the speaker has shown here within the minutes that are remembered."""
    here = (line for line in reversed(ctx.window.lines) if line.sender == ctx.message.sender)
    return next((line for line in here if line.kind in _SHOWING), None)


async def may_attach(ctx: Context) -> Line | None:
    """What was shown, in private or among leaders; None after saying what is wrong."""
    shown = just_shown(ctx) if ctx.group is None else None
    if shown is None:
        await ctx.reply(texts.SHOW_FIRST if ctx.group is None else texts.SHOW_IN_PRIVATE)
    return shown


async def attach(ctx: Context, notice: Notice, line: Line) -> None:
    """The notice is to have it: fetched as soon as this is durable, and until then it cannot be confirmed."""
    picture = line.kind is MessageKind.IMAGE
    mime = "image/*" if picture else ""
    await notice_files.expect(ctx.tx, notice.number, ctx.message.account, line.message_id, mime=mime)
    ctx.window.keep(line.message_id)
    ctx.shown = Shown(notice.number, line.message_id, picture)


async def fetched(ctx: Context, shown: Shown, file: File | None, *, size: int = 0) -> None:
    """What came of it; `size` in bytes where that is the trouble. Says so to who asked for it."""
    key = f"attached:{ctx.message.account}:{ctx.message.id}"
    notice = await notices.get(ctx.tx, shown.notice)
    awaited = await notice_files.of(ctx.tx, shown.notice)
    if notice is None or awaited is None:
        return  # taken back meanwhile
    refusal = _refusal(notice, file, size)
    if file is None or refusal:
        await notice_files.drop(ctx.tx, notice.number)
        await ctx.reply(refusal, key=key)
        return
    await notice_files.put(ctx.tx, notice.number, file)
    await ctx.audit_message("notice_file", item=notice.id, size=len(file.data))
    label = texts.file_label(file.name, picture=file.is_picture)
    takes = await notice_sending.takes(ctx, notice)
    await ctx.reply(texts.attached(notice.id, label, len(file.data), takes), key=key)


def _refusal(notice: Notice, file: File | None, size: int) -> str:
    """Why it cannot go out; empty where it can."""
    if file is None:
        return texts.not_attached(notice.id, size)
    if contact.find(file.name).has_id_number:
        return texts.ID_NUMBER_FILE
    return texts.heic(notice.id) if file.mime == notice_files.HEIC else ""


async def ready(ctx: Context, notice: Notice) -> bool:
    """Whether nothing is missing that it is to carry. False after saying so."""
    file = await notice_files.of(ctx.tx, notice.number)
    if file is None or file.kept:
        return True
    await ctx.reply(texts.file_missing(notice.id))
    return False


async def recalled(ctx: Context, message_id: str) -> bool:
    """A picture was taken back by who showed it: it goes to no group any more. Whether it was a notice's."""
    numbers = await notice_files.shown_by(ctx.tx, ctx.message.account, message_id)
    for number in numbers:
        notice = await notices.get(ctx.tx, number)
        await notice_files.drop(ctx.tx, number)
        out = await notices.call_back_files(ctx.tx, number)
        if notice is not None and notice.state is not NoticeState.CANCELLED:
            await ctx.audit_message("notice_file_recalled", item=notice.id)
            await ctx.reply(texts.file_recalled(notice.id, out), key=f"unshown:{notice.id}:{message_id}")
    return bool(numbers)
