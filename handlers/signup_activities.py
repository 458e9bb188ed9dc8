"""发活动 改活动 结束 取消活动: what is announced is said back as it was understood; what is missing is asked once.

The question stands in a row: whoever restarts the bot in between does not have to begin again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handlers import rights, signup_timers, signups
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import signups as words
from handlers.texts.commands import USAGE
from nlp import activity, contact, timeexpr
from nlp.activity import Activity
from storage import outbox, questions, rooms
from storage import signup_entries as rosters
from storage import signup_steps as steps
from storage import signups as rows
from storage.model import PostKind, Room, RoomKind, RoomState
from storage.questions import Question
from storage.signups import EntryState, NewSignup, Signup, SignupState, Slot

WHEN = "when"  # the step of the question
_ITEM = "H"  # it has no number yet
_ASK_FOR = timedelta(hours=1)
_LONGEST_ANSWER = 24
_BY_THE_WAY = 3  # characters: 就周六9点吧
MOST_CAPACITY = 100_000
_OPEN_END = ("待定", "不定", "没定", "未定", "还没定", "再说")


async def announce(ctx: Context, command: Command) -> str:
    """`发活动 <标题> <时间> <地点> 限20人 [截止 <时间>]`, in any order."""
    if not command.text:
        await ctx.reply(words.WRITE_TITLE)
        return "command"
    said = activity.read(command.text, _local(ctx))
    await _understand(ctx, command.text, said, command.right, asked=False)
    return "command"


def may_answer(text: str) -> bool:
    """Whether something short may tell when; quick to say no."""
    return len(text) <= _LONGEST_ANSWER and (timeexpr.may_tell(text) or "定" in text or "再说" in text)


async def answered(ctx: Context) -> bool:
    """The answer to what was asked about the time: what was announced goes on with it."""
    said = ctx.analysis.text
    if ctx.actor is None or not may_answer(said):
        return False
    room_id = ctx.room.id if ctx.room is not None else None
    asked = [each for each in await questions.open_for(ctx.tx, ctx.actor.id, WHEN, ctx.now) if each.room_id == room_id]
    if not asked:
        return False
    text, right = str(asked[0].data["text"]), asked[0].data.get("right")
    open_end = any(word in said for word in _OPEN_END)
    whole = f"{text} {words.UNDATED if open_end else contact.mask(ctx.message.text)}"
    before, after = activity.read(text, _local(ctx)), activity.read(whole, _local(ctx))
    alone = activity.read(contact.mask(ctx.message.text), _local(ctx))
    if before.doubt and alone.starts is not None and not open_end:
        # The day that was not understood gives way to the one that they name now.
        after = replace(
            before,
            starts=alone.starts,
            ends=alone.ends,
            sharp=alone.sharp,
            doubt=alone.doubt,
            capacity=before.capacity or alone.capacity,
            deadline=before.deadline or alone.deadline,
        )
    if not open_end and not _tells_when(ctx, said, before, after, alone):
        return False  # they speak of something else; the question stays
    await questions.close(ctx.tx, ctx.actor.id, WHEN, asked[0].item)
    await _understand(ctx, whole, after, str(right) if right is not None else None, asked=True)
    return True


def _tells_when(ctx: Context, said: str, before: Activity, after: Activity, alone: Activity) -> bool:
    """Whether somebody says a time, and next to nothing that is no part of an announcement: 周六我要回老家 is talk."""
    if not timeexpr.find(said, _local(ctx), prefer="future"):
        return False
    more = min(len(after.note) - len(before.note), len(alone.title) + len(alone.note))
    return more <= _BY_THE_WAY if not before.doubt else len(alone.title) + len(alone.note) <= _BY_THE_WAY


def _local(ctx: Context) -> datetime:
    return ctx.message.sent_at.astimezone(ctx.policy.timezone)


async def _understand(ctx: Context, text: str, said: Activity, right: str | None, *, asked: bool) -> None:
    """Open the sign-up, or say in one line what stands against it."""
    missing = _missing(ctx, said)
    if missing and said.title:
        if asked and said.starts is None:
            await ctx.reply(words.STILL_UNCLEAR)
            return
        if not asked:
            person = await ctx.person()
            room_id = ctx.room.id if ctx.room is not None else None
            data = {"text": text, "right": right, "message": ctx.message.id}
            await questions.ask(ctx.tx, Question(person.id, WHEN, _ITEM, room_id, ctx.now, ctx.now + _ASK_FOR, data))
            await ctx.reply(missing)
            return
    wrong = _wrong(ctx, said) if said.title else words.WRITE_TITLE
    if wrong:
        await ctx.reply(wrong)
        return
    found = await _rooms(ctx)
    if not found:
        await ctx.reply(words.WHERE_TO)
        return
    await _open(ctx, said, found, right)


def _missing(ctx: Context, said: Activity) -> str:
    if said.undated or said.windows:
        return ""
    if said.starts is None:
        return words.ask_day(said.title, said.doubt) if said.doubt else words.ask_time(said.title)
    return "" if said.sharp else words.ask_clock(said.title, said.starts, ctx.policy.timezone)


def _wrong(ctx: Context, said: Activity) -> str:
    """Why what was said cannot be."""
    at, zone = ctx.message.sent_at, ctx.policy.timezone
    starts = [window.starts for window in said.windows] or ([said.starts] if said.starts is not None else [])
    for start in starts:
        end_of_day = start if said.sharp else start.replace(hour=0, minute=0) + timedelta(days=1)
        if end_of_day <= at:
            return words.past(start, zone)
    quotas = [window.capacity for window in said.windows] + [said.capacity]
    if 0 in quotas:
        return words.NO_QUOTA
    if any(quota is not None and quota > MOST_CAPACITY for quota in quotas):
        return words.OVER_LONG.format(most=MOST_CAPACITY)
    if said.deadline is not None and said.deadline <= at:
        return words.deadline_past(said.deadline, zone)
    if said.deadline is not None and starts and said.sharp and said.deadline > max(starts):
        return words.deadline_late(said.deadline, zone)
    return ""


async def _rooms(ctx: Context) -> list[Room]:
    """Whom it is for: the group it is announced in, else the groups of the leader room's grid or of the speaker's
    own scope."""
    if ctx.group is not None:
        return [ctx.group]
    scope = await _scope(ctx)
    if scope is None:
        return []
    return [room for room in await rooms.within(ctx.tx, scope, RoomKind.RESIDENT) if room.state is RoomState.ENABLED]


async def _scope(ctx: Context) -> str | None:
    if ctx.room is not None:
        return ctx.room.grid
    held = rights.anywhere(ctx.actor, Right.ACTIVITY)
    return held.partition(":")[2] if held is not None else None


async def _open(ctx: Context, said: Activity, found: list[Room], right: str | None) -> None:
    room = found[0] if len(found) == 1 else None
    person = await ctx.person()
    new = NewSignup(
        title=said.title,
        place=said.place,
        starts=_day(said, ctx),
        ends=said.ends,
        capacity=said.capacity,
        deadline=said.deadline,
        room_id=room.id if room is not None else None,
        grid=room.grid if room is not None else await _scope(ctx),
        organiser_id=person.id,
        asks_phone=said.asks_phone,
        brings_card=said.brings_card,
        note=said.note,
        slots=tuple(
            Slot(number, window.starts, window.ends, window.capacity)
            for number, window in enumerate(said.windows, start=1)
        ),
    )
    created = await rows.create(ctx.tx, new, ctx.now, message=(ctx.message.account, ctx.message.id))
    signup = await signup_timers.schedule(ctx, created)
    await ctx.audit_message("activity", right=right, item=signup.id, heads=signup.capacity)
    zone = ctx.policy.timezone
    if ctx.group is not None:
        await ctx.reply(words.announced(signup, zone))
        return
    await ctx.reply(words.published(signup, len(found), zone))
    if room is not None:
        await ctx.post(room, words.announced(signup, zone), PostKind.NOTICE, key=f"activity:{signup.id}")


def _day(said: Activity, ctx: Context) -> datetime | None:
    """A day or a part of it of which the hour stays open is kept as its midnight."""
    if said.starts is None or said.sharp:
        return said.starts
    return said.starts.astimezone(ctx.policy.timezone).replace(hour=0, minute=0, second=0, microsecond=0)


# --- afterwards ---
async def _managed(ctx: Context, command: Command) -> tuple[Signup | None, str | None]:
    """The one that a command is about, and what lets the speaker manage it; None after saying or auditing why not."""
    found = [signup for signup in await signups.here(ctx) if await signups.manages(ctx, signup) is not None]
    if command.item is None and not found:
        if command.explicit and ctx.room is None:
            await ctx.reply(words.which(USAGE[command.name.value]))
        return None, None
    signup = await signups.find(ctx, command, found)
    right = await signups.manages(ctx, signup) if signup is not None else None
    if signup is not None and right is None:
        await signups.denied(ctx, command, signup)
        return None, None
    return signup, right


async def change(ctx: Context, command: Command) -> str:
    """`改活动 H3 周日9:00`: what is named anew takes the place of what was; the participants hear of another time or
    place once."""
    signup, right = await _managed(ctx, command)
    if signup is None:
        return "command"
    if signup.state is SignupState.CANCELLED:
        await ctx.reply(words.not_open(signup))
        return "command"
    said = activity.read(command.text, _local(ctx))
    wrong = words.unclear_day(said.doubt) if said.doubt else _wrong(ctx, said)
    wrong = wrong or (words.CHANGED_NOT_SLOTS.format(id=signup.id) if signup.slots and said.starts else "")
    if said.starts is not None and not said.sharp and signup.starts is not None and not wrong:
        said = replace(said, starts=_keep_hour(ctx, said.starts, signup.starts), sharp=True)
    fields: dict[str, str | datetime | None] = {}
    if said.starts is not None:
        fields |= {"starts": _day(said, ctx), "ends": said.ends}
    if said.place:
        fields["place"] = said.place
    if said.deadline is not None:
        fields["deadline"] = said.deadline
    quota = said.capacity is not None or said.unlimited
    entries = await rosters.entries(ctx.tx, signup.number)
    taken = signups.heads(entries, EntryState.CONFIRMED)
    if not wrong and said.capacity is not None and said.capacity < taken:
        wrong = words.BELOW_TAKEN.format(taken=taken)
    if not wrong and not (fields or (quota and not signup.slots)):
        wrong = words.NOTHING_TO_CHANGE.format(id=signup.id)
    if wrong:
        await ctx.reply(wrong)
        return "command"
    if fields:
        signup = await rows.update(ctx.tx, signup.number, **fields)
    if quota and not signup.slots:
        at = await steps.said_at(ctx.tx, signup.number, ctx.message.sent_at)
        await rows.set_capacity(ctx.tx, signup.number, said.capacity, at)
        signup = await rows.get(ctx.tx, signup.number) or signup
    signup = await signup_timers.schedule(ctx, signup)
    moved = await rosters.settle(ctx.tx, signup.number)
    await ctx.audit_message("activity_changed", right=right, item=signup.id)
    await ctx.reply(words.announced(signup, ctx.policy.timezone))
    await signups.tell_moved(ctx, signup, moved)
    if "starts" in fields or "place" in fields:
        await _tell_all(ctx, signup, words.changed_activity(signup, ctx.policy.timezone), f"changed:{ctx.message.id}")
    return "command"


def _keep_hour(ctx: Context, day: datetime, before: datetime) -> datetime:
    """Another day at the hour that was."""
    zone = ctx.policy.timezone
    local = before.astimezone(zone)
    return datetime.combine(day.astimezone(zone).date(), local.time(), zone)


async def close(ctx: Context, command: Command) -> str:
    """`结束 H3`: nobody signs up any more; it takes place."""
    signup, right = await _managed(ctx, command)
    if signup is None:
        return "command"
    if not signup.open:
        await ctx.reply(words.ended_already(signup))
        return "command"
    signup = await rows.update(ctx.tx, signup.number, state=SignupState.CLOSED, closed_at=ctx.now)
    await ctx.audit_message("activity_closed", right=right, item=signup.id)
    entries = await rosters.entries(ctx.tx, signup.number)
    counts = signups.heads(entries, EntryState.CONFIRMED), signups.heads(entries, EntryState.WAITING)
    await ctx.reply(words.ended(signup, *counts))
    return "command"


async def call_off(ctx: Context, command: Command) -> str:
    """`取消活动 H3 [理由]`: it does not take place; the participants hear so once."""
    signup, right = await _managed(ctx, command)
    if signup is None:
        return "command"
    if signup.state is SignupState.CANCELLED:
        await ctx.reply(words.not_open(signup))
        return "command"
    signup = await rows.update(ctx.tx, signup.number, state=SignupState.CANCELLED, closed_at=ctx.now, next_at=None)
    await questions.close_item(ctx.tx, signup.id)
    await ctx.audit_message("activity_cancelled", right=right, item=signup.id)
    line = words.called_off(signup, ctx.policy.timezone, command.text)
    await ctx.reply(line)
    await _tell_all(ctx, signup, line, "cancelled")
    return "command"


async def _tell_all(ctx: Context, signup: Signup, line: str, key: str) -> None:
    """Everybody who comes or waits, in private; the group, unless it was said there."""
    entries = [entry for entry in await rosters.entries(ctx.tx, signup.number) if entry.active]
    await signups.tell_reachable(ctx, signup, entries, line, key=key)
    room = await rooms.get(ctx.tx, signup.room_id) if signup.room_id is not None else None
    if room is not None and (ctx.room is None or ctx.room.id != room.id) and entries:
        await ctx.post(room, line, PostKind.NOTICE, key=f"{key}:{signup.id}:room")


async def recalled(ctx: Context, message_id: str) -> bool:
    """An announcement was taken back: where nobody signed up it is called off, else it stands, and its organiser reads
    how to call it off; what was asked about it is no more. Whether it was one."""
    person = ctx.actor
    asked = await questions.open_for(ctx.tx, person.id, WHEN, ctx.now) if person is not None else []
    for question in asked:
        if question.data.get("message") == message_id:
            await questions.close(ctx.tx, question.person_id, WHEN, question.item)
            return True
    signup = await rows.announced_by(ctx.tx, (ctx.message.account, message_id))
    if signup is None or signup.state is SignupState.CANCELLED:
        return signup is not None
    taken = sum(entry.heads for entry in await rosters.entries(ctx.tx, signup.number) if entry.active)
    if taken:
        await ctx.reply(words.stands(signup, taken))
        return True
    await ctx.reply(words.taken_back(signup))
    room = await rooms.get(ctx.tx, signup.room_id) if signup.room_id is not None else None
    elsewhere = room is not None and (ctx.room is None or ctx.room.id != room.id)
    if room is not None and elsewhere and not await outbox.drop(ctx.tx, f"activity:{signup.id}"):
        await ctx.post(room, words.taken_back(signup), PostKind.NOTICE, key=f"taken_back:{signup.id}")
    await rows.update(
        ctx.tx,
        signup.number,
        title=words.TAKEN_BACK,
        place="",
        note="",
        state=SignupState.CANCELLED,
        closed_at=ctx.now,
        next_at=None,
    )
    await ctx.audit_message("activity_cancelled", item=signup.id)
    return True
