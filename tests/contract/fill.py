"""Fictional rows for every table, written through the repositories: for the kept dump of each schema and its test.

python -m tests.contract.fill tests/data/schema_0004.sql
"""

from __future__ import annotations

import asyncio
import base64
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import (
    accounts,
    alerts,
    answers,
    audit,
    binding,
    calls,
    chains,
    clocks,
    contributions,
    dialogs,
    duty,
    faq,
    grids,
    inbox,
    jobs,
    leases,
    listed,
    merges,
    modes,
    negatives,
    notes,
    notice_files,
    notices,
    outbox,
    owners,
    people,
    points,
    polls,
    questions,
    rooms,
    roster,
    signups,
    standbys,
    supplies,
    tasks,
    tickets,
    topics,
    upstreams,
    wishes,
    worklog,
)
from storage import signup_entries as rosters
from storage.engine import Store, Tx
from storage.model import (
    Alias,
    Arrival,
    AuditEntry,
    Call,
    ClockKind,
    Dialog,
    Draft,
    DutyKind,
    Grant,
    Grid,
    Lane,
    Level,
    Listing,
    Merge,
    MessageKind,
    Nature,
    NewTicket,
    Note,
    Origin,
    Owner,
    Place,
    PostKind,
    Role,
    RoomKind,
    RoomState,
    SendState,
    Shift,
    TicketClock,
    TicketMessage,
    TicketState,
    Urgency,
)
from storage.questions import Question
from storage.roster import Entry
from storage.testing import url_of

NOW = datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COMMUNITY = "519999001001"
GRID = COMMUNITY + "001"
MICRO = GRID + "001"
PHONE = "13800000001"
BIND_CODE_LINE = "-- bind code: "

# No secret: the key of invented rows.
KEY_FILE = f"# for tests only\n{base64.b64encode(bytes(range(64))).decode()}\n"


def draft(key: str, text: str = "已登记", **changed: object) -> Draft:
    """A line for the room `r1` of account `a`."""
    values: dict[str, object] = {
        "key": key,
        "account": "a",
        "conversation": "r1",
        "text": text,
        "kind": PostKind.ACK,
        "lane": Lane.REPLY,
        "not_before": NOW,
        "created_at": NOW,
    }
    return Draft(**{**values, **changed})  # type: ignore[arg-type]


def new_ticket(state: TicketState = TicketState.FILED, **changed: object) -> NewTicket:
    """A lift out of order in building 3."""
    values: dict[str, object] = {
        "state": state,
        "category": "0503",
        "urgency": Urgency.ROUTINE,
        "nature": Nature.HELP,
        "level": Level.GRID,
        "grid": MICRO,
        "room_id": None,
        "place": Place(building="3", unit="2", located_by="text"),
        "confidential": False,
        "reported_at": NOW,
        "filed_at": NOW,
        "ack_due": NOW + 30 * MINUTE,
        "due": NOW + timedelta(days=1),
        "score": 3.5,
        "rules": ("fault",),
        "terms": ("电梯", "坏"),
        "lexicon": "abc123",
    }
    return NewTicket(**{**values, **changed})  # type: ignore[arg-type]


def message(ticket: int, message_id: str, person_id: int, text: str = "电梯又坏了", **changed: object) -> TicketMessage:
    """What somebody said in a room of account `a`."""
    values: dict[str, object] = {
        "ticket": ticket,
        "account": "a",
        "message_id": message_id,
        "room_id": None,
        "person_id": person_id,
        "kind": MessageKind.TEXT,
        "sent_at": NOW,
        "text": text,
    }
    return TicketMessage(**{**values, **changed})  # type: ignore[arg-type]


