"""What devices say, as rows: by their own id, counted among those who told of a ticket, gone with its words."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

from handlers import alerts as handling
from handlers.context import Effects, Policy
from nlp import categories
from storage import alerts, dossiers, erasure, merges, reports, tickets
from storage.alerts import AlertLevel, Known
from storage.engine import Store, Tx
from storage.model import Merge, Place, TicketState
from tests.contract.fill import MICRO, MINUTE, NOW, fill, new_ticket

ALERT = Known("gas", "e-9", "g-0031", "甲烷超限", AlertLevel.ORANGE, "9%LEL", MICRO, 1, NOW)


async def _counted(store: Store, number: int) -> int:
    found = await store.read(lambda tx: tickets.get(tx, number))
    assert found is not None
    return found.reporters


async def test_the_latest_of_a_device_is_found_by_device_and_kind(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await fill(tx)
        await alerts.put(tx, ALERT)
        await alerts.put(tx, replace(ALERT, alert_id="e-10", at=NOW + MINUTE))
        await alerts.put(tx, replace(ALERT, alert_id="e-11", kind="低电量", at=NOW + 2 * MINUTE))
        await alerts.put(tx, replace(ALERT, source="water", at=NOW + 2 * MINUTE))
        known = await alerts.latest_of(tx, "gas", "g-0031", "甲烷超限")
        assert known is not None
        assert known.alert_id == "e-10"
        await alerts.change(tx, known, count=7, cleared=True)
        assert await alerts.get(tx, "gas", "e-10") == replace(known, count=7, cleared=True)
        assert await alerts.get(tx, "gas", "e-9") == ALERT
        assert await alerts.latest_of(tx, "gas", "g-0032", "甲烷超限") is None

    await store.write(work)


async def test_an_alert_that_begins_anew_takes_the_place_of_the_old_one(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await fill(tx)
        other = await tickets.file(tx, new_ticket())
        await alerts.put(tx, ALERT)
        anew = replace(ALERT, ticket=other.number, at=NOW + MINUTE)
        await alerts.put(tx, anew)
        assert await alerts.of_tickets(tx, [1, other.number]) == [anew]

    await store.write(work)


async def test_devices_count_as_one_beside_the_people(store: Store) -> None:
    async def file(tx: Tx) -> int:
        await fill(tx)
        made = await tickets.file(tx, new_ticket())
        await alerts.put(tx, replace(ALERT, ticket=made.number))
        return made.number

    number = await store.write(file)
    assert await _counted(store, number) == 1
    await store.write(lambda tx: tickets.add_reporter(tx, number, 2, 1, NOW))
    assert await _counted(store, number) == 2
    await store.write(lambda tx: alerts.put(tx, replace(ALERT, alert_id="e-10", ticket=number)))
    assert await _counted(store, number) == 2
    await store.write(lambda tx: tickets.add_reporter(tx, number, 3, 1, NOW))
    assert await _counted(store, number) == 3
    await store.write(lambda tx: tickets.drop_reporter(tx, number, 3))
    assert await _counted(store, number) == 2
    await store.write(lambda tx: erasure.from_ticket(tx, number, 2))
    assert await _counted(store, number) == 1


async def test_a_device_counts_in_the_ticket_that_its_own_went_into(store: Store) -> None:
    async def work(tx: Tx) -> tuple[int, int, Merge]:
        await fill(tx)
        one, other = [await tickets.file(tx, new_ticket()) for _ in range(2)]
        await tickets.add_reporter(tx, one.number, 2, 1, NOW)
        await alerts.put(tx, replace(ALERT, ticket=other.number))
        state = {TicketState.FILED}
        merge = Merge(other.number, one.number, TicketState.FILED, other.grid, NOW)
        await tickets.update(tx, other.number, expect=state, at=NOW, state=TicketState.MERGED, merged_into=one.number)
        await merges.put(tx, merge)
        return one.number, other.number, merge

    one, _, merge = await store.write(work)
    assert await _counted(store, one) == 2
    await store.write(lambda tx: merges.undo(tx, merge))
    assert await _counted(store, one) == 1


async def test_its_words_are_read_with_the_ticket_and_go_with_them(store: Store) -> None:
    async def file(tx: Tx) -> int:
        await fill(tx)
        made = await tickets.file(tx, new_ticket())
        await alerts.put(tx, replace(ALERT, ticket=made.number))
        await alerts.put(tx, replace(ALERT, alert_id="e-10", ticket=made.number, at=NOW + timedelta(seconds=1)))
        return made.number

    number = await store.write(file)

    async def read(tx: Tx) -> tuple[list[str], list[str], list[str]]:
        rows = [row async for chunk in reports.register(tx, reports.Filter()) for row in chunk]
        (row,) = [row for row in rows if row.number == number]
        return row.texts, row.devices, (await dossiers.read(tx, [number]))[number].texts

    assert await store.read(read) == (["9%LEL"], ["gas"], ["9%LEL"])
    await store.write(lambda tx: tickets.erase_text(tx, number))
    assert await store.read(read) == ([], ["gas"], [])


async def test_the_same_at_the_same_time_is_filed_once(store: Store) -> None:
    """Whoever comes second finds what the first has written: transactions take turns on every database."""
    await store.write(fill)
    policy = Policy(categories=categories.load())
    source = handling.Source("gas", "燃气监测", "0502", "{place}{text}")
    alert = handling.Alert(
        "e-50", "g-7", "甲烷超限", AlertLevel.RED, NOW, "甲烷超限", MICRO, Place(building="9", unit="1")
    )

    async def say(number: int) -> handling.Outcome:
        one = replace(alert, id="e-50" if number % 2 else f"e-{number}")
        return await store.write(lambda tx: handling.apply(Effects(tx, NOW, policy), source, one))

    outcomes = await asyncio.gather(*(say(number) for number in range(24)))
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    assert verdicts == {handling.Verdict.FILED: 1, handling.Verdict.REPEATED: 23}
    assert len({outcome.ticket for outcome in outcomes}) == 1
    number = int(str(outcomes[0].ticket)[1:])
    (known,) = await store.read(lambda tx: alerts.of_tickets(tx, [number]))
    assert known.count == 24
