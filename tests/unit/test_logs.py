"""Logs: for people and machines, never with what somebody said."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
import structlog

from bot import logs
from bot.settings import Log


@pytest.fixture(autouse=True)
def as_before():
    """Put the process's logging back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.OURS, *logs.SILENCED)}
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)
    structlog.reset_defaults()


def heard(speak, **settings: object) -> str:
    stream = io.StringIO()
    logs.configure(Log(**settings), stream)  # type: ignore[arg-type]
    speak()
    return stream.getvalue()


@pytest.mark.parametrize("format_", ["json", "console"])
def test_words_do_not_get_through(format_: str) -> None:
    line = heard(
        lambda: structlog.get_logger("bot.x").info(
            "filed", action="file", ticket=12, text="电梯坏了", nick="李姐", content="x电梯", topic="群名"
        ),
        format=format_,
    )
    assert "filed" in line
    assert "12" in line
    for word in ("电梯", "李姐", "群名"):
        assert word not in line


def test_json_is_one_object_a_line() -> None:
    line = heard(lambda: structlog.get_logger("bot.x").warning("late", action="send", account="wx1"), format="json")
    assert json.loads(line) | {"timestamp": ""} == {
        "event": "late",
        "action": "send",
        "account": "wx1",
        "level": "warning",
        "timestamp": "",
    }


def test_our_own_standard_loggers_keep_their_extras() -> None:
    line = heard(
        lambda: logging.getLogger("xiaoge.storage").warning("lost %s", "it", extra={"action": "write", "text": "电梯"}),
        format="json",
    )
    told = json.loads(line)
    assert (told["event"], told["action"], "text" in told) == ("lost it", "write", False)


def test_libraries_lose_what_they_filled_in() -> None:
    line = heard(lambda: logging.getLogger("somelib.wire").warning("got %r from %s", "电梯坏了", "李姐"))
    assert "somelib.wire: got %r from %s" in line
    assert "电梯" not in line
    assert heard(lambda: logging.getLogger("somelib").info("quiet")) == ""


def test_wechaty_is_not_heard_at_all() -> None:
    assert heard(lambda: logging.getLogger("wechaty").error("payload 电梯坏了")) == ""


def test_numbers_of_people_are_masked_and_ids_of_ours_are_not() -> None:
    line = heard(
        lambda: structlog.get_logger("bot.x").info(
            "x", why="call 13812345678 or 510104199003071234", grid="519999001001003012", room="17812345678@chatroom"
        )
    )
    assert "13812345678" not in line
    assert "510104199003071234" not in line
    assert "519999001001003012" in line
    assert "17812345678@chatroom" in line


def test_an_exception_keeps_its_place_and_loses_sql_parameters() -> None:
    words = "broken\n[SQL: INSERT INTO tickets VALUES (?)]\n[parameters: ('3栋电梯坏了',)]"

    def speak() -> None:
        try:
            raise ValueError(words)
        except ValueError:
            structlog.get_logger("bot.x").exception("failed", action="write")

    for format_ in ("json", "console"):
        line = heard(speak, format=format_)
        assert "test_logs.py" in line
        assert "电梯" not in line


def test_the_level_counts() -> None:
    assert heard(lambda: structlog.get_logger("bot.x").info("small"), level="warning") == ""
    assert "small" in heard(lambda: structlog.get_logger("bot.x").debug("small"), level="debug")


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "xiaoge.log"
    heard(lambda: structlog.get_logger("bot.x").info("written"), file=str(path))
    assert "written" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o600
