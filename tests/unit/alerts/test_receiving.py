"""Alerts as they are posted: read, refused with a word that helps, done once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from jsonschema import Draft202012Validator

from bot.alerts.receiving import Body, Receiver
from bot.clock import VirtualClock
from storage import alerts, answers, outbox
from storage.engine import Tx
from storage.model import SendState, Urgency
from storage.testing import fresh_store
from tests.unit.alerts.bench import COMMUNITY, CONFIG, ELSEWHERE, MICRO, Bench, bench, configured, furnish

SCHEMA = Path(__file__).parents[3] / "bot" / "data" / "alert-1.schema.json"


async def lines(devices: Bench) -> list[str]:
    queued = await devices.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    return [line.text for line in queued]


async def test_an_alert_becomes_a_ticket_and_its_leader_is_told(devices: Bench) -> None:
    status, reply = await devices.post(text="浓度持续上升", value=9.5, unit="%LEL")
    assert (status, reply) == (200, {"id": "e-1", "status": "filed", "ticket": "S1"})
    (ticket,) = await devices.tickets()
    assert (ticket.grid, ticket.place.building, ticket.place.unit) == (MICRO, "3", "2")
    assert (ticket.category, ticket.urgency) == ("0502", Urgency.EMERGENCY)
    told, advice, draft = await lines(devices)
    assert "燃气监测橙色预警：“甲烷超限：浓度持续上升（9.5%LEL）”" in told
    assert advice.startswith("S1 燃气泄漏 3栋2单元 已登记。")
    assert "拟好的通知 T1，未发出" in draft
    assert devices.woken == [1]


async def test_the_same_request_gets_the_same_reply(devices: Bench) -> None:
    at = devices.clock.now().isoformat()
    first = await devices.post(at=at, key="k")
    assert await devices.post(at=at, key="k") == first
    assert await devices.post(at=at, key="k2") == (200, {"id": "e-1", "status": "repeated", "ticket": "S1"})
    status, reply = await devices.post(id="e-2", key="k")
    assert (status, reply) == (422, {"message": "this Idempotency-Key came with another body before"})
    assert len(await devices.tickets()) == 1


async def test_the_same_request_many_times_at_once_is_done_once(devices: Bench) -> None:
    body = json.dumps(devices.alert()).encode()
    replies = await asyncio.gather(*(devices.send(body, key="k") for _ in range(20)))
    assert {(status, json.dumps(reply)) for status, reply in replies} == {
        (200, '{"id": "e-1", "status": "filed", "ticket": "S1"}')
    }
    assert len(await devices.tickets()) == 1
    known = await devices.store.read(lambda tx: alerts.get(tx, "gas", "e-1"))
    assert known is not None
    assert known.count == 1
    assert len(await lines(devices)) == 3


async def test_a_flood_makes_one_ticket_and_fills_nothing(devices: Bench) -> None:
    replies = await devices.flood(200)
    assert {status for status, _ in replies} == {200}
    assert len(await devices.tickets()) == 1
    assert len(await lines(devices)) == 3
    assert devices.receiver.tally == {("gas", "filed"): 1, ("gas", "repeated"): 199}

    async def kept(tx: Tx) -> tuple[int, int]:
        (known,) = await alerts.of_tickets(tx, [1])
        found = [await answers.reply(tx, "alerts/gas", f"k-{number}") for number in range(1, 201)]
        return known.count, len([reply for reply in found if reply is not None])

    assert await devices.store.read(kept) == (200, 1)


async def test_news_of_an_alert(devices: Bench) -> None:
    await devices.post()
    later = (devices.clock.now() + timedelta(seconds=2)).isoformat()
    assert (await devices.post(level="red", at=later))[1]["status"] == "updated"
    assert (await devices.post(level="cleared", at=later))[1]["status"] == "cleared"
    assert (await devices.post(id="e-9", device="g-9", level="cleared"))[1] == {"id": "e-9", "status": "nothing"}


async def test_what_is_said_of_people_is_masked(devices: Bench) -> None:
    await devices.post(
        kind="求助13912345678", text="打13812345678找王师傅", place="3栋2单元 13712345678", value="13612345678"
    )
    said = "".join(await lines(devices)) + str(await devices.tickets())
    known = await devices.store.read(lambda tx: alerts.get(tx, "gas", "e-1"))
    assert "12345678" not in said + str(known)


async def test_a_drill_is_checked_and_makes_nothing(devices: Bench) -> None:
    assert await devices.post(drill=True) == (200, {"id": "e-1", "status": "drill"})
    assert (await devices.post(drill=True, device="g-0032", grid="519999001009"))[0] == 422
    assert await devices.tickets() == []
    assert await lines(devices) == []


@pytest.mark.parametrize(
    ("changed", "status", "why"),
    [
        ({"id": ...}, 400, "the alert cannot be read: Object missing required field `id`"),
        ({"id": ""}, 400, "length >= 1 - at `$.id`"),
        ({"level": "pink"}, 400, "Invalid enum value 'pink' - at `$.level`"),
        ({"at": "2026-11-20T08:30:00"}, 400, "at `$.at`"),
        ({"at": "yesterday"}, 400, "at `$.at`"),
        ({"at": "2020-01-01T00:00:00Z"}, 400, "at: older than 24 h, or in the future"),
        ({"at": "2099-01-01T00:00:00Z"}, 400, "at: older than 24 h, or in the future"),
        ({"grid": "51"}, 400, "at `$.grid`"),
        ({"grid": "519999001009"}, 422, f"grid: 519999001009 is outside {COMMUNITY}"),
        ({"grid": ELSEWHERE}, 422, f"grid: {ELSEWHERE} is outside {COMMUNITY}, which the source may speak for"),
        ({"grid": f"{COMMUNITY}009"}, 422, f"grid: there is no grid {COMMUNITY}009"),
        ({"text": "长" * 501}, 400, "at `$.text`"),
        ({"value": [1]}, 400, "at `$.value`"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_reason(
    devices: Bench, changed: dict[str, Any], status: int, why: str
) -> None:
    got, reply = await devices.post(**changed)
    assert (got, why in reply["message"]) == (status, True), reply
    assert await devices.tickets() == []
    assert devices.receiver.tally == {("gas", f"refused_{status}"): 1}


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (b"{", 400, "the body is no JSON"),
        (b"\xff{}", 400, "the body is no JSON"),
        (b"[" * 10_000, 400, ""),
        (b"[]", 400, "Expected `object`, got `array`"),
        (b" " * (Receiver.most_bytes + 1), 413, "at most 16384 bytes"),
        (b" " * (2 * 1024 * 1024), 413, "at most 16384 bytes"),
    ],
)
async def test_what_is_no_alert_at_all(devices: Bench, body: bytes, status: int, why: str) -> None:
    got, reply = await devices.send(body)
    assert (got, why in reply["message"]) == (status, True), reply


async def test_characters_that_no_database_takes(devices: Bench) -> None:
    body = json.dumps(devices.alert(text="a\x00b")).encode()
    assert (await devices.send(body))[0] == 200
    half = json.dumps(devices.alert(id="e-2", device="g-2", text="X")).replace('"X"', '"\\ud800"').encode()
    assert (await devices.send(half))[0] in {200, 400}
    status, reply = await devices.post(id="\x00")
    assert (status, reply["message"]) == (400, "id: there is nothing to read in it")


async def test_who_cannot_sign_makes_nothing(devices: Bench) -> None:
    body = json.dumps(devices.alert()).encode()
    assert (await devices.send(body, secret="another"))[0] == 401  # noqa: S106
    assert (await devices.send(body, "water"))[0] == 401
    assert (await devices.send(body, headers={"Idempotency-Key": "changed"}))[0] == 401
    assert (await devices.send(body, key=""))[0] == 400
    assert (await devices.send(body, headers={"Content-Encoding": "gzip"}))[0] == 415
    status, reply = await devices.send(body, "nobody")
    assert (status, reply["message"][:14]) == (404, "no such source")
    assert await devices.tickets() == []


async def test_a_source_without_a_grid_needs_one_from_its_devices(devices: Bench) -> None:
    async def water(**changed: Any) -> tuple[int, Any]:
        body = json.dumps(devices.alert(**changed)).encode()
        return await devices.send(body, "water", secret="another")  # noqa: S106

    status, reply = await water()
    assert (status, reply["message"]) == (
        422,
        "grid: missing, and the device g-0031 is not under [[alerts.sources]] water",
    )
    assert (await water(grid=ELSEWHERE, building="3", building_unit="2"))[1]["ticket"] == "S1"
    (ticket,) = await devices.tickets()
    assert (ticket.category, ticket.place.building, ticket.place.unit) == ("0510", "3", "2")


async def test_what_cannot_be_stored_is_sent_again(devices: Bench) -> None:
    await devices.store.close()
    status, reply = await devices.post()
    assert (status, reply["message"]) == (503, "it cannot be stored now, send it again")
    assert devices.receiver.tally == {("gas", "refused_503"): 1}


def test_the_schema_says_what_is_read() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    fields = msgspec.structs.fields(Body)
    assert set(schema["properties"]) == {field.name for field in fields}
    assert set(schema["required"]) == {field.name for field in fields if field.required}
    limits = get_type_hints(Body, include_extras=True)
    for name, rule in schema["properties"].items():
        for meta in getattr(limits[name], "__metadata__", ()):
            assert meta.max_length in (None, rule.get("maxLength")), name
            assert meta.min_length in (None, rule.get("minLength")), name


@pytest.mark.parametrize("changed", [{}, {"value": 9.5}, {"value": "9"}, {"grid": None}, {"level": "cleared"}])
async def test_what_fits_the_schema_is_taken(devices: Bench, changed: dict[str, Any]) -> None:
    schema = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert list(schema.iter_errors(devices.alert(**changed))) == []
    assert (await devices.post(**changed))[0] == 200


async def test_who_sends_too_much_sends_it_again_later(tmp_path: Path) -> None:
    clock = VirtualClock(datetime.now(UTC).replace(microsecond=0))
    config = configured(tmp_path, CONFIG.replace("notice = true", "a_minute = 3"))
    async with await fresh_store(tmp_path) as store, bench(store, config, clock) as devices:
        await furnish(store)
        assert [(await devices.post(id=f"e-{number}", drill=True))[0] for number in range(4)] == [200, 200, 200, 429]
        body = json.dumps(devices.alert(drill=True)).encode()
        assert (await devices.send(body, secret="wrong"))[0] == 401  # noqa: S106 - takes nothing of what is allowed
        status, reply = await devices.post(drill=True)
        assert (status, reply) == (429, {"message": "more than 3 a minute, send it again later"})
        assert devices.receiver.tally["gas", "refused_429"] == 2
        clock.advance(clock.now() + timedelta(seconds=19))
        assert (await devices.post(drill=True))[0] == 429
        clock.advance(clock.now() + timedelta(seconds=1))
        assert [(await devices.post(drill=True))[0] for _ in range(2)] == [200, 429]
