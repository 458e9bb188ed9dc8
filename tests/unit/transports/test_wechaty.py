"""The wechaty transport over a link that is played by the test; the real wire is in tests/integration."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from bot.clock import VirtualClock
from bot.transports import wechaty
from bot.transports.base import Event, EventKind, Offline, OutcomeUnknown, Rejected, Throttled
from bot.transports.gateway_link import Link, LoggedOut, Lost, WireEvent, translate
from bot.transports.wechaty import WechatyTransport
from storage.model import MessageKind

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[3]


@dataclass
class Calls:
    """The gateway's answers; a name in `failing` raises what stands there instead."""

    texts: dict[str, Any] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    async def _answer(self, name: str, /, **fields: Any) -> Any:
        self.made.append(name)
        if name in self.failing:
            raise self.failing[name]
        return SimpleNamespace(**fields)

    async def message_payload(self, *, id: str) -> Any:  # noqa: A002
        usual = {"type": 7, "text": "在吗", "room_id": "r1", "from_id": "p1", "to_id": ""}
        return await self._answer("message", **{**usual, "mention_ids": [], "timestamp": 0, **self.texts.get(id, {})})

    async def room_payload(self, *, id: str) -> Any:  # noqa: A002
        return await self._answer("room", topic="一号群", member_ids=["p1", "p2", "bot", "p3", "p4"])

    async def contact_payload(self, *, id: str) -> Any:  # noqa: A002
        return await self._answer("contact", name=f"名{id}", friend=True)

    async def room_member_payload(self, *, id: str, member_id: str) -> Any:  # noqa: A002
        return await self._answer("member", room_alias="3栋老周" if member_id == "p1" else "")


