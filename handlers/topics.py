"""议题 for the monthly 坝坝会 and 民情恳谈会: proposed, joined where two are alike, supported, one voice a person.

What concerns a single person is no public topic. Topics are collected by community.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from handlers import appeals, matching, rights, steps, tallies
from handlers.commands import Command
from handlers.context import Context
from handlers.rights import Right
from handlers.texts import deliberation as texts
from handlers.texts import no_such_ticket
from nlp import discretion, location, similarity
from nlp.contact import mask
from nlp.decision import Label, Nature
from nlp.discretion import Private
from nlp.normalize import normalise
from storage import outbox, polls, topics
from storage import tickets as rows
from storage.model import COMMUNITY_DIGITS, Person, Ticket
from storage.topics import Topic, TopicState

SAME = 0.34  # of the pairs of characters: so much alike, two topics are one
MOST_LINES = 8
_QUOTING = ("topic:", "meeting:", "reply:")  # keys of the lines that tell a topic
PLUS_ONE_WITHIN = timedelta(minutes=30)
# What people put around a topic and what says nothing of which it is.
_AROUND = re.compile(
    r"建议|希望|关于|讨论|商量|研究|解决|一下|能不能|可不可以|是否|要不要|我们|大家|咱们|小区里?|院子里?|问题|事情|事宜|怎么办|如何|应该|太|很|的|了|吗|呢|嘛"
)


async def propose(ctx: Context, command: Command) -> str:
    """`议题 停车位紧张`: a topic, or one more voice for the like one; `议题` shows the list."""
    grid = await appeals.grid_of(ctx)
    if not command.text:
        await ctx.reply(await _agenda(ctx, grid))
        return "command"
    if grid is None:
        await ctx.reply(texts.TOPIC_NOWHERE)
        return "command"
    if len(command.text) > texts.LONGEST_TOPIC:
        await ctx.reply(texts.TOPIC_TOO_LONG)
        return "command"
    if _names_somebody(command.text) or _discreet(ctx, command.text):
        await ctx.reply(texts.TOPIC_DISCREET)
        return "command"
    near, likeness = await _likest(ctx, grid, command.text)
    if near is not None and likeness >= SAME:
        await _join(ctx, near, command.text)
        return "command"
    person = await ctx.person()
    topic = await topics.propose(
        ctx.tx,
        grid=grid,
        room_id=matching.room_id(ctx),
        person_id=person.id,
        text=command.text,
        account=ctx.message.account,
        message_id=ctx.message.id,
        at=ctx.now,
    )
    await ctx.audit_message("topic", item=topic.id)
    told = texts.topic_near(topic.id, near.id, near.text) if near is not None else texts.topic_filed(topic.id)
    await ctx.reply(told)
    line = texts.told_topic(topic.id, mask(ctx.message.nick), topic.text)
    await ctx.tell_leaders(grid, line, key=f"topic:{topic.id}")
    return "command"


async def second(ctx: Context, command: Command) -> str:
    """`支持 V3`, `+1 V3`."""
    if command.item is None:
        await ctx.reply(await _agenda(ctx, await appeals.grid_of(ctx)))
        return "command"
    topic = await topics.get(ctx.tx, command.item)
    grid = await appeals.grid_of(ctx)
    if topic is None or not _same_community(topic, grid):
        poll = await polls.get(ctx.tx, command.item)
        item_id = f"V{command.item}"
        await ctx.reply(texts.not_a_topic(item_id) if poll is not None else no_such_ticket(item_id))
    elif topic.state is not TopicState.OPEN:
        await ctx.reply(texts.topic_over(topic.id, discussed=topic.state is TopicState.DISCUSSED))
    elif await _support(ctx, topic):
        await tallies.say(ctx, topic.id, texts.topic_supported(topic.id, topic.supporters + 1))
    else:
        await ctx.reply(texts.topic_twice(topic.id, topic.supporters))
    return "command"


async def seconded(ctx: Context, ticket: Ticket | None, quoted: Ticket | None) -> bool:
    """A bare `+1` is for the topic that it quotes, or that the room spoke of later than of the latest `ticket`."""
    topic: Topic | None = None
    if ctx.message.quoted_id is not None:
        if quoted is None:
            topic = await topics.by_message(ctx.tx, ctx.message.account, ctx.message.quoted_id)
    elif ctx.room is not None:
        found = await topics.latest_in(ctx.tx, ctx.room.id, ctx.message.sent_at - PLUS_ONE_WITHIN)
        if found is not None and (ticket is None or await _last_said(ctx, ticket) < found[1]):
            topic = found[0]
    if topic is None or topic.state is not TopicState.OPEN:
        return False
    if await _support(ctx, topic):
        await tallies.say(ctx, topic.id, texts.topic_supported(topic.id, topic.supporters + 1))
    return True


async def withdraw(ctx: Context, command: Command) -> str:
    """`撤回 V3`: the speaker's own voice or vote."""
    assert command.item is not None, "the grammar has it"  # noqa: S101
    topic = await topics.get(ctx.tx, command.item)
    if topic is None:
        return await _withdraw_vote(ctx, command.item)
    if topic.state is not TopicState.OPEN:
        await ctx.reply(texts.topic_over(topic.id, discussed=topic.state is TopicState.DISCUSSED))
    elif ctx.actor is None or not await topics.leave(ctx.tx, topic.number, ctx.actor.id, ctx.now):
        await ctx.reply(texts.topic_not_yours(topic.id))
    else:
        await outbox.unsay(ctx.tx, _QUOTING, topic.text)
        await ctx.audit_message("topic_left", item=topic.id)
        left = await topics.get(ctx.tx, topic.number)
        await ctx.reply(texts.topic_left(topic.id, dropped=left is None or left.state is TopicState.DROPPED))
    return "command"


