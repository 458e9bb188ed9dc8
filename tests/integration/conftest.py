"""The real gateway for tests: node modules once a session, a process of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.gateway_process import Gateway, require_node

MakeGateway = Callable[..., Awaitable[Gateway]]


@pytest.fixture(scope="session")
def node() -> None:
    require_node()


@pytest.fixture
async def make_gateway(node: None, tmp_path: Path) -> AsyncIterator[MakeGateway]:
    """Start gateways with settings of gateway.mjs, e.g. `await make_gateway(FAT=1)`; they end with the test."""
    made: list[Gateway] = []

    async def make(**settings: object) -> Gateway:
        gateway = Gateway(tmp_path / f"gateway{len(made)}.log", **settings)
        made.append(gateway)
        await gateway.start()
        return gateway

    yield make
    for gateway in made:
        await gateway.kill()


@pytest.fixture
async def gateway(make_gateway: MakeGateway) -> Gateway:
    """A gateway of the test's own."""
    return await make_gateway()


@pytest.fixture(scope="module")
def shared(node: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway for all tests of a file that leave it as they find it: it takes a second to start."""
    gateway = Gateway(tmp_path_factory.mktemp("shared") / "gateway.log")
    gateway.boot()
    yield gateway
    gateway.end()
