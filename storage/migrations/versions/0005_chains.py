"""What WeChat tells of a 接龙: who started it; and the session that a row of one names.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# As in 0001.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("signups", sa.Column("organiser_named", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table in ("signup_entries", "chain_lines"):
        op.add_column(table, sa.Column("choice", TEXT, nullable=False, server_default=""))
