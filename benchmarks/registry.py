"""The registry of the largest district: importing it, and asking it for every message.

    python benchmarks/registry.py [--messages 30000]

148 communities (总网格), 638 general grids, 8,667 micro-grids, 8,742 groups on 44 accounts, 9,000 people, as XLSX.
Each import is a process of its own, as an operator runs it: seconds, CPU seconds, peak memory; then once more with
nothing changed, and with one row in a hundred changed. Then a simulated day of one account's 200 groups goes through
the whole bot on that registry, one message in a hundred a leader's command, and the time is taken that finding a
message's room, actor and rights takes. On the hot path they come from memory; what may have an effect asks the
database (the beginning of its transaction is not counted: it is there anyway).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

import structlog
import xlsxwriter

from bot import memory as memories
from bot.clock import VirtualClock
from bot.demo.crowd import MIDNIGHT, day
from bot.house import House
from bot.pacing import Budget
from bot.transports.simulator import Simulator
from handlers import rights
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import people, rooms
from storage.engine import Store
from storage.model import Message, MessageKind

COMMUNITIES, GENERAL, MICRO, GROUPS, PEOPLE = 148, 638, 8667, 8742, 9000
ACCOUNTS, ROOMS_EACH = 44, 200
CONFIG = """\
[database]
url = "sqlite+aiosqlite:///xiaoge.db"
key_file = "xiaoge.key"
[monitor]
enabled = false
"""
BATCH = 256
Table = list[tuple[str, ...]]


def district() -> dict[str, Table]:
    """The four tables, heads first. Fictional throughout."""
    communities = [f"519999{1 + n // 30:03d}{1 + n % 30:03d}" for n in range(COMMUNITIES)]
    general = [f"{communities[n % COMMUNITIES]}{1 + n // COMMUNITIES:03d}" for n in range(GENERAL)]
    micro = [f"{general[n % GENERAL]}{1 + n // GENERAL:03d}" for n in range(MICRO)]
    grids: Table = [("网格码", "名称")]
    grids += [(code, f"示例{code[6:]}社区") for code in communities]
    grids += [(code, f"第{int(code[12:])}网格") for code in general]
    grids += [(code, f"{int(code[15:])}号微网格") for code in micro]
    staff: Table = [("姓名", "角色", "网格码", "电话", "编号", "微信")]
    posts = [("社区工作人员", code) for code in communities] + [("网格员", code) for code in general]
    posts += [("微网格长", code) for code in micro[: PEOPLE - len(posts)]]
    where = {code: n // ROOMS_EACH + 1 for n, code in enumerate(micro)}
    staff += [
        (f"示例{n:04d}", role, code, f"138{n:08d}", f"A{n:05d}", f"wx{where.get(code, 1):02d}:wxid_{code}")
        for n, (role, code) in enumerate(posts)
    ]
    groups: Table = [("微信号", "群ID", "群名", "网格码", "类型", "启用")]
    kinds = [("居民群", code) for code in micro] + [("工作群", code) for code in general[: GROUPS - MICRO]]
    groups += [
        (f"wx{n // ROOMS_EACH + 1:02d}", f"r{n + 1:04d}", f"示例{code[6:]}群", code, kind, "是")
        for n, (kind, code) in enumerate(kinds)
    ]
    owners: Table = [("事项", "网格码", "角色")]
    owners += [(f"{group:02d}", code, "物业") for code in communities for group in range(1, 8)]
    return {"grids": grids, "people": staff, "rooms": groups, "owners": owners}


def changed(kind: str, table: Table) -> Table:
    """The same with every hundredth row changed."""
    column = {"grids": 1, "people": 3, "rooms": 2, "owners": 2}[kind]
    values = {"people": lambda n, _: f"139{n:08d}", "owners": lambda *_: "执法"}
    make = values.get(kind, lambda _, old: f"{old}改")
    return [
        (*row[:column], make(n, row[column]), *row[column + 1 :]) if n and n % 100 == 0 else row
        for n, row in enumerate(table)
    ]


def write(path: Path, table: Table) -> None:
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False})
    sheet = book.add_worksheet()
    for number, row in enumerate(table):
        sheet.write_row(number, 0, row)
    book.close()


def load(home: Path, kind: str) -> tuple[float, float, float, str]:
    """`xiaoge import`: seconds, CPU seconds, peak MiB, what it said at last."""
    command = [sys.executable, "-m", "bot", "import", kind, str(home / f"{kind}.xlsx"), "-c", str(home / "config.toml")]
    said = home / "said.txt"
    begun = time.perf_counter()
    child = os.posix_spawn(
        command[0],
        command,
        {**os.environ, "PYTHONPATH": sys.path[0]},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, str(said), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)],
    )
    _, status, usage = os.wait4(child, 0)
    assert status == 0, f"import {kind} failed"
    last = said.read_text(encoding="utf-8").splitlines()[-1]
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, last


def imports(home: Path) -> None:
    accounts = "".join(
        f'[[accounts]]\nname = "wx{n:02d}"\nendpoint = "127.0.0.1:8788"\ntoken = "x"\nrooms = {ROOMS_EACH}\n'
        for n in range(1, ACCOUNTS + 1)
    )
    (home / "config.toml").write_text(CONFIG + accounts, encoding="utf-8")
    tables = district()
    for kind, table in tables.items():
        write(home / f"{kind}.xlsx", table)
    for kind, table in tables.items():
        first = load(home, kind)
        again = load(home, kind)
        write(home / f"{kind}.xlsx", changed(kind, table))
        some = load(home, kind)
        for what, (seconds, cpu, peak, said) in (("new", first), ("again", again), ("1 in 100", some)):
            print(
                f"import {kind:6} {len(table) - 1:6,} rows  {what:8} {seconds:5.1f} s  CPU {cpu:5.1f} s  "
                f"peak {peak:4.0f} MiB   {said}",
                flush=True,
            )
        print(f"       {kind:6} again : new = {again[1] / first[1]:.2f} (CPU)", flush=True)


class Meter:
    """Counts calls and the time in them."""

    def __init__(self) -> None:
        self.calls, self.seconds = 0, 0.0

    def call(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return work(*args, **named)
            finally:
                self.calls += 1
                self.seconds += time.perf_counter() - begun

        return timed

    def wait(self, work: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def timed(*args: Any, **named: Any) -> Any:
            await args[0].exec_driver_sql("SELECT 1")  # a transaction really begins with its first statement
            begun = time.perf_counter()
            try:
                return await work(*args, **named)
            finally:
                self.calls += 1
                self.seconds += time.perf_counter() - begun

        return timed


def talk(messages: int) -> list[Message]:
    """A day of the groups; one message in a hundred is a command of the group's leader."""
    rng = random.Random(7)
    groups = district()["rooms"][1 : ROOMS_EACH + 1]
    said = []
    for one in day(1, ROOMS_EACH, messages):
        account, room, _, code, *_ = groups[int(one.room[1:]) - 1]
        recalls = None if one.recalls is None else f"m{one.recalls}"
        message = Message(
            account, f"m{one.number}", one.kind, room, one.sender, one.at, text=one.text, nick=one.nick, recalls=recalls
        )
        if rng.random() < 0.01 and one.kind is MessageKind.TEXT:
            command = rng.choice(("待办", "接单 S1", "受理 S2", "停用"))
            message = replace(message, sender=f"wxid_{code}", nick="网格长", text=command)
        said.append(message)
    return said


