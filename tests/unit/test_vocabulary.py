"""`xiaoge lexicon` as staff type it, from an export to what a running bot has learnt."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from openpyxl import load_workbook

from bot.clock import VirtualClock
from bot.house import House
from bot.lexicons import Keeper, Shelf
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.simulator import Simulator
from handlers.context import Policy
from nlp import categories, lexicon
from nlp.editing import Own
from storage import negatives, tickets
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Message, MessageKind, Role, Ticket, TicketState
from tests.unit.conftest import Invoke
from tests.unit.test_lexicons import FOUNTAIN, KNOWN, MORNING, few_sentences

__all__ = ["few_sentences"]

T = TypeVar("T")
GRID = "519999001001001001"
EVENTS = "词,类别编码,权重,不算,停用\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text('[bot]\nnames = ["小格"]\n', encoding="utf-8")
    (tmp_path / "var").mkdir()
    return tmp_path


class Town:
    """One room, residents and their leader, over the database that the commands read."""

    def __init__(self, place: Path, *, begun: timedelta = timedelta()) -> None:
        self._url = f"sqlite+aiosqlite:///{place / 'var' / 'xiaoge.db'}"
        self._shelf = Shelf(place / "var" / "lexicon")
        self._now = MORNING + begun
        self._said = int(begun.total_seconds())  # ids that no earlier town has used

    def live(self, *said: tuple[str, str]) -> list[Ticket]:
        """A life of the bot in which people say that, ten minutes apart; all tickets and candidates there are then."""

        async def life() -> list[Ticket]:
            clock = VirtualClock(self._now)
            wire = Simulator("sim", clock)
            liu = KnownPerson("刘姐", (Grant(Role.GRID_WORKER, GRID[:12]),), (Alias("sim", "刘姐", friend=True),))
            registry = Registry(people=[liu], rooms=[KnownRoom("sim", "r1", GRID, enabled=True)])
            async with await Store.open(self._url) as store:
                await store.write(lambda tx: registry.store(tx, clock.now()))
                keeper = Keeper(self._shelf, KNOWN)
                house = House(
                    store=store,
                    classifier=keeper.load(clock.now()),
                    policy=Policy(categories=KNOWN),
                    transports=[wire],
                    budget=Budget(),
                    clock=clock,
                    lexicon=keeper,
                )
                await house.start()
                for who, text in said:
                    self._said += 1
                    clock.advance(clock.now() + timedelta(minutes=10))
                    name = f"m{self._said}"
                    wire.say(Message("sim", name, MessageKind.TEXT, "r1", who, clock.now(), text, nick=who))
                    await house.hear("sim", wire.take())
                self._now = clock.now()
                assert house.dispatcher.failures == 0
                return await store.read(lambda tx: tickets.search(tx, states=frozenset(TicketState)))

        return asyncio.run(life())

    def read(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        async def life() -> T:
            async with await Store.open(self._url, read_only=True) as store:
                return await store.read(work)

        return asyncio.run(life())


def write(place: Path, name: str, text: str) -> str:
    (place / name).write_text(text, encoding="utf-8")
    return name


def test_from_the_template_to_a_version_and_back(place: Path, invoke: Invoke) -> None:
    assert invoke("lexicon", "export", "词库.xlsx").code == 0
    book = load_workbook(place / "词库.xlsx")
    book["事件"].append(["喷泉罢演", "0199", 3, "~音乐节"])
    book.save(place / "词库.xlsx")
    checked = invoke("lexicon", "check", "词库.xlsx")
    assert (checked.code, "没有问题。1 行" in checked.out) == (0, True), checked
    installed = invoke("lexicon", "install", "词库.xlsx", "--by", "周主任")
    assert installed.code == 0, installed
    shelf = Shelf(place / "var" / "lexicon")
    version = shelf.present()
    assert version in installed.out
    (row,) = shelf.own(version).rows["events"]
    assert (row["category"], row["weight"], row["exclude"]) == ("0199", "3", "~音乐节")
    listed = invoke("lexicon", "list").out
    assert all(word in listed for word in (version, f"{lexicon.shipped_version()}+{version}", "周主任", "词库.xlsx"))
    assert "与现在的版本相同" in invoke("lexicon", "install", "词库.xlsx").out
    exported = invoke("lexicon", "export", "mine")
    assert (exported.code, (place / "mine" / "events.csv").read_bytes()[:3]) == (0, b"\xef\xbb\xbf")
    assert "已退回到 自带词库" in invoke("lexicon", "rollback").out
    assert shelf.present() == ""
    assert invoke("lexicon", "rollback").code == 2
    assert version in invoke("lexicon", "rollback", version).out
    assert shelf.present() == version
    assert "现在就是" in invoke("lexicon", "rollback", version).out
    assert [entry.origin for entry in shelf.history()] == ["词库.xlsx", "rollback", "rollback"]


def test_faults_are_all_told_and_nothing_is_installed(place: Path, invoke: Invoke) -> None:
    file = write(place, "events.csv", EVENTS + "泉,0199,3,,\n喷泉罢演,7777,3,,\n")
    for command in ("check", "install", "dry-run"):
        result = invoke("lexicon", command, file)
        assert result.code == 1
        assert [line.partition("：")[0] for line in result.out.splitlines()] == ["events.csv"] * 2
        assert "2 处要改" in result.err
    assert Shelf(place / "var" / "lexicon").history() == []


def test_a_golden_sentence_that_fails_stops_the_installation(place: Path, invoke: Invoke) -> None:
    (place / "own").mkdir()
    write(place / "own", "events.csv", EVENTS + "晚霞漫天,0199,3,,\n")
    for command in ("check", "install"):
        result = invoke("lexicon", command, "own")
        assert result.code == 2
        assert "标准句没有通过：“晚霞漫天”应当是 不登记，现在是 登记 0199（依据：event:晚霞漫天）" in result.err
    assert Shelf(place / "var" / "lexicon").history() == []


def test_a_file_replaces_only_the_tables_that_it_holds(place: Path, invoke: Invoke) -> None:
    invoke("lexicon", "install", write(place, "events.csv", EVENTS + "喷泉罢演,0199,3,,\n"))
    invoke("lexicon", "install", write(place, "golden.csv", "句子,应当\n中庭喷泉罢演,登记\n"))
    result = invoke("lexicon", "install", write(place, "events.csv", EVENTS))
    assert (result.code, "“中庭喷泉罢演”应当是 登记" in result.err) == (2, True), "its sentence is still there"


def test_nothing_is_written_over(place: Path, invoke: Invoke) -> None:
    write(place, "词库.xlsx", "mine")
    result = invoke("lexicon", "export", "词库.xlsx")
    assert (result.code, "is there already" in result.err) == (2, True)
    assert (place / "词库.xlsx").read_text() == "mine"


def test_what_is_as_shipped_is_left_out(place: Path, invoke: Invoke) -> None:
    row = next(iter(lexicon.shipped(Path(lexicon.normalize.DATA), "settings")))
    result = invoke("lexicon", "install", write(place, "settings.csv", f"词,权重\n{row['term']},{row['weight']}\n"))
    assert "1 行与自带的完全一样" in result.err
    assert "与现在的版本相同" in result.out


def test_the_dry_run_shows_what_the_past_would_have_been(place: Path, invoke: Invoke) -> None:
    town = Town(place)
    shelf = Shelf(place / "var" / "lexicon")
    shelf.choose(shelf.put(FOUNTAIN), at=MORNING, by="x", origin="x")
    town.live(
        ("甲", "中庭喷泉罢演13812345678"), ("乙", "早上好"), ("丙", "音乐会上喷泉罢演那首歌"), ("刘姐", "误报 S2")
    )
    off = write(place, "events.csv", EVENTS + "喷泉罢演,0110,2.2,~音乐会,\n")
    result = invoke("lexicon", "dry-run", off)
    assert result.code == 0, result
    assert "登记→待确认" in result.out
    assert "S1" in result.out
    assert "中庭喷泉罢演138****5678" in result.out
    assert "13812345678" not in result.out
    assert "误报消除" in result.out
    assert "早上好" not in result.out
    assert "过去的诉求里没有变化" in invoke("lexicon", "dry-run", write(place, "typos.csv", "写作,意思\n")).out
    assert "还有 1 条没有列出" in invoke("lexicon", "dry-run", off, "--limit", "1").err


def test_without_a_database_the_dry_run_says_so(place: Path, invoke: Invoke) -> None:
    result = invoke("lexicon", "dry-run", write(place, "events.csv", EVENTS))
    assert (result.code, "does not exist" in result.err) == (2, True)


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies in var/ where a leader has called the same thing a false alarm three times, and another one right."""
    home = tmp_path_factory.mktemp("taught")
    (home / "var").mkdir()
    shelf = Shelf(home / "var" / "lexicon")
    shelf.choose(shelf.put(FOUNTAIN), at=MORNING, by="x", origin="x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlp.golden.load", lambda **_: [])
        town = Town(home)
        said = [
            ("甲", "1栋前面喷泉罢演"),
            ("乙", "音乐会上喷泉罢演那首歌"),
            ("丙", "想听音乐会的喷泉罢演"),
            ("丁", "喷泉罢演是音乐会的返场"),
        ]
        made = town.live(*said)
        assert [one.category for one in made] == ["0199"] * len(made)
        town.live(*(("刘姐", f"误报 S{one.number}") for one in made if one.number > 1))
    return home / "var"


