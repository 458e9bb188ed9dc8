"""The whole demo, on the real pipeline, a few seconds of it."""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.clock import VirtualClock
from bot.demo import community, demo, script, show
from bot.demo.play import ACCOUNT, Play, opening, performance, stage
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage.model import PostKind, TicketState, Urgency

PEOPLE = community.load()
GLANCE = timedelta(seconds=2)


@dataclass
class Virtual:
    """A play in virtual time: no waiting, the same on a slow machine."""

    play: Play
    clock: VirtualClock

    async def until(self, condition, within):
        """Go on until the condition holds; returns how long that took. Fails where it does not hold in time."""
        start = self.clock.now()
        await self.play.house.start()
        while not condition():
            assert self.clock.now() - start < within, "it never came to that"
            coming = await self.play.step()
            await self.play.house.hear(ACCOUNT, self.play.wire.take())
            again_at = await self.play.house.speak() or coming
            await self.play.refresh()
            self.clock.advance(min(coming, again_at, self.clock.now() + GLANCE))
        return self.clock.now() - start


@pytest.fixture
async def virtual():
    policy = Policy(categories=categories.load())
    clock = VirtualClock(opening(policy))
    async with stage(PEOPLE, script.stream(PEOPLE, 1), policy, Classifier.load(), clock, seed=1) as play:
        yield Virtual(play, clock)


async def test_the_first_minutes_tell_the_whole_story(virtual):
    board = virtual.play.board

    def told():
        states = {ticket.state for ticket in board.filed}
        public = {line.kind for line in board.spoken if line.public}
        return (
            states >= {TicketState.CLOSED, TicketState.ACCEPTED}
            and public >= {PostKind.ACK, PostKind.CALLBACK, PostKind.EMERGENCY}
            and any(ticket.urgency is Urgency.EMERGENCY for ticket in board.filed)
        )

    await virtual.until(told, within=timedelta(seconds=show.STORY))
    assert virtual.play.failures == 0
    assert board.heard["chat"] > 20
    assert board.heard.total() == board.said  # each message was judged once
    assert len(board.filed) >= 5
    assert {"03", "07", "10"} <= set(board.origin.values())


async def test_an_emergency_is_answered_in_public_within_ten_seconds(virtual):
    board = virtual.play.board
    await virtual.until(lambda: any("煤气味" in line.text for line in board.talk.values()), timedelta(minutes=3))
    took = await virtual.until(
        lambda: any(line.place == "07" and line.kind is PostKind.EMERGENCY for line in board.spoken),
        timedelta(minutes=1),
    )
    assert took <= timedelta(seconds=10)


async def test_viewer_speaks_as_resident_leader_and_property(virtual):
    play, board = virtual.play, virtual.play.board
    answers = []
    play.answered = lambda reason, numbers: answers.append((reason, numbers))
    assert show.say(play, "6 6栋2单元电梯坏了，关不上门，没人修") == ""
    await virtual.until(lambda: answers, timedelta(minutes=1))
    reason, (number,) = answers[0]
    assert (reason, board.origin[number]) == ("ticket", "06")
    assert show.say(play, f"l6 派单 S{number} 物业") == ""
    assert show.say(play, f"P06 接单 S{number}") == ""
    await virtual.until(lambda: board.tickets[number].state is TicketState.ACCEPTED, timedelta(minutes=1))


async def test_what_cannot_be_understood_is_answered_with_the_grammar(virtual):
    assert "99" in show.say(virtual.play, "99 电梯坏了")
    assert "这样写" in show.say(virtual.play, "电梯坏了")
    assert virtual.play.board.said == 0


def entries(folder):
    return list(folder.iterdir())


async def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with performance(PEOPLE, script.stream(PEOPLE, 1), speed=1, seed=1):
        assert len(entries(tmp_path)) == 1
    assert entries(tmp_path) == []


def test_plain_demo_prints_events_and_a_summary(capsys, monkeypatch):
    printed = []

    async def wait(_over, until):
        """As long as a machine with much to do takes to come to something."""
        assert until - time.monotonic() <= 1.5
        async with asyncio.timeout(120):
            while not (re.search(r"S\d+ +受理", "".join(printed)) and "小格 →" in "".join(printed)):
                await asyncio.sleep(0.05)
                printed.append(capsys.readouterr().out)

    monkeypatch.setattr(show, "_wait", wait)
    assert demo(seconds=1.5, plain=True) == 0
    out = capsys.readouterr().out
    for word in ("summary", "messages heard", "tickets", "candidates", "by reason", "example tickets"):
        assert word in out


@pytest.mark.parametrize(("seconds", "speed"), [(None, show.SPEED), (20, 54), (3600, show.SPEED), (1, show.FASTEST)])
def test_a_short_demo_runs_faster(seconds, speed):
    assert show.pace(seconds) == speed


def test_a_reader_who_has_seen_enough_ends_it():
    """`xiaoge demo --plain | head -1`, with stdin closed."""
    program = "import sys; from bot.demo import demo; sys.exit(demo(seconds=600, plain=True))"
    with subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=120) == 0
        assert process.stderr.read() == b""
