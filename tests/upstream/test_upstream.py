"""The reference platform keeps the rules that docs/upstream-api.md sets."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sync import signing
from storage.answers import AnswerState, Verdict
from tests.upstream.faults import Fault, Faults
from tests.upstream.server import Upstream
from tests.upstream.signature import refusal, sign
from tests.upstream.store import Rules, Store

SECRET, SOURCE = "s3cret", "519999001001"
PAGE = Path(__file__).parents[2] / "docs" / "upstream-api.md"


def item(name: str, version: int, **fields: Any) -> dict[str, Any]:
    return {"id": name, "version": version, "deleted": False, "hash": "0" * 64, "category": {"code": "0101"}, **fields}


def body_of(*items: dict[str, Any]) -> bytes:
    return json.dumps({"schema": "xiaoge.ticket/1", "source": SOURCE, "items": items}).encode()


@asynccontextmanager
async def platform(**settings: Any) -> AsyncIterator[Upstream]:
    upstream = Upstream(Store(), SECRET, **settings)
    await upstream.start()
    try:
        yield upstream
    finally:
        await upstream.stop()


async def call(
    upstream: Upstream,
    method: str,
    target: str,
    body: bytes = b"",
    *,
    key: str = "",
    secret: str = SECRET,
    ahead: int = 0,
) -> tuple[int, Any]:
    headers = signing.headers(
        secret, method, target, body, key=key, now=datetime.fromtimestamp(time.time() + ahead, UTC)
    )
    async with aiohttp.ClientSession() as session:
        url = upstream.url + target
        async with session.request(method, url, data=body or None, headers=headers) as response:
            return response.status, await response.json(content_type=None)


async def post(upstream: Upstream, key: str, *items: dict[str, Any]) -> list[tuple[str, str]]:
    status, found = await call(upstream, "POST", "/tickets", body_of(*items), key=key)
    assert status == 200, found
    return [(result["id"], result["status"]) for result in found["results"]]


def versions(upstream: Upstream) -> list[tuple[str, int]]:
    return [(name, version) for name, version, _ in upstream.store.applied()]


def test_the_request_on_the_page_is_signed_as_it_says() -> None:
    shown = dict(
        re.findall(
            r"^(secret|timestamp|method|target|key|body|sha256|signature) +(\S.*)$", PAGE.read_text(), re.MULTILINE
        )
    )
    body, timestamp = shown["body"].encode(), shown["timestamp"]
    ours = signing.headers(
        shown["secret"],
        shown["method"],
        shown["target"],
        body,
        key=shown["key"],
        now=datetime.fromtimestamp(int(timestamp), UTC),
    )
    theirs = sign(shown["secret"], timestamp, shown["method"], shown["target"], shown["key"], body)
    assert ours[signing.SIGNATURE] == theirs == shown["signature"]
    assert refusal(shown["secret"], "POST", shown["target"], ours, body, now=int(timestamp)) is None


def test_every_word_of_the_wire_is_on_the_page() -> None:
    page = PAGE.read_text()
    assert [word for word in (*AnswerState, *Verdict) if f"`{word}`" not in page] == []


def test_json_on_the_page_is_json() -> None:
    for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL):
        json.loads(block)


@pytest.mark.parametrize("wrong", [{"secret": "other"}, {"ahead": -400}, {"ahead": 400}])
async def test_who_cannot_sign_is_refused(wrong: dict[str, Any]) -> None:
    async with platform() as upstream:
        status, _ = await call(upstream, "POST", "/tickets", body_of(item("S1", 1)), key="k", **wrong)
        assert status == 401
        assert upstream.store.applied() == []


async def test_once_and_never_backwards() -> None:
    async with platform() as upstream:
        assert await post(upstream, "k1", item("S1", 2), item("S2", 1)) == [("S1", "accepted"), ("S2", "accepted")]
        assert await post(upstream, "k1", item("S1", 2), item("S2", 1)) == [("S1", "accepted"), ("S2", "accepted")]
        assert await post(upstream, "k2", item("S1", 2)) == [("S1", "duplicate")]
        assert await post(upstream, "k3", item("S1", 1)) == [("S1", "stale")]
        assert await post(upstream, "k4", item("S1", 3, deleted=True)) == [("S1", "accepted")]
        assert await post(upstream, "k5", item("S1", 2)) == [("S1", "stale")]  # does not come back to life
        assert versions(upstream) == [("S1", 2), ("S2", 1), ("S1", 3)]
        status, _ = await call(upstream, "POST", "/tickets", body_of(item("S2", 2)), key="k1")
        assert status == 422


async def test_the_same_version_may_read_otherwise() -> None:
    """A grid has another name now, the mapping another code: the ticket itself did not change."""
    async with platform() as upstream:
        await post(upstream, "k1", item("S1", 2))
        renamed = item("S1", 2, hash="1" * 64)
        assert await post(upstream, "k2", renamed) == [("S1", "accepted")]
        assert await post(upstream, "k3", renamed) == [("S1", "duplicate")]
        assert upstream.store.held(SOURCE) == {"S1": renamed}


async def test_one_bad_ticket_does_not_hold_up_the_others() -> None:
    rules = Rules(rejected={"S2": "too long"}, categories={"0101"})
    async with platform(rules=rules) as upstream:
        sent = [item("S1", 1), item("S2", 1), item("S3", 1, category={"code": "0999"}), item("S4", 1)]
        assert await post(upstream, "k", *sent) == [
            ("S1", "accepted"),
            ("S2", "rejected"),
            ("S3", "rejected"),
            ("S4", "accepted"),
        ]


async def test_the_listing_goes_page_by_page_and_counts_tombstones() -> None:
    async with platform() as upstream:
        await post(upstream, "k", *(item(f"S{number}", 1, deleted=number == 3) for number in range(1, 13)))
        seen, after = [], ""
        while after is not None:
            status, page = await call(upstream, "GET", f"/tickets?source={SOURCE}&after={after}&limit=5")
            assert (status, page["count"]) == (200, 12)
            seen += [one["id"] for one in page["items"]]
            after = page["next"]
        assert seen == [f"S{number}" for number in range(1, 13)]
        assert (await call(upstream, "GET", f"/tickets/S12?source={SOURCE}"))[1] == item("S12", 1)
        assert (await call(upstream, "GET", f"/tickets/S13?source={SOURCE}"))[0] == 404


async def test_the_feed_of_answers_has_a_cursor() -> None:
    async with platform() as upstream:
        await post(upstream, "k", item("S1", 4))
        for state in ("received", "assigned", "done"):
            upstream.store.answer(SOURCE, "S1", state=state)
        _, page = await call(upstream, "GET", f"/answers?source={SOURCE}&after=&limit=2")
        assert [(one["revision"], one["based_on"]) for one in page["answers"]] == [(1, 4), (2, 4)]
        _, rest = await call(upstream, "GET", f"/answers?source={SOURCE}&after={page['next']}&limit=2")
        assert [one["state"] for one in rest["answers"]] == ["done"]
        _, end = await call(upstream, "GET", f"/answers?source={SOURCE}&after={rest['next']}&limit=2")
        assert end == {"answers": [], "next": rest["next"]}


async def test_every_fault_is_survived_by_asking_again() -> None:
    """Whatever goes wrong, the same request under the same key comes through in the end, and counts once."""
    for kind in Fault:
        async with platform(faults=Faults(0.5, seed=3, kinds=[kind], silence=0.0)) as upstream:
            for number in range(8):
                body = body_of(item("S1", number + 1))
                while True:
                    try:
                        status, found = await call(upstream, "POST", "/tickets", body, key=f"k{number}")
                    except (aiohttp.ClientError, ValueError):
                        continue
                    if status == 200:
                        break
                wanted = {"accepted", "duplicate"} if kind is Fault.TWICE else {"accepted"}
                assert found["results"][0]["status"] in wanted
            assert versions(upstream) == [("S1", number) for number in range(1, 9)]
            assert upstream.faults.drawn[kind.value] > 0


async def test_away_nobody_answers() -> None:
    async with platform(faults=Faults(away=True)) as upstream:
        with pytest.raises(aiohttp.ClientError):
            await call(upstream, "GET", f"/answers?source={SOURCE}")
