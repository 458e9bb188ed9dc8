"""The sheets of wishes and of the four ones: what is in them, and what is not."""

from __future__ import annotations

import stat
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from typer.testing import CliRunner

from bot import cli
from storage import contributions, grids, people, wishes
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Grid, Role
from storage.roster import Entry
from storage.roster import put as register
from storage.testing import fresh_store
from storage.wishes import WishState

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 12, 9, 0, tzinfo=ZONE)
GRID = "519999001001003012"


async def _lived(tx: Tx) -> None:
    """One wish fulfilled by name, one unnamed, one turned down; and a deed."""
    await grids.put(tx, [Grid(GRID, "第十二微网格")])
    member = Entry(
        None,
        "杨建军",
        org="示例区图书馆",
        grants=frozenset({(Role.PARTY_MEMBER, GRID)}),
        accounts=frozenset({("a", "u-yang")}),
    )
    (giver,) = await register(tx, [member])
    leader = await people.import_person(tx, "刘姐", [Grant(Role.MICRO_LEADER, GRID)], [Alias("a", "u-liu")])
    wisher = await people.ensure(tx, "a", "u-zhou", nick="3-1-802 老周", friend=True)
    for at, text in enumerate(("=换灯泡", "要一个板凳", "要一座山")):
        filed = await wishes.file(
            tx,
            text=text,
            grid=GRID,
            room_id=None,
            person_id=wisher.id,
            account="a",
            message_id=f"m{at}",
            at=DAY + timedelta(days=at),
        )
        if at == 2:
            rejected = {"reason": "办不到", "reviewer_id": leader.id, "reviewed_at": DAY}
            await wishes.move(tx, filed.number, {WishState.PENDING}, WishState.REJECTED, **rejected)
            continue
        await wishes.move(tx, filed.number, {WishState.PENDING}, WishState.PUBLISHED, public=text, scope=GRID)
        until = DAY + timedelta(days=9)
        await wishes.claim(tx, filed.number, giver, room_id=None, anonymous=at == 1, at=DAY, release_at=until)
        await wishes.move(tx, filed.number, {WishState.CLAIMED}, WishState.DONE, done_at=DAY + timedelta(days=at + 3))
    await contributions.note(tx, person_id=giver, by_id=leader.id, grid=GRID, text="清理楼道", at=DAY)


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    store: Store = await fresh_store(tmp_path)
    async with store:
        await store.write(_lived)
    path = tmp_path / "config.toml"
    path.write_text('[database]\nurl = "sqlite+aiosqlite:///xiaoge.db"\nkey_file = "xiaoge.key"\n', encoding="utf-8")
    return path


def _rows(config: Path, what: str, *options: str) -> list[tuple[object, ...]]:
    target = config.parent / f"{what}.xlsx"
    done = CliRunner().invoke(cli.app, ["export", what, "-o", str(target), "--config", str(config), *options])
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    return list(openpyxl.load_workbook(target).active.iter_rows(values_only=True))


def test_the_sheet_of_wishes_masks_names_and_keeps_the_unnamed_unnamed(config: Path) -> None:
    head, *rows = _rows(config, "wishes")
    columns = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["编号"], row["状态"], row["驳回理由"]) for row in columns] == [
        ("X1", "已完成", None),
        ("X2", "已完成", None),
        ("X3", "已驳回", "办不到"),
    ]
    assert [(row["认领人(脱敏)"], row["单位"]) for row in columns[:2]] == [("杨**", "示例区图书馆"), ("匿名", None)]
    assert {row["许愿人(脱敏)"] for row in columns} == {"老*"}
    assert columns[0]["心愿"] == "=换灯泡", "text, no formula"
    assert columns[0]["提出时间"] == datetime(2026, 11, 12, 9, 0)  # noqa: DTZ001 - a sheet knows no time zone
    assert [row[1] for row in _rows(config, "wishes", "--since", "2026-11-13", "--until", "2026-11-13")[1:]] == ["X2"]
    assert _rows(config, "wishes", "--grid", "5199990010019")[1:] == []


def test_the_four_ones_have_their_unit_and_are_in_order_of_time(config: Path) -> None:
    head, *rows = _rows(config, "contributions")
    columns = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(row["姓名"], row["单位"], row["类别"], row["编号"] or row["事项"]) for row in columns] == [
        ("杨建军", "示例区图书馆", "实事", "清理楼道"),
        ("杨建军", "示例区图书馆", "微心愿", "X1"),
    ]
    assert len(_rows(config, "contributions", "--since", "2026-11-13")) == 2


def test_a_wrong_option_is_one_line(config: Path) -> None:
    for option in (("--grid", "abc"), ("--since", "gestern")):
        done = CliRunner().invoke(
            cli.app, ["export", "contributions", "-o", "x.xlsx", "--config", str(config), *option]
        )
        assert option[0] in str(done.exception)
