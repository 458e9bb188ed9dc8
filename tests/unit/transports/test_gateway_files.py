"""What a gateway says is a file and is none: no traceback, nothing fetched from strangers, nothing without an end."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.transports import gateway_files
from bot.transports.base import Rejected, TooLarge
from storage.notice_files import LARGEST


class Wire:
    """A link whose gateway answers this FileBox, and these pieces under its id."""

    def __init__(self, box: str, pieces: int = 0) -> None:
        self.box, self.pieces, self.read = box, pieces, 0

    async def call(self, route: str, request: Any, reply_type: Any, *, take: Any = None, **_: Any) -> Any:
        if not route.endswith("Download"):
            return reply_type(filebox=self.box)
        return await take(self._chunks(reply_type))

    async def _chunks(self, reply_type: Any) -> AsyncIterator[Any]:
        for _ in range(self.pieces):
            self.read += 1
            yield reply_type(chunk=b"0" * 2**20)


async def _fetch(wire: Wire) -> bytes:
    return (await gateway_files.fetch(wire, "m1", picture=False)).data  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "box",
    [
        "",
        "null",
        "[]",
        "7",
        "{",
        "[" * 100_000,
        '{"type": 1}',
        '{"type": 1, "base64": 7}',
        '{"type": 1, "base64": "x"}',
        '{"type": 1, "base64": ""}',
        '{"type": 7, "uuid": "u"}',  # nothing comes under it
        '{"type": 2, "url": "http://169.254.169.254/", "name": "a.png"}',
        '{"type": 3, "qrCode": "x"}',
        '{"type": "1", "base64": "eA=="}',
    ],
)
async def test_no_file_is_rejected(box: str) -> None:
    with pytest.raises(Rejected):
        await _fetch(Wire(box))


@pytest.mark.parametrize("key", ["type", "boxType"])
async def test_both_generations_are_read(key: str) -> None:
    box = {key: 1, "base64": base64.b64encode(b"abc").decode(), "name": "a.txt"}
    assert await _fetch(Wire(json.dumps(box))) == b"abc"
    assert await _fetch(Wire(json.dumps({key: 7, "uuid": "u"}), pieces=3)) == b"0" * 3 * 2**20


async def test_what_tells_its_size_is_not_begun_and_what_lies_about_it_not_ended() -> None:
    told = Wire(json.dumps({"type": 7, "uuid": "u", "size": LARGEST + 1}), pieces=99)
    with pytest.raises(TooLarge) as raised:
        await _fetch(told)
    assert (raised.value.size, told.read) == (LARGEST + 1, 0)
    lying = Wire(json.dumps({"type": 7, "uuid": "u", "size": 1}), pieces=99)
    with pytest.raises(TooLarge):
        await _fetch(lying)
    assert lying.read == LARGEST // 2**20 + 1
