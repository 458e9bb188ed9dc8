"""The performance: a script on a simulated account, the real house listening, everything in a throw-away folder."""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.clock import Clock, SystemClock
from bot.demo.board import Board, Spoken, Step
from bot.demo.community import Community, Group, Speaker
from bot.demo.script import TICKET_MARK, Cue, Utterance
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import tickets
from storage.engine import Store
from storage.model import Alias, Grant, Grid, Message, MessageKind, Outgoing, PostKind, TicketState

ACCOUNT = "demo"
TYPED = "typed"  # how the ids of the viewer's own messages begin
OPENING = timedelta(hours=9, minutes=2)  # the demo's day begins when offices do
WAITS = timedelta(minutes=45)  # how long a line waits for its cue
BETWEEN_CUE_AND_LINE = timedelta(seconds=12)
GLANCE = 0.1  # seconds of the machine's clock between two looks at who waits for a cue
LISTENED_OUT = 1.0  # seconds of the machine's clock
REMEMBERED = 2_000  # utterances that can still be quoted or recalled
# Two dozen lively groups on one account within minutes: a pace that a real account is never driven at.
BUDGET = Budget(per_minute=60, per_hour=3_000, per_day=50_000, gap=(0.5, 1.5), per_room_gap=2.0)


@dataclass(slots=True)
class _Episode:
    """What became of an episode so far."""

    ticket: int | None = None
    messages: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Play:
    """Says what the script says when its time has come, and what somebody types; keeps the board.

    `stepped` and `spoke` are told of every change of a ticket and every line of the bot, `answered` of what became of
    a line that the viewer typed."""

    community: Community
    clock: Clock
    board: Board
    wire: Simulator
    store: Store
    script: Iterator[Utterance]
    opened_at: datetime
    house: House = field(init=False)
    stepped: Callable[[Step], None] | None = None
    spoke: Callable[[Spoken], None] | None = None
    answered: Callable[[str, tuple[int, ...]], None] | None = None
    _coming: Utterance = field(init=False)
    _episodes: dict[int, _Episode] = field(default_factory=dict)
    _episode_of: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _said: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    _waiting: list[tuple[datetime, Utterance]] = field(default_factory=list)  # (no longer than, line)
    _latest: dict[str, int] = field(default_factory=dict)  # group → its latest ticket
    _asked: dict[int, datetime] = field(default_factory=dict)  # ticket → when the bot asked whether it is solved
    _accepted: set[int] = field(default_factory=set)  # candidates that a leader has taken for real
    _typed: int = 0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _all_heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._coming = next(self.script)

    @property
    def failures(self) -> int:
        """Messages whose handling failed: defects."""
        return self.house.dispatcher.failures

    # ---------------------------------------------------------------- the house's side
    def heard(self, message: Message, reason: str, numbers: tuple[int, ...]) -> None:
        """The house is done with a message."""
        self.board.now = self.clock.now()
        self.board.judge(message, reason, numbers)
        if message.id.startswith(TYPED) and self.answered is not None:
            self.answered(reason, numbers)
        if self.board.stale:
            self._wake.set()
        if self.board.heard.total() >= self.board.said:
            self._all_heard.set()
        if not numbers or message.room is None:
            return
        self._latest[message.room] = numbers[0]
        episode = self._episodes.get(self._episode_of.get(message.id, -1))
        if episode is not None and episode.ticket is None:
            episode.ticket = numbers[0]

    def sent(self, line: Outgoing) -> None:
        """A line of the house went out."""
        self.board.now = self.clock.now()
        if line.kind is PostKind.CALLBACK and line.ticket is not None:
            self._asked[line.ticket] = self.clock.now()
        spoken = self.board.speak(line, self.clock.now())
        if self.spoke is not None:
            self.spoke(spoken)

    # ---------------------------------------------------------------- the people's side
    async def run(self, glance: timedelta) -> None:
        """Perform until cancelled; cues are looked for every `glance` of the demo's time."""
        while True:
            coming = await self.step()
            await self.clock.wait(self._wake, min(coming, self.clock.now() + glance))

    async def step(self) -> datetime:
        """Say what is to be said now; returns when the script goes on."""
        now = self.clock.now()
        self.board.now = now
        while self._moment(self._coming) <= now:
            if not self._try(self._coming, now):
                self._waiting.append((now + WAITS, self._coming))
            self._coming = next(self.script)
        self._waiting = [(end, line) for end, line in self._waiting if end > now and not self._try(line, now)]
        await self.refresh()
        return self._moment(self._coming)

    async def listened_out(self) -> None:
        """Give the house a moment to hear what was said last."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTENED_OUT):
                await self._all_heard.wait()

    async def refresh(self) -> None:
        """Bring the board's tickets up to date."""
        if not self.board.stale:
            return
        for step in self.board.update(await self.store.read(lambda tx: tickets.search(tx, states=list(TicketState)))):
            if self.stepped is not None:
                self.stepped(step)

    def type(self, group: Group, speaker: Speaker, text: str) -> None:
        """The viewer says something."""
        self._typed += 1
        self._say(f"{TYPED}{self._typed}", group, speaker, MessageKind.TEXT, text)

    def _moment(self, line: Utterance) -> datetime:
        return self.opened_at + timedelta(seconds=line.at)

    def _try(self, line: Utterance, now: datetime) -> bool:
        """Say a line, unless its cue has not come."""
        text = line.text
        if line.cue is not Cue.NONE:
            number = self._ticket_for(line)
            if number is None:
                return False
            if line.cue is Cue.CALLBACK and self._asked.get(number, now) + BETWEEN_CUE_AND_LINE > now:
                return False
            if self._doubtful(number):
                self._make_sure(number, line.group)
                return False
            text = text.replace(TICKET_MARK, f"S{number}")
        episode = self._episodes.setdefault(line.episode, _Episode())
        identity = f"line{line.serial}"
        episode.messages.add(identity)
        self._episode_of[identity] = line.episode
        while len(self._episode_of) > REMEMBERED:
            self._episodes.pop(self._episode_of.popitem(last=False)[1], None)
        ref = f"line{line.ref}" if line.ref is not None else None
        self._say(identity, line.group, line.speaker, line.kind, text, ref)
        return True

    def _doubtful(self, number: int) -> bool:
        ticket = self.board.tickets.get(number)
        return ticket is not None and ticket.state is TicketState.CANDIDATE

    def _make_sure(self, number: int, group: Group) -> None:
        """The bot asked the leader whether that is an appeal: in the script it always is."""
        if number not in self._accepted:
            self._accepted.add(number)
            self._say(f"accept{number}", group, group.leader, MessageKind.TEXT, f"受理 S{number}")

    def _ticket_for(self, line: Utterance) -> int | None:
        episode = self._episodes.get(line.episode)
        if episode is not None and episode.messages:
            return episode.ticket
        return self._latest.get(line.group.id)

    def _say(
        self, identity: str, group: Group, speaker: Speaker, kind: MessageKind, text: str, ref: str | None = None
    ) -> None:
        quoted = self._said.get(ref) if ref is not None and kind is MessageKind.QUOTE else None
        if quoted is not None:
            text = f"「{quoted.nick}：{quoted.text}」\n- - - - - - - - - - - - - - -\n{text}"
        message = Message(
            account=ACCOUNT,
            id=identity,
            kind=kind,
            room=group.id,
            sender=speaker.id,
            sent_at=self.clock.now(),
            text=text,
            nick=speaker.nick,
            mentions_me="@小格" in text,
            recalls=ref if kind is MessageKind.RECALL else None,
            quoted_id=ref if kind is MessageKind.QUOTE else None,
            people=(speaker.id,) if kind in (MessageKind.JOIN, MessageKind.LEAVE) else (),
            topic=group.name,
        )
        self._said[identity] = message
        while len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        self._all_heard.clear()
        self.board.say(group, message)
        self.wire.say(message)


