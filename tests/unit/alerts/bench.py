"""A listener with devices that post to it: the configuration read from TOML, the real store, real requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from bot.alerts.receiving import Receiver
from bot.app import receiver_of
from bot.clock import Clock, SystemClock
from bot.config import Config, load
from bot.listener import Listener
from handlers.context import Policy
from nlp import categories
from storage import grids, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Grid, Role, Room, RoomState, Ticket
from tests.upstream.signature import sign

SECRET = "s3cret-of-both"  # noqa: S105
COMMUNITY, MICRO, ELSEWHERE = "519999001001", "519999001001003012", "519999002001"
CONFIG = f"""
[alerts]
listen = "127.0.0.1:1"
[[alerts.sources]]
name = "gas"
title = "燃气监测"
secret = "{SECRET}"
category = "0502"
grid = "{COMMUNITY}"
notice = true
devices = {{ "g-0031" = {{ grid = "{MICRO}", place = "3栋2单元" }} }}
[[alerts.sources]]
name = "water"
secret = "another"
category = "0510"
"""


@dataclass
class Bench:
    store: Store
    clock: Clock
    receiver: Receiver
    url: str
    woken: list[int] = field(default_factory=list)
    _keys: Any = field(default_factory=lambda: count(1))

    def alert(self, **changed: Any) -> dict[str, Any]:
        """As a device says it, now."""
        at = self.clock.now().isoformat(timespec="seconds")
        said = {"id": "e-1", "device": "g-0031", "kind": "甲烷超限", "level": "orange", "at": at}
        return {name: value for name, value in (said | changed).items() if value is not ...}

    async def post(self, source: str = "gas", *, key: str | None = None, **changed: Any) -> tuple[int, Any]:
        return await self.send(json.dumps(self.alert(**changed)).encode(), source, key=key)

    async def send(
        self,
        body: bytes,
        source: str = "gas",
        *,
        key: str | None = None,
        secret: str = SECRET,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """A request, signed as docs/alerts.md says; nothing of the bot's own signing is used."""
        key = f"k-{next(self._keys)}" if key is None else key
        stamp, target = str(int(time.time())), f"/alerts/{source}"
        signed = {
            "X-Xiaoge-Timestamp": stamp,
            "Idempotency-Key": key,
            "X-Xiaoge-Signature": sign(secret, stamp, "POST", target, key, body),
            **(headers or {}),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}{target}", data=body, headers=signed) as response,
        ):
            return response.status, await response.json()

    async def flood(self, amount: int) -> list[tuple[int, Any]]:
        """One device, many alerts at once."""
        return await asyncio.gather(*(self.post(id=f"f-{number}") for number in range(amount)))

    async def tickets(self) -> list[Ticket]:
        return sorted(await self.store.read(tickets.search), key=lambda ticket: ticket.number)


def configured(folder: Path, text: str = CONFIG) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


async def furnish(store: Store) -> Room:
    """Grids, a group that is awake, and who leads it."""

    async def work(tx: Tx) -> Room:
        await grids.put(tx, [Grid(COMMUNITY, "青禾社区"), Grid(MICRO, "12微网格"), Grid(ELSEWHERE, "别的社区")])
        room = await rooms.ensure(tx, "sim", "r1", "青禾苑3栋群", at=datetime.now().astimezone() - timedelta(days=1))
        await people.import_person(tx, "刘姐", [Grant(Role.MICRO_LEADER, MICRO)], [Alias("sim", "liu", friend=True)])
        return await rooms.update(tx, room.id, grid=MICRO, state=RoomState.ENABLED)

    return await store.write(work)


@asynccontextmanager
async def bench(store: Store, config: Config, clock: Clock | None = None) -> AsyncIterator[Bench]:
    """A listener at a free port for the block."""
    clock = clock or SystemClock()
    known = categories.load()
    woken: list[int] = []
    receiver = receiver_of(config, store, Policy(categories=known), clock, wake=lambda: woken.append(1))
    assert receiver is not None
    listener = Listener("127.0.0.1", 0, [receiver], clock)
    async with listener.listening():
        yield Bench(store, clock, receiver, f"http://127.0.0.1:{listener.addresses[0][1]}", woken)
