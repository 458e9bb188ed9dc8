"""Which groups `@范围` means, and pictures from being shown to being there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers import notice_files as showing
from handlers import routing
from handlers.commands import Command, parse
from handlers.texts import notices as texts
from storage import audit, grids, notice_files, notices, outbox
from storage.engine import Tx
from storage.model import Grid, MessageKind
from storage.notice_files import File
from tests.unit.handlers.stage import COMMUNITY, MICRO, Stage

OTHER_COMMUNITY = "519999001002"
PICTURE = File("路线.png", "image/png", b"\x89PNG!")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Two communities, in each a 第三网格; groups that are named, or bound to what is named, after buildings."""
    stage = await Stage.set(tmp_path)
    await stage.room("青禾1-3栋业主群", "519999001001003013")
    await stage.room("青禾13栋业主群", "519999001001003014")
    await stage.room("无名小群", "519999001001004001")
    await stage.room("桂花苑3号楼群", "519999001002003001")
    named = {
        COMMUNITY: "青禾社区",
        OTHER_COMMUNITY: "桂花社区",
        "519999001001003": "第三网格",
        "519999001002003": "第三网格",
        "519999001001004001": "5栋6栋微网格",
    }
    await stage.store.write(lambda tx: grids.put(tx, [Grid(code, name) for code, name in named.items()]))
    await stage.cast("街道陈", "街道", "519999001")
    await stage.cast("周主任", "社区工作人员", COMMUNITY)
    yield stage
    await stage.strike()


async def _reached(stage: Stage, who: str, scope: str) -> set[str] | str:
    """The groups that a notice goes to, or what is answered where there is none."""
    before = len(await stage.store.read(notices.every))
    await stage.say(who, f"通知 {scope} 明天检修", room=None)
    drafted = await stage.store.read(notices.every)
    if len(drafted) == before:
        return (await stage.told(who))[-1]
    return {room.topic for room in await stage.store.read(lambda tx: notices.listed(tx, drafted[-1].number))}


THIRD = {"青禾社区12微网格群", "青禾1-3栋业主群", "青禾13栋业主群"}


@pytest.mark.parametrize(
    ("who", "scope", "reached"),
    [
        ("街道陈", "@3栋", {"青禾1-3栋业主群", "桂花苑3号楼群"}),
        ("周主任", "@3栋", {"青禾1-3栋业主群"}),
        ("周主任", "@13栋", {"青禾13栋业主群"}),
        ("周主任", "@12-13栋", {"青禾13栋业主群"}),
        ("周主任", "@六栋", {"无名小群"}),  # its grid is named after it
        ("街道陈", "@青禾社区3栋", {"青禾1-3栋业主群"}),
        ("街道陈", "@桂花社区", {"桂花苑3号楼群"}),
        ("街道陈", "@青禾社区第三网格", THIRD),
        ("周主任", "@第三网格", THIRD),  # his own; the other community has one, too
        ("周主任", "@第三网格,5栋6栋微网格", THIRD | {"无名小群"}),
        ("周主任", "@13栋、@5栋", {"青禾13栋业主群", "无名小群"}),
        ("周主任", "@业主群", {"青禾1-3栋业主群", "青禾13栋业主群"}),
        ("街道陈", "@第三网格", "有 2 个“第三网格”，请写成 青禾社区第三网格，或写网格编码。"),
        ("周主任", "@9栋", "没找到“9栋”，范围请写网格名或编码、几栋、群名里的字、网格长群。"),
        ("周主任", "@青禾社区9栋", "没找到“青禾社区9栋”，范围请写网格名或编码、几栋、群名里的字、网格长群。"),
    ],
)
async def test_what_a_scope_means(stage: Stage, who: str, scope: str, reached: set[str] | str) -> None:
    assert await _reached(stage, who, scope) == reached


@pytest.mark.parametrize(
    ("said", "goes_out"),
    [
        ("通知 祝大家新年快乐[烟花][庆祝]", "祝大家新年快乐[烟花][庆祝]"),
        ("通知 [庆祝]重阳节快乐👨‍👩‍👧 🎉", "[庆祝]重阳节快乐👨‍👩‍👧 🎉"),
        ("@小格 通知 @第三网格 明天停水，通知到户☎️\n第二行 ", "明天停水，通知到户☎️\n第二行"),
        ("通知 明天停水 @小格", "明天停水"),
    ],
)
async def test_official_words_are_not_varied(stage: Stage, said: str, goes_out: str) -> None:
    await stage.say("周主任", said, room=None)
    (notice,) = await stage.store.read(notices.every)
    assert notice.text == goes_out


async def test_an_author_hears_of_some_questions_an_hour_not_of_thousands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "idle", lambda *_, **__: None)  # these rooms have read a notice
    groups = [f"群{number}" for number in range(8)]
    for group in groups:
        await stage.room(group, MICRO)
    await stage.say("周主任", "通知 @群 下周换新门禁卡", room=None)
    await stage.say("周主任", "确认", room=None)
    await stage.after(minutes=5).tick()
    for number, group in enumerate(groups):
        await stage.say(f"住户{number}", "要带身份证吗", room=group)
    told = [line for line in await stage.told("周主任") if "有人问" in line]
    assert len(told) == 6
    assert [line for line in told if "不再转发" in line] == told[-1:]


