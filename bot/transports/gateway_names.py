"""What the gateway calls rooms, people, and people in rooms: asked for once, forgotten when they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.transports.base import Rejected
from bot.transports.gateway_memo import Memo
from bot.transports.gateway_payloads import Payload

ROOMS, CONTACTS, MEMBERS = 10_000, 20_000, 40_000  # remembered
HOLDS = 6 * 3600.0  # seconds: a nickname may change without an event
UNKNOWN_HOLDS = 600.0  # seconds that "the gateway does not know this one" holds

# Payload types of a dirty event.
_CONTACT, _ROOM, _MEMBER = 2, 3, 4


@dataclass(frozen=True, slots=True)
class RoomName:
    topic: str = ""
    members: int = 0  # 0: not known


@dataclass(frozen=True, slots=True)
class Contact:
    name: str = ""
    friend: bool = False


class Names:
    """The names of one account's world. Its calls raise `Offline`; what the gateway refuses to tell stays blank."""

    def __init__(self, calls: Callable[[], Any]) -> None:
        """`calls` gives the link's wechaty stub."""
        self._calls = calls
        self._rooms: Memo[str, RoomName] = Memo(ROOMS, HOLDS, time.monotonic)
        self._contacts: Memo[str, Contact] = Memo(CONTACTS, HOLDS, time.monotonic)
        self._nicks: Memo[tuple[str, str], str] = Memo(MEMBERS, HOLDS, time.monotonic)

    # ---------------------------------------------------------------- what a message needs
    def known(self, payload: Payload, me: str) -> bool:
        """Whether all names that the message needs are here."""
        rooms, contacts, members = _needed(payload, me)
        return (
            all(self._rooms.peek(one) is not None for one in rooms)
            and all(self._contacts.peek(one) is not None for one in contacts)
            and all(self._nicks.peek(one) is not None for one in members)
        )

    async def learn(self, payload: Payload, me: str) -> None:
        """Ask for all names that the message needs, at once. Raises `Offline`."""
        if self.known(payload, me):
            return
        rooms, contacts, members = _needed(payload, me)
        asked = [
            *(self.room(one) for one in rooms),
            *(self.contact(one) for one in contacts),
            *(self.nick(room, one) for room, one in members),
        ]
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer

    # ---------------------------------------------------------------- what is known now
    def room_now(self, room: str | None) -> RoomName:
        return (self._rooms.peek(room) if room is not None else None) or RoomName()

    def contact_now(self, contact: str) -> Contact:
        return self._contacts.peek(contact) or Contact()

    def nick_now(self, room: str | None, member: str) -> str:
        """The name somebody goes by in a room, else their own."""
        nick = self._nicks.peek((room, member)) if room is not None else None
        return nick or self.contact_now(member).name

    # ---------------------------------------------------------------- asking
    async def room(self, room: str) -> RoomName:
        async def ask() -> tuple[RoomName, float | None]:
            try:
                reply = await self._calls().room_payload(id=room)
            except Rejected:
                return RoomName(), UNKNOWN_HOLDS
            return RoomName(reply.topic, len(reply.member_ids)), None

        return await self._rooms.get(room, ask)

    async def contact(self, contact: str) -> Contact:
        async def ask() -> tuple[Contact, float | None]:
            try:
                reply = await self._calls().contact_payload(id=contact)
            except Rejected:
                return Contact(), UNKNOWN_HOLDS
            return Contact(reply.name, reply.friend), None

        return await self._contacts.get(contact, ask)

    async def nick(self, room: str, member: str) -> str:
        """The alias somebody has given themselves in a room, empty where there is none."""

        async def ask() -> tuple[str, float | None]:
            try:
                reply = await self._calls().room_member_payload(id=room, member_id=member)
            except Rejected:
                return "", UNKNOWN_HOLDS
            return reply.room_alias, None

        return await self._nicks.get((room, member), ask)

    # ---------------------------------------------------------------- forgetting
    def forget_room(self, room: str, *members: str) -> None:
        """A room has changed, and with it the standing of these members."""
        self._rooms.drop(room)
        for member in members:
            self._nicks.drop((room, member))

    def forget_contact(self, contact: str) -> None:
        self._contacts.drop(contact)

    def forget_dirty(self, payload_type: int, payload_id: str) -> None:
        """A dirty event: what the gateway itself has forgotten."""
        if payload_type == _CONTACT:
            self._contacts.drop(payload_id)
        elif payload_type == _ROOM:
            self._rooms.drop(payload_id)
        elif payload_type == _MEMBER:
            self._nicks.drop_where(lambda key: key[0] == payload_id)


def _needed(payload: Payload, me: str) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Rooms, contacts and members."""
    rooms = [payload.room] if payload.room else []
    contacts = [payload.talker] if payload.talker and payload.talker != me else []
    if payload.room and not payload.mentions and "@" in payload.text:
        contacts.append(me)  # a puppet without a list of mentions: only our own names tell
    return rooms, contacts, [(payload.room, one) for one in contacts] if payload.room else []
