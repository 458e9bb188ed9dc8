"""Couriers and answers together, against a platform that has something to say about everything it hears."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bot.sync.answers import Answers, Puller
from bot.sync.client import Client
from bot.sync.courier import Courier
from handlers.context import Policy
from storage import answers, tickets
from storage.model import TicketState
from storage.testing import fresh_store
from tests.contract.fill import MINUTE
from tests.unit.sync.house import LABELS, SOURCE, House, upstream
from tests.upstream.faults import Faults
from tests.upstream.server import Upstream as Platform
from tests.upstream.store import Store as PlatformStore

SECRET = "s" * 20
SAYS = {
    "filed": "received",
    "assigned": "assigned",
    "in_progress": "in_progress",
    "callback": "done",
    "closed": "done",
    "refused": "refused",
}


async def test_a_platform_that_answers_every_version_comes_to_rest(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store, aiohttp.ClientSession() as session:
        house = House(store)
        await house.furnish()
        await house.file(4)
        faults = Faults(disorder=True)  # answers come shuffled, and some of them twice
        platform = Platform(PlatformStore(), SECRET, faults=faults, clock=lambda: house.clock.now().timestamp())
        await platform.start()
        settings = upstream(url=platform.url)
        client = Client(settings, SOURCE, session, house.clock.now)
        courier = Courier(store, settings, SOURCE, client, LABELS, house.clock, seed=1)
        puller = Puller(settings, client.get, Answers(store, Policy(categories=LABELS.categories), house.clock))
        try:
            heard, rounds, first = 0, 0, ["assigned", "in_progress", "done", "refused"]
            while True:
                await courier.step()
                house.clock.advance(house.clock.now() + MINUTE)
                versions = platform.store.applied()[heard:]
                if not versions:
                    break
                heard += len(versions)
                for name, _, _ in versions:
                    item = platform.store.item(SOURCE, name)
                    assert item is not None
                    state = first[int(name[1:]) - 1] if rounds == 0 else SAYS[item["state"]]
                    platform.store.answer(SOURCE, name, state=state, result="已修好", reason="超职责")
                await puller.step()
                rounds += 1
                assert rounds < 5, platform.store.applied()
        finally:
            await platform.stop()
        assert [ticket.state for ticket in await store.read(tickets.search)] == [
            TicketState.ASSIGNED,
            TicketState.IN_PROGRESS,
            TicketState.CALLBACK,
            TicketState.REFUSED,
        ]
        assert await store.read(answers.conflicts) == []
        assert heard == 8  # each ticket twice: as it was filed, and with what the platform did
