"""Versions of a deployment's lexicon on the disk, and their change while the bot runs."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.house import House
from bot.lexicons import BOT, Keeper, Shelf
from bot.monitor import Watch
from bot.pacing import Budget
from bot.registry import KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories
from nlp.editing import Own
from nlp.tables import LexiconError
from storage import audit, tickets
from storage.engine import Store
from storage.model import Message, MessageKind

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)
KNOWN = categories.load()
FOUNTAIN = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "3.5"})
CAROUSEL = FOUNTAIN.laying("events", {"term": "木马不转", "category": "0110", "weight": "3.5"})
# It contradicts a golden sentence of its own.
DEAF = FOUNTAIN.laying("golden", {"text": "喷泉罢演喽", "label": "drop"})


def choose(shelf: Shelf, own: Own, *, minute: int = 0, origin: str = "a.xlsx") -> str:
    version = shelf.put(own)
    shelf.choose(version, at=MORNING + timedelta(minutes=minute), by="周主任", origin=origin)
    return version


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "lexicon")


@pytest.fixture(autouse=True)
def few_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shipped lexicon must understand is tests/unit/nlp/test_golden.py's matter."""
    path = tmp_path / "few.csv"
    path.write_text("text,label,category\n晚霞漫天,drop,\n", encoding="utf-8")
    monkeypatch.setattr("nlp.golden.FILE", path)


# ---------------------------------------------------------------- on the disk
def test_an_empty_shelf_is_the_shipped_lexicon(shelf: Shelf) -> None:
    assert (shelf.present(), shelf.history(), shelf.own("")) == ("", [], Own())
    with pytest.raises(LexiconError, match="没有更早的版本"):
        shelf.earlier()


def test_a_version_is_read_back_as_it_was_put(shelf: Shelf) -> None:
    version = choose(shelf, CAROUSEL)
    assert version == CAROUSEL.version
    read = shelf.own(version)
    assert read.version == version
    assert [row["term"] for row in read.rows["events"]] == ["喷泉罢演", "木马不转"]
    assert choose(shelf, CAROUSEL, minute=1) == version, "put once more"
    assert [entry.at for entry in shelf.history()] == [MORNING, MORNING + timedelta(minutes=1)]


def test_rolling_back_walks_back_and_never_in_a_circle(shelf: Shelf) -> None:
    first, second = choose(shelf, FOUNTAIN), choose(shelf, CAROUSEL)
    for wanted in (first, ""):
        assert shelf.earlier() == wanted
        choose(shelf, shelf.own(wanted), origin="rollback")
        assert shelf.present() == wanted
    choose(shelf, CAROUSEL)
    assert shelf.earlier() == ""
    assert second == shelf.present()


def test_a_version_that_was_changed_by_hand_is_not_taken(shelf: Shelf) -> None:
    version = choose(shelf, FOUNTAIN)
    path = shelf.folder / version / "events.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("3.5", "6"), encoding="utf-8")
    with pytest.raises(LexiconError, match="文件被改过"):
        shelf.own(version)
    for wrong in ("0" * 12, "../x"):
        with pytest.raises(LexiconError, match="没有版本"):
            shelf.own(wrong)


def test_a_history_that_cannot_be_read_names_its_row(shelf: Shelf) -> None:
    choose(shelf, FOUNTAIN)
    with (shelf.folder / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write("{\n")
    with pytest.raises(LexiconError, match="第 2 行"):
        shelf.present()


def test_a_folder_of_whole_tables_is_told_what_to_do(shelf: Shelf) -> None:
    shelf.folder.mkdir()
    (shelf.folder / "objects.csv").write_text("term,kind\n", encoding="utf-8")
    with pytest.raises(LexiconError, match="xiaoge lexicon install"):
        shelf.present()


def test_only_the_expected_version_is_replaced(shelf: Shelf) -> None:
    first = choose(shelf, FOUNTAIN)
    second = choose(shelf, CAROUSEL)
    assert not shelf.choose("", at=MORNING, by=BOT, origin="rollback", instead_of=first)
    assert shelf.present() == second


def add_lines(folder: Path, name: str, times: int) -> None:
    shelf = Shelf(folder)
    done = 0
    while done < times:
        try:
            shelf.choose(FOUNTAIN.version, at=MORNING, by=name, origin="race")
        except LexiconError:
            continue  # told to try again
        done += 1


def test_two_processes_lose_no_line_of_the_history(shelf: Shelf) -> None:
    shelf.put(FOUNTAIN)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_lines, args=(shelf.folder, name, 25)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert sorted(entry.by for entry in shelf.history()) == ["a"] * 25 + ["b"] * 25


# ---------------------------------------------------------------- in a running bot
class Town:
    """A house in virtual time with one room."""

    def __init__(self, store: Store, keeper: Keeper, clock: VirtualClock) -> None:
        self.clock, self.store, self.keeper = clock, store, keeper
        self.wire = Simulator("sim", clock)
        self.house = House(
            store=store,
            classifier=keeper.load(clock.now()),
            policy=Policy(categories=KNOWN),
            transports=[self.wire],
            budget=Budget(),
            clock=clock,
            seed=1,
            lexicon=keeper,
        )
        self._said = 0

    async def say(self, text: str) -> str:
        """Each time by another person; returns the lexicon behind the newest ticket, or nothing."""
        before = len(await self.store.read(tickets.search))
        self._said += 1
        name = f"m{self._said}"
        self.wire.say(Message("sim", name, MessageKind.TEXT, "r1", f"p{self._said}", self.clock.now(), text))
        await self.house.hear("sim", self.wire.take())
        found = await self.store.read(tickets.search)
        return found[-1].lexicon if len(found) > before else ""

    async def tick(self) -> None:
        self.clock.advance(self.clock.now() + timedelta(hours=1))
        await self.house.tick()

    async def audited(self) -> int:
        return await self.store.read(lambda tx: audit.count(tx, "lexicon"))


@asynccontextmanager
async def a_town(tmp_path: Path, shelf: Shelf) -> AsyncIterator[Town]:
    clock = VirtualClock(MORNING)
    registry = Registry(rooms=[KnownRoom("sim", "r1", "519999001001001001", enabled=True)])
    async with await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}") as store:
        await store.write(lambda tx: registry.store(tx, clock.now()))
        town = Town(store, Keeper(shelf, KNOWN), clock)
        await town.house.start()
        yield town


