"""The audit chain: each entry carries the SHA-256 of the one before, over canonical JSON.

The hash covers every column of the entry. A second row keeps the chain's length and last hash, so that a cut-off
tail is noticed too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.columns import microseconds
from storage.engine import Tx, insert_for
from storage.model import AuditEntry
from storage.tables.records import audit, audit_head

GENESIS = "0" * 64  # what the first entry names as the one before

_PAGE = 2000  # rows in memory while verifying
_FIELDS = ("at", "action", "actor", "right", "ticket", "before", "after", "account", "message_id", "detail")
_HEAD = sa.select(audit_head.c.count, audit_head.c.hash)
_APPEND = sa.insert(audit)
_ROW = sa.select(audit.c.seq, *(audit.c[name] for name in _FIELDS), audit.c.prev, audit.c.hash)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken_at` is the number of the first entry that was changed, removed or put in between; `reason` says which."""

    count: int
    ok: bool
    broken_at: int | None = None
    reason: str = ""


def digest(content: dict[str, Any]) -> str:
    """SHA-256 over the canonical JSON (sorted keys, no spaces) of an entry: its columns, `seq` and `prev`, `at` in
    microseconds since 1970."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _hash(seq: int, prev: str, fields: dict[str, Any]) -> str:
    return digest({**fields, "at": microseconds(fields["at"]), "seq": seq, "prev": prev})


async def _head(tx: Tx) -> tuple[int, str]:
    for length, last in await tx.execute(_HEAD):
        return length, last
    return 0, GENESIS


@cache
def _put_head(dialect: str) -> sa.Insert:
    statement = insert_for(dialect, audit_head)
    latest = {"count": statement.excluded.count, "hash": statement.excluded.hash}
    return statement.on_conflict_do_update(index_elements=["id"], set_=latest)


async def append(tx: Tx, entry: AuditEntry) -> None:
    """Add an entry at the end of the chain."""
    count, prev = await _head(tx)
    fields: dict[str, Any] = {name: getattr(entry, name) for name in _FIELDS}
    fields["detail"] = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    own = _hash(count + 1, prev, fields)
    await tx.execute(_APPEND, {**fields, "seq": count + 1, "prev": prev, "hash": own})
    await tx.execute(_put_head(tx.dialect.name), {"id": 1, "count": count + 1, "hash": own})


async def verify(tx: Tx) -> Verdict:
    """Walk the whole chain. What somebody with write access and this code could forge is a wholly new chain: keep
    the count and the last hash elsewhere (a backup does) to notice that too."""
    count, last = await _head(tx)
    seq, prev = 0, GENESIS
    before_prev: str | None = None
    while True:
        page = (await tx.execute(_ROW.where(audit.c.seq > seq).order_by(audit.c.seq).limit(_PAGE))).all()
        if not page:
            break
        for row in page:
            expected = seq + 1
            fields = {name: getattr(row, name) for name in _FIELDS}
            if row.seq != expected:
                return Verdict(seq, False, expected, f"entry {expected} was removed")
            whole = row.hash == _hash(row.seq, row.prev, fields)
            if row.prev != prev:
                return await _break(tx, row, fields, whole=whole)
            if not whole:
                return Verdict(seq, False, expected, f"entry {expected} was changed")
            seq, before_prev, prev = expected, prev, row.hash
    if seq < count:
        return Verdict(seq, False, seq + 1, f"entry {seq + 1} was removed from the end ({count - seq} are missing)")
    if seq > count:
        return Verdict(seq, False, count + 1, f"entry {count + 1} was put in at the end")
    if prev != last:
        return Verdict(seq, False, seq, f"entry {seq} was changed" if before_prev else "the head was changed")
    return Verdict(seq, True)


async def _break(tx: Tx, row: Any, fields: dict[str, Any], *, whole: bool) -> Verdict:  # noqa: ANN401
    """`row` follows the right entry by number, but names another one as the one before: what happened?"""
    seq: int = row.seq
    if whole and seq > 1:
        # This entry is as it was written, so the one before it is not, and was given a fitting hash.
        return Verdict(seq, False, seq - 1, f"entry {seq - 1} was changed")
    named = await tx.scalar(sa.select(audit.c.seq).where(audit.c.hash == row.prev, audit.c.seq < seq))
    named = 0 if row.prev == GENESIS else named
    if named is not None and seq - named > 1:
        return Verdict(seq - 1, False, named + 1, f"entry {named + 1} was put in between")
    removed = any(row.hash == _hash(seq + gap, row.prev, fields) for gap in range(1, 1000))
    if removed:
        return Verdict(seq - 1, False, seq, f"entry {seq} was removed and the later ones renumbered")
    return Verdict(seq - 1, False, seq, f"entry {seq} was changed or put in between")


async def count(tx: Tx, action: str) -> int:
    """How often an action is in the chain, e.g. "denied"."""
    return await tx.scalar(sa.select(sa.func.count()).select_from(audit).where(audit.c.action == action)) or 0


async def of_ticket(tx: Tx, number: int) -> list[AuditEntry]:
    """What happened to a ticket, oldest first."""
    query = sa.select(*(audit.c[name] for name in _FIELDS)).where(audit.c.ticket == number).order_by(audit.c.seq)
    return [AuditEntry(**{**row._asdict(), "detail": json.loads(row.detail)}) for row in await tx.execute(query)]
