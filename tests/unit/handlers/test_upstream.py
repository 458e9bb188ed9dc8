"""What the platforms above answer, as reporters and leaders see it."""

from __future__ import annotations

import random

import pytest

from handlers import upstream
from handlers.context import Effects
from storage import answers, notes, upstreams
from storage import tickets as rows
from storage.answers import Answer, AnswerState, Verdict
from storage.model import Lane, Role, Ticket, TicketState
from tests.contract.fill import new_ticket
from tests.unit.handlers.stage import GROUP, MICRO, Stage

LEADER, OWNER, REPORTER = "网格长刘姐", "物业小张", "3-2-1502 李姐"
ABOVE = "区平台"


class Platform:
    """A platform above that has every ticket as it stands now, and answers."""

    def __init__(self, stage: Stage, name: str = "district") -> None:
        self.stage = stage
        self.name = name
        self.revision = 0

    async def has(self, ticket: Ticket) -> None:
        """It was sent this version."""

        async def work(tx):
            if await upstreams.delivery(tx, self.name, ticket.number) is None:
                await upstreams.queue(tx, self.name, {ticket.number: ticket.version}, self.stage.now)
            await upstreams.sending(tx, self.name, {ticket.number: ticket.version})

        await self.stage.store.write(work)

    async def says(
        self, ticket: Ticket, state: str, *, based_on: int | None = None, revision: int | None = None, **words: str
    ) -> Verdict:
        """Its answer to the version given, a second later."""
        self.stage.after(seconds=1)
        self.revision = revision or self.revision + 1
        answer = Answer(
            ticket.number,
            self.revision,
            based_on or ticket.version,
            AnswerState(state),
            self.stage.now,
            **words,
        )
        stage = self.stage

        async def work(tx):
            return await upstream.apply(Effects(tx, stage.now, stage.policy), self.name, answer, label=ABOVE)

        return await stage.store.write(work)


@pytest.fixture
async def platform(stage: Stage) -> Platform:
    return Platform(stage)


async def reported(stage: Stage, platform: Platform, text: str = "3栋2单元电梯坏了") -> Ticket:
    """Somebody said it, the number was given, and the platform has it."""
    await stage.say(REPORTER, text)
    stage.after(minutes=2)
    return await passed_on(stage, platform)


async def passed_on(stage: Stage, platform: Platform) -> Ticket:
    (ticket,) = await stage.tickets()
    await platform.has(ticket)
    return ticket


async def now(stage: Stage) -> Ticket:
    (ticket,) = await stage.tickets()
    return ticket


async def waiting(stage: Stage) -> list[answers.Conflict]:
    return await stage.store.read(answers.conflicts)


# ---------------------------------------------------------------- a step on
async def test_a_result_from_above_is_asked_about_as_one_from_here(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    verdict = await platform.says(ticket, "done", result="已更换门机 已联系", public_answer="电梯已恢复运行")
    after = await now(stage)
    assert (verdict, after.state) == (Verdict.APPLIED, TicketState.CALLBACK)
    assert (after.result, after.contacted, after.public_answer) == ("已更换门机 已联系", True, "电梯已恢复运行")
    assert (after.owner_role, after.first_role) == (Role.DEPARTMENT, Role.DEPARTMENT)
    assert (await stage.said())[-1] == ("@3-2-1502 李姐 S1 电梯故障 已处理：电梯已恢复运行，请回复：1 已解决 2 未解决")
    assert (await stage.told(LEADER))[-1].startswith("【办结】S1 电梯故障 3栋2单元：区平台：已更换门机 已联系")
    stage.after(minutes=40)
    await stage.say(REPORTER, "1")
    assert (await now(stage)).state is TicketState.CLOSED


@pytest.mark.parametrize(
    ("words", "result"),
    [({}, "上级平台已办结"), ({"result": "已联系"}, "已联系"), ({"public_answer": "已修好"}, "已修好")],
)
async def test_a_result_has_words_whatever_they_give(
    words: dict, result: str, stage: Stage, platform: Platform
) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "done", **words)
    after = await now(stage)
    assert (after.result, after.contacted) == (result, True if "result" in words else None)


