"""A notice to 8,742 groups over 46 accounts, in virtual time, while everything goes wrong that goes wrong.

What is held against the program is the network's own log (tests/chaos/fleet.py) and the rules of pacing as they are
said in tests/chaos/limits.py; the program's own books are checked against both.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from storage import notices, outbox
from storage.engine import Store
from storage.model import Lane, Outgoing, SendState
from storage.notices import NoticeState, RoomLine, Skipped, Standing
from storage.testing import url_of
from tests.chaos import fleet
from tests.chaos.fleet import Entry, Group, Plan
from tests.chaos.limits import Call, Limits

ROOT = Path(__file__).resolve().parents[2]
GROUPS, ACCOUNTS, MOST_ROOMS = 8_742, 46, 200
MORNING = datetime(2025, 6, 12, 1, 0, tzinfo=UTC)  # nine o'clock in China
NIGHT = datetime(2025, 6, 12, 15, 0, tzinfo=UTC)  # eleven in the evening
MOST = 1.1  # of the time that there is no way around
WALL = 60.0  # seconds of an idle core, on which the known work takes
KNOWN = 0.12  # seconds
BUSY = 4.0  # on a core that is shared with others the same takes a multiple, also by the processor's own time
LEFT = (SendState.SENDING, SendState.SENT, SendState.UNKNOWN, SendState.FAILED)


def make_plan(seed: int, *, urgent: bool) -> Plan:
    """Two young accounts and one that is refused twice have fewer rooms, the others as many as there are left to share.
    The last account dies when half of its lines are out; each of those that live stands by in one of its rooms."""
    drawn = random.Random(seed)
    names = tuple(f"a{number:02d}" for number in range(1, ACCOUNTS + 1))
    young, dies, living = names[:2], names[-1], names[2:-1]
    staffed, once, again, twice = drawn.sample(living, 4)
    fewer = {**dict.fromkeys(young, 45), twice: 110}
    full = [name for name in names if name not in fewer]
    owners = [name for name, rooms in fewer.items() for _ in range(rooms)]
    owners += [full[number % len(full)] for number in range(GROUPS - len(owners))]
    drawn.shuffle(owners)
    free = drawn.sample(living, len(living))
    made = [
        Group(number, owner, free.pop() if owner == dies and free and drawn.random() < 0.5 else None, _grid(number))
        for number, owner in enumerate(owners, start=1)
    ]
    return Plan(
        seed=seed,
        urgent=urgent,
        start=NIGHT if urgent else MORNING,
        groups=tuple(made),
        accounts=names,
        staffed=staffed,
        young=young,
        echoing=names[::8],
        throttles={once: (300.0,), again: (900.0,), twice: (120.0, 760.0)},
        dies=dies,
        dies_at=960.0,
        failing=0.02,
        crash_every=300.0,
    )


def _grid(number: int) -> str:
    """Each group has a micro-grid of its own, in one of 148 communities."""
    community, place = divmod(number, 60)
    return f"{fleet.SCOPE}{1 + community // 30:03d}{1 + community % 30:03d}{1 + place // 10:03d}{1 + place % 10:03d}"


@dataclass(frozen=True)
class Outcome:
    """What was left, and what had happened on the wire."""

    plan: Plan
    seconds: float  # of the processor
    log: list[Entry]
    state: NoticeState
    standing: Standing
    rows: dict[str, RoomLine]  # by the group's IM id
    lines: list[Outgoing]

    @classmethod
    def of(cls, plan: Plan, home: Path) -> Outcome:
        (home / "plan.json").write_bytes(msgspec.json.encode(plan))
        begun = _processor_time()
        subprocess.run([sys.executable, "-m", "tests.chaos.fleet", home], cwd=ROOT, check=True)  # noqa: S603
        seconds = _processor_time() - begun
        return asyncio.run(cls._read(plan, home, seconds))

    @classmethod
    async def _read(cls, plan: Plan, home: Path, seconds: float) -> Outcome:
        async with await Store.open(url_of(home / "xiaoge.db"), read_only=True) as store:
            (notice,) = await store.read(notices.every)
            standing = await store.read(lambda tx: notices.standing(tx, notice.number))
            rows = await store.read(lambda tx: notices.by_room(tx, notice.number))
            lines = []
            for state in LEFT:
                lines += await store.read(lambda tx, state=state: outbox.by_state(tx, state))  # type: ignore[misc]
        by_group = {f"{row.topic.removesuffix('群')}@chatroom": row for row in rows}
        assert len(by_group) == len(rows)
        return cls(plan, seconds, fleet.read_log(home), notice.state, standing, by_group, lines)

    # ------------------------------------------------------------ each group once, or said so
    def check_groups(self) -> list[str]:
        """What the program's books say of each group against what the network knows."""
        assert self.rows.keys() == {group.im for group in self.plan.groups}
        delivered = Counter(entry.conversation for entry in self.notice_entries("delivered"))
        wrong = [f"{group} got it {times} times" for group, times in delivered.items() if times > 1]
        lost = {entry.conversation for entry in self.log if entry.what == "lost"}
        refused = {entry.conversation for entry in self.log if entry.what == "rejected"}
        ends = {entry.at for entry in self.log if entry.what == "killed"}
        standby = {group.im: group.standby for group in self.plan.groups if group.account == self.plan.dies}
        for group, row in self.rows.items():
            got = bool(delivered[group])
            match row.skipped, row.state:
                case None, SendState.SENT:
                    true = got
                case None, SendState.UNKNOWN:
                    true = group in lost or self._under_way(group, row, ends)
                case None, SendState.FAILED if row.error == notices.NO_MEMBER:
                    true = not got and standby.get(group, "") is None
                case None, SendState.FAILED:
                    true = not got and group in refused
                case Skipped.NO_MEMBER, _:
                    true = not got and standby.get(group, "") is None
                case _:
                    true = False
            if not true:
                wrong.append(
                    f"{group} is listed as {row.skipped or row.state}, delivered {delivered[group]}: {row.error}"
                )
        return wrong

    def _under_way(self, group: str, row: RoomLine, ends: set[datetime]) -> bool:
        """Whether a life ended between the claim of its line and the answer."""
        assert row.at is not None
        here = [entry.at for entry in self.log if entry.conversation == group and entry.what == "answered"]
        answers = [at for at in here if at > row.at]  # what was answered before was somebody's question there
        until = row.at + 2 * fleet.LATENCY[1] * fleet.SECOND
        return any(row.at <= end <= min([until, *answers]) for end in ends)

    def notice_entries(self, what: str) -> list[Entry]:
        return [entry for entry in self.log if entry.what == what and fleet.WORDS in entry.text and is_group(entry)]

    # ------------------------------------------------------------ the budgets
    def limits(self) -> dict[str, Limits]:
        forgotten = fleet.untold(self.log)
        told = [entry for entry in self.log if entry.what == "throttled" and entry not in forgotten]
        return {
            account: Limits(
                throttled=tuple(entry.at for entry in told if entry.account == account),
                since=self.plan.start - timedelta(days=1) if account in self.plan.young else None,
            )
            for account in self.plan.accounts
        }

    def check_budgets(self) -> list[str]:
        """By the network's log, and by the program's own."""
        refused = {(entry.account, entry.conversation, entry.at) for entry in self.log if entry.what == "throttled"}
        lanes = {(line.conversation, line.text): line.lane for line in self.lines}
        seen: dict[str, list[Call]] = defaultdict(list)
        for entry in self.log:
            if entry.what == "called" and not self._refused(entry, refused):
                lane = lanes.get((entry.conversation, entry.text), Lane.REPLY)
                seen[entry.account].append(Call(entry.at, entry.conversation, lane))
        booked: dict[str, list[Call]] = defaultdict(list)
        for line in self.lines:
            if line.sending_at is not None:
                booked[line.account].append(Call(line.sending_at, line.conversation, line.lane))
        wrong = []
        for account, limits in self.limits().items():
            for name, calls in (("network", seen[account]), ("books", booked[account])):
                wrong += [f"{account} by its {name}: {what}" for what in limits.broken(sorted(calls, key=by_time))]
        return wrong

    def _refused(self, call: Entry, refused: set[tuple[str, str, datetime]]) -> bool:
        until = call.at + fleet.LATENCY[1] * fleet.SECOND
        return any(
            account == call.account and conversation == call.conversation and call.at <= at <= until
            for account, conversation, at in refused
        )

    # ------------------------------------------------------------ the time
    def took(self) -> dict[str, timedelta]:
        """From the confirmation until the last group was called, for each account."""
        last: dict[str, datetime] = {}
        for entry in self.notice_entries("called"):
            last[entry.account] = entry.at
        return {account: at - self.confirmed for account, at in last.items()}

    @property
    def confirmed(self) -> datetime:
        return self.plan.moment(60)

    def least(self) -> dict[str, timedelta]:
        """What the limits alone allow each account: its rooms, and those that it took over, at the first moments that
        its budgets, its refusals and its youth leave free. The account that dies is not asked."""
        called = {entry.conversation for entry in self.notice_entries("called") if entry.account == self.plan.dies}
        rooms = Counter(group.account for group in self.plan.groups)
        rooms += Counter(
            group.standby
            for group in self.plan.groups
            if group.account == self.plan.dies and group.standby is not None and group.im not in called
        )
        del rooms[self.plan.dies]
        limits = self.limits()
        lane = Lane.EMERGENCY if self.plan.urgent else Lane.NOTICE
        return {
            account: limits[account].soonest(count, self.confirmed, lane) - self.confirmed
            for account, count in rooms.items()
        }

    def story(self) -> str:
        standing, took, least = self.standing, self.took(), self.least()
        counts = Counter(entry.what for entry in self.log)
        what = "应急 at night" if self.plan.urgent else "by day"
        slack = {account: took[account] / least[account] for account in least if account in took}
        worst = max(slack, key=lambda account: slack[account])
        return (
            f"seed {self.plan.seed}, {what}: {standing.rooms + sum(n for _, n in standing.skipped)} groups, "
            f"sent {standing.sent}, unknown {standing.unknown}, failed {standing.failed}, "
            f"skipped {dict(standing.skipped)}, waiting {standing.waiting}; {counts['killed']} kills, "
            f"{counts['throttled']} refusals; {max(took.values())} of at least {max(least.values())} "
            f"(×{max(took.values()) / max(least.values()):.3f}; the slowest account by its own ×{slack[worst]:.3f}); "
            f"{self.seconds:.1f} s of the processor"
        )


