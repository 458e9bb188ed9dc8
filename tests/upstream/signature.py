"""Who asks: the signature of a request, checked and made as docs/upstream-api.md says. Nothing of xiaoge is used."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

MOST_SKEW = 300  # seconds that two clocks may differ


def sign(secret: str, timestamp: str, method: str, target: str, key: str, body: bytes) -> str:
    """The value of X-Xiaoge-Signature. `target` is the path with its query, as in the request line."""
    lines = "\n".join([timestamp, method, target, key, hashlib.sha256(body).hexdigest()])
    return "v1=" + hmac.new(secret.encode(), lines.encode(), hashlib.sha256).hexdigest()


def refusal(
    secret: str, method: str, target: str, headers: Mapping[str, str], body: bytes, *, now: float
) -> str | None:
    """Why a request is not to be believed, in words for its sender; None where it is. `now`: Unix seconds."""
    timestamp = headers.get("X-Xiaoge-Timestamp", "")
    given = headers.get("X-Xiaoge-Signature", "")
    expected = sign(secret, timestamp, method, target, headers.get("Idempotency-Key", ""), body)
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape")):
        return "the signature does not fit this secret"
    if not timestamp.isdecimal() or abs(int(timestamp) - now) > MOST_SKEW:
        return f"the timestamp is more than {MOST_SKEW} s from the platform's clock"
    return None
