"""`xiaoge export roster`: who comes to an activity, the same bytes each time."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from bot import rosters
from bot.register import Cell
from storage import people, signup_entries, signups
from storage import signup_steps as steps
from storage.engine import Store, Tx
from storage.signups import NewSignup, Slot
from storage.testing import fresh_store

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2025, 6, 12, 1, 0, tzinfo=UTC)
PHONE = "13800000001"


async def fill(tx: Tx) -> None:
    li = await people.ensure(tx, "a", "u1", nick="3-2-1502 李姐", friend=True)
    hair = await signups.create(tx, NewSignup("理发", capacity=3), NOW)
    windows = (Slot(1, NOW, NOW + timedelta(hours=1), 5), Slot(2, NOW + timedelta(hours=1), None, 5))
    shots = await signups.create(tx, NewSignup("疫苗", asks_phone=True, slots=windows), NOW)
    for name, heads, person in (("=李姐", 2, li.id), ("张三", 2, None), ("王孃孃", 1, None), ("赵六", 1, None)):
        seq = await signup_entries.sign(
            tx, hair.number, name=name, heads=heads, at=NOW, person_id=person, by_id=li.id, building="3栋"
        )
        if name == "赵六":
            await steps.change(tx, hair.number, seq, 0, at=NOW)
    await signup_entries.settle(tx, hair.number)
    await signup_entries.note(tx, hair.number, 1, attended_at=NOW + timedelta(days=3))
    talk = await signups.create(tx, NewSignup("讲座"), NOW)
    await signup_entries.sign(tx, talk.number, name="小吴", heads=1, at=NOW, choice="下午场")
    await signup_entries.sign(tx, talk.number, name="张三", heads=1, at=NOW)
    await signup_entries.settle(tx, talk.number)
    await signup_entries.sign(tx, shots.number, name="小吴", heads=1, at=NOW, slot=2)
    await signup_entries.settle(tx, shots.number)
    await signup_entries.give_phone(tx, shots.number, 1, PHONE)


async def export(store: Store, number: int, target: Path, *, phones: bool = False) -> list[list[object]]:
    async def work(tx: Tx) -> tuple[dict[str, int], list[list[Cell]]]:
        signup = await signups.get(tx, number)
        assert signup is not None
        return await rosters.of_signup(tx, signup, ZONE, phones=phones)

    columns, rows = await store.read(work)
    await rosters.write(target, f"H{number}名单", columns, rows)
    return [list(row) for row in openpyxl.load_workbook(target).active.iter_rows(values_only=True)]


async def test_who_comes_then_who_waits_and_nobody_who_cancelled(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store:
        await store.write(fill)
        rows = await export(store, 1, tmp_path / "名单.xlsx")
        first = (tmp_path / "名单.xlsx").read_bytes()
        await export(store, 1, tmp_path / "名单.xlsx")
    assert (tmp_path / "名单.xlsx").read_bytes() == first
    assert stat.S_IMODE((tmp_path / "名单.xlsx").stat().st_mode) == 0o600
    by = "3-2-1502 李姐"
    assert rows == [
        ["序号", "姓名", "楼栋", "人数", "代报人", "状态", "签到"],
        [1, "=李姐", "3栋", 2, None, "已报名", datetime(2025, 6, 15, 9, 0)],  # noqa: DTZ001 - a sheet knows no zone
        [2, "王孃孃", "3栋", 1, by, "已报名", None],
        [3, "张三", "3栋", 2, by, "候补", None],
    ]


@pytest.mark.parametrize("phones", [False, True])
async def test_windows_have_a_column_and_numbers_are_shown_only_when_asked_for(tmp_path: Path, phones: bool) -> None:
    async with await fresh_store(tmp_path) as store:
        await store.write(fill)
        head, row = await export(store, 2, tmp_path / "名单.xlsx", phones=phones)
    assert head == ["序号", "姓名", "楼栋", "人数", "代报人", "场次", "状态", "签到", *(["电话"] if phones else [])]
    assert row[5] == "第2场 10:00"
    assert (PHONE in row) is phones


async def test_sessions_that_rows_of_a_chain_name_have_that_column_too(tmp_path: Path) -> None:
    async with await fresh_store(tmp_path) as store:
        await store.write(fill)
        head, *rows = await export(store, 3, tmp_path / "名单.xlsx")
    assert head[5] == "场次"
    assert [(row[1], row[5]) for row in rows] == [("小吴", "下午场"), ("张三", None)]