async def fill(tx: Tx) -> str:
    """Write at least one row into every table; the code that binds the community worker's second account."""
    await grids.put(tx, [Grid(COMMUNITY, "示例社区"), Grid(GRID, "第一网格"), Grid(MICRO, "一号楼微网格")])
    residents = await rooms.ensure(tx, "a", "r1", "示例小区业主群", at=NOW)
    residents = await rooms.update(tx, residents.id, grid=MICRO, state=RoomState.ENABLED, noticed_at=NOW)
    leaders = await rooms.ensure(tx, "a", "r2", "网格长群", at=NOW)
    await rooms.update(tx, leaders.id, kind=RoomKind.LEADER, grid=GRID, state=RoomState.ENABLED, silent_until=NOW)

    worker = await people.import_person(
        tx, "王示例", [Grant(Role.GRID_WORKER, GRID)], [Alias("a", "u-worker", friend=True, nick="网格员小王")]
    )
    code = await binding.new_code(tx, worker.id, NOW + timedelta(days=3650))
    resident = await people.ensure(tx, "a", "u-li", nick="3-2-1502 李姐", friend=False)
    hidden = await people.ensure(tx, "a", "u-zhou", nick="老周", friend=True)
    await people.opt_out(tx, hidden.id, NOW)
    await binding.record_failure(tx, "a", "u-zhou", NOW)

    await inbox.accept(tx, [Arrival("a", f"m{number}", NOW + number * MINUTE) for number in range(4)])
    await inbox.finish(tx, [("a", "m0", "ticket"), ("a", "m1", "chat")], NOW + 5 * MINUTE)
    await inbox.unfetchable(tx, "a", "m2", NOW + 6 * MINUTE)
    await inbox.count(tx, NOW.date(), {(residents.id, "chat"): 12, (None, "command"): 1})
    await inbox.record_gap(tx, "a", NOW - 9 * MINUTE, NOW - 7 * MINUTE)

    ticket = await tickets.file(tx, new_ticket(room_id=residents.id))
    await tickets.add_message(tx, message(ticket.number, "m0", resident.id, room_id=residents.id))
    await tickets.add_reporter(tx, ticket.number, resident.id, residents.id, NOW, nick="3-2-1502 李姐", contact=PHONE)
    await tickets.update(
        tx,
        ticket.number,
        expect=[TicketState.FILED],
        at=NOW + MINUTE,
        state=TicketState.ASSIGNED,
        owner_id=worker.id,
        owner_role=Role.GRID_WORKER,
        assigned_at=NOW + MINUTE,
    )
    await tickets.file(tx, new_ticket(TicketState.CANDIDATE, terms=("路灯",), category="0401"))
    await dialogs.ask(tx, Dialog(resident.id, "locate", ticket.number, residents.id, NOW, NOW + 60 * MINUTE))

    sent = await outbox.put(
        tx, draft("ack:S1", room_id=residents.id, counted=True, ticket=ticket.number, mentions=("u-li",))
    )
    assert sent is not None
    await outbox.mark_sending(tx, sent, NOW)
    await outbox.mark_sent(tx, sent, NOW + MINUTE, "x1")
    await outbox.put(tx, draft("told:S1:1", "新诉求 S1", conversation="r2", kind=PostKind.PRIVATE, room_id=leaders.id))

    entry = AuditEntry(NOW, "file", resident.id, None, ticket.number, None, "filed", "a", "m0")
    await audit.append(tx, entry)
    await audit.append(tx, AuditEntry(NOW + MINUTE, "denied", resident.id, detail={"command": "assign", "again": True}))
    await negatives.add(tx, at=NOW, rules=["fault"], terms=["坏"], lexicon="abc123", category="0503", text="手气坏了")
    return code


