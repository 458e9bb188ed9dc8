"""What a file is called on its way out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.files import LONGEST_NAME, named

PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n0", b"\xff\xd8\xff\xe00", b"RIFF0000WEBPVP8 "


@pytest.mark.parametrize(
    ("name", "data", "picture", "called", "mime"),
    [
        ("安排.pdf", b"%PDF", False, "安排.pdf", "application/pdf"),
        ("../../etc/passwd", b"x", False, "passwd", "application/octet-stream"),
        ("C:\\桌面\\名单.csv", b"x", False, "名单.csv", "text/csv"),
        ("a\u202egnp.exe", b"x", False, "a gnp.exe", None),  # which would be shown as aexe.png
        ("", b"x", False, "file", "application/octet-stream"),
        ("...", b"x", False, "file", "application/octet-stream"),
        ("", PNG, True, "picture.png", "image/png"),
        ("message-7", JPEG, True, "message-7.jpg", "image/jpeg"),
        ("x.dat", WEBP, True, "x.dat.webp", "image/webp"),
        ("照片.JPG", JPEG, True, "照片.JPG", "image/jpeg"),
        ("x", b"what nobody knows", True, "x.jpg", "image/jpeg"),
    ],
)
def test_a_name_that_can_be_shown_and_sent_on(
    name: str, data: bytes, picture: bool, called: str, mime: str | None
) -> None:
    file = named(name, data, picture=picture)
    assert (file.name, file.data) == (called, data)
    assert mime in (None, file.mime)


def test_a_long_name_keeps_its_ending() -> None:
    file = named("很" * 300 + ".docx", b"x")
    assert len(file.name) == LONGEST_NAME
    assert file.name.endswith("很.docx")


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif(order: str, way_up: int) -> bytes:
    """What a phone notes: the maker, which way up, and where."""
    entry = order + "HHI4s"
    entries = [
        struct.pack(entry, 0x010F, 2, 4, b"cam\0"),
        struct.pack(entry, 0x0112, 3, 1, struct.pack(order + "HH", way_up, 0)),
        struct.pack(entry, 0x8825, 4, 1, struct.pack(order + "I", 99)),
    ]
    sign = b"II" if order == "<" else b"MM"
    return b"Exif\0\0" + sign + struct.pack(order + "HIH", 42, 8, len(entries)) + b"".join(entries) + b"31.2N"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_picture_does_not_tell_where_it_was_taken(order: str) -> None:
    picture = segment(0xE0, b"JFIF") + segment(0xDB, b"tables") + segment(0xDA, b"how") + b"the picture\xff\xd9"
    noted = segment(0xE1, exif(order, 6)) + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00 31.2N")
    sent = named("a.jpg", b"\xff\xd8" + noted + b"\xff" + segment(0xFE, b"by Li") + picture, picture=True).data
    assert not any(trace in sent for trace in (b"31.2N", b"cam", b"by Li"))
    way_up = b"Exif\0\0MM\0*" + bytes.fromhex("00000008 0001 0112 0003 00000001 0006 0000 00000000")
    assert sent == b"\xff\xd8" + segment(0xE1, way_up) + picture
    assert named("b.jpg", sent).data == sent


@given(st.binary(max_size=60).filter(lambda rest: b"\xff\xda" not in rest))
def test_a_picture_that_is_broken_goes_as_it_is(rest: bytes) -> None:
    data = b"\xff\xd8\xff\xe1" + rest
    assert named("a.jpg", data).data == data
