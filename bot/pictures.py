"""What a picture tells besides itself, taken out: where, when, by whom and with what it was made. Its pixels, colours
and which way up it is stay as they are, byte for byte.

Of each format only the parts are kept that are needed to show it, since anything may stand in the others. What cannot
be read as a picture of its kind is left as it is.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Literal

_JPEG, _PNG, _GIF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", re.compile(rb"GIF8[79]a")
_BEGINNINGS = {_JPEG: "jpeg", _PNG: "png", b"GIF8": "gif", b"BM": "bmp"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}  # brands


def kind(data: bytes) -> str:
    """jpeg, png, gif, bmp, webp or heic; empty for what is none of these."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        return "heic"
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "")


def bare(data: bytes) -> bytes:
    """The picture without what was noted in it. Never raises: what is cut off stays cut off."""
    match kind(data):
        case "jpeg":
            return _bare_jpeg(data)
        case "png":
            return _bare_png(data)
        case "webp":
            return _bare_webp(data)
        case "gif":
            return _bare_gif(data)
    return data


# --- JPEG: segments, then scans; behind its end there may be another picture with notes of its own ---
_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF
_CAMERA = 0xE1  # Exif and XMP
_COLOURS, _PROFILE = 0xE2, b"ICC_PROFILE\0"
_NOTES = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}  # APP1 to APP15 but for Adobe's colours; comments
_NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # a marker behind the bytes of a scan
_ORIENTATION = 0x0112


def _bare_jpeg(jpeg: bytes) -> bytes:
    kept, at, scanned = [jpeg[:2]], 2, False
    while len(jpeg) >= at + 4 and jpeg[at] == _FILL:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if marker == _FILL:
            at += 1
            continue
        if marker == _SCAN:
            scanned = True
            found = _NEXT.search(jpeg, end)
            end = found.start() if found is not None else len(jpeg)
        if marker == _CAMERA:
            kept.append(_way_up(jpeg[at + 4 : end]))
        elif marker not in _NOTES or (marker == _COLOURS and jpeg[at + 4 : end].startswith(_PROFILE)):
            kept.append(jpeg[at:end])
        at = end
        if jpeg[at : at + 2] == bytes((_FILL, _END)):
            kept.append(jpeg[at : at + 2])
            break
    return b"".join(kept) if scanned else jpeg


def _way_up(noted: bytes) -> bytes:
    """Of what the camera noted the orientation alone, as a segment; empty where there is none."""
    exif, tiff = noted[:6], noted[6:]
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    first = int.from_bytes(tiff[4:8], order) + 2
    for at in range(first, first + 12 * int.from_bytes(tiff[first - 2 : first], order), 12):
        if exif == b"Exif\0\0" and int.from_bytes(tiff[at : at + 2], order) == _ORIENTATION:
            entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, int.from_bytes(tiff[at + 8 : at + 10], order), 0)
            body = exif + struct.pack(">2sHIH", b"MM", 42, 8, 1) + entry + bytes(4)
            return struct.pack(">BBH", _FILL, _CAMERA, len(body) + 2) + body
    return b""


# --- PNG: chunks of length, type, data and checksum; what is needed begins with a capital ---
_COLOURS_PNG = frozenset((b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"sPLT", b"hIST"))
_SHOWN_PNG = _COLOURS_PNG | {b"tRNS", b"bKGD", b"pHYs", b"acTL", b"fcTL", b"fdAT"}


def _bare_png(png: bytes) -> bytes:
    if png[12:16] != b"IHDR":
        return png
    kept, at = [_PNG], len(_PNG)
    while len(png) >= at + 8:
        name, end = png[at + 4 : at + 8], at + 12 + int.from_bytes(png[at : at + 4])
        if name in _SHOWN_PNG or name[:1].isupper():
            kept.append(png[at:end])
        at = end
        if name == b"IEND":
            break
    return b"".join(kept)


# --- WebP: RIFF chunks, padded to even lengths ---
_SHOWN_WEBP = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_FRAME_HEAD = 16  # bytes before the chunks of a frame
_HAS_NOTES = 0x08 | 0x04  # flags of VP8X: Exif, XMP


def _bare_webp(webp: bytes) -> bytes:
    chunks = list(_riff(webp[12 : 8 + int.from_bytes(webp[4:8], "little")]))
    if not chunks or chunks[0][0] not in _SHOWN_WEBP:
        return webp
    body = b"WEBP" + b"".join(_chunk(name, _unnoted(name, data)) for name, data in chunks if name in _SHOWN_WEBP)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _unnoted(name: bytes, data: bytes) -> bytes:
    """What a chunk holds, without the flags that promise notes, and of a frame without those it holds itself."""
    if name == b"VP8X" and data:
        return bytes((data[0] & ~_HAS_NOTES,)) + data[1:]
    if name == b"ANMF":
        inner = (_chunk(*one) for one in _riff(data[_FRAME_HEAD:]) if one[0] in _SHOWN_WEBP)
        return data[:_FRAME_HEAD] + b"".join(inner)
    return data


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while len(data) >= at + 8:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


# --- GIF: blocks, each a run of pieces with their lengths ---
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_COMMENT, _APPLICATION = 0xFE, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")  # how often it plays


def _bare_gif(gif: bytes) -> bytes:
    if _GIF.match(gif) is None or len(gif) < 13:
        return gif
    at = 13 + _colours(gif[10])
    kept = [gif[:at]]
    while len(gif) > at and gif[at] in (_IMAGE, _EXTENSION):
        image = gif[at] == _IMAGE
        begins = at + 11 + _colours(gif[at + 9]) if image and len(gif) > at + 9 else at + 2
        end = _pieces_end(gif, begins)
        if image or not _noted(gif[at:end]):
            kept.append(gif[at:end])
        at = end
    if gif[at : at + 1] == bytes((_TRAILER,)):
        kept.append(gif[at : at + 1])
    return b"".join(kept)


def _colours(flags: int) -> int:
    """Bytes of the table of colours that the flags tell of."""
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & 0x80 else 0


def _pieces_end(gif: bytes, at: int) -> int:
    while len(gif) > at and gif[at]:
        at += 1 + gif[at]
    return at + 1


def _noted(extension: bytes) -> bool:
    label = extension[1:2]
    return label == bytes((_COMMENT,)) or (label == bytes((_APPLICATION,)) and extension[3:14] not in _LOOPS)
