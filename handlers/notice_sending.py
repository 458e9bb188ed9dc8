"""How a notice goes out: lines for its rooms while it is sent, and what is said when it is through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from handlers.context import Effects, Post
from handlers.texts import notices as texts
from storage import accounts, notice_files, notices, people, rooms
from storage.model import Lane, PostKind, Room, RoomState
from storage.notices import Notice, NoticeState, Skipped

DRAFT_FOR = timedelta(hours=24)
RECEIPTS_FOR = timedelta(hours=24)
AT_ONCE = 200  # rooms that get their line in one transaction


async def send(effects: Effects) -> bool:
    """Begin what is due and queue the next rooms of what has begun; True while rooms are left."""
    for notice in await notices.due(effects.tx, effects.now):
        await begin(effects, notice)
    more = False
    for notice in await notices.every(effects.tx, (NoticeState.SENDING,)):
        more = await queue(effects, notice) or more
    return more


async def end(effects: Effects) -> bool:
    """Say what became of those that are through; forget drafts that nobody confirmed, and who said 收到."""
    for notice in await notices.every(effects.tx, (NoticeState.SENDING,)):
        standing = await notices.standing(effects.tx, notice.number)
        if not standing.through:
            continue
        if await notices.move(
            effects.tx, notice.number, (NoticeState.SENDING,), NoticeState.SENT, ended_at=effects.now
        ):
            await effects.audit("notice_sent", actor=None, item=notice.id, sent=standing.sent, unknown=standing.unknown)
            author = await people.get(effects.tx, notice.author_id)
            mute = any(why is Skipped.NO_MEMBER for why, _ in standing.skipped)
            if author is not None and (standing.rooms > 1 or mute):
                line = texts.report(replace(notice, state=NoticeState.SENT), standing)
                await effects.tell(author, line, key=f"noticed:{notice.number}")
    for notice in await notices.every(effects.tx, (NoticeState.DRAFT,)):
        if notice.created_at + DRAFT_FOR <= effects.now:
            await notices.move(
                effects.tx, notice.number, (NoticeState.DRAFT,), NoticeState.CANCELLED, ended_at=effects.now
            )
    await notices.forget_salts(effects.tx, effects.now - RECEIPTS_FOR)
    return False


async def begin(effects: Effects, notice: Notice) -> None:
    """Its time has come."""
    await notices.move(effects.tx, notice.number, (NoticeState.SCHEDULED,), NoticeState.SENDING)


async def queue(effects: Effects, notice: Notice) -> bool:
    """Give the next rooms their line; True while some have none."""
    ids = await notices.next_rooms(effects.tx, notice.number, AT_ONCE)
    kind = PostKind.EMERGENCY if notice.urgent else PostKind.NOTICE
    words = PostKind.ANNOUNCEMENT if notice.announce else kind
    text, file = await body(effects, notice), await file_label(effects, notice)
    dead = {account.name for account in await accounts.dead(effects.tx)}
    listed = {room.id: room for room in await rooms.many(effects.tx, ids)}
    queued: list[int] = []
    posts: list[Post] = []
    for room_id in ids:
        room = await _today(effects, listed.get(room_id))
        if room is not None and room.state is RoomState.ENABLED and room.account in dead:
            await notices.skip(effects.tx, notice.number, [room_id], Skipped.NO_MEMBER)
        elif room is not None and room.state is RoomState.ENABLED:
            posts.append(Post(room, text, words, notices.key(notice.number, room_id)))
            if file:
                posts.append(Post(room, file, kind, notices.file_key(notice.number, room_id), file=notice.number))
            queued.append(room_id)
        else:
            why = Skipped.DORMANT if room is not None and room.state is RoomState.DORMANT else Skipped.GONE
            await notices.skip(effects.tx, notice.number, [room_id], why)
    await effects.post_all(posts)
    await notices.set_queued(effects.tx, notice.number, queued)
    return len(ids) == AT_ONCE


async def _today(effects: Effects, room: Room | None) -> Room | None:
    """The room, or what it is known as by now."""
    if room is not None and room.state is RoomState.GONE:
        became = await rooms.successor(effects.tx, room.id)
        return await rooms.get(effects.tx, became) if became is not None else room
    return room


async def body(effects: Effects, notice: Notice) -> str:
    """What its groups read. A correction says what it corrects by what they have read of it."""
    wrong = await notices.get(effects.tx, notice.corrects) if notice.corrects is not None else None
    corrects = ""
    if wrong is not None:
        said_at = (wrong.send_at or wrong.created_at).astimezone(effects.policy.timezone)
        corrects = texts.corrected(said_at, wrong.text)
    return texts.body(notice.text, urgent=notice.urgent, corrects=corrects)


async def file_label(effects: Effects, notice: Notice) -> str:
    """What its picture or file is called; empty where it carries none."""
    file = await notice_files.of(effects.tx, notice.number)
    return texts.file_label(file.name, picture=file.is_picture) if file is not None and file.kept else ""


async def takes(effects: Effects, notice: Notice) -> timedelta:
    """How long until the last account has said its last line, each at its own pace. A picture is a line of its own."""
    each = 1 if await notice_files.of(effects.tx, notice.number) is None else 2
    known = await accounts.every(effects.tx)
    rooms_of = await notices.rooms_of(effects.tx, notice.number)
    pace, lane = effects.policy.broadcast_time, Lane.EMERGENCY if notice.urgent else Lane.NOTICE
    times = (pace(each * count, known.get(account), effects.now, lane) for account, count in rooms_of.items())
    return max(times, default=timedelta(0))
