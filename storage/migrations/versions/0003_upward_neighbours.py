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
    _signups()


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


def _signups() -> None:
    """Activities, their time windows, who comes, and what was said of it."""
    op.create_table(
        "signups",
        sa.Column("number", ID, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("starts", INSTANT),
        sa.Column("ends", INSTANT),
        sa.Column("capacity", sa.Integer),
        sa.Column("deadline", INSTANT),
        sa.Column("room_id", ID),
        sa.Column("grid", TEXT),
        sa.Column("organiser_id", ID),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("heading", TEXT, nullable=False),
        sa.Column("asks_phone", sa.Boolean, nullable=False),
        sa.Column("brings_card", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="signups_room_id_fkey"),
        sa.ForeignKeyConstraint(["organiser_id"], ["people.id"], name="signups_organiser_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="signups_pkey"),
        sa.CheckConstraint("state IN ('open', 'closed', 'cancelled')", name=op.f("signups_state_check")),
        sa.CheckConstraint("origin IN ('command', 'chain')", name=op.f("signups_origin_check")),
        sa.CheckConstraint("number > 0 AND capacity > 0 AND stage >= 0", name=op.f("signups_counts_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("signups_grid_check")),
    )
    op.create_index("signups_room", "signups", ["room_id", "state"])
    op.create_index("signups_organiser", "signups", ["organiser_id"])
    due = sa.text("next_at IS NOT NULL")
    op.create_index("signups_next", "signups", ["next_at"], sqlite_where=due, postgresql_where=due)
    op.create_table(
        "signup_slots",
        sa.Column("signup", ID, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("starts", INSTANT, nullable=False),
        sa.Column("ends", INSTANT),
        sa.Column("capacity", sa.Integer),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="signup_slots_signup_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("signup", "slot", name="signup_slots_pkey"),
        sa.CheckConstraint("slot > 0 AND capacity > 0", name=op.f("signup_slots_counts_check")),
    )
    op.create_table(
        "signup_entries",
        sa.Column("signup", ID, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("person_id", ID),
        sa.Column("by_id", ID),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("building", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.Column("heads", sa.Integer, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("slot", sa.Integer),
        sa.Column("attended_at", INSTANT),
        sa.Column("phone", sa.LargeBinary),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="signup_entries_signup_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="signup_entries_person_id_fkey"),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name="signup_entries_by_id_fkey"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="signup_entries_room_id_fkey"),
        sa.PrimaryKeyConstraint("signup", "seq", name="signup_entries_pkey"),
        sa.CheckConstraint("source IN ('command', 'chain')", name=op.f("signup_entries_source_check")),
        sa.CheckConstraint("state IN ('confirmed', 'waiting', 'cancelled')", name=op.f("signup_entries_state_check")),
        sa.CheckConstraint("heads > 0 AND wanted > 0", name=op.f("signup_entries_heads_check")),
    )
    known = sa.text("person_id IS NOT NULL")
    op.create_index(
        "signup_entries_person",
        "signup_entries",
        ["signup", "person_id"],
        unique=True,
        sqlite_where=known,
        postgresql_where=known,
    )
    op.create_index("signup_entries_of", "signup_entries", ["person_id"])
    op.create_index("signup_entries_by", "signup_entries", ["by_id"])
    op.create_table(
        "signup_steps",
        sa.Column("id", ID, nullable=False),
        sa.Column("signup", ID, nullable=False),
        sa.Column("seq", sa.Integer),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("heads", sa.Integer),
        sa.Column("slot", sa.Integer),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="signup_steps_signup_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="signup_steps_pkey"),
    )
    op.create_index("signup_steps_signup", "signup_steps", ["signup"])
