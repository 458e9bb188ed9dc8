"""What neighbours do together: sign-ups, wishes, deliberation, supplies; and what the bot asked them meanwhile."""

from __future__ import annotations

import sqlalchemy as sa

from storage.columns import Instant
from storage.tables.base import Id, digits, index, metadata

# An open question about an item that is no ticket (those stand in `dialogs`): `item` as people write it, H12.
# `data` is a JSON object of the step's own.
questions = sa.Table(
    "questions",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "step", "item"),
)
index("questions_item", questions.c.item)
index("questions_expiry", questions.c.expires_at)

# --- sign-ups ---
# `heading` is all that stands above the rows of a 接龙, by which its later copies are known; '' for one made by a
# command. `stage` is what was said of it ahead of time, `next_at` when there is something to do again.
# `organiser_named`: the organiser is the one whom WeChat names as who started the 接龙.
signups = sa.Table(
    "signups",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("starts", Instant),
    sa.Column("ends", Instant),
    sa.Column("capacity", sa.Integer),
    sa.Column("deadline", Instant),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("grid", sa.Text),
    sa.Column("organiser_id", Id, sa.ForeignKey("people.id")),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("heading", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("asks_phone", sa.Boolean, nullable=False),
    sa.Column("brings_card", sa.Boolean, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("next_at", Instant),
    sa.Column("organiser_named", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("forgotten_at", Instant),  # it is over for so long that nobody knows any more who came
    sa.CheckConstraint("state IN ('open', 'closed', 'cancelled')", name="state"),
    sa.CheckConstraint("origin IN ('command', 'chain')", name="origin"),
    sa.CheckConstraint("number > 0 AND capacity > 0 AND stage >= 0", name="counts"),
    digits("grid"),
)
index("signups_room", signups.c.room_id, signups.c.state)
index("signups_organiser", signups.c.organiser_id)
index("signups_next", signups.c.next_at, where=signups.c.next_at.is_not(None))
index("signups_known", signups.c.created_at, where=signups.c.forgotten_at.is_(None))

# Time windows of one activity (疫苗接种), each with a quota of its own.
signup_slots = sa.Table(
    "signup_slots",
    metadata,
    sa.Column("signup", Id, sa.ForeignKey("signups.number", ondelete="CASCADE"), nullable=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("starts", Instant, nullable=False),
    sa.Column("ends", Instant),
    sa.Column("capacity", sa.Integer),
    sa.PrimaryKeyConstraint("signup", "slot"),
    sa.CheckConstraint("slot > 0 AND capacity > 0", name="counts"),
)

# Who comes. `person_id` is NULL for somebody known by a name only, `by_id` is who signed them up. `heads` and `state`
# follow from the steps (storage/places.py); `choice` is the session that a row of a 接龙 names; `phone` is sealed.
signup_entries = sa.Table(
    "signup_entries",
    metadata,
    sa.Column("signup", Id, sa.ForeignKey("signups.number", ondelete="CASCADE"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("by_id", Id, sa.ForeignKey("people.id")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("building", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("signed_at", Instant, nullable=False),
    sa.Column("heads", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("slot", sa.Integer),
    sa.Column("attended_at", Instant),
    sa.Column("phone", sa.LargeBinary),
    sa.Column("choice", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("signup", "seq"),
    sa.CheckConstraint("source IN ('command', 'chain')", name="source"),
    sa.CheckConstraint("state IN ('confirmed', 'waiting', 'cancelled')", name="state"),
    sa.CheckConstraint("heads > 0 AND wanted > 0", name="heads"),
)
# Somebody is in one roster once.
index(
    "signup_entries_person",
    signup_entries.c.signup,
    signup_entries.c.person_id,
    where=signup_entries.c.person_id.is_not(None),
    unique=True,
)
index("signup_entries_of", signup_entries.c.person_id)
index("signup_entries_by", signup_entries.c.by_id)

# What was said, in any order of arrival: from `at` on entry `seq` wants so many places (0: none any more); without an
# entry the quota itself.
signup_steps = sa.Table(
    "signup_steps",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("signup", Id, sa.ForeignKey("signups.number", ondelete="CASCADE"), nullable=False),
    sa.Column("seq", sa.Integer),
    sa.Column("at", Instant, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("heads", sa.Integer),
    sa.Column("slot", sa.Integer),
    sa.Column("account", sa.Text),  # the message that said so, should it be taken back
    sa.Column("message_id", sa.Text),
)
index("signup_steps_signup", signup_steps.c.signup)
index(
    "signup_steps_message",
    signup_steps.c.account,
    signup_steps.c.message_id,
    where=signup_steps.c.message_id.is_not(None),
)

# --- 接龙 ---
# A row that stood in a copy of a list, kept once: `digest` is keyed, of its words; name and building are '' once they
# were erased. `author_id` and `at` are from the wire. `seq` is the entry of the roster that it belongs to.
chain_lines = sa.Table(
    "chain_lines",
    metadata,
    sa.Column("signup", Id, sa.ForeignKey("signups.number", ondelete="CASCADE"), nullable=False),
    sa.Column("line", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("building", sa.Text, nullable=False),
    sa.Column("heads", sa.Integer, nullable=False),
    sa.Column("proxy", sa.Boolean, nullable=False),
    sa.Column("author_id", Id, sa.ForeignKey("people.id")),
    sa.Column("at", Instant),
    sa.Column("seq", sa.Integer),
    sa.Column("choice", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("signup", "line"),
    sa.CheckConstraint("heads > 0", name="heads"),
)
index("chain_lines_author", chain_lines.c.author_id)

# One sending of the list: `rows` is a JSON array of lines in their order, `title` the digest of what stands above them.
chain_copies = sa.Table(
    "chain_copies",
    metadata,
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("signup", Id, sa.ForeignKey("signups.number", ondelete="CASCADE"), nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
    sa.Column("leads", sa.Boolean, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("rows", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("account", "message_id"),
)
index("chain_copies_signup", chain_copies.c.signup, chain_copies.c.sent_at)
index("chain_copies_room", chain_copies.c.room_id)
index("chain_copies_person", chain_copies.c.person_id)

# --- wishes ---
# `scope` is the grid prefix in whose groups it is published, NULL for the one it was wished in. Whoever is first is
# `claimed_by`, set where it is NULL; those after them stand in `wish_line`.
wishes = sa.Table(
    "wishes",
    metadata,
    sa.Column("number", Id, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("public", sa.Text, nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("scope", sa.Text),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("person_id", Id, sa.ForeignKey("people.id")),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("filed_at", Instant, nullable=False),
    sa.Column("reviewer_id", Id, sa.ForeignKey("people.id")),
    sa.Column("reviewed_at", Instant),
    sa.Column("review_id", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("claimed_by", Id, sa.ForeignKey("people.id")),
    sa.Column("claimed_at", Instant),
    sa.Column("claim_room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("anonymous", sa.Boolean, nullable=False),
    sa.Column("release_at", Instant),
    sa.Column("rounds", sa.Integer, nullable=False),
    sa.Column("done_at", Instant),
    sa.Column("photo_id", sa.Text),
    sa.Column("claim_account", sa.Text),  # the message that claimed it, should that be taken back
    sa.Column("claim_id", sa.Text),
    sa.CheckConstraint("state IN ('pending', 'published', 'claimed', 'done', 'rejected', 'withdrawn')", name="state"),
    sa.CheckConstraint("state <> 'claimed' OR (claimed_by IS NOT NULL AND release_at IS NOT NULL)", name="claim"),
    sa.CheckConstraint("state <> 'published' OR claimed_by IS NULL", name="free"),
    digits("grid"),
)
index("wishes_state", wishes.c.state, wishes.c.release_at)
index("wishes_person", wishes.c.person_id)
index("wishes_giver", wishes.c.claimed_by)
WORDED = sa.text("text <> ''")  # a literal, as for the outbox
index("wishes_worded", wishes.c.state, wishes.c.done_at, where=WORDED)
index("wishes_message", wishes.c.account, wishes.c.message_id)

wish_line = sa.Table(
    "wish_line",
    metadata,
    sa.Column("wish", Id, sa.ForeignKey("wishes.number", ondelete="CASCADE"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("room_id", Id, sa.ForeignKey("rooms.id")),
    sa.Column("anonymous", sa.Boolean, nullable=False),
    sa.Column("joined_at", Instant, nullable=False),
    sa.Column("account", sa.Text),  # the message that said so, should it be taken back
    sa.Column("message_id", sa.Text),
    sa.PrimaryKeyConstraint("wish", "person_id"),
)
index("wish_line_person", wish_line.c.person_id)

# 实事: what a leader noted that somebody did. The rest of 四个一 is read from what happened.
deeds = sa.Table(
    "deeds",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("by_id", Id, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("grid", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    digits("grid"),
)
index("deeds_person", deeds.c.person_id)
