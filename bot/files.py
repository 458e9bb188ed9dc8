"""Pictures and files that go out: what they are called, what they are, and nothing of where a picture was taken."""

from __future__ import annotations

import mimetypes
import re
import struct
from pathlib import PurePosixPath
from typing import Literal

from storage.notice_files import File

LONGEST_NAME = 80
_JPEG = b"\xff\xd8\xff"
_BEGINNINGS = {_JPEG: "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"BM": "bmp"}
_UNSPEAKABLE = re.compile(r'[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069/:*?"<>|]+')


def named(name: str, data: bytes, *, picture: bool = False) -> File:
    """A file under a name that can be shown and sent on: no folder, nothing invisible, and for a `picture` an ending by
    which every gateway knows it for one. A JPEG goes without what the camera noted in it."""
    name = _UNSPEAKABLE.sub(" ", PurePosixPath(name.replace("\\", "/")).name).strip(" .")
    mime = mimetypes.guess_type(name)[0] or ""
    if picture and not mime.startswith("image/"):
        kind = _kind(data)
        name, mime = f"{name or 'picture'}.{kind.replace('jpeg', 'jpg')}", f"image/{kind}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME:
        name = (stem[: LONGEST_NAME - len(ending) - 1] + dot + ending)[:LONGEST_NAME]
    return File(name or "file", mime or "application/octet-stream", _bare(data) if data.startswith(_JPEG) else data)


def _kind(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "jpeg")


# Markers of a JPEG's segments.
_SCAN, _FILL = 0xDA, 0xFF
_CAMERA, _NOTES = 0xE1, (0xED, 0xFE)  # Exif and XMP; IPTC and comments
_ORIENTATION = 0x0112


def _bare(jpeg: bytes) -> bytes:
    """Without where, when and by whom it was taken; which way up it is stays. Unchanged where it is no whole JPEG."""
    kept, at = [jpeg[:2]], 2
    while len(jpeg) >= at + 4 and jpeg[at] == _FILL:
        marker, end = jpeg[at + 1], at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if marker == _SCAN:
            return b"".join([*kept, jpeg[at:]])
        if marker == _FILL:
            at += 1
            continue
        if marker == _CAMERA:
            kept.append(_way_up(jpeg[at + 4 : end]))
        elif marker not in _NOTES:
            kept.append(jpeg[at:end])
        at = end
    return jpeg


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
