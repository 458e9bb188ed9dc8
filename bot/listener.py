"""Where others send us what they have to say: signed POST requests on one address, each path with a taker of its own.

Repeating a request is safe: under the same key the same reply is given. What cannot be stored now is 503, and the
sender tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from aiohttp import web

from bot.clock import Clock
from bot.sync import signing
from storage.engine import StoreError

log = structlog.get_logger(__name__)

MOST_BYTES = 1024 * 1024
LONGEST_KEY = 200
PATIENCE = 30.0  # seconds for a body to arrive
TRY_AGAIN = "10"  # seconds
BIND_AGAIN = 2.0  # seconds between tries for a port that is taken


class Refused(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, status: int, message: str, *, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Taker(Protocol):
    """Takes what comes on one path. `path` names the sender as `{name}`."""

    path: str
    most_bytes: int

    def secret(self, name: str) -> str:
        """What the sender signs with. Raises Refused for a name that is nobody's."""

    def refused(self, name: str, status: int) -> None:
        """A request of a known sender was refused."""

    async def reply(self, name: str, key: str, body: bytes) -> str:
        """Do what the body says, and the JSON to answer. Raises Refused, StoreError."""


class Listener:
    """One address."""

    def __init__(self, host: str, port: int, takers: Sequence[Taker], clock: Clock) -> None:
        self._host = host
        self._port = port
        self._takers = takers
        self._clock = clock
        self.addresses: Sequence[Any] = ()  # where it listens

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve while the block runs. Where the port is taken nobody is heard: one line in the log tells, and it is
        tried again, for another process of this machine may be about to let go of it."""
        app = web.Application(client_max_size=MOST_BYTES)
        for taker in self._takers:
            app.router.add_post(taker.path, partial(self._receive, taker))
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        retrying = None
        try:
            if not await self._bound(runner):
                retrying = asyncio.create_task(self._bind(runner), name=f"bind:{self._port}")
            yield
        finally:
            if retrying is not None:
                retrying.cancel()
                await asyncio.wait((retrying,))
            self.addresses = ()
            await runner.cleanup()

    async def _bound(self, runner: web.AppRunner, *, again: bool = False) -> bool:
        address = f"{self._host}:{self._port}"
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            if not again:
                why = os.strerror(error.errno).lower() if error.errno else type(error).__name__
                log.error("not listening", action="listen", address=address, error=why)
            return False
        self.addresses = runner.addresses
        log.info("listening", action="listen", address=address)
        return True

    async def _bind(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(BIND_AGAIN)
            if await self._bound(runner, again=True):
                return

    async def _receive(self, taker: Taker, request: web.Request) -> web.Response:
        try:
            reply = await self._reply(taker, request)
        except Refused as error:
            log.warning("refused", action="listen", path=taker.path, status=error.status, error=str(error))
            headers = {"Retry-After": error.retry_after} if error.retry_after else {}
            return web.json_response({"message": str(error)}, status=error.status, headers=headers)
        return web.Response(text=reply, content_type="application/json")

    async def _reply(self, taker: Taker, request: web.Request) -> str:
        name = request.match_info["name"]
        secret = taker.secret(name)
        try:
            body = await _body(request, taker.most_bytes)
            now = self._clock.now()
            try:
                signing.check(secret, request.method, request.raw_path, body, request.headers, now=now)
            except signing.Unsigned as error:
                raise Refused(401, str(error)) from None
            key = request.headers.get(signing.KEY, "")
            if not (key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST_KEY):
                raise Refused(400, f"{signing.KEY} is missing, or is not 1..{LONGEST_KEY} ASCII characters")
            try:
                return await taker.reply(name, key, body)
            except StoreError as error:
                log.error("store unavailable", action="listen", error=str(error))
                raise Refused(503, "it cannot be stored now, send it again", retry_after=TRY_AGAIN) from None
        except Refused as error:
            taker.refused(name, error.status)
            raise


async def _body(request: web.Request, most: int) -> bytes:
    if "Content-Encoding" in request.headers:
        raise Refused(415, "send the body uncompressed")
    try:
        async with asyncio.timeout(PATIENCE):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, f"at most {most} bytes at once") from None
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {PATIENCE:g} s") from None
    if len(body) > most:
        raise Refused(413, f"at most {most} bytes at once")
    return body
