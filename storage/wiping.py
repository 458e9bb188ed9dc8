"""Overwrite what SQLite leaves behind in the unused middle of its pages.

`secure_delete` overwrites a deleted row where it lay, but when a page is rebuilt because its rows moved to a neighbour,
copies of them stay between the row pointers and the row contents: about a hundred readable texts after a few thousand
growing and shrinking rows. No page ever reads those bytes, so they may be zeroed in the file.
"""

from __future__ import annotations

import os
import struct

_INTERIOR, _LEAF = (2, 5), (10, 13)
_CHUNK = 256  # pages read at a time
_MOST_PAGES = (
    _INTERIOR[0] << 24
)  # overflow and free pages begin with a page number: below this its first byte is 0 or 1


def wipe(file: int) -> int:
    """Zero the unused middle of every b-tree page of a database file and fsync it; how many pages held something.

    The caller holds the write lock, the WAL is empty, and afterwards forgets its cached pages."""
    head = os.pread(file, 100, 0)
    if len(head) < 100:
        return 0
    size, self_vacuuming = struct.unpack_from(">H", head, 16)[0], struct.unpack_from(">I", head, 52)[0]
    size = 65536 if size == 1 else size
    if self_vacuuming or os.fstat(file).st_size >= size * _MOST_PAGES:
        return 0  # other kinds of page could be taken for b-tree pages there
    wiped = 0
    offset = 0
    while chunk := os.pread(file, size * _CHUNK, offset):
        for page in range(0, len(chunk) - size + 1, size):
            start, end = _middle(chunk, page, first=offset + page == 0)
            if start < end <= page + size and chunk.count(0, start, end) != end - start:
                os.pwrite(file, bytes(end - start), offset + start)
                wiped += 1
        offset += len(chunk)
    if wiped:
        os.fsync(file)
    return wiped


def _middle(chunk: bytes, page: int, *, first: bool) -> tuple[int, int]:
    """Where the unused middle of a page begins and ends in the chunk; nothing for a page that is no b-tree page."""
    header = page + (100 if first else 0)
    kind = chunk[header]
    if kind not in _INTERIOR and kind not in _LEAF:
        return 0, 0
    rows, content = struct.unpack_from(">HH", chunk, header + 3)
    pointers = header + (12 if kind in _INTERIOR else 8)
    return pointers + 2 * rows, page + (content or 65536)
