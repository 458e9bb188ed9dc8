"""Several processes of the real program on one PostgreSQL server, and the town of real gateways that they share."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from storage.engine import Store
from tests.chaos.program import ROOT, Kind, People, Town, im_room, me, meanwhile, settings_of, until
from tests.contract.conftest import Postgresql
from tests.integration.gateway_process import GatewayHost, free_port

HOSTS, ACCOUNTS = 2, 4  # Node processes, and accounts in each
BOTS = 2
KEPT_ALIVE = frozenset({"wx2", "wx4", "wx6", "wx8"})  # behind a gateway that lets go of a client that is frozen
KEEPALIVE = 20  # seconds
STREET = "5199990"  # the beginning of every grid's code
APPEAL_EVERY = 10  # lots of talk, one each second from every account
# A question under a notice goes to its author, from every group: tested elsewhere, it would take the author's account.
TALK = ("晚上吃火锅", "哈哈哈", "谢谢大家", "周末去爬山吧", "早上好")
SHORTLY = 90.0  # seconds that anything may take on a loaded machine


class Bot:
    """One process of the program, started as often as a test likes."""

    def __init__(self, name: str, config: Path) -> None:
        self.name = name
        self.log = config.parent / f"{name}.log"
        self._port = free_port()
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> int | None:
        """The exit code of a process that ended."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        monitor = f"127.0.0.1:{self._port}"
        command = [sys.executable, "-m", "bot", "run", "--config", str(self._config)]
        command += ["--accounts", "all", "--monitor", monitor]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    async def stop(self) -> int:
        """SIGTERM. Returns the exit code."""
        self._send(signal.SIGTERM)
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, SHORTLY)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """What /readyz says: the status, and the page; 0 where nobody answers."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> tuple[int, dict[str, Any]]:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=5) as page:
                return page.status, json.load(page)
        except HTTPError as refused:
            return refused.code, json.load(refused)
        except OSError:
            return 0, {}

    async def linked(self) -> set[str]:
        """The accounts that it holds and hears."""
        _, page = await self.ready()
        return {account for account, told in page.get("accounts", {}).items() if told["online"]}

    def last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return "\n".join([f"--- the last lines of {self.name}:", *lines[-25:]])


@dataclass
class FleetTown(Town):
    """A town of eight accounts behind two Node processes, and those of its bots that are to be alive."""

    on: Postgresql | None = None
    bots: list[Bot] = field(default_factory=list)
    notices: int = 0  # how many were drafted

    @classmethod
    @asynccontextmanager
    async def opened_for(
        cls, home: Path, database: Postgresql, *, rooms: int, members: int, gap: tuple[float, float], seed: int = 1
    ) -> AsyncIterator[Self]:
        """The gateways run, the bots do not yet. Whatever was started ends with the block."""
        names = [f"wx{number}" for number in range(1, HOSTS * ACCOUNTS + 1)]
        settings: list[Mapping[str, object]] = [
            {
                "ME": me(name),
                "TOKEN": f"token-{name}",
                "ROOM": f"{name}-",
                "ROOMS": rooms,
                "MEMBERS": members,
                "FAT": number % 2,
                "KEEPALIVE": KEEPALIVE if name in KEPT_ALIVE else 0,
            }
            for number, name in enumerate(names)
        ]
        hosts = [
            GatewayHost(home / f"gateways{number}.log", settings[number * ACCOUNTS : (number + 1) * ACCOUNTS])
            for number in range(HOSTS)
        ]
        gateways = [gateway for host in hosts for gateway in host.gateways]
        people = [
            # The last two speak for the street.
            People(name, gateway, seed, rooms, members - 2)
            for name, gateway in zip(names, gateways, strict=True)
        ]
        for one in people:
            one.talks_of = TALK
        town = cls(home, people, on=database)
        settled = settings_of(people, gap).replace("sqlite+aiosqlite:///xiaoge.db", database.url)
        staff = [
            f'[[people]]\nname = "{name}"\nrole = "street"\nscope = "{STREET}"\nim = ["{one.account}:{im}"]'
            for name, one, im in (("钱主任", people[0], town.author), ("孙主任", people[-1], town.second))
        ]
        town.config.write_text("\n".join([settled, *staff]), encoding="utf-8")
        bots = [Bot(f"bot{number}", town.config) for number in range(1, BOTS + 1)]
        town.bots = list(bots)
        try:
            await asyncio.gather(*(host.start() for host in hosts))
            for gateway in gateways:
                await gateway.do("slow", sends=50)
            yield town
        finally:
            for bot in bots:
                bot.end()
            for host in hosts:
                host.end()

    @property
    def author(self) -> str:
        """Who drafts notices, at the first account; a friend of it, as every second one is."""
        return f"wxid_m{self.people[0].members}"

    @property
    def second(self) -> str:
        """Who confirms them, at the last account."""
        return f"wxid_m{self.people[-1].members}"

    @property
    def rooms(self) -> set[tuple[str, str]]:
        return {(one.account, im_room(one.account, room)) for one in self.people for room in range(one.rooms)}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        assert self.on is not None
        return self.on.rows(sql)

    async def opened(self) -> Store:
        assert self.on is not None
        return await Store.open(self.on.url, key_file=self.home / "xiaoge.key", read_only=True)

    # ---------------------------------------------------------------- waiting
    async def wait(self, what: str, true: Callable[[], Any], seconds: float = SHORTLY) -> float:
        """Returns after how many seconds it came true; fails with what the bots said last."""
        began = time.monotonic()

        async def or_dead() -> bool:
            for bot in self.bots:
                assert bot.ended is None, f"{bot.name} ended by itself while waiting for {what}\n{bot.last_words()}"
            return bool(await true())

        with self.telling(what):
            await until(or_dead, seconds, every=0.2)
        return time.monotonic() - began

    @contextmanager
    def telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            words = "\n".join(bot.last_words() for bot in self.bots)
            taken = self.query("SELECT account, reason, count(*) FROM inbox GROUP BY 1, 2 ORDER BY 1, 2")
            waits = self.query("SELECT account, state, count(*) FROM outbox GROUP BY 1, 2 ORDER BY 1, 2")
            pytest.fail(f"waited in vain: {what}\ninbox {taken}\noutbox {waits}\n{words}")

    async def shared_out(self) -> float:
        """Wait until every account is heard, each bot having its half. Returns after how many seconds."""

        async def halves() -> bool:
            linked = [await bot.linked() for bot in self.bots]
            return [len(mine) for mine in linked] == [len(self.people) // len(self.bots)] * len(self.bots)

        return await self.wait("each bot hears its half of the accounts", halves)

    async def half_of(self, bot: Bot) -> set[str]:
        """The accounts that this bot hears when it has its half, as it should."""
        found: set[str] = set()

        async def whole() -> bool:
            found.clear()
            found.update(await bot.linked())
            return len(found) == len(self.people) // len(self.bots)

        await self.wait(f"{bot.name} hears its half of the accounts", whole)
        return found

    # ---------------------------------------------------------------- what happens
    @asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """People talk all the time, now and then about something that does not work."""
        async with meanwhile(*(self._keep_talking(one) for one in self.people)):
            yield

    async def _keep_talking(self, one: People) -> None:
        turn = self.people.index(one)
        while True:
            kind = Kind.CHAT if turn % APPEAL_EVERY else Kind.APPEAL
            await asyncio.shield(one.talk(3, kind))
            turn += 1
            await asyncio.sleep(1)

    async def talked(self, lines: int) -> None:
        """Wait until people in each account have said so many more."""
        before = {one.account: len(one.said) for one in self.people}

        async def said() -> bool:
            return all(len(one.said) >= before[one.account] + lines for one in self.people)

        await self.wait(f"{lines} more lines said in each account", said)

    async def heard(self) -> float:
        """Wait until something that is said in each account from now on is on disk. Returns after how many seconds."""
        marks = {one.account: len(one.said) for one in self.people}

        async def everywhere() -> bool:
            on_disk = set(await asyncio.to_thread(self.query, "SELECT account, message_id FROM inbox"))
            return all(
                any((one.account, said.id) in on_disk for said in one.said[marks[one.account] :]) for one in self.people
            )

        return await self.wait("every account is heard again", everywhere)

    async def broadcast(self, words: str) -> Broadcast:
        """One drafts it, somebody else at another account confirms it. Returns when it has begun."""
        self.notices += 1
        notice, rooms = f"T{self.notices}", len(self.rooms)
        await self.people[0].gateway.say(f"通知 @{STREET} {words}", room=None, **{"from": self.author})
        await self.wait("the preview", lambda: self._told(self.people[0], self.author, f"{notice} 将发到 {rooms} 个群"))
        await self.people[-1].gateway.say(f"确认 {notice}", room=None, **{"from": self.second})
        await self.wait("the notice begins", lambda: self._told(self.people[-1], self.second, f"{notice} 开始发了"))
        return Broadcast(self, self.notices, f"【通知】{words}")

    async def _told(self, one: People, whom: str, words: str) -> bool:
        return any(line["to"] == whom and words in line["text"] for line in await one.gateway.sent())

    def deaf(self) -> float:
        """The longest time in seconds, up to the second between two lines, in which what was said was lost."""
        on_disk = set(self.query("SELECT account, message_id FROM inbox"))
        longest = 0.0
        for one in self.people:
            lost_since: datetime | None = None
            for said in one.said:
                if (one.account, said.id) not in on_disk:
                    lost_since = lost_since or said.at
                elif lost_since is not None:
                    longest, lost_since = max(longest, (said.at - lost_since).total_seconds()), None
        return longest

    async def count_breaks(self) -> None:
        """How often each account's link changed hands or was made anew, by what the gateways saw."""
        self.breaks = Counter({one.account: await one.gateway.streams() - 1 for one in self.people})


