"""The command line as a test types it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import cli


@dataclass
class Result:
    code: int
    out: str
    err: str


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Invoke:
    """Run `xiaoge …` in this process, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XIAOGE_CONFIG", raising=False)

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["xiaoge", *map(str, arguments)])
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        assert isinstance(code, int)
        return Result(code, out, err)

    return run


@pytest.fixture
def unhurried() -> Iterator[None]:
    """A stop, and a page that asks the database, wait longer than a machine with much to do stands still."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("seat.LISTENED_OUT", "house.LISTENED_OUT", "seat.ONE_SEND", "house.ONE_SEND", "monitor.PATIENCE"):
            patch.setattr(f"bot.{name}", 60.0)
        yield
