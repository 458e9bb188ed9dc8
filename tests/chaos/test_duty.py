"""What one process of all does, while the one that does it is killed, frozen, or stopped in good order: each limit of a
ticket is said to have run out once, and devices are listened to by somebody."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from storage import audit, outbox, tickets
from storage.engine import Store, Tx
from storage.model import Level, SendState
from tests.chaos.fleet_town import SHORTLY, Bot
from tests.chaos.program import until
from tests.contract.conftest import Postgresql, postgres, postgresql
from tests.contract.fill import new_ticket
from tests.integration.gateway_process import free_port

__all__ = ["postgres", "postgresql"]

TAKEN_OVER_WITHIN = 60.0  # seconds
GRID = "519999001001003012"
TICKETS = 30
BETWEEN = timedelta(seconds=1)  # one limit and the next
FIRST = timedelta(seconds=25)  # from the start to the first limit
CONFIG = """
[database]
url = {url}
key_file = "xiaoge.key"
[log]
format = "json"
[bot]
gateway_wait_seconds = 0
[quiet]
from = "{night:%H:%M}"
until = "{morning:%H:%M}"
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:9"
token = "nobody answers there"
[[grids]]
code = "{grid}"
name = "12微网格"
[[rooms]]
account = "wx1"
im_id = "leaders"
grid = "{grid}"
kind = "leader"
enabled = true
[alerts]
listen = "127.0.0.1:{port}"
[[alerts.sources]]
name = "gas"
title = "燃气监测"
secret = "{secret}"
category = "0502"
grid = "{grid}"
"""


async def file_tickets(tx: Tx, first: datetime) -> None:
    """Lifts that broke an hour ago, whose limits run out one after the other."""
    for number in range(TICKETS):
        before = first - timedelta(hours=1)
        limits = {"ack_due": first + number * BETWEEN, "due": first + timedelta(days=7)}
        new = new_ticket(category="0101", grid=GRID, reported_at=before, filed_at=before, **limits)
        await tickets.file(tx, new)


class Office:
    """Two processes that serve an account which nobody links, and what is due."""

    def __init__(self, home: Path, database: Postgresql) -> None:
        self.database = database
        self._port = free_port()
        night = datetime.now(UTC) + timedelta(hours=8 + 12)
        settings = CONFIG.format(
            url=json.dumps(database.url),
            night=night,
            morning=night + timedelta(minutes=1),
            grid=GRID,
            port=self._port,
            secret=secrets.token_hex(24),
        )
        self.config = home / "config.toml"
        self.config.write_text(settings, encoding="utf-8")
        self.key_file = home / "xiaoge.key"
        self.bots = [Bot("bot1", self.config), Bot("bot2", self.config)]

    async def on_duty(self) -> list[Bot]:
        pages = [await bot.ready() for bot in self.bots]
        return [bot for bot, (_, page) in zip(self.bots, pages, strict=True) if page.get("duty")]

    async def taken(self, by: Bot, *, listens: bool = True) -> float:
        """Wait until this one is on duty, and listens. Returns after how many seconds."""
        began = time.monotonic()

        async def there() -> bool:
            return await self.on_duty() == [by] and (not listens or await asyncio.to_thread(self._listens))

        await until(there, SHORTLY, every=0.2)
        return time.monotonic() - began

    def _listens(self) -> bool:
        request = Request(f"http://127.0.0.1:{self._port}/alerts/gas", data=b"{}", method="POST")
        try:
            with urlopen(request, timeout=5):  # noqa: S310
                return False
        except HTTPError as refused:
            return refused.code == 401  # it is not signed
        except OSError:
            return False

    def raised(self) -> int:
        ((count,),) = self.database.rows(f"SELECT count(*) FROM tickets WHERE level <> '{Level.GRID}'")  # noqa: S608
        return int(count)

    async def until_raised(self, count: int) -> None:
        async def there() -> bool:
            return await asyncio.to_thread(self.raised) >= count

        await until(there, SHORTLY + TICKETS * BETWEEN.total_seconds(), every=0.2)


async def killed(office: Office, first: Bot, second: Bot) -> str:
    first.kill()
    office.bots.remove(first)
    taken = await office.taken(second)
    assert taken <= TAKEN_OVER_WITHIN
    await office.until_raised(TICKETS // 2)
    first.start()
    office.bots.append(first)

    async def ready() -> bool:
        return (await first.ready())[0] != 0

    await until(ready, SHORTLY)
    began = time.monotonic()
    assert await second.stop() == 0
    stopped = time.monotonic() - began
    office.bots.remove(second)
    handed = await office.taken(first)
    return f"duty taken {taken:.1f} s after a death, {handed:.1f} s after a stop that took {stopped:.1f} s"


async def frozen(office: Office, first: Bot, second: Bot) -> str:
    first.freeze()
    office.bots.remove(first)
    taken = await office.taken(second, listens=False)  # both are on one machine: the port is the frozen one's
    assert taken <= TAKEN_OVER_WITHIN
    await office.until_raised(TICKETS // 2)
    first.thaw()
    office.bots.append(first)
    await office.taken(second)
    return f"duty taken {taken:.1f} s after it froze"


@pytest.mark.parametrize("trouble", [killed, pytest.param(frozen, marks=pytest.mark.long)])
async def test_what_is_due_is_done_once(
    trouble: Callable[[Office, Bot, Bot], object],
    tmp_path: Path,
    postgresql: Postgresql,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with await postgresql.fresh() as store:
        await store.write(lambda tx: file_tickets(tx, datetime.now(UTC) + FIRST))
    office = Office(postgresql.home, postgresql)
    everybody = list(office.bots)
    first, second = everybody
    try:
        first.start()
        await office.taken(first)
        second.start()
        await office.until_raised(TICKETS // 4)
        await office.taken(first)  # it still is
        told = await trouble(office, first, second)  # type: ignore[misc]
        await office.until_raised(TICKETS)
        for bot in office.bots:
            assert await bot.stop() == 0, bot.last_words()
    except TimeoutError:
        pytest.fail("\n".join(bot.last_words() for bot in everybody))
    finally:
        for bot in everybody:
            bot.end()

    async with await Store.open(postgresql.url, key_file=office.key_file, read_only=True) as store:
        filed = await store.read(tickets.search)
        history = {one.number: await store.read(lambda tx, n=one.number: audit.of_ticket(tx, n)) for one in filed}  # type: ignore[misc]
        lines = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
        assert (await store.read(audit.verify)).ok
    assert {ticket.level for ticket in filed} == {Level.COMMUNITY}
    for number, entries in history.items():
        times = Counter(entry.action for entry in entries)
        assert max(times.values()) == 1, (number, times)
    keys = Counter(line.key for line in lines)
    assert max(keys.values()) == 1
    with capsys.disabled():
        print(f"\n  {told}; {len(filed)} limits ran out once each, {len(lines)} lines")
