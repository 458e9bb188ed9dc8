"""Notices with pictures and as announcements, by the whole bot on a real gateway."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

from storage import notice_files, notices
from storage.notices import NoticeState, Standing
from tests.integration.gateway_process import until
from tests.integration.test_house import GROUP, OTHER_GROUP, Village, classifier, village

__all__ = ["classifier", "village"]

pytestmark = pytest.mark.gateway

ATTACHMENT, IMAGE = 1, 6
LEADER = "wxid_m0"


async def _through(village: Village, number: int) -> Standing:
    async def all_out() -> bool:
        standing = await village.store.read(lambda tx: notices.standing(tx, number))
        return standing.through

    await until(all_out)
    return await village.store.read(lambda tx: notices.standing(tx, number))


@pytest.mark.parametrize("size", [40_000, 3_500_000], ids=["in the message", "uploaded"])
async def test_each_group_gets_the_words_and_then_the_very_bytes(village: Village, size: int) -> None:
    data = b"\x89PNG\r\n\x1a\n" + random.Random(size).randbytes(size)
    shown = {"name": "image", "base64": base64.b64encode(data).decode()}
    async with village.house():
        await village.say("", by=0, room=None, type=IMAGE, file=shown)
        assert (await village.say("通知 附图 周六停水，范围见图", by=0, room=None)).reason == "command"
        await until(lambda: _kept(village))
        await village.say("确认 T1", by=0, room=None)
        standing = await _through(village, 1)
        await village.all_finished()
    sent = [(line["to"], line["text"], line.get("file")) for line in await village.gateway.sent()]
    sha256 = hashlib.sha256(data).hexdigest()
    file = {"name": "image.png", "type": "image/png", "size": len(data), "sha256": sha256}
    words = "【通知】周六停水，范围见图"
    for group in (GROUP, OTHER_GROUP):
        assert [(text, carried) for to, text, carried in sent if to == group] == [(words, None), ("", file)]
    assert standing.files is not None
    assert (standing.sent, standing.confirmed, standing.files.sent) == (2, 2, 2)


async def _kept(village: Village) -> bool:
    file = await village.store.read(lambda tx: notice_files.of(tx, 1))
    return file is not None and file.kept


async def test_what_is_too_large_is_said_and_the_draft_stays_without_it(village: Village) -> None:
    async with village.house():
        film = {"name": "film.mp4", "zeros": notice_files.LARGEST + 1}
        await village.say("", by=0, room=None, type=ATTACHMENT, file=film)
        await village.say("通知 附件 消防演练录像", by=0, room=None)
        said = [text for to, text in await village.sends() if to == LEADER]
    assert "附件最多 10.0 MB，这个至少 10.0 MB，T1 没有附上" in said[-1]
    assert await village.store.read(lambda tx: notice_files.of(tx, 1)) is None


async def test_an_announcement_stands_where_it_may_and_is_said_elsewhere(village: Village) -> None:
    words = "【通知】6月14日停电检修"
    async with village.house():
        await village.say("公告 6月14日停电检修", by=0, room=None)
        await village.all_sent()
        # The answer to 确认 and the line of the first group: until then the puppet sets nothing and reports success.
        await village.gateway.do("fault", kind="ignore", times=2)
        await village.say("确认 T1", by=0, room=None)
        standing = await _through(village, 1)
        settings = (await village.gateway.do("stats"))["settings"]
        said = [line["to"] for line in await village.gateway.sent() if line["text"] == words]
    assert (standing.sent, standing.announced) == (2, 1)
    assert settings == {f"announcement {OTHER_GROUP}": words}
    assert said == [GROUP]


async def test_an_announcement_that_cannot_be_read_back_is_of_unknown_fate(village: Village) -> None:
    async with village.house() as house:
        await village.say("公告 6月14日停电检修", by=0, room=None)
        await village.all_sent()
        await village.gateway.do("fault", kind="mute", times=9)
        await village.say("确认 T1", by=0, room=None)
        standing = await _through(village, 1)
        await house.tick()  # the report
        said = [
            line["to"] for line in await village.gateway.sent() if "停电检修" in line["text"] and line["to"] != LEADER
        ]
    assert (standing.sent, standing.unknown, standing.announced) == (0, 2, 0)
    assert said == []
    notice = await village.store.read(lambda tx: notices.get(tx, 1))
    assert notice is not None
    assert notice.state is NoticeState.SENT
