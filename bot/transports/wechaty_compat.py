"""Makes wechaty 0.10.7, the last release, importable on Python 3.11–3.13 with today's dependencies.

Our link needs only `wechaty_grpc`, which imports as it is. Whoever needs the package itself (the doctor, the benchmark
that compares with stock wechaty) calls `install()` first.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import types
from pathlib import Path


def install(cache_dir: Path) -> None:
    """Mend what `import wechaty` stumbles over; `cache_dir` is where it may write instead of ./.wechaty.

    Idempotent. Touches the modules pyee, urllib3 and wechaty_puppet, and nothing that works already.
    """
    # wechaty reads it while it is imported and makes the directory in the current one otherwise.
    os.environ.setdefault("CACHE_DIR", str(cache_dir))

    pyee = importlib.import_module("pyee")
    if not hasattr(pyee, "AsyncIOEventEmitter"):  # moved in pyee 12
        pyee.AsyncIOEventEmitter = importlib.import_module("pyee.asyncio").AsyncIOEventEmitter  # type: ignore[attr-defined]

    urllib3 = importlib.import_module("urllib3")
    if not hasattr(urllib3, "get_host"):  # dropped in urllib3 2
        parse_url = importlib.import_module("urllib3.util").parse_url

        def get_host(url: str) -> tuple[str, str | None, int | None]:
            parsed = parse_url(url)
            return parsed.scheme or "http", parsed.hostname, parsed.port

        urllib3.get_host = get_host  # type: ignore[attr-defined]

    try:
        importlib.import_module("telnetlib")
    except ModuleNotFoundError:  # gone in Python 3.13
        substitute = types.ModuleType("telnetlib")
        substitute.Telnet = _Telnet  # type: ignore[attr-defined]
        sys.modules["telnetlib"] = substitute

    options = importlib.import_module("wechaty_puppet.schemas.puppet").PuppetOptions
    if options.__hash__ is None:  # an unhashable dataclass default is a ValueError since Python 3.11
        options.__hash__ = object.__hash__


class _Telnet:
    """All that wechaty asks of telnetlib: whether a port can be reached."""

    def open(self, host: str, port: int = 0, timeout: float = 3) -> None:
        socket.create_connection((host, port), timeout).close()
