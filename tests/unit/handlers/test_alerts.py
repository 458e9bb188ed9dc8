"""What devices say, as leaders and reporters see it."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import alerts
from handlers.alerts import Alert, Outcome, Source, Verdict
from handlers.context import Effects
from storage import alerts as rows
from storage import dossiers, notes, notices, tickets
from storage.alerts import AlertLevel
from storage.engine import Tx
from storage.model import Level, Nature, Place, TicketState, Urgency
from storage.notices import NoticeState
from tests.unit.handlers.stage import COMMUNITY, GROUP, MICRO, Stage

LEADER, REPORTER = "网格长刘姐", "3-2-1502 李姐"
GAS = Source("gas", "燃气监测", "0502", "{place}{text}（{time}），请不要开关电器，尽快到楼下空地。")
LIFT = Source("lift", "电梯物联", "0101")


class Devices:
    """A system of devices that speaks to the stage, a second later each time."""

    def __init__(self, stage: Stage, source: Source = GAS, *, place: str = "3栋2单元") -> None:
        self.stage = stage
        self.source = source
        self.place = place

    async def say(self, id_: str, level: str | None = "orange", *, device: str = "g-0031", **said: Any) -> Outcome:
        self.stage.after(seconds=1)
        alert = Alert(
            **{
                "id": id_,
                "device": device,
                "kind": "甲烷超限",
                "level": None if level is None else AlertLevel(level),
                "at": self.stage.now,
                "words": "甲烷超限（9%LEL）",
                "grid": MICRO,
                "place": alerts.place("", "", self.place),
                **said,
            }
        )
        stage = self.stage
        return await stage.store.write(
            lambda tx: alerts.apply(Effects(tx, stage.now, stage.policy), self.source, alert)
        )


async def test_an_alert_is_filed_and_its_leaders_are_told_at_once(stage: Stage) -> None:
    await stage.cast("社区周主任", "社区工作人员", COMMUNITY)
    assert await Devices(stage).say("e-1") == Outcome(Verdict.FILED, "S1")
    (ticket,) = await stage.tickets()
    assert (ticket.state, ticket.category, ticket.urgency) == (TicketState.FILED, "0502", Urgency.EMERGENCY)
    assert (ticket.place.building, ticket.place.unit, ticket.grid) == ("3", "2", MICRO)
    assert (ticket.nature, ticket.level, ticket.reported_at) == (Nature.HELP, Level.GRID, stage.now)
    line = "【应急】S1 燃气泄漏 3栋2单元 燃气监测橙色预警：“甲烷超限（9%LEL）” 请马上处置，回复 接单 S1 或 派单 S1 物业"
    assert (await stage.told(LEADER))[0] == line
    assert line in await stage.told("社区周主任")
    assert await stage.audited("filed") == 1


async def test_nobody_answers_an_emergency_and_it_rises(stage: Stage) -> None:
    await stage.cast("街道陈科", "街道", "519999001")
    await Devices(stage).say("e-1")
    await stage.tick()
    stage.after(minutes=4)
    await stage.tick()
    (ticket,) = await stage.tickets()
    assert ticket.level is Level.STREET
    assert len(await stage.told("街道陈科")) == 1
    assert "甲烷超限" in (await stage.told("街道陈科"))[0]


async def test_the_same_again_makes_nothing_new(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1")
    told = await stage.told(LEADER)
    for _ in range(3):
        assert await devices.say("e-1") == Outcome(Verdict.REPEATED, "S1")
    assert await stage.told(LEADER) == told
    known = await stage.store.read(lambda tx: rows.get(tx, "gas", "e-1"))
    assert known is not None
    assert known.count == 4
    assert (await stage.tickets())[0].version == 1


async def test_a_flood_of_one_device_is_one_ticket_and_a_count(stage: Stage) -> None:
    devices = Devices(stage)
    for number in range(60):
        await devices.say(f"e-{number}")
    assert len(await stage.tickets()) == 1
    assert len(await stage.told(LEADER)) == 2  # the alert, and the draft of its notice
    known = await stage.store.read(lambda tx: rows.of_tickets(tx, [1]))
    assert [(one.alert_id, one.count) for one in known] == [("e-0", 60)]


async def test_worse_is_told_and_milder_is_not(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1", "yellow")
    assert (await devices.say("e-1", "red", words="甲烷超限（30%LEL）")).verdict is Verdict.UPDATED
    assert (await stage.told(LEADER))[-1] == "【预警升级】S1 燃气泄漏 3栋2单元 燃气监测升为红色：“甲烷超限（30%LEL）”"
    lines = await stage.told(LEADER)
    for level in ("yellow", "red", "orange", "red"):
        assert (await devices.say("e-1", level)).verdict is Verdict.REPEATED
    assert await stage.told(LEADER) == lines
    assert [note.text for note in await stage.store.read(lambda tx: notes.of_ticket(tx, 1))] == ["甲烷超限（30%LEL）"]


async def test_what_is_over_is_told_and_a_person_closes_it(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1")
    assert await devices.say("e-1", None) == Outcome(Verdict.CLEARED, "S1")
    assert "【预警解除】S1" in (await stage.told(LEADER))[-1]
    assert (await stage.tickets())[0].state is TicketState.FILED
    assert (await devices.say("e-1", None)).verdict is Verdict.REPEATED
    await stage.say(LEADER, "办结 S1 关阀检查，无泄漏", room=None)
    assert (await stage.tickets())[0].state is TicketState.CLOSED


async def test_a_sensor_at_its_limit_does_not_ring_all_the_time(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1")
    before = len(await stage.told(LEADER))
    for _ in range(20):
        await devices.say("e-1", None)
        await devices.say("e-1")
    assert len(await stage.told(LEADER)) == before + 2  # over, and there again
    assert "【再次报警】" in (await stage.told(LEADER))[-1]  # never left believing that it is over
    stage.after(minutes=11)
    await devices.say("e-1", None)
    assert "【预警解除】" in (await stage.told(LEADER))[-1]


async def test_what_was_never_heard_of_cannot_be_over(stage: Stage) -> None:
    assert await Devices(stage).say("e-1", None) == Outcome(Verdict.NOTHING)
    assert await stage.tickets() == []


async def test_what_was_overtaken_on_its_way_changes_nothing(stage: Stage) -> None:
    devices = Devices(stage)
    began = stage.now
    await devices.say("e-1")
    await devices.say("e-1", None)
    assert (await devices.say("e-1", "red", at=began)).verdict is Verdict.REPEATED
    known = await stage.store.read(lambda tx: rows.get(tx, "gas", "e-1"))
    assert known is not None
    assert (known.cleared, known.level) == (True, AlertLevel.ORANGE)


async def test_after_the_end_only_what_is_new_makes_a_ticket(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1")
    again = stage.now
    await stage.say(LEADER, "办结 S1 已关阀", room=None)
    assert (await devices.say("e-1")).verdict is Verdict.REPEATED
    assert (await devices.say("e-0", at=again)).verdict is Verdict.REPEATED  # sent before, it arrives late
    assert (await devices.say("e-2")) == Outcome(Verdict.FILED, "S2")
    await devices.say("e-2", None)
    await stage.say(LEADER, "办结 S2 已关阀", room=None)
    assert (await devices.say("e-2")) == Outcome(Verdict.FILED, "S3")  # it was over, and is there once more


async def test_a_neighbour_joins_what_a_device_told(stage: Stage) -> None:
    await Devices(stage).say("e-1")
    await stage.say(REPORTER, "3栋2单元有煤气味，好重")
    (ticket,) = await stage.tickets()
    assert ticket.reporters == 2
    assert len(await stage.candidates()) == 0


async def test_a_device_joins_what_a_neighbour_told(stage: Stage) -> None:
    await stage.say(REPORTER, "3栋2单元有煤气味，好重")
    assert await Devices(stage).say("e-1") == Outcome(Verdict.JOINED, "S1")
    (ticket,) = await stage.tickets()
    assert (ticket.reporters, ticket.version > 1) == (2, True)
    told = await stage.told(LEADER)
    assert any("同一处燃气监测橙色预警：“甲烷超限（9%LEL）”，已并入S1" in line for line in told)
    assert (await Devices(stage).say("e-1")).verdict is Verdict.REPEATED


@pytest.mark.parametrize("place", ["3栋1单元", "5栋2单元"])
async def test_another_place_is_another_trouble(stage: Stage, place: str) -> None:
    await stage.say(REPORTER, "3栋2单元有煤气味，好重")
    assert (await Devices(stage, place=place).say("e-1")).verdict is Verdict.FILED
    assert len(await stage.tickets()) == 2


async def test_a_device_leaves_no_doubt_about_a_candidate(stage: Stage) -> None:
    await stage.say(REPORTER, "@小格 3栋2单元电梯好像有点慢", mentions_me=True)
    (candidate,) = await stage.candidates()
    outcome = await Devices(stage, LIFT).say("e-1", words="停运")
    assert outcome.verdict is Verdict.JOINED
    (ticket,) = await stage.tickets()
    assert ticket.id == candidate.id
    assert ticket.state is TicketState.FILED
    assert ticket.due is not None
    assert any("S1 电梯故障" in line for line in await stage.said())  # who was in doubt hears the number


async def test_two_devices_of_one_stair_are_one_ticket(stage: Stage) -> None:
    await Devices(stage).say("e-1")
    assert await Devices(stage).say("e-2", device="g-0032") == Outcome(Verdict.JOINED, "S1")
    assert (await stage.tickets())[0].reporters == 1


async def test_what_is_told_of_in_two_grids_is_of_the_grid_that_holds_both(stage: Stage) -> None:
    other = MICRO[:-1] + "3"
    await stage.room("13微网格群", other)
    await stage.cast("网格长老周", "微网格长", other)
    await stage.say(REPORTER, "3栋2单元有煤气味，好重", room="13微网格群")
    assert (await Devices(stage).say("e-1")).verdict is Verdict.JOINED
    (ticket,) = await stage.tickets()
    assert ticket.grid == MICRO[:15]
    for leader in (LEADER, "网格长老周"):
        assert any("同一处燃气监测" in line for line in await stage.told(leader))
    await stage.say("3-2-301 王哥", "3栋2单元煤气味更大了", room="13微网格群")
    assert "【补充】" in (await stage.told(LEADER))[-1]  # her device told of it, nobody of her group did


async def test_without_a_place_the_notice_names_the_grid(stage: Stage) -> None:
    await Devices(stage, place="").say("e-1")
    assert "\n【紧急通知】网格003012甲烷超限" in (await stage.told(LEADER))[-1]


@pytest.mark.parametrize("first", ["neighbour", "device"])
@pytest.mark.parametrize("way", ["撤回 S1", "recall", "删除我的信息"])
async def test_who_takes_their_words_back_leaves_those_of_the_device(stage: Stage, first: str, way: str) -> None:
    devices = Devices(stage, LIFT)
    if first == "device":
        await devices.say("e-1", kind="停运", words="停运（2楼）")
    await stage.say(REPORTER, "3栋2单元电梯又坏了，卡在二楼")
    said = stage.last
    assert said is not None
    if first == "neighbour":
        await devices.say("e-1", kind="停运", words="停运（2楼）")
    assert [ticket.reporters for ticket in await stage.tickets()] == [2]
    stage.after(seconds=30)
    if way == "recall":
        await stage.recall(said)
    else:
        await stage.say(REPORTER, way, room=None)
        if way == "删除我的信息":
            await stage.say(REPORTER, "确认删除", room=None)
    (ticket,) = await stage.tickets()
    assert (ticket.state, ticket.reporters) == (TicketState.FILED, 1)

    async def words(tx: Tx) -> tuple[list[str], list[int]]:
        texts = (await dossiers.read(tx, [1]))[1].texts
        return texts, [reporter.person_id for reporter in await tickets.reporters(tx, 1)]

    assert await stage.store.read(words) == (["停运（2楼）"], [])


async def test_an_alert_that_was_long_on_its_way_has_its_limits_from_now(stage: Stage) -> None:
    began = stage.now
    stage.after(hours=3)
    await Devices(stage).say("e-1", at=began)
    (ticket,) = await stage.tickets()
    assert (ticket.reported_at, ticket.clock_from) == (began, stage.now)
    assert ticket.ack_due is not None
    assert ticket.ack_due > stage.now


async def test_its_notice_is_shown_and_goes_out_when_a_leader_says_so(stage: Stage) -> None:
    devices = Devices(stage)
    await devices.say("e-1")
    (draft,) = await stage.store.read(notices.every)
    assert (draft.state, draft.urgent) == (NoticeState.DRAFT, True)
    shown = (await stage.told(LEADER))[-1]
    assert shown.startswith(
        "S1 拟好的通知 T1，未发出，将发到 1 个群：\n【紧急通知】3栋2单元甲烷超限（9%LEL）（6月12日10:00）"
    )
    await devices.say("e-1", "red")
    await devices.say("e-2", device="g-0032")
    assert len(await stage.store.read(notices.every)) == 1  # one a ticket
    assert not [line for line in await stage.said() if "请不要开关电器" in line]
    await stage.say(LEADER, "确认 T1", room=None)
    assert [line for line in await stage.said() if "请不要开关电器" in line]


async def test_without_a_group_or_a_leader_there_is_no_draft(stage: Stage) -> None:
    await stage.say(LEADER, "停用", room=GROUP)
    await Devices(stage).say("e-1")
    assert await stage.store.read(notices.every) == []


async def test_a_source_without_a_template_drafts_nothing(stage: Stage) -> None:
    await Devices(stage, LIFT).say("e-1", words="困人")
    assert await stage.store.read(notices.every) == []


@pytest.mark.parametrize(
    ("building", "unit", "words", "found"),
    [
        ("3", "2", "", Place("3", "2", located_by="text")),
        ("3栋", "2单元", "", Place("3", "2", located_by="text")),
        ("", "", "3栋2单元", Place("3", "2", located_by="text")),
        ("3", "", "换热站机房", Place("3", place="换热站机房", located_by="text")),
        ("", "", "河道2号闸", Place(place="河道2号闸", located_by="text")),
        ("", "", "", Place()),
    ],
)
def test_where_a_device_is(building: str, unit: str, words: str, found: Place) -> None:
    assert alerts.place(building, unit, words) == found


async def test_the_residents_read_the_advice_once_as_if_one_of_them_had_told(stage: Stage) -> None:
    await stage.room("青禾社区大群", COMMUNITY)
    gas = Devices(stage)
    await gas.say("e-1")
    await gas.say("e-2", "red")
    (line,) = await stage.said()
    assert line.startswith("S1 燃气泄漏 3栋2单元 已登记。")
    assert "119" in line
    assert await stage.said("青禾社区大群") == []


async def test_where_the_grid_has_no_group_the_next_wider_one_reads_it(stage: Stage) -> None:
    await stage.room("青禾社区大群", COMMUNITY)
    await stage.room("13微网格群", f"{MICRO[:-1]}3")
    await Devices(stage).say("e-1", grid=f"{MICRO[:-1]}4")
    assert len(await stage.said("青禾社区大群")) == 1
    assert await stage.said() == await stage.said("13微网格群") == []


async def test_no_advice_for_what_is_ordinary_or_long_past_or_known(stage: Stage) -> None:
    await Devices(stage, LIFT).say("e-1")
    await Devices(stage, place="9栋").say("e-2", at=stage.now - stage.policy.late_after * 2)
    assert await stage.said() == []
    await stage.say(REPORTER, "3栋2单元好大的煤气味")
    assert len(await stage.said()) == 1
    await Devices(stage).say("e-3")
    assert len(await stage.said()) == 1
