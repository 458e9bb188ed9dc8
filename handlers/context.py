"""What a handler is handed: the message, who spoke, one transaction, and the only ways to speak.

Handlers do no I/O but through the transaction. `Effects` is for work that no message started (timers); `Context`
adds the message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from handlers import quiet, texts
from handlers.monthly import Monthly
from handlers.texts.tasks import MATTERS
from handlers.window import Window
from handlers.workdays import Workdays
from nlp.categories import Category
from nlp.contact import mask
from nlp.decision import Analysis
from storage import accounts, audit, outbox, people, rooms
from storage.accounts import Account
from storage.engine import Tx
from storage.model import AuditEntry, Draft, Lane, Message, Person, PostKind, Role, Room, RoomKind, RoomState
from storage.points import PointAction

LEADERS = (Role.MICRO_LEADER, Role.GRID_WORKER)
MOST_ROOMS, MOST_JOINED = 200, 400  # groups of one account, unless the config says otherwise
_LANES = {PostKind.EMERGENCY: Lane.EMERGENCY} | dict.fromkeys(
    (PostKind.NOTICE, PostKind.ANNOUNCEMENT, PostKind.WISH), Lane.NOTICE
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that handlers obey, made from the config."""

    categories: Mapping[str, Category]
    names: tuple[str, ...] = ("小格",)
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    quiet_from: time = time(21, 30)
    quiet_until: time = time(7, 30)
    reply_gap: timedelta = timedelta(minutes=30)
    replies_a_day: int = 6
    ack_wait: timedelta = timedelta(seconds=15)  # an acknowledgement waits this long to be merged (at most 20 s)
    late_after: timedelta = timedelta(minutes=10)
    work_from: time = time(9, 0)
    work_until: time = time(18, 0)
    extended_until: time | None = None  # 延时服务 on working days
    weekend_hours: tuple[time, time] | None = None  # somebody is on duty then
    workdays: Workdays = field(default_factory=Workdays)
    daily_digests: tuple[time, ...] = (time(12, 0), time(18, 0))
    weekly_digests: tuple[time, ...] = (time(8, 30),)  # on Mondays
    callback_for: timedelta = timedelta(hours=72)
    reopen_for: timedelta = timedelta(days=14)
    join_for: timedelta = timedelta(minutes=10)  # same sender, same room
    urgent_join_for: timedelta = timedelta(minutes=2)  # the same in 急时
    urgent_since: datetime | None = None  # 急时 where this is done: working time runs day and night from then on
    same_trouble_for: timedelta = timedelta(hours=72)  # other reporters, same community
    # That an account, of which this is known, needs for so many lines of that lane from now on.
    broadcast_time: Callable[[int, Account | None, datetime, Lane], timedelta] = lambda lines, *_: (
        lines * timedelta(seconds=10)
    )
    notice_templates: Mapping[str, str] = field(default_factory=dict)  # by their names
    notice_files_for: timedelta = timedelta(days=7)  # after a notice has ended its picture or file is deleted
    wish_budget: int = 500  # yuan; of a wish that names more the leader is told so
    wish_claim_for: timedelta = timedelta(days=7)  # then the next one has it
    wishes_a_day: int = 2  # published in a room, of the replies a day
    signup_names_for: timedelta = timedelta(days=90)  # after an activity it is forgotten who came
    matters: tuple[str, ...] = MATTERS  # 事项准入: what may be handed to a grid
    meeting: Monthly | None = None  # 民情恳谈会
    meeting_remind: timedelta = timedelta(days=3)  # so long before it
    poll_for: timedelta = timedelta(days=7)  # until a poll closes by itself
    named_to: tuple[str, ...] = ()  # platforms above that get the name and phone of who reported first
    work_log: bool = False  # 走访 and 巡查 are written down
    points: Mapping[PointAction, int] | None = None  # what is earned by what; None: there are none
    account_dead_for: timedelta = timedelta(minutes=30)  # an account without a link for so long is dead
    account_rooms: Mapping[str, int] = field(default_factory=dict)  # in how many groups an account may answer
    account_joined: Mapping[str, int] = field(default_factory=dict)  # and how many it may be in

    def rooms_of(self, account: str) -> int:
        """In how many groups this account may answer."""
        return self.account_rooms.get(account, MOST_ROOMS)

    def joined_of(self, account: str) -> int:
        """How many groups this account may be in."""
        return self.account_joined.get(account, MOST_JOINED)


