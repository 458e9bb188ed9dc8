"""Many processes on one database and many accounts in its groups; what notices carry; what may be taken back.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# As in 0001.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _leases()
    _accounts()
    _queue()
    _membership()
    _no_member()
    _media()
    _neighbours()


def _leases() -> None:
    op.create_table(
        "processes",
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("place", TEXT, nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("wants", TEXT),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("holder", name="processes_pkey"),
    )
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["holder"], ["processes.holder"], name="leases_holder_fkey"),
        sa.PrimaryKeyConstraint("name", name="leases_pkey"),
    )
    op.create_index("leases_holder", "leases", ["holder"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("since", INSTANT),
        sa.Column("stopped_until", INSTANT),
        sa.Column("throttled_at", INSTANT),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("dead_at", INSTANT),
        sa.Column("dead_why", TEXT),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("accounts_share_check")),
        sa.PrimaryKeyConstraint("name", name="accounts_pkey"),
    )
    dead = sa.text("dead_at IS NOT NULL")
    op.create_index("accounts_dead", "accounts", ["name"], sqlite_where=dead, postgresql_where=dead)
    # Who has spoken until now is no newcomer.
    op.execute(
        "INSERT INTO accounts (name, share) SELECT DISTINCT account, 1.0 FROM outbox WHERE sending_at IS NOT NULL"
    )


def _queue() -> None:
    """A sender asks lane by lane, so that however many notices wait, it reads no more of them than it looks at."""
    op.drop_index("outbox_queued", "outbox")
    queued = sa.text("state = 'queued'")
    op.create_index(
        "outbox_queued",
        "outbox",
        ["account", "lane", "not_before", "id"],
        sqlite_where=queued,
        postgresql_where=queued,
    )
    # The monitor counts them every few seconds, and there are few among very many.
    failed = sa.text("state = 'failed'")
    op.create_index("outbox_failed", "outbox", ["account", "lane"], sqlite_where=failed, postgresql_where=failed)


def _media() -> None:
    """Pictures and files of notices, and notices that are the announcements of their groups."""
    op.add_column("notices", sa.Column("announce", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("outbox", sa.Column("file", ID))
    op.create_table(
        "notice_files",
        sa.Column("notice", ID, autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("mime", TEXT, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary()),
        sa.Column("account", TEXT),
        sa.Column("message_id", TEXT),
        sa.ForeignKeyConstraint(["notice"], ["notices.number"], name="notice_files_notice_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notice", name="notice_files_pkey"),
    )
    shown = sa.text("message_id IS NOT NULL")
    op.create_index("notice_files_shown", "notice_files", ["message_id"], sqlite_where=shown, postgresql_where=shown)


def _membership() -> None:
    """Who else of ours is in a group, and what groups are labelled."""
    op.add_column("rooms", sa.Column("taken_at", INSTANT))
    op.create_index("rooms_im_id", "rooms", ["im_id"])
    op.create_table(
        "standbys",
        sa.Column("room_id", ID, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("im_id", TEXT, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="standbys_room_id_fkey"),
        sa.PrimaryKeyConstraint("room_id", "account", name="standbys_pkey"),
        sa.UniqueConstraint("account", "im_id", name="standbys_account_im_id_key"),
    )
    op.create_table(
        "room_tags",
        sa.Column("room_id", ID, nullable=False),
        sa.Column("tag", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.CheckConstraint("origin IN ('config', 'import')", name=op.f("room_tags_origin_check")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="room_tags_room_id_fkey"),
        sa.PrimaryKeyConstraint("room_id", "tag", "origin", name="room_tags_pkey"),
    )
    op.create_index("room_tags_tag", "room_tags", ["tag"])


def _no_member() -> None:
    """One more reason why a room gets no notice. SQLite changes no constraint of a table."""
    check, name = "skipped IN ('dormant', 'gone', 'cancelled', 'no_member')", op.f("notice_rooms_skipped_check")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(name, "notice_rooms", type_="check")
        op.create_check_constraint(name, "notice_rooms", check)
        return
    op.drop_index("notice_rooms_waiting", "notice_rooms")
    op.rename_table("notice_rooms", "notice_rooms_before")
    op.create_table(
        "notice_rooms",
        sa.Column("notice", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("queued", sa.Boolean(), nullable=False),
        sa.Column("skipped", TEXT),
        sa.CheckConstraint(check, name=name),
        sa.ForeignKeyConstraint(["notice"], ["notices.number"], name="notice_rooms_notice_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("notice", "room_id", name="notice_rooms_pkey"),
    )
    op.execute("INSERT INTO notice_rooms SELECT notice, room_id, queued, skipped FROM notice_rooms_before")
    op.drop_table("notice_rooms_before")
    without = sa.text("NOT queued AND skipped IS NULL")
    op.create_index("notice_rooms_waiting", "notice_rooms", ["notice", "room_id"], sqlite_where=without)


def _neighbours() -> None:
    """By which message somebody voted, checked in, claimed a wish or stands in line for it: it may be taken back. And
    what is looked for each minute is found without reading what is over."""
    for table in ("votes", "checkins", "wish_line"):
        op.add_column(table, sa.Column("account", TEXT))
        op.add_column(table, sa.Column("message_id", TEXT))
    op.add_column("checkins", sa.Column("household", TEXT))
    op.add_column("wishes", sa.Column("claim_account", TEXT))
    op.add_column("wishes", sa.Column("claim_id", TEXT))
    worded, waiting = sa.text("text <> ''"), sa.text("state IN ('pending', 'sending')")
    op.create_index("wishes_worded", "wishes", ["state", "done_at"], sqlite_where=worded, postgresql_where=worded)
    names = ["upstream", "since", "state"]
    op.create_index("deliveries_since", "deliveries", names, sqlite_where=waiting, postgresql_where=waiting)
    op.drop_index("deliveries_parked", "deliveries")
    names, parked = ["upstream", "ticket", "state"], sa.text("state = 'parked'")
    op.create_index("deliveries_parked", "deliveries", names, sqlite_where=parked, postgresql_where=parked)
