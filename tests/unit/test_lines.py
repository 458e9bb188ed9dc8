"""`xiaoge outbox …`: look at lines and decide about them, beside a running bot."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import SystemClock
from bot.house import House
from bot.pacing import Budget
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import audit, byhand, outbox, rooms
from storage.beside import open_beside
from storage.engine import Store, Tx
from storage.model import Draft, Lane, Outgoing, PostKind, RoomKind, SendState
from storage.testing import fresh_store, url_of
from tests.unit.conftest import Invoke

WORDS = "已登记 S1 电梯"


def line(key: str, to: str = "r1") -> Draft:
    now = datetime.now(UTC)
    return Draft(
        key=key,
        account="wx1",
        conversation=to,
        text=WORDS,
        kind=PostKind.ACK,
        lane=Lane.REPLY,
        not_before=now,
        created_at=now - timedelta(hours=3),
        ticket=1,
    )


async def some_lines(tx: Tx) -> None:
    """1 unknown, 2 failed, 3 queued, 4 sent."""
    now = datetime.now(UTC)
    room = await rooms.ensure(tx, "wx1", "r1", "青禾[12]群", at=now)
    await rooms.update(tx, room.id, kind=RoomKind.LEADER)
    for key, to in (("ack:S1", "r1"), ("told:S1:7", "wxid_liu"), ("ack:S2", "r1"), ("ack:S3", "r1")):
        await outbox.put(tx, line(key, to))
    for one in (1, 2, 4):
        await outbox.mark_sending(tx, one, now - timedelta(minutes=5))
    await outbox.mark_unknown(tx, 1, "no answer within 15 s")
    await outbox.mark_failed(tx, 2, "unknown contact")
    await outbox.mark_sent(tx, 4, now, None)


async def test_a_running_bot_sends_what_a_person_sends_again(tmp_path: Path) -> None:
    """Nobody wakes the sender: it looks again with the next tick."""
    clock = SystemClock()
    wire = Simulator("wx1", clock)
    async with await fresh_store(tmp_path) as store:
        await store.write(some_lines)
        house = House(
            store=store,
            classifier=Classifier.load(),
            policy=Policy(categories=categories.load()),
            transports=[wire],
            budget=Budget(per_minute=60, gap=(0, 0), per_room_gap=0),
            clock=clock,
        )
        living = asyncio.create_task(house.run(tick_every=0.05))
        async with asyncio.timeout(60):
            while not wire.sent:  # noqa: ASYNC110 - the simulator rings no bell
                await asyncio.sleep(0.01)
            assert [sent.conversation for sent in wire.sent] == ["r1"]
            beside = await open_beside(url_of(tmp_path / "xiaoge.db"), key_file=tmp_path / "xiaoge.key")
            await beside.write(lambda tx: byhand.decide(tx, 2, byhand.Decision.RETRY, datetime.now(UTC)))
            await beside.close()
            while len(wire.sent) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        house.stop()
        await living
        done = await store.read(lambda tx: outbox.get(tx, 2))
    assert [sent.conversation for sent in wire.sent] == ["r1", "wxid_liu"]
    assert done is not None
    assert done.state is SendState.SENT


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    (tmp_path / "var").mkdir()

    async def work() -> None:
        async with await fresh_store(tmp_path / "var") as store:
            await store.write(some_lines)

    asyncio.run(work())
    return tmp_path


def now_is(place: Path, one: int) -> Outgoing:
    async def work() -> Outgoing | None:
        async with await Store.open(url_of(place / "var" / "xiaoge.db"), read_only=True) as store:
            return await store.read(lambda tx: outbox.get(tx, one))

    found = asyncio.run(work())
    assert found is not None
    return found


def test_list_shows_what_is_in_doubt_and_no_words(invoke: Invoke, place: Path) -> None:
    out = invoke("outbox", "list").out
    for word in ("unknown", "leader room 青禾[12]群", "ack:S1", "5 min", "no answer within 15 s"):
        assert word in out
    for word in ("failed", "person wxid_liu", "told:S1:7", "unknown contact"):
        assert word in out
    assert "电梯" not in out
    assert "已登记" not in out
    assert "ack:S2" not in out
    assert "ack:S3" not in out


def test_list_shows_all_that_has_not_left(invoke: Invoke, place: Path) -> None:
    out = invoke("outbox", "list", "--all").out
    assert "ack:S2" in out
    assert "3 h" in out
    assert "ack:S3" not in out


def test_list_of_nothing(invoke: Invoke, place: Path) -> None:
    assert invoke("outbox", "drop", 1, 2).code == 0
    assert invoke("outbox", "list").out == "nothing failed, nothing unknown\n"
    assert invoke("outbox", "drop", 3).code == 0
    assert invoke("outbox", "list", "--all").out == "nothing waits, nothing failed, nothing unknown\n"


def test_settle_as_sent(invoke: Invoke, place: Path) -> None:
    result = invoke("outbox", "settle", 1, "--sent")
    assert (result.code, result.out, result.err) == (0, "line 1: sent\n", "")
    found = now_is(place, 1)
    assert (found.state, found.sent_at) == (SendState.SENT, found.sending_at)


def test_settle_as_not_sent_and_send_again(invoke: Invoke, place: Path) -> None:
    result = invoke("outbox", "settle", 1, "--not-sent")
    assert result.out == "line 1: not sent, so failed; `retry` sends it, `drop` gives it up\n"
    result = invoke("outbox", "retry", 1, 2)
    assert result.code == 0
    assert result.out.splitlines() == [
        f"line {n}: queued; a running bot sends it within a minute, at its pace" for n in (1, 2)
    ]
    assert {now_is(place, n).state for n in (1, 2)} == {SendState.QUEUED}


def test_drop_erases_the_words(invoke: Invoke, place: Path) -> None:
    assert invoke("outbox", "drop", 1, 2, 3).out == "line 1: dropped\nline 2: dropped\nline 3: dropped\n"
    assert {(now_is(place, n).state, now_is(place, n).text) for n in (1, 2, 3)} == {(SendState.DROPPED, "")}


def test_what_is_decided_stands_on_the_audit_chain(invoke: Invoke, place: Path) -> None:
    invoke("outbox", "settle", 1, "--sent")

    async def entries() -> list[str]:
        async with await Store.open(url_of(place / "var" / "xiaoge.db"), read_only=True) as store:
            return [entry.action for entry in await store.read(lambda tx: audit.of_ticket(tx, 1))]

    assert asyncio.run(entries()) == ["line.sent"]
    assert invoke("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["settle", 2, "--sent"], "line 2: it is failed, this is for a line that is unknown\n"),
        (["retry", 4], "line 4: it is sent, this is for a line that is failed or unknown\n"),
        (["drop", 4], "line 4: it is sent, this is for a line that is failed or queued or unknown\n"),
        (["drop", 99], "line 99: there is none; `xiaoge outbox list --all` shows them\n"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_the_reason(
    invoke: Invoke, place: Path, arguments: list[object], said: str
) -> None:
    result = invoke("outbox", *arguments)
    assert (result.code, result.out, result.err) == (1, "", said)


def test_one_refusal_keeps_no_other_back(invoke: Invoke, place: Path) -> None:
    result = invoke("outbox", "retry", 4, 1)
    assert (result.code, result.out.split(":")[0]) == (1, "line 1")
    assert now_is(place, 1).state is SendState.QUEUED


def test_without_its_words_a_line_cannot_be_sent_again(invoke: Invoke, place: Path) -> None:
    async def work() -> None:
        async with await Store.open(url_of(place / "var" / "xiaoge.db")) as store:
            await store.write(lambda tx: outbox.blank(tx, datetime.now(UTC)))

    asyncio.run(work())
    result = invoke("outbox", "retry", 1)
    assert (result.code, result.err) == (1, "line 1: its words are gone (48 h), so it cannot be sent; drop it\n")


def test_settle_wants_to_know_what_was_seen(invoke: Invoke, place: Path) -> None:
    result = invoke("outbox", "settle", 1)
    assert result.code == 2
    assert "--sent" in result.err
    assert now_is(place, 1).state is SendState.UNKNOWN


@pytest.mark.parametrize("arguments", [["retry", 1], ["drop", 1], ["settle", 1, "--sent"]])
def test_no_database_is_one_line(invoke: Invoke, tmp_path: Path, arguments: list[object]) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    result = invoke("outbox", *arguments)
    assert result.code == 2
    assert "does not exist: check the path, or start the bot once to make it" in result.err


def test_a_decision_beside_a_running_bot(invoke: Invoke, place: Path) -> None:
    """The bot holds the file lock; a line decided on meanwhile is what it finds to be due."""
    url = url_of(place / "var" / "xiaoge.db")
    ready = place / "ready"
    bot = (
        "import asyncio, sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from storage.engine import Store; from storage import outbox\n"
        "async def main():\n"
        f"    store = await Store.open({url!r}); Path({str(ready)!r}).touch()\n"
        "    await asyncio.to_thread(sys.stdin.readline)\n"
        "    due = await store.read(lambda tx: outbox.due(tx, 'wx1', datetime.now(UTC)))\n"
        "    await store.close(); print([line.id for line in due])\n"
        "asyncio.run(main())"
    )
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", bot], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < deadline:
            os.sched_yield()
        assert invoke("outbox", "retry", 1).code == 0
        assert invoke("outbox", "drop", 3).code == 0
        out, _ = running.communicate("\n", timeout=60)
    finally:
        running.kill()
    assert out == "[1]\n"
