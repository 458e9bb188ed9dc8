"""议事: an opinion poll in a residents' group. One vote a person, from whichever account; changed until it is closed.

It asks for opinions (意见征集) and decides nothing. Nobody reads who chose what: in public only how many have voted,
and with the result the votes themselves are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

from handlers import rights, tallies, topics
from handlers import texts as common
from handlers.commands import Command
from handlers.context import Context, Effects
from handlers.rights import Right
from handlers.texts import deliberation as texts
from storage import erasure, polls, rooms
from storage import tickets as rows
from storage import topics as stored_topics
from storage.model import COMMUNITY_DIGITS, PostKind, Role
from storage.polls import CountedIn, Poll
from storage.topics import TopicState

FEWEST = 3  # smaller counts are not handed upward
_COUNTED_IN = {"户": CountedIn.HOUSEHOLDS, "人": CountedIn.PEOPLE}


async def start(ctx: Context, command: Command) -> str:
    """`议事 大门装不装道闸 装/不装 [共86户]`, in the group that is asked."""
    if ctx.group is None or ctx.group.grid is None:
        await ctx.reply(common.ONLY_IN_ROOM)
        return "command"
    options = command.remark.splitlines()
    if not command.text or not options:
        await ctx.reply(texts.POLL_HOW)
        return "command"
    if len(command.text) > texts.POLL_TITLE:
        await ctx.reply(texts.POLL_TITLE_TOO_LONG)
        return "command"
    fits = 2 <= len(options) <= texts.POLL_MOST and len(set(options)) == len(options)
    if not fits or any(len(option) > texts.POLL_LONGEST for option in options):
        await ctx.reply(texts.POLL_OPTIONS)
        return "command"
    person = await ctx.person()
    poll = await polls.start(
        ctx.tx,
        grid=ctx.group.grid,
        room_id=ctx.group.id,
        person_id=person.id,
        title=command.text,
        options=options,
        entitled=int(command.code[:-1]) if command.code else None,
        counted_in=_COUNTED_IN[command.code[-1]] if command.code else CountedIn.PEOPLE,
        at=ctx.now,
        closes_at=ctx.now + ctx.policy.poll_for,
    )
    await ctx.audit_message("poll", right=command.right, item=poll.id, options=len(options))
    await ctx.reply(texts.poll_opened(poll.id, poll.title, poll.options, _until(ctx, poll)))
    return "command"


async def vote(ctx: Context, command: Command) -> str:
    """`投票 V2 1`, `投票 1` where one poll is open; said again, the later one counts."""
    poll = await _meant(ctx, command)
    if isinstance(poll, str):
        return poll
    if not await _may_vote(ctx, poll):
        await ctx.reply(texts.VOTE_IN_ROOM if ctx.room is None else texts.poll_elsewhere(poll.id))
        return "command"
    if poll.closed_at is not None or poll.closes_at <= ctx.now:
        await ctx.reply(texts.poll_over(poll.id))
        return "command"
    if not command.text:
        await ctx.reply(texts.vote_which(poll.id, poll.options))
        return "command"
    choice = _choice(poll, command.text)
    if choice is None:
        await ctx.reply(texts.no_such_option(poll.id, poll.options))
        return "command"
    person, said = await ctx.person(), (ctx.message.account, ctx.message.id)
    before = await polls.vote(ctx.tx, poll.number, person.id, choice, ctx.now, said)
    if before is None:
        await ctx.reply(texts.poll_over(poll.id))
        return "command"
    await ctx.audit_message("voted", item=poll.id, changed=before != 0)
    if ctx.room is None:
        await ctx.reply(texts.voted_in_private(poll.id, poll.options[choice - 1]))
    else:
        await tallies.say(ctx, poll.id, texts.voted(poll.id, sum(await polls.counts(ctx.tx, poll))))
    return "command"


async def end(ctx: Context, command: Command) -> str:
    """`结束 V2`: counts a poll and tells the group; takes a topic off the agenda."""
    if command.item is not None:
        topic = await stored_topics.get(ctx.tx, command.item)
        if topic is not None:
            return await topics.drop(ctx, command, topic)
    poll = await _meant(ctx, command)
    if isinstance(poll, str):
        return poll
    right = rights.allowed(ctx.actor, Right.DELIBERATE, poll.grid)
    if right is None:
        await ctx.audit_message("denied", command=command.name.name)
        return "denied"
    counts = await _close(ctx, poll)
    if counts is None:
        await ctx.reply(texts.poll_over(poll.id))
        return "command"
    await ctx.audit_message("poll_closed", right=right, item=poll.id, voters=sum(counts))
    if ctx.room is not None and ctx.room.id == poll.room_id:
        await ctx.reply(result(poll, counts))
    else:
        await ctx.reply(texts.poll_over(poll.id))
        await _announce(ctx, poll, counts)
    await _tell_above(ctx, poll, counts)
    return "command"


async def query(ctx: Context, command: Command) -> str:
    """`查询 V2`: how far a topic or a poll is. Outside its own group and its leaders small counts are hidden."""
    assert command.item is not None, "the grammar has it"  # noqa: S101
    topic = await stored_topics.get(ctx.tx, command.item)
    if topic is not None:
        if topic.state is TopicState.OPEN:
            await ctx.reply(texts.topic_state(topic.id, topic.text, topic.supporters))
        else:
            await ctx.reply(texts.topic_over(topic.id, discussed=topic.state is TopicState.DISCUSSED))
        return "command"
    poll = await polls.get(ctx.tx, command.item)
    if poll is None:
        await ctx.reply(common.no_such_ticket(f"V{command.item}"))
        return "command"
    counts = await polls.counts(ctx.tx, poll)
    if poll.closed_at is None:
        await ctx.reply(texts.poll_running(poll.id, poll.title, sum(counts), _until(ctx, poll)))
        return "command"
    own = ctx.room is not None and ctx.room.id == poll.room_id
    near = own or (ctx.actor is not None and ctx.actor.covers(poll.grid, *_NEAR))
    await ctx.reply(result(poll, counts, exact=near))
    return "command"


_NEAR = (Role.MICRO_LEADER, Role.GRID_WORKER)


async def close_due(effects: Effects) -> bool:
    """Polls whose time is over; the result goes into the group when it may."""
    for poll in await polls.due(effects.tx, effects.now):
        counts = await _close(effects, poll)
        if counts is not None:
            await effects.audit("poll_closed", actor=None, item=poll.id, voters=sum(counts))
            await _announce(effects, poll, counts)
            await _tell_above(effects, poll, counts)
    return False


async def _close(effects: Effects, poll: Poll) -> tuple[int, ...] | None:
    """The counts, None where it was closed already. Of whom nothing but a vote was kept, nothing is."""
    closed = await polls.close(effects.tx, poll, effects.now)
    if closed is None:
        return None
    counts, voters = closed
    await erasure.let_go(effects.tx, voters)
    return counts


def result(poll: Poll, counts: Sequence[int], *, exact: bool = True) -> str:
    """The result in lines. Not `exact`: counts of one or two are hidden, and so that nobody can work one out that is
    hidden alone, the next smallest with it."""
    shown = [texts.votes(count) for count in counts]
    voters: int | None = sum(counts)
    if not exact:
        small = {at for at, count in enumerate(counts) if 0 < count < FEWEST}
        if len(small) == 1:
            others = [(count, at) for at, count in enumerate(counts) if count >= FEWEST]
            small |= {at for _, at in sorted(others)[:1]}
        shown = [texts.UNDISCLOSED if at in small else line for at, line in enumerate(shown)]
        voters = voters if voters == 0 or (voters or 0) >= FEWEST else None
    lines = list(zip(poll.options, shown, strict=True))
    households = poll.counted_in is CountedIn.HOUSEHOLDS
    return texts.poll_result(poll.id, poll.title, lines, voters, poll.entitled, households=households)


async def _announce(effects: Effects, poll: Poll, counts: Sequence[int]) -> None:
    room = await rooms.get(effects.tx, poll.room_id)
    if room is not None:
        await effects.post(room, result(poll, counts), PostKind.CALLBACK, key=f"result:{poll.id}")


async def _tell_above(effects: Effects, poll: Poll, counts: Sequence[int]) -> None:
    """The community hears it without the counts by which a single person might be known."""
    text = texts.told_result(result(poll, counts, exact=False))
    key = f"result:{poll.id}:above"
    await effects.tell_leaders(poll.grid[:COMMUNITY_DIGITS], text, key=key, roles=(Role.COMMUNITY,))


async def _meant(ctx: Context, command: Command) -> Poll | str:
    """The poll that is named, else the only one that is open here; after saying so, the reason to count where there is
    none. A bare `投票 1` where nothing is asked is talk."""
    if command.item is not None:
        poll = await polls.get(ctx.tx, command.item)
        if poll is not None:
            return poll
        item_id = f"V{command.item}"
        topic = await stored_topics.get(ctx.tx, command.item)
        await ctx.reply(texts.not_a_poll(item_id) if topic is not None else common.no_such_ticket(item_id))
        return "command"
    running = await polls.open_in_room(ctx.tx, ctx.room.id) if ctx.room is not None else await _voted_in(ctx)
    if not command.text[:1].isdecimal():
        running = _with_option(running, command.text) or running
    if len(running) == 1:
        return running[0]
    if not running and not command.explicit:
        return "chat"
    ids = [poll.id for poll in running]
    example = f"{command.name} {ids[0] if ids else 'V2'}{f' {command.text}' if command.text else ''}"
    if running:
        await ctx.reply(texts.which_poll(ids, example))
    else:
        await ctx.reply(texts.NO_POLL if ctx.room is not None else texts.VOTE_IN_ROOM)
    return "command"


async def recalled(ctx: Context, gone: str) -> bool:
    """A vote was taken back; whether it was one."""
    if ctx.actor is None:
        return False
    found = await polls.recall(ctx.tx, ctx.actor.id, (ctx.message.account, gone))
    for number in found:
        await ctx.audit_message("unvoted", item=f"V{number}", recalled=True)
    return bool(found)


async def only_talk(ctx: Context, command: Command) -> bool:
    """Whether the words behind a bare `投票` are no option of anything that is asked here: 投票 大家快去."""
    if command.explicit or command.item is not None or not command.text or command.text[:1].isdecimal():
        return False
    running = await polls.open_in_room(ctx.tx, ctx.room.id) if ctx.room is not None else []
    return not _with_option(running, command.text)


def _with_option(running: Sequence[Poll], typed: str) -> list[Poll]:
    return [poll for poll in running if _choice(poll, typed) is not None]


async def _voted_in(ctx: Context) -> list[Poll]:
    """In private nothing tells which is meant but the polls in which somebody has voted already."""
    if ctx.actor is None:
        return []
    found = [await polls.get(ctx.tx, number) for number in await polls.voted_in(ctx.tx, ctx.actor.id)]
    return [poll for poll in found if poll is not None]


async def _may_vote(ctx: Context, poll: Poll) -> bool:
    """Who is in the group may. In private that is known only of those who spoke there before, or hold an office."""
    if ctx.room is not None:
        return ctx.room.id == poll.room_id
    if ctx.actor is None:
        return False
    if ctx.actor.covers(poll.grid) or poll.number in await polls.voted_in(ctx.tx, ctx.actor.id):
        return True
    own = await rows.of_person(ctx.tx, ctx.actor.id, open_only=False)
    return any(ticket.room_id == poll.room_id for ticket in own)


def _choice(poll: Poll, typed: str) -> int | None:
    """The number of an option, from its number or its words."""
    said = typed.strip(" 。.!！号项选")
    if said.isdecimal():
        return int(said) if 1 <= int(said) <= len(poll.options) else None
    return next((number for number, option in enumerate(poll.options, 1) if option == said), None)


def _until(effects: Effects, poll: Poll) -> str:
    return common.clock(poll.closes_at, effects.policy.timezone)
