"""What neighbours do together: sign-ups, wishes, deliberation, supplies; and what the bot asked them meanwhile."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, index, metadata

# An open question about an item that is no ticket (those stand in `dialogs`): `item` as people write it, H12.
# `data` is a JSON object of the step's own.
questions = sa.Table(
    "questions",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "step", "item"),
)
index("questions_item", questions.c.item)
index("questions_expiry", questions.c.expires_at)