@dataclass(frozen=True, slots=True)
class Post:
    """A line for a room, as `Effects.post` takes it."""

    room: Room
    text: str
    kind: PostKind
    key: str
    mentions: tuple[str, ...] = ()
    ticket: int | None = None
    after: timedelta = timedelta(0)
    file: int | None = None


@dataclass(slots=True)
class Effects:
    """Speak, tell, audit: within one transaction, through the quiet policy."""

    tx: Tx
    now: datetime
    policy: Policy

    async def post(
        self,
        room: Room,
        text: str,
        kind: PostKind,
        *,
        key: str,
        mentions: tuple[str, ...] = (),
        ticket: int | None = None,
        after: timedelta = timedelta(0),
        file: int | None = None,
    ) -> bool:
        """Queue a line for a room, if and when the quiet policy lets it, and not before so long has passed. Posts in
        leader rooms are not public. `file`: the line is that notice's picture or file.

        Returns False when the policy dropped it or the key was there already."""
        draft = await self._draft(Post(room, text, kind, key, mentions, ticket, after, file))
        return draft is not None and await outbox.put(self.tx, draft) is not None

    async def post_all(self, posts: Iterable[Post]) -> None:
        """The same for many lines, in this order."""
        drafts = [await self._draft(post) for post in posts]
        await outbox.put_all(self.tx, [draft for draft in drafts if draft is not None])

    async def _draft(self, post: Post) -> Draft | None:
        room, kind = post.room, post.kind
        lane = _LANES.get(kind, Lane.REPLY)
        if room.kind is RoomKind.LEADER and kind is not PostKind.ANNOUNCEMENT:
            kind = PostKind.PRIVATE
        slot = await quiet.slot(self.tx, room, kind, self.now + post.after, self.policy)
        if slot is None:
            return None
        return Draft(
            key=post.key,
            account=room.account,
            conversation=room.im_id,
            text=post.text,
            kind=kind,
            lane=lane,
            not_before=slot,
            created_at=self.now,
            room_id=room.id,
            mentions=post.mentions,
            counted=kind in quiet.COUNTED,
            ticket=post.ticket,
            file=post.file,
        )

    async def direct(
        self,
        account: str,
        conversation: str,
        text: str,
        *,
        key: str,
        ticket: int | None = None,
        urgent: bool = False,
        room_id: int | None = None,
        not_before: datetime | None = None,
        file: int | None = None,
    ) -> bool:
        """Queue a line that no resident room sees, at once or not before then; False when the key was there already.
        Which account and conversation reach a person is `tell`'s to find."""
        draft = Draft(
            key=key,
            account=account,
            conversation=conversation,
            text=text,
            kind=PostKind.PRIVATE,
            lane=Lane.EMERGENCY if urgent else Lane.REPLY,
            not_before=not_before or self.now,
            created_at=self.now,
            room_id=room_id,
            ticket=ticket,
            file=file,
        )
        return await outbox.put(self.tx, draft) is not None

    async def tell(
        self,
        person: Person,
        text: str,
        *,
        key: str,
        ticket: int | None = None,
        urgent: bool = False,
        via: Room | None = None,
        by_day: bool = False,
        file: int | None = None,
    ) -> bool:
        """Reach one person: in private where an account that lives is their friend, else, through `via`, one
        content-free line a week asking them to add the bot (design/wechaty.md). `by_day`: what nobody waits for does
        not come at night. Returns whether the text itself is on its way: where only a dead account is their friend, it
        waits for that one to come back."""
        at = quiet.after_night(self.now, self.policy) if by_day else None
        friends = [alias for alias in person.aliases if alias.friend]
        dead = {account.name for account in await accounts.dead(self.tx)} if friends else set()
        for alias in sorted(friends, key=lambda one: one.account in dead):
            sent = await self.direct(
                alias.account, alias.im_id, text, key=key, ticket=ticket, urgent=urgent, not_before=at, file=file
            )
            if alias.account not in dead:
                return sent
            break
        await self.audit("unreachable", actor=None, ticket=ticket, person=person.id)
        here = next((alias for alias in person.aliases if via is not None and alias.account == via.account), None)
        if via is not None and here is not None:
            week = self.now.astimezone(self.policy.timezone).strftime("%G-W%V")
            line = texts.mention(here.nick, texts.ADD_ME_FOR_PRIVATE)
            await self.post(via, line, PostKind.ACK, key=f"addme:{person.id}:{week}", mentions=(here.im_id,))
        return False

    async def tell_leaders(
        self,
        grid: str | None,
        text: str,
        *,
        key: str,
        ticket: int | None = None,
        urgent: bool = False,
        roles: Collection[Role] = LEADERS,
    ) -> int:
        """Reach those who answer for a grid: its leader room where there is one, else each of them in private.
        Returns how many lines are on their way; with none it is audited, and `待办` shows the ticket all the same."""
        if grid is None:
            return 0
        room = await rooms.leader_room(self.tx, grid)
        if room is not None and room.state is RoomState.ENABLED:
            key = f"{key}:room{room.id}"
            sent = await self.direct(
                room.account, room.im_id, text, key=key, ticket=ticket, urgent=urgent, room_id=room.id
            )
            return int(sent)
        told = 0
        for person in await people.with_role(self.tx, roles, grid):
            told += await self.tell(person, text, key=f"{key}:{person.id}", ticket=ticket, urgent=urgent)
        return told

    async def audit(
        self,
        action: str,
        *,
        actor: int | None,
        right: str | None = None,
        ticket: int | None = None,
        before: str | None = None,
        after: str | None = None,
        by: Message | None = None,
        **detail: str | int | bool | None,
    ) -> None:
        """Append to the chain; `by` is the message that did it. Never text, never a name."""
        entry = AuditEntry(
            at=self.now,
            action=action,
            actor=actor,
            right=right,
            ticket=ticket,
            before=before,
            after=after,
            account=by.account if by is not None else None,
            message_id=by.id if by is not None else None,
            detail=detail,
        )
        await audit.append(self.tx, entry)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message whose picture or file a notice is to have."""

    notice: int
    message_id: str
    picture: bool


@dataclass(slots=True)
class Context(Effects):
    """One message at work. `tickets` are the numbers it became part of; `accept` asks the dispatcher to accept the
    friend request or room invitation that the message is, and `shown` to fetch what a notice is to have, once the
    transaction is durable."""

    message: Message
    analysis: Analysis
    judge: Callable[[str], Analysis]  # what a line means that somebody wrote among others
    room: Room | None  # None in a private chat
    actor: Person | None  # None: somebody who never did anything that is kept; `person()` makes a record
    window: Window
    tickets: tuple[int, ...] = ()
    accept: bool = False
    shown: Shown | None = None

    @property
    def late(self) -> bool:
        """Older than ten minutes on arrival: effects yes, public replies no."""
        return self.now - self.message.sent_at > self.policy.late_after

    @property
    def grid(self) -> str | None:
        """The grid of the room, or of the speaker's own first grant in a private chat."""
        if self.room is not None:
            return self.room.grid
        return self.actor.grants[0].scope if self.actor is not None and self.actor.grants else None

    @property
    def group(self) -> Room | None:
        """The residents' group in which this was said; None in private and among leaders."""
        return self.room if self.room is not None and self.room.kind is RoomKind.RESIDENT else None

    async def person(self) -> Person:
        """Who spoke, with a record of their own. A number in their nick is masked before it is kept."""
        if self.actor is None:
            message = self.message
            self.actor = await people.ensure(
                self.tx, message.account, message.sender, nick=mask(message.nick), friend=message.friend
            )
        return self.actor

    async def reply(
        self, text: str, kind: PostKind = PostKind.COMMAND_REPLY, *, key: str | None = None, ticket: int | None = None
    ) -> bool:
        """Answer the speaker where they spoke: with an @ in a room, plainly in a private chat. A late message
        gets no public reply."""
        key = key or f"reply:{self.message.account}:{self.message.id}"
        if self.room is not None:
            if self.late and self.room.kind is RoomKind.RESIDENT:
                return False
            line = texts.mention(mask(self.message.nick), text)
            return await self.post(self.room, line, kind, key=key, mentions=(self.message.sender,), ticket=ticket)
        urgent = kind is PostKind.EMERGENCY
        return await self.direct(self.message.account, self.message.sender, text, key=key, ticket=ticket, urgent=urgent)

    async def reply_privately(self, text: str, *, key: str) -> None:
        """Answer the speaker for nobody else to read; in a group it is only said where the answer is."""
        if self.room is None:
            await self.reply(text, key=key)
            return
        told = await self.tell(await self.person(), text, key=key)
        await self.reply(texts.TOLD_IN_PRIVATE if told else texts.ADD_ME_FOR_PRIVATE)

    async def audit_message(
        self,
        action: str,
        *,
        right: str | None = None,
        ticket: int | None = None,
        before: str | None = None,
        after: str | None = None,
        **detail: str | int | bool | None,
    ) -> None:
        """Append to the chain what the speaker did with this message."""
        await self.audit(
            action,
            actor=(await self.person()).id,
            right=right,
            ticket=ticket,
            before=before,
            after=after,
            by=self.message,
            **detail,
        )
