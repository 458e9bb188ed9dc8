"""The tables of the configuration file as typed Structs: their keys, defaults and limits."""

from __future__ import annotations

import os
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from handlers import monthly
from handlers.texts import ROLE_BY_LABEL
from storage.model import Grant, Role, RoomKind

SQLITE = "sqlite+aiosqlite:///"
POSTGRESQL = "postgresql+asyncpg://"

Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description='a time of day like "21:30"')]
Code = Annotated[str, Meta(pattern=r"^([0-9]{12}|[0-9]{15}|[0-9]{18})$", description="12, 15 or 18 digits in quotes")]
Scope = Annotated[str, Meta(pattern=r"^[0-9]{2,18}$", description="the first 2 to 18 digits of a grid code, in quotes")]
CategoryPrefix = Annotated[
    str, Meta(pattern=r"^[0-9]{1,4}$", description="the 1 to 4 first digits of a category's code, in quotes")
]
Name = Annotated[str, Meta(min_length=1, max_length=60, description="text of 1..60 characters in quotes")]
AccountName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$", description="1..32 letters, digits, - or _ in quotes")
]
Source = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="1..64 letters, digits, . - or _ in quotes")
]
Endpoint = Annotated[
    str, Meta(pattern=r"^[^\s:/]+:[0-9]{1,5}$", description='host:port in quotes, like "127.0.0.1:8788"')
]
Worth = Annotated[int, Meta(ge=0, le=1000)]
Seconds = Annotated[float, Meta(ge=0, le=600)]
MeetingDay = Annotated[
    str, Meta(pattern=monthly.PATTERN, description='a day of the month like "last Friday 19:00" or "day 15 19:00"')
]
Standby = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,32}(:\S{1,200})?$",
        description='an account in quotes, like "wx2", or "wx2:id" where it knows the group by another id',
    ),
]
Tag = Annotated[
    str, Meta(pattern=r"^[^\s#@,，、;；]{1,20}$", description="a word of 1..20 characters in quotes, without #")
]
Day = Annotated[date, Meta(description="days like 2027-02-05, without quotes")]


class ConfigError(Exception):
    """The configuration cannot be used; each line of the text names a place in the file and the cure."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Bot(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    names: Annotated[tuple[Name, ...], Meta(min_length=1, description="a list of at least one name in quotes")] = (
        "小格",
    )
    timezone: Name = "Asia/Shanghai"
    account_dead_minutes: Annotated[int, Meta(ge=1, le=1440)] = 30
    gateway_wait_seconds: Annotated[int, Meta(ge=0, le=86400)] = 60  # at start; 0 waits for ever


class Database(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str = f"{SQLITE}var/xiaoge.db"
    key_file: str = "var/xiaoge.key"


class Account(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: AccountName
    endpoint: Endpoint
    token: Name | None = None
    token_file: str | None = None
    token_env: Name | None = None
    tls_ca: str | None = None
    rooms: Annotated[int, Meta(ge=1, le=500)] = 200
    joined: Annotated[int, Meta(ge=1, le=500)] = 400
    since: Day | None = None

    def secret(self) -> str:
        """The gateway's token, from wherever it is kept. Raises ConfigError where it cannot be read."""
        return _kept(f"[[accounts]] {self.name} token", self.token, self.token_env, self.token_file)