@dataclass
class Broadcast:
    """A notice on its way to every room of the town, by what the gateways sent."""

    town: FleetTown
    number: int
    body: str

    @property
    def _lines(self) -> str:
        return f"FROM outbox WHERE key LIKE 'notice:{self.number}:%'"

    async def sent(self) -> list[tuple[str, str, datetime]]:
        """(account, room, when) of each time that it went out."""
        return [
            (one.account, line["to"], datetime.fromtimestamp(line["at"] / 1000, UTC))
            for one in self.town.people
            for line in await one.gateway.sent()
            if line["text"] == self.body
        ]

    async def reached(self, share: float) -> float:
        """Wait until so much of the rooms has it."""
        wanted = share * len(self.town.rooms)

        async def there() -> bool:
            return len(await self.sent()) >= wanted

        return await self.town.wait(f"{share:.0%} of the rooms have the notice", there)

    async def over(self) -> float:
        """Wait until none of its lines is waiting or under way."""
        sql = f"SELECT count(*) {self._lines} AND state IN ('queued', 'sending')"

        async def through() -> bool:
            return await asyncio.to_thread(self.town.query, sql) == [(0,)]

        return await self.town.wait("all lines of the notice have left", through, 2 * SHORTLY)

    async def unknown(self) -> list[tuple[str, str, datetime]]:
        """Check that every room got it exactly once or is listed as unknown; (account, room, when it was tried) of
        these."""
        rows = self.town.query(f"SELECT account, conversation, state, sending_at {self._lines}")
        fate = {(account, room): (state, at) for account, room, state, at in rows}
        assert len(rows) == len(fate), "one line for each room"
        assert set(fate) == self.town.rooms
        times = Counter((account, room) for account, room, _ in await self.sent())
        assert {room: count for room, count in times.items() if count > 1} == {}, "nothing is doubled"
        assert {state for state, _ in fate.values()} <= {"sent", "unknown"}, "no gateway refused anything"
        assert {room for room, (state, _) in fate.items() if state == "sent"} <= set(times), "what counts as sent is"
        return [(*room, at) for room, (state, at) in fate.items() if state == "unknown"]
