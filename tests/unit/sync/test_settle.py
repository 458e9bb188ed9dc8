"""A person decides between us and a platform above, as an operator types it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import answers, tickets
from storage.answers import Answer, AnswerState
from storage.engine import Store
from storage.model import Ticket, TicketState
from storage.testing import fresh_store, url_of
from tests.unit.conftest import Invoke
from tests.unit.sync.house import NOON, SOURCE, House

CONFIG = f"""
[database]
url = "sqlite+aiosqlite:///xiaoge.db"
key_file = "xiaoge.key"
[sync]
source = "{SOURCE}"
[[upstreams]]
name = "street"
title = "街道平台"
url = "http://127.0.0.1:9"
secret = "s"
"""


@pytest.fixture
def shell(tmp_path: Path, invoke: Invoke) -> Iterator[Invoke]:
    """S1 was refused here while the street had it done."""

    async def fill() -> None:
        async with await fresh_store(tmp_path) as store:
            house = House(store)
            await house.furnish()
            await house.file(2)
            await house.change(1, state=TicketState.REFUSED, result="超职责")
            said = Answer(1, 3, 1, AnswerState.DONE, NOON, result="已更换水泵")
            await store.write(lambda tx: answers.keep(tx, "street", said, NOON, here="refused"))

    asyncio.run(fill())
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return invoke


def ticket(folder: Path) -> Ticket:
    async def read() -> Ticket:
        async with await Store.open(url_of(folder / "xiaoge.db"), read_only=True) as store:
            found = await store.read(lambda tx: tickets.get(tx, 1))
            assert found is not None
            return found

    return asyncio.run(read())


def test_status_lists_it_until_somebody_decides(shell: Invoke, tmp_path: Path) -> None:
    stands = shell("sync", "status")
    assert stands.code == 1
    assert "xiaoge sync settle" in stands.out
    assert "S1" in stands.out
    settled = shell("sync", "settle", "S1", "ours")
    assert (settled.code, settled.out) == (0, "S1: it stays as it is here, and goes to them once more\n"), settled.err
    after = ticket(tmp_path)
    assert (after.state, after.result, after.version) == (TicketState.REFUSED, "超职责", 3)
    assert shell("sync", "status").code == 0


def test_theirs_is_done_after_all(shell: Invoke, tmp_path: Path) -> None:
    settled = shell("sync", "settle", "s1", "theirs")
    assert (settled.code, settled.out) == (0, "S1: what they said is done\n"), settled.err
    after = ticket(tmp_path)
    assert (after.state, after.result) == (TicketState.CALLBACK, "已更换水泵")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("S2", "ours"), "no answer about S2 waits for anybody, see `xiaoge sync status`"),
        (("12a", "ours"), "ID: write it like S12, got 12a"),
    ],
)
def test_what_cannot_be_settled_is_told(shell: Invoke, arguments: tuple[str, str], words: str) -> None:
    refused = shell("sync", "settle", *arguments)
    assert refused.code != 0
    assert words in refused.err


def test_what_is_part_of_another_ticket_is_not_taken_out_of_it(shell: Invoke, tmp_path: Path) -> None:
    async def merge() -> None:
        async with await Store.open(url_of(tmp_path / "xiaoge.db")) as store:
            await House(store).change(1, state=TicketState.MERGED, merged_into=2)

    asyncio.run(merge())
    refused = shell("sync", "settle", "S1", "theirs")
    assert (refused.code, refused.err) == (
        2,
        "xiaoge: S1 is part of S2 now: 撤并 S1 first, or settle it as ours\n",
    )
    assert shell("sync", "settle", "S1", "ours").code == 0
