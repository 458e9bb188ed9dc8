"""The vocabulary that every room of the house shares: enums, ids and frozen records. No SQL, no I/O.

All datetimes are aware. A grid code is a string of digits: 12 for the community (区划), 15 for a general grid
(一般网格), 18 for a micro-grid (微网格); a scope is any prefix of such a code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

COMMUNITY_DIGITS = 12
GENERAL_GRID_DIGITS = 15


class MessageKind(StrEnum):
    """What a wire message is, told apart once by the transport."""

    TEXT = "text"
    VOICE = "voice"  # transcribed: `text` holds the words, empty when the puppet gives none
    IMAGE = "image"
    VIDEO = "video"
    FILE = "file"
    EMOTICON = "emoticon"
    CONTACT = "contact"
    FORWARD = "forward"  # 聊天记录, merged and forwarded
    LOCATION = "location"
    MINI_PROGRAM = "mini-program"
    CHAIN = "chain"  # native 接龙
    TRANSFER = "transfer"
    RED_PACKET = "redpacket"
    LINK = "link"
    POST = "post"
    QUOTE = "quote"
    RECALL = "recall"
    PAT = "pat"  # 拍一拍
    TODO = "todo"  # 群待办
    JOIN = "join"
    LEAVE = "leave"
    TOPIC = "topic"
    FRIEND = "friend"  # somebody asks to add the account
    INVITE = "invite"  # somebody invites the account into a room
    THROTTLED = "throttled"  # WeChat says the account sends too fast
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One row of a native 接龙: author's IM id, time, and its place in the text in UTF-16 units."""

    author: str
    at: datetime | None
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a transport delivers it. It lives in memory only; `text` is what was said, not yet masked."""

    account: str  # name of our account in the config
    id: str
    kind: MessageKind
    room: str | None  # IM room id; None in a private chat
    sender: str  # IM id of who spoke, joined, left, asked or invited
    sent_at: datetime
    text: str = ""
    nick: str = ""  # group nickname, else the contact's name
    mentions: tuple[str, ...] = ()  # IM ids; empty for @所有人
    mentions_me: bool = False
    recalls: str | None = None  # RECALL: id of the message taken back
    quoted_id: str | None = None
    chain: tuple[ChainRow, ...] = ()
    starter: str | None = None  # CHAIN: IM id of who started it, where WeChat tells
    url: str = ""
    people: tuple[str, ...] = ()  # JOIN, LEAVE: IM ids
    friend: bool = False  # the sender has added the account, so a private message reaches them
    from_me: bool = False  # the echo of our own message
    topic: str = ""  # the room's name, where the transport knows it


class Role(StrEnum):
    RESIDENT = "resident"  # 居民
    BUILDING_LEADER = "building_leader"  # 楼栋长
    MICRO_LEADER = "micro_leader"  # 微网格长
    GRID_WORKER = "grid_worker"  # 网格员
    COMMUNITY = "community"  # 社区工作人员
    PROPERTY = "property"  # 物业
    POLICE = "police"  # 民警
    ENFORCEMENT = "enforcement"  # 执法
    STREET = "street"  # 街道
    DEPARTMENT = "department"  # 部门
    PARTY_MEMBER = "party_member"  # 党员
    VOLUNTEER = "volunteer"  # 志愿者
    MOBILE_WORKER = "mobile_worker"  # 流动网格员


class Origin(StrEnum):
    """Where a row of the registry comes from."""

    CONFIG = "config"  # `[[grids]] [[people]] [[rooms]]`
    IMPORT = "import"  # `xiaoge import`


class DutyKind(StrEnum):
    """What somebody is on duty for."""

    EMERGENCY = "emergency"  # 应急
    MODE = "mode"  # 急时, after `转急`
    CALL = "call"  # 网格呼叫


class RoomKind(StrEnum):
    RESIDENT = "resident"
    LEADER = "leader"


class RoomState(StrEnum):
    DORMANT = "dormant"  # never enabled, or 停用
    ENABLED = "enabled"
    GONE = "gone"  # the account was removed from it


class Urgency(StrEnum):
    EMERGENCY = "emergency"  # 应急
    ROUTINE = "routine"  # 常规
    ENFORCEMENT = "enforcement"  # 执法


class Nature(StrEnum):
    INQUIRY = "inquiry"  # 咨询
    HELP = "help"  # 求助
    COMPLAINT = "complaint"  # 投诉
    REPORT = "report"  # 举报
    SUGGESTION = "suggestion"  # 建议
    PRAISE = "praise"  # 表扬


class Level(StrEnum):
    GRID = "grid"
    COMMUNITY = "community"
    STREET = "street"
    DEPARTMENT = "department"


class TicketState(StrEnum):
    CANDIDATE = "candidate"  # 候选
    FILED = "filed"  # 受理
    ASSIGNED = "assigned"  # 已派
    ACCEPTED = "accepted"  # 已接
    IN_PROGRESS = "in_progress"  # 处置中
    HANDLED = "handled"  # 已处置: a state passed through on the way to CALLBACK
    CALLBACK = "callback"  # 待回访
    CLOSED = "closed"  # 结案
    REFUSED = "refused"  # 不予受理
    WITHDRAWN = "withdrawn"  # 已撤回
    MERGED = "merged"  # 并案


OPEN_STATES = frozenset(
    {
        TicketState.FILED,
        TicketState.ASSIGNED,
        TicketState.ACCEPTED,
        TicketState.IN_PROGRESS,
        TicketState.HANDLED,
        TicketState.CALLBACK,
    }
)


class ClockKind(StrEnum):
    """What has a time limit."""

    ACK = "ack"  # a person has answered
    TAKE = "take"  # somebody it was assigned to has accepted it
    AGREED = "agreed"  # it is finished within what whoever assigned it has set, which is less than its category allows
    FEEDBACK = "feedback"  # there is a first result
    VERIFY = "verify"  # it was verified on the spot
    CLOSE = "close"  # it is finished


class CallbackOutcome(StrEnum):
    SOLVED = "solved"
    UNSOLVED = "unsolved"
    UNREACHED = "unreached"  # 未回访: never counted as satisfied


class Listing(StrEnum):
    """The three lists (三张清单)."""

    DEMAND = "demand"  # 需求清单
    RESOURCE = "resource"  # 资源清单
    PROJECT = "project"  # 项目清单


@dataclass(frozen=True, slots=True)
class Grid:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A role within a grid prefix. Rights are role × prefix."""

    role: Role
    scope: str
    derived: bool = False  # nobody wrote it down: it follows from a grid that was split, merged or renumbered


