"""`xiaoge status` against the page of a bot, and where there is none."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import Invoke
from tests.unit.ports import silent_port


def a_page() -> dict[str, Any]:
    """What a running bot answers at this moment: one account at work, one cut off."""
    now = datetime.now(UTC)
    one = {
        "online": True,
        "since": (now - timedelta(hours=3)).isoformat(),
        "last_message_seconds": 42.7,
        "gap_since": None,
        "stopped_until": (now + timedelta(minutes=9)).isoformat(),
        "emergencies_waiting": 2,
        "last_error": {"at": (now - timedelta(minutes=5)).isoformat(), "what": "send", "why": "throttled"},
        "pending": 3,
        "parked": 1,
    }
    missing = ("since", "last_message_seconds", "stopped_until", "last_error")
    return {
        "ready": True,
        "stopping": False,
        "store": {"state": "ok", "error": None},
        "accounts": {"one": one, "two": {**one, "online": False, **dict.fromkeys(missing)}},
        "outbox": {"queued": 4, "sending": 0, "unknown": 2, "failed": 0},
    }


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[int]:
    """Somebody answers every question with that; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def configure(place: Path, text: str) -> None:
    (place / "config.toml").write_text(f"[monitor]\n{text}\n", encoding="utf-8")


def show(invoke: Invoke, place: Path, page: Any, status: int = 200) -> tuple[int, str]:
    with answering(json.dumps(page).encode(), status) as port:
        configure(place, f"port = {port}")
        result = invoke("status")
    assert result.err == ""
    return result.code, result.out


def test_a_bot_that_is_well(invoke: Invoke, tmp_path: Path) -> None:
    code, out = show(invoke, tmp_path, a_page())
    assert code == 0
    (one,) = [line for line in out.splitlines() if re.search(r"\bone\b", line)]
    for words in (
        "online, pauses 8 min, 2 应急 wait",
        "3 h ago",
        "42 s ago",
        "3 + 1 parked",
        "send: throttled, 5 min ago",
    ):
        assert words in one
    (two,) = [line for line in out.splitlines() if re.search(r"\btwo\b", line)]
    assert "offline" in two
    assert "never" in two
    assert "4 queued, 0 being sent, 2 unknown: see `xiaoge outbox list`" in out
    assert "yes" in out


def test_a_bot_that_is_not_ready(invoke: Invoke, tmp_path: Path) -> None:
    page = {**a_page(), "ready": False, "outbox": None, "store": {"state": "unavailable", "error": "disk full [x]"}}
    code, out = show(invoke, tmp_path, page, 503)
    assert code == 1
    assert "disk full [x]" in out
    assert "queued" not in out
    assert "no" in out


def test_a_version_of_the_lexicon_that_was_refused_is_told(invoke: Invoke, tmp_path: Path) -> None:
    refused = {"version": "bbbbbbbbbbbb", "at": "2026-11-20T08:00:00+00:00", "why": "“停水了”应当是 登记 [x]"}
    lexicon = {"version": "aaaaaaaaaaaa", "since": "2026-11-20T07:00:00+00:00", "refused": refused}
    code, out = show(invoke, tmp_path, {**a_page(), "lexicon": lexicon})
    assert code == 0
    (line,) = [line for line in out.splitlines() if "lexicon" in line]
    assert "own rows aaaaaaaaaaaa, bbbbbbbbbbbb was refused: “停水了”应当是 登记 [x]" in line
    _, out = show(invoke, tmp_path, {**a_page(), "lexicon": {**lexicon, "version": "", "refused": None}})
    assert "as shipped" in out


def test_no_bot_answers(invoke: Invoke, tmp_path: Path) -> None:
    with silent_port() as port:
        configure(tmp_path, f"port = {port}")
        result = invoke("status")
    assert (result.code, result.err) == (
        2,
        f"xiaoge: config.toml: [monitor]: no bot answers at 127.0.0.1:{port}; start it (`xiaoge run`) or see its log\n",
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"ready": true}', b"\xff\xfe"])
def test_something_else_answers(invoke: Invoke, tmp_path: Path, body: bytes) -> None:
    with answering(body) as port:
        configure(tmp_path, f"port = {port}")
        result = invoke("status")
    assert result.code == 2
    assert result.err.endswith(f"what answers at 127.0.0.1:{port} is no xiaoge; choose another port and restart\n")


def test_a_bot_without_a_monitor(invoke: Invoke, tmp_path: Path) -> None:
    configure(tmp_path, "enabled = false")
    result = invoke("status")
    assert (result.code, "set it to true and restart" in result.err) == (2, True)


def test_one_of_several_tells_of_all(invoke: Invoke, tmp_path: Path) -> None:
    fleet = {"processes": 3, "accounts": 9, "unowned": ["wx4"]}
    code, out = show(invoke, tmp_path, {**a_page(), "duty": False, "fleet": fleet})
    assert code == 0
    assert re.search(r"duty +│ in another process", out)
    assert re.search(r"processes +│ 3 alive, for 9 accounts, nobody serves wx4", out)


def test_the_one_with_another_monitor_is_asked(invoke: Invoke, tmp_path: Path) -> None:
    configure(tmp_path, "port = 9")
    with answering(json.dumps(a_page()).encode()) as port:
        assert invoke("status", "--monitor", f"127.0.0.1:{port}").code == 0
    for address, words in (
        ("10.0.0.1:9464", "loopback"),
        ("9464", "must be like"),
        ("127.0.0.1:99999", "must be like"),
    ):
        result = invoke("status", "--monitor", address)
        assert (result.code, words in result.err) == (2, True)
