"""The wechaty transport alone against a real gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.transports.base import Event, EventKind, Offline, OutcomeUnknown, Rejected, Throttled
from bot.transports.gateway_link import Timing
from bot.transports.wechaty import WechatyTransport
from storage.model import Message, MessageKind
from tests.chaos.program import crowd
from tests.integration.conftest import MakeGateway
from tests.integration.gateway_process import PATIENCE, Gateway, free_port, until

pytestmark = pytest.mark.gateway

TOKEN = "test-token"  # noqa: S105
LENIENT = Timing(backoff=0.1, backoff_cap=0.5)
# For tests that wait for a deadline to pass.
QUICK = Timing(deadline=4.0, connect=10.0, quiet=1.0, idle=5.0, login=2.0, backoff=0.1, backoff_cap=0.5)


class Ear:
    """A transport that is being listened to."""

    def __init__(
        self, endpoint: str, *, token: str = TOKEN, tls_ca: Path | None = None, timing: Timing = LENIENT
    ) -> None:
        self.transport = WechatyTransport("main", endpoint, token, tls_ca=tls_ca, timing=timing)
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.transport.events():
            self.events.put_nowait(event)

    async def next(self, kind: EventKind = EventKind.MESSAGE) -> Event:
        async with asyncio.timeout(PATIENCE):
            while (event := await self.events.get()).kind is not kind:
                pass
            return event

    async def message(self) -> Message:
        event = await self.next()
        return event.message or await self.transport.fetch(event.message_id)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.transport.close()


@pytest.fixture
async def ear(gateway: Gateway) -> AsyncIterator[Ear]:
    """An ear at a gateway of the test's own."""
    ear = Ear(gateway.endpoint)
    await ear.next(EventKind.UP)
    yield ear
    await ear.close()


@pytest.fixture
async def guest(shared: Gateway) -> AsyncIterator[Ear]:
    """An ear at the gateway that the tests of this file share."""
    ear = Ear(shared.endpoint)
    await ear.next(EventKind.UP)
    yield ear
    await ear.close()


async def test_a_text_brings_names_topic_and_time(shared: Gateway, guest: Ear) -> None:
    assert guest.transport.me == "wxid_bot"
    assert guest.transport.online
    await shared.do("alias", member="wxid_m2", alias="3-2-1502 李姐")
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    message_id = await shared.say("3号楼路灯坏了", **{"from": "wxid_m2", "at": int(at.timestamp() * 1000)})
    assert await guest.message() == Message(
        account="main",
        id=message_id,
        kind=MessageKind.TEXT,
        room="R0@chatroom",
        sender="wxid_m2",
        sent_at=at,
        text="3号楼路灯坏了",
        nick="3-2-1502 李姐",
        friend=True,
        topic="幸福里0号微网格群",
    )


async def test_without_a_room_alias_the_contact_name_is_the_nick(shared: Gateway, guest: Ear) -> None:
    await shared.say("电梯坏了", **{"from": "wxid_m3", "room": "R4@chatroom"})
    message = await guest.message()
    assert (message.nick, message.friend, message.topic) == ("居民3", False, "幸福里4号微网格群")


async def test_names_are_asked_for_once_and_again_when_they_change(gateway: Gateway, ear: Ear) -> None:
    for _ in range(3):
        await gateway.say("在吗")
        assert (await ear.message()).nick == "居民0"
    calls = (await gateway.do("stats"))["calls"]
    assert (calls["roomPayload"], calls["roomMemberPayload"], calls["contactPayload"]) == (1, 1, 1)

    await gateway.do("alias", member="wxid_m0", alias="5栋老周")
    await gateway.do("topic", topic="幸福里改名群")
    assert (await ear.message()).kind is MessageKind.TOPIC
    await gateway.say("在吗")
    message = await ear.message()
    assert (message.nick, message.topic) == ("5栋老周", "幸福里改名群")

    await gateway.do("rename", id="wxid_m5", name="周五", friend=True)
    await gateway.say("在吗", **{"from": "wxid_m5"})
    message = await ear.message()
    assert (message.nick, message.friend) == ("周五", True)


async def test_mentions(shared: Gateway, guest: Ear) -> None:
    await shared.say("@小格\u2005我要报修", mentions=["wxid_bot"])
    message = await guest.message()
    assert (message.mentions, message.mentions_me) == (("wxid_bot",), True)

    await shared.say("@居民3\u2005来一下", mentions=["wxid_m3"])
    message = await guest.message()
    assert (message.mentions, message.mentions_me) == (("wxid_m3",), False)

    await shared.do("atall")
    message = await guest.message()
    assert (message.mentions, message.mentions_me) == ((), False)

    await shared.say("@小格 查询 S1")  # a puppet that gives no list
    assert (await guest.message()).mentions_me
    await shared.say("@小格子 在吗")
    assert not (await guest.message()).mentions_me