async def test_the_way_through_the_departments(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    assert await platform.says(ticket, "received") is Verdict.APPLIED
    assert await now(stage) == ticket  # nothing changed, so nothing goes up again
    said = await stage.said()

    assert await platform.says(ticket, "assigned", assigned_to="区住建局") is Verdict.APPLIED
    assigned = await now(stage)
    assert (assigned.state, assigned.owner_role, assigned.version) == (TicketState.ASSIGNED, Role.DEPARTMENT, 2)
    assert (await stage.told(LEADER))[-1] == ("【上级派单】S1 电梯故障 3栋2单元 区平台已派给区住建局，办完会回告。")
    # The platform has not seen what its own answer did: no contradiction.
    assert await platform.says(ticket, "in_progress") is Verdict.APPLIED
    at_work = await now(stage)
    assert (at_work.state, at_work.version) == (TicketState.IN_PROGRESS, 3)
    assert at_work.accepted_at == stage.now
    assert at_work.acknowledged_at is not None
    assert await stage.said() == said  # the group hears of results only
    assert await stage.audited("in_progress") == 2  # 已接 was skipped, and that is on record


@pytest.mark.parametrize("first", ["assigned", "in_progress"])
@pytest.mark.parametrize("then", ["assigned", "in_progress", "done", "returned", "refused"])
async def test_what_it_said_before_is_no_contradiction(first: str, then: str, stage: Stage, platform: Platform) -> None:
    """Also where it has not seen yet what its own words did here, and steps were skipped by them."""
    ticket = await reported(stage, platform)
    assert await platform.says(ticket, first) is Verdict.APPLIED
    assert await platform.says(ticket, then, result="已修好", reason="超职责") is Verdict.APPLIED


async def test_a_long_name_of_an_office_is_shortened(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "assigned", assigned_to="区住建局\n" * 200)
    line = (await stage.lines())[-1]
    assert line.text.startswith("【上级派单】")
    assert (len(line.text) < 150, "\n" in line.text, len(line.key) < 150) == (True, False, True)


async def test_returned_it_is_the_grids_again(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "assigned", assigned_to="区住建局")
    await platform.says(ticket, "returned", reason="属物业维修范围")
    after = await now(stage)
    assert (after.state, after.owner_role, after.first_role) == (TicketState.FILED, None, Role.DEPARTMENT)
    line = (await stage.told(LEADER))[-1]
    assert line == "【上级退回】S1 电梯故障 3栋2单元 区平台：属物业维修范围。回复 派单 S1 承办"
    await stage.say(LEADER, "派单 S1 物业", room=None)
    assert (await now(stage)).owner_role is Role.PROPERTY


async def test_returned_while_somebody_here_has_it_it_stays_theirs(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await stage.say(OWNER, "接单 S1", room=None)
    assert await platform.says(ticket, "returned", reason="属物业维修范围") is Verdict.APPLIED
    after = await now(stage)
    assert (after.state, after.owner_role) == (TicketState.ACCEPTED, Role.PROPERTY)
    assert "派单" not in (await stage.told(LEADER))[-1]


@pytest.mark.parametrize(
    ("reason", "public"), [("超职责，由住户自行维修", "超职责"), ("建议走司法途径", "上级平台未受理")]
)
async def test_refused_above_the_reporters_hear_why_and_may_object(
    reason: str, public: str, stage: Stage, platform: Platform
) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "refused", reason=reason)
    after = await now(stage)
    assert (after.state, after.result) == (TicketState.REFUSED, reason)
    assert after.out_of_remit is (True if public == "超职责" else None)
    line = f"@3-2-1502 李姐 S1 电梯故障 不予受理：{public}。不同意请回复 评价 S1 不满意"
    assert (await stage.said())[-1] == line
    assert reason in (await stage.told(LEADER))[-1]


async def test_a_second_refusal_by_the_same_platform_is_a_persons_to_make(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "refused", reason="超职责")
    stage.after(minutes=1)
    await stage.say(REPORTER, "评价 S1 不满意")
    again = await passed_on(stage, platform)
    assert again.state is TicketState.FILED
    assert await platform.says(again, "refused", reason="超职责") is Verdict.CONFLICT
    assert (await now(stage)).state is TicketState.FILED


async def test_what_nobody_reported_is_closed_without_a_question(stage: Stage, platform: Platform) -> None:
    await stage.store.write(lambda tx: rows.file(tx, new_ticket(grid=MICRO)))
    ticket = await passed_on(stage, platform)
    assert ticket.open
    said = await stage.said()
    await platform.says(ticket, "done", result="已处置")
    assert (await now(stage)).state is TicketState.CLOSED
    assert await stage.said() == said


async def test_phones_in_the_platforms_words_are_masked(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await platform.says(ticket, "done", result="已联系 13800000001 说明情况")
    kept = [note.text for note in await stage.store.read(lambda tx: notes.of_ticket(tx, 1))]
    for text in [*kept, (await now(stage)).result or "", *(line.text for line in await stage.lines())]:
        assert "13800000001" not in text


async def test_what_is_confidential_stays_out_of_the_group(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform, "我要举报3栋2单元有人群租")
    assert ticket.confidential
    before = await stage.said()
    await platform.says(ticket, "done", result="已清退", public_answer="已清退")
    assert await stage.said() == before


# ---------------------------------------------------------------- once, and in order
async def test_an_answer_counts_once_and_never_after_a_later_one(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    assert await platform.says(ticket, "in_progress", revision=4) is Verdict.APPLIED
    after, lines = await now(stage), await stage.lines()
    assert await platform.says(ticket, "in_progress", revision=4) is Verdict.DUPLICATE
    assert await platform.says(ticket, "assigned", revision=3, assigned_to="区城管局") is Verdict.STALE
    assert (await now(stage), await stage.lines()) == (after, lines)


async def test_a_platform_answers_only_for_what_it_was_sent(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    other = Platform(stage, "city")
    assert await other.says(ticket, "done", result="已办结") is Verdict.UNKNOWN
    assert await now(stage) == ticket


async def test_what_was_taken_back_here_is_not_answered_any_more(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(REPORTER, "撤回 S1")
    before = await stage.lines()
    assert await platform.says(ticket, "done", result="已修好") is Verdict.STALE
    assert (await now(stage)).state is TicketState.WITHDRAWN
    assert await stage.lines() == before
    assert await waiting(stage) == []


async def test_who_was_erased_is_not_written_about_again(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(REPORTER, "删除我的信息", room=None)
    await stage.say(REPORTER, "确认删除", room=None)
    before, lines = await now(stage), await stage.lines()
    for state in ("assigned", "returned", "done", "refused"):
        words = {"assigned_to": "区住建局", "reason": "3-2-1502李姐自行维修", "result": "已到3-2-1502李姐家"}
        assert await platform.says(ticket, state, **words) is Verdict.STALE
    assert (await now(stage), await stage.lines()) == (before, lines)
    assert await stage.store.read(lambda tx: notes.of_ticket(tx, 1)) == []


async def test_help_for_somebody_who_was_erased_goes_on(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform, "3栋2单元电梯困人了")
    await stage.say(REPORTER, "删除我的信息", room=None)
    await stage.say(REPORTER, "确认删除", room=None)
    assert await platform.says(ticket, "in_progress") is Verdict.APPLIED


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("assigned", {"assigned_to": "区住建局"}),
        ("in_progress", {}),
        ("done", {"result": "已修好"}),
        ("returned", {"reason": "属物业"}),
        ("refused", {"reason": "超职责"}),
    ],
)
async def test_its_own_echo_starts_nothing(state: str, words: dict, stage: Stage, platform: Platform) -> None:
    """A platform that answers each version with the state that it sees there comes to rest."""
    ticket = await reported(stage, platform)
    await platform.says(ticket, state, **words)
    after, said = await passed_on(stage, platform), await stage.said()
    assert await platform.says(after, state, **words) is Verdict.APPLIED
    assert await now(stage) == after
    assert await stage.said() == said


async def test_from_one_office_to_another(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    for office in ("区住建局", "区住建局", "区城管局"):
        await platform.says(ticket, "assigned", assigned_to=office)
    told = [line for line in await stage.told(LEADER) if line.startswith("【上级派单】")]
    assert [line.partition("派给")[2][:4] for line in told] == ["区住建局", "区城管局"]


# ---------------------------------------------------------------- conflicts
async def test_what_was_finished_here_meanwhile_is_not_overwritten(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 物业已换继电器", room=None)
    mine = await now(stage)
    questions = await stage.said()
    assert await platform.says(ticket, "done", result="现场未发现故障") is Verdict.CONFLICT
    assert await now(stage) == mine
    assert await stage.said() == questions
    assert (await stage.told(LEADER))[-1] == (
        "【上级答复不一致】S1 电梯故障 3栋2单元 区平台：已办结（现场未发现故障），这里现为待回访。"
        "没有改动，要改请联系管理员"
    )
    (conflict,) = await waiting(stage)
    assert (conflict.upstream, conflict.answer.result, conflict.here) == ("district", "现场未发现故障", "callback")
    # Pushed and pulled: it is heard of once.
    told = await stage.told(LEADER)
    assert await platform.says(ticket, "done", revision=platform.revision, result="现场未发现故障") is Verdict.CONFLICT
    assert await stage.told(LEADER) == told
    assert await stage.audited("conflict") == 1


async def test_both_came_to_the_same(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已修好", room=None)
    mine = await now(stage)
    assert await platform.says(ticket, "done", result="已修好") is Verdict.APPLIED
    assert await now(stage) == mine
    assert await waiting(stage) == []


async def test_a_result_from_before_a_reopening_does_not_close_it_again(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已修好", room=None)
    finished = await passed_on(stage, platform)
    stage.after(minutes=40)
    await stage.say(REPORTER, "2")
    reopened = await now(stage)
    assert reopened.state is TicketState.FILED
    assert await platform.says(ticket, "done", result="已修好") is Verdict.CONFLICT
    assert await platform.says(finished, "done", result="已修好") is Verdict.CONFLICT
    assert await now(stage) == reopened


async def test_taken_here_while_it_was_assigned_there(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await stage.say(OWNER, "接单 S1", room=None)
    mine = await now(stage)
    assert await platform.says(ticket, "assigned", assigned_to="区住建局") is Verdict.CONFLICT
    assert await now(stage) == mine
    line = "【上级答复不一致】S1 电梯故障 3栋2单元 区平台：已派单（区住建局），这里现为已接。"
    line += "照常办下去即以这里为准；采用上级结果请回复 办结 S1 结果"
    assert (await stage.told(LEADER))[-1] == line
    assert (await stage.told(OWNER))[-1] == line  # who is at it should know


async def test_what_was_known_above_may_be_given_to_another(stage: Stage, platform: Platform) -> None:
    await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await stage.say(OWNER, "接单 S1", room=None)
    known = await passed_on(stage, platform)
    assert await platform.says(known, "assigned", assigned_to="区住建局") is Verdict.APPLIED
    assert (await now(stage)).owner_role is Role.DEPARTMENT


async def test_a_version_that_never_was(stage: Stage, platform: Platform) -> None:
    """As after a backup was put back."""
    ticket = await reported(stage, platform)
    assert await platform.says(ticket, "done", based_on=9, result="已修好") is Verdict.CONFLICT
    assert await now(stage) == ticket


async def test_a_later_answer_that_fits_settles_it(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await stage.say(OWNER, "接单 S1", room=None)
    assert await platform.says(ticket, "assigned", assigned_to="区住建局") is Verdict.CONFLICT
    known = await passed_on(stage, platform)
    assert await platform.says(known, "done", result="已修好") is Verdict.APPLIED
    assert await waiting(stage) == []


async def test_whoever_goes_on_with_it_has_decided(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await stage.say(OWNER, "接单 S1", room=None)
    await platform.says(ticket, "assigned", assigned_to="区住建局")
    await stage.tick()  # the clock decides nothing
    await stage.say(REPORTER, "查询 S1")
    assert len(await waiting(stage)) == 1
    await stage.say(OWNER, "办结 S1 已换门机", room=None)
    assert await waiting(stage) == []
    assert (await now(stage)).result == "已换门机"


async def settle(stage: Stage, *, theirs: bool) -> list[answers.Conflict]:
    stage.after(seconds=1)

    async def work(tx):
        return await upstream.settle(Effects(tx, stage.now, stage.policy), 1, theirs=theirs, labels={"district": ABOVE})

    return await stage.store.write(work)


async def test_settled_as_ours_it_goes_up_once_more(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已换继电器", room=None)
    await platform.says(ticket, "done", result="未发现故障")
    mine = await now(stage)
    assert len(await settle(stage, theirs=False)) == 1
    after = await now(stage)
    assert (after.result, after.state, after.version) == (mine.result, mine.state, mine.version + 1)
    assert await waiting(stage) == []
    assert await settle(stage, theirs=False) == []
    assert await stage.audited("settled") == 1


async def test_settled_as_theirs_it_is_done_after_all(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已换继电器", room=None)
    stage.after(minutes=40)
    await stage.say(REPORTER, "2")
    await platform.says(ticket, "done", result="已整梯更换")
    assert len(await settle(stage, theirs=True)) == 1
    after = await now(stage)
    assert (after.state, after.result) == (TicketState.CALLBACK, "已整梯更换")
    assert (await stage.said())[-1].startswith("@3-2-1502 李姐 S1")


async def test_settled_as_theirs_what_was_asked_is_not_asked_again(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已换继电器", room=None)
    stage.after(minutes=40)
    await stage.say(REPORTER, "1")
    closed = await now(stage)
    await platform.says(ticket, "done", result="已换整套控制柜")
    said = await stage.said()
    await settle(stage, theirs=True)
    after = await now(stage)
    assert (after.state, after.outcome, after.closed_at) == (closed.state, closed.outcome, closed.closed_at)
    assert after.result == "已换整套控制柜"
    assert await stage.said() == said


async def test_settled_as_theirs_what_is_over_goes_on_there(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "办结 S1 已换继电器", room=None)
    await platform.says(ticket, "assigned", assigned_to="区住建局")
    await settle(stage, theirs=True)
    after = await now(stage)
    assert (after.state, after.owner_role, after.closed_at) == (TicketState.ASSIGNED, Role.DEPARTMENT, None)
    stage.after(minutes=40)
    await stage.say(REPORTER, "1")  # the question is not open any more
    assert (await now(stage)).state is TicketState.ASSIGNED


async def test_an_emergency_that_comes_back_wakes_people(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform, "3栋2单元电梯困人了")
    stage.now = stage.now.replace(hour=23)
    await platform.says(ticket, "returned", reason="请就近处置")
    line = [line for line in await stage.lines() if line.text.startswith("【上级退回】")]
    assert line
    assert all(one.lane is Lane.EMERGENCY for one in line)


async def test_what_waits_goes_with_the_words_of_its_ticket(stage: Stage, platform: Platform) -> None:
    ticket = await reported(stage, platform)
    await stage.say(LEADER, "派单 S1 物业", room=None)
    await platform.says(ticket, "refused", reason="住户李姐自行维修")
    assert len(await waiting(stage)) == 1
    await stage.say(REPORTER, "撤回 S1")
    assert await waiting(stage) == []


async def test_the_level_of_the_ticket_hears_of_a_conflict(stage: Stage, platform: Platform) -> None:
    await stage.cast("街道钱科", "街道", scope=MICRO[:9])
    await stage.cast("周主任", "社区工作人员", scope=MICRO[:12])
    await reported(stage, platform)
    await stage.say(LEADER, "吹哨 S1", room=None)
    await stage.say("周主任", "吹哨 S1", room=None)
    known = await passed_on(stage, platform)
    await stage.say(LEADER, "办结 S1 已修好", room=None)
    assert await platform.says(known, "refused", reason="超职责") is Verdict.CONFLICT
    for nick in (LEADER, "周主任", "街道钱科"):
        assert (await stage.told(nick))[-1].startswith("【上级答复不一致】"), nick
    assert not any("上级" in line for line in await stage.said(GROUP))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_both_sides_do(seed: int, stage: Stage, platform: Platform) -> None:
    """People and the platform, each at random and often too late: what is not applied changes nothing, what somebody
    here decided is never undone by an answer that did not know of it, and nothing counts twice."""
    drawn = random.Random(seed)
    await reported(stage, platform)
    here = [
        (LEADER, "派单 S1 物业"),
        (OWNER, "接单 S1"),
        (OWNER, "处置中 S1 明天"),
        (OWNER, "退回 S1 不归我们"),
        (OWNER, "办结 S1 已换门机"),
        (LEADER, "不受理 S1 超职责"),
        (REPORTER, "评价 S1 不满意"),
        (REPORTER, "评价 S1 满意"),
    ]
    said_above: list[tuple[Ticket, str, int, int]] = []
    for _ in range(25):
        stage.after(minutes=drawn.randint(1, 50))
        before = await now(stage)
        if drawn.random() < 0.5:
            await stage.say(*drawn.choice(here), room=None)
            await passed_on(stage, platform)
            continue
        state, based_on = drawn.choice(list(AnswerState)).value, drawn.randint(1, before.version)
        verdict = await platform.says(before, state, based_on=based_on, result="上级处置", reason="超职责")
        after = await now(stage)
        said_above.append((before, state, based_on, platform.revision))
        if verdict is not Verdict.APPLIED:
            assert after == before
        elif after != before and before.state in {TicketState.CALLBACK, TicketState.CLOSED, TicketState.REFUSED}:
            raise AssertionError(f"{state} undid {before.state}")
    last, lines = await now(stage), await stage.lines()
    for ticket, state, based_on, revision in said_above:
        verdict = await platform.says(ticket, state, based_on=based_on, revision=revision, result="上级处置")
        assert verdict in {Verdict.DUPLICATE, Verdict.STALE, Verdict.CONFLICT}
    assert (await now(stage), await stage.lines()) == (last, lines)
    await stage.audited("upstream")  # the chain is whole
