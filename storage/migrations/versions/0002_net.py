"""The net: what the registry, the whole life of a ticket, its clocks and its figures need.

Revision ID: 0002
"""
# ruff: noqa: E501

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# As in 0001.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _registry()
    _life_of_a_ticket()
    _clocks()


def _clocks() -> None:
    """Due work, the jobs that have fired, and 急时."""
    op.add_column("tickets", sa.Column("acknowledged_at", INSTANT))
    # What was answered before this was counted: by the first step that is still known.
    op.execute("UPDATE tickets SET acknowledged_at = coalesce(assigned_at, accepted_at, handled_at)")
    op.create_index(
        "tickets_handled",
        "tickets",
        ["state", "handled_at"],
        sqlite_where=sa.text("handled_at IS NOT NULL"),
        postgresql_where=sa.text("handled_at IS NOT NULL"),
    )
    op.create_table(
        "clocks",
        sa.Column("ticket", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT),
        sa.CheckConstraint(
            "kind IN ('ack', 'take', 'agreed', 'feedback', 'verify', 'close')", name=op.f("clocks_kind_check")
        ),
        sa.CheckConstraint("stage BETWEEN 0 AND 3", name=op.f("clocks_stage_check")),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="clocks_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket", "kind", name="clocks_pkey"),
    )
    op.create_index(
        "clocks_next",
        "clocks",
        ["next_at"],
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "job_runs",
        sa.Column("job", TEXT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("fired_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("job", "due_at", name="job_runs_pkey"),
    )
    op.create_table(
        "modes",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("person_id", ID),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("modes_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="modes_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="modes_pkey"),
    )
    op.create_index(
        "modes_in_force",
        "modes",
        ["scope"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _life_of_a_ticket() -> None:
    op.add_column("tickets", sa.Column("first_role", TEXT))
    op.add_column("tickets", sa.Column("first_id", ID))
    op.add_column("tickets", sa.Column("clock_from", INSTANT))
    op.add_column("tickets", sa.Column("listed", TEXT))
    op.add_column("tickets", sa.Column("proactive", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("tickets", sa.Column("founded", sa.Boolean()))
    op.add_column("tickets", sa.Column("out_of_remit", sa.Boolean()))
    op.add_column("tickets", sa.Column("contacted", sa.Boolean()))
    op.add_column("tickets", sa.Column("solved", sa.Boolean()))
    op.add_column("tickets", sa.Column("unsolved_reason", TEXT))
    op.add_column("tickets", sa.Column("public_answer", TEXT))
    op.add_column("reporters", sa.Column("from_ticket", ID))
    op.create_table(
        "ticket_notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("person_id", ID),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("level", TEXT),
        sa.Column("text", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="ticket_notes_person_id_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="ticket_notes_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="ticket_notes_pkey"),
    )
    op.create_index("ticket_notes_ticket", "ticket_notes", ["ticket", "id"])
    op.create_table(
        "merges",
        sa.Column("ticket", ID, autoincrement=False, nullable=False),
        sa.Column("target", ID, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("grid", TEXT),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["target"], ["tickets.number"], name="merges_target_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="merges_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket", name="merges_pkey"),
    )
    op.create_index("merges_target", "merges", ["target"])
    op.create_table(
        "tasks",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("matter", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("due", INSTANT),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("tasks_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="tasks_person_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="tasks_pkey"),
    )
    op.create_table(
        "task_grids",
        sa.Column("task", ID, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("person_id", ID),
        sa.Column("result", TEXT, nullable=False),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("task_grids_grid_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="task_grids_person_id_fkey"),
        sa.ForeignKeyConstraint(["task"], ["tasks.number"], name="task_grids_task_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task", "grid", name="task_grids_pkey"),
    )
    op.create_index("task_grids_grid", "task_grids", ["grid"])
    op.create_table(
        "faq",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("question", TEXT, nullable=False),
        sa.Column("answer", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("faq_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="faq_person_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="faq_pkey"),
    )
    op.create_index(
        "faq_scope",
        "faq",
        ["scope"],
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "faq_answers",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("entry", ID, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("faq_answers_grid_check")),
        sa.ForeignKeyConstraint(["entry"], ["faq.number"], name="faq_answers_entry_fkey"),
        sa.PrimaryKeyConstraint("day", "grid", "entry", name="faq_answers_pkey"),
    )
    op.create_table(
        "calls",
        sa.Column("ticket", ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("called", sa.Integer(), nullable=False),
        sa.Column("accepted_by", ID),
        sa.Column("accepted_at", INSTANT),
        sa.CheckConstraint("(accepted_by IS NULL) = (accepted_at IS NULL)", name=op.f("calls_accepted_check")),
        sa.ForeignKeyConstraint(["accepted_by"], ["people.id"], name="calls_accepted_by_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="calls_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket", name="calls_pkey"),
    )
    op.create_table(
        "list_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("listing", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("list_items_grid_check")),
        sa.CheckConstraint("listing IN ('demand', 'resource', 'project')", name=op.f("list_items_listing_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="list_items_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="list_items_pkey"),
    )
    op.create_index("list_items_grid", "list_items", ["grid"])


def _registry() -> None:
    """Grids that change, where people and rooms come from, who owns what and who is on duty."""
    op.add_column("grids", sa.Column("retired_at", INSTANT))
    op.add_column("grids", sa.Column("origin", TEXT))
    op.create_table(
        "grid_moves",
        sa.Column("old", TEXT, nullable=False),
        sa.Column("new", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("old <> new", name=op.f("grid_moves_other_check")),
        sa.PrimaryKeyConstraint("old", "new", name="grid_moves_pkey"),
    )
    op.create_index("grid_moves_new", "grid_moves", ["new"])

    op.add_column("rooms", sa.Column("became", ID))
    op.add_column("rooms", sa.Column("origin", TEXT))
    # From now on one account answers a room; where two did, the one that knew it first goes on.
    op.execute(
        "UPDATE rooms SET state = 'dormant' WHERE state = 'enabled' AND EXISTS (SELECT 1 FROM rooms AS first"
        " WHERE first.im_id = rooms.im_id AND first.state = 'enabled' AND first.id < rooms.id)"
    )
    op.create_index("rooms_topic", "rooms", ["topic"])
    op.create_index(
        "rooms_answering",
        "rooms",
        ["im_id"],
        unique=True,
        sqlite_where=sa.text("state = 'enabled'"),
        postgresql_where=sa.text("state = 'enabled'"),
    )

    op.add_column("bind_codes", sa.Column("only", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("people", sa.Column("ref", TEXT))
    op.add_column("people", sa.Column("org", TEXT))
    op.add_column("people", sa.Column("phone", sa.LargeBinary()))
    op.create_index("people_ref", "people", ["ref"], unique=True)

    # The key gets another column, which SQLite cannot do in place; nothing refers to this table.
    old = sa.table("grants", sa.column("person_id"), sa.column("role"), sa.column("scope"))
    kept = [row._asdict() for row in op.get_bind().execute(sa.select(old))]
    op.drop_table("grants")
    grants = op.create_table(
        "grants",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.CheckConstraint(
            "role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')",
            name=op.f("grants_role_check"),
        ),
        sa.CheckConstraint("origin IN ('config', 'import')", name=op.f("grants_origin_check")),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("grants_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="grants_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "role", "scope", "origin", name="grants_pkey"),
    )
    op.bulk_insert(grants, [{**row, "origin": "config"} for row in kept])
    op.create_index("grants_scope", "grants", ["scope"])

    op.create_table(
        "duty",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("start_at", INSTANT, nullable=False),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('emergency', 'mode', 'call')", name=op.f("duty_kind_check")),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("duty_scope_check")),
        sa.CheckConstraint("end_at > start_at", name=op.f("duty_order_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="duty_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "kind", "scope", "start_at", name="duty_pkey"),
    )
    op.create_index("duty_scope", "duty", ["scope", "end_at"])
    op.create_table(
        "owners",
        sa.Column("category", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("org", TEXT),
        sa.Column("person_id", ID),
        sa.CheckConstraint(
            "role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')",
            name=op.f("owners_role_check"),
        ),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("owners_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="owners_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("category", "scope", name="owners_pkey"),
    )


def downgrade() -> None:
    raise NotImplementedError("a database does not go back: restore the backup taken before the update")
