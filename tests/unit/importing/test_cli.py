"""`xiaoge import` as an operator types it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pytest

from storage import audit, grids, roster
from storage.engine import Store, Tx
from storage.testing import fresh_store, url_of
from tests.unit.conftest import Invoke

CONFIG = """
[[accounts]]
name = "wx1"
endpoint = "127.0.0.1:1"
token = "t"
"""
GRIDS = "网格码,名称\n519999001001,示例社区\n519999001001003,第三网格\n519999001001003012,12微网格\n"
PEOPLE = "姓名,角色,网格码,电话\n刘大姐,微网格长,519999001001003012,13800000001\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "grids.csv").write_text(GRIDS, encoding="utf-8")
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "var").mkdir()
    return tmp_path


def read(place: Path) -> tuple[dict[str, str], list[str], list[int]]:
    """Names of grids, names of people, rows that imports say they changed."""

    async def work(tx: Tx) -> tuple[dict[str, str], list[str], list[int]]:
        assert (await audit.verify(tx)).ok
        people = [entry.name for entry in await roster.every(tx)]
        return await grids.names(tx), people, [await audit.count(tx, "imported")]

    async def opened() -> tuple[dict[str, str], list[str], list[int]]:
        url = url_of(place / "var" / "xiaoge.db")
        async with await Store.open(url, key_file=place / "var" / "xiaoge.key", read_only=True) as store:
            return await store.read(work)

    return asyncio.run(opened())


def test_a_first_import_makes_the_database(invoke: Invoke, place: Path) -> None:
    result = invoke("import", "grids", "grids.csv")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "网格：新增 3，变更 0，不变 0，缺失 0。已导入。"
    assert invoke("import", "people", "people.csv").code == 0
    names, people, imports = read(place)
    assert (len(names), people, imports) == (3, ["刘大姐"], [2])


def test_a_dry_run_says_what_would_change_and_changes_nothing(invoke: Invoke, place: Path) -> None:
    invoke("import", "grids", "grids.csv")
    result = invoke("import", "people", "people.csv", "--dry-run")
    assert result.code == 0
    assert result.out.splitlines() == [
        "新增 刘大姐 微网格长 519999001001003012",
        "人员：新增 1，变更 0，不变 0，缺失 0。试运行，什么都没有写入。",
    ]
    assert read(place)[1:] == ([], [1])


def test_one_fault_and_nothing_of_the_table_goes_in(invoke: Invoke, place: Path) -> None:
    (place / "grids.csv").write_text(GRIDS + "519999001001003012,重复\n5.2E+17,丢了\n", encoding="utf-8")
    result = invoke("import", "grids", "grids.csv")
    assert result.code == 2
    assert [line.split("：")[0] for line in result.err.splitlines()] == [
        "xiaoge: 第 5 行「网格码」",
        "xiaoge: 第 6 行「网格码」",
    ]
    assert read(place) == ({}, [], [0])


def test_gone_is_told_with_what_becomes_of_it(invoke: Invoke, place: Path) -> None:
    invoke("import", "grids", "grids.csv")
    (place / "grids.csv").write_text(GRIDS.rsplit("\n", 2)[0], encoding="utf-8")
    result = invoke("import", "grids", "grids.csv")
    assert "缺失 519999001001003012 12微网格" in result.out
    assert "--take-gone" in result.out
    assert len(read(place)[0]) == 3
    assert invoke("import", "grids", "grids.csv", "--take-gone").code == 0
    assert len(read(place)[0]) == 2


def test_a_template_is_written_and_filled_in(invoke: Invoke, place: Path) -> None:
    assert invoke("import", "grids", "new.xlsx", "--template").code == 0
    assert invoke("import", "grids", "new.xlsx", "--template").code == 2
    assert "示例行" in invoke("import", "grids", "new.xlsx").err
    book = openpyxl.load_workbook(place / "new.xlsx")
    page = book.worksheets[0]
    page.delete_rows(2, 2)
    page.append(("519999001001", "示例社区"))
    page.append((None, "第一网格", "519999001001"))
    book.save(place / "new.xlsx")
    assert invoke("import", "grids", "new.xlsx").code == 0
    assert read(place)[0] == {"519999001001": "示例社区", "519999001001001": "第一网格"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nothing.csv"], "no such file"), (["grids.csv", "--grid", "51x"], "--grid"), (["."], "directory")],
)
def test_what_cannot_be_done_is_one_line(invoke: Invoke, place: Path, arguments: list[str], said: str) -> None:
    result = invoke("import", "grids", *arguments)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert said in result.err


def test_an_import_beside_a_running_bot_which_goes_on_writing(invoke: Invoke, place: Path) -> None:
    asyncio.run(_make(place))
    ready, stop = place / "ready", place / "stop"
    bot = (
        "import asyncio; from pathlib import Path; from datetime import datetime, UTC\n"
        "from storage.engine import Store; from storage import grids, inbox, registry\n"
        "async def main():\n"
        f"    store = await Store.open({url_of(place / 'var' / 'xiaoge.db')!r}); Path({str(ready)!r}).touch()\n"
        "    count = 0\n"
        f"    while not Path({str(stop)!r}).exists():\n"
        "        await store.write(lambda tx: inbox.count(tx, datetime.now(UTC).date(), {(None, 'chat'): 1}))\n"
        "        count += 1\n"
        "    print(count, await store.read(registry.version), len(await store.read(grids.names)))\n"
        "    await store.close()\n"
        "asyncio.run(main())"
    )
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", bot], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists() and time.monotonic() < deadline:
            os.sched_yield()
        result = invoke("import", "grids", "grids.csv")
        assert result.code == 0, result.err
        stop.touch()
        out, _ = running.communicate(timeout=60)
    finally:
        running.kill()
    written, version, names = map(int, out.split())
    assert (version, names) == (1, 3)
    assert written > 0


async def _make(place: Path) -> None:
    async with await fresh_store(place / "var"):
        pass