async def test_beyond_ones_own_grids_nobody_reaches(stage: Stage) -> None:
    answer = await _reached(stage, "周主任", "@桂花社区")
    assert isinstance(answer, str)
    assert not await stage.store.read(notices.every)


@pytest.mark.parametrize(
    ("typed", "scope", "text", "shows"),
    [
        ("通知 @3栋、@5栋 明天停水", "3栋、@5栋", "明天停水", False),
        ("通知 附图 明天停水", "", "明天停水", True),
        ("通知附件 明天停水", "", "明天停水", True),
        ("通知 @3栋 附图，明天停水", "3栋", "明天停水", True),
        ("通知 附图已发在群里，请看", "", "附图已发在群里，请看", False),
        ("通知 详情见附件", "", "详情见附件", False),
        ("通知 @3栋", "3栋", "", False),
        ("通知 附图", "", "", True),
        ("公告\n第一行\n  第二行", "", "第一行\n  第二行", False),
    ],
)
def test_how_it_is_written(typed: str, scope: str, text: str, shows: bool) -> None:
    command = parse(typed, addressed=True)
    assert isinstance(command, Command)
    assert (command.code, command.text, command.shows) == (scope, text, shows)


async def test_the_preview_names_whom_it_reaches(stage: Stage) -> None:
    await stage.say("周主任", "通知 @3栋、@5栋 明天检修", room=None)
    assert (await stage.told("周主任"))[-1].startswith(
        "T1 将发到 2 个群：青禾1-3栋业主群、无名小群\n【通知】明天检修\n确认 T1 发出"
    )
    for number in range(5):
        await stage.room(f"新群{number}", f"51999900100100301{number + 5}")
    await stage.say("周主任", "通知 明天检修", room=None)
    first = (await stage.told("周主任"))[-1].split("\n")[0]
    assert first.startswith("T2 将发到 9 个群")
    assert first.endswith("、新群1等")  # six are named


@pytest.mark.parametrize(
    "words",
    [
        "群发 @3栋、@5栋 明天检修",
        "帮我发个通知 @3栋 @5栋 明天检修",
        "发通知：@3栋，5栋 明天检修",
        "帮忙群发通知 @3栋,5栋：明天检修",
    ],
)
async def test_asked_for_in_words_of_their_own(stage: Stage, words: str) -> None:
    assert await stage.say("周主任", words) != "command"  # said to the group it is talk
    await stage.say("周主任", words, room=None)
    (notice,) = await stage.store.read(notices.every)
    assert notice.text == "明天检修"
    assert {room.topic for room in await stage.store.read(lambda tx: notices.listed(tx, notice.number))} == {
        "青禾1-3栋业主群",
        "无名小群",
    }


@pytest.mark.parametrize("words", ["群发", "帮我发个通知", "帮我发个通知明天检修", "通知一下3栋明天检修"])
async def test_without_its_words_apart_it_is_asked_how(stage: Stage, words: str) -> None:
    await stage.say("周主任", words, room=None)
    assert await stage.told("周主任") == [texts.HOW]
    assert not await stage.store.read(notices.every)


async def test_who_may_send_none_is_only_talking(stage: Stage) -> None:
    words = "帮我发个通知 3栋2单元电梯坏了"
    assert await stage.say("李姐", words, room=None) not in ("command", "denied")
    assert not await stage.store.read(notices.every)
    assert len(await stage.tickets()) + len(await stage.candidates()) == 1


async def _show(stage: Stage, who: str = "周主任", **fields: Any) -> None:
    await stage.say(who, room=None, **{"kind": MessageKind.IMAGE, **fields})


async def _fetched(stage: Stage, file: File | None, size: int = 0) -> None:
    """What the dispatcher does when the command is durable."""
    context = stage.context
    assert context is not None
    assert context.shown is not None
    shown = context.shown

    async def work(tx: Tx) -> None:
        await showing.fetched(replace(context, tx=tx, now=stage.now), shown, file, size=size)

    await stage.store.write(work)


async def test_until_it_is_there_nothing_goes_out(stage: Stage) -> None:
    await _show(stage)
    await stage.say("周主任", "通知 附图 路线见图", room=None)
    await stage.say("周主任", "确认 T1", room=None)  # a crash has lost what was to be fetched
    assert (await stage.told("周主任"))[-1].startswith("T1 的附件还没取到，先不发。")
    await stage.say("周主任", "定时 T1 明天9:00", room=None)
    assert (await stage.told("周主任"))[-1].startswith("T1 的附件还没取到，先不发。")
    await _show(stage)
    await stage.say("周主任", "附图", room=None)  # the only draft
    await _fetched(stage, PICTURE)
    assert (await stage.told("周主任"))[-1] == "T1 附上了[图片 路线.png]（1 KB），每群先发文字再发附件。确认 T1 发出。"
    await stage.say("周主任", "确认 T1", room=None)
    lines = [line for line in await stage.lines() if line.file is not None]
    assert len(lines) == 4
    assert {line.text for line in lines} == {"[图片 路线.png]"}
    assert await stage.store.read(lambda tx: audit.count(tx, "notice_file")) == 1


