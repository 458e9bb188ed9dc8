"""`xiaoge doctor` and `xiaoge alerts try` before a device finds out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from bot.alerts import checks, trying
from bot.config import Config, ConfigError
from bot.doctor import Finding, State, examine
from bot.exporting import export
from bot.sheets import Format
from nlp import categories
from storage.reports import Filter
from storage.testing import fresh_store
from tests.unit.alerts.bench import CONFIG, MICRO, Bench, bench, configured, furnish
from tests.unit.conftest import Invoke
from tests.unit.ports import free_port

GRIDS = f'[[grids]]\ncode = "{MICRO}"\nname = "12微网格"\n[[grids]]\ncode = "519999001001"\nname = "青禾社区"\n'


def at_port(port: int) -> str:
    return GRIDS + CONFIG.replace("127.0.0.1:1", f"127.0.0.1:{port}")


async def found(config: Config) -> dict[str, Finding]:
    now = datetime.now(UTC)
    return {finding.what: finding async for finding in checks.of_config(config, categories.load(), now)}


async def test_a_new_place_is_well(tmp_path: Path) -> None:
    findings = await found(configured(tmp_path, at_port(free_port())))
    assert {finding.state for finding in findings.values()} == {State.OK}
    assert findings["alerts gas"].found == "1 devices, 公共安全/燃气泄漏, a notice is drafted"
    assert findings["alerts"].found.endswith("is free for the bot")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('secret = "s3cret-of-both"', 'secret_env = "NO_SUCH_VARIABLE"', "is empty"),
        ('category = "0502"', 'category = "0598"', "there is no category 0598"),
        (MICRO + '", place', '519999001001009", place', "there is no grid 519999001001009: such alerts are refused"),
    ],
)
async def test_each_fault_is_found(tmp_path: Path, old: str, new: str, what: str) -> None:
    findings = await found(configured(tmp_path, at_port(free_port()).replace(old, new)))
    gas = findings["alerts gas"]
    assert (gas.state, what in gas.found, bool(gas.cure)) == (State.FAULT, True, True)
    assert findings["alerts water"].state is State.OK


async def test_grids_of_the_database_are_known(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    async with await fresh_store(tmp_path / "var") as store:
        await furnish(store)
    findings = await found(configured(tmp_path, at_port(free_port()).removeprefix(GRIDS)))
    assert findings["alerts gas"].state is State.OK


@asynccontextmanager
async def stranger() -> AsyncIterator[int]:
    """Another program at a port."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_who_listens_there_is_told_apart(tmp_path: Path, devices: Bench) -> None:
    port = int(devices.url.rpartition(":")[2])
    ours = (await found(configured(tmp_path, at_port(port))))["alerts"]
    assert (ours.state, ours.found) == (State.OK, f"the running bot listens at 127.0.0.1:{port}")
    other = (await found(configured(tmp_path, at_port(port).replace("s3cret-of-both", "new"))))["alerts"]
    assert (other.state, "does not take gas" in other.found) == (State.FAULT, True)
    async with stranger() as taken:
        theirs = (await found(configured(tmp_path, at_port(taken))))["alerts"]
    assert (theirs.state, "another program" in theirs.found) == (State.FAULT, True)


async def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    text = at_port(free_port()).replace("127.0.0.1", "192.0.2.7")
    config = configured(tmp_path, text)
    assert (await checks._free("192.0.2.7:8791")).state is State.FAULT
    assert config.alerts_listen is not None


def test_try_says_what_became_of_it(tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    configured(tmp_path, at_port(port))
    monkeypatch.chdir(tmp_path)
    nobody = invoke("alerts", "try", "gas")
    assert (nobody.code, "nobody listens" in nobody.err) == (1, True)
    unknown = invoke("alerts", "try", "lifts")
    assert (unknown.code, unknown.err) == (
        2,
        "xiaoge: SOURCE: there is no lifts under [[alerts.sources]], there is: gas, water\n",
    )


async def test_a_drill_finds_what_is_wrong(tmp_path: Path, devices: Bench) -> None:
    config = configured(tmp_path, at_port(int(devices.url.rpartition(":")[2])))
    gas, water = config.alerts.sources
    now = datetime.now(UTC)
    assert (await trying.drill(config, gas, None, now)).said == "drill"
    tried = await trying.drill(config, water, "w-1", now)
    assert (tried.status, "the device w-1 is not under" in tried.said) == (422, True)
    assert await devices.tickets() == []


async def test_try_is_answered_by_the_running_bot(
    tmp_path: Path, devices: Bench, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(tmp_path, at_port(int(devices.url.rpartition(":")[2])))
    monkeypatch.chdir(tmp_path)
    took = await asyncio.to_thread(invoke, "alerts", "try", "gas", "--device", "g-0031")
    assert (took.code, "no ticket was made" in took.out) == (0, True)
    refused = await asyncio.to_thread(invoke, "alerts", "try", "water")
    assert (refused.code, refused.err[:28]) == (1, "xiaoge: refused with 422: gr")


async def test_doctor_looks_at_them(tmp_path: Path) -> None:
    configured(tmp_path, at_port(free_port()).replace("0510", "0599"))
    findings = {one.what: one async for one in examine(tmp_path / "config.toml", lambda: datetime.now(UTC))}
    assert findings["alerts gas"].state is State.OK
    assert findings["alerts water"].cure == "mend [[alerts.sources]] water category"


async def test_the_sheet_names_the_devices(tmp_path: Path, devices: Bench) -> None:
    await devices.post(value=9.5, unit="%LEL")
    target = tmp_path / "tickets.json"
    await export(
        devices.store,
        target,
        Format.JSON,
        Filter(),
        categories=categories.load(),
        timezone=ZoneInfo("Asia/Shanghai"),
        now=devices.clock.now(),
    )
    (row,) = json.loads(await asyncio.to_thread(target.read_text, encoding="utf-8"))
    assert (row["来源群"], row["反映人(脱敏)"]) == ("预警设备", "预警设备 gas")
    assert (row["诉求内容"], row["地点"], row["合并数"]) == ("甲烷超限（9.5%LEL）", "3栋2单元", 1)


async def test_a_category_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    config = configured(tmp_path, CONFIG.replace("0510", "0599"))
    async with await fresh_store(tmp_path) as store:
        with pytest.raises(
            ConfigError, match=re.escape("[[alerts.sources]] water category: there is no category 0599")
        ):
            async with bench(store, config):
                await asyncio.sleep(0)
