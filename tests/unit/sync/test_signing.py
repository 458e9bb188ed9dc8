from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from multidict import CIMultiDict

from bot.sync import signing

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
BODY = b'{"items":[]}'
TARGET = "/api/tickets?source=%E6%A1%82%E8%8A%B1"


def signed(**changed):
    args = {"secret": "s3", "method": "POST", "target": TARGET, "body": BODY, "key": "k-1", "now": NOON} | changed
    return CIMultiDict(signing.headers(**args))


def test_what_is_signed():
    headers = signed()
    lines = "\n".join([str(int(NOON.timestamp())), "POST", TARGET, "k-1", hashlib.sha256(BODY).hexdigest()])
    assert headers["X-Xiaoge-Signature"] == "v1=" + hmac.new(b"s3", lines.encode(), hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == "k-1"
    assert "Idempotency-Key" not in signed(key="")


@pytest.mark.parametrize("skew", [-300, 0, 300])
def test_a_signed_request_passes(skew):
    signing.check("s3", "post", TARGET, BODY, signed(), now=NOON + timedelta(seconds=skew))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"secret": "other"}, "signature"),
        ({"method": "PUT"}, "signature"),
        ({"target": "/api/tickets"}, "signature"),
        ({"body": BODY + b" "}, "signature"),
        ({"now": NOON + timedelta(seconds=301)}, "clocks differ by 301 s"),
        ({"now": NOON - timedelta(seconds=301)}, "clocks differ by 301 s"),
    ],
)
def test_a_changed_request_is_refused(changed, why):
    args = {"secret": "s3", "method": "POST", "target": TARGET, "body": BODY, "now": NOON} | changed
    with pytest.raises(signing.Unsigned, match=why):
        signing.check(**args, received=signed())


@pytest.mark.parametrize(
    ("header", "value", "why"),
    [
        ("Idempotency-Key", "k-2", "signature"),
        ("X-Xiaoge-Timestamp", "", "no number"),
        ("X-Xiaoge-Timestamp", "１２", "no number"),
        ("X-Xiaoge-Timestamp", "9" * 400, "no number"),
        ("X-Xiaoge-Signature", "", "missing"),
        ("X-Xiaoge-Signature", "v1=é", "signature"),
        ("X-Xiaoge-Signature", "v1=\udce9", "signature"),
        ("Idempotency-Key", "\udce9", "signature"),
    ],
)
def test_a_changed_header_is_refused(header, value, why):
    headers = signed()
    headers[header] = value
    with pytest.raises(signing.Unsigned, match=why):
        signing.check("s3", "POST", TARGET, BODY, headers, now=NOON)
