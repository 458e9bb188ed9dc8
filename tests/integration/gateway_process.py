"""A test gateway as a process: started, driven through its control port, frozen, killed, started again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

FOLDER = Path(__file__).parent / "gateway"
START_TIMEOUT = 60.0  # a loaded machine
PATIENCE = 30.0


def require_node() -> None:
    """Skip where Node.js is missing; in CI that is a failure. Installs the locked modules once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        reason = "Node.js and npm are needed for the real gateway"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    # npm leaves this file when it is done, so half an installation is not taken for a whole one.
    done, lock = FOLDER / "node_modules" / ".package-lock.json", FOLDER / "package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    made = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)  # noqa: S603
    if made.returncode:
        reason = f"npm ci failed: {made.stderr[-600:]}"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    done.touch()


_given: set[int] = set()


def free_port() -> int:
    """A port to listen at later, no other caller's: below those that the system gives to outgoing connections, so that
    none is given away in between."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.add(port)
                return port


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]], *, every: float = 0.05) -> None:
    """Wait for something that has no event to wait for; `every` in seconds. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not (await answer if isinstance(answer := true(), Awaitable) else answer):  # noqa: ASYNC110
            await asyncio.sleep(every)


def _booted(log: Path, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    """gateway.mjs as a process, when it listens and its accounts are logged in. Raises RuntimeError."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            ["node", "gateway.mjs"],  # noqa: S607  found by require_node
            cwd=FOLDER,
            env={**os.environ, "WECHATY_LOG": "error", **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    stuck = threading.Timer(START_TIMEOUT, process.kill)
    stuck.start()
    try:
        assert process.stdout is not None
        if not any(line == b"up\n" for line in process.stdout):
            _ended(process)
            raise RuntimeError(f"the gateway did not start: {log.read_text()[-1000:]}")
    finally:
        stuck.cancel()
    return process


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


class Gateway:
    """One account's gateway. The ports stay the same when it is started again."""

    def __init__(self, log: Path, **settings: object) -> None:
        self.port = free_port()
        self.control = free_port()
        self.token = str(settings.get("TOKEN", "test-token"))
        self._log = log
        ports = {"PORT": self.port, "CONTROL": self.control}
        self.settings = {key: str(value) for key, value in {**ports, **settings}.items()}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Return when it listens and its account is logged in."""
        await asyncio.to_thread(self.boot)

    def boot(self) -> None:
        """`start` without a loop, for fixtures that outlive one."""
        self._process = _booted(self._log, self.settings)

    async def kill(self) -> None:
        self.end()

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _ended(process)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def do(self, action: str, **arguments: Any) -> Any:
        """Have somebody do something in WeChat: an action of gateway.mjs. Returns its answer."""
        return await asyncio.to_thread(self._post, action, arguments)

    async def say(self, text: str, **arguments: Any) -> str:
        """A message; returns its id."""
        answer = await self.do("message", text=text, **arguments)
        return str(answer["id"])

    async def streams(self) -> int:
        """How many event streams it has ever let in. It lets in one at a time."""
        return int((await self.do("stats"))["streams"])

    async def calls(self, name: str) -> int:
        """How often an RPC was made."""
        stats = await self.do("stats")
        return int(stats["calls"].get(name, 0))

    async def sent(self) -> list[dict[str, Any]]:
        stats = await self.do("stats")
        return list(stats["sent"])

    def _post(self, action: str, arguments: dict[str, Any]) -> Any:
        request = Request(f"http://127.0.0.1:{self.control}/{action}", json.dumps(arguments).encode())
        with urlopen(request, timeout=30) as answer:  # noqa: S310  our own process
            return json.loads(answer.read() or b"null")


class GatewayHost:
    """Several accounts' gateways in one process; each keeps its own ports and record. `gateways` are driven as ever,
    but they start and end together."""

    def __init__(self, log: Path, accounts: Sequence[Mapping[str, object]]) -> None:
        """`accounts`: the settings of gateway.mjs for each."""
        self._log = log
        self.gateways = [Gateway(log, **settings) for settings in accounts]
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Return when all listen and are logged in."""
        accounts = json.dumps([gateway.settings for gateway in self.gateways])
        self._process = await asyncio.to_thread(_booted, self._log, {"ACCOUNTS": accounts})

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _ended(process)
