"""People talk, the bot hears, the couriers carry: what a platform above then has names nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.clock import VirtualClock
from bot.sync.courier import Courier
from tests.unit.handlers.stage import Stage
from tests.unit.sync.house import LABELS, SOURCE, Above, upstream

NAMES = ("李淑芬", "淑芬", "老周", "刘姐", "13812345678", "139****1234", "13900001234", "一凡")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = await Stage.set(tmp_path)
    yield stage
    await stage.strike()


async def carried(stage: Stage) -> Above:
    above = Above()
    await Courier(stage.store, upstream(), SOURCE, above, LABELS, VirtualClock(stage.now), seed=1).step()
    return above


async def test_a_platform_above_learns_of_troubles_not_of_people(stage: Stage) -> None:
    await stage.say("3-2-1502 李淑芬", "3栋2单元电梯又坏了，我电话13812345678")
    stage.after(minutes=30)
    await stage.say("5-1-301 老周", "举报楼上违法搭建，天天敲，5栋1单元顶楼")
    stage.after(minutes=30)
    await stage.say("老周 13900001234", "7栋水管爆了，水都流到楼道里了")
    above = await carried(stage)
    said = json.dumps(above.held, ensure_ascii=False)
    assert len(above.held) == 3
    assert "电梯又坏了" in said
    for name in NAMES:
        assert name not in said
    reported = next(item for item in above.held.values() if item["confidential"])
    assert reported["text"] is None
    assert "违法搭建" not in said


async def test_what_is_erased_here_is_erased_there(stage: Stage) -> None:
    await stage.say("3-2-1502 李淑芬", "3栋2单元电梯又坏了")
    above = await carried(stage)
    assert "电梯又坏了" in json.dumps(above.held, ensure_ascii=False)
    stage.after(minutes=30)
    await stage.say("3-2-1502 李淑芬", "@小格 撤回 S1")
    courier = Courier(stage.store, upstream(), SOURCE, above, LABELS, VirtualClock(stage.now), seed=1)
    await courier.step()
    assert above.held["S1"]["reason"] == "withdrawn"
    assert above.held["S1"].keys() == {"id", "version", "deleted", "reason", "hash"}