def _processor_time() -> float:
    """Seconds that all ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _slowness() -> float:
    """How many times longer this machine takes for a known piece of work."""

    def known_work() -> float:
        begun, drawn, seen = time.process_time(), random.Random(1), dict[str, list[int]]()
        for number in range(150_000):
            seen.setdefault(f"{drawn.randrange(1000)}:{number % 7}", []).append(number)
        json.loads(json.dumps(seen))
        return time.process_time() - begun

    return max(1.0, min(known_work() for _ in range(5)) / KNOWN)


def is_group(entry: Entry) -> bool:
    return entry.conversation.endswith("@chatroom")


def by_time(call: Call) -> datetime:
    return call.at


def check(outcome: Outcome) -> None:
    wrong = outcome.check_groups() + outcome.check_budgets()
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong[:20])
    assert outcome.state is NoticeState.SENT
    assert max(Counter(row.account for row in outcome.rows.values()).values()) <= MOST_ROOMS
    took, least = max(outcome.took().values()), outcome.least()
    for account, needed in least.items():
        assert outcome.took()[account] >= needed, account
    assert took <= MOST * max(least.values())


def any_seed() -> int:
    """Another one every time; CHAOS_SEED=… plays one again."""
    return int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))


def test_what_is_too_much_is_found() -> None:
    def calls(seconds: float, number: int) -> list[Call]:
        return [Call(MORNING + turn * seconds * fleet.SECOND, f"{turn}", Lane.NOTICE) for turn in range(number)]

    assert not Limits().broken(calls(60, 60))
    assert Limits().broken(calls(9, 7)), "more than six in a minute"
    assert Limits().broken(calls(5.9, 2)), "no gap"
    assert Limits(throttled=(MORNING,)).broken(calls(300, 2)), "said while it was stopped"
    assert Limits(since=MORNING).broken(calls(60, 60)), "as if it were old"


@pytest.mark.parametrize("urgent", [False, True], ids=["by day", "urgent at night"])
@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.long)])
def test_every_group_once(turn: int, urgent: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome.of(make_plan(any_seed() + turn, urgent=urgent), tmp_path)
    with capsys.disabled():
        print(f"\n  {outcome.story()}")
    check(outcome)
    assert outcome.seconds < BUSY * WALL * _slowness()