async def test_private_chat(shared: Gateway, guest: Ear) -> None:
    await shared.say("我要投诉", room=None, **{"from": "wxid_m4"})
    message = await guest.message()
    assert (message.room, message.sender, message.nick, message.friend) == (None, "wxid_m4", "居民4", True)
    assert not message.mentions_me


KINDS = [
    (10, "#接龙\n周六义诊\n\n1. 张三 2人\n2. 李四", MessageKind.CHAIN),
    (13, '<sysmsg type="pat"><pat><fromusername>wxid_a</fromusername></pat></sysmsg>', MessageKind.PAT),
    (13, '<sysmsg type="roomtoolstips"><todo><title>交表</title></todo></sysmsg>', MessageKind.TODO),
    (16, "朋友圈", MessageKind.POST),
    (18, "你已添加了李姐，现在可以开始聊天了。", MessageKind.SYSTEM),
    (99, "", MessageKind.UNKNOWN),
    (0, "操作过于频繁，可稍后再试。", MessageKind.THROTTLED),
    (13, "<sysmsg type=", MessageKind.UNKNOWN),
]


async def test_native_kinds(shared: Gateway, guest: Ear) -> None:
    for wire_type, text, kind in KINDS:
        await shared.say(text, type=wire_type)
        assert (await guest.message()).kind is kind, (wire_type, text)


async def test_image_and_recall(shared: Gateway, guest: Ear) -> None:
    await shared.do("image")
    message = await guest.message()
    assert (message.kind, message.text, message.sender) == (MessageKind.IMAGE, "", "wxid_m1")
    await shared.say(message.id, type=13)
    assert (await guest.message()).recalls == message.id


async def test_join_leave_and_being_removed(shared: Gateway, guest: Ear) -> None:
    at = int(datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp() * 1000)
    await shared.do("join", people=["wxid_new"], at=at)
    joined = await guest.message()
    assert (joined.kind, joined.room, joined.people) == (MessageKind.JOIN, "R0@chatroom", ("wxid_new",))
    assert joined.id.startswith("join:")
    await shared.do("join", people=["wxid_new"], at=at)
    again = await guest.message()
    assert again.id == joined.id, "the same event twice must be one message"
    kept = await guest.transport.fetch(joined.id)  # after a crash the event is gone, the id is not
    assert (kept.people, kept.sent_at, kept.topic) == (joined.people, joined.sent_at, "幸福里0号微网格群")

    await shared.do("leave", people=["wxid_new"])
    assert (await guest.message()).kind is MessageKind.LEAVE
    await shared.do("leave", people=["wxid_bot"], by="wxid_m0")
    removed = await guest.message()
    assert removed.kind is MessageKind.LEAVE
    assert guest.transport.me in removed.people


async def test_topic(shared: Gateway, guest: Ear) -> None:
    await shared.do("topic", room="R9@chatroom", topic="新名字", by="wxid_m2")
    message = await guest.message()
    assert (message.kind, message.topic, message.sender) == (MessageKind.TOPIC, "新名字", "wxid_m2")


async def test_friend_and_invitation_are_read_and_accepted(shared: Gateway, guest: Ear) -> None:
    await shared.do("friend", id="f1", hello="我是3栋业主", **{"from": "wxid_m7"})
    friend = await guest.message()
    assert (friend.kind, friend.sender, friend.text) == (MessageKind.FRIEND, "wxid_m7", "我是3栋业主")
    await guest.transport.accept_friend(friend)
    await shared.do("invite", id="i1", topic="新群", **{"from": "wxid_m0"})
    invite = await guest.message()
    assert (invite.kind, invite.sender, invite.topic) == (MessageKind.INVITE, "wxid_m0", "新群")
    await guest.transport.accept_invite(invite)
    assert (await shared.do("stats"))["accepted"][-2:] == ["f1", "i1"]
    await shared.do("friend", id="f2", type=1, **{"from": "wxid_m8"})
    assert (await guest.message()).kind is MessageKind.SYSTEM, "a confirmation asks for nothing"


