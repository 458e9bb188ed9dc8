"""What is noted in a picture does not go out with it; the picture does, byte for byte."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.files import named
from bot.pictures import bare

SECRET = b"31.2N 121.4E by Li"
cuts = st.integers(0, 400)
few = st.binary(max_size=12)


# --- PNG ---
def png(*chunks: tuple[bytes, bytes]) -> bytes:
    told = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


HEAD, PIXELS, END = (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", b"pixels"), (b"IEND", b"")
shown_png = st.tuples(st.sampled_from((b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"fdAT", b"pHYs")), few)
noted_png = st.tuples(st.sampled_from((b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME", b"caBX", b"prVt")), st.just(SECRET))


@given(st.lists(st.one_of(shown_png, noted_png), max_size=8), few)
def test_of_a_png_only_what_is_shown_goes(chunks: list[tuple[bytes, bytes]], behind: bytes) -> None:
    kept = [chunk for chunk in chunks if chunk[1] != SECRET]
    assert bare(png(HEAD, *chunks, END) + behind) == png(HEAD, *kept, END)


# --- WebP ---
def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + riff(*chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


shown_webp = st.tuples(st.sampled_from((b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM")), few)
noted_webp = st.tuples(st.sampled_from((b"EXIF", b"XMP ", b"junk")), st.sampled_from((SECRET, SECRET + b"!")))


@given(
    st.lists(st.one_of(shown_webp, noted_webp), max_size=6),
    st.lists(st.one_of(shown_webp, noted_webp), max_size=3),
    few,
)
def test_of_a_webp_only_what_is_shown_goes(
    chunks: list[tuple[bytes, bytes]], frame: list[tuple[bytes, bytes]], behind: bytes
) -> None:
    def without(some: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        return [chunk for chunk in some if SECRET not in chunk[1]]

    place = bytes(16)
    sent = bare(webp((b"VP8X", b"\x3e" + bytes(9)), (b"ANMF", place + riff(*frame)), *chunks) + behind)
    assert sent == webp((b"VP8X", b"\x32" + bytes(9)), (b"ANMF", place + riff(*without(frame))), *without(chunks))


# --- GIF ---
def pieces(data: bytes) -> bytes:
    return bytes((len(data),)) + data + b"\0" if data else b"\0"


GIF = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"colour"
LOOPS = b"!\xff\x0bNETSCAPE2.0" + pieces(b"\x01\0\0")
shown_gif = st.one_of(
    st.builds(lambda data: b"," + bytes(8) + b"\0\x02" + pieces(data), few),
    st.builds(lambda data: b"," + bytes(8) + b"\x80" + b"colour" + b"\x02" + pieces(data), few),
    st.just(b"!\xf9" + pieces(b"\0\1\0\0")),
    st.just(LOOPS),
)
noted_gif = st.sampled_from((b"!\xfe" + pieces(SECRET), b"!\xff\x0bXMP DataXMP" + pieces(SECRET)))
IMAGE = b"," + bytes(8) + b"\0\x02" + pieces(b"pixels")


@given(st.lists(st.one_of(shown_gif, noted_gif), max_size=8), few)
def test_of_a_gif_only_what_is_shown_goes(blocks: list[bytes], behind: bytes) -> None:
    kept = [block for block in blocks if SECRET not in block]
    assert bare(b"".join((GIF, *blocks, IMAGE, b";", behind))) == b"".join((GIF, *kept, IMAGE, b";"))


# --- JPEG: the segments themselves are test_files.py's ---
def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


SCAN = segment(0xDA, b"how") + b"bits\xff\x00bits\xff\xd0bits"
shown_jpeg = st.sampled_from((segment(0xDB, b"t"), segment(0xE0, b"JFIF\0"), segment(0xE2, b"ICC_PROFILE\0c"), SCAN))
noted_jpeg = st.sampled_from(tuple(segment(marker, SECRET) for marker in (0xE1, 0xE2, 0xE3, 0xED, 0xEF, 0xFE)))


@given(st.lists(st.one_of(shown_jpeg, noted_jpeg), max_size=8), few)
def test_of_a_jpeg_only_what_is_shown_goes_and_nothing_behind_its_end(parts: list[bytes], behind: bytes) -> None:
    kept = [part for part in parts if SECRET not in part]
    sent = bare(b"".join((b"\xff\xd8", *parts, SCAN, b"\xff\xd9", behind)))
    assert sent == b"".join((b"\xff\xd8", *kept, SCAN, b"\xff\xd9"))


# --- whatever the kind ---
WHOLE = (
    png(HEAD, (b"tEXt", SECRET), PIXELS, (b"eXIf", SECRET), END),
    webp((b"VP8X", b"\x0c" + bytes(9)), (b"VP8L", b"pixels"), (b"EXIF", SECRET), (b"XMP ", SECRET)),
    b"".join((GIF, b"!\xfe" + pieces(SECRET), IMAGE, b"!\xfe" + pieces(SECRET), b";")),
    b"".join((b"\xff\xd8", SCAN, segment(0xE1, SECRET), SCAN, b"\xff\xd9", SECRET)),
)


@given(st.sampled_from(WHOLE), cuts)
def test_one_that_is_cut_off_is_no_mishap_and_tells_nothing(picture: bytes, cut: int) -> None:
    sent = bare(picture[:cut])
    assert SECRET[:8] not in sent
    assert len(sent) <= cut


@given(st.sampled_from(WHOLE), cuts, few)
def test_one_that_is_damaged_is_no_mishap(picture: bytes, at: int, damage: bytes) -> None:
    bare(picture[:at] + damage + picture[at + len(damage) :])


@given(
    st.sampled_from((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\x40\0\0\0WEBP", b"")),
    st.binary(max_size=80),
)
def test_what_is_no_picture_is_no_mishap(start: bytes, rest: bytes) -> None:
    bare(start + rest)


@pytest.mark.parametrize("picture", WHOLE)
def test_twice_is_once(picture: bytes) -> None:
    assert SECRET not in bare(picture)
    assert bare(bare(picture)) == bare(picture)


@pytest.mark.parametrize("name", ["IMG_0012.HEIC", "IMG_0012.jpg", "message-7"])
def test_a_heic_is_known_for_one_by_whatever_name(name: str) -> None:
    assert named(name, b"\0\0\0\x24ftypheic" + bytes(24), picture=True).mime == "image/heic"