async def read_back(store: Store, code: str | None) -> None:
    """Assert through the repositories that everything that `fill` wrote is there, whatever schema it began in."""

    async def read(tx: Tx) -> None:
        named = {COMMUNITY: "示例社区", GRID: "第一网格", MICRO: "一号楼微网格"}
        assert named.items() <= (await grids.names(tx)).items()
        residents, leaders, *_ = await rooms.every(tx)
        assert (residents.topic, residents.state, residents.noticed_at) == ("示例小区业主群", RoomState.ENABLED, NOW)
        assert await rooms.leader_room(tx, MICRO) == leaders

        resident = await people.find(tx, "a", "u-li")
        worker = await people.find(tx, "a", "u-worker")
        assert resident is not None
        assert worker is not None
        assert (resident.roles, resident.aliases[0].nick) == ({Role.RESIDENT}, "3-2-1502 李姐")
        assert (worker.name, worker.grants) == ("王示例", (Grant(Role.GRID_WORKER, GRID),))
        assert await people.opted_out(tx) == {("a", "u-zhou")}
        assert await binding.failures(tx, "a", "u-zhou", NOW) == 1

        assert await inbox.pending(tx, "a") == [Arrival("a", "m3", NOW + 3 * MINUTE)]
        done = await inbox.finished_since(tx, "a", NOW)
        assert [arrival.message_id for arrival in done] == ["m0", "m1", "m2"]
        assert await inbox.list_unfetchable(tx) == [Arrival("a", "m2", NOW + 2 * MINUTE)]
        assert await inbox.counters(tx, NOW.date()) == {"chat": 12, "command": 1}
        assert await inbox.gaps(tx) == [("a", NOW - 9 * MINUTE, NOW - 7 * MINUTE)]

        ticket = await tickets.get(tx, 1)
        assert ticket is not None
        assert (ticket.state, ticket.owner_id) == (TicketState.ASSIGNED, worker.id)
        assert ticket.version >= 2
        assert (ticket.place, ticket.terms) == (Place(building="3", unit="2", located_by="text"), ("电梯", "坏"))
        assert [said.text for said in await tickets.messages(tx, 1)] == ["电梯又坏了"]
        assert [who.contact for who in await tickets.reporters(tx, 1)] == [PHONE]
        candidate = await tickets.get(tx, 2)
        assert candidate is not None
        assert candidate.state is TicketState.CANDIDATE
        assert [dialog.ticket for dialog in await dialogs.open_for(tx, resident.id, "locate", NOW)] == [1]

        (sent,) = await outbox.by_state(tx, SendState.SENT)
        assert (sent.key, sent.mentions, sent.sent_at, sent.message_id) == ("ack:S1", ("u-li",), NOW + MINUTE, "x1")
        assert [line.key for line in await outbox.due(tx, "a", NOW)] == ["told:S1:1"]

        assert await audit.verify(tx) == audit.Verdict(2, True)
        assert [entry.message_id for entry in await audit.of_ticket(tx, 1)] == ["m0"]
        assert await audit.count(tx, "denied") == 1
        assert [negative.text for negative in await negatives.every(tx)] == ["手气坏了"]

    await store.read(read)

    async def write(tx: Tx) -> None:
        # Numbers go on where they stopped, and the code that was given out still binds.
        assert (await tickets.file(tx, new_ticket())).number == 3
        if code is not None:
            bound = await binding.bind(tx, code, "b", "u-second", NOW)
            assert bound is not None
            assert bound.name == "王示例"

    await store.write(write)


