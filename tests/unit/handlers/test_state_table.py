"""Every command in every state: the table of design/tickets.md, cell by cell. Nothing else changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import tickets
from storage.engine import Tx
from storage.model import Role, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import COMMUNITY

LIFT = "3栋2单元电梯又坏了"
S = TicketState
LEAK = "5栋停水了"
# 已处置 is passed through and never rested in.
STATES = tuple(state for state in TicketState if state is not S.HANDLED)
OPEN = (S.FILED, S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS, S.CALLBACK)

# (who, what) → state before → state after; a state that is not named stays as it is.
TABLE: dict[tuple[str, str], dict[TicketState, TicketState]] = {
    ("刘姐", "受理 S1"): {S.CANDIDATE: S.FILED, S.REFUSED: S.FILED},
    ("刘姐", "误报 S1"): {
        S.FILED: S.REFUSED,
        S.ASSIGNED: S.REFUSED,
        S.ACCEPTED: S.REFUSED,
        S.IN_PROGRESS: S.REFUSED,
    },  # a candidate is deleted: test_tickets.py
    ("刘姐", "派单 S1 物业"): {S.FILED: S.ASSIGNED},
    ("刘姐", "派单 S1 社区"): {S.FILED: S.ASSIGNED, S.ACCEPTED: S.ASSIGNED},  # 首接负责 goes on: test_assignments.py
    ("刘姐", "办结 S1 修好了"): {
        S.FILED: S.CALLBACK,
        S.ASSIGNED: S.CALLBACK,
        S.ACCEPTED: S.CALLBACK,
        S.IN_PROGRESS: S.CALLBACK,
    },
    ("刘姐", "接单 S1"): {},
    ("小张", "接单 S1"): {S.ASSIGNED: S.ACCEPTED},
    ("小张", "处置中 S1 下午"): {S.ACCEPTED: S.IN_PROGRESS},
    ("小张", "办结 S1 修好了"): {S.ASSIGNED: S.CALLBACK, S.ACCEPTED: S.CALLBACK, S.IN_PROGRESS: S.CALLBACK},
    ("小张", "退回 S1 不归我们管"): {S.ASSIGNED: S.FILED},
    ("刘姐", "退回 S1 不归我们管"): {},
    ("小张", "延期 S1 1天 等配件"): {},  # all of the limit is taken already: asked of the level above
    ("王主任", "延期 S1 1天 同意"): {S.ACCEPTED: S.IN_PROGRESS},
    ("刘姐", "不受理 S1 超职责"): dict.fromkeys(OPEN, S.REFUSED),
    ("刘姐", "不受理 S1 懒得管"): {},
    ("小张", "不受理 S1 超职责"): {},
    ("刘姐", "吹哨 S1 要社区协调"): {},
    ("小张", "吹哨 S1"): {},
    ("王主任", "督办 S1"): {},
    ("刘姐", "督办 S1"): {},
    ("刘姐", "合并 S2 S1"): dict.fromkeys(OPEN, S.MERGED),
    ("刘姐", "合并 S1 S1"): {},
    ("刘姐", "合并 S9 S1"): {},
    ("小张", "合并 S2 S1"): {},
    ("刘姐", "撤并 S1"): {S.MERGED: S.FILED},
    ("刘姐", "改类 S1 供水"): {},
    ("刘姐", "改类 S1 这个类"): {},
    ("刘姐", "改址 S1 7栋"): {},
    ("小张", "受理 S1"): {},
    ("小张", "派单 S1 物业"): {},
    ("李姐", "撤回 S1"): dict.fromkeys((S.FILED, S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS, S.CALLBACK), S.WITHDRAWN),
    ("李姐", "评价 S1 满意"): {S.CALLBACK: S.CLOSED},
    ("李姐", "评价 S1 不满意"): {S.CALLBACK: S.FILED, S.CLOSED: S.FILED, S.REFUSED: S.FILED},
    ("李姐", "办结 S1 修好了"): {},
    ("老周", "撤回 S1"): {},
    ("老周", "评价 S1 不满意"): {},
    ("老周", "查询 S1"): {},
}
REMOVES = {(S.CANDIDATE, "误报 S1"), (S.CANDIDATE, "撤回 S1")}

# The state stays and something is noted all the same: another owner, another estimate, a grade, a level, a place.
NOTED: dict[tuple[str, str], set[TicketState]] = {
    ("刘姐", "派单 S1 物业"): {S.ASSIGNED},
    ("刘姐", "派单 S1 社区"): {S.ASSIGNED},
    ("小张", "处置中 S1 下午"): {S.IN_PROGRESS},
    ("李姐", "评价 S1 满意"): {S.CLOSED},
    ("王主任", "延期 S1 1天 同意"): {S.IN_PROGRESS},
    ("刘姐", "吹哨 S1 要社区协调"): {S.FILED, S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS},
    ("王主任", "督办 S1"): set(OPEN),
    ("刘姐", "改类 S1 供水"): {*OPEN, S.CANDIDATE},
    ("刘姐", "改址 S1 7栋"): {*OPEN, S.CANDIDATE},
    ("李姐", "撤回 S1"): {S.MERGED},  # the words go, the tickets stay as they are
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    await stage.cast("王主任", "社区", COMMUNITY)
    yield stage
    await stage.strike()


async def put_into(stage: Judged, state: TicketState) -> None:
    """A ticket of 李姐 in that state, with what it would have by then, and one of 阿芳 beside it."""
    stage.judge(LIFT, (maybe if state is S.CANDIDATE else matter)("0101", building="3", unit="2", objects=("电梯",)))
    await stage.say("李姐", LIFT)
    stage.judge(LEAK, matter("0102", building="5", objects=("停水",)))
    await stage.say("阿芳", LEAK)
    stage.after(minutes=5)
    if state is S.MERGED:
        await stage.say("刘姐", "合并 S2 S1")
        return
    worked_on = state in {S.ASSIGNED, S.ACCEPTED, S.IN_PROGRESS, S.CALLBACK, S.CLOSED}
    done = state in {S.CALLBACK, S.CLOSED}

    async def work(tx: Tx) -> None:
        await tickets.update(
            tx,
            1,
            expect=set(TicketState),
            at=stage.now,
            state=state,
            owner_role=Role.PROPERTY if worked_on else None,
            handled_at=stage.now if done else None,
            result="修好了" if done else None,
        )

    await stage.store.write(work)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("who", "what"), TABLE)
async def test_the_table(stage: Judged, who: str, what: str, state: TicketState) -> None:
    await put_into(stage, state)
    before = await stage.store.read(lambda tx: tickets.get(tx, 1))
    trail = len(await stage.trail())
    reason = await stage.say(who, what)

    after = await stage.store.read(lambda tx: tickets.get(tx, 1))
    if (state, what) in REMOVES and who != "老周":
        assert after is None
        return
    assert after is not None
    expected = TABLE[who, what].get(state, state)
    assert after.state is expected
    noted = state in NOTED.get((who, what), ())
    assert (after != before) is (noted or expected is not state)
    if after != before:
        assert len(await stage.trail()) > trail
    assert stage.last is not None
    answered = any(line.key == f"reply:a1:{stage.last.id}" for line in await stage.lines())
    assert answered is (reason != "denied")