async def recalled(ctx: Context, message_id: str) -> bool:
    """The message that proposed or supported a topic was taken back; whether it was one."""
    topic = await topics.by_message(ctx.tx, ctx.message.account, message_id)
    if topic is None or ctx.actor is None:
        return False
    await topics.leave(ctx.tx, topic.number, ctx.actor.id, ctx.now)
    await outbox.unsay(ctx.tx, _QUOTING, topic.text)
    await ctx.audit_message("topic_left", item=topic.id)
    return True


async def erase(ctx: Context, person: Person) -> None:
    """Take a person out of the topics that they proposed or support, out of open polls, and out of the lines about
    them."""
    for number in await topics.supported_by(ctx.tx, person.id):
        before = await topics.get(ctx.tx, number)
        await topics.leave(ctx.tx, number, person.id, ctx.now)
        after = await topics.get(ctx.tx, number)
        if before is not None and before.text and (after is None or after.text != before.text):
            await outbox.unsay(ctx.tx, _QUOTING, before.text)
    await polls.take_back(ctx.tx, person.id)


async def drop(ctx: Context, command: Command, topic: Topic) -> str:
    """`结束 V3`, by a leader: off the agenda without having been discussed."""
    right = rights.allowed(ctx.actor, Right.DELIBERATE, topic.grid)
    if right is None:
        await ctx.audit_message("denied", command=command.name.name)
        return "denied"
    if await topics.close(ctx.tx, topic.number, TopicState.DROPPED, ctx.now):
        await ctx.audit_message("topic_dropped", right=right, item=topic.id)
        await ctx.reply(texts.topic_dropped(topic.id))
    else:
        await ctx.reply(texts.topic_over(topic.id, discussed=topic.state is TopicState.DISCUSSED))
    return "command"


def lines(agenda: list[Topic]) -> list[str]:
    """Topics as a list of at most eight lines, what most people support first."""
    shown = agenda if len(agenda) <= MOST_LINES else agenda[: MOST_LINES - 1]
    told = [texts.topic_line(topic.id, topic.text, topic.supporters) for topic in shown]
    return [*told, texts.topics_more(len(agenda) - len(shown))] if len(shown) < len(agenda) else told


async def _agenda(ctx: Context, grid: str | None) -> str:
    agenda = await topics.open_in(ctx.tx, grid[:COMMUNITY_DIGITS]) if grid is not None else []
    return "\n".join([texts.TOPICS_HEAD, *lines(agenda)]) if agenda else texts.NO_TOPICS


async def _join(ctx: Context, topic: Topic, text: str) -> None:
    fresh = await _support(ctx, topic, text)
    count = topic.supporters + fresh
    await ctx.reply(
        texts.topic_joined(topic.id, topic.text, count) if fresh else texts.topic_twice(topic.id, topic.supporters)
    )


async def _support(ctx: Context, topic: Topic, text: str = "") -> bool:
    person = await ctx.person()
    account, message_id = ctx.message.account, ctx.message.id
    fresh = await topics.support(
        ctx.tx, topic.number, person.id, text=text, account=account, message_id=message_id, at=ctx.now
    )
    if fresh:
        await ctx.audit_message("topic_supported", item=topic.id)
    return fresh


async def _likest(ctx: Context, grid: str, text: str) -> tuple[Topic | None, float]:
    """The open topic of the community that is most alike, where that is worth a look, and how much it is."""
    bare, here = _AROUND.sub("", text), location.locate(normalise(text))
    found = [
        (similarity.overlap(bare, _AROUND.sub("", topic.text)), topic)
        for topic in await topics.open_in(ctx.tx, grid[:COMMUNITY_DIGITS])
        if not similarity.contradicts(here, location.locate(normalise(topic.text)))
    ]
    likeness, topic = max(found, key=lambda pair: (pair[0], -pair[1].number), default=(0.0, None))
    return (topic, likeness) if likeness >= similarity.ALIKE else (None, 0.0)


async def _last_said(ctx: Context, ticket: Ticket) -> datetime:
    said = [message.sent_at for message in await rows.messages(ctx.tx, ticket.number)]
    return max(said, default=ticket.reported_at)


def _discreet(ctx: Context, text: str) -> bool:
    """Whether the words are about somebody's private affairs: what is confidential as an appeal is no public topic."""
    return any(
        decision.label is not Label.DROP
        and (
            decision.confidential
            or decision.nature is Nature.REPORT
            or steps.category(ctx.policy, decision.category).confidential
        )
        for decision in ctx.judge(text).decisions
    )


def _names_somebody(text: str) -> bool:
    """Whether a person or a home is named: nobody reviews a topic before the group reads it."""
    return Private.NAME in discretion.find(text) or location.locate(normalise(text)).room is not None


def _same_community(topic: Topic, grid: str | None) -> bool:
    return topic.grid is None or grid is None or topic.grid[:COMMUNITY_DIGITS] == grid[:COMMUNITY_DIGITS]


async def _withdraw_vote(ctx: Context, number: int) -> str:
    poll = await polls.get(ctx.tx, number)
    if poll is None:
        await ctx.reply(no_such_ticket(f"V{number}"))
    elif poll.closed_at is not None:
        await ctx.reply(texts.poll_over(poll.id))
    elif ctx.actor is None or not await polls.unvote(ctx.tx, poll.number, ctx.actor.id):
        await ctx.reply(texts.not_voted(poll.id))
    else:
        await ctx.audit_message("unvoted", item=poll.id)
        await ctx.reply(texts.vote_taken_back(poll.id))
    return "command"
