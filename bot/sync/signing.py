"""Signed requests between us and a platform above: the same arithmetic for what we send and for what is sent to us.

What is signed: HMAC-SHA256 with the shared secret over the lines timestamp (Unix seconds), METHOD, path with query as
it stands in the request line, idempotency key, SHA-256 of the body in hex. A request without the header Idempotency-Key
(a GET) is signed with an empty one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

TIMESTAMP = "X-Xiaoge-Timestamp"
SIGNATURE = "X-Xiaoge-Signature"
KEY = "Idempotency-Key"
MAX_SKEW = 300  # seconds
_SCHEME = "v1="


class Unsigned(Exception):
    """The request is refused; the text says why, for the sender's eyes, and betrays nothing of the secret."""


def headers(secret: str, method: str, target: str, body: bytes, *, key: str = "", now: datetime) -> dict[str, str]:
    """The headers of a signed request. `target` is the path with query exactly as it is sent, `now` an aware time."""
    timestamp = str(int(now.timestamp()))
    signed = {TIMESTAMP: timestamp, SIGNATURE: _SCHEME + _digest(secret, timestamp, method, target, key, body)}
    return signed | {KEY: key} if key else signed


def check(secret: str, method: str, target: str, body: bytes, received: Mapping[str, str], *, now: datetime) -> None:
    """Raises Unsigned unless the request was signed with this secret within `MAX_SKEW` of `now`.

    `received` are the request's headers, found in any case (aiohttp's are); `target` is the raw path with query.
    """
    timestamp = received.get(TIMESTAMP, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unsigned(f"{TIMESTAMP} is missing or no number of Unix seconds")
    given = received.get(SIGNATURE, "")
    if not given.startswith(_SCHEME):
        raise Unsigned(f"{SIGNATURE} is missing or does not begin with {_SCHEME}")
    expected = _SCHEME + _digest(secret, timestamp, method, target, received.get(KEY, ""), body)
    if not hmac.compare_digest(_bytes(given), expected.encode()):
        raise Unsigned("the signature does not fit: another secret, or the request was changed on its way")
    # After the signature, so that only who knows the secret learns of our clock.
    skew = int(timestamp) - int(now.timestamp())
    if abs(skew) > MAX_SKEW:
        raise Unsigned(f"the clocks differ by {abs(skew)} s, at most {MAX_SKEW} are allowed: set them by NTP")


def _digest(secret: str, timestamp: str, method: str, target: str, key: str, body: bytes) -> str:
    lines = (timestamp, method.upper(), target, key, hashlib.sha256(body).hexdigest())
    return hmac.new(secret.encode(), _bytes("\n".join(lines)), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    """aiohttp hands on bytes of a header that are no UTF-8 as lone surrogates."""
    return text.encode("utf-8", "surrogateescape")
