"""WeChat through a wechaty gateway: one account, its events in the wire's order, its messages with names and topics."""

from __future__ import annotations

import json
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bot.clock import Clock, SystemClock
from bot.transports import gateway_errors, native
from bot.transports import gateway_payloads as payloads
from bot.transports.base import Event, EventKind, Offline, TransportError
from bot.transports.gateway_errors import Sign
from bot.transports.gateway_names import Names
from bot.transports.gateway_wire import Setter
from storage.model import Message, MessageKind
from storage.notice_files import File

if TYPE_CHECKING:
    from bot.transports.gateway_link import Link, Timing, WireEvent

log = structlog.get_logger(__name__)

# Event numbers on the wire; what is not named here (heartbeat, dong, ready, post, announcements …) needs nothing done.
MESSAGE, ERROR, FRIENDSHIP, ROOM_INVITE, ROOM_JOIN, ROOM_LEAVE, ROOM_TOPIC = 2, 16, 17, 18, 19, 20, 21
SCAN, LOGIN, LOGOUT, DIRTY = 22, 25, 26, 27

_AROUND = {ROOM_JOIN: MessageKind.JOIN, ROOM_LEAVE: MessageKind.LEAVE, ROOM_TOPIC: MessageKind.TOPIC}
_FRIENDSHIP_ASKED = 2

BROUGHT = 4_000  # payloads of fat events that wait for their fetch


