"""Tickets and all that belongs to one: clocks, words, reporters, tasks, answers, dialogs."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Word, Words
from storage.model import CallbackOutcome, ClockKind, Level, Listing, MessageKind, Nature, Role, TicketState, Urgency
from storage.tables.base import Id, digits, index, metadata, one_of

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
    # Since 0002. Without constraints of their own: those would rebuild the table.
    sa.Column("first_role", Word(Role)),
    sa.Column("first_id", Id),
    sa.Column("clock_from", Instant),
    sa.Column("acknowledged_at", Instant),
    sa.Column("listed", Word(Listing)),
    sa.Column("proactive", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("founded", sa.Boolean),
    sa.Column("out_of_remit", sa.Boolean),
    sa.Column("contacted", sa.Boolean),
    sa.Column("solved", sa.Boolean),
    sa.Column("unsolved_reason", sa.Text),
    sa.Column("public_answer", sa.Text),
    # Since 0003: its words were taken out of the store.
    sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()),
    one_of("state", TicketState),
    one_of("urgency", Urgency),
    one_of("nature", Nature),
    one_of("level", Level),
    one_of("owner_role", Role),
    one_of("outcome", CallbackOutcome),
    sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    sa.CheckConstraint("number > 0 AND version > 0 AND reporters > 0 AND reopened >= 0", name="counts"),
    sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
    digits("grid"),
)
index("tickets_grid", tickets.c.grid, tickets.c.reported_at)
index("tickets_state", tickets.c.state, tickets.c.filed_at)
index("tickets_handled", tickets.c.state, tickets.c.handled_at, where=tickets.c.handled_at.is_not(None))

# Due work of the clocks: what stands still has no `next_at`, so a tick reads only what has come.
clocks = sa.Table(
    "clocks",
    metadata,
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", Word(ClockKind), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("next_at", Instant),
    sa.PrimaryKeyConstraint("ticket", "kind"),
    one_of("kind", ClockKind),
    sa.CheckConstraint("stage BETWEEN 0 AND 3", name="stage"),
)
index("clocks_next", clocks.c.next_at, where=clocks.c.next_at.is_not(None))

# 急时: at most one that has not ended over the same scope.
modes = sa.Table(
    "modes",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    digits("scope"),
)
# A literal, as for the outbox.
IN_FORCE = sa.text("ended_at IS NULL")
sa.Index("modes_in_force", modes.c.scope, unique=True, sqlite_where=IN_FORCE, postgresql_where=IN_FORCE)

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
index("ticket_messages_message", ticket_messages.c.account, ticket_messages.c.message_id)
index("ticket_messages_person", ticket_messages.c.person_id, ticket_messages.c.sent_at)
index("ticket_messages_room", ticket_messages.c.room_id, ticket_messages.c.sent_at)

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
    sa.Column("from_ticket", Id),  # the ticket that was merged into this one and brought them along
    sa.PrimaryKeyConstraint("ticket", "person_id"),
)
index("reporters_person", reporters.c.person_id)

# Why something was done to a ticket: the reasons that people gave, which the audit chain never holds.
ticket_notes = sa.Table(
    "ticket_notes",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("level", Word(Level)),
    sa.Column("text", sa.Text, nullable=False),
)
index("ticket_notes_ticket", ticket_notes.c.ticket, ticket_notes.c.id)

# What a merged ticket was before, so that taking it out again restores both.
merges = sa.Table(
    "merges",
    metadata,
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("target", Id, sa.ForeignKey("tickets.number"), nullable=False),
    sa.Column("state", Word(TicketState), nullable=False),
    sa.Column("grid", sa.Text),  # of the other one
    sa.Column("at", Instant, nullable=False),
)
index("merges_target", merges.c.target)

# 交办: a task for each grid of a scope.
tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("matter", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("due", Instant),
    digits("scope"),
)

task_grids = sa.Table(
    "task_grids",
    metadata,
    sa.Column("task", Id, sa.ForeignKey("tasks.number", ondelete="CASCADE"), nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("done_at", Instant),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("result", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("task", "grid"),
    digits("grid"),
)
index("task_grids_grid", task_grids.c.grid)

# Approved answers, each with its source; one that was taken back stays for the record.
faq = sa.Table(
    "faq",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("removed_at", Instant),
    digits("scope"),
)
index("faq_scope", faq.c.scope, where=faq.c.removed_at.is_(None))

# How often an approved answer was given, by day and grid: these inquiries count apart.
faq_answers = sa.Table(
    "faq_answers",
    metadata,
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("entry", Id, sa.ForeignKey("faq.number"), nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("day", "grid", "entry"),
    digits("grid"),
)

# 网格呼叫: who was called to a ticket; the first `应答` wins.
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("ticket", Id, sa.ForeignKey("tickets.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("called", sa.Integer, nullable=False),
    sa.Column("accepted_by", Id, sa.ForeignKey("people.id")),
    sa.Column("accepted_at", Instant),
    sa.CheckConstraint("(accepted_by IS NULL) = (accepted_at IS NULL)", name="accepted"),
)

# Entries of the lists of resources and projects that are no tickets.
list_items = sa.Table(
    "list_items",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("listing", Word(Listing), nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    one_of("listing", Listing),
    digits("grid"),
)
index("list_items_grid", list_items.c.grid)

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
index("dialogs_ticket", dialogs.c.ticket)
index("dialogs_expiry", dialogs.c.expires_at)

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
