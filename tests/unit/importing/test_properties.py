"""Whatever the tree and however often: an import twice is an import once, and a number is never given out again."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.importing import grids as table
from bot.importing.plans import Plan, Setting
from bot.importing.tables import Row
from storage import grids
from storage.engine import Store, Tx
from storage.testing import fresh_store

SETTING = Setting(datetime(2026, 11, 21, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
COMMUNITY = "519999001001"
# The number of micro-grids under each general grid, and a sequence of (which, into how many) splits.
trees = st.lists(st.integers(0, 4), min_size=1, max_size=4)
splits = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=5)


def rows(tree: Sequence[tuple[str, str, str, str]]) -> list[Row]:
    return [
        Row(number, dict(zip((table.CODE, table.NAME, table.ABOVE, table.OLD), line, strict=True)))
        for number, line in enumerate(tree, 2)
    ]


async def bring(store: Store, tree: Sequence[tuple[str, str, str, str]]) -> Plan:
    async def work(tx: Tx) -> Plan:
        plan = await table.compare(tx, rows(tree), SETTING)
        assert plan.apply is not None
        await plan.apply(tx)
        return plan

    return await store.write(work)


async def live(counts: Sequence[int], cuts: Sequence[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with await fresh_store(Path(folder)) as store:
            tree = [(COMMUNITY, "示例社区", "", "")]
            for n, micro in enumerate(counts, 1):
                tree.append((f"{COMMUNITY}{n:03d}", f"第{n}网格", "", ""))
                tree += [("", f"{n}-{m}", f"{COMMUNITY}{n:03d}", "") for m in range(micro)]
            await bring(store, tree)
            for step, (which, parts) in enumerate(cuts):
                again = await bring(store, tree)
                assert (again.new, again.changed, again.gone, again.same) == ([], [], [], len(tree))
                leaves = [line for line in tree if line[2]]
                if not leaves:
                    return
                line = leaves[which % len(leaves)]
                names = {name: code for code, name in (await store.read(grids.names)).items()}
                before = set(await store.read(grids.every))
                tree.remove(line)
                tree += [("", f"{line[1]}-{step}-{part}", line[2], names[line[1]]) for part in range(parts)]
                plan = await bring(store, tree)
                after = await store.read(grids.every)
                made = set(after) - before
                assert len(made) == len(plan.new) == parts
                assert all(grids.fault(code) is None for code in made)
                assert not after[names[line[1]]].living
                assert (await store.read(grids.moves))[names[line[1]]] == made
                # What is already done is told as such: the former code stays in the table until somebody cleans up.
            moves = await store.read(grids.moves)
            living = set(await store.read(grids.names))
            assert all(new & living for new in moves.values())  # nothing ends nowhere


@settings(max_examples=15, deadline=None)
@given(trees, splits)
def test_trees_are_split_again_and_again(counts: list[int], cuts: list[tuple[int, int]]) -> None:
    asyncio.run(live(counts, cuts))
