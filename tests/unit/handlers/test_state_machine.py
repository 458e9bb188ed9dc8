"""Random people say random things over random time, through the real handlers and the real store.

After every step: no ticket is in an impossible state, every change of state is in the audit trail, the chain verifies,
and the figures are what the trail alone tells.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from storage import audit, figures, merges, tickets
from storage.engine import Tx
from storage.model import AuditEntry, CallbackOutcome, Level, Message, Ticket, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import ACCOUNT, COMMUNITY, GROUP, MICRO, START

T = TypeVar("T")
S = TicketState

NEXT_DOOR, GROUP_NEXT_DOOR = MICRO[:-1] + "3", "青禾社区13微网格群"
RESIDENTS = ("李姐", "老周", "阿芳")
STAFF = {
    "王主任": ("社区", COMMUNITY),
    "赵主任": ("社区", COMMUNITY),
    "陈科长": ("街道", COMMUNITY[:9]),
    "住建局": ("部门", COMMUNITY[:6]),
    "隔壁刘姐": ("微网格长", NEXT_DOOR),
    "小赵": ("物业", COMMUNITY),
    "张警官": ("民警", COMMUNITY),
    "王党员": ("党员", MICRO),
}
PEOPLE = (*RESIDENTS, "刘姐", "小张", *STAFF)
SAID = {
    "3栋2单元电梯又坏了": matter("0101", building="3", unit="2", objects=("电梯",)),
    "5栋停水了": matter("0102", building="5", objects=("停水",)),
    "停水了": matter("0102", objects=("停水",)),
    "6栋起火了": matter("0501", building="6", objects=("起火",)),
    "隔壁打人了": matter("0511", building="7", objects=("打人",)),
    "楼上违建": matter("0701", building="8", objects=("违建",)),
    "好像有点臭": maybe("0205", building="9", objects=("臭",)),
}
COMMANDS = (
    "受理 {a}", "误报 {a}", "派单 {a} 物业 2h", "派单 {a} 民警", "接单 {a}", "退回 {a} 不归我们管",
    "处置中 {a} 下午好", "延期 {a} 1小时 等配件", "延期 {a} 30天 等立项", "办结 {a} 修好了",
    "办结 {a} 配件没到 未解决：等厂家 已联系", "不受理 {a} 超职责", "不受理 {a} 重复", "不受理 {a}", "吹哨 {a} 要协调",
    "督办 {a}", "合并 {a} {b}", "撤并 {a}", "改类 {a} 供水", "改类 {a} 火情烟雾", "改类 {a} 违章搭建", "改址 {a} 7栋",
    "呼叫 {a}", "应答 {a}", "撤回 {a}", "补充 {a} 还是不行", "评价 {a} 满意", "评价 {a} 不满意", "评价 {a} 3",
    "查询 {a}", "清单 {a} 项目", "待办", "1", "2", "+1",
)  # fmt: skip

# From → to, as design/tickets.md has it; the same state again is always possible (another owner, another place).
# A skipped step is recorded as taken.
WORKED_ON = (S.FILED, S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS)
OPEN = (*WORKED_ON, S.CALLBACK)
POSSIBLE: dict[TicketState | None, set[TicketState]] = {
    None: {S.CANDIDATE, S.FILED},
    S.CANDIDATE: {S.FILED},
    S.FILED: {S.ASSIGNED, S.CLOSED, S.REFUSED, S.WITHDRAWN, S.MERGED},
    S.ASSIGNED: {S.ACCEPTED, S.FILED, S.CLOSED, S.REFUSED, S.WITHDRAWN, S.MERGED},
    # Back to 已派: given to somebody else who is still to accept it.
    S.ACCEPTED: {S.ASSIGNED, S.IN_PROGRESS, S.HANDLED, S.CLOSED, S.REFUSED, S.WITHDRAWN, S.MERGED},
    S.IN_PROGRESS: {S.HANDLED, S.CLOSED, S.REFUSED, S.WITHDRAWN, S.MERGED},
    S.HANDLED: {S.CALLBACK},
    S.CALLBACK: {S.CLOSED, S.FILED, S.REFUSED, S.WITHDRAWN, S.MERGED},
    S.CLOSED: {S.FILED},
    S.REFUSED: {S.FILED},
    S.WITHDRAWN: set(),
    S.MERGED: set(OPEN),
}
STATES = {state.value for state in TicketState}


class Recount:
    """What the audit trail of one ticket tells, and nothing else."""

    def __init__(self, trail: list[AuditEntry]) -> None:
        self.state: TicketState | None = None
        self.level = Level.GRID
        self.reopened = 0
        self.outcome: CallbackOutcome | None = None
        self.finished_before = False
        self.deleted = False
        for entry in trail:
            self._follow(entry)

    def _follow(self, entry: AuditEntry) -> None:
        if entry.action == "raised":
            assert entry.before == self.level.value, "raised from where it was not"
            self.level = Level(entry.after or "")
            return
        if entry.action in {"false_alarm", "withdrawn", "recalled"} and entry.before == S.CANDIDATE and not entry.after:
            self.deleted = True
            return
        if entry.after is None or entry.after not in STATES:
            return
        before = None if entry.before is None else S(entry.before)
        assert before is self.state, f"{entry.action} from {before}, but it was {self.state}"
        after = S(entry.after)
        assert after is before or after in POSSIBLE[before], f"{entry.action}: {before} → {after}"
        self._judge(entry, before, after)
        self.state = after

    def _judge(self, entry: AuditEntry, before: TicketState | None, after: TicketState) -> None:
        if entry.action == "reopened":
            self.reopened += 1
            self.outcome = None if before is S.REFUSED else CallbackOutcome.UNSOLVED
        elif entry.action == "closed":
            self.outcome = CallbackOutcome.SOLVED
        elif entry.action == "unreached":
            self.outcome = CallbackOutcome.UNREACHED
        elif entry.action == "finished" and after is S.CALLBACK and before is not after:
            self.outcome = None


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory(prefix="xiaoge-life-")
        self.stage: Judged = self.do(self.set_up())
        self.heard: list[Message] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def read(self, work: Callable[[Tx], Coroutine[Any, Any, T]]) -> T:
        return self.do(self.stage.store.read(work))

    async def set_up(self) -> Judged:
        stage = await judged(Path(self.folder.name))
        await stage.room(GROUP_NEXT_DOOR, NEXT_DOOR)
        for nick, (role, scope) in STAFF.items():
            await stage.cast(nick, role, scope)
        for text, decision in SAID.items():
            stage.judge(text, decision)
        return stage

    def teardown(self) -> None:
        self.do(self.stage.strike())
        self.runner.close()
        self.folder.cleanup()

    def every(self) -> list[Ticket]:
        return self.read(lambda tx: tickets.search(tx, states=set(TicketState)))

    # --- what happens ---
    @rule(
        who=st.sampled_from(RESIDENTS),
        what=st.sampled_from(sorted(SAID)),
        room=st.sampled_from((GROUP, GROUP_NEXT_DOOR, None)),
    )
    def complain(self, who: str, what: str, room: str | None) -> None:
        self.do(self.stage.say(who, what, room=room))
        assert self.stage.last is not None
        self.heard.append(self.stage.last)

    @rule(
        who=st.sampled_from(PEOPLE),
        what=st.sampled_from(COMMANDS),
        numbers=st.tuples(st.integers(1, 6), st.integers(1, 6)),
        room=st.sampled_from((GROUP, GROUP_NEXT_DOOR, None)),
    )
    def command(self, who: str, what: str, numbers: tuple[int, int], room: str | None) -> None:
        a, b = numbers
        self.do(self.stage.say(who, what.format(a=f"S{a}", b=f"S{b}"), room=room))
        assert self.stage.last is not None
        self.heard.append(self.stage.last)

    @rule(number=st.integers(1, 3), result=st.sampled_from(("修好了", "不属实 现场没有")))
    def the_usual_course(self, number: int, result: str) -> None:
        """Random commands alone seldom get a ticket to its end."""
        for who, what in (
            ("刘姐", f"派单 S{number} 物业"),
            ("小张", f"接单 S{number}"),
            ("小张", f"办结 S{number} {result}"),
        ):
            self.do(self.stage.say(who, what))

    @precondition(lambda self: self.heard)
    @rule(which=st.integers(0, 200))
    def take_back(self, which: int) -> None:
        self.do(self.stage.recall(self.heard[which % len(self.heard)]))

    @precondition(lambda self: self.heard)
    @rule()
    def delivered_twice(self) -> None:
        self.do(self.stage.again())

    @rule(minutes=st.sampled_from((1, 5, 31, 130, 60 * 20, 60 * 75, 60 * 24 * 15)))
    def time_passes(self, minutes: int) -> None:
        self.stage.after(minutes=minutes)
        self.do(self.stage.tick())

    # --- what must hold ---
    @invariant()
    def no_impossible_state(self) -> None:
        for ticket in self.every():
            assert (ticket.state is S.MERGED) is (ticket.merged_into is not None)
            merge = self.read(lambda tx, number=ticket.number: merges.of(tx, number))
            assert (merge is not None) is (ticket.state is S.MERGED)
            assert ticket.state is not S.HANDLED
            if ticket.state in {S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS}:
                assert ticket.owner_role is not None
                assert ticket.assigned_at is not None
            if ticket.state is S.FILED:
                assert ticket.owner_role is None
            if ticket.state in {S.ACCEPTED, S.IN_PROGRESS}:
                assert ticket.accepted_at is not None
                assert ticket.first_role is not None
            if ticket.state is S.CALLBACK:
                assert ticket.handled_at is not None
            over = ticket.state in {S.CLOSED, S.REFUSED, S.WITHDRAWN, S.MERGED}
            assert (ticket.closed_at is not None) is over
            known = self.read(lambda tx, number=ticket.number: tickets.reporters(tx, number))
            assert ticket.reporters == max(len(known), 1)
            assert known or ticket.proactive

    @invariant()
    def the_trail_tells_every_change(self) -> None:
        assert self.read(audit.verify).ok
        for ticket in self.every():
            self.recount(ticket)

    def recount(self, ticket: Ticket) -> Recount:
        found = Recount(self.read(lambda tx: audit.of_ticket(tx, ticket.number)))
        assert found.state is ticket.state
        assert found.level is ticket.level
        assert found.reopened == ticket.reopened
        assert found.outcome is ticket.outcome or ticket.state is S.CANDIDATE
        assert not found.deleted
        return found

    @invariant()
    def the_figures_are_what_the_trail_tells(self) -> None:
        counts = self.read(lambda tx: figures.total(tx, START - timedelta(days=1), self.stage.now + timedelta(days=1)))
        every = [self.recount(ticket) for ticket in self.every() if ticket.state is not S.CANDIDATE]
        assert counts.filed == len(every)
        assert counts.finished == sum(each.state in {S.CALLBACK, S.CLOSED} for each in every)
        assert counts.open == sum(each.state in WORKED_ON for each in every)
        assert counts.reopened == sum(each.reopened > 0 for each in every)
        assert counts.solved == sum(each.outcome is CallbackOutcome.SOLVED for each in every)
        assert counts.unsolved == sum(each.outcome is CallbackOutcome.UNSOLVED for each in every)
        assert counts.unreached == sum(each.outcome is CallbackOutcome.UNREACHED for each in every)

    @invariant()
    def nothing_is_said_twice(self) -> None:
        keys = [line.key for line in self.do(self.stage.lines()) if line.account == ACCOUNT]
        assert len(keys) == len(set(keys))


def _run(examples: int, steps: int, life: type[Life] = Life) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            database=None,
        ),
    )


def test_random_lives() -> None:
    _run(10, 30)


class OtherLife(Life):
    """Of another name, so that hypothesis does not draw the same lives again where it is told to repeat itself."""


@pytest.mark.long
@pytest.mark.parametrize("life", [Life, OtherLife])  # on two cores at once
def test_many_random_lives(life: type[Life]) -> None:
    _run(50, 60, life)