async def page(town: Town) -> dict[str, object]:
    """What /readyz says of the lexicon."""
    watch = Watch(town.house)
    response = await watch._readyz(None)  # type: ignore[arg-type]
    assert isinstance(response.text, str)
    found = json.loads(response.text)["lexicon"]
    assert isinstance(found, dict)
    return found


async def test_a_version_comes_into_force_between_two_messages(tmp_path: Path, shelf: Shelf) -> None:
    async with a_town(tmp_path, shelf) as town:
        assert await town.say("广场的喷泉罢演了") == ""
        version = choose(shelf, FOUNTAIN)
        assert await town.say("喷泉罢演，哈哈") == "", "until the next tick"
        await town.tick()
        behind = await town.say("4栋旁边的喷泉罢演")
        assert behind.endswith(f"+{version}")
        assert await town.audited() == 1
        assert (await page(town))["version"] == version
        choose(shelf, Own(), minute=2, origin="rollback")
        await town.tick()
        assert await town.say("9栋那个喷泉罢演") == ""
        assert await town.audited() == 2


async def test_a_tick_without_a_change_loads_nothing(
    tmp_path: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(shelf, FOUNTAIN)
    async with a_town(tmp_path, shelf) as town:
        monkeypatch.setattr("nlp.editing.proven", None)  # would not be callable
        await town.tick()
        await town.tick()
        assert town.keeper.version == FOUNTAIN.version


@pytest.mark.parametrize("fault", ["golden", "file"])
async def test_a_broken_version_is_rolled_back_by_the_bot(tmp_path: Path, shelf: Shelf, fault: str) -> None:
    good = choose(shelf, FOUNTAIN)
    async with a_town(tmp_path, shelf) as town:
        bad = choose(shelf, DEAF, minute=1)
        if fault == "file":
            (shelf.folder / bad / "golden.csv").unlink()
        await town.tick()
        assert (await town.say("2栋门口喷泉罢演")).endswith(f"+{good}")
        last = shelf.history()[-1]
        assert (last.version, last.by, last.origin, last.at) == (good, BOT, "rollback", town.clock.now())
        found = await page(town)
        assert found["version"] == good
        refused = found["refused"]
        assert isinstance(refused, dict)
        assert refused["version"] == bad
        assert ("喷泉罢演喽" if fault == "golden" else "文件被改过") in str(refused["why"])
        assert await town.audited() == 0
        choose(shelf, CAROUSEL, minute=3)
        await town.tick()
        assert (await page(town))["refused"] is None, "the next good one ends it"


async def test_a_history_that_breaks_changes_nothing(tmp_path: Path, shelf: Shelf) -> None:
    good = choose(shelf, FOUNTAIN)
    async with a_town(tmp_path, shelf) as town:
        (shelf.folder / "history.jsonl").write_text("?\n", encoding="utf-8")
        await town.tick()
        await town.tick()
        assert town.keeper.version == good
        assert town.keeper.refused is not None
        assert "第 1 行" in town.keeper.refused.why


def test_a_start_with_a_broken_version_takes_the_one_before(shelf: Shelf) -> None:
    good = choose(shelf, FOUNTAIN)
    choose(shelf, DEAF, minute=1)
    keeper = Keeper(shelf, KNOWN)
    classifier = keeper.load(MORNING)
    assert classifier.version.endswith(f"+{good}")
    assert (keeper.version, shelf.present()) == (good, good)
    assert keeper.refused is not None
    assert keeper.refused.version == DEAF.version


def test_a_start_with_a_history_that_cannot_be_read_takes_the_shipped_lexicon(shelf: Shelf) -> None:
    choose(shelf, FOUNTAIN)
    (shelf.folder / "history.jsonl").write_text("?\n", encoding="utf-8")
    keeper = Keeper(shelf, KNOWN)
    assert "+" not in keeper.load(MORNING).version
    assert keeper.refused is not None
    assert "第 1 行" in keeper.refused.why
    assert (shelf.folder / "history.jsonl").read_text(encoding="utf-8") == "?\n", "left for a person to mend"


def test_a_start_with_nothing_good_takes_the_shipped_lexicon(shelf: Shelf) -> None:
    choose(shelf, DEAF)
    keeper = Keeper(shelf, KNOWN)
    assert "+" not in keeper.load(MORNING).version
    assert (keeper.version, shelf.present()) == ("", "")
