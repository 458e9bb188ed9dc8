"""Where the platforms above push their answers: POST /sync/<upstream>/answers, signed as everything is.

Repeating a request is safe: under the same key the same reply is given, and an answer that was heard does nothing
more. What cannot be stored now is 503, and the sender tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from aiohttp import web

from bot.settings import Upstream
from bot.sync import signing
from bot.sync.answers import Answers, Malformed, parse
from storage import answers as rows
from storage.answers import Answer
from storage.engine import StoreError

log = structlog.get_logger(__name__)

MOST_BYTES = 1024 * 1024
MOST_ANSWERS = 500
LONGEST_KEY = 200
PATIENCE = 30.0  # seconds for a body to arrive
TRY_AGAIN = "10"  # seconds


class Refused(Exception):
    """The request is answered with this status and these words."""

    def __init__(self, status: int, message: str, *, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class Webhook:
    """The listener. `upstreams`: who may push, with the secret shared with each."""

    def __init__(self, host: str, port: int, upstreams: Mapping[str, tuple[Upstream, str]], answers: Answers) -> None:
        self._host = host
        self._port = port
        self._upstreams = upstreams
        self._answers = answers
        self.addresses: Sequence[Any] = ()  # where it listens

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve while the block runs. Where the port is taken answers are only pulled: one line in the log tells."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/sync/{upstream}/answers", self._receive)
        runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self._host, self._port).start()
                self.addresses = runner.addresses
                log.info("webhook", action="webhook", address=f"{self._host}:{self._port}")
            except OSError as error:
                why = os.strerror(error.errno).lower() if error.errno else type(error).__name__
                log.error("no webhook", action="webhook", address=f"{self._host}:{self._port}", error=why)
            yield
        finally:
            self.addresses = ()
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        try:
            reply = await self._reply(request)
        except Refused as error:
            log.warning("answers refused", action="webhook", status=error.status, error=str(error))
            headers = {"Retry-After": error.retry_after} if error.retry_after else {}
            return web.json_response({"message": str(error)}, status=error.status, headers=headers)
        return web.Response(text=reply, content_type="application/json")

    async def _reply(self, request: web.Request) -> str:
        name = request.match_info["upstream"]
        if name not in self._upstreams:
            raise Refused(404, "no such upstream: the path is /sync/<name of [[upstreams]]>/answers")
        upstream, secret = self._upstreams[name]
        body = await _body(request)
        now = self._answers.clock.now()
        try:
            signing.check(secret, request.method, request.raw_path, body, request.headers, now=now)
        except signing.Unsigned as error:
            raise Refused(401, str(error)) from None
        key, digest = request.headers.get(signing.KEY, ""), hashlib.sha256(body).hexdigest()
        if not (key.isascii() and key.isprintable() and 0 < len(key) <= LONGEST_KEY):
            raise Refused(400, f"{signing.KEY} is missing, or is not 1..{LONGEST_KEY} ASCII characters")
        store = self._answers.store
        try:
            known = await store.read(lambda tx: rows.reply(tx, name, key))
            if known is None:
                answers = self._parsed(body)
                reply = json.dumps({"results": [await self._applied(upstream, answer) for answer in answers]})
                await store.write(lambda tx: rows.keep_reply(tx, name, key, digest, reply, now))
                return reply
        except StoreError as error:
            log.error("store unavailable", action="webhook", error=str(error))
            raise Refused(503, "the answers cannot be stored now, send them again", retry_after=TRY_AGAIN) from None
        if known[0] != digest:
            raise Refused(422, f"this {signing.KEY} came with another body before")
        return known[1]

    async def _applied(self, upstream: Upstream, answer: Answer) -> dict[str, str | int]:
        verdict = await self._answers.apply(upstream, answer)
        return {"id": answer.id, "revision": answer.revision, "status": verdict.value}

    def _parsed(self, body: bytes) -> list[Answer]:
        """All of them, or nothing is done."""
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is no JSON") from None
        answers = sent.get("answers") if isinstance(sent, dict) else None
        if not isinstance(answers, list) or not answers:
            raise Refused(400, 'the body must be {"answers": [at least one]}')
        if len(answers) > MOST_ANSWERS:
            raise Refused(413, f"at most {MOST_ANSWERS} answers at once")
        now, parsed = self._answers.clock.now(), []
        for number, raw in enumerate(answers):
            try:
                parsed.append(parse(raw, now))
            except Malformed as error:
                raise Refused(400, f"answers[{number}]: {error}") from None
        return parsed


async def _body(request: web.Request) -> bytes:
    if "Content-Encoding" in request.headers:
        raise Refused(415, "send the body uncompressed")
    try:
        async with asyncio.timeout(PATIENCE):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, f"at most {MOST_BYTES} bytes at once") from None
    except TimeoutError:
        raise Refused(408, f"the body did not arrive within {PATIENCE:g} s") from None
