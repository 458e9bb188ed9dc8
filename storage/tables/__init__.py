"""The tables. What must never happen is forbidden here: keys, CHECKs and partial unique indexes, not Python locks.

The migrations are the truth of a running database; a test proves that both say the same. Here stands what a group, a
person and a ticket need; `neighbours` and `upward` hold the tables of their own subjects.
"""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant, Word, Words
from storage.model import (
    CallbackOutcome,
    ClockKind,
    DutyKind,
    Lane,
    Level,
    Listing,
    MessageKind,
    Nature,
    Origin,
    PostKind,
    Role,
    RoomKind,
    RoomState,
    SendState,
    TicketState,
    Urgency,
)
from storage.tables import deliberation, fleet, membership, neighbours, supplies, upward, voice, worklog
from storage.tables.base import Id, digits, index, metadata, one_of

__all__ = ["deliberation", "fleet", "membership", "metadata", "neighbours", "supplies", "upward", "voice", "worklog"]

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
    sa.Column("retired_at", Instant),  # split, merged or dissolved: no new ticket gets this code
    sa.Column("origin", Word(Origin)),
    digits("code"),
)

# What became of a code that was split, merged or changed: every code that it is today, also over several steps. A
# ticket keeps the code of its day; by this it is found under today's.
grid_moves = sa.Table(
    "grid_moves",
    metadata,
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("old", "new"),
    sa.CheckConstraint("old <> new", name="other"),
)
index("grid_moves_new", grid_moves.c.new)

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
    sa.Column("became", Id),  # the same group under its later id: this row is history
    sa.Column("origin", Word(Origin)),
    sa.Column("taken_at", Instant),  # until when another account of ours heard what was said, and answered
    sa.UniqueConstraint("account", "im_id"),
    one_of("kind", RoomKind),
    one_of("state", RoomState),
    digits("grid"),
)
index("rooms_grid", rooms.c.grid)
index("rooms_topic", rooms.c.topic)
index("rooms_im_id", rooms.c.im_id)
# Two of our accounts in one room: one answers.
ANSWERING = sa.text("state = 'enabled'")  # a literal: see QUEUED
index("rooms_answering", rooms.c.im_id, where=ANSWERING, unique=True)

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("opted_out_at", Instant),
    sa.Column("ref", sa.Text),  # the number that the community's own list gives them
    sa.Column("org", sa.Text),  # 单位
    sa.Column("phone", sa.LargeBinary),  # sealed (storage/crypto.py)
)
index("people_ref", people.c.ref, unique=True)
index("people_opted_out", people.c.id, where=people.c.opted_out_at.is_not(None))

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    # A right stands as long as one source says so: the config takes back what it gave, an import what it gave.
    sa.Column("origin", Word(Origin), nullable=False),
    sa.PrimaryKeyConstraint("person_id", "role", "scope", "origin"),
    one_of("role", Role),
    one_of("origin", Origin),
    digits("scope"),
)
index("grants_scope", grants.c.scope)

# Who is on duty: for emergencies, for 急时, or to be called to a place near by.
duty = sa.Table(
    "duty",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("kind", Word(DutyKind), nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("start_at", Instant, nullable=False),
    sa.Column("end_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "kind", "scope", "start_at"),
    one_of("kind", DutyKind),
    digits("scope"),
    sa.CheckConstraint("end_at > start_at", name="order"),
)
index("duty_scope", duty.c.scope, duty.c.end_at)

# 事项 → 承办: a category or the beginning of one ("" for all) × a grid prefix ("" for everywhere).
owners = sa.Table(
    "owners",
    metadata,
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("org", sa.Text),
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE")),
    sa.PrimaryKeyConstraint("category", "scope"),
    one_of("role", Role),
    digits("scope"),
)

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
index("aliases_person", aliases.c.person_id)

# A person has one code that works; `digest` is keyed, so that the few possible codes cannot be tried out on a copy.
bind_codes = sa.Table(
    "bind_codes",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("only", sa.Boolean, nullable=False, server_default=sa.false()),  # all other IM accounts are let go
)

bind_failures = sa.Table(
    "bind_failures",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("im_id", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)
index("bind_failures_who", bind_failures.c.account, bind_failures.c.im_id, bind_failures.c.at)

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

# Who has fired a job of a moment: the key lets nobody do it again.
job_runs = sa.Table(
    "job_runs",
    metadata,
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("fired_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("job", "due_at"),
)

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
