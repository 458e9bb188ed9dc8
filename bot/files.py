"""Pictures and files that go out: what they are called and what they are."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath

from storage.notice_files import File

LONGEST_NAME = 80
_BEGINNINGS = {b"\xff\xd8\xff": "jpeg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"BM": "bmp"}
_UNSPEAKABLE = re.compile(r'[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069/:*?"<>|]+')


def named(name: str, data: bytes, *, picture: bool = False) -> File:
    """A file under a name that can be shown and sent on: no folder, nothing invisible, and for a `picture` an ending by
    which every gateway knows it for one."""
    name = _UNSPEAKABLE.sub(" ", PurePosixPath(name.replace("\\", "/")).name).strip(" .")
    mime = mimetypes.guess_type(name)[0] or ""
    if picture and not mime.startswith("image/"):
        kind = _kind(data)
        name, mime = f"{name or 'picture'}.{kind.replace('jpeg', 'jpg')}", f"image/{kind}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME:
        name = (stem[: LONGEST_NAME - len(ending) - 1] + dot + ending)[:LONGEST_NAME]
    return File(name or "file", mime or "application/octet-stream", data)


def _kind(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "jpeg")
