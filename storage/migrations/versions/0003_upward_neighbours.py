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
    _upward()
    _answers()
    _questions()
    _deliberation()
    _supplies()
    _signups()
    _chains()
    _wishes()
    _voice()
    _alerts()
    _worklog()


def _upward() -> None:
    """What each platform above has of each ticket, and which tickets have lost their words."""
    op.add_column("tickets", sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()))
    # Until now only erasing its only reporter left a ticket that somebody had reported without one.
    op.execute(
        "UPDATE tickets SET erased = true WHERE NOT proactive AND state <> 'candidate'"
        " AND NOT EXISTS (SELECT 1 FROM reporters WHERE reporters.ticket = tickets.number)"
    )
    op.create_table(
        "upstreams",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", INSTANT),
        sa.Column("code", TEXT),
        sa.Column("message", TEXT),
        sa.Column("failed_at", INSTANT),
        sa.Column("succeeded_at", INSTANT),
        sa.PrimaryKeyConstraint("name", name="upstreams_pkey"),
    )
    op.create_table(
        "deliveries",
        sa.Column("upstream", TEXT, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("tried", sa.Integer()),
        sa.Column("sent", sa.Integer()),
        sa.Column("sent_at", INSTANT),
        sa.Column("hash", TEXT),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("ref", TEXT),
        sa.Column("code", TEXT),
        sa.Column("message", TEXT),
        sa.CheckConstraint("state IN ('pending', 'sending', 'sent', 'parked')", name=op.f("deliveries_state_check")),
        sa.CheckConstraint(
            "(state IN ('pending', 'sending')) = (next_at IS NOT NULL)", name=op.f("deliveries_next_check")
        ),
        sa.CheckConstraint(
            "(sent IS NULL) = (hash IS NULL) AND (sent IS NULL) = (sent_at IS NULL)", name=op.f("deliveries_sent_check")
        ),
        sa.PrimaryKeyConstraint("upstream", "ticket", name="deliveries_pkey"),
        sqlite_with_rowid=False,
    )
    for name, columns, where in (
        ("deliveries_waiting", ["upstream", "next_at", "ticket"], sa.text("state IN ('pending', 'sending')")),
        ("deliveries_parked", ["upstream", "ticket"], sa.text("state = 'parked'")),
    ):
        op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)


