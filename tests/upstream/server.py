"""The platform as a server: five requests, all signed (docs/upstream-api.md)."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from tests.upstream.faults import AFTER, Fault, Faults
from tests.upstream.signature import refusal, sign
from tests.upstream.store import AnotherBody, Rules, Store

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Reply = tuple[int, dict[str, Any]]  # status and JSON


class Upstream:
    """A running platform. `secret`, what it refuses, whether it has a feed of answers may be changed while it runs."""

    def __init__(
        self,
        store: Store,
        secret: str,
        *,
        faults: Faults | None = None,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.secret = secret
        self.faults = faults or Faults()
        self.rules = rules or Rules()
        self._clock = clock
        self.port = 0
        self.answering = True
        self.requests = 0
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen; on any free port without one."""
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/tickets", self._guarded(self._receive))
        app.router.add_get("/tickets", self._guarded(self._listing))
        app.router.add_get("/tickets/{id}", self._guarded(self._ticket))
        app.router.add_get("/answers", self._guarded(self._answers))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port or self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ---------------------------------------------------------------- every request
    def _guarded(self, answer: Callable[[web.Request, bytes], Reply]) -> Handler:
        """Check the signature, then answer, or fail on demand."""

        async def handle(request: web.Request) -> web.StreamResponse:
            self.requests += 1
            if self.faults.away:
                return await _dropped(request)
            body = await request.read()
            if (why := self._refused(request, body)) is not None:
                return web.json_response({"code": "unauthorized", "message": why}, status=401)
            if request.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            fault = self.faults.draw()
            if fault is None or fault in AFTER or fault is Fault.TWICE:
                status, found = answer(request, body)
                if fault is Fault.TWICE and request.method == "POST" and status == 200:
                    status, found = self._accepted(uuid.uuid4().hex, body)
                if fault not in AFTER:
                    return web.json_response(found, status=status)
                return await self._fail(request, fault, found)
            return await self._fail(request, fault, {"results": []})

        return handle

    def _refused(self, request: web.Request, body: bytes) -> str | None:
        return refusal(self.secret, request.method, request.raw_path, request.headers, body, now=self._clock())

    async def _fail(self, request: web.Request, fault: Fault, found: dict[str, Any]) -> web.StreamResponse:
        if fault is Fault.THROTTLED:
            return web.json_response(
                {"message": "too many requests"}, status=429, headers={"Retry-After": str(self.faults.retry_after)}
            )
        if fault in {Fault.ERROR, Fault.ERROR_AFTER}:
            return web.Response(status=self.faults.random.choice([500, 502, 503, 504]), text="<html>oops</html>")
        if fault in {Fault.SILENCE, Fault.SILENCE_AFTER}:
            await asyncio.sleep(self.faults.pause())
            return await _dropped(request)
        text = json.dumps(found).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(text))})
        await response.prepare(request)
        await response.write(text[: len(text) // 2])
        return await _dropped(request, response)

    # ---------------------------------------------------------------- the requests
    def _receive(self, request: web.Request, body: bytes) -> Reply:
        """POST /tickets"""
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return 400, {"code": "no_key", "message": "Idempotency-Key is missing"}
        if len(body) > self.faults.most_bytes:
            return 413, {"code": "too_large", "message": f"at most {self.faults.most_bytes} bytes"}
        return self._accepted(key, body)

    def _accepted(self, key: str, body: bytes) -> Reply:
        if (trouble := self._trouble(body)) is not None:
            return trouble
        try:
            return 200, self.store.receive(key, body, self.rules)
        except AnotherBody:
            return 422, {"code": "another_body", "message": "this Idempotency-Key came with another body before"}
        except ValueError as error:
            return 400, {"code": "invalid", "message": str(error)}

    def _trouble(self, body: bytes) -> Reply | None:
        """What the whole request is refused for on demand."""
        if self.faults.most_items is None and not self.faults.bad:
            return None
        names = [item["id"] for item in json.loads(body)["items"]]
        if self.faults.most_items is not None and len(names) > self.faults.most_items:
            return 413, {"code": "too_many", "message": f"at most {self.faults.most_items} tickets at once"}
        for name in names:
            if name in self.faults.bad:
                named = {"id": name} if self.faults.bad[name] else {}
                return 400, {"code": "invalid", "message": "the text is longer than our field", **named}
        return None

    def _listing(self, request: web.Request, _: bytes) -> Reply:
        """GET /tickets"""
        query = request.query
        limit = min(int(query.get("limit", "500")), 1000)
        return 200, self.store.listing(query["source"], query.get("after", ""), limit)

    def _ticket(self, request: web.Request, _: bytes) -> Reply:
        """GET /tickets/S12"""
        item = self.store.item(request.query["source"], request.match_info["id"])
        return (200, item) if item is not None else (404, {"code": "unknown", "message": "no such ticket"})

    def _answers(self, request: web.Request, _: bytes) -> Reply:
        """GET /answers"""
        if not self.answering:
            return 404, {"code": "unknown", "message": "nothing is here"}
        query = request.query
        limit = min(int(query.get("limit", "200")), 1000)
        found = self.store.answers(query["source"], query.get("after", ""), limit)
        if self.faults.disorder:
            again = [answer for answer in found["answers"] if self.faults.random.random() < 0.3]
            found["answers"] += again
            self.faults.random.shuffle(found["answers"])
        return 200, found

    # ---------------------------------------------------------------- the other direction
    async def push(self, url: str, *answers: dict[str, Any], key: str = "", **other: str) -> tuple[int, Any]:
        """POST answers to the grid's own listener (`…/sync/<name>/answers`); status and JSON of its reply. `other`
        headers replace those of the request."""
        return await self.send(url, json.dumps({"answers": answers}, ensure_ascii=False).encode(), key=key, **other)

    async def send(self, url: str, body: bytes, *, key: str = "", **other: str) -> tuple[int, Any]:
        """POST a body, signed."""
        path = "/" + url.split("/", 3)[3]
        timestamp, key = str(int(self._clock())), key or uuid.uuid4().hex
        headers = {
            "Content-Type": "application/json",
            "X-Xiaoge-Timestamp": timestamp,
            "Idempotency-Key": key,
            "X-Xiaoge-Signature": sign(self.secret, timestamp, "POST", path, key, body),
            **{name.replace("_", "-"): value for name, value in other.items()},
        }
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)


async def _dropped(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Nothing (more) is answered: the line goes dead."""
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()
