"""The picture or file of a notice: kept while the notice may still need it, then only what it was called.

A line in the outbox that carries it has the number of the notice in `file`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert, purged
from storage.tables.voice import notice_files, notices

LARGEST = 10 * 2**20  # bytes
HEIC = "image/heic"


@dataclass(frozen=True, slots=True)
class File:
    """`name` has the ending by which a gateway tells a picture from a file."""

    name: str
    mime: str
    data: bytes

    @property
    def is_picture(self) -> bool:
        return self.mime.startswith("image/")


@dataclass(frozen=True, slots=True)
class Attached:
    """What is known of a notice's file without its content. `size` is in bytes, 0 while it is still being fetched;
    `kept`: its content is there."""

    notice: int
    name: str
    mime: str
    size: int
    kept: bool

    @property
    def is_picture(self) -> bool:
        return self.mime.startswith("image/")


async def expect(tx: Tx, notice: int, account: str, message_id: str, *, mime: str) -> None:
    """What this message shows is to be the notice's file, in place of any other; it is being fetched."""
    awaited: dict[str, str | int | bytes | None] = {
        "name": "",
        "mime": mime,
        "size": 0,
        "data": None,
        "account": account,
        "message_id": message_id,
    }
    await _put(tx, notice, awaited)


async def put(tx: Tx, notice: int, file: File) -> None:
    """It is this one, in place of any other; by which message it came stays known."""
    await _put(tx, notice, {"name": file.name, "mime": file.mime, "size": len(file.data), "data": file.data})


async def _put(tx: Tx, notice: int, values: dict[str, str | int | bytes | None]) -> None:
    statement = insert(tx, notice_files).values(notice=notice, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["notice"], set_=values))


async def drop(tx: Tx, notice: int) -> None:
    """The notice has none."""
    await tx.execute(sa.delete(notice_files).where(notice_files.c.notice == notice))
    purged(tx)


async def of(tx: Tx, notice: int) -> Attached | None:
    """The notice's file; None where it has none."""
    columns = (notice_files.c.notice, notice_files.c.name, notice_files.c.mime, notice_files.c.size)
    query = sa.select(*columns, notice_files.c.data.is_not(None)).where(notice_files.c.notice == notice)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else Attached(*row)


async def load(tx: Tx, notice: int) -> File | None:
    """The notice's file with its content; None where it has none (any more)."""
    columns = (notice_files.c.name, notice_files.c.mime, notice_files.c.data)
    query = sa.select(*columns).where(notice_files.c.notice == notice, notice_files.c.data.is_not(None))
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else File(*row)


async def shown_by(tx: Tx, account: str, message_id: str) -> list[int]:
    """The notices whose file came by this message."""
    query = sa.select(notice_files.c.notice).where(
        notice_files.c.account == account, notice_files.c.message_id == message_id
    )
    return list(await tx.scalars(query.order_by(notice_files.c.notice)))


async def purge(tx: Tx, before: datetime) -> int:
    """Delete the content of the files whose notice ended before then, and by which message they came; how many."""
    over = sa.select(notices.c.number).where(notices.c.ended_at < before)
    kept = sa.or_(notice_files.c.data.is_not(None), notice_files.c.message_id.is_not(None))
    statement = sa.update(notice_files).where(kept, notice_files.c.notice.in_(over))
    gone = (await tx.execute(statement.values(data=None, account=None, message_id=None))).rowcount
    if gone:
        purged(tx)
    return gone