async def fill_net(tx: Tx) -> None:
    """Write, beside what `fill` wrote, at least one row into every table that came with 0002, and its new columns."""
    lin, chen = await roster.put(
        tx,
        [
            Entry(
                None,
                "林示例",
                ref="A7",
                org="示例物业",
                phone=PHONE,
                grants=frozenset({(Role.PROPERTY, GRID)}),
                accounts=frozenset({("a", "u-lin")}),
            ),
            Entry(
                None,
                "陈示例",
                ref="A8",
                grants=frozenset({(Role.VOLUNTEER, MICRO)}),
                accounts=frozenset({("a", "u-chen")}),
            ),
        ],
    )
    await binding.new_code(tx, lin, NOW + MINUTE, only=True)
    await grids.put(tx, [Grid(COMMUNITY + "002", "第二网格"), Grid(COMMUNITY + "003", "第三网格")], Origin.IMPORT)
    await grids.move(tx, COMMUNITY + "002", [COMMUNITY + "003"], NOW)
    moved = await rooms.ensure(tx, "a", "r3-new", "三号楼业主群", at=NOW)
    old = await rooms.ensure(tx, "a", "r3-old", "三号楼业主群", at=NOW)
    await rooms.succeed(tx, old, moved)

    await tickets.update(
        tx,
        1,
        expect=[TicketState.ASSIGNED],
        at=NOW + 2 * MINUTE,
        first_id=lin,
        first_role=Role.PROPERTY,
        listed=Listing.PROJECT,
        founded=True,
        solved=False,
        unsolved_reason="等配件",
        public_answer="周五前修好",
    )
    await clocks.put(tx, [TicketClock(1, ClockKind.CLOSE, 0, NOW, NOW + timedelta(days=1), 1, NOW + 60 * MINUTE)])
    await notes.add(tx, Note(1, NOW, lin, "extension_asked", "配件没到", Level.COMMUNITY))
    await merges.put(tx, Merge(2, 1, TicketState.CANDIDATE, MICRO, NOW))
    await calls.put(tx, 1, 3, NOW)
    await calls.accept(tx, 1, chen, NOW + MINUTE)

    await jobs.fire(tx, "daily", NOW, NOW + MINUTE)
    await modes.declare(tx, GRID, "暴雨", person_id=lin, at=NOW, expires_at=NOW + timedelta(hours=24))
    await owners.put(tx, [Owner("05", GRID, Role.PROPERTY, "示例物业", lin)])
    await duty.put(tx, [Shift(chen, DutyKind.CALL, GRID, NOW, NOW + timedelta(hours=8))])

    task = await tasks.hand_out(
        tx, scope=GRID, matter="巡查", text="查井盖", person_id=lin, at=NOW, due=NOW + timedelta(days=3), grids=[MICRO]
    )
    await tasks.complete(tx, task.number, [MICRO], person_id=chen, result="都盖好了", at=NOW + MINUTE)
    entry = await faq.add(
        tx, scope=GRID, question="电费怎么交", answer="网上国网", source="供电所", person_id=lin, at=NOW
    )
    await faq.count(tx, entry.number, MICRO, NOW.date())
    await listed.add(tx, Listing.RESOURCE, MICRO, "会议室", person_id=lin, at=NOW)


async def read_net(store: Store) -> None:
    """Assert through the repositories that everything that `fill_net` wrote is there."""

    async def read(tx: Tx) -> None:
        lin, chen = await people.find(tx, "a", "u-lin"), await people.find(tx, "a", "u-chen")
        assert lin is not None
        assert chen is not None
        (entry,) = [entry for entry in await roster.every(tx) if entry.ref == "A7"]
        assert (entry.name, entry.org, entry.phone) == ("林示例", "示例物业", PHONE)
        assert await grids.moves(tx) == {COMMUNITY + "002": {COMMUNITY + "003"}}
        assert (await grids.every(tx))[COMMUNITY + "003"] == grids.Known("第三网格", True, Origin.IMPORT)
        assert [room.im_id for room in await rooms.every(tx) if room.topic == "三号楼业主群"] == ["r3-new", "r3-old"]

        ticket = await tickets.get(tx, 1)
        assert ticket is not None
        assert (ticket.first_id, ticket.first_role, ticket.listed) == (lin.id, Role.PROPERTY, Listing.PROJECT)
        assert (ticket.founded, ticket.solved, ticket.contacted) == (True, False, None)
        assert (ticket.unsolved_reason, ticket.public_answer) == ("等配件", "周五前修好")
        (clock,) = await clocks.due(tx, NOW + 60 * MINUTE, 10)
        assert clock == TicketClock(1, ClockKind.CLOSE, 0, NOW, NOW + timedelta(days=1), 1, NOW + 60 * MINUTE)
        assert await notes.of_ticket(tx, 1) == [Note(1, NOW, lin.id, "extension_asked", "配件没到", Level.COMMUNITY)]
        assert await merges.of(tx, 2) == Merge(2, 1, TicketState.CANDIDATE, MICRO, NOW)
        assert await calls.get(tx, 1) == Call(1, NOW, 3, chen.id, NOW + MINUTE)

        assert await jobs.last(tx, "daily") == NOW
        (mode,) = await modes.in_force(tx)
        assert (mode.scope, mode.reason, mode.expires_at) == (GRID, "暴雨", NOW + timedelta(hours=24))
        assert await owners.every(tx) == [Owner("05", GRID, Role.PROPERTY, "示例物业", lin.id)]
        assert await duty.on_duty(tx, DutyKind.CALL, MICRO, NOW) == [chen]

        task = await tasks.get(tx, 1)
        assert task is not None
        assert (task.matter, task.text, task.due) == ("巡查", "查井盖", NOW + timedelta(days=3))
        assert await tasks.grids_of(tx, 1, open_only=True) == []
        (answer,) = await faq.over(tx, MICRO)
        assert (answer.question, answer.answer, answer.source) == ("电费怎么交", "网上国网", "供电所")
        assert await listed.items(tx, Listing.RESOURCE, COMMUNITY) == ["会议室"]

    await store.read(read)