async def test_too_large_or_not_to_be_had_is_said_and_forgotten(stage: Stage) -> None:
    for size, words in ((23 * 2**20, "附件最多 10.0 MB，这个至少 23.0 MB"), (0, "没取到您刚发的图片或文件")):
        await _show(stage)
        await stage.say("周主任", "通知 附图 路线见图", room=None)
        await _fetched(stage, None, size)
        assert words in (await stage.told("周主任"))[-1]
    assert await stage.store.read(lambda tx: notice_files.of(tx, 1)) is None
    await stage.say("周主任", "确认 T1", room=None)  # without it, as they have been told
    assert not any(line.file for line in await stage.lines())


async def test_a_heic_is_refused_in_words_that_say_what_to_do(stage: Stage) -> None:
    await _show(stage, kind=MessageKind.FILE)
    await stage.say("周主任", "通知 附图 路线见图", room=None)
    await _fetched(stage, File("IMG_0012.HEIC", notice_files.HEIC, b"\0\0\0\x24ftypheic"))
    said = (await stage.told("周主任"))[-1]
    assert "苹果手机的原图（HEIC）" in said
    assert said.endswith("再发 附图 T1。")
    assert await stage.store.read(lambda tx: notice_files.of(tx, 1)) is None


async def test_taken_back_while_it_goes_out_the_rest_gets_no_picture(stage: Stage) -> None:
    await _show(stage)
    shown = stage.last
    assert shown is not None
    await stage.say("周主任", "通知 附图 路线见图", room=None)
    await _fetched(stage, PICTURE)
    await stage.say("周主任", "确认 T1", room=None)
    first = min(line.id for line in await stage.lines() if line.file is not None)
    await stage.store.write(lambda tx: outbox.mark_sending(tx, first, stage.now))
    await stage.store.write(lambda tx: outbox.mark_sent(tx, first, stage.now, None))
    stage.speaking = []
    await stage.recall(shown)
    assert (await stage.told("周主任"))[-1] == "您撤回的图片或文件不再随 T1 发出，已有 1 个群收到，收不回来。"
    standing = await stage.store.read(lambda tx: notices.standing(tx, 1))
    assert standing.files is not None
    assert (standing.files.sent, standing.files.dropped) == (1, 3)
    assert await stage.store.read(lambda tx: notice_files.load(tx, 1)) is None


async def test_taken_back_before_it_came_nothing_is_attached(stage: Stage) -> None:
    await _show(stage)
    shown = stage.last
    assert shown is not None
    await stage.say("周主任", "通知 附图 路线见图", room=None)
    command = stage.context
    await stage.recall(shown)
    stage.context = command
    await _fetched(stage, PICTURE)
    assert await stage.store.read(lambda tx: notice_files.of(tx, 1)) is None


async def test_what_another_leader_showed_is_not_taken(stage: Stage) -> None:
    await stage.room("网格长群", MICRO)
    await stage.say("街道陈", room="网格长群", kind=MessageKind.IMAGE)
    await stage.say("周主任", "通知 附图 路线见图", room=None)
    assert (await stage.told("周主任"))[-1].startswith("没看到图片或文件")


async def test_who_confirms_for_another_has_seen_what_is_attached(stage: Stage) -> None:
    await stage.cast("街道吴", "街道", "519999001")
    await stage.say("街道陈", "通知 防汛分区见图", room=None)
    await stage.say("街道陈", "确认 T1", room=None)
    await _show(stage, "街道陈")
    await stage.say("街道陈", "附图 T1", room=None)
    await _fetched(stage, PICTURE)
    await stage.say("街道吴", "确认 T1", room=None)
    assert (await stage.told("街道吴"))[-2:] == [
        "[图片 路线.png]",
        "T1 还附了[图片 路线.png]，已发给您，请看过后再发 确认 T1。",
    ]
    await stage.say("街道吴", "确认 T1", room=None)
    assert (await stage.told("街道吴"))[-1] == "T1 开始发了，共 5 个群，附[图片 路线.png]。"


async def test_a_file_that_is_named_after_an_id_number_goes_nowhere(stage: Stage) -> None:
    await _show(stage, kind=MessageKind.FILE)
    await stage.say("周主任", "通知 附件 名单见附件", room=None)
    await _fetched(stage, File("11010519491231002X.pdf", "application/pdf", b"x"))
    assert "文件名里有身份证号码" in (await stage.told("周主任"))[-1]
    assert await stage.store.read(lambda tx: notice_files.of(tx, 1)) is None
