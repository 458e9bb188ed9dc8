"""退回, 首接负责, and owners by category."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from handlers.texts import tickets as texts
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


# --- 派单 of what was accepted ---
async def accepted(stage: Judged) -> None:
    """小张 of the 物业 has accepted it, with two hours from the first 派单."""
    await stage.cast("老赵", "执法", GENERAL)
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "派单 S1 物业 2h")
    await stage.say("小张", "接单 S1")


async def test_what_was_accepted_goes_to_somebody_else_and_the_clock_runs_on(stage: Judged) -> None:
    await accepted(stage)
    before = await stage.the_ticket()
    stage.after(minutes=50)
    await stage.say("刘姐", "派单 S1 执法 2h")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.owner_role, ticket.accepted_at) == (TicketState.ASSIGNED, Role.ENFORCEMENT, None)
    assert ticket.due == before.due
    assert ticket.acknowledged_at == before.acknowledged_at
    assert (await stage.told("老赵"))[-1].startswith("【派单】S1")
    assert (await stage.told("小张"))[-1] == "【改派】S1 电梯故障 3栋2单元：刘姐已改派执法 老赵，对方接单前仍由您负责。"
    assert [(entry.before, entry.after) for entry in await stage.trail() if entry.action == "assigned"] == [
        ("filed", "assigned"),
        ("accepted", "assigned"),
    ]
    assert (await stage.store.read(audit.verify)).ok
    await stage.tick()
    stage.after(minutes=31)
    await stage.tick()
    assert "还没有接单" in (await stage.told("刘姐"))[-1]


async def test_until_the_second_accepts_the_first_answers_for_it(stage: Judged) -> None:
    await accepted(stage)
    await stage.say("刘姐", "派单 S1 执法")
    await stage.say("小张", "待办", room=None)
    assert "S1 电梯故障" in (await stage.told("小张"))[-1]
    await stage.say("老赵", "接单 S1")
    await stage.say("小张", "办结 S1 修好了")
    assert (await stage.the_ticket()).state is TicketState.ACCEPTED
    await stage.say("老赵", "办结 S1 修好了")
    assert (await stage.the_ticket()).state is TicketState.CALLBACK


async def test_who_has_it_no_more_cannot_give_it_back(stage: Judged) -> None:
    await accepted(stage)
    await stage.say("刘姐", "派单 S1 执法")
    before = await stage.the_ticket()
    await stage.say("小张", "退回 S1 不归我们管")
    assert "@小张 S1 已派老赵，由对方来办。" in await stage.said()
    assert await stage.the_ticket() == before


async def test_a_colleague_is_named_and_the_company_alone_changes_nothing(stage: Judged) -> None:
    await accepted(stage)
    await stage.cast("小李", "物业", GENERAL)
    before = await stage.the_ticket()
    for words in ("派单 S1 物业", "派单 S1 物业 小张 1h"):
        await stage.say("刘姐", words)
        assert f"@刘姐 {texts.stays_with('S1', '小张', '物业')}" in await stage.said()
    assert await stage.the_ticket() == before
    await stage.say("刘姐", "派单 S1 物业 小李")
    colleague = await stage.person("小李")
    assert colleague is not None
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.owner_id) == (TicketState.ASSIGNED, colleague.id)
    assert any(line.startswith("【改派】S1") for line in await stage.told("小张"))


async def test_it_is_not_taken_from_somebody_for_nobody_nor_by_somebody_without_the_right(stage: Judged) -> None:
    await accepted(stage)
    before = await stage.the_ticket()
    await stage.say("刘姐", "派单 S1 民警")
    assert f"@刘姐 {texts.nobody_instead('S1', '小张', '民警')}" in await stage.said()
    assert await stage.say("小张", "派单 S1 执法") == "denied"
    assert await stage.the_ticket() == before


async def test_who_was_still_to_accept_it_hears_that_it_went_to_another(stage: Judged) -> None:
    await stage.cast("老赵", "执法", GENERAL)
    await stage.cast("小王", "民警", GENERAL)
    await stage.say("李姐", LIFT)
    for role in ("物业", "执法", "民警", "民警"):
        await stage.say("刘姐", f"派单 S1 {role}")
    assert (await stage.told("小张"))[-1].endswith("刘姐已改派执法 老赵，对方接单前仍由您负责。")
    assert (await stage.told("老赵"))[-1].endswith("刘姐已改派民警 小王。")  # 首接负责: not the second's to answer for
    assert not [line for line in await stage.told("小王") if "改派" in line]
