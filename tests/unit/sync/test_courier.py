"""The loop of one upstream: order, retries, breaker, parking, tombstones; against a platform in memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clock import VirtualClock
from bot.duty import Duty
from bot.sync import courier as module
from bot.sync.client import Batch, Closed, Failed, Refused, Result, Throttled, TooLarge
from storage import tickets, upstreams
from storage.engine import Tx
from storage.errors import LeaseLostError
from storage.model import Level, Nature, TicketState
from storage.testing import fresh_store
from storage.upstreams import Delivery, DeliveryState, Link
from tests.unit.sync.house import NOON, SOURCE, Above, House, upstream

DOWN = Failed("server_error", "502 oops")


async def delivery(house: House, number: int) -> Delivery:
    found = await house.store.read(lambda tx: upstreams.delivery(tx, "street", number))
    assert found is not None
    return found


async def link(house: House) -> Link:
    return await house.store.read(lambda tx: upstreams.link(tx, "street"))


def refuse(*culprits: str, named: bool = False) -> Any:
    """400 for the whole request while one of them is in it."""

    def answer(batch: Batch) -> Sequence[Result]:
        found = [item["id"] for item in batch.items if item["id"] in culprits]
        if found:
            raise Refused("invalid", "400 the text is too long", found[0] if named else None)
        return []

    return answer


class Picky(Above):
    """A platform that refuses a whole request for some tickets, or for being too large."""

    def __init__(self, *culprits: str, named: bool = False, most: int = 1000) -> None:
        super().__init__()
        self._refuse = refuse(*culprits, named=named)
        self._most = most

    def accept(self, batch: Batch) -> list[Result]:
        if len(batch.items) > self._most:
            raise TooLarge("too_large", "413")
        self._refuse(batch)
        return super().accept(batch)


async def test_what_changed_arrives_once_and_as_it_is_now(house: House) -> None:
    await house.file(3)
    await house.change(2, state=TicketState.ASSIGNED)
    assert await house.sync() is None
    assert house.above.applied == [("S1", 1), ("S2", 2), ("S3", 1)]
    assert house.above.sizes() == [3]
    await house.sync()
    assert house.above.sizes() == [3]  # nothing new, no request
    await house.change(2, state=TicketState.ACCEPTED)
    await house.sync()
    assert house.above.applied[3:] == [("S2", 3)]
    found = await delivery(house, 2)
    assert (found.state, found.sent, found.ref) == (DeliveryState.SENT, 3, "A-S2")
    assert found.hash == house.above.held["S2"]["hash"]


async def test_changes_are_collected_for_a_while(house: House) -> None:
    house.upstream = upstream(wait_seconds=60)
    await house.file()
    assert await house.sync() == NOON + timedelta(seconds=60)
    house.clock.advance(NOON + timedelta(seconds=59))
    await house.change(1, state=TicketState.ASSIGNED)
    assert await house.sync() == NOON + timedelta(seconds=60)
    house.clock.advance(NOON + timedelta(seconds=60))
    await house.sync()
    assert house.above.applied == [("S1", 2)]


async def test_a_body_that_is_sent_again_has_the_same_key(house: House) -> None:
    await house.file(2)
    house.above.answers = [DOWN]
    courier = house.courier()
    again_at = await house.sync(courier)
    assert again_at is not None
    house.clock.advance(again_at)
    await house.sync(courier)
    first, second = house.above.batches
    assert (first.key, first.body) == (second.key, second.body)
    await house.change(1, state=TicketState.ASSIGNED)
    await house.sync()
    assert house.above.batches[2].key != first.key


async def test_after_a_crash_it_is_sent_once_more_and_known(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upstream has it; the program ends before that is written down."""
    await house.file(2)
    courier = house.courier()

    async def killed(_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(courier, "_settle", killed)
    with pytest.raises(SystemExit):
        await house.sync(courier)
    assert (await delivery(house, 1)).state is DeliveryState.SENDING
    await house.sync(house.courier(seed=2))
    assert house.above.applied == [("S1", 1), ("S2", 1)]
    first, second = house.above.batches
    assert (first.key, first.body) == (second.key, second.body)
    assert (await delivery(house, 1)).state is DeliveryState.SENT


async def test_what_may_have_arrived_gets_its_tombstone(house: House) -> None:
    await house.file()
    house.above.answers = [lambda batch: house.above.accept(batch) and (_ for _ in ()).throw(DOWN)]  # lost on its way
    await house.sync()
    assert (await delivery(house, 1)).sent is None
    await house.change(1, state=TicketState.WITHDRAWN)
    await house.sync_until_quiet()
    assert house.above.held["S1"]["deleted"] is True
    assert house.above.held["S1"]["reason"] == "withdrawn"


async def test_a_tombstone_is_sent_once_and_only_for_what_was_sent(house: House) -> None:
    await house.file(2)
    await house.change(2, state=TicketState.WITHDRAWN)
    await house.sync()
    assert house.above.applied == [("S1", 1)]
    assert await house.store.read(lambda tx: upstreams.delivery(tx, "street", 2)) is None
    await house.change(1, state=TicketState.CLOSED, result="答复即办")
    await house.sync()
    await house.change(1, rating=5)
    await house.sync()
    assert house.above.applied == [("S1", 1), ("S1", 2)]
    assert house.above.held["S1"]["reason"] == "answered"
    await house.change(1, state=TicketState.FILED, result=None, handled_at=None)  # 未解决: reopened
    await house.sync()
    assert house.above.held["S1"]["deleted"] is False


async def test_what_was_answered_in_the_group_waits_until_that_is_settled(house: House) -> None:
    await house.file(2)
    await house.change(1, handled_at=NOON)
    await house.sync()
    assert house.above.applied == [("S2", 1)]
    await house.change(1, handled_at=None)
    await house.change(2, handled_at=NOON)  # it is there already, and is kept up to date
    await house.sync()
    assert house.above.applied[1:] == [("S1", 3), ("S2", 2)]


async def test_a_merged_ticket_tells_where_it_went_and_comes_back(house: House) -> None:
    await house.file(2)
    await house.sync()
    await house.change(2, state=TicketState.MERGED, merged_into=1)
    await house.sync()
    assert house.above.held["S2"]["merged_into"] == "S1"
    await house.change(2, state=TicketState.FILED, merged_into=None)
    await house.sync()
    assert house.above.held["S2"]["state"] == "filed"


async def test_what_leaves_a_filter_is_taken_back(house: House) -> None:
    house.upstream = upstream(levels=("community", "street"))
    await house.file()
    await house.sync()
    assert house.above.batches == []
    await house.change(1, level=Level.COMMUNITY)
    await house.sync()
    await house.change(1, level=Level.DEPARTMENT)
    await house.sync()
    assert house.above.applied == [("S1", 2), ("S1", 3)]
    assert house.above.held["S1"]["reason"] == "filtered"


async def test_upstreams_are_independent(house: House) -> None:
    await house.file(nature=Nature.HELP)
    await house.file(nature=Nature.COMPLAINT)
    other = Above()
    city = upstream(name="city", natures=("complaint",))
    house.above.answers = [DOWN] * 3
    second = module.Courier(house.store, city, SOURCE, other, module_labels(house), house.clock, seed=1)
    await house.sync()
    await house.sync(second)
    assert other.applied == [("S2", 1)]
    assert house.above.applied == []
    await house.sync_until_quiet()
    assert house.above.applied == [("S1", 1), ("S2", 1)]


def module_labels(house: House) -> Any:
    return house.courier()._labels


@pytest.mark.parametrize("passes", range(5))
async def test_a_process_that_stood_still_sends_nothing_once_another_is_on_duty(house: House, passes: int) -> None:
    """It loses the duty before it looks, between its plan and the request, or between two requests of one plan."""
    house.above = Picky(most=1)
    await house.file(2)
    frozen, left = house.courier(), passes
    requests: list[int] = []

    async def fence(tx: Tx) -> None:
        nonlocal left
        requests.append(len(house.above.batches))
        left -= 1
        if left < 0:
            raise LeaseLostError("duty is another process's now")

    duty = Duty([frozen], [], [])
    duty.begin(fence)
    with pytest.raises(LeaseLostError):
        await frozen.step()
    assert len(house.above.batches) == requests[-1] == [0, 0, 0, 1, 2][passes]
    await frozen.run()  # it ends by itself, and takes nothing else along
    await duty.take_over()
    assert len(house.above.batches) == requests[-1]
    await house.sync_until_quiet()
    assert sorted(house.above.applied) == [("S1", 1), ("S2", 1)]


@pytest.mark.parametrize("named", [True, False])
async def test_only_the_culprit_of_a_refused_batch_is_parked(house: House, named: bool) -> None:
    house.above = Picky("S3", "S7", named=named)
    await house.file(10)
    await house.sync()
    assert sorted(house.above.held) == ["S1", "S10", "S2", "S4", "S5", "S6", "S8", "S9"]
    parked = await house.store.read(lambda tx: upstreams.parked(tx, "street"))
    assert [(one.ticket, one.code, one.message) for one in parked] == [
        (3, "invalid", "400 the text is too long"),
        (7, "invalid", "400 the text is too long"),
    ]
    assert await house.sync() is None  # it is not tried again by itself
    house.above = Picky()
    await house.change(3, state=TicketState.ASSIGNED)  # a newer version is another matter
    await house.sync()
    assert house.above.applied == [("S3", 2)]


async def test_a_single_ticket_that_is_rejected_is_parked_with_their_words(house: House) -> None:
    await house.file(3)
    house.above.answers = [
        lambda batch: [
            Result("accepted"),
            Result("rejected", code="no_area", message="no such area"),
            Result("stale"),
        ]
    ]
    await house.sync()
    parked = await house.store.read(lambda tx: upstreams.parked(tx, "street"))
    assert [(one.ticket, one.code, one.message) for one in parked] == [
        (2, "no_area", "no such area"),
        (3, "stale", ""),
    ]
    assert (await delivery(house, 1)).state is DeliveryState.SENT


async def test_a_category_without_a_code_is_parked_and_the_rest_flows(house: House) -> None:
    house.upstream = upstream(codes={"06": "W"})
    await house.file(category="0501")
    await house.file(category="0601")
    await house.sync()
    assert house.above.held.keys() == {"S2"}
    (parked,) = await house.store.read(lambda tx: upstreams.parked(tx, "street"))
    assert parked.code == "unmapped_category"
    assert 'add "0501" (or "default") under [upstreams.codes] of street' in str(parked.message)
    house.upstream = upstream(codes={"06": "W", "default": "X"})  # mended, and started again
    courier = house.courier()
    await courier.start()
    await house.sync(courier)
    assert house.above.held["S1"]["category"]["mapped"] == "X"


async def test_a_ticket_that_cannot_be_rendered_stops_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.file(2)
    render = module.rendered

    def broken(above: Any, dossier: Any, labels: Any) -> Any:
        if dossier.ticket.number == 1:
            raise ZeroDivisionError
        return render(above, dossier, labels)

    monkeypatch.setattr(module, "rendered", broken)
    await house.sync()
    assert house.above.held.keys() == {"S2"}
    assert (await delivery(house, 1)).code == "defect"


async def test_a_batch_that_is_too_large_is_halved(house: House) -> None:
    house.above = Picky(most=3)
    await house.file(10)
    courier = house.courier()
    await house.sync(courier)
    assert len(house.above.held) == 10
    await house.file(4)
    before = len(house.above.batches)
    await house.sync(courier)
    assert house.above.sizes()[before:] == [2, 2]  # what was learnt is kept


async def test_the_breaker_opens_and_one_ticket_tries_whether_they_are_back(house: House) -> None:
    house.upstream = upstream(batch=2)
    await house.file(30)
    house.above.answers = [DOWN] * 6
    courier = house.courier()
    again_at = await house.sync(courier)
    found = await link(house)
    assert house.above.sizes() == [2] * 5
    assert (found.failures, found.open_until, found.code) == (5, again_at, "server_error")
    assert again_at is not None
    assert timedelta(seconds=15) <= again_at - house.clock.now() <= timedelta(seconds=30)
    await house.file()
    assert await house.sync(courier) == again_at  # nothing is tried meanwhile
    house.clock.advance(again_at)
    later = await house.sync(courier)
    assert house.above.sizes()[5:] == [1]
    assert later is not None
    house.clock.advance(later)
    await house.sync_until_quiet(courier)
    assert len(house.above.held) == 31
    found = await link(house)
    assert (found.failures, found.open_until, found.code) == (0, None, None)


async def test_after_a_day_away_everything_follows_at_once(house: House) -> None:
    await house.file(50)
    courier = house.courier()
    end = house.clock.now() + timedelta(days=1)
    while house.clock.now() < end:
        house.above.answers = [DOWN]
        again_at = await house.sync(courier)
        house.clock.advance(again_at or end)
    tries = len(house.above.batches)
    assert tries < 24 * 60 // 2  # some hundred, not thousands
    house.above.answers = []
    await house.sync_until_quiet(courier)
    assert len(house.above.held) == 50
    assert house.clock.now() - end < timedelta(minutes=15)


@pytest.mark.parametrize("code", ["unauthorized", "wrong_address"])
async def test_a_wrong_secret_or_address_stops_it_until_a_person_mends_it(house: House, code: str) -> None:
    await house.file(4)
    house.above.answers = [Closed(code, "401 no such secret")]
    again_at = await house.sync()
    assert again_at == NOON + module.CLOSED_FOR
    found = await link(house)
    assert (found.code, found.message) == (code, "401 no such secret")
    courier = house.courier()  # the config was mended, the bot started again
    await courier.start()
    await house.sync_until_quiet(courier)
    assert len(house.above.held) == 4


async def test_where_everything_is_refused_it_is_not_the_tickets(house: House) -> None:
    house.above = Picky(*(f"S{number}" for number in range(1, 101)))
    await house.file(100)
    again_at = await house.sync()
    parked = await house.store.read(lambda tx: upstreams.parked(tx, "street"))
    assert len(parked) < module.REFUSED_ALL
    assert (await link(house)).code == "refused_all"
    assert again_at == NOON + module.CLOSED_FOR


async def test_a_third_of_them_refused_by_name_holds_up_nobody(house: House) -> None:
    bad = {f"S{number}" for number in range(1, 101) if number % 3 == 0}
    house.above = Picky(*bad, named=True)
    await house.file(100)
    assert await house.sync() is None
    assert len(house.above.held) == 67
    assert house.above.held.keys().isdisjoint(bad)


async def test_a_clock_that_was_years_ahead_holds_nothing_back_after_a_start(house: House) -> None:
    house.clock = VirtualClock(NOON + timedelta(days=1000))
    await house.file()
    house.above.answers = [Closed("unauthorized", "401 the clocks differ")]
    await house.sync()
    house.clock = VirtualClock(NOON)
    courier = house.courier()
    await courier.start()
    assert await house.sync(courier) is None
    assert house.above.applied == [("S1", 1)]


async def test_who_asks_for_no_pause_at_all_gets_one(house: House) -> None:
    house.upstream = upstream(batch=1)
    await house.file(20)
    house.above.answers = [Throttled("throttled", "429", timedelta())] * 20
    assert await house.sync() == NOON + timedelta(seconds=1)
    assert len(house.above.batches) == 1


async def test_they_may_ask_for_a_pause(house: House) -> None:
    await house.file()
    house.above.answers = [Throttled("throttled", "429", timedelta(seconds=90))]
    assert await house.sync() == NOON + timedelta(seconds=90)
    found = await link(house)
    assert found.failures == 0
    house.clock.advance(NOON + timedelta(seconds=90))
    await house.sync_until_quiet()
    assert house.above.applied == [("S1", 1)]


async def test_however_often_they_ask_for_a_pause_nothing_is_parked(house: House) -> None:
    await house.file()
    courier = house.courier()
    house.above.answers = [Throttled("throttled", "429", timedelta(seconds=5))] * 12
    for _ in range(12):
        again_at = await house.sync(courier)
        assert again_at is not None
        house.clock.advance(again_at)
    found = await delivery(house, 1)
    assert (found.state, found.code) == (DeliveryState.PENDING, "throttled")
    await house.sync_until_quiet(courier)
    assert house.above.applied == [("S1", 1)]


async def test_retries_are_spread_and_the_same_for_a_seed(house: House) -> None:
    await house.file()
    moments = []
    for _ in range(2):
        house.above.answers = [DOWN]
        await house.store.write(lambda tx: upstreams.hurry(tx, "street", NOON))
        moments.append(await house.sync(house.courier(seed=7)))
    house.above.answers = [DOWN]
    await house.store.write(lambda tx: upstreams.hurry(tx, "street", NOON))
    other = await house.sync(house.courier(seed=8))
    assert all(moment is not None and moment > NOON for moment in [*moments, other])
    # Full jitter: the span doubles with the attempts, the draw is the seed's.
    first, second = ((moment - NOON) / timedelta(seconds=1) for moment in moments if moment is not None)
    assert second == pytest.approx(2 * first)


async def test_a_stop_ends_it_between_two_requests(house: House) -> None:
    house.upstream = upstream(batch=1)
    await house.file(5)
    courier = house.courier()

    def stopping(batch: Batch) -> list[Result]:
        courier.stop()
        return Above.accept(house.above, batch)

    house.above.answers = [stopping]
    await courier.run()
    assert house.above.applied == [("S1", 1)]


class Choking(Above):
    """A platform that falls over whenever a certain ticket comes."""

    def accept(self, batch: Batch) -> list[Result]:
        if any(item["id"] == "S3" for item in batch.items):
            raise Failed("server_error", "500 NullPointerException")
        return super().accept(batch)


async def test_a_ticket_that_they_choke_on_holds_up_nobody(house: House) -> None:
    house.above = Choking()
    house.upstream = upstream(batch=16)
    await house.file(40)
    courier = house.courier()
    for _ in range(200):
        again_at = await house.sync(courier)
        if again_at is None:
            break
        house.clock.advance(again_at)
        if house.clock.now().minute % 10 == 0:
            await house.file()  # life goes on
    await house.sync_until_quiet(courier)
    count = len(await house.store.read(tickets.search))
    assert house.above.held.keys() == {f"S{number}" for number in range(1, count + 1)} - {"S3"}
    (parked,) = await house.store.read(lambda tx: upstreams.parked(tx, "street"))
    assert (parked.ticket, parked.code, parked.message) == (3, "server_error", "500 NullPointerException")
    assert (await link(house)).code is None


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 4))
async def test_whatever_goes_wrong_each_arrives_once_in_order_and_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int
) -> None:
    """Random changes, failures before and after the upstream took a batch, and restarts."""
    chance = random.Random(seed)
    async with await fresh_store(Path(tmp_path_factory.mktemp("h"))) as store:
        house = House(store)
        await house.furnish()
        house.upstream = upstream(batch=size)
        above = house.above
        courier = house.courier(seed)

        def lost(batch: Batch) -> Sequence[Result]:
            above.accept(batch)
            raise DOWN

        count = 0
        for _ in range(25):
            what = chance.random()
            if what < 0.3 or not count:
                await house.file()
                count += 1
            elif what < 0.7:
                number = chance.randint(1, count)
                states = [TicketState.FILED, TicketState.ASSIGNED, TicketState.WITHDRAWN, TicketState.CLOSED]
                await house.change(number, state=chance.choice(states))
            elif what < 0.8:
                courier = house.courier(seed + 1)  # a restart
                await courier.start()
            above.answers = [chance.choice([DOWN, lost])] if chance.random() < 0.4 else []
            again_at = await house.sync(courier)
            if again_at is not None:
                house.clock.advance(again_at)
        above.answers = []
        await house.sync_until_quiet(courier)
        assert len(set(above.applied)) == len(above.applied)
        for number in range(1, count + 1):
            versions = [version for name, version in above.applied if name == f"S{number}"]
            assert versions == sorted(versions)
            ticket = await store.read(lambda tx, number=number: tickets.get(tx, number))
            held = above.held.get(f"S{number}")
            assert ticket is not None
            if ticket.state is TicketState.WITHDRAWN:
                assert held is None or held["deleted"]
            else:
                assert held is not None
                assert (held["version"], held["state"]) == (ticket.version, ticket.state.value)
