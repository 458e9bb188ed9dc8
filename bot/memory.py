"""What the program knows without asking the database: rooms, who is on record, who opted out, and each conversation's
last minutes. All of it can be had again from the store and the wire; nothing here outlives the process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from handlers.window import Line, Window
from nlp.decision import Analysis
from storage import people, registry, rooms
from storage.engine import Tx
from storage.model import Message, Room

Conversation = tuple[str, str]  # account, and the room's or the person's IM id
Speaker = tuple[str, str]  # account, IM id


def conversation(message: Message) -> Conversation:
    return message.account, message.room or message.sender


def speaker(message: Message) -> Speaker:
    return message.account, message.sender


@dataclass(slots=True)
class Memory:
    rooms: dict[Conversation, Room] = field(default_factory=dict)
    people: set[Speaker] = field(default_factory=set)  # everybody of whom there is a record
    opted_out: set[Speaker] = field(default_factory=set)
    windows: OrderedDict[Conversation, Window] = field(default_factory=OrderedDict)  # the stillest first
    registry: int = 0  # its version when it was read
    opt_outs: int = 0  # how many there had been then
    left: set[str] = field(default_factory=set)  # accounts that are not served any more and still to be forgotten

    async def load(self, tx: Tx, accounts: Collection[str]) -> None:
        """Read what the store knows of the rooms and people of these accounts, and only that. The windows are refilled
        from the wire."""
        self.registry = await registry.version(tx)
        await self.load_opt_outs(tx, accounts)
        self.rooms = {(room.account, room.im_id): room for room in await rooms.every(tx, accounts)}
        self.people = await people.known(tx, accounts)

    async def load_opt_outs(self, tx: Tx, accounts: Collection[str]) -> None:
        """Read who of them opted out."""
        self.opt_outs = await registry.opt_outs(tx)
        self.opted_out = await people.opted_out(tx, accounts)

    async def enter(self, tx: Tx, account: str) -> None:
        """The same for one account more."""
        if account in self.left:
            self._forget_left()
        self.rooms |= {(room.account, room.im_id): room for room in await rooms.every(tx, [account])}
        self.people |= await people.known(tx, [account])
        self.opted_out |= await people.opted_out(tx, [account])

    def forget(self, account: str) -> None:
        """Another process may serve that account from now on: what is known of it is of no use here, and goes with the
        next `tidy`. That costs as much for one account as for all, so who leaves hundreds at once pays it once."""
        self.left.add(account)

    def _forget_left(self) -> None:
        left, self.left = self.left, set()
        self.rooms = {key: room for key, room in self.rooms.items() if key[0] not in left}
        self.people = {key for key in self.people if key[0] not in left}
        self.opted_out = {key for key in self.opted_out if key[0] not in left}
        for key in [key for key in self.windows if key[0] in left]:
            del self.windows[key]

    def room(self, message: Message) -> Room | None:
        return self.rooms.get((message.account, message.room)) if message.room is not None else None

    def window(self, message: Message) -> Window:
        """The last minutes of the message's conversation; an empty window is not kept."""
        return self.windows.get(conversation(message)) or Window()

    def remember(
        self, message: Message, analysis: Analysis, tickets: tuple[int, ...], now: datetime, *, passed_by: bool = False
    ) -> None:
        """Add a line to the conversation's window."""
        key = conversation(message)
        window = self.windows.setdefault(key, Window())
        self.windows.move_to_end(key)
        line = Line(
            message.id, message.sender, message.nick, message.sent_at, message.kind, analysis, tickets, passed_by
        )
        window.add(line, now)

    def tidy(self, now: datetime) -> None:
        """Forget accounts that have left, and windows that have gone still, so that memory does not grow with the
        number of rooms."""
        if self.left:
            self._forget_left()
        while self.windows:
            key, window = next(iter(self.windows.items()))
            window.forget(now)
            if window.lines:
                break
            del self.windows[key]
