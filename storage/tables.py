"""The tables. What must never happen is forbidden here: keys, CHECKs and partial unique indexes, not Python locks.

The migrations are the truth of a running database; a test proves that both say the same.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from storage.columns import Instant, Word, Words
from storage.model import (
    CallbackOutcome,
    Lane,
    Level,
    MessageKind,
    Nature,
    PostKind,
    Role,
    RoomKind,
    RoomState,
    SendState,
    TicketState,
    Urgency,
)

# Named, so that a later migration can drop or widen one of them.
metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

# SQLite counts rows up only for the exact type INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _one_of(column: str, words: type[StrEnum]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(repr(word.value) for word in words)})", name=column)


def _index(name: str, *columns: sa.Column[Any], where: sa.ColumnElement[bool] | sa.TextClause | None = None) -> None:
    """An index, partial on every database where `where` is given."""
    sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


def _digits(column: str) -> sa.CheckConstraint:
    """A grid code or a scope: digits, at most 18."""
    return sa.CheckConstraint(f"length({column}) <= 18", name=column)


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

grids = sa.Table(
    "grids",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    _digits("code"),
)

rooms = sa.Table(
    "rooms",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("kind", Word(RoomKind), nullable=False),
    sa.Column("state", Word(RoomState), nullable=False),
    sa.Column("grid", sa.Text),
    sa.Column("silent_until", Instant),
    sa.Column("noticed_at", Instant),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("account", "im_id"),
    _one_of("kind", RoomKind),
    _one_of("state", RoomState),
    _digits("grid"),
)
_index("rooms_grid", rooms.c.grid)

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("opted_out_at", Instant),
)
_index("people_opted_out", people.c.id, where=people.c.opted_out_at.is_not(None))

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "role", "scope"),
    _one_of("role", Role),
    _digits("scope"),
)
_index("grants_scope", grants.c.scope)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("friend", sa.Boolean, nullable=False),
    sa.Column("nick", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("account", "im_id"),
)
_index("aliases_person", aliases.c.person_id)

# A person has one code that works; `digest` is keyed, so that the few possible codes cannot be tried out on a copy.
bind_codes = sa.Table(
    "bind_codes",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("expires_at", Instant, nullable=False),
)

bind_failures = sa.Table(
    "bind_failures",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
_index("bind_failures_who", bind_failures.c.account, bind_failures.c.im_id, bind_failures.c.at)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("state", Word(TicketState), nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("urgency", Word(Urgency), nullable=False),
    sa.Column("nature", Word(Nature), nullable=False),
    sa.Column("level", Word(Level), nullable=False),
    sa.Column("grid", sa.Text),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("building", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("floor", sa.Text),
    sa.Column("room", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column("located_by", sa.Text),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("reported_at", Instant, nullable=False),
    sa.Column("filed_at", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("reporters", sa.Integer, nullable=False),
    sa.Column("reopened", sa.Integer, nullable=False),
    sa.Column("merged_into", Id, sa.ForeignKey("tickets.number")),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("owner_role", Word(Role)),
    sa.Column("owner_id", Id, sa.ForeignKey("people.id")),
    sa.Column("ack_due", Instant),
    sa.Column("due", Instant),
    sa.Column("assigned_at", Instant),
    sa.Column("accepted_at", Instant),
    sa.Column("handled_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("estimate", sa.Text),
    sa.Column("result", sa.Text),
    sa.Column("outcome", Word(CallbackOutcome)),
    sa.Column("rating", sa.Integer),
    sa.Column("remark", sa.Text),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("rules", Words, nullable=False),
    sa.Column("terms", Words, nullable=False),
    sa.Column("lexicon", sa.Text, nullable=False),
    _one_of("state", TicketState),
    _one_of("urgency", Urgency),
    _one_of("nature", Nature),
    _one_of("level", Level),
    _one_of("owner_role", Role),
    _one_of("outcome", CallbackOutcome),
    sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    sa.CheckConstraint("number > 0 AND version > 0 AND reporters > 0 AND reopened >= 0", name="counts"),
    sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
    _digits("grid"),
)
_index("tickets_grid", tickets.c.grid, tickets.c.reported_at)
_index("tickets_state", tickets.c.state, tickets.c.filed_at)

ticket_messages = sa.Table(
    "ticket_messages",
    metadata,
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("kind", Word(MessageKind), nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("ticket", "account", "message_id"),
)
_index("ticket_messages_message", ticket_messages.c.account, ticket_messages.c.message_id)
_index("ticket_messages_person", ticket_messages.c.person_id, ticket_messages.c.sent_at)
_index("ticket_messages_room", ticket_messages.c.room_id, ticket_messages.c.sent_at)

# `contact` is sealed (storage/crypto.py).
reporters = sa.Table(
    "reporters",
    metadata,
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("joined_at", Instant, nullable=False),
    sa.Column("nick", sa.Text, nullable=False),
    sa.Column("contact", sa.LargeBinary),
    sa.PrimaryKeyConstraint("ticket", "person_id"),
)
_index("reporters_person", reporters.c.person_id)

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
    _one_of("lane", Lane),
    _one_of("state", SendState),
)
# Literals, not parameters: SQLite's planner uses a partial index only for a condition that it can read.
QUEUED = sa.text("state = 'queued'")
UNSETTLED = sa.text("state IN ('sending', 'unknown')")
LEFT = sa.text("sending_at IS NOT NULL")
COUNTED = sa.text("counted")
WORDED = sa.text("text <> ''")
_index("outbox_queued", outbox.c.account, outbox.c.not_before, where=QUEUED)
_index("outbox_unsettled", outbox.c.account, outbox.c.conversation, where=UNSETTLED)
_index("outbox_left", outbox.c.account, outbox.c.sending_at, where=LEFT)
_index("outbox_counted", outbox.c.room_id, outbox.c.not_before, where=COUNTED)
_index("outbox_ticket", outbox.c.ticket, where=outbox.c.ticket.is_not(None))
_index("outbox_worded", outbox.c.created_at, where=WORDED)

dialogs = sa.Table(
    "dialogs",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "step", "ticket"),
)
_index("dialogs_ticket", dialogs.c.ticket)
_index("dialogs_expiry", dialogs.c.expires_at)

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
_index("audit_ticket", audit.c.ticket, where=audit.c.ticket.is_not(None))
_index("audit_action", audit.c.action)

# How long the chain is and how it ends, so that a cut-off tail is noticed.
audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.CheckConstraint("id = 1", name="single"),
)

negatives = sa.Table(
    "negatives",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("rules", Words, nullable=False),
    sa.Column("terms", Words, nullable=False),
    sa.Column("lexicon", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