async def test_send_with_mentions_and_its_echo(shared: Gateway, guest: Ear) -> None:
    sent_id = await guest.transport.send_text("R0@chatroom", "@居民1\u2005已登记 S1", ["wxid_m1"])
    assert sent_id
    expected = {"id": sent_id, "to": "R0@chatroom", "text": "@居民1\u2005已登记 S1", "mentions": ["wxid_m1"]}
    last = (await shared.sent())[-1]
    assert {name: last[name] for name in expected} == expected
    echo = await guest.message()
    assert (echo.id, echo.from_me, echo.room) == (sent_id, True, "R0@chatroom")
    await guest.transport.send_text("wxid_m2", "S1 已派单")
    echo = await guest.message()
    assert (echo.from_me, echo.room, echo.people) == (True, None, ("wxid_m2",))


async def test_a_puppet_that_gives_no_ids(make_gateway: MakeGateway) -> None:
    gateway = await make_gateway(IDS=0)
    ear = Ear(gateway.endpoint)
    await ear.next(EventKind.UP)
    assert await ear.transport.send_text("R0@chatroom", "已登记 S1") is None
    assert (await ear.message()).from_me
    await ear.close()


@pytest.mark.parametrize(("kind", "error"), [("throttle", Throttled), ("reject", Rejected)])
async def test_an_error_says_that_nothing_went_out(
    shared: Gateway, guest: Ear, kind: str, error: type[Exception]
) -> None:
    before = len(await shared.sent())
    await shared.do("fault", kind=kind)
    with pytest.raises(error):
        await guest.transport.send_text("R0@chatroom", kind)
    assert len(await shared.sent()) == before


async def test_a_line_without_an_answer_is_of_unknown_fate(shared: Gateway) -> None:
    ear = Ear(shared.endpoint, timing=QUICK)
    await ear.next(EventKind.UP)
    before = len(await shared.sent())
    for kind in ("hang", "lost"):
        await until(lambda: ear.transport.online)  # an unanswered line makes the link wait for a sign of life
        await shared.do("fault", kind=kind)
        with pytest.raises(OutcomeUnknown):
            await ear.transport.send_text("R0@chatroom", kind)
    assert [one["text"] for one in (await shared.sent())[before:]] == ["lost"], "only the lost answer's line went out"
    await ear.close()


async def test_an_account_that_is_logged_out_and_only_its_errors_say_so(make_gateway: MakeGateway) -> None:
    gateway = await make_gateway()
    ear = Ear(gateway.endpoint)
    await ear.next(EventKind.UP)
    await gateway.do("fault", kind="expired", times=2)
    for _ in range(2):
        with pytest.raises(Offline):
            await ear.transport.send_text("R0@chatroom", "在吗")
    await ear.next(EventKind.LOGOUT)
    assert not ear.transport.online
    assert await gateway.sent() == []
    await ear.close()


async def test_setters_reach_the_gateway_and_are_never_a_false_success(shared: Gateway, guest: Ear) -> None:
    wire = guest.transport
    await wire.announce("R1@chatroom", "明天停水")
    await wire.rename_room("R1@chatroom", "幸福里1号网格群")
    await wire.rename_contact("wxid_m3", "3栋老周")
    assert (await shared.do("stats"))["settings"] == {
        "announcement R1@chatroom": "明天停水",
        "topic R1@chatroom": "幸福里1号网格群",
        "alias wxid_m3": "3栋老周",
    }
    await shared.do("fault", kind="ignore")
    with pytest.raises(Rejected, match="did not set the announcement"):
        await wire.announce("R1@chatroom", "后天停水")
    await shared.do("fault", kind="mute")
    with pytest.raises(OutcomeUnknown, match="cannot be read back"):
        await wire.announce("R1@chatroom", "后天停水")
    await shared.do("fault")
    with pytest.raises(ValueError, match="empty"):
        await wire.announce("R1@chatroom", "")


async def test_an_unknown_id_is_rejected(guest: Ear) -> None:
    with pytest.raises(Rejected):
        await guest.transport.fetch("no-such-message")


async def test_ids_arrive_in_order_and_duplicates_twice(gateway: Gateway, ear: Ear) -> None:
    await gateway.do("burst", tag="b", texts=[f"第{i}句" for i in range(1000)])
    ids = [(await ear.next()).message_id for _ in range(1000)]
    assert ids == [f"b{i}" for i in range(1000)]
    async with asyncio.timeout(PATIENCE):
        messages = await asyncio.gather(*(ear.transport.fetch(one) for one in ids))
    assert [one.text for one in messages] == [f"第{i}句" for i in range(1000)]
    await gateway.do("again", id="b7")
    assert (await ear.next()).message_id == "b7", "the inbox, not the wire, knows what was seen"


