"""Requests to a platform above, signed; whatever goes wrong is one of the faults here, with the platform's words."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp
from yarl import URL

from bot.settings import ConfigError, Upstream, cause
from bot.sync import signing
from bot.sync.mapping import Item
from bot.sync.rendering import SCHEMA
from nlp import contact
from storage.upstreams import MOST_WORDS

CONNECT_WITHIN = 10.0  # seconds
LONGEST_PAUSE = timedelta(hours=1)  # that an upstream may ask for
MOST_BYTES = 8 * 1024 * 1024  # of an answer, unpacked
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
ARRIVED = ("accepted", "duplicate")


def clean(text: str, most: int) -> str:
    """Text that every database takes: without NUL and half characters, and not longer than that."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip()[:most]


def quoted(text: str) -> str:
    """What they say, on one line, without phone numbers that they may quote."""
    return clean(contact.mask(" ".join(text[: 4 * MOST_WORDS].split())), MOST_WORDS)


class Fault(Exception):
    """A request that did not do what it was for: `code` is ours or theirs, `words` are theirs or the network's, as
    `quoted` leaves them."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        self.words = quoted(words)
        super().__init__(f"{code}: {self.words}")


class Failed(Fault):
    """It may go better next time; perhaps it even arrived."""


class Throttled(Fault):
    """They ask for a pause."""

    def __init__(self, code: str, words: str, pause: timedelta | None) -> None:
        super().__init__(code, words)
        self.pause = pause


class Closed(Fault):
    """Nothing arrives here until a person mends it: the secret, the address."""


class Refused(Fault):
    """Something in the batch is not to their liking; `culprit` is the id they name, if they do."""

    def __init__(self, code: str, words: str, culprit: str | None = None) -> None:
        super().__init__(code, words)
        self.culprit = culprit


class TooLarge(Fault):
    """Fewer at a time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Items for one request or file: `key` changes exactly with what is in it, `number` is that of the file."""

    items: Sequence[Item]
    body: bytes
    key: str
    number: int

    @classmethod
    def of(cls, source: str, items: Sequence[Item], *, replays: Sequence[int], number: int) -> Batch:
        """`replays`: how often each was sent again by hand, so that a replay is no repetition to the upstream."""
        body = compact({"schema": SCHEMA, "source": source, "items": list(items)})
        key = hashlib.sha256(body + b"\n" + repr(list(replays)).encode()).hexdigest()[:32]
        return cls(items, body, key, number)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: accepted, duplicate, stale or rejected."""

    status: str
    ref: str | None = None
    code: str | None = None
    message: str | None = None


class Carrier(Protocol):
    """The way to an upstream."""

    async def deliver(self, batch: Batch) -> Sequence[Result]:
        """Hand the batch over; one result an item, in order. Raises Fault."""
        ...


