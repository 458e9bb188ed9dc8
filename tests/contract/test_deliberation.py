"""Topics, polls, supplies and check-ins: one voice a person, and nothing kept longer than it is needed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from storage import audit, binding, erasure, people, polls, rooms, supplies, topics
from storage.engine import Store, Tx
from storage.model import Grant, Person, Role
from storage.polls import CountedIn, Poll
from storage.supplies import CheckIn, Supply, SupplyKind, SupplyState
from storage.topics import Topic, TopicState
from tests.contract.conftest import Database

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
COMMUNITY, MICRO, OTHER = "519999001001", "519999001001003012", "519999001001003015"


async def someone(tx: Tx, nick: str) -> Person:
    return await people.ensure(tx, "a", nick, nick=nick, friend=False)


async def proposed(tx: Tx, nick: str, text: str, grid: str = MICRO) -> Topic:
    person = await someone(tx, nick)
    said = {"account": "a", "message_id": f"m-{nick}", "at": NOW}
    return await topics.propose(tx, grid=grid, room_id=None, person_id=person.id, text=text, **said)


async def seconded(tx: Tx, topic: Topic, nick: str, text: str = "") -> bool:
    person = await someone(tx, nick)
    return await topics.support(
        tx, topic.number, person.id, text=text, account="a", message_id=f"m-{nick}", at=NOW + DAY
    )


async def asked(tx: Tx, **fields: object) -> Poll:
    room = await rooms.ensure(tx, "a", "r1", "群", at=NOW)
    leader = await someone(tx, "刘姐")
    wanted = {
        "grid": MICRO,
        "room_id": room.id,
        "person_id": leader.id,
        "title": "装道闸",
        "options": ("装", "不装"),
        "entitled": None,
        "counted_in": CountedIn.PEOPLE,
        "at": NOW,
        "closes_at": NOW + 7 * DAY,
    }
    return await polls.start(tx, **{**wanted, **fields})


async def needed(tx: Tx, nick: str, kind: SupplyKind = SupplyKind.NEED, amount: int | None = 2) -> Supply:
    person = await someone(tx, nick)
    return await supplies.register(
        tx,
        kind=kind,
        grid=MICRO,
        room_id=None,
        person_id=person.id,
        thing="米",
        amount=amount,
        unit="袋",
        building="3",
        note="给老人",
        account="a",
        message_id=f"m-{nick}",
        at=NOW,
    )


# --- topics ---
async def test_a_topic_goes_by_the_oldest_words_that_are_left(store: Store) -> None:
    async def work(tx: Tx) -> None:
        topic = await proposed(tx, "李姐", "停车位紧张")
        assert await seconded(tx, topic, "老周", "车位太少")
        assert await seconded(tx, topic, "阿芳")
        assert not await seconded(tx, topic, "阿芳")
        (listed,) = await topics.open_in(tx, COMMUNITY)
        assert (listed.text, listed.supporters) == ("停车位紧张", 3)
        assert await topics.leave(tx, topic.number, (await someone(tx, "李姐")).id, NOW)
        (listed,) = await topics.open_in(tx, MICRO)
        assert (listed.text, listed.supporters) == ("车位太少", 2)
        assert await topics.leave(tx, topic.number, (await someone(tx, "老周")).id, NOW)
        gone = await topics.get(tx, topic.number)
        assert gone is not None
        assert (gone.state, gone.supporters) == (TopicState.DROPPED, 1)
        assert await topics.open_in(tx, COMMUNITY) == []

    await store.write(work)


async def test_numbers_are_shared_with_polls_and_lists_are_of_a_community(store: Store) -> None:
    async def work(tx: Tx) -> None:
        first, poll = await proposed(tx, "李姐", "停车"), await asked(tx)
        second = await proposed(tx, "老周", "广场舞", OTHER)
        assert [first.id, poll.id, second.id] == ["V1", "V2", "V3"]
        await seconded(tx, second, "李姐")
        assert [topic.id for topic in await topics.open_in(tx, COMMUNITY)] == ["V3", "V1"]
        assert [topic.id for topic in await topics.open_in(tx, MICRO)] == ["V1"]
        assert await topics.grids(tx) == [MICRO, OTHER]

    await store.write(work)


async def test_of_a_closed_topic_the_count_outlives_who_supported_it(store: Store, backend: Database) -> None:
    async def work(tx: Tx) -> None:
        topic = await proposed(tx, "李姐", "楼道堆物要清")
        await seconded(tx, topic, "老周")
        assert await topics.close(tx, topic.number, TopicState.DISCUSSED, NOW)
        assert not await topics.close(tx, topic.number, TopicState.DROPPED, NOW)
        assert await topics.purge(tx, NOW) == []

    await store.write(work)
    gone = await store.write(lambda tx: topics.purge(tx, NOW + DAY))
    assert len(gone) == 2
    await store.write(lambda tx: erasure.let_go(tx, gone))
    kept = await store.read(lambda tx: topics.get(tx, 1))
    assert kept is not None
    assert (kept.supporters, kept.text) == (2, "")
    assert backend.rows("SELECT count(*) FROM aliases") == [(0,)]
    await store.close()
    assert "楼道堆物".encode() not in backend.on_disk()


# --- polls ---
async def test_one_vote_a_person_also_where_two_accounts_turn_out_to_be_one(store: Store) -> None:
    async def work(tx: Tx) -> None:
        poll = await asked(tx)
        first, second = await someone(tx, "李姐"), await someone(tx, "李姐的小号")
        wang = await people.import_person(tx, "王示例", [Grant(Role.VOLUNTEER, MICRO)], [])
        for person, choice, before in ((first, 1, 0), (second, 2, 0), (first, 2, 1)):
            assert await polls.vote(tx, poll.number, person.id, choice, NOW) == before
        assert await polls.counts(tx, poll) == (0, 2)
        for nick in ("李姐", "李姐的小号"):
            code = await binding.new_code(tx, wang.id, NOW + DAY)
            bound = await binding.bind(tx, code, "a", nick, NOW)
            assert bound is not None
            assert bound.id == wang.id
        assert await polls.counts(tx, poll) == (0, 1)
        assert await polls.vote(tx, poll.number, wang.id, 1, NOW) == 2
        assert await polls.counts(tx, poll) == (1, 0)

    await store.write(work)


async def test_once_closed_there_are_counts_and_no_votes(store: Store, backend: Database) -> None:
    async def work(tx: Tx) -> Poll:
        poll = await asked(tx)
        for at, nick in enumerate(("李姐", "老周", "阿芳")):
            await polls.vote(tx, poll.number, (await someone(tx, nick)).id, 1 + at % 2, NOW)
        assert await polls.due(tx, NOW) == []
        assert [each.id for each in await polls.due(tx, NOW + 7 * DAY)] == ["V1"]
        return poll

    poll = await store.write(work)
    assert await store.write(lambda tx: polls.close(tx, poll, NOW)) == ((2, 1), [2, 3, 4])  # 1 asked
    assert await store.write(lambda tx: polls.close(tx, poll, NOW)) is None
    late = await store.write(lambda tx: someone(tx, "小黄"))
    assert await store.write(lambda tx: polls.vote(tx, poll.number, late.id, 1, NOW)) is None
    assert backend.rows("SELECT count(*) FROM votes") == [(0,)]
    closed = await store.read(lambda tx: polls.get(tx, poll.number))
    assert closed is not None
    assert closed.result == (2, 1)


async def test_fifty_who_vote_at_once_are_fifty(store: Store) -> None:
    poll = await store.write(asked)

    async def vote(nick: str, choice: int) -> None:
        async def work(tx: Tx) -> None:
            await polls.vote(tx, poll.number, (await someone(tx, nick)).id, choice, NOW)

        await store.write(work)

    await asyncio.gather(*(vote(f"u{number % 50}", 1 + number % 2) for number in range(100)))
    assert sum(await store.read(lambda tx: polls.counts(tx, poll))) == 50


# --- supplies ---
async def test_what_is_promised_and_handed_over_counts_against_the_amount(store: Store) -> None:
    async def work(tx: Tx) -> None:
        need, offer = await needed(tx, "李姐"), await needed(tx, "老周", SupplyKind.OFFER, 5)
        await supplies.propose(tx, need.number, offer.number, 2, NOW)
        assert [one.left for one in await supplies.search(tx, COMMUNITY)] == [0, 3]
        (pair,) = await supplies.handovers_of(tx, need.number)
        await supplies.hand_over(tx, pair.id, 2, person_id=1, at=NOW)
        await supplies.close(tx, need.number, SupplyState.DONE, NOW)
        (left,) = await supplies.of_thing(tx, COMMUNITY, SupplyKind.OFFER, "米")
        assert (left.promised, left.handed, left.left) == (0, 2, 3)

    await store.write(work)


async def test_what_is_withdrawn_is_promised_to_nobody(store: Store) -> None:
    async def work(tx: Tx) -> None:
        need, offer = await needed(tx, "李姐"), await needed(tx, "老周", SupplyKind.OFFER)
        await supplies.propose(tx, need.number, offer.number, 2, NOW)
        assert await supplies.close(tx, need.number, SupplyState.WITHDRAWN, NOW)
        assert not await supplies.close(tx, need.number, SupplyState.OVER, NOW)
        (left,) = await supplies.search(tx, MICRO)
        assert (left.id, left.left) == ("W2", 2)

    await store.write(work)


async def test_the_end_takes_only_what_no_other_mode_covers(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await needed(tx, "李姐")
        for nick, grid in (("李姐", MICRO), ("老周", OTHER)):
            person = await someone(tx, nick)
            assert await supplies.check_in(tx, CheckIn(person.id, grid, None, 1, False, "", NOW))
            assert not await supplies.check_in(tx, CheckIn(person.id, grid, "3", 2, False, "", NOW))
        left, said = await supplies.end(tx, COMMUNITY, [MICRO], NOW)
        assert (left, [mine.grid for mine in said]) == ([], [OTHER])
        left, said = await supplies.end(tx, COMMUNITY, [], NOW)
        assert ([one.id for one in left], [mine.heads for mine in said]) == (["W1"], [2])
        assert await supplies.checked_in(tx, COMMUNITY) == []
        person = await someone(tx, "李姐")
        assert await supplies.check_in(tx, CheckIn(person.id, MICRO, "3", 2, False, "", NOW + DAY))

    await store.write(work)


async def test_a_month_later_nothing_is_left_but_the_trail(store: Store, backend: Database) -> None:
    async def work(tx: Tx) -> None:
        need, offer = await needed(tx, "李姐"), await needed(tx, "老周", SupplyKind.OFFER)
        await supplies.propose(tx, need.number, offer.number, 2, NOW)
        await supplies.check_in(tx, CheckIn((await someone(tx, "阿芳")).id, MICRO, "3", 1, True, "药快没了", NOW))
        await supplies.end(tx, COMMUNITY, [], NOW)

    await store.write(work)
    gone = await store.write(lambda tx: supplies.purge(tx, NOW + DAY))
    await store.write(lambda tx: erasure.let_go(tx, gone))
    for table in ("supplies", "handovers", "checkins", "aliases"):
        assert backend.rows(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    assert (await store.read(audit.verify)).ok
    await store.close()
    assert "药快没了".encode() not in backend.on_disk()


async def test_somebody_who_is_erased_leaves_numbers(store: Store) -> None:
    async def work(tx: Tx) -> None:
        need, offer = await needed(tx, "李姐"), await needed(tx, "老周", SupplyKind.OFFER)
        await supplies.propose(tx, need.number, offer.number, 2, NOW)
        li = await someone(tx, "李姐")
        kept = await erasure.kept(tx, li.id)
        assert (kept.topics, kept.votes, kept.supplies) == (0, 0, 1)
        await supplies.forget(tx, li.id, NOW)
        taken = await supplies.get(tx, need.number)
        assert taken is not None
        assert (taken.state, taken.person_id, taken.note, taken.building) == (SupplyState.WITHDRAWN, None, "", None)
        assert await supplies.handovers_of(tx, offer.number) == []

    await store.write(work)