def taught(place: Path, lessons: Path) -> Town:
    shutil.copytree(lessons, place / "var", dirs_exist_ok=True)
    return Town(place, begun=timedelta(hours=3))


def test_what_the_leader_called_false_alarms_is_learnt(place: Path, lessons: Path, invoke: Invoke) -> None:
    town = taught(place, lessons)
    wrong = town.read(negatives.every)
    assert {one.terms for one in wrong} == {("喷泉罢演",)}
    assert {one.lexicon.partition("+")[2] for one in wrong} == {FOUNTAIN.version}
    proposals: list[dict[str, Any]] = json.loads(invoke("lexicon", "review", "--json").out)
    assert (proposals[0]["kind"], proposals[0]["added"], proposals[0]["harms"]) == ("exclude", "~音乐会", 0)
    result = invoke("lexicon", "review", "--yes", "1", "--by", "刘姐")
    assert result.code == 0, result
    assert "误报消除" in result.out
    shelf = Shelf(place / "var" / "lexicon")
    assert (shelf.history()[-1].by, shelf.history()[-1].origin) == ("刘姐", "review")
    before = len(town.live())
    after = town.live(("戊", "音乐会有喷泉罢演吗"), ("己", "9栋旁边喷泉罢演"))
    assert [one.lexicon.partition("+")[2] for one in after[before:]] == [shelf.present()], "only the second"
    assert "没有可建议的" in invoke("lexicon", "review").out


