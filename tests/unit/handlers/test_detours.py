"""Emergencies that an account cannot say: another account tells those who must know, once, and nothing confidential."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from handlers import detours
from handlers.context import Effects
from storage import accounts, outbox, people, presence, rooms
from storage.accounts import Account
from storage.engine import Tx
from storage.model import Alias, Draft, Grant, Lane, Outgoing, PostKind, Role, RoomKind, RoomState
from tests.unit.handlers.stage import ACCOUNT, COMMUNITY, GROUP, MICRO, Stage

TEN = timedelta(minutes=10)
OFFICE = "社区工作群"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    made = await Stage.set(tmp_path)
    yield made
    await made.strike()


async def office(stage: Stage, account: str, name: str = OFFICE, grid: str = COMMUNITY) -> None:
    async def work(tx: Tx) -> None:
        room = await rooms.ensure(tx, account, name, name, at=stage.now)
        await rooms.update(tx, room.id, kind=RoomKind.LEADER, state=RoomState.ENABLED, grid=grid)

    await stage.store.write(work)


async def stop(stage: Stage, account: str = ACCOUNT) -> None:
    stopped = Account(account, stopped_until=stage.now + TEN, throttled_at=stage.now, share=0.5)
    await stage.store.write(lambda tx: accounts.slow_down(tx, stopped))


async def urgent(stage: Stage, key: str, account: str = ACCOUNT, lane: Lane = Lane.EMERGENCY) -> None:
    room = await stage.store.read(lambda tx: rooms.find(tx, ACCOUNT, GROUP))
    assert room is not None
    draft = replace(line_for(stage, key, GROUP, room.id), account=account, lane=lane)
    await stage.store.write(lambda tx: outbox.put(tx, draft))


def line_for(stage: Stage, key: str, conversation: str, room_id: int) -> Draft:
    return Draft(
        key=key,
        account=ACCOUNT,
        conversation=conversation,
        text="保密的话",
        kind=PostKind.EMERGENCY,
        lane=Lane.EMERGENCY,
        not_before=stage.now,
        created_at=stage.now,
        room_id=room_id,
    )


async def told(stage: Stage) -> list[Outgoing]:
    """What the detours have queued by now."""
    await stage.store.write(lambda tx: detours.send(Effects(tx, stage.now, stage.policy)))
    every = [line for account in (ACCOUNT, "b", "c") for line in await _due(stage, account)]
    return [line for line in every if line.key.startswith("detour:")]


async def _due(stage: Stage, account: str) -> list[Outgoing]:
    return await stage.store.read(lambda tx: outbox.due(tx, account, stage.now))


async def test_an_emergency_of_a_stopped_account_is_told_through_another(stage: Stage) -> None:
    await office(stage, ACCOUNT, "网格长群", MICRO)
    await office(stage, "b")
    await urgent(stage, "advice:S1")
    await urgent(stage, "told:S1")
    assert await told(stage) == [], "nothing stops it"
    await stop(stage)
    await urgent(stage, "ack:S2", lane=Lane.REPLY)
    (one, other) = await told(stage)
    assert (one.account, one.conversation, one.lane, one.kind) == ("b", OFFICE, Lane.EMERGENCY, PostKind.PRIVATE)
    assert "a1" in one.text
    assert "6月12日10:10" in one.text, "when it is back"
    assert "保密的话" not in one.text + other.text
    stage.after(minutes=1)
    assert len(await told(stage)) == 2, "once in a stop"
    stage.after(minutes=10)
    await stop(stage)
    assert len(await told(stage)) == 4, "and again in the next"


async def test_a_notice_to_many_groups_is_told_in_one_line(stage: Stage) -> None:
    await office(stage, "b")
    for room in range(30):
        await urgent(stage, f"notice:3:{room}")
    await stop(stage)
    (line,) = await told(stage)
    assert "30 条" in line.text
    assert "T3" in line.text


async def test_many_grids_cost_no_more_questions_than_one(stage: Stage) -> None:
    """A notice stops at an account that was to tell 180 groups, each in a grid of its own."""
    await office(stage, "b", grid=f"{COMMUNITY}001")
    await office(stage, "c", "街道群", COMMUNITY[:9])
    liu = [Alias("b", "liu", friend=True)]
    led = Grant(Role.GRID_WORKER, "519999002")
    await stage.store.write(lambda tx: people.import_person(tx, "刘网格", [led], liu))
    await stop(stage)
    statements: list[str] = []
    assert stage.store._writer is not None
    sa.event.listen(stage.store._writer.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    costs = []
    for groups in range(1, 31), range(31, 61):

        async def work(tx: Tx, groups: range = groups) -> None:
            for number in groups:
                for place in (f"{COMMUNITY}001", f"{COMMUNITY}002", "519999002001001"):
                    room = await rooms.ensure(tx, ACCOUNT, f"{place}-{number}", "", at=stage.now)
                    await rooms.update(tx, room.id, state=RoomState.ENABLED, grid=f"{place}{number:03d}")
                    draft = line_for(stage, f"notice:3:{room.id}", room.im_id, room.id)
                    assert await outbox.put(tx, draft) is not None

        await stage.store.write(work)
        statements.clear()
        told_now = await told(stage)
        costs.append(sum(one.lstrip().startswith("SELECT") for one in statements))
        assert sorted(line.conversation for line in told_now) == ["liu", OFFICE, "街道群"]
    assert costs[0] == costs[1], costs
    assert "30 条" in told_now[0].text, "as many as it was when it was told"


async def test_a_ticket_is_named_and_nothing_else_of_a_confidential_one(stage: Stage) -> None:
    await stage.cast("刘网格", "微网格长")
    await office(stage, "b")
    await stop(stage)
    await stage.say("3-2-1502 李姐", "3栋2单元电梯困人了，快救人")
    assert any("S1" in line.text and "电梯" in line.text for line in await told(stage))
    await stage.say("老周", "5栋有人家暴打老婆，孩子在哭救命")
    secret = [line for line in await told(stage) if "S2" in line.text]
    assert secret
    assert not any("家暴" in line.text or "5栋" in line.text for line in secret)


async def test_without_a_leader_room_people_are_told_and_without_people_the_neighbours(stage: Stage) -> None:
    await stop(stage)
    await urgent(stage, "advice:S1")
    assert await told(stage) == []
    await office(stage, "b", "邻近网格长群", COMMUNITY + "009")
    assert [line.conversation for line in await told(stage)] == ["邻近网格长群"]
    liu = [Alias(ACCOUNT, "liu", friend=True), Alias("c", "liu-c", friend=True)]
    await stage.store.write(lambda tx: people.import_person(tx, "刘网格", [Grant(Role.MICRO_LEADER, MICRO)], liu))
    assert [line.conversation for line in await told(stage)][-1] == "liu-c", "by an account that speaks"


async def test_a_dead_account_and_one_of_which_nothing_is_heard(stage: Stage) -> None:
    await office(stage, "b")
    await stage.store.write(lambda tx: presence.listened(tx, ACCOUNT, stage.now))
    stage.after(minutes=3)
    await stage.store.write(lambda tx: presence.listened(tx, "b", stage.now))
    await urgent(stage, "advice:S1")
    assert await told(stage) == [], "perhaps the link is back in a moment"
    stage.after(minutes=3)
    assert await told(stage) == [], "of nobody anything is heard: who would say it?"
    await stage.store.write(lambda tx: presence.listened(tx, "b", stage.now))
    assert len(await told(stage)) == 1
    await stage.store.write(lambda tx: accounts.seen(tx, ACCOUNT, stage.now))
    await stage.store.write(lambda tx: accounts.die(tx, ACCOUNT, stage.now, "retired"))
    assert len(await told(stage)) == 2


async def test_who_tells_it_is_stopped_too(stage: Stage) -> None:
    await office(stage, "b")
    await urgent(stage, "advice:S1")
    await stop(stage)
    assert len(await told(stage)) == 1
    await stop(stage, "b")
    await office(stage, "c", "街道群", COMMUNITY[:9])
    await told(stage)
    assert {line.conversation for line in await _due(stage, "c")} == {"街道群"}