async def lookups(home: Path, messages: int) -> None:
    said = talk(messages)
    async with await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}", key_file=home / "xiaoge.key") as store:
        held = memories.Memory()
        begun = time.perf_counter()
        await store.read(held.load)
        took = time.perf_counter() - begun
        print(f"start: {len(held.rooms):,} rooms and {len(held.people):,} accounts of people read in {took:.2f} s")
        begun = time.perf_counter()
        for message in said:
            speaker = memories.speaker(message)
            held.room(message)
            _ = speaker in held.people, speaker in held.opted_out
        hot = time.perf_counter() - begun

        rooms_, actors, rights_ = Meter(), Meter(), Meter()
        rooms.ensure = rooms_.wait(rooms.ensure)  # type: ignore[assignment]
        people.find = actors.wait(people.find)  # type: ignore[assignment]
        rights.allowed = rights_.call(rights.allowed)
        rights.anywhere = rights_.call(rights.anywhere)
        clock = VirtualClock(MIDNIGHT)
        wire = Simulator("wx01", clock, keep=BATCH * 4)
        house = House(
            store=store, classifier=Classifier.load(), policy=Policy(categories=categories.load()),
            transports=[wire], budget=Budget(), clock=clock, seed=1,
        )  # fmt: skip
        await house.start()
        begun = time.perf_counter()
        for start in range(0, len(said), BATCH):
            batch = said[start : start + BATCH]
            clock.advance(batch[-1].sent_at)
            for message in batch:
                wire.say(message)
            await house.hear("wx01", wire.take())
        whole = time.perf_counter() - begun
    total = hot + rooms_.seconds + actors.seconds + rights_.seconds
    asked = actors.calls / len(said)
    print(f"{len(said):,} messages in {whole:.1f} s; {asked:.1%} ask the database")
    print(f"from memory:  room, known, opted out {hot / len(said) * 1e6:6.2f} µs a message")
    for what, meter in (("room", rooms_), ("actor", actors), ("rights", rights_)):
        print(f"{what:6} where asked: {meter.calls:6,} × {meter.seconds / max(1, meter.calls) * 1e6:7.1f} µs")
    print(f"on average: {total / len(said) * 1e6:.1f} µs a message, {total / whole:.1%} of its handling (limit 50 µs)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=30_000)
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        imports(Path(folder))
        asyncio.run(lookups(Path(folder), args.messages))


if __name__ == "__main__":
    main()