def test_a_person_accepts_one_by_one_and_adds_a_sentence(
    place: Path, lessons: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(place, lessons)
    answers = iter(["y", "音乐会的喷泉罢演好听", "不登记", *["n"] * 20])
    monkeypatch.setattr("typer.prompt", lambda *_args, **_options: next(answers))
    result = invoke("lexicon", "review")
    assert result.code == 0, result
    shelf = Shelf(place / "var" / "lexicon")
    own = shelf.own(shelf.present())
    assert [row["exclude"] for row in own.rows["events"]] == ["~音乐会"]
    assert [(row["text"], row["label"]) for row in own.golden] == [("音乐会的喷泉罢演好听", "不登记")]


def test_a_sentence_that_does_not_hold_is_not_taken(
    place: Path, lessons: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(place, lessons)
    answers = iter(["y", "5栋喷泉罢演", "不登记", "q"])
    monkeypatch.setattr("typer.prompt", lambda *_args, **_options: next(answers))
    result = invoke("lexicon", "review")
    assert "没有收下" in result.out
    shelf = Shelf(place / "var" / "lexicon")
    assert shelf.own(shelf.present()).golden == ()


def test_who_declines_everything_changes_nothing(
    place: Path, lessons: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught(place, lessons)
    before = Shelf(place / "var" / "lexicon").history()
    monkeypatch.setattr("typer.prompt", lambda *_args, **_options: "n")
    assert invoke("lexicon", "review").code == 0
    assert Shelf(place / "var" / "lexicon").history() == before
    result = invoke("lexicon", "review", "--yes", "99")
    assert (result.code, "没有第 99 条建议" in result.err) == (2, True)


def test_what_the_leader_accepts_and_corrects_is_learnt(place: Path, invoke: Invoke) -> None:
    shelf = Shelf(place / "var" / "lexicon")
    own = Own().laying("events", {"term": "喷泉罢演", "category": "0199", "weight": "2.2"})
    own = own.laying("events", {"term": "木马不转", "category": "0199", "weight": "3.5"})
    shelf.choose(shelf.put(own), at=MORNING, by="x", origin="x")
    town = Town(place)
    made = town.live(
        ("甲", "1栋前面喷泉罢演"), ("乙", "6栋后面喷泉罢演"), ("丙", "2栋楼下木马不转"), ("丁", "7栋对面木马不转")
    )
    assert [one.state for one in made] == [TicketState.CANDIDATE] * 2 + [TicketState.FILED] * 2
    name = categories.load()["0110"].short_name
    town.live(("刘姐", "受理 S1"), ("刘姐", "受理 S2"), ("刘姐", f"改类 S3 {name}"), ("刘姐", f"改类 S4 {name}"))
    proposals: list[dict[str, Any]] = json.loads(invoke("lexicon", "review", "--json").out)
    found = {(one["kind"], one["cells"]["term"]): one for one in proposals}
    assert found["raise", "喷泉罢演"]["cells"]["weight"] == "3"
    assert found["category", "木马不转"]["cells"]["category"] == "0110"
    numbers = [number for number, one in enumerate(proposals, 1) if one["kind"] in ("raise", "category")]
    result = invoke("lexicon", "review", *(word for number in numbers for word in ("--yes", number)))
    assert result.code == 0, result
    (*_, raised, moved) = town.live(("戊", "11栋门前喷泉罢演"), ("己", "12栋旁边木马不转"))
    assert (raised.state, moved.category) == (TicketState.FILED, "0110")
