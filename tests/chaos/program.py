"""The real program as a process, people who talk to it through real gateways, and what must hold afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from storage import inbox, outbox, rooms, tickets
from storage.engine import Store
from storage.model import Outgoing, SendState, Ticket
from tests.integration.conftest import MakeGateway
from tests.integration.gateway_process import Gateway

ROOT = Path(__file__).resolve().parents[2]
SLACK = timedelta(seconds=2)  # what was heard last had been under way for a moment
START = 60.0  # seconds until the program listens, on a loaded machine
TALK = ("晚上吃火锅不", "收到", "哈哈哈", "明天几点跳舞", "谢谢大家", "周末去爬山吧", "早上好", "娃娃放学了没得")

_LEFT = {
    "ids unfinished": "SELECT count(*) FROM inbox WHERE reason IS NULL",
    "lines queued": "SELECT count(*) FROM outbox WHERE state = 'queued'",
    "lines under way": "SELECT count(*) FROM outbox WHERE state = 'sending'",
}


class Kind(StrEnum):
    CHAT = "chat"
    APPEAL = "appeal"
    REPORT = "report"  # the command 上报
    HELP = "help"  # the command 帮助, in private


REASONS = {Kind.APPEAL: {"ticket"}, Kind.REPORT: {"command"}, Kind.HELP: {"command"}}


@dataclass(frozen=True, slots=True)
class Said:
    """One message. The place of an appeal or a report is nobody else's in that room."""

    id: str
    account: str
    kind: Kind
    room: int
    place: tuple[str, str]  # building, unit
    at: datetime  # it was said between this moment and `by`
    by: datetime