class PlayedLink:
    """A link whose wire is a list."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.up = True
        self.unanswered = False
        self.wire: list[WireEvent | Lost] = []

    @property
    def answers(self) -> bool:
        return self.up

    def missed(self) -> bool:
        unanswered, self.unanswered = self.unanswered, False
        return unanswered

    async def listen(self) -> AsyncGenerator[WireEvent | Lost, None]:
        for event in self.wire:
            yield event

    def close(self) -> None:
        self.up = False


def wire(wire_type: int, **data: Any) -> WireEvent:
    return WireEvent(wire_type, json.dumps(data))


@pytest.fixture
def link() -> PlayedLink:
    return PlayedLink()


@pytest.fixture
def transport(link: PlayedLink) -> WechatyTransport:
    transport = WechatyTransport("main", "127.0.0.1:1", "secret", clock=VirtualClock(NOW))
    transport._link = link  # type: ignore[assignment]
    return transport


async def hear(transport: WechatyTransport, link: PlayedLink, *events: WireEvent | Lost) -> list[Event]:
    link.wire = list(events)
    return [event async for event in transport.events()]


LOGIN = wire(25, contactId="bot")


async def test_up_once_for_each_link(transport: WechatyTransport, link: PlayedLink) -> None:
    ready = wire(23, data="ready")
    events = await hear(transport, link, LOGIN, ready, LOGIN, ready, Lost("gone", 7.0), Lost("refused", 9.0), LOGIN)
    assert [event.kind for event in events] == [EventKind.UP, EventKind.DOWN, EventKind.UP]
    assert events[1].at == NOW - timedelta(seconds=7), "the gap starts at the last sign of life"
    assert events[1].detail == "gone"
    assert transport.me == "bot"


async def test_up_again_when_what_left_calls_unanswered_is_heard_again(
    transport: WechatyTransport, link: PlayedLink
) -> None:
    await hear(transport, link, LOGIN)
    link.unanswered = True
    dong = wire(3, data="xiaoge")
    assert [event.kind for event in await hear(transport, link, dong, dong)] == [EventKind.UP]


async def test_another_account_behind_the_gateway(transport: WechatyTransport, link: PlayedLink) -> None:
    events = await hear(transport, link, LOGIN, wire(26, contactId="bot"), wire(25, contactId="other"))
    assert [event.kind for event in events] == [EventKind.UP, EventKind.LOGOUT, EventKind.UP]
    assert transport.me == "other"


async def test_nothing_that_is_malformed_ends_anything(transport: WechatyTransport, link: PlayedLink) -> None:
    bad = [WireEvent(kind, text) for kind in range(40) for text in ("", "{", "null", "[]", "{}", '{"messageId": 7}')]
    hostile = [
        wire(27, payloadType="x", payloadId=None),
        WireEvent(2, "[" * 200_000),
        WireEvent(20, '{"roomId": "r1", "removeeIdList": ["p1"], "timestamp": ' + "9" * 400 + "}"),
        wire(19, roomId="r1", inviteeIdList=[7]),
        wire(19, roomId="r1", inviteeIdList=7),
        wire(21, roomId="r1", newTopic={"a": 1}),
        wire(16, gerror="boom"),
    ]
    assert await hear(transport, link, *bad, *hostile) == []
    assert [event.message_id for event in await hear(transport, link, wire(2, messageId="m1"))] == ["m1"]


async def test_names_missing_at_the_gateway_do_not_cost_the_message(
    transport: WechatyTransport, link: PlayedLink
) -> None:
    await hear(transport, link, LOGIN)
    link.calls.failing = {name: Rejected("unimplemented") for name in ("room", "contact", "member")}
    for _ in range(2):
        message = await transport.fetch("m1")
        assert (message.text, message.nick, message.topic, message.friend) == ("在吗", "", "", False)
    assert link.calls.made.count("member") == 1, "not asked again for each message"


async def test_a_lost_link_between_message_and_name_is_offline(transport: WechatyTransport, link: PlayedLink) -> None:
    """The nick carries the address: without it the message would be another one."""
    await hear(transport, link, LOGIN)
    link.calls.failing = {"member": Offline("gone")}
    with pytest.raises(Offline):
        await transport.fetch("m1")
    link.calls.failing = {}
    assert (await transport.fetch("m1")).nick == "3栋老周"


async def test_before_the_login_nothing_can_be_told_apart(transport: WechatyTransport) -> None:
    with pytest.raises(Offline):
        await transport.fetch("m1")
    with pytest.raises(Offline):
        await transport.send_text("r1", "在吗")


async def test_own_messages(transport: WechatyTransport, link: PlayedLink) -> None:
    await hear(transport, link, LOGIN)
    link.calls.texts = {"m1": {"from_id": "bot"}, "m2": {"from_id": "bot", "room_id": "", "to_id": "p9"}}
    group, private = await transport.fetch("m1"), await transport.fetch("m2")
    assert (group.from_me, group.room, group.people) == (True, "r1", ())
    assert (private.from_me, private.room, private.people) == (True, None, ("p9",))
    assert "contact" not in link.calls.made, "we know ourselves"


async def test_everybody_is_not_me(transport: WechatyTransport, link: PlayedLink) -> None:
    await hear(transport, link, LOGIN)
    link.calls.texts = {"m1": {"text": "明天停水", "mention_ids": ["p2", "bot", "p3", "p4"]}}
    message = await transport.fetch("m1")
    assert (message.mentions, message.mentions_me) == ((), False)


async def test_removed_by_a_notice(transport: WechatyTransport, link: PlayedLink) -> None:
    await hear(transport, link, LOGIN)
    link.calls.texts = {"m1": {"type": 18, "text": "你被“王管理”移出群聊", "from_id": "r1"}}
    message = await transport.fetch("m1")
    assert (message.kind, message.people, message.sender) == (MessageKind.LEAVE, ("bot",), "bot")
    assert message.mentions_me
    assert not message.from_me


async def test_removed_by_an_event(transport: WechatyTransport, link: PlayedLink) -> None:
    removal = wire(20, roomId="r1", removeeIdList=["bot"], removerId="p1", timestamp=0)
    other = wire(20, roomId="r1", removeeIdList=["p2"], removerId="p1", timestamp=0)
    events = await hear(transport, link, LOGIN, removal, other)
    assert [event.message and event.message.mentions_me for event in events[1:]] == [True, False]
    kept = await transport.fetch(events[1].message_id)
    assert (kept.people, kept.mentions_me) == (("bot",), True)


def fat(message_id: str, **payload: Any) -> WireEvent:
    return wire(
        2, messageId=message_id, payload={"type": 7, "roomId": "r1", "talkerId": "p1", "text": "在吗", **payload}
    )


async def test_fat_events(transport: WechatyTransport, link: PlayedLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wechaty, "BROUGHT", 2)
    events = await hear(transport, link, LOGIN, *(fat(f"m{n}", text=f"第{n}句") for n in range(3)))
    assert [event.message for event in events[1:]] == [None, None, None]
    assert (await transport.fetch("m2")).text == "第2句"
    assert "message" not in link.calls.made
    assert (await transport.fetch("m0")).text == "在吗", "what did not fit is fetched"
    (event,) = await hear(transport, link, fat("m9"))
    assert event.message is not None
    assert event.message.nick == "3栋老周"


async def test_halved_emoji_and_nul(transport: WechatyTransport, link: PlayedLink) -> None:
    """JSON may carry what no database takes."""
    payload = r'{"type": 7, "roomId": "r1", "talkerId": "p1", "text": "灯\u0000坏\ud83d"}'
    half = r'{"messageId": "m\ud83d1", "payload": ' + payload + "}"
    events = await hear(transport, link, LOGIN, WireEvent(2, half))
    assert events[1].message_id == "m?1"
    assert (await transport.fetch("m?1")).text == "灯坏?"


async def test_a_bad_fat_payload_is_fetched(transport: WechatyTransport, link: PlayedLink) -> None:
    events = await hear(
        transport, link, LOGIN, fat("m1", type="x"), fat("m2", mentionIdList=5), fat("m3", timestamp=10**400)
    )
    assert [event.message_id for event in events[1:]] == ["m1", "m2", "m3"]
    assert (await transport.fetch("m1")).text == "在吗"


async def test_dirty_names_are_asked_for_again(transport: WechatyTransport, link: PlayedLink) -> None:
    await hear(transport, link, LOGIN)
    await transport.fetch("m1")
    for what, who, name in ((2, "p1", "contact"), (3, "r1", "room"), (4, "r1", "member")):
        link.calls.made.clear()
        await hear(transport, link, wire(27, payloadType=what, payloadId=who))
        await transport.fetch("m1")
        assert link.calls.made == ["message", name]


# ---------------------------------------------------------------- errors
async def test_an_error_that_says_the_account_is_logged_out(transport: WechatyTransport, link: PlayedLink) -> None:
    gone = wire(16, data="PADPLUS_ERROR EXIT 你的微信登录环境存在异常。为了帐号安全，本次登录已失效。")
    busy = wire(16, data="socket hang up")
    events = await hear(transport, link, LOGIN, busy, gone, gone)
    assert [event.kind for event in events] == [EventKind.UP, EventKind.LOGOUT], "once"
    assert not transport.online
    with pytest.raises(Offline):
        await transport.send_text("r1", "在吗")
    assert [event.kind for event in await hear(transport, link, LOGIN)] == [EventKind.UP]


@pytest.mark.parametrize(
    ("status", "words", "send", "read"),
    [
        (Status.UNAUTHENTICATED, 'Invalid Wechaty TOKEN "x"', Rejected, Rejected),
        (Status.PERMISSION_DENIED, None, Rejected, Rejected),
        (Status.RESOURCE_EXHAUSTED, None, Throttled, Throttled),
        (Status.UNKNOWN, "操作过于频繁，可稍后再试。", Throttled, Throttled),
        (Status.UNKNOWN, "429 Too Many Requests", Throttled, Throttled),
        (Status.INTERNAL, "WorkproErrorCode: 20001, Feature temporarily unavailable.", Throttled, Throttled),
        (Status.INTERNAL, "AssertionError [ERR_ASSERTION]: 1205 == 0", Throttled, Throttled),
        (Status.INTERNAL, "AssertionError [ERR_ASSERTION]: 1101 == 0", LoggedOut, LoggedOut),
        (Status.UNKNOWN, "not logged in, no this.__currentUserId yet.", LoggedOut, LoggedOut),
        (Status.UNKNOWN, "no payload found for id 7", Rejected, Rejected),
        (Status.UNKNOWN, "timeout after 60 seconds", OutcomeUnknown, Offline),
        (Status.DEADLINE_EXCEEDED, None, OutcomeUnknown, Offline),
        (Status.CANCELLED, None, OutcomeUnknown, Offline),
        (Status.UNAVAILABLE, "proxy", OutcomeUnknown, Offline),
        (Status.NOT_FOUND, None, Rejected, Rejected),
        (Status.UNIMPLEMENTED, None, Rejected, Rejected),
    ],
)
def test_translate(status: Status, words: str | None, send: type[Exception], read: type[Exception]) -> None:
    assert type(translate(GRPCError(status, words), effect=True)) is send
    assert type(translate(GRPCError(status, words), effect=False)) is read


def test_errors_tell_no_secrets() -> None:
    told = str(translate(GRPCError(Status.UNKNOWN, "failed: 李姐 13812345678 说电梯坏了\nstack"), effect=True))
    assert told == "UNKNOWN: failed: … # …"
    assert "x-token" not in str(translate(GRPCError(Status.UNAUTHENTICATED, 'TOKEN "x-token"'), effect=True))


@pytest.mark.parametrize("endpoint", ["", "host", "host:", ":8080", "host:port", "http://host"])
def test_an_endpoint_that_is_none(endpoint: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Link(endpoint, "secret")


async def test_a_link_that_is_closed_stays_closed() -> None:
    link = Link("127.0.0.1:1", "secret")
    listening = asyncio.create_task(anext(link.listen()))
    assert isinstance(await listening, Lost)
    link.close()
    with pytest.raises(Offline):
        await link.send_text("r1", "在吗", [])


# ---------------------------------------------------------------- what is imported when
def run_python(code: str, folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "CACHE_DIR"} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_wire_is_imported_only_for_a_link(tmp_path: Path) -> None:
    code = "import sys, bot.transports.wechaty; print('wechaty_grpc' in sys.modules, 'grpclib' in sys.modules)"
    assert run_python(code, tmp_path) == "False False"


def test_a_link_needs_no_more_of_wechaty_than_its_stubs_and_litters_nothing(tmp_path: Path) -> None:
    code = "import sys, bot.transports.gateway_link; print('wechaty_grpc' in sys.modules, 'wechaty' in sys.modules)"
    assert run_python(code, tmp_path) == "True False"
    assert list(tmp_path.iterdir()) == []


def test_wechaty_itself_imports_behind_the_shim(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from bot.transports.wechaty_compat import install; "
        f"install(Path({str(tmp_path / 'cache')!r})); install(Path('elsewhere')); "
        "import wechaty; print(wechaty.Wechaty.__name__)"
    )
    work = tmp_path / "work"
    work.mkdir()
    assert run_python(code, work) == "Wechaty"
    assert list(work.iterdir()) == []
