"""The seam between the bot and an IM network: one Protocol, one event, four errors.

A transport turns a wire into `Message`s and back. Foreign errors are translated here once, into the four below;
nothing above a transport knows gRPC, HTTP or WeChat's numbers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from storage.model import Message
from storage.notice_files import File


class TransportError(Exception):
    """A call to the IM network did not do what was asked."""


class Rejected(TransportError):
    """The network refused this call for good: wrong token, unknown room or message. Repeating it is useless."""


class TooLarge(Rejected):
    """A file that is larger than what is taken. Its one argument is how large it is, in bytes; of one whose size nobody
    told, how much of it had come by then."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class Throttled(TransportError):
    """The network says the account goes too fast. Nothing was sent; wait and slow down."""


class Offline(TransportError):
    """There is no link, so the call never left. It may be repeated when the link is back."""


class OutcomeUnknown(TransportError):
    """The call left but no answer came. It may have worked: never repeat it blindly."""


class EventKind(StrEnum):
    MESSAGE = "message"  # an id to fetch; `message` is set where the wire brought the payload along
    UP = "up"  # linked and logged in: `me` of the transport is known
    DOWN = "down"
    LOGOUT = "logout"  # the IM account itself was logged out


@dataclass(frozen=True, slots=True)
class Event:
    kind: EventKind
    at: datetime
    message_id: str = ""
    message: Message | None = None
    detail: str = ""


class Transport(Protocol):
    """One IM account. `events()` never ends by itself and reconnects for ever; only a cancelled task ends it."""

    account: str  # our account's name in the config

    @property
    def me(self) -> str:
        """The account's own IM id, empty until the first login."""
        ...

    @property
    def online(self) -> bool: ...

    def events(self) -> AsyncIterator[Event]:
        """Yield what happens, oldest first. Joins, leaves, topics, friend requests and invitations come as
        MESSAGE events with an id of their own and the `message` attached.

        Raises `Rejected` for a wrong token at the very first connection only."""
        ...

    async def fetch(self, message_id: str) -> Message:
        """The message behind an id. Raises `Rejected` where it does not exist (any more), `Offline` without a link."""
        ...

    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        """Send into a room or to a person; `mentions` are IM ids and the text already names them.

        Returns the message id, None where the puppet gives none. Raises any of the four errors."""
        ...

    async def send_file(self, conversation: str, file: File) -> str | None:
        """Send a picture or file as `send_text` sends words. Raises any of the four errors."""
        ...

    async def fetch_file(self, message_id: str, *, picture: bool) -> File:
        """The picture or file that a message shows. Raises `TooLarge` beyond what a notice may have, `Rejected` where
        there is none (any more), `Offline` without a link."""
        ...

    async def announce(self, room: str, text: str) -> None:
        """Make `text` the room's announcement. Never a false success: it is read back. Raises `Rejected` where the
        network did not do it (only a room's owner may), `OutcomeUnknown` where it cannot be read back, or another of
        the four errors; ValueError for an empty text, as the two below."""
        ...

    async def rename_room(self, room: str, topic: str) -> None:
        """Change the room's name. Raises as `announce` does."""
        ...

    async def rename_contact(self, contact: str, alias: str) -> None:
        """Change the name under which the account's own address book has somebody. Raises as `announce` does."""
        ...

    async def accept_friend(self, message: Message) -> None: ...

    async def accept_invite(self, message: Message) -> None: ...

    async def close(self) -> None:
        """Let go of the wire. Never logs the IM account out."""
        ...
