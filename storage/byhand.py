"""What a person decides about a line that perhaps never arrived. Each decision is audited in the same transaction."""
# ruff: noqa: A002 (the argument is called what the field is called)

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage import audit
from storage import outbox as lines
from storage.engine import Tx, purged
from storage.model import AuditEntry, Outgoing, SendState
from storage.tables.wire import outbox


class Decision(StrEnum):
    SENT = "sent"  # it did go out
    NOT_SENT = "not_sent"
    RETRY = "retry"  # send it (again), whatever became of it
    DROP = "drop"


ALLOWED: dict[Decision, frozenset[SendState]] = {
    Decision.SENT: frozenset({SendState.UNKNOWN}),
    Decision.NOT_SENT: frozenset({SendState.UNKNOWN}),
    Decision.RETRY: frozenset({SendState.UNKNOWN, SendState.FAILED}),
    Decision.DROP: frozenset({SendState.UNKNOWN, SendState.FAILED, SendState.QUEUED}),
}


async def decide(tx: Tx, id: int, decision: Decision, at: datetime) -> tuple[Outgoing | None, bool]:
    """Do what was decided. Returns the line as it was (None: there is none) and whether it was done: it is not where
    the line is in another state by now, nor is a line sent again whose words are gone (48 h)."""
    line = await lines.get(tx, id)
    if line is None or (decision is Decision.RETRY and not line.text):
        return line, False
    values = _values(decision, at)
    where = (outbox.c.id == id, outbox.c.state.in_(ALLOWED[decision]))
    if (await tx.execute(sa.update(outbox).where(*where).values(values))).rowcount != 1:
        return line, False
    if decision is Decision.DROP:
        purged(tx)
    if decision is Decision.RETRY:
        await lines.keep_try(tx, line)
    entry = AuditEntry(
        at=at,
        action=f"line.{decision}",
        right="operator",
        ticket=line.ticket,
        before=line.state,
        after=values["state"],
        account=line.account,
        detail={"line": id},
    )
    await audit.append(tx, entry)
    return line, True


def _values(decision: Decision, at: datetime) -> dict[str, Any]:
    if decision is Decision.SENT:
        return {"state": SendState.SENT, "sent_at": sa.func.coalesce(outbox.c.sent_at, outbox.c.sending_at)}
    if decision is Decision.NOT_SENT:
        return {"state": SendState.FAILED}
    if decision is Decision.RETRY:
        # `sending_at` goes: this is a new attempt.
        again = {"sending_at": None, "attempts": 0, "error": None, **lines.at_home()}
        return {"state": SendState.QUEUED, "not_before": at, **again}
    return {"state": SendState.DROPPED, "text": "", "mentions": ()}
