"""Pictures and files over the wire: what wechaty calls a FileBox, to a gateway and from it.

A FileBox travels as JSON. Gateways take messages of 4 MB, so a small file stands in it as base64, which every
generation reads; a larger one is uploaded in chunks first (1.x alone) and named by the id that the gateway gives it.
What comes back from a 1.x gateway is such an id for anything beyond 20 kB, base64 from a 0.x one. wechaty's own Python
FileBox writes keys that no 1.x gateway reads.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import betterproto
from grpclib.const import Cardinality
from wechaty_grpc.wechaty import puppet

from bot.files import named
from bot.transports.base import Rejected, TooLarge
from storage.notice_files import LARGEST, File

if TYPE_CHECKING:
    from bot.transports.gateway_link import Link

INLINE = 2 << 20  # bytes; base64 adds a third
CHUNK = 64 << 10
WITHIN = 60.0  # seconds for a call that moves a file, to the gateway or on to WeChat

_BASE64, _UUID = 1, 7
_ARTWORK = 3  # the picture as it was taken, not its thumbnail


@dataclass(eq=False, repr=False)
class _Chunk(betterproto.Message):
    """UploadRequest and DownloadResponse, which wechaty's stubs do not know."""

    chunk: bytes = betterproto.bytes_field(1)


@dataclass(eq=False, repr=False)
class _Id(betterproto.Message):
    """UploadResponse and DownloadRequest."""

    id: str = betterproto.string_field(1)


@dataclass(eq=False, repr=False)
class _Image(betterproto.Message):
    """MessageImageRequest: `type` is an enum."""

    id: str = betterproto.string_field(1)
    type: int = betterproto.uint32_field(2)


async def boxed(link: Link, file: File) -> str:
    """The FileBox that carries a file. Raises the four errors; a large one is with the gateway when this returns, and
    nobody has seen it."""
    if len(file.data) <= INLINE:
        return _box(_BASE64, file, {"base64": base64.b64encode(file.data).decode()})
    return _box(_UUID, file, {"uuid": await _upload(link, file.data)})


def _box(kind: int, file: File, content: dict[str, Any]) -> str:
    # `boxType` is what 0.x reads, `type` what 1.x does.
    common = {"name": file.name, "size": len(file.data), "metadata": {}, "type": kind, "boxType": kind}
    md5 = hashlib.md5(file.data, usedforsecurity=False).hexdigest()
    return json.dumps({**common, "md5": md5, **content}, ensure_ascii=False)


async def _upload(link: Link, data: bytes) -> str:
    chunks = [_Chunk(chunk=data[at : at + CHUNK]) for at in range(0, len(data), CHUNK)]
    try:
        async with asyncio.timeout(WITHIN):
            reply = await link.call(
                "/wechaty.Puppet/Upload", chunks, _Id, shape=Cardinality.STREAM_UNARY, within=2 * WITHIN
            )
    except TimeoutError:
        # A gateway that cannot take it leaves the call open for ever: tried again it would hold up all others again.
        raise Rejected(f"the gateway did not take the file within {WITHIN:.0f} s") from None
    if not reply.id:
        raise Rejected("the gateway took the file and gave it no name")
    uploaded: str = reply.id
    return uploaded


async def fetch(link: Link, message_id: str, *, picture: bool) -> File:
    """What a message shows. Raises `TooLarge` beyond LARGEST, else the four errors."""
    if picture:
        route, request = "MessageImage", _Image(id=message_id, type=_ARTWORK)
    else:
        route, request = "MessageFile", puppet.MessageFileRequest(id=message_id)
    reply = await link.call(f"/wechaty.Puppet/{route}", request, puppet.MessageFileResponse, within=WITHIN)
    name, content = _opened(reply.filebox)
    data = content if isinstance(content, bytes) else await _download(link, content)
    if not data:
        raise Rejected("the puppet gives an empty file")
    if len(data) > LARGEST:
        raise TooLarge(len(data))
    return named(name, data, picture=picture)


def _opened(text: str) -> tuple[str, bytes | str]:
    """The name of a FileBox, and its content or the id under which the gateway has that. Raises `Rejected`."""
    try:
        box = json.loads(text)
        kind, name, size = box.get("type") or box.get("boxType"), str(box.get("name") or ""), box.get("size")
        if isinstance(size, int) and size > LARGEST:
            raise TooLarge(size)
        if kind == _BASE64:
            return name, base64.b64decode(box["base64"])
        if kind == _UUID:
            return name, str(box["uuid"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error):
        raise Rejected("the puppet gives no file") from None
    # Of an address, a stranger's perhaps, nothing is fetched.
    raise Rejected("the puppet gives the address of a file, not the file")


async def _download(link: Link, uuid: str) -> bytes:
    async def take(chunks: AsyncIterator[_Chunk]) -> bytes:
        data = bytearray()
        async for one in chunks:
            data += one.chunk
            if len(data) > LARGEST:
                raise TooLarge(len(data))
        return bytes(data)

    found: bytes = await link.call(
        "/wechaty.Puppet/Download", _Id(id=uuid), _Chunk, shape=Cardinality.UNARY_STREAM, take=take, within=WITHIN
    )
    return found
