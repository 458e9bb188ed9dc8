"""Tickets that a platform above has, and what it may say of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Upstream
from storage import people, tickets, upstreams
from storage.engine import Store, Tx
from storage.testing import fresh_store
from tests.contract.fill import new_ticket
from tests.unit.sync.house import House

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
UPSTREAM = Upstream(name="district", title="区平台", url="http://127.0.0.1:1", secret="s")  # noqa: S106
SAID = {"id": "S1", "revision": 2, "based_on": 1, "state": "done", "at": "2026-11-20T09:30:00+08:00"}


def done(number: int, revision: int = 1) -> dict[str, Any]:
    return {**SAID, "id": f"S{number}", "revision": revision, "result": "已修好"}


async def states(store: Store) -> list[str]:
    return [ticket.state.value for ticket in await store.read(tickets.search)]


@pytest.fixture
async def upward_store(tmp_path: Path) -> AsyncIterator[Store]:
    """Five tickets that the platform has."""
    async with await fresh_store(tmp_path) as opened:

        async def fill(tx: Tx) -> None:
            person = await people.ensure(tx, "a", "u-li", nick="李姐", friend=True)
            for _ in range(5):
                ticket = await tickets.file(tx, new_ticket(grid=None, filed_at=NOW - timedelta(hours=1)))
                await tickets.add_reporter(tx, ticket.number, person.id, None, NOW)
            await upstreams.queue(tx, UPSTREAM.name, dict.fromkeys(range(1, 6), 1), NOW)
            await upstreams.sending(tx, UPSTREAM.name, dict.fromkeys(range(1, 6), 1))

        await opened.write(fill)
        yield opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with await fresh_store(tmp_path) as store:
        house = House(store)
        await house.furnish()
        yield house
