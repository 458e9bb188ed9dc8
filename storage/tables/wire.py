"""What comes in from WeChat and what goes out."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Word, Words
from storage.model import Lane, PostKind, SendState
from storage.tables.base import Id, index, metadata, one_of

# Message ids, clustered by the 6 hours of their arrival: writing one touches the last pages only, and a day is
# forgotten by dropping whole stretches. `reason` is NULL until the message had its effect.
inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("bucket", sa.Integer, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("arrived_at", Instant, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("done_at", Instant),
    sa.PrimaryKeyConstraint("bucket", "account", "message_id"),
    sa.CheckConstraint("(reason IS NULL) = (done_at IS NULL)", name="done"),
    sqlite_with_rowid=False,
)

unfetchable = sa.Table(
    "unfetchable",
    metadata,
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("arrived_at", Instant, nullable=False),
    sa.Column("given_up_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("account", "message_id"),
)

# room_id 0 stands for private chats: NULL would not be unique.
counters = sa.Table(
    "counters",
    metadata,
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("room_id", Id, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("day", "room_id", "reason"),
)

gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("start_at", Instant, nullable=False),
    sa.Column("end_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("account", "start_at"),
    sa.CheckConstraint("end_at >= start_at", name="order"),
)

# The rows are the queue. `key` is natural, so that doing a thing twice says it once.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("conversation", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("kind", Word(PostKind), nullable=False),
    sa.Column("lane", Word(Lane), nullable=False),
    sa.Column("state", Word(SendState), nullable=False),
    sa.Column("not_before", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("mentions", Words, nullable=False),
    sa.Column("counted", sa.Boolean, nullable=False),
    sa.Column("ticket", Id),  # no foreign key: a line outlives a deleted candidate, blanked
    sa.Column("sending_at", Instant),
    sa.Column("sent_at", Instant),
    sa.Column("message_id", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("file", Id),  # the notice whose picture or file this line is
    one_of("lane", Lane),
    one_of("state", SendState),
)
# Literals, not parameters: SQLite's planner uses a partial index only for a condition that it can read.
QUEUED = sa.text("state = 'queued'")
UNSETTLED = sa.text("state IN ('sending', 'unknown')")
FAILED = sa.text("state = 'failed'")
LEFT = sa.text("sending_at IS NOT NULL")
COUNTED = sa.text("counted")
WORDED = sa.text("text <> ''")
index("outbox_queued", outbox.c.account, outbox.c.lane, outbox.c.not_before, outbox.c.id, where=QUEUED)
index("outbox_unsettled", outbox.c.account, outbox.c.conversation, where=UNSETTLED)
index("outbox_failed", outbox.c.account, outbox.c.lane, where=FAILED)
index("outbox_left", outbox.c.account, outbox.c.sending_at, where=LEFT)
index("outbox_counted", outbox.c.room_id, outbox.c.not_before, where=COUNTED)
index("outbox_ticket", outbox.c.ticket, where=outbox.c.ticket.is_not(None))
index("outbox_worded", outbox.c.created_at, where=WORDED)
