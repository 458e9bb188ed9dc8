"""SIGKILL under load, again and again: every accepted message has one effect, and nothing is said twice."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.program import Kind, ProgramTown, reckon, shown
from tests.integration.conftest import MakeGateway

pytestmark = pytest.mark.gateway


def any_seed() -> int:
    """Another one every time; CHAOS_SEED=… plays one again."""
    return int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))


async def die(town: ProgramTown, moments: random.Random) -> None:
    """Live until some moment: of the start, of the work, or of a send. Then live again."""
    kind = moments.choice(["starting", "working", "working", "sending", "sending"])
    if kind == "starting":
        await asyncio.sleep(moments.uniform(0.2, 3.0))
    else:
        await town.listening()
        await town.heard(moments.randrange(1, 100))
        await town.burst(150, moments.choice([Kind.APPEAL, Kind.REPORT]))
        if kind == "sending":
            await town.sending()
        await asyncio.sleep(moments.uniform(0, 0.04 if kind == "sending" else 0.6))
    town.kill()
    await town.start()


def pace(kills: int) -> dict[str, Any]:
    """How a town talks that is killed so often: the long run has more people and slower lines."""
    return {"gap": (0.2, 0.3), "members": 400} if kills < 10 else {"gap": (0.5, 0.8), "members": 2000}


async def outlive(town: ProgramTown, kills: int, seed: int) -> str:
    """Die so many times under load, end in peace, and check what must hold. Returns the counts in words."""
    moments = random.Random(seed)
    try:
        await town.start()
        await town.listening()
        async with town.talking():
            for _ in range(kills):
                await die(town, moments)
            await town.listening()
            await town.heard(20)
        await town.settled()
        code, _ = await town.stop()
        assert code == 0, town.log.read_text()[-2000:]
        counts = await reckon(town)
    finally:
        town.end()
    return f"{kills} kills, seed {seed}: {shown(counts)}; found by the kills: {shown(town.left)}"


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_killed_at_random_moments(
    kills: int, tmp_path: Path, make_gateway: MakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = any_seed()
    town = await ProgramTown.build(tmp_path, make_gateway, seed, **pace(kills))
    story = await outlive(town, kills, seed)
    with capsys.disabled():
        print(f"\n  {story}")
