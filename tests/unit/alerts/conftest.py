from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.testing import fresh_store
from tests.unit.alerts.bench import Bench, bench, configured, furnish


@pytest.fixture
async def devices(tmp_path: Path) -> AsyncIterator[Bench]:
    async with await fresh_store(tmp_path) as store:
        await furnish(store)
        async with bench(store, configured(tmp_path)) as made:
            yield made
