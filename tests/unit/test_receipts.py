"""收到 in the room of a notice, within a day of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.receipts import Receipts
from storage.model import Lane, Message, MessageKind, Outgoing, PostKind, SendState

NOW = datetime(2025, 6, 12, 8, 0, tzinfo=UTC)


def line(key: str, room: str = "r1") -> Outgoing:
    kind, lane = PostKind.NOTICE, Lane.NOTICE
    return Outgoing(1, key, "a", room, "明天停水", kind, lane, SendState.SENT, not_before=NOW, created_at=NOW)


def said(sender: str, *, minutes: float = 1, room: str | None = "r1", **fields: Any) -> Message:
    at = NOW + timedelta(minutes=minutes)
    return Message(
        account="a", id="m", kind=MessageKind.TEXT, room=room, sender=sender, sent_at=at, text="收到", **fields
    )


def test_only_what_says_so_counts_and_only_there_and_then() -> None:
    receipts = Receipts()
    receipts.note(said("u0"), "ack", "收到")
    receipts.sent(line("notice:3:17"), NOW)
    receipts.sent(line("ack:S1", room="r2"), NOW)
    receipts.note(said("u1"), "ack", "收到")
    receipts.note(said("u2"), "thanks", "好的，谢谢")
    receipts.note(said("u3"), "chat", "收到")
    receipts.note(said("u4", room="r2"), "ack", "收到")
    receipts.note(said("u5", room=None), "ack", "收到")
    receipts.note(said("u6", minutes=-1), "ack", "收到")
    receipts.note(said("u7", minutes=24 * 60 + 1), "ack", "收到")
    assert receipts.take() == {(3, "a", "u1"), (3, "a", "u2")}
    assert receipts.take() == set()


def test_the_latest_notice_is_meant_until_the_day_is_over() -> None:
    receipts = Receipts()
    receipts.sent(line("notice:3:17"), NOW)
    receipts.sent(line("notice:12:17"), NOW)
    receipts.note(said("u1"), "ack", "收到")
    assert receipts.take() == {(12, "a", "u1")}
    receipts.tidy(NOW + timedelta(hours=25))
    receipts.note(said("u2"), "ack", "收到")
    assert receipts.take() == set()


@pytest.mark.parametrize(
    "words",
    ["1", "收到", "收到收到！", "已阅", "已读", "知道了", "好的", "嗯嗯", "好的谢谢", "收到，谢谢物业", "晓得了哈"],
)
def test_what_says_that_it_was_read(words: str) -> None:
    receipts = Receipts()
    receipts.sent(line("notice:3:17"), NOW)
    receipts.note(said("u1"), "ack", words)
    assert receipts.take() == {(3, "a", "u1")}


@pytest.mark.parametrize(
    "words", ["谢谢", "谢谢哦", "辛苦了", "感谢网格长，大家辛苦", "谢谢老师！", "2", "不满意", "大家", "物业好", ""]
)
@pytest.mark.parametrize("reason", ["ack", "thanks"])
def test_thanks_alone_and_an_answer_to_something_else_are_none(words: str, reason: str) -> None:
    receipts = Receipts()
    receipts.sent(line("notice:3:17"), NOW)
    receipts.note(said("u1"), reason, words)
    assert receipts.take() == set()