class People:
    """Everybody behind one gateway. What they say is drawn from `seed`; nobody reports twice."""

    def __init__(self, account: str, gateway: Gateway, seed: int, rooms: int, members: int) -> None:
        self.account = account
        self.gateway = gateway
        self.rooms = rooms
        self.members = members
        self.talks_of: Sequence[str] = TALK
        self.said: list[Said] = []
        self._random = random.Random(f"{account} {seed}")
        self._speaker = self._chatting = members // 4  # who chats does not report
        self._reports: Counter[int] = Counter()  # by room
        self._turn = asyncio.Lock()  # what is noted as said first is said first

    async def talk(self, chats: int, *kinds: Kind) -> None:
        """So many lines of chat with one message of each kind among them, in one go."""
        batch = [*(Kind.CHAT for _ in range(chats)), *kinds]
        self._random.shuffle(batch)
        async with self._turn:
            first = len(self.said)
            messages = [self._message(kind) for kind in batch]
            try:
                await self.gateway.do("batch", messages=messages)
            finally:
                by = datetime.now(UTC)
                self.said[first:] = [replace(said, by=by) for said in self.said[first:]]

    def _message(self, kind: Kind) -> dict[str, Any]:
        number, now = len(self.said), datetime.now(UTC)
        room = self._random.randrange(self.rooms)
        building, unit = "", ""
        if kind is Kind.CHAT:
            speaker, text = 1 + room % (self._chatting - 1), self._random.choice(self.talks_of)
        else:
            self._speaker += 1
            assert self._speaker < self.members, "more reports than people"
            speaker = self._speaker
            number_here = self._reports[room]
            self._reports[room] += 1
            building, unit = str(1 + number_here % 50), str(1 + number_here // 50)
            text = {
                Kind.APPEAL: f"{building}栋{unit}单元电梯坏了",
                Kind.REPORT: f"@小格\u2005上报 {building}栋{unit}单元下水道堵了",
                Kind.HELP: "帮助",
            }[kind]
        said = Said(f"{self.account}-{number}", self.account, kind, room, (building, unit), now, now)
        self.said.append(said)
        return {
            "id": said.id,
            "from": f"wxid_m{speaker}",
            "room": None if kind is Kind.HELP else im_room(self.account, room),
            "text": text,
            "mentions": [me(self.account)] if kind is Kind.REPORT else [],
        }


def im_room(account: str, room: int) -> str:
    return f"{account}-{room}@chatroom"


def me(account: str) -> str:
    return f"wxid_{account}"


def community(number: int, room: int) -> str:
    """Each room is a community of its own, so that nobody's trouble is anybody else's."""
    return f"5199990{number:02d}{room:03d}"


@dataclass
class Town:
    """Two gateways with people behind them, one database, and how often the link of each account broke."""

    home: Path
    people: list[People]
    breaks: Counter[str] = field(default_factory=Counter)

    @classmethod
    async def build(
        cls,
        home: Path,
        make_gateway: MakeGateway,
        seed: int,
        *,
        gap: tuple[float, float] = (0.0, 0.0),
        rooms: int = 20,
        members: int = 400,
        slow_sends: int = 50,
    ) -> Self:
        """Two accounts, the second one's gateway with fat events. `gap`: seconds between two sends; `slow_sends`:
        milliseconds until a send goes out, and until it is answered, so that a break finds sends under way."""
        people = []
        for number, account in enumerate(("wx1", "wx2")):
            settings = {
                "ME": me(account),
                "TOKEN": f"token-{account}",
                "ROOM": f"{account}-",
                "ROOMS": rooms,
                "MEMBERS": members,
            }
            gateway = await make_gateway(**settings, FAT=number, DATA=home / f"{account}.jsonl")
            await gateway.do("slow", sends=slow_sends)
            people.append(People(account, gateway, seed, rooms, members))
        town = cls(home, people)
        town.config.write_text(settings_of(people, gap), encoding="utf-8")
        return town

    @property
    def config(self) -> Path:
        return self.home / "config.toml"

    @property
    def database(self) -> Path:
        return self.home / "xiaoge.db"

    async def burst(self, chats: int, *kinds: Kind) -> None:
        """Everybody at once."""
        await asyncio.gather(*(one.talk(chats, *kinds) for one in self.people))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What is on disk, beside the running program."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(sql).fetchall()

    async def opened(self) -> Store:
        """The store, for reading, after the program has stopped."""
        return await Store.open(f"sqlite+aiosqlite:///{self.database}", read_only=True)

    async def settled(self) -> None:
        """Every accepted id is finished, and every line has left but for those that the account's budget holds back."""

        async def finished() -> bool:
            return not await self._count("ids unfinished")

        async def all_left() -> bool:
            return not await self._count("lines queued") and not await self._count("lines under way")

        await until(finished, 120, every=0.2)
        with suppress(TimeoutError):
            await until(all_left, 45, every=0.2)

    async def _count(self, what: str) -> int:
        ((number,),) = await asyncio.to_thread(self.query, _LEFT[what])
        return int(number)


@dataclass
class ProgramTown(Town):
    """A town whose bot is a process of its own."""

    process: subprocess.Popen[bytes] | None = None
    left: Counter[str] = field(default_factory=Counter)  # what the kills found half-way
    _listened_to: bool = False
    _streams: list[int] = field(default_factory=list)  # event streams each gateway had seen before this life

    @property
    def log(self) -> Path:
        return self.home / "program.log"

    async def start(self) -> None:
        self._listened_to = False
        self._streams = [await one.gateway.calls("event") for one in self.people]
        self._spawn()

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "bot", "run", "--config", str(self.config)], cwd=ROOT, stdout=log, stderr=log
            )

    async def listening(self) -> None:
        """Every account's link is up."""

        async def attached() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"the program ended by itself: {self.log.read_text()[-2000:]}"
            now = [await one.gateway.calls("event") for one in self.people]
            return all(number > before for number, before in zip(now, self._streams, strict=True))

        await until(attached, START)
        self._listened_to = True

    def kill(self) -> None:
        assert self.process is not None
        self.breaks.update(one.account for one in self.people)
        self._listened_to = False
        self.process.kill()
        self.process.wait()
        with suppress(sqlite3.OperationalError):  # killed before there was a database
            for state, sql in _LEFT.items():
                ((number,),) = self.query(sql)
                self.left[state] += number

    async def stop(self) -> tuple[int, float]:
        """SIGTERM. Returns the exit code and how many seconds it took."""
        assert self.process is not None
        self.breaks.update(one.account for one in self.people)
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(self.process.wait, 60)
        return code, time.monotonic() - began

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    async def heard(self, number: int) -> None:
        """So many more messages are on disk."""
        before = await asyncio.to_thread(self._on_disk)

        async def there() -> bool:
            return await asyncio.to_thread(self._on_disk) >= before + number

        await until(there, START)

    def _on_disk(self) -> int:
        ((number,),) = self.query("SELECT count(*) FROM inbox")
        return int(number)

    async def sending(self) -> None:
        """A line is under way, or none is for a while."""

        async def under_way() -> bool:
            return bool(await asyncio.to_thread(self.query, "SELECT 1 FROM outbox WHERE state = 'sending'"))

        with suppress(TimeoutError):
            await until(under_way, 3, every=0.01)

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """People talk all the time; now and then also while nobody listens."""
        async with meanwhile(*(self._keep_talking(one) for one in self.people)):
            yield

    async def _keep_talking(self, one: People) -> None:
        rest = (Kind.APPEAL, Kind.CHAT, Kind.CHAT, Kind.APPEAL, Kind.REPORT, Kind.CHAT, Kind.CHAT, Kind.HELP)
        turn = 0
        while True:
            await asyncio.shield(one.talk(4, rest[turn % len(rest)]))
            turn += 1
            await asyncio.sleep(0.1 if self._listened_to else 0.5)


