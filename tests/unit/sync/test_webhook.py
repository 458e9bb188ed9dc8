"""The listener that platforms push their answers to."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientConnectionError

from bot import listener as listeners
from bot.clock import SystemClock
from bot.listener import MOST_BYTES
from bot.sync.answers import Answers
from bot.sync.webhook import MOST_ANSWERS, Pushed
from handlers.context import Policy
from nlp import categories
from storage import tickets
from storage.engine import Store
from tests.unit.ports import free_port
from tests.unit.sync.conftest import UPSTREAM, done, states
from tests.upstream.server import Upstream as Platform
from tests.upstream.store import Store as PlatformStore

SECRET = "s3cret"  # noqa: S105


class Listener:
    """A webhook, and a platform that pushes."""

    def __init__(self, answers: Answers, url: str) -> None:
        self.answers = answers
        self.url = url
        self.platform = Platform(PlatformStore(), SECRET)

    async def push(self, *answers: dict[str, Any], **how: str) -> tuple[int, Any]:
        return await self.platform.push(self.url, *answers, **how)

    async def send(self, body: bytes, **how: str) -> tuple[int, Any]:
        return await self.platform.send(self.url, body, **how)


@asynccontextmanager
async def listening(store: Store, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Listener]:
    answers = Answers(store, Policy(categories=categories.load()), SystemClock())
    pushed = Pushed({UPSTREAM.name: (UPSTREAM, SECRET)}, answers)
    address = listeners.Listener(host, port, [pushed], answers.clock)
    async with address.listening():
        at = address.addresses[0][1] if address.addresses else 0
        yield Listener(answers, f"http://127.0.0.1:{at}/sync/district/answers")


@pytest.fixture
async def listener(upward_store: Store) -> AsyncIterator[Listener]:
    async with listening(upward_store) as made:
        yield made


async def test_pushed_answers_are_done_and_each_is_told_its_fate(listener: Listener, upward_store: Store) -> None:
    status, reply = await listener.push(done(1), done(2), done(1), {**done(9), "revision": 5})
    assert status == 200
    assert reply == {
        "results": [
            {"id": "S1", "revision": 1, "status": "applied"},
            {"id": "S2", "revision": 1, "status": "applied"},
            {"id": "S1", "revision": 1, "status": "duplicate"},
            {"id": "S9", "revision": 5, "status": "unknown"},
        ]
    }
    assert (await states(upward_store))[:3] == ["callback", "callback", "filed"]


async def test_many_at_once_share_their_commits_and_keep_their_order(listener: Listener, upward_store: Store) -> None:
    before = upward_store.tally.groups
    many = [{**done(9), "revision": number} for number in range(1, 200)]
    status, reply = await listener.push(*many, {**done(1), "revision": 5}, done(1), done(2))
    assert status == 200
    assert [one["status"] for one in reply["results"]] == ["unknown"] * 199 + ["applied", "stale", "applied"]
    assert upward_store.tally.groups - before <= 10


async def test_the_same_request_gets_the_same_reply(listener: Listener, upward_store: Store) -> None:
    first = await listener.push(done(1), key="k1")
    after = await upward_store.read(tickets.search)
    assert await listener.push(done(1), key="k1") == first
    assert await upward_store.read(tickets.search) == after
    assert await listener.push(done(1), key="k2") == (
        200,
        {"results": [{"id": "S1", "revision": 1, "status": "duplicate"}]},
    )
    status, reply = await listener.push(done(2), key="k1")
    assert (status, reply) == (422, {"message": "this Idempotency-Key came with another body before"})


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X_Xiaoge_Signature": "v1=" + "0" * 64}, "another secret"),
        ({"X_Xiaoge_Signature": ""}, "X-Xiaoge-Signature is missing"),
        ({"X_Xiaoge_Timestamp": str(int(time.time()) - 20)}, "another secret, or the request was changed"),
        ({"X_Xiaoge_Timestamp": "soon"}, "X-Xiaoge-Timestamp is missing or no number"),
        ({"Idempotency_Key": "other"}, "changed on its way"),
    ],
)
async def test_who_cannot_sign_changes_nothing(
    headers: dict[str, str],
    why: str,
    listener: Listener,
    upward_store: Store,
) -> None:
    status, reply = await listener.push(done(1), **headers)
    assert status == 401
    assert why in reply["message"]
    assert (await states(upward_store))[0] == "filed"


async def test_a_clock_that_is_far_off_is_told(listener: Listener) -> None:
    listener.platform._clock = lambda: time.time() - 400
    status, reply = await listener.push(done(1))
    assert (status, "NTP" in reply["message"]) == (401, True)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"{", 400, "no JSON"),
        (b"[" * 100_000, 400, "no JSON"),
        (b"[]", 400, 'must be {"answers"'),
        (b'{"answers": []}', 400, "at least one"),
        (json.dumps({"answers": [done(1), {**done(2), "state": "?"}]}).encode(), 400, "answers[1]: state must be"),
        (json.dumps({"answers": [done(1)] * (MOST_ANSWERS + 1)}).encode(), 413, f"at most {MOST_ANSWERS} answers"),
        (b" " * (MOST_BYTES + 1), 413, "bytes at once"),
    ],
)
async def test_what_cannot_be_read_is_refused_as_a_whole(
    body: bytes,
    status: int,
    why: str,
    listener: Listener,
    upward_store: Store,
) -> None:
    got, reply = await listener.send(body)
    assert got == status
    assert why in reply["message"]
    assert set(await states(upward_store)) == {"filed"}


async def test_a_key_is_needed(listener: Listener) -> None:
    status, reply = await listener.send(b"{}", key="k" * 201)
    assert (status, reply["message"][:26]) == (400, "Idempotency-Key is missing")


async def test_compressed_bodies_are_not_taken(listener: Listener) -> None:
    assert (await listener.push(done(1), Content_Encoding="gzip"))[0] == 415


async def test_a_name_that_is_nobodys(listener: Listener) -> None:
    listener.url = listener.url.replace("district", "nobody")
    status, reply = await listener.push(done(1))
    assert (status, reply["message"][:16]) == (404, "no such upstream")


async def test_what_cannot_be_stored_is_sent_again(listener: Listener, upward_store: Store) -> None:
    await upward_store.close()
    status, reply = await listener.push(done(1))
    assert (status, reply["message"]) == (503, "it cannot be stored now, send it again")


async def test_a_port_that_is_taken_stops_nothing_and_is_tried_again(
    upward_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "BIND_AGAIN", 0.02)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as taken:
        async with listening(upward_store, port=port) as listener:
            assert listener.url.endswith(":0/sync/district/answers")
            taken.close()
            listener.url = listener.url.replace(":0/", f":{port}/")
            async with asyncio.timeout(60):
                while True:
                    try:
                        assert (await listener.push(done(1)))[0] == 200
                        break
                    except ClientConnectionError:
                        await asyncio.sleep(0.02)
