"""改类, 改址, the fields of a result, and the three lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from handlers import corrections, results
from nlp import categories
from nlp.decision import Nature
from storage.model import Listing, TicketState, Urgency
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY

LIFT = "3栋2单元电梯又坏了"
KNOWN = categories.load()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    stage.judge(LIFT, matter("0101", building="3", unit="2", objects=("电梯",)))
    await stage.cast("王主任", "社区", COMMUNITY)
    yield stage
    await stage.strike()


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("0102", "0102"),
        ("供水", "0102"),
        ("设施维修/供水", "0102"),
        ("供水。", "0102"),
        ("健身", "0110"),
        ("噪音扰民", None),
        ("其他", None),
        ("没有这个", None),
        ("", None),
    ],
)
def test_a_category_by_what_people_call_it(typed: str, code: str | None) -> None:
    assert corrections.named(KNOWN, typed)[0] == code


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("已更换水泵", {"result": "已更换水泵"}),
        ("不属实，现场没有积水", {"founded": False, "result": "不属实，现场没有积水"}),
        ("换了阀门 已联系", {"contacted": True, "result": "换了阀门 已联系"}),
        ("已联系厂家明天来", {"result": "已联系厂家明天来"}),
        ("超职责 转燃气公司", {"out_of_remit": True, "result": "超职责 转燃气公司"}),
        (
            "配件停产 未解决：等厂家",
            {"solved": False, "unsolved_reason": "等厂家", "result": "配件停产 未解决：等厂家"},
        ),
        ("换了皮带 公开答复：已修好", {"public_answer": "已修好", "result": "换了皮带"}),
        ("公开答复：已修好", {"public_answer": "已修好", "result": "已修好"}),
    ],
)
def test_the_fields_of_a_result(said: str, fields: dict[str, Any]) -> None:
    assert results.read(said) == fields


async def test_another_category_means_other_limits_from_the_same_beginning(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.the_ticket()
    stage.after(hours=3)
    await stage.say("刘姐", "改类 S1 供水")
    after = await stage.the_ticket()
    assert (after.category, after.urgency) == ("0102", Urgency.ROUTINE)
    assert after.due is not None
    assert (after.due - before.reported_at).total_seconds() == 24 * 3600


async def test_the_category_that_it_has_changes_nothing(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    before = await stage.the_ticket()
    await stage.say("刘姐", "改类 S1 电梯故障")
    assert await stage.the_ticket() == before
    assert any("没有改动" in line for line in await stage.said())


async def test_an_emergency_by_correction_alarms_the_community(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "改类 S1 电梯困人")
    assert (await stage.the_ticket()).urgency is Urgency.EMERGENCY
    assert any("【应急】S1" in line for line in await stage.told("王主任"))


async def test_confidential_by_category_and_back(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "改类 S1 相邻纠纷")
    assert (await stage.the_ticket()).confidential
    assert [line for line in await stage.said() if "纠纷" in line] == []
    assert not any("已登记" in line for line in await stage.said())  # it had not left yet
    await stage.say("刘姐", "改类 S1 电梯故障", room=None)
    assert not (await stage.the_ticket()).confidential


async def test_the_place_is_what_is_typed_now(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "改址 S1 南门菜鸟驿站旁边")
    place = (await stage.the_ticket()).place
    assert (place.building, place.unit) == (None, None)
    assert place.place


async def test_words_that_are_no_place_change_none(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    before = (await stage.the_ticket()).place
    await stage.say("刘姐", "改址 S1 麻烦师傅明天再去看一下")
    assert (await stage.the_ticket()).place == before
    assert [line for line in await stage.said() if line.startswith("@刘姐 没认出这个地址")]


async def test_a_suggestion_is_a_demand_and_may_become_a_project(stage: Judged) -> None:
    stage.judge("建议装充电桩", matter("0306", place="西门", nature=Nature.SUGGESTION, objects=("充电桩",)))
    await stage.say("李姐", "建议装充电桩")
    assert (await stage.the_ticket()).listed is Listing.DEMAND
    await stage.say("王主任", "清单 S1 项目", room=None)
    assert (await stage.the_ticket()).listed is Listing.PROJECT
    await stage.say("王主任", "清单 资源 会议室周末可用", room=None)
    await stage.say("王主任", "清单", room=None)
    assert (await stage.told("王主任"))[-1] == "需求清单 0项，资源清单 1项，项目清单 1项"
    await stage.say("王主任", "清单 资源", room=None)
    assert (await stage.told("王主任"))[-1] == "会议室周末可用"
    await stage.say("王主任", "清单 S1 移出", room=None)
    assert (await stage.the_ticket()).listed is None
    assert await stage.say("小张", "清单 资源 我的车位", room=None) == "denied"


async def test_refused_by_mistake_it_is_taken_up_again(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("刘姐", "不受理 S1 重复")
    await stage.say("刘姐", "受理 S1")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.result, ticket.closed_at) == (TicketState.FILED, None, None)
