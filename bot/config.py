"""The configuration: TOML → typed settings, every fault named with its place and cure.

Relative paths (also the database's) count from the directory of the configuration file, so that a command gives the
same answer from cron as from a shell.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from bot.alerts import faults as alerting
from bot.checking import Fault, faults, shown
from bot.settings import (
    POSTGRESQL,
    SQLITE,
    ConfigError,
    Hours,
    Monitor,
    Notices,
    Pacing,
    Points,
    Sections,
    cause,
    clock,
    role_named,
)
from bot.sync import faults as upward
from handlers.template_fields import FIELD
from handlers.texts import ROLE_BY_LABEL

if TYPE_CHECKING:
    from handlers.context import Policy
    from nlp.categories import Category
    from storage.points import PointAction

__all__ = ["Config", "ConfigError", "from_data", "load"]


class Config(Sections, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one deployment, paths made absolute."""

    source: Path

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.bot.timezone)

    @property
    def database_file(self) -> Path | None:
        """The SQLite file; None where the database is on a server."""
        url = self.database.url
        return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None

    @property
    def key_file(self) -> Path:
        return Path(self.database.key_file)

    @property
    def alerts_listen(self) -> str | None:
        """Where alerts are heard: at an address of their own, else where the answers of platforms are."""
        return self.alerts.listen or self.sync.listen

    def policy(self, categories: Mapping[str, Category]) -> Policy:
        """What the handlers obey."""
        from handlers import monthly
        from handlers.context import Policy  # here, because it draws in the store, which `classify` does without
        from handlers.texts.tasks import MATTERS
        from handlers.workdays import Workdays

        return Policy(
            categories=categories,
            names=self.bot.names,
            timezone=self.timezone,
            quiet_from=clock(self.quiet.from_),
            quiet_until=clock(self.quiet.until),
            reply_gap=timedelta(minutes=self.quiet.reply_gap_minutes),
            replies_a_day=self.quiet.replies_a_day,
            ack_wait=timedelta(seconds=self.quiet.ack_wait_seconds),
            late_after=timedelta(minutes=self.quiet.late_after_minutes),
            work_from=clock(self.hours.work_from),
            work_until=clock(self.hours.work_until),
            extended_until=_maybe_clock(self.hours.extended_until),
            weekend_hours=_weekend(self.hours),
            workdays=Workdays(frozenset(self.calendar.holidays), frozenset(self.calendar.workdays)),
            daily_digests=tuple(sorted(clock(at) for at in self.digests.daily)),
            weekly_digests=tuple(sorted(clock(at) for at in self.digests.weekly)),
            callback_for=timedelta(hours=self.tickets.callback_hours),
            reopen_for=timedelta(days=self.tickets.reopen_days),
            join_for=timedelta(minutes=self.tickets.join_minutes),
            same_trouble_for=timedelta(hours=self.tickets.same_trouble_hours),
            notice_templates={template.name: template.text for template in self.notices.templates},
            notice_files_for=timedelta(days=self.notices.files_days),
            wish_budget=self.wishes.budget_yuan,
            wish_claim_for=timedelta(days=self.wishes.claim_days),
            wishes_a_day=self.wishes.a_day,
            signup_names_for=timedelta(days=self.signups.names_days),
            matters=self.tasks.matters or MATTERS,
            meeting=None if self.deliberation.meeting is None else monthly.parse(self.deliberation.meeting),
            meeting_remind=timedelta(days=self.deliberation.remind_days),
            poll_for=timedelta(days=self.deliberation.poll_days),
            named_to=tuple(upstream.label for upstream in self.upstreams if upstream.reporter),
            work_log=self.work_log.enabled,
            points=_rules(self.points),
            account_dead_for=timedelta(minutes=self.bot.account_dead_minutes),
            account_rooms={account.name: account.rooms for account in self.accounts},
            account_joined={account.name: max(account.joined, account.rooms) for account in self.accounts},
        )


def load(path: Path | str) -> Config:
    """Read the settings. Raises ConfigError with one line for each fault."""
    path = Path(path)
    try:
        # Windows' editor puts a mark in front of UTF-8; TOML knows none.
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: not found; copy config.example.toml to {path} and fill it in") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}: not UTF-8 text; save it as UTF-8 in your editor") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: not valid TOML, mend this: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({cause(error)}); mend the path or its rights") from None
    return from_data(data, path)


def from_data(data: Mapping[str, object], source: Path) -> Config:
    """Settings from a parsed table; `source` gives the file's name for errors and the directory for paths."""
    found = list(faults(data, Sections))
    if not found:
        sections = msgspec.convert(data, Sections)
        found = list(_cross_faults(sections))
    if found:
        raise ConfigError("\n".join(f"{source.name}: {place}: {what}" for place, what in found))
    return _anchored(sections, source)


