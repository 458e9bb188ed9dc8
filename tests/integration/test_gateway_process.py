"""Whether the real gateway may be left out: on somebody's laptop yes, in CI never."""

from __future__ import annotations

import shutil

import pytest

from tests.integration.gateway_process import require_node


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)


@pytest.mark.usefixtures("no_node")
def test_skipped_where_node_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needed for the real gateway"):
        require_node()


@pytest.mark.usefixtures("no_node")
@pytest.mark.parametrize("ci", ["1", "true", "True"])
def test_failed_in_ci(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(pytest.fail.Exception, match="needed for the real gateway"):
        require_node()
