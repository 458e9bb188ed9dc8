"""Points: a ledger that only grows, balances never below zero whoever comes at once, sums that outlive a person."""

from __future__ import annotations

import ast
import asyncio
import multiprocessing as mp
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import storage
from storage import binding, people, points
from storage.beside import open_beside
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Role
from storage.points import PointAction, PointEntry
from storage.tables.worklog import point_accounts
from storage.tables.worklog import points as ledger
from tests.contract.conftest import Database
from tests.contract.fill import GRID, MICRO, NOW

STAFF = 1
EACH, HELD = 20, 100


async def someone(tx: Tx, im_id: str = "u-li", nick: str = "李姐") -> int:
    return (await people.ensure(tx, "a", im_id, nick=nick, friend=True)).id


async def earned(tx: Tx, person_id: int, delta: int = HELD, item: str = "H1") -> PointEntry:
    got = await points.earn(tx, person_id, PointAction.ATTENDANCE, item, delta, grid=MICRO, at=NOW)
    assert got is not None
    return got


async def spend(tx: Tx, account: int, amount: int = EACH) -> PointEntry | None:
    return await points.redeem(tx, account, amount, "毛巾", grid=GRID, by_id=STAFF, at=NOW)


async def sums(tx: Tx) -> list[tuple[int, int]]:
    """What stands in each account, beside what its ledger comes to."""
    owner = sa.func.coalesce(point_accounts.c.into_id, point_accounts.c.id)
    query = sa.select(owner, sa.func.sum(ledger.c.delta)).join(ledger, ledger.c.account_id == point_accounts.c.id)
    summed = {row[0]: int(row[1]) for row in await tx.execute(query.group_by(owner))}
    held = await tx.execute(sa.select(point_accounts.c.id, point_accounts.c.balance))
    return [(balance, summed.get(account, 0)) for account, balance in held]


async def test_what_was_done_counts_once_until_it_is_taken_back(store: Store) -> None:
    async def work(tx: Tx) -> None:
        li = await someone(tx)
        got = await earned(tx, li, 5)
        assert await points.earn(tx, li, PointAction.ATTENDANCE, "H1", 5, grid=MICRO, at=NOW) is None
        assert await points.correct(tx, got.number, "没来", by_id=STAFF, at=NOW) is not None
        assert await points.balance(tx, li) == 0
        await earned(tx, li, 5)
        assert [entry.delta for entry in await points.of_person(tx, li)] == [5, -5, 5]
        assert await sums(tx) == [(5, 5)]

    await store.write(work)


async def test_nothing_is_exchanged_that_is_not_there(store: Store) -> None:
    async def work(tx: Tx) -> None:
        li = await someone(tx)
        account = (await earned(tx, li, 30)).account
        assert await spend(tx, account) is not None
        assert await spend(tx, account) is None
        assert await points.balance(tx, li) == 10
        assert await sums(tx) == [(10, 10)]

    await store.write(work)


async def test_a_correction_is_an_entry_against_it_once_and_never_below_zero(store: Store) -> None:
    async def work(tx: Tx) -> None:
        li = await someone(tx)
        got = await earned(tx, li, 30)
        spent = await spend(tx, got.account)
        assert spent is not None
        assert await points.correct(tx, got.number, "没来", by_id=STAFF, at=NOW) is None, "the points are gone"
        against = await points.correct(tx, spent.number, "发错人了", by_id=STAFF, at=NOW)
        assert against is not None
        assert (against.delta, against.corrects, await points.balance(tx, li)) == (EACH, spent.number, 30)
        assert await points.correct(tx, spent.number, "又一次", by_id=STAFF, at=NOW) is None
        assert await points.correct(tx, against.number, "反过来", by_id=STAFF, at=NOW) is None
        assert await points.correct(tx, 99, "没有", by_id=STAFF, at=NOW) is None
        assert await sums(tx) == [(30, 30)]

    await store.write(work)


@pytest.mark.parametrize(
    "row",
    [
        {"action": "wish", "delta": -5},
        {"action": "redeemed", "delta": 5},
        {"action": "call", "delta": 0},
        {"action": "corrected", "delta": 5},
        {"action": "gift", "delta": 5},
    ],
)
async def test_the_database_refuses_what_no_entry_may_be(store: Store, row: dict[str, Any]) -> None:
    async def work(tx: Tx) -> None:
        account = (await earned(tx, await someone(tx))).account
        values = {"account_id": account, "item": "", "note": "", "grid": MICRO, "at": NOW, **row}
        await tx.execute(sa.insert(ledger).values(**values))

    with pytest.raises(sa.exc.IntegrityError):
        await store.write(work)


