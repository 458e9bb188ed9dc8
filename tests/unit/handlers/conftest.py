"""The stage that dialogue tests play on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.handlers.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An enabled group of a micro-grid; 刘姐 leads it, 小张 is the property's."""
    made = await Stage.set(tmp_path)
    await made.cast("网格长刘姐", "微网格长")
    await made.cast("物业小张", "物业", scope="519999001001003")
    yield made
    await made.strike()
