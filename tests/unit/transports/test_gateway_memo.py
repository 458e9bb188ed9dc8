from __future__ import annotations

import asyncio

import pytest

from bot.transports.gateway_memo import Memo


class Gateway:
    """Answers with what it holds, and counts the questions."""

    def __init__(self) -> None:
        self.value = "旧"
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self) -> tuple[str, float | None]:
        self.asked += 1
        value = self.value
        await self.gate.wait()
        return value, None


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def memo(seconds: Seconds) -> Memo[str, str]:
    return Memo(2, 60.0, seconds)


async def test_asked_once_until_it_is_old(memo: Memo[str, str], seconds: Seconds) -> None:
    gateway = Gateway()
    assert [await memo.get("a", gateway.ask) for _ in range(3)] == ["旧"] * 3
    assert gateway.asked == 1
    gateway.value, seconds.now = "新", 61.0
    assert memo.peek("a") is None
    assert await memo.get("a", gateway.ask) == "新"


async def test_the_least_used_goes_first(memo: Memo[str, str]) -> None:
    for key in ("a", "b"):
        memo.put(key, key)
    assert memo.peek("a") == "a"
    memo.put("c", "c")
    assert (memo.peek("a"), memo.peek("b"), memo.peek("c"), len(memo)) == ("a", None, "c", 2)


async def test_an_empty_answer_is_an_answer(memo: Memo[str, str]) -> None:
    gateway = Gateway()
    gateway.value = ""
    assert [await memo.get("a", gateway.ask) for _ in range(2)] == ["", ""]
    assert gateway.asked == 1


async def test_many_at_once_share_one_question(memo: Memo[str, str]) -> None:
    gateway = Gateway()
    gateway.gate.clear()
    waiting = [asyncio.create_task(memo.get("a", gateway.ask)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()  # one caller's end is not the others'
    gateway.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert answers[1:] == ["旧"] * 4
    assert gateway.asked == 1


async def test_what_is_dropped_while_it_is_asked_for_is_not_kept(memo: Memo[str, str]) -> None:
    gateway = Gateway()
    gateway.gate.clear()
    first = asyncio.create_task(memo.get("a", gateway.ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    memo.drop("a")
    gateway.value = "新"
    second = asyncio.create_task(memo.get("a", gateway.ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gateway.gate.set()
    assert (await first, await second) == ("旧", "新")
    assert memo.peek("a") == "新"


async def test_a_failure_is_told_and_not_kept(memo: Memo[str, str]) -> None:
    async def fail() -> tuple[str, float | None]:
        raise LookupError

    with pytest.raises(LookupError):
        await memo.get("a", fail)
    assert await memo.get("a", Gateway().ask) == "旧"


async def test_drop_where(seconds: Seconds) -> None:
    memo: Memo[tuple[str, str], str] = Memo(10, 60.0, seconds)
    for room in ("r1", "r2"):
        for person in ("p1", "p2"):
            memo.put((room, person), "x")
    memo.drop_where(lambda key: key[0] == "r1")
    assert (len(memo), memo.peek(("r2", "p1"))) == (2, "x")
