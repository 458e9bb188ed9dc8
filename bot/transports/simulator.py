"""A simulated IM account: many rooms and people, scripted or typed, real or virtual time, faults on demand.

It is a product, not a stub: `demo` and `replay` run on it, and the tests drive the whole program through it. It
keeps to the same Protocol as WeChat: an event carries an id, the message is fetched, a send may fail in four ways.
"""

from __future__ import annotations

import asyncio
import dataclasses
import heapq
import random
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot import files
from bot.clock import Clock
from bot.transports.base import Event, EventKind, Offline, OutcomeUnknown, Rejected, Throttled, TooLarge
from handlers.texts import notices as texts
from storage.model import Message, MessageKind
from storage.notice_files import LARGEST, File

KEPT = 20_000  # messages that can still be fetched


@dataclass(slots=True)
class Faults:
    """What goes wrong, as shares of 1 or as a number of calls to come. All draws are seeded."""

    delay: tuple[float, float] = (0.0, 0.0)  # seconds an event is late, uniformly; crossing delays reorder
    duplicate: float = 0.0
    unfetchable: float = 0.0
    throttle_sends: int = 0
    fail_sends: int = 0  # rejected
    lose_answers: int = 0  # the message goes out, the answer does not come back
    slow_send: float = 0.0  # seconds a send takes (of the machine's clock)


@dataclass(frozen=True, slots=True)
class Sent:
    """A line that went out."""

    id: str
    conversation: str
    text: str
    mentions: tuple[str, ...]
    at: datetime
    file: File | None = None  # then `text` says what it is called


