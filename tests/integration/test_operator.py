"""What an operator does, with the commands themselves, on a real gateway: doctor, run, bind-code, export, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from bot.transports.base import Offline, Rejected
from bot.transports.gateway_probe import probe
from tests.chaos.program import crowd
from tests.integration.gateway_process import Gateway, free_port

pytestmark = pytest.mark.gateway

PATIENCE = 180.0  # seconds, on a loaded machine
LEADER, RESIDENT, ROOM = "wxid_m2", "wxid_m3", "R0@chatroom"
CONFIG = """
[[accounts]]
name = "wx1"
endpoint = "{endpoint}"
token = "{token}"
[pacing]
per_minute = 60
gap = [0, 0.1]
per_room_gap = 0
ramp_days = 0
[quiet]
from = "00:00"
until = "00:00"
ack_wait_seconds = 0
[monitor]
enabled = false
[[grids]]
code = "519999001001"
name = "青禾社区"
[[people]]
name = "刘姐"
role = "微网格长"
scope = "519999001001"
[[rooms]]
account = "wx1"
im_id = "R0@chatroom"
grid = "519999001001"
enabled = true
"""


async def xiaoge(home: Path, *arguments: str) -> tuple[int | None, str, str]:
    process = await start(home, *arguments)
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, out.decode(), err.decode()


async def start(home: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


async def told(gateway: Gateway, where: str, words: str) -> str:
    """Wait until the bot has said that there; returns the line."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for line in (await gateway.do("stats"))["sent"]:
            if line["to"] == where and words in line["text"]:
                return str(line["text"])
        await asyncio.sleep(0.05)  # the gateway is another process: there is nothing to wait on
    raise AssertionError(f"nobody said {words!r} to {where}")


def lay_out(home: Path, gateway: Gateway, *, right: bool = True) -> None:
    text = CONFIG.format(endpoint=gateway.endpoint, token=gateway.token if right else "wrong")
    (home / "config.toml").write_text(text, encoding="utf-8")


async def test_from_the_first_check_to_the_register(gateway: Gateway, tmp_path: Path) -> None:
    lay_out(tmp_path, gateway)
    code, table, _ = await xiaoge(tmp_path, "doctor")
    assert code == 0, table

    bot = await start(tmp_path, "run")
    try:
        assert bot.stderr is not None
        assert b"up" in await asyncio.wait_for(bot.stderr.readline(), PATIENCE)

        _, bind, _ = await xiaoge(tmp_path, "bind-code", "刘姐")
        await gateway.do("message", room=None, **{"from": LEADER}, text=bind.strip())
        assert "刘姐（微网格长）" in await told(gateway, LEADER, "绑定成功")

        await gateway.do("message", room=ROOM, **{"from": RESIDENT}, text="3栋2单元电梯又坏了，电话13800001234")
        assert "电梯故障 3栋2单元" in await told(gateway, ROOM, "已登记 S1")
        assert "138****1234" in await told(gateway, LEADER, "【诉求】S1")
        await gateway.do("message", room=ROOM, **{"from": LEADER}, text="办结 S1 换了门机皮带")
        await told(gateway, ROOM, "S1")

        code, table, _ = await xiaoge(tmp_path, "doctor")
        assert code == 0, table
        _, exported, _ = await xiaoge(tmp_path, "export", "tickets", "--format", "json")
        (row,) = json.loads(exported)
        assert (row["编号"], row["地点"], row["联系电话(脱敏)"]) == ("S1", "3栋2单元", "138****1234")
        code, _, _ = await xiaoge(tmp_path, "audit", "verify")
        assert code == 0

        begun = time.monotonic()
        bot.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(bot.wait(), 30) == 0
        assert time.monotonic() - begun < 5 * crowd()
    finally:
        if bot.returncode is None:
            bot.kill()
    code, said, _ = await xiaoge(tmp_path, "outbox", "list")
    assert (code, said) == (0, "nothing failed, nothing unknown\n")


async def test_a_wrong_token_ends_the_start_with_one_line(gateway: Gateway, tmp_path: Path) -> None:
    lay_out(tmp_path, gateway, right=False)
    code, _, said = await xiaoge(tmp_path, "run")
    assert code == 2
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("xiaoge: the gateway refuses the token: put the gateway's own token")
    code, table, _ = await xiaoge(tmp_path, "doctor")
    assert code == 1
    assert "refuses the token" in table


async def test_the_probe_tells_what_is_wrong(gateway: Gateway) -> None:
    assert (await probe(gateway.endpoint, gateway.token)).startswith("1.")
    with pytest.raises(Rejected, match="own token"):
        await probe(gateway.endpoint, "wrong")
    with pytest.raises(Offline, match="nobody answers"):
        await probe(f"127.0.0.1:{free_port()}", "t")
    listening = (await gateway.do("stats"))["calls"]
    assert "event" not in {name.lower() for name in listening}  # a running bot's stream is its own
