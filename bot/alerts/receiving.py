"""Alerts of devices as they arrive: POST /alerts/<source>, one a request (docs/alerts.md).

An alert and the reply to its request are one transaction. A repetition is only counted: its reply is not kept, so that
a device that says the same all day fills nothing.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
import structlog
from msgspec import Meta

from bot.clock import Clock
from bot.listener import Refused
from bot.settings import AlertSource
from bot.sync.client import clean
from handlers import alerts as handling
from handlers.alerts import Alert, Source, Verdict
from handlers.context import Effects, Policy
from handlers.texts import alerts as texts
from nlp.contact import mask
from storage import answers as replies
from storage import grids
from storage.alerts import AlertLevel
from storage.engine import Store, Tx

log = structlog.get_logger(__name__)

CLEARED = "cleared"
DRILL = "drill"
OLDEST = timedelta(hours=24)  # what is older alarms nobody any more
AHEAD = timedelta(minutes=5)  # of our clock
_KEPT = frozenset({Verdict.FILED, Verdict.JOINED, Verdict.UPDATED, Verdict.CLEARED})

Id = Annotated[str, Meta(min_length=1, max_length=100)]


class Body(msgspec.Struct, frozen=True):
    """An alert as it travels. What is not known is passed over."""

    id: Id
    device: Id
    kind: Annotated[str, Meta(min_length=1, max_length=60)]
    level: Literal["blue", "yellow", "orange", "red", "cleared"]
    at: Annotated[datetime, Meta(tz=True)]
    text: Annotated[str, Meta(max_length=500)] = ""
    value: int | float | Annotated[str, Meta(max_length=40)] | None = None
    unit: Annotated[str, Meta(max_length=20)] = ""
    grid: Annotated[str, Meta(pattern=r"^([0-9]{12}|[0-9]{15}|[0-9]{18})$")] | None = None
    building: Annotated[str, Meta(max_length=20)] = ""
    building_unit: Annotated[str, Meta(max_length=20)] = ""
    place: Annotated[str, Meta(max_length=60)] = ""
    drill: bool = False


@dataclass(slots=True)
class Allowance:
    """How many alerts a source may send: `a_minute` at once, and as many again within each minute."""

    a_minute: int
    left: float
    at: datetime

    def take(self, now: datetime) -> int:
        """Take one; else the seconds until there is one."""
        passed = max((now - self.at).total_seconds(), 0)
        self.left, self.at = min(self.left + passed * self.a_minute / 60, self.a_minute), now
        if self.left < 1:
            return math.ceil((1 - self.left) * 60 / self.a_minute)
        self.left -= 1
        return 0


class Receiver:
    """Takes what is posted to /alerts/<source>. `tally` counts (source, verdict or `refused_<status>`)."""

    path = "/alerts/{name}"
    most_bytes = 16 * 1024

    def __init__(
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        sources: Mapping[str, tuple[AlertSource, str]],
        *,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`sources`: by name, each with the secret that its requests are signed with; `wake` is called when lines to
        people may be waiting."""
        self.tally: Counter[tuple[str, str]] = Counter()
        self._store = store
        self._policy = policy
        self._clock = clock
        self._sources = sources
        now = clock.now()
        self._allowed = {name: Allowance(one.a_minute, one.a_minute, now) for name, (one, _) in sources.items()}
        self._wake = wake

    def secret(self, name: str) -> str:
        if name not in self._sources:
            raise Refused(404, "no such source: the path is /alerts/<name of [[alerts.sources]]>")
        return self._sources[name][1]

    def refused(self, name: str, status: int) -> None:
        self.tally[name, f"refused_{status}"] += 1

    async def reply(self, name: str, key: str, body: bytes) -> str:
        source, _ = self._sources[name]
        if wait := self._allowed[name].take(self._clock.now()):
            why = f"more than {source.a_minute} a minute, send it again later"
            raise Refused(429, why, retry_after=str(wait))
        digest = hashlib.sha256(body).hexdigest()
        sent = parse(body)
        now = self._clock.now()
        if not now - OLDEST <= sent.at <= now + AHEAD:
            raise Refused(400, f"at: older than {OLDEST // timedelta(hours=1)} h, or in the future: {sent.at:%FT%T%z}")
        alert = _alert(source, sent, now)

        async def work(tx: Tx) -> tuple[str, str]:
            sender = f"alerts/{name}"
            known = await replies.reply(tx, sender, key)
            if known is not None:
                if known[0] != digest:
                    raise Refused(422, "this Idempotency-Key came with another body before")
                return known[1], ""
            if await grids.get(tx, alert.grid) is None:
                raise Refused(422, f"grid: there is no grid {alert.grid}")
            if sent.drill:
                return _said(alert, DRILL), DRILL
            outcome = await handling.apply(Effects(tx, now, self._policy), _source(source), alert)
            reply = _said(alert, outcome.verdict, outcome.ticket)
            if outcome.verdict in _KEPT:
                await replies.keep_reply(tx, sender, key, digest, reply, now)
            return reply, outcome.verdict

        reply, verdict = await self._store.write(work)
        self.tally[name, verdict or Verdict.REPEATED] += 1
        if verdict in _KEPT:
            log.info("alert", action="alert", source=name, verdict=verdict)
            self._wake()
        return reply


def parse(body: bytes) -> Body:
    """The alert of a request. Raises Refused."""
    try:
        sent = msgspec.json.decode(body, type=Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Refused(400, f"the alert cannot be read: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, "the body is no JSON in UTF-8") from None
    for name in ("id", "device", "kind"):
        if not clean(getattr(sent, name), 100):
            raise Refused(400, f"{name}: there is nothing to read in it")
    return sent


def _said(alert: Alert, status: str, ticket: str | None = None) -> str:
    return json.dumps({"id": alert.id, "status": status} | ({"ticket": ticket} if ticket else {}), ensure_ascii=False)


def _source(source: AlertSource) -> Source:
    template = (source.template or texts.TEMPLATE) if source.notice else None
    return Source(source.name, source.label, source.category, template)


def _alert(source: AlertSource, sent: Body, now: datetime) -> Alert:
    """What was sent, with what the configuration knows of its device; masked. Raises Refused where no grid is known."""
    device = source.devices.get(sent.device)
    grid = sent.grid or (device.grid if device is not None else None) or source.grid
    if grid is None:
        raise Refused(422, f"grid: missing, and the device {sent.device} is not under [[alerts.sources]] {source.name}")
    if not grid.startswith(source.grid or ""):
        raise Refused(422, f"grid: {grid} is outside {source.grid}, which the source may speak for")
    where = (sent.building, sent.building_unit, sent.place)
    if device is not None and not any(where):
        where = ("", "", device.place)
    building, unit, place = (_masked(part, 60) for part in where)
    value = "" if sent.value is None else _masked(f"{sent.value}{sent.unit}", 60)
    return Alert(
        id=clean(sent.id, 100),
        device=clean(sent.device, 100),
        kind=_masked(sent.kind, 60),
        level=None if sent.level == CLEARED else AlertLevel(sent.level),
        at=min(sent.at, now),
        words=texts.words(_masked(sent.kind, 60), _masked(sent.text, 500), value),
        grid=grid,
        place=handling.place(building, unit, place),
    )


def _masked(text: str, most: int) -> str:
    return mask(clean(text, most))
