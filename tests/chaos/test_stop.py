"""SIGTERM under load: the program ends in time, and nothing that it had accepted is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.chaos.program import Kind, ProgramTown, crowd, reckon, shown
from tests.integration.conftest import MakeGateway

pytestmark = pytest.mark.gateway

IN_TIME = 5.0  # seconds on a machine that does nothing else


async def test_stopped_under_load(
    tmp_path: Path, make_gateway: MakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    town = await ProgramTown.build(tmp_path, make_gateway, 1, gap=(0.2, 0.3))
    try:
        await town.start()
        await town.listening()
        async with town.talking():
            await town.burst(1500, *(Kind.APPEAL, Kind.REPORT) * 4)
            await asyncio.sleep(0.2)
            code, under_load = await town.stop()
            await town.start()
            await town.listening()
            await town.heard(20)
        await town.settled()
        assert code == 0, town.log.read_text()[-2000:]
        assert under_load <= IN_TIME * crowd()
        code, idle = await town.stop()
        assert code == 0, town.log.read_text()[-2000:]
        assert idle <= IN_TIME * crowd()
        counts = await reckon(town)
        assert counts["held back"] == 0
    finally:
        town.end()
    with capsys.disabled():
        print(f"\n  a stop under load took {under_load:.1f} s, an idle one {idle:.1f} s: {shown(counts)}")
