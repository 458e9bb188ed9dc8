"""The first schema.

Revision ID: 0001
"""
# ruff: noqa: E501

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# op.f: the name is whole; the tables' naming convention must not be applied to it once more.
# Written out here and not imported: a revision stays what it was when the tables move on.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
# Ordered and compared by code point, as SQLite does, whatever the database's own collation is: prefixes of grid codes
# are sought as ranges.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("actor", ID),
        sa.Column("right", TEXT),
        sa.Column("ticket", ID),
        sa.Column("before", TEXT),
        sa.Column("after", TEXT),
        sa.Column("account", TEXT),
        sa.Column("message_id", TEXT),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("prev", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="audit_pkey"),
    )
    op.create_index("audit_action", "audit", ["action"])
    op.create_index(
        "audit_ticket",
        "audit",
        ["ticket"],
        sqlite_where=sa.text("ticket IS NOT NULL"),
        postgresql_where=sa.text("ticket IS NOT NULL"),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("audit_head_single_check")),
        sa.PrimaryKeyConstraint("id", name="audit_head_pkey"),
    )
    op.create_table(
        "bind_failures",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("im_id", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="bind_failures_pkey"),
    )
    op.create_index("bind_failures_who", "bind_failures", ["account", "im_id", "at"])
    op.create_table(
        "changes",
        sa.Column("seq", ID, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="changes_pkey"),
        sa.UniqueConstraint("ticket", "version", name="changes_ticket_version_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counters",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "room_id", "reason", name="counters_pkey"),
    )
    op.create_table(
        "gaps",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("start_at", INSTANT, nullable=False),
        sa.Column("end_at", INSTANT, nullable=False),
        sa.CheckConstraint("end_at >= start_at", name=op.f("gaps_order_check")),
        sa.PrimaryKeyConstraint("account", "start_at", name="gaps_pkey"),
    )
    op.create_table(
        "grids",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.CheckConstraint("length(code) <= 18", name=op.f("grids_code_check")),
        sa.PrimaryKeyConstraint("code", name="grids_pkey"),
    )
    op.create_table(
        "inbox",
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("arrived_at", INSTANT, nullable=False),
        sa.Column("reason", TEXT),
        sa.Column("done_at", INSTANT),
        sa.CheckConstraint("(reason IS NULL) = (done_at IS NULL)", name=op.f("inbox_done_check")),
        sa.PrimaryKeyConstraint("bucket", "account", "message_id", name="inbox_pkey"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="meta_pkey"),
    )
    op.create_table(
        "negatives",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("rules", TEXT, nullable=False),
        sa.Column("terms", TEXT, nullable=False),
        sa.Column("lexicon", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="negatives_pkey"),
    )
    op.create_table(
        "people",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("opted_out_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="people_pkey"),
    )
    op.create_index(
        "people_opted_out",
        "people",
        ["id"],
        sqlite_where=sa.text("opted_out_at IS NOT NULL"),
        postgresql_where=sa.text("opted_out_at IS NOT NULL"),
    )
    op.create_table(
        "rooms",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("im_id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("grid", TEXT),
        sa.Column("silent_until", INSTANT),
        sa.Column("noticed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('resident', 'leader')", name=op.f("rooms_kind_check")),
        sa.CheckConstraint("state IN ('dormant', 'enabled', 'gone')", name=op.f("rooms_state_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("rooms_grid_check")),
        sa.PrimaryKeyConstraint("id", name="rooms_pkey"),
        sa.UniqueConstraint("account", "im_id", name="rooms_account_im_id_key"),
    )
    op.create_index("rooms_grid", "rooms", ["grid"])
    op.create_table(
        "sequences",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="sequences_pkey"),
    )
    op.create_table(
        "unfetchable",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("arrived_at", INSTANT, nullable=False),
        sa.Column("given_up_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("account", "message_id", name="unfetchable_pkey"),
    )
    op.create_table(
        "aliases",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("im_id", TEXT, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("friend", sa.Boolean(), nullable=False),
        sa.Column("nick", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="aliases_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account", "im_id", name="aliases_pkey"),
    )
    op.create_index("aliases_person", "aliases", ["person_id"])
    op.create_table(
        "bind_codes",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="bind_codes_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name="bind_codes_pkey"),
        sa.UniqueConstraint("digest", name="bind_codes_digest_key"),
    )
    op.create_table(
        "grants",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.CheckConstraint(
            "role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')",
            name=op.f("grants_role_check"),
        ),
        sa.CheckConstraint("length(scope) <= 18", name=op.f("grants_scope_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="grants_person_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "role", "scope", name="grants_pkey"),
    )
    op.create_index("grants_scope", "grants", ["scope"])
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("conversation", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("lane", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("not_before", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("room_id", ID),
        sa.Column("mentions", TEXT, nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("ticket", ID),
        sa.Column("sending_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("message_id", TEXT),
        sa.Column("error", TEXT),
        sa.CheckConstraint("lane IN ('emergency', 'reply', 'notice')", name=op.f("outbox_lane_check")),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'dropped')", name=op.f("outbox_state_check")
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="outbox_room_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="outbox_pkey"),
        sa.UniqueConstraint("key", name="outbox_key_key"),
    )
    op.create_index(
        "outbox_counted",
        "outbox",
        ["room_id", "not_before"],
        sqlite_where=sa.text("counted"),
        postgresql_where=sa.text("counted"),
    )
    op.create_index(
        "outbox_left",
        "outbox",
        ["account", "sending_at"],
        sqlite_where=sa.text("sending_at IS NOT NULL"),
        postgresql_where=sa.text("sending_at IS NOT NULL"),
    )
    op.create_index(
        "outbox_queued",
        "outbox",
        ["account", "not_before"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "outbox_ticket",
        "outbox",
        ["ticket"],
        sqlite_where=sa.text("ticket IS NOT NULL"),
        postgresql_where=sa.text("ticket IS NOT NULL"),
    )
    op.create_index(
        "outbox_unsettled",
        "outbox",
        ["account", "conversation"],
        sqlite_where=sa.text("state IN ('sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('sending', 'unknown')"),
    )
    op.create_index(
        "outbox_worded",
        "outbox",
        ["created_at"],
        sqlite_where=sa.text("text <> ''"),
        postgresql_where=sa.text("text <> ''"),
    )
    op.create_table(
        "tickets",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("category", TEXT, nullable=False),
        sa.Column("urgency", TEXT, nullable=False),
        sa.Column("nature", TEXT, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("grid", TEXT),
        sa.Column("room_id", ID),
        sa.Column("building", TEXT),
        sa.Column("unit", TEXT),
        sa.Column("floor", TEXT),
        sa.Column("room", TEXT),
        sa.Column("place", TEXT),
        sa.Column("located_by", TEXT),
        sa.Column("confidential", sa.Boolean(), nullable=False),
        sa.Column("reported_at", INSTANT, nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reporters", sa.Integer(), nullable=False),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("merged_into", ID),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("owner_role", TEXT),
        sa.Column("owner_id", ID),
        sa.Column("ack_due", INSTANT),
        sa.Column("due", INSTANT),
        sa.Column("assigned_at", INSTANT),
        sa.Column("accepted_at", INSTANT),
        sa.Column("handled_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("estimate", TEXT),
        sa.Column("result", TEXT),
        sa.Column("outcome", TEXT),
        sa.Column("rating", sa.Integer()),
        sa.Column("remark", TEXT),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("rules", TEXT, nullable=False),
        sa.Column("terms", TEXT, nullable=False),
        sa.Column("lexicon", TEXT, nullable=False),
        sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name=op.f("tickets_merged_check")),
        sa.CheckConstraint("level IN ('grid', 'community', 'street', 'department')", name=op.f("tickets_level_check")),
        sa.CheckConstraint(
            "nature IN ('inquiry', 'help', 'complaint', 'report', 'suggestion', 'praise')",
            name=op.f("tickets_nature_check"),
        ),
        sa.CheckConstraint("outcome IN ('solved', 'unsolved', 'unreached')", name=op.f("tickets_outcome_check")),
        sa.CheckConstraint(
            "owner_role IN ('resident', 'building_leader', 'micro_leader', 'grid_worker', 'community', 'property', 'police', 'enforcement', 'street', 'department', 'party_member', 'volunteer', 'mobile_worker')",
            name=op.f("tickets_owner_role_check"),
        ),
        sa.CheckConstraint(
            "state IN ('candidate', 'filed', 'assigned', 'accepted', 'in_progress', 'handled', 'callback', 'closed', 'refused', 'withdrawn', 'merged')",
            name=op.f("tickets_state_check"),
        ),
        sa.CheckConstraint("urgency IN ('emergency', 'routine', 'enforcement')", name=op.f("tickets_urgency_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("tickets_grid_check")),
        sa.CheckConstraint(
            "number > 0 AND version > 0 AND reporters > 0 AND reopened >= 0", name=op.f("tickets_counts_check")
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("tickets_rating_check")),
        sa.ForeignKeyConstraint(["merged_into"], ["tickets.number"], name="tickets_merged_into_fkey"),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name="tickets_owner_id_fkey"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="tickets_room_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="tickets_pkey"),
    )
    op.create_index("tickets_grid", "tickets", ["grid", "reported_at"])
    op.create_index("tickets_state", "tickets", ["state", "filed_at"])
    op.create_table(
        "dialogs",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="dialogs_person_id_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="dialogs_room_id_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="dialogs_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "step", "ticket", name="dialogs_pkey"),
    )
    op.create_index("dialogs_expiry", "dialogs", ["expires_at"])
    op.create_index("dialogs_ticket", "dialogs", ["ticket"])
    op.create_table(
        "reporters",
        sa.Column("ticket", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("nick", TEXT, nullable=False),
        sa.Column("contact", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="reporters_person_id_fkey"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="reporters_room_id_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="reporters_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket", "person_id", name="reporters_pkey"),
    )
    op.create_index("reporters_person", "reporters", ["person_id"])
    op.create_table(
        "ticket_messages",
        sa.Column("ticket", ID, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="ticket_messages_person_id_fkey"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="ticket_messages_room_id_fkey"),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="ticket_messages_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("ticket", "account", "message_id", name="ticket_messages_pkey"),
    )
    op.create_index("ticket_messages_message", "ticket_messages", ["account", "message_id"])
    op.create_index("ticket_messages_person", "ticket_messages", ["person_id", "sent_at"])
    op.create_index("ticket_messages_room", "ticket_messages", ["room_id", "sent_at"])


def downgrade() -> None:
    op.drop_table("ticket_messages")
    op.drop_table("reporters")
    op.drop_table("dialogs")
    op.drop_table("tickets")
    op.drop_table("outbox")
    op.drop_table("grants")
    op.drop_table("bind_codes")
    op.drop_table("aliases")
    op.drop_table("unfetchable")
    op.drop_table("sequences")
    op.drop_table("rooms")
    op.drop_table("people")
    op.drop_table("negatives")
    op.drop_table("meta")
    op.drop_table("inbox")
    op.drop_table("grids")
    op.drop_table("gaps")
    op.drop_table("counters")
    op.drop_table("changes")
    op.drop_table("bind_failures")
    op.drop_table("audit_head")
    op.drop_table("audit")