async def test_fat_events_need_no_call(make_gateway: MakeGateway) -> None:
    gateway = await make_gateway(FAT=1)
    ear = Ear(gateway.endpoint)
    await ear.next(EventKind.UP)
    await gateway.say("3号楼路灯坏了")
    first = await ear.next()
    assert first.message is None, "the names are not known yet"
    assert (await ear.transport.fetch(first.message_id)).nick == "居民0"
    await gateway.say("还没修好")
    second = await ear.next()
    assert second.message is not None
    assert (second.message.text, second.message.nick) == ("还没修好", "居民0")
    assert await gateway.calls("messagePayload") == 0
    await ear.close()


async def test_errors_and_malformed_events_end_nothing(shared: Gateway, guest: Ear) -> None:
    await shared.do("error")
    await shared.do("malformed")
    wanted = await shared.say("还在吗")
    assert (await guest.next()).message_id == wanted
    assert guest.transport.online
    assert guest.events.empty()


async def test_logout_and_login(shared: Gateway, guest: Ear) -> None:
    await shared.do("logout")
    assert (await guest.next(EventKind.LOGOUT)).detail == "wxid_bot"
    assert not guest.transport.online
    with pytest.raises(Offline):
        await guest.transport.send_text("R0@chatroom", "在吗")
    await shared.do("login")
    await guest.next(EventKind.UP)
    assert guest.transport.online


async def test_a_killed_gateway_is_found_again(gateway: Gateway, ear: Ear) -> None:
    await gateway.say("之前")
    await ear.message()
    await gateway.kill()
    down = await ear.next(EventKind.DOWN)
    assert not ear.transport.online
    with pytest.raises(Offline):
        await ear.transport.send_text("R0@chatroom", "在吗")
    await gateway.start()
    started = datetime.now(UTC)
    up = await ear.next(EventKind.UP)
    assert up.at - started < timedelta(seconds=5) * crowd()
    assert up.at > down.at
    await gateway.say("之后")
    assert (await ear.message()).text == "之后"
    assert await gateway.calls("stop") == 0, "Stop logs the account out"


async def test_a_send_under_way_when_the_gateway_dies_is_of_unknown_outcome(gateway: Gateway, ear: Ear) -> None:
    await gateway.do("fault", kind="hang")
    sending = asyncio.create_task(ear.transport.send_text("R0@chatroom", "已登记 S1"))

    async def under_way() -> bool:
        return await gateway.calls("messageSendText") == 1

    await until(under_way)
    await gateway.kill()
    with pytest.raises(OutcomeUnknown):
        await sending


async def test_a_frozen_gateway_is_noticed(gateway: Gateway) -> None:
    ear = Ear(gateway.endpoint, timing=QUICK)
    await ear.next(EventKind.UP)
    await gateway.say("之前")
    await ear.message()
    gateway.freeze()
    try:
        with pytest.raises(OutcomeUnknown):
            await ear.transport.send_text("R0@chatroom", "在吗")
        assert not ear.transport.online, "one line of unknown fate is enough"
        with pytest.raises(Offline):
            await ear.transport.send_text("R0@chatroom", "还在吗")
        down = await ear.next(EventKind.DOWN)
        assert "nothing heard" in down.detail
        assert datetime.now(UTC) - down.at > timedelta(seconds=2), "the gap starts at the last sign of life"
    finally:
        gateway.thaw()
    await ear.next(EventKind.UP)
    await gateway.say("之后")
    assert (await ear.message()).text == "之后"
    await ear.close()


async def test_who_stood_still_does_not_take_it_for_silence(make_gateway: MakeGateway) -> None:
    """A machine that slept, a process that was stopped: what came meanwhile lies in the socket."""
    gateway = await make_gateway(DONG=0)
    timing = replace(QUICK, idle=2.0)
    ear = Ear(gateway.endpoint, timing=timing)
    await ear.next(EventKind.UP)
    for _ in range(4):  # while it starts a gateway has something to say by itself
        time.sleep(timing.idle + 0.5)  # noqa: ASYNC251  the loop stands still
        await gateway.say("还在吗")
        async with asyncio.timeout(PATIENCE):
            assert (await ear.events.get()).kind is EventKind.MESSAGE
    await ear.close()


