"""The whole bot against a real gateway: store, classifier, handlers and wire, nothing played but the people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from bot.clock import SystemClock
from bot.house import House
from bot.pacing import Budget
from bot.registry import KnownPerson, KnownRoom, Registry
from bot.transports.gateway_link import Timing
from bot.transports.wechaty import WechatyTransport
from handlers.context import Policy
from nlp import categories
from nlp.pipeline import Classifier
from storage import inbox, outbox, rooms, tickets
from storage.engine import Store
from storage.model import (
    Alias,
    Grant,
    Grid,
    Message,
    MessageKind,
    Role,
    RoomKind,
    RoomState,
    SendState,
    Ticket,
    TicketState,
)
from storage.testing import fresh_store
from tests.integration.conftest import MakeGateway
from tests.integration.gateway_process import PATIENCE, Gateway, until

pytestmark = pytest.mark.gateway

MORNING = datetime(2025, 6, 12, 2, 0, tzinfo=UTC)  # a Thursday, ten o'clock in Shanghai
COMMUNITY, MICRO_GRID = "519999001001", "519999001001003012"
GROUP, OTHER_GROUP, LEADERS, STRANGE_GROUP = (f"R{number}@chatroom" for number in range(4))
QUICK = Budget(per_minute=60, per_hour=1000, per_day=5000, gap=(0, 0), per_room_gap=0)
WIRE = Timing(backoff=0.1, backoff_cap=0.5)


class Heard(NamedTuple):
    id: str
    kind: MessageKind
    reason: str
    tickets: tuple[int, ...]


@dataclass
class Village:
    """Gateways with people behind them, one store, and what the house made of what was said."""

    store: Store
    clock: SystemClock
    classifier: Classifier
    gateways: dict[str, Gateway]
    budget: Budget = QUICK
    timing: Timing = WIRE
    heard: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    wires: dict[str, WechatyTransport] = field(default_factory=dict)

    @property
    def gateway(self) -> Gateway:
        return next(iter(self.gateways.values()))

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        policy = Policy(categories=categories.load(), ack_wait=timedelta())
        self.wires = {
            name: WechatyTransport(name, gateway.endpoint, gateway.token, clock=self.clock, timing=self.timing)
            for name, gateway in self.gateways.items()
        }
        house = House(
            store=self.store,
            classifier=self.classifier,
            policy=policy,
            transports=list(self.wires.values()),
            budget=self.budget,
            clock=self.clock,
            seed=1,
            heard=self._hear,
        )
        living = asyncio.create_task(house.run())
        try:
            await until(lambda: all(map(self.online, self.gateways)))  # a gateway drops what nobody listens to
            yield house
        finally:
            house.stop()
            await living

    def _hear(self, message: Message, reason: str, numbers: tuple[int, ...]) -> None:
        if not message.from_me:
            self.heard.put_nowait(Heard(message.id, message.kind, reason, numbers))

    def online(self, account: str) -> bool:
        return self.wires[account].online

    async def say(self, text: str, *, by: int, room: str | None = GROUP, **more: object) -> Heard:
        """Somebody says something, and the house has made up its mind about it."""
        message_id = await self.post(text, by=by, room=room, **more)
        heard = await self.next()
        assert heard.id == message_id
        return heard

    async def post(self, text: str, *, by: int, room: str | None = GROUP, **more: object) -> str:
        at = int(self.clock.now().timestamp() * 1000)
        return await self.gateway.say(text, **{"from": f"wxid_m{by}", "room": room, "at": at, **more})

    async def happen(self, action: str, **arguments: object) -> Heard:
        await self.gateway.do(action, **{"at": int(self.clock.now().timestamp() * 1000), **arguments})
        return await self.next()

    async def next(self) -> Heard:
        """The next finished message but our own."""
        async with asyncio.timeout(PATIENCE):
            return await self.heard.get()

    async def tickets(self) -> list[Ticket]:
        found = await self.store.read(tickets.search)
        return sorted(found, key=lambda ticket: ticket.number)

    async def counters(self) -> dict[str, int]:
        return await self.store.read(lambda tx: inbox.counters(tx, MORNING.date()))

    async def all_sent(self) -> None:
        async def nothing_left() -> bool:
            queued = await self.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
            sending = await self.store.read(lambda tx: outbox.by_state(tx, SendState.SENDING))
            return not queued and not sending

        await until(nothing_left)

    async def all_finished(self) -> None:
        """Every id that arrived, our own echoes among them, is done with."""

        async def nothing_pending() -> bool:
            pending = [await self.store.read(lambda tx, of=of: inbox.pending(tx, of)) for of in self.gateways]
            return not any(pending)

        await until(nothing_pending)

    async def sends(self) -> list[tuple[str, str]]:
        """(conversation, text) of everything that went out, in order."""
        await self.all_sent()
        return [(line["to"], line["text"]) for line in await self.gateway.sent()]


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
async def village(make_gateway: MakeGateway, classifier: Classifier, tmp_path: Path) -> AsyncIterator[Village]:
    gateway = await make_gateway(ROOMS=4, MEMBERS=12)
    clock = SystemClock(start=MORNING)
    async with await fresh_store(tmp_path) as store:
        registry = Registry(
            grids=[Grid(COMMUNITY, "青禾社区"), Grid(MICRO_GRID, "12微网格")],
            people=[
                KnownPerson("刘姐", (Grant(Role.MICRO_LEADER, MICRO_GRID),), (Alias("wx1", "wxid_m0", friend=True),)),
            ],
            rooms=[
                KnownRoom("wx1", GROUP, MICRO_GRID, topic="一号群", enabled=True),
                KnownRoom("wx1", OTHER_GROUP, MICRO_GRID, topic="二号群", enabled=True),
                KnownRoom("wx1", LEADERS, MICRO_GRID, RoomKind.LEADER, topic="网格长群", enabled=True),
            ],
        )
        await store.write(lambda tx: registry.store(tx, clock.now()))
        yield Village(store, clock, classifier, {"wx1": gateway})


async def test_a_morning(village: Village) -> None:
    await village.gateway.do("alias", room=GROUP, member="wxid_m3", alias="3-2-1502 李姐")
    async with village.house():
        # a group that nobody has enabled
        assert (await village.say("3栋电梯坏了", by=1, room=STRANGE_GROUP)).reason == "dormant"
        # talk, an appeal, its duplicate, its photo
        assert (await village.say("晚上吃火锅不", by=1)).reason == "chat"
        lift = await village.say("3栋2单元电梯又坏了", by=3)
        assert (lift.reason, lift.tickets) == ("ticket", (1,))
        await village.gateway.do("again", id=lift.id)
        photo = await village.say("", by=3, type=6)
        assert (photo.reason, photo.tickets) == ("joined", (1,))
        # a mention, a private chat, a recall
        mention = await village.say("@小格\u2005查询 S1", by=3, mentions=["wxid_bot"])
        assert mention.reason == "command"
        private = await village.say("上报 5栋1单元下水道堵了", by=2, room=None)
        assert private.reason == "command"
        sorry = await village.say("6栋楼道灯不亮了", by=5)
        assert (sorry.reason, sorry.tickets) == ("ticket", (3,))
        await village.all_sent()
        recall = await village.say(
            f'<sysmsg type="revokemsg"><revokemsg><newmsgid>{sorry.id}</newmsgid></revokemsg></sysmsg>', by=5, type=13
        )
        assert (recall.kind, recall.reason) == (MessageKind.RECALL, "recalled")
        # what is native to WeChat and concerns nobody
        pat = '<sysmsg type="pat"><pat><fromusername>wxid_m1</fromusername></pat></sysmsg>'
        assert (await village.say(pat, by=1, type=13)).kind is MessageKind.PAT
        chain = await village.say("#接龙\n周六义诊\n\n1. 张三\n2. 电梯坏了", by=1, type=10)
        assert (chain.kind, chain.reason, chain.tickets) == (MessageKind.CHAIN, "signup", ())
        assert (await village.say("", by=1, type=16)).kind is MessageKind.POST
        assert (await village.say("张三加入了群聊", by=1, type=18)).kind is MessageKind.SYSTEM
        # who comes and goes
        assert (await village.happen("join", room=GROUP, people=["wxid_new"])).reason == "join"
        assert (await village.happen("leave", room=GROUP, people=["wxid_new"])).reason == "leave"
        assert (await village.happen("topic", room=GROUP, topic="青禾里一号群")).reason == "topic"
        assert (await village.happen("friend", id="f1", **{"from": "wxid_m7"})).reason == "friend"
        assert (await village.happen("invite", id="i1", topic="新群", **{"from": "wxid_m7"})).reason == "invite"
        assert (await village.happen("invite", id="i2", topic="新群", **{"from": "wxid_m0"})).reason == "invite"
        assert (await village.happen("leave", room=OTHER_GROUP, people=["wxid_bot"], by="wxid_m1")).reason == "removed"
        # what must end nothing
        await village.gateway.do("error")
        await village.gateway.do("malformed")
        assert (await village.say("收到", by=1)).tickets == ()
        sends = await village.sends()
        await village.all_finished()

    assert [(one.number, one.state, one.category) for one in await village.tickets()] == [
        (1, TicketState.FILED, "0101"),
        (2, TicketState.FILED, "0105"),
        (3, TicketState.WITHDRAWN, "0106"),
    ]
    assert sends == [
        (GROUP, "@3-2-1502 李姐\u2005已登记 S1 电梯故障 3栋2单元，办好了会来问您。"),
        (LEADERS, "【诉求】S1 电梯故障 3栋2单元 3-2-1502 李姐：“3栋2单元电梯又坏了” 已受理，回复 派单 S1 物业"),
        (GROUP, "@3-2-1502 李姐\u2005S1 电梯故障 3栋2单元：受理，6月19日10:00前办完"),
        # said in private by somebody of no known group: whoever leads is told
        ("wxid_m0", "【诉求】S2 排水堵塞 5栋1单元 居民2：“5栋1单元下水道堵了” 已受理，回复 派单 S2 物业"),
        ("wxid_m2", "已登记 S2 排水堵塞 5栋1单元，办好了会来问您。"),
        # the group has had its line within the half hour, so S3 is acknowledged to nobody
        (LEADERS, "【诉求】S3 路灯照明 6栋 楼道 居民5：“6栋楼道灯不亮了” 已受理，回复 派单 S3 物业"),
        (LEADERS, "【撤回】S3 路灯照明 6栋 楼道：反映人已撤回，不用再办。"),
        (LEADERS, "群里的接龙已记成活动：H1 义诊 6月14日(周六)。名单请发“名单 H1”。"),
        (LEADERS, "【移出】小格已被移出“二号群”，那里的诉求收不到了。"),
    ]
    assert await village.counters() == {
        **dict.fromkeys(("ack", "chat", "dormant", "friend", "join", "joined", "leave", "pat", "post"), 1),
        **dict.fromkeys(("recalled", "removed", "signup", "system", "topic"), 1),
        **dict.fromkeys(("command", "invite", "ticket"), 2),
    }
    assert (await village.gateway.do("stats"))["accepted"] == ["f1", "i2"]
    found = {room.im_id: room for room in await village.store.read(rooms.every)}
    assert found[GROUP].topic == "青禾里一号群"
    assert found[OTHER_GROUP].state is RoomState.GONE
    assert found[STRANGE_GROUP].state is RoomState.DORMANT


async def test_a_gateway_that_dies_and_comes_back(village: Village) -> None:
    async with village.house():
        assert (await village.say("3栋2单元电梯坏了", by=3)).tickets == (1,)
        await village.all_sent()
        before = await village.gateway.sent()
        await village.gateway.kill()
        await village.gateway.start()

        async def gap_known() -> bool:
            return bool(await village.store.read(lambda tx: inbox.gaps(tx, "wx1")))

        await until(gap_known)
        assert (await village.say("8栋门口路灯不亮了", by=5)).tickets == (2,)
        sends = await village.sends()
    assert [line["text"] for line in before] == [
        "@居民3\u2005已登记 S1 电梯故障 3栋2单元，办好了会来问您。",
        "【诉求】S1 电梯故障 3栋2单元 居民3：“3栋2单元电梯坏了” 已受理，回复 派单 S1 物业",
    ]
    assert sends == [(LEADERS, "【诉求】S2 路灯照明 8栋 门口 居民5：“8栋门口路灯不亮了” 已受理，回复 派单 S2 物业")]
    ((account, start, end),) = await village.store.read(inbox.gaps)
    assert account == "wx1"
    assert MORNING < start < end


async def test_a_lost_answer_is_settled_by_the_echo(village: Village) -> None:
    """The line goes out, the answer does not come: it is not sent again, and its own echo proves it sent."""
    village.timing = replace(WIRE, deadline=3.0)  # which is waited for
    async with village.house():
        await village.gateway.do("fault", kind="lost")
        await village.say("3栋2单元电梯坏了", by=3)
        await village.all_sent()
        await village.all_finished()
        unknown = await village.store.read(lambda tx: outbox.by_state(tx, SendState.UNKNOWN))
        sent = await village.store.read(lambda tx: outbox.by_state(tx, SendState.SENT))
        sends = await village.sends()
    assert unknown == []
    assert sorted(row.text for row in sent) == sorted(text for _, text in sends)
    assert len(set(sends)) == len(sends) == 2


async def test_a_throttled_line_is_kept_for_later(village: Village) -> None:
    async with village.house():
        await village.gateway.do("fault", kind="throttle")
        await village.say("3栋2单元电梯坏了", by=3)

        async def put_back() -> bool:
            queued = await village.store.read(lambda tx: outbox.by_state(tx, SendState.QUEUED))
            return any(row.error for row in queued)

        await until(put_back)
        assert await village.gateway.sent() == [], "an account that is told to slow down sends nothing at all"


# ---------------------------------------------------------------- two accounts, many rooms
TALK = ("晚上吃火锅不", "收到", "哈哈哈", "明天几点跳舞", "谢谢大家", "周末去爬山吧", "早上好", "娃娃放学了没得")
ROOMS, LINES, APPEALS = 40, 200, 10  # a room's number is its line's, modulo ROOMS
CROWD = Budget(per_minute=6000, per_hour=6000, per_day=6000, gap=(0, 0), per_room_gap=0)


def community(account: int, room: int) -> str:
    """Each room is a community of its own, so that nobody's trouble is anybody else's."""
    return f"5199990{account:02d}{room:03d}"


def chatter(half: int) -> list[str]:
    """Lines with appeals among them, no two of the appeals in the same room, in neither half of the day."""
    lines = [TALK[n % len(TALK)] for n in range(LINES)]
    for appeal in range(APPEALS):
        lines[21 * appeal + 10 * half] = f"{appeal + 1}栋{half + 1}单元电梯坏了"
    return lines


async def test_two_accounts_in_a_crowd(make_gateway: MakeGateway, classifier: Classifier, tmp_path: Path) -> None:
    """800 lines in 80 rooms, 40 of them appeals; one account's gateway brings payloads along, the other's is killed
    half-way and comes back."""
    names = ("wx1", "wx2")
    gateways = {
        name: await make_gateway(ROOM=f"{name}-", ROOMS=ROOMS, ME=f"wxid_{name}", TOKEN=f"token-{name}", FAT=number)
        for number, name in enumerate(names)
    }
    clock = SystemClock(start=MORNING)
    async with await fresh_store(tmp_path) as store:
        registry = Registry(
            grids=[Grid(community(a, n), f"{a}区{n}号") for a in range(2) for n in range(ROOMS)],
            rooms=[
                KnownRoom(name, f"{name}-{n}@chatroom", community(a, n), topic=f"{name} {n}号群", enabled=True)
                for a, name in enumerate(names)
                for n in range(ROOMS)
            ],
        )
        await store.write(lambda tx: registry.store(tx, clock.now()))
        village = Village(store, clock, classifier, gateways, CROWD)
        sends: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
        async with village.house():
            for half in range(2):
                at = int(clock.now().timestamp() * 1000)
                for name, gateway in gateways.items():
                    await gateway.do("burst", tag=f"{name}-{half}-", texts=chatter(half), at=at)
                for _ in range(2 * LINES):
                    await village.next()
                await village.all_sent()
                await village.all_finished()
                if half == 0:
                    sends["wx1"] += await village.sends()
                    await gateways["wx1"].do("error")
                    await gateways["wx2"].do("malformed")
                    await gateways["wx1"].kill()
                    await gateways["wx1"].start()
                    await until(lambda: village.online("wx1"))
            for name, gateway in gateways.items():
                sends[name] += [(line["to"], line["text"]) for line in await gateway.sent()]
        filed = await village.tickets()
        known = {room.id: room for room in await store.read(rooms.every)}
        unfetchable = await store.read(inbox.list_unfetchable)

    assert village.heard.empty()
    assert unfetchable == []
    assert len(filed) == 4 * APPEALS
    for name in names:
        own = {
            (known[one.room_id].im_id, f"已登记 {one.id} 电梯故障 {one.place.building}栋{one.place.unit}单元")
            for one in filed
            if one.room_id is not None and known[one.room_id].account == name
        }
        said = [(room, text.partition("\u2005")[2].partition("，")[0]) for room, text in sends[name]]
        assert sorted(said) == sorted(own), "each account answers its own appeals, once, and no other's"
        assert len(own) == 2 * APPEALS
