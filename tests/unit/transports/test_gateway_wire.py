"""What is read by hand reads as wechaty's own stubs do, and no bytes do worse than a ValueError."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechaty_grpc.wechaty import puppet

from bot.transports import gateway_wire as wire
from bot.transports.gateway_link import _Setting, _Text

NUMBERS = st.integers(0, 2**64 - 1)


@given(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(("id", "filename", "text", "from_id", "room_id", "to_id"), st.text()),
            "timestamp": NUMBERS,
            "type": st.integers(0, 15),
            "mention_ids": st.lists(st.text(), max_size=4),
        }
    )
)
def test_a_message(fields: dict[str, object]) -> None:
    data = bytes(puppet.MessagePayloadResponse(**fields))
    theirs = puppet.MessagePayloadResponse().parse(data)
    ours = wire.MessageReply.FromString(data)
    for name in wire.MessageReply.__slots__:
        assert getattr(ours, name) == getattr(theirs, name), name


@given(st.text(), st.sampled_from([2, 16, 25]))
def test_an_event(payload: str, kind: int) -> None:
    event = wire.Event.FromString(bytes(puppet.EventResponse(type=kind, payload=payload)))
    assert (event.type, event.payload) == (kind, payload)


@given(st.text(max_size=400))
def test_a_request(message_id: str) -> None:
    ours = wire.MessageRequest(message_id).SerializeToString()
    assert puppet.MessagePayloadRequest().parse(ours).id == message_id


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    for kind in (wire.Event, wire.MessageReply):
        with suppress(ValueError):
            kind.FromString(data)


@pytest.mark.parametrize(
    "data",
    [b"\x0a", b"\x0a\x05abc", b"\x0b", b"\x08" + b"\xff" * 12 + b"\x01", b"\x08\xff", b"\x12\x03a"],
    ids=["no size", "cut off", "a group", "endless", "half a number", "short text"],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|wire type|without an end"):
        wire.Event.FromString(data)


def test_fields_that_are_not_known_are_passed_over() -> None:
    unknown = b"\x51" + bytes(8) + b"\x5d" + bytes(4) + b"\x62\x02ab" + b"\x68\x05"
    event = wire.Event.FromString(unknown + b"\x08\x02\x12\x02{}")
    assert (event.type, event.payload) == (2, "{}")


def test_half_an_emoji_is_replaced() -> None:
    assert wire.Event.FromString(b"\x12\x03\xed\xa0\xbd").payload == "\ufffd" * 3


def test_a_setter_speaks_to_both_generations_of_gateways() -> None:
    """0.x reads a StringValue in field 2, 1.x a string in field 3; asking what stands carries neither."""
    assert bytes(_Setting(id="R", old="a", new="a")) == b"\n\x01R\x12\x03\n\x01a\x1a\x01a"
    assert bytes(_Setting(id="R")) == b"\n\x01R"
    assert (_Text().parse(b"\n\x03\n\x01x").old, _Text().parse(b"\x12\x01x").new) == ("x", "x")