def _cross_faults(sections: Sections) -> Iterator[Fault]:
    yield from _bot_faults(sections)
    yield from _account_faults(sections)
    yield from _pacing_faults(sections.pacing)
    yield from monitor_faults(sections.monitor)
    yield from _repeated("[[grids]]", "code", (grid.code for grid in sections.grids))
    yield from _people_faults(sections)
    yield from _room_faults(sections)
    yield from _notice_faults(sections.notices)
    yield from upward.faults(sections)
    yield from alerting.faults(sections)


def _bot_faults(sections: Sections) -> Iterator[Fault]:
    try:
        ZoneInfo(sections.bot.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield "[bot] timezone", f'must be a name like "Asia/Shanghai", got {shown(sections.bot.timezone)}'
    url = sections.database.url
    if url.startswith("postgres"):
        yield from _server_faults(url)
    elif not url.startswith(SQLITE) or len(url) == len(SQLITE):
        yield "[database] url", f'must be "{SQLITE}" and a file, or "{POSTGRESQL}…", got {shown(url)}'
    yield from _hours_faults(sections.hours)
    for day in set(sections.calendar.holidays) & set(sections.calendar.workdays):
        yield "[calendar] workdays", f"{day} stands under holidays too, keep one"


def _hours_faults(hours: Hours) -> Iterator[Fault]:
    if clock(hours.work_from) >= clock(hours.work_until):
        yield "[hours] work_until", f"must be later than work_from, got {shown(hours.work_until)}"
    if hours.extended_until is not None and clock(hours.extended_until) <= clock(hours.work_until):
        yield "[hours] extended_until", f"must be later than work_until, got {shown(hours.extended_until)}"
    if (hours.weekend_from is None) != (hours.weekend_until is None):
        missing = "weekend_from" if hours.weekend_from is None else "weekend_until"
        yield f"[hours] {missing}", "missing: weekend_from and weekend_until go together"
    weekend = _weekend(hours)
    if weekend is not None and weekend[0] >= weekend[1]:
        yield "[hours] weekend_until", f"must be later than weekend_from, got {shown(hours.weekend_until)}"


def _rules(points: Points) -> Mapping[PointAction, int] | None:
    from storage.points import PointAction

    if not points.enabled:
        return None
    return {
        PointAction.ATTENDANCE: points.attendance,
        PointAction.WISH: points.wish,
        PointAction.CALL: points.call,
    }


def _maybe_clock(text: str | None) -> time | None:
    return None if text is None else clock(text)


def _weekend(hours: Hours) -> tuple[time, time] | None:
    if hours.weekend_from is None or hours.weekend_until is None:
        return None
    return clock(hours.weekend_from), clock(hours.weekend_until)


def _server_faults(url: str) -> Iterator[Fault]:
    # The URL is not repeated: it may hold a password.
    wanted = f'must be "{POSTGRESQL}user@host/database" for a PostgreSQL server'
    try:
        parts = urlsplit(url)
        database, _ = parts.path.removeprefix("/"), parts.port
    except ValueError:
        yield "[database] url", f"{wanted}, got an address that cannot be read"
        return
    if not url.startswith(POSTGRESQL):
        yield "[database] url", f"{wanted}, got {shown(parts.scheme)} in front"
    elif not database or "/" in database:
        yield "[database] url", f"{wanted}, got no database"


def monitor_faults(monitor: Monitor) -> Iterator[Fault]:
    """What is wrong with where the monitor is to be."""
    try:
        loopback = monitor.host == "localhost" or ip_address(monitor.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        why = "its pages ask for no password"
        yield "[monitor] host", f'must be a loopback address like "127.0.0.1", {why}, got {shown(monitor.host)}'


def _account_faults(sections: Sections) -> Iterator[Fault]:
    yield from _repeated("[[accounts]]", "name", (account.name for account in sections.accounts))
    for number, account in enumerate(sections.accounts, 1):
        ways = [way for way in (account.token, account.token_file, account.token_env) if way is not None]
        if len(ways) != 1:
            yield f"[[accounts]] #{number} token", f"give one of token, token_file, token_env, got {len(ways)} of them"
        if not 1 <= int(account.endpoint.rpartition(":")[2]) <= 65535:
            yield f"[[accounts]] #{number} endpoint", f"the port must be 1..65535, got {shown(account.endpoint)}"


def _pacing_faults(pacing: Pacing) -> Iterator[Fault]:
    if pacing.gap[0] > pacing.gap[1]:
        yield "[pacing] gap", f"must be [shortest, longest], got {list(pacing.gap)}"
    if pacing.per_minute > pacing.per_hour:
        yield "[pacing] per_hour", f"must be at least per_minute ({pacing.per_minute}), got {pacing.per_hour}"
    if pacing.per_hour > pacing.per_day:
        yield "[pacing] per_day", f"must be at least per_hour ({pacing.per_hour}), got {pacing.per_day}"


def _notice_faults(notices: Notices) -> Iterator[Fault]:
    yield from _repeated("[[notices.templates]]", "name", (template.name for template in notices.templates))
    for template in notices.templates:
        if re.search("[{}]", FIELD.sub("", template.text)):
            wanted = "a field is written {时间}: 1..10 characters without spaces in one pair of braces"
            yield f"[[notices.templates]] {template.name} text", f"{wanted}, got {shown(template.text)}"


def _people_faults(sections: Sections) -> Iterator[Fault]:
    codes = [grid.code for grid in sections.grids]
    accounts = {account.name for account in sections.accounts}
    yield from _repeated("[[people]]", "name", (person.name for person in sections.people))
    yield from _repeated("[[people]]", "im", (im for person in sections.people for im in person.im))
    for number, person in enumerate(sections.people, 1):
        place = f"[[people]] #{number}"
        if (person.role is None) != (person.scope is None):
            yield f"{place} {'role' if person.role is None else 'scope'}", "missing: role and scope go together"
        elif person.role is None and not person.grants:
            yield f"{place} role", "missing, give role and scope (or grants)"
        pairs = [(person.role, person.scope, place)]
        pairs += [(grant.role, grant.scope, f"{place} grants #{i}") for i, grant in enumerate(person.grants, 1)]
        for role, scope, where in pairs:
            if role is not None and not _is_role(role):
                yield f"{where} role", f"must be one of {', '.join(ROLE_BY_LABEL)}, got {shown(role)}"
            if scope is not None and not any(code.startswith(scope) for code in codes):
                yield f"{where} scope", f"no grid begins with {shown(scope)}, add it under [[grids]]"
        for account, im_id in person.im_ids():
            if not im_id:
                yield f"{place} im", f'must be "account:id", got {shown(account)}'
            elif account not in accounts:
                yield f"{place} im", f"no account is named {shown(account)}, see [[accounts]]"


def _room_faults(sections: Sections) -> Iterator[Fault]:
    codes = {grid.code for grid in sections.grids}
    accounts = {account.name for account in sections.accounts}
    yield from _repeated("[[rooms]]", "im_id", (f"{room.account}:{room.im_id}" for room in sections.rooms))
    for number, room in enumerate(sections.rooms, 1):
        place = f"[[rooms]] #{number}"
        if room.account not in accounts:
            yield f"{place} account", f"no account is named {shown(room.account)}, see [[accounts]]"
        if room.grid is not None and room.grid not in codes:
            yield f"{place} grid", f"no grid has the code {shown(room.grid)}, add it under [[grids]]"
        standing_by = {name for name, _ in room.standbys()}
        for name in sorted(standing_by - accounts):
            yield f"{place} standby", f"no account is named {shown(name)}, see [[accounts]]"
        if room.account in standing_by:
            yield f"{place} standby", f"{shown(room.account)} is the account that answers there, leave it out"
        if room.enabled and room.grid is None:
            yield f"{place} grid", "missing: an enabled room needs the code of its grid"
    answering: dict[str, str] = {}
    for number, room in enumerate(sections.rooms, 1):
        first = answering.setdefault(room.im_id, room.account) if room.enabled else room.account
        if first != room.account:
            yield (
                f"[[rooms]] #{number} enabled",
                f"account {shown(first)} answers in this room already, and in a room one does: leave it out here",
            )
    for account in sections.accounts:
        held = sum(room.account == account.name for room in sections.rooms)
        if held > account.rooms:
            yield (
                "[[rooms]] account",
                f"{held} rooms on {shown(account.name)}, which takes {account.rooms}: add an account",
            )


def _is_role(text: str) -> bool:
    try:
        role_named(text)
    except KeyError:
        return False
    return True


def _repeated(place: str, key: str, values: Iterable[str]) -> Iterator[Fault]:
    for value, times in Counter(values).items():
        if times > 1:
            yield f"{place} {key}", f"{shown(value)} stands {times} times, keep one"


def _anchored(sections: Sections, source: Path) -> Config:
    """The settings with absolute paths."""
    base = source.absolute().parent

    def anchored(path: str) -> str:
        return str(base / Path(path).expanduser())

    def maybe(path: str | None) -> str | None:
        return None if path is None else anchored(path)

    replace = msgspec.structs.replace
    database = sections.database
    url = database.url
    if url.startswith(SQLITE):
        url = SQLITE + anchored(url.removeprefix(SQLITE))
    values = {name: getattr(sections, name) for name in Sections.__struct_fields__}
    values["database"] = replace(database, url=url, key_file=anchored(database.key_file))
    values["accounts"] = tuple(
        replace(account, token_file=maybe(account.token_file), tls_ca=maybe(account.tls_ca))
        for account in sections.accounts
    )
    values["upstreams"] = tuple(
        replace(
            upstream,
            secret_file=maybe(upstream.secret_file),
            tls_ca=maybe(upstream.tls_ca),
            folder=maybe(upstream.folder),
        )
        for upstream in sections.upstreams
    )
    sources = sections.alerts.sources
    sources = tuple(replace(source, secret_file=maybe(source.secret_file)) for source in sources)
    values["alerts"] = replace(sections.alerts, sources=sources)
    nlp = sections.nlp
    values["nlp"] = replace(nlp, categories=maybe(nlp.categories), lexicon=anchored(nlp.lexicon))
    values["log"] = replace(sections.log, file=maybe(sections.log.file))
    return Config(source=source, **values)
