"""Pictures and files that go out: what they are called, what they are, and nothing of where a picture was taken."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath

from bot import pictures
from storage.notice_files import HEIC, File

LONGEST_NAME = 80
_UNSPEAKABLE = re.compile(r'[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069/:*?"<>|]+')


def named(name: str, data: bytes, *, picture: bool = False) -> File:
    """A file under a name that can be shown and sent on: no folder, nothing invisible, and for a `picture` an ending by
    which every gateway knows it for one. A picture goes without what was noted in it (pictures.py)."""
    name = _UNSPEAKABLE.sub(" ", PurePosixPath(name.replace("\\", "/")).name).strip(" .")
    mime = mimetypes.guess_type(name)[0] or ""
    kind = pictures.kind(data)
    if kind == "heic":
        mime = HEIC  # by whatever name: it is refused (handlers/notice_files.py)
    elif picture and not mime.startswith("image/"):
        kind = kind or "jpeg"
        name, mime = f"{name or 'picture'}.{kind.replace('jpeg', 'jpg')}", f"image/{kind}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > LONGEST_NAME:
        name = (stem[: LONGEST_NAME - len(ending) - 1] + dot + ending)[:LONGEST_NAME]
    return File(name or "file", mime or "application/octet-stream", pictures.bare(data))