class WechatyTransport:
    """One IM account behind one gateway; any number of them live in a process, they share nothing."""

    def __init__(
        self,
        account: str,
        endpoint: str,
        token: str,
        *,
        tls_ca: Path | None = None,
        clock: Clock | None = None,
        timing: Timing | None = None,
    ) -> None:
        """`endpoint` is host:port; `tls_ca` a PEM file with the CA to trust, None for a link without TLS.

        Raises ValueError for a malformed endpoint and OSError where the CA cannot be read.
        """
        # 0.1 s and some megabytes, which replay, export and the tests of everything else can do without.
        from bot.transports.gateway_link import Link

        self.account = account
        self._clock: Clock = clock or SystemClock()
        self._link: Link = Link(endpoint, token, tls=_trust(tls_ca), timing=timing)
        self._me = ""
        self._online = False
        self._told_down = False
        self._names = Names(lambda: self._link.calls)
        self._brought: OrderedDict[str, payloads.Payload] = OrderedDict()

    @property
    def me(self) -> str:
        return self._me

    @property
    def online(self) -> bool:
        """Linked, logged in, and the gateway answers."""
        return self._online and self._link.answers

    # ---------------------------------------------------------------- events
    async def events(self) -> AsyncIterator[Event]:
        """See `Transport.events`. DOWN carries the moment of the last sign of life: what came after may be lost. UP
        comes without a DOWN when a gateway that had left calls unanswered is heard again.

        A JOIN or LEAVE of the account itself names it in `people` and has `mentions_me` set."""
        from bot.transports.gateway_link import Lost

        async with aclosing(self._link.listen()) as wire:
            async for heard in wire:
                if isinstance(heard, Lost):
                    self._online = False
                    if not self._told_down:
                        self._told_down = True
                        yield Event(
                            EventKind.DOWN, self._clock.now() - timedelta(seconds=heard.silent), detail=heard.reason
                        )
                    continue
                event = self._event(heard)
                if event is not None:
                    yield event
                if self._online and self._link.missed():
                    yield Event(EventKind.UP, self._clock.now(), detail="answers again")

    def _event(self, wire: WireEvent) -> Event | None:
        """What an event means, None where it means nothing to us. Nothing that a gateway sends raises here."""
        if wire.type == ERROR:
            log.warning("upstream error", action="event", account=self.account, size=len(wire.payload))
        if wire.type in (MESSAGE, ERROR, FRIENDSHIP, ROOM_INVITE, LOGIN, LOGOUT, DIRTY, *_AROUND):
            try:
                data = json.loads(wire.payload)
                if not isinstance(data, dict):
                    raise payloads.BadPayloadError("not an object")
                return self._read(wire.type, data)
            except Exception as error:  # noqa: BLE001  numbers beyond reason, nesting without end: a gateway is untrusted
                log.warning(
                    "bad event", action="event", account=self.account, type=wire.type, error=type(error).__name__
                )
        elif wire.type == SCAN:
            log.warning("the account waits for its QR code to be scanned", action="scan", account=self.account)
        return None

    def _read(self, wire_type: int, data: dict[str, Any]) -> Event | None:
        now = self._clock.now()
        if wire_type == MESSAGE:
            message_id = payloads.string(data, "messageId")
            brought = data.get("payload")
            message = self._keep(message_id, brought) if isinstance(brought, dict) else None
            return Event(EventKind.MESSAGE, now, message_id=message_id, message=message)
        if wire_type == ERROR:
            if not self._online or gateway_errors.read(str(data)) is not Sign.LOGGED_OUT:
                return None
            self._online = False
            return Event(EventKind.LOGOUT, now, detail="said by an error")
        if wire_type == FRIENDSHIP:
            return Event(
                EventKind.MESSAGE, now, message_id=payloads.FRIEND_PREFIX + payloads.string(data, "friendshipId")
            )
        if wire_type == ROOM_INVITE:
            return Event(
                EventKind.MESSAGE, now, message_id=payloads.INVITE_PREFIX + payloads.string(data, "roomInvitationId")
            )
        if wire_type in _AROUND:
            return self._around(_AROUND[wire_type], data)
        if wire_type == DIRTY:
            self._names.forget_dirty(int(data.get("payloadType") or 0), str(data.get("payloadId") or ""))
            return None
        contact = payloads.string(data, "contactId")
        if wire_type == LOGOUT:
            self._online = False
            return Event(EventKind.LOGOUT, now, detail=contact)
        known = self._online and contact == self._me
        self._me, self._online, self._told_down = contact, True, False
        return None if known else Event(EventKind.UP, now)

    def _around(self, kind: MessageKind, data: dict[str, Any]) -> Event:
        message = payloads.around(self.account, kind, data, self._clock.now())
        room = message.room or ""
        if kind is not MessageKind.TOPIC:
            topic = self._names.room_now(room).topic
            message = replace(message, topic=topic, mentions_me=self._me in message.people)
        self._names.forget_room(room, *message.people)
        return Event(EventKind.MESSAGE, self._clock.now(), message_id=message.id, message=message)

    def _keep(self, message_id: str, data: dict[str, Any]) -> Message | None:
        """A fat event's payload: a message at once where all names are known, else kept until it is fetched."""
        try:
            payload = payloads.Payload.from_json(message_id, data)
        except payloads.BadPayloadError:
            return None  # the id is good: the message is fetched like any other
        if self._me and self._names.known(payload, self._me):
            return self._assemble(payload)
        self._put_aside(payload)
        return None

    def _put_aside(self, payload: payloads.Payload) -> None:
        self._brought[payload.id] = payload
        while len(self._brought) > BROUGHT:
            self._brought.popitem(last=False)

    # ---------------------------------------------------------------- messages
    async def fetch(self, message_id: str) -> Message:
        """See `Transport.fetch`. Also reads back the ids that were made here for joins, leaves, topics, friend
        requests and invitations."""
        message = payloads.from_id(self.account, message_id)
        if message is not None:
            return await self._with_names(message)
        if message_id.startswith(payloads.FRIEND_PREFIX):
            return await self._friendship(message_id)
        if message_id.startswith(payloads.INVITE_PREFIX):
            return await self._invitation(message_id)
        if not self._me:
            raise Offline("not logged in")  # whose echo a message is cannot be told
        payload = self._brought.pop(message_id, None)
        if payload is None:
            reply = await self._link.calls.message_payload(id=message_id)
            payload = payloads.Payload.from_reply(message_id, reply)
        try:
            await self._names.learn(payload, self._me)
        except TransportError:
            self._put_aside(payload)
            raise
        return self._assemble(payload)

    async def _friendship(self, message_id: str) -> Message:
        reply = await self._link.calls.friendship_payload(id=message_id.removeprefix(payloads.FRIEND_PREFIX))
        asked = int(reply.type) == _FRIENDSHIP_ASKED
        if not asked:
            self._names.forget_contact(reply.contact_id)  # they have become, or ceased to be, a friend
        contact = await self._names.contact(reply.contact_id)
        return Message(
            account=self.account,
            id=message_id,
            kind=MessageKind.FRIEND if asked else MessageKind.SYSTEM,
            room=None,
            sender=reply.contact_id,
            sent_at=self._clock.now(),
            text=reply.hello if asked else "",
            nick=contact.name,
            friend=contact.friend,
        )

    async def _invitation(self, message_id: str) -> Message:
        reply = await self._link.calls.room_invitation_payload(id=message_id.removeprefix(payloads.INVITE_PREFIX))
        contact = await self._names.contact(reply.inviter_id)
        return Message(
            account=self.account,
            id=message_id,
            kind=MessageKind.INVITE,
            room=None,
            sender=reply.inviter_id,
            sent_at=payloads.moment(float(reply.timestamp), self._clock.now()),
            nick=contact.name,
            friend=contact.friend,
            topic=reply.topic,
        )

    async def _with_names(self, message: Message) -> Message:
        room = await self._names.room(message.room or "")
        text = room.topic if message.kind is MessageKind.TOPIC else ""
        return replace(message, topic=room.topic, text=text, mentions_me=self._me in message.people)

    def _assemble(self, payload: payloads.Payload) -> Message:
        """A message from its payload and the names that are known by now."""
        told = native.interpret(payload.wire_type, payload.text)
        room = self._names.room_now(payload.room)
        everybody = payloads.names_everybody(payload.text, payload.mentions, room.members)
        removed = told.kind is MessageKind.LEAVE  # WeChat's notice "you were removed" says it of us alone
        from_me = payload.talker == self._me and not removed
        people: tuple[str, ...] = ()
        if removed:
            people = (self._me,)
        elif from_me and payload.room is None:
            people = (payload.listener,)  # whom our own private message went to
        return Message(
            account=self.account,
            id=payload.id,
            kind=told.kind,
            room=payload.room,
            sender=self._me if removed else payload.talker,
            sent_at=payloads.moment(payload.timestamp, self._clock.now()),
            text=told.text,
            nick=self._names.nick_now(payload.room, payload.talker),
            mentions=() if everybody else payload.mentions,
            mentions_me=removed or (payload.room is not None and not everybody and self._calls_me(payload)),
            recalls=told.recalls,
            quoted_id=told.quoted_id,
            chain=told.chain,
            starter=told.starter,
            url=told.url,
            people=people,
            friend=self._names.contact_now(payload.talker).friend,
            from_me=from_me,
            topic=room.topic,
        )

    def _calls_me(self, payload: payloads.Payload) -> bool:
        if payload.mentions:
            return self._me in payload.mentions
        own_names = (self._names.contact_now(self._me).name, self._names.nick_now(payload.room, self._me))
        return payloads.calls_by_name(payload.text, own_names)

    # ---------------------------------------------------------------- doing
    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        """See `Transport.send_text`."""
        self._require_login()
        return await self._link.send_text(conversation, text, list(mentions))

    async def send_file(self, conversation: str, file: File) -> str | None:
        """See `Transport.send_file`."""
        self._require_login()
        return await self._link.send_file(conversation, file)

    async def fetch_file(self, message_id: str, *, picture: bool) -> File:
        """See `Transport.fetch_file`."""
        self._require_login()
        return await self._link.file_of(message_id, picture=picture)

    async def announce(self, room: str, text: str) -> None:
        """See `Transport.announce`."""
        await self._set(Setter.ANNOUNCEMENT, room, text)

    async def rename_room(self, room: str, topic: str) -> None:
        """See `Transport.rename_room`."""
        await self._set(Setter.TOPIC, room, topic)
        self._names.forget_room(room)

    async def rename_contact(self, contact: str, alias: str) -> None:
        """See `Transport.rename_contact`."""
        await self._set(Setter.ALIAS, contact, alias)
        self._names.forget_contact(contact)

    async def _set(self, what: Setter, of: str, text: str) -> None:
        self._require_login()
        await self._link.set(what, of, text)

    async def accept_friend(self, message: Message) -> None:
        """Become a friend of who asked. Raises any of the four errors."""
        self._require_login()
        await self._link.calls.friendship_accept(id=message.id.removeprefix(payloads.FRIEND_PREFIX))
        self._names.forget_contact(message.sender)

    async def accept_invite(self, message: Message) -> None:
        """Enter the room. Raises any of the four errors."""
        self._require_login()
        await self._link.calls.room_invitation_accept(id=message.id.removeprefix(payloads.INVITE_PREFIX))

    def _require_login(self) -> None:
        if not self.online:
            raise Offline("the account is not logged in" if self._link.answers else "no link to the gateway")

    async def close(self) -> None:
        """See `Transport.close`."""
        self._online = False
        self._link.close()


def _trust(ca: Path | None) -> ssl.SSLContext | None:
    if ca is None:
        return None
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    return context