@dataclass(frozen=True, slots=True)
class Alias:
    """How one of our accounts knows a person."""

    account: str
    im_id: str
    friend: bool = False
    nick: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    name: str
    grants: tuple[Grant, ...] = ()
    aliases: tuple[Alias, ...] = ()
    opted_out_at: datetime | None = None

    @property
    def roles(self) -> frozenset[Role]:
        """The person's roles, 居民 always among them."""
        return frozenset({Role.RESIDENT, *(grant.role for grant in self.grants)})

    @property
    def nick(self) -> str:
        """What they call themselves in a group; empty where nothing is known."""
        return next((alias.nick for alias in self.aliases if alias.nick), "")

    def covers(self, grid: str | None, *roles: Role) -> bool:
        """Whether one of `roles` (any role when none is named) is held over `grid`, a code of 12 to 18 digits."""
        return grid is not None and any(
            grid.startswith(grant.scope) for grant in self.grants if not roles or grant.role in roles
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """Who usually deals with a category in a grid: all who hold `role` there, of `org` where one is named, or one
    person of them."""

    category: str  # or the beginning of one; "" for all
    scope: str  # a grid prefix; "" for everywhere
    role: Role
    org: str | None = None
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """One turn of somebody on duty, from `start_at` to before `end_at`."""

    person_id: int
    kind: DutyKind
    scope: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Room:
    id: int
    account: str
    im_id: str
    topic: str
    kind: RoomKind
    state: RoomState
    grid: str | None = None
    silent_until: datetime | None = None
    noticed_at: datetime | None = None  # when the privacy notice was posted
    taken_at: datetime | None = None  # until when another account of ours heard what was said, and answered


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trouble is: numbers as text without their unit (`3`, `A12`, `-1`)."""

    building: str | None = None
    unit: str | None = None
    floor: str | None = None
    room: str | None = None
    place: str | None = None
    located_by: str | None = None  # text | nick | asked

    def __bool__(self) -> bool:
        return any((self.building, self.unit, self.floor, self.room, self.place))


@dataclass(frozen=True, slots=True)
class NewTicket:
    state: TicketState  # FILED or CANDIDATE
    category: str
    urgency: Urgency
    nature: Nature
    level: Level
    grid: str | None
    room_id: int | None
    place: Place
    confidential: bool
    reported_at: datetime  # the message's time
    filed_at: datetime
    ack_due: datetime | None
    due: datetime | None
    score: float = 0.0
    rules: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()  # matched lexicon terms, never the sentence
    lexicon: str = ""  # hash of the lexicon that decided
    clock_from: datetime | None = None
    listed: Listing | None = None
    proactive: bool = False  # 未诉先办


@dataclass(frozen=True, slots=True)
class Ticket:
    number: int
    state: TicketState
    category: str
    urgency: Urgency
    nature: Nature
    level: Level
    grid: str | None
    room_id: int | None
    place: Place
    confidential: bool
    reported_at: datetime
    filed_at: datetime
    version: int = 1
    reporters: int = 1
    reopened: int = 0
    merged_into: int | None = None
    flagged: bool = False  # 督办
    owner_role: Role | None = None
    owner_id: int | None = None
    ack_due: datetime | None = None
    due: datetime | None = None
    assigned_at: datetime | None = None
    accepted_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    estimate: str | None = None  # 处置中: when the owner expects to be done
    result: str | None = None
    outcome: CallbackOutcome | None = None
    rating: int | None = None  # 1..5
    remark: str | None = None
    score: float = 0.0
    rules: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    lexicon: str = ""
    first_role: Role | None = None  # 首接负责: who answers for it until another accepts
    first_id: int | None = None
    acknowledged_at: datetime | None = None  # a person acted on it first; None again after a reopening
    clock_from: datetime | None = None  # from when its limits count; None: from `reported_at`
    listed: Listing | None = None
    proactive: bool = False  # 未诉先办: nobody reported it
    founded: bool | None = None  # 诉求属实
    out_of_remit: bool | None = None  # 超职责
    contacted: bool | None = None  # 已联系群众
    solved: bool | None = None  # 是否解决, as its handler says
    unsolved_reason: str | None = None  # 未解决原因
    public_answer: str | None = None  # 公开答复

    @property
    def id(self) -> str:
        """The id people type: `S12`."""
        return f"S{self.number}"

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class TicketClock:
    """A time limit of a ticket as due work. `round` is the number of reopenings it belongs to; `stage` what has been
    said of it: 0 nothing, 1 and 2 that half and four fifths are over, 3 that it has expired; `next_at` when the next
    stage comes, None while it stands still or after the last."""

    ticket: int
    kind: ClockKind
    round: int
    started_at: datetime
    due_at: datetime
    stage: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mode:
    """急时 over a grid prefix, from its start until it is ended or expires."""

    id: int
    scope: str
    reason: str
    started_at: datetime
    expires_at: datetime
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class TicketMessage:
    """One message that made a ticket. `text` is masked, empty for a photo or for what says nothing by itself."""

    ticket: int
    account: str
    message_id: str
    room_id: int | None
    person_id: int
    kind: MessageKind
    sent_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Reporter:
    ticket: int
    person_id: int
    room_id: int | None
    joined_at: datetime
    nick: str = ""
    contact: str | None = None  # unsealed on reading, for those who may see it
    from_ticket: int | None = None  # the ticket that was merged into this one and brought them along


@dataclass(frozen=True, slots=True)
class Note:
    """Why somebody did something to a ticket, masked. `person_id` is None for the bot's own clock."""

    ticket: int
    at: datetime
    person_id: int | None
    action: str
    text: str
    level: Level | None = None  # the one it was raised to


@dataclass(frozen=True, slots=True)
class Merge:
    """A ticket within another: the state it had, and the grid that the other one had."""

    ticket: int
    target: int
    state: TicketState
    grid: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """交办: something that each grid of a scope is asked to do."""

    number: int
    scope: str
    matter: str
    text: str
    person_id: int
    at: datetime
    due: datetime | None = None

    @property
    def id(self) -> str:
        """The id people type: `J3`."""
        return f"J{self.number}"


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """An approved answer, for the grids within `scope`."""

    number: int
    scope: str
    question: str
    answer: str
    source: str
    person_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """网格呼叫: members were called to a ticket; the first who answers goes."""

    ticket: int
    at: datetime
    called: int
    accepted_by: int | None = None
    accepted_at: datetime | None = None


class Lane(StrEnum):
    """Sending order of an account: smaller rank first."""

    EMERGENCY = "emergency"
    REPLY = "reply"
    NOTICE = "notice"


class PostKind(StrEnum):
    """What a public or private line is to the quiet policy (design/commands.md)."""

    COMMAND_REPLY = "command_reply"
    ACK = "ack"
    CALLBACK = "callback"
    TALLY = "tally"
    WISH = "wish"  # a micro-wish that a leader lets be read
    NOTICE = "notice"
    ANNOUNCEMENT = "announcement"  # a notice as the announcement of the group
    EMERGENCY = "emergency"
    PRIVATE = "private"  # to a person, or into a leader room: never counted


class SendState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"  # may have gone out: never repeated blindly
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Draft:
    """A line to be sent. `key` is natural (`ack:S12`, `told:S12:7`): the same key twice inserts nothing."""

    key: str
    account: str
    conversation: str  # IM id of a room or, in private, of a person
    text: str
    kind: PostKind
    lane: Lane
    not_before: datetime
    created_at: datetime
    room_id: int | None = None
    mentions: tuple[str, ...] = ()
    counted: bool = False  # takes a place in the room's quota of unsolicited replies
    ticket: int | None = None  # blanked with it
    file: int | None = None  # the notice whose picture or file the line is; `text` says what it is called


@dataclass(frozen=True, slots=True)
class Outgoing:
    id: int
    key: str
    account: str
    conversation: str
    text: str
    kind: PostKind
    lane: Lane
    state: SendState
    not_before: datetime
    created_at: datetime
    attempts: int = 0
    room_id: int | None = None
    mentions: tuple[str, ...] = ()
    counted: bool = False
    ticket: int | None = None
    sending_at: datetime | None = None
    sent_at: datetime | None = None
    message_id: str | None = None
    error: str | None = None
    file: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message id that a gateway announced."""

    account: str
    message_id: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit chain. No text, no names: actors are internal person ids (design/tickets.md, Audit)."""

    at: datetime
    action: str
    actor: int | None = None  # person id; None for the bot's own clock
    right: str | None = None  # role × scope that allowed it
    ticket: int | None = None
    before: str | None = None
    after: str | None = None
    account: str | None = None
    message_id: str | None = None
    detail: dict[str, str | int | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dialog:
    """An open question to a person: dialogs are rows, never coroutines."""

    person_id: int
    step: str  # callback | locate
    ticket: int
    room_id: int | None
    asked_at: datetime
    expires_at: datetime