LATER = NOW + timedelta(days=3650)
QUESTION = Question(2, "heads", "H1", 1, NOW, NOW + timedelta(days=3650), {"heads": 2})


async def fill_neighbours(tx: Tx) -> None:
    """Write, beside the others, at least one row into every table that came with 0003, and its new columns."""
    await questions.ask(tx, QUESTION)
    await _fill_signups(tx)
    await _fill_chains(tx)
    await _fill_wishes(tx)
    await _fill_deliberation(tx)
    await _fill_upward(tx)
    await _fill_voice(tx)
    await _fill_worklog(tx)


async def _fill_signups(tx: Tx) -> None:
    hair = signups.NewSignup("助老理发", "社区活动室", LATER, capacity=3, room_id=1, grid=MICRO, organiser_id=1)
    number = (await signups.create(tx, hair, NOW, LATER)).number
    shots = (signups.Slot(1, LATER, LATER + MINUTE, 1), signups.Slot(2, LATER + MINUTE, None, 5))
    other = await signups.create(tx, signups.NewSignup("疫苗接种", asks_phone=True, slots=shots), NOW)
    one = await rosters.sign(tx, number, name="李姐", heads=2, at=NOW, person_id=2, by_id=2, building="3栋", room_id=1)
    await rosters.sign(tx, number, name="张三", heads=2, at=NOW + MINUTE, by_id=2)
    await rosters.give_phone(tx, number, one, PHONE)
    await rosters.sign(tx, other.number, name="张三", heads=1, at=NOW, slot=2, source=signups.Source.CHAIN, position=4)
    for settled in (number, other.number):
        await rosters.settle(tx, settled)


async def _fill_chains(tx: Tx) -> None:
    line = await chains.add_line(tx, 2, chains.NewLine("张三 3栋", "张三", "3栋", author=2, at=NOW), ())
    await chains.link(tx, 2, 1, [line.number])
    await chains.add_copy(tx, 2, chains.Copy("a", "m7", 1, NOW, 2, chains.digest(tx, "疫苗接种"), (line.number,)))


LINK = upstreams.Link("street", 2, 1, 3, LATER, "unauthorized", "no such secret", NOW, NOW)
SENT = upstreams.Arrived(1, 1, "0" * 64, deleted=False, ref="A-17")
ANSWER = answers.Answer(1, 7, 3, answers.AnswerState.DONE, NOW, ref="A-17", result="已更换")


async def _fill_upward(tx: Tx) -> None:
    await upstreams.feed(tx, "street", NOW)
    await upstreams.sending(tx, "street", {1: 1})
    await upstreams.arrived(tx, "street", [SENT], NOW)
    await upstreams.put_link(tx, LINK)
    await answers.keep(tx, "street", ANSWER, NOW, here="callback")
    await answers.read_up_to(tx, "street", "17", NOW)
    await answers.keep_reply(tx, "street", "k1", "0" * 64, "{}", NOW)