class Client:
    """The way to an upstream with an interface. `now` is the clock that requests are stamped with."""

    def __init__(
        self, upstream: Upstream, source: str, session: aiohttp.ClientSession, now: Callable[[], datetime]
    ) -> None:
        """Raises ConfigError where the secret or the CA's file cannot be read."""
        self._base = str(upstream.url).rstrip("/")
        self._secret = upstream.shared_secret()
        self._trust = _trust(upstream)
        self._gzip = upstream.gzip
        self._timeout = aiohttp.ClientTimeout(total=upstream.timeout_seconds, sock_connect=CONNECT_WITHIN)
        self._source = source
        self._session = session
        self._now = now

    async def deliver(self, batch: Batch) -> Sequence[Result]:
        """`POST /tickets`."""
        answer = await self.post("/tickets", batch.body, key=batch.key)
        found = answer.get("results")
        if not isinstance(found, list) or len(found) != len(batch.items):
            raise Failed("bad_answer", f"200 without a result for each of {len(batch.items)} items")
        return [_result(item, one) for item, one in zip(batch.items, found, strict=True)]

    async def get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that they answer with; `source` is added. Raises Fault."""
        url = URL(self._base + path).with_query({"source": self._source, **params})
        return await self._request("GET", url, b"", {}, key="")

    async def post(self, path: str, body: bytes, *, key: str) -> dict[str, Any]:
        """Send a JSON document; the object that they answer with. Raises Fault."""
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._gzip:
            body = await asyncio.to_thread(gzip.compress, body, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return await self._request("POST", URL(self._base + path), body, headers, key=key)

    async def _request(
        self, method: str, url: URL, body: bytes, headers: Mapping[str, str], *, key: str
    ) -> dict[str, Any]:
        signed = signing.headers(self._secret, method, url.raw_path_qs, body, key=key, now=self._now())
        try:
            async with self._session.request(
                method,
                url,
                data=body or None,
                headers={**headers, **signed},
                timeout=self._timeout,
                ssl=self._trust,
                allow_redirects=False,  # what is signed for one address is not for another
                skip_auto_headers=("User-Agent",),
            ) as response:
                raw = await _read(response)
                status, received = response.status, response.headers
        except TimeoutError:
            raise Failed("timeout", f"no answer within {self._timeout.total:g} s") from None
        except aiohttp.ClientSSLError as error:
            raise Failed("untrusted", str(error)) from None
        except aiohttp.ClientConnectorError as error:
            raise Failed("unreachable", str(error)) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Failed("aborted", f"{type(error).__name__}: {error}") from None
        if status == 200:
            return _object(raw)
        raise _fault(status, raw, received, self._now())


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; however much they send, or it unpacks to, no more is held than is ever needed."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise Failed("bad_answer", f"{response.status} with more than {MOST_BYTES >> 20} MiB")
    return bytes(raw)


def _trust(upstream: Upstream) -> ssl.SSLContext | bool:
    if upstream.tls_ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=upstream.tls_ca)
    except OSError as error:  # also what is no certificate
        why = cause(error)
        raise ConfigError(
            f"{upstream.place} tls_ca: cannot use {upstream.tls_ca} ({why}), put their CA there"
        ) from None


def compact(value: object) -> bytes:
    """JSON without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _object(raw: bytes) -> dict[str, Any]:
    found = _parsed(raw)
    if found is None:
        raise Failed("bad_answer", "200 with something that is no JSON object")
    return found


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """The JSON object that it is, if it is one."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _result(item: Item, found: object) -> Result:
    if not isinstance(found, dict) or (found.get("id"), found.get("version")) != (item["id"], item["version"]):
        raise Failed("bad_answer", f"200 with a result that is not that of {item['id']}")
    status = found.get("status")
    if status not in (*ARRIVED, "stale", "rejected"):
        raise Failed("bad_answer", f"200 with the unknown status {status!r} for {item['id']}")
    ref, message = found.get("ref"), found.get("message")
    return Result(
        status,
        None if ref is None else clean(str(ref), MOST_WORDS),
        _code(found.get("code"), "rejected"),
        None if message is None else quoted(str(message)),
    )


def _code(value: object, otherwise: str) -> str:
    """A word that is fit for a log."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else otherwise


def _fault(status: int, raw: bytes, headers: Mapping[str, str], now: datetime) -> Fault:
    """What an answer other than 200 means."""
    code, words, culprit = _said(status, raw)
    if status in (400, 422):
        return Refused(code, words, culprit)
    if status == 413:
        return TooLarge("too_large", words)
    if status in (408, 429) or (status == 503 and "Retry-After" in headers):
        return Throttled("throttled", words, _pause(headers.get("Retry-After"), now))
    if status in (401, 403):
        return Closed("unauthorized", words)
    if 300 <= status < 500:
        return Closed("wrong_address", words)
    if status < 300:  # a 202 does not say what became of each ticket
        return Failed("bad_answer", words)
    return Failed("server_error", words)


def _said(status: int, raw: bytes) -> tuple[str, str, str | None]:
    """(code, words, the id that is named) of an error's body, whatever it is."""
    text = raw[: 4 * MOST_WORDS].decode("utf-8", "replace")
    found = _parsed(raw)
    if found is None:
        return "refused", f"{status} {text}", None
    message, culprit = found.get("message"), found.get("id")
    words = f"{status} {message if isinstance(message, str) else text}"
    return _code(found.get("code"), "refused"), words, culprit if isinstance(culprit, str) else None


def _pause(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After: seconds or a date."""
    if text is None:
        return None
    try:
        pause = timedelta(seconds=int(text)) if text.isdigit() else parsedate_to_datetime(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(pause, timedelta()), LONGEST_PAUSE)
