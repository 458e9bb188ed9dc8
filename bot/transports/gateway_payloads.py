"""Pure readings of what the gateway sends: moments, mentions, and the events around messages as `Message`s.

A join, a leave and a new topic have no message id on the wire and cannot be fetched again. They get an id that says
what happened, so that the same event twice is one message, and so that a crash between id and effect loses nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from storage.model import Message, MessageKind

LONGEST_ID = 200

FRIEND_PREFIX = "friend:"
INVITE_PREFIX = "invite:"

_AROUND = {"join": MessageKind.JOIN, "leave": MessageKind.LEAVE, "topic": MessageKind.TOPIC}
_EVERYBODY = ("@所有人", "@all", "@All")
# What ends a name after @: WeChat's U+2005, WeCom's U+00A0, a typed space, or nothing more.
_NAME_ENDS = ("\u2005", "\u00a0", " ", "\u3000", "\n", "\t")


class BadPayloadError(Exception):
    """The gateway sent something that cannot be what it says it is."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A message as it is on the wire, from a call or from a fat event."""

    id: str
    wire_type: int
    text: str
    room: str | None
    talker: str
    listener: str
    mentions: tuple[str, ...]
    timestamp: float

    @classmethod
    def from_json(cls, message_id: str, data: Mapping[str, Any]) -> Payload:
        """Read a payload in the TypeScript shape, as fat events carry it. Raises `BadPayloadError`."""
        try:
            return cls(
                id=message_id,
                wire_type=int(data.get("type") or 0),
                text=clean(data.get("text") or ""),
                room=clean(data.get("roomId") or "") or None,
                talker=clean(data.get("talkerId") or data.get("fromId") or ""),
                listener=clean(data.get("listenerId") or data.get("toId") or ""),
                mentions=tuple(clean(one) for one in data.get("mentionIdList") or ()),
                timestamp=float(data.get("timestamp") or 0),
            )
        except (OverflowError, TypeError, ValueError) as error:
            raise BadPayloadError(f"message payload: {type(error).__name__}") from error

    @classmethod
    def from_reply(cls, message_id: str, reply: Any) -> Payload:  # noqa: ANN401  a betterproto message
        return cls(
            id=message_id,
            wire_type=int(reply.type),
            text=clean(reply.text),
            room=reply.room_id or None,
            talker=reply.from_id,
            listener=reply.to_id,
            mentions=tuple(reply.mention_ids),
            timestamp=float(reply.timestamp),
        )


def clean(text: object) -> str:
    """A string that every database takes: JavaScript cuts emoji in half, PostgreSQL knows no NUL.

    Raises TypeError for what is no string."""
    if not isinstance(text, str):
        raise TypeError(f"{type(text).__name__} is no string")
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def moment(timestamp: float, now: datetime) -> datetime:
    """A time on the wire, in seconds or milliseconds by its size; `now` where there is none or it is nonsense."""
    seconds = timestamp / 1000 if timestamp > 20_000_000_000 else timestamp
    if not 1_000_000_000 < seconds < 20_000_000_000:
        return now
    return datetime.fromtimestamp(seconds, UTC)


def names_everybody(text: str, mentions: Sequence[str], members: int) -> bool:
    """Whether a mention is @所有人, which puppets deliver as a mention of every single member.

    `members` counts the room's members, 0 where that is unknown.
    """
    if any(one.endswith("@all") for one in mentions):
        return True
    named = len(set(mentions))
    if members > 3 and named >= members - 1:  # everybody but who speaks
        return True
    return named != 1 and any(word in text for word in _EVERYBODY)


def calls_by_name(text: str, names: Sequence[str]) -> bool:
    """Whether the text holds `@name` for one of the names: for puppets that give no list of mentions."""
    for name in filter(None, names):
        start = text.find(f"@{name}")
        while start >= 0:
            rest = text[start + 1 + len(name) :]
            if not rest or rest.startswith(_NAME_ENDS):
                return True
            start = text.find(f"@{name}", start + 1)
    return False


def around(account: str, kind: MessageKind, data: Mapping[str, Any], now: datetime) -> Message:
    """A room-join, room-leave or room-topic event as a message. Raises `BadPayloadError`, TypeError or OverflowError.

    JOIN and LEAVE: `people` are those concerned, `sender` the first of them. TOPIC: `topic` and `text` are the new
    name, `sender` is who gave it.
    """
    room = string(data, "roomId")
    raw_time = data.get("timestamp")
    at = moment(float(raw_time), now) if isinstance(raw_time, int | float) else now
    people: tuple[str, ...] = ()
    topic = ""
    if kind is MessageKind.TOPIC:
        people = (clean(data.get("changerId") or ""),)
        topic = clean(data.get("newTopic") or "")
    else:
        key = "inviteeIdList" if kind is MessageKind.JOIN else "removeeIdList"
        people = tuple(clean(one) for one in data.get(key) or ())
        if not people:
            raise BadPayloadError(f"{kind} of nobody")
    return Message(
        account=account,
        id=_around_id(kind, room, at, people),
        kind=kind,
        room=room,
        sender=people[0],
        sent_at=at,
        text=topic,
        topic=topic,
        people=() if kind is MessageKind.TOPIC else people,
    )


def from_id(account: str, message_id: str) -> Message | None:
    """What an id made by `around` tells of its message; None where it is not such an id, or says too little."""
    parts = message_id.split(":")
    kind = _AROUND.get(parts[0])
    if kind is None or len(parts) != 4 or parts[3].startswith("#"):
        return None
    try:
        at = datetime.fromtimestamp(int(parts[2]), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    people = tuple(unquote(one) for one in parts[3].split(","))
    return Message(
        account=account,
        id=message_id,
        kind=kind,
        room=unquote(parts[1]),
        sender=people[0],
        sent_at=at,
        people=() if kind is MessageKind.TOPIC else people,
    )


def _around_id(kind: MessageKind, room: str, at: datetime, people: Sequence[str]) -> str:
    head = f"{kind.value}:{quote(room, safe='@')}:{int(at.timestamp())}:"
    tail = ",".join(quote(one, safe="@") for one in people)
    if len(head) + len(tail) > LONGEST_ID:  # dozens at once: the id still tells two such events apart
        tail = "#" + hashlib.sha256(tail.encode()).hexdigest()[:16]
    return head + tail


def string(data: Mapping[str, Any], key: str) -> str:
    """A string that must be there. Raises `BadPayloadError`."""
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise BadPayloadError(f"no {key}")
    return clean(value)