def crowd() -> float:
    """How many tasks share a core of this machine: so much longer than alone may anything take."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@asynccontextmanager
async def meanwhile(*doings: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These go on until the block ends."""
    task = asyncio.gather(*doings)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], Any], seconds: float, *, every: float = 0.05) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - another process rings no bell
            await asyncio.sleep(every)


def settings_of(people: Sequence[People], gap: tuple[float, float]) -> str:
    """A configuration file for them. `gap`: seconds between two sends of an account."""
    shanghai = datetime.now(UTC) + timedelta(hours=8)
    night = shanghai + timedelta(hours=12)  # whatever the time, the test does not run in the quiet hours
    lines = [
        '[database]\nurl = "sqlite+aiosqlite:///xiaoge.db"\nkey_file = "xiaoge.key"',
        '[log]\nformat = "json"\n[monitor]\nenabled = false',
        f"[pacing]\nper_minute = 60\nper_hour = 1000\nper_day = 5000\ngap = {list(gap)}",
        "per_room_gap = 0\nramp_days = 0",
        f'[quiet]\nfrom = "{night:%H:%M}"\nuntil = "{night + timedelta(minutes=1):%H:%M}"',
        "reply_gap_minutes = 0\nreplies_a_day = 100\nack_wait_seconds = 0",
    ]
    for number, one in enumerate(people):
        endpoint, token = json.dumps(one.gateway.endpoint), json.dumps(one.gateway.token)
        lines.append(f'[[accounts]]\nname = "{one.account}"\nendpoint = {endpoint}\ntoken = {token}')
        lines.append(
            f'[[people]]\nname = "leader {one.account}"\nrole = "micro_leader"\nim = ["{one.account}:wxid_m0"]'
        )
        lines.append(f'scope = "5199990{number:02d}"')
        for room in range(one.rooms):
            code = community(number, room)
            lines.append(f'[[grids]]\ncode = "{code}"\nname = "{one.account} {room}"')
            lines.append(
                f'[[rooms]]\naccount = "{one.account}"\nim_id = "{im_room(one.account, room)}"\ngrid = "{code}"'
            )
            lines.append("enabled = true")
    return "\n".join(lines)