async def test_the_database_refuses_a_balance_below_zero(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await earned(tx, await someone(tx))
        await tx.execute(sa.update(point_accounts).values(balance=-1))

    with pytest.raises(sa.exc.IntegrityError):
        await store.write(work)


def test_nothing_in_the_program_changes_or_deletes_a_row_of_the_ledger() -> None:
    """Only inserts: no update or delete of the table, by whatever name a module knows it."""
    package = Path(storage.__file__).parent
    touched = []
    for path in package.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "storage.tables.worklog"
            for alias in node.names
            if alias.name == "points"
        }
        touched += [
            (path.name, node.lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
            if node.func.attr in ("update", "delete")
            for argument in node.args
            if isinstance(argument, ast.Name) and argument.id in named
        ]
    assert touched == []


async def test_two_records_of_one_person_are_one_account(store: Store) -> None:
    """A resident who binds their account keeps what they earned before; nothing of the ledger is written anew."""

    async def work(tx: Tx) -> None:
        grants, known = [Grant(Role.VOLUNTEER, MICRO)], [Alias("a", "u-lin", friend=True)]
        lin = (await people.import_person(tx, "林示例", grants, known)).id
        await earned(tx, lin, 10)
        other = await someone(tx, "u-other", "林子")
        await earned(tx, other, 25, "H2")
        code = await binding.new_code(tx, lin, NOW + timedelta(days=1))
        assert await binding.bind(tx, code, "a", "u-other", NOW) is not None
        assert await points.balance(tx, lin) == 35
        assert [(entry.delta, entry.item, entry.person_id) for entry in await points.of_person(tx, lin)] == [
            (10, "H1", lin),
            (25, "H2", lin),
        ]
        assert await points.earn(tx, lin, PointAction.ATTENDANCE, "H2", 25, grid=MICRO, at=NOW) is None, (
            "counted before"
        )
        account = (await points.holders(tx, [MICRO]))[lin]
        assert await spend(tx, account, 35) is not None
        assert await points.balance(tx, lin) == 0
        assert sorted(await sums(tx)) == [(0, 0), (0, 0)]

    await store.write(work)


async def test_who_is_erased_leaves_the_sums(store: Store) -> None:
    async def work(tx: Tx) -> None:
        li = await someone(tx)
        await earned(tx, li, 30)
        await points.forget(tx, li)
        assert await points.balance(tx, li) == 0
        assert await points.of_person(tx, li) == []
        assert await points.holders(tx, [MICRO]) == {}
        assert [(entry.delta, entry.person_id) for entry in await points.every(tx)] == [(30, None)]
        assert await sums(tx) == [(30, 30)]
        await earned(tx, li, 5)  # who comes back begins anew
        assert await points.balance(tx, li) == 5

    await store.write(work)


# --- everybody at once ---
async def _rush(url: str, key_file: Path, account: int, times: int, barrier: Any, won: Any) -> None:
    async with await open_beside(url, key_file=key_file) as store:
        await asyncio.to_thread(barrier.wait, 60)
        got = await asyncio.gather(*(store.write(lambda tx: spend(tx, account)) for _ in range(times)))
    with won.get_lock():
        won.value += sum(one is not None for one in got)


def _process(url: str, key_file: Path, account: int, times: int, barrier: Any, won: Any) -> None:
    asyncio.run(_rush(url, key_file, account, times, barrier, won))


async def test_of_many_who_exchange_at_once_as_many_succeed_as_there_are_points_for(backend: Database) -> None:
    """Two programs beside each other, 25 exchanges each, points for five."""
    async with await backend.fresh() as store:

        async def prepare(tx: Tx) -> int:
            return (await earned(tx, await someone(tx))).account

        account = await store.write(prepare)
    spawn = mp.get_context("spawn")
    barrier, won = spawn.Barrier(2), spawn.Value("i", 0)
    given = (backend.url, backend.home / "xiaoge.key", account, 25, barrier, won)
    processes = [spawn.Process(target=_process, args=given) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join, 120)
    assert [process.exitcode for process in processes] == [0, 0]
    async with await backend.again() as store:
        assert won.value == HELD // EACH
        assert await store.read(sums) == [(0, 0)]
        assert len(await store.read(points.every)) == 1 + HELD // EACH
