"""Ids of messages: accepted once, finished once, found again after a crash, forgotten by whole buckets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from storage import inbox
from storage.engine import Store
from storage.model import Arrival
from tests.contract.conftest import Database
from tests.contract.fill import MINUTE, NOW

HOUR = timedelta(hours=1)


def arrivals(*names: str, at: datetime = NOW, account: str = "a") -> list[Arrival]:
    return [Arrival(account, name, at) for name in names]


async def accept(store: Store, new: Sequence[Arrival]) -> list[str]:
    return [arrival.message_id for arrival in await store.write(lambda tx: inbox.accept(tx, new))]


async def pending(store: Store, account: str = "a") -> list[str]:
    return [arrival.message_id for arrival in await store.read(lambda tx: inbox.pending(tx, account))]


async def finish(store: Store, *names: str, at: datetime = NOW, reason: str = "chat") -> None:
    await store.write(lambda tx: inbox.finish(tx, [("a", name, reason) for name in names], at))


async def test_each_id_is_new_once(store: Store) -> None:
    assert await accept(store, arrivals("m2", "m1", "m2", "m3")) == ["m2", "m1", "m3"]
    assert await accept(store, arrivals("m3", "m4")) == ["m4"]
    assert await accept(store, []) == []


async def test_the_same_id_on_two_accounts_is_two_messages(store: Store) -> None:
    both = [*arrivals("m"), *arrivals("m", account="b")]
    assert len(await accept(store, both)) == 2
    assert await accept(store, both) == []
    assert await pending(store, "b") == ["m"]


@pytest.mark.parametrize("hours", [1, 6, 7, 24, 47, 48])
async def test_a_duplicate_is_recognised_for_48_hours(store: Store, hours: int) -> None:
    await accept(store, arrivals("m"))
    assert await accept(store, arrivals("m", at=NOW + hours * HOUR)) == []


async def test_many_at_once(store: Store) -> None:
    names = [f"m{number:04}" for number in range(1000)]
    assert await accept(store, arrivals(*names)) == names
    await finish(store, *names[:999])
    assert await pending(store) == ["m0999"]


@pytest.mark.parametrize("hours", [0, 5, 11, 13, 47, 49, 24 * 9])
async def test_an_id_is_finished_however_long_it_waited(store: Store, hours: int) -> None:
    await accept(store, arrivals("m", "other"))
    await finish(store, "m", at=NOW + hours * HOUR)
    assert await pending(store) == ["other"]


async def test_ids_of_all_ages_are_finished_together(store: Store) -> None:
    for hours in (0, 20, 47, 100, 103):
        await accept(store, arrivals(f"m{hours}", at=NOW + hours * HOUR))
    await finish(store, "m0", "m47", "m100", "m103", "never-came", at=NOW + 103 * HOUR)
    assert await pending(store) == ["m20"]


async def test_the_first_reason_stays(store: Store, backend: Database) -> None:
    await accept(store, arrivals("m"))
    await finish(store, "m", reason="ticket")
    await finish(store, "m", reason="chat", at=NOW + HOUR)
    assert backend.rows("SELECT reason FROM inbox") == [("ticket",)]


async def test_pending_ids_come_oldest_first(store: Store) -> None:
    await accept(store, arrivals("late", at=NOW + MINUTE))
    await accept(store, arrivals("early", at=NOW - 50 * HOUR))
    assert await pending(store) == ["early", "late"]


async def test_what_was_finished_lately_refills_the_windows(store: Store) -> None:
    await accept(store, arrivals("old", at=NOW - 30 * MINUTE))
    await accept(store, arrivals("b", at=NOW - 3 * MINUTE))
    await accept(store, arrivals("a", at=NOW - 5 * MINUTE))
    await accept(store, arrivals("open", at=NOW))
    await finish(store, "old", at=NOW - 29 * MINUTE)
    await finish(store, "a", "b", at=NOW)
    since = NOW - 10 * MINUTE
    found = await store.read(lambda tx: inbox.finished_since(tx, "a", since))
    assert [arrival.message_id for arrival in found] == ["a", "b"]


async def test_an_id_that_is_given_up_is_listed_and_done(store: Store) -> None:
    await accept(store, arrivals("m", "other"))
    late = NOW + 49 * HOUR
    for _ in range(2):
        await store.write(lambda tx: inbox.unfetchable(tx, "a", "m", late))
    await store.write(lambda tx: inbox.unfetchable(tx, "a", "never-came", late))
    assert await store.read(inbox.list_unfetchable) == arrivals("m")
    assert await pending(store) == ["other"]


async def test_whole_buckets_are_forgotten_and_nothing_pending(store: Store) -> None:
    await accept(store, arrivals("done", "open", at=NOW - 60 * HOUR))
    await accept(store, arrivals("young", at=NOW - 47 * HOUR))
    await finish(store, "done", "young", at=NOW)
    assert await store.write(lambda tx: inbox.purge(tx, NOW - 48 * HOUR)) == 1
    assert await pending(store) == ["open"]
    found = await store.read(lambda tx: inbox.finished_since(tx, "a", NOW))
    assert [arrival.message_id for arrival in found] == ["young"]


async def test_a_bucket_that_is_not_wholly_old_stays(store: Store) -> None:
    noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
    await accept(store, arrivals("m", at=noon + MINUTE))
    await finish(store, "m", at=noon + MINUTE)
    assert await store.write(lambda tx: inbox.purge(tx, noon + 5 * HOUR)) == 0
    assert await store.write(lambda tx: inbox.purge(tx, noon + 6 * HOUR)) == 1


async def test_given_up_ids_are_forgotten_30_days_later(store: Store) -> None:
    await accept(store, arrivals("m"))
    await store.write(lambda tx: inbox.unfetchable(tx, "a", "m", NOW))
    await store.write(lambda tx: inbox.purge(tx, NOW + timedelta(days=29)))
    assert len(await store.read(inbox.list_unfetchable)) == 1
    await store.write(lambda tx: inbox.purge(tx, NOW + timedelta(days=31)))
    assert await store.read(inbox.list_unfetchable) == []


async def test_counters_add_up_over_rooms_and_days(store: Store) -> None:
    today, before = NOW.date(), NOW.date() - timedelta(days=1)
    await store.write(lambda tx: inbox.count(tx, before, {(1, "chat"): 5, (2, "chat"): 1}))
    await store.write(lambda tx: inbox.count(tx, today, {(1, "chat"): 2, (None, "command"): 1}))
    await store.write(lambda tx: inbox.count(tx, today, {(1, "chat"): 3, (None, "command"): 1}))
    await store.write(lambda tx: inbox.count(tx, today, {}))
    assert await store.read(lambda tx: inbox.counters(tx, today)) == {"chat": 5, "command": 2}
    assert await store.read(lambda tx: inbox.counters(tx, before)) == {"chat": 11, "command": 2}


async def test_a_gap_grows_and_never_shrinks(store: Store) -> None:
    for end in (2, 5, 3):
        await store.write(lambda tx, end=end: inbox.record_gap(tx, "a", NOW, NOW + end * MINUTE))
    await store.write(lambda tx: inbox.record_gap(tx, "b", NOW - MINUTE, NOW))
    assert await store.read(lambda tx: inbox.gaps(tx, "a")) == [("a", NOW, NOW + 5 * MINUTE)]
    assert [account for account, _, _ in await store.read(inbox.gaps)] == ["b", "a"]
