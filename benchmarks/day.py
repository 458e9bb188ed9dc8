"""Memory over a simulated day of many rooms: it must be flat after the first hour.

    python benchmarks/day.py [--rooms 9000] [--messages 1000000]

Another process writes the day's chat to a file; this one reads it line by line through the whole bot in virtual time
and prints, for each hour of the day, the messages so far and the resident memory of this process. The last line is the
ratio of the memory at the day's end to that after its first busy hour (8 to 9 o'clock).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # in its own folder nlp.py would hide the package

import structlog

from bot.clock import VirtualClock
from bot.demo.crowd import MIDNIGHT, day
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage.engine import Store
from storage.model import Message, MessageKind

BATCH = 256
PIECES = 10  # the writer holds a tenth of the day in memory at a time
TICK = timedelta(minutes=1)


def write_day(path: Path, rooms: int, messages: int) -> None:
    """Several days laid over one another and merged by time: the writer's own memory does not matter."""
    lines = []
    for piece in range(PIECES):
        lines += [
            (one.at.timestamp(), f"{piece}-{one.number}", one.room, one.sender, one.nick, one.kind.value, one.text,
             None if one.recalls is None else f"{piece}-{one.recalls}")
            for one in day(piece, rooms, messages // PIECES)
        ]  # fmt: skip
    lines.sort()
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_day(path: Path) -> Iterator[Message]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            at, name, room, sender, nick, kind, text, recalls = json.loads(line)
            yield Message(
                account="sim",
                id=name,
                kind=MessageKind(kind),
                room=room,
                sender=sender,
                sent_at=datetime.fromtimestamp(at, MIDNIGHT.tzinfo),
                text=text,
                nick=nick,
                recalls=recalls,
            )


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def live(path: Path, home: Path, rooms: int) -> None:
    clock = VirtualClock(MIDNIGHT)
    wire = Simulator("sim", clock, keep=BATCH * 4)
    async with await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}") as store:
        known = [
            KnownRoom("sim", f"r{n + 1:04}", f"519999{n // 30 + 1:06}{n // 10 % 3 + 1:03}{n % 10 + 1:03}", enabled=True)
            for n in range(rooms)
        ]
        await store.write(lambda tx: Registry(rooms=known).store(tx, clock.now()))
        house = House(
            store=store,
            classifier=Classifier.load(),
            policy=Policy(categories=categories.load()),
            transports=[wire],
            budget=Budget(),
            clock=clock,
            seed=1,
        )
        await house.start()
        hour, ticked, heard, early = 0, clock.now(), 0, 0.0
        started = time.perf_counter()
        for message in read_day(path):
            clock.advance(message.sent_at)
            wire.say(message)
            heard += 1
            if heard % BATCH == 0:
                await house.hear("sim", wire.take())
                await house.speak()
                wire.sent.clear()
            if clock.now() - ticked >= TICK:
                ticked = clock.now()
                await house.tick()
            if message.sent_at.hour != hour:
                hour = message.sent_at.hour
                gc.collect()
                memory = resident()
                early = memory if hour == 9 else early
                rate = heard / (time.perf_counter() - started)
                print(f"{hour:02}:00  {heard:9,} messages  {memory:6.0f} MiB  {rate:7,.0f} messages/s", flush=True)
        await house.hear("sim", wire.take())
        print(f"end    {heard:9,} messages  {resident():6.0f} MiB   end : 09:00 = {resident() / early:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=9_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if args.write is not None:
        write_day(args.write, args.rooms, args.messages)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.jsonl"
        command = [sys.executable, __file__, "--write", str(path)]
        subprocess.run([*command, "--rooms", str(args.rooms), "--messages", str(args.messages)], check=True)  # noqa: S603
        asyncio.run(live(path, Path(folder), args.rooms))


if __name__ == "__main__":
    main()
