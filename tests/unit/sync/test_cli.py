"""`xiaoge sync …` as an operator types it, against the platform of the tests."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.doctor import Finding, State, examine
from storage import upstreams
from storage.engine import Store
from storage.model import TicketState
from storage.testing import fresh_store, url_of
from tests.unit.conftest import Invoke
from tests.unit.sync.house import SOURCE, House
from tests.upstream.server import Upstream as Platform
from tests.upstream.store import Rules
from tests.upstream.store import Store as PlatformStore

SECRET = "a-secret-of-both-sides"  # noqa: S105


class Beside:
    """A platform on a loop of its own, so that commands run in this thread as they do in a shell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.platform: Platform = self.call(self._start)

    def call(self, work: Callable[[], Any]) -> Any:
        async def done() -> Any:
            found = work()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(60)

    async def _start(self) -> Platform:
        platform = Platform(PlatformStore(self.path), SECRET)
        await platform.start()
        return platform

    def stop(self) -> None:
        self.stop_listening()
        self.call(lambda: self.platform.store.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def stop_listening(self) -> None:
        self.call(lambda: self.platform.stop())

    def edit(self, statement: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(statement, values)

    def tickets(self) -> dict[str, Any]:
        return dict(self.call(lambda: self.platform.store.held(SOURCE)))


@pytest.fixture
def above(tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path / "platform.db")
    yield beside
    beside.stop()


def configured(folder: Path, above: Beside, more: str = "") -> None:
    (folder / "config.toml").write_text(
        f"""
[database]
url = "sqlite+aiosqlite:///xiaoge.db"
key_file = "xiaoge.key"
[sync]
source = "{SOURCE}"
[[upstreams]]
name = "street"
url = "{above.platform.url}"
secret = "{SECRET}"
wait_seconds = 0
{more}
""",
        encoding="utf-8",
    )


@pytest.fixture
def shell(tmp_path: Path, above: Beside, invoke: Invoke) -> Invoke:
    configured(tmp_path, above)
    furnish(tmp_path, lambda house: house.file(5), fresh=True)
    return invoke


def furnish(folder: Path, work: Callable[[House], Any], *, fresh: bool = False) -> None:
    """Do something to the store while no bot runs."""

    async def done() -> None:
        opened = await fresh_store(folder) if fresh else await Store.open(url_of(folder / "xiaoge.db"))
        async with opened as store:
            house = House(store)
            await house.furnish()
            await work(house)

    asyncio.run(done())


def test_without_a_bot_push_sends_and_reconcile_says_equal(shell: Invoke, above: Beside) -> None:
    pushed = shell("sync", "push")
    assert (pushed.code, pushed.out) == (0, "street: 5 waiting\nstreet: 0 left, 0 parked\n"), pushed.err
    assert above.tickets().keys() == {"S1", "S2", "S3", "S4", "S5"}
    for more in ((), ("--every-field",)):
        compared = shell("sync", "reconcile", *more)
        assert (compared.code, compared.out) == (0, "street: 5 tickets here, 5 there: equal\n"), compared.err
    stands = shell("sync", "status")
    assert stands.code == 0, stands.err
    assert "closed" in stands.out


def test_reconcile_names_what_differs_and_mends_it(shell: Invoke, above: Beside, tmp_path: Path) -> None:
    shell("sync", "push")
    held = above.tickets()
    tampered = {**held["S1"], "state": "closed", "text": "other"}
    above.edit("UPDATE tickets SET item = ?, hash = 'x' WHERE id = 'S1'", json.dumps(tampered))
    above.edit("DELETE FROM tickets WHERE id = 'S2'")
    quiet = {**held["S4"], "level": "street"}  # its hash is as it was
    above.edit("UPDATE tickets SET item = ? WHERE id = 'S4'", json.dumps(quiet))
    furnish(tmp_path, lambda house: house.change(3, state=TicketState.WITHDRAWN))
    furnish(tmp_path, lambda house: house.change(5, state=TicketState.ASSIGNED))
    found = shell("sync", "reconcile", "street", "--every-field")
    assert found.code == 1
    assert "4 tickets here, 4 there: not equal, 5 differences" in found.out
    lines = {row.strip("│").split()[0]: row for row in found.out.splitlines() if row.startswith("│")}
    assert "other content" in lines["S1"]
    assert "state, text" in lines["S1"]
    assert "missing there" in lines["S2"]
    assert "still there, and should be gone" in lines["S3"]
    assert "other content under the same hash" in lines["S4"]
    assert "level" in lines["S4"]
    assert "an older version there (1, here 2)" in lines["S5"]
    mended = shell("sync", "reconcile", "--every-field", "--mend")
    assert mended.code == 1
    assert "street: 5 queued" in mended.out
    assert shell("sync", "push").code == 0
    # What has the right hash and the wrong content is a duplicate to them: no sending mends that.
    left = shell("sync", "reconcile", "--every-field")
    assert "not equal, 1 differences" in left.out
    assert "S4" in left.out
    compared = shell("sync", "reconcile")
    assert (compared.code, compared.out) == (0, "street: 4 tickets here, 4 there: equal\n")


def test_a_ticket_that_only_they_have_is_named_and_left_alone(shell: Invoke, above: Beside) -> None:
    shell("sync", "push")
    above.edit(
        "INSERT INTO tickets SELECT source, 'S99', version, deleted, hash, item, ref FROM tickets WHERE id = 'S1'"
    )
    found = shell("sync", "reconcile", "--mend")
    assert found.code == 1
    assert "unknown here: was a backup restored?" in found.out
    assert "street: 0 queued" in found.out


def test_status_says_what_is_parked_and_the_cure(shell: Invoke, above: Beside) -> None:
    above.platform.rules = Rules(rejected={"S2": "their list has no such building"})
    pushed = shell("sync", "push")
    assert (pushed.code, pushed.out.splitlines()[-1]) == (1, "street: 0 left, 1 parked")
    stands = shell("sync", "status")
    assert stands.code == 1
    assert "their list has no such building" in stands.out.replace("\n", " ")
    assert "xiaoge sync replay street" in stands.out
    above.platform.rules = Rules()
    assert shell("sync", "replay", "--parked").out == "street: 1 queued\n"
    assert shell("sync", "push").code == 0
    assert len(above.tickets()) == 5


def test_a_wrong_secret_is_told_with_its_cure(shell: Invoke, above: Beside) -> None:
    above.platform.secret = "another"  # noqa: S105
    pushed = shell("sync", "push")
    assert pushed.code == 1
    stands = shell("sync", "status")
    assert stands.code == 1
    assert "unauthorized" in stands.out
    assert "open, next try in" in stands.out
    compared = shell("sync", "reconcile")
    assert compared.code == 2
    assert "put the secret agreed on with them into [[upstreams]] street secret" in compared.err
    above.platform.secret = SECRET
    assert shell("sync", "push").code == 0
    assert len(above.tickets()) == 5


def test_replay_sends_again_what_they_lost(shell: Invoke, above: Beside) -> None:
    shell("sync", "push")
    above.edit("DELETE FROM tickets")
    assert shell("sync", "replay", "street", "--ticket", "S2", "--ticket", "3").out == "street: 2 queued\n"
    shell("sync", "push")
    assert above.tickets().keys() == {"S2", "S3"}
    assert shell("sync", "replay", "--since", "2000-01-01").out == "street: 5 queued\n"
    shell("sync", "push")
    assert len(above.tickets()) == 5


def test_beside_a_running_bot_push_leaves_it_to_the_bot(shell: Invoke, tmp_path: Path, above: Beside) -> None:
    """The bot's part is played by a store that is open."""

    async def running() -> tuple[Any, upstreams.Waiting]:
        async with await Store.open(url_of(tmp_path / "xiaoge.db")) as store:
            pushed = await asyncio.to_thread(shell, "sync", "push")
            return pushed, await store.read(lambda tx: upstreams.waiting(tx, "street"))

    pushed, waiting = asyncio.run(running())
    assert pushed.code == 0
    assert "left to the running bot, which sends them within seconds" in pushed.err
    assert (waiting.waiting, waiting.behind) == (5, 0)
    assert above.tickets() == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("status", "city"), "no upstream is named city; known are street"),
        (("replay",), "say what: --parked, --since 2026-11-20 or --ticket S12"),
        (("replay", "--ticket", "H1"), "--ticket: write it like S12, got H1"),
        (("replay", "--ticket", "S77"), "--ticket: there is no ticket S77"),
        (("replay", "--since", "soon"), "--since: write a day like"),
    ],
)
def test_what_cannot_be_done_is_one_line(shell: Invoke, arguments: tuple[str, ...], words: str) -> None:
    found = shell("sync", *arguments)
    assert found.code == 2
    assert words in found.err
    assert len(found.err.splitlines()) == 1


