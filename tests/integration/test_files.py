"""Pictures and files over a real gateway: what arrives is what was sent."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import AsyncIterator

import pytest

from bot.transports import gateway_files
from bot.transports.base import EventKind, Offline, OutcomeUnknown, Rejected, Throttled, TooLarge
from storage.model import MessageKind
from storage.notice_files import LARGEST, File
from tests.integration.gateway_process import Gateway, until
from tests.integration.test_link import Ear

pytestmark = pytest.mark.gateway

IMAGE, ATTACHMENT = 6, 1
PICTURE = File("停水通知.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"xiaoge")


@pytest.fixture
async def guest(shared: Gateway) -> AsyncIterator[Ear]:
    ear = Ear(shared.endpoint)
    await ear.next(EventKind.UP)
    yield ear
    await ear.close()


def _some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize(
    "size",
    [1, 20_000, 100_000, gateway_files.INLINE, gateway_files.INLINE + 1, LARGEST],
    ids=["tiny", "20kB", "100kB", "inline", "uploaded", "largest"],
)
async def test_the_bytes_arrive_as_they_are(shared: Gateway, guest: Ear, size: int) -> None:
    data = _some(size)
    await guest.transport.send_file("R0@chatroom", File("名册.pdf", "application/pdf", data))
    arrived = (await shared.sent())[-1]
    assert (arrived["to"], arrived["text"]) == ("R0@chatroom", "")
    sha256 = hashlib.sha256(data).hexdigest()
    assert arrived["file"] == {"name": "名册.pdf", "type": "application/pdf", "size": size, "sha256": sha256}


async def test_a_picture_comes_back_as_the_message_it_was_sent_as(shared: Gateway, guest: Ear) -> None:
    sent = await guest.transport.send_file("R3@chatroom", PICTURE)
    assert (await shared.sent())[-1]["id"] == sent
    echo = await guest.message()
    assert (echo.id, echo.kind, echo.room, echo.from_me) == (sent, MessageKind.IMAGE, "R3@chatroom", True)


async def test_the_errors_are_those_of_a_text(shared: Gateway, guest: Ear) -> None:
    before = len(await shared.sent())
    for kind, error in (("throttle", Throttled), ("reject", Rejected)):
        await shared.do("fault", kind=kind)
        with pytest.raises(error):
            await guest.transport.send_file("R0@chatroom", PICTURE)
    assert len(await shared.sent()) == before


@pytest.mark.parametrize(("kind", "went_out"), [("hang", 0), ("lost", 1)])
async def test_without_an_answer_nobody_knows(
    shared: Gateway, guest: Ear, monkeypatch: pytest.MonkeyPatch, kind: str, went_out: int
) -> None:
    monkeypatch.setattr(gateway_files, "WITHIN", 4.0)
    before = len(await shared.sent())
    await shared.do("fault", kind=kind)
    with pytest.raises(OutcomeUnknown):
        await guest.transport.send_file("R0@chatroom", PICTURE)
    assert len(await shared.sent()) == before + went_out
    await until(lambda: guest.transport.online)


async def test_a_frozen_gateway_has_not_taken_the_file(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    ear = Ear(gateway.endpoint)
    await ear.next(EventKind.UP)
    monkeypatch.setattr(gateway_files, "WITHIN", 0.5)
    gateway.freeze()
    with pytest.raises((Rejected, Offline)):
        await ear.transport.send_file("R0@chatroom", File("a.zip", "application/zip", _some(LARGEST)))
    gateway.thaw()
    await ear.close()
    assert await gateway.sent() == []


@pytest.mark.parametrize("size", [6, 30_000, LARGEST], ids=["inline", "by id", "largest"])
async def test_what_somebody_shows_is_fetched(shared: Gateway, guest: Ear, size: int) -> None:
    data = _some(size)
    shown = {"name": "安排.docx", "base64": base64.b64encode(data).decode()}
    await shared.say("", type=ATTACHMENT, room=None, file=shown)
    message = await guest.message()
    assert message.kind is MessageKind.FILE
    file = await guest.transport.fetch_file(message.id, picture=False)
    assert (file.name, file.data) == ("安排.docx", data)


async def test_a_picture_is_given_an_ending_by_which_it_is_known(shared: Gateway, guest: Ear) -> None:
    shown = {"name": "message-7-image", "base64": base64.b64encode(PICTURE.data).decode()}
    await shared.say("", type=IMAGE, room=None, file=shown)
    file = await guest.transport.fetch_file((await guest.message()).id, picture=True)
    assert file == File("message-7-image.png", "image/png", PICTURE.data)


async def test_what_is_too_large_is_not_fetched_to_its_end(shared: Gateway, guest: Ear) -> None:
    await shared.say("", type=ATTACHMENT, room=None, file={"name": "film.mp4", "zeros": LARGEST + 1})
    with pytest.raises(TooLarge) as raised:
        await guest.transport.fetch_file((await guest.message()).id, picture=False)
    assert raised.value.size > LARGEST
    assert guest.transport.online


@pytest.mark.parametrize("shown", [{"name": "x.png", "url": "http://127.0.0.1:1/x.png"}, {"name": "x.png", "zeros": 0}])
async def test_an_address_or_nothing_is_no_file(shared: Gateway, guest: Ear, shown: dict[str, object]) -> None:
    await shared.say("", type=IMAGE, room=None, file=shown)
    with pytest.raises(Rejected):
        await guest.transport.fetch_file((await guest.message()).id, picture=True)


async def test_a_message_without_a_file_is_rejected(shared: Gateway, guest: Ear) -> None:
    await shared.say("你好", room=None)
    with pytest.raises(Rejected):
        await guest.transport.fetch_file((await guest.message()).id, picture=True)
