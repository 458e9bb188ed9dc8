"""A store with tickets, and upstreams that do what a test wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jsonschema import Draft202012Validator

from bot.clock import VirtualClock
from bot.settings import Upstream
from bot.sync.client import Batch, Result
from bot.sync.courier import Courier
from bot.sync.mapping import FIELDS, REPORTER_FIELDS
from bot.sync.rendering import Labels
from nlp import categories
from storage import grids, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Grant,
    Grid,
    Level,
    MessageKind,
    Nature,
    NewTicket,
    Place,
    Role,
    Ticket,
    TicketMessage,
    TicketState,
    Urgency,
)

SCHEMA = Path(__file__).parents[3] / "bot" / "data" / "ticket-1.schema.json"
NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
SOURCE = "519999001001"
GRID = "519999001001003012"
PHONE = "13900001234"
NICK = "3-2-1502 李示例"
OWNER = "王承办"
WORDS = "三栋二单元电梯又坏了"
LABELS = Labels(categories.load(), ZoneInfo("Asia/Shanghai"))


@cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def upstream(**keys: Any) -> Upstream:
    return Upstream(**{"name": "street", "url": "http://127.0.0.1:1", "secret": "s" * 20, "wait_seconds": 0, **keys})


Answer = Callable[[Batch], Sequence[Result]]


class Above:
    """A platform that keeps what it is given, and holds every payload against the schema. `answers` are what it does
    with the next requests instead; an exception is raised."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}
        self.batches: list[Batch] = []
        self.applied: list[tuple[str, int]] = []
        self.answers: list[Answer | Exception] = []

    async def deliver(self, batch: Batch) -> Sequence[Result]:
        self.batches.append(batch)
        for item in json.loads(batch.body)["items"]:
            validator().validate(item)
        answer = self.answers.pop(0) if self.answers else self.accept
        if isinstance(answer, Exception):
            raise answer
        return answer(batch)

    def accept(self, batch: Batch) -> list[Result]:
        results = []
        for item in batch.items:
            held = self.held.get(item["id"])
            if held is not None and held["version"] > item["version"]:
                results.append(Result("stale"))
            elif held is not None and held["hash"] == item["hash"]:
                results.append(Result("duplicate", f"A-{item['id']}"))
            else:
                self.held[item["id"]] = item
                self.applied.append((item["id"], item["version"]))
                results.append(Result("accepted", f"A-{item['id']}"))
        return results

    def sizes(self) -> list[int]:
        return [len(batch.items) for batch in self.batches]


class House:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = VirtualClock(NOON)
        self.above = Above()
        self.upstream = upstream()
        self.room = self.resident = self.worker = 0

    async def furnish(self) -> None:
        async def work(tx: Tx) -> None:
            await grids.put(tx, [Grid(GRID, "12微网格")])
            self.room = (await rooms.ensure(tx, "a", "r1", "三号楼业主群", at=NOON)).id
            aliases = (Alias("a", "wxid_li", nick=NICK),)
            self.resident = (await people.import_person(tx, "李示例", (), aliases)).id
            self.worker = (await people.import_person(tx, OWNER, (Grant(Role.PROPERTY, GRID),), ())).id

        await self.store.write(work)

    async def file(self, many: int = 1, *, text: str = WORDS, **values: Any) -> Ticket:
        """File tickets; the last one."""

        async def work(tx: Tx) -> Ticket:
            new = NewTicket(
                **{
                    "state": TicketState.FILED,
                    "category": "0501",
                    "urgency": Urgency.ROUTINE,
                    "nature": Nature.HELP,
                    "level": Level.GRID,
                    "grid": GRID,
                    "room_id": self.room,
                    "place": Place("3", "2", "15", "1502", "南门", "text"),
                    "confidential": False,
                    "reported_at": self.clock.now(),
                    "filed_at": self.clock.now(),
                    "ack_due": None,
                    "due": self.clock.now() + timedelta(days=1),
                    **values,
                }
            )
            for _ in range(many):
                ticket = await tickets.file(tx, new)
                message = f"m{ticket.number}"
                row = TicketMessage(
                    ticket.number, "a", message, self.room, self.resident, MessageKind.TEXT, self.clock.now(), text
                )
                await tickets.add_message(tx, row)
                await tickets.add_reporter(
                    tx, ticket.number, self.resident, self.room, self.clock.now(), nick=NICK, contact=PHONE
                )
            return ticket

        return await self.store.write(work)

    async def change(self, number: int, **values: Any) -> Ticket:
        async def work(tx: Tx) -> Ticket:
            changed = await tickets.update(tx, number, expect=list(TicketState), at=self.clock.now(), **values)
            assert changed is not None
            return changed

        return await self.store.write(work)

    def courier(self, seed: int = 1) -> Courier:
        """A new one, as after a start of the program."""
        return Courier(self.store, self.upstream, SOURCE, self.above, LABELS, self.clock, seed=seed)

    async def sync(self, courier: Courier | None = None) -> datetime | None:
        """Send what may go now."""
        return await (courier or self.courier()).step()

    async def sync_until_quiet(self, courier: Courier | None = None, most: int = 10_000) -> None:
        """Send, and move the clock to whatever comes next, until nothing waits."""
        courier = courier or self.courier()
        for _ in range(most):
            again_at = await courier.step()
            if again_at is None:
                return
            self.clock.advance(again_at)
        raise AssertionError("it never becomes quiet")


def every_path(item: dict[str, Any]) -> set[str]:
    found = set()
    for name, value in item.items():
        found |= {f"{name}.{inner}" for inner in value} if isinstance(value, dict) else {name}
    return found


PATHS = frozenset(FIELDS) | {"hash"}
PATHS_WITH_REPORTER = PATHS | frozenset(REPORTER_FIELDS)