def test_without_upstreams_it_says_how_to_add_one(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    found = invoke("sync", "status")
    assert found.code == 2
    assert "there are no [[upstreams]]; docs/sync.md tells how to add one" in found.err


def examined(folder: Path) -> dict[str, list[tuple[State, str, str]]]:
    async def gather() -> list[Finding]:
        return [one async for one in examine(folder / "config.toml", lambda: datetime.now(UTC))]

    found: dict[str, list[tuple[State, str, str]]] = {}
    for one in asyncio.run(gather()):
        found.setdefault(one.what, []).append((one.state, one.found, one.cure))
    return found


def test_the_doctor_finds_an_upstream_well(shell: Invoke, tmp_path: Path) -> None:
    shell("sync", "push")
    found = examined(tmp_path)["upstream street"]
    assert {state for state, _, _ in found} == {State.OK}
    assert found[0][1] == "it gets our own category codes"
    assert "secret accepted, 5 tickets there" in found[1][1]


def test_the_doctor_names_the_cure(shell: Invoke, above: Beside, tmp_path: Path) -> None:
    configured(tmp_path, above, 'codes = { "06" = "W" }')
    shell("sync", "push")
    above.platform.secret = "another"  # noqa: S105
    mapped, reached, flowing = examined(tmp_path)["upstream street"]
    assert mapped[0] is State.FAULT
    assert "no code of theirs for" in mapped[1]
    assert mapped[2] == 'add them, or "default", under [[upstreams]] street codes'
    assert reached[0] is State.FAULT
    assert "put the secret agreed on with them into [[upstreams]] street secret" in reached[2]
    assert flowing[0] is State.WARNING
    assert "5 tickets parked, first: S1: unmapped_category" in flowing[1]
    above.stop_listening()
    (_, reached, _) = examined(tmp_path)["upstream street"]
    assert "unreachable" in reached[1]
    assert "check [[upstreams]] street url and the network" in reached[2]


def test_the_doctor_knows_a_platform_without_answers(shell: Invoke, above: Beside, tmp_path: Path) -> None:
    above.platform.answering = False
    (_, reached, _) = examined(tmp_path)["upstream street"]
    assert reached[0] is State.WARNING
    assert "their answers cannot be asked for: wrong_address: 404 nothing is here" in reached[1]
    assert reached[2] == "where they have no answers to ask for set [[upstreams]] street answers_seconds = 0"
    configured(tmp_path, above, "answers_seconds = 0")
    assert examined(tmp_path)["upstream street"][1][0] is State.OK


def test_the_doctor_looks_at_the_folder(shell: Invoke, tmp_path: Path) -> None:
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    folder = '[[upstreams]]\nname = "drop"\nkind = "folder"\nfolder = "xiaoge.db/up"\n'
    (tmp_path / "config.toml").write_text(text + folder, encoding="utf-8")
    state, words, cure = examined(tmp_path)["upstream drop"][1]
    assert (state, words) == (State.FAULT, f"{tmp_path / 'xiaoge.db'} is no folder that can be written")
    assert "mend [[upstreams]] drop folder" in cure


@pytest.mark.parametrize("others", [True, False])
def test_of_one_that_was_taken_out_the_doctor_knows_and_it_can_be_forgotten(
    shell: Invoke, tmp_path: Path, others: bool
) -> None:
    shell("sync", "push")
    refused = shell("sync", "forget", "street")
    assert (refused.code, "still served" in refused.err) == (2, True)
    path = tmp_path / "config.toml"
    text = path.read_text(encoding="utf-8")
    kept = text.replace('name = "street"', 'name = "other"') if others else text.partition("[[upstreams]]")[0]
    path.write_text(kept, encoding="utf-8")
    (left,) = examined(tmp_path)["upstream street"]
    assert left == (
        State.WARNING,
        "not in the config any more, 0 tickets wait for it",
        "put [[upstreams]] street back, or run `xiaoge sync forget street`",
    )
    forgotten = shell("sync", "forget", "street")
    assert (forgotten.code, forgotten.out) == (0, "street: forgotten, with what 5 tickets had there\n"), forgotten.err
    assert "upstream street" not in examined(tmp_path)
    assert shell("sync", "forget", "street").code == 2
