"""Wishes and the four ones on every database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import binding, calls, contributions, grids, outbox, people, signups, tickets, wishes
from storage import signup_entries as rosters
from storage.contributions import ContributionKind
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Grid, Nature, PostKind, Role, SendState
from storage.wishes import Wish, WishState
from tests.contract.fill import MICRO, MINUTE, NOW, draft, new_ticket

LATER = NOW + timedelta(days=7)


async def _person(tx: Tx, name: str) -> int:
    return (await people.ensure(tx, "a", name, nick=name, friend=True)).id


async def _wish(tx: Tx, wisher: int, message: str = "w1") -> Wish:
    new = await wishes.file(
        tx, text="换个灯泡", grid=MICRO, room_id=None, person_id=wisher, account="a", message_id=message, at=NOW
    )
    public = await wishes.move(
        tx, new.number, {WishState.PENDING}, WishState.PUBLISHED, public="换灯泡", scope=MICRO, reviewed_at=NOW
    )
    assert public is not None
    return public


async def _claim(tx: Tx, number: int, person: int) -> Wish | None:
    return await wishes.claim(tx, number, person, room_id=None, anonymous=False, at=NOW, release_at=LATER)


async def test_the_first_has_it_and_the_others_stand_in_the_order_in_which_they_came(store: Store) -> None:
    async def work(tx: Tx) -> None:
        wisher, *givers = [await _person(tx, name) for name in ("王", "甲", "乙", "丙")]
        wish = await _wish(tx, wisher)
        taken = [await _claim(tx, wish.number, giver) for giver in givers]
        assert [one.claimed_by if one else None for one in taken] == [givers[0], None, None]
        for place, giver in enumerate(givers[1:], 1):
            lined = await wishes.line_up(tx, wish.number, giver, room_id=None, anonymous=False, at=NOW)
            assert lined == (place, True)
        assert await wishes.line_up(tx, wish.number, givers[2], room_id=None, anonymous=True, at=LATER) == (2, False)
        assert await wishes.release(tx, wish.number, givers[1]) is None, "it is not theirs"
        released = await wishes.release(tx, wish.number, givers[0])
        assert released is not None
        assert (released.state, released.claimed_by, released.rounds) == (WishState.PUBLISHED, None, 1)
        assert await wishes.leave_line(tx, wish.number, givers[1])
        assert [one.person_id for one in await wishes.waiting(tx, wish.number)] == [givers[2]]

    await store.write(work)


async def test_a_claim_runs_out_at_its_moment(store: Store) -> None:
    async def work(tx: Tx) -> None:
        wisher, giver = await _person(tx, "王"), await _person(tx, "甲")
        wish = await _wish(tx, wisher)
        await _claim(tx, wish.number, giver)
        assert await wishes.run_out(tx, LATER - MINUTE, 9) == []
        assert [one.number for one in await wishes.run_out(tx, LATER, 9)] == [wish.number]

    await store.write(work)


async def test_words_go_with_their_time(store: Store) -> None:
    async def work(tx: Tx) -> None:
        wisher = await _person(tx, "王")
        done, open_ = await _wish(tx, wisher, "w1"), await _wish(tx, wisher, "w2")
        await wishes.move(tx, done.number, wishes.OPEN, WishState.DONE, done_at=NOW)
        assert await wishes.purge(tx, NOW) == 0
        assert await wishes.purge(tx, NOW + MINUTE) == 1
        kept = [(one.text, one.public) for one in await wishes.every(tx)]
        assert kept == [("", "换灯泡"), ("换个灯泡", "换灯泡")]
        await wishes.forget_person(tx, wisher)
        assert await wishes.wished(tx, wisher) == []
        assert open_.number == 2

    await store.write(work)


async def test_a_field_that_there_is_not_is_refused(store: Store) -> None:
    with pytest.raises(TypeError, match="colour"):
        await store.write(lambda tx: wishes.move(tx, 1, set(WishState), WishState.DONE, colour="red"))


async def test_whoever_binds_an_account_stands_in_a_line_once(store: Store) -> None:
    async def work(tx: Tx) -> None:
        member = await people.import_person(tx, "杨示例", [Grant(Role.PARTY_MEMBER, MICRO)], [Alias("a", "u1")])
        other = await people.ensure(tx, "a", "u2", nick="老杨", friend=True)
        wish = await _wish(tx, await _person(tx, "王"))
        second = await _wish(tx, await _person(tx, "王"), "w2")
        await _claim(tx, wish.number, await _person(tx, "甲"))
        for person in (member.id, other.id):
            await wishes.line_up(tx, wish.number, person, room_id=None, anonymous=False, at=NOW)
        await _claim(tx, second.number, other.id)
        code = await binding.new_code(tx, member.id, LATER)
        await binding.bind(tx, code, "a", "u2", NOW)
        assert [one.person_id for one in await wishes.waiting(tx, wish.number)] == [member.id]
        assert [one.number for one in await wishes.held(tx, member.id)] == [second.number]

    await store.write(work)


async def test_lines_about_a_wish_are_found_by_their_key(store: Store) -> None:
    async def work(tx: Tx) -> dict[str, tuple[SendState, str]]:
        for key in ("wish:X1:public:0:room1", "wish:X1:thanks", "wish:X12:thanks", "wish:X1", "reply:a:m1"):
            await outbox.put(tx, draft(key, "换灯泡", kind=PostKind.WISH))
        sent = await outbox.find_queued(tx, "wish:X1:thanks")
        assert sent is not None
        await outbox.mark_sending(tx, sent.id, NOW)
        await outbox.mark_sent(tx, sent.id, NOW, "s1")
        assert await outbox.drop_queued(tx, "wish:X1:public:") == 1
        await outbox.forget_keyed(tx, "wish:X1:")
        found = [line for state in SendState for line in await outbox.by_state(tx, state)]
        return {line.key: (line.state, line.text) for line in found}

    assert await store.write(work) == {
        "wish:X1:public:0:room1": (SendState.DROPPED, ""),
        "wish:X1:thanks": (SendState.SENT, ""),
        "wish:X12:thanks": (SendState.QUEUED, "换灯泡"),
        "wish:X1": (SendState.QUEUED, "换灯泡"),
        "reply:a:m1": (SendState.QUEUED, "换灯泡"),
    }


async def test_the_four_ones_are_read_from_what_happened(store: Store) -> None:
    async def work(tx: Tx) -> list[tuple[str, str, str, bool]]:
        member = await people.import_person(tx, "杨示例", [Grant(Role.PARTY_MEMBER, MICRO)], [Alias("a", "u1")])
        leader = await people.import_person(tx, "刘示例", [Grant(Role.MICRO_LEADER, MICRO)], [Alias("a", "u2")])
        for nature in (Nature.SUGGESTION, Nature.COMPLAINT):
            ticket = await tickets.file(tx, new_ticket(nature=nature))
            await tickets.add_reporter(tx, ticket.number, member.id, None, NOW)
            await tickets.add_reporter(tx, ticket.number, leader.id, None, NOW)
        await calls.put(tx, 2, 3, NOW)
        await calls.accept(tx, 2, member.id, NOW + MINUTE)
        wish = await _wish(tx, leader.id)
        await wishes.claim(tx, wish.number, member.id, room_id=None, anonymous=True, at=NOW, release_at=LATER)
        open_ = await contributions.log(tx)
        assert [one.kind for one in open_] == [ContributionKind.SUGGESTION, ContributionKind.SERVICE]
        await wishes.move(tx, wish.number, wishes.OPEN, WishState.DONE, done_at=NOW + 2 * MINUTE)
        await contributions.note(
            tx, person_id=member.id, by_id=leader.id, grid=MICRO, text="清理楼道", at=NOW + 3 * MINUTE
        )
        activity = await signups.create(tx, signups.NewSignup("护学岗", grid=MICRO), NOW)
        seq = await rosters.sign(
            tx, activity.number, name="老杨", heads=1, at=NOW, person_id=member.id, by_id=member.id
        )
        await rosters.settle(tx, activity.number)
        await rosters.note(tx, activity.number, seq, attended_at=NOW + 4 * MINUTE)
        log = await contributions.log(tx, person_id=member.id)
        assert await contributions.log(tx, since=NOW + 4 * MINUTE) == log[-1:]
        assert await contributions.log(tx, grid="51999900100199") == []
        renumbered = MICRO[:15] + "987"
        await grids.put(tx, [Grid(MICRO, ""), Grid(renumbered, "")])
        await grids.move(tx, MICRO, [renumbered], NOW)
        assert await contributions.log(tx, grid=renumbered) == await contributions.log(tx)
        assert await contributions.noted(tx, member.id) == 1
        return [(one.kind.value, one.item, one.text, one.anonymous) for one in log]

    assert await store.write(work) == [
        ("suggestion", "S1", "", False),
        ("service", "S2", "", False),
        ("wish", "X1", "", True),
        ("deed", "", "清理楼道", False),
        ("service", "H1", "护学岗", False),
    ]
