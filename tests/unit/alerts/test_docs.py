"""docs/alerts.md shows requests that are right."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.alerts.receiving import parse
from bot.sync import signing
from handlers.alerts import Verdict
from tests.unit.alerts.bench import Bench

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")


def test_the_request_to_check_a_signature_with() -> None:
    shown = dict(re.findall(r"^(\w+)  +(.*)$", PAGE, re.MULTILINE))
    body = shown["body"].encode()
    assert parse(body).device == "g-0031"
    assert hashlib.sha256(body).hexdigest() == shown["sha256"]
    now = datetime.fromtimestamp(int(shown["timestamp"]), UTC)
    headers = signing.headers(shown["secret"], shown["method"], shown["target"], body, key=shown["key"], now=now)
    assert headers[signing.SIGNATURE] == shown["signature"]


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("openssl") is None, reason="needs curl and openssl")
async def test_the_request_from_a_shell_is_taken(devices: Bench) -> None:
    (script,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    script = script.replace("http://127.0.0.1:8791", devices.url)
    assert devices.url in script
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert (process.returncode, b'"status": "drill"' in out) == (0, True), (out, error)


def test_every_status_is_explained() -> None:
    for verdict in Verdict:
        assert f"`{verdict}`" in PAGE
