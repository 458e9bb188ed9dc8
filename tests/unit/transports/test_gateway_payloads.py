from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transports.gateway_payloads import (
    LONGEST_ID,
    BadPayloadError,
    Payload,
    around,
    calls_by_name,
    from_id,
    moment,
    names_everybody,
)
from storage.model import MessageKind

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp()) - 60


@pytest.mark.parametrize("timestamp", [SECONDS, SECONDS * 1000])
def test_seconds_and_milliseconds(timestamp: float) -> None:
    assert moment(timestamp, NOW) == datetime(2026, 11, 20, 11, 59, tzinfo=UTC)


@pytest.mark.parametrize("timestamp", [0, -5, 12345, 1e300, float("nan"), float("inf")])
def test_nonsense_is_now(timestamp: float) -> None:
    assert moment(timestamp, NOW) == NOW


@pytest.mark.parametrize(
    ("text", "mentions", "members", "everybody"),
    [
        ("@所有人\u2005明天停水", ["a", "b", "c"], 0, True),
        ("@所有人 明天停水", ["notify@all"], 500, True),
        ("明天停水", ["a", "b", "c", "d"], 5, True),  # the list alone, without the speaker
        ("@小格\u2005报修", ["bot"], 500, False),
        ("@小格 @李姐 报修", ["bot", "a"], 3, False),
        ("@小格 转告@所有人", ["bot"], 500, False),
        ("大家好", [], 500, False),
        ("@所有人 停水", [], 500, True),
    ],
)
def test_names_everybody(text: str, mentions: list[str], members: int, everybody: bool) -> None:
    assert names_everybody(text, mentions, members) is everybody


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@小格\u2005查询", True),
        ("@小格 查询", True),
        ("@小格\u00a0查询", True),
        ("麻烦 @小格", True),
        ("@小格子 @小格 在吗", True),
        ("@小格子 在吗", False),
        ("小格在吗", False),
        ("a@小格子.com", False),
    ],
)
def test_calls_by_name(text: str, called: bool) -> None:
    assert calls_by_name(text, ["小格", ""]) is called


@pytest.mark.parametrize("name", ["3栋(李", "张三[微笑", "a.*b"])
def test_names_that_break_patterns(name: str) -> None:
    assert calls_by_name(f"@{name}\u2005在吗", [name])


# ---------------------------------------------------------------- joins, leaves, topics
def test_join() -> None:
    data = {"roomId": "1@chatroom", "inviteeIdList": ["wxid_a", "wxid_b"], "inviterId": "wxid_c", "timestamp": SECONDS}
    message = around("main", MessageKind.JOIN, data, NOW)
    assert (message.people, message.sender, message.room) == (("wxid_a", "wxid_b"), "wxid_a", "1@chatroom")
    assert message.id == f"join:1@chatroom:{SECONDS}:wxid_a,wxid_b"
    assert around("main", MessageKind.JOIN, data, NOW).id == message.id


def test_leave_and_topic_differ_from_join() -> None:
    leave = around(
        "main", MessageKind.LEAVE, {"roomId": "1@chatroom", "removeeIdList": ["a"], "timestamp": SECONDS}, NOW
    )
    topic = around("main", MessageKind.TOPIC, {"roomId": "1@chatroom", "newTopic": "新", "changerId": "a"}, NOW)
    assert leave.id.startswith("leave:")
    assert (topic.topic, topic.sender, topic.people, topic.sent_at) == ("新", "a", (), NOW)


@pytest.mark.parametrize(
    "data",
    [{}, {"roomId": 7}, {"roomId": ""}, {"roomId": "r"}, {"roomId": "r", "inviteeIdList": []}],
)
def test_bad_joins(data: dict[str, object]) -> None:
    with pytest.raises(BadPayloadError):
        around("main", MessageKind.JOIN, data, NOW)


IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(
    st.sampled_from([MessageKind.JOIN, MessageKind.LEAVE]),
    IDS,
    st.lists(IDS, min_size=1, max_size=60),
    st.integers(0, 9999),
)
def test_an_id_tells_its_event(kind: MessageKind, room: str, people: list[str], later: int) -> None:
    key = "inviteeIdList" if kind is MessageKind.JOIN else "removeeIdList"
    message = around("main", kind, {"roomId": room, key: people, "timestamp": SECONDS + later}, NOW)
    back = from_id("main", message.id)
    if back is not None:
        assert back == message
    else:
        assert message.id.rpartition(":")[2].startswith("#"), "only a crowd is too long to be told"
    assert len(message.id) <= max(LONGEST_ID, 150 + 9 * len(room.encode()))


@pytest.mark.parametrize(
    "message_id", ["", "8123", "join", "join:r:x:a", "join:r:1", "sent:r:1:a", "join:r:1:#ab", "a:b:c:d:e"]
)
def test_other_ids_tell_nothing(message_id: str) -> None:
    assert from_id("main", message_id) is None


# ---------------------------------------------------------------- fat events
def test_payload_from_json() -> None:
    data = {
        "fromId": "a",
        "roomId": None,
        "toId": "b",
        "text": None,
        "type": 7,
        "timestamp": SECONDS,
        "mentionIdList": None,
    }
    payload = Payload.from_json("m1", data)
    assert payload == Payload("m1", 7, "", None, "a", "b", (), float(SECONDS))


@pytest.mark.parametrize(
    "data",
    [
        {"type": "x"},
        {"timestamp": "soon"},
        {"mentionIdList": 7},
        {"type": [], "timestamp": {}, "text": 1, "mentionIdList": 5},
    ],
)
def test_bad_payloads(data: dict[str, object]) -> None:
    with pytest.raises(BadPayloadError):
        Payload.from_json("m1", data)
