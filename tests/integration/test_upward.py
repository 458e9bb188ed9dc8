"""The real program between tickets and a platform above that finds fault with some of them, and answers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from storage import tickets
from storage.engine import Store
from storage.model import TicketState
from storage.testing import fresh_store, url_of
from tests.chaos.program import ROOT, until
from tests.integration.gateway_process import free_port
from tests.unit.sync.house import NICK, OWNER, PHONE, SOURCE, House
from tests.upstream.faults import Faults
from tests.upstream.server import Upstream as Platform
from tests.upstream.store import Rules
from tests.upstream.store import Store as PlatformStore

SECRET = "a-secret-of-both-sides"  # noqa: S105
PATIENCE = 180.0  # seconds, on a loaded machine
FINE, UNMAPPED, UNKNOWN, BAD = ("S1", "S2", "S5", "S6"), "S3", "S4", "S7"


@dataclass
class Town:
    """A store with seven tickets, the platform, and a config that knows both."""

    home: Path
    platform: Platform
    port: int  # where the program listens for answers

    def write(self, secret: str = SECRET) -> None:
        text = f"""
[bot]
gateway_wait_seconds = 0
[database]
url = "sqlite+aiosqlite:///xiaoge.db"
key_file = "xiaoge.key"
[monitor]
enabled = false
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:1"
token = "t"
[sync]
source = "{SOURCE}"
listen = "127.0.0.1:{self.port}"
[[upstreams]]
name = "street"
title = "街道平台"
url = "{self.platform.url}"
secret = "{secret}"
wait_seconds = 0
answers_seconds = 1
codes = {{ "05" = "A05", "06" = "B06" }}
"""
        (self.home / "config.toml").write_text(text, encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        with (self.home / "program.log").open("ab") as log:
            command = [sys.executable, "-m", "bot", "run", "--config", str(self.home / "config.toml")]
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603

    async def xiaoge(self, *arguments: str) -> tuple[int, str]:
        """A command's code and all that it prints, on one line: cells are wrapped to the width of a terminal."""
        command = [sys.executable, "-m", "bot", *arguments, "--config", str(self.home / "config.toml")]
        run = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await run.communicate()
        assert run.returncode is not None
        return run.returncode, " ".join(out.decode().split())

    async def states(self) -> dict[str, TicketState]:
        async with await Store.open(url_of(self.home / "xiaoge.db"), read_only=True) as store:
            return {ticket.id: ticket.state for ticket in await store.read(tickets.search)}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    rules = Rules(categories={"A05"})
    platform = Platform(PlatformStore(tmp_path / "platform.db"), SECRET, rules=rules, faults=Faults(bad={BAD: False}))
    await platform.start()
    async with await fresh_store(tmp_path) as store:
        house = House(store)
        await house.furnish()
        for name in sorted((*FINE, UNMAPPED, UNKNOWN, BAD)):
            await house.file(category={UNMAPPED: "0701", UNKNOWN: "0601"}.get(name, "0501"))
    made = Town(tmp_path, platform, free_port())
    made.write()
    yield made
    await platform.stop()


async def test_some_are_parked_the_rest_flows_and_answers_come_back(town: Town) -> None:
    held = town.platform.store
    program = town.start()
    try:

        async def arrived() -> bool:
            assert program.poll() is None, (town.home / "program.log").read_text()[-3000:]
            return held.held(SOURCE).keys() == set(FINE)

        await until(arrived, PATIENCE)
        held.answer(SOURCE, "S1", state="done", result="已更换水泵")  # pulled
        url = f"http://127.0.0.1:{town.port}/sync/street/answers"
        pushed = {"id": "S2", "revision": 1, "based_on": 1, "state": "refused", "reason": "超职责"}
        assert await town.platform.push(url, pushed) == (
            200,
            {"results": [{"id": "S2", "revision": 1, "status": "applied"}]},
        )

        async def answered() -> bool:
            there = held.held(SOURCE)
            return (there["S1"]["state"], there["S2"]["state"]) == ("callback", "refused")

        await until(answered, PATIENCE)  # what the answers did went up again
        assert there_are_no_more(town)
        code, shown = await town.xiaoge("sync", "status")
        _, doctor = await town.xiaoge("doctor")
        program.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(program.wait, PATIENCE) == 0, (town.home / "program.log").read_text()[-3000:]
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
    assert await town.states() == {
        "S1": TicketState.CALLBACK,
        "S2": TicketState.REFUSED,
        **dict.fromkeys(("S3", "S4", "S5", "S6", "S7"), TicketState.FILED),
    }
    assert code == 1
    for words in (
        'unmapped_category: category 0701 has no code of theirs: add "0701"',
        "unknown_category: category B06 is not in our list",
        "invalid: 400 the text is longer than our field",
        "replay street --ticket S4",
        "replay street --ticket S7",
    ):
        assert words in shown
    assert "3 tickets parked" in doctor
    kept = b"".join(path.read_bytes() for path in town.home.glob("platform.db*"))
    assert [word for word in (PHONE, NICK, "李示例", OWNER, "wxid_li") if word.encode() in kept] == []


def there_are_no_more(town: Town) -> bool:
    """Each answer was heard, and none of them answered its own echo."""
    versions = [name for name, _, _ in town.platform.store.applied()]
    return sorted(versions) == ["S1", "S1", "S2", "S2", "S5", "S6"]


async def test_a_wrong_secret_stops_that_platform_and_the_cure_is_told(town: Town) -> None:
    town.write(secret="another")  # noqa: S106
    program = town.start()
    try:

        async def told() -> bool:
            assert program.poll() is None, (town.home / "program.log").read_text()[-3000:]
            return "unauthorized" in (town.home / "program.log").read_text()

        await until(told, PATIENCE)
        code, shown = await town.xiaoge("sync", "status")
        _, doctor = await town.xiaoge("doctor")
    finally:
        program.kill()
        program.wait()
    assert code == 1
    for told_by in (shown, doctor):
        assert "unauthorized: 401" in told_by
        assert "put the secret agreed on" in told_by
    assert town.platform.store.applied() == []
