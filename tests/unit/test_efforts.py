"""The sheets of the work log and of the ledger: what is in them, and what is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from typer.testing import CliRunner

from bot import cli
from bot.settings import ConfigError
from storage import grids, people, points, worklog
from storage.engine import Store, Tx
from storage.model import Alias, Grant, Grid, Role
from storage.points import PointAction
from storage.testing import fresh_store
from storage.worklog import WorkKind

ZONE = ZoneInfo("Asia/Shanghai")
DAY = datetime(2026, 11, 12, 9, 0, tzinfo=ZONE)
GRID = "519999001001003012"
CONFIG = f"""
[database]
url = "sqlite+aiosqlite:///xiaoge.db"
key_file = "xiaoge.key"
[work_log]
enabled = true
[[accounts]]
name = "a"
endpoint = "127.0.0.1:1"
token = "t"
[[grids]]
code = "{GRID}"
name = "第十二微网格"
"""


async def _lived(tx: Tx) -> None:
    await grids.put(tx, [Grid(GRID, "第十二微网格")])
    leader = await people.import_person(tx, "刘示例", [Grant(Role.MICRO_LEADER, GRID)], [Alias("a", "u-liu")])
    for at, (kind, text) in enumerate(((WorkKind.VISIT, "=无异常"), (WorkKind.PATROL, "楼道无堆物"))):
        said = {"account": "a", "message_id": f"m{at}", "at": DAY + timedelta(days=at)}
        households = 3 if kind is WorkKind.VISIT else None
        entry = await worklog.note(
            tx, kind=kind, person_id=leader.id, grid=GRID, households=households, text=text, **said
        )
        if households:
            await worklog.show(tx, entry, "p1")
    li = await people.ensure(tx, "a", "u-li", nick="3-2-1502 李晓梅", friend=True)
    zhou = await people.ensure(tx, "a", "u-zhou", nick="老周", friend=True)
    got = await points.earn(tx, li.id, PointAction.WISH, "X5", 30, grid=GRID, at=DAY)
    assert got is not None
    spent = await points.redeem(tx, got.account, 20, "毛巾", grid=GRID, by_id=leader.id, at=DAY)
    assert spent is not None
    await points.correct(tx, spent.number, "发错人了", by_id=leader.id, at=DAY)
    await points.earn(tx, zhou.id, PointAction.CALL, "S1", 3, grid=GRID, at=DAY + timedelta(days=3))
    await points.forget(tx, zhou.id)


@pytest.fixture
async def home(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    store: Store = await fresh_store(tmp_path)
    await store.write(_lived)
    await store.close()
    return tmp_path


def _rows(home: Path, *arguments: str) -> list[dict[str, object]]:
    target = home / "sheet.xlsx"
    runner = CliRunner()
    done = runner.invoke(cli.app, ["export", *arguments, "-o", str(target), "--config", str(home / "config.toml")])
    assert done.exit_code == 0, done.output
    assert target.stat().st_mode & 0o077 == 0
    lines = [[cell.value for cell in row] for row in openpyxl.load_workbook(target).active.iter_rows()]
    head = next(at for at, line in enumerate(lines) if line[0] == "序号")
    return [dict(zip(lines[head], line, strict=True)) for line in lines[head + 1 :]]


def test_the_work_log_is_by_time(home: Path) -> None:
    visit, patrol = _rows(home, "worklog")
    assert (visit["姓名"], visit["类别"], visit["户数"], visit["照片"]) == ("刘示例", "走访", 3, "有")
    assert (visit["网格"], patrol["内容"]) == ("第十二微网格", "楼道无堆物")
    assert [row["类别"] for row in _rows(home, "worklog", "--since", "2026-11-13")] == ["巡查"]
    assert _rows(home, "worklog", "--grid", "519999001002") == []


def test_where_it_is_off_nobody_s_work_is_gathered(home: Path) -> None:
    config = home / "config.toml"
    config.write_text(CONFIG.replace("enabled = true", "enabled = false"), encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["export", "worklog", "-o", str(home / "x.xlsx"), "--config", str(config)])
    assert isinstance(done.exception, ConfigError)
    assert "[work_log] enabled" in str(done.exception)
    assert not (home / "x.xlsx").exists()


def test_the_ledger_is_by_number_with_masked_names_and_no_sum(home: Path) -> None:
    rows = _rows(home, "points")
    assert [(row["编号"], row["分值"], row["冲正"]) for row in rows] == [
        ("P1", 30, None),
        ("P2", -20, None),
        ("P3", 20, "P2"),
        ("P4", 3, None),
    ]
    assert (rows[0]["事由"], rows[0]["来自"], rows[1]["说明"], rows[1]["经办"]) == ("完成心愿", "X5", "毛巾", "刘示例")
    assert "李晓梅" not in str(rows)
    assert rows[3]["姓名(脱敏)"] in (None, ""), "who was erased is nobody"
    assert not [key for key in rows[0] if "名次" in str(key) or "合计" in str(key)]