def registry(people: Community) -> Registry:
    """Who is who in the community, as a config would say it."""
    return Registry(
        grids=[Grid(code, name) for code, name in people.grids],
        people=[
            KnownPerson(one.nick, (Grant(one.role, one.scope),), (Alias(ACCOUNT, one.id, friend=True, nick=one.nick),))
            for one in people.staff
            if one.role is not None
        ],
        rooms=[
            KnownRoom(ACCOUNT, group.id, group.grid, group.kind, group.name, enabled=True) for group in people.groups
        ],
    )


def working_day(day: date) -> date:
    """That day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def opening(policy: Policy) -> datetime:
    """When the demo's day begins."""
    day = working_day(datetime.now(policy.timezone).date())
    return datetime(day.year, day.month, day.day, tzinfo=policy.timezone) + OPENING


@asynccontextmanager
async def stage(
    people: Community, script: Iterator[Utterance], policy: Policy, classifier: Classifier, clock: Clock, *, seed: int
) -> AsyncIterator[Play]:
    """A play, and a house with a fresh store in a temporary folder that listens to it. All of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="xiaoge-demo-") as folder:
        store = await Store.open(f"sqlite+aiosqlite:///{Path(folder) / 'xiaoge.db'}")
        try:
            # Every second neighbour has added the bot as a friend; the others no private message reaches.
            strangers = {one.id for group in people.groups for one in group.residents[::2]}
            wire = Simulator(ACCOUNT, clock, strangers=strangers, seed=seed)
            start = clock.now()
            play = Play(people, clock, Board(people, dict(policy.categories), start), wire, store, script, start)
            play.house = House(
                store=store,
                classifier=classifier,
                policy=policy,
                transports=[wire],
                budget=BUDGET,
                clock=clock,
                seed=seed,
                heard=play.heard,
                sent=play.sent,
            )
            who = registry(people)
            await store.write(lambda tx: who.store(tx, start))
            yield play
        finally:
            await store.close()


@asynccontextmanager
async def performance(
    people: Community, script: Iterator[Utterance], *, speed: float, seed: int
) -> AsyncIterator[Play]:
    """The play in real time, `speed` times as fast as the clock on the wall."""
    policy = Policy(categories=categories.load())
    classifier = Classifier.load()  # before the clock runs
    clock = SystemClock(start=opening(policy), speed=speed)
    async with stage(people, script, policy, classifier, clock, seed=seed) as play, asyncio.TaskGroup() as group:
        living = group.create_task(play.house.run(tick_every=max(1.0, 60 / speed)), name="house")
        acting = group.create_task(play.run(glance=timedelta(seconds=GLANCE * speed)), name="play")
        try:
            yield play
        finally:
            acting.cancel()
            await play.listened_out()
            play.house.stop()
            await asyncio.wait([living])
        await play.refresh()
