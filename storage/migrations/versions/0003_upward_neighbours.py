"""What the sync to the platforms above keeps; and sign-ups, wishes, deliberation, supplies.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As in 0001.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _questions()


def _questions() -> None:
    """What a person was asked about an item that is no ticket."""
    op.create_table(
        "questions",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("data", TEXT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="questions_person_id_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="questions_room_id_fkey"),
        sa.PrimaryKeyConstraint("person_id", "step", "item", name="questions_pkey"),
    )
    op.create_index("questions_item", "questions", ["item"])
    op.create_index("questions_expiry", "questions", ["expires_at"])