async def _fill_wishes(tx: Tx) -> None:
    for text in ("换个灯泡", "要一台轮椅"):
        await wishes.file(tx, text=text, grid=MICRO, room_id=1, person_id=2, account="a", message_id="m0", at=NOW)
    published = {"public": "换灯泡", "scope": GRID, "reviewer_id": 1, "reviewed_at": NOW, "review_id": "m1"}
    await wishes.move(tx, 1, {wishes.WishState.PENDING}, wishes.WishState.PUBLISHED, **published)
    await wishes.claim(tx, 1, 1, room_id=1, anonymous=True, at=NOW, release_at=LATER, said=("a", "m1"))
    await wishes.line_up(tx, 1, 3, room_id=None, anonymous=False, at=LATER, said=("a", "m2"))
    await contributions.note(tx, person_id=1, by_id=1, grid=MICRO, text="清理楼道", at=NOW)


async def _fill_deliberation(tx: Tx) -> None:
    said = {"account": "a", "message_id": "m0", "at": NOW}
    topic = await topics.propose(tx, grid=MICRO, room_id=1, person_id=2, text="停车位紧张", **said)
    await topics.support(tx, topic.number, 3, text="", **said)
    of = {"grid": MICRO, "room_id": 1, "person_id": 1, "at": NOW, "closes_at": LATER}
    counted = {"entitled": 86, "counted_in": polls.CountedIn.HOUSEHOLDS}
    for title in ("装道闸", "换大门"):
        await polls.start(tx, title=title, options=("要", "不要"), **of, **counted)
    await polls.vote(tx, 2, 2, 1, NOW, ("a", "m3"))
    gate = await polls.get(tx, 3)
    assert gate is not None
    await polls.vote(tx, 3, 2, 2, NOW)
    await polls.close(tx, gate, LATER)
    thing = {"grid": MICRO, "room_id": 1, "thing": "米", "unit": "袋", "building": "3", "note": "", **said}
    need = await supplies.register(tx, kind=supplies.SupplyKind.NEED, person_id=2, amount=2, **thing)
    offer = await supplies.register(tx, kind=supplies.SupplyKind.OFFER, person_id=3, amount=5, **thing)
    await supplies.propose(tx, need.number, offer.number, 2, NOW)
    await supplies.check_in(tx, supplies.CheckIn(2, MICRO, "3", 2, True, "药快没了", NOW, "3-2-1502"), ("a", "m4"))


async def _fill_voice(tx: Tx) -> None:
    room = await rooms.get(tx, 1)
    assert room is not None
    notice = await notices.draft(tx, "明天停水", [room], author_id=1, at=NOW)
    await notices.move(tx, notice.number, notices.OPEN, notices.NoticeState.SENDING)
    await notices.receive(tx, [(notice.number, "a", "u-li")])
    level = alerts.AlertLevel.ORANGE
    await alerts.put(
        tx, alerts.Known("gas", "e-1", "g-0031", "甲烷超限", level, "9%LEL", MICRO, 1, NOW, 3, False, False, NOW, 1)
    )


async def _fill_worklog(tx: Tx) -> None:
    said = {"account": "a", "message_id": "m0", "at": NOW}
    visit = worklog.WorkKind.VISIT
    entry = await worklog.note(tx, kind=visit, person_id=1, grid=MICRO, households=3, text="无异常", **said)
    await worklog.show(tx, entry, "m5")
    got = await points.earn(tx, 2, points.PointAction.ATTENDANCE, "H1", 30, grid=MICRO, at=NOW)
    assert got is not None
    spent = await points.redeem(tx, got.account, 20, "毛巾", grid=MICRO, by_id=1, at=NOW)
    assert spent is not None
    await points.correct(tx, spent.number, "发错了", by_id=1, at=LATER)


