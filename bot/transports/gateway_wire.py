"""The two messages that make nearly all of the traffic, read and written by hand: betterproto takes a third of what a
message costs. Everything else goes through wechaty's own stubs."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Setter(StrEnum):
    """The calls that change a text, by their names on the wire."""

    ANNOUNCEMENT = "RoomAnnounce"
    TOPIC = "RoomTopic"
    ALIAS = "ContactAlias"


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it. Raises ValueError, IndexError where it does not end."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while byte >= 0x80:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise ValueError("a number without an end")
    return value, at + 1


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field, in the wire's order. Raises ValueError where the bytes are none."""
    at, end = 0, len(data)
    try:
        while at < end:
            key, at = _varint(data, at)
            kind = key & 7
            if kind == BYTES:
                size, at = _varint(data, at)
                if at + size > end:
                    raise ValueError("cut off")
                yield key >> 3, data[at : at + size]
                at += size
            elif kind == VARINT:
                value, at = _varint(data, at)
                yield key >> 3, value
            elif kind in (FIXED64, FIXED32):
                at += 8 if kind == FIXED64 else 4  # nothing that is read here has such a field
            else:
                raise ValueError(f"wire type {kind}")
    except IndexError:
        raise ValueError("cut off") from None


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise ValueError("a number where text belongs")
    return value.decode("utf-8", "replace")  # half an emoji is no reason to break a link


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("text where a number belongs")
    return value


class Event:
    """EventResponse: its `type` may be one that wechaty's Python enum does not know."""

    __slots__ = ("payload", "type")

    def __init__(self) -> None:
        self.type = 0
        self.payload = ""

    @classmethod
    def FromString(cls, data: bytes) -> Event:  # noqa: N802  what grpclib calls
        event = cls()
        for number, value in fields(data):
            if number == 1:
                event.type = _number(value)
            elif number == 2:
                event.payload = _text(value)
        return event


class MessageRequest:
    """MessagePayloadRequest."""

    __slots__ = ("id",)

    def __init__(self, message_id: str) -> None:
        self.id = message_id

    def SerializeToString(self) -> bytes:  # noqa: N802
        name = self.id.encode()
        size, head = len(name), bytearray(b"\n")  # field 1, bytes
        while size >= 0x80:
            head.append(size & 0x7F | 0x80)
            size >>= 7
        head.append(size)
        return bytes(head) + name


class MessageReply:
    """MessagePayloadResponse of both generations."""

    __slots__ = ("from_id", "id", "mention_ids", "room_id", "text", "timestamp", "to_id", "type")

    _TEXTS = {1: "id", 3: "text", 6: "from_id", 7: "room_id", 8: "to_id"}  # noqa: RUF012

    def __init__(self) -> None:
        self.id = self.text = self.from_id = self.room_id = self.to_id = ""
        self.timestamp = self.type = 0
        self.mention_ids: list[str] = []

    @classmethod
    def FromString(cls, data: bytes) -> MessageReply:  # noqa: N802
        reply = cls()
        for number, value in fields(data):
            name = cls._TEXTS.get(number)
            if name is not None:
                setattr(reply, name, _text(value))
            elif number == 4:
                reply.timestamp = _number(value)
            elif number == 5:
                reply.type = _number(value)
            elif number == 9:
                reply.mention_ids.append(_text(value))
        return reply
