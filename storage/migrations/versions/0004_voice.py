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
INSTANT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _leases()
    _accounts()
    _queue()


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
