"""The program ends between any two steps of a wish: the next life goes on where it stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import wishes
from storage.engine import Store
from storage.model import Alias, Grant, Grid, Message, MessageKind, Role, RoomKind
from storage.testing import fresh_store, url_of
from storage.wishes import Wish, WishState

MICRO = "519999001001003012"
MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
FREE = Budget(per_minute=60, per_hour=1000, per_day=5000, gap=(0, 0), per_room_gap=0)


class Lives:
    """One wire and one database; a new program for every message."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = VirtualClock(MORNING)
        self.wire = Simulator("a", self.clock)
        self.classifier = Classifier.load()
        self.count = 0

    async def say(self, who: str, text: str, *, private: bool = False, kind: MessageKind = MessageKind.TEXT) -> None:
        """A program starts, hears this, answers and is gone."""
        async with await Store.open(url_of(self.home / "xiaoge.db")) as store:
            house = House(
                store=store,
                classifier=self.classifier,
                policy=Policy(categories=categories.load()),
                transports=[self.wire],
                budget=FREE,
                clock=self.clock,
                seed=1,
            )
            await house.start()
            self.wire.drop_link()
            self.wire.restore_link()
            await house.hear("a", self.wire.take())  # the link is up: the last minutes are read again
            self.count += 1
            room = None if private else "r1"
            self.wire.say(Message("a", f"m{self.count}", kind, room, who, self.clock.now(), text, nick=who))
            await house.hear("a", self.wire.take())
            await house.tick()
            while (again := await house.speak()) is not None and again <= self.clock.now() + timedelta(minutes=1):
                self.clock.advance(again)
            assert house.dispatcher.failures == 0
        self.clock.advance(self.clock.now() + timedelta(minutes=1))

    async def wish(self) -> Wish:
        async with await Store.open(url_of(self.home / "xiaoge.db")) as store:
            found = await store.read(lambda tx: wishes.get(tx, 1))
            assert found is not None
            return found

    def said(self) -> list[str]:
        return [sent.text for sent in self.wire.sent]


@pytest.fixture
async def lives(tmp_path: Path) -> Lives:
    async with await fresh_store(tmp_path) as store:
        registry = Registry(
            grids=[Grid(MICRO[:digits], "") for digits in (12, 15, 18)],
            people=[KnownPerson("刘姐", (Grant(Role.MICRO_LEADER, MICRO),), (Alias("a", "刘姐", friend=True),))],
            rooms=[KnownRoom("a", "r1", MICRO, RoomKind.RESIDENT, "青禾社区12微网格群", enabled=True)],
        )
        await store.write(lambda tx: registry.store(tx, MORNING))
    return Lives(tmp_path)


async def test_a_wish_goes_through_as_many_lives_as_it_has_steps(lives: Lives) -> None:
    await lives.say("老周", "心愿 想要一台旧电风扇", private=True)
    await lives.say("刘姐", "审核 X1 通过", private=True)
    await lives.say("小吴", "认领")
    await lives.say("小唐", "我来认领 我有一台")
    await lives.say("小吴", "放弃 X1")
    await lives.say("小唐", "完成 X1")
    await lives.say("小唐", "", kind=MessageKind.IMAGE)
    lives.clock.advance(lives.clock.now() + timedelta(hours=3))  # the leader may object before the group reads thanks
    await lives.say("小何", "早上好")
    wish = await lives.wish()
    assert (wish.state, wish.rounds, wish.photo_id) == (WishState.DONE, 1, "m7")
    assert sum("圆满" in line for line in lives.said()) == 1
    assert sum("轮到您了" in line for line in lives.said()) == 1


async def test_a_claim_runs_out_while_nothing_runs(lives: Lives) -> None:
    await lives.say("老周", "心愿 想要一台旧电风扇", private=True)
    await lives.say("刘姐", "审核 X1 通过", private=True)
    await lives.say("小吴", "认领 X1")
    await lives.say("小唐", "认领 X1")
    lives.clock.advance(lives.clock.now() + timedelta(days=30))
    await lives.say("小何", "早上好")
    wish = await lives.wish()
    assert (wish.state, wish.rounds) == (WishState.CLAIMED, 1)
    assert sum("认领满7天" in line for line in lives.said()) == 1
    assert sum("轮到您了" in line for line in lives.said()) == 1


async def test_a_photo_of_something_else_is_not_noted(lives: Lives) -> None:
    await lives.say("老周", "心愿 想要一台旧电风扇", private=True)
    await lives.say("刘姐", "审核 X1 通过", private=True)
    await lives.say("小吴", "认领 X1")
    await lives.say("小吴", "完成 X1")
    await lives.say("小唐", "", kind=MessageKind.IMAGE)
    lives.clock.advance(lives.clock.now() + timedelta(minutes=11))
    await lives.say("小吴", "", kind=MessageKind.IMAGE)
    assert (await lives.wish()).photo_id is None
