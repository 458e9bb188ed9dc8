"""The house in figures for Prometheus: counters since the start, gauges of this moment.

Labels are accounts' names from the configuration, and words of our own: never text, people or IM ids.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.version import version

if TYPE_CHECKING:
    from bot.house import House
    from storage.fleet import Fleet
    from storage.model import Urgency
    from storage.standbys import Load
    from storage.standing import Standing
    from storage.upstreams import Link, Waiting

Key = TypeVar("Key", bound=tuple[str, ...])  # values of the labels
SPANS = ("minute", "hour", "day")


@dataclass(slots=True)
class Figures:
    """What the monitor adds to what the house itself knows. Lags in seconds; `standing` is None where the database
    could not be read."""

    started: datetime
    lag: float = 0.0
    worst_lag: float = 0.0
    store_up: bool = False
    standing: Standing | None = None
    upward: Mapping[str, tuple[Link, Waiting]] = field(default_factory=dict)  # by upstream
    answers: Mapping[str, tuple[int, datetime | None]] = field(default_factory=dict)  # by upstream
    filed: Counter[tuple[str, Urgency]] = field(default_factory=Counter)
    loads: Mapping[str, Load] = field(default_factory=dict)  # by account
    fleet: Fleet | None = None  # where several processes share the database


def render(house: House, figures: Figures) -> bytes:
    """The page in Prometheus' text format 0.0.4, from a registry of its own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(
        _Once(
            [
                *_program(house, figures),
                *_accounts(house),
                *_groups(figures),
                *_queues(house, figures),
                *_upward(house, figures),
                *_alerts(house),
                *_fleet(house, figures),
            ]
        )
    )
    return generate_latest(registry)