# ---------------------------------------------------------------- what must hold
async def reckon(town: Town) -> dict[str, int]:
    """Check, after the program has stopped, that every accepted message had exactly one effect, that nothing went out
    twice, that each line of unknown fate is listed, and that what nobody heard lies in a gap on record. Returns
    counts."""
    done = {(of, name): reason for of, name, reason in town.query("SELECT account, message_id, reason FROM inbox")}
    async with await town.opened() as store:
        filed = await store.read(tickets.search)
        of_ticket = {one.number: await store.read(lambda tx, n=one.number: tickets.messages(tx, n)) for one in filed}
        known_rooms = {room.id: room for room in await store.read(rooms.every)}
        gaps = await store.read(inbox.gaps)
        rows = {state: await store.read(lambda tx, s=state: outbox.by_state(tx, s)) for state in SendState}
    said = {(one.account, one.id): one for people in town.people for one in people.said}
    accepted = {key: one for key, one in said.items() if key in done}
    assert None not in done.values(), "nothing is left half-way"

    # one effect each
    for key, one in accepted.items():
        if one.kind is Kind.CHAT:
            assert done[key] not in ("ticket", "joined", "command"), key
        else:
            assert done[key] in REASONS[one.kind], (key, done[key])
    made_of = {
        (message.account, message.message_id): ticket for ticket in filed for message in of_ticket[ticket.number]
    }
    asked_for = {key for key, one in accepted.items() if one.kind in (Kind.APPEAL, Kind.REPORT)}
    assert set(made_of) == asked_for, "each appeal has its ticket, no ticket is made of anything else"
    assert len(filed) == len(asked_for), "one ticket each"
    for key in asked_for:
        assert _is_about(made_of[key], accepted[key], known_rooms), key

    lost = _heard_but_for_the_gaps(town, done, gaps)
    counts = {"said": len(said), "accepted": len(accepted), "lost in gaps": lost, "gaps": len(gaps)}
    counts |= {"tickets": len(filed), **await _sends(town, rows)}
    return counts


def _is_about(ticket: Ticket, one: Said, known_rooms: dict[int, Any]) -> bool:
    room = known_rooms[ticket.room_id] if ticket.room_id is not None else None
    return (
        room is not None
        and (room.account, room.im_id) == (one.account, im_room(one.account, one.room))
        and (ticket.place.building, ticket.place.unit) == one.place
    )


def _heard_but_for_the_gaps(
    town: Town, done: dict[tuple[str, str], str], gaps: Sequence[tuple[str, datetime, datetime]]
) -> int:
    """What was said into a gap is lost, and only that: whole stretches, one at most for each break."""
    lost = 0
    for people in town.people:
        holes, heard_before = 0, True
        for one in people.said:
            heard = (one.account, one.id) in done
            holes += heard_before and not heard
            heard_before = heard
            if not heard:
                lost += 1
                assert any(
                    of == one.account and start - SLACK <= one.by and one.at <= end + SLACK for of, start, end in gaps
                ), (one, gaps)
        assert holes <= town.breaks[people.account], "no hole without a break"
    return lost


async def _sends(town: Town, rows: dict[SendState, list[Outgoing]]) -> dict[str, int]:
    """Compare the rows with what the gateways sent."""
    went_out: Counter[tuple[str, str, str]] = Counter()
    for people in town.people:
        went_out.update((people.account, line["to"], line["text"]) for line in await people.gateway.sent())
    twice = {line: times for line, times in went_out.items() if times > 1}
    assert twice == {}

    def lines(state: SendState) -> Counter[tuple[str, str, str]]:
        return Counter((row.account, row.conversation, row.text) for row in rows[state])

    sent, unknown = lines(SendState.SENT), lines(SendState.UNKNOWN)
    assert sent <= went_out, "what is marked as sent went out"
    assert went_out <= sent + unknown, "what went out is known, or listed as unknown"
    for people in town.people:
        own = sum(row.account == people.account for row in rows[SendState.UNKNOWN])
        assert own <= town.breaks[people.account], "an account has one send under way"
    for state in (SendState.SENDING, SendState.FAILED):
        assert rows[state] == [], state
    return {
        "lines out": went_out.total(),
        "unknown": unknown.total(),
        "of these out": (unknown & (went_out - sent)).total(),
        "twice": len(twice),
        "held back": len(rows[SendState.QUEUED]),
    }


def shown(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())