class Pacing(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    per_minute: Annotated[int, Meta(ge=1, le=60)] = 6
    per_hour: Annotated[int, Meta(ge=1, le=1000)] = 120
    per_day: Annotated[int, Meta(ge=1, le=5000)] = 300
    gap: tuple[Seconds, Seconds] = (6.0, 12.0)
    per_room_gap: Seconds = 8.0
    stop_minutes: Annotated[int, Meta(ge=1, le=1440)] = 10
    ramp_days: Annotated[int, Meta(ge=0, le=90)] = 14
    ramp_start: Annotated[float, Meta(ge=0.05, le=1)] = 0.2


class Quiet(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    from_: Clock = msgspec.field(default="21:30", name="from")
    until: Clock = "07:30"
    reply_gap_minutes: Annotated[int, Meta(ge=0, le=1440)] = 30
    replies_a_day: Annotated[int, Meta(ge=0, le=100)] = 6
    ack_wait_seconds: Annotated[int, Meta(ge=0, le=20)] = 15
    late_after_minutes: Annotated[int, Meta(ge=1, le=1440)] = 10


class Hours(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    work_from: Clock = "09:00"
    work_until: Clock = "18:00"
    extended_until: Clock | None = None
    weekend_from: Clock | None = None
    weekend_until: Clock | None = None


class Calendar(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    holidays: tuple[Day, ...] = ()
    workdays: tuple[Day, ...] = ()


class Digests(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    daily: tuple[Clock, ...] = ("12:00", "18:00")
    weekly: tuple[Clock, ...] = ("08:30",)


class Tickets(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    join_minutes: Annotated[int, Meta(ge=1, le=120)] = 10
    same_trouble_hours: Annotated[int, Meta(ge=1, le=720)] = 72
    callback_hours: Annotated[int, Meta(ge=1, le=720)] = 72
    reopen_days: Annotated[int, Meta(ge=0, le=365)] = 14


class Wishes(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    budget_yuan: Annotated[int, Meta(ge=0, le=100_000)] = 500
    claim_days: Annotated[int, Meta(ge=1, le=90)] = 7
    a_day: Annotated[int, Meta(ge=1, le=20)] = 2


class Signups(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    names_days: Annotated[int, Meta(ge=1, le=3650)] = 90


class NoticeTemplate(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Approved words of a notice, with {fields} for what is new each time."""

    name: Annotated[
        str, Meta(pattern=r"^[^\s=＝:：;；,，、{}]{1,20}$", description="1..20 characters without spaces or signs")
    ]
    text: Annotated[str, Meta(min_length=1, max_length=1500, description="text of 1..1500 characters in quotes")]


class Notices(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    files_days: Annotated[int, Meta(ge=1, le=365)] = 7  # then the picture or file of an ended notice is deleted
    templates: tuple[NoticeTemplate, ...] = ()


class Tasks(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    matters: Annotated[tuple[Name, ...], Meta(min_length=1)] | None = None


class Deliberation(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    meeting: MeetingDay | None = None
    remind_days: Annotated[int, Meta(ge=0, le=14)] = 3
    poll_days: Annotated[int, Meta(ge=1, le=60)] = 7


class WorkLog(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    enabled: bool = False


class Points(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is earned by what; 0: nothing. The keys are those of storage.points.PointAction."""

    enabled: bool = False
    attendance: Worth = 2
    wish: Worth = 5
    call: Worth = 3


class GridEntry(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    code: Code
    name: Name


class GrantEntry(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    role: str
    scope: Scope


class PersonEntry(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Name
    role: str | None = None
    scope: Scope | None = None
    grants: tuple[GrantEntry, ...] = ()
    im: tuple[str, ...] = ()

    def all_grants(self) -> tuple[Grant, ...]:
        """`role` and `scope`, then `grants`, without repetition."""
        pairs = [(self.role, self.scope)] if self.role is not None and self.scope is not None else []
        pairs += [(entry.role, entry.scope) for entry in self.grants]
        return tuple(dict.fromkeys(Grant(role=role_named(role), scope=scope) for role, scope in pairs))

    def im_ids(self) -> tuple[tuple[str, str], ...]:
        """(account, IM id) pairs."""
        return tuple((account, im_id) for account, _, im_id in (entry.partition(":") for entry in self.im))


class RoomEntry(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    account: AccountName
    im_id: Annotated[str, Meta(min_length=1, max_length=200, description="the room's IM id in quotes")]
    grid: Code | None = None
    kind: Literal["resident", "leader"] = "resident"
    name: Annotated[str, Meta(max_length=100, description="text of at most 100 characters in quotes")] = ""
    enabled: bool = False
    standby: tuple[Standby, ...] = ()
    tags: tuple[Tag, ...] = ()

    def standbys(self) -> tuple[tuple[str, str], ...]:
        """(account, IM id) of each; an account alone knows the group by the same id."""
        pairs = (entry.partition(":") for entry in self.standby)
        return tuple((account, im_id or self.im_id) for account, _, im_id in pairs)

    @property
    def room_kind(self) -> RoomKind:
        return RoomKind(self.kind)


class Sync(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    source: Source | None = None
    listen: Endpoint | None = None


class Upstream(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A platform above: how it is reached, which tickets it gets, and what it calls things."""

    name: AccountName
    title: Name | None = None
    kind: Literal["http", "folder"] = "http"
    url: Annotated[str, Meta(max_length=500, description="a web address in quotes")] | None = None
    secret: Name | None = None
    secret_env: Name | None = None
    secret_file: str | None = None
    tls_ca: str | None = None
    folder: str | None = None
    formats: Annotated[tuple[Literal["csv", "json"], ...], Meta(min_length=1)] = ("csv",)
    levels: tuple[Literal["grid", "community", "street", "department"], ...] = ()
    categories: tuple[CategoryPrefix, ...] = ()
    grids: tuple[Scope, ...] = ()
    natures: tuple[Literal["inquiry", "help", "complaint", "report", "suggestion", "praise"], ...] = ()
    batch: Annotated[int, Meta(ge=1, le=1000)] = 100
    timeout_seconds: Annotated[int, Meta(ge=1, le=600)] = 30
    wait_seconds: Annotated[int, Meta(ge=0, le=86400)] = 10
    answers_seconds: Annotated[int, Meta(ge=0, le=86400)] = 60  # 0: not asked for
    gzip: bool = False
    reporter: bool = False
    codes: dict[str, str] = {}
    fields: dict[str, str] = {}
    constants: dict[str, str | int | float | bool] = {}

    @property
    def place(self) -> str:
        """How the file's author finds it."""
        return f"[[upstreams]] {self.name}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name

    def shared_secret(self) -> str:
        """What requests are signed with, from wherever it is kept. Raises ConfigError where it cannot be read."""
        return _kept(f"{self.place} secret", self.secret, self.secret_env, self.secret_file)


class AlertDevice(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a device is."""

    grid: Code
    place: Annotated[str, Meta(max_length=60, description="text of at most 60 characters in quotes")] = ""


class AlertSource(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A system of devices whose alerts become tickets."""

    name: AccountName
    title: Name | None = None
    secret: Name | None = None
    secret_env: Name | None = None
    secret_file: str | None = None
    category: Annotated[str, Meta(pattern=r"^[0-9]{4}$", description="a category's code of 4 digits, in quotes")]
    grid: Code | None = None
    notice: bool = False
    template: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    devices: dict[str, AlertDevice] = {}
    a_minute: Annotated[int, Meta(ge=1, le=60_000)] = 1200

    @property
    def place(self) -> str:
        """How the file's author finds it."""
        return f"[[alerts.sources]] {self.name}"

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name

    def shared_secret(self) -> str:
        """What its requests are signed with, from wherever it is kept. Raises ConfigError where it cannot be read."""
        return _kept(f"{self.place} secret", self.secret, self.secret_env, self.secret_file)


class Alerts(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    listen: Endpoint | None = None  # where it is left out: that of [sync]
    sources: tuple[AlertSource, ...] = ()


class Nlp(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    categories: str | None = None
    lexicon: str = "var/lexicon"
    fast: bool = False


class Monitor(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    enabled: bool = True
    host: Name = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 9464


class Log(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"
    file: str | None = None


class Sections(Section, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that may stand in the file."""

    bot: Bot = Bot()
    database: Database = Database()
    accounts: tuple[Account, ...] = ()
    pacing: Pacing = Pacing()
    quiet: Quiet = Quiet()
    hours: Hours = Hours()
    calendar: Calendar = Calendar()
    digests: Digests = Digests()
    tickets: Tickets = Tickets()
    tasks: Tasks = Tasks()
    notices: Notices = Notices()
    signups: Signups = Signups()
    wishes: Wishes = Wishes()
    deliberation: Deliberation = Deliberation()
    work_log: WorkLog = WorkLog()
    points: Points = Points()
    grids: tuple[GridEntry, ...] = ()
    people: tuple[PersonEntry, ...] = ()
    rooms: tuple[RoomEntry, ...] = ()
    sync: Sync = Sync()
    upstreams: tuple[Upstream, ...] = ()
    alerts: Alerts = Alerts()
    nlp: Nlp = Nlp()
    monitor: Monitor = Monitor()
    log: Log = Log()


def _kept(place: str, value: str | None, variable: str | None, file: str | None) -> str:
    """A secret that stands in the file, in an environment variable or in a file of its own; `place` names the first of
    these keys. Raises ConfigError."""
    if value is not None:
        return value
    if variable is not None:
        found = os.environ.get(variable, "").strip()
        if not found:
            raise ConfigError(f"{place}_env: the environment variable {variable} is empty, set it")
        return found
    try:
        found = Path(str(file)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}_file: cannot read {file} ({cause(error)}), mend it") from None
    if not found:
        raise ConfigError(f"{place}_file: {file} is empty, write the {place.rpartition(' ')[2]} into it")
    return found


def clock(text: str) -> time:
    """`21:30` as a time of day."""
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def role_named(text: str) -> Role:
    """A role by its Chinese label (微网格长) or its id (micro_leader). Raises KeyError for neither."""
    return ROLE_BY_LABEL[text] if text in ROLE_BY_LABEL else {str(role): role for role in Role}[text]


def cause(error: Exception) -> str:
    """Why a file could not be read, in a few words."""
    return (error.strerror or str(error)) if isinstance(error, OSError) else "not UTF-8"