@dataclass(slots=True)
class Simulator:
    account: str
    clock: Clock
    me: str = "bot"
    strangers: set[str] = field(default_factory=set)  # people whom no private message reaches
    faults: Faults = field(default_factory=Faults)
    attach: bool = True  # events bring the message along ("fat events")
    echo: bool = False  # our own messages come back as events
    keep: int = KEPT
    seed: int = 1
    sent: list[Sent] = field(default_factory=list)
    accepted: list[Message] = field(default_factory=list)
    settings: dict[tuple[str, str], str] = field(default_factory=dict)  # (announcement | topic | alias, id) → text
    files: dict[str, File] = field(default_factory=dict)  # by the id of the message that shows it
    not_owner: set[str] = field(default_factory=set)  # rooms where the account may not announce anything
    online: bool = True
    _messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    _due: list[tuple[datetime, int, Event]] = field(default_factory=list)
    _order: int = 0
    _closed: bool = False
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._push(Event(EventKind.UP, self.clock.now()), timedelta())

    # ---------------------------------------------------------------- the people's side
    def say(self, message: Message) -> None:
        """Somebody says something: the event comes now, or as the faults have it. While the link is down it is lost,
        as on a real gateway."""
        message = dataclasses.replace(message, account=self.account, friend=message.sender not in self.strangers)
        self._messages[message.id] = message
        while len(self._messages) > self.keep:
            self._messages.popitem(last=False)
        if not self.online:
            return
        event = Event(
            EventKind.MESSAGE, self.clock.now(), message_id=message.id, message=message if self.attach else None
        )
        self._push(event, timedelta(seconds=self._random.uniform(*self.faults.delay)))
        if self._random.random() < self.faults.duplicate:
            self._push(event, timedelta(seconds=self._random.uniform(*self.faults.delay)))

    def drop_link(self) -> None:
        """The wire breaks."""
        if self.online:
            self.online = False
            self._push(Event(EventKind.DOWN, self.clock.now(), detail="simulated"), timedelta())

    def log_out(self) -> None:
        """The network throws the account out."""
        if self.online:
            self.online = False
            self._push(Event(EventKind.LOGOUT, self.clock.now()), timedelta())

    def restore_link(self) -> None:
        if not self.online:
            self.online = True
            self._push(Event(EventKind.UP, self.clock.now()), timedelta())

    def _push(self, event: Event, late: timedelta) -> None:
        self._order += 1
        heapq.heappush(self._due, (self.clock.now() + late, self._order, event))
        self._wake.set()

    # ---------------------------------------------------------------- the program's side
    def take(self) -> list[Event]:
        """Every event whose time has come, in order: what virtual time uses in place of `events()`."""
        events = []
        now = self.clock.now()
        while self._due and self._due[0][0] <= now:
            events.append(heapq.heappop(self._due)[2])
        return events

    def next_at(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    async def events(self) -> AsyncIterator[Event]:
        if self._closed:  # another program takes over the wire
            self._closed = False
            self.restore_link()
        while True:
            for event in self.take():
                yield event
            await self.clock.wait(self._wake, self.next_at())

    async def fetch(self, message_id: str) -> Message:
        if not self.online:
            raise Offline("the simulated link is down")
        message = self._messages.get(message_id)
        if message is None or self._random.random() < self.faults.unfetchable:
            raise Rejected(f"no message {message_id}")
        return message

    async def send_text(self, conversation: str, text: str, mentions: Sequence[str] = ()) -> str | None:
        return await self._send(conversation, text, tuple(mentions))

    async def send_file(self, conversation: str, file: File) -> str | None:
        return await self._send(conversation, texts.file_label(file.name, picture=file.is_picture), (), file)

    async def _send(self, conversation: str, text: str, mentions: tuple[str, ...], file: File | None = None) -> str:
        if self.faults.slow_send:
            await asyncio.sleep(self.faults.slow_send)
        if not self.online:
            raise Offline("the simulated link is down")
        faults = self.faults
        if faults.throttle_sends:
            faults.throttle_sends -= 1
            raise Throttled("simulated: too fast")
        if faults.fail_sends:
            faults.fail_sends -= 1
            raise Rejected("simulated: rejected")
        now = self.clock.now()
        sent = Sent(f"out{len(self.sent) + 1}", conversation, text, mentions, now, file)
        self.sent.append(sent)
        if self.echo:
            self._echo(sent)
        if faults.lose_answers:
            faults.lose_answers -= 1
            raise OutcomeUnknown("simulated: no answer")
        return sent.id

    def _echo(self, sent: Sent) -> None:
        self.say(
            Message(
                account=self.account,
                id=sent.id,
                kind=_kind(sent.file),
                room=sent.conversation,
                sender=self.me,
                sent_at=sent.at,
                text=sent.text if sent.file is None else "",
                from_me=True,
            )
        )

    async def fetch_file(self, message_id: str, *, picture: bool) -> File:
        """Of a message that only says that it shows something: as much as that."""
        message = await self.fetch(message_id)
        file = self.files.get(message_id)
        if file is None and message.kind not in (MessageKind.IMAGE, MessageKind.FILE, MessageKind.VIDEO):
            raise Rejected(f"no file in message {message_id}")
        file = file or files.named(message.text, message_id.encode(), picture=picture)
        if len(file.data) > LARGEST:
            raise TooLarge(len(file.data))
        return file

    async def announce(self, room: str, text: str) -> None:
        if room in self.not_owner:
            raise Rejected("simulated: not the room's owner")
        self._set("announcement", room, text)
        now = self.clock.now()
        self.sent.append(Sent(f"out{len(self.sent) + 1}", room, texts.announcement_label(text), (), now))

    async def rename_room(self, room: str, topic: str) -> None:
        self._set("topic", room, topic)

    async def rename_contact(self, contact: str, alias: str) -> None:
        self._set("alias", contact, alias)

    def _set(self, what: str, of: str, text: str) -> None:
        if not self.online:
            raise Offline("the simulated link is down")
        if not text:
            raise ValueError("an empty text")
        self.settings[what, of] = text

    async def accept_friend(self, message: Message) -> None:
        self.accepted.append(message)
        self.strangers.discard(message.sender)

    async def accept_invite(self, message: Message) -> None:
        self.accepted.append(message)

    async def close(self) -> None:
        self._closed = True
        self.online = False


def _kind(file: File | None) -> MessageKind:
    if file is None:
        return MessageKind.TEXT
    return MessageKind.IMAGE if file.is_picture else MessageKind.FILE
