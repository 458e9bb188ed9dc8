"""物资 and 平安: how they are written, what outlives a restart, what is left of whom, and the register."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from bot import rosters
from handlers import commands
from handlers.commands import Command, Name
from handlers.texts import supplies as texts
from storage.engine import Store
from storage.testing import url_of
from tests.unit.handlers.judged import Judged, judged, matter
from tests.unit.handlers.stage import COMMUNITY, MICRO
from tests.unit.handlers.test_deliberation import SHANGHAI, on_disk, restart

NOW = datetime(2026, 11, 20, 22, 0, tzinfo=SHANGHAI)  # quiet hours
LI, ZHOU = "3-1-302 李姐", "5-2-101 老周"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path, NOW)
    stage.judge("求助 2栋地下室有人被困", matter("0510", building="2"))
    await stage.say("刘姐", "转急 暴雨")
    yield stage
    await stage.strike()


@pytest.mark.parametrize(
    ("typed", "name", "fields"),
    [
        ("物资 求 米 2袋", Name.SUPPLY, {"text": "米 2袋", "code": "求"}),
        ("物资：急需 奶粉", Name.SUPPLY, {"text": "奶粉", "code": "求"}),
        ("物資 供手电筒3个", Name.SUPPLY, {"text": "手电筒3个", "code": "供"}),
        ("物资 有 米 3袋", Name.SUPPLY, {"text": "米 3袋", "code": "供"}),
        ("物资有哪些？", Name.SUPPLY, {}),
        ("平安", Name.SAFE, {}),
        ("平安 3-1-302 4人", Name.SAFE, {"text": "3-1-302", "code": "4"}),
        ("平安 全家五口人", Name.SAFE, {"code": "五"}),
        ("平安 求助 老人没药了", Name.SAFE, {"remark": "求助 老人没药了"}),
        ("完成W3 2袋", Name.COMPLETE, {"item": 3, "letter": "W", "text": "2袋"}),
        ("交接 W3", Name.COMPLETE, {"item": 3, "letter": "W"}),
    ],
)
def test_as_people_type_them(typed: str, name: Name, fields: dict[str, object]) -> None:
    assert commands.parse(typed, addressed=False) == Command(name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed",
    [
        "物资供应充足",
        "物资 供应紧张",
        "物资 到了大家来领",
        "物资有限",
        "平安夜快乐",
        "平安就好",
        "平安 健康 快乐",
        "平安到家了",
    ],
)
def test_talk_is_no_command(typed: str) -> None:
    assert commands.parse(typed, addressed=False) is None


async def test_a_match_outlives_a_restart(stage: Judged, tmp_path: Path) -> None:
    await stage.say(LI, "物资 求 米 2袋")
    await restart(stage, tmp_path)
    await stage.say(ZHOU, "物资 供 大米 5袋")
    await restart(stage, tmp_path)
    await stage.say(ZHOU, "完成 W1")
    await stage.say(LI, "查询 W2")
    assert (await stage.said())[-2:] == [
        f"@{ZHOU} W1 求 米2袋（3栋）已记交接，谢谢。",
        f"@{LI} W2 供 米5袋（5栋）：登记中，可与 W1 对接。",
    ]
    (told,) = [line for line in await stage.told("刘姐") if "←" in line]
    assert told.startswith(f"【物资】W1 求 米2袋（3栋）{LI} ← W2 供 米5袋（5栋）{ZHOU}。")


async def test_a_call_for_help_reaches_the_leader_by_night_and_what_is_an_appeal_is_one(stage: Judged) -> None:
    await stage.say(LI, "平安 求助 降压药吃完了")
    assert (await stage.told("刘姐"))[-1].startswith(f"【求助】3栋 {LI}：“求助 降压药吃完了”")
    await stage.say(ZHOU, "平安 求助 2栋地下室有人被困")
    assert [ticket.category for ticket in await stage.tickets()] == ["0510"]


async def test_whoever_asks_for_a_thing_because_somebody_is_trapped_is_heard_for_both(stage: Judged) -> None:
    asked = "抽水泵一台，求助 2栋地下室有人被困"
    stage.judge(asked, matter("0510", building="2"))
    await stage.say(ZHOU, f"物资 求 {asked}")
    assert [ticket.category for ticket in await stage.tickets()] == ["0510"]
    assert [line.split()[-1] for line in await stage.said() if "W1 求 抽水泵1台（2栋）" in line]


async def test_the_community_sees_what_a_part_of_it_needs(stage: Judged) -> None:
    await stage.cast("周主任", "社区工作人员", COMMUNITY)
    await stage.say("周主任", "物资", room=None)
    await stage.say(LI, "物资 求 米 2袋")
    await stage.say(LI, "平安 3人")
    for text in ("物资", "平安", "物资 求 米"):
        await stage.say("周主任", text, room=None)
    assert (await stage.told("周主任"))[-4:] == [
        texts.NOTHING,
        f"物资：求1件，供0件\nW1 求 米2袋（3栋）{LI}",
        "报平安3人：3栋3\n求助0人",
        texts.ONLY_IN_URGENT,
    ]


async def test_the_leader_reads_how_much_was_handed_over(stage: Judged) -> None:
    await stage.say(LI, "物资 求 口罩 100个")
    await stage.say(ZHOU, "物资 供 口罩")
    await stage.say(ZHOU, "完成 W1 30个")
    assert (await stage.told("刘姐"))[-1] == f"【交接】W1 求 口罩100个（3栋）：{ZHOU}说已交接30个。"


async def test_a_call_for_help_that_is_recalled_leaves_no_word(stage: Judged) -> None:
    await stage.say(LI, "平安求助 降压药吃完了")
    assert stage.last is not None
    stage.reborn()
    await stage.recall(stage.last)
    assert not [line for line in await stage.lines() if "降压药" in line.text]
    assert (await stage.told("刘姐"))[-1] == f"【求助】{LI} 撤回了求助的话，请联系问一声。"
    await stage.say("刘姐", "平安", room=None)
    assert (await stage.told("刘姐"))[-1] == "报平安0人\n求助0人"


async def test_only_figures_for_leaders_and_nobody_is_named_for_silence(stage: Judged) -> None:
    for nick in (LI, ZHOU, "3-2-201 阿芳"):
        await stage.say(nick, "平安")
    await stage.say("刘姐", "平安", room=None)
    assert (await stage.told("刘姐"))[-1] == "报平安3人：3栋2、5栋1\n求助0人"
    await stage.say(LI, "平安", room=None)
    assert (await stage.told(LI))[-1] in (texts.SAFE_IN_PRIVATE, texts.NOWHERE, texts.ONLY_IN_URGENT)


async def test_two_of_one_household_who_each_speak_for_all_of_it_are_counted_once(stage: Judged) -> None:
    await stage.say("3-2-1502 李姐", "平安 4人")
    await stage.say("3栋2单元1502 王哥", "平安 全家四口人")
    await stage.say("3-2-1501 老赵", "平安")
    await stage.say("3-2-1501 赵姐", "平安")
    await stage.say("刘姐", "平安", room=None)
    assert (await stage.told("刘姐"))[-1] == "报平安6人：3栋6\n求助0人"


async def test_a_hundred_check_ins_are_a_line_a_minute(stage: Judged) -> None:
    for number in range(100):
        await stage.say(f"{1 + number % 9}-1-{101 + number} 邻居", "平安")
    lines = [line for line in await stage.said() if "报平安" in line]
    assert len(lines) <= 3
    assert "已有100人报平安" in lines[-1]


async def test_the_end_of_it_is_told_and_a_month_later_it_is_gone(stage: Judged, tmp_path: Path) -> None:
    await stage.say(LI, "物资 求 抽水泵 3栋负一楼物管房旁边")
    await stage.say(ZHOU, "平安")
    stage.now += timedelta(hours=48)
    await stage.tick()
    assert "没着落的1件：W1 求 抽水泵（3栋）；供0件，报平安1人" in (await stage.told("刘姐"))[-1]
    stage.now += timedelta(days=31)
    await stage.tick()
    await stage.tick()
    assert await stage.person(ZHOU) is None
    await stage.store.close()
    assert "物管房旁边".encode() not in on_disk(tmp_path)
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_a_message_that_is_recalled_takes_what_it_asked_for(stage: Judged, tmp_path: Path) -> None:
    await stage.say(ZHOU, "物资 求 胰岛素 2支")
    await stage.say(LI, "物资 供 胰岛素 5支 冰箱里的")
    assert stage.last is not None
    await stage.recall(stage.last)
    await stage.say(ZHOU, "查询 W1")
    assert (await stage.said())[-1] == f"@{ZHOU} W1 求 胰岛素2支（5栋）：登记中。"
    assert (await stage.told("刘姐"))[-1] == "【物资】W2 已撤回。"
    await stage.store.close()
    assert f"← W2 供 胰岛素5支（3栋）{LI}".encode() not in on_disk(tmp_path)
    assert "冰箱里".encode() not in on_disk(tmp_path)
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_erasing_takes_words_lines_and_check_in(stage: Judged, tmp_path: Path) -> None:
    await stage.say(LI, "物资 求 胰岛素 我母亲糖尿病")
    await stage.say(LI, "平安 求助 我母亲站不起来")
    await stage.say(LI, "删除我的信息", room=None)
    await stage.say(LI, "确认删除", room=None)
    await stage.say(ZHOU, "物资")
    assert (await stage.said())[-1] == f"@{ZHOU} {texts.NOTHING}"
    await stage.store.close()
    for words in ("我母亲糖尿病", "我母亲站不起来"):
        assert words.encode() not in on_disk(tmp_path)
    stage.store = await Store.open(url_of(tmp_path / "xiaoge.db"))


async def test_the_register_masks_names_and_tells_what_went_where(stage: Judged, tmp_path: Path) -> None:
    await stage.say(LI, "物资 求 米 2袋")
    await stage.say(ZHOU, "物资 供 米 5袋")
    await stage.say(LI, "完成 W1")
    columns, rows = await stage.store.read(lambda tx: rosters.of_supplies(tx, MICRO, SHANGHAI))
    target = tmp_path / "物资.xlsx"
    await rosters.write(target, texts.TITLE, columns, rows)
    sheet = openpyxl.load_workbook(target).active
    table = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert table[0] == list(texts.HEAD)
    assert [row[1:7] for row in table[1:]] == [["W1", "求", "米", 2, "袋", "3栋"], ["W2", "供", "米", 5, "袋", "5栋"]]
    assert [row[10:13] for row in table[1:]] == [["已交接", 2, "W2"], ["登记中", 2, "W1"]]
    assert "李姐" not in str(table)