def _answers() -> None:
    """What the platforms above answer."""
    op.create_table(
        "answers",
        sa.Column("upstream", TEXT, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.Column("held", TEXT),
        sa.Column("here", TEXT),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="answers_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("upstream", "ticket", name="answers_pkey"),
        sa.CheckConstraint("(held IS NULL) = (here IS NULL)", name=op.f("answers_held_check")),
    )
    held = sa.text("held IS NOT NULL")
    op.create_index("answers_held", "answers", ["ticket"], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "answer_cursors",
        sa.Column("upstream", TEXT, nullable=False),
        sa.Column("cursor", TEXT, nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("upstream", name="answer_cursors_pkey"),
    )
    op.create_table(
        "answer_replies",
        sa.Column("upstream", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("reply", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("upstream", "key", name="answer_replies_pkey"),
    )
    op.create_index("answer_replies_at", "answer_replies", ["at"])


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
        sa.Column("note", TEXT, nullable=False),
        sa.Column("asks_phone", sa.Boolean, nullable=False),
        sa.Column("brings_card", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("stage", sa.Integer, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.Column("forgotten_at", INSTANT),
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
    there = sa.text("forgotten_at IS NULL")
    op.create_index("signups_known", "signups", ["created_at"], sqlite_where=there, postgresql_where=there)
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
        sa.Column("account", TEXT),
        sa.Column("message_id", TEXT),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="signup_steps_signup_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="signup_steps_pkey"),
    )
    op.create_index("signup_steps_signup", "signup_steps", ["signup"])
    said = sa.text("message_id IS NOT NULL")
    op.create_index(
        "signup_steps_message",
        "signup_steps",
        ["account", "message_id"],
        sqlite_where=said,
        postgresql_where=said,
    )


def _chains() -> None:
    """The copies of each 接龙, and the rows that stood in them."""
    op.create_table(
        "chain_lines",
        sa.Column("signup", ID, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("building", TEXT, nullable=False),
        sa.Column("heads", sa.Integer, nullable=False),
        sa.Column("proxy", sa.Boolean, nullable=False),
        sa.Column("author_id", ID),
        sa.Column("at", INSTANT),
        sa.Column("seq", sa.Integer),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="chain_lines_signup_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name="chain_lines_author_id_fkey"),
        sa.PrimaryKeyConstraint("signup", "line", name="chain_lines_pkey"),
        sa.CheckConstraint("heads > 0", name=op.f("chain_lines_heads_check")),
    )
    op.create_index("chain_lines_author", "chain_lines", ["author_id"])
    op.create_table(
        "chain_copies",
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("signup", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=False),
        sa.Column("leads", sa.Boolean, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("rows", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["signup"], ["signups.number"], name="chain_copies_signup_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="chain_copies_room_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="chain_copies_person_id_fkey"),
        sa.PrimaryKeyConstraint("account", "message_id", name="chain_copies_pkey"),
    )
    op.create_index("chain_copies_signup", "chain_copies", ["signup", "sent_at"])
    op.create_index("chain_copies_room", "chain_copies", ["room_id"])
    op.create_index("chain_copies_person", "chain_copies", ["person_id"])


def _wishes() -> None:
    """Micro-wishes, who stands in line for them, and the deeds that leaders noted."""
    op.create_table(
        "wishes",
        sa.Column("number", ID, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("public", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("scope", TEXT),
        sa.Column("room_id", ID),
        sa.Column("person_id", ID),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("reviewer_id", ID),
        sa.Column("reviewed_at", INSTANT),
        sa.Column("review_id", TEXT),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("claimed_by", ID),
        sa.Column("claimed_at", INSTANT),
        sa.Column("claim_room_id", ID),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("release_at", INSTANT),
        sa.Column("rounds", sa.Integer, nullable=False),
        sa.Column("done_at", INSTANT),
        sa.Column("photo_id", TEXT),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="wishes_room_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="wishes_person_id_fkey"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["people.id"], name="wishes_reviewer_id_fkey"),
        sa.ForeignKeyConstraint(["claimed_by"], ["people.id"], name="wishes_claimed_by_fkey"),
        sa.ForeignKeyConstraint(["claim_room_id"], ["rooms.id"], name="wishes_claim_room_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="wishes_pkey"),
        sa.CheckConstraint(
            "state IN ('pending', 'published', 'claimed', 'done', 'rejected', 'withdrawn')",
            name=op.f("wishes_state_check"),
        ),
        sa.CheckConstraint(
            "state <> 'claimed' OR (claimed_by IS NOT NULL AND release_at IS NOT NULL)", name=op.f("wishes_claim_check")
        ),
        sa.CheckConstraint("state <> 'published' OR claimed_by IS NULL", name=op.f("wishes_free_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("wishes_grid_check")),
    )
    op.create_index("wishes_state", "wishes", ["state", "release_at"])
    op.create_index("wishes_person", "wishes", ["person_id"])
    op.create_index("wishes_giver", "wishes", ["claimed_by"])
    op.create_index("wishes_message", "wishes", ["account", "message_id"])
    op.create_table(
        "wish_line",
        sa.Column("wish", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["wish"], ["wishes.number"], name="wish_line_wish_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="wish_line_person_id_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="wish_line_room_id_fkey"),
        sa.PrimaryKeyConstraint("wish", "person_id", name="wish_line_pkey"),
    )
    op.create_index("wish_line_person", "wish_line", ["person_id"])
    op.create_table(
        "deeds",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("by_id", ID, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="deeds_person_id_fkey"),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name="deeds_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="deeds_pkey"),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("deeds_grid_check")),
    )
    op.create_index("deeds_person", "deeds", ["person_id"])


def _deliberation() -> None:
    """Topics and polls."""
    op.create_table(
        "topics",
        sa.Column("number", ID, nullable=False),
        sa.Column("grid", TEXT),
        sa.Column("room_id", ID),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("supporters", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'discussed', 'dropped')", name=op.f("topics_state_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("topics_grid_check")),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("topics_closed_check")),
        sa.CheckConstraint("number > 0 AND supporters >= 0", name=op.f("topics_counts_check")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="topics_room_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="topics_pkey"),
    )
    op.create_index(
        "topics_open",
        "topics",
        ["grid"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "topic_supporters",
        sa.Column("topic", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["topic"], ["topics.number"], name="topic_supporters_topic_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="topic_supporters_person_id_fkey"),
        sa.PrimaryKeyConstraint("topic", "person_id", name="topic_supporters_pkey"),
    )
    op.create_index("topic_supporters_message", "topic_supporters", ["account", "message_id"])
    op.create_index("topic_supporters_person", "topic_supporters", ["person_id"])
    op.create_table(
        "polls",
        sa.Column("number", ID, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("options", TEXT, nullable=False),
        sa.Column("entitled", sa.Integer()),
        sa.Column("counted_in", TEXT, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("closes_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("result", TEXT, nullable=False),
        sa.CheckConstraint("number > 0 AND entitled > 0", name=op.f("polls_counts_check")),
        sa.CheckConstraint("counted_in IN ('people', 'households')", name=op.f("polls_counted_in_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("polls_grid_check")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="polls_room_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="polls_person_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="polls_pkey"),
    )
    op.create_index(
        "polls_open",
        "polls",
        ["closes_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "votes",
        sa.Column("poll", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("choice > 0", name=op.f("votes_choice_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="votes_person_id_fkey"),
        sa.ForeignKeyConstraint(["poll"], ["polls.number"], name="votes_poll_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("poll", "person_id", name="votes_pkey"),
    )
    op.create_index("votes_person", "votes", ["person_id"])


def _supplies() -> None:
    """Needs, offers, what was handed over, and who is safe."""
    op.create_table(
        "supplies",
        sa.Column("number", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("room_id", ID),
        sa.Column("person_id", ID),
        sa.Column("thing", TEXT, nullable=False),
        sa.Column("amount", sa.Integer()),
        sa.Column("unit", TEXT, nullable=False),
        sa.Column("building", TEXT),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.CheckConstraint("kind IN ('need', 'offer')", name=op.f("supplies_kind_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("supplies_grid_check")),
        sa.CheckConstraint("state IN ('open', 'done', 'withdrawn', 'over')", name=op.f("supplies_state_check")),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("supplies_closed_check")),
        sa.CheckConstraint("number > 0 AND amount > 0", name=op.f("supplies_counts_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="supplies_person_id_fkey"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="supplies_room_id_fkey"),
        sa.PrimaryKeyConstraint("number", name="supplies_pkey"),
    )
    op.create_index("supplies_message", "supplies", ["account", "message_id"])
    op.create_index(
        "supplies_open",
        "supplies",
        ["grid", "thing"],
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("supplies_person", "supplies", ["person_id"])
    op.create_table(
        "handovers",
        sa.Column("id", ID, nullable=False),
        sa.Column("need", ID),
        sa.Column("offer", ID),
        sa.Column("amount", sa.Integer()),
        sa.Column("proposed_at", INSTANT),
        sa.Column("done_at", INSTANT),
        sa.Column("person_id", ID),
        sa.CheckConstraint("amount > 0", name=op.f("handovers_amount_check")),
        sa.CheckConstraint("need IS NOT NULL OR offer IS NOT NULL", name=op.f("handovers_of_something_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="handovers_person_id_fkey"),
        sa.ForeignKeyConstraint(["need"], ["supplies.number"], name="handovers_need_fkey", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["offer"], ["supplies.number"], name="handovers_offer_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="handovers_pkey"),
    )
    op.create_index("handovers_need", "handovers", ["need"])
    op.create_index("handovers_offer", "handovers", ["offer"])
    op.create_table(
        "checkins",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("building", TEXT),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.Column("needs_help", sa.Boolean(), nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.CheckConstraint("heads > 0", name=op.f("checkins_heads_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("checkins_grid_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="checkins_person_id_fkey"),
        sa.PrimaryKeyConstraint("person_id", name="checkins_pkey"),
    )
    op.create_index("checkins_grid", "checkins", ["grid"])


def _voice() -> None:
    """Notices, the rooms each goes to, and how many said 收到."""
    op.create_table(
        "notices",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("wide", sa.Boolean(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("approver_id", ID),
        sa.Column("corrects", ID),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("send_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("salt", sa.LargeBinary()),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'sending', 'sent', 'cancelled')", name=op.f("notices_state_check")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name="notices_author_id_fkey"),
        sa.ForeignKeyConstraint(["approver_id"], ["people.id"], name="notices_approver_id_fkey"),
        sa.ForeignKeyConstraint(["corrects"], ["notices.number"], name="notices_corrects_fkey"),
        sa.PrimaryKeyConstraint("number", name="notices_pkey"),
    )
    waiting = sa.text("state IN ('draft', 'scheduled', 'sending')")
    op.create_index("notices_open", "notices", ["state"], sqlite_where=waiting, postgresql_where=waiting)
    salted = sa.text("salt IS NOT NULL")
    op.create_index("notices_salted", "notices", ["number"], sqlite_where=salted, postgresql_where=salted)
    op.create_table(
        "notice_rooms",
        sa.Column("notice", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("queued", sa.Boolean(), nullable=False),
        sa.Column("skipped", TEXT),
        sa.CheckConstraint("skipped IN ('dormant', 'gone', 'cancelled')", name=op.f("notice_rooms_skipped_check")),
        sa.ForeignKeyConstraint(["notice"], ["notices.number"], name="notice_rooms_notice_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notice", "room_id", name="notice_rooms_pkey"),
    )
    without = sa.text("NOT queued AND skipped IS NULL")
    columns = ["notice", "room_id"]
    op.create_index("notice_rooms_waiting", "notice_rooms", columns, sqlite_where=without, postgresql_where=without)
    op.create_table(
        "receipts",
        sa.Column("notice", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["notices.number"], name="receipts_notice_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notice", "digest", name="receipts_pkey"),
    )


def _alerts() -> None:
    """What devices say, and the tickets that it is part of."""
    op.create_table(
        "alerts",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("alert_id", TEXT, nullable=False),
        sa.Column("device", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("level", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("ticket", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.Boolean(), nullable=False),
        sa.Column("told_cleared", sa.Boolean(), nullable=False),
        sa.Column("told_at", INSTANT),
        sa.Column("notice", ID),
        sa.CheckConstraint("level IN ('blue', 'yellow', 'orange', 'red')", name=op.f("alerts_level_check")),
        sa.CheckConstraint("count > 0", name=op.f("alerts_count_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("alerts_grid_check")),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name="alerts_ticket_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "alert_id", name="alerts_pkey"),
    )
    op.create_index("alerts_device", "alerts", ["source", "device", "kind", "at"])
    op.create_index("alerts_ticket", "alerts", ["ticket"])


def _worklog() -> None:
    """What people in office wrote down of their walks, and the points of volunteers."""
    op.create_table(
        "work_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("households", sa.Integer()),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("message_id", TEXT, nullable=False),
        sa.Column("photo_id", TEXT),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('visit', 'patrol')", name=op.f("work_entries_kind_check")),
        sa.CheckConstraint("households > 0", name=op.f("work_entries_households_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("work_entries_grid_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="work_entries_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="work_entries_pkey"),
    )
    op.create_index("work_entries_person", "work_entries", ["person_id", "at"])
    op.create_index("work_entries_message", "work_entries", ["account", "message_id"])
    op.create_index("work_entries_at", "work_entries", ["at"])
    op.create_table(
        "point_accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("into_id", ID),
        sa.CheckConstraint("balance >= 0", name=op.f("point_accounts_balance_check")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="point_accounts_person_id_fkey"),
        sa.ForeignKeyConstraint(["into_id"], ["point_accounts.id"], name="point_accounts_into_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="point_accounts_pkey"),
        sa.UniqueConstraint("person_id", name="point_accounts_person_id_key"),
    )
    op.create_table(
        "points",
        sa.Column("number", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("item", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.Column("grid", TEXT, nullable=False),
        sa.Column("by_id", ID),
        sa.Column("corrects", ID),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "action IN ('attendance', 'wish', 'call', 'redeemed', 'corrected')", name=op.f("points_action_check")
        ),
        sa.CheckConstraint(
            "(action IN ('attendance', 'wish', 'call') AND delta > 0) OR (action = 'redeemed' AND delta < 0)"
            " OR (action = 'corrected' AND delta <> 0)",
            name=op.f("points_delta_check"),
        ),
        sa.CheckConstraint("(action = 'corrected') = (corrects IS NOT NULL)", name=op.f("points_corrects_check")),
        sa.CheckConstraint("length(grid) <= 18", name=op.f("points_grid_check")),
        sa.ForeignKeyConstraint(["account_id"], ["point_accounts.id"], name="points_account_id_fkey"),
        sa.ForeignKeyConstraint(["corrects"], ["points.number"], name="points_corrects_fkey"),
        sa.PrimaryKeyConstraint("number", name="points_pkey"),
        sa.UniqueConstraint("corrects", name="points_corrects_key"),
    )
    op.create_index("points_account", "points", ["account_id"])
