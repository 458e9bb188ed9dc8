"""What people in office wrote down of their walks, and the points of volunteers."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, digits, index, metadata

# 走访 and 巡查 as they were typed, masked. What follows from tickets, calls and tasks is read from those.
work_entries = sa.Table(
    "work_entries",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("households", sa.Integer),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("photo_id", sa.Text),
    sa.Column("at", Instant, nullable=False),
    sa.CheckConstraint("kind IN ('visit', 'patrol')", name="kind"),
    sa.CheckConstraint("households > 0", name="households"),
    digits("grid"),
)
index("work_entries_person", work_entries.c.person_id, work_entries.c.at)
index("work_entries_message", work_entries.c.account, work_entries.c.message_id)
index("work_entries_at", work_entries.c.at)

# Whose points they are. The ledger names the account only, so that erasing a person leaves it as it is. `balance` is
# the sum of the ledger; `into_id` the account that this one went into, with its balance.
point_accounts = sa.Table(
    "point_accounts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), unique=True),
    sa.Column("balance", sa.BigInteger, nullable=False),
    sa.Column("into_id", Id, sa.ForeignKey("point_accounts.id")),
    sa.CheckConstraint("balance >= 0", name="balance"),
)

# Append-only: nothing in the program changes or deletes a row; `corrects` is the entry that this one takes back.
points = sa.Table(
    "points",
    metadata,
    sa.Column("number", Id, primary_key=True),
    sa.Column("account_id", Id, sa.ForeignKey("point_accounts.id"), nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("delta", sa.BigInteger, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("by_id", Id),  # no foreign key, as in the audit chain: no row is ever changed
    sa.Column("corrects", Id, sa.ForeignKey("points.number"), unique=True),
    sa.Column("at", Instant, nullable=False),
    sa.CheckConstraint("action IN ('attendance', 'wish', 'call', 'redeemed', 'corrected')", name="action"),
    sa.CheckConstraint(
        "(action IN ('attendance', 'wish', 'call') AND delta > 0) OR (action = 'redeemed' AND delta < 0)"
        " OR (action = 'corrected' AND delta <> 0)",
        name="delta",
    ),
    sa.CheckConstraint("(action = 'corrected') = (corrects IS NOT NULL)", name="corrects"),
    digits("grid"),
)
index("points_account", points.c.account_id)
