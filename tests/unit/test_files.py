"""What a file is called on its way out."""

from __future__ import annotations

import pytest

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