async def read_neighbours(store: Store) -> None:
    """Assert through the repositories that everything that `fill_neighbours` wrote is there."""

    async def read(tx: Tx) -> None:
        assert await questions.open_for(tx, 2, "heads", NOW) == [QUESTION]
        assert replace(await upstreams.link(tx, "street"), seq=2) == LINK
        delivery = await upstreams.delivery(tx, "street", 1)
        assert delivery is not None
        assert (delivery.sent, delivery.hash, delivery.ref) == (1, SENT.hash, SENT.ref)
        assert await answers.conflicts(tx) == [answers.Conflict("street", ANSWER, "callback", NOW)]
        assert await answers.cursor(tx, "street") == "17"
        assert await answers.reply(tx, "street", "k1") == ("0" * 64, "{}")
        assert [(line.name, line.author, line.seq) for line in await chains.lines(tx, 2)] == [("张三", 2, 1)]
        assert [copy.rows for copy in await chains.copies(tx, 2)] == [(1,)]
        hair, shots = await signups.every(tx)
        assert (hair.id, hair.title, hair.starts, hair.capacity, hair.next_at) == ("H1", "助老理发", LATER, 3, LATER)
        assert [slot.capacity for slot in shots.slots] == [1, 5]
        roster_of = [(entry.name, entry.heads, entry.state) for entry in await rosters.entries(tx, 1)]
        assert roster_of == [("李姐", 2, signups.EntryState.CONFIRMED), ("张三", 2, signups.EntryState.WAITING)]
        assert await rosters.phones(tx, 1) == {1: PHONE}
        light, chair = await wishes.every(tx)
        assert (light.id, light.public, light.scope, light.claimed_by) == ("X1", "换灯泡", GRID, 1)
        assert (light.anonymous, light.release_at, chair.state) == (True, LATER, wishes.WishState.PENDING)
        assert [one.person_id for one in await wishes.waiting(tx, 1)] == [3]
        assert await contributions.noted(tx, 1) == 1
        notice = (await notices.every(tx))[0]
        assert (notice.text, notice.state, notice.author_id) == ("明天停水", notices.NoticeState.SENDING, 1)
        standing = await notices.standing(tx, notice.number)
        assert (standing.rooms, standing.waiting, standing.receipts) == (1, 1, 1)
        alert = await alerts.get(tx, "gas", "e-1")
        assert alert is not None
        assert (alert.device, alert.level, alert.ticket, alert.count) == ("g-0031", alerts.AlertLevel.ORANGE, 1, 3)
        (topic,) = await topics.open_in(tx, MICRO)
        assert (topic.id, topic.text, topic.supporters) == ("V1", "停车位紧张", 2)
        (poll,) = await polls.open_in_room(tx, 1)
        assert (poll.id, poll.options, poll.entitled, poll.closes_at) == ("V2", ("要", "不要"), 86, LATER)
        assert await polls.counts(tx, poll) == (1, 0)
        gate = await polls.get(tx, 3)
        assert gate is not None
        assert (gate.closed_at, gate.result) == (LATER, (0, 1))
        need, offer = await supplies.search(tx, MICRO)
        assert (need.id, need.kind, need.thing, need.left) == ("W1", supplies.SupplyKind.NEED, "米", 0)
        assert (offer.left, offer.unit, offer.building) == (3, "袋", "3")
        assert [mine.note for mine in await supplies.checked_in(tx, MICRO)] == ["药快没了"]
        walks = [one for one in await worklog.log(tx, person_id=1) if one.kind in worklog.TYPED]
        assert [(one.households, one.text, one.photo, one.at) for one in walks] == [(3, "无异常", True, NOW)]
        ledger = await points.of_person(tx, 2)
        assert [(one.delta, one.item, one.note) for one in ledger] == [
            (30, "H1", ""),
            (-20, "", "毛巾"),
            (20, "", "发错了"),
        ]
        assert await points.balance(tx, 2) == 30

    await store.read(read)


PROCESS = leases.Process("1f3a", "node-1", "boot:pid", 4711, "0.1.0", ("a",), NOW, NOW + leases.LEASE)

PICTURE = notice_files.File("体检.png", "image/png", b"\x89PNG\r\n")
SLOWED = accounts.Account("a", since=NOW, stopped_until=NOW + 10 * MINUTE, throttled_at=NOW, share=0.5)


