"""退回, 首接负责, and owners by category."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import audit, notes, owners
from storage.model import Owner, Role, TicketState
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, GENERAL

LIFT, DISPUTE = "3栋2单元电梯又坏了", "楼上漏水泡了我家"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(DISPUTE, matter("0801", building="3", objects=("漏水",)))
    yield stage
    await stage.strike()


async def owned_by(stage: Judged, owner: Owner) -> None:
    await stage.store.write(lambda tx: owners.put(tx, [owner]))


async def test_the_named_owner_gets_it_at_once_and_the_leader_hears_who(stage: Judged) -> None:
    await owned_by(stage, Owner("01", COMMUNITY, Role.PROPERTY))
    await stage.say("李姐", LIFT)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.owner_role, ticket.first_role) == (
        TicketState.ASSIGNED,
        Role.PROPERTY,
        Role.PROPERTY,
    )
    assert ticket.acknowledged_at is None  # no person has answered
    assert "【派单】S1" in (await stage.told("小张"))[-1]
    assert "已派小张，改派回复 派单 S1 物业" in (await stage.told("刘姐"))[-1]
    assert (await stage.said())[-1].startswith("@李姐 已登记 S1")
    (entry,) = [entry for entry in await stage.trail() if entry.action == "assigned"]
    assert (entry.actor, entry.detail["automatic"]) == (None, True)


async def test_one_named_person_and_one_of_a_firm(stage: Judged) -> None:
    person = await stage.cast("老赵", "物业", GENERAL)
    await owned_by(stage, Owner("0101", GENERAL, Role.PROPERTY, person_id=person.id))
    await stage.say("李姐", LIFT)
    assert (await stage.the_ticket()).owner_id == person.id
    await owned_by(stage, Owner("0101", GENERAL, Role.PROPERTY, org="没有这个单位"))
    stage.after(hours=80)
    stage.judge("5栋电梯坏了", matter("0101", building="5", objects=("电梯",)))
    await stage.say("老周", "5栋电梯坏了")
    assert [ticket.state for ticket in await stage.tickets()][-1] is TicketState.FILED


async def test_what_is_confidential_waits_for_a_person(stage: Judged) -> None:
    await owned_by(stage, Owner("", "", Role.PROPERTY))
    await stage.say("李姐", DISPUTE)
    assert (await stage.the_ticket()).state is TicketState.FILED
    assert not await stage.told("小张")


async def test_who_had_it_first_answers_for_it_until_another_accepts(stage: Judged) -> None:
    await stage.cast("老赵", "执法", GENERAL)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "退回 S1 不归我们管")
    await stage.say("刘姐", "派单 S1 执法")
    await stage.say("小张", "待办", room=None)
    assert "S1 电梯故障" in (await stage.told("小张"))[-1]
    await stage.say("老赵", "接单 S1")
    ticket = await stage.the_ticket()
    assert (ticket.first_role, ticket.owner_role) == (Role.ENFORCEMENT, Role.ENFORCEMENT)
    await stage.say("小张", "待办", room=None)
    assert (await stage.told("小张"))[-1] == "没有待办。"


async def test_the_reason_is_kept_beside_the_chain_and_never_in_it(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业")
    await stage.say("小张", "退回 S1 13800000001的王总不修")
    (note,) = await stage.store.read(lambda tx: notes.of_ticket(tx, 1))
    assert note.action == "returned"
    assert "王总不修" in note.text
    assert "13800000001" not in note.text
    assert (await stage.store.read(audit.verify)).ok
    assert "王总" not in str(await stage.trail())
    await stage.say("李姐", "撤回 S1")
    assert [note.text for note in await stage.store.read(lambda tx: notes.of_ticket(tx, 1))] == [""]
