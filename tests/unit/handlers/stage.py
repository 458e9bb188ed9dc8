"""A stage for dialogue tests: a real store, the real classifier, people who talk, and a clock that only they move.

stage = await Stage.set(tmp_path)
await stage.say("3-2-1502 李姐", "电梯又坏了")
stage.after(minutes=1)
assert await stage.said() == ["@3-2-1502 李姐 已登记 …"]
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from handlers import routing, timers
from handlers.context import Context, Effects, Policy
from handlers.texts import ROLE_BY_LABEL
from handlers.window import Line, Window
from nlp import categories
from nlp.decision import Analysis
from nlp.pipeline import Classifier
from storage import audit, grids, outbox, people, rooms, tickets
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Grant,
    Grid,
    Message,
    MessageKind,
    Outgoing,
    Person,
    Room,
    RoomKind,
    RoomState,
    SendState,
    Ticket,
    TicketState,
)
from storage.testing import fresh_store

ACCOUNT = "a1"
GROUP = "青禾社区12微网格群"
COMMUNITY, GENERAL, MICRO = "519999001001", "519999001001003", "519999001001003012"
START = datetime(2025, 6, 12, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))  # a Thursday
SPOKEN = (MessageKind.TEXT, MessageKind.VOICE, MessageKind.QUOTE)

_classifier: Classifier | None = None


def classifier() -> Classifier:
    """Loaded once: it costs a second."""
    global _classifier
    if _classifier is None:
        _classifier = Classifier.load()
    return _classifier


class Stage:
    """One account, its rooms and people. People are known by their nick, which is their IM id too."""

    def __init__(self, store: Store, policy: Policy) -> None:
        self.store = store
        self.policy = policy
        self.now = START
        self.speaking = [ACCOUNT]  # accounts whose lines go out; another one that hears is `say(…, account="b")`
        self.thorough = False  # handle what `idle` passes by all the same: it must come to the same
        self.last: Message | None = None
        self.context: Context | None = None  # of the last message that needed a transaction
        self._windows: dict[str, Window] = {}
        self._opted_out: set[tuple[str, str]] = set()
        self._messages = 0

    @classmethod
    async def set(cls, directory: Path, **settings: Any) -> Stage:
        """An enabled resident group of a micro-grid, and nobody with a role yet."""
        stage = cls(await fresh_store(directory), Policy(categories=categories.load(), **settings))
        await stage.room(GROUP)
        return stage

    async def strike(self) -> None:
        await self.store.close()

    # --- who and where ---
    async def room(
        self, name: str, grid: str | None = MICRO, *, kind: RoomKind = RoomKind.RESIDENT, enabled: bool = True
    ) -> Room:
        """A room; its topic is its name, and its IM id too."""

        async def work(tx: Tx) -> Room:
            codes = {grid[:digits] for digits in (12, 15, 18)} if grid else set()
            await grids.put(tx, [Grid(code, f"网格{code[12:] or '社区'}") for code in sorted(codes)])
            made = await rooms.ensure(tx, ACCOUNT, name, name, at=self.now)
            state = RoomState.ENABLED if enabled else RoomState.DORMANT
            return await rooms.update(tx, made.id, kind=kind, grid=grid, state=state)

        return await self.store.write(work)

    async def cast(self, nick: str, role: str, scope: str = MICRO, *, friend: bool = True) -> Person:
        """Somebody with a role, named in Chinese, over a grid prefix."""

        async def work(tx: Tx) -> Person:
            grants = [Grant(ROLE_BY_LABEL[role], scope)]
            await people.import_person(tx, nick, grants, [Alias(ACCOUNT, nick, friend=friend, nick=nick)])
            await people.set_friend(tx, ACCOUNT, nick, friend)
            found = await people.find(tx, ACCOUNT, nick)
            assert found is not None
            return found

        return await self.store.write(work)

    # --- time ---
    def after(self, **delta: float) -> Stage:
        """Let time pass; what is due by then counts as sent with the next step."""
        self.now += timedelta(**delta)
        return self

    async def tick(self) -> None:
        """What the clock brings."""
        await self._send()
        await self.store.write(lambda tx: timers.run(Effects(tx, self.now, self.policy)))

    async def _send(self) -> None:
        async def work(tx: Tx) -> None:
            due = [line for account in self.speaking for line in await outbox.due(tx, account, self.now, 500)]
            for line in due:
                await outbox.mark_sending(tx, line.id, max(line.not_before, line.created_at))
                await outbox.mark_sent(tx, line.id, max(line.not_before, line.created_at), f"own{line.id}")

        await self.store.write(work)

    def reborn(self) -> None:
        """Another life of the program: what it only remembered is gone."""
        self._windows.clear()

    # --- what happens ---
    async def say(self, nick: str, text: str = "", *, room: str | None = GROUP, **fields: Any) -> str:
        """Somebody says something in a room (None: to the bot in private). Returns the reason it is counted under.

        Each message comes a second after the one before; `fields` are those of `Message`."""
        self.now += timedelta(seconds=1)
        self._messages += 1
        message = Message(
            **{
                "account": ACCOUNT,
                "id": f"m{self._messages}",
                "kind": MessageKind.TEXT,
                "room": room,
                "sender": nick,
                "sent_at": self.now,
                "text": text,
                "nick": nick,
                "friend": room is None,
                "topic": room or "",
                **fields,
            }
        )
        return await self.deliver(message)

    async def deliver(self, message: Message) -> str:
        """The way of bot/dispatch.py: judged without the database, else handled in one transaction."""
        self.last, self.context = message, None
        await self._send()
        analysis = self._analyse(message)
        key = message.room or message.sender
        window = self._windows.setdefault(key, Window())
        opted_out = (message.account, message.sender) in self._opted_out
        room = await self.read_room(message.room, message.account) if message.room else None
        speaker = await self.store.read(lambda tx: people.find(tx, message.account, message.sender))
        known = speaker is not None
        reason = routing.idle(message, analysis, room, window, self.policy, known=known, opted_out=opted_out)
        passed_by = reason is not None
        if reason is None:
            reason = await self._handle(message, analysis, window)
        elif self.thorough:
            assert await self._handle(message, analysis, window) == reason, message.text
        joined = self.context.tickets if self.context is not None else ()
        if message.recalls is not None:
            window.remove(message.recalls)
        elif not opted_out:
            line = Line(
                message.id, message.sender, message.nick, message.sent_at, message.kind, analysis, joined, passed_by
            )
            window.add(line, self.now)
        return reason

    async def again(self) -> str:
        """The last message arrives a second time and gets past the inbox."""
        assert self.last is not None
        return await self.deliver(self.last)

    async def recall(self, message: Message) -> str:
        """The sender takes a message back."""
        return await self.say(message.nick, room=message.room, kind=MessageKind.RECALL, recalls=message.id)

    def _judge(self, text: str) -> Analysis:
        return classifier().analyse(text, names=self.policy.names)

    def _analyse(self, message: Message) -> Analysis:
        text = message.text if message.kind in SPOKEN else ""
        return classifier().analyse(
            text, nick=message.nick, names=self.policy.names, addressed=message.room is None or message.mentions_me
        )

    async def _handle(self, message: Message, analysis: Analysis, window: Window) -> str:
        async def work(tx: Tx) -> str:
            room = await rooms.find(tx, message.account, message.room) if message.room else None
            actor = await people.find(tx, message.account, message.sender)
            self.context = Context(tx, self.now, self.policy, message, analysis, self._judge, room, actor, window)
            reason = await routing.handle(self.context)
            self._opted_out = await people.opted_out(tx)
            return reason

        return await self.store.write(work)

    # --- what came of it ---
    async def lines(self) -> list[Outgoing]:
        """Every line that was let out, in the order in which it goes: sent, or queued."""

        async def work(tx: Tx) -> list[Outgoing]:
            return [*await outbox.by_state(tx, SendState.SENT), *await outbox.by_state(tx, SendState.QUEUED)]

        return sorted(await self.store.read(work), key=lambda line: (line.not_before, line.id))

    async def said(self, room: str = GROUP) -> list[str]:
        """What the bot says in a room, with a plain space behind each mention."""
        return [line.text.replace("\u2005", " ") for line in await self.lines() if line.conversation == room]

    async def told(self, nick: str) -> list[str]:
        """What the bot tells somebody in private."""
        return await self.said(nick)

    async def tickets(self) -> list[Ticket]:
        """The tickets, by number, without the candidates."""
        return [ticket for ticket in await self._numbered() if ticket.state is not TicketState.CANDIDATE]

    async def candidates(self) -> list[Ticket]:
        return [ticket for ticket in await self._numbered() if ticket.state is TicketState.CANDIDATE]

    async def _numbered(self) -> list[Ticket]:
        found = await self.store.read(lambda tx: tickets.search(tx, states=set(TicketState)))
        return sorted(found, key=lambda ticket: ticket.number)

    async def read_room(self, name: str | None = GROUP, account: str = ACCOUNT) -> Room | None:
        return await self.store.read(lambda tx: rooms.find(tx, account, name or ""))

    async def person(self, nick: str) -> Person | None:
        return await self.store.read(lambda tx: people.find(tx, ACCOUNT, nick))

    async def audited(self, action: str) -> int:
        """How often an action is in the audit chain; the chain is whole, too."""
        verdict = await self.store.read(audit.verify)
        assert verdict.ok, verdict
        return await self.store.read(lambda tx: audit.count(tx, action))
