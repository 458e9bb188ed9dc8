"""People: one record behind many ids, rights by prefix, one-time codes that move an alias with what hangs on it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import binding, dialogs, people, tickets
from storage.engine import Store, Tx
from storage.model import Alias, Dialog, Grant, Person, Role
from tests.contract.conftest import Database
from tests.contract.fill import COMMUNITY, GRID, MICRO, MINUTE, NOW, message, new_ticket

WORKER = [Grant(Role.GRID_WORKER, GRID)]


async def ensure(store: Store, im_id: str, nick: str = "李姐", *, friend: bool = False, account: str = "a") -> Person:
    return await store.write(lambda tx: people.ensure(tx, account, im_id, nick=nick, friend=friend))


async def register(store: Store, name: str, grants: list[Grant], *aliases: Alias) -> Person:
    return await store.write(lambda tx: people.import_person(tx, name, grants, aliases))


async def find(store: Store, im_id: str, account: str = "a") -> Person | None:
    return await store.read(lambda tx: people.find(tx, account, im_id))


async def test_a_record_is_made_once_and_kept_up_to_date(store: Store) -> None:
    made = await ensure(store, "u1")
    assert made == Person(made.id, "李姐", (), (Alias("a", "u1", False, "李姐"),))
    assert await find(store, "u1") == made
    again = await ensure(store, "u1", "3-2-1502 李姐", friend=True)
    assert (again.id, again.aliases) == (made.id, (Alias("a", "u1", True, "3-2-1502 李姐"),))
    assert (await ensure(store, "u1", "", friend=True)).aliases == again.aliases
    assert (await ensure(store, "u1", account="b")).id != made.id
    assert await store.read(lambda tx: people.get(tx, made.id)) == await find(store, "u1")
    assert await store.read(lambda tx: people.get(tx, 99)) is None
    assert await find(store, "stranger") is None


async def test_friendship_comes_and_goes(store: Store) -> None:
    await ensure(store, "u1")
    for friend in (True, False):
        await store.write(lambda tx, friend=friend: people.set_friend(tx, "a", "u1", friend))
        person = await find(store, "u1")
        assert person is not None
        assert person.aliases[0].friend is friend
    await store.write(lambda tx: people.set_friend(tx, "a", "stranger", True))
    assert await find(store, "stranger") is None


async def test_who_holds_a_role_over_a_grid_nearest_first(store: Store) -> None:
    community = await register(store, "社区", [Grant(Role.COMMUNITY, COMMUNITY), Grant(Role.GRID_WORKER, COMMUNITY)])
    worker = await register(store, "网格员", WORKER)
    leader = await register(store, "微网格长", [Grant(Role.MICRO_LEADER, MICRO), Grant(Role.MICRO_LEADER, "5199")])
    await register(store, "别处", [Grant(Role.GRID_WORKER, "519999001002001")])
    await register(store, "民警", [Grant(Role.POLICE, GRID)])

    async def found(grid: str, *roles: Role) -> list[int]:
        return [person.id for person in await store.read(lambda tx: people.with_role(tx, roles, grid))]

    assert await found(MICRO, Role.GRID_WORKER, Role.MICRO_LEADER) == [leader.id, worker.id, community.id]
    assert await found(GRID, Role.GRID_WORKER) == [worker.id, community.id]
    assert await found(COMMUNITY, Role.GRID_WORKER, Role.MICRO_LEADER) == [community.id, leader.id]
    assert await found(MICRO) == []
    roles = [Role.GRID_WORKER, Role.MICRO_LEADER]
    together = await store.read(lambda tx: people.with_role_in(tx, roles, [MICRO, COMMUNITY, "6"]))
    assert {grid: [person.id for person in over] for grid, over in together.items()} == {
        MICRO: [leader.id, worker.id, community.id],
        COMMUNITY: [community.id, leader.id],
        "6": [],
    }
    assert await store.read(lambda tx: people.with_role_in(tx, roles, [])) == {}


async def test_everyone_with_grants(store: Store) -> None:
    await ensure(store, "u1")
    worker = await register(store, "网格员", [*WORKER, Grant(Role.VOLUNTEER, GRID)])
    assert [person.id for person in await store.read(people.everyone_with_grants)] == [worker.id]


async def test_opting_out_holds_for_every_alias(store: Store) -> None:
    person = await register(store, "周", [], Alias("a", "u1"), Alias("b", "u2"))
    await ensure(store, "u3")
    await store.write(lambda tx: people.opt_out(tx, person.id, NOW))
    assert await store.read(people.opted_out) == {("a", "u1"), ("b", "u2")}
    opted = await find(store, "u1")
    assert opted is not None
    assert opted.opted_out_at == NOW
    await store.write(lambda tx: people.opt_out(tx, person.id, None))
    assert await store.read(people.opted_out) == set()


async def test_who_has_a_record(store: Store) -> None:
    await ensure(store, "u1")
    await register(store, "王示例", WORKER, Alias("b", "u9"))
    assert await store.read(people.known) == {("a", "u1"), ("b", "u9")}


# --- the registry ---


async def test_the_same_config_makes_nobody_twice(store: Store) -> None:
    first = await register(store, "王示例", WORKER, Alias("a", "u1", friend=True))
    assert await register(store, "王示例", WORKER, Alias("a", "u1", friend=True)) == first
    assert first.aliases == (Alias("a", "u1", True),)
    without = await register(store, "陈示例", WORKER)
    assert await register(store, "陈示例", list(WORKER)) == without


async def test_two_people_of_one_name_stay_two(store: Store) -> None:
    first = await register(store, "张伟", WORKER)
    second = await register(store, "张伟", [Grant(Role.MICRO_LEADER, MICRO)])
    assert first.id != second.id


async def test_grants_follow_the_config(store: Store) -> None:
    first = await register(store, "王示例", WORKER, Alias("a", "u1"))
    moved = await register(store, "王示例", [Grant(Role.COMMUNITY, COMMUNITY)], Alias("a", "u1"), Alias("b", "u9"))
    assert (moved.id, moved.grants) == (first.id, (Grant(Role.COMMUNITY, COMMUNITY),))
    assert [alias.im_id for alias in moved.aliases] == ["u1", "u9"]


async def test_a_resident_who_is_registered_later_is_the_same_person(store: Store) -> None:
    resident = await ensure(store, "u1", "小王")
    worker = await register(store, "王示例", WORKER, Alias("a", "u1", friend=True))
    assert (worker.id, worker.name) == (resident.id, "王示例")


async def test_whoever_left_the_config_has_no_rights(store: Store) -> None:
    kept = await register(store, "王示例", WORKER)
    gone = await register(store, "陈示例", WORKER, Alias("a", "u1"))
    code = await store.write(lambda tx: binding.new_code(tx, gone.id, NOW + MINUTE))
    assert await store.write(lambda tx: people.revoke_others(tx, [kept.id])) == [gone.id]
    assert await store.write(lambda tx: people.revoke_others(tx, [kept.id])) == []
    person = await find(store, "u1")
    assert person is not None
    assert person.grants == ()
    assert await store.write(lambda tx: binding.bind(tx, code, "a", "u2", NOW)) is None


# --- binding ---


async def test_a_code_binds_once_and_in_time(store: Store, backend: Database) -> None:
    worker = await register(store, "王示例", WORKER)
    older = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
    code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
    assert code.encode() not in backend.on_disk()

    async def bind(typed: str, im_id: str = "u1", late: int = 0) -> Person | None:
        return await store.write(lambda tx: binding.bind(tx, typed, "a", im_id, NOW + late * MINUTE))

    assert await bind(older) is None
    assert await bind("WRONG234") is None
    assert await bind(code, late=1) is None
    bound = await bind(f" {code.lower()} ")
    assert bound is not None
    assert (bound.id, bound.aliases) == (worker.id, (Alias("a", "u1"),))
    assert await bind(code, "u2") is None
    assert await find(store, "u2") is None


async def test_one_person_binds_several_accounts(store: Store) -> None:
    worker = await register(store, "王示例", WORKER)
    for account, im_id in (("a", "u1"), ("a", "u2"), ("b", "u1")):
        code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
        await store.write(lambda tx, c=code, a=account, i=im_id: binding.bind(tx, c, a, i, NOW))
    for account, im_id in (("a", "u1"), ("a", "u2"), ("b", "u1")):
        found = await find(store, im_id, account)
        assert found is not None
        assert found.id == worker.id


async def test_a_code_may_let_all_other_accounts_go(store: Store) -> None:
    """A phone was lost: who has it must not be a leader any more."""
    worker = await register(store, "王示例", WORKER, Alias("a", "lost"), Alias("b", "lost"))
    code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE, only=True))
    bound = await store.write(lambda tx: binding.bind(tx, code, "a", "new", NOW))
    assert bound is not None
    assert [alias.im_id for alias in bound.aliases] == ["new"]
    assert await find(store, "lost") is None
    assert (await ensure(store, "lost")).grants == ()
    plain = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
    again = await store.write(lambda tx: binding.bind(tx, plain, "b", "second", NOW))
    assert again is not None
    assert [alias.im_id for alias in again.aliases] == ["new", "second"]


async def test_what_hung_on_the_resident_moves(store: Store, backend: Database) -> None:
    worker = await register(store, "王示例", WORKER, Alias("b", "u-work"))
    resident = await ensure(store, "u1", "小王", friend=True)

    async def fill(tx: Tx) -> None:
        for number in (1, 2):
            await tickets.file(tx, new_ticket())
            await tickets.add_message(tx, message(number, f"m{number}", resident.id))
            await tickets.add_reporter(tx, number, resident.id, None, NOW)
        await tickets.add_reporter(tx, 2, worker.id, None, NOW)
        await dialogs.ask(tx, Dialog(resident.id, "callback", 1, None, NOW, NOW + MINUTE))
        await dialogs.ask(tx, Dialog(resident.id, "callback", 2, None, NOW, NOW + MINUTE))
        await dialogs.ask(tx, Dialog(worker.id, "callback", 2, None, NOW, NOW + 2 * MINUTE))
        await people.opt_out(tx, resident.id, NOW)

    await store.write(fill)
    code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
    bound = await store.write(lambda tx: binding.bind(tx, code, "a", "u1", NOW))
    assert bound is not None
    assert (bound.id, bound.opted_out_at) == (worker.id, NOW)
    assert Alias("a", "u1", True, "小王") in bound.aliases
    assert await store.read(lambda tx: people.get(tx, resident.id)) is None
    assert backend.rows("SELECT DISTINCT person_id FROM ticket_messages") == [(worker.id,)]
    assert backend.rows("SELECT ticket, person_id FROM reporters ORDER BY 1") == [(1, worker.id), (2, worker.id)]
    assert backend.rows("SELECT number, reporters FROM tickets ORDER BY 1") == [(1, 1), (2, 1)]
    assert len(await store.read(lambda tx: dialogs.open_for(tx, worker.id, "callback", NOW))) == 2


async def test_an_alias_of_somebody_with_rights_moves_alone(store: Store) -> None:
    worker = await register(store, "王示例", WORKER)
    other = await register(store, "陈示例", [Grant(Role.PROPERTY, GRID)], Alias("a", "u1"))
    code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW + MINUTE))
    await store.write(lambda tx: binding.bind(tx, code, "a", "u1", NOW))
    left = await store.read(lambda tx: people.get(tx, other.id))
    assert left is not None
    assert (left.grants, left.aliases) == (other.grants, ())


async def test_wrong_codes_are_counted_by_who_typed_them(store: Store) -> None:
    for minutes in (0, 5, 70):
        at = NOW - minutes * MINUTE
        await store.write(lambda tx, at=at: binding.record_failure(tx, "a", "u1", at))
    await store.write(lambda tx: binding.record_failure(tx, "a", "u2", NOW))
    hour = NOW - timedelta(hours=1)
    assert await store.read(lambda tx: binding.failures(tx, "a", "u1", hour)) == 2


@pytest.mark.parametrize("_", range(3))
async def test_codes_can_be_read_aloud(store: Store, _: int) -> None:
    worker = await register(store, "王示例", WORKER)
    code = await store.write(lambda tx: binding.new_code(tx, worker.id, NOW))
    assert len(code) == binding.CODE_LENGTH
    assert not set(code) & set("01OIL")
