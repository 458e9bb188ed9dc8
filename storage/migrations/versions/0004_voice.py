"""Many processes on one database: which of them are alive, and which serves which account.

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
    _media()


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
