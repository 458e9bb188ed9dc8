"""Open questions to people: rows, never coroutines."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from storage.engine import Tx, insert
from storage.model import Dialog
from storage.tables.tickets import dialogs

_DIALOG = sa.select(
    dialogs.c.person_id, dialogs.c.step, dialogs.c.ticket, dialogs.c.room_id, dialogs.c.asked_at, dialogs.c.expires_at
)


async def ask(tx: Tx, dialog: Dialog) -> None:
    """Open a question. Replaces this person's older question of the same step and ticket."""
    latest = {"room_id": dialog.room_id, "asked_at": dialog.asked_at, "expires_at": dialog.expires_at}
    statement = insert(tx, dialogs).values(person_id=dialog.person_id, step=dialog.step, ticket=dialog.ticket, **latest)
    await tx.execute(statement.on_conflict_do_update(index_elements=["person_id", "step", "ticket"], set_=latest))


async def open_for(tx: Tx, person_id: int, step: str, now: datetime) -> list[Dialog]:
    """The person's questions of this step that have not expired, newest first."""
    query = _DIALOG.where(
        dialogs.c.person_id == person_id, dialogs.c.step == step, dialogs.c.expires_at > now
    ).order_by(dialogs.c.asked_at.desc(), dialogs.c.ticket.desc())
    return [Dialog(*row) for row in await tx.execute(query)]


async def close(tx: Tx, person_id: int, step: str, ticket: int) -> None:
    """The question is answered."""
    await tx.execute(
        sa.delete(dialogs).where(dialogs.c.person_id == person_id, dialogs.c.step == step, dialogs.c.ticket == ticket)
    )


async def close_ticket(tx: Tx, ticket: int) -> None:
    """Nobody is asked about this ticket any more."""
    await tx.execute(sa.delete(dialogs).where(dialogs.c.ticket == ticket))


async def purge(tx: Tx, before: datetime) -> int:
    """Forget questions that expired before then; how many."""
    return (await tx.execute(sa.delete(dialogs).where(dialogs.c.expires_at < before))).rowcount
