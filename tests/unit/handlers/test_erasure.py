"""我的信息 and 删除我的信息: said to one alone, asked once, gone to the last byte."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from handlers import texts as labels
from handlers.texts import people as texts
from storage import changes, negatives
from storage import tickets as rows
from storage.model import CallbackOutcome, MessageKind, Place, TicketState
from tests.unit.handlers.judged import Judged, judged, matter, maybe
from tests.unit.handlers.stage import GROUP

LIFT = "3栋2单元1502的电梯又坏了 打我电话13800000001"
LIFT_TOO = "我家也是遭这部电梯整惨了"
STUCK = "5栋电梯关到人了 里头有个娃娃在哭"
DOGS = "天天免费看狗狗办大事"
PRIVATE = None


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Judged]:
    stage = await judged(tmp_path)
    lift = matter("0101", building="3", unit="2", room="1502", objects=("电梯",))
    stage.judge(LIFT, lift, phones=("13800000001",))
    stage.judge(LIFT_TOO, matter("0101", building="3", unit="2", objects=("电梯",)))
    stage.judge(STUCK, matter("0503", building="5", objects=("电梯",)))
    stage.judge(DOGS, maybe("0208"))
    yield stage
    await stage.strike()


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file())


async def erase(stage: Judged, nick: str = "李姐") -> None:
    await stage.say(nick, "删除我的信息", room=PRIVATE)
    await stage.say(nick, "确认删除", room=PRIVATE)


# --- 我的信息 ---
async def test_of_a_stranger_nothing_is_kept_and_asking_keeps_nothing(stage: Judged) -> None:
    for text in ("我的信息", "删除我的信息"):
        await stage.say("李姐", text, room=PRIVATE)
    assert await stage.told("李姐") == [texts.NOTHING_KEPT] * 2
    assert await stage.person("李姐") is None


async def test_what_is_kept_is_said_in_private_and_in_six_lines(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.after(minutes=20).say("李姐", DOGS)
    await stage.say("李姐", "我的信息", room=PRIVATE)
    (answer,) = (line for line in await stage.told("李姐") if "您的诉求" in line)
    assert len(answer.splitlines()) <= 6
    for part in ("未办结 1 件", "待核实 1 条", "加密保存", "李姐", "登记", "删除我的信息"):
        assert part in answer
    assert "13800000001" not in answer
    assert "1502" not in answer


async def test_in_a_group_it_is_only_said_where_the_answer_is(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.after(minutes=1).say("李姐", "我的信息")
    assert (await stage.said())[-1] == f"@李姐 {labels.ADD_ME_FOR_PRIVATE}"
    await stage.say("李姐", "查询", room=PRIVATE)  # a friend from here on
    await stage.say("李姐", "我的信息", friend=True)
    assert (await stage.said())[-1] == f"@李姐 {labels.TOLD_IN_PRIVATE}"
    assert "您的诉求" in (await stage.told("李姐"))[-1]
    assert not [line for line in await stage.said() if "您的诉求" in line]


async def test_who_holds_an_office_reads_it(stage: Judged) -> None:
    await stage.say("刘姐", "我的信息", room=PRIVATE)
    assert "微网格长" in (await stage.told("刘姐"))[-1]


async def test_whose_name_goes_upward_reads_where_to(stage: Judged) -> None:
    stage.policy = replace(stage.policy, named_to=("区城运平台", "市12345"))
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "我的信息", room=PRIVATE)
    line = (await stage.told("李姐"))[-1]
    assert "诉求连同称呼、电话报送区城运平台、市12345，保密的除外" in line
    assert len(line.splitlines()) <= 6


# --- 删除我的信息 ---
async def test_it_asks_once_and_the_question_expires(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "删除我的信息", room=PRIVATE)
    assert (await stage.told("李姐"))[-1] == texts.ERASE_SURE
    assert LIFT[:10] in (await rows_of(stage, 1))[0]
    await stage.after(minutes=10).say("李姐", "确认删除", room=PRIVATE)
    assert (await stage.told("李姐"))[-1] == texts.ERASE_NOT_ASKED
    assert await rows_of(stage, 1) != []


async def rows_of(stage: Judged, number: int) -> list[str]:
    return [message.text for message in await stage.store.read(lambda tx: rows.messages(tx, number))]


async def test_a_confirmation_that_nobody_asked_for_is_talk(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    assert await stage.say("李姐", "确认删除") == "chat"
    assert await rows_of(stage, 1) != []


async def test_a_question_to_one_is_not_confirmed_by_another(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "删除我的信息")
    await stage.say("键盘侠", "确认删除")
    assert await rows_of(stage, 1) != []


async def test_every_byte_goes_and_the_fact_stays(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐家的微信", LIFT)
    await stage.say("李姐家的微信", "我的信息", room=PRIVATE)
    await stage.tick()
    before = (await stage.the_ticket()).version
    await erase(stage, "李姐家的微信")
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.category, ticket.reporters) == (TicketState.FILED, "0101", 1)
    assert (ticket.place, ticket.terms) == (Place(building="3", located_by="text"), ())
    assert await stage.store.read(lambda tx: rows.reporters(tx, 1)) == []
    assert await stage.person("李姐家的微信") is None
    told = [line for line in await stage.told("刘姐") if line.startswith("【隐私】")]
    assert told == ["【隐私】S1 电梯故障 3栋：反映人删除了自己的信息，原话和电话已清空，请到现场看着办。"]
    assert (await stage.told("李姐家的微信"))[-1] == texts.erased(1, office="", silent=False)
    (*_, last) = await stage.store.read(lambda tx: changes.since(tx, 0))
    assert (last.ticket, last.version) == (1, ticket.version)
    assert last.version > before
    assert await stage.audited("erased") == 1
    # The answer is in the outbox until it has gone for 48 h, as every line.
    await stage.after(hours=49).tick()
    await stage.tick()
    bytes_left = on_disk(tmp_path)
    for gone in ("电梯又坏了", "1502的", "打我电话", "李姐家的微信", "13800000001"):
        assert gone.encode() not in bytes_left, gone


async def test_erasing_twice_does_no_harm(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await erase(stage)
    await erase(stage)
    assert (await stage.told("李姐"))[-2:] == [texts.NOTHING_KEPT, texts.ERASE_NOT_ASKED]
    assert await stage.audited("erased") == 1


async def test_the_same_person_is_somebody_new_afterwards(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    old = await stage.person("李姐")
    await erase(stage)
    await stage.after(hours=1).say("李姐", STUCK)
    new = await stage.person("李姐")
    assert old is not None
    assert new is not None
    assert new.id != old.id


async def test_what_the_neighbours_said_stays(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐", LIFT)
    await stage.after(minutes=30).say("老周", LIFT_TOO)
    assert (await stage.the_ticket()).reporters == 2
    await erase(stage)
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.reporters) == (TicketState.FILED, 1)
    assert (ticket.place.building, ticket.place.unit) == ("3", "2")
    assert await rows_of(stage, 1) == [LIFT_TOO]
    assert (await stage.told("刘姐"))[-1] == "【隐私】S1 电梯故障 3栋2单元：一位反映人删除了自己的信息，其余照办。"
    assert "打我电话".encode() not in on_disk(tmp_path)


async def test_a_candidate_of_theirs_goes_and_so_does_what_a_false_alarm_learnt(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐", DOGS)
    await stage.after(minutes=10).say("刘姐", "误报 S1")
    assert [lesson.text for lesson in await stage.store.read(negatives.every)] == [DOGS]
    await stage.after(days=1).say("李姐", DOGS)
    assert len(await stage.candidates()) == 1
    await erase(stage)
    assert await stage.candidates() == []
    assert [lesson.text for lesson in await stage.store.read(negatives.every)] == [""]
    assert DOGS.encode() not in on_disk(tmp_path)


async def test_an_emergency_stays_open_where_help_finds_it(stage: Judged) -> None:
    await stage.say("李姐", STUCK)
    await erase(stage)
    ticket = await stage.the_ticket()
    assert (ticket.open, ticket.place.building) == (True, "5")
    assert await rows_of(stage, 1) == []
    assert (await stage.told("刘姐"))[-1].startswith("【应急】S1")


async def test_who_is_not_heard_stays_unheard(stage: Judged, tmp_path: Path) -> None:
    await stage.say("李姐家的微信", "别记我", room=PRIVATE)
    await stage.say("李姐家的微信", "删除我的信息", room=PRIVATE)
    assert (await stage.told("李姐家的微信"))[-1] == texts.erased(0, office="", silent=True)
    assert await stage.say("李姐家的微信", LIFT) == "opted_out"
    person = await stage.person("李姐家的微信")
    assert person is not None
    assert (person.name, person.aliases[0].nick) == ("", "")
    assert await stage.say("李姐家的微信", "恢复记录", room=PRIVATE) == "command"
    assert await stage.say("李姐家的微信", LIFT) != "opted_out"


async def test_an_office_is_kept_by_the_registry(stage: Judged) -> None:
    await stage.say("刘姐", f"上报 {LIFT}")
    await erase(stage, "刘姐")
    answer = (await stage.told("刘姐"))[-1]
    assert "微网格长" in answer
    assert "社区" in answer
    assert await rows_of(stage, 1) == []
    leader = await stage.person("刘姐")
    assert leader is not None
    assert leader.grants
    assert await stage.say("刘姐", "确认删除", room=GROUP) == "chat"


async def test_what_was_just_said_is_not_joined_to_what_comes_next(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.say("李姐", "删除我的信息")
    await stage.say("李姐", "确认删除")
    stage.after(seconds=5)
    await stage.say("李姐", kind=MessageKind.IMAGE)
    assert await rows_of(stage, 1) == []


async def test_a_ticket_that_nobody_can_be_asked_about_closes_by_itself(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await stage.after(minutes=30).say("刘姐", "办结 S1 换了门机")
    await stage.tick()
    assert (await stage.the_ticket()).state is TicketState.CALLBACK
    await erase(stage)
    assert (await stage.the_ticket()).result is None
    await stage.after(hours=80).tick()
    ticket = await stage.the_ticket()
    assert (ticket.state, ticket.outcome) == (TicketState.CLOSED, CallbackOutcome.UNREACHED)


async def test_the_leader_handles_what_is_left(stage: Judged) -> None:
    await stage.say("李姐", LIFT)
    await erase(stage)
    for text in ("待办", "查询 S1", "派单 S1 物业"):
        await stage.say("刘姐", text, room=PRIVATE)
    await stage.say("小张", "接单 S1", room=PRIVATE)
    await stage.say("小张", "办结 S1 换了门机", room=PRIVATE)
    assert (await stage.the_ticket()).state is TicketState.CLOSED
    assert not [line for line in [*await stage.told("刘姐"), *await stage.told("小张")] if "李姐" in line]
