"""Who stands by in a group, and how it is handed over, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from storage import accounts, byhand, notices, outbox, people, presence, registry, rooms, standbys, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Grant,
    Lane,
    Origin,
    Outgoing,
    PostKind,
    Role,
    Room,
    RoomKind,
    RoomState,
    SendState,
)
from storage.standbys import Load
from tests.contract.conftest import Database
from tests.contract.fill import COMMUNITY, GRID, MICRO, NOW, draft, new_ticket

LATER = NOW + timedelta(minutes=1)
SOON = timedelta(seconds=5)


async def ensure(store: Store, account: str, im_id: str = "r1", topic: str = "示例群") -> Room:
    return await store.write(lambda tx: rooms.ensure(tx, account, im_id, topic, at=NOW))


async def bound(store: Store, account: str = "a", im_id: str = "r1", **fields: object) -> Room:
    """An enabled group named 示例群 for the micro-grid."""
    room = await ensure(store, account, im_id)
    values = {"grid": MICRO, "state": RoomState.ENABLED, **fields}
    return await store.write(lambda tx: rooms.update(tx, room.id, **values))


async def name(store: Store, room: Room, account: str, im_id: str) -> None:
    """A table says that this account is in the group."""
    await store.write(lambda tx: standbys.add(tx, room.id, account, im_id, at=NOW))


async def linked(store: Store, *names: str) -> None:
    async def work(tx: Tx) -> None:
        for one in names:
            await accounts.seen(tx, one, NOW)
            await presence.listened(tx, one, NOW)

    await store.write(work)


async def die(store: Store, *names: str) -> None:
    async def work(tx: Tx) -> None:
        for one in names:
            await accounts.seen(tx, one, NOW)
            assert await accounts.die(tx, one, NOW, accounts.NO_LINK)

    await store.write(work)


async def able(store: Store, room: Room) -> list[str]:
    return [one.account for one in await store.read(lambda tx: standbys.able(tx, room.id))]


async def hand_over(store: Store, room: Room, *, stays: bool = True, at: datetime = LATER) -> Room:
    """To the first who could answer."""

    async def work(tx: Tx) -> Room:
        (to, *_) = await standbys.able(tx, room.id)
        return await rooms.hand_over(tx, room, to, at=at, stays=stays)

    return await store.write(work)


async def lines(store: Store, state: SendState) -> dict[str, Outgoing]:
    return {line.key: line for line in await store.read(lambda tx: outbox.by_state(tx, state))}


async def of_room(store: Store, room: Room) -> list[tuple[str, str]]:
    return [(one.account, one.im_id) for one in await store.read(lambda tx: standbys.of_room(tx, room.id))]


# --- who stands by ---
async def test_a_second_account_that_is_heard_in_the_group_stands_by(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    await ensure(store, "c", "r2")
    assert await of_room(store, room) == [("b", "r1")]
    assert await able(store, room) == ["b"]


async def test_whoever_was_there_before_stands_by_once_the_group_is_enabled(store: Store) -> None:
    await ensure(store, "b")
    await ensure(store, "c")
    await store.write(lambda tx: rooms.update(tx, 2, state=RoomState.GONE))
    room = await bound(store)
    await store.write(lambda tx: standbys.learn(tx, "r1", at=NOW))
    assert await of_room(store, room) == [("b", "r1")]
    since = (await store.read(lambda tx: standbys.of_room(tx, room.id)))[0].since
    await store.write(lambda tx: standbys.learn(tx, "r1", at=LATER))
    assert [one.since for one in await store.read(lambda tx: standbys.of_room(tx, room.id))] == [since]


async def test_an_account_knows_a_group_by_one_id_and_one_group_by_an_id(store: Store) -> None:
    one, two = await bound(store), await bound(store, "a", "r2")
    await name(store, one, "b", "x1")
    await name(store, one, "b", "x2")
    assert await of_room(store, one) == [("b", "x2")]
    await name(store, two, "b", "x2")
    assert (await of_room(store, one), await of_room(store, two)) == ([], [("b", "x2")])


async def test_one_that_was_never_linked_or_heard_cannot_take_over(store: Store) -> None:
    room = await bound(store)
    await name(store, room, "b", "r1")
    assert await able(store, room) == []
    await linked(store, "b")
    assert await able(store, room) == ["b"]


async def test_with_another_id_the_groups_must_have_one_name(store: Store) -> None:
    room = await bound(store)
    await name(store, room, "b", "other-id")
    twin = await ensure(store, "b", "other-id", "另一个群")
    assert await able(store, room) == []
    await store.write(lambda tx: rooms.update(tx, twin.id, topic="示例群"))
    assert await able(store, room) == ["b"]
    await store.write(lambda tx: rooms.update(tx, twin.id, state=RoomState.GONE))
    assert await able(store, room) == []


async def test_of_two_the_one_with_less_to_do_takes_over_and_a_dead_one_never(store: Store) -> None:
    room = await bound(store)
    for account in ("b", "c"):
        await ensure(store, account)
    await bound(store, "b", "r7")
    assert await able(store, room) == ["c", "b"]
    await die(store, "c")
    assert await able(store, room) == ["b"]
    await die(store, "b")
    assert await able(store, room) == []
    await die(store, "a")
    assert await store.read(lambda tx: standbys.to_hand_over(tx, 10)) == []
    await store.write(lambda tx: accounts.revive(tx, "b"))
    assert await store.read(lambda tx: standbys.to_hand_over(tx, 10)) == [room.id]


async def test_what_a_standby_hears_is_no_group_of_the_scope(store: Store) -> None:
    room = await bound(store)
    twin = await ensure(store, "b")
    await store.write(lambda tx: rooms.update(tx, twin.id, grid=MICRO))
    found = await store.read(lambda tx: rooms.within(tx, COMMUNITY, RoomKind.RESIDENT))
    assert [one.id for one in found] == [room.id]


async def test_loads(store: Store) -> None:
    room = await bound(store)
    await bound(store, "a", "r2")
    await ensure(store, "b")
    await name(store, room, "c", "r1")
    await die(store, "a")
    assert await store.read(standbys.loads) == {
        "a": Load("a", assigned=2, standby=0, joined=2, mute=2, dead=True),
        "b": Load("b", assigned=0, standby=1, joined=1),
        "c": Load("c", assigned=0, standby=1, joined=1),
    }


# --- handing over ---
async def test_the_row_stays_and_with_it_what_hangs_on_it(store: Store, backend: Database) -> None:
    room = await bound(store, noticed_at=NOW)
    await ensure(store, "b")
    await store.write(lambda tx: tickets.file(tx, new_ticket(room_id=room.id)))
    before = await store.read(registry.version)
    taken = await hand_over(store, room)
    assert taken == replace(room, account="b", taken_at=LATER)
    assert backend.rows("SELECT room_id FROM tickets") == [(room.id,)]
    assert await of_room(store, taken) == [("a", "r1")]
    twin = await store.read(lambda tx: rooms.find(tx, "a", "r1"))
    assert twin is not None
    assert (twin.state, twin.grid) == (RoomState.DORMANT, None)
    assert await store.read(registry.version) > before


async def test_where_the_other_was_never_heard_there_is_no_row_to_change_places_with(store: Store) -> None:
    room = await bound(store)
    await name(store, room, "b", "id-of-b")
    await linked(store, "b")
    taken = await hand_over(store, room)
    assert (taken.account, taken.im_id) == ("b", "id-of-b")
    assert await of_room(store, taken) == [("a", "r1")]
    heard = await ensure(store, "a")
    assert (heard.id != room.id, heard.state) == (True, RoomState.DORMANT)


async def test_who_was_removed_does_not_stand_by(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    taken = await hand_over(store, room, stays=False)
    assert await of_room(store, taken) == []
    twin = await store.read(lambda tx: rooms.find(tx, "a", "r1"))
    assert twin is not None
    assert twin.state is RoomState.GONE


async def test_there_and_back_again(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    taken = await hand_over(store, room)
    again = await hand_over(store, taken, at=LATER + SOON)
    assert again == replace(room, taken_at=LATER + SOON)
    assert await of_room(store, again) == [("b", "r1")]
    assert len(await store.read(rooms.every)) == 2


async def test_in_a_group_one_answers_all_the_while(store: Store) -> None:
    room = await bound(store)
    twin = await ensure(store, "b")
    await hand_over(store, room)
    with pytest.raises(Exception, match=r"rooms_answering|rooms\.im_id"):
        await store.write(lambda tx: rooms.update(tx, twin.id, state=RoomState.ENABLED))


async def put(store: Store, room: Room, *keys: str, **fields: object) -> None:
    async def work(tx: Tx) -> None:
        for key in keys:
            values = {"account": room.account, "conversation": room.im_id, "room_id": room.id, **fields}
            await outbox.put(tx, draft(key, **values))

    await store.write(work)


async def send(store: Store, key: str) -> int:
    line = (await lines(store, SendState.QUEUED))[key]
    assert await store.write(lambda tx: outbox.mark_sending(tx, line.id, NOW))
    return line.id


async def test_what_waits_goes_along_and_what_is_being_sent_stays(store: Store) -> None:
    room = await bound(store)
    elsewhere = await bound(store, "a", "r2")
    await ensure(store, "b")
    await put(store, room, "waits", "sending", "unknown", "sent", mentions=("u1",))
    await put(store, elsewhere, "elsewhere")
    for key in ("sending", "unknown", "sent"):
        await send(store, key)
    unknown = (await lines(store, SendState.SENDING))["unknown"].id
    sent = (await lines(store, SendState.SENDING))["sent"].id
    await store.write(lambda tx: outbox.mark_unknown(tx, unknown, "no answer"))
    await store.write(lambda tx: outbox.mark_sent(tx, sent, NOW, "m1"))
    await hand_over(store, room)
    queued = await lines(store, SendState.QUEUED)
    assert {key: (line.account, line.conversation) for key, line in queued.items()} == {
        "waits": ("b", "r1"),
        "elsewhere": ("a", "r2"),
    }
    assert queued["waits"].mentions == ("u1",)
    left = [*(await lines(store, SendState.SENDING)).values(), *(await lines(store, SendState.UNKNOWN)).values()]
    assert {line.account for line in left} == {"a"}
    assert [line.key for line in await store.read(lambda tx: outbox.due(tx, "b", LATER))] == ["waits"]


async def test_a_mention_by_an_id_of_the_other_account_is_none(store: Store) -> None:
    room = await bound(store)
    await name(store, room, "b", "id-of-b")
    await linked(store, "b")
    await put(store, room, "waits", mentions=("u1",))
    await hand_over(store, room)
    assert (await lines(store, SendState.QUEUED))["waits"].mentions == ()


@pytest.mark.parametrize("outcome", ["sent", "failed", "unknown"])
async def test_what_was_being_sent_is_settled_by_who_sent_it(store: Store, outcome: str) -> None:
    room = await bound(store)
    await ensure(store, "b")
    await put(store, room, "k")
    line = await send(store, "k")
    await hand_over(store, room)
    settle = {
        "sent": lambda tx: outbox.mark_sent(tx, line, LATER, "m1"),
        "failed": lambda tx: outbox.mark_failed(tx, line, "refused"),
        "unknown": lambda tx: outbox.mark_unknown(tx, line, "no answer"),
    }
    await store.write(settle[outcome])
    assert (await lines(store, SendState(outcome)))["k"].account == "a"


async def test_what_was_provably_not_sent_is_for_who_answers_by_then(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    await put(store, room, "k")
    line = await send(store, "k")
    await hand_over(store, room)
    await store.write(lambda tx: outbox.requeue(tx, line, LATER, "offline"))
    again = (await lines(store, SendState.QUEUED))["k"]
    assert (again.account, again.conversation, again.attempts) == ("b", "r1", 1)


async def test_a_private_line_that_goes_back_stays_with_its_account(store: Store) -> None:
    await put(store, Room(0, "a", "u1", "", RoomKind.RESIDENT, RoomState.ENABLED), "k", room_id=None)
    line = await send(store, "k")
    await store.write(lambda tx: outbox.requeue(tx, line, LATER, "offline"))
    again = (await lines(store, SendState.QUEUED))["k"]
    assert (again.account, again.conversation) == ("a", "u1")


async def test_a_line_that_a_person_sends_again_goes_through_who_answers_by_then(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    await put(store, room, "k")
    line = await send(store, "k")
    await store.write(lambda tx: outbox.mark_unknown(tx, line, "no answer"))
    await hand_over(store, room)
    _, done = await store.write(lambda tx: byhand.decide(tx, line, byhand.Decision.RETRY, LATER))
    assert done
    assert (await lines(store, SendState.QUEUED))["k"].account == "b"


async def test_the_other_account_sees_a_line_of_unknown_fate_arrive(store: Store) -> None:
    room = await bound(store)
    await ensure(store, "b")
    await put(store, room, "k")
    line = await send(store, "k")
    await store.write(lambda tx: outbox.mark_unknown(tx, line, "no answer"))
    taken = await hand_over(store, room)
    since = NOW - timedelta(minutes=10)
    assert not await store.write(lambda tx: outbox.heard(tx, taken, "别的话", since, LATER))
    assert not await store.write(lambda tx: outbox.heard(tx, taken, "", since, LATER))
    assert await store.write(lambda tx: outbox.heard(tx, taken, "已登记", since, LATER))
    assert (await lines(store, SendState.SENT))["k"].sent_at == LATER
    assert await store.write(lambda tx: outbox.heard(tx, taken, "已登记", since, LATER))  # once more is the same line


async def test_a_notice_for_a_group_without_a_living_account_has_failed(store: Store) -> None:
    room = await bound(store)
    other = await bound(store, "b", "r2")
    for one in (room, other):
        await put(store, one, f"notice:1:{one.id}", kind=PostKind.NOTICE, lane=Lane.NOTICE)
    await put(store, room, "ack:S1")
    await die(store, "a")
    assert await store.write(notices.strand) == 1
    failed = await lines(store, SendState.FAILED)
    assert {key: line.error for key, line in failed.items()} == {f"notice:1:{room.id}": notices.NO_MEMBER}
    assert set(await lines(store, SendState.QUEUED)) == {f"notice:1:{other.id}", "ack:S1"}
    assert await store.write(notices.strand) == 0


async def test_what_the_former_account_sent_the_group_has_read(store: Store) -> None:
    room = await bound(store)
    await name(store, room, "b", "id-of-b")
    await linked(store, "a", "b")
    await put(store, room, "notice:4:1", kind=PostKind.NOTICE, lane=Lane.NOTICE)
    line = await send(store, "notice:4:1")
    await store.write(lambda tx: outbox.mark_sent(tx, line, NOW, "m1"))
    assert await store.read(lambda tx: notices.heard_in(tx, "b", NOW)) == []
    await hand_over(store, room)
    assert await store.read(lambda tx: notices.heard_in(tx, "b", NOW)) == [("id-of-b", 4, NOW)]
    assert await store.read(lambda tx: notices.heard_in(tx, "b", LATER)) == []


# --- people ---
async def test_accounts_that_know_groups_by_one_id_know_people_by_one_id(store: Store) -> None:
    async def work(tx: Tx) -> None:
        li = await people.ensure(tx, "a", "u-li", nick="李姐", friend=True)
        await people.known_alike(tx, "a", "b")
        await people.known_alike(tx, "a", "b")
        here = await people.find(tx, "b", "u-li")
        assert here is not None
        assert (here.id, [alias.friend for alias in here.aliases if alias.account == "b"]) == (li.id, [False])

    await store.write(work)


async def test_who_was_known_to_both_as_two_is_one(store: Store) -> None:
    async def work(tx: Tx) -> None:
        zhou = await people.ensure(tx, "a", "u-zhou", nick="老周", friend=False)
        twin = await people.ensure(tx, "b", "u-zhou", nick="老周", friend=True)
        await people.opt_out(tx, twin.id, NOW)
        ticket = await tickets.file(tx, new_ticket())
        await tickets.add_reporter(tx, ticket.number, twin.id, None, NOW)
        worker = await people.import_person(tx, "王示例", [Grant(Role.GRID_WORKER, GRID)], [Alias("b", "u-worker")])
        await people.ensure(tx, "a", "u-worker", nick="小王", friend=False)
        await people.known_alike(tx, "a", "b")
        assert await people.get(tx, twin.id) is None
        here = await people.find(tx, "b", "u-zhou")
        assert here is not None
        assert (here.id, {(alias.account, alias.friend) for alias in here.aliases}) == (
            zhou.id,
            {("a", False), ("b", True)},
        )
        assert await people.opted_out(tx) == {("a", "u-zhou"), ("b", "u-zhou")}
        assert [who.person_id for who in await tickets.reporters(tx, ticket.number)] == [zhou.id]
        of_office = await people.find(tx, "a", "u-worker")
        assert of_office is not None
        assert of_office.id == worker.id

    await store.write(work)


async def test_two_in_office_stay_two_and_what_one_wished_holds_for_both(store: Store) -> None:
    async def work(tx: Tx) -> None:
        grants = [Grant(Role.GRID_WORKER, GRID)]
        one = await people.import_person(tx, "王示例", grants, [Alias("a", "u1")])
        two = await people.import_person(tx, "赵示例", grants, [Alias("b", "u1")])
        await people.opt_out(tx, two.id, NOW)
        await people.known_alike(tx, "a", "b")
        found = [await people.find(tx, account, "u1") for account in ("a", "b")]
        assert [who.id for who in found if who is not None] == [one.id, two.id]
        assert await people.opted_out(tx) == {("a", "u1"), ("b", "u1")}

    await store.write(work)


async def test_leaders_hear_through_a_room_whose_account_lives(store: Store) -> None:
    leader = {"kind": RoomKind.LEADER}
    near = await bound(store, "a", "r5", **leader)
    far = await bound(store, "b", "r6", grid=GRID, **leader)
    assert await store.read(lambda tx: rooms.leader_room(tx, MICRO)) == near
    await die(store, "a")
    assert await store.read(lambda tx: rooms.leader_room(tx, MICRO)) == far


# --- a group under another id ---
async def test_who_stands_by_and_the_labels_follow_a_group_to_its_new_id(store: Store) -> None:
    old = await bound(store)
    await name(store, old, "b", "id-of-b")
    await store.write(lambda tx: rooms.tag(tx, old.id, ["独居老人"], Origin.IMPORT))
    new = await store.write(lambda tx: rooms.ensure(tx, "a", "r-new", "示例群", at=LATER))
    await store.write(lambda tx: rooms.tag(tx, new.id, ["独居老人"], Origin.IMPORT))
    newer = await store.write(lambda tx: rooms.ensure(tx, "a", "r-newer", "示例群", at=LATER))
    moved = await store.write(lambda tx: rooms.succeed(tx, old, new))
    assert await of_room(store, moved) == [("b", "id-of-b")]
    assert await store.read(rooms.tags) == {new.id: {"独居老人"}}
    await store.write(lambda tx: rooms.succeed(tx, moved, newer))
    assert await store.read(lambda tx: rooms.successor(tx, old.id)) == newer.id


async def test_labels(store: Store) -> None:
    one, two = await bound(store), await bound(store, "a", "r2")

    async def work(tx: Tx) -> None:
        await rooms.tag(tx, one.id, ["独居老人", "沿河"], Origin.IMPORT)
        await rooms.tag(tx, one.id, ["沿河"], Origin.CONFIG)
        await rooms.tag(tx, two.id, ["沿河"], Origin.CONFIG)
        assert [room.id for room in await rooms.tagged(tx, "沿河", MICRO, RoomKind.RESIDENT)] == [one.id, two.id]
        await rooms.tag(tx, one.id, ["独居老人"], Origin.IMPORT)  # the other source still says so
        assert await rooms.tags(tx) == {one.id: {"独居老人", "沿河"}, two.id: {"沿河"}}
        assert await rooms.tags(tx, Origin.IMPORT) == {one.id: {"独居老人"}}
        await rooms.tag(tx, one.id, [], Origin.CONFIG)
        assert [room.id for room in await rooms.tagged(tx, "沿河", MICRO, RoomKind.RESIDENT)] == [two.id]
        assert await rooms.tagged(tx, "沿河", GRID + "999", RoomKind.RESIDENT) == []

    await store.write(work)


# --- what is on record of links ---
async def test_marks(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await presence.listened(tx, "a", NOW)
        await presence.logged_out(tx, "b", LATER)
        await presence.told(tx, "b", NOW)
        assert await presence.marks(tx) == {
            "a": presence.Marks(NOW),
            "b": presence.Marks(None, LATER, NOW),
        }
        await presence.told(tx, "b", None)
        assert (await presence.marks(tx))["b"] == presence.Marks(None, LATER)
        assert await presence.last_listened(tx, "a") == NOW

    await store.write(work)


async def test_a_pause_of_the_whole_program_is_nobodys_silence(store: Store) -> None:
    async def look(at: datetime) -> datetime:
        return await store.write(lambda tx: presence.watched_since(tx, at))

    assert await look(NOW) == NOW
    for minutes in (1, 2, 7):  # five minutes are no pause yet
        assert await look(NOW + timedelta(minutes=minutes)) == NOW
    back = NOW + timedelta(minutes=13)
    assert await look(back) == back
    assert await look(back + timedelta(minutes=1)) == back