@pytest.mark.parametrize("dong", [0, 1])
async def test_a_quiet_link_stays_up(make_gateway: MakeGateway, dong: int) -> None:
    """Dings keep it alive for longer than its idle time, whether or not the puppet answers with a Dong. Where it does
    not, a second stream of events shows that it is the puppet's way, and not the stream's end."""
    gateway = await make_gateway(DONG=dong)
    ear = Ear(gateway.endpoint, timing=QUICK)
    await ear.next(EventKind.UP)
    if not dong:
        await ear.next(EventKind.DOWN)
        await ear.next(EventKind.UP)
    before = await gateway.calls("ding")

    async def called_often() -> bool:
        return await gateway.calls("ding") >= before + 6

    await until(called_often, every=0.5)
    assert ear.events.empty()
    assert ear.transport.online
    await ear.close()


async def test_a_wrong_token_is_rejected_at_the_first_connection(shared: Gateway) -> None:
    transport = WechatyTransport("main", shared.endpoint, "not-the-token", timing=QUICK)
    with pytest.raises(Rejected, match="refuses the token") as caught:
        async for _ in transport.events():
            pass
    assert "not-the-token" not in str(caught.value)
    await transport.close()


async def test_an_unreachable_gateway_is_waited_for(make_gateway: MakeGateway) -> None:
    ear = Ear(f"127.0.0.1:{free_port()}")
    down = await ear.next(EventKind.DOWN)
    assert down.detail
    with pytest.raises(Offline):
        await ear.transport.send_text("R0@chatroom", "在吗")
    with pytest.raises(Offline):
        await ear.transport.fetch("m1")
    await ear.close()


async def test_calls_outlive_listening(shared: Gateway, guest: Ear) -> None:
    """A graceful stop listens no more but finishes what it has."""
    message_id = await shared.say("之前")
    await guest.next()
    guest._task.cancel()
    await asyncio.gather(guest._task, return_exceptions=True)
    assert (await guest.transport.fetch(message_id)).text == "之前"
    assert await guest.transport.send_text("R0@chatroom", "已登记 S1")


async def test_a_second_client_is_refused_until_the_first_is_gone(gateway: Gateway) -> None:
    """A stock gateway has one event stream to give: who takes an account over hears nothing before the other's socket
    is closed."""
    first = Ear(gateway.endpoint)
    await first.next(EventKind.UP)
    second = Ear(gateway.endpoint)
    try:
        assert "ALREADY_EXISTS" in (await second.next(EventKind.DOWN)).detail
        await gateway.say("谁听得到")
        assert (await first.message()).text == "谁听得到", "the one that was there is left alone"
        assert not second.transport.online
        with pytest.raises(Offline):
            await second.transport.send_text("R0@chatroom", "我也在")
        await first.close()
        await second.next(EventKind.UP)
        await gateway.say("现在呢")
        assert (await second.message()).text == "现在呢"
    finally:
        await first.close()
        await second.close()


async def test_two_accounts_share_nothing(make_gateway: MakeGateway) -> None:
    other = "another-token"
    one, two = await make_gateway(ME="wxid_one"), await make_gateway(ME="wxid_two", TOKEN=other)
    ears = Ear(one.endpoint), Ear(two.endpoint, token=other)
    for ear in ears:
        await ear.next(EventKind.UP)
    assert [ear.transport.me for ear in ears] == ["wxid_one", "wxid_two"]
    await ears[0].transport.send_text("R0@chatroom", "一号")
    await ears[1].transport.send_text("R0@chatroom", "二号")
    assert [[line["text"] for line in await gateway.sent()] for gateway in (one, two)] == [["一号"], ["二号"]]
    for ear in ears:
        await ear.close()


async def test_calls_in_flight_are_bounded(gateway: Gateway, ear: Ear) -> None:
    ids = [await gateway.say(f"第{n}句", silent=True) for n in range(100)]
    await gateway.do("slow", ms=250)
    await asyncio.gather(*(ear.transport.fetch(one) for one in ids))
    assert 16 < (await gateway.do("stats"))["mostInFlight"] <= 32


def certificate(name: str) -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), plain


async def test_tls_with_a_ca_of_our_own(make_gateway: MakeGateway, tmp_path: Path) -> None:
    pem, key = certificate("gateway")
    gateway = await make_gateway(CERT=pem.decode(), KEY=key.decode())
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    right.write_bytes(pem)
    wrong.write_bytes(certificate("somebody else")[0])

    stranger = Ear(gateway.endpoint, tls_ca=wrong)
    assert "CERTIFICATE_VERIFY_FAILED" in (await stranger.next(EventKind.DOWN)).detail
    await stranger.close()
    ear = Ear(gateway.endpoint, tls_ca=right)
    await ear.next(EventKind.UP)
    await gateway.say("在吗")
    assert (await ear.message()).text == "在吗"
    await ear.close()
