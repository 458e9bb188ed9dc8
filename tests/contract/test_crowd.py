"""Everybody at once, through the whole program, on every database: who is first has it, and each is told once."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from handlers import texts
from storage import audit, outbox, people, points, signups, wishes
from storage import signup_entries as rosters
from storage.engine import Tx
from storage.model import Alias, Grant, Role, SendState
from storage.points import PointAction
from storage.signup_entries import Entry
from storage.signups import EntryState
from storage.wishes import Wish, WishState
from tests.contract.conftest import Database
from tests.contract.crowd import ACCOUNTS, MICRO, MORNING, Said, crowd, group, lay_out, rush

LEADER = "刘姐"


async def _wish(tx: Tx) -> None:
    """One wish, published in both groups."""
    await lay_out(tx)
    grants, known_as = [Grant(Role.MICRO_LEADER, MICRO)], [Alias(ACCOUNTS[0], LEADER, friend=True, nick=LEADER)]
    leader = await people.import_person(tx, LEADER, grants, known_as)
    wish = await wishes.file(
        tx,
        text="换个灯泡",
        grid=MICRO,
        room_id=None,
        person_id=leader.id,
        account=ACCOUNTS[0],
        message_id="w",
        at=MORNING,
    )
    public = {"public": "换个灯泡", "scope": MICRO, "reviewer_id": leader.id, "reviewed_at": MORNING}
    await wishes.move(tx, wish.number, {WishState.PENDING}, WishState.PUBLISHED, **public)


async def _claimed(backend: Database) -> tuple[Wish, str, list[str]]:
    """The wish, who has it and who stands in line, by what the account calls them."""
    async with await backend.again() as store:

        async def look(tx: Tx) -> tuple[Wish, str, list[str]]:
            assert (await audit.verify(tx)).ok
            wish = await wishes.get(tx, 1)
            assert wish is not None
            assert wish.claimed_by is not None
            line = [one.person_id for one in await wishes.waiting(tx, 1)]
            known = {person.id: person.aliases[0].im_id for person in await people.many(tx, [wish.claimed_by, *line])}
            return wish, known[wish.claimed_by], [known[one] for one in line]

        return await store.read(look)


async def _race(backend: Database, count: int) -> list[str]:
    """Returns who came in which order."""
    async with await backend.fresh() as store:
        await store.write(_wish)
    everybody = [f"p{at}" for at in range(count)]
    said = crowd(count, "认领 X1")
    heard = await rush(backend, said)
    wish, winner, line = await _claimed(backend)
    assert wish.state is WishState.CLAIMED
    alone = {winner, *(one.sender for one in said if one.room is None)}
    answers = {person: heard.told(person) for person in everybody if person in alone}
    assert {len(told) for told in answers.values()} == {1}, "each is told once"
    assert [person for person, (told,) in answers.items() if "由您认领" in told] == [winner], "exactly one has it"
    assert sorted([winner, *line]) == sorted(everybody)
    places = {person: re.search(r"候补第(\d+)位", told) for person, (told,) in answers.items() if person != winner}
    in_line = {person: place for place, person in enumerate(line, 1)}
    assert {person: int(place[1]) if place else None for person, place in places.items()} == {
        person: in_line[person] for person in places
    }
    # In a group one line a minute tells all who came too late; it waits for the full minute.
    async with await backend.again() as store:
        lines = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    merged = [one for one in lines if one.key.startswith("tally:line:X1:")]
    assert {one.conversation for one in merged} == {group(account) for account in ACCOUNTS}
    assert len(merged) <= 2 * len(ACCOUNTS)
    assert all("候补已有" in one.text for one in merged)
    assert sum("【认领】X1" in told for told in heard.told(LEADER)) == 1
    return [winner, *line]


async def test_fifty_claim_one_wish_at_once(backend: Database) -> None:
    await _race(backend, 50)


@pytest.mark.long
async def test_five_hundred_claim_one_wish_at_once(backend: Database) -> None:
    sides = [int(person[1:]) % 2 for person in await _race(backend, 500)]
    turns = sum(one != other for one, other in itertools.pairwise(sides))
    print("the two processes took turns", turns, "times")  # how often they meet is the machine's doing


# --- the last places ---
PLACES, TAKEN = 30, 10


async def _activity(tx: Tx) -> None:
    """An activity for both groups, of whose places twenty are left."""
    await lay_out(tx)
    new = signups.NewSignup("包粽子", starts=MORNING + timedelta(days=2), capacity=PLACES, grid=MICRO)
    signup = await signups.create(tx, new, MORNING)
    await rosters.sign(tx, signup.number, name="先来的", heads=TAKEN, at=MORNING)
    await rosters.settle(tx, signup.number)


async def _last_places(backend: Database, count: int) -> None:
    """Every third person comes as two: the places are exactly full, and who is in is who was told so."""
    async with await backend.fresh() as store:
        await store.write(_activity)
    said = [replace(one, text="报名 H1 2人") if at % 3 == 0 else one for at, one in enumerate(crowd(count, "报名 H1"))]
    heard = await rush(backend, said)
    async with await backend.again() as store:

        async def look(tx: Tx) -> tuple[list[Entry], dict[int, str]]:
            assert (await audit.verify(tx)).ok
            entries = (await rosters.entries(tx, 1))[1:]
            known = await people.many(tx, {entry.person_id for entry in entries if entry.person_id is not None})
            return entries, {person.id: person.aliases[0].im_id for person in known}

        entries, names = await store.read(look)
    assert len(entries) == count, "everybody is on the list"
    states = Counter(entry.state for entry in entries)
    confirmed = sum(entry.heads for entry in entries if entry.state is EntryState.CONFIRMED)
    assert confirmed == PLACES - TAKEN, "exactly twenty"
    assert states[EntryState.WAITING] == count - states[EntryState.CONFIRMED]
    # In a group the first of a minute are answered at once, the others in one line that waits for the full minute.
    async with await backend.again() as store:
        lines = await store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
    answers = {names[entry.person_id or 0]: (entry, heard.told(names[entry.person_id or 0])) for entry in entries}
    for person, (_, told) in answers.items():
        for line in lines:
            if person in line.mentions:
                told += [each for each in line.text.split("\n") if f"@{person}{texts.MENTION_END}" in each]
    assert {len(told) for _, told in answers.values()} == {1}, "each is told once"
    for entry, (told,) in answers.values():
        assert ("已报名" in told) == (entry.state is EntryState.CONFIRMED), told
    assert all(len(line.mentions) <= 60 for line in lines)
    assert len(lines) <= len(ACCOUNTS) * (1 + count // 100), "a rush is merged"
    # Nobody who asked for no more was passed over: whoever waits came when there was no room for so many.
    left = PLACES - TAKEN
    for entry in entries:
        assert (entry.heads <= left) == (entry.state is EntryState.CONFIRMED)
        left -= entry.heads if entry.state is EntryState.CONFIRMED else 0


async def test_fifty_take_the_last_twenty_places_at_once(backend: Database) -> None:
    await _last_places(backend, 50)


@pytest.mark.long
async def test_five_hundred_take_the_last_twenty_places_at_once(backend: Database) -> None:
    await _last_places(backend, 500)


# --- points ---
HELD, EACH, STAFF = 100, 20, 10


async def _points(tx: Tx) -> None:
    """李姐 has points for five towels; ten people of the community, known to both bots, may hand them out."""
    await lay_out(tx)
    li = await people.ensure(tx, ACCOUNTS[0], "u-li", nick="李姐", friend=True)
    await points.earn(tx, li.id, PointAction.CALL, "S1", HELD, grid=MICRO, at=MORNING)
    for at in range(STAFF):
        known_as = [Alias(account, f"s{at}", friend=True) for account in ACCOUNTS]
        await people.import_person(tx, f"社工{at}", [Grant(Role.COMMUNITY, MICRO[:12])], known_as)


async def test_twenty_exchange_the_same_points_at_once(backend: Database) -> None:
    """As many towels as there are points for; everybody is told once, and who got one was told so."""
    async with await backend.fresh() as store:
        await store.write(_points)
    heard = await rush(
        backend,
        [Said(account, None, f"s{at}", f"兑换 李姐 {EACH} 毛巾") for at in range(STAFF) for account in ACCOUNTS],
    )
    answers = [text for _, where, text, _ in heard.lines if where.startswith("s")]
    assert len(answers) == STAFF * len(ACCOUNTS), "each is told once"
    assert sum("用20分兑换毛巾" in text for text in answers) == HELD // EACH
    assert sum("没有兑换" in text for text in answers) == len(answers) - HELD // EACH
    assert len(heard.told("u-li")) == HELD // EACH
    async with await backend.again() as store:

        async def look(tx: Tx) -> list[int]:
            assert (await audit.verify(tx)).ok
            assert await audit.count(tx, "points_redeemed") == HELD // EACH
            return [entry.delta for entry in await points.every(tx)]

        assert await store.read(look) == [HELD] + [-EACH] * (HELD // EACH)
