"""After a day of chat: no chit-chat text and no number in clear in any file the bot left."""

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from bot.clock import VirtualClock
from bot.demo.crowd import MIDNIGHT, Said, day
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import tickets
from storage.engine import Store
from storage.model import Alias, Grant, Message, MessageKind, Role

ROOMS = 40
MESSAGES = 6_000
TICK = timedelta(minutes=30)


@dataclass
class Lived:
    home: Path
    said: list[Said]
    filed: int


def message(said: Said) -> Message:
    return Message(
        account="sim",
        id=f"d{said.number}",
        kind=said.kind,
        room=said.room,
        sender=said.sender,
        sent_at=said.at,
        text=said.text,
        nick=said.nick,
        recalls=None if said.recalls is None else f"d{said.recalls}",
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    home = tmp_path_factory.mktemp("day")
    before = structlog.get_config()
    with (home / "xiaoge.log").open("w", encoding="utf-8") as log_file:
        structlog.configure(
            processors=[structlog.processors.JSONRenderer(ensure_ascii=False)],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
            logger_factory=structlog.WriteLoggerFactory(log_file),
        )
        try:
            return asyncio.run(live(home))
        finally:
            structlog.configure(**before)


async def live(home: Path) -> Lived:
    clock = VirtualClock(MIDNIGHT)
    wire = Simulator("sim", clock, attach=False)
    said = list(day(7, ROOMS, MESSAGES))
    grids = {f"r{n + 1:04}": f"519999001001{n // 10 + 1:03}{n % 10 + 1:03}" for n in range(ROOMS)}
    registry = Registry(
        people=[
            KnownPerson("社区小何", (Grant(Role.GRID_WORKER, "519999001001"),), (Alias("sim", "worker", friend=True),))
        ],
        rooms=[KnownRoom("sim", room, grid, enabled=True) for room, grid in grids.items()],
    )
    async with await Store.open(f"sqlite+aiosqlite:///{home / 'xiaoge.db'}") as store:
        await store.write(lambda tx: registry.store(tx, clock.now()))
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
        ticked = clock.now()
        for one in said:
            clock.advance(one.at)
            wire.say(message(one))
            await house.hear("sim", wire.take())
            if clock.now() - ticked >= TICK:
                ticked = clock.now()
                await house.tick()
                await house.speak()
        clock.advance(MIDNIGHT + timedelta(days=3, hours=12))
        await house.tick()
        await house.speak()
        assert house.dispatcher.failures == 0
        filed = len(await store.read(tickets.search))
    return Lived(home, said, filed)


def left_behind(home: Path) -> bytes:
    files = [path for path in home.iterdir() if path.suffix != ".key"]
    assert {path.name for path in files} >= {"xiaoge.db", "xiaoge.log"}
    return b"\n".join(path.read_bytes() for path in files)


def test_appeals_were_heard(lived: Lived) -> None:
    reported = sum(one.appeal and one.kind is MessageKind.TEXT for one in lived.said)
    assert reported > 60
    assert lived.filed > reported / 4


def test_no_chit_chat_is_left(lived: Lived) -> None:
    blob = left_behind(lived.home)
    chat = {one.text for one in lived.said if not one.appeal and len(one.text) >= 8}
    assert len(chat) > MESSAGES / 2
    leaked = [text for text in chat if text.encode() in blob]
    assert leaked == []


def test_no_number_stands_in_clear(lived: Lived) -> None:
    blob = left_behind(lived.home)
    numbers = {number for one in lived.said for number in re.findall(r"\d{11,18}", one.text)}
    assert len(numbers) > MESSAGES / 200
    assert [number for number in numbers if number.encode() in blob] == []


def test_recalled_words_are_gone(lived: Lived) -> None:
    blob = left_behind(lived.home)
    by_number = {one.number: one for one in lived.said}
    recalled = {one.recalls: by_number[one.recalls].text for one in lived.said if one.recalls is not None}
    standing = {one.text for one in lived.said if one.number not in recalled}
    gone = [text for text in recalled.values() if len(text) >= 8 and not any(text in other for other in standing)]
    assert len(gone) > 20
    assert [text for text in gone if text.encode() in blob] == []
