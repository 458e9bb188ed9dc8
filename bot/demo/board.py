"""What there is to see of the demo: the latest talk, tickets, lines of the bot, counters. In memory only."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.demo.community import Community, Group
from handlers import texts
from nlp.categories import Category
from storage.model import Message, MessageKind, Outgoing, PostKind, RoomKind, Ticket, TicketState

KEPT_LINES = 60
FILED = frozenset({"ticket", "candidate", "joined", "media", "reopened"})
# Messages without words of their own, as the view shows them.
SIGHTS = {
    MessageKind.IMAGE: "[图片]",
    MessageKind.VIDEO: "[视频]",
    MessageKind.FILE: "[文件]",
    MessageKind.EMOTICON: "[表情]",
    MessageKind.CONTACT: "[名片]",
    MessageKind.FORWARD: "[聊天记录]",
    MessageKind.LOCATION: "[位置]",
    MessageKind.RED_PACKET: "[红包]",
    MessageKind.RECALL: "撤回了一条消息",
    MessageKind.PAT: "拍了拍邻居",
    MessageKind.TODO: "设置了群待办",
    MessageKind.JOIN: "加入了群聊",
    MessageKind.LEAVE: "退出了群聊",
}
PREFIXES = {MessageKind.VOICE: "[语音] ", MessageKind.LINK: "[链接] ", MessageKind.MINI_PROGRAM: "[小程序] "}


@dataclass(frozen=True, slots=True)
class Talk:
    """The latest line of a group. `verdict` is empty until the bot has judged it."""

    at: datetime
    message_id: str
    nick: str
    text: str
    verdict: str = ""
    tickets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of the bot: `public` in a resident group, else to leaders or to a person. `place` is the group's key, or
    the nickname of whom it reached in private."""

    at: datetime
    place: str
    text: str
    kind: PostKind
    public: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A ticket appeared (`before` is None) or changed its state or its number of reporters."""

    at: datetime
    ticket: Ticket
    before: Ticket | None


@dataclass(slots=True)
class Board:
    community: Community
    categories: dict[str, Category]
    now: datetime
    talk: dict[str, Talk] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    origin: dict[int, str] = field(default_factory=dict)  # ticket → key of the group it came from
    changed: dict[int, datetime] = field(default_factory=dict)
    spoken: deque[Spoken] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    heard: Counter[str] = field(default_factory=Counter)
    replies: int = 0
    leader_lines: int = 0
    said: int = 0
    stale: bool = False  # tickets may have changed since they were last read

    def say(self, group: Group, message: Message) -> None:
        """Somebody speaks."""
        self.said += 1
        self.talk[group.key] = Talk(message.sent_at, message.id, message.nick, sight(message))

    def judge(self, message: Message, reason: str, tickets: tuple[int, ...]) -> None:
        """The bot is done with a message."""
        self.heard[reason] += 1
        self.stale |= bool(tickets) or reason not in {"chat", "ad", "ack", "chain"}
        group = self.community.heard_at(message.room or "")
        if group is None:
            return
        for number in tickets:
            self.origin.setdefault(number, group.key)
        line = self.talk.get(group.key)
        if line is not None and line.message_id == message.id:
            self.talk[group.key] = Talk(line.at, line.message_id, line.nick, line.text, reason, tickets)

    def speak(self, line: Outgoing, at: datetime) -> Spoken:
        """The bot says something."""
        group = self.community.heard_at(line.conversation)
        public = group is not None and group.kind is RoomKind.RESIDENT
        place = group.key if group is not None else self.community.nick(line.conversation)
        spoken = Spoken(at, place, line.text, line.kind, public)
        self.spoken.append(spoken)
        if public:
            self.replies += 1
        else:
            self.leader_lines += 1
        self.stale = True
        return spoken

    def update(self, tickets: Iterable[Ticket]) -> list[Step]:
        """Take in the tickets as the store has them; returns what has changed since the last time."""
        self.stale = False
        fresh = {ticket.number: ticket for ticket in tickets}
        steps = []
        for number, ticket in sorted(fresh.items()):
            before = self.tickets.get(number)
            if before is None or (before.state, before.reporters) != (ticket.state, ticket.reporters):
                steps.append(Step(self.now, ticket, before))
                self.changed[number] = self.now
        self.tickets = fresh
        return steps

    @property
    def filed(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.state is not TicketState.CANDIDATE]

    @property
    def candidates(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.state is TicketState.CANDIDATE]

    def subject(self, ticket: Ticket) -> str:
        """`电梯故障 3栋2单元`."""
        category = self.categories.get(ticket.category)
        name = category.short_name if category is not None else ticket.category
        return f"{name} {texts.where(ticket.place)}".rstrip()


def sight(message: Message) -> str:
    """A message as one line on the screen."""
    if message.kind is MessageKind.CHAIN:
        rows = message.text.splitlines()
        title = next((row for row in rows if row and not row.startswith("#")), "")
        return f"[接龙] {title}（{sum(row[:1].isdigit() for row in rows)}人）"
    words = " ".join(message.text.split())
    if message.kind is MessageKind.QUOTE:
        words = words.rpartition("- - ")[2].lstrip("- ")
    return PREFIXES.get(message.kind, "") + words or SIGHTS.get(message.kind, f"[{message.kind.value}]")
