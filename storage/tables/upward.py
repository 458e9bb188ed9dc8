"""What the upward sync keeps."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, index, metadata

# One row a platform above. `seq`: how far in `changes` its deliveries reach. `files`: the number of the last file put
# into a drop folder. The rest is its circuit breaker: whole requests that failed in a row, and what the last one said.
upstreams = sa.Table(
    "upstreams",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("open_until", Instant),
    sa.Column("code", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("failed_at", Instant),
    sa.Column("succeeded_at", Instant),
)

# What an upstream has of a ticket, and what it is still to get. No foreign key: that a ticket is gone must arrive, too.
# `tried` may be there, `sent` is there for certain; `since` is when the oldest change that waits was made.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("upstream", sa.Text, nullable=False),
    sa.Column("ticket", Id, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("replays", sa.Integer, nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("tried", sa.Integer),
    sa.Column("sent", sa.Integer),
    sa.Column("sent_at", Instant),
    sa.Column("hash", sa.Text),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("ref", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("message", sa.Text),
    sa.PrimaryKeyConstraint("upstream", "ticket"),
    sa.CheckConstraint("state IN ('pending', 'sending', 'sent', 'parked')", name="state"),
    sa.CheckConstraint("(state IN ('pending', 'sending')) = (next_at IS NOT NULL)", name="next"),
    sa.CheckConstraint("(sent IS NULL) = (hash IS NULL) AND (sent IS NULL) = (sent_at IS NULL)", name="sent"),
    sqlite_with_rowid=False,
)
# Literals, as for the outbox.
WAITING = sa.text("state IN ('pending', 'sending')")
PARKED = sa.text("state = 'parked'")
index("deliveries_waiting", deliveries.c.upstream, deliveries.c.next_at, deliveries.c.ticket, where=WAITING)
# `state` is in them, or SQLite would read the rows for it, and then rather all of them.
index("deliveries_since", deliveries.c.upstream, deliveries.c.since, deliveries.c.state, where=WAITING)
index("deliveries_parked", deliveries.c.upstream, deliveries.c.ticket, deliveries.c.state, where=PARKED)

# How far a platform was heard about a ticket. `held` is its last answer as JSON while that waits for a person, `here`
# the state that it contradicts.
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("upstream", sa.Text, nullable=False),
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("heard_at", Instant, nullable=False),
    sa.Column("held", sa.Text),
    sa.Column("here", sa.Text),
    sa.PrimaryKeyConstraint("upstream", "ticket"),
    sa.CheckConstraint("(held IS NULL) = (here IS NULL)", name="held"),
)
index("answers_held", answers.c.ticket, where=sa.text("held IS NOT NULL"))

# Up to where the feed of answers of a platform was read.
answer_cursors = sa.Table(
    "answer_cursors",
    metadata,
    sa.Column("upstream", sa.Text, primary_key=True),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("read_at", Instant, nullable=False),
)

# What the listener replied under an idempotency key: `body` is the SHA-256 of the request, `reply` holds no words.
answer_replies = sa.Table(
    "answer_replies",
    metadata,
    sa.Column("upstream", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("upstream", "key"),
)
index("answer_replies_at", answer_replies.c.at)