class _Once(Collector):
    """Families that are made already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> Metric:
    family = GaugeMetricFamily(f"xiaoge_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> Metric:
    family = CounterMetricFamily(f"xiaoge_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _program(house: House, figures: Figures) -> Iterator[Metric]:
    build = {"version": version(), "python": platform.python_version()}
    yield InfoMetricFamily("xiaoge_build", "This program.", value=build)
    yield _gauge("start_time_seconds", "When it began, Unix time.", (), {(): figures.started.timestamp()})
    yield _gauge("loop_lag_seconds", "How late the event loop was just now.", (), {(): figures.lag})
    yield _gauge("loop_lag_worst_seconds", "The worst of the last minute.", (), {(): figures.worst_lag})
    reasons = {(reason,): float(count) for reason, count in house.dispatcher.reasons.items()}
    yield _counter("messages", "Messages finished, by what was decided.", ("reason",), reasons)
    failures = {(): float(house.dispatcher.failures)}
    yield _counter("handler_failures", "Messages on which a handler failed: defects.", (), failures)
    filed = {(label, str(urgency)): float(count) for (label, urgency), count in figures.filed.items()}
    yield _counter("tickets", "Tickets and candidates filed.", ("label", "urgency"), filed)
    tally = house.store.tally
    yield _gauge("store_up", "1 where the database could be written just now.", (), {(): float(figures.store_up)})
    yield _counter("store_groups", "Transactions of the writer.", (), {(): float(tally.groups)})
    yield _counter("store_works", "Works in them: works per group is the group commit's size.", (), {(): tally.works})
    yield _counter("store_failed_groups", "Transactions that could not be committed.", (), {(): tally.failed})
    yield _counter("store_seconds", "Time that they took, COMMIT included.", (), {(): tally.seconds})


def _accounts(house: House) -> Iterator[Metric]:
    now = house.clock.now()
    account = ("account",)
    online = {(name,): float(transport.online) for name, transport in house.transports.items()}
    yield _gauge("account_online", "1 while linked and logged in.", account, online)
    gap_open = {(name,): float(intake.down_since is not None) for name, intake in house.intakes.items()}
    yield _gauge("gap_open", "1 while a time without a link lasts.", account, gap_open)
    silent = {
        (name,): (now - intake.heard_at).total_seconds()
        for name, intake in house.intakes.items()
        if intake.heard_at is not None
    }
    yield _gauge("last_message_seconds", "Since the last message.", account, silent)

    sends: dict[tuple[str, str], float] = {}
    used: dict[tuple[str, str], float] = {}
    limits: dict[tuple[str, str], float] = {}
    share: dict[tuple[str], float] = {}
    ramp: dict[tuple[str], float] = {}
    stopped: dict[tuple[str], float] = {}
    for sender in house.senders:
        name, pacer = sender.account, sender.pacer
        sends |= {(name, outcome): count for outcome, count in sender.outcomes.items()}
        used |= {(name, span): count for span, count in zip(SPANS, pacer.used(now), strict=True)}
        limits |= {(name, span): limit for span, limit in zip(SPANS, pacer.limits(now), strict=True)}
        share[name,] = pacer.share(now)
        ramp[name,] = pacer.ramp(now)
        until = pacer.stopped_until
        stopped[name,] = until.timestamp() if until is not None and until > now else 0.0
    yield _counter("sends", "Tries to send, by what became of them.", ("account", "outcome"), sends)
    yield _gauge("pacing_used", "Lines sent in the last minute, hour, day.", ("account", "span"), used)
    yield _gauge("pacing_limit", "At most so many, as things are now.", ("account", "span"), limits)
    yield _gauge("pacing_share", "Share of the rate in use after a throttle.", account, share)
    yield _gauge("pacing_ramp", "Part of the hour and day budgets that an account of its age has.", account, ramp)
    yield _gauge("pacing_stopped_until_seconds", "Paused until, Unix time; 0: not paused.", account, stopped)


def _groups(figures: Figures) -> Iterator[Metric]:
    """The groups that each account is in, also one that some other process serves."""
    by_role = {
        (account, role): float(count)
        for account, load in figures.loads.items()
        for role, count in (("answers", load.assigned), ("stands_by", load.standby), ("is_in", load.joined))
    }
    yield _gauge("rooms", "Groups in which an account answers, stands by, is at all.", ("account", "role"), by_role)
    mute = {(account,): float(load.mute) for account, load in figures.loads.items()}
    yield _gauge("rooms_mute", "Groups that nobody reaches: their account is dead.", ("account",), mute)
    dead = {(account,): float(load.dead) for account, load in figures.loads.items()}
    yield _gauge("account_dead", "1 where nothing can be said through it.", ("account",), dead)


def _queues(house: House, figures: Figures) -> Iterator[Metric]:
    now = house.clock.now()
    dispatcher = house.dispatcher
    pending = dispatcher.pending()
    yield _gauge(
        "inbox_pending",
        "Messages accepted and not finished, without the parked.",
        ("account",),
        {(name,): len(arrivals) for name, arrivals in pending.items()},
    )
    yield _gauge(
        "inbox_oldest_seconds",
        "Age of the oldest of them.",
        ("account",),
        {(name,): (now - min(arrivals)).total_seconds() if arrivals else 0.0 for name, arrivals in pending.items()},
    )
    parked = dispatcher.parked()
    yield _gauge(
        "inbox_parked",
        "Messages that could not be had or handled, tried again later.",
        ("account",),
        {(name,): parked[name] for name in pending},
    )
    yield _gauge("lanes", "Conversations at work.", (), {(): dispatcher.lanes})
    yield _gauge("windows", "Conversations whose last minutes are in memory.", (), {(): dispatcher.windows})
    if figures.standing is None:
        return
    standing = figures.standing
    given_up = {(name,): float(standing.unfetchable.get(name, 0)) for name in pending}
    yield _gauge("unfetchable", "Messages given up after 48 h, of the last 30 days.", ("account",), given_up)
    labels = ("account", "state", "lane")
    lines = {(line.account, str(line.state), str(line.lane)): line for line in standing.lines}
    yield _gauge(
        "outbox",
        "Lines queued, being sent, of unknown fate, and failed in the last 48 h.",
        labels,
        {key: line.count for key, line in lines.items()},
    )
    yield _gauge(
        "outbox_oldest_seconds",
        "Since the oldest of them was due (queued) or sent (the others).",
        labels,
        {key: max(0.0, (now - line.since).total_seconds()) for key, line in lines.items()},
    )
    gaps = {name: standing.gaps[name] for name in pending if name in standing.gaps}
    yield _counter(
        "gaps", "Times without a link, on record.", ("account",), {(name,): count for name, (count, _) in gaps.items()}
    )
    yield _counter(
        "gap_seconds",
        "How long they were in all.",
        ("account",),
        {(name,): long.total_seconds() for name, (_, long) in gaps.items()},
    )


def _upward(house: House, figures: Figures) -> Iterator[Metric]:
    """The platforms above: what waits for them and since when."""
    now = house.clock.now()
    label = ("upstream",)
    outcomes = {
        (courier.name, outcome): float(count)
        for courier in house.couriers
        for outcome, count in courier.outcomes.items()
    }
    text = "Tickets by what became of them there, and requests that failed, by why."
    yield _counter("sync_outcomes", text, ("upstream", "outcome"), outcomes)
    found = {(name,): one for name, one in figures.upward.items()}
    waiting = {key: float(one.waiting + one.behind) for key, (_, one) in found.items()}
    yield _gauge("sync_waiting", "Tickets and changes that are still to arrive.", label, waiting)
    lag = {key: (now - one.since).total_seconds() if one.since else 0.0 for key, (_, one) in found.items()}
    yield _gauge("sync_lag_seconds", "Since the oldest change that has not arrived.", label, lag)
    parked = {key: float(one.parked) for key, (_, one) in found.items()}
    yield _gauge("sync_parked", "Tickets that were refused, for a person.", label, parked)
    failures = {key: float(link.failures) for key, (link, _) in found.items()}
    yield _gauge("sync_failures", "Requests that failed in a row.", label, failures)
    opened = {
        key: link.open_until.timestamp() if link.open_until is not None and link.open_until > now else 0.0
        for key, (link, _) in found.items()
    }
    yield _gauge("sync_breaker_until_seconds", "The breaker is open until, Unix time; 0: closed.", label, opened)
    last = {key: link.succeeded_at.timestamp() for key, (link, _) in found.items() if link.succeeded_at is not None}
    yield _gauge("sync_success_seconds", "When a request last succeeded, Unix time.", label, last)
    verdicts = house.answers.tally if house.answers is not None else {}
    text = "Answers of the platforms above by what they did here."
    heard = {key: float(count) for key, count in verdicts.items()}
    yield _counter("sync_answers", text, ("upstream", "verdict"), heard)
    conflicts = {(name,): float(count) for name, (count, _) in figures.answers.items()}
    yield _gauge("sync_conflicts", "Answers that contradict what happened here, for a person.", label, conflicts)
    read = {(name,): at.timestamp() for name, (_, at) in figures.answers.items() if at is not None}
    yield _gauge("sync_answers_read_seconds", "When its answers were last read, Unix time.", label, read)


def _alerts(house: House) -> Iterator[Metric]:
    """What devices sent."""
    heard = {key: float(count) for key, count in house.alerts.tally.items()} if house.alerts is not None else {}
    yield _counter("alerts", "Alerts of devices by what they did, or why refused.", ("source", "verdict"), heard)


def _fleet(house: House, figures: Figures) -> Iterator[Metric]:
    """This process among those that share its database."""
    yield _gauge("seats", "Accounts that this process serves.", (), {(): len(house.seats)})
    yield _gauge("duty", "1 where it does what one process of all does.", (), {(): float(house.on_duty)})
    if figures.fleet is not None:
        yield _gauge("fleet_processes", "Processes alive.", (), {(): figures.fleet.processes})
        yield _gauge("fleet_accounts", "Accounts that there are to serve.", (), {(): figures.fleet.accounts})
        yield _gauge("fleet_unowned", "Accounts that none of them serves.", (), {(): len(figures.fleet.unowned)})