async def fill_fleet(tx: Tx) -> None:
    """Write, beside the others, at least one row into every table that came with 0004, and its new columns."""
    await leases.join(tx, PROCESS)
    await leases.ensure(tx, [leases.DUTY, leases.lease_of("a")], NOW)
    await leases.claim(tx, [leases.lease_of("a")], PROCESS.holder, NOW)
    await accounts.begin(tx, "a", NOW)
    await accounts.slow_down(tx, SLOWED)
    await accounts.begin(tx, "lost", NOW)
    await accounts.die(tx, "lost", NOW, "logged out")
    await standbys.add(tx, 1, "b", "r1", at=NOW)
    await rooms.tag(tx, 1, ["独居老人"], Origin.IMPORT)
    await rooms.update(tx, 1, taken_at=NOW)
    await _fill_media(tx)


async def _fill_media(tx: Tx) -> None:
    room = await rooms.get(tx, 1)
    assert room is not None
    notice = await notices.draft(tx, "体检安排见图", [room], author_id=1, at=NOW, announce=True)
    await notice_files.expect(tx, notice.number, "a", "m7", mime="image/png")
    await notice_files.put(tx, notice.number, PICTURE)
    key = notices.file_key(notice.number, room.id)
    line = draft(key, room_id=room.id, conversation=room.im_id, kind=PostKind.NOTICE, lane=Lane.NOTICE)
    await outbox.put(tx, replace(line, file=notice.number, not_before=LATER))


async def read_fleet(store: Store) -> None:
    """Assert through the repositories that everything that `fill_fleet` wrote is there."""

    async def read(tx: Tx) -> None:
        assert await leases.alive(tx) == [PROCESS]
        taken, duty_lease = await leases.every(tx)
        assert taken == leases.Lease("account:a", PROCESS.holder, 1, NOW)
        assert duty_lease == leases.Lease("duty", None, 0, NOW)
        announced = (await notices.every(tx))[-1]
        assert (announced.text, announced.announce) == ("体检安排见图", True)
        assert await notice_files.load(tx, announced.number) == PICTURE
        assert await notice_files.shown_by(tx, "a", "m7") == [announced.number]
        line = await outbox.find_queued(tx, notices.file_key(announced.number, 1))
        assert line is not None
        assert line.file == announced.number
        known = await accounts.every(tx)
        assert (known["a"], known["lost"].dead_why) == (SLOWED, "logged out")
        assert await standbys.of_room(tx, 1) == [standbys.Standby(1, "b", "r1", NOW)]
        assert await rooms.tags(tx) == {1: {"独居老人"}}
        room = await rooms.get(tx, 1)
        assert room is not None
        assert room.taken_at == NOW

    await store.read(read)


async def fill_sessions(tx: Tx) -> None:
    """Write into the columns that came with 0005."""
    await signups.update(tx, 2, organiser_named=True)
    await rosters.note(tx, 2, 1, choice="下午场")
    await chains.add_line(tx, 1, chains.NewLine("李姐 上午场", "李姐", choice="上午场"), ())


async def read_sessions(store: Store) -> None:
    """Assert that everything that `fill_sessions` wrote is there."""

    async def read(tx: Tx) -> None:
        assert [signup.organiser_named for signup in await signups.every(tx)] == [False, True]
        assert [entry.choice for entry in await rosters.entries(tx, 2)] == ["下午场"]
        assert [line.choice for line in await chains.lines(tx, 1)] == ["上午场"]

    await store.read(read)


async def dump() -> str:
    """The filled database as SQL text, with the bind code in its first line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "filled.db"
        (Path(folder) / "xiaoge.key").write_text(KEY_FILE)
        (Path(folder) / "xiaoge.key").chmod(0o600)
        async with await Store.open(url_of(path)) as store:
            code = await store.write(fill)
            await store.write(fill_net)
            await store.write(fill_neighbours)
            await store.write(fill_fleet)
            await store.write(fill_sessions)
        with closing(sqlite3.connect(path)) as database:
            lines = list(database.iterdump())
    return "\n".join([f"{BIND_CODE_LINE}{code}", *lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(dump()), encoding="utf-8")
