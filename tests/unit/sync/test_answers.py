"""Answers as they travel, and the feed that they are pulled from."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.clock import Clock
from bot.settings import Upstream
from bot.sync.answers import Answers, Malformed, Puller, parse
from handlers.context import Policy
from nlp import categories
from storage import answers as rows
from storage import tickets
from storage.answers import Answer, AnswerState, Verdict
from storage.engine import Store, StoreError
from storage.model import TicketState
from tests.unit.sync.conftest import NOW, SAID, UPSTREAM, done, states


class Still(Clock):
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


# ---------------------------------------------------------------- reading
def test_an_answer_is_read() -> None:
    read = parse({**SAID, "ref": "Q-7", "result": " 已修好 ", "reason": None, "new_field": 1}, NOW)
    at = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    assert read == Answer(1, 2, 1, AnswerState.DONE, at, ref="Q-7", result="已修好")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "12"}, "id must be"),
        ({"id": "S0"}, "id must be"),
        ({"id": "S12345678901234567890"}, "id must be"),
        ({"state": "finished"}, "state must be one of received, assigned"),
        ({"state": None}, "state must be one of"),
        ({"revision": True}, "revision must be"),
        ({"revision": 0}, "revision must be"),
        ({"revision": 2**60}, "revision must be"),
        ({"based_on": "3"}, "based_on must be"),
        ({"at": "2026-11-20T09:30:00"}, "at must be a time with its zone"),
        ({"at": 5}, "at must be a time with its zone"),
        ({"result": ["已修好"]}, "result must be text"),
    ],
)
def test_what_cannot_be_read_is_named(change: dict[str, Any], why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse({**SAID, **change}, NOW)


def test_characters_that_no_database_takes_are_left_out() -> None:
    assert parse({**SAID, "result": "已\x00修\ud800好" + "长" * 5000}, NOW).result == ("已修好" + "长" * 5000)[:2000]


# ---------------------------------------------------------------- pulling
class Feed:
    """A platform's feed: answers with their cursors."""

    def __init__(self, *answers: dict[str, Any], page: int = 2) -> None:
        self.answers = list(answers)
        self.page = page
        self.asked: list[str] = []

    async def get(self, path: str, query: Any) -> dict[str, Any]:
        assert path == "/answers"
        self.asked.append(query["after"])
        start = int(query["after"] or 0)
        page = self.answers[start : start + self.page]
        return {"answers": page, "next": str(start + len(page))}


def answering(store: Store) -> Answers:
    return Answers(store, Policy(categories=categories.load()), Still())


async def test_the_feed_is_read_to_its_end_page_by_page(upward_store: Store) -> None:
    feed = Feed(*(done(number) for number in range(1, 6)))
    answers = answering(upward_store)
    puller = Puller(UPSTREAM, feed.get, answers)
    assert await puller.step() == 5
    assert feed.asked == ["", "2", "4", "5"]
    assert await states(upward_store) == ["callback"] * 5
    assert await puller.step() == 0
    assert feed.asked[4:] == ["5"]
    assert answers.tally == {("district", "applied"): 5}


async def test_a_crash_between_two_pages_repeats_one_and_changes_nothing(upward_store: Store) -> None:
    feed = Feed(*(done(number) for number in range(1, 6)))
    answers = answering(upward_store)

    async def dies(path: str, query: Any) -> dict[str, Any]:
        found = await feed.get(path, query)
        if query["after"] == "2":
            raise ConnectionResetError
        return found

    with pytest.raises(ConnectionResetError):
        await Puller(UPSTREAM, dies, answers).step()
    before = await upward_store.read(lambda tx: tickets.get(tx, 1))
    await upward_store.write(
        lambda tx: rows.read_up_to(tx, "district", "0", NOW)
    )  # as if the cursor had not been written
    assert await Puller(UPSTREAM, feed.get, answers).step() == 5
    assert await states(upward_store) == ["callback"] * 5
    assert await upward_store.read(lambda tx: tickets.get(tx, 1)) == before
    assert answers.tally["district", "duplicate"] == 2


async def test_an_answer_that_we_cannot_do_holds_nobody_up(
    upward_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of ours would otherwise come again with every page."""
    answers = answering(upward_store)
    apply = answers.apply

    async def defective(upstream: Upstream, answer: Answer) -> Verdict:
        if answer.ticket == 1:
            raise ZeroDivisionError
        return await apply(upstream, answer)

    monkeypatch.setattr(answers, "apply", defective)
    assert await Puller(UPSTREAM, Feed(done(1), done(2)).get, answers).step() == 2
    assert answers.tally == {("district", "defect"): 1, ("district", "applied"): 1}
    assert (await states(upward_store))[:2] == ["filed", "callback"]


async def test_an_answer_that_cannot_be_read_holds_nobody_up(upward_store: Store) -> None:
    answers = answering(upward_store)
    feed = Feed(done(1), {**done(2), "state": "?"}, done(3))
    assert await Puller(UPSTREAM, feed.get, answers).step() == 3
    assert (await states(upward_store))[:3] == ["callback", "filed", "callback"]
    assert answers.tally["district", "malformed"] == 1


@pytest.mark.parametrize("page", [{}, {"answers": []}, {"answers": {}, "next": "1"}, {"answers": [], "next": 7}])
async def test_what_is_no_page_is_said_so(upward_store: Store, page: dict[str, Any]) -> None:
    async def get(path: str, query: Any) -> dict[str, Any]:
        return page

    with pytest.raises(Malformed, match="a page must be"):
        await Puller(UPSTREAM, get, answering(upward_store)).step()


async def test_a_feed_that_stands_still_is_not_asked_for_ever(upward_store: Store) -> None:
    asked = 0

    async def get(path: str, query: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"answers": [done(1)], "next": ""}

    assert await Puller(UPSTREAM, get, answering(upward_store)).step() == 1
    assert asked == 1


async def test_out_of_order_and_repeated_the_last_revision_stands(upward_store: Store) -> None:
    at_work = {**done(1, 2), "state": "in_progress", "result": None}
    feed = Feed(done(1, 3), at_work, done(1, 3), {**done(1, 1), "state": "received"})
    answers = answering(upward_store)
    await Puller(UPSTREAM, feed.get, answers).step()
    assert (await states(upward_store))[0] == TicketState.CALLBACK
    assert answers.tally == {("district", "applied"): 1, ("district", "stale"): 2, ("district", "duplicate"): 1}


async def test_without_a_database_nothing_is_skipped(upward_store: Store) -> None:
    feed = Feed(done(1))
    await upward_store.close()
    with pytest.raises(StoreError):
        await Puller(UPSTREAM, feed.get, answering(upward_store)).step()
