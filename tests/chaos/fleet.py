"""8,742 groups over 46 accounts in virtual time: the whole program, killed again and again, and a network that keeps
a log of its own.

    python -m tests.chaos.fleet HOME

`HOME/plan.json` holds a `Plan`. Each life of the program is a process of its own, forked off this one so that nothing
is loaded twice; it ends by SIGKILL at a moment that it has drawn itself, and what it leaves is what lies on disk: the
store and the log of the network. The program is the real one (`House`, its senders' own loops); only the clock, which
leaps when everybody sleeps, and the wire are the test's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog

from bot.house import House
from bot.pacing import Budget, broadcast_time
from bot.transports.base import Event, EventKind, Offline, OutcomeUnknown, Rejected, Throttled
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import accounts, grids, notices, people, presence, rooms, standbys
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Grid, Message, MessageKind, Role, Room, RoomKind, RoomState
from storage.notices import NoticeState
from storage.testing import fresh_store, url_of

T = TypeVar("T")

SCOPE = "519999"
WORDS = "明天8点到18点检修供水管道，请提前储水"
AUTHOR, APPROVER = "wxid_zhou", "wxid_wu"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LATENCY = (0.1, 1.0)  # seconds until a line is out, and until that is answered
DOWNTIME = 4 * SECOND  # from the kill until the next life
WITHIN = MINUTE  # of the moment at which a life is due to end, it ends
BUDGET = Budget(ramp_days=14)
LATEST = timedelta(hours=12)
# Where a life may end: in a transaction, right after one, and before, within and after a call to the network.
POINTS = ("uncommitted", "committed", "called", "delivered", "answered")


class Group(msgspec.Struct, frozen=True):
    """A group of the town. `standby`: a second account of ours that is a member."""

    number: int
    account: str
    standby: str | None
    grid: str

    @property
    def im(self) -> str:
        return f"{self.number}@chatroom"


class Plan(msgspec.Struct, frozen=True):
    """What is going to happen. Moments are seconds after `start`."""

    seed: int
    urgent: bool
    start: datetime
    groups: tuple[Group, ...]
    accounts: tuple[str, ...]
    staffed: str  # through which the staff speak
    young: tuple[str, ...]  # first seen on the day before
    echoing: tuple[str, ...]  # their own lines come back as events
    throttles: dict[str, tuple[float, ...]]  # the first call after each of these is refused
    dies: str
    dies_at: float
    failing: float
    crash_every: float | None

    def fate(self, group: str) -> str:
        """What becomes of a line to a group: a share of `failing` of them is refused, or its answer is lost, whether it
        went out or not."""
        drawn = random.Random(f"{self.seed} {group}").random() / self.failing if self.failing else 1.0
        if drawn >= 1:
            return "delivered"
        return "rejected" if drawn < 0.3 else "lost" if drawn < 0.6 else "unanswered"

    def moment(self, seconds: float) -> datetime:
        return self.start + seconds * SECOND


class Entry(msgspec.Struct, frozen=True):
    """A line of the network's log. `what`: called, delivered, rejected, throttled, lost, answered, or killed, which
    has no account."""

    at: datetime
    life: int
    what: str
    account: str = ""
    conversation: str = ""
    text: str = ""


def read_log(home: Path) -> list[Entry]:
    return _read(home / "network.jsonl", Entry)


def _read(path: Path, kind: type[T]) -> list[T]:
    return [msgspec.json.decode(line, type=kind) for line in path.read_bytes().splitlines()]


def untold(log: Sequence[Entry]) -> set[Entry]:
    """Refusals that nobody could take note of: the life ended with them."""
    ends = {entry.life: entry.at for entry in log if entry.what == "killed"}
    return {entry for entry in log if entry.what == "throttled" and ends.get(entry.life) == entry.at}


# ---------------------------------------------------------------- how a life ends
class Fate:
    """Draws the moment at which this life ends, and ends it."""

    def __init__(self, home: Path, life: int, seed: int, due: datetime | None) -> None:
        drawn = random.Random(f"{seed} life {life}")
        self.due = due
        self._left = drawn.randrange(1, 12)
        self._point = drawn.choice(POINTS)
        self._log, self._said = (
            os.open(home / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("network.jsonl", "said.jsonl")
        )
        self._life = life
        self.clock: LeapingClock

    def note(self, what: str, account: str = "", conversation: str = "", text: str = "") -> None:
        """Into the log: at once with the operating system, which a kill does not take along."""
        entry = Entry(self.clock.now(), self._life, what, account, conversation, text)
        os.write(self._log, msgspec.json.encode(entry) + b"\n")

    def remember(self, message: Message) -> None:
        """The network keeps what was said: another life may fetch it."""
        os.write(self._said, msgspec.json.encode(message) + b"\n")

    def pass_by(self, point: str) -> None:
        if self.due is not None and self.clock.now() >= self.due and point == self._point:
            self._left -= 1
            if not self._left:
                self.end()

    def end(self) -> None:
        self.note("killed")
        os.kill(os.getpid(), signal.SIGKILL)


class MortalStore(Store):
    """A store whose writer may be struck."""

    fate: Fate

    async def write(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def struck(tx: Tx) -> T:
            result = await work(tx)
            self.fate.pass_by("uncommitted")
            return result

        result = await super().write(struck)
        self.fate.pass_by("committed")
        return result


# ---------------------------------------------------------------- time
class LeapingClock:
    """Stands still while anybody is at work; once all sleep it leaps to the next moment that somebody waits for."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._asleep: dict[asyncio.Task[Any] | None, tuple[datetime | None, asyncio.Event, asyncio.Future[None]]] = {}
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        return self._now

    async def wait(self, wake: asyncio.Event, until: datetime | None) -> None:
        if not wake.is_set() and (until is None or until > self._now):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._asleep[asyncio.current_task()] = until, wake, future
            self._changed.set()
            await future
        wake.clear()

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), self._now + seconds * SECOND)

    async def all_asleep(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Let them work until none has anything to do at this moment."""
        while True:
            for task, (until, wake, future) in list(self._asleep.items()):
                if wake.is_set() or (until is not None and until <= self._now):
                    del self._asleep[task]
                    future.set_result(None)
            if all(task in self._asleep for task in tasks if not task.done()):
                return
            for task in tasks:
                if task.done() and task.exception() is not None:
                    task.result()
            self._changed.clear()
            await self._changed.wait()

    def next_moment(self) -> datetime | None:
        return min((until for until, _, _ in self._asleep.values() if until is not None), default=None)

    def leap(self, to: datetime) -> None:
        self._now = max(self._now, to)


# ---------------------------------------------------------------- the wire
class Wire(Simulator):
    """An account of the network. What it is asked to do is in the log before anything comes of it."""

    def join(self, plan: Plan, fate: Fate, clock: LeapingClock, said: Sequence[Message], refused: int) -> None:
        """`said`: what can be fetched; `refused`: how often an earlier life was told that it goes too fast."""
        self.plan, self.fate, self.leaping, self.refused = plan, fate, clock, refused
        self._messages.update((message.id, message) for message in said)
        self._drawn = random.Random(f"{plan.seed} {self.account} {fate._life}")
        self.faults.delay = (0.0, 20.0)

    def say(self, message: Message) -> None:
        self.fate.remember(message)
        super().say(message)

    @property
    def dead(self) -> bool:
        return self.account == self.plan.dies and self.leaping.now() >= self.plan.moment(self.plan.dies_at)

    def die(self) -> None:
        self.online = False
        self._push(Event(EventKind.LOGOUT, self.leaping.now()), timedelta())

    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        if not self.online:
            raise Offline("the account is logged out")
        self.fate.note("called", self.account, conversation, text)
        self.fate.pass_by("called")
        await self.leaping.sleep(self._drawn.uniform(*LATENCY))
        fate = self.plan.fate(conversation) if conversation.endswith("@chatroom") else "delivered"
        throttles = self.plan.throttles.get(self.account, ())
        if self.refused < len(throttles) and self.leaping.now() >= self.plan.moment(throttles[self.refused]):
            self.refused += 1
            self.fate.note("throttled", self.account, conversation)
            raise Throttled("操作过于频繁，可稍后再试")
        if fate == "rejected":
            self.fate.note("rejected", self.account, conversation)
            raise Rejected("not a member")
        if fate == "lost" or self.dead:
            self.fate.note("lost", self.account, conversation)
            raise OutcomeUnknown("no answer")
        name = f"{self.account}-{self.fate._life}-{len(self.sent)}"
        self.fate.note("delivered", self.account, conversation, text)
        self.sent.append(None)  # type: ignore[arg-type]  # only counted
        if self.account in self.plan.echoing:
            room = conversation if conversation.endswith("@chatroom") else None
            whom = () if room else (conversation,)
            echo = Message(
                self.account, name, MessageKind.TEXT, room, self.me, self.leaping.now(), text, people=whom, from_me=True
            )
            self.say(echo)
        self.fate.pass_by("delivered")
        await self.leaping.sleep(self._drawn.uniform(*LATENCY))
        if fate == "unanswered" or self.dead:
            self.fate.note("lost", self.account, conversation)
            raise OutcomeUnknown("no answer")
        self.fate.note("answered", self.account, conversation)
        self.fate.pass_by("answered")
        return name if self.account in self.plan.echoing else None


# ---------------------------------------------------------------- a life
@dataclass(slots=True)
class Life:
    plan: Plan
    home: Path
    number: int
    begin: datetime
    fate: Fate
    classifier: Classifier

    async def live(self) -> None:
        """Until the notice is through and everything is quiet, or the end comes first."""
        clock = self.fate.clock = LeapingClock(self.begin)
        store = await MortalStore.open(url_of(self.home / "xiaoge.db"))
        assert isinstance(store, MortalStore)
        store.fate = self.fate
        log, said = read_log(self.home), _read(self.home / "said.jsonl", Message)
        forgotten = untold(log)
        refused = Counter(one.account for one in log if one.what == "throttled" and one not in forgotten)
        wires = {account: Wire(account, clock, me=f"wxid_{account}") for account in self.plan.accounts}
        for account, wire in wires.items():
            theirs = [message for message in said if message.account == account]
            wire.join(self.plan, self.fate, clock, theirs, refused[account])
            if wire.dead:  # and says nothing of it: whoever connects now only finds no account
                wire.online = False
                wire.take()
        policy = Policy(categories=categories.load(), broadcast_time=partial(broadcast_time, budget=BUDGET))
        house = House(
            store=store,
            classifier=self.classifier,
            policy=policy,
            transports=list(wires.values()),
            budget=BUDGET,
            clock=clock,
            seed=self.plan.seed + self.number,
        )
        await house.start()
        tasks = [asyncio.create_task(sender.run()) for sender in house.senders]
        await self._go_on(house, wires, clock, tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await store.close()

    async def _go_on(
        self, house: House, wires: dict[str, Wire], clock: LeapingClock, tasks: list[asyncio.Task[None]]
    ) -> None:
        tick_at, script = clock.now(), self._script()
        next_said = next(script, None)
        soon: datetime | None = None
        dying = wires[self.plan.dies]
        while clock.now() < self.plan.start + LATEST:
            if dying.online and dying.dead:
                dying.die()
            while next_said is not None and next_said.sent_at <= clock.now():
                wires[next_said.account].say(next_said)
                next_said = next(script, None)
            heard = {account: events for account, wire in wires.items() if (events := wire.take())}
            await asyncio.gather(*(house.intakes[account].receive(events) for account, events in heard.items()))
            await house.dispatcher.drain()
            if tick_at <= clock.now() or (soon is not None and soon <= clock.now()):
                await house.store.write(partial(_mark, wires.values(), clock.now()))
                tick_at, soon = clock.now() + MINUTE, await house.tick()
                if next_said is None and await self._over(house.store):
                    return
            await clock.all_asleep(tasks)
            if self.fate.due is not None and clock.now() >= self.fate.due + WITHIN:
                self.fate.end()
            moments = [tick_at, soon, clock.next_moment(), *(wire.next_at() for wire in wires.values())]
            if next_said is not None:
                moments.append(next_said.sent_at)
            if dying.online:
                moments.append(self.plan.moment(self.plan.dies_at))
            clock.leap(min(moment for moment in moments if moment is not None))

    async def _over(self, store: Store) -> bool:
        through = (NoticeState.SENT, NoticeState.CANCELLED)
        return bool(await store.read(lambda tx: notices.every(tx, through)))

    def _script(self) -> Iterator[Message]:
        """What people say from the beginning of this life on; what they said while nobody listened is lost."""
        for message in script(self.plan):
            if message.sent_at >= self.begin:
                yield message


async def _mark(wires: Iterable[Wire], at: datetime, tx: Tx) -> None:
    """What an intake leaves on record while it runs by itself: its account is linked."""
    for wire in wires:
        if wire.online:
            await presence.listened(tx, wire.account, at)


def script(plan: Plan) -> list[Message]:
    """The notice, its confirmation, and now and then somebody in a group who asks for help, in order of time."""
    first = plan.staffed
    command = "应急通知" if plan.urgent else "通知"
    said = [
        _said(plan, "said-1", first, None, AUTHOR, 1, f"{command} {WORDS}"),
        _said(plan, "said-2", first, None, APPROVER, 60, "确认 T1"),
    ]
    drawn = random.Random(f"{plan.seed} script")
    for number, group in enumerate(drawn.sample(plan.groups, 60)):
        at = drawn.uniform(120, 4000)
        if group.account != plan.dies:
            for again in (0.0, drawn.uniform(0, 12)):
                name = f"asked-{number}-{again:.0f}"
                who = f"wxid_r{number}"
                said.append(_said(plan, name, group.account, group.im, who, at + again, "@小格 帮助"))
    return sorted(said, key=lambda message: message.sent_at)


def _said(plan: Plan, name: str, account: str, room: str | None, sender: str, seconds: float, text: str) -> Message:
    return Message(
        account,
        name,
        MessageKind.TEXT,
        room,
        sender,
        plan.moment(seconds),
        text,
        nick=sender,
        mentions_me=room is not None,
    )


# ---------------------------------------------------------------- laying it out
async def furnish(plan: Plan, home: Path) -> None:
    """The town as it stands in the store before the first life."""
    async with await fresh_store(home) as store:
        await store.write(lambda tx: _lay_out(tx, plan))


async def _lay_out(tx: Tx, plan: Plan) -> None:
    codes = {group.grid[:digits] for group in plan.groups for digits in (6, 9, 12, 15, 18)}
    await grids.put(tx, [Grid(code, f"网格{code}") for code in sorted(codes)])
    before = plan.start - timedelta(days=100)
    ours = [_room(group, group.account, RoomState.ENABLED, group.grid) for group in plan.groups]
    theirs = [_room(group, group.standby, RoomState.DORMANT, None) for group in plan.groups if group.standby]
    await rooms.put(tx, ours + theirs, [], before)
    made = {(room.im_id, room.account): room.id for room in await rooms.every(tx)}
    for group in plan.groups:
        if group.standby is not None:
            await standbys.add(tx, made[group.im, group.account], group.standby, group.im, at=before)
    for account in plan.accounts:
        young = account in plan.young
        await accounts.begin(tx, account, plan.start - timedelta(days=1) if young else before)
        await presence.listened(tx, account, plan.start)
    for name, im in (("周主任", AUTHOR), ("吴书记", APPROVER)):
        known = Alias(plan.staffed, im, friend=True)
        await people.import_person(tx, name, [Grant(Role.STREET, SCOPE)], [known])


def _room(group: Group, account: str, state: RoomState, grid: str | None) -> Room:
    return Room(0, account, group.im, f"{group.number}群", RoomKind.RESIDENT, state, grid)


def forked(work: Callable[[], Any]) -> int:
    """Run it in a process of its own. Returns how that ended, as `os.waitstatus_to_exitcode`."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(home: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    plan = msgspec.json.decode((home / "plan.json").read_bytes(), type=Plan)
    assert forked(lambda: asyncio.run(furnish(plan, home))) == 0
    classifier = Classifier.load()
    gc.freeze()  # what is loaded by now is shared between the lives, and stays
    begin, due, life = plan.start, None, 0
    while True:
        if plan.crash_every is not None:
            due = plan.moment(70 + life * plan.crash_every)
        fate = Fate(home, life, plan.seed, due)
        living = Life(plan, home, life, begin, fate, classifier)
        status = forked(lambda living=living: asyncio.run(living.live()))  # type: ignore[misc]
        if status == 0:
            return
        assert status == -signal.SIGKILL, f"life {life} ended with {status}"
        begin = read_log(home)[-1].at + DOWNTIME
        life += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
