"""What the program keeps of itself, and of all that was done."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, index, metadata

# One row a program-wide fact, such as the proof that the key file fits.
meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)

# Numbers that are handed out once and never again, also when the row that had one is deleted.
sequences = sa.Table(
    "sequences",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

# Who has fired a job of a moment: the key lets nobody do it again.
job_runs = sa.Table(
    "job_runs",
    metadata,
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("fired_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("job", "due_at"),
)

# No text and no foreign key: a change may tell that a ticket's words are gone.
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", Id, primary_key=True),
    sa.Column("ticket", Id, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.UniqueConstraint("ticket", "version"),
    sqlite_autoincrement=True,
)

# No foreign keys: erasing a person or a ticket leaves the chain whole.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", Id, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("actor", Id),
    sa.Column("right", sa.Text),
    sa.Column("ticket", Id),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("message_id", sa.Text),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("prev", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
index("audit_ticket", audit.c.ticket, where=audit.c.ticket.is_not(None))
index("audit_action", audit.c.action)

# How long the chain is and how it ends, so that a cut-off tail is noticed.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)
