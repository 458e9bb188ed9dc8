"""Who says 收到 to which notice: known from the room and the hour, written down with the next flush."""

from __future__ import annotations

from datetime import datetime, timedelta

from nlp import shape
from nlp.normalize import normalise
from storage import notices
from storage.engine import Tx
from storage.model import Message, Outgoing

FOR = timedelta(hours=24)
# What a message was counted as that may say that a notice was read: 1 is an answer only where something was asked, and
# 好的谢谢 thanks.
MAY_SAY_SO = frozenset({"ack", "thanks"})

Said = tuple[int, str, str]  # notice, account, IM id


class Receipts:
    """The notices of the last day, by the room that read them, and what was said to them since the last flush."""

    def __init__(self) -> None:
        # By account and room: its latest notice, and when it came.
        self._read: dict[str, dict[str, tuple[int, datetime]]] = {}
        self._said: set[Said] = set()

    async def load(self, tx: Tx, account: str, now: datetime) -> None:
        """Read what an earlier life sent."""
        for conversation, number, at in await notices.heard_in(tx, account, now - FOR):
            self._read.setdefault(account, {})[conversation] = number, at

    def sent(self, line: Outgoing, now: datetime) -> None:
        """A line went out; where it is a notice's, what its room says from now on may be a receipt."""
        number = notices.number_of(line.key)
        if number is not None:
            self._read.setdefault(line.account, {})[line.conversation] = number, now

    def noticed(self, message: Message) -> bool:
        """Whether the room of a message has read a notice within the day before it."""
        number, at = self._latest(message)
        return number > 0 and at <= message.sent_at <= at + FOR

    def note(self, message: Message, reason: str, said: str) -> None:
        """A message is finished; 收到 to a notice of the last day counts. `said`: its words without what they quote."""
        if reason in MAY_SAY_SO and self.noticed(message) and shape.is_receipt(normalise(said)):
            self._said.add((self._latest(message)[0], message.account, message.sender))

    def _latest(self, message: Message) -> tuple[int, datetime]:
        """The number of the room's latest notice and when it came; 0 where there is none."""
        none = 0, message.sent_at
        return none if message.room is None else self._read.get(message.account, {}).get(message.room, none)

    def forget(self, account: str) -> None:
        """Another process may serve that account from now on. What was said stays, to be written down."""
        self._read.pop(account, None)

    def tidy(self, now: datetime) -> None:
        """Forget the notices of yesterday."""
        for account, read in self._read.items():
            self._read[account] = {room: (number, at) for room, (number, at) in read.items() if at >= now - FOR}

    def take(self) -> set[Said]:
        """What was said since the last time."""
        said, self._said = self._said, set()
        return said

    def put_back(self, said: set[Said]) -> None:
        """It could not be written down."""
        self._said |= said
